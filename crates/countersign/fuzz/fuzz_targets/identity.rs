//! Any text as the subject that a policy names, exactly, as a glob or as a regular expression: reading it and asking
//! with it ends, and an exact one is met by that very subject only. What patterns mean is tested beside them.
#![no_main]

use std::sync::LazyLock;

use countersign::digest::Digest;
use countersign::inquiry::{Found, Inquiry, Question};
use countersign::json::Json;
use countersign::policy::Policy;
use countersign::trust::{Trust, TrustRoot};

macro_rules! case {
    ($name:literal) => {
        include_bytes!(concat!("../../../../testdata/cases/allow-certificate-rekor-v1/", $name))
    };
}

static TRUST: LazyLock<Trust> =
    LazyLock::new(|| Trust::keys_only().with(TrustRoot::parse(case!("trusted_root.json")).expect("a trust root")));

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((kind, Ok(text))) = input.split_first().map(|(kind, text)| (kind, std::str::from_utf8(text))) else { return };
    let text = String::from_utf8(Json::from(text).canonical()).expect("JSON is UTF-8");
    let pattern = match kind % 3 {
        0 => text,
        1 => format!(r#"{{"glob":{text}}}"#),
        _ => format!(r#"{{"regex":{text}}}"#),
    };
    let good = std::str::from_utf8(case!("policy.yaml")).expect("text");
    assert!(good.contains(SUBJECT));
    // YAML reads JSON as it is.
    let Ok(policy) = Policy::parse(good.replacen(SUBJECT, &pattern, 1).as_bytes()) else { return };
    let at = "2025-12-15T00:00:00Z".parse().expect("a time");
    let question = Question::new(Digest::sha256(case!("demo.tar")), "demo.tar", at).expect("a question").environment("build");
    let mut inquiry = Inquiry::about(question, &TRUST, &policy).expect("an inquiry");
    while let Some(wanted) = inquiry.next() {
        inquiry.supply(&wanted, Found::These(vec![case!("build.sigstore.json").to_vec()]));
    }
    let allowed = inquiry.decide().is_allowed();
    if pattern.starts_with('"') {
        assert_eq!(allowed, pattern == SUBJECT);
    }
});

const SUBJECT: &str = r#""https://example.test/demo/.pipeline/build.yml@refs/heads/main""#;
