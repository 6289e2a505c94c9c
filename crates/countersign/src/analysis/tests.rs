//! What is said of policies that differ from a sound one in a single place.

#![expect(clippy::disallowed_methods, reason = "the test data lies in files")]

use std::path::Path;

use super::*;

fn example() -> String {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata");
    std::fs::read_to_string(testdata.join("cases/allow-whole-walk/policy.yaml")).unwrap()
}

/// Looks at the example with something put in the place of something else.
fn edited(edits: &[(&str, &str)]) -> Analysis {
    let mut text = example();
    for (from, to) in edits {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    Analysis::of(&Policy::parse(text.as_bytes()).unwrap(), "2025-12-15T00:00:00Z".parse().unwrap())
}

fn codes(analysis: &Analysis) -> Vec<(&'static str, &str)> {
    analysis.findings.iter().map(|finding| (finding.code, finding.about.as_str())).collect()
}

fn powers(analysis: &Analysis) -> Vec<(&str, &str, &str)> {
    analysis.single_signers.iter().map(|s| (s.signer.as_str(), s.resource.as_str(), s.environment.as_str())).collect()
}

/// The whole line of the platform's authority over gates: without it, nobody is both.
const GATES: (&str, &str) = ("      - {predicate: \"https://in-toto.io/attestation/test-result/v0.1\", ceiling: harness}\n", "");
const NOT_GATED: (&str, &str) = ("  gated: {requirements: [built, tested]}\n", "");

#[test]
fn who_attests_runs_and_gates_is_named_and_nothing_else_is_odd_about_the_example() {
    let analysis = edited(&[]);
    assert_eq!(codes(&analysis), [("shared-signer", "platform")]);
    assert_eq!(codes(&edited(&[GATES, NOT_GATED])), [("requirement-unreachable", "tested")]);
}

#[test]
fn a_requirement_that_no_environment_asks_for_is_named() {
    let analysis = edited(&[("sandbox, owner, sbom]}", "sandbox, owner]}")]);
    assert_eq!(codes(&analysis), [("requirement-unreachable", "sbom"), ("shared-signer", "platform")]);
}

#[test]
fn a_requirement_that_nobody_can_meet_is_named_with_what_stands_in_the_way() {
    for (edits, about, obstacle) in [
        (vec![("https://cyclonedx.org/bom\", ceiling", "https://spdx.dev/Document\", ceiling")], "sbom", Obstacle::NoAuthority),
        (vec![GATES], "tested", Obstacle::NoAuthority),
        (vec![("allow: [claude-code], basis: harness", "allow: [claude-code], basis: boundary")], "by-agent", Obstacle::CeilingTooLow),
        (vec![("kind: sbom, ", "kind: sbom, signers: [platform], ")], "sbom", Obstacle::NotNamed),
        (vec![(", {issuer: local, subject: maintainer@example.test}", "")], "owner", Obstacle::NobodyNamed),
        (
            vec![("buildTypes: [\"https://countersign.dev/agent-run/v1\"]", "buildTypes: [\"https://countersign.dev/local-build/v1\"]")],
            "by-agent",
            Obstacle::NoBuilder,
        ),
        (
            vec![(
                "kind: evidence,      about: source, predicate: \"https://in-toto.io/attestation/test-result/v0.1\"",
                "kind: sbom, about: source, predicate: \"https://cyclonedx.org/bom\"",
            )],
            "tested",
            Obstacle::NotAboutSuch,
        ),
        (vec![("kind: sbom, ", "kind: evidence, basis: boundary, ")], "sbom", Obstacle::CeilingTooLow),
        (vec![("    source: {repository: \"https://example.test/demo\", refs: [refs/heads/main]}\n", "")], "origin", Obstacle::NoSource),
    ] {
        let analysis = edited(&edits);
        let found = analysis.findings.iter().find(|finding| finding.code == "requirement-unmeetable" && finding.about == about);
        assert_eq!(found.map(|finding| finding.detail.as_str()), Some(obstacle.text()), "{edits:?}: {:?}", analysis.findings);
    }
}

#[test]
fn a_signer_who_is_no_longer_valid_is_named() {
    let retired = ("kind: human\n", "kind: human\n    validity: {notAfter: 2025-12-14T00:00:00Z}\n");
    assert!(codes(&edited(&[retired])).contains(&("signer-retired", "maintainer")));
    assert!(!codes(&edited(&[])).contains(&("signer-retired", "maintainer")));
}

#[test]
fn what_is_still_to_be_filled_in_is_named() {
    assert!(!codes(&edited(&[])).iter().any(|(code, _)| *code == "placeholder-left"));
    let edits = [
        ("subject: maintainer@example.test", "subject: \"<your name>@example.test\""),
        (
            "refs: [refs/heads/main]}\n    builders: [{signer: platform, builderId: \"https://countersign.dev/builder/local/v1\", buildTypes: [\"https://countersign.dev/local-build/v1\"]",
            "refs: [\"refs/heads/<your branch>\"]}\n    builders: [{signer: platform, builderId: \"https://countersign.dev/builder/local/v1\", buildTypes: [\"https://countersign.dev/local-build/v1\"]",
        ),
    ];
    let analysis = edited(&edits);
    let found: Vec<_> = codes(&analysis).into_iter().filter(|(code, _)| *code == "placeholder-left").collect();
    assert_eq!(found, [("placeholder-left", "demo.tar"), ("placeholder-left", "maintainer")]);
}

#[test]
fn a_person_whom_nothing_reaches_is_named() {
    let somebody = ("people:\n", "people:\n  - {id: somebody, identities: [{issuer: local, subject: somebody@example.test}]}\n");
    assert!(!codes(&edited(&[somebody])).contains(&("person-unreachable", "somebody")), "a statement can name them as owner");
    let ownerless = ("sandbox, owner]", "sandbox]");
    let (staging, built) = (("sandbox, owner, sbom]", "sandbox, sbom]"), ("  - {id: owner,    kind: owner,         about: source}\n", ""));
    let analysis = edited(&[somebody, ownerless, staging, built]);
    assert_eq!(codes(&analysis), [("person-unreachable", "somebody"), ("shared-signer", "platform")], "the maintainer signs the SBOM");
}

#[test]
fn a_source_that_no_resource_stands_for_is_named() {
    let analysis = edited(&[("match: \"https://example.test/demo\"", "match: \"https://example.test/other\"")]);
    assert!(codes(&analysis).contains(&("source-unexpected", "demo.tar")), "{:?}", analysis.findings);
}

#[test]
fn who_can_get_something_allowed_alone_is_named_with_where() {
    let analysis = edited(&[]);
    let repository = "https://example.test/demo";
    let expected = [
        ("platform", "demo.tar", "build"),
        ("platform", "demo.tar", "gated"),
        ("platform", "demo.tar", "source"),
        ("platform", repository, "build"),
        ("platform", repository, "gated"),
        ("platform", repository, "source"),
    ];
    assert_eq!(powers(&analysis), expected, "staging needs the maintainer's SBOM, too");
    let alone = (
        "      - {predicate: \"https://in-toto.io/attestation/test-result/v0.1\", ceiling: harness}\n",
        "      - {predicate: \"https://cyclonedx.org/bom\", ceiling: harness}\n",
    );
    assert!(powers(&edited(&[alone])).contains(&("platform", "demo.tar", "staging")));
}

/// Its builder can name any repository that the policy knows, and the decision follows it there.
#[test]
fn who_may_name_any_source_can_get_an_artifact_without_an_expected_one_allowed_alone() {
    const SOURCE: &str = "    source: {repository: \"https://example.test/demo\", refs: [refs/heads/main]}\n";
    let artifact = ("platform", "demo.tar", "source");
    let free = (&*format!("  - match: demo.tar\n{SOURCE}"), "  - match: demo.tar\n");
    assert!(powers(&edited(&[free])).contains(&artifact));
    // Another's commits are not its to state.
    let by_another = (
        "builders: [{signer: platform, builderId: \"https://countersign.dev/builder/local/v1\", buildTypes: [\"https://countersign.dev/agent-run/v1\"]",
        "builders: [{signer: maintainer, builderId: \"https://countersign.dev/builder/local/v1\", buildTypes: [\"https://countersign.dev/agent-run/v1\"]",
    );
    assert!(!powers(&edited(&[free, by_another])).contains(&artifact));
    // A repository whose name two entries match is never judged.
    let twice = (
        "  - match: \"https://example.test/demo\"\n",
        "  - match: \"https://example.test/*\"\n    builders: [{signer: maintainer, builderId: x, buildTypes: [x]}]\n  - match: \"https://example.test/demo\"\n",
    );
    assert!(!powers(&edited(&[free, twice])).contains(&artifact));
    // A source that is expected, and that no entry stands for, is nobody's to show.
    assert!(!powers(&edited(&[("match: \"https://example.test/demo\"", "match: \"https://example.test/other\"")])).contains(&artifact));
}

/// Whoever the scanner is, the platform's pattern fits: one certificate is both.
#[test]
fn who_is_two_entries_of_a_policy_is_judged_as_both() {
    const IDENTITIES: &str = "    identity: {issuer: \"https://issuer.example.test\", subject: SUBJECT, trustRoot: public-good}\n";
    let platform = ("    key: PLATFORM\n", IDENTITIES.replace("SUBJECT", "{glob: \"https://example.test/demo/**\"}"));
    let scanner = IDENTITIES.replace("SUBJECT", "\"https://example.test/demo/scan.yml\"");
    let text = example();
    let key = |signer: &str| text.split(&format!("- id: {signer}\n")).nth(1).unwrap().lines().find(|line| line.contains("key: ")).unwrap();
    let maintainer = ("    kind: human\n", "    kind: automation\n");
    let (platform_key, maintainer_key) = (format!("{}\n", key("platform")), format!("{}\n", key("maintainer")));
    let analysis = edited(&[(&platform_key, &platform.1), (&maintainer_key, &scanner), maintainer]);
    assert!(powers(&analysis).contains(&("maintainer", "demo.tar", "staging")), "{:?}", powers(&analysis));
    assert!(codes(&analysis).contains(&("shared-signer", "maintainer")));
    let elsewhere = IDENTITIES.replace("SUBJECT", "\"https://example.test/other/scan.yml\"");
    let analysis = edited(&[(&platform_key, &platform.1), (&maintainer_key, &elsewhere), maintainer]);
    assert!(powers(&analysis).iter().all(|(signer, ..)| *signer == "platform"), "{:?}", powers(&analysis));
}

#[test]
fn a_policy_that_has_expired_is_named_so() {
    assert!(codes(&edited(&[("expires: 2026-01-01T00:00:00Z", "expires: 2025-12-15T00:00:00Z")])).contains(&("policy-expired", "demo")));
}

#[test]
fn what_is_written_of_a_policy_has_the_published_form() {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata");
    let schema = std::fs::read_to_string(testdata.join("schema/policy-analysis.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    for edits in [vec![], vec![("time: unwitnessed", "time: witnessed"), ("expires: 2026-01-01T00:00:00Z\n", "")], vec![GATES, NOT_GATED]] {
        let value = serde_json::from_slice(&edited(&edits).to_json()).unwrap();
        assert!(schema.is_valid(&value), "{edits:?}: {:?}", schema.iter_errors(&value).map(|error| error.to_string()).next());
    }
}
