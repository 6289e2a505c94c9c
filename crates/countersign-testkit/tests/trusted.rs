//! Shows that the heart believes what an authority that it trusts vouches for, and nothing that is broken in any way.
//! That the good bundles are good in the eyes of Sigstore's own verifier, too, is in `tests/authority.rs`.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test's own making of bundles")]

use std::collections::BTreeSet;

use countersign::decision::{Answer, Decision};
use countersign::digest::Digest;
use countersign::identity::PublicKey;
use countersign::inquiry::{Found, Inquiry, Question};
use countersign::json::Json;
use countersign::policy::Policy;
use countersign::reason::Reason;
use countersign::statement::{ResourceDescriptor, Statement};
use countersign::time::Time;
use countersign::trust::{Trust, TrustRoot};
use countersign_sign::{KeyType, LocalKey};
use countersign_testkit::authority::faults::{Bench, Fault};
use countersign_testkit::authority::{Authority, Draft, Identity, Material, Validity, Version, Witness, signing_key};

#[test]
fn every_good_bundle_of_an_identity_is_believed() {
    for witness in Witness::ALL.into_iter().filter(|witness| *witness != Witness::Timestamp) {
        let bundle = Authority::new().keyless(&workflow(), &payload(), witness, signed_at()).bytes();
        assert_believed(&bundle, &format!("{witness:?}"));
    }
}

#[test]
fn every_good_bundle_of_a_known_key_is_believed() {
    for witness in Witness::ALL {
        let bundle = Authority::new().managed(&key(), &payload(), witness, signed_at()).bytes();
        assert_believed(&bundle, &format!("{witness:?}"));
    }
}

#[test]
fn an_older_form_counts_where_the_policy_lists_it() {
    let v03 = Authority::new().keyless(&workflow(), &payload(), Witness::RekorV1, signed_at());
    let v02 = v03.clone().version(Version::V02);
    let mut v01 = v03.version(Version::V01);
    v01.entries[0].proof = None;
    let listing = policy().replace("signers:", "bundles: [v0.1, v0.2, v0.3]\nsigners:");
    for draft in [v01, v02] {
        assert_eq!(refusal(&draft.bytes()), Some(Reason::Malformed));
        assert_eq!(decide(&draft.bytes(), &listing, &[root()], asked_at()).decision, Answer::Allow);
    }
}

#[test]
fn no_broken_bundle_of_an_identity_is_believed() {
    assert_refused(&Bench::keyless(&workflow(), &payload(), signed_at()).faults());
}

#[test]
fn no_broken_bundle_of_a_known_key_is_believed() {
    assert_refused(&Bench::managed(&key(), &payload(), signed_at()).faults());
}

#[test]
fn every_fault_is_another() {
    let (workflow, payload) = (workflow(), payload());
    let bench = Bench::keyless(&workflow, &payload, signed_at());
    let faults = bench.faults();
    assert!(faults.iter().all(|fault| fault.bundle == bench.fault(fault.name)));
    let distinct: BTreeSet<_> = faults.iter().map(|fault| &fault.bundle).collect();
    assert_eq!(distinct.len(), faults.len());
}

#[test]
fn who_is_trusted_is_another_with_another_trust_root() {
    let bundle = Authority::new().keyless(&workflow(), &payload(), Witness::RekorV1, signed_at()).bytes();
    let other = Authority::another().trusted_root();
    let naming_other = policy().replace(&sha256(&root()), &sha256(&other));
    assert_eq!(decide_refusal(&bundle, &naming_other, &[root(), other.clone()], asked_at()), Some(Reason::SignerUnknown));
    // A root beside the one that is named spoils nothing.
    assert_eq!(decide(&bundle, &policy(), &[other, root()], asked_at()).decision, Answer::Allow);
}

#[test]
fn nothing_is_believed_that_was_witnessed_after_the_question() {
    let before = Time::from_unix(signed_at().unix_seconds() - 1).unwrap();
    let (workflow, payload) = (workflow(), payload());
    for (witness, reason) in [(Witness::RekorV1, Reason::LogEntryInvalid), (Witness::RekorV2AndTimestamp, Reason::TimestampInvalid)] {
        let bundle = Authority::new().keyless(&workflow, &payload, witness, signed_at()).bytes();
        assert_eq!(decide(&bundle, &policy(), &[root()], signed_at()).decision, Answer::Allow);
        assert_eq!(decide_refusal(&bundle, &policy(), &[root()], before), Some(reason), "{witness:?}");
    }
}

#[test]
fn nobody_vouches_outside_their_own_time() {
    let time = |text: &str| text.parse().unwrap();
    let ended = Validity { from: time("2025-01-01T00:00:00Z"), until: time("2025-12-01T11:59:59Z") };
    let not_begun = Validity { from: time("2025-12-01T12:00:31Z"), until: time("2026-01-01T00:00:00Z") };
    let begins_after_the_question = Validity { from: time("2025-12-20T00:00:00Z"), until: time("2026-01-01T00:00:00Z") };
    for (list, witness, reason) in [
        ("certificateAuthorities", Witness::RekorV1, Reason::CertificateUntrusted),
        ("ctlogs", Witness::RekorV1, Reason::CertificateUntrusted),
        ("tlogs", Witness::RekorV1, Reason::LogEntryInvalid),
        ("tlogs", Witness::RekorV2AndTimestamp, Reason::LogEntryInvalid),
        ("timestampAuthorities", Witness::RekorV2AndTimestamp, Reason::TimestampInvalid),
    ] {
        let bundle = Authority::new().keyless(&workflow(), &payload(), witness, signed_at()).bytes();
        for hold in [ended, not_begun, begins_after_the_question] {
            let root = Authority::new().trusted_root_where(list, hold);
            let policy = policy().replace(&sha256(&self::root()), &sha256(&root));
            assert_eq!(decide_refusal(&bundle, &policy, &[root], asked_at()), Some(reason), "{list} {witness:?} {hold:?}");
        }
    }
}

#[test]
fn a_root_without_logs_asks_for_none() {
    let bundle = Authority::new().keyless(&workflow(), &payload(), Witness::Timestamp, signed_at()).bytes();
    let bare = Authority::new().trusted_root_without(&["tlogs", "ctlogs"]);
    let naming_bare = policy().replace(&sha256(&root()), &sha256(&bare));
    assert_eq!(decide(&bundle, &naming_bare, &[bare], asked_at()).decision, Answer::Allow);
    assert_eq!(refusal(&bundle), Some(Reason::LogEntryInvalid));
}

/// Anybody can have an authority stamp a signature that they found, as often as they like.
#[test]
fn stamping_a_good_signature_again_and_again_blocks_nothing() {
    let good = Authority::new().managed(&key(), &payload(), Witness::Timestamp, signed_at());
    let stamped = |seconds| {
        let token = Authority::new().times.stamp(&good.signature, Time::from_unix(signed_at().unix_seconds() + seconds).unwrap());
        Draft { tokens: vec![token], ..good.clone() }.bytes()
    };
    let mut found: Vec<_> = (0..300).map(stamped).collect();
    let first = decide_of(&found, &policy(), &[root()], asked_at());
    assert_eq!(first.decision, Answer::Allow, "{}", String::from_utf8(first.to_json()).unwrap());
    found.reverse();
    assert_eq!(decide_of(&found, &policy(), &[root()], asked_at()).to_json(), first.to_json(), "whichever comes first");
}

/// A timestamp says that a signature is at least so old, never that it's no older.
#[test]
fn a_fresh_timestamp_makes_no_old_signature_young() {
    let lately = Time::from_unix(asked_at().unix_seconds() - 60).unwrap();
    let aged = within_a_week();
    let old = Authority::new().managed(&key(), &payload(), Witness::Timestamp, signed_at());
    assert_eq!(decide(&old.bytes(), &aged, &[root()], asked_at()).decision, Answer::Deny);
    let restamped = Draft { tokens: vec![Authority::new().times.stamp(&old.signature, lately)], ..old.clone() };
    let decision = decide_of(&[old.bytes(), restamped.bytes()], &aged, &[root()], asked_at());
    assert_eq!(decision.decision, Answer::Deny, "{}", String::from_utf8(decision.to_json()).unwrap());
}

/// A certificate can hold for a year, and be witnessed on its last day.
#[test]
fn what_claims_no_time_is_as_old_as_its_certificate_however_late_the_witness() {
    let (authority, lately) = (Authority::new(), Time::from_unix(asked_at().unix_seconds() - 60).unwrap());
    let days_before = |days: i64| Time::from_unix(asked_at().unix_seconds() - days * 24 * 3600).unwrap();
    let stamped = |from: Time| {
        let validity = Validity { from, until: "2026-12-01T00:00:00Z".parse().unwrap() };
        let certificate = authority.certificates.issue(&workflow(), &signing_key().public_key_der(), validity, &authority.certificate_log);
        let draft = Draft::signed(Material::Certificate(certificate), &signing_key(), &payload());
        authority.witnessed(draft, Witness::RekorV1AndTimestamp, lately).bytes()
    };
    let decided = |from| decide(&stamped(from), &within_a_week(), &[root()], asked_at());
    let (young, old) = (decided(days_before(7)), decided(days_before(8)));
    assert_eq!((young.decision, young.valid_until), (Answer::Allow, Some(asked_at())));
    assert_eq!((old.decision, old.requirements[0].reasons[0].code), (Answer::Deny, Reason::EvidenceTooOld));
    // Of all bundles of one statement the one that is young for longest stands for it, wherever it lies.
    let mut found: Vec<_> = (7..13).map(|days| stamped(days_before(days))).collect();
    for _ in 0..found.len() {
        let decision = decide_of(&found, &within_a_week(), &[root()], asked_at());
        assert_eq!((decision.decision, decision.evidence.len()), (Answer::Allow, 1));
        found.rotate_left(1);
    }
}

#[test]
fn an_untrusted_certificate_is_refused_with_every_root_that_was_asked_and_the_issuer_that_it_names() {
    let (bundle, other) = (
        Authority::elsewhere().keyless(&workflow(), &payload(), Witness::RekorV1AndTimestamp, signed_at()).bytes(),
        Authority::another().trusted_root(),
    );
    let entry = policy().lines().skip_while(|line| !line.contains("id: workflow")).take(4).collect::<Vec<_>>().join("\n");
    let second = entry.replace("id: workflow", "id: second").replace(&sha256(&root()), &sha256(&other));
    let naming_both = policy().replace(&entry, &format!("{entry}\n{second}"));
    let detail = |roots: &[Vec<u8>]| {
        let decision = decide(&bundle, &naming_both, roots, asked_at());
        let reason = &decision.requirements[0].reasons[0];
        assert_eq!(reason.code, Reason::CertificateUntrusted);
        reason.detail.clone()
    };
    let both = detail(&[root(), other.clone()]);
    for part in [sha256(&root()), sha256(&other), "`CN=elsewhere intermediate`".to_owned()] {
        assert!(both.contains(&part), "{part}: {both}");
    }
    assert_eq!(both, detail(&[other, root()]), "in whatever order they are given");
    // None of the roots that were given is one that the policy names.
    let neither = Authority::another().trusted_root_without(&["ctlogs"]);
    let unnamed = detail(std::slice::from_ref(&neither));
    assert!(
        unnamed.contains(&sha256(&neither)) && unnamed.contains("elsewhere") && unnamed.contains("no trust root was given"),
        "{unnamed}"
    );
}

/// An entry's `notAfter` is held by the witness: what was there by then was made by then. Its `notBefore` only keeps out
/// what is shown to be older: an old signature that was first witnessed later looks like a later one.
#[test]
fn when_a_key_was_valid_is_judged_by_its_earliest_witness() {
    let stamped = |seconds| {
        let at = Time::from_unix(signed_at().unix_seconds() + seconds).unwrap();
        Authority::new().managed(&key(), &payload(), Witness::Timestamp, at).bytes()
    };
    let (early, late) = (stamped(0), stamped(3600));
    let valid = |from: &str, until: &str| {
        let entry = "    mayAttest: [{predicate: \"https://example.test/predicate/v1\", ceiling: harness}]\n";
        let policy = policy().replace(entry, &format!("    validity: {{notBefore: {from}, notAfter: {until}}}\n{entry}"));
        assert!(policy.contains("validity"));
        policy
    };
    let until_between = valid("2025-01-01T00:00:00Z", "2025-12-01T12:30:00Z");
    let from_between = valid("2025-12-01T12:30:00Z", "2026-12-01T00:00:00Z");
    for (policy, of_early, of_late) in
        [(&until_between, None, Some(Reason::SignerLacksAuthority)), (&from_between, Some(Reason::SignerLacksAuthority), None)]
    {
        assert_eq!(decide_refusal(&early, policy, &[root()], asked_at()), of_early);
        assert_eq!(decide_refusal(&late, policy, &[root()], asked_at()), of_late);
    }
}

fn assert_believed(bundle: &[u8], what: &str) {
    let decision = decide(bundle, &policy(), &[root()], asked_at());
    let json = String::from_utf8(decision.to_json()).unwrap();
    assert_eq!(decision.decision, Answer::Allow, "{what}: {json}");
    assert_eq!(decision.evidence[0].witnessed_at, [signed_at()], "{what}: {json}");
}

fn assert_refused(faults: &[Fault]) {
    let believed: Vec<_> = faults
        .iter()
        .map(|fault| (fault.name, Some(fault.reason), refusal(&fault.bundle)))
        .filter(|(_, expected, found)| expected != found)
        .collect();
    assert_eq!(believed, [], "faults, each with the reason expected and the one found");
}

fn refusal(bundle: &[u8]) -> Option<Reason> {
    decide_refusal(bundle, &policy(), &[root()], asked_at())
}

/// Why the bundle isn't believed; `None` if it is.
fn decide_refusal(bundle: &[u8], policy: &str, roots: &[Vec<u8>], at: Time) -> Option<Reason> {
    let decision = decide(bundle, policy, roots, at);
    if decision.decision == Answer::Allow {
        return None;
    }
    // A stranger's bundle is counted, not listed.
    Some(decision.evidence.first().map_or(decision.requirements[0].reasons[0].code, |evidence| evidence.refusal.unwrap()))
}

fn decide(bundle: &[u8], policy: &str, roots: &[Vec<u8>], at: Time) -> Decision {
    decide_of(&[bundle.to_vec()], policy, roots, at)
}

fn decide_of(bundles: &[Vec<u8>], policy: &str, roots: &[Vec<u8>], at: Time) -> Decision {
    let policy = Policy::parse(policy.as_bytes()).unwrap();
    let trust = roots.iter().fold(Trust::keys_only(), |trust, root| trust.with(TrustRoot::parse(root).unwrap()));
    let question = Question::new(Digest::sha256(ARTIFACT), "demo.tar", at).unwrap().environment("here");
    let mut inquiry = Inquiry::about(question, &trust, &policy).unwrap();
    while let Some(wanted) = inquiry.next() {
        inquiry.supply(&wanted, Found::These(bundles.to_vec()));
    }
    inquiry.decide()
}

fn policy() -> String {
    let identity = workflow();
    format!(
        r#"version: 1
id: trusted
signers:
  - id: workflow
    kind: automation
    identity: {{issuer: "{}", subject: "{WORKFLOW}", trustRoot: "{}"}}
    mayAttest: [{{predicate: "{PREDICATE}", ceiling: boundary}}]
  - id: known
    kind: automation
    key: {}
    mayAttest: [{{predicate: "{PREDICATE}", ceiling: harness}}]
resources: [{{match: demo.tar, builders: [{{signer: workflow, builderId: "https://example.test/builder", buildTypes: ["https://example.test/build/v1"]}}]}}]
environments: {{here: {{requirements: [said]}}}}
requirements: [{{id: said, kind: evidence, about: artifact, predicate: "{PREDICATE}"}}]
"#,
        identity.issuer,
        sha256(&root()),
        PublicKey::from_der(&key().public_key_der()).unwrap().to_base64(),
    )
}

/// The policy, asking for what is at most a week old.
fn within_a_week() -> String {
    let asked = "predicate: \"https://example.test/predicate/v1\"}]\n";
    let policy = policy();
    assert!(policy.contains(asked));
    policy.replace(asked, "predicate: \"https://example.test/predicate/v1\", maxAge: P7D}]\n")
}

fn root() -> Vec<u8> {
    Authority::new().trusted_root()
}

fn sha256(bytes: &[u8]) -> String {
    Digest::sha256(bytes).to_string()
}

fn key() -> LocalKey {
    LocalKey::dangerous_from_secret(KeyType::P256, &[1; 32]).unwrap()
}

fn workflow() -> Identity {
    Identity::workflow("https://example.test/org/demo", "pipeline/build.yml", "refs/heads/main", "ba5eba5eba5eba5eba5eba5eba5eba5eba5eba5e")
}

fn payload() -> Vec<u8> {
    let subject = ResourceDescriptor::new("demo.tar", Digest::sha256(ARTIFACT));
    Statement::new(vec![subject], PREDICATE, Json::Object(Default::default())).unwrap().to_bytes()
}

fn signed_at() -> Time {
    "2025-12-01T12:00:30Z".parse().unwrap()
}

fn asked_at() -> Time {
    "2025-12-15T00:00:00Z".parse().unwrap()
}

const ARTIFACT: &[u8] = b"the bytes of demo.tar\n";
const PREDICATE: &str = "https://example.test/predicate/v1";
const WORKFLOW: &str = "https://example.test/org/demo/pipeline/build.yml@refs/heads/main";
