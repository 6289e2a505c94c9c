//! Identities sign with an instance in this process: what comes out verifies, and whatever goes wrong, nothing that doesn't.
//! Other people's servers are asked by `cargo xtask peers`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may stop at what it doesn't expect")]

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use countersign::bundle::{Artifact, Bundle, MessageBundle};
use countersign::digest::{Algorithm, Digest};
use countersign::predicate::{GateResult, TestResult, tree_subject};
use countersign::statement::{ResourceDescriptor, Statement};
use countersign::time::{Span, Time};
use countersign::trust::{Trust, TrustRoot};
use countersign::verify::{self, Signature};
use countersign_sign::{Entries, IdentityToken, Keyless, KeylessError, SigningConfig, TokenSource};
use countersign_testkit::authority::Authority;
use countersign_testkit::instance::Fault::{ByAnother, CutOff, Floods, Hangs, Nonsense, OfAnother, Redirects, Status, Unproved};
use countersign_testkit::instance::Place::{self, FirstLog, SecondLog, Times, Tokens};
use countersign_testkit::instance::{BEARER, Fault, Instance, TOKEN};

const WITNESSES: [&[Place]; 4] = [&[FirstLog], &[FirstLog, Times], &[SecondLog, Times], &[FirstLog, SecondLog, Times]];
const PATIENCE: Duration = Duration::from_secs(3);

#[test]
fn signs_statements_that_verify_with_every_kind_of_witness() {
    for witnesses in WITNESSES {
        let instance = Instance::start();
        let keyless = keyless(&instance, witnesses);
        let session = keyless.begin(now()).unwrap();
        let bundle = session.attest(&statement(1)).unwrap();
        let verified = verify::with_certificate(&bundle, &root(&instance), soon()).unwrap();
        assert_eq!(*verified.value(), statement(1));
        let Signature::Certificate { identity, .. } = verified.signature() else { panic!("{verified:?}") };
        assert_eq!(identity.subject.as_str(), "signer@example.test");
        assert_eq!(session.unverified_subject(), "signer@example.test");
        let logs = witnesses.iter().filter(|place| **place != Times).count();
        assert_eq!(session.entries(), Entries { certificate: true, made: u32::try_from(logs).unwrap(), unheard: 0 });
        assert_eq!(instance.entries(), logs);
    }
}

#[test]
fn signs_artifacts_themselves() {
    for witnesses in WITNESSES {
        let instance = Instance::start();
        let bytes = keyless(&instance, witnesses).begin(now()).unwrap().sign_artifact(b"an artifact").unwrap();
        let bundle = MessageBundle::parse(&bytes).unwrap();
        verify::message_with_certificate(&bundle, Artifact::Bytes(b"an artifact"), &root(&instance), soon()).unwrap();
        verify::message_with_certificate(&bundle, Artifact::Bytes(b"another"), &root(&instance), soon()).unwrap_err();
    }
}

#[test]
fn signs_the_statements_of_one_run_under_one_certificate() {
    let instance = Instance::start();
    let statements: Vec<_> = (0..20).map(statement).collect();
    let keyless = keyless(&instance, &[SecondLog, Times]);
    let bundles = keyless.begin(now()).unwrap().attest_all(&statements).unwrap();
    assert_eq!(bundles.iter().map(Bundle::unverified_statement).collect::<Vec<_>>(), statements.iter().collect::<Vec<_>>());
    for bundle in &bundles {
        verify::with_certificate(bundle, &root(&instance), soon()).unwrap();
    }
    assert_eq!([Place::Authority, SecondLog, Times].map(|place| instance.asked(place)), [1, 20, 20]);
}

#[test]
fn keeps_the_bytes_of_a_statement_that_it_did_not_write() {
    let instance = Instance::start();
    let keyless = keyless(&instance, &[SecondLog, Times]);
    let session = keyless.begin(now()).unwrap();
    let payload = [b" ", &statement(1).to_bytes()[..], b"\n"].concat();
    assert_eq!(session.attest_payload(&payload).unwrap().unverified_payload(), payload);
    assert_eq!(session.attest_payload(b"{}").unwrap_err().code(), "service-untrustworthy");
    assert_eq!(instance.asked(SecondLog), 1);
}

#[test]
fn logs_nothing_that_could_not_be_verified_there() {
    let instance = Instance::start();
    let both = keyless(&instance, &[FirstLog, SecondLog, Times]);
    let session = both.begin(now()).unwrap();
    for error in [session.attest(&of_a_tree()).unwrap_err(), session.attest_all(&[statement(1), of_a_tree()]).unwrap_err()] {
        assert_eq!(error.code(), "subject-digest-unsupported");
        assert!(error.to_string().ends_with("; a certificate was issued, which certificate logs publish"), "{error}");
    }
    assert_eq!(instance.entries(), 0);
    let second = keyless(&instance, &[SecondLog, Times]);
    let bundle = second.begin(now()).unwrap().attest(&of_a_tree()).unwrap();
    verify::with_certificate(&bundle, &root(&instance), soon()).unwrap();
}

#[test]
fn signs_with_a_timestamp_alone_where_the_instance_has_no_log() {
    let instance = Instance::start();
    let without = TrustRoot::parse(&Authority::new().trusted_root_without(&["tlogs"])).unwrap();
    let config = SigningConfig::parse(&instance.signing_config(&[Times])).unwrap();
    let keyless = Keyless::new(config.clone(), Trust::keys_only().with(without.clone()), token()).unwrap();
    let bundle = keyless.begin(now()).unwrap().attest(&statement(1)).unwrap();
    verify::with_certificate(&bundle, &without, soon()).unwrap();
    // Whoever trusts an instance with a log expects an entry.
    let with = Keyless::new(config, Trust::keys_only().with(root(&instance)), token()).unwrap();
    assert_eq!(with.begin(now()).unwrap().attest(&statement(1)).unwrap_err().code(), "service-untrustworthy");
}

#[test]
fn gives_out_nothing_that_does_not_verify_and_never_a_token() {
    let services = [Place::Authority, FirstLog, SecondLog, Times];
    let faults = [
        (Status(400), "service-refused"),
        (Status(409), "service-refused"),
        (Status(429), "service-refused"),
        (Status(503), "service-refused"),
        (Redirects, "service-refused"),
        (Hangs, "service-unavailable"),
        (CutOff, "service-unavailable"),
        (Floods, "service-unavailable"),
        (Nonsense, "service-untrustworthy"),
        (OfAnother, "service-untrustworthy"),
        (ByAnother, "service-untrustworthy"),
        (Unproved, "service-untrustworthy"),
    ];
    std::thread::scope(|scope| {
        for (place, (fault, code)) in services.into_iter().flat_map(|place| faults.map(|fault| (place, fault))) {
            // A timestamp has nothing beside it.
            if (place, fault) != (Times, Unproved) {
                scope.spawn(move || fails(place, fault, code));
            }
        }
    });
}

fn fails(place: Place, fault: Fault, code: &str) {
    let instance = Instance::start().failing(place, fault, u32::MAX);
    let witnesses: &[Place] = if place == FirstLog { &[FirstLog, Times] } else { &[SecondLog, Times] };
    // Only what hangs is given up; the rest ends by itself, however busy the machine is.
    let patience = if fault == Hangs { PATIENCE } else { Keyless::PATIENCE };
    let keyless = keyless(&instance, witnesses).within(patience);
    let started = Instant::now();
    let error = keyless.begin(now()).and_then(|session| session.attest(&statement(1))).unwrap_err();
    let took = started.elapsed();
    let text = format!("{place:?} {fault:?}: {error} {error:?}");
    // Rekor v1's conflict is an answer only if it says where the entry is.
    assert_eq!(error.code(), code, "{text}");
    assert!(took < patience + Duration::from_secs(10), "{took:?} {text}");
    for secret in TOKEN.split('.').chain(["-----BEGIN", "eyJ"]) {
        assert!(!text.contains(secret), "{text}");
    }
    assert_eq!(instance.asked(Tokens), 0, "{text}");
    // What a log has taken in is told, as far as it's known.
    let told = text.contains("log entries made");
    assert!(told || instance.entries() == 0 || place == Place::Authority, "{text}");
    if place == Place::Authority {
        assert_eq!(instance.asked(SecondLog) == 0, fault != ByAnother && fault != Unproved, "{text}");
    }
}

#[test]
fn asks_again_where_that_can_help() {
    let faults = [Status(429), Status(500), Status(502), Status(503), Status(504), CutOff, Hangs];
    std::thread::scope(|scope| {
        for (place, fault) in
            [Place::Authority, FirstLog, SecondLog, Times].into_iter().flat_map(|place| faults.map(|fault| (place, fault)))
        {
            // What Rekor v2 has taken in before it gives no second time.
            if (place, fault) != (SecondLog, CutOff) {
                scope.spawn(move || recovers(place, fault));
            }
        }
    });
}

fn recovers(place: Place, fault: Fault) {
    let times = if fault == Hangs { 1 } else { 2 };
    let instance = Instance::start().failing(place, fault, times);
    let keyless = keyless(&instance, &[FirstLog, SecondLog, Times]);
    let keyless = if fault == Hangs { keyless.within(Duration::from_secs(32)) } else { keyless };
    let session = keyless.begin(now()).unwrap();
    let bundle = session.attest(&statement(1)).unwrap_or_else(|error| panic!("{place:?} {fault:?}: {error}"));
    verify::with_certificate(&bundle, &root(&instance), soon()).unwrap();
    // An attempt that nobody heard the end of is made good, and told.
    assert_eq!(instance.entries(), 2, "{place:?} {fault:?}");
    let unheard = if matches!(place, FirstLog | SecondLog) && fault != Status(429) { times } else { 0 };
    assert_eq!(session.entries(), Entries { certificate: true, made: 2, unheard }, "{place:?} {fault:?}");
}

#[test]
fn signs_nothing_whose_entry_rekor_v2_does_not_give_again() {
    let instance = Instance::start().failing(SecondLog, CutOff, 1);
    let error = keyless(&instance, &[SecondLog, Times]).begin(now()).unwrap().attest(&statement(1)).unwrap_err();
    assert!(matches!(error, KeylessError::Refused { status: 409, .. }), "{error}");
    assert_eq!(error.entries(), Entries { certificate: true, made: 0, unheard: 1 });
    assert_eq!(instance.entries(), 1);
}

#[test]
fn does_not_ask_again_where_that_cannot_help() {
    for status in [400, 401, 403, 404, 501] {
        let instance = Instance::start().failing(Place::Authority, Status(status), 1);
        let error = keyless(&instance, &[SecondLog, Times]).begin(now()).unwrap_err();
        assert!(matches!(error, KeylessError::Refused { status: told, .. } if told == status), "{error}");
        assert_eq!(instance.asked(Place::Authority), 1);
    }
}

#[test]
fn says_which_service_cannot_be_reached() {
    let instance = Instance::start();
    let config = String::from_utf8(instance.signing_config(&[SecondLog, Times])).unwrap();
    // Nobody listens on a port that was given back just now.
    let closed = format!("http://{}", std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    let config = SigningConfig::parse(config.replacen(&instance.url(), &closed, 1).as_bytes()).unwrap();
    let keyless = Keyless::new(config, Trust::keys_only().with(root(&instance)), token()).unwrap().within(PATIENCE);
    let error = keyless.begin(now()).unwrap_err();
    assert_eq!(error.to_string(), format!("the certificate authority `{closed}/api/v2/signingCert`: no answer: connection refused"));
}

#[test]
fn signs_nothing_that_nobody_vouches_for() {
    let instance = Instance::start();
    let config = SigningConfig::parse(&instance.signing_config(&[SecondLog, Times])).unwrap();
    assert_eq!(Keyless::new(config.clone(), Trust::keys_only(), token()).unwrap_err().code(), "trust-missing");
    let others = TrustRoot::parse(&Authority::another().trusted_root()).unwrap();
    let keyless = Keyless::new(config, Trust::keys_only().with(others), token()).unwrap();
    let error = keyless.begin(now()).unwrap().attest(&statement(1)).unwrap_err();
    assert_eq!(error.code(), "service-untrustworthy");
    assert!(error.to_string().ends_with("; log entries made: 1"), "{error}");
}

#[test]
fn logs_nothing_under_a_certificate_that_nobody_could_verify() {
    let instance = Instance::start();
    let config = SigningConfig::parse(&instance.signing_config(&[SecondLog, Times])).unwrap();
    let elsewhere = Keyless::new(config, Trust::keys_only().with(TrustRoot::public_good().unwrap()), token()).unwrap();
    let here = keyless(&instance, &[SecondLog, Times]);
    // The instance's clock is right, so ours is not.
    let (early, late) = (Time::from_unix(now().unix_seconds() - 3_600).unwrap(), now().plus(Span::seconds(7_200)));
    for (error, words) in [
        (elsewhere.begin(now()).unwrap_err(), "no authority of trust root"),
        (here.begin(early).unwrap_err(), "the certificate holds from"),
        (here.begin(late).unwrap_err(), "the certificate holds from"),
    ] {
        assert_eq!((error.code(), error.entries()), ("service-untrustworthy", Entries { certificate: true, made: 0, unheard: 0 }));
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.to_string().ends_with("; a certificate was issued, which certificate logs publish"), "{error}");
    }
    assert_eq!([Place::Authority, SecondLog, Times].map(|place| instance.asked(place)), [3, 0, 0]);
    // One whose authority's time is over vouches for nothing new.
    let over = String::from_utf8(instance.trusted_root()).unwrap();
    let window = over.find("\"certificateAuthorities\"").unwrap();
    let (before, after) = over.split_at(window);
    let over = format!("{before}{}", after.replacen("\"start\"", "\"end\":\"2025-02-01T00:00:00Z\",\"start\"", 1));
    let over = Trust::keys_only().with(TrustRoot::parse(over.as_bytes()).unwrap());
    let config = SigningConfig::parse(&instance.signing_config(&[SecondLog, Times])).unwrap();
    let error = Keyless::new(config, over, token()).unwrap().begin(now()).unwrap_err();
    assert!(error.to_string().contains("doesn't hold for a certificate of today"), "{error}");
    assert_eq!(instance.asked(SecondLog), 0);
}

#[test]
fn counts_every_attempt_that_may_have_left_an_entry() {
    for (place, fault, unheard) in
        [(SecondLog, Status(503), 5), (FirstLog, Status(504), 5), (FirstLog, Status(409), 1), (FirstLog, Status(400), 0)]
    {
        let instance = Instance::start().failing(place, fault, u32::MAX);
        let keyless = keyless(&instance, &[place, Times]);
        let error = keyless.begin(now()).unwrap().attest(&statement(1)).unwrap_err();
        assert_eq!(error.entries(), Entries { certificate: true, made: 0, unheard }, "{error}");
    }
}

#[test]
fn sends_no_token_that_has_expired() {
    let instance = Instance::start();
    let config = SigningConfig::parse(&instance.signing_config(&[SecondLog, Times])).unwrap();
    // {"exp":1735689600}
    let expired = IdentityToken::parse("eyJhbGciOiJub25lIn0.eyJleHAiOjE3MzU2ODk2MDB9.c2VjcmV0LXNpZ25hdHVyZQ").unwrap();
    let keyless = Keyless::new(config, Trust::keys_only().with(root(&instance)), TokenSource::given(expired)).unwrap();
    for error in [keyless.check(now()).unwrap_err(), keyless.begin(now()).unwrap_err()] {
        assert!(error.to_string().contains("expired at 2025-01-01T00:00:00Z"), "{error}");
    }
    assert_eq!(instance.asked(Place::Authority), 0);
}

#[test]
fn gets_a_token_as_a_job_of_github_actions_does() {
    let instance = Instance::start().failing(Tokens, Status(503), 1);
    let url = format!("{}/token?api-version=2.0", instance.url());
    let variable = |name: &str| match name {
        "ACTIONS_ID_TOKEN_REQUEST_URL" => Some(url.clone()),
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN" => Some(BEARER.to_owned()),
        _ => None,
    };
    let config = || SigningConfig::parse(&instance.signing_config(&[SecondLog, Times])).unwrap();
    let trust = || Trust::keys_only().with(root(&instance));
    let keyless = Keyless::new(config(), trust(), TokenSource::named("", &variable).unwrap()).unwrap();
    keyless.begin(now()).unwrap().attest(&statement(1)).unwrap();
    let stranger = |name: &str| variable(name).map(|value| value.replace(BEARER, "hunter2"));
    let keyless = Keyless::new(config(), trust(), TokenSource::named("", &stranger).unwrap()).unwrap();
    let error = keyless.begin(now()).unwrap_err();
    assert_eq!(error.to_string(), format!("`{}/token` gives no identity token: status 403", instance.url()));
    assert!(!format!("{error:?} {keyless:?}").contains("hunter2"));
}

#[test]
fn gets_a_token_as_a_job_of_gitlab_does() {
    let instance = Instance::start();
    let variable = |name: &str| (name == "SIGSTORE_ID_TOKEN").then(|| TOKEN.to_owned());
    let config = SigningConfig::parse(&instance.signing_config(&[SecondLog, Times])).unwrap();
    let trust = Trust::keys_only().with(root(&instance));
    let keyless = Keyless::new(config, trust, TokenSource::named("", &variable).unwrap()).unwrap();
    keyless.begin(now()).unwrap().attest(&statement(1)).unwrap();
    let nobody = TokenSource::named("", &|_| None);
    assert!(nobody.is_err() || std::path::Path::new("/var/run/sigstore/cosign/oidc-token").exists());
}

fn keyless(instance: &Instance, witnesses: &[Place]) -> Keyless {
    let config = SigningConfig::parse(&instance.signing_config(witnesses)).unwrap();
    Keyless::new(config, Trust::keys_only().with(root(instance)), token()).unwrap()
}

fn token() -> TokenSource {
    TokenSource::given(IdentityToken::parse(TOKEN).unwrap())
}

fn root(instance: &Instance) -> TrustRoot {
    TrustRoot::parse(&instance.trusted_root()).unwrap()
}

fn statement(number: u8) -> Statement {
    let subject = ResourceDescriptor::new("app.tar", Digest::sha256(&[number]));
    TestResult::of_gate(&format!("check-{number}"), GateResult::Passed, None).about(vec![subject]).unwrap()
}

/// A statement about a tree, which has no other digest than git's.
fn of_a_tree() -> Statement {
    let tree = Digest::new(Algorithm::GitTree, "12".repeat(20)).unwrap();
    TestResult::of_gate("unit-tests", GateResult::Passed, None).about(vec![tree_subject(tree)]).unwrap()
}

fn now() -> Time {
    Time::from_unix(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()).unwrap()
}

/// When somebody verifies what was signed just now.
fn soon() -> Time {
    now().plus(Span::seconds(60))
}
