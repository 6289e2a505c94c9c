//! JSON in, strictly, and canonical JSON (RFC 8785) out.
//! It knows nothing of statements; it refuses whatever two parsers could read in two ways.
//!
//! The parser is ours because what serde_json reads depends on features that any crate in a build can turn on
//! (`arbitrary_precision`, `float_roundtrip`, `preserve_order`), and because it keeps the last of two equal keys.

mod parser;
mod typed;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::ser::Serialize;

#[cfg(doc)]
use crate::limits;
use parser::Parser;

pub use typed::ShapeError;

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
        Parser::of(text).whole()
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

/// 2⁵³: up to it a double holds every whole number.
const MAX_INTEGER: u64 = 1 << 53;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits;
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
