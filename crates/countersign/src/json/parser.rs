//! Reads JSON text (RFC 8259) strictly: within the limits, and nothing that two parsers could read in two ways.

use std::collections::btree_map::Entry;

use super::{Json, MAX_INTEGER, Object, Problem, SyntaxError};
use crate::limits;

/// Where in a text the reading stands.
pub(super) struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    values: usize,
}

impl<'a> Parser<'a> {
    pub(super) const fn of(text: &'a str) -> Self {
        Self { text, bytes: text.as_bytes(), at: 0, values: 0 }
    }

    /// Reads one value and nothing else.
    pub(super) fn whole(mut self) -> Result<Json, SyntaxError> {
        self.skip_blanks();
        let value = self.value(0)?;
        self.skip_blanks();
        if self.peek().is_some() { self.fail(Problem::Unexpected) } else { Ok(value) }
    }

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
