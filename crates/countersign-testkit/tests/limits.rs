//! What happens at each limit of an inquiry, and one beyond it.
//! The limits on single texts are tested where those are read.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a test that can't be set up fails at once"
)]

mod asking;

use std::collections::BTreeSet;

use asking::{Store, all, ask, bundle, bundles, case, decide, numbered, outcome, signed, statement};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::bundle::Bundle;
use countersign::decision::{Answer, Status};
use countersign::digest::{Algorithm, Digest, DigestSet};
use countersign::identity::PublicKey;
use countersign::inquiry::Wanted;
use countersign::json::Json;
use countersign::limits;
use countersign::statement::{ResourceDescriptor, Statement};
use countersign_sign::{KeyType, LocalKey};
use countersign_testkit::case::Case;

const LIMIT: (Status, [&str; 1]) = (Status::Unknown, ["evidence-limit"]);

fn build(number: usize) -> Vec<u8> {
    signed(1, &numbered(statement(&case("allow-whole-walk"), "build"), number))
}

/// A bundle by nobody, about nothing that anybody asks for: no key of the policy could have made its signature.
fn stranger(number: usize) -> Vec<u8> {
    STRANGER.replace("NUMBER", &number.to_string()).into_bytes()
}

fn assert_limit(found: (Status, Vec<&str>), context: &str) {
    assert_eq!((found.0, found.1.as_slice()), (LIMIT.0, LIMIT.1.as_slice()), "{context}");
}

fn policy(case: &Case) -> String {
    String::from_utf8(case.policy.clone()).unwrap()
}

#[test]
fn bundles_and_payloads_are_read_up_to_their_limits_and_no_further() {
    let limit = |bytes: &[u8]| Bundle::parse(bytes).is_err_and(|error| error.is_limit());
    let good = bundle(&case("allow-whole-walk"), "build");
    let padded = |length: usize| [good.clone(), vec![b' '; length - good.len()]].concat();
    assert!(Bundle::parse(&padded(limits::BUNDLE_BYTES)).is_ok());
    assert!(limit(&padded(limits::BUNDLE_BYTES + 1)));
    let payload = statement(&case("allow-whole-walk"), "build").to_bytes();
    let holding = |length: usize| {
        let payload = [payload.clone(), vec![b' '; length - payload.len()]].concat();
        let envelope = format!(r#""payload":"{}","payloadType":"application/vnd.in-toto+json""#, STANDARD.encode(payload));
        STRANGER.replacen(STRANGERS_PAYLOAD, &envelope, 1).into_bytes()
    };
    assert!(Bundle::parse(&holding(limits::PAYLOAD_BYTES)).is_ok());
    assert!(limit(&holding(limits::PAYLOAD_BYTES + 1)));
    let mut many = statement(&case("allow-whole-walk"), "build");
    many.subject = (0..=limits::SUBJECTS).map(|n| ResourceDescriptor::new(n.to_string(), Digest::sha256(b"x"))).collect();
    let envelope = format!(r#""payload":"{}","payloadType":"application/vnd.in-toto+json""#, STANDARD.encode(many.to_bytes()));
    assert!(limit(STRANGER.replacen(STRANGERS_PAYLOAD, &envelope, 1).as_bytes()));
}

#[test]
fn more_statements_for_one_digest_than_the_limit_leave_all_that_wanted_it_unknown() {
    let case = case("allow-whole-walk");
    let mut found = bundles(&case);
    // The case brings a build and an SBOM; the agent's run isn't about the artifact.
    found.extend((0..limits::STATEMENTS_PER_WANTED - 2).map(build));
    assert_eq!(decide(&case, &found).decision, Answer::Allow, "at the limit");
    found.push(build(limits::STATEMENTS_PER_WANTED));
    for _ in 0..2 {
        let decision = decide(&case, &found);
        assert_eq!(decision.decision, Answer::Undetermined, "beyond the limit");
        for id in ["built", "origin", "build-ok", "sbom", "by-agent", "model", "owner", "sandbox"] {
            assert_limit(outcome(&decision, id), id);
        }
        found.reverse();
    }
}

#[test]
fn too_many_statements_about_a_commit_leave_the_artifacts_requirements_alone() {
    let case = case("allow-whole-walk");
    let run = statement(&case, "agent-run");
    let mut found = bundles(&case);
    found.extend((0..limits::STATEMENTS_PER_WANTED).map(|number| signed(1, &numbered(run.clone(), number))));
    let store = Store::of(&found);
    let decision = ask(&case, &policy(&case), "staging", |wanted| store.answer(wanted));
    assert_eq!(decision.decision, Answer::Undetermined);
    assert_limit(outcome(&decision, "owner"), "owner");
    assert_eq!(outcome(&decision, "built").0, Status::Met);
    assert_eq!(outcome(&decision, "sbom").0, Status::Met);
}

#[test]
fn too_many_gates_on_the_tree_of_a_commit_leave_the_gate_unknown() {
    let gated = case("allow-gate-on-tree");
    let commit = case("allow-commit");
    let gate = statement(&gated, "gate");
    let mut found = bundles(&gated);
    let more = |number: usize| {
        let mut gate = gate.clone();
        gate.subject[0].name = Some(number.to_string());
        signed(1, &gate)
    };
    found.extend((1..limits::STATEMENTS_PER_WANTED).map(more));
    let policy = policy(&gated).replace("requirements: [by-agent, model, sandbox, owner]", "requirements: [owner, tested]");
    let store = Store::of(&found);
    let decision = ask(&commit, &policy, "source", |wanted| store.answer(wanted));
    assert_eq!(decision.decision, Answer::Allow, "at the limit");
    found.push(more(0));
    let store = Store::of(&found);
    let decision = ask(&commit, &policy, "source", |wanted| store.answer(wanted));
    assert_limit(outcome(&decision, "tested"), "tested");
    assert_eq!(outcome(&decision, "owner").0, Status::Met, "who asked for the run is no question to gates");
}

/// Commits, each with a build of the artifact that names it, and that many runs.
fn walks(commits: usize, runs: usize) -> Vec<Vec<u8>> {
    let case = case("allow-whole-walk");
    let (build, run) = (statement(&case, "build"), statement(&case, "agent-run"));
    let mut found = vec![bundle(&case, "sbom")];
    for commit in 0..commits {
        let id = Digest::new(Algorithm::GitCommit, format!("{commit:040x}")).unwrap();
        let mut build = build.clone();
        asking::edit(&mut build, &["buildDefinition", "resolvedDependencies", "0"], |source| {
            source.insert("digest".to_owned(), Json::of(&DigestSet::from(id.clone())).unwrap());
        });
        found.push(signed(1, &build));
        let mut run = run.clone();
        run.subject.truncate(1);
        run.subject[0].digest = DigestSet::from(id);
        asking::edit(&mut run, &["runDetails"], |details| drop(details.remove("byproducts")));
        found.extend((0..runs).map(|number| signed(1, &numbered(run.clone(), number))));
    }
    found
}

#[test]
fn more_statements_than_one_inquiry_may_have_leave_everything_unknown() {
    let case = case("allow-whole-walk");
    // Ten digests are looked up, and none has more answers than it may.
    let found = walks(9, 227);
    assert_eq!(found.len(), limits::STATEMENTS_PER_INQUIRY + 5);
    for (without, answer) in [(5, Answer::Allow), (4, Answer::Undetermined)] {
        let store = Store::of(&found[..found.len() - without]);
        let decision = ask(&case, &policy(&case), "staging", |wanted| store.answer(wanted));
        assert_eq!(decision.decision, answer, "without {without}");
        if answer == Answer::Undetermined {
            assert_limit(outcome(&decision, "built"), "built");
        }
    }
}

#[test]
fn more_digests_to_follow_than_the_limit_leave_the_source_unknown_and_nothing_else() {
    let case = case("allow-whole-walk");
    // The artifact is one of the digests.
    for (commits, answer) in [(limits::DIGESTS_FOLLOWED - 1, Answer::Allow), (limits::DIGESTS_FOLLOWED + 2, Answer::Undetermined)] {
        let mut found = walks(commits, 1);
        for _ in 0..2 {
            let store = Store::of(&found);
            let mut asked = BTreeSet::new();
            let decision = ask(&case, &policy(&case), "staging", |wanted| {
                if let Wanted::Bundles { digest, .. } | Wanted::GitObject(digest) = wanted {
                    asked.insert(digest.clone());
                }
                store.answer(wanted)
            });
            assert_eq!(decision.decision, answer, "{commits} commits");
            assert!(asked.len() <= limits::DIGESTS_FOLLOWED + 1, "{} digests", asked.len());
            if answer == Answer::Undetermined {
                assert_eq!(outcome(&decision, "built").0, Status::Met);
                assert_limit(outcome(&decision, "owner"), "owner");
            }
            let store = Store::of(&found);
            let decision = ask(&case, &policy(&case), "build", |wanted| store.answer(wanted));
            assert_eq!(decision.decision, Answer::Allow, "where nothing is asked of the source, {commits} commits are no question");
            found.reverse();
        }
    }
}

#[test]
fn a_stranger_blocks_only_beyond_the_number_of_looks() {
    let case = case("allow-whole-walk");
    let good = bundles(&case);
    let mut found: Vec<_> = (0..limits::LOOKS_PER_INQUIRY - good.len()).map(stranger).collect();
    found.extend(good);
    assert_eq!(decide(&case, &found).decision, Answer::Allow, "at the limit");
    found.insert(0, stranger(limits::LOOKS_PER_INQUIRY));
    let decision = decide(&case, &found);
    assert_eq!(decision.decision, Answer::Undetermined, "beyond the limit");
    assert_limit(outcome(&decision, "built"), "built");
    found.reverse();
    assert_eq!(decide(&case, &found).to_json(), decision.to_json(), "which bundles came first shows nowhere");
}

#[test]
fn unknown_signers_are_shown_by_the_first_sixteen_bundles_in_order() {
    let case = case("deny-evidence-missing");
    let build = statement(&asking::case("allow-whole-walk"), "build");
    let mut found: Vec<_> = (0..20).map(|number| signed(3, &numbered(build.clone(), number))).collect();
    let mut digests: Vec<_> = found.iter().map(|bytes| Digest::sha256(bytes)).collect();
    digests.sort();
    for _ in 0..2 {
        let decision = decide(&case, &found);
        let reasons = &asking::requirement(&decision, "built").reasons;
        assert_eq!(reasons.iter().map(|reason| reason.code.code()).collect::<Vec<_>>(), ["signer-unknown"]);
        assert_eq!(reasons[0].evidence, digests[..16]);
        assert!(decision.evidence.is_empty(), "they are counted, not listed");
        found.reverse();
    }
}

/// A bundle without a hint, by the Ed25519 key of that number.
fn without_hint(number: u8, statement: &Statement) -> Vec<u8> {
    let key = LocalKey::dangerous_from_secret(KeyType::Ed25519, &[number; 32]).unwrap();
    let bundle = countersign_sign::attest(statement, &key).unwrap();
    let hint = PublicKey::from_der(&key.public_key_der()).unwrap().hint();
    String::from_utf8(bundle.bytes().to_vec()).unwrap().replace(&format!(r#""hint":"{hint}""#), "").into_bytes()
}

#[test]
fn without_a_hint_no_more_keys_are_tried_than_the_limit() {
    let case = case("allow-whole-walk");
    let sbom = statement(&case, "sbom");
    let signer = |number: u8| {
        let key = LocalKey::dangerous_from_secret(KeyType::Ed25519, &[number; 32]).unwrap().public_key_der();
        let may_attest = "[{predicate: \"https://cyclonedx.org/bom\", ceiling: harness}]";
        format!("  - {{id: s{number}, kind: human, key: {}, mayAttest: {may_attest}}}\n", STANDARD.encode(key))
    };
    // The maintainer's is the first Ed25519 key of the policy, and the platform's, of another algorithm, isn't counted.
    let more: String = (10..).take(limits::KEYS_TRIED).map(signer).collect();
    let policy = policy(&case).replace("people:\n", &format!("{more}people:\n"));
    let last_tried = 10 + u8::try_from(limits::KEYS_TRIED).unwrap() - 2;
    for (number, answer) in [(10, Answer::Allow), (last_tried, Answer::Allow), (last_tried + 1, Answer::Undetermined)] {
        let found = [bundle(&case, "build"), bundle(&case, "agent-run"), without_hint(number, &sbom)];
        let decision = ask(&case, &policy, "staging", |wanted| vec![all(&found, wanted)]);
        assert_eq!(decision.decision, answer, "key {number}");
    }
    // Keys that could not have made the signature aren't among those that are tried.
    let platforms = policy.find("  - id: platform").unwrap();
    let policy = policy.replacen(&more, "", 1);
    let policy = format!("{}{more}{}", &policy[..platforms], &policy[platforms..]);
    let hint = PublicKey::from_der(&asking::key(1).public_key_der()).unwrap().hint();
    let build = String::from_utf8(bundle(&case, "build")).unwrap().replace(&format!(r#""hint":"{hint}""#), "").into_bytes();
    let found = [build, bundle(&case, "agent-run"), bundle(&case, "sbom")];
    assert_eq!(ask(&case, &policy, "staging", |wanted| vec![all(&found, wanted)]).decision, Answer::Allow);
}

const STRANGER: &str = r#"{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"NUMBER"}},"dsseEnvelope":{"payload":"eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEiLCJzdWJqZWN0IjpbeyJuYW1lIjoieCIsImRpZ2VzdCI6eyJzaGEyNTYiOiIwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwIn19XSwicHJlZGljYXRlVHlwZSI6Imh0dHBzOi8vc2xzYS5kZXYvcHJvdmVuYW5jZS92MSJ9","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"AA=="}]}}"#;
const STRANGERS_PAYLOAD: &str = r#""payload":"eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEiLCJzdWJqZWN0IjpbeyJuYW1lIjoieCIsImRpZ2VzdCI6eyJzaGEyNTYiOiIwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwIn19XSwicHJlZGljYXRlVHlwZSI6Imh0dHBzOi8vc2xzYS5kZXYvcHJvdmVuYW5jZS92MSJ9","payloadType":"application/vnd.in-toto+json""#;
