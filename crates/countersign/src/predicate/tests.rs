//! Each predicate by its golden statement: what is read, what is kept, and what is refused.
//! That the golden statements are what is written today is a test of the testkit.
#![expect(clippy::disallowed_methods, reason = "the golden statements and the schemas lie beside the crates")]

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::json::Json;
use crate::statement::Statement;

fn testdata(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(name)
}

fn golden(name: &str) -> Statement {
    Statement::parse(&fs::read(testdata("golden").join(format!("{name}.json"))).unwrap()).unwrap()
}

/// Returns the golden statement with some of its text replaced.
fn edited(name: &str, from: &str, to: &str) -> Statement {
    let text = String::from_utf8(golden(name).to_bytes()).unwrap();
    assert!(text.contains(from), "{name} doesn't hold {from}");
    Statement::parse(text.replace(from, to).as_bytes()).unwrap()
}

fn kept<T: serde::Serialize + serde::de::DeserializeOwned>(name: &str) {
    let text = String::from_utf8(golden(name).to_bytes()).unwrap();
    let more = text.replacen(r#""predicate":{"#, r#""predicate":{"https://example.test/more":[{"x":null}],"#, 1);
    let statement = Statement::parse(more.as_bytes()).unwrap();
    let read: T = statement.predicate.to().unwrap();
    assert_eq!(Json::of(&read).unwrap(), statement.predicate, "{name}");
}

#[test]
fn members_that_nobody_knows_are_kept() {
    kept::<VerificationSummary>("vsa");
    kept::<SimpleVerificationResult>("svr");
    kept::<AttributeReport>("scai");
    kept::<VulnerabilityScan>("vulns");
    kept::<Mandate>("mandate");
    kept::<Approval>("approval");
    kept::<Override>("override");
    kept::<StatusList>("status");
}

#[test]
fn predicates_say_when_they_were_made() {
    for (name, at) in [
        ("vsa", "2025-12-15T00:00:00Z"),
        ("svr", "2025-12-15T00:00:00Z"),
        ("vulns", "2025-12-01T12:11:00Z"),
        ("approval", "2025-12-01T13:00:00Z"),
        ("override", "2025-12-01T13:00:00Z"),
        ("status", "2025-12-01T00:00:00Z"),
        ("agent-commit-v0.1", "2025-12-01T11:00:00Z"),
    ] {
        let statement = golden(name);
        assert_eq!(claimed_at(&statement.predicate_type, &statement.predicate), Some(at.parse().unwrap()), "{name}");
    }
    for name in ["scai", "mandate", "test-result"] {
        let statement = golden(name);
        assert_eq!(claimed_at(&statement.predicate_type, &statement.predicate), None, "{name}");
    }
}

/// What each of ours refuses, and whether the schema can say so, too.
const FAULTS: &[(&str, &str, &str, bool)] = &[
    ("approval", r#""commit":"#, r#""comit":"#, true),
    ("approval", r#""over":{"#, r#""over":{"only":"docs","#, true),
    ("approval", r#""nonce":"0001"#, r#""nonce":"00"#, true),
    ("approval", r#""role":"maintainer""#, r#""role":"""#, true),
    ("approval", r#""tier":"medium""#, r#""tier":"some""#, true),
    ("approval", r#""presence":"user-verified""#, r#""presence":"here""#, true),
    ("approval", r#""reason":"The greeting is what the ticket asks for.""#, r#""reason":"""#, true),
    ("approval", r#""environments":["staging"]"#, r#""environments":["staging","staging"]"#, true),
    ("approval", r#""expiresAt":"2025-12-15"#, r#""expiresAt":"2025-11-15"#, false),
    ("override", r#""findings":["CVE-2025-0001"]"#, r#""findings":[]"#, true),
    ("override", r#""findings":["CVE-2025-0001"]"#, r#""findings":["CVE-*"]"#, true),
    ("override", r#""environments":["staging"]"#, r#""environments":[]"#, true),
    ("override", r#""ticket":"https://example.test/demo/issues/2""#, r#""ticket":"2""#, true),
    ("override", r#""expiresAt":"2025-12-31T13:00:00Z""#, r#""expiresAt":"2025-12-31T13:00:01Z""#, false),
    ("override", r#""artifact":{"sha256""#, r#""artifact":{"sha1":"x","sha256""#, true),
    ("override", r#""artifact":{"sha256""#, r#""artifact":{"gitBlob""#, true),
    ("mandate", r#""paths":["docs/**","*.txt"]"#, r#""paths":["docs/{a,b}"]"#, true),
    ("mandate", r#""paths":["docs/**","*.txt"]"#, r#""paths":["!docs/**"]"#, true),
    ("mandate", r#""amount":"12.50""#, r#""amount":"12,50""#, true),
    ("mandate", r#""upTo":"patch""#, r#""upTo":"patch","also":true"#, true),
    ("mandate", r#""refs":["refs/heads/main"]"#, r#""refs":[]"#, true),
    ("mandate", r#""notBefore":"2025-12-01"#, r#""notBefore":"2025-12-31"#, false),
    ("status", r#""kind":"signer""#, r#""kind":"mood""#, true),
    ("status", r#""match":"retired""#, r#""match":"others""#, false),
    ("status", r#""nextUpdate":"2025-12-02"#, r#""nextUpdate":"2025-11-02"#, false),
    ("status", r#""sequence":7"#, r#""sequence":-7"#, true),
];

fn is_read(statement: &Statement) -> bool {
    match statement.predicate_type.as_str() {
        APPROVAL => Approval::read(statement).is_ok(),
        OVERRIDE => Override::read(statement).is_ok(),
        MANDATE => Mandate::read(statement).is_ok(),
        _ => StatusList::read(statement).is_ok(),
    }
}

#[test]
fn our_own_are_read_as_they_are_meant_or_not_at_all() {
    for name in ["approval", "override", "mandate", "status"] {
        assert!(is_read(&golden(name)), "{name}");
        assert!(!is_read(&edited(name, &format!("https://countersign.dev/{name}/v1"), "https://countersign.dev/other/v1")), "{name}");
    }
    for (name, from, to, _) in FAULTS {
        assert!(!is_read(&edited(name, from, to)), "{name}: {to}");
    }
    let mut of_another = golden("mandate");
    of_another.subject = golden("override").subject;
    assert!(!is_read(&of_another), "a mandate is about its intent");
}

#[test]
fn the_published_schemas_say_the_same_as_far_as_schemas_can() {
    let validator = |name: &str| {
        let text = fs::read_to_string(testdata("schema").join(format!("{name}.schema.json"))).unwrap();
        jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap()
    };
    let value = |statement: &Statement| serde_json::from_slice(&statement.predicate.canonical()).unwrap();
    for name in ["approval", "override", "mandate", "status"] {
        let errors: Vec<_> = validator(name).iter_errors(&value(&golden(name))).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{name}");
    }
    for (name, from, to, can_say) in FAULTS {
        assert_eq!(!validator(name).is_valid(&value(&edited(name, from, to))), *can_say, "{name}: {to}");
    }
}
