//! What holds for every key that somebody else keeps, whoever that is.
//! What only one kind of keeper can do wrong stands in the files beside this one.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at what it doesn't expect")]

mod elsewhere;

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use countersign::verify;
use countersign_sign::{Cancellation, LocalKey, Patience, Problem, RemoteKey, attest, check_signer};
use countersign_testkit::instance::Fault;
use countersign_testkit::kms::Kms;

use elsewhere::{azure, google, open, program, statement, variables};

#[test]
fn every_signer_does_what_is_expected_of_one() {
    let aws = Kms::aws();
    let (vault, cloud, azures) = (Kms::transit(), Kms::google(), Kms::azure());
    for (uri, server) in [
        (program("p256"), &vault),
        (program("ed25519"), &vault),
        ("hashivault://p256".to_owned(), &vault),
        ("hashivault://ed25519".to_owned(), &vault),
        // One of Ed25519 signs short messages only.
        ("awskms:///alias/p256".to_owned(), &aws),
        (google("p256"), &cloud),
        (azure(&azures, "p256"), &azures),
    ] {
        let key = open(&uri, server).unwrap();
        assert_eq!(check_signer(&key).unwrap(), *key.public_key(), "{uri}");
        let bundle = attest(&statement(), &key).unwrap();
        verify::with_key(&bundle, key.public_key()).unwrap();
    }
    for key_type in [countersign_sign::KeyType::P256, countersign_sign::KeyType::Ed25519] {
        check_signer(&LocalKey::generate(key_type).unwrap()).unwrap();
    }
}

#[test]
fn ends_when_the_time_is_over_or_somebody_ends_it() {
    let aws = Kms::aws();
    let (vault, cloud, azures) = (Kms::transit(), Kms::google(), Kms::azure());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("process");
    let started = Instant::now();
    let soon = || Patience::within(Duration::from_secs(1));
    let hanging = program(&format!("p256 signs-never:{}", file.display()));
    for (uri, server) in [
        ("hashivault://p256", &vault),
        ("awskms:///alias/p256", &aws),
        (&hanging, &vault),
        (&google("p256"), &cloud),
        (&azure(&azures, "p256"), &azures),
    ] {
        let key = RemoteKey::open(uri, &variables(server), soon()).unwrap();
        server.fail(Fault::Hangs, u32::MAX);
        assert_eq!(key.sign(b"a message").unwrap_err().code(), "signer-unavailable", "{uri}");
        server.fail(Fault::Hangs, 0);

        let cancellation = Cancellation::default();
        let key = RemoteKey::open(uri, &variables(server), Patience::default().or_until(&cancellation)).unwrap();
        server.fail(Fault::Hangs, u32::MAX);
        let error = thread::scope(|scope| {
            let signing = scope.spawn(|| key.sign(b"a message"));
            thread::sleep(Duration::from_millis(100));
            cancellation.cancel();
            signing.join().unwrap().unwrap_err()
        });
        assert!(matches!(error.problem, Problem::Cancelled), "{uri}: {error}");
        // It's over for good.
        assert!(matches!(key.sign(b"a message").unwrap_err().problem, Problem::Cancelled));
        server.fail(Fault::Hangs, 0);
    }
    assert!(matches!(RemoteKey::open(&program("p256 never-answers"), &|_| None, soon()).unwrap_err().problem, Problem::TooLate { .. }));
    assert!(started.elapsed() < Duration::from_secs(30));
    // Nobody is left behind.
    let process = std::fs::read_to_string(file).unwrap();
    let mut alive = Command::new("kill");
    assert!(!alive.args(["-0", &process]).stderr(Stdio::null()).status().unwrap().success());
}

#[test]
fn knows_the_names_of_keys_elsewhere() {
    for uri in ["exec:x", "hashivault://x", "pkcs11:token=x", "awskms:///x", "gcpkms://x", "azurekms://x"] {
        assert!(RemoteKey::is_named_by(uri), "{uri}");
    }
    for uri in ["file:x", "keyless:exec:x", "exec", "x", "", "https://hashivault://x"] {
        assert!(!RemoteKey::is_named_by(uri), "{uri}");
    }
    let error = RemoteKey::open("unknown://x", &|_| None, Patience::default()).unwrap_err();
    assert!(error.code() == "signer-unsupported" && error.to_string().contains("aren't built in"), "{error}");
}
