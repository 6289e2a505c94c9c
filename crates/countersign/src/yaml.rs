//! Policies' YAML, or JSON, in: one document of the YAML 1.2 core schema, with the place of each value.
//! It knows nothing of policies, and leaves out whatever of YAML two readers could take in two ways.
//!
//! The parser gives events and never recurses, so nesting is counted here before anything is built.
//! Two things it reads too generously are refused line by line before it starts: tabs in indentation, and directives.
#![allow(dead_code, reason = "the policy reads documents")]

use std::collections::BTreeMap;
use std::fmt;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError};

use crate::json::{self, Json, Object};
use crate::limits;

/// Reads one document: JSON if its first character is `{`, YAML otherwise.
///
/// # Errors
/// [`YamlError`] for anything but one document of the YAML 1.2 core schema in UTF-8; for anchors, aliases, tags, merge keys,
/// duplicate keys, keys that aren't strings, directives, tabs in indentation, numbers that [`Json`] can't hold, and
/// whatever exceeds [`limits::POLICY_BYTES`] or [`limits::JSON_DEPTH`].
pub(crate) fn parse(bytes: &[u8]) -> Result<Document, YamlError> {
    if bytes.len() > limits::POLICY_BYTES {
        return Err(YamlError { place: Place::START, problem: Problem::TooLarge });
    }
    let text = std::str::from_utf8(bytes).map_err(|e| YamlError { place: Place::of(bytes, e.valid_up_to()), problem: Problem::NotUtf8 })?;
    if text.bytes().filter(|b| matches!(b, b'[' | b'{' | b',' | b':')).count() > limits::POLICY_INDICATORS {
        return Err(YamlError { place: Place::START, problem: Problem::TooManyValues });
    }
    if text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('{') {
        let value = Json::parse(bytes).map_err(|e| YamlError { place: Place::of(bytes, e.at), problem: Problem::Json(e.problem) })?;
        return Ok(Document { value, places: None });
    }
    check_lines(text)?;
    let mut builder = Builder { open: Vec::new(), root: None };
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event?;
        let place = Place::from(span.start);
        builder.take(event, place).map_err(|problem| YamlError { place, problem })?;
    }
    match builder.root {
        Some((value, places)) => Ok(Document { value, places: Some(places) }),
        None => Err(YamlError { place: Place::START, problem: Problem::Empty }),
    }
}

/// A document's value, and where its parts stand.
#[derive(Debug)]
pub(crate) struct Document {
    /// What the document says.
    pub(crate) value: Json,
    places: Option<Places>,
}

impl Document {
    /// Returns the place of the value at a JSON pointer, or of the nearest one around it; a member's place is its key's.
    ///
    /// `None` for a document that was JSON: its parser keeps no places.
    pub(crate) fn place(&self, pointer: &str) -> Option<Place> {
        let (mut value, mut here) = (&self.value, self.places.as_ref()?);
        for token in pointer.split('/').skip(1) {
            let found = match value {
                Json::Array(items) => token.parse().ok().and_then(|i: usize| Some((items.get(i)?, here.inside.get(i)?))),
                Json::Object(members) => {
                    let name = token.replace("~1", "/").replace("~0", "~");
                    members.iter().zip(&here.inside).find(|((key, _), _)| **key == name).map(|((_, value), places)| (value, places))
                }
                _ => None,
            };
            let Some(inside) = found else { break };
            (value, here) = inside;
        }
        Some(here.place)
    }
}

/// A line and a column, both counted from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The line.
    pub(crate) line: usize,
    /// The column.
    pub(crate) column: usize,
}

impl Place {
    const START: Self = Self { line: 1, column: 1 };

    fn of(bytes: &[u8], at: usize) -> Self {
        let before = String::from_utf8_lossy(bytes.get(..at).unwrap_or(bytes));
        let last = before.rsplit('\n').next().unwrap_or_default();
        Self { line: before.matches('\n').count() + 1, column: last.chars().count() + 1 }
    }
}

impl From<Marker> for Place {
    fn from(marker: Marker) -> Self {
        Self { line: marker.line(), column: marker.col() + 1 }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Why bytes are not a document as we read it, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub(crate) struct YamlError {
    /// Where the problem begins.
    pub(crate) place: Place,
    /// What is wrong there.
    pub(crate) problem: Problem,
}

impl From<ScanError> for YamlError {
    fn from(error: ScanError) -> Self {
        let problem = match error.info() {
            "while parsing node, found unknown anchor" => Problem::Alias,
            info => Problem::Syntax(info.to_owned()),
        };
        Self { place: Place::from(*error.marker()), problem }
    }
}

/// What can be wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    #[error("the document has more than {} bytes; make it shorter", limits::POLICY_BYTES)]
    TooLarge,
    #[error("the document has more than {} brackets, commas and colons; make it shorter", limits::POLICY_INDICATORS)]
    TooManyValues,
    #[error("not UTF-8; save the file as UTF-8")]
    NotUtf8,
    #[error("a byte order mark stands here; save the file as UTF-8 without one")]
    ByteOrderMark,
    #[error("a control character stands here; remove it, or write it as an escape in double quotes")]
    ControlCharacter,
    #[error("a tab stands in the indentation; indent with spaces")]
    Tab,
    #[error("directives (`%`) are not read; remove this line")]
    Directive,
    #[error("not JSON, as which a document is read whose first character is a brace: {0}")]
    Json(json::Problem),
    #[error("not YAML: {0}")]
    Syntax(String),
    #[error("the document is empty; write at least one value")]
    Empty,
    #[error("a second document begins here; keep one document in a file")]
    SecondDocument,
    #[error("anchors (`&`) are not read; write the value out wherever it is needed")]
    Anchor,
    #[error("aliases (`*`) are not read; write the value out, or quote it if it is a string")]
    Alias,
    #[error("tags (`!`) are not read; remove the tag, or quote the value if it is a string")]
    Tag,
    #[error("merge keys (`<<`) are not read; write the members out")]
    MergeKey,
    #[error("the key `{0}` occurs twice in one mapping; remove one")]
    DuplicateKey(String),
    #[error("a key must be a string; quote it")]
    KeyNotString,
    #[error("a number beyond 2^53 is not exact everywhere; quote it if it is a name or a digest")]
    NumberTooLarge,
    #[error("neither infinity nor NaN is a value; write a number, or quote it if it is a string")]
    NotFinite,
    #[error("nesting deeper than {}; write it flatter", limits::JSON_DEPTH)]
    TooDeep,
}

/// Where a value stands, and the values inside it, in the order in which [`Json`] has them.
///
/// A tree rather than pointers as text: those could be a thousand times longer than the document.
#[derive(Debug)]
struct Places {
    place: Place,
    inside: Vec<Places>,
}

/// Makes a value of events, with a stack of the collections that are still open.
struct Builder {
    open: Vec<Open>,
    root: Option<(Json, Places)>,
}

struct Open {
    place: Place,
    collection: Collection,
}

enum Collection {
    Array { items: Vec<Json>, places: Vec<Places> },
    Object { members: Object, places: BTreeMap<String, Places>, key: Option<(String, Place)> },
}

impl Builder {
    fn take(&mut self, event: Event<'_>, place: Place) -> Result<(), Problem> {
        match event {
            Event::DocumentStart(_) if self.root.is_some() => Err(Problem::SecondDocument),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => Ok(()),
            Event::Alias(_) => Err(Problem::Alias),
            Event::Scalar(_, _, anchor, _) | Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _) if anchor != 0 => {
                Err(Problem::Anchor)
            }
            Event::Scalar(_, _, _, Some(_)) | Event::SequenceStart(_, Some(_)) | Event::MappingStart(_, Some(_)) => Err(Problem::Tag),
            Event::Scalar(text, ScalarStyle::Plain, ..) => self.plain(&text, place),
            Event::Scalar(text, ..) => self.scalar(Json::String(text.into_owned()), place),
            Event::SequenceStart(..) => self.begin(Collection::Array { items: Vec::new(), places: Vec::new() }, place),
            Event::MappingStart(..) => self.begin(Collection::Object { members: Object::new(), places: BTreeMap::new(), key: None }, place),
            Event::SequenceEnd | Event::MappingEnd => self.end(),
        }
    }

    fn plain(&mut self, text: &str, place: Place) -> Result<(), Problem> {
        if text == "<<" && self.expects_key() {
            return Err(Problem::MergeKey);
        }
        // `---` with nothing after it is a document in YAML; nobody means `null` by it.
        if text.is_empty() && self.open.is_empty() {
            return Err(Problem::Empty);
        }
        let value = match resolve(text) {
            Err(_) if self.expects_key() => return Err(Problem::KeyNotString),
            resolved => resolved?,
        };
        self.scalar(value, place)
    }

    fn scalar(&mut self, value: Json, place: Place) -> Result<(), Problem> {
        if let Some(Open { collection: Collection::Object { members, key: key @ None, .. }, .. }) = self.open.last_mut() {
            let Json::String(name) = value else { return Err(Problem::KeyNotString) };
            if members.contains_key(&name) {
                return Err(Problem::DuplicateKey(name.chars().take(limits::QUOTED_CHARACTERS).collect()));
            }
            *key = Some((name, place));
            return Ok(());
        }
        self.attach(value, Places { place, inside: Vec::new() })
    }

    fn begin(&mut self, collection: Collection, place: Place) -> Result<(), Problem> {
        if self.expects_key() {
            return Err(Problem::KeyNotString);
        }
        if self.open.len() >= limits::JSON_DEPTH {
            return Err(Problem::TooDeep);
        }
        self.open.push(Open { place, collection });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Problem> {
        match self.open.pop() {
            Some(Open { place, collection: Collection::Array { mut items, mut places } }) => {
                items.shrink_to_fit();
                places.shrink_to_fit();
                self.attach(Json::Array(items), Places { place, inside: places })
            }
            Some(Open { place, collection: Collection::Object { members, places, key: None } }) => {
                self.attach(Json::Object(members), Places { place, inside: places.into_values().collect() })
            }
            // The parser gives an end for each beginning, and a value for each key.
            _ => Err(Problem::Syntax("a mapping or sequence ends too early".to_owned())),
        }
    }

    fn attach(&mut self, value: Json, places: Places) -> Result<(), Problem> {
        match self.open.last_mut().map(|open| &mut open.collection) {
            None => self.root = Some((value, places)),
            Some(Collection::Array { items, places: inside }) => {
                items.push(value);
                inside.push(places);
            }
            Some(Collection::Object { members, places: inside, key }) => {
                // A value without a key was refused when it began.
                let (name, place) = key.take().ok_or(Problem::KeyNotString)?;
                members.insert(name.clone(), value);
                inside.insert(name, Places { place, ..places });
            }
        }
        Ok(())
    }

    fn expects_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { collection: Collection::Object { key: None, .. }, .. }))
    }
}

/// Resolves a plain scalar by the core schema (YAML 1.2.2 §10.3.2).
fn resolve(text: &str) -> Result<Json, Problem> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Json::Null),
        "true" | "True" | "TRUE" => return Ok(Json::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Json::Bool(false)),
        ".nan" | ".NaN" | ".NAN" => return Err(Problem::NotFinite),
        _ => {}
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix).filter(|d| !d.is_empty() && d.chars().all(|c| c.is_digit(radix))) {
            return integer(i64::from_str_radix(digits, radix).ok());
        }
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Err(Problem::NotFinite);
    }
    match Decimal::of(unsigned) {
        // A whole number is compared before it is rounded: 2⁵³ + 1 would become 2⁵³.
        Some(Decimal::Whole) => integer(text.parse().ok()),
        Some(Decimal::Fraction) => match text.parse::<f64>() {
            #[expect(clippy::cast_precision_loss, reason = "2⁵³ is exact")]
            Ok(number) if number.abs() <= MOST_INTEGER as f64 => Ok(Json::Number(number)),
            _ => Err(Problem::NumberTooLarge),
        },
        None => Ok(Json::from(text)),
    }
}

fn integer(number: Option<i64>) -> Result<Json, Problem> {
    match number {
        #[expect(clippy::cast_precision_loss, reason = "within ±2⁵³ it is exact")]
        Some(number) if number.unsigned_abs() <= MOST_INTEGER => Ok(Json::Number(number as f64)),
        _ => Err(Problem::NumberTooLarge),
    }
}

enum Decimal {
    Whole,
    Fraction,
}

impl Decimal {
    fn of(unsigned: &str) -> Option<Self> {
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(m, e)| (m, Some(e)));
        if let Some(exponent) = exponent {
            let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            if exponent.is_empty() || !digits(exponent) {
                return None;
            }
        }
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) {
            return None;
        }
        Some(if exponent.is_none() && !mantissa.contains('.') { Self::Whole } else { Self::Fraction })
    }
}

/// Refuses what the parser would let pass, or would not name: marks, control characters, directives, tabs in indentation.
///
/// Stricter than YAML, which allows a tab in front of what stands in brackets or continues a text.
fn check_lines(text: &str) -> Result<(), YamlError> {
    let mut prologue = true;
    for (number, line) in text.replace("\r\n", "\n").split(['\n', '\r']).enumerate() {
        let fail = |column: usize, problem| Err(YamlError { place: Place { line: number + 1, column: column + 1 }, problem });
        if line.starts_with('\u{FEFF}') {
            return fail(0, Problem::ByteOrderMark);
        }
        if let Some(column) = line.chars().position(|c| c < ' ' && c != '\t') {
            return fail(column, Problem::ControlCharacter);
        }
        let content = line.trim_start_matches([' ', '\t']);
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        if prologue && line.starts_with('%') {
            return fail(0, Problem::Directive);
        }
        prologue &= line.starts_with("...");
        if let Some(column) = line.chars().take_while(|c| matches!(c, ' ' | '\t' | '-' | '?' | ':')).position(|c| c == '\t') {
            return fail(column, Problem::Tab);
        }
    }
    Ok(())
}

const MOST_INTEGER: u64 = 1 << 53;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value(yaml: &str) -> Json {
        parse(yaml.as_bytes()).unwrap_or_else(|e| panic!("{yaml:?}: {e}")).value
    }

    fn json(text: &str) -> Json {
        Json::parse(text.as_bytes()).unwrap()
    }

    #[track_caller]
    fn refuses(yaml: impl AsRef<[u8]>, line: usize, column: usize, problem: Problem) {
        assert_eq!(parse(yaml.as_ref()).unwrap_err(), YamlError { place: Place { line, column }, problem });
    }

    #[test]
    fn reads_the_forms_that_policies_use() {
        let yaml = "\
version: 1   # a comment
id: demo
expires: 2027-01-01T00:00:00Z
signers:
  - id: platform
    key: MFkwEwYH+/=
    mayAttest:
      - {predicate: \"https://slsa.dev/provenance/v1\", ceiling: harness}
people: [{id: m, identities: [{signer: m}, {issuer: local, subject: m@example.test}]}]
list:
- a
- b
text: |
  one
  two
folded: >-
  one
  two
single: 'it''s'
nothing:
";
        let expected = r#"{"version":1,"id":"demo","expires":"2027-01-01T00:00:00Z",
            "signers":[{"id":"platform","key":"MFkwEwYH+/=","mayAttest":[{"predicate":"https://slsa.dev/provenance/v1","ceiling":"harness"}]}],
            "people":[{"id":"m","identities":[{"signer":"m"},{"issuer":"local","subject":"m@example.test"}]}],
            "list":["a","b"],"text":"one\ntwo\n","folded":"one two","single":"it's","nothing":null}"#;
        assert_eq!(value(yaml), json(expected));
        assert_eq!(value(&format!("---\n{yaml}...\n")), json(expected));
        assert_eq!(value(&yaml.replace('\n', "\r\n")), json(expected));
    }

    #[test]
    fn resolves_plain_scalars_by_the_core_schema() {
        for (yaml, expected) in [
            ("[null, Null, NULL, ~]", "[null,null,null,null]"),
            ("[true, True, TRUE, false, False, FALSE]", "[true,true,true,false,false,false]"),
            ("[yes, No, on, OFF, y, n, nUll, tRUE]", r#"["yes","No","on","OFF","y","n","nUll","tRUE"]"#),
            ("[0, -1, +2, 010, -0, 0o17, 0x1F, 0xff]", "[0,-1,2,10,0,15,31,255]"),
            ("[1.5, -.5, 1., +1.e2, 1e3, 1E-1]", "[1.5,-0.5,1,100,1000,0.1]"),
            ("[9007199254740992, -9007199254740992, 0x20000000000000]", "[9007199254740992,-9007199254740992,9007199254740992]"),
            ("[2026-01-01, 2026-01-01T00:00:00Z, 12:30:45]", r#"["2026-01-01","2026-01-01T00:00:00Z","12:30:45"]"#),
            (
                "[1_000, 0b1, 0o8, 0x, 0xg, +0x1, -0o7, 1e, e1, ., +, -., 1.2.3, .e1]",
                concat!(r#"["1_000","0b1","0o8","0x","0xg","+0x1","-0o7","1e","e1",".","+","-.","1.2.3",".e1"]"#),
            ),
            ("[inf, nan, Infinity, -inf, .iNf, +.nan]", r#"["inf","nan","Infinity","-inf",".iNf","+.nan"]"#),
            ("['1', \"true\", 'null', '', \"~\"]", r#"["1","true","null","","~"]"#),
            ("[<<, =]", r#"["<<","="]"#),
        ] {
            assert_eq!(value(yaml), json(expected), "{yaml}");
        }
    }

    #[test]
    fn refuses_what_two_readers_could_take_in_two_ways() {
        refuses("a: &x 1", 1, 4, Problem::Anchor);
        refuses("a: &x [1]", 1, 4, Problem::Anchor);
        refuses("&x a: 1", 1, 1, Problem::Anchor);
        refuses("a: *x", 1, 4, Problem::Alias);
        refuses("a: !!str 1", 1, 4, Problem::Tag);
        refuses("a: !x {}", 1, 4, Problem::Tag);
        refuses("a: ! 1", 1, 4, Problem::Tag);
        refuses("- !!seq []", 1, 3, Problem::Tag);
        refuses("a:\n  <<: {b: 1}", 2, 3, Problem::MergeKey);
        refuses("a: 1\nb: 2\na: 3", 3, 1, Problem::DuplicateKey("a".to_owned()));
        refuses("a: 1\n\"\\x61\": 2", 2, 1, Problem::DuplicateKey("a".to_owned()));
        refuses("- {b: 1, 'b': 1}", 1, 10, Problem::DuplicateKey("b".to_owned()));
        refuses("a: 1\n---\nb: 2", 2, 1, Problem::SecondDocument);
        refuses("a: 1\n...\n---\n", 3, 1, Problem::SecondDocument);
        refuses("%YAML 1.2\n---\na: 1", 1, 1, Problem::Directive);
        refuses("# c\n\n%TAG ! tag:example.test,2026:\n---\na: 1", 3, 1, Problem::Directive);
        refuses("...\n%YAML 1.1\n---\na: 1", 2, 1, Problem::Directive);
        refuses("\u{FEFF}a: 1", 1, 1, Problem::ByteOrderMark);
        refuses("# c\n\u{FEFF}a: 1", 2, 1, Problem::ByteOrderMark);
        refuses("\u{FEFF}{\"a\":1}", 1, 1, Problem::ByteOrderMark);
        assert_eq!(value("'<<': 1"), json(r#"{"<<":1}"#), "quoted, it is a key like any other");
    }

    #[test]
    fn refuses_keys_that_are_not_strings() {
        for (yaml, column) in [
            ("1: a", 1),
            ("true: a", 1),
            ("~: a", 1),
            ("1.5: a", 1),
            (": a", 1),
            (".nan: a", 1),
            ("99999999999999999999: a", 1),
            ("? [a]\n: b", 3),
            ("? {a: b}\n: c", 3),
        ] {
            refuses(yaml, 1, column, Problem::KeyNotString);
        }
        refuses("- {a: b}: c", 1, 3, Problem::KeyNotString);
        assert_eq!(value("'1': a\n\"true\": b\nyes: c\n'': d"), json(r#"{"1":"a","true":"b","yes":"c","":"d"}"#));
    }

    #[test]
    fn refuses_values_that_json_cannot_hold() {
        for number in
            ["9007199254740993", "-9007199254740993", "1e400", "9007199254740994.0", "0x20000000000001", "0o777777777777777777777777"]
        {
            refuses(format!("a: {number}"), 1, 4, Problem::NumberTooLarge);
        }
        for number in [".nan", ".NaN", ".inf", "-.INF", "+.Inf"] {
            refuses(format!("a: {number}"), 1, 4, Problem::NotFinite);
        }
    }

    #[test]
    fn refuses_documents_without_a_value() {
        for empty in ["", " ", "\n\n", "# only a comment\n", "---\n", "---\n...\n", "..."] {
            assert_eq!(parse(empty.as_bytes()).unwrap_err().problem, Problem::Empty, "{empty:?}");
        }
        assert_eq!(value("~"), Json::Null);
        assert_eq!(value("''"), Json::from(""));
    }

    #[test]
    fn refuses_tabs_in_indentation() {
        refuses("a:\n\tb: 1", 2, 1, Problem::Tab);
        refuses("a:\n  \tb: 1", 2, 3, Problem::Tab);
        refuses("-\ta: 1\n \tb: 2", 1, 2, Problem::Tab);
        refuses("- -\t- a", 1, 4, Problem::Tab);
        refuses("?\ta\n: b", 1, 2, Problem::Tab);
        assert_eq!(value("a: b\t# c\n\t\n\t# d\n"), json(r#"{"a":"b"}"#), "elsewhere a tab is a blank");
        assert_eq!(value("a: \"\tb\""), json(r#"{"a":"\tb"}"#));
    }

    #[test]
    fn refuses_bytes_that_are_no_text() {
        refuses(b"a: 1\nb: \xFF", 2, 4, Problem::NotUtf8);
        refuses(b"\xFF\xFEa\0", 1, 1, Problem::NotUtf8);
        refuses("a: \0", 1, 4, Problem::ControlCharacter);
        refuses("a: \"\x1B[0m\"", 1, 5, Problem::ControlCharacter);
    }

    #[test]
    fn refuses_what_is_no_yaml() {
        for yaml in
            ["a: b: c", "[a", "a: [b}", "'a", "a: 'b' c", "- a\nb: c", "a:\n  b: 1\n c: 2", "a: @b", "a: |\n b\na", "a: 1\n%YAML 1.2"]
        {
            let error = parse(yaml.as_bytes()).unwrap_err();
            assert!(matches!(error.problem, Problem::Syntax(_)), "{yaml:?}: {error}");
        }
    }

    #[test]
    fn bounds_size_depth_and_number() {
        let nested = |depth: usize| format!("#\n{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(nested(limits::JSON_DEPTH).as_bytes()).is_ok());
        refuses(nested(limits::JSON_DEPTH + 1), 2, limits::JSON_DEPTH + 1, Problem::TooDeep);
        refuses("- ".repeat(limits::JSON_DEPTH + 1), 1, 2 * limits::JSON_DEPTH + 1, Problem::TooDeep);
        refuses("- ".repeat(limits::POLICY_BYTES / 2), 1, 2 * limits::JSON_DEPTH + 1, Problem::TooDeep);
        assert!(parse("[".repeat(100_000).as_bytes()).is_err());

        let padded = |bytes: usize| format!("a: 1\n#{}", "x".repeat(bytes - 6));
        assert!(parse(padded(limits::POLICY_BYTES).as_bytes()).is_ok());
        refuses(padded(limits::POLICY_BYTES + 1), 1, 1, Problem::TooLarge);

        let items = |commas: usize| format!("[{}]", "a,".repeat(commas));
        assert!(parse(items(limits::POLICY_INDICATORS - 1).as_bytes()).is_ok());
        refuses(items(limits::POLICY_INDICATORS), 1, 1, Problem::TooManyValues);
        refuses(format!("{{\"a\":[{}0]}}", "0,".repeat(limits::POLICY_INDICATORS)), 1, 1, Problem::TooManyValues);
    }

    #[test]
    fn a_long_key_is_not_repeated_whole() {
        let key = "k".repeat(1_000);
        refuses(format!("{key}: 1\n{key}: 2"), 2, 1, Problem::DuplicateKey("k".repeat(limits::QUOTED_CHARACTERS)));
    }

    #[test]
    fn a_brace_first_means_json() {
        assert_eq!(value(" \r\n\t{\"a\": [1, true]}\n"), json(r#"{"a":[1,true]}"#));
        assert_eq!(parse(b"{\"a\": 1}").unwrap().place("/a"), None);
        refuses("{\"a\": 1,\n \"b\": x}", 2, 7, Problem::Json(json::Problem::Unexpected));
        refuses("{\"ä\": 1, \"ä\": 2}", 1, 10, Problem::Json(json::Problem::DuplicateKey));
        refuses("{a: b}", 1, 2, Problem::Json(json::Problem::Unexpected));
    }

    #[test]
    fn names_the_place_of_each_value() {
        let document = parse("# c\na: 1\nb:\n  - x\n  - c/d: {e~: [ä, f]}\n".as_bytes()).unwrap();
        let place = |pointer: &str| document.place(pointer).map(|place| (place.line, place.column)).unwrap();
        assert_eq!(place(""), (2, 1));
        assert_eq!(place("/a"), (2, 1));
        assert_eq!(place("/b"), (3, 1));
        assert_eq!(place("/b/0"), (4, 5));
        assert_eq!(place("/b/1"), (5, 5));
        assert_eq!(place("/b/1/c~1d"), (5, 5));
        assert_eq!(place("/b/1/c~1d/e~0"), (5, 11));
        assert_eq!(place("/b/1/c~1d/e~0/1"), (5, 19));
        assert_eq!(place("/b/7"), (3, 1), "what is missing is missed where it should be");
        assert_eq!(place("/b/1/missing/deeper"), (5, 5));
    }

    #[test]
    fn an_error_reads_as_one_line_with_its_place() {
        let error = parse(b"a: 1\na: 2").unwrap_err();
        assert_eq!(error.to_string(), "line 2, column 1: the key `a` occurs twice in one mapping; remove one");
    }

    fn any_json() -> impl Strategy<Value = Json> {
        let text = prop_oneof![any::<String>(), "[-?:,\\[\\]{}#&*!|>'\"%@` \t\n\r\\\\~<=.0-9a-e\u{85}\u{a0}\u{2028}\u{feff}\u{7f}]{0,12}"];
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Bool),
            (-(1_i64 << 53)..=1 << 53).prop_map(|n| Json::Number(n as f64)),
            (-1e15_f64..1e15).prop_map(Json::Number),
            (-1e-5_f64..1e-5).prop_map(Json::Number),
            text.clone().prop_map(Json::String),
        ];
        leaf.prop_recursive(6, 64, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Json::Array),
                prop::collection::btree_map(text.clone(), inner, 0..6).prop_map(Json::Object),
            ]
        })
    }

    /// Writes a value in block style, with strings as JSON quotes them.
    fn block(json: &Json, indent: usize, out: &mut String) {
        let pad = " ".repeat(indent);
        match json {
            Json::Array(items) if !items.is_empty() => items.iter().for_each(|item| {
                out.push_str(&format!("\n{pad}- "));
                block(item, indent + 2, out);
            }),
            Json::Object(members) if !members.is_empty() => members.iter().for_each(|(key, item)| {
                let key = String::from_utf8(Json::from(key.as_str()).canonical()).unwrap();
                // A key of over 1,024 characters needs the explicit form.
                out.push_str(&format!("\n{pad}? {key}\n{pad}: "));
                block(item, indent + 2, out);
            }),
            leaf => out.push_str(&String::from_utf8(leaf.canonical()).unwrap()),
        }
    }

    proptest! {
        #[test]
        fn json_means_the_same_as_yaml(json in any_json()) {
            let text = String::from_utf8(json.canonical()).unwrap();
            let as_yaml = parse(format!("# not a brace\n{text}").as_bytes());
            prop_assert_eq!(as_yaml.map(|document| document.value), Ok(json));
        }

        #[test]
        fn block_style_means_the_same_as_json(json in any_json()) {
            let mut text = String::from("---");
            if !matches!(json, Json::Array(_) | Json::Object(_)) {
                text.push(' ');
            }
            if matches!(&json, Json::Array(items) if items.is_empty()) || matches!(&json, Json::Object(members) if members.is_empty()) {
                text.push(' ');
            }
            block(&json, 0, &mut text);
            let parsed = parse(text.as_bytes());
            prop_assert_eq!(parsed.map(|document| document.value), Ok(json), "{}", text);
        }

        #[test]
        fn no_text_makes_it_panic(text in "(?:[-?:,\\[\\]{}#&*!|>'\"%@` \t\n\r\\\\~<.0-9a\u{feff}é]|- |: |\n |\\? |--- |\\.\\.\\.|<<: |\\\\U|\\\\x){0,60}") {
            if let Ok(document) = parse(text.as_bytes()) {
                prop_assert_eq!(Json::parse(&document.value.canonical()).unwrap(), document.value);
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>()) {
            let _ = parse(&bytes);
        }
    }
}
