//! What somebody tries who wants a bad artifact allowed, or a good one stopped.
//! Faults in single pieces of evidence are shown by the cases.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that can't be set up fails at once")]

mod asking;

use asking::{Store, all, ask, bundle, bundles, case, cases, decide, edit, numbered, outcome, signed, statement};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::decision::{Answer, Status};
use countersign::digest::{Digest, DigestSet};
use countersign::identity::PublicKey;
use countersign::inquiry::{Found, Wanted};
use countersign::json::Json;
use countersign::statement::ResourceDescriptor;
use countersign_testkit::case::Case;

fn policy(case: &Case) -> String {
    String::from_utf8(case.policy.clone()).unwrap()
}

/// Whoever can push can wrap a genuine statement anew, and each wrapping has another digest.
#[test]
fn wrapping_good_statements_again_and_again_blocks_nothing() {
    let case = case("allow-whole-walk");
    let mut found = bundles(&case);
    for good in bundles(&case) {
        found.extend((1..=300).map(|blanks| [good.clone(), vec![b' '; blanks]].concat()));
    }
    let first = decide(&case, &found);
    assert_eq!(first.decision, Answer::Allow);
    assert_eq!(first.evidence.len(), case.bundles.len(), "one bundle stands for all that say the same");
    found.reverse();
    assert_eq!(decide(&case, &found).to_json(), first.to_json(), "whichever comes first");
}

#[test]
fn bundles_that_nobody_can_read_or_that_borrow_a_name_block_nothing() {
    let case = case("allow-whole-walk");
    let mut found = bundles(&case);
    found.extend((0..300).map(|number| format!("{{\"torn\": {number}").into_bytes()));
    let (theirs, ours) = (hint(3), hint(1));
    let borrowed = |number| {
        let bundle = signed(3, &numbered(statement(&case, "build"), number));
        String::from_utf8(bundle).unwrap().replace(&theirs, &ours).into_bytes()
    };
    found.extend((0..300).map(borrowed));
    let decision = decide(&case, &found);
    assert_eq!(decision.decision, Answer::Allow);
    assert_eq!(decision.evidence.iter().filter(|evidence| !evidence.believed).count(), 600, "they are listed as refused");
}

/// In a registry, whoever pushes says what his bundle belongs to.
#[test]
fn genuine_statements_about_something_else_block_nothing() {
    let case = case("allow-whole-walk");
    let mut found = bundles(&case);
    let mut build = statement(&case, "build");
    build.subject = vec![ResourceDescriptor::new("other.tar", Digest::sha256(b"another artifact"))];
    found.extend((0..2_100).map(|number| signed(1, &numbered(build.clone(), number))));
    assert_eq!(decide(&case, &found).decision, Answer::Allow);
}

fn hint(key: u8) -> String {
    PublicKey::from_der(&asking::key(key).public_key_der()).unwrap().hint()
}

/// A store that is asked digest by digest finds the same as somebody who hands over everything at once.
#[test]
fn it_makes_no_difference_whether_evidence_comes_at_once_or_step_by_step() {
    for case in cases() {
        let Some(environment) = &case.environment else { continue };
        let Some(expected) = case.expect.get("decision").and_then(Json::as_str) else { continue };
        let found = bundles(&case);
        let store = Store::of(&found);
        let decision = ask(&case, &policy(&case), environment, |wanted| store.answer(wanted));
        // A bundle that can't be read is in no index.
        let unreadable =
            case.decision.as_ref().is_some_and(|decision| String::from_utf8_lossy(decision).contains("\"predicateType\":\"\""));
        // SHA-512 alone isn't what a store is asked for.
        if !unreadable && !case.name().ends_with("sha512-only") && case.name() != "undetermined-evidence-unavailable" {
            assert_eq!(decision.decision.name(), expected, "{}", case.name());
        }
    }
}

#[test]
fn a_store_that_is_down_leaves_the_gates_of_a_commit_unknown_and_the_rest_judged() {
    let (gated, commit) = (case("allow-gate-on-tree"), case("allow-commit"));
    let policy = policy(&gated).replace("requirements: [by-agent, model, sandbox, owner]", "requirements: [owner, model, tested]");
    let store = Store::of(&bundles(&commit));
    let without_trees = |wanted: &Wanted| match wanted {
        Wanted::Bundles { digest, .. } if digest.algorithm() == countersign::digest::Algorithm::GitTree => {
            vec![Found::Unavailable("the store is down".to_owned())]
        }
        _ => store.answer(wanted),
    };
    let decision = ask(&commit, &policy.replace("anthropic/claude-*", "example/*"), "source", without_trees);
    assert_eq!(outcome(&decision, "tested"), (Status::Unknown, vec!["evidence-unavailable"]));
    assert_eq!(outcome(&decision, "model"), (Status::Unmet, vec!["model-not-allowed"]), "no gate could say who answered");
    assert_eq!(decision.decision, Answer::Deny);
}

#[test]
fn one_place_that_has_the_commits_object_is_enough() {
    let commit = case("allow-commit");
    let policy = policy(&commit).replace("requirements: [by-agent, model, sandbox, owner]", "requirements: [owner, tested]");
    let mut run = statement(&commit, "agent-run");
    let mut object = None;
    edit(&mut run, &["runDetails"], |details| object = details.remove("byproducts"));
    let content = object.as_ref().and_then(|list| list.pointer("/0/content")).and_then(Json::as_str).unwrap();
    let object = STANDARD.decode(content).unwrap();
    let found = [signed(1, &run)];
    let gate = [bundle(&case("allow-gate-on-tree"), "gate")];
    for gates in [&[][..], &gate[..]] {
        let all_found = [&found[..], gates].concat();
        let decision = ask(&commit, &policy, "source", |wanted| match wanted {
            Wanted::GitObject(_) => vec![
                Found::Unavailable("one place is down".to_owned()),
                Found::These(vec![b"another object".to_vec()]),
                Found::These(vec![object.clone()]),
            ],
            _ => vec![all(&all_found, wanted)],
        });
        let expected = if gates.is_empty() { (Status::Unmet, vec!["evidence-missing"]) } else { (Status::Met, vec![]) };
        assert_eq!(outcome(&decision, "tested"), expected);
    }
}

#[test]
fn statements_about_other_artifacts_ask_for_no_digest_of_this_one() {
    let case = case("deny-evidence-missing");
    let mut build = statement(&self::case("allow-sha512-agrees"), "build");
    let other = build.subject[0].digest.get(countersign::digest::Algorithm::Sha512).unwrap();
    build.subject = vec![ResourceDescriptor::new("other.tar", DigestSet::from(Digest::sha256(b"another artifact")).with(other))];
    let found = [signed(1, &build)];
    let mut asked = Vec::new();
    let mut by_digest = case;
    by_digest.target = Digest::sha256(&std::fs::read(by_digest.folder.join(&by_digest.target)).unwrap()).to_string();
    let decision = ask(&by_digest, &policy(&by_digest), "build", |wanted| {
        asked.push(wanted.clone());
        vec![all(&found, wanted)]
    });
    assert_eq!(decision.decision, Answer::Deny);
    assert!(!asked.iter().any(|wanted| matches!(wanted, Wanted::ArtifactDigest(_))), "{asked:?}");
}

#[test]
fn an_sbom_that_the_build_bound_by_its_file_alone_is_compared_with_that() {
    let case = case("allow-whole-walk");
    let sbom = Digest::sha256(&statement(&case, "sbom").predicate.canonical());
    for (file, status) in [(Digest::sha256(b"another file"), Status::Unmet), (sbom, Status::Met)] {
        let mut build = statement(&case, "build");
        let Some(Json::Array(mut byproducts)) = build.predicate.pointer("/runDetails/byproducts").cloned() else { panic!() };
        byproducts.retain(|byproduct| !byproduct.get("name").and_then(Json::as_str).unwrap_or_default().starts_with("sbom"));
        byproducts.push(Json::of(&ResourceDescriptor::new("sbom", file)).unwrap());
        edit(&mut build, &["runDetails"], |details| drop(details.insert("byproducts".to_owned(), Json::Array(byproducts))));
        let found = [signed(1, &build), bundle(&case, "sbom"), bundle(&case, "agent-run")];
        assert_eq!(outcome(&decide(&case, &found), "sbom").0, status);
    }
}

#[test]
fn a_subagent_that_cannot_be_read_could_be_any_model() {
    let case = case("allow-whole-walk");
    for agent in [
        r#"{"agent":"other-model"}"#,
        r#"{"agent":{"model":"other-model"}}"#,
        r#"{"agent":{"models":{}}}"#,
        r#"{"agent":{"models":["x"]}}"#,
    ] {
        let mut run = statement(&case, "agent-run");
        edit(&mut run, &["buildDefinition", "internalParameters"], |internal| {
            internal.insert("subagents".to_owned(), Json::Array(vec![Json::parse(agent.as_bytes()).unwrap()]));
        });
        let found = [bundle(&case, "build"), bundle(&case, "sbom"), signed(1, &run)];
        assert_eq!(outcome(&decide(&case, &found), "model"), (Status::Unmet, vec!["model-not-allowed"]), "{agent}");
    }
}

/// One commit can be named as of two repositories, whose entries differ; which bundle's digest is smaller must not decide.
#[test]
fn another_name_for_the_same_commit_takes_nothing_away() {
    let case = case("allow-whole-walk");
    let source = "    source: {repository: \"https://example.test/demo\", refs: [refs/heads/main]}\n";
    let fork = "  - match: \"https://example.test/fork\"\n    builders: [{signer: platform, builderId: \"https://builder.example.test\", \
                buildTypes: [\"https://countersign.dev/agent-run/v1\"]}]\n";
    let policy = policy(&case).replace(source, "").replace("environments:\n", &format!("{fork}environments:\n"));
    let policy = policy.replace("[built, origin, build-ok, by-agent", "[built, build-ok, by-agent");
    for number in 0..8 {
        let mut other = numbered(statement(&case, "build"), number);
        edit(&mut other, &["buildDefinition", "resolvedDependencies", "0"], |source| {
            source.insert("uri".to_owned(), Json::from("git+https://example.test/fork@refs/heads/main"));
        });
        let found: Vec<_> = bundles(&case).into_iter().chain([signed(1, &other)]).collect();
        let decision = ask(&case, &policy, "staging", |wanted| vec![all(&found, wanted)]);
        assert_eq!(decision.decision, Answer::Allow, "{number}");
        let alone: Vec<_> = found.iter().filter(|bytes| **bytes != bundle(&case, "build")).cloned().collect();
        let decision = ask(&case, &policy, "staging", |wanted| vec![all(&alone, wanted)]);
        assert_eq!(decision.decision, Answer::Deny, "{number}");
    }
}

#[test]
fn a_decision_of_any_length_is_written_whole() {
    let case = case("deny-evidence-missing");
    let found: Vec<_> = (0..4_000).map(|number| format!("{{\"torn\": {number}").into_bytes()).collect();
    let ids: Vec<_> = (0..140).map(|number| format!("more{number}")).collect();
    let more: String = ids.iter().map(|id| format!("  - {{id: {id}, kind: builder, about: artifact}}\n")).collect();
    let policy = policy(&case).replace("build: {requirements: [", &format!("build: {{requirements: [{}, ", ids.join(", "))) + &more;
    let decision = ask(&case, &policy, "build", |wanted| vec![all(&found, wanted)]);
    let json = decision.to_json();
    assert!(json.starts_with(br#"{"decision":"deny","evidence":[{"#) && json.ends_with(b"}"), "{} bytes", json.len());
}

#[test]
fn a_strangers_words_are_cut_short_in_a_decision() {
    let case = case("deny-evidence-missing");
    let mut build = statement(&self::case("allow-whole-walk"), "build");
    build.predicate_type = "x".repeat(100_000);
    let borrowed = String::from_utf8(signed(3, &build)).unwrap().replace(&hint(3), &hint(1)).into_bytes();
    assert!(decide(&case, &[borrowed]).to_json().len() < 10_000);
}

#[test]
fn every_sandbox_image_must_be_founded_well_enough() {
    let case = case("allow-whole-walk");
    let policy = policy(&case).replace("kind: sandbox-image, about: source,", "kind: sandbox-image, about: source, basis: harness,");
    let good = ask(&case, &policy, "staging", |wanted| vec![all(&bundles(&case), wanted)]);
    assert_eq!(good.decision, Answer::Allow);
    let mut run = statement(&case, "agent-run");
    let Some(Json::Array(dependencies)) = run.predicate.pointer("/buildDefinition/resolvedDependencies").cloned() else { panic!() };
    let image = dependencies.iter().find(|d| d.get("name").and_then(Json::as_str) == Some("sandbox-image")).unwrap().clone();
    // The second image is founded on nothing, and stands before the one that is.
    edit(&mut run, &["buildDefinition"], |definition| {
        let mut more = dependencies.clone();
        more.insert(2, image);
        definition.insert("resolvedDependencies".to_owned(), Json::Array(more));
    });
    edit(&mut run, &["runDetails", "metadata", "countersign_basis"], |claims| {
        let claim = claims.remove("/buildDefinition/resolvedDependencies/1").unwrap();
        claims.insert("/buildDefinition/resolvedDependencies/2".to_owned(), claim);
    });
    let found = [bundle(&case, "build"), bundle(&case, "sbom"), signed(1, &run)];
    let decision = ask(&case, &policy, "staging", |wanted| vec![all(&found, wanted)]);
    assert_eq!(outcome(&decision, "sandbox"), (Status::Unmet, vec!["basis-too-low"]));
}

#[test]
fn every_place_that_names_models_must_be_founded_well_enough() {
    let case = case("allow-whole-walk");
    let policy = policy(&case).replace("kind: model,         about: source,", "kind: model, about: source, basis: harness,");
    let mut run = statement(&case, "agent-run");
    edit(&mut run, &["buildDefinition", "internalParameters"], |internal| {
        internal.insert("subagents".to_owned(), Json::Array(Vec::new()));
    });
    let found = [bundle(&case, "build"), bundle(&case, "sbom"), signed(1, &run)];
    let decision = ask(&case, &policy, "staging", |wanted| vec![all(&found, wanted)]);
    assert_eq!(outcome(&decision, "model"), (Status::Unmet, vec!["basis-too-low"]));
}

#[test]
fn every_subject_that_names_the_commit_must_agree_with_its_object() {
    let case = case("allow-commit");
    let mut run = statement(&case, "agent-run");
    let mut second = run.subject[0].clone();
    second.name = Some("the same commit".to_owned());
    second.digest = DigestSet::from(run.subject[0].git_commit().unwrap()).with(Digest::sha256(b"another object"));
    run.subject.push(second);
    let decision = decide(&case, &[signed(1, &run)]);
    assert_eq!(outcome(&decision, "owner"), (Status::Unmet, vec!["digest-conflict"]));
}

#[test]
fn one_key_has_one_encoding() {
    let der = asking::key(1).public_key_der();
    assert!(PublicKey::from_der(&der).is_ok());
    for (place, byte) in [(26, 0x06), (26, 0x07), (26, 0x02), (25, 0x01), (1, 0x81)] {
        let mut other = der.clone();
        other[place] = byte;
        assert!(PublicKey::from_der(&other).is_err(), "byte {place} as {byte:#x}");
    }
    assert!(PublicKey::from_der(&[der.clone(), vec![0]].concat()).is_err());
}
