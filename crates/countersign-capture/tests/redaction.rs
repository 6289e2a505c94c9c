//! Secrets are found in whatever they stand, and digests, ids and lockfiles are no secrets.
//! The planted ones are put together as the tests run, so that no scanner finds them here.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may stop at what it doesn't expect"
)]

use std::borrow::Cow;
use std::collections::BTreeSet;

use countersign::json::Json;
use countersign_capture::redaction::{Redactions, redact};
use proptest::prelude::*;

/// Numbers that look random and are the same each time (SplitMix64).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Returns characters of an alphabet.
    fn of(&mut self, alphabet: &str, length: usize) -> String {
        let letters: Vec<char> = alphabet.chars().collect();
        (0..length).map(|_| letters[usize::try_from(self.next() % letters.len() as u64).unwrap()]).collect()
    }
}

const HEX: &str = "0123456789abcdef";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
const WORD: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Secrets by kind: what stands before it, its parts, and what stands behind.
fn planted() -> Vec<(&'static str, String, String, String)> {
    let mut noise = Noise(7);
    let mut all = Vec::new();
    let mut token = |kind, parts: &[(&str, &str, usize)]| {
        let secret = parts.iter().map(|(mark, alphabet, length)| format!("{mark}{}", noise.of(alphabet, *length))).collect::<String>();
        all.push((kind, String::new(), secret, String::new()));
    };
    token("age-key", &[("AGE-SECRET-KEY-1", UPPER, 58)]);
    token("airtable-token", &[("pat", WORD, 14), (".", HEX, 64)]);
    token("alibaba-access-key", &[("LTAI", WORD, 20)]);
    token("anthropic-key", &[("sk-ant-api03-", URL64, 93), ("AA", "", 0)]);
    token("anthropic-key", &[("sk-ant-admin01-", URL64, 93), ("AA", "", 0)]);
    token("anthropic-key", &[("sk-ant-oat01-", URL64, 90)]);
    token("artifactory-key", &[("AKCp", WORD, 69)]);
    token("atlassian-token", &[("ATATT3", URL64, 186)]);
    token("atlassian-token", &[("ATBB", WORD, 32)]);
    token("aws-access-key", &[("AKIA", UPPER, 16)]);
    token("aws-access-key", &[("ASIA", UPPER, 16)]);
    token("aws-bedrock-key", &[("ABSK", BASE64, 128)]);
    token("azure-client-secret", &[("a", WORD, 2), ("8Q~", URL64, 31), ("", WORD, 3)]);
    token("crates-io-token", &[("cio", WORD, 32)]);
    token("databricks-token", &[("dapi", HEX, 32)]);
    token("digitalocean-token", &[("dop_v1_", HEX, 64)]);
    token("digitalocean-token", &[("doo_v1_", HEX, 64)]);
    token("discord-token", &[("M", WORD, 25), (".", WORD, 6), (".", WORD, 38)]);
    token("docker-token", &[("dckr_pat_", WORD, 27)]);
    token("doppler-token", &[("dp.pt.", WORD, 43)]);
    token("figma-token", &[("figd_", WORD, 40)]);
    token("fly-token", &[("fo1_", WORD, 43)]);
    token("gcp-access-token", &[("ya29.a", URL64, 60)]);
    token("gcp-api-key", &[("AIza", URL64, 34), ("", WORD, 1)]);
    token("gcp-client-secret", &[("GOCSPX-", URL64, 28)]);
    token("gcp-refresh-token", &[("1//0", URL64, 60)]);
    token("github-token", &[("ghp_", WORD, 36)]);
    token("github-token", &[("gho_", WORD, 36)]);
    token("github-token", &[("ghs_", WORD, 36)]);
    token("github-token", &[("github_pat_", WORD, 22), ("_", WORD, 59)]);
    token("gitlab-token", &[("glpat-", WORD, 20)]);
    token("gitlab-token", &[("glrt-", WORD, 20)]);
    token("gitlab-token", &[("gldt-", WORD, 20)]);
    token("grafana-token", &[("glsa_", WORD, 32), ("_", HEX, 8)]);
    token("grafana-token", &[("glc_", BASE64, 44)]);
    token("groq-key", &[("gsk_", WORD, 52)]);
    token("hugging-face-token", &[("hf_", WORD, 34)]);
    token("json-web-token", &[("eyJ", URL64, 33), (".eyJ", URL64, 60), (".", URL64, 42), ("", WORD, 1)]);
    token("openai-key", &[("sk-", HEX, 32)]);
    token("langsmith-key", &[("lsv2_pt_", HEX, 32), ("_", HEX, 10)]);
    token("sonarqube-token", &[("squ_", HEX, 40)]);
    token("linear-key", &[("lin_api_", WORD, 40)]);
    token("mailgun-key", &[("key-", HEX, 32)]);
    token("new-relic-key", &[("NRAK-", UPPER, 27)]);
    token("notion-token", &[("ntn_", WORD, 46)]);
    token("npm-token", &[("npm_", WORD, 36)]);
    token("nuget-key", &[("oy2", LOWER, 43)]);
    token("openai-key", &[("sk-proj-", URL64, 100)]);
    token("openai-key", &[("sk-", WORD, 20), ("T3Blbk", WORD, 22)]);
    token("openrouter-key", &[("sk-or-v1-", HEX, 64)]);
    token("perplexity-key", &[("pplx-", WORD, 48)]);
    token("planetscale-token", &[("pscale_tkn_", WORD, 43)]);
    token("postman-key", &[("PMAK-", HEX, 24), ("-", HEX, 34)]);
    token("pulumi-token", &[("pul-", HEX, 40)]);
    token("pypi-token", &[("pypi-AgE", URL64, 150)]);
    token("replicate-token", &[("r8_", WORD, 37)]);
    token("rubygems-key", &[("rubygems_", HEX, 48)]);
    token("sendgrid-key", &[("SG.", URL64, 22), (".", URL64, 43)]);
    token("sentry-token", &[("sntryu_", HEX, 64)]);
    token("shopify-token", &[("shpat_", HEX, 32)]);
    token("slack-token", &[("xoxb-", "0123456789", 12), ("-", WORD, 24)]);
    token("slack-token", &[("xapp-1-A", UPPER, 10), ("-", "0123456789", 13), ("-", HEX, 64)]);
    token("square-token", &[("sq0atp-", URL64, 22)]);
    token("stripe-key", &[("sk_live_", WORD, 24)]);
    token("stripe-key", &[("rk_test_", WORD, 24)]);
    token("stripe-key", &[("whsec_", WORD, 32)]);
    token("supabase-key", &[("sbp_", HEX, 40)]);
    token("telegram-token", &[("1", "0123456789", 9), (":AA", URL64, 33)]);
    token("terraform-token", &[("", WORD, 14), (".atlasv1.", URL64, 67)]);
    token("twilio-key", &[("SK", HEX, 32)]);
    token("vault-token", &[("hvs.", URL64, 90)]);
    token("xai-key", &[("xai-", WORD, 80)]);

    let mut placed = |kind, before: &str, alphabet: &str, length, behind: &str| {
        all.push((kind, before.to_owned(), noise.of(alphabet, length), behind.to_owned()));
    };
    placed("aws-secret-key", "aws_secret_access_key = ", BASE64, 40, "");
    placed("aws-secret-key", "SecretAccessKey: ", BASE64, 40, "");
    placed("authorization", "Authorization: Basic ", BASE64, 24, "");
    placed("authorization", "curl -H 'authorization: Bearer ", WORD, 40, "' https://example.test");
    placed("url-password", "postgres://app:", WORD, 12, "@db.example.test/app");
    placed("url-password", "git clone https://deploy:", URL64, 20, "@example.test/app.git");
    placed("url-password", "redis://:", WORD, 16, "@cache.example.test:6379");
    placed("webhook", "https://hooks.slack.com/services/", WORD, 44, "");
    placed("webhook", "https://discord.com/api/webhooks/1", "0123456789", 17, "/");
    all.last_mut().unwrap().3 = format!("/{}", "a1B2".repeat(17));
    let mut placed = |kind, before: &str, alphabet: &str, length, behind: &str| {
        all.push((kind, before.to_owned(), noise.of(alphabet, length), behind.to_owned()));
    };
    placed("url-signature", "https://store.example.test/x?sv=2024&sig=", WORD, 43, "%3D");
    placed("password", "password=", LOWER, 12, "");
    placed("password", "DB_PASSWORD='", LOWER, 8, "'");
    placed("password", "login --password ", WORD, 10, "");
    placed("password", "curl -u somebody:", WORD, 10, " https://example.test");
    placed("password", "sshpass -p ", WORD, 10, " ssh host");
    placed("password", "Server=db;Uid=app;Pwd=", WORD, 12, ";");
    placed("secret", "AccountName=x;AccountKey=", BASE64, 86, "==");
    placed("secret", "client_secret: ", WORD, 32, "");
    placed("secret", "DJANGO_SECRET_KEY=", WORD, 50, "");
    placed("secret", "X-Api-Key: ", HEX, 32, "");
    placed("secret", "//registry.example.test/:_authToken=", WORD, 36, "");
    placed("secret", "deploy --api-token ", WORD, 40, "");
    // In the middle of a word, and right behind an option.
    for (before, mark) in [("x_", "ghp_"), ("token", "ghp_"), ("0", "ghs_"), ("curl -u", "gho_"), ("deploy -t", "ghp_")] {
        all.push(("github-token", before.to_owned(), format!("{mark}{}", noise.of(WORD, 36)), " ".to_owned()));
    }
    all.push(("npm-token", "my_".to_owned(), format!("npm_{}", noise.of(WORD, 36)), String::new()));
    all.push(("gitlab-token", "old".to_owned(), format!("glpat-{}", noise.of(WORD, 20)), String::new()));
    all.push(("crates-io-token", "CARGO_".to_owned(), format!("cio{}", noise.of(WORD, 32)), String::new()));
    // In colours.
    let mut coloured = |kind, before: &str, alphabet: &str, length| {
        all.push((kind, before.to_owned(), noise.of(alphabet, length), "\u{1b}[0m".to_owned()));
    };
    coloured("password", "\u{1b}[36mDB_PASSWORD\u{1b}[0m=\u{1b}[01;32m", LOWER, 12);
    coloured("password", "\u{1b}[34mpassword\u{1b}[39m: \u{1b}[33m\"", LOWER, 12);
    coloured("password", "\u{1b}[34mpassword\u{1b}[39m\u{1b}[2m:\u{1b}[0m \"\u{1b}[33m", LOWER, 12);
    coloured("secret", "\u{1b}[01;31m\u{1b}[Kclient_secret\u{1b}[m\u{1b}[K=", WORD, 32);
    coloured("aws-secret-key", "\u{1b}[1maws_secret_access_key\u{1b}[0m = \u{1b}[32m", WORD, 40);
    coloured("authorization", "\u{1b}[36mAuthorization\u{1b}[39m:\u{1b}[39m Basic ", WORD, 24);
    // With signs that shells, or URLs, give a meaning.
    for (kind, before, secret, behind) in [
        ("password", "DB_PASSWORD='", "pa$$w0rd$HOME", "'"),
        ("password", "password: \"", "$3cret$letters", "\""),
        ("password", "password = \"", "correct$horse", "\""),
        ("password", "password=", "tr0ub4dor$3", " next"),
        ("password", "login --password '", "battery$staple", "'"),
        ("url-password", "https://deploy:", "p@ssw0rd@2024", "@example.test/app.git"),
        ("url-password", "postgres://app:", "begin@@middle@end", "@db.example.test:5432/app?sslmode=off"),
        ("url-password", "smtp://somebody@example.test:", "hunter2hunter2", "@mail.example.test"),
    ] {
        all.push((kind, before.to_owned(), secret.to_owned(), behind.to_owned()));
    }
    // To the mark that closes it, or to the next blank.
    for (kind, before, secret, behind) in [
        ("password", "\"password\": \"", "Tr0ub4dor&3 horse(battery)staple99", "\""),
        ("password", "\"password\": \"", "My Pass w0rd 99", "\","),
        ("password", "password = '", "say \"friend\" and <enter> 99", "'"),
        ("password", "DB_PASSWORD=", "p4ss,w0rd;rest99&more", " next"),
        ("password", "DB_PASSWORD=", "p4ss|w0rd<rest>99{more}[end]", ""),
        ("password", "password: ", "p4ssw0rd,(rest);99&more", ""),
        ("secret", "SECRET_KEY = 'django-", "insecure-4w$k*7!2m#q8z^t9x0)p(l3v6b5n1", "'"),
        ("secret", "api_key: \"", "4w$k*7!2m#q8z^t9x0)p(l3v6b5n1", "\""),
        ("password", "PASS=", "S3cretPw99", ""),
        ("password", "pass: \"", "S3cretPw99", "\""),
        ("password", "machine api.example.test login bob password ", "netrc-secret-one", ""),
        ("password", "machine api.example.test\n  login bob\n  password ", "netrc-secret-two", ""),
        ("password", "db.example.test:5432:prod:bob:", "S3cretPw99", ""),
        ("password", "mysql -u root -p", "S3cretPw99", " db"),
        ("password", "docker login -u bob -p ", "S3cretPw99", " registry.example.test"),
        ("password", "redis-cli -a ", "S3cretPw99", " ping"),
        ("password", "openssl rsa -in k.pem -passin pass:", "S3cretPw99", ""),
        ("password", "http -a bob:", "S3cretPw99", " example.test"),
        ("password", "tool --pass ", "S3cretPw99", ""),
        ("password", "login --password \"", "two words, and 99", "\""),
        ("secret", "JWT_SECRET=", "supersecretsigningkeyletters", ""),
        ("cookie", "Cookie: ", "session=s%3AabcDEF0123456789; PHPSESSID=0123456789abcdef", "\n"),
        ("cookie", "curl -H 'cookie: ", "session=abcDEF0123456789", "' https://example.test"),
    ] {
        all.push((kind, before.to_owned(), secret.to_owned(), behind.to_owned()));
    }
    let mut named = |kind, before: &str, alphabet: &str, length, behind: &str| {
        all.push((kind, before.to_owned(), noise.of(alphabet, length), behind.to_owned()));
    };
    named("secret", "SECRET_KEY_BASE=", HEX, 128, "");
    named("secret", "APP_KEY=base64:", BASE64, 43, "=");
    named("secret", "DD_APP_KEY=", HEX, 40, "");
    named("secret", "PresharedKey = ", BASE64, 43, "=");
    named("secret", "    client-key-data: ", BASE64, 76, "");
    named("secret", "{\"auth\": \"", BASE64, 32, "\"}");
    named("secret", "Ocp-Apim-Subscription-Key: ", HEX, 32, "");
    named("secret", "AZURE_DEVOPS_EXT_PAT=", LOWER, 52, "");
    named("secret", "cast send --private-key 0x", HEX, 64, "");
    named("secret", "aws configure set --secret-access-key ", WORD, 40, "");
    named("secret", "Unseal Key 1: ", BASE64, 44, "");
    named("authorization", "X-Auth: ", HEX, 32, "");
    named("authorization", "Authorization: ApiKey ", BASE64, 56, "==");
    named("authorization", "Authorization: ", HEX, 40, "");
    named("url-password", "https://", HEX, 40, "@example.test/o/r.git");
    named("private-key", "{\"kty\":\"oct\",\"k\":\"", URL64, 43, "\"}");
    named("private-key", "{\"k\":\"", URL64, 43, "\",\"kty\":\"oct\"}");
    for member in ["p", "q", "dp", "dq", "qi"] {
        named("private-key", &format!("{{\"kty\":\"RSA\",\"e\":\"AQAB\",\"{member}\":\""), URL64, 86, "\"}");
    }
    for label in
        ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "PGP PRIVATE KEY BLOCK"]
    {
        let lines: Vec<_> = (0..6).map(|_| noise.of(BASE64, 64)).collect();
        let key = format!("-----{} {label}-----\n{}\n-----{} {label}-----", "BEGIN", lines.join("\n"), "END");
        all.push(("private-key", String::new(), key, "\n".to_owned()));
    }
    let jwk = format!("{}\"", noise.of(URL64, 43));
    all.push(("private-key", "{\"kty\":\"OKP\",\"d\":\"".to_owned(), jwk.trim_end_matches('"').to_owned(), "\"}".to_owned()));
    all
}

fn redacted(text: &str) -> (String, Redactions) {
    let mut counts = Redactions::default();
    let text = redact(text.as_bytes(), &mut counts).into_owned();
    (String::from_utf8(text).unwrap(), counts)
}

/// Returns every piece of a secret that is long enough to tell.
fn pieces(secret: &str) -> impl Iterator<Item = String> {
    let letters: Vec<char> = secret.chars().filter(|c| *c != '\n').collect();
    let starts = 0..letters.len().saturating_sub(7).max(1);
    starts.map(move |at| letters.iter().skip(at).take(8).collect::<String>()).filter(|piece| !piece.contains("-----"))
}

fn assert_gone(what: &str, kind: &str, secret: &str, text: &str) {
    let (redacted, counts) = redacted(text);
    assert!(counts.iter().any(|(found, _)| found == kind), "{what}: {kind} isn't among {counts:?}: {redacted}");
    assert!(redacted.contains(&format!("[redacted:{kind}]")), "{what}: {kind}: {redacted}");
    // A kind can be called what its tokens begin with.
    let redacted = redacted.replace(&format!("[redacted:{kind}]"), "");
    if let Some(piece) = pieces(secret).find(|piece| redacted.contains(piece.as_str())) {
        panic!("{what}: `{piece}` of a {kind} is left: {redacted}");
    }
}

#[test]
fn finds_what_is_planted_wherever_it_stands() {
    let planted = planted();
    let kinds: BTreeSet<_> = planted.iter().map(|(kind, ..)| *kind).collect();
    assert!(planted.len() >= 165 && kinds.len() >= 58, "{} secrets of {} kinds", planted.len(), kinds.len());
    let json = |text: &str| String::from_utf8(Json::from(text).canonical()).unwrap();
    for (kind, before, secret, behind) in &planted {
        let text = format!("{before}{secret}{behind}");
        assert_gone("alone", kind, secret, &text);
        assert_gone("in a sentence", kind, secret, &format!("Use this one, please:\n\t{text}\nand go on."));
        let record = format!("{{\"message\":{{\"content\":{}}}}}", json(&format!("see\n{text}\nbelow")));
        assert_gone("in a record", kind, &secret.replace('\n', ""), &record);
        let nested = format!("{{\"stdout\":{}}}", json(&record));
        assert_gone("in a record within a record", kind, &secret.replace('\n', ""), &nested);
        for text in [record, nested] {
            let (redacted, _) = redacted(&text);
            assert!(Json::parse(redacted.as_bytes()).is_ok(), "{redacted}");
        }
    }
}

#[test]
fn finds_a_key_as_tools_show_files_and_one_that_was_cut_off() {
    let mut noise = Noise(9);
    let lines: Vec<_> = (0..6).map(|_| noise.of(BASE64, 64)).collect();
    let (begin, end) = (format!("-----{} RSA PRIVATE KEY-----", "BEGIN"), format!("-----{} RSA PRIVATE KEY-----", "END"));
    let numbered = |mark: &str| {
        let all = [std::slice::from_ref(&begin), lines.as_slice(), std::slice::from_ref(&end)].concat();
        all.iter().enumerate().map(|(at, line)| format!("{:6}{mark}{line}\n", at + 1)).collect::<String>()
    };
    for text in [numbered("→"), numbered("\t"), numbered("|"), format!("{begin}\n{}", lines.join("\n"))] {
        for text in [text.clone(), String::from_utf8(Json::from(text.as_str()).canonical()).unwrap()] {
            let (redacted, counts) = redacted(&text);
            assert_eq!(counts.iter().collect::<Vec<_>>(), [("private-key", 1)], "{redacted}");
            assert!(lines.iter().all(|line| !redacted.contains(line.as_str())), "{redacted}");
        }
    }
}

#[test]
fn the_arguments_of_a_command_keep_their_borders() {
    let (token, password) = (format!("{}_{}", "ghp", "b2".repeat(18)), "hunter2hunter2");
    let argv = format!("tool\0--password\0{password}\0--token={token}\0-p\0do it\0");
    assert_eq!(redacted(&argv).0, "tool\0--password\0[redacted:password]\0--token=[redacted:github-token]\0-p\0do it\0");
}

#[test]
fn takes_nothing_out_of_ids_digests_and_lockfiles() {
    const EACH: usize = 10_000;
    let mut noise = Noise(1);
    let mut counts = Redactions::default();
    let mut check = |text: String| {
        let left = redact(text.as_bytes(), &mut counts);
        assert!(matches!(left, Cow::Borrowed(_)), "{text} became {}", String::from_utf8_lossy(&left));
    };
    for at in 0..EACH {
        let (sha1, sha256) = (noise.of(HEX, 40), noise.of(HEX, 64));
        let uuid = [8, 4, 4, 4, 12].map(|length| noise.of(HEX, length)).join("-");
        // 32 bytes are 43 characters and one `=`, 64 bytes are 86 and two.
        let (base64_256, base64_512) = (noise.of(BASE64, 43) + "=", noise.of(BASE64, 86) + "==");
        check(sha1.clone());
        check(format!("commit {sha1} (HEAD -> main)\nMerge: {} {}", noise.of(HEX, 7), noise.of(HEX, 7)));
        check(format!("{{\"gitCommit\":\"{sha1}\",\"parent\":\"{sha256}\"}}"));
        check(uuid.clone());
        check(format!(
            "{{\"uuid\":\"{uuid}\",\"sessionId\":\"{uuid}\",\"requestId\":\"req_{}\",\"id\":\"msg_01{}\"}}",
            noise.of(WORD, 24),
            noise.of(WORD, 22)
        ));
        check(format!("sha256:{sha256}  sha256-{base64_256}  SHA256:{}", noise.of(BASE64, 43)));
        check(base64_256);
        check(base64_512.clone());
        check(format!("[[package]]\nname = \"tokio-{at}\"\nversion = \"1.0.{at}\"\nchecksum = \"{sha256}\"\n"));
        check(format!(
            "\"node_modules/js-tokens\":{{\"version\":\"4.0.{at}\",\"resolved\":\"https://registry.example.test/js-tokens/-/js-tokens-4.0.{at}.tgz\",\"integrity\":\"sha512-{base64_512}\"}}"
        ));
        check(format!("  resolved \"https://registry.example.test/@scope/x/-/x-1.0.{at}.tgz#{sha1}\"\n  integrity sha512-{base64_512}\n"));
        check(format!(
            "example.test/token v1.0.{at} h1:{}=\nexample.test/token v1.0.{at}/go.mod h1:{}=",
            noise.of(BASE64, 43),
            noise.of(BASE64, 43)
        ));
        check(format!("docker pull registry.example.test/app@sha256:{sha256}"));
        check(format!("\"signature\":\"{}\"", noise.of(BASE64, 344)));
    }
    assert!(counts.is_empty());
}

proptest! {
    #[test]
    fn no_tail_of_a_value_is_left(
        value in "[A-Za-z][ -&(-\\[\\]-_a-~]{7,60}[0-9A-Za-z]{4}", quoted in any::<bool>(), single in any::<bool>(), deep in 0_usize..3,
    ) {
        let json = |text: &str| String::from_utf8(Json::from(text).canonical()).unwrap();
        let value = if quoted { value } else { value.replace([' ', '"'], "_") };
        let mut text = match (quoted, single) {
            (true, true) => format!("see password = '{value}' there"),
            (true, false) => format!("see \"password\": {} there", json(&value)),
            (false, true) => format!("see DB_PASSWORD={value} there"),
            (false, false) => format!("see password={value}"),
        };
        for _ in 0..deep {
            text = format!("{{\"said\":{}}}", json(&text));
        }
        let (left, counts) = redacted(&text);
        // The last letters are no escape's, so they'd be left as they are.
        let tail = &value[value.len() - 4..];
        prop_assert!(counts.iter().eq([("password", 1)]) && !left.contains(tail), "{} became {}", text, left);
        prop_assert!(deep == 0 || Json::parse(left.as_bytes()).is_ok(), "{}", left);
    }

    #[test]
    fn what_was_json_still_is_and_nothing_is_taken_out_twice(parts in prop::collection::vec((0_usize..200, "[ -~\n\t\"\\\\é→]{0,12}"), 0..6)) {
        let planted = planted();
        let text = parts.iter().map(|(at, text)| match planted.get(*at) {
            // Apart, since two secrets without anything between them are one word.
            Some((_, before, secret, behind)) => format!("{text} {before}{secret}{behind} "),
            None => text.clone(),
        }).collect::<String>();
        let mut record = Json::from(text.as_str()).canonical();
        for _ in 0..3 {
            let (once, _) = redacted(std::str::from_utf8(&record).unwrap());
            prop_assert!(Json::parse(once.as_bytes()).is_ok(), "{}", once);
            let (twice, _) = redacted(&once);
            prop_assert_eq!(&twice, &once);
            record = Json::from(std::str::from_utf8(&record).unwrap()).canonical();
        }
    }

    #[test]
    fn any_bytes_are_taken(bytes in any::<Vec<u8>>()) {
        let _ = redact(&bytes, &mut Redactions::default());
    }
}
