//! Keys of a server on loopback that speaks the protocol of Google's Cloud KMS and really signs: versions, algorithms, checksums, every
//! way to be let in, and whatever can go wrong. Nobody here has asked Google's own service.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at what it doesn't expect")]

mod elsewhere;

use std::path::Path;
use std::thread;
use std::time::Duration;

use countersign::identity::KeyType;
use countersign::verify;
use countersign_sign::{Cancellation, Patience, Problem, RemoteError, RemoteKey, Signer as _, attest};
use countersign_testkit::instance::Fault;
use countersign_testkit::kms::{Credential, Kms, WORKLOADS_TOKEN};

use elsewhere::{google, holds_no_secret, open, statement, variables};

#[test]
fn signs_by_the_algorithm_that_the_key_has() {
    let server = Kms::google();
    let (message, long) = (b"a message".as_slice(), vec![b'x'; 60_000]);
    for (key, key_type) in
        [("p256", KeyType::P256), ("p384", KeyType::P384), ("ed25519", KeyType::Ed25519), ("rsa", KeyType::Rsa), ("pss", KeyType::Rsa)]
    {
        let signer = open(&google(key), &server).unwrap();
        assert_eq!(signer.public_key().key_type(), key_type, "{key}");
        for message in [message, &long, b""] {
            verify::signature(signer.public_key(), message, &signer.sign(message).unwrap()).unwrap();
        }
    }
    for (key, code, words) in [
        ("secp256k1", "signer-unsupported", "an algorithm that isn't used here"),
        ("mislabelled", "signer-failed", "its algorithm isn't the public half's"),
        ("none", "signer-refused", "no such key, or no such version"),
        ("nobody", "signer-refused", "no such key"),
    ] {
        let error = open(&google(key), &server).unwrap_err();
        assert!(error.code() == code && error.to_string().contains(words), "{key}: {error}");
    }
}

#[test]
fn signs_with_the_version_that_was_found_and_keeps_the_old_ones_verifiable() {
    let server = Kms::google();
    let uri = google("p256");
    let old = open(&uri, &server).unwrap();
    let before = attest(&statement(), &old).unwrap();
    for _ in 1..10 {
        server.rotate();
    }
    let meanwhile = attest(&statement(), &old).unwrap();
    // The tenth, though by name it's before the ninth.
    let new = open(&uri, &server).unwrap();
    assert_eq!(new.public_key(), open(&format!("{uri}/cryptoKeyVersions/10"), &server).unwrap().public_key());
    assert_ne!(new.public_key(), open(&format!("{uri}/cryptoKeyVersions/9"), &server).unwrap().public_key());
    let first = open(&format!("{uri}/versions/1"), &server).unwrap();
    assert_eq!(first.public_key(), old.public_key());
    for bundle in [before, meanwhile, attest(&statement(), &first).unwrap()] {
        verify::with_key(&bundle, old.public_key()).unwrap();
        verify::with_key(&bundle, new.public_key()).unwrap_err();
    }
    assert!(matches!(open(&format!("{uri}/versions/99"), &server).unwrap_err().problem, Problem::Missing));
}

#[test]
fn is_let_in_by_each_kind_of_credential() {
    let server = Kms::google();
    let folder = tempfile::tempdir().unwrap();
    let subject = folder.path().join("subject-token");
    std::fs::write(&subject, WORKLOADS_TOKEN).unwrap();
    for kind in [Credential::ServiceAccount, Credential::Person, Credential::Workload(&subject)] {
        let file = folder.path().join("credential.json");
        std::fs::write(&file, server.credential(&kind)).unwrap();
        let key = by_file(&server, &file, Patience::default()).unwrap();
        key.sign(b"a message").unwrap();
        assert_eq!(key.credential_variables(), ["GOOGLE_APPLICATION_CREDENTIALS"]);
        // Where gcloud leaves it, nobody has to name it.
        let home = tempfile::tempdir().unwrap();
        let known = home.path().join(".config/gcloud");
        std::fs::create_dir_all(&known).unwrap();
        std::fs::copy(&file, known.join("application_default_credentials.json")).unwrap();
        let elsewhere = |name: &str| match name {
            "HOME" => Some(home.path().display().to_string()),
            "GCE_METADATA_HOST" => None,
            name => variables(&server)(name),
        };
        RemoteKey::open(&google("p256"), &elsewhere, Patience::default()).unwrap();
    }
    // Without any, the machine's own is asked for.
    open(&google("p256"), &server).unwrap().sign(b"a message").unwrap();
}

#[test]
fn is_not_let_in_by_another_credential() {
    let server = Kms::google();
    let folder = tempfile::tempdir().unwrap();
    let (subject, file) = (folder.path().join("subject-token"), folder.path().join("credential.json"));
    std::fs::write(&subject, "somebody-else-hunter2").unwrap();
    let refused = |text: &str, code: &str, words: &str| {
        std::fs::write(&file, text).unwrap();
        let error = by_file(&server, &file, Patience::default()).unwrap_err();
        assert!(error.code() == code && error.to_string().contains(words), "{text}: {error}");
        holds_no_secret(&error);
    };
    refused(&server.credential(&Credential::UnknownServiceAccount), "signer-refused", "refused with status 401");
    refused(&server.credential(&Credential::Workload(&subject)), "signer-refused", "no token is given for the credential of");
    let person = server.credential(&Credential::Person);
    refused(&person.replace("refresh-hunter2", "another-hunter2"), "signer-refused", "no token is given");
    refused(&person.replace("\"quota_project_id\":\"p\"", "\"quota_project_id\":\"q\""), "signer-refused", "status 401");
    // Neither is sent what would let somebody else in.
    let before = server.asked();
    for (known, other) in
        [("http://127.0.0.1", "http://tokens.example.test"), ("\"type\"", "\"universe_domain\":\"example.test\",\"type\"")]
    {
        refused(&person.replace(known, other), "signer-unconfigured", "neither `https` nor loopback, or another universe");
    }
    for text in ["", "hunter2", "{}", "{\"type\":\"hunter2\"}", "{\"type\":\"service_account\",\"private_key\":\"hunter2\"}"] {
        refused(text, "signer-unconfigured", "holds no credential");
    }
    let account = server.credential(&Credential::ServiceAccount);
    refused(&account.replace("BEGIN PRIVATE KEY", "BEGIN hunter2"), "signer-refused", "no token is given");
    assert_eq!(server.asked(), before);
    std::fs::remove_file(&file).unwrap();
    assert_eq!(by_file(&server, &file, Patience::default()).unwrap_err().code(), "signer-unconfigured");
}

#[test]
fn uses_a_token_until_it_is_refused_and_then_another_once() {
    let server = Kms::google();
    let key = open(&google("p256"), &server).unwrap();
    // The token, the versions, the public half; then one question a signature.
    assert_eq!(server.asked(), 3);
    key.sign(b"a message").unwrap();
    assert_eq!(server.asked(), 4);
    server.expire_tokens();
    key.sign(b"a message").unwrap();
    assert_eq!(server.asked(), 7);
    server.fail(Fault::Status(401), u32::MAX);
    assert!(matches!(key.sign(b"a message").unwrap_err().problem, Problem::Refused { status: 401 }));
    assert_eq!(server.asked(), 10);
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
        (Fault::Unconfirmed, "signer-failed"),
    ];
    thread::scope(|scope| {
        for (fault, code) in faults {
            scope.spawn(move || {
                let server = Kms::google();
                let patience = || Patience::within(Duration::from_secs(4));
                let key = RemoteKey::open(&google("ed25519"), &variables(&server), patience()).unwrap();
                server.fail(fault, u32::MAX);
                let error = key.sign(b"a message").unwrap_err();
                assert_eq!(error.code(), code, "{fault:?}: {error}");
                holds_no_secret(&error);
                let words = match fault {
                    Fault::Unproved => "another version",
                    Fault::Corrupted => "damaged on its way",
                    Fault::Unconfirmed => "arrived unharmed",
                    Fault::OfAnother | Fault::ByAnother => "isn't this key's",
                    _ => "",
                };
                assert!(error.to_string().contains(words), "{fault:?}: {error}");
                assert!(attest(&statement(), &key).is_err(), "{fault:?}");
                if !matches!(fault, Fault::OfAnother | Fault::ByAnother | Fault::Unconfirmed) {
                    let uri = google("p256/versions/1");
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
        (Fault::Hangs, "signer-unavailable"),
        (Fault::Nonsense, "signer-refused"),
    ];
    thread::scope(|scope| {
        for (fault, code) in faults {
            scope.spawn(move || {
                let server = Kms::google();
                let folder = tempfile::tempdir().unwrap();
                let file = folder.path().join("credential.json");
                std::fs::write(&file, server.credential(&Credential::Person)).unwrap();
                let patience = || Patience::within(Duration::from_secs(3));
                for file in [None, Some(&file)] {
                    let open = || match file {
                        Some(file) => by_file(&server, file, patience()),
                        None => RemoteKey::open(&google("p256"), &variables(&server), patience()),
                    };
                    server.fail_tokens(fault, u32::MAX);
                    let error = open().unwrap_err();
                    assert_eq!(error.code(), code, "{fault:?}: {error}");
                    holds_no_secret(&error);
                    // What can change by itself is asked for again.
                    server.fail_tokens(fault, 2);
                    assert_eq!(open().is_ok(), matches!(fault, Fault::Status(429 | 503)), "{fault:?}");
                    server.fail_tokens(fault, 0);
                    open().unwrap();
                }
            });
        }
    });
}

#[test]
fn waits_for_no_token_once_somebody_ends_it() {
    let server = Kms::google();
    server.fail_tokens(Fault::Hangs, u32::MAX);
    let cancellation = Cancellation::default();
    let error = thread::scope(|scope| {
        let patience = Patience::default().or_until(&cancellation);
        let server = &server;
        let opening = scope.spawn(move || RemoteKey::open(&google("p256"), &variables(server), patience));
        thread::sleep(Duration::from_millis(100));
        cancellation.cancel();
        opening.join().unwrap().unwrap_err()
    });
    assert!(matches!(error.problem, Problem::Cancelled), "{error}");
}

#[test]
fn asks_again_where_that_can_help_and_only_there() {
    let server = Kms::google();
    let key = open(&google("p256"), &server).unwrap();
    for (fault, times) in [(Fault::Status(503), 2), (Fault::Status(429), 1), (Fault::CutOff, 1), (Fault::Status(403), 0)] {
        let before = server.asked();
        server.fail(fault, times.max(1));
        assert_eq!(key.sign(b"a message").is_ok(), times > 0, "{fault:?}");
        assert_eq!(server.asked() - before, times + 1, "{fault:?}");
    }
}

#[test]
fn sends_a_token_to_nobody_but_google_or_this_machine() {
    let server = Kms::google();
    for service in [
        "http://cloudkms.googleapis.com",
        "https://cloudkms.example.test",
        "https://evilgoogleapis.com",
        "https://googleapis.com.example.test",
        "cloudkms.googleapis.com",
    ] {
        let variable = |name: &str| match name {
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS" => Some(service.to_owned()),
            name => variables(&server)(name),
        };
        let error = RemoteKey::open(&google("p256"), &variable, Patience::default()).unwrap_err();
        assert!(error.code() == "signer-unconfigured" && error.to_string().contains("since a token is sent there"), "{service}: {error}");
    }
    assert_eq!(server.asked(), 0);
}

#[test]
fn knows_the_names_that_cosign_knows() {
    let server = Kms::google();
    for name in [
        "",
        "//",
        "//p256",
        "//projects/p/locations/l/keyRings/r/cryptoKeys/",
        "//projects/p/locations/l/keyRings/r/cryptoKeys/p256/",
        "//projects/p/locations/l/keyRings/r/cryptoKeys/p256/versions",
        "//projects/p/locations/l/keyRings/r/cryptoKeys/p256/versions/",
        "//projects/p/locations/l/keyRings/r/cryptoKeys/p256/versions/0",
        "//projects/p/locations/l/keyRings/r/cryptoKeys/p256/versions/01",
        "//projects/p/locations/l/keyRings/r/cryptoKeys/p256/versions/latest",
        "//projects/p/locations/l/keyRings/r/cryptoKeys/p256/keys/1",
        "//projects/p/locations/l/keyRings/r/cryptoKeys/..",
        "//projects/p/locations/l/keyRings/r/cryptoKeys/p256?x",
        "//projects/p/locations/l/keyRings/r%2f/cryptoKeys/p256",
        "//projects/p/locations/l/keyRings/../cryptoKeys/p256",
    ] {
        let error = open(&format!("gcpkms:{name}"), &server).unwrap_err();
        assert!(error.code() == "signer-invalid" && error.to_string().contains("gcpkms://projects/PROJECT"), "{name}: {error}");
    }
    assert_eq!(server.asked(), 0);
}

/// Opens a key with the credential in a file.
fn by_file(server: &Kms, file: &Path, patience: Patience) -> Result<RemoteKey, RemoteError> {
    let variable = |name: &str| match name {
        "GOOGLE_APPLICATION_CREDENTIALS" => Some(file.display().to_string()),
        "GCE_METADATA_HOST" => None,
        name => variables(server)(name),
    };
    RemoteKey::open(&google("p256"), &variable, patience)
}
