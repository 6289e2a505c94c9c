//! Patterns over names and paths, as policies write them: `*`, `**`, and everything else literally.
//! It has no braces, classes, escapes or negation, so that whether one pattern is within another stays decidable.

use std::fmt;

use serde::{Deserialize, Deserializer};

/// A pattern: `*` stands for any run of characters except `/`, `**` for any run with `/` too, both for none as well.
///
/// All other characters, `?` among them, stand for themselves. It matches whole texts only.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Glob {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Literal(char),
    WithinSegment,
    AcrossSegments,
}

impl Glob {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`NotAGlob`] for an empty pattern, a longer one than 1,024 characters, more than 16 wildcards, or three stars in a row.
    pub(crate) fn parse(text: &str) -> Result<Self, NotAGlob> {
        if text.is_empty() {
            return Err(NotAGlob::Empty);
        }
        if text.chars().nth(MOST_CHARACTERS).is_some() {
            return Err(NotAGlob::TooLong);
        }
        let mut parts = Vec::new();
        let mut wildcards = 0;
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            let part = match character {
                '*' if characters.next_if_eq(&'*').is_some() => Part::AcrossSegments,
                '*' => Part::WithinSegment,
                literal => Part::Literal(literal),
            };
            if part == Part::AcrossSegments && characters.peek() == Some(&'*') {
                return Err(NotAGlob::ThreeStars);
            }
            wildcards += usize::from(!matches!(part, Part::Literal(_)));
            if wildcards > MOST_WILDCARDS {
                return Err(NotAGlob::TooManyWildcards);
            }
            parts.push(part);
        }
        Ok(Self { text: text.to_owned(), parts })
    }

    /// Returns true if the whole of `text` fits.
    ///
    /// The work is at most the product of both lengths; wildcards never make it branch.
    pub(crate) fn matches(&self, text: &str) -> bool {
        // INVARIANT: `fits[i]` says that the first `i` parts can stand for exactly the characters read so far.
        let mut fits = vec![false; self.parts.len() + 1];
        if let Some(first) = fits.first_mut() {
            *first = true;
        }
        self.skip_wildcards(&mut fits);
        for character in text.chars() {
            let mut before = false;
            let mut any = false;
            for (i, fit) in fits.iter_mut().enumerate() {
                let stays = match i.checked_sub(1).and_then(|i| self.parts.get(i)) {
                    Some(Part::Literal(literal)) => before && *literal == character,
                    Some(Part::WithinSegment) => *fit && character != '/',
                    Some(Part::AcrossSegments) => *fit,
                    None => false,
                };
                before = std::mem::replace(fit, stays);
                any |= stays;
            }
            if !any {
                return false;
            }
            self.skip_wildcards(&mut fits);
        }
        fits.last().copied().unwrap_or(false)
    }

    /// Returns the pattern as it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Lets every wildcard stand for no character.
    fn skip_wildcards(&self, fits: &mut [bool]) {
        let mut before = false;
        for (i, fit) in fits.iter_mut().enumerate() {
            let wildcard = i.checked_sub(1).and_then(|i| self.parts.get(i)).is_some_and(|part| !matches!(part, Part::Literal(_)));
            *fit |= wildcard && before;
            before = *fit;
        }
    }
}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Glob({:?})", self.text)
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Glob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Why a text is not a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAGlob {
    /// It has no character.
    #[error("the pattern is empty; `**` matches everything")]
    Empty,
    /// It has more than 1,024 characters.
    #[error("the pattern is longer than {MOST_CHARACTERS} characters")]
    TooLong,
    /// It has more than 16 wildcards.
    #[error("the pattern has more than {MOST_WILDCARDS} wildcards; write several patterns")]
    TooManyWildcards,
    /// `***` has no meaning of its own.
    #[error("the pattern has three `*` in a row; write `*` (within a path segment) or `**` (across segments)")]
    ThreeStars,
}

const MOST_CHARACTERS: usize = 1_024;
const MOST_WILDCARDS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Glob::parse(pattern).unwrap().matches(text)
    }

    #[test]
    fn one_star_stays_within_a_segment() {
        assert!(matches("anthropic/claude-*", "anthropic/claude-opus"));
        assert!(matches("anthropic/claude-*", "anthropic/claude-"));
        assert!(!matches("anthropic/claude-*", "anthropic/claude-opus/x"));
        assert!(!matches("*", "a/b"));
        assert!(matches("*/*", "a/b"));
        assert!(matches("*", ""));
    }

    #[test]
    fn two_stars_cross_segments() {
        assert!(matches("src/**", "src/a/b"));
        assert!(matches("src/**", "src/"));
        assert!(!matches("src/**", "src"));
        assert!(matches("**/x", "a/b/x"));
        assert!(!matches("**/x", "x"), "the slash stands for itself");
        assert!(matches("a**z", "az"));
        assert!(matches("**", ""));
    }

    #[test]
    fn everything_else_stands_for_itself() {
        for text in ["?", "[a]", "{a,b}", "!a", "\\a", "a.b", "+(a)", "^a$", "ä", "/"] {
            assert!(matches(text, text));
        }
        assert!(!matches("?", "a"));
        assert!(!matches("[a]", "a"));
        assert!(!matches("a.b", "axb"));
        assert!(!matches("a", "A"));
        assert!(!matches("a\\*b", "a*b"), "there is no escape");
    }

    #[test]
    fn only_whole_texts_match() {
        assert!(!matches("a", "ab"));
        assert!(!matches("a", "ba"));
        assert!(!matches("ab", "a"));
        assert!(!matches("a*b", "a-b-"));
        assert!(!matches("a", ""));
    }

    #[test]
    fn refuses_what_has_no_meaning_or_no_bound() {
        assert_eq!(Glob::parse(""), Err(NotAGlob::Empty));
        assert_eq!(Glob::parse("a***"), Err(NotAGlob::ThreeStars));
        assert_eq!(Glob::parse("****"), Err(NotAGlob::ThreeStars));
        assert!(Glob::parse(&"ä".repeat(1_024)).is_ok());
        assert_eq!(Glob::parse(&"ä".repeat(1_025)), Err(NotAGlob::TooLong));
        assert!(Glob::parse(&"*a".repeat(16)).is_ok());
        assert_eq!(Glob::parse(&"*a".repeat(17)), Err(NotAGlob::TooManyWildcards));
    }

    #[test]
    fn stars_do_not_multiply_the_work() {
        // A backtracking matcher takes longer than the age of the universe here.
        let pattern = Glob::parse(&format!("{}b", "**a".repeat(16))).unwrap();
        assert!(!pattern.matches(&"a".repeat(20_000)));
    }

    #[test]
    fn a_pattern_reads_from_a_string_and_keeps_its_text() {
        let glob: Glob = serde_json::from_str(r#""a/*""#).unwrap();
        assert_eq!((glob.as_str(), glob.to_string().as_str()), ("a/*", "a/*"));
        assert!(serde_json::from_str::<Glob>(r#""""#).is_err());
        assert!(serde_json::from_str::<Glob>("1").is_err());
    }

    /// The meaning, written down as directly as it can be.
    fn reference(pattern: &[char], text: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['*', '*', rest @ ..] => (0..=text.len()).any(|n| reference(rest, &text[n..])),
            ['*', rest @ ..] => (0..=text.len()).take_while(|n| !text[..*n].contains(&'/')).any(|n| reference(rest, &text[n..])),
            [literal, rest @ ..] => text.first() == Some(literal) && reference(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_reference(pattern in "[ab/?ä*]{1,8}", text in "[ab/?ä]{0,10}") {
            if let Ok(glob) = Glob::parse(&pattern) {
                let (pattern, text): (Vec<_>, Vec<_>) = (pattern.chars().collect(), text.chars().collect());
                prop_assert_eq!(glob.matches(&text.iter().collect::<String>()), reference(&pattern, &text));
            }
        }

        #[test]
        fn a_literal_matches_itself_only(pattern in "[^*]{1,20}", other in ".{0,20}") {
            let glob = Glob::parse(&pattern).unwrap();
            prop_assert!(glob.matches(&pattern));
            prop_assert_eq!(glob.matches(&other), other == pattern);
        }

        #[test]
        fn two_stars_match_everything(text in "(?s).{0,50}") {
            prop_assert!(matches("**", &text));
        }
    }
}
