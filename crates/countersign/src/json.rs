//! JSON in, strictly, and canonical JSON (RFC 8785) out.
//! It knows nothing of statements; it refuses whatever two parsers could read in two ways.
//!
//! The parser is ours because what serde_json reads depends on features that any crate in a build can turn on
//! (`arbitrary_precision`, `float_roundtrip`, `preserve_order`), and because it keeps the last of two equal keys.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, DeserializeOwned, IntoDeserializer, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::limits;

/// A JSON value without duplicate keys, numbers beyond ±2⁵³ or lone surrogates.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Json {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number within ±2⁵³, so that every integer is exact.
    Number(f64),
    /// A string of Unicode scalar values.
    String(String),
    /// An array.
    Array(Vec<Json>),
    /// An object; its keys are unique.
    Object(Object),
}

/// The members of a JSON object.
pub type Object = BTreeMap<String, Json>;

impl Json {
    /// Parses one JSON text (RFC 8259) of UTF-8 and nothing else.
    ///
    /// # Errors
    /// [`SyntaxError`] for anything but JSON, for duplicate keys at any depth (after unescaping), numbers beyond ±2⁵³,
    /// lone surrogates, nesting beyond [`limits::JSON_DEPTH`], and more than [`limits::JSON_VALUES`] values.
    pub fn parse(bytes: &[u8]) -> Result<Self, SyntaxError> {
        let text = std::str::from_utf8(bytes).map_err(|e| SyntaxError { at: e.valid_up_to(), problem: Problem::NotUtf8 })?;
        let mut parser = Parser { bytes: text.as_bytes(), text, at: 0, values: 0 };
        parser.skip_blanks();
        let value = parser.value(0)?;
        parser.skip_blanks();
        if parser.peek().is_some() { parser.fail(Problem::Unexpected) } else { Ok(value) }
    }

    /// Returns what `value` serializes to.
    ///
    /// # Errors
    /// [`SyntaxError`] if the value has no JSON form within the limits of [`Json::parse`].
    pub fn of<T: Serialize>(value: &T) -> Result<Self, SyntaxError> {
        let bytes = serde_json_canonicalizer::to_vec(value).map_err(|_| SyntaxError { at: 0, problem: Problem::NotJson })?;
        Self::parse(&bytes)
    }

    /// Reads a typed value out of this one.
    ///
    /// # Errors
    /// [`ShapeError`] naming the first place where the value hasn't the type's shape.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T, ShapeError> {
        T::deserialize(self)
    }

    /// Returns the canonical bytes (RFC 8785).
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        // INVARIANT: no NaN, no infinity and no key but a string gets into a `Json`, and a `Vec` takes every write.
        serde_json_canonicalizer::to_vec(self).unwrap_or_default()
    }

    /// Returns the member of that name, if this is an object that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_object()?.get(key)
    }

    /// Returns the value at a JSON pointer (RFC 6901).
    #[must_use]
    pub fn pointer(&self, pointer: &str) -> Option<&Self> {
        let Some(path) = pointer.strip_prefix('/') else {
            return pointer.is_empty().then_some(self);
        };
        path.split('/').try_fold(self, |value, token| match value {
            Self::Object(members) => members.get(&token.replace("~1", "/").replace("~0", "~")),
            Self::Array(items) => items.get(token.parse::<usize>().ok()?),
            _ => None,
        })
    }

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

    /// Returns the text, if this is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// Returns the items, if this is an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    /// Returns the members, if this is an object.
    #[must_use]
    pub const fn as_object(&self) -> Option<&Object> {
        if let Self::Object(members) = self { Some(members) } else { None }
    }

    /// Returns the number, if this is a whole one.
    #[must_use]
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Number(number) if number.fract() == 0.0 =>
            {
                #[expect(clippy::cast_possible_truncation, reason = "a whole number within ±2⁵³ fits")]
                Some(*number as i64)
            }
            _ => None,
        }
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

/// Returns the canonical bytes (RFC 8785) of what `value` serializes to.
///
/// # Errors
/// [`SyntaxError`] if the value has no JSON form within the limits of [`Json::parse`].
pub fn canonical<T: Serialize>(value: &T) -> Result<Vec<u8>, SyntaxError> {
    Ok(Json::of(value)?.canonical())
}

/// Why bytes are not JSON as we read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at byte {at}")]
pub struct SyntaxError {
    /// The offset of the first byte that doesn't fit.
    pub at: usize,
    /// What is wrong there.
    pub problem: Problem,
}

impl SyntaxError {
    /// Returns true if a limit of ours, not the bytes, is to blame.
    #[must_use]
    pub const fn is_limit(&self) -> bool {
        matches!(self.problem, Problem::TooDeep | Problem::TooManyValues)
    }
}

/// What can be wrong with JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The bytes are not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// The text begins with a byte order mark.
    #[error("byte order mark")]
    ByteOrderMark,
    /// The text ended in the middle of a value.
    #[error("unexpected end")]
    UnexpectedEnd,
    /// A character stands where none such may.
    #[error("unexpected character")]
    Unexpected,
    /// A key occurs twice in one object.
    #[error("duplicate key")]
    DuplicateKey,
    /// An integer beyond ±2⁵³, which not every reader keeps exact.
    #[error("number beyond 2^53")]
    NumberTooLarge,
    /// Half of a surrogate pair, which is no character.
    #[error("lone surrogate")]
    LoneSurrogate,
    /// Nesting beyond [`limits::JSON_DEPTH`].
    #[error("nesting too deep")]
    TooDeep,
    /// More values than [`limits::JSON_VALUES`].
    #[error("too many values")]
    TooManyValues,
    /// A value that has no JSON form.
    #[error("not a JSON value")]
    NotJson,
}

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    values: usize,
}

impl Parser<'_> {
    fn value(&mut self, depth: usize) -> Result<Json, SyntaxError> {
        self.values += 1;
        if self.values > limits::JSON_VALUES {
            return self.fail(Problem::TooManyValues);
        }
        match self.peek() {
            Some(b'{') => self.object(depth + 1),
            Some(b'[') => self.array(depth + 1),
            Some(b'"') => Ok(Json::String(self.string()?)),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(0xEF) if self.text.starts_with('\u{FEFF}') && self.at == 0 => self.fail(Problem::ByteOrderMark),
            Some(_) => self.fail(Problem::Unexpected),
            None => self.fail(Problem::UnexpectedEnd),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, SyntaxError> {
        self.open(depth)?;
        let mut members = Object::new();
        if self.closes(b'}') {
            return Ok(Json::Object(members));
        }
        loop {
            let key_at = self.at;
            if self.peek() != Some(b'"') {
                return self.fail(self.end_or_unexpected());
            }
            let key = self.string()?;
            self.skip_blanks();
            self.expect(b':')?;
            self.skip_blanks();
            let value = self.value(depth)?;
            match members.entry(key) {
                Entry::Vacant(entry) => entry.insert(value),
                Entry::Occupied(_) => return Err(SyntaxError { at: key_at, problem: Problem::DuplicateKey }),
            };
            self.skip_blanks();
            if self.closes(b'}') {
                return Ok(Json::Object(members));
            }
            self.expect(b',')?;
            self.skip_blanks();
        }
    }

    fn array(&mut self, depth: usize) -> Result<Json, SyntaxError> {
        self.open(depth)?;
        let mut items = Vec::new();
        if self.closes(b']') {
            return Ok(Json::Array(items));
        }
        loop {
            items.push(self.value(depth)?);
            self.skip_blanks();
            if self.closes(b']') {
                return Ok(Json::Array(items));
            }
            self.expect(b',')?;
            self.skip_blanks();
        }
    }

    fn open(&mut self, depth: usize) -> Result<(), SyntaxError> {
        if depth > limits::JSON_DEPTH {
            return self.fail(Problem::TooDeep);
        }
        self.at += 1;
        self.skip_blanks();
        Ok(())
    }

    fn closes(&mut self, bracket: u8) -> bool {
        let closes = self.peek() == Some(bracket);
        self.at += usize::from(closes);
        closes
    }

    /// Reads a string; `self` stands on its opening quote.
    fn string(&mut self) -> Result<String, SyntaxError> {
        self.at += 1;
        let mut value = String::new();
        loop {
            let plain = self.rest().iter().position(|b| matches!(b, b'"' | b'\\' | 0..=0x1F)).unwrap_or(self.rest().len());
            // Quotes, backslashes and control characters are ASCII, so `plain` ends on a character's boundary.
            value.push_str(self.text.get(self.at..self.at + plain).unwrap_or_default());
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(value);
                }
                Some(b'\\') => value.push(self.escape()?),
                Some(_) => return self.fail(Problem::Unexpected),
                None => return self.fail(Problem::UnexpectedEnd),
            }
        }
    }

    fn escape(&mut self) -> Result<char, SyntaxError> {
        let start = self.at;
        self.at += 1;
        let Some(letter) = self.peek() else { return self.fail(Problem::UnexpectedEnd) };
        let plain = match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{C}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode_escape(start),
            _ => return self.fail(Problem::Unexpected),
        };
        self.at += 1;
        Ok(plain)
    }

    fn unicode_escape(&mut self, start: usize) -> Result<char, SyntaxError> {
        let lone = SyntaxError { at: start, problem: Problem::LoneSurrogate };
        let first = self.four_hex()?;
        if !(0xD800..0xE000).contains(&first) {
            return char::from_u32(first).ok_or(lone);
        }
        if first >= 0xDC00 || !self.rest().starts_with(b"\\u") {
            return Err(lone);
        }
        self.at += 1;
        let second = self.four_hex()?;
        if !(0xDC00..0xE000).contains(&second) {
            return Err(lone);
        }
        char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00)).ok_or(lone)
    }

    /// Reads `u` and four hex digits; `self` stands on the `u`.
    fn four_hex(&mut self) -> Result<u32, SyntaxError> {
        self.at += 1;
        let Some(digits) = self.text.get(self.at..self.at + 4) else { return self.fail(self.end_or_unexpected()) };
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return self.fail(Problem::Unexpected);
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).or_else(|_| self.fail(Problem::Unexpected))
    }

    fn number(&mut self) -> Result<Json, SyntaxError> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        match self.digits() {
            0 => return self.fail(self.end_or_unexpected()),
            1 => {}
            _ if self.bytes.get(start) == Some(&b'0') || self.text.get(start..).is_some_and(|t| t.starts_with("-0")) => {
                return Err(SyntaxError { at: start, problem: Problem::Unexpected });
            }
            _ => {}
        }
        let mut whole = true;
        if self.peek() == Some(b'.') {
            whole = false;
            self.at += 1;
            if self.digits() == 0 {
                return self.fail(self.end_or_unexpected());
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            whole = false;
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            if self.digits() == 0 {
                return self.fail(self.end_or_unexpected());
            }
        }
        let token = self.text.get(start..self.at).unwrap_or_default();
        let too_large = SyntaxError { at: start, problem: Problem::NumberTooLarge };
        // A whole number is compared before it is rounded: 2⁵³ + 1 would become 2⁵³.
        if whole && token.parse::<i64>().map_or(true, |n| n.unsigned_abs() > MAX_INTEGER) {
            return Err(too_large);
        }
        let number: f64 = token.parse().map_err(|_| too_large)?;
        #[expect(clippy::cast_precision_loss, reason = "2⁵³ is exact")]
        if number.abs() > MAX_INTEGER as f64 { Err(too_large) } else { Ok(Json::Number(number)) }
    }

    fn digits(&mut self) -> usize {
        let count = self.rest().iter().take_while(|b| b.is_ascii_digit()).count();
        self.at += count;
        count
    }

    fn word(&mut self, word: &str, value: Json) -> Result<Json, SyntaxError> {
        if self.rest().starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(value)
        } else {
            self.fail(Problem::Unexpected)
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), SyntaxError> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            self.fail(self.end_or_unexpected())
        }
    }

    fn skip_blanks(&mut self) {
        self.at += self.rest().iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')).count();
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    const fn end_or_unexpected(&self) -> Problem {
        if self.at >= self.bytes.len() { Problem::UnexpectedEnd } else { Problem::Unexpected }
    }

    const fn fail<T>(&self, problem: Problem) -> Result<T, SyntaxError> {
        Err(SyntaxError { at: self.at, problem })
    }
}

const MAX_INTEGER: u64 = 1 << 53;

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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn problem(text: &str) -> Problem {
        Json::parse(text.as_bytes()).expect_err(text).problem
    }

    fn canonical(text: &str) -> String {
        String::from_utf8(Json::parse(text.as_bytes()).expect(text).canonical()).unwrap()
    }

    #[test]
    fn refuses_what_two_parsers_read_in_two_ways() {
        assert_eq!(problem(r#"{"a":1,"a":1}"#), Problem::DuplicateKey);
        assert_eq!(problem(r#"{"a":1,"\u0061":1}"#), Problem::DuplicateKey);
        assert_eq!(problem(r#"[{"x":[{"a":1,"b":2,"a":3}]}]"#), Problem::DuplicateKey);
        assert_eq!(problem("9007199254740993"), Problem::NumberTooLarge);
        assert_eq!(problem("-9007199254740993"), Problem::NumberTooLarge);
        assert_eq!(problem("1e16"), Problem::NumberTooLarge);
        assert_eq!(problem("1e999"), Problem::NumberTooLarge);
        assert_eq!(problem("123456789012345678901234567890"), Problem::NumberTooLarge);
        for lone in [r#""\ud800""#, r#""\udc00""#, r#""\ud800\ud800""#, r#""\ud800x""#, r#"{"\udfff":0}"#] {
            assert_eq!(problem(lone), Problem::LoneSurrogate, "{lone}");
        }
        assert_eq!(Json::parse(b"\"\xFF\"").unwrap_err().problem, Problem::NotUtf8);
        assert_eq!(Json::parse(b"\"\xED\xA0\x80\"").unwrap_err().problem, Problem::NotUtf8);
        assert_eq!(problem("\u{FEFF}{}"), Problem::ByteOrderMark);
    }

    #[test]
    fn refuses_the_same_from_other_readers() {
        assert!(serde_json::from_str::<Json>(r#"{"a":[1,{"b":1.5}]}"#).is_ok());
        for text in [r#"{"a":1,"a":1}"#, "9007199254740993", "-9007199254740993", "18446744073709551615", "1e16"] {
            assert!(serde_json::from_str::<Json>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_not_json() {
        for text in ["", " ", "{", "[1", "\"a", "{\"a\"", "{\"a\":", "-", "1.", "1e", "\"\\", "\"\\u12", "tru"] {
            assert!(matches!(problem(text), Problem::UnexpectedEnd | Problem::Unexpected), "{text}");
        }
        for text in [
            "{a:1}",
            "[1,]",
            "{\"a\":1,}",
            "01",
            "-01",
            "+1",
            ".5",
            "NaN",
            "'a'",
            "\"\t\"",
            "1 2",
            "{} x",
            "\"\\x\"",
            "nul1",
            "[1 2]",
            "/**/1",
            "\"\\u00g0\"",
            "\u{a0}1",
        ] {
            assert_eq!(problem(text), Problem::Unexpected, "{text}");
        }
    }

    #[test]
    fn nests_to_the_limit_and_no_deeper() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(Json::parse(nested(limits::JSON_DEPTH).as_bytes()).is_ok());
        assert_eq!(problem(&nested(limits::JSON_DEPTH + 1)), Problem::TooDeep);
        assert_eq!(problem(&"[".repeat(1 << 20)), Problem::TooDeep);
    }

    #[test]
    fn holds_no_more_values_than_the_limit() {
        let many = |count: usize| format!("[{}0]", "0,".repeat(count - 2));
        assert!(Json::parse(many(limits::JSON_VALUES).as_bytes()).is_ok());
        assert_eq!(problem(&many(limits::JSON_VALUES + 1)), Problem::TooManyValues);
    }

    #[test]
    fn writes_rfc_8785() {
        // RFC 8785 §3.2.2 and §3.2.3, its own examples, save the numbers that we refuse to read.
        assert_eq!(
            canonical(
                r#"{"numbers":[4.50,2e-3,0.000000000000000000000000001,-0],"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#
            ),
            r#"{"literals":[null,true,false],"numbers":[4.5,0.002,1e-27,0],"string":"€$\u000f\nA'B\"\\\\\"/"}"#
        );
        assert_eq!(
            canonical(
                "{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\",\"\\ufb33\":\"Hebrew Letter Dalet With Dagesh\",\"1\":\"One\",\"\\ud83d\\ude00\":\"Emoji: Grinning Face\",\"\\u0080\":\"Control\",\"\\u00f6\":\"Latin Small Letter O With Diaeresis\"}"
            ),
            "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}"
        );
        assert_eq!(canonical("9007199254740992"), "9007199254740992");
        assert_eq!(canonical(" [ 1.0 , -0.0 , 1e2 ] "), "[1,0,100]");
    }

    #[test]
    fn finds_by_pointer() {
        let json = Json::parse(br#"{"a":[{"b/c":1,"~":2}]}"#).unwrap();
        assert_eq!(json.pointer("/a/0/b~1c").and_then(Json::as_integer), Some(1));
        assert_eq!(json.pointer("/a/0/~0").and_then(Json::as_integer), Some(2));
        assert_eq!(json.pointer(""), Some(&json));
        assert_eq!(json.pointer("a"), None);
        assert_eq!(json.pointer("/a/1"), None);
    }

    fn any_json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Bool),
            (-(1_i64 << 53)..=1 << 53).prop_map(|n| Json::Number(n as f64)),
            (-1e15_f64..1e15).prop_map(Json::Number),
            any::<String>().prop_map(Json::String),
        ];
        leaf.prop_recursive(6, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Json::Array),
                prop::collection::btree_map(any::<String>(), inner, 0..6).prop_map(Json::Object),
            ]
        })
    }

    proptest! {
        #[test]
        fn parsing_and_printing_is_the_identity_on_canonical_bytes(json in any_json()) {
            let bytes = json.canonical();
            let parsed = Json::parse(&bytes).unwrap();
            prop_assert_eq!(parsed.canonical(), bytes);
            prop_assert_eq!(parsed, json);
        }

        #[test]
        fn reads_nothing_that_serde_json_refuses(text in r#"[\[\]{}",:0-9eE+.\\ntu\- a-f]{0,24}"#) {
            if Json::parse(text.as_bytes()).is_ok() {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
            }
        }
    }
}
