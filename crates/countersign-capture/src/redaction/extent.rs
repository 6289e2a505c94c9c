//! How far a value reaches, once it's known where it begins: to the quotation mark that closes it, or to the next blank.
//! Whether it's a secret is said by the forms.
//!
//! Texts are lines of JSON, plain text, or JSON within JSON, where a quotation mark stands behind 1, 3, 7 … backslashes and a
//! newline is a backslash, or 2, 4 …, and an `n`. No value reaches over the end of the string that it stands in.

/// A text, with what must be known of its lines.
pub(super) struct Extents<'a> {
    text: &'a [u8],
    /// Where lines begin that look like JSON, and where others do.
    lines: Vec<(usize, bool)>,
}

impl<'a> Extents<'a> {
    pub(super) fn of(text: &'a [u8]) -> Self {
        let mut lines = Vec::new();
        let mut start = 0;
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            lines.push((start, matches!(line.trim_ascii_start().first(), Some(b'{' | b'[' | b'"'))));
            start += line.len();
        }
        Self { text, lines }
    }

    /// Returns where a value ends that a quotation mark opens, written with its backslashes as `mark`; `None` if none closes it.
    pub(super) fn quoted(&self, start: usize, mark: &[u8]) -> Option<usize> {
        let (quote, before) = (*mark.last()?, mark.len().checked_sub(1)?);
        let depth = if quote == b'"' { depth_of(before) } else { self.depth(start) };
        let mut at = start;
        while at < start.saturating_add(FARTHEST) {
            let backslashes = self.backslashes(at);
            let next = *self.text.get(at + backslashes)?;
            match next {
                b'\n' | b'\r' | 0 => return None,
                b'n' | b'r' if backslashes > 0 && backslashes == newline(depth) => return None,
                b'"' if quote == b'"' => match backslashes.checked_sub(before) {
                    // The string around it ends.
                    None => return Some(at),
                    // Backslashes of the value's own come in twos.
                    Some(own) if own % (2 * (before + 1)) == 0 => return Some(at + own),
                    Some(_) => {}
                },
                b'"' if depth > 0 && backslashes < (1 << (depth - 1)) => return None,
                _ if next == quote && (backslashes >> depth).is_multiple_of(2) => return Some(at + backslashes),
                _ => {}
            }
            at += backslashes + 1;
        }
        None
    }

    /// Returns where a value without quotation marks ends: at a blank, a quotation mark or the end of an argument. What ends a
    /// sentence, or a call, and is followed by nothing, isn't the value's.
    pub(super) fn word(&self, start: usize) -> usize {
        let depth = self.depth(start);
        let mut at = start;
        while at < start.saturating_add(FARTHEST) {
            let backslashes = self.backslashes(at);
            let Some(next) = self.text.get(at + backslashes) else { break };
            let is_escape = backslashes > 0 && depth > 0 && backslashes <= newline(depth);
            match next {
                b'"' | b'\'' | b'`' => break,
                b'b' | b'f' | b'n' | b'r' | b't' if is_escape => break,
                b'u' if is_escape && self.text.get(at + backslashes + 1..).is_none_or(is_border) => break,
                0 | 0x1B => break,
                byte if byte.is_ascii_whitespace() => break,
                _ => at += backslashes + 1,
            }
        }
        let at = at.min(self.text.len());
        let value = self.text.get(start..at).unwrap_or_default();
        let signs = value.iter().rev().take(2).take_while(|byte| b",;.:)]}".contains(byte)).count();
        at - signs
    }

    fn backslashes(&self, at: usize) -> usize {
        self.text.get(at..).unwrap_or_default().iter().take(FARTHEST).take_while(|byte| **byte == b'\\').count()
    }

    /// Returns in how many strings of JSON a place stands, as the last quotation mark before it shows: none outside of JSON.
    fn depth(&self, at: usize) -> u32 {
        let line = self.lines.partition_point(|(start, _)| *start <= at).checked_sub(1).and_then(|line| self.lines.get(line));
        let Some((begin, true)) = line else { return 0 };
        let before = self.text.get((*begin).max(at.saturating_sub(FARTHEST))..at).unwrap_or_default();
        let Some(mark) = before.iter().rposition(|byte| *byte == b'"') else { return 1 };
        let backslashes = before.get(..mark).unwrap_or_default().iter().rev().take_while(|byte| **byte == b'\\').count();
        depth_of(backslashes) + 1
    }
}

/// Returns how deep the string stands that is opened behind so many backslashes.
const fn depth_of(backslashes: usize) -> u32 {
    (backslashes + 1).ilog2()
}

/// Returns with how many backslashes a newline is written so deep.
const fn newline(depth: u32) -> usize {
    if depth == 0 { 0 } else { 1 << (depth - 1) }
}

/// Returns true for the four digits of an escaped blank, control character or quotation mark (RFC 8259 §7).
fn is_border(digits: &[u8]) -> bool {
    let digits = digits.get(..4).and_then(|digits| std::str::from_utf8(digits).ok());
    match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32) {
        Some(character) => character.is_whitespace() || character.is_control() || matches!(character, '"' | '\'' | '`'),
        None => true,
    }
}

/// Longer than any value; so that the time grows with the text's length only.
const FARTHEST: usize = 4 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
        let start = text.find(mark)? + mark.len();
        Extents::of(text.as_bytes()).quoted(start, mark.as_bytes()).map(|end| text.get(start..end).unwrap())
    }

    fn word<'a>(text: &'a str, behind: &str) -> &'a str {
        let start = text.find(behind).unwrap() + behind.len();
        text.get(start..Extents::of(text.as_bytes()).word(start)).unwrap()
    }

    #[test]
    fn what_is_quoted_reaches_to_the_same_mark_however_deep() {
        assert_eq!(quoted(r#"x = "a 'b' \"c\" d\\" + "e""#, r#"""#), Some(r#"a 'b' \"c\" d\\"#));
        assert_eq!(quoted(r#"x = 'a "b" it\'s' e"#, "'"), Some(r#"a "b" it\'s"#));
        assert_eq!(quoted(r#"{"c":"x = \"a \\\"b\\\" c\\\\\", d"}"#, r#"\""#), Some(r#"a \\\"b\\\" c\\\\"#));
        assert_eq!(quoted(r#"{"c":"x = 'a \"b\" it\\'s', d"}"#, "'"), Some(r#"a \"b\" it\\'s"#));
        assert_eq!(quoted(r#"{"c":"x = 'a\\new'"}"#, "'"), Some(r"a\\new"));
    }

    #[test]
    fn what_is_not_closed_in_its_line_or_string_has_no_end() {
        for (text, mark) in [
            ("x = 'a\nb'", "'"),
            (r#"{"c":"x = 'a\nb'"}"#, "'"),
            (r#"{"c":"x = 'a","d":"it's"}"#, "'"),
            ("x = 'a\0b'", "'"),
            ("x = 'a", "'"),
            (r#"{"c":"x = \"a\nb\""}"#, r#"\""#),
        ] {
            assert_eq!(quoted(text, mark), None, "{text}");
        }
        // The string around it closes it.
        assert_eq!(quoted(r#"{"c":"x = \"a","d":"b"}"#, r#"\""#), Some("a"));
    }

    #[test]
    fn a_word_reaches_to_a_blank_a_mark_or_an_escape_of_either() {
        for (text, value) in [
            ("x=a,b;c&d(e)|f g", "a,b;c&d(e)|f"),
            (r"x=a\b\nc d", r"a\b\nc"),
            (r#"{"c":"x=a\u0026b\\nc\nd"}"#, r"a\u0026b\\nc"),
            (r#"{"c":"x=a\u0020b"}"#, "a"),
            (r#"{"c":"x=a;b"}"#, "a;b"),
            ("x=a\0b", "a"),
            ("x=a.", "a"),
            ("f(x=a); g", "a"),
        ] {
            assert_eq!(word(text, "x="), value, "{text}");
        }
    }
}
