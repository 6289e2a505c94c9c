//! What is explained of every case, and what is said to be missing from it.
//! What the decisions are is the cases' own affair; here they must come out the same.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that can't be set up fails at once")]

mod asking;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use asking::{all, bundle, bundles, case, cases, conclude, edit, numbered, signed, statement};
use countersign::bundle::Bundle;
use countersign::decision::{Answer, Explained, Explanation, Missing, MissingKind, ObjectKind, Status, UseOutcome, WhyNot};
use countersign::inquiry::Inquiry;
use countersign::json::Json;
use countersign::predicate::{CYCLONEDX, PROVENANCE, is_type};
use countersign_testkit::case::Case;

fn concluded<T>(case: &Case, environment: &str, bundles: &[Vec<u8>], conclusion: impl FnOnce(Inquiry<'_>) -> T) -> T {
    let policy = String::from_utf8(case.policy.clone()).unwrap();
    conclude(case, &policy, environment, |wanted| vec![all(bundles, wanted)], conclusion)
}

fn explained(case: &Case) -> Explanation {
    concluded(case, case.environment.as_deref().unwrap(), &bundles(case), |inquiry| inquiry.explain())
}

fn why_not(case: &Case, bundles: &[Vec<u8>]) -> WhyNot {
    concluded(case, case.environment.as_deref().unwrap(), bundles, |inquiry| inquiry.why_not())
}

fn decided() -> Vec<Case> {
    cases().into_iter().filter(|case| case.decision.is_some()).collect()
}

fn schema(name: &str) -> jsonschema::Validator {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/schema");
    let read = |name: &str| -> serde_json::Value { serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap() };
    let mut schema = read(name);
    // The decision's schema is a document of its own, which validators fetch by its name.
    schema["properties"]["decision"] = read("decision.schema.json");
    jsonschema::validator_for(&schema).unwrap()
}

#[test]
fn an_explanation_holds_the_very_decision_and_has_the_published_form() {
    let (explanations, why_nots) = (schema("explanation.schema.json"), schema("why-not.schema.json"));
    for case in decided() {
        let expected = case.decision.clone().unwrap();
        let explanation = explained(&case);
        assert_eq!([explanation.decision.to_json(), b"\n".to_vec()].concat(), expected, "{}", case.name());
        let value = serde_json::from_slice(&explanation.to_json()).unwrap();
        assert!(explanations.is_valid(&value), "{}: {:?}", case.name(), explanations.iter_errors(&value).map(|e| e.to_string()).next());
        let why_not = why_not(&case, &bundles(&case));
        assert_eq!([why_not.decision.to_json(), b"\n".to_vec()].concat(), expected, "{}", case.name());
        let value = serde_json::from_slice(&why_not.to_json()).unwrap();
        assert!(why_nots.is_valid(&value), "{}: {:?}", case.name(), why_nots.iter_errors(&value).map(|e| e.to_string()).next());
    }
}

#[test]
fn what_is_explained_of_the_evidence_is_what_the_decision_lists() {
    for case in decided() {
        let Explanation { decision, statements, objects, .. } = explained(&case);
        let listed: Vec<_> = decision.evidence.iter().map(|evidence| &evidence.bundle).collect();
        assert_eq!(statements.iter().map(|statement| &statement.bundle).collect::<Vec<_>>(), listed, "{}", case.name());
        for (evidence, statement) in decision.evidence.iter().zip(&statements) {
            assert_eq!(evidence.refusal, statement.refusal.as_ref().map(|refusal| refusal.code), "{}: {}", case.name(), evidence.bundle);
            let is_placed = objects.iter().any(|object| object.statements.contains(&evidence.bundle));
            assert!(evidence.believed || !is_placed, "{}: {}", case.name(), evidence.bundle);
            for fact in &statement.facts {
                assert!(fact.basis <= fact.claimed, "{}: {fact:?}", case.name());
            }
        }
        for requirement in &decision.requirements {
            let taken =
                |statement: &&Explained| statement.uses.iter().any(|u| u.requirement == requirement.id && u.outcome == UseOutcome::Taken);
            let taken: Vec<_> = statements.iter().filter(taken).map(|statement| statement.bundle.clone()).collect();
            assert_eq!(taken, requirement.evidence, "{}: {}", case.name(), requirement.id);
        }
    }
}

fn fact<'a>(explanation: &'a Explanation, name: &str) -> Vec<(&'a [String], &'static str)> {
    let facts = explanation.statements.iter().flat_map(|statement| &statement.facts);
    facts.filter(|fact| fact.name == name).map(|fact| (fact.values.as_slice(), fact.basis.name())).collect()
}

#[test]
fn the_whole_walk_is_told_from_the_artifact_to_the_run_and_shows_no_prompt() {
    let case = case("allow-whole-walk");
    let explanation = explained(&case);
    let kinds: Vec<_> = explanation.objects.iter().map(|object| (object.kind, object.from.len(), object.statements.len())).collect();
    assert_eq!(kinds, [(ObjectKind::Artifact, 0, 2), (ObjectKind::Commit, 1, 1), (ObjectKind::Tree, 1, 0)]);
    let one = |name| fact(&explanation, name).first().map(|(values, basis)| (values.join(" "), *basis)).unwrap();
    assert_eq!(one("agent"), ("claude-code 2.0.55".to_owned(), "harness"));
    assert_eq!(one("model"), ("anthropic/claude-sonnet-4-5-20250929".to_owned(), "harness"));
    assert_eq!(one("owner"), ("local#maintainer@example.test".to_owned(), "harness"));
    assert_eq!(one("run-outcome"), ("success, exit code 0".to_owned(), "harness"));
    assert_eq!(one("tools"), ("Write".to_owned(), "self-reported"));
    assert!(one("sandbox-image").0.starts_with("registry.example.test/sandbox sha256:5a0d"), "{:?}", one("sandbox-image"));
    assert!(one("prompt").0.ends_with("sealed, 1 message"), "{:?}", one("prompt"));
    let codes: Vec<_> = explanation.not_shown.iter().map(|not_shown| not_shown.code).collect();
    assert_eq!(codes, ["transcript-true", "model-answered", "sandbox-existed", "nobody-else-wrote", "signed-by-another"]);
    assert!(!String::from_utf8(explanation.to_json()).unwrap().contains("greeting\""), "the prompt is `Add a greeting`");
}

#[test]
fn what_cannot_be_shown_is_told_only_where_somebody_could_think_it_was() {
    let case = case("allow-whole-walk");
    let build = [bundle(&case, "build")];
    let explanation = concluded(&case, "build", &build, |inquiry| inquiry.explain());
    let codes: Vec<_> = explanation.not_shown.iter().map(|not_shown| not_shown.code).collect();
    assert_eq!(codes, ["nobody-else-wrote", "signed-by-another"], "an agent may have reached the build, and isn't spoken of");
    let mut run = statement(&case, "agent-run");
    edit(&mut run, &["buildDefinition"], |definition| drop(definition.remove("resolvedDependencies")));
    let run = [signed(1, &run)];
    let commit = asking::case("allow-commit");
    let explanation = concluded(&commit, "source", &run, |inquiry| inquiry.explain());
    let codes: Vec<_> = explanation.not_shown.iter().map(|not_shown| not_shown.code).collect();
    assert!(codes.contains(&"model-answered") && !codes.contains(&"sandbox-existed"), "{codes:?}");
}

#[test]
fn strangers_are_counted_by_type_and_not_repeated() {
    let explanation = explained(&case("allow-stranger-beside"));
    let strangers: Vec<_> = explanation.strangers.iter().map(|s| (s.predicate_type.as_str(), s.bundles)).collect();
    assert_eq!(strangers, [(PROVENANCE, 1)]);
    let case = case("allow-whole-walk");
    let mut many = bundles(&case);
    for number in 0..40 {
        let mut strange = statement(&case, "build");
        strange.predicate_type = format!("https://example.test/{number}/{}", "x".repeat(1_000));
        many.push(signed(3, &strange));
    }
    let strangers = concluded(&case, "staging", &many, |inquiry| inquiry.explain()).strangers;
    assert_eq!((strangers.len(), strangers.iter().map(|s| s.bundles).sum::<usize>()), (33, 40));
    assert!(strangers.iter().all(|strangers| strangers.predicate_type.chars().count() <= 200));
}

#[test]
fn a_statement_that_says_too_much_is_told_in_part() {
    let case = case("allow-whole-walk");
    let mut run = statement(&case, "agent-run");
    let tools = (0..1_000).map(|number| format!(r#"{{"name":"{number}-{}"}}"#, "x".repeat(500))).collect::<Vec<_>>().join(",");
    let tools = Json::parse(format!("[{tools}]").as_bytes()).unwrap();
    edit(&mut run, &["buildDefinition", "internalParameters", "agent"], |agent| drop(agent.insert("tools".to_owned(), tools)));
    let many = [signed(1, &run), bundle(&case, "build"), bundle(&case, "sbom")];
    let explanation = concluded(&case, "staging", &many, |inquiry| inquiry.explain());
    let tools = explanation.statements.iter().flat_map(|s| &s.facts).find(|fact| fact.name == "tools").unwrap();
    assert_eq!((tools.values.len(), tools.more), (32, 968));
    assert!(tools.values.iter().all(|value| value.chars().count() == 200));
}

#[test]
fn what_fits_beside_what_was_taken_is_told_and_so_is_what_was_refused() {
    let explanation = explained(&case("allow-after-failure"));
    let outcomes: BTreeSet<_> = explanation
        .statements
        .iter()
        .flat_map(|statement| &statement.uses)
        .filter(|u| u.requirement == "build-ok")
        .map(|u| (u.outcome, u.code.map(|code| code.code())))
        .collect();
    assert_eq!(outcomes, BTreeSet::from([(UseOutcome::Taken, None), (UseOutcome::Refused, Some("run-failed"))]));
    let case = case("allow-whole-walk");
    let mut two = bundles(&case);
    two.push(signed(1, &numbered(statement(&case, "build"), 2)));
    let explanation = concluded(&case, "staging", &two, |inquiry| inquiry.explain());
    assert!(explanation.statements.iter().flat_map(|s| &s.uses).any(|u| u.outcome == UseOutcome::Fits && u.requirement == "built"));
}

/// What a bundle would be called if it were missing.
fn piece_of(bytes: &[u8]) -> String {
    let Ok(bundle) = Bundle::parse(bytes) else { return "nothing".to_owned() };
    let statement = bundle.unverified_statement();
    let is_of_commit = statement.subject.iter().flat_map(|subject| subject.digest.iter()).any(|digest| digest.algorithm().is_git());
    match statement.predicate_type.as_str() {
        PROVENANCE if is_of_commit => "agent-run".to_owned(),
        PROVENANCE => "build".to_owned(),
        other if is_type(other, CYCLONEDX) => CYCLONEDX.to_owned(),
        other => other.to_owned(),
    }
}

/// By which bundle a piece is supplied; the commit's object comes with the commit's run.
fn supplied_by(piece: &Missing) -> String {
    match piece.kind {
        MissingKind::Statement => piece.predicate_type.clone().unwrap(),
        MissingKind::CommitObject => MissingKind::AgentRun.name().to_owned(),
        kind => kind.name().to_owned(),
    }
}

fn counted(words: impl IntoIterator<Item = String>) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    words.into_iter().for_each(|word| *counted.entry(word).or_default() += 1);
    counted
}

#[test]
fn what_is_named_is_a_smallest_set_of_pieces_whose_return_allows() {
    let mut tried = 0;
    for case in decided() {
        let all = bundles(&case);
        if why_not(&case, &all).decision.decision != Answer::Allow {
            continue;
        }
        assert!(all.len() <= 8, "{}", case.name());
        let subset =
            |chosen: u32| all.iter().enumerate().filter(|(i, _)| chosen & (1 << i) != 0).map(|(_, b)| b.clone()).collect::<Vec<_>>();
        let every = 0_u32..1 << all.len();
        let concluded: Vec<_> = every.clone().map(|chosen| why_not(&case, &subset(chosen))).collect();
        let allows = |chosen: u32| concluded[chosen as usize].decision.is_allowed();
        for left in every.clone() {
            let named = counted(concluded[left as usize].missing.iter().map(supplied_by));
            let returns = every.clone().filter(|whole| whole & left == left && allows(*whole)).map(|whole| whole & !left);
            let least = returns.clone().map(u32::count_ones).min().unwrap();
            let smallest: Vec<_> =
                returns.filter(|back| back.count_ones() == least).map(|back| counted(subset(back).iter().map(|b| piece_of(b)))).collect();
            assert!(smallest.contains(&named), "{}, {left:b}: {named:?} is named, and {smallest:?} would do", case.name());
            tried += 1;
        }
    }
    assert!(tried > 100, "{tried} sets of bundles were tried");
}

#[test]
fn every_requirement_that_is_not_met_hangs_on_a_piece_and_no_piece_hangs_on_nothing() {
    for case in decided() {
        let WhyNot { decision, missing, .. } = why_not(&case, &bundles(&case));
        assert_eq!(missing.is_empty(), decision.is_allowed(), "{}", case.name());
        let unmet: BTreeSet<_> = decision.requirements.iter().filter(|r| r.status != Status::Met).map(|r| r.id.as_str()).collect();
        let hanging: BTreeSet<_> = missing.iter().flat_map(|piece| &piece.requirements).map(String::as_str).collect();
        assert!(hanging.is_superset(&unmet), "{}: {unmet:?} are not met, and {hanging:?} hang on something", case.name());
        for piece in &missing {
            assert!(piece.requirements.iter().any(|id| unmet.contains(id.as_str())), "{}: {piece:?}", case.name());
            assert!(piece.because.is_some(), "{}: {piece:?}", case.name());
        }
    }
}

#[test]
fn one_build_that_is_missing_is_named_once_with_everything_that_hangs_on_it() {
    let case = case("allow-whole-walk");
    let without_build = [bundle(&case, "agent-run"), bundle(&case, "sbom")];
    let missing = why_not(&case, &without_build).missing;
    let [build] = missing.as_slice() else { panic!("{missing:?}") };
    assert_eq!(build.requirements, ["build-ok", "built", "by-agent", "model", "origin", "owner", "sandbox"]);
    assert_eq!((build.kind, build.signers.as_slice(), build.looked_for), (MissingKind::Build, &["platform".to_owned()][..], true));
    assert!(build.detail.contains("that names commit "), "{}", build.detail);
    assert_eq!(build.commands, ["countersign run --artifact PATH --signer SIGNER -- COMMAND"]);
}

#[test]
fn a_run_that_could_not_be_looked_for_is_told_to_be_so() {
    let case = case("allow-whole-walk");
    let missing = why_not(&case, &[]).missing;
    let told: Vec<_> = missing.iter().map(|piece| (piece.kind, piece.looked_for)).collect();
    assert_eq!(told, [(MissingKind::Build, true), (MissingKind::AgentRun, false), (MissingKind::Statement, true)]);
    let run = missing.iter().find(|piece| piece.kind == MissingKind::AgentRun).unwrap();
    assert!(run.commands[0].contains(" --sandbox-image ") && run.commands[0].contains(" --on-behalf-of "), "{:?}", run.commands);
}

#[test]
fn what_no_evidence_could_mend_is_told_to_be_the_policys() {
    let case = case("allow-whole-walk");
    let policy = String::from_utf8(case.policy.clone())
        .unwrap()
        .replace("allow: [claude-code], basis: harness", "allow: [claude-code], basis: boundary");
    let missing = conclude(&case, &policy, "staging", |wanted| vec![all(&bundles(&case), wanted)], |inquiry| inquiry.why_not()).missing;
    let [policy] = missing.as_slice() else { panic!("{missing:?}") };
    assert_eq!((policy.kind, policy.requirements.as_slice()), (MissingKind::Policy, &["by-agent".to_owned()][..]));
    let unexpected = why_not(&asking::case("deny-resource-unexpected"), &[]).missing;
    assert_eq!(unexpected.iter().map(|piece| piece.kind).collect::<Vec<_>>(), [MissingKind::Policy]);
}

#[test]
fn what_was_not_at_hand_is_named_and_not_a_statement_that_may_be_there() {
    for (name, kind) in [
        ("undetermined-commit-object-missing", MissingKind::CommitObject),
        ("undetermined-evidence-limit", MissingKind::Limit),
        ("undetermined-evidence-unavailable", MissingKind::Artifact),
    ] {
        let case = case(name);
        let missing = why_not(&case, &bundles(&case)).missing;
        assert_eq!(missing.iter().map(|piece| piece.kind).collect::<Vec<_>>(), [kind], "{name}: {missing:?}");
    }
}
