//! What a text of a certificate must be: exactly this, or like this glob or regular expression, as a whole.
//! Which text is compared is the affair of who holds the pattern.

use std::cmp::Ordering;
use std::fmt;

use regex::{Regex, RegexBuilder};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

use crate::glob::Glob;

/// What a text must be, as a whole. Exact ones come first in the order of patterns.
#[derive(Clone, Debug)]
pub(crate) enum Pattern {
    Exact(String),
    Glob(Glob),
    /// As it was written, and compiled with both of its ends anchored. It matches in linear time.
    Regex(String, Regex),
}

/// How a text stands to what it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fit {
    /// It's something else.
    No,
    /// It fits, and nobody can tell which ref it means.
    TwoRefs,
    Yes,
}

impl Pattern {
    /// Compares the whole text.
    ///
    /// A certificate of a pipeline names a workflow and, behind `@`, the ref that it ran on. Whoever pushes chooses the
    /// ref's name, and git allows `refs/heads/x@refs/heads/main`. So a text that says `@refs/` twice fits no pattern,
    /// whose wildcards could stand for the first of them; only a text that is written out names it.
    pub(crate) fn fit(&self, text: &str) -> Fit {
        let fits = match self {
            Self::Exact(exact) => return if exact == text { Fit::Yes } else { Fit::No },
            Self::Glob(glob) => glob.matches(text),
            Self::Regex(_, regex) => regex.is_match(text),
        };
        match fits {
            false => Fit::No,
            true if text.matches(REF).nth(1).is_some() => Fit::TwoRefs,
            true => Fit::Yes,
        }
    }

    pub(crate) const fn is_exact(&self) -> bool {
        matches!(self, Self::Exact(_))
    }

    fn regex(text: String) -> Result<Self, &'static str> {
        if text.len() > REGEX_LENGTH {
            return Err("the regular expression is longer than 1,024 bytes");
        }
        let compile = |text: &str| RegexBuilder::new(text).size_limit(REGEX_SIZE).nest_limit(REGEX_DEPTH).build();
        // Alone first: `a)|(?:b` is an expression only between our parentheses, and would not be anchored.
        let compiled = compile(&text).and_then(|_| compile(&format!(r"\A(?:{text})\z")));
        match compiled {
            Ok(regex) => Ok(Self::Regex(text, regex)),
            Err(regex::Error::CompiledTooBig(_)) => Err("the regular expression needs too much memory"),
            Err(_) => Err("not a regular expression (the syntax is that of the crate `regex`, without look-around and back-references)"),
        }
    }

    /// Returns what the text begins with, as far as it stands there literally or might.
    pub(crate) fn beginning(&self) -> &str {
        match self {
            Self::Regex(text, _) => text.strip_prefix('^').unwrap_or(text),
            _ => self.as_str(),
        }
    }

    /// Returns the text, the glob or the regular expression as it was written.
    pub(crate) fn as_str(&self) -> &str {
        self.text().1
    }

    fn text(&self) -> (u8, &str) {
        match self {
            Self::Exact(text) => (0, text),
            Self::Glob(glob) => (1, glob.as_str()),
            Self::Regex(text, _) => (2, text),
        }
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Pattern {}

impl PartialOrd for Pattern {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pattern {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text().cmp(&other.text())
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

/// A text for itself, or an object with the one field `glob` or `regex`.
struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = Pattern;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, or an object with `glob` or `regex`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Pattern, E> {
        Ok(Pattern::Exact(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pattern, A::Error> {
        let pattern = match map.next_key::<String>()?.as_deref() {
            Some("glob") => Pattern::Glob(map.next_value()?),
            Some("regex") => Pattern::regex(map.next_value()?).map_err(A::Error::custom)?,
            Some(other) => return Err(A::Error::unknown_field(other, FIELDS)),
            None => return Err(A::Error::missing_field("glob")),
        };
        match map.next_key::<String>()? {
            None => Ok(pattern),
            Some(_) => Err(A::Error::custom("`glob` and `regex` exclude one another")),
        }
    }
}

const FIELDS: &[&str] = &["glob", "regex"];
/// What comes between a workflow's name and the ref that it ran on.
const REF: &str = "@refs/";
const REGEX_LENGTH: usize = 1_024;
/// Bytes of memory that a compiled expression may take.
const REGEX_SIZE: usize = 1 << 18;
const REGEX_DEPTH: u32 = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Json;

    fn pattern(json: &str) -> Result<Pattern, String> {
        Json::parse(json.as_bytes()).unwrap().to().map_err(|error| error.to_string())
    }

    #[test]
    fn a_pattern_is_met_by_the_whole_text_only() {
        for (json, met, unmet) in [
            (r#""a.b""#, &["a.b"][..], &["axb", "a.b.c", "A.b", ""][..]),
            (
                r#"{"glob":"https://example.test/*@refs/heads/main"}"#,
                &["https://example.test/a@refs/heads/main"],
                &["https://example.test/a/b@refs/heads/main", "https://example.test/a@refs/heads/main2"],
            ),
            (r#"{"regex":"a|b"}"#, &["a", "b"], &["ab", "xb", "a\n", "\na", "a|b"]),
            (r#"{"regex":"^a$"}"#, &["a"], &["a\n", "ba"]),
            (r#"{"regex":"(?m)^a$"}"#, &["a"], &["b\na", "a\nb"]),
            (r#"{"regex":"v\\d+"}"#, &["v1", "v22"], &["v", "xv1", "v1x"]),
        ] {
            let pattern = pattern(json).unwrap();
            assert!(met.iter().all(|text| pattern.fit(text) == Fit::Yes), "{json}");
            assert!(unmet.iter().all(|text| pattern.fit(text) == Fit::No), "{json}");
        }
    }

    #[test]
    fn a_branch_that_is_called_like_another_ref_is_met_by_no_pattern() {
        let main = "https://example.test/o/r/w.yml@refs/heads/main";
        let disguised = "https://example.test/o/r/w.yml@refs/heads/x@refs/heads/main";
        for (json, of_main, of_disguised) in [
            (r#"{"glob":"https://example.test/o/r/**@refs/heads/main"}"#, Fit::Yes, Fit::TwoRefs),
            (r#"{"glob":"https://example.test/**"}"#, Fit::Yes, Fit::TwoRefs),
            (r#"{"regex":"https://example[.]test/.*@refs/heads/main"}"#, Fit::Yes, Fit::TwoRefs),
            (r#"{"glob":"https://example.test/o/r/*@refs/heads/main"}"#, Fit::Yes, Fit::No),
            (&format!("\"{main}\""), Fit::Yes, Fit::No),
            (&format!("\"{disguised}\""), Fit::No, Fit::Yes),
        ] {
            let pattern = pattern(json).unwrap();
            assert_eq!((pattern.fit(main), pattern.fit(disguised)), (of_main, of_disguised), "{json}");
        }
        let tags = pattern(r#"{"glob":"https://example.test/**@refs/tags/**"}"#).unwrap();
        assert_eq!(tags.fit("https://example.test/o/r/w.yml@refs/tags/@scope/package@1.0.0"), Fit::Yes);
    }

    #[test]
    fn refuses_what_would_not_be_anchored_or_bounded() {
        for (json, problem) in [
            (r#"{"regex":"a)|(?:b"}"#, "not a regular expression"),
            (r#"{"regex":"(?x)a # "}"#, "not a regular expression"),
            (r#"{"regex":"(a)\\1"}"#, "not a regular expression"),
            (r#"{"regex":"\\w{1000}"}"#, "too much memory"),
            (r#"{"regex":"a","glob":"b"}"#, "exclude one another"),
            (r#"{"regexp":"a"}"#, "regexp"),
            (r"{}", "missing"),
            (r#"{"glob":"***"}"#, "three `*`"),
            ("1", "a text"),
        ] {
            let error = pattern(json).expect_err(json);
            assert!(error.contains(problem), "{json}: {error}");
        }
        let long = format!(r#"{{"regex":"{}"}}"#, "a".repeat(REGEX_LENGTH + 1));
        assert!(pattern(&long).unwrap_err().contains("longer"));
        let deep = format!(r#"{{"regex":"{}a{}"}}"#, "(".repeat(64), ")".repeat(64));
        assert!(pattern(&deep).is_err());
    }
}
