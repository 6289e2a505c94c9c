//! Keys of a server on loopback that speaks Vault's protocol and really signs: versions, credentials, and whatever can go wrong.
//! Vault's own server is asked by `cargo xtask peers`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at what it doesn't expect")]

mod elsewhere;

use std::thread;
use std::time::Duration;

use countersign::identity::KeyType;
use countersign::verify;
use countersign_sign::{Patience, Problem, RemoteKey, attest};
use countersign_testkit::instance::Fault;
use countersign_testkit::kms::{Kms, P384, RSA, TOKEN};

use elsewhere::{holds_no_secret, open, statement, variables};

#[test]
fn signs_by_the_hash_that_belongs_to_the_key() {
    let server = Kms::transit();
    for (uri, recorded, key_type) in [("hashivault://p384", P384, KeyType::P384), ("hashivault://rsa", RSA, KeyType::Rsa)] {
        let key = open(uri, &server).unwrap();
        assert_eq!((key.public_key().to_base64().as_str(), key.public_key().key_type()), (recorded.key.trim(), key_type));
        verify::signature(key.public_key(), &recorded.message(), &key.sign(&recorded.message()).unwrap()).unwrap();
    }
}

#[test]
fn signs_with_the_version_that_was_found_and_keeps_the_old_ones_verifiable() {
    for kind in ["p256", "ed25519"] {
        let server = Kms::transit();
        let uri = format!("hashivault://{kind}");
        let old = open(&uri, &server).unwrap();
        let before = attest(&statement(), &old).unwrap();
        server.rotate();
        // Nobody has to hold still while a key is rotated.
        let meanwhile = attest(&statement(), &old).unwrap();
        let new = open(&uri, &server).unwrap();
        assert_ne!(new.public_key(), old.public_key());
        verify::with_key(&attest(&statement(), &new).unwrap(), new.public_key()).unwrap();
        let first = open(&format!("{uri}?version=1"), &server).unwrap();
        assert_eq!(first.public_key(), old.public_key());
        for bundle in [before, meanwhile, attest(&statement(), &first).unwrap()] {
            verify::with_key(&bundle, old.public_key()).unwrap();
            verify::with_key(&bundle, new.public_key()).unwrap_err();
        }
        assert!(matches!(open(&format!("{uri}?version=99"), &server).unwrap_err().problem, Problem::Missing));
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
        (Fault::Unproved, "signer-failed"),
    ];
    thread::scope(|scope| {
        for (fault, code) in faults {
            scope.spawn(move || {
                let server = Kms::transit();
                let patience = Patience::within(Duration::from_secs(4));
                let key = RemoteKey::open("hashivault://ed25519", &variables(&server), patience).unwrap();
                server.fail(fault, u32::MAX);
                let error = key.sign(b"a message").unwrap_err();
                assert_eq!(error.code(), code, "{fault:?}: {error}");
                holds_no_secret(&error);
                // Which one has signed is seen even where nobody would have to look: by what the answer says.
                assert_eq!(error.to_string().contains("another version"), fault == Fault::Unproved, "{fault:?}: {error}");
                assert!(attest(&statement(), &key).is_err(), "{fault:?}");
                if !matches!(fault, Fault::OfAnother | Fault::ByAnother | Fault::Unproved) {
                    let patience = Patience::within(Duration::from_secs(4));
                    let error = RemoteKey::open("hashivault://p256", &variables(&server), patience).unwrap_err();
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
    let server = Kms::transit();
    let key = open("hashivault://p256", &server).unwrap();
    for (fault, times) in [(Fault::Status(503), 2), (Fault::Status(429), 1), (Fault::CutOff, 1), (Fault::Status(403), 0)] {
        let before = server.asked();
        server.fail(fault, times.max(1));
        assert_eq!(key.sign(b"a message").is_ok(), times > 0, "{fault:?}");
        assert_eq!(server.asked() - before, times + 1, "{fault:?}");
    }
}

#[test]
fn says_what_is_missing_to_ask_a_server() {
    let server = Kms::transit();
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().display().to_string();
    let no_certificate = folder.path().join("none.pem");
    std::fs::write(&no_certificate, "hunter2").unwrap();
    let no_certificate = no_certificate.display().to_string();
    let refused = |uri: &str, set: &[(&str, &str)], code: &str, words: &str| {
        let set_or_known = |name: &str| match set.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => Some((*value).to_owned()),
            None => variables(&server)(name),
        };
        let error = RemoteKey::open(uri, &set_or_known, Patience::default()).unwrap_err();
        assert!(error.code() == code && error.to_string().contains(words), "{uri} {set:?}: {error}");
        holds_no_secret(&error);
    };
    for (set, words) in [
        (&[("VAULT_ADDR", "")][..], "`VAULT_ADDR` isn't set"),
        (&[("VAULT_TOKEN", "")], "`VAULT_TOKEN` isn't set"),
        (&[("VAULT_TOKEN", ""), ("HOME", &home)], ".vault-token` can't be read"),
        (&[("VAULT_ADDR", "http://vault.example.test")], "must be `https"),
        (&[("VAULT_TOKEN", "hunter2\nx: y")], "holds no token"),
        (&[("TRANSIT_SECRET_ENGINE_PATH", "../sys")], "no path of a secrets engine"),
        (&[("VAULT_NAMESPACE", "a\r\nb")], "is no namespace"),
        (&[("VAULT_CACERT", &no_certificate)], "holds no certificate"),
    ] {
        refused("hashivault://p256", set, "signer-unconfigured", words);
    }
    refused("hashivault://p256", &[("VAULT_TOKEN", "hunter2")], "signer-refused", "status 403");
    refused("hashivault://nobody", &[], "signer-refused", "no such key");
    refused("hashivault://aes", &[], "signer-failed", "doesn't sign");
    refused("hashivault://derived", &[], "signer-failed", "derived");
    for name in ["//", ":p256", "p256", "//../../sys/seal", "//p256/", "//p256?version=0", "//p256?version=1x", "//p256?x=1"] {
        refused(&format!("hashivault:{name}"), &[], "signer-invalid", "`hashivault://KEY` or `hashivault://KEY?version=N`");
    }
}

#[test]
fn finds_the_token_in_its_file_and_the_key_in_its_namespace() {
    let server = Kms::transit_in("teams/release");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(".vault-token");
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let (url, home) = (server.url(), folder.path().display().to_string());
    let variable = |name: &str| match name {
        "VAULT_ADDR" => Some(format!("{url}/")),
        "HOME" => Some(home.clone()),
        "VAULT_NAMESPACE" => Some("teams/release".to_owned()),
        "TRANSIT_SECRET_ENGINE_PATH" => Some("teams/signing".to_owned()),
        _ => None,
    };
    let key = RemoteKey::open("hashivault://p256", &variable, Patience::default()).unwrap();
    key.sign(b"a message").unwrap();
    // Whoever renews it writes it anew.
    std::fs::write(&file, "another").unwrap();
    assert_eq!(key.sign(b"a message").unwrap_err().code(), "signer-refused");
    std::fs::write(&file, TOKEN).unwrap();
    key.sign(b"a message").unwrap();
    let elsewhere = |name: &str| if name == "VAULT_NAMESPACE" { Some("teams/other".to_owned()) } else { variable(name) };
    assert_eq!(RemoteKey::open("hashivault://p256", &elsewhere, Patience::default()).unwrap_err().code(), "signer-refused");
}
