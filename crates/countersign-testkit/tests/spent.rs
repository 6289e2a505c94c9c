//! Counts what a hostile pile of bundles costs: signatures that are computed, and what is kept of them.
//! The provider of cryptography is the process's own, so that these tests stand in a file of theirs.

#![expect(clippy::unwrap_used, reason = "a test that can't be set up fails at once")]

use std::cell::Cell;
use std::sync::Once;

use countersign::bundle::Bundle;
use countersign::decision::{Answer, Decision};
use countersign::digest::Digest;
use countersign::identity::PublicKey;
use countersign::inquiry::{Found, Inquiry, Question};
use countersign::json::Json;
use countersign::limits;
use countersign::policy::Policy;
use countersign::reason::Reason;
use countersign::statement::{ResourceDescriptor, Statement};
use countersign::time::Time;
use countersign::trust::{Trust, TrustRoot};
use countersign_sign::{KeyType, LocalKey};
use countersign_testkit::authority::{Authority, Draft, Identity, Version, Witness};
use sigstore_crypto::{
    CryptoProvider, HashContext, KeyAlgorithm, Result, SigningKeyPair, SigningScheme, aws_lc_provider, install_default_provider,
};
use sigstore_types::HashAlgorithm;

#[test]
fn a_timestamp_costs_the_same_however_many_log_entries_stand_beside_it() {
    let cost = |entries: usize, tokens: usize| {
        let bundle = witnessed(entries, tokens).bytes();
        let (decision, spent) = counted(|| decide(std::slice::from_ref(&bundle)));
        assert_eq!(decision.decision, Answer::Allow, "{entries}, {tokens}");
        spent
    };
    let (beside_one, beside_two) = (cost(1, 3) - cost(1, 2), cost(2, 3) - cost(2, 2));
    assert!(beside_one > 0, "signatures are counted");
    assert_eq!(beside_two, beside_one);
}

#[test]
fn more_witnesses_than_the_limit_cost_nothing() {
    let bundle = witnessed(1, limits::WITNESSES + 1).bytes();
    let (decision, spent) = counted(|| decide(std::slice::from_ref(&bundle)));
    assert_eq!((decision.evidence[0].refusal, spent), (Some(Reason::EvidenceLimit), 0));
    let (decision, _) = counted(|| decide(&[witnessed(1, limits::WITNESSES).bytes()]));
    assert_eq!(decision.decision, Answer::Allow, "at the limit");
}

#[test]
fn one_statement_is_one_piece_of_evidence_however_often_it_is_wrapped() {
    let mut found: Vec<_> = (0..40).map(|minutes| Draft { tokens: vec![stamp(minutes * 60)], ..good() }.bytes()).collect();
    let first = decide(&found);
    assert_eq!((first.decision, first.evidence.len()), (Answer::Allow, 1));
    found.rotate_left(17);
    assert_eq!(decide(&found).to_json(), first.to_json(), "whichever comes first");
    // A refused one beside it is no second piece, and takes nothing from it.
    found.push(Draft { tokens: Vec::new(), entries: Vec::new(), ..good() }.bytes());
    let with_refused = decide(&found);
    assert_eq!((with_refused.decision, with_refused.evidence.len()), (Answer::Allow, 1));
}

/// Bundles that name a signer of the policy are verified, so that there is a bound on them, and past it nothing counts.
#[test]
fn beyond_the_limit_of_checks_nothing_is_verified_and_nothing_is_told() {
    // Each root could vouch for each of the four timestamps, the first of which is none.
    let hostile = Draft { tokens: (1..=4).map(|byte| vec![byte; 8]).collect(), ..good() }.bytes();
    let cost = |witnesses: usize| 1 + witnesses * ROOTS;
    let blank = |number: usize| [hostile.clone(), vec![b' '; number]].concat();
    let fill = |count: usize| (0..count).map(blank).chain([good().bytes()]).collect::<Vec<_>>();
    let most = (limits::CHECKS_PER_INQUIRY - cost(1)) / cost(4);
    assert_eq!(decide_under(ROOTS, &fill(most)).decision, Answer::Allow, "at the limit");
    let mut beyond = fill(most + 1);
    for _ in 0..2 {
        let (decision, spent) = counted(|| decide_under(ROOTS, &beyond));
        let reasons: Vec<_> = decision.requirements[0].reasons.iter().map(|reason| reason.code).collect();
        assert_eq!((decision.decision, reasons), (Answer::Undetermined, vec![Reason::EvidenceLimit]));
        assert!(spent < limits::CHECKS_PER_INQUIRY as u64, "{spent}");
        beyond.reverse();
    }
}

/// A version stands outside the signature: whoever wraps a bundle anew chooses the costly one.
#[test]
fn a_version_that_the_policy_does_not_list_costs_nothing() {
    for draft in [witnessed(1, 1), good()] {
        let (decision, spent) = counted(|| decide(&[draft.version(Version::V01).bytes()]));
        assert_eq!((decision.evidence[0].refusal, spent), (Some(Reason::Malformed), 0));
    }
}

#[test]
fn a_chain_is_read_up_to_its_limit_and_no_further() {
    let bundle = String::from_utf8(witnessed(1, 1).version(Version::V01).bytes()).unwrap();
    let (before, rest) = bundle.split_once(r#""certificates":["#).unwrap();
    let (one, after) = rest.split_once(']').unwrap();
    let with = |count: usize| Bundle::parse(format!(r#"{before}"certificates":[{}]{after}"#, vec![one; count].join(",")).as_bytes());
    assert!(with(limits::CHAIN).is_ok());
    assert!(with(limits::CHAIN + 1).is_err_and(|error| error.is_limit()));
}

/// Whoever names a signer of the policy, and can't sign for them, has one signature of theirs computed and no witness.
#[test]
fn what_a_wrong_signature_brings_along_is_not_counted() {
    let mut hostile = Draft { tokens: (1..=4).map(|byte| vec![byte; 8]).collect(), ..good() };
    hostile.signature = Authority::new().managed(&key(), b"something else", Witness::Timestamp, signed_at()).signature;
    let hostile = hostile.bytes();
    let blank = |number: usize| [hostile.clone(), vec![b' '; number]].concat();
    let count = limits::CHECKS_PER_INQUIRY / (1 + 4 * ROOTS) + 2;
    let found: Vec<_> = (0..count).map(blank).chain([good().bytes()]).collect();
    let (decision, spent) = counted(|| decide_under(ROOTS, &found));
    assert_eq!(decision.decision, Answer::Allow);
    assert!(spent < 2 * count as u64 + 8 * ROOTS as u64, "{spent}");
}

/// A signature under a certificate, with so many entries of the logs that have it and so many timestamps.
fn witnessed(entries: usize, tokens: usize) -> Draft {
    let authority = Authority::new();
    let draft = authority.keyless(&workflow(), &payload(), Witness::RekorV1, signed_at());
    let all = [authority.rekor_v1.log_dsse(&draft, signed_at()), authority.rekor_v2.log(&draft)];
    let tokens = (0..tokens).map(|seconds| stamp_of(&draft, i64::try_from(seconds).unwrap())).collect();
    Draft { entries: all.into_iter().take(entries).collect(), tokens, ..draft }
}

/// A signature by the key that the policy knows, with one timestamp.
fn good() -> Draft {
    Authority::new().managed(&key(), &payload(), Witness::Timestamp, signed_at())
}

fn stamp(seconds: i64) -> Vec<u8> {
    stamp_of(&good(), seconds)
}

fn stamp_of(draft: &Draft, seconds: i64) -> Vec<u8> {
    Authority::new().times.stamp(&draft.signature, Time::from_unix(signed_at().unix_seconds() + seconds).unwrap())
}

fn decide(bundles: &[Vec<u8>]) -> Decision {
    decide_under(1, bundles)
}

/// Asks under so many trust roots, which trust the same authority and aren't the same file.
fn decide_under(roots: usize, bundles: &[Vec<u8>]) -> Decision {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| install_default_provider(&Counting).map_err(|_| "another provider was first").unwrap());
    let root = Authority::new().trusted_root();
    let policy = Policy::parse(policy(&root).as_bytes()).unwrap();
    let roots = (0..roots).map(|number| TrustRoot::parse(&[root.clone(), vec![b' '; number]].concat()).unwrap());
    let trust = roots.fold(Trust::keys_only(), Trust::with);
    let question = Question::new(Digest::sha256(ARTIFACT), "demo.tar", "2025-12-15T00:00:00Z".parse().unwrap()).unwrap();
    let mut inquiry = Inquiry::about(question.environment("here"), &trust, &policy).unwrap();
    while let Some(wanted) = inquiry.next() {
        inquiry.supply(&wanted, Found::These(bundles.to_vec()));
    }
    inquiry.decide()
}

fn policy(root: &[u8]) -> String {
    format!(
        r#"version: 1
id: counted
signers:
  - id: workflow
    kind: automation
    identity: {{issuer: "{}", subject: "https://example.test/org/demo/pipeline/build.yml@refs/heads/main", trustRoot: "{}"}}
    mayAttest: [{{predicate: "{PREDICATE}", ceiling: boundary}}]
  - id: known
    kind: automation
    key: {}
    mayAttest: [{{predicate: "{PREDICATE}", ceiling: harness}}]
resources: [{{match: demo.tar, builders: [{{signer: workflow, builderId: "https://example.test/builder", buildTypes: ["https://example.test/build/v1"]}}]}}]
environments: {{here: {{requirements: [said]}}}}
requirements: [{{id: said, kind: evidence, about: artifact, predicate: "{PREDICATE}"}}]
"#,
        workflow().issuer,
        Digest::sha256(root),
        PublicKey::from_der(&key().public_key_der()).unwrap().to_base64(),
    )
}

fn payload() -> Vec<u8> {
    let subject = ResourceDescriptor::new("demo.tar", Digest::sha256(ARTIFACT));
    Statement::new(vec![subject], PREDICATE, Json::Object(Default::default())).unwrap().to_bytes()
}

fn key() -> LocalKey {
    LocalKey::dangerous_from_secret(KeyType::P256, &[1; 32]).unwrap()
}

fn workflow() -> Identity {
    Identity::workflow("https://example.test/org/demo", "pipeline/build.yml", "refs/heads/main", "ba5eba5eba5eba5eba5eba5eba5eba5eba5eba5e")
}

fn signed_at() -> Time {
    "2025-12-01T12:00:30Z".parse().unwrap()
}

/// Enough that few bundles reach the limit.
const ROOTS: usize = 32;
const ARTIFACT: &[u8] = b"the bytes of demo.tar\n";
const PREDICATE: &str = "https://example.test/predicate/v1";

/// Returns how many signatures this thread computed meanwhile.
fn counted<T>(what: impl FnOnce() -> T) -> (T, u64) {
    let before = VERIFIED.get();
    let found = what();
    (found, VERIFIED.get() - before)
}

thread_local! {
    static VERIFIED: Cell<u64> = const { Cell::new(0) };
}

/// The usual provider, which counts what it verifies.
#[derive(Debug)]
struct Counting;

impl CryptoProvider for Counting {
    fn verify_raw(&self, scheme: SigningScheme, key: &[u8], data: &[u8], signature: &[u8]) -> Result<()> {
        VERIFIED.set(VERIFIED.get() + 1);
        aws_lc_provider().verify_raw(scheme, key, data, signature)
    }

    fn verify_prehashed(&self, scheme: SigningScheme, key: &[u8], digest: &[u8], signature: &[u8]) -> Result<()> {
        VERIFIED.set(VERIFIED.get() + 1);
        aws_lc_provider().verify_prehashed(scheme, key, digest, signature)
    }

    fn hash(&self, algorithm: HashAlgorithm) -> Result<Box<dyn HashContext>> {
        aws_lc_provider().hash(algorithm)
    }

    fn sha256(&self, data: &[u8]) -> [u8; 32] {
        aws_lc_provider().sha256(data)
    }

    fn sha384(&self, data: &[u8]) -> [u8; 48] {
        aws_lc_provider().sha384(data)
    }

    fn sha512(&self, data: &[u8]) -> [u8; 64] {
        aws_lc_provider().sha512(data)
    }

    fn generate_key_pair(&self, algorithm: KeyAlgorithm) -> Result<Box<dyn SigningKeyPair>> {
        aws_lc_provider().generate_key_pair(algorithm)
    }

    fn key_pair_from_pkcs8_der(&self, pkcs8: &[u8]) -> Result<Box<dyn SigningKeyPair>> {
        aws_lc_provider().key_pair_from_pkcs8_der(pkcs8)
    }
}
