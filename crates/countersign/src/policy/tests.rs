//! Loads policies as their authors write them, and holds the published schemas to what the code does.
//! What a policy means for evidence is shown by the cases.

#![expect(clippy::disallowed_methods, reason = "the test data lies in files")]

use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::json::Json;

fn testdata(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(path)
}

fn example() -> String {
    fs::read_to_string(testdata("cases/allow-whole-walk/policy.yaml")).unwrap()
}

fn refused(from: &str, to: &str) -> PolicyError {
    let text = example();
    assert!(text.contains(from), "{from}");
    Policy::parse(text.replacen(from, to, 1).as_bytes()).expect_err(to)
}

#[test]
fn a_typo_is_answered_with_the_place_and_the_nearest_right_word() {
    Policy::parse(example().as_bytes()).unwrap();
    for (from, to, line, word) in [
        ("expires:", "expire:", 3, "expires"),
        ("time: unwitnessed", "time: unwitnesed", 4, "unwitnessed"),
        ("kind: automation", "kind: automatic", 7, "automation"),
        ("custody: local", "custdy: local", 9, "custody"),
        ("mayAttest:\n", "mayAtest:\n", 10, "mayAttest"),
        ("buildType:", "buildtype:", 11, "buildType"),
        ("ceiling: harness", "ceiling: harnes", 11, "harness"),
        ("{signer: maintainer}", "{signer: maintaner}", 19, "maintainer"),
        ("builderId:", "builderID:", 23, "builderId"),
        ("[built, origin, build-ok, by-agent", "[built, orgin, build-ok, by-agent", 28, "origin"),
        ("kind: run-outcome", "kind: run-outcomes", 35, "run-outcome"),
        ("maxAge:", "maxage:", 33, "maxAge"),
        ("about: source, allow: [claude-code]", "about: sources, allow: [claude-code]", 36, "source"),
    ] {
        let error = refused(from, to);
        assert_eq!((error.place.map(|(line, _)| line), error.suggestion.as_deref()), (Some(line), Some(word)), "{to}: {error}");
    }
}

#[test]
fn a_wrong_word_is_answered_with_the_right_ones_and_a_wrong_shape_in_words_of_json() {
    for (from, to, problem) in [
        ("kind: automation", "kind: robot", "`/signers/0/kind`: unknown word `robot` (allowed: `agent`, `automation`, `human`)"),
        ("custody: local", "custody: [local]", "`/signers/0/custody`: expected one of `local`, `managed`, found an array"),
        ("custody: local", "custody: 1", "`/signers/0/custody`: expected one of `local`, `managed`, found a number"),
        ("custody: local", "custody: {local: 1}", "`/signers/0/custody"),
        ("custody: local", "validity: always", "`/signers/0/validity`: expected an object, found a string"),
        ("level: 1", "level: -1", "`/resources/0/builders/0/level`: expected a whole number from 0 to 255, found a number"),
        ("level: 1", "level: high", "`/resources/0/builders/0/level`: expected a whole number from 0 to 255, found a string"),
        ("version: 1", "version: 1.5", "`/version`: expected a whole number that isn't negative, found a number"),
        ("version: 1", "version: one", "`/version`: expected a whole number that isn't negative, found a string"),
        ("id: demo\n", "id: 7\n", "`/id`: expected a string, found a number"),
        ("allow: [claude-code]", "allow: claude-code", "`/requirements/3/allow`: expected an array, found a string"),
        ("{requirements: [built, origin", "{require: [built, origin", "unknown field `require` (allowed: `requirements`)"),
        (
            "  staging: {requirements: [",
            "  staging: []\n  other: {requirements: [",
            "`/environments/staging`: expected an object, found an array",
        ),
        ("{signer: maintainer}", "{signer: x}", "no signer has the id `x` (allowed: `platform`, `maintainer`)"),
        ("kind: owner, ", "kind: ownership, ", "(allowed: `evidence`, `builder`, `source`, `run-outcome`, "),
        ("level: 1}]\n", "level: 1}]\n    externalParameters: {programme: git}\n", "(allowed: `"),
    ] {
        let error = refused(from, to);
        let text = error.to_string();
        assert!(text.contains(problem), "{to}: {text}");
        assert!(error.place.is_some() || from.contains("version") || !error.pointer.is_empty(), "{to}: {text}");
        for rust in ["u64", "u8", "struct", "variant", "Policy", "Signer", "Custody", "Environment", "Requirement", "sequence", "map"] {
            assert!(!text.contains(rust), "{to}: {text}");
        }
    }
    let one = |body: &str| Policy::parse(body.as_bytes()).unwrap_err().to_string();
    assert_eq!(one("- 1"), "line 1, column 1: expected an object, found an array");
    assert_eq!(one("word"), "line 1, column 1: expected an object, found a string");
}

#[test]
fn lists_no_more_right_words_than_anybody_reads() {
    let ids: String = (0..100).map(|n| format!("  - {{id: r{n}, kind: owner, about: source}}\n")).collect();
    let text = example().replace("requirements:\n", &format!("requirements:\n{ids}"));
    let error = Policy::parse(text.replacen("[built, origin", "[built, zzzzzzzz", 1).as_bytes()).unwrap_err().to_string();
    assert!(error.contains(", `r0`, ") && error.ends_with(" more)") && error.len() < 600, "{error}");
}

#[test]
fn refuses_what_would_require_less_than_its_author_thinks() {
    for (from, to, problem) in [
        ("version: 1", "version: 2", "version 1 only"),
        ("kind: owner, ", "kind: tools, ", "`/requirements/6/allow`: is missing"),
        (
            "kind: sbom,          about: artifact, predicate: \"https://cyclonedx.org/bom\"",
            "kind: evidence, about: artifact, predicate: \"https://slsa.dev/verification_summary/v1\"",
            "no evidence by being there",
        ),
        (
            "kind: owner, ",
            "condition: \"predicate ==\", kind: owner, ",
            "line 39, column 20: `/requirements/6/condition`: is no CEL expression: mismatched input '<EOF>', in line 1 of the condition, column 13",
        ),
        ("kind: owner, ", "condition: \"1\", kind: owner, ", "`/requirements/6/condition`: is neither true nor false"),
        ("kind: owner, ", "condition: \"now() < at\", kind: owner, ", "no function `now`"),
        ("kind: owner, ", "condition: \"env == at\", kind: owner, ", "no variable `env`"),
        ("about: source, allow: [claude-code]", "about: source, condition: true, allow: [claude-code]", "`/requirements/3/condition`"),
        ("allow: [claude-code], basis: harness", "basis: harness", "is missing"),
        ("kind: owner, ", "allow: [x], kind: owner, ", "no field of this kind"),
        ("allow: [claude-code]", "allow: []", "must not be empty"),
        ("maxAge: P30D", "maxAge: 30d", "duration"),
        ("- {id: origin, ", "- {id: built, ", "another requirement"),
        ("id: maintainer\n    kind", "id: platform\n    kind", "another signer"),
        ("level: 1", "level: 4", "0 to 3"),
        ("custody: local", "identity: {issuer: a, subject: b, trustRoot: public-good}", "either `key` or `identity`"),
        ("[built, origin, build-ok]", "[built, built]", "twice"),
        ("predicate: \"https://cyclonedx.org/bom\"}", "predicate: \"https://example.test/bom\"}", "no such SBOM is read (allowed: `"),
        ("allow: [\"sha256:", "allow: [\"", "never a tag"),
        ("mayAttest: [{predicate: \"https://cyclonedx.org/bom\", ceiling: harness}]", "mayAttest: []", "could attest nothing"),
        ("people:\n", "people:\n  - {id: maintainer, identities: [{issuer: a, subject: b}]}\n", "another person"),
        ("[{signer: maintainer}, {issuer: local, subject: maintainer@example.test}]", "[]", "must not be empty"),
        ("match: \"https://example.test/demo\"", "match: demo.tar", "same pattern"),
        ("buildTypes: [\"https://countersign.dev/local-build/v1\"]", "buildTypes: []", "must not be empty"),
        ("builders: [{signer: platform", "builders: [{signer: nobody", "no signer"),
        ("kind: owner, ", "signers: [], kind: owner, ", "nobody could meet"),
        ("kind: owner, ", "signers: [nobody], kind: owner, ", "no signer"),
        ("custody: local", "validity: {notBefore: 2025-12-01T00:00:00Z, notAfter: 2025-12-01T00:00:00Z}", "must be later"),
        ("allow: [\"sha256:", "allow: [\"gitBlob:", "never a tag"),
        (
            "buildTypes: [\"https://countersign.dev/local-build/v1\"], level: 1}]\n  - match",
            "buildTypes: [\"https://countersign.dev/local-build/v1\"], level: 1}, {}]\n  - match",
            "missing field",
        ),
        ("maxAge: P30D", "maxAge: ", "must not be empty"),
        ("basis: harness", "basis: null", "must not be empty"),
        ("expires: 2026-01-01T00:00:00Z", "expires: ~", "must not be empty"),
        ("custody: local", "validity: {notAfter: }", "must not be empty"),
        ("kind: owner, ", "signers: , kind: owner, ", "must not be empty"),
        ("kind: owner, ", "condition: , kind: owner, ", "must not be empty"),
        ("subject: maintainer@example.test", "subject: \"\"", "must not be empty"),
        ("repository: \"https://example.test/demo\"", "repository: \"\"", "must not be empty"),
        ("builders: [{", "builders: [], externalParameters: {x: 1}, x: [{", "line"),
        (
            "source: {repository: \"https://example.test/demo\", refs: [refs/heads/main]}",
            "source: {repository: \"https://example.test/demo\"}",
            "at least one ref",
        ),
        ("level: 1}]\n", "level: 1}]\n    externalParameters: {programme: git}\n", "has this parameter"),
    ] {
        let error = refused(from, to).to_string();
        assert!(error.contains(problem), "{to}: {error}");
    }
}

fn edited(edit: impl FnOnce(&mut Object)) -> Result<Policy, PolicyError> {
    let Json::Object(mut members) = crate::yaml::parse(example().as_bytes()).unwrap().value else { panic!("no object") };
    edit(&mut members);
    Policy::parse(&Json::Object(members).canonical())
}

#[test]
fn refuses_lists_without_which_nothing_would_be_required() {
    assert!(edited(|_| ()).is_ok());
    for name in ["signers", "resources", "requirements"] {
        let error = edited(|policy| drop(policy.insert(name.to_owned(), Json::Array(Vec::new())))).unwrap_err();
        assert!(error.pointer == format!("/{name}") && error.problem.contains("must not be empty"), "{error}");
    }
    let error = edited(|policy| drop(policy.insert("environments".to_owned(), Json::Object(Default::default())))).unwrap_err();
    assert!(error.problem.contains("must not be empty"), "{error}");
    let no_builders = |policy: &mut Object| {
        let Some(Json::Array(resources)) = policy.get_mut("resources") else { panic!("no resources") };
        let Some(Json::Object(resource)) = resources.first_mut() else { panic!("no resource") };
        resource.insert("builders".to_owned(), Json::Array(Vec::new()));
    };
    assert!(edited(no_builders).unwrap_err().problem.contains("nobody could build"));
}

#[test]
fn a_signer_promises_no_more_than_its_key_or_identity_can_hold() {
    let first = |edit: &dyn Fn(&mut Object)| {
        edited(|policy| {
            let Some(Json::Array(signers)) = policy.get_mut("signers") else { panic!("no signers") };
            let Some(Json::Object(signer)) = signers.first_mut() else { panic!("no signer") };
            edit(signer);
        })
    };
    let ceiling = |signer: &mut Object, ceiling: &str| {
        signer.insert("custody".to_owned(), Json::from("managed"));
        let authority = format!(r#"[{{"predicate":"https://slsa.dev/provenance/v1","ceiling":"{ceiling}"}}]"#);
        signer.insert("mayAttest".to_owned(), Json::parse(authority.as_bytes()).unwrap());
    };
    assert!(first(&|signer| ceiling(signer, "boundary")).is_ok());
    assert!(first(&|signer| ceiling(signer, "certified")).unwrap_err().problem.contains("no certificate"));
    let identity = |signer: &mut Object, root: &str| {
        signer.remove("key");
        signer.remove("custody");
        let identity = format!(r#"{{"issuer":"https://issuer.example.test","subject":"x","trustRoot":"{root}"}}"#);
        signer.insert("identity".to_owned(), Json::parse(identity.as_bytes()).unwrap());
    };
    assert!(first(&|signer| identity(signer, "public-good")).is_ok());
    assert!(first(&|signer| identity(signer, "public-goods")).unwrap_err().problem.contains("`public-good` or"));
    assert!(first(&|signer| identity(signer, "sha256:00")).unwrap_err().problem.contains("`public-good` or"));
}

#[test]
fn json_means_exactly_what_yaml_means() {
    let yaml = example();
    let json = crate::yaml::parse(yaml.as_bytes()).unwrap().value.canonical();
    let (from_yaml, from_json) = (Policy::parse(yaml.as_bytes()).unwrap(), Policy::parse(&json).unwrap());
    let without_digest = |policy: Policy| format!("{:?}", Policy { digest: Digest::sha256(b""), ..policy });
    assert_ne!(from_yaml.digest, from_json.digest);
    assert_eq!(without_digest(from_yaml), without_digest(from_json));
}

fn schema(name: &str) -> jsonschema::Validator {
    let text = fs::read_to_string(testdata("schema").join(name)).unwrap();
    jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap()
}

fn value(json: &Json) -> serde_json::Value {
    serde_json::from_slice(&json.canonical()).unwrap()
}

#[test]
fn the_published_schemas_accept_what_we_accept_and_what_we_write() {
    let (policies, decisions) = (schema("policy.schema.json"), schema("decision.schema.json"));
    for folder in fs::read_dir(testdata("cases")).unwrap().map(|entry| entry.unwrap().path()) {
        let bytes = fs::read(folder.join("policy.yaml")).unwrap();
        if let Ok(document) = crate::yaml::parse(&bytes)
            && Policy::parse(&bytes).is_ok()
        {
            assert!(policies.is_valid(&value(&document.value)), "{}", folder.display());
        }
        if let Ok(decision) = fs::read(folder.join("decision.json")) {
            assert!(decisions.is_valid(&serde_json::from_slice(&decision).unwrap()), "{}", folder.display());
        }
    }
}

#[test]
fn the_published_schema_refuses_misspelt_fields_and_empty_lists() {
    let policies = schema("policy.schema.json");
    for (from, to) in [
        ("expires:", "expire:"),
        ("mayAttest:\n", "mayAtest:\n"),
        ("allow: [claude-code]", "allow: []"),
        ("maxAge:", "maxage:"),
        ("kind: owner, ", "kind: tools, "),
        ("kind: owner, ", "allow: [x], kind: owner, "),
    ] {
        let document = crate::yaml::parse(example().replacen(from, to, 1).as_bytes()).unwrap();
        assert!(!policies.is_valid(&value(&document.value)), "{to}");
    }
}

#[test]
fn an_identity_is_named_exactly_or_by_patterns_and_by_what_else_its_certificate_says() {
    let policy = |identity: &str| {
        let text = example();
        let key = text.lines().find(|line| line.contains("key: MFkw")).unwrap().trim().to_owned();
        Policy::parse(text.replacen(&format!("{key}\n    custody: local"), &format!("identity: {{{identity}}}"), 1).as_bytes())
    };
    let exact = "issuer: \"https://issuer.example.test\", subject: maintainer@example.test, trustRoot: public-good";
    assert!(policy(exact).is_ok());
    for good in [
        "issuer: \"https://issuer.example.test\", subject: {glob: \"https://example.test/**\"}, trustRoot: public-good",
        "issuer: {regex: \"https://[a-z]+[.]example[.]test\"}, subject: {regex: \".*@example[.]test\"}, trustRoot: public-good",
        "issuer: a, subject: {regex: \"^https://(a|b)[.]example[.]test/.*\"}, trustRoot: public-good",
        &format!("{exact}, extensions: {{sourceRepositoryUri: \"https://example.test/demo\", sourceRepositoryRef: {{glob: refs/tags/*}}}}"),
    ] {
        let policy = policy(good).unwrap_or_else(|error| panic!("{good}: {error}"));
        assert!(matches!(policy.signers[0].credential, Credential::Identity(_)), "{good}");
    }
    for (bad, problem) in [
        ("issuer: a, trustRoot: public-good", "missing field"),
        ("issuer: a, subject: {glob: a, regex: b}, trustRoot: public-good", "exclude"),
        (
            "issuer: a, subject: {glob: \"**://example.test/**\"}, trustRoot: public-good",
            "`/signers/0/identity/subject`: must begin with its scheme",
        ),
        ("issuer: a, subject: {regex: \"(https|http)://example[.]test/.*\"}, trustRoot: public-good", "must begin with its scheme"),
        ("issuer: a, subject: {regex: \"(\"}, trustRoot: public-good", "regular expression"),
        ("issuer: a, subject: b, trustRoot: public-good, extensions: {sourceRepository: c}", "sourceRepository"),
        ("issuer: a, subject: b, trustRoot: public-good, subjectKind: email", "subjectKind"),
    ] {
        let error = policy(bad).expect_err(bad).to_string();
        assert!(error.contains(problem), "{bad}: {error}");
    }
}

#[test]
fn the_versions_of_bundles_are_listed_once_each() {
    let policy =
        |bundles: &str| Policy::parse(example().replacen("version: 1\n", &format!("version: 1\nbundles: {bundles}\n"), 1).as_bytes());
    assert_eq!(Policy::parse(example().as_bytes()).unwrap().bundles, BTreeSet::from([Version::V03]));
    assert_eq!(policy("[v0.1, v0.3]").unwrap().bundles, BTreeSet::from([Version::V01, Version::V03]));
    for (bad, problem) in [("[]", "must not be empty"), ("[v0.3, v0.3]", "twice"), ("[v0.4]", "v0.4")] {
        let error = policy(bad).expect_err(bad).to_string();
        assert!(error.contains(problem), "{bad}: {error}");
    }
}
