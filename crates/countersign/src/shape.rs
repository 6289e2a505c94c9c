//! Shapes of foreign JSON messages, checked before another parser reads them, which might read them another way.
//! It knows the forms of protobuf's JSON mapping only; what the fields mean is the affair of who declares them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::json::{Json, Object};
use crate::limits::quoted;

/// What a value must look like.
pub(crate) enum Shape {
    /// A string or a number.
    Scalar,
    /// A string of standard base64, padded and without stray bits: the same bytes have one form.
    Bytes,
    /// Bytes of the length of a SHA-256, so that nobody reads hexadecimal digits in them.
    Hash,
    /// A whole number that isn't negative, as a number or in decimal digits without leading zeros.
    Integer,
    /// An array of one shape.
    List(&'static Self),
    /// An object with no other fields than these.
    Message(&'static [(&'static str, Self)]),
    /// An object in which these fields have these shapes, whatever else is in it.
    Open(&'static [(&'static str, Self)]),
}

/// Why a value hasn't its shape, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Misshapen {
    UnknownField(String),
    /// Its place is made of names that we know.
    Base64(String),
    Other(String),
}

impl Shape {
    /// Checks a whole message.
    ///
    /// # Errors
    /// [`Misshapen`] for the first place that has another shape.
    pub(crate) fn check(&self, json: &Json) -> Result<(), Misshapen> {
        self.check_at(json, Place::Top)
    }

    fn check_at(&self, json: &Json, place: Place<'_>) -> Result<(), Misshapen> {
        match (self, json) {
            (Self::Scalar, Json::String(_) | Json::Number(_)) => Ok(()),
            (Self::Bytes, Json::String(text)) if STANDARD.decode(text).is_ok() => Ok(()),
            (Self::Hash, Json::String(text)) if STANDARD.decode(text).is_ok_and(|bytes| bytes.len() == 32) => Ok(()),
            (Self::Bytes | Self::Hash, Json::String(_)) => Err(Misshapen::Base64(place.to_string())),
            (Self::Integer, Json::String(text)) if is_integer(text) => Ok(()),
            (Self::Integer, json @ Json::Number(_)) if json.as_integer().is_some_and(|number| number >= 0) => Ok(()),
            (Self::List(item), Json::Array(items)) => items.iter().try_for_each(|json| item.check_at(json, place)),
            (Self::Message(fields), Json::Object(members)) => check_members(fields, members, place, false),
            (Self::Open(fields), Json::Object(members)) => check_members(fields, members, place, true),
            _ => {
                Err(Misshapen::Other(quoted(if matches!(place, Place::Top) { "top level".to_owned() } else { place.to_string() }.as_str())))
            }
        }
    }
}

/// Where in a message a value stands; written as a JSON pointer, only where something is wrong there.
#[derive(Clone, Copy)]
enum Place<'a> {
    Top,
    Member(&'a Self, &'a str),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Top => Ok(()),
            Self::Member(parent, name) => write!(f, "{parent}/{name}"),
        }
    }
}

fn check_members(fields: &[(&str, Shape)], members: &Object, place: Place<'_>, open: bool) -> Result<(), Misshapen> {
    members.iter().try_for_each(|(name, value)| {
        let place = Place::Member(&place, name);
        match fields.iter().find(|(field, _)| field == name) {
            Some((_, shape)) => shape.check_at(value, place),
            None if open => Ok(()),
            None => Err(Misshapen::UnknownField(quoted(&place.to_string()))),
        }
    })
}

fn is_integer(text: &str) -> bool {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits && (text == "0" || !text.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: Shape = Shape::Message(&[
        ("bytes", Shape::Bytes),
        ("index", Shape::Integer),
        ("inner", Shape::Open(&[("list", Shape::List(&Shape::Scalar))])),
    ]);

    fn check(text: &str) -> Result<(), Misshapen> {
        MESSAGE.check(&Json::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn a_message_has_its_own_fields_only_and_an_open_one_any() {
        assert_eq!(check(r#"{"bytes":"YQ==","index":"10","inner":{"list":["a",1],"new":[]}}"#), Ok(()));
        assert_eq!(check(r#"{"byte":"YQ=="}"#), Err(Misshapen::UnknownField("`/byte`".to_owned())));
        for other in [r"[]", r#"{"inner":[]}"#, r#"{"inner":{"list":{}}}"#, r#"{"inner":{"list":[[]]}}"#, r#"{"index":null}"#] {
            assert!(matches!(check(other), Err(Misshapen::Other(_))), "{other}");
        }
    }

    #[test]
    fn bytes_and_integers_have_one_form() {
        for base64 in ["YR==", "YQ", "YQ=", "Y-_=", "YQ==\\n"] {
            assert!(matches!(check(&format!(r#"{{"bytes":"{base64}"}}"#)), Err(Misshapen::Base64(_))), "{base64}");
        }
        for index in [r#""""#, r#""01""#, r#""+1""#, r#""-1""#, "-1", "1.5", r#"" 1""#] {
            assert!(check(&format!(r#"{{"index":{index}}}"#)).is_err(), "{index}");
        }
        assert_eq!(check(r#"{"index":0}"#), Ok(()));
    }
}
