//! Values of JSON as serde's: what a type makes of one, what of a type becomes one, and in which words a shape is wrong.

use std::fmt;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, IntoDeserializer, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::{Json, MAX_INTEGER, Object, Problem};
use crate::limits;

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => match self.as_integer() {
                Some(integer) => serializer.serialize_i64(integer),
                None => serializer.serialize_f64(*number),
            },
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(items) => {
                let mut sequence = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| sequence.serialize_element(item))?;
                sequence.end()
            }
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                members.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                map.end()
            }
        }
    }
}

/// Where a JSON value hasn't the shape that a type asks for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ShapeError {
    message: String,
    /// A word that isn't one of those that could stand there.
    pub(crate) unknown: Option<(String, &'static [&'static str])>,
}

impl ShapeError {
    fn new(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), unknown: None }
    }

    fn unknown(what: &str, word: &str, expected: &'static [&'static str]) -> Self {
        let message = format!("unknown {what} {}", limits::quoted(word));
        Self { message, unknown: Some((word.to_owned(), expected)) }
    }
}

impl de::Error for ShapeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message)
    }

    fn invalid_type(unexpected: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::new(format_args!("expected {}, found {}", in_words(&expected.to_string()), described(&unexpected)))
    }

    fn invalid_value(unexpected: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::invalid_type(unexpected, expected)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::unknown("field", field, expected)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::unknown("word", variant, expected)
    }
}

/// Says in words of JSON what serde and its derives expect in words of Rust.
fn in_words(expected: &str) -> &str {
    match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" | "u32" | "u64" | "usize" => "a whole number that isn't negative",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a sequence" => "an array",
        "a map" => "an object",
        "unit" | "unit variant" => "a word alone",
        other if other.starts_with("struct ") || other.starts_with("enum ") || other.starts_with("variant ") => "an object",
        other => other,
    }
}

/// Names the kind of a value and never the value, which can be a prompt.
const fn described(unexpected: &de::Unexpected<'_>) -> &'static str {
    match unexpected {
        de::Unexpected::Bool(_) => "a boolean",
        de::Unexpected::Unsigned(_) | de::Unexpected::Signed(_) | de::Unexpected::Float(_) => "a number",
        de::Unexpected::Str(_) | de::Unexpected::Char(_) => "a string",
        de::Unexpected::Unit | de::Unexpected::Option => "null",
        de::Unexpected::Seq => "an array",
        de::Unexpected::Map => "an object",
        _ => "something else",
    }
}

impl Json {
    /// Returns the error of a value where another kind is expected.
    fn is_no(&self, expected: &str) -> ShapeError {
        let found = match self {
            Self::Null => de::Unexpected::Unit,
            Self::Bool(value) => de::Unexpected::Bool(*value),
            Self::Number(number) => de::Unexpected::Float(*number),
            Self::String(text) => de::Unexpected::Str(text),
            Self::Array(_) => de::Unexpected::Seq,
            Self::Object(_) => de::Unexpected::Map,
        };
        ShapeError::new(format_args!("expected {expected}, found {}", described(&found)))
    }
}

impl<'de> de::Deserializer<'de> for &'de Json {
    type Error = ShapeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        match self {
            Json::Null => visitor.visit_unit(),
            Json::Bool(value) => visitor.visit_bool(*value),
            Json::Number(number) => match self.as_integer() {
                Some(integer) => visitor.visit_i64(integer),
                None => visitor.visit_f64(*number),
            },
            Json::String(text) => visitor.visit_borrowed_str(text),
            Json::Array(items) => {
                let mut sequence = SeqDeserializer::new(items.iter());
                let value = visitor.visit_seq(&mut sequence)?;
                sequence.end()?;
                Ok(value)
            }
            Json::Object(members) => {
                let mut map = MapDeserializer::new(members.iter().map(|(key, value)| (key.as_str(), value)));
                let value = visitor.visit_map(&mut map)?;
                map.end()?;
                Ok(value)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        if *self == Json::Null { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ShapeError> {
        visitor.visit_newtype_struct(self)
    }

    /// Structs are objects; a derived visitor would take an array too.
    fn deserialize_struct<V: Visitor<'de>>(self, _: &'static str, _: &'static [&'static str], visitor: V) -> Result<V::Value, ShapeError> {
        match self {
            Json::Object(_) => self.deserialize_any(visitor),
            other => Err(other.is_no("an object")),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ShapeError> {
        match self {
            Json::String(text) => visitor.visit_enum(text.as_str().into_deserializer()),
            Json::Object(members) if members.len() == 1 => visitor.visit_enum(de::value::MapAccessDeserializer::new(MapDeserializer::new(
                members.iter().map(|(key, value)| (key.as_str(), value)),
            ))),
            other => Err(other.is_no(&format!("one of `{}`", variants.join("`, `")))),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, ShapeError> for &'de Json {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> de::Deserialize<'de> for Json {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Json, E> {
        if value.unsigned_abs() > MAX_INTEGER {
            return Err(E::custom(Problem::NumberTooLarge));
        }
        #[expect(clippy::cast_precision_loss, reason = "within ±2⁵³")]
        Ok(Json::Number(value as f64))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Json, E> {
        i64::try_from(value).map_err(|_| E::custom(Problem::NumberTooLarge)).and_then(|value| self.visit_i64(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Json, E> {
        #[expect(clippy::cast_precision_loss, reason = "2⁵³ is exact")]
        if value.abs() <= MAX_INTEGER as f64 { Ok(Json::Number(value)) } else { Err(E::custom(Problem::NumberTooLarge)) }
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::String(value.to_owned()))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut sequence: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut members = Object::new();
        while let Some((key, value)) = map.next_entry::<String, Json>()? {
            if members.insert(key, value).is_some() {
                return Err(de::Error::custom(Problem::DuplicateKey));
            }
        }
        Ok(Json::Object(members))
    }
}
