//! Keys of a server on loopback that speaks the protocol of AWS KMS and really signs: aliases, credentials, and whatever can go wrong.
//! moto, which is somebody else's idea of AWS, is asked by `cargo xtask peers`; AWS itself isn't.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at what it doesn't expect")]

mod elsewhere;

use std::thread;
use std::time::{Duration, Instant};

use countersign::identity::KeyType;
use countersign::verify;
use countersign_sign::{Patience, RemoteKey, attest};
use countersign_testkit::instance::Fault;
use countersign_testkit::kms::{Kms, P384, RSA};

use elsewhere::{holds_no_secret, open, statement, variables};

#[test]
fn signs_by_the_algorithm_that_belongs_to_the_key() {
    let server = Kms::aws();
    for (uri, recorded, key_type) in [("awskms:///alias/p384", P384, KeyType::P384), ("awskms:///alias/rsa", RSA, KeyType::Rsa)] {
        let key = open(uri, &server).unwrap();
        assert_eq!((key.public_key().to_base64().as_str(), key.public_key().key_type()), (recorded.key.trim(), key_type));
        verify::signature(key.public_key(), &recorded.message(), &key.sign(&recorded.message()).unwrap()).unwrap();
    }
    let key = open("awskms:///alias/ed25519", &server).unwrap();
    verify::with_key(&attest(&statement(), &key).unwrap(), key.public_key()).unwrap();
    key.sign(&[b'x'; 4_096]).unwrap();
    let before = server.asked();
    let error = key.sign(&[b'x'; 4_097]).unwrap_err();
    assert!(error.code() == "signer-refused" && error.to_string().contains("4,096 bytes"), "{error}");
    assert_eq!(server.asked(), before);
}

#[test]
fn signs_with_the_key_that_the_alias_meant_when_it_was_opened() {
    for kind in ["p256", "ed25519"] {
        let server = Kms::aws();
        let uri = format!("awskms:///alias/{kind}");
        let old = open(&uri, &server).unwrap();
        let before = attest(&statement(), &old).unwrap();
        server.rotate();
        let meanwhile = attest(&statement(), &old).unwrap();
        let new = open(&uri, &server).unwrap();
        assert_ne!(new.public_key(), old.public_key());
        verify::with_key(&attest(&statement(), &new).unwrap(), new.public_key()).unwrap();
        for bundle in [before, meanwhile] {
            verify::with_key(&bundle, old.public_key()).unwrap();
            verify::with_key(&bundle, new.public_key()).unwrap_err();
        }
    }
}

#[test]
fn gives_out_nothing_that_is_not_the_keys_signature_and_never_a_credential() {
    let faults = [
        (Fault::Status(400), "signer-refused"),
        (Fault::Status(403), "signer-refused"),
        (Fault::Status(429), "signer-refused"),
        (Fault::Status(503), "signer-refused"),
        (Fault::Redirects, "signer-refused"),
        (Fault::Hangs, "signer-unavailable"),
        (Fault::CutOff, "signer-unavailable"),
        (Fault::Floods, "signer-unavailable"),
        (Fault::Nonsense, "signer-failed"),
        (Fault::OfAnother, "signer-failed"),
        (Fault::ByAnother, "signer-failed"),
    ];
    thread::scope(|scope| {
        for (fault, code) in faults {
            scope.spawn(move || {
                let server = Kms::aws();
                let patience = || Patience::within(Duration::from_secs(8));
                let key = RemoteKey::open("awskms:///alias/ed25519", &variables(&server), patience()).unwrap();
                server.fail(fault, u32::MAX);
                let started = Instant::now();
                let error = key.sign(b"a message").unwrap_err();
                assert_eq!(error.code(), code, "{fault:?}: {error}");
                assert!(started.elapsed() < Duration::from_secs(20), "{fault:?}");
                holds_no_secret(&error);
                assert!(attest(&statement(), &key).is_err(), "{fault:?}");
                if !matches!(fault, Fault::OfAnother | Fault::ByAnother) {
                    let error = RemoteKey::open("awskms:///alias/p256", &variables(&server), patience()).unwrap_err();
                    assert_eq!(error.code(), code, "{fault:?}: {error}");
                    holds_no_secret(&error);
                }
                server.fail(fault, 0);
                key.sign(b"a message").unwrap();
            });
        }
    });
}

#[test]
fn asks_again_where_that_can_help_and_only_there() {
    let server = Kms::aws();
    let key = open("awskms:///alias/p256", &server).unwrap();
    // AWS itself doesn't say 429 where it's asked too often.
    for (fault, times) in [(Fault::Status(503), 2), (Fault::CutOff, 1), (Fault::Status(429), 0), (Fault::Status(403), 0)] {
        let before = server.asked();
        server.fail(fault, times.max(1));
        assert_eq!(key.sign(b"a message").is_ok(), times > 0, "{fault:?}");
        assert_eq!(server.asked() - before, times + 1, "{fault:?}");
    }
}

#[test]
fn says_why_nothing_is_signed() {
    let server = Kms::aws();
    let refused = |uri: &str, set: &[(&str, &str)], code: &str, words: &str| {
        let set_or_known = |name: &str| match set.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => Some((*value).to_owned()),
            None => variables(&server)(name),
        };
        let error = RemoteKey::open(uri, &set_or_known, Patience::within(Duration::from_secs(8))).unwrap_err();
        assert!(error.code() == code && error.to_string().contains(words), "{uri} {set:?}: {error}");
        holds_no_secret(&error);
    };
    refused("awskms:///alias/nobody", &[], "signer-refused", "no such key");
    refused("awskms:///alias/denied", &[], "signer-refused", "doesn't let these credentials");
    refused("awskms:///alias/disabled", &[], "signer-refused", "is disabled");
    refused("awskms:///alias/aes", &[], "signer-refused", "status 400");
    refused("awskms:///alias/p256", &[("AWS_SESSION_TOKEN", "hunter2")], "signer-refused", "doesn't know these credentials");
    // The ARN's region counts.
    refused("awskms:///arn:aws:kms:eu-west-1:000000000000:alias/p256", &[], "signer-refused", "doesn't know these credentials");
    refused("awskms:///alias/p256", &[("AWS_ENDPOINT_URL", "http://kms.example.test")], "signer-unconfigured", "must be `https");
    // There is no TLS.
    let host = server.url().replace("http://", "");
    refused(&format!("awskms://{host}/alias/p256"), &[], "signer-unavailable", "can't be connected to");
    for name in ["alias/p256", "///p256", "//alias/p256/", "///alias/"] {
        refused(&format!("awskms:{name}"), &[], "signer-invalid", "`awskms://[ENDPOINT]/KEY`");
    }
}
