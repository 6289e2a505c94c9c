//! Keys of a server on loopback that speaks the protocol of Azure's Key Vault, by TLS, and really signs: versions, algorithms, ways to be
//! let in, and whatever can go wrong. Nobody here has asked Azure's own services.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at what it doesn't expect")]

mod elsewhere;

use std::thread;
use std::time::Duration;

use countersign::identity::KeyType;
use countersign::verify;
use countersign_sign::{Cancellation, Patience, Problem, RemoteError, RemoteKey, Signer as _, attest};
use countersign_testkit::instance::Fault;
use countersign_testkit::kms::{CLIENT_SECRET, FEDERATED_TOKEN, Kms};

use elsewhere::{azure, holds_no_secret, open, statement, variables};

#[test]
fn signs_by_the_algorithm_that_belongs_to_the_key() {
    let server = Kms::azure();
    for (key, key_type) in [("p256", KeyType::P256), ("hsm", KeyType::P256), ("p384", KeyType::P384), ("rsa", KeyType::Rsa)] {
        let signer = open(&azure(&server, key), &server).unwrap();
        assert_eq!(signer.public_key().key_type(), key_type, "{key}");
        // Numbers begin with zeros, too, once in a while.
        for message in 0..40_u8 {
            verify::signature(signer.public_key(), &[message], &signer.sign(&[message]).unwrap()).unwrap();
        }
    }
    for (key, code, words) in [
        ("p256k", "signer-unsupported", "of another algorithm"),
        ("oct", "signer-unsupported", "of another algorithm"),
        ("beside", "signer-unsupported", "its public half can't be used"),
        ("beside384", "signer-unsupported", "its public half can't be used"),
        ("short", "signer-unsupported", "not a public key"),
        ("disabled", "signer-refused", "disabled"),
        ("nobody", "signer-refused", "no such key"),
    ] {
        let error = open(&azure(&server, key), &server).unwrap_err();
        assert!(error.code() == code && error.to_string().contains(words), "{key}: {error}");
    }
}

#[test]
fn signs_with_the_version_that_was_found_and_keeps_the_old_ones_verifiable() {
    let server = Kms::azure();
    let uri = azure(&server, "p256");
    let old = open(&uri, &server).unwrap();
    let before = attest(&statement(), &old).unwrap();
    server.rotate();
    let meanwhile = attest(&statement(), &old).unwrap();
    let new = open(&format!("{uri}/"), &server).unwrap();
    assert_ne!(new.public_key(), old.public_key());
    let first = open(&format!("{uri}/{:032x}", 1), &server).unwrap();
    assert_eq!(first.public_key(), old.public_key());
    for bundle in [before, meanwhile, attest(&statement(), &first).unwrap()] {
        verify::with_key(&bundle, old.public_key()).unwrap();
        verify::with_key(&bundle, new.public_key()).unwrap_err();
    }
    assert!(matches!(open(&format!("{uri}/{:032x}", 99), &server).unwrap_err().problem, Problem::Missing));
}

#[test]
fn is_let_in_by_a_secret_or_by_a_token_of_somebody_elses() {
    let server = Kms::azure();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token").display().to_string();
    let federated = [("AZURE_CLIENT_SECRET", ""), ("AZURE_FEDERATED_TOKEN_FILE", file.as_str())];
    std::fs::write(&file, FEDERATED_TOKEN).unwrap();
    for set in [&[][..], &federated] {
        let key = with(&server, set).unwrap();
        key.sign(b"a message").unwrap();
        assert!(key.credential_variables().contains(&"AZURE_CLIENT_SECRET"));
    }
    std::fs::write(&file, "another.hunter2.token").unwrap();
    for (set, code, words) in [
        (&federated[..], "signer-refused", "no token is given for the credential of `AZURE_FEDERATED_TOKEN_FILE`"),
        (&[("AZURE_CLIENT_SECRET", "another-hunter2")], "signer-refused", "no token is given for the credential of `AZURE_CLIENT_SECRET`"),
        (&[("AZURE_TENANT_ID", "another")], "signer-refused", "no token is given for the credential of `AZURE_CLIENT_SECRET`"),
        (&[("AZURE_TENANT_ID", "")], "signer-unconfigured", "`AZURE_TENANT_ID` isn't set"),
        (&[("AZURE_CLIENT_ID", "")], "signer-unconfigured", "`AZURE_CLIENT_ID` isn't set"),
        (&[("AZURE_TENANT_ID", "../x")], "signer-refused", "no token is given"),
        (&[("AZURE_AUTHORITY_HOST", "http://127.0.0.1:1")], "signer-unconfigured", "must be `https"),
        (&[("AZURE_AUTHORITY_HOST", "login.example.test")], "signer-unconfigured", "must be `https"),
        (&[("SSL_CERT_FILE", "/nowhere")], "signer-unconfigured", "can't be read"),
        (&[("SSL_CERT_FILE", "")], "signer-unavailable", "its certificate isn't trusted"),
    ] {
        let error = with(&server, set).unwrap_err();
        assert!(error.code() == code && error.to_string().contains(words), "{set:?}: {error}");
        holds_no_secret(&error);
    }
}

#[test]
fn uses_a_token_until_it_is_refused_and_then_another_once() {
    let server = Kms::azure();
    let key = open(&azure(&server, "p256"), &server).unwrap();
    assert_eq!(server.asked(), 2);
    key.sign(b"a message").unwrap();
    assert_eq!(server.asked(), 3);
    server.expire_tokens();
    key.sign(b"a message").unwrap();
    assert_eq!(server.asked(), 6);
    server.fail(Fault::Status(401), u32::MAX);
    assert!(matches!(key.sign(b"a message").unwrap_err().problem, Problem::Refused { status: 401 }));
    assert_eq!(server.asked(), 9);
}

#[test]
fn gives_out_nothing_that_is_not_the_keys_signature_and_never_a_credential() {
    let faults = [
        (Fault::Status(400), "signer-refused"),
        (Fault::Status(401), "signer-refused"),
        (Fault::Status(403), "signer-refused"),
        (Fault::Status(404), "signer-refused"),
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
        (Fault::Corrupted, "signer-failed"),
    ];
    thread::scope(|scope| {
        for (fault, code) in faults {
            scope.spawn(move || {
                let server = Kms::azure();
                let patience = || Patience::within(Duration::from_secs(4));
                let uri = format!("{}/{:032x}", azure(&server, "p256"), 1);
                let key = RemoteKey::open(&uri, &variables(&server), patience()).unwrap();
                server.fail(fault, u32::MAX);
                let error = key.sign(b"a message").unwrap_err();
                assert_eq!(error.code(), code, "{fault:?}: {error}");
                holds_no_secret(&error);
                let words = match fault {
                    Fault::Unproved => "another version",
                    Fault::Corrupted => "isn't as long",
                    Fault::OfAnother | Fault::ByAnother => "isn't this key's",
                    _ => "",
                };
                assert!(error.to_string().contains(words), "{fault:?}: {error}");
                assert!(attest(&statement(), &key).is_err(), "{fault:?}");
                if !matches!(fault, Fault::OfAnother | Fault::ByAnother | Fault::Corrupted) {
                    let error = RemoteKey::open(&uri, &variables(&server), patience()).unwrap_err();
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
fn takes_no_token_from_who_fails_to_give_one() {
    let faults = [
        (Fault::Status(400), "signer-refused"),
        (Fault::Status(403), "signer-refused"),
        (Fault::Status(429), "signer-unavailable"),
        (Fault::Status(503), "signer-unavailable"),
        (Fault::Redirects, "signer-refused"),
        (Fault::Hangs, "signer-unavailable"),
        (Fault::CutOff, "signer-unavailable"),
        (Fault::Floods, "signer-unavailable"),
        (Fault::Nonsense, "signer-refused"),
    ];
    thread::scope(|scope| {
        for (fault, code) in faults {
            scope.spawn(move || {
                let server = Kms::azure();
                let open = || RemoteKey::open(&azure(&server, "p256"), &variables(&server), Patience::within(Duration::from_secs(4)));
                server.fail_tokens(fault, u32::MAX);
                let error = open().unwrap_err();
                assert_eq!(error.code(), code, "{fault:?}: {error}");
                holds_no_secret(&error);
                // What can change by itself is asked for again, by our client alone.
                let before = server.asked();
                server.fail_tokens(fault, 2);
                let (is_open, can_change) = (open().is_ok(), matches!(fault, Fault::Status(429 | 503) | Fault::CutOff));
                assert_eq!((is_open, can_change && server.asked() - before == 4), (can_change, can_change), "{fault:?}");
                server.fail_tokens(fault, 0);
                open().unwrap();
            });
        }
    });
}

#[test]
fn waits_for_no_token_once_somebody_ends_it() {
    let server = Kms::azure();
    server.fail_tokens(Fault::Hangs, u32::MAX);
    let cancellation = Cancellation::default();
    let error = thread::scope(|scope| {
        let patience = Patience::default().or_until(&cancellation);
        let server = &server;
        let opening = scope.spawn(move || RemoteKey::open(&azure(server, "p256"), &variables(server), patience));
        thread::sleep(Duration::from_millis(100));
        cancellation.cancel();
        opening.join().unwrap().unwrap_err()
    });
    assert!(matches!(error.problem, Problem::Cancelled), "{error}");
}

#[test]
fn asks_again_where_that_can_help_and_only_there() {
    let server = Kms::azure();
    let key = open(&azure(&server, "p256"), &server).unwrap();
    for (fault, times) in [(Fault::Status(503), 2), (Fault::Status(429), 1), (Fault::CutOff, 1), (Fault::Status(403), 0)] {
        let before = server.asked();
        server.fail(fault, times.max(1));
        assert_eq!(key.sign(b"a message").is_ok(), times > 0, "{fault:?}");
        assert_eq!(server.asked() - before, times + 1, "{fault:?}");
    }
}

#[test]
fn knows_the_names_that_cosign_knows_and_sends_a_token_to_no_other_host() {
    let server = Kms::azure();
    for name in [
        "",
        "//",
        "//a.vault.azure.net",
        "//a.vault.azure.net/",
        "//a.vault.azure.net/k/1/2",
        "//a.vault.azure.net/../k",
        "//a.vault.azure.net/k?x",
        "//a.vault.azure.net/k/UPPER",
        "//a.vault.azure.net/k/..",
        "//a@a.vault.azure.net/k",
        "//vault.azure.net/k",
        "//a.vault.azure.net.example.test/k",
        "//example.test/k",
        "//example.test%2f.vault.azure.net/k",
    ] {
        let error = open(&format!("azurekms:{name}"), &server).unwrap_err();
        assert!(error.code() == "signer-invalid" && error.to_string().contains("azurekms://NAME.vault.azure.net/KEY"), "{name}: {error}");
    }
    assert_eq!(server.asked(), 0);
}

#[test]
fn knows_the_secret_that_is_looked_for() {
    // What `holds_no_secret` looks for stands in all of them.
    assert!([CLIENT_SECRET, FEDERATED_TOKEN].iter().all(|secret| secret.contains("hunter2")));
}

/// Opens a key with some variables set otherwise.
fn with(server: &Kms, set: &[(&str, &str)]) -> Result<RemoteKey, RemoteError> {
    let variable = |name: &str| match set.iter().find(|(known, _)| *known == name) {
        Some((_, value)) => Some((*value).to_owned()),
        None => variables(server)(name),
    };
    RemoteKey::open(&azure(server, "p256"), &variable, Patience::default())
}
