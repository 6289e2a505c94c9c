//! Takes secrets out of texts before these are sealed: what is sealed can be disclosed later, and a secret never should.
//! It knows forms, not meanings: a secret without a form of its own that no name announces is not seen.
//!
//! A secret is replaced by `[redacted:KIND]`, and of it nothing is kept but the kind and the count: no length and no hash,
//! from which a short one could be guessed. Texts are bytes, mostly lines of JSON, so nothing that is taken out crosses a
//! quotation mark or begins within an escape, and what was JSON still is.
//!
//! The rules are ours. The rule sets that others keep are made to rank findings for somebody who looks at them: they lean on
//! entropy, and then report digests, or exclude what stands in lockfiles by path, which a transcript doesn't have.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

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
    for at in RULES.any_of_all.matches(text) {
        if let Some(rule) = RULES.each.get(at) {
            let found = rule.regex().captures_iter(text).filter_map(|found| found.get(1).filter(|place| (rule.is_one)(place.as_bytes())));
            places.extend(found.map(|place| (place.start(), at, place.end(), rule.kind)));
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
    /// The secret is its first group.
    form: String,
    compiled: OnceLock<Regex>,
    /// What the form alone can't tell.
    is_one: fn(&[u8]) -> bool,
}

impl Rule {
    fn new(kind: &'static str, form: String, is_one: fn(&[u8]) -> bool) -> Self {
        Self { kind, form, compiled: OnceLock::new(), is_one }
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
    let tokens = TOKENS.iter().map(|(kind, form)| Rule::new(kind, format!("{BEFORE}({form})"), anything));
    let within_words = WITHIN_WORDS.iter().map(|(kind, form)| Rule::new(kind, format!("({form})"), anything));
    let placed = PLACES.iter().map(|(kind, form)| Rule::new(kind, (*form).to_owned(), anything));
    let named = NAMED.iter().map(|(kind, name, is, value, is_one)| Rule::new(kind, format!("(?i){name}{}{value}", is.form()), *is_one));
    let each: Vec<_> = tokens.chain(within_words).chain(placed).chain(named).collect();
    let any_of_all = RegexSetBuilder::new(each.iter().map(|rule| &rule.form)).unicode(false).build().expect("constants");
    Rules { any_of_all, each }
});

/// Returns true for what isn't a word: names and sentences have no digits, and numbers no letters.
fn is_mixed(value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_digit) && value.iter().any(u8::is_ascii_alphabetic)
}

/// Returns true for what isn't a variable's name: shells write these in one case, `$DB_PASSWORD`, or without digits.
fn is_no_variable(value: &[u8]) -> bool {
    let Some(name) = value.strip_prefix(b"$") else { return true };
    let is_name = name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') && !name.first().is_some_and(u8::is_ascii_digit);
    let is_usual = !name.iter().any(u8::is_ascii_lowercase) || !name.iter().any(u8::is_ascii_digit);
    !(is_name && is_usual)
}

fn is_mixed_and_no_variable(value: &[u8]) -> bool {
    is_mixed(value) && is_no_variable(value)
}

/// What stands between a name and its value, in source, shells, YAML and JSON, and in JSON within JSON.
#[derive(Clone, Copy)]
enum Is {
    /// A sign, whatever is around it.
    Any,
    /// A sign, and a value in quotes.
    Quoted,
    /// `=` and nothing else.
    Assigned,
}

impl Is {
    /// Returns the form. Tools that show names in colours put these around the sign, and around the quotes.
    fn form(self) -> String {
        let (closed, sign, opened) = match self {
            Self::Any => (r#"(?:\\*["'`])?\s*"#, "(?:=>|:=|[:=])", r#"\s*COLOURS(?:\\*["'`])?"#),
            Self::Quoted => (r#"(?:\\*["'`])?\s*"#, "(?:=>|:=|[:=])", r#"\s*COLOURS\\*["'`]"#),
            Self::Assigned => ("", "=", ""),
        };
        format!("COLOURS{closed}COLOURS{sign}COLOURS{opened}COLOURS").replace("COLOURS", COLOURS)
    }
}

/// Where a word begins: also behind an underline, behind an option of one letter (`-uTOKEN`), and behind an escape of JSON,
/// of a URL or of a terminal, whose last letter is none of the word.
const BEFORE: &str =
    r"(?:\b|_|\b-[A-Za-z]|\\[bfnrt]|\\u[0-9A-Fa-f]{4}|%[0-9A-Fa-f]{2}|(?:\x1B|\\u001[Bb]|\\x1[Bb]|\\033|\\e)\[[0-9;?]*[A-Za-z])";

/// What a terminal takes for colours, as such, in JSON or as source writes it (ECMA-48 §5.4).
const COLOURS: &str = r"(?:(?:\x1B|\\+(?:u001[Bb]|x1[Bb]|033|e))\[[0-9;:?]*[A-Za-z])*";

/// Tokens that their issuers mark, by kind and form, as each issuer documents or issues it.
const TOKENS: &[(&str, &str)] = &[
    ("age-key", r"AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{58,}"), // age: Bech32 with this prefix
    ("airtable-token", r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}\b"), // Airtable: id, dot, secret
    ("alibaba-access-key", r"LTAI[A-Za-z0-9]{16,24}\b"),   // Alibaba Cloud: AccessKey ID
    ("anthropic-key", r"sk-ant-[a-z0-9]+-[A-Za-z0-9_-]{32,}"), // Anthropic: api03, admin01, oat01
    ("artifactory-key", r"AKCp[A-Za-z0-9]{65,}\b"),        // JFrog: API key
    ("atlassian-token", r"AT(?:ATT|CTT|BB)[A-Za-z0-9_=-]{28,}"), // Atlassian and Bitbucket: API token, app password
    ("aws-access-key", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b"), // AWS IAM: unique-id prefixes of access keys and STS tokens
    ("aws-bedrock-key", r"ABSK[A-Za-z0-9+/]{109,}={0,2}"), // AWS Bedrock: long-term API key
    ("azure-client-secret", r"[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}"), // Entra ID: 3, version, Q~, secret
    ("crates-io-token", r"cio[A-Za-z0-9]{32}\b"),          // crates.io: `cio` and 32
    ("databricks-token", r"dapi[0-9a-f]{32}(?:-[0-9]+)?\b"), // Databricks: personal access token
    ("digitalocean-token", r"do[opr]_v1_[0-9a-f]{64}\b"),  // DigitalOcean: OAuth, personal, refresh
    ("discord-token", r"[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}"), // Discord: id, time, HMAC of a bot
    ("docker-token", r"dckr_[op]at_[A-Za-z0-9_-]{27,}"),   // Docker Hub: personal, organisation
    ("doppler-token", r"dp\.(?:ct|pt|st|sa|scim|audit)\.(?:[a-z0-9_-]+\.)?[A-Za-z0-9]{40,44}\b"), // Doppler: auth token formats
    ("figma-token", r"fig[dour]h?_[A-Za-z0-9_-]{40,}"),    // Figma: personal, OAuth
    ("fly-token", r"f(?:o1|m[12][ar]?)_[A-Za-z0-9+/=_-]{40,}"), // Fly.io: access token, macaroon
    ("gcp-access-token", r"ya29\.[A-Za-z0-9_-]{20,}"),     // Google: OAuth 2.0 access token
    ("gcp-api-key", r"AIza[A-Za-z0-9_-]{35}"),             // Google Cloud: API key
    ("gcp-client-secret", r"GOCSPX-[A-Za-z0-9_-]{28}"),    // Google: OAuth client secret
    ("gcp-refresh-token", r"1//0[A-Za-z0-9_-]{20,}"),      // Google: OAuth 2.0 refresh token
    ("github-token", r"gh[oprsu]_[A-Za-z0-9_.-]{36,}"),    // GitHub: token prefixes
    ("github-token", r"github_pat_[A-Za-z0-9_]{82}"),      // GitHub: fine-grained personal access token
    ("gitlab-token", r"gl(?:agent|cbt|dt|ffct|ft|imt|oas|pat|ptt|rt|rtr|soat|wt)-[A-Za-z0-9_.-]{20,}"), // GitLab: token prefixes
    ("grafana-token", r"gl(?:c_[A-Za-z0-9+/]{32,}={0,2}|sa_[A-Za-z0-9]{32}_[0-9A-Fa-f]{8})"), // Grafana: cloud, service account
    ("groq-key", r"gsk_[A-Za-z0-9]{48,}\b"),               // Groq
    ("hugging-face-token", r"(?:hf|api_org)_[A-Za-z0-9]{34,}\b"), // Hugging Face: user, organisation
    ("json-web-token", r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"), // RFC 7519: `{"` in base64url, twice
    ("linear-key", r"lin_(?:api|oauth)_[A-Za-z0-9]{40,}\b"), // Linear
    ("mailgun-key", r"key-[0-9a-f]{32}\b"),                // Mailgun: private key
    ("new-relic-key", r"NRAK-[A-Z0-9]{27}\b"),             // New Relic: user key
    ("notion-token", r"(?:secret|ntn)_[A-Za-z0-9]{43,}\b"), // Notion: integration
    ("npm-token", r"npm_[A-Za-z0-9]{36}\b"),               // npm: `npm_`, 30 and a checksum of 6
    ("nuget-key", r"oy2[a-z0-9]{43}\b"),                   // nuget.org
    ("openai-key", r"sk-(?:(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{48,}\b)"), // OpenAI: project, service, user
    ("openrouter-key", r"sk-or-v1-[0-9a-f]{64}\b"),        // OpenRouter
    ("perplexity-key", r"pplx-[A-Za-z0-9]{48}\b"),         // Perplexity
    ("planetscale-token", r"pscale_(?:oauth|pw|tkn)_[A-Za-z0-9_.=-]{32,}"), // PlanetScale
    ("postman-key", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}\b"),  // Postman
    ("pulumi-token", r"pul-[0-9a-f]{40}\b"),               // Pulumi
    ("pypi-token", r"pypi-AgE[A-Za-z0-9_-]{50,}"),         // PyPI: macaroon whose location is base64 of pypi.org
    ("replicate-token", r"r8_[A-Za-z0-9]{37}\b"),          // Replicate
    ("rubygems-key", r"rubygems_[0-9a-f]{48}\b"),          // RubyGems.org
    ("sendgrid-key", r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"), // SendGrid: id, secret
    ("sentry-token", r"sntry[su]_[A-Za-z0-9+/=_]{64,}"),   // Sentry: organisation, user
    ("shopify-token", r"shp(?:at|ca|pa|ss)_[0-9A-Fa-f]{32}\b"), // Shopify: admin, custom, private, shared secret
    ("slack-token", r"xox[abceoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,}"), // Slack: bot, user, refresh, configuration
    ("slack-token", r"xapp-[0-9]-[A-Z0-9]+-[0-9]+-[a-z0-9]+"), // Slack: app level
    ("square-token", r"sq0(?:atp|csp)-[A-Za-z0-9_-]{22,}"), // Square: access token, secret
    ("stripe-key", r"(?:[rs]k_(?:live|prod|test)|whsec)_[A-Za-z0-9+/=]{16,}"), // Stripe: secret, restricted, webhook
    ("supabase-key", r"sb(?:p_[0-9a-f]{40}\b|_secret_[A-Za-z0-9_-]{31,})"), // Supabase: personal, secret
    ("telegram-token", r"[0-9]{8,10}:AA[A-Za-z0-9_-]{33}"), // Telegram: bot id and token
    ("terraform-token", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,}"), // HCP Terraform
    ("twilio-key", r"SK[0-9a-f]{32}\b"),                   // Twilio: API key SID
    ("vault-token", r"hv[bsr]\.[A-Za-z0-9_-]{24,}"),       // HashiCorp Vault: batch, service, recovery
    ("xai-key", r"xai-[A-Za-z0-9]{70,}\b"),                // xAI
];

/// The tokens among them whose mark no word ends with, in the strictest form: they count in the middle of a word, too.
const WITHIN_WORDS: &[(&str, &str)] = &[
    ("age-key", r"AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{58,}"),
    ("anthropic-key", r"sk-ant-(?:admin|api|oat)[0-9]{2}-[A-Za-z0-9_-]{32,}"),
    ("docker-token", r"dckr_[op]at_[A-Za-z0-9_-]{27,}"),
    ("gcp-client-secret", r"GOCSPX-[A-Za-z0-9_-]{28}"),
    ("github-token", r"gh[oprsu]_[A-Za-z0-9]{36,}"), // A word may end in `ghs`, and a name go on with underlines.
    ("github-token", r"github_pat_[A-Za-z0-9_]{82}"),
    ("gitlab-token", r"gl(?:cbt|dt|pat|ptt|rt)-[A-Za-z0-9_-]{20,}"),
    ("npm-token", r"npm_[A-Za-z0-9]{36}\b"),
    ("openai-key", r"sk-[A-Za-z0-9_-]{20,}T3BlbkFJ[A-Za-z0-9_-]{20,}"), // OpenAI: `OpenAI` in base64
    ("pypi-token", r"pypi-AgE[A-Za-z0-9_-]{50,}"),
    ("slack-token", r"xox[abpr]-[0-9]{10,}-[A-Za-z0-9-]{10,}"),
    ("stripe-key", r"[rs]k_live_[A-Za-z0-9]{24,}"),
];

/// Secrets by where they stand.
const PLACES: &[(&str, &str)] = &[
    // RFC 7468, OpenSSH, PGP: up to the end line, whatever a tool put before each line; cut off, as far as base64 goes.
    ("private-key", r#"(-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----[^"\x00]*?-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----)"#),
    (
        "private-key",
        r"(-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?:(?:\s|\\[nrt]|[0-9|>+-]|\xE2\x86\x92)*[A-Za-z0-9+/]{40,}={0,2})+)",
    ),
    ("private-key", r"Private-Lines: [0-9]+((?:(?:\s|\\[nr])+[A-Za-z0-9+/]{40,}={0,2})+)"), // PuTTY
    ("private-key", r#"\\*"d\\*"\s*:\s*\\*"([A-Za-z0-9_-]{40,})"#), // RFC 7517: the private part of an elliptic curve's JWK
    // RFC 3986 §3.2.1; an `@` that should have been escaped is the password's, up to the last one of the authority.
    ("url-password", r#"[A-Za-z0-9+]://[^\s/:"'\\<>\x00]*:([^\s/@"'\\$<>{}\[\]\x00][^\s/@"'\\<>{}\x00]*(?:@[^\s/?\#@"'\\<>{}\x00]*)*)@"#),
    ("webhook", r"hooks\.slack\.com/(?:services|triggers|workflows)/([A-Za-z0-9/_+-]{20,})"), // Slack: whoever has it may post
    ("webhook", r"discord(?:app)?\.com/api/webhooks/([0-9]+/[A-Za-z0-9_-]{40,})"),            // Discord
    ("url-signature", r"[?&](?:sig|X-Amz-Signature|X-Goog-Signature)=([A-Za-z0-9%+/_-]{32,})"), // Azure SAS, presigned URLs
    ("authorization", r"(?i)bearer\s+([A-Za-z0-9+/=._~-]{24,})"),                             // RFC 6750
    ("password", r#"(?i)curl\b[^"|;&\n]*?[\s\x00](?:-u|--user|--proxy-user)[\s\x00=]*(?:\\*["'`])?[^\s:"'\\\x00\[]+:([^\s"'\\\x00\[]+)"#), // curl(1)
    ("password", r#"sshpass[\s\x00]+-p[\s\x00]*(?:\\*["'`])?([^\s"'\\\x00\[]+)"#), // sshpass(1)
    (
        "password",
        r#"(?i)--(?:[a-z]+-)*(?:password|passwd|passphrase)[\s\x00]+(?:\\*["'`])?([^\s"'`\\$<>{}\[\]()\x00-][^\s"'`\\<>{}\[\]()\x00]{3,})"#,
    ),
    ("secret", r#"(?i)--(?:[a-z]+-)*(?:token|secret|api-?key)[\s\x00]+(?:\\*["'`])?([A-Za-z0-9+/=_.~-]{16,})"#),
];

/// A rule, in the order of the columns below.
type Named = (&'static str, &'static str, Is, &'static str, fn(&[u8]) -> bool);
/// Secrets without a form of their own that a name announces: kind, name, what is between, value, and what the form can't tell.
const NAMED: &[Named] = &[
    // RFC 9110 §11.6.2
    ("authorization", "authorization", Is::Any, r"(?:basic|bearer|digest|token)\s+([A-Za-z0-9+/=._~-]{6,})", |_| true),
    // Whatever it is where it's quoted, or assigned without a blank.
    ("password", PASSWORD, Is::Quoted, r#"([^\s"'`\\<>{}\[\]()\x00\x1B]{4,})"#, is_no_variable),
    ("password", PASSWORD, Is::Assigned, r#"([^\s"'`\\<>{}\[\](),;&|\x00\x1B]{4,})"#, is_no_variable),
    ("password", PASSWORD, Is::Any, r#"([^\s"'`\\<>{}\[\](),;&|\x00\x1B]{6,})"#, is_mixed_and_no_variable),
    ("aws-secret-key", "secret[_-]?access[_-]?key", Is::Any, r"([A-Za-z0-9+/]{40})\b", is_mixed),
    (
        "secret",
        "(?:secret|token|credential|_auth|(?:access|account|api|auth|client|encryption|master|private|secret|service|signing)[_-]?key)",
        Is::Any,
        r"([A-Za-z0-9+/=_.~-]{16,})",
        is_mixed,
    ),
];

/// Names of passwords.
const PASSWORD: &str = r"(?:password|passwd|passphrase|_pass|_pwd|;\s*pwd)";

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(text: &str) -> (String, Vec<(&'static str, u64)>) {
        let mut counts = Redactions::default();
        let text = String::from_utf8(redact(text.as_bytes(), &mut counts).into_owned()).unwrap();
        (text, counts.iter().collect())
    }

    #[test]
    fn every_form_is_a_regular_expression_with_the_secret_as_its_group() {
        for rule in &RULES.each {
            assert_eq!(rule.regex().captures_len(), 2, "{}", rule.form);
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
