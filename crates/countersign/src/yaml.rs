//! Policies' YAML, or JSON, in: one document of the YAML 1.2 core schema, with the place of each value.
//! It knows nothing of policies, and leaves out whatever of YAML two readers could take in two ways.
//!
//! The parser gives events and never recurses, so nesting is counted here before anything is built.
//! Two things it reads too generously are refused line by line before it starts: tabs in indentation, and directives.

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
mod tests;
