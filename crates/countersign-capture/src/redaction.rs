//! Takes secrets out of texts before these are sealed: what is sealed can be disclosed later, and a secret never should.
//! It knows forms, not meanings: a secret without a form of its own that no name announces is not seen.
//!
//! A secret is replaced by `[redacted:KIND]`, and of it nothing is kept but the kind and the count: no length and no hash,
//! from which a short one could be guessed. Texts are bytes, mostly lines of JSON, so nothing that is taken out crosses a
//! quotation mark of the string that it stands in or begins within an escape, and what was JSON still is. What begins as a secret
//! is taken whole: to the mark that closes it where one opened it, else to the next blank.

mod extent;
mod forms;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use regex::bytes::{Captures, Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use extent::Extents;
use forms::{BEFORE, NAMED, PLACES, Reach, TOKENS, WITHIN_WORDS};

/// How many secrets of which kind were taken out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redactions(BTreeMap<&'static str, u64>);

impl Redactions {
    /// Returns kinds and counts, by kind.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0.iter().map(|(kind, count)| (*kind, *count))
    }

    /// Returns true if nothing was taken out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Returns the text without secrets, and counts what was taken out. The time it takes grows with the text's length only.
#[must_use]
pub fn redact<'a>(text: &'a [u8], counts: &mut Redactions) -> Cow<'a, [u8]> {
    let mut places = Vec::new();
    let mut extents = None;
    for at in RULES.any_of_all.matches(text) {
        if let Some(rule) = RULES.each.get(at) {
            let extents = extents.get_or_insert_with(|| Extents::of(text));
            let found = rule.regex().captures_iter(text).filter_map(|found| rule.place(&found, extents));
            let found = found.filter(|(start, end)| text.get(*start..*end).is_some_and(rule.is_one));
            places.extend(found.map(|(start, end)| (start, at, end, rule.kind)));
        }
    }
    if places.is_empty() {
        return Cow::Borrowed(text);
    }
    places.sort_unstable();
    let mut redacted = Vec::with_capacity(text.len());
    let mut copied = 0;
    let mut places = places.into_iter().peekable();
    while let Some((start, mut rule, mut end, mut kind)) = places.next() {
        // Places that overlap are one secret, named by the first rule of the list.
        while let Some((_, other_rule, other_end, other_kind)) = places.next_if(|(next, ..)| *next < end) {
            end = end.max(other_end);
            if other_rule < rule {
                (rule, kind) = (other_rule, other_kind);
            }
        }
        redacted.extend_from_slice(text.get(copied..start).unwrap_or_default());
        redacted.extend_from_slice(format!("[redacted:{kind}]").as_bytes());
        copied = end;
        *counts.0.entry(kind).or_default() += 1;
    }
    redacted.extend_from_slice(text.get(copied..).unwrap_or_default());
    Cow::Owned(redacted)
}

/// One form of secrets.
struct Rule {
    kind: &'static str,
    /// The secret is its group `v`. Where it has a group `q`, that is the mark that opened it; `c` closed the name before it.
    form: String,
    compiled: OnceLock<Regex>,
    reach: Reach,
    /// What the form alone can't tell.
    is_one: fn(&[u8]) -> bool,
}

impl Rule {
    fn new(kind: &'static str, form: String, reach: Reach, is_one: fn(&[u8]) -> bool) -> Self {
        Self { kind, form, compiled: OnceLock::new(), reach, is_one }
    }

    /// Returns where the secret is that was found.
    fn place(&self, found: &Captures<'_>, extents: &Extents<'_>) -> Option<(usize, usize)> {
        let value = found.name("v")?;
        let end = match found.name("q").map(|mark| extents.quoted(value.start(), mark.as_bytes())) {
            Some(Some(end)) => end,
            // A member of JSON that isn't a string is a number, or more than a value.
            None if self.reach == Reach::Form || found.name("c").is_some() => value.end(),
            Some(None) | None => extents.word(value.start()),
        };
        (end > value.start()).then(|| (value.start(), end))
    }

    #[expect(clippy::expect_used, reason = "the forms are constants, and a test compiles each")]
    fn regex(&self) -> &Regex {
        self.compiled.get_or_init(|| RegexBuilder::new(&self.form).unicode(false).build().expect("a constant"))
    }
}

struct Rules {
    /// Tells in one pass which rules have anything to find.
    any_of_all: RegexSet,
    each: Vec<Rule>,
}

#[expect(clippy::expect_used, reason = "the forms are constants, and a test compiles them")]
static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let anything: fn(&[u8]) -> bool = |_| true;
    let tokens = TOKENS.iter().map(|(kind, form)| Rule::new(kind, format!("{BEFORE}(?P<v>{form})"), Reach::Form, anything));
    let within_words = WITHIN_WORDS.iter().map(|(kind, form)| Rule::new(kind, format!("(?P<v>{form})"), Reach::Form, anything));
    let placed = PLACES.iter().map(|(kind, form, reach, is_one)| Rule::new(kind, (*form).to_owned(), *reach, *is_one));
    let named =
        NAMED.iter().map(|(kind, name, is, value, is_one)| Rule::new(kind, format!("(?i){name}{}{value}", is.form()), is.reach(), *is_one));
    let each: Vec<_> = tokens.chain(within_words).chain(placed).chain(named).collect();
    let any_of_all =
        RegexSetBuilder::new(each.iter().map(|rule| &rule.form)).unicode(false).dfa_size_limit(16 << 20).build().expect("constants");
    Rules { any_of_all, each }
});

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(text: &str) -> (String, Vec<(&'static str, u64)>) {
        let mut counts = Redactions::default();
        let text = String::from_utf8(redact(text.as_bytes(), &mut counts).into_owned()).unwrap();
        (text, counts.iter().collect())
    }

    #[test]
    fn every_form_is_a_regular_expression_with_a_group_for_the_secret() {
        for rule in &RULES.each {
            assert_eq!(rule.regex().capture_names().flatten().filter(|name| *name == "v").count(), 1, "{}", rule.form);
            assert!(rule.kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", rule.kind);
        }
    }

    #[test]
    fn a_secret_leaves_its_kind_and_nothing_else() {
        let (text, counts) = redacted("login: password=hunter2 and again --password hunter3x");
        assert_eq!(text, "login: password=[redacted:password] and again --password [redacted:password]");
        assert_eq!(counts, [("password", 2)]);
    }

    #[test]
    fn two_rules_on_one_place_count_once_by_the_more_telling_name() {
        let token = format!("{}_{}", "ghp", "a1".repeat(18));
        let (text, counts) = redacted(&format!("GITHUB_TOKEN={token}, and Authorization: Bearer {token}"));
        assert_eq!(text, "GITHUB_TOKEN=[redacted:github-token], and Authorization: Bearer [redacted:github-token]");
        assert_eq!(counts, [("github-token", 2)]);
    }

    #[test]
    fn what_holds_no_secret_is_not_even_copied() {
        let mut counts = Redactions::default();
        assert!(matches!(redact(b"the password is checked by `login`, token by token", &mut counts), Cow::Borrowed(_)));
        assert!(counts.is_empty());
    }

    #[test]
    fn a_token_behind_an_escape_and_a_password_with_signs_in_it_are_seen() {
        let token = format!("{}_{}", "ghp", "a1".repeat(18));
        for before in ["next=%2Fx%3Ftoken%3D", "\u{1b}[01;31m\u{1b}[K", r"\u001b[01;31m\u001B[K"] {
            let (text, counts) = redacted(&format!("{before}{token}"));
            assert_eq!((text, counts), (format!("{before}[redacted:github-token]"), vec![("github-token", 1)]));
        }
        for (before, password) in [("postgres://u:", "pa$$w0rd9"), ("https://u:", "p[ss9word"), ("HTTPS://u:", "hunter22")] {
            let (text, _) = redacted(&format!("{before}{password}@host/db"));
            assert_eq!(text, format!("{before}[redacted:url-password]@host/db"));
        }
    }

    #[test]
    fn a_tokens_pin_is_seen_in_its_uri_and_in_its_variable() {
        let (text, counts) = redacted("COSIGN_PKCS11_PIN=1234 sign 'pkcs11:object=key?pin-value=9%2687&module-path=/m.so'");
        assert_eq!(text, "COSIGN_PKCS11_PIN=[redacted:password] sign 'pkcs11:object=key?pin-value=[redacted:password]&module-path=/m.so'");
        assert_eq!(counts, [("password", 2)]);
        assert_eq!(redacted("COSIGN_PKCS11_PIN=$PIN pin-value=${PIN}").0, "COSIGN_PKCS11_PIN=$PIN pin-value=${PIN}");
    }

    #[test]
    fn variables_placeholders_and_what_was_redacted_are_left_alone() {
        for text in [
            "password=$PASSWORD",
            "password: ${{ secrets.DEPLOY_PASSWORD }}",
            "https://user:${TOKEN}@example.test/",
            "token: <your token here 123456789>",
            "PWD=/srv/app1/source",
            "\"input_tokens\": 1234567890123456789",
            "password=[redacted:password]",
            "https://user:[redacted:url-password]@example.test",
            "it begins with `-----BEGIN PRIVATE KEY-----` and some more words",
        ] {
            assert_eq!(redacted(text).0, text);
        }
    }
}
