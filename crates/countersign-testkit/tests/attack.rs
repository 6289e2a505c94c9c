//! What somebody tries who wants a bad artifact allowed, or a good one stopped.
//! Faults in single pieces of evidence are shown by the cases.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a test that can't be set up fails at once"
)]

mod asking;

use asking::{Store, all, ask, bundle, bundles, case, cases, decide, edit, numbered, outcome, signed, statement};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::decision::{Answer, Status};
use countersign::digest::{Algorithm, Digest, DigestSet};
use countersign::identity::{KeyType, NotAKey, PublicKey};
use countersign::inquiry::{Found, Inquiry, Question, Wanted};
use countersign::json::Json;
use countersign::policy::Policy;
use countersign::predicate::{Provenance, is_type};
use countersign::statement::ResourceDescriptor;
use countersign::trust::Trust;
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
fn a_store_that_is_down_leaves_unknown_what_it_could_hold_and_takes_nothing_from_what_is_met() {
    let (gated, commit) = (case("allow-gate-on-tree"), case("allow-commit"));
    let policy = policy(&gated).replace("requirements: [by-agent, model, sandbox, owner]", "requirements: [owner, model, tested]");
    let store = Store::of(&bundles(&commit));
    let without_trees = |wanted: &Wanted| match wanted {
        Wanted::Bundles { digest, .. } if digest.algorithm() == Algorithm::GitTree => {
            vec![Found::Unavailable("the store is down".to_owned())]
        }
        _ => store.answer(wanted),
    };
    let decision = ask(&commit, &policy.replace("anthropic/claude-*", "example/*"), "source", without_trees);
    assert_eq!(outcome(&decision, "tested"), (Status::Unknown, vec!["evidence-unavailable"]));
    assert_eq!(outcome(&decision, "model"), (Status::Unknown, vec!["evidence-unavailable"]), "another run of the same tree could be there");
    assert_eq!(outcome(&decision, "owner").0, Status::Met);
    assert_eq!(decision.decision, Answer::Undetermined);
}

#[test]
fn what_nobody_answers_was_unavailable_and_reasons_are_in_the_order_of_their_json() {
    let case = case("allow-whole-walk");
    let decision = ask(&case, &policy(&case), "staging", |_| Vec::new());
    assert_eq!(decision.decision, Answer::Undetermined);
    assert_eq!(outcome(&decision, "built"), (Status::Unknown, vec!["evidence-unavailable"]));
    let too_deep = [b"[".repeat(65), b"]".repeat(65)].concat();
    let decision = ask(&case, &policy(&case), "staging", |_| {
        vec![Found::Unavailable("z".to_owned()), Found::Unavailable("a".to_owned()), Found::These(vec![too_deep.clone()])]
    });
    let codes = ["evidence-limit", "evidence-unavailable", "evidence-unavailable"];
    assert_eq!(outcome(&decision, "built"), (Status::Unknown, codes.to_vec()));
}

#[test]
fn a_git_object_is_what_its_id_says_wherever_it_comes_from() {
    let (gated, commit) = (case("deny-gate-other-tree"), case("allow-commit"));
    let policy = policy(&commit)
        .replace("requirements: [by-agent, model, sandbox, owner]", "requirements: [model, owner, tested]")
        .replace("anthropic/claude-*", "example/*");
    let mut run = statement(&commit, "agent-run");
    edit(&mut run, &["runDetails"], |details| drop(details.remove("byproducts")));
    let gate = statement(&gated, "gate");
    let tree = gate.subject[0].digest.get(Algorithm::GitTree).unwrap();
    let forged = format!("tree {}\nauthor x\ncommitter x\n\nx\n", tree.hex()).into_bytes();
    let found = [signed(1, &run), signed(1, &gate)];
    let decision = ask(&commit, &policy, "source", |wanted| match wanted {
        Wanted::GitObject(_) => vec![Found::These(vec![forged.clone()])],
        _ => vec![all(&found, wanted)],
    });
    assert_eq!(outcome(&decision, "tested"), (Status::Unknown, vec!["evidence-unavailable"]));
    assert_eq!(outcome(&decision, "model"), (Status::Unmet, vec!["model-not-allowed"]), "git couldn't say who answered");
    assert_eq!(outcome(&decision, "owner").0, Status::Met);
}

#[test]
fn a_digest_of_another_algorithm_is_no_answer() {
    let case = case("undetermined-evidence-unavailable");
    let other = Digest::sha256(b"another artifact");
    let build = statement(&case, "build");
    let mut of_other = build.clone();
    of_other.subject[0].digest = DigestSet::from(other.clone());
    let found = [signed(1, &build), signed(1, &of_other)];
    let decision = ask(&case, &policy(&case), "build", |wanted| match wanted {
        Wanted::ArtifactDigest(_) => vec![Found::Digest(other.clone())],
        _ => vec![all(&found, wanted)],
    });
    assert_eq!(outcome(&decision, "built"), (Status::Unknown, vec!["evidence-unavailable"]));
}

#[test]
fn nothing_is_asked_about_what_no_evidence_is_looked_up_by() {
    let at = "2025-12-15T00:00:00Z".parse().unwrap();
    for algorithm in ["sha384", "sha512", "gitTree", "gitBlob", "gitTag"] {
        let hex = "0".repeat(if algorithm == "sha384" {
            96
        } else if algorithm == "sha512" {
            128
        } else {
            40
        });
        assert!(Question::new(format!("{algorithm}:{hex}").parse().unwrap(), "demo.tar", at).is_err(), "{algorithm}");
    }
}

#[test]
fn what_was_never_wanted_is_not_looked_at() {
    let case = case("allow-whole-walk");
    let policy = Policy::parse(&case.policy).unwrap();
    let artifact = Digest::sha256(&std::fs::read(case.folder.join("demo.tar")).unwrap());
    let question = Question::new(artifact, "demo.tar", case.at.parse().unwrap()).unwrap().environment("staging");
    let trust = Trust::keys_only();
    let mut inquiry = Inquiry::about(question, &trust, &policy).unwrap();
    let unasked = Wanted::Bundles { digest: Digest::sha256(b"another artifact"), predicate_types: Vec::new() };
    inquiry.supply(&unasked, Found::These(bundles(&case)));
    let decision = inquiry.decide();
    assert_eq!((decision.decision, decision.evidence.len()), (Answer::Undetermined, 0));
}

#[test]
fn git_is_asked_only_if_no_run_brings_the_commits_object() {
    let case = case("allow-gate-on-tree");
    let store = Store::of(&bundles(&case));
    let mut asked = Vec::new();
    let decision = ask(&case, &policy(&case), "gated", |wanted| {
        asked.push(wanted.clone());
        store.answer(wanted)
    });
    assert_eq!(decision.decision, Answer::Allow);
    assert!(!asked.iter().any(|wanted| matches!(wanted, Wanted::GitObject(_))), "{asked:?}");
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
    let other = build.subject[0].digest.get(Algorithm::Sha512).unwrap();
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
    for (place, name) in
        [(&["buildDefinition", "internalParameters"][..], "subagents"), (&["buildDefinition", "internalParameters", "agent"], "models")]
    {
        let mut run = statement(&case, "agent-run");
        edit(&mut run, place, |object| drop(object.insert(name.to_owned(), Json::Array(Vec::new()))));
        let found = [bundle(&case, "build"), bundle(&case, "sbom"), signed(1, &run)];
        let decision = ask(&case, &policy, "staging", |wanted| vec![all(&found, wanted)]);
        assert_eq!(outcome(&decision, "model"), (Status::Unmet, vec!["basis-too-low"]), "{name}");
    }
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
fn what_is_said_of_a_commit_counts_for_no_artifact_and_the_other_way_round() {
    // A gate that names the artifact: gates count on trees.
    let case = case("allow-whole-walk");
    let mut gate = statement(&self::case("allow-gate-on-tree"), "gate");
    gate.subject = statement(&case, "build").subject;
    let found: Vec<_> = bundles(&case).into_iter().chain([signed(1, &gate)]).collect();
    let about_artifact = policy(&case).replace("kind: evidence,      about: source", "kind: evidence, about: artifact");
    let decision = ask(&case, &about_artifact, "gated", |wanted| vec![all(&found, wanted)]);
    assert_eq!(outcome(&decision, "tested"), (Status::Unmet, vec!["subject-mismatch"]));
    // A build that names the commit: builds count for artifacts.
    let commit = self::case("allow-commit");
    let mut build = statement(&case, "build");
    build.subject = statement(&commit, "agent-run").subject;
    let built = policy(&commit)
        .replace("requirements: [by-agent, model, sandbox, owner]", "requirements: [built]")
        .replace("agent-run/v1\"], level", "agent-run/v1\", \"https://countersign.dev/local-build/v1\"], level");
    let found = [signed(1, &build)];
    let decision = ask(&commit, &built, "source", |wanted| vec![all(&found, wanted)]);
    assert_eq!(outcome(&decision, "built"), (Status::Unmet, vec!["subject-mismatch"]));
}

#[test]
fn a_build_names_no_agent_even_if_it_says_so() {
    let case = case("deny-evidence-missing");
    let mut build = statement(&self::case("allow-whole-walk"), "build");
    let agent = statement(&self::case("allow-whole-walk"), "agent-run").predicate.pointer("/buildDefinition/internalParameters").cloned();
    edit(&mut build, &["buildDefinition"], |definition| drop(definition.insert("internalParameters".to_owned(), agent.unwrap())));
    let direct = policy(&case).replace("{requirements: [built, origin, build-ok]}", "{requirements: [by-agent]}");
    let direct = direct.replace("about: source, allow: [claude-code], basis: harness}", "about: artifact, allow: [claude-code]}");
    let decision = ask(&case, &direct, "build", |wanted| vec![all(&[signed(1, &build)], wanted)]);
    assert_eq!(outcome(&decision, "by-agent"), (Status::Unmet, vec!["agent-not-allowed"]));
}

#[test]
fn a_claim_counts_for_its_own_place_and_for_nothing_above_below_or_beside_it() {
    let case = case("allow-whole-walk");
    for (place, met) in [
        ("/buildDefinition/internalParameters/agent/runtime", true),
        ("/buildDefinition/internalParameters/agent", false),
        ("/buildDefinition/internalParameters/agent/runtim", false),
        ("/buildDefinition/internalParameters/agent/runtime/name", false),
    ] {
        let mut run = statement(&case, "agent-run");
        edit(&mut run, &["runDetails", "metadata"], |metadata| {
            let claims = format!(r#"{{"{place}":{{"basis":"harness","origin":"x"}}}}"#);
            metadata.insert("countersign_basis".to_owned(), Json::parse(claims.as_bytes()).unwrap());
        });
        let found = [bundle(&case, "build"), bundle(&case, "sbom"), signed(1, &run)];
        assert_eq!(outcome(&decide(&case, &found), "by-agent").0 == Status::Met, met, "{place}");
    }
}

#[test]
fn a_repository_and_a_ref_are_parted_in_one_way_only() {
    let mut build: Provenance = statement(&case("allow-whole-walk"), "build").predicate.to().unwrap();
    for (uri, expected) in [
        ("git+https://example.test/demo@refs/heads/main", Some(("https://example.test/demo", Some("refs/heads/main")))),
        ("git+https://example.test/demo@main", Some(("https://example.test/demo@main", None))),
        ("git+https://somebody@example.test/demo", Some(("https://somebody@example.test/demo", None))),
        ("git+https://somebody@example.test/demo@refs/heads/main", Some(("https://somebody@example.test/demo", Some("refs/heads/main")))),
        (
            "git+https://example.test/demo@refs/heads/main@refs/heads/topic",
            Some(("https://example.test/demo@refs/heads/main", Some("refs/heads/topic"))),
        ),
        ("https://example.test/demo@refs/heads/main", None),
        (
            "git+https://example.test/demo@refs/tags/@scope/pkg@1.0.0",
            Some(("https://example.test/demo", Some("refs/tags/@scope/pkg@1.0.0"))),
        ),
    ] {
        build.build_definition.resolved_dependencies[0].uri = Some(uri.to_owned());
        let source = build.source().ok();
        assert_eq!(source.as_ref().map(|s| (s.repository.as_str(), s.reference.as_deref())), expected, "{uri}");
    }
}

#[test]
fn only_versions_of_a_format_are_the_format() {
    let wanted = "https://cyclonedx.org/bom";
    assert!(is_type("https://cyclonedx.org/bom/v1.6", wanted));
    for other in ["https://cyclonedx.org/bomb", "https://cyclonedx.org/bom/", "https://cyclonedx.org/bom/x", "https://cyclonedx.org/bo"] {
        assert!(!is_type(other, wanted), "{other}");
    }
    assert!(!is_type("https://slsa.dev/provenance/v1/v1", "https://slsa.dev/provenance/v1"));
}

#[test]
fn of_two_builds_that_will_do_the_one_that_holds_longer_counts() {
    let case = case("allow-whole-walk");
    for number in 0..4 {
        let mut newer = numbered(statement(&case, "build"), number);
        edit(&mut newer, &["runDetails", "metadata"], |m| drop(m.insert("finishedOn".to_owned(), Json::from("2025-12-01T13:00:00Z"))));
        let found: Vec<_> = bundles(&case).into_iter().chain([signed(1, &newer)]).collect();
        assert_eq!(decide(&case, &found).valid_until.unwrap().to_string(), "2025-12-31T13:00:00Z");
    }
}

/// The SBOM agrees with one build only, which another, newer one contradicts: once the first is too old, nothing agrees.
#[test]
fn a_decision_holds_no_longer_than_the_build_that_its_sbom_agrees_with() {
    let case = case("allow-whole-walk");
    let mut newer = statement(&case, "build");
    edit(&mut newer, &["runDetails", "metadata"], |m| drop(m.insert("finishedOn".to_owned(), Json::from("2025-12-10T13:00:00Z"))));
    let mut other: Json = newer.predicate.clone();
    let text = String::from_utf8(other.canonical()).unwrap();
    let sbom = statement(&case, "sbom");
    let document = Digest::sha256(&sbom.predicate.canonical());
    other = Json::parse(text.replace(document.hex(), Digest::sha256(b"another").hex()).as_bytes()).unwrap();
    assert_ne!(other, newer.predicate, "the build binds the SBOM");
    newer.predicate = other;
    let found: Vec<_> = bundles(&case).into_iter().chain([signed(1, &newer)]).collect();
    let decision = decide(&case, &found);
    assert_eq!(decision.decision, Answer::Allow);
    assert_eq!(decision.valid_until.unwrap().to_string(), "2025-12-31T12:00:00Z", "the older build's end");
}

/// What is true of the commit is so of the artifact only for as long as a build that counts names the commit.
#[test]
fn a_decision_on_a_source_holds_no_longer_than_the_build_that_names_it() {
    let case = case("allow-whole-walk");
    let only_source = policy(&case).replace("source: {requirements: [by-agent", "source: {requirements: [built, by-agent");
    let young = only_source.replace("maxAge: P30D", "maxAge: P20D");
    let decision = ask(&case, &young, "source", |wanted| vec![all(&bundles(&case), wanted)]);
    assert_eq!(decision.decision, Answer::Allow);
    let mut elsewhere = numbered(statement(&case, "build"), 7);
    edit(&mut elsewhere, &["runDetails", "metadata"], |m| drop(m.insert("finishedOn".to_owned(), Json::from("2025-12-09T12:00:00Z"))));
    edit(&mut elsewhere, &["buildDefinition", "resolvedDependencies", "0"], |source| {
        let commit = Digest::new(Algorithm::GitCommit, "ba5eba11".repeat(5)).unwrap();
        source.insert("digest".to_owned(), Json::of(&DigestSet::from(commit)).unwrap());
    });
    let found: Vec<_> = bundles(&case).into_iter().chain([signed(1, &elsewhere)]).collect();
    let decision = ask(&case, &young, "source", |wanted| vec![all(&found, wanted)]);
    assert_eq!(decision.decision, Answer::Allow);
    assert_eq!(decision.valid_until.unwrap().to_string(), "2025-12-21T12:00:00Z", "the newer build names another commit");
}

#[test]
fn a_decision_holds_no_longer_than_its_signers() {
    let case = case("allow-whole-walk");
    let ends = policy(&case).replace("custody: local", "custody: local\n    validity: {notAfter: 2025-12-20T00:00:00Z}");
    let decision = ask(&case, &ends, "staging", |wanted| vec![all(&bundles(&case), wanted)]);
    assert_eq!(decision.valid_until.unwrap().to_string(), "2025-12-20T00:00:00Z");
}

#[test]
fn of_two_ceilings_for_one_kind_of_statement_the_higher_holds() {
    let case = case("allow-whole-walk");
    let entry =
        "      - {predicate: \"https://slsa.dev/provenance/v1\", buildType: \"https://countersign.dev/agent-run/v1\", ceiling: harness}\n";
    let lower = entry.replace("ceiling: harness", "ceiling: self-reported");
    for both in [format!("{entry}{lower}"), format!("{lower}{entry}")] {
        let decision = ask(&case, &policy(&case).replace(entry, &both), "staging", |wanted| vec![all(&bundles(&case), wanted)]);
        assert_eq!(outcome(&decision, "by-agent").0, Status::Met);
    }
}

#[test]
fn each_commit_of_a_run_is_compared_with_its_own_object() {
    let mut case = case("allow-run-of-two-commits");
    let commits: Vec<_> = statement(&case, "agent-run").subject.iter().filter_map(ResourceDescriptor::git_commit).collect();
    assert_eq!(commits.len(), 2);
    for commit in commits {
        case.target = format!("git:{}", commit.hex());
        assert_eq!(decide(&case, &bundles(&case)).decision, Answer::Allow);
    }
}

#[test]
fn a_run_of_another_commit_with_the_same_tree_is_not_believed() {
    let case = case("allow-gate-on-tree");
    let mut other = statement(&case, "agent-run");
    other.subject[0].digest = DigestSet::from("gitCommit:0123456789abcdef0123456789abcdef01234567".parse::<Digest>().unwrap());
    let other = signed(1, &other);
    let found: Vec<_> = bundles(&case).into_iter().chain([other.clone()]).collect();
    let decision = decide(&case, &found);
    let listed = decision.evidence.iter().find(|evidence| evidence.bundle == Digest::sha256(&other)).unwrap();
    assert!(!listed.believed);
}

#[test]
fn a_stranger_is_named_only_where_nothing_better_can_be_said() {
    let case = case("deny-run-failed");
    let stranger = signed(3, &numbered(statement(&self::case("allow-whole-walk"), "build"), 1));
    let found: Vec<_> = bundles(&case).into_iter().chain([stranger.clone()]).collect();
    assert_eq!(outcome(&decide(&case, &found), "build-ok").1, ["run-failed"], "a known signer's build came further");
    let whole = self::case("allow-whole-walk");
    let decision = decide(&whole, &[stranger]);
    assert_eq!(outcome(&decision, "built").1, ["signer-unknown"]);
    assert_eq!(outcome(&decision, "owner").1, ["signer-unknown"], "his build could name the source");
    assert_eq!(outcome(&decision, "sbom").1, ["evidence-missing"], "a build is no SBOM");
}

#[test]
fn keys_of_other_algorithms_are_told_from_what_is_no_key() {
    // SubjectPublicKeyInfo of secp384r1 (RFC 5480 §2.1.1.1), with its base point; and the same under secp521r1's name.
    let p384 = "3076301006072a8648ce3d020106052b8104002203620004\
                aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7\
                3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f";
    let der: Vec<u8> = (0..p384.len()).step_by(2).map(|at| u8::from_str_radix(&p384[at..at + 2], 16).unwrap()).collect();
    assert_eq!(PublicKey::from_der(&der).map(|key| key.key_type()), Ok(KeyType::P384));
    let mut p521 = der;
    p521[19] = 0x23;
    assert_eq!(PublicKey::from_der(&p521), Err(NotAKey::Unsupported));
    assert_eq!(PublicKey::from_der(b"no key"), Err(NotAKey::Unreadable));
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
