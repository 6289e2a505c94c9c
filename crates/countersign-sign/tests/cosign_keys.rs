//! Key files as cosign encrypts them: read, written, and refused.
//! cosign itself is asked by `cargo xtask peers`.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail where its preparation does")]

#[path = "cosign_keys/written_by_cosign.rs"]
mod theirs;

use std::time::{Duration, Instant};

use countersign::json::Json;
use countersign_sign::{KeyError, KeyType, LocalKey, Passphrase};
use pkcs8::der::pem::{LineEnding, decode_vec, encode_string};

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned())
}

fn error_of(result: Result<LocalKey, KeyError>) -> KeyError {
    result.expect_err("the key should be refused")
}

fn key() -> LocalKey {
    LocalKey::dangerous_from_secret(KeyType::P256, &[7; 32]).unwrap()
}

fn json_of(pem: &str) -> String {
    String::from_utf8(decode_vec(pem.as_bytes()).unwrap().1).unwrap()
}

fn pem_of(json: &str) -> String {
    encode_string("ENCRYPTED SIGSTORE PRIVATE KEY", LineEnding::LF, json.as_bytes()).unwrap()
}

/// cosign's P-256 key with a part of its JSON replaced.
fn changed(from: &str, to: &str) -> String {
    let json = json_of(theirs::P256);
    assert_eq!(json.matches(from).count(), 1, "{from}: {json}");
    pem_of(&json.replace(from, to))
}

#[test]
fn reads_keys_that_cosign_wrote() {
    for (private, public, key_type) in
        [(theirs::P256, theirs::P256_PUBLIC, KeyType::P256), (theirs::ED25519, theirs::ED25519_PUBLIC, KeyType::Ed25519)]
    {
        let key = LocalKey::from_pem(private, Some(&passphrase(theirs::PASSPHRASE))).unwrap();
        assert_eq!(key.key_type(), key_type);
        assert_eq!(key.public_key_pem(), public);
    }
}

#[test]
fn reads_the_label_that_cosign_wrote_before() {
    let older = theirs::P256.replace("SIGSTORE", "COSIGN");
    assert_eq!(LocalKey::from_pem(&older, Some(&passphrase(theirs::PASSPHRASE))).unwrap().public_key_pem(), theirs::P256_PUBLIC);
}

#[test]
fn reads_a_key_of_cosigns_whose_passphrase_is_empty() {
    let key = LocalKey::from_pem(theirs::P256_EMPTY_PASSPHRASE, Some(&passphrase(""))).unwrap();
    assert_eq!(key.public_key_pem(), theirs::P256_PUBLIC);
}

#[test]
fn tells_a_needed_passphrase_from_a_wrong_one() {
    assert!(matches!(error_of(LocalKey::from_pem(theirs::P256, None)), KeyError::PassphraseNeeded));
    assert!(matches!(error_of(LocalKey::from_pem(theirs::P256, Some(&passphrase("wrong")))), KeyError::WrongPassphrase));
}

#[test]
fn names_the_algorithm_of_a_key_that_is_not_ours() {
    for (pem, name) in [(theirs::P384, "P-384 (1.3.132.0.34)"), (theirs::RSA, "RSA (1.2.840.113549.1.1.1)")] {
        let error = error_of(LocalKey::from_pem(pem, Some(&passphrase(theirs::PASSPHRASE))));
        assert_eq!(error.code(), "key-unsupported");
        assert!(error.to_string().starts_with(&format!("unsupported algorithm {name}: keys are P-256 or Ed25519, ")), "{error}");
    }
}

#[test]
fn reads_back_what_it_writes() {
    let key = key();
    let pem = key.to_cosign_pem(&passphrase("pässphrase 1")).unwrap();
    let read = LocalKey::from_pem(&pem, Some(&passphrase("pässphrase 1"))).unwrap();
    assert_eq!(read.sign(b"m").unwrap(), key.sign(b"m").unwrap());
    assert!(matches!(error_of(LocalKey::from_pem(&pem, Some(&passphrase("pässphrase 2")))), KeyError::WrongPassphrase));
}

#[test]
fn writes_the_form_of_cosign_and_never_twice_alike() {
    let [one, other] = [(); 2].map(|()| key().to_cosign_pem(&passphrase("p")).unwrap());
    assert!(one.starts_with("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n"));
    let [mut ours, other, mut theirs] = [&one, &other, theirs::P256].map(|pem| Json::parse(json_of(pem).as_bytes()).unwrap());
    for random in ["/kdf/salt", "/cipher/nonce", "/ciphertext"] {
        let [ours, other, theirs] = [&ours, &other, &theirs].map(|json| json.pointer(random).and_then(Json::as_str).unwrap().to_owned());
        assert_ne!(ours, other);
        assert_eq!(ours.len(), theirs.len(), "{random}");
    }
    // But for what is random, it's cosign's own: the same names, and parameters that cosign takes.
    for json in [&mut ours, &mut theirs] {
        for (object, random) in [("kdf", "salt"), ("cipher", "nonce")] {
            let Json::Object(members) = json else { panic!("no object") };
            members.remove("ciphertext");
            let Some(Json::Object(members)) = members.get_mut(object) else { panic!("no {object}") };
            members.remove(random).unwrap();
        }
    }
    assert_eq!(ours, theirs);
}

#[test]
fn writes_no_key_that_nothing_protects_or_that_cosign_could_not_use() {
    assert!(matches!(key().to_cosign_pem(&passphrase("")).unwrap_err(), KeyError::EmptyPassphrase));
    let ed25519 = LocalKey::dangerous_from_secret(KeyType::Ed25519, &[7; 32]).unwrap();
    assert!(matches!(ed25519.to_cosign_pem(&passphrase("p")).unwrap_err(), KeyError::NotForCosign));
}

#[test]
fn refuses_hostile_work_at_once_and_before_a_passphrase_is_needed() {
    let start = Instant::now();
    let params = |n: &str, r: &str, p: &str| format!("\"N\":{n},\"r\":{r},\"p\":{p}");
    for (n, r, p, code) in [
        ("4194304", "8", "1", "key-too-costly"),
        ("9007199254740992", "8", "1", "key-too-costly"),
        ("65536", "65536", "1", "key-too-costly"),
        ("65536", "8", "4294967295", "key-too-costly"),
        ("65536", "4294967296", "1", "key-too-costly"),
        ("2", "1", "4294967295", "key-too-costly"),
        ("0", "8", "1", "key-malformed"),
        ("-65536", "8", "1", "key-malformed"),
        ("65537", "8", "1", "key-malformed"),
        ("1.5", "8", "1", "key-malformed"),
        ("\"65536\"", "8", "1", "key-malformed"),
        ("65536", "0", "1", "key-malformed"),
        ("65536", "8", "0", "key-malformed"),
    ] {
        let pem = changed(&params("65536", "8", "1"), &params(n, r, p));
        assert_eq!(error_of(LocalKey::from_pem(&pem, None)).code(), code, "{n} {r} {p}");
        assert_eq!(error_of(LocalKey::from_pem(&pem, Some(&passphrase(theirs::PASSPHRASE)))).code(), code, "{n} {r} {p}");
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[test]
fn refuses_other_ciphers_by_name() {
    for (from, name) in [("\"scrypt\"", "argon2id"), ("\"nacl/secretbox\"", "aes-256-gcm")] {
        match error_of(LocalKey::from_pem(&changed(from, &format!("\"{name}\"")), None)) {
            KeyError::UnknownEncryption { name: told } => assert_eq!(told, name),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn refuses_damaged_keys() {
    let json = json_of(theirs::P256);
    for length in 0..json.len() {
        let pem = pem_of(json.get(..length).unwrap());
        assert_eq!(error_of(LocalKey::from_pem(&pem, Some(&passphrase(theirs::PASSPHRASE)))).code(), "key-malformed", "{length}");
    }
    for (from, to) in [
        // Two of one name, of which two readers could take two.
        ("\"name\":\"scrypt\"", "\"name\":\"scrypt\",\"name\":\"scrypt\""),
        ("\"nonce\":\"", "\"nonce\":\"AAAA"),
        ("\"salt\":\"", "\"salt\":\"*"),
        ("\"ciphertext\":\"", "\"ciphertext\":\"AAAA\",\"was\":\""),
        ("\"ciphertext\":\"", "\"ciphertext\":[],\"was\":\""),
    ] {
        let pem = changed(from, to);
        assert_eq!(error_of(LocalKey::from_pem(&pem, Some(&passphrase(theirs::PASSPHRASE)))).code(), "key-malformed", "{to}");
    }
    // What the authenticator covers looks like a wrong passphrase.
    let pem = changed("\"ciphertext\":\"", "\"ciphertext\":\"AAAA");
    assert!(matches!(error_of(LocalKey::from_pem(&pem, Some(&passphrase(theirs::PASSPHRASE)))), KeyError::WrongPassphrase));
}
