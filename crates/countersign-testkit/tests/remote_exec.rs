//! Keys behind a program of ours, which also does wrong what programs can do wrong: nothing is given out that isn't the key's signature.
//! What holds for every key elsewhere stands in `remote_keys.rs`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at what it doesn't expect")]

mod elsewhere;

use countersign_sign::{Patience, RemoteError, RemoteKey, SignError, SignerFault, check_exec_signer};

use elsewhere::{holds_no_secret, program};

#[test]
fn lets_no_program_sign_that_does_something_else() {
    for (fault, code, words) in [
        ("prints-no-signature", "signer-failed", "base64"),
        ("signs-by-another", "signer-failed", "isn't this key's"),
        ("reads-nothing", "signer-failed", "isn't this key's"),
        ("floods", "signer-failed", "printed more"),
        ("fails", "signer-failed", "exit status: 9"),
    ] {
        let key = RemoteKey::open(&program(&format!("p256 {fault}")), &|_| None, Patience::default()).unwrap();
        let error = key.sign(b"a message").unwrap_err();
        assert!(error.code() == code && error.to_string().contains(words), "{fault}: {error}");
        holds_no_secret(&error);
    }
    for (uri, code, words) in [
        (program("p256 prints-no-key"), "signer-unsupported", "public half"),
        ("exec:false hunter2".to_owned(), "signer-failed", "`exec:false`: the program failed (exit status: 1)"),
        (
            "exec:/nowhere/at/all hunter2".to_owned(),
            "signer-failed",
            "`exec:/nowhere/at/all`: the program isn't started: there is no such program",
        ),
        ("exec:".to_owned(), "signer-invalid", "`exec:PROGRAM ARGUMENT…`"),
        ("exec: ".to_owned(), "signer-invalid", "`exec:PROGRAM ARGUMENT…`"),
    ] {
        let error = RemoteKey::open(&uri, &|_| None, Patience::default()).unwrap_err();
        assert!(error.code() == code && error.to_string().contains(words), "{uri}: {error}");
        holds_no_secret(&error);
    }
}

#[test]
fn the_test_kit_finds_who_does_not_keep_to_the_protocol() {
    let patience = Patience::default();
    for key_type in ["p256", "ed25519"] {
        check_exec_signer(&program(key_type), &patience).unwrap();
    }
    let fault = |fault: &str| check_exec_signer(&program(&format!("p256 {fault}")), &patience).unwrap_err();
    assert!(matches!(fault("takes-any-word"), SignerFault::AnyWord { .. }));
    // A short message is signed rightly, and a long one as far as it was read.
    for kind in ["reads-nothing", "reads-a-bit", "signs-by-another", "prints-no-signature"] {
        assert!(matches!(fault(kind), SignerFault::Sign(SignError::Remote(RemoteError { .. }))), "{kind}");
    }
}
