//! What keys sign is witnessed by an instance in this process: what comes out proves a time, or doesn't come out.
#![allow(clippy::unwrap_used, reason = "a test may stop at what it doesn't expect")]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use countersign::bundle::Bundle;
use countersign::digest::{Algorithm, Digest};
use countersign::identity::PublicKey;
use countersign::predicate::{GateResult, TestResult, tree_subject};
use countersign::statement::{ResourceDescriptor, Statement};
use countersign::time::{Span, Time};
use countersign::trust::{Trust, TrustRoot};
use countersign::verify;
use countersign_sign::{Entries, KeyType, KeylessError, LocalKey, SigningConfig, Witnesses};
use countersign_testkit::authority::Authority;
use countersign_testkit::instance::Fault::{ByAnother, CutOff, Nonsense, OfAnother, Status, Unproved};
use countersign_testkit::instance::Place::{FirstLog, SecondLog, Times};
use countersign_testkit::instance::{Fault, Instance, Place};

#[test]
fn a_key_is_witnessed_by_logs_of_both_generations_and_by_timestamps() {
    for places in [&[FirstLog][..], &[FirstLog, Times], &[SecondLog, Times], &[FirstLog, SecondLog, Times]] {
        let instance = Instance::start();
        let (bundle, entries) = attest(&instance, &root(), places, KeyType::P256, &statement()).unwrap();
        let logs = places.iter().filter(|place| **place != Times).count();
        assert_eq!(entries, Entries { certificate: false, made: u32::try_from(logs).unwrap(), unheard: 0 });
        assert_eq!(instance.entries(), logs);
        let verified = verify::with_logged_key(&bundle, &public(KeyType::P256), &root(), soon()).unwrap();
        assert_eq!(*verified.value(), statement());
        assert!(verified.first_witnessed().is_ok_and(|time| time <= soon()), "{places:?}");
    }
}

#[test]
fn a_timestamp_alone_witnesses_any_key_also_under_a_root_that_has_logs() {
    for key_type in [KeyType::P256, KeyType::Ed25519] {
        let (bundle, entries) = attest(&Instance::start(), &root(), &[Times], key_type, &statement()).unwrap();
        assert_eq!(entries, Entries::default());
        let trust = Trust::keys_only().with(root());
        let verified = verify::with_witnessed_key(&bundle, &public(key_type), &trust, soon()).unwrap();
        assert!(verified.first_witnessed().is_ok());
    }
}

#[test]
fn nothing_is_logged_that_could_not_be_verified_there() {
    for place in [FirstLog, SecondLog] {
        let instance = Instance::start();
        let error = attest(&instance, &root(), &[place, Times], KeyType::Ed25519, &statement()).unwrap_err();
        assert_eq!((error.code(), instance.entries()), ("signer-unsupported", 0));
    }
    let instance = Instance::start();
    let tree = Digest::new(Algorithm::GitTree, "12".repeat(20)).unwrap();
    let of_a_tree = TestResult::of_gate("unit-tests", GateResult::Passed, None).about(vec![tree_subject(tree)]).unwrap();
    let error = attest(&instance, &root(), &[FirstLog], KeyType::P256, &of_a_tree).unwrap_err();
    assert_eq!((error.code(), instance.entries()), ("subject-digest-unsupported", 0));
}

#[test]
fn nothing_is_given_out_that_proves_no_time() {
    let faults = [
        (FirstLog, Status(400), "service-refused"),
        (SecondLog, Status(503), "service-refused"),
        (Times, CutOff, "service-unavailable"),
        (FirstLog, Nonsense, "service-untrustworthy"),
        (FirstLog, OfAnother, "service-untrustworthy"),
        (SecondLog, OfAnother, "service-untrustworthy"),
        (Times, OfAnother, "service-untrustworthy"),
        (FirstLog, ByAnother, "service-untrustworthy"),
        (SecondLog, ByAnother, "service-untrustworthy"),
        (Times, ByAnother, "service-untrustworthy"),
        (FirstLog, Unproved, "service-untrustworthy"),
        (SecondLog, Unproved, "service-untrustworthy"),
    ];
    for (place, fault, code) in faults {
        let instance = Instance::start().failing(place, fault, u32::MAX);
        let places: &[Place] = if place == FirstLog { &[FirstLog] } else { &[SecondLog, Times] };
        let error = attest(&instance, &root(), places, KeyType::P256, &statement()).unwrap_err();
        assert_eq!(error.code(), code, "{place:?} {fault:?}: {error}");
        assert_eq!(error.entries().made as usize, logged(&instance, place, fault), "{place:?} {fault:?}: {error}");
    }
    // Somebody must be believed, and whoever it is must know the instance.
    let elsewhere = TrustRoot::parse(&Authority::elsewhere().trusted_root()).unwrap();
    let error = attest(&Instance::start(), &elsewhere, &[FirstLog], KeyType::P256, &statement()).unwrap_err();
    assert_eq!(error.code(), "service-untrustworthy");
    let config = SigningConfig::parse(&Instance::start().signing_config(&[FirstLog])).unwrap();
    assert_eq!(Witnesses::new(config, Trust::keys_only()).unwrap_err().code(), "trust-missing");
}

/// How many entries the log confirmed that was asked.
fn logged(instance: &Instance, place: Place, fault: Fault) -> usize {
    if place == Times || !matches!(fault, Status(_)) { instance.entries().max(usize::from(fault == Nonsense)) } else { 0 }
}

fn attest(
    instance: &Instance,
    root: &TrustRoot,
    places: &[Place],
    key: KeyType,
    statement: &Statement,
) -> Result<(Bundle, Entries), KeylessError> {
    let config = SigningConfig::parse(&instance.signing_config(places)).unwrap();
    let witnesses = Witnesses::new(config, Trust::keys_only().with(root.clone())).unwrap().within(Duration::from_secs(5));
    witnesses.check(now()).unwrap();
    witnesses.attest(statement, &local(key), now())
}

fn local(key: KeyType) -> LocalKey {
    LocalKey::dangerous_from_secret(key, &[7; 32]).unwrap()
}

fn public(key: KeyType) -> PublicKey {
    PublicKey::from_der(&local(key).public_key_der()).unwrap()
}

fn root() -> TrustRoot {
    TrustRoot::parse(&Authority::new().trusted_root()).unwrap()
}

fn statement() -> Statement {
    let subject = ResourceDescriptor::new("app.tar", Digest::sha256(b"an artifact"));
    TestResult::of_gate("check", GateResult::Passed, None).about(vec![subject]).unwrap()
}

fn now() -> Time {
    Time::from_unix(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()).unwrap()
}

/// When somebody verifies what was signed just now.
fn soon() -> Time {
    now().plus(Span::seconds(60))
}
