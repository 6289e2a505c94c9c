//! How local keys sign, and how they are read from and written as PEM.
//! Their files are tested in `key_files.rs`.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::string_slice, reason = "a test may fail where its preparation does")]

mod openssl_keys;

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use countersign_sign::{KeyError, KeyType, LocalKey, Passphrase};
use openssl_keys as theirs;
use pkcs8::der::pem::{LineEnding, decode_vec};
use pkcs8::der::{Decode as _, Encode as _};
use pkcs8::pkcs5::pbes2::{EncryptionScheme, Kdf, Parameters, Pbkdf2Params, Pbkdf2Prf, Salt, ScryptParams};
use pkcs8::{EncryptedPrivateKeyInfoOwned, PrivateKeyInfoRef, SecretDocument};
use sigstore_crypto::{SigningScheme, VerificationKey};
use sigstore_types::{DerPublicKey, SignatureBytes};

/// RFC 6979 A.2.5.
const P256_SECRET: &str = "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721";
const P256_SAMPLE_R: &str = "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716";
const P256_SAMPLE_S: &str = "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8";
/// RFC 8032 §7.1, tests 1 and 2.
const ED25519_SECRET: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
const ED25519_PUBLIC: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
const ED25519_EMPTY: &str =
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";

const BOTH: [KeyType; 2] = [KeyType::P256, KeyType::Ed25519];

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn published(key_type: KeyType) -> LocalKey {
    let secret = if key_type == KeyType::P256 { P256_SECRET } else { ED25519_SECRET };
    LocalKey::dangerous_from_secret(key_type, &hex(secret).try_into().unwrap()).unwrap()
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned())
}

fn error_of(result: Result<LocalKey, KeyError>) -> KeyError {
    result.expect_err("the key should be refused")
}

fn verifies(key: &LocalKey, message: &[u8], signature: &[u8]) -> bool {
    let scheme = match key.key_type() {
        KeyType::P256 => SigningScheme::EcdsaP256Sha256,
        _ => SigningScheme::Ed25519,
    };
    let public = DerPublicKey::new(key.public_key_der());
    VerificationKey::from_spki_with_scheme(&public, scheme).unwrap().verify(message, &SignatureBytes::new(signature.to_vec())).is_ok()
}

#[test]
fn signs_p256_as_rfc_6979_says() {
    let key = published(KeyType::P256);
    let signature = key.sign(b"sample").unwrap();
    // Both numbers have their highest bit set, so each is 33 bytes in DER.
    let expected = [hex("3046022100"), hex(P256_SAMPLE_R), hex("022100"), hex(P256_SAMPLE_S)].concat();
    assert_eq!(signature, expected);
    assert_eq!(key.sign(b"sample").unwrap(), expected);
    assert!(verifies(&key, b"sample", &signature));
    assert!(!verifies(&key, b"sampl", &signature));
}

#[test]
fn signs_ed25519_as_rfc_8032_says() {
    let key = published(KeyType::Ed25519);
    assert!(key.public_key_der().ends_with(&hex(ED25519_PUBLIC)));
    assert_eq!(key.sign(b"").unwrap(), hex(ED25519_EMPTY));
    let signature = key.sign(b"a message").unwrap();
    assert!(verifies(&key, b"a message", &signature));
    assert!(!verifies(&key, b"another message", &signature));
}

#[test]
fn generates_keys_that_differ_and_verify() {
    for key_type in BOTH {
        let (one, other) = (LocalKey::generate(key_type).unwrap(), LocalKey::generate(key_type).unwrap());
        assert_eq!(one.key_type(), key_type);
        assert_ne!(one.public_key_der(), other.public_key_der());
        let signature = one.sign(b"m").unwrap();
        assert!(verifies(&one, b"m", &signature));
        assert!(!verifies(&other, b"m", &signature));
    }
}

#[test]
fn refuses_secrets_that_are_no_scalar_of_p256() {
    for secret in [[0; 32], [0xff; 32]] {
        assert!(matches!(error_of(LocalKey::dangerous_from_secret(KeyType::P256, &secret)), KeyError::SecretOutOfRange));
    }
}

#[test]
fn names_its_types() {
    for key_type in BOTH {
        assert_eq!(key_type.to_string().parse::<KeyType>().unwrap(), key_type);
    }
    assert_eq!("rsa".parse::<KeyType>().unwrap_err().to_string(), "unknown key type `rsa`: expected `p256` or `ed25519`");
}

#[test]
fn reads_back_what_it_writes() {
    for key_type in BOTH {
        let key = LocalKey::generate(key_type).unwrap();
        let plain = key.to_pem(None).unwrap();
        assert!(plain.starts_with("-----BEGIN PRIVATE KEY-----\n"));
        assert_eq!(LocalKey::from_pem(&plain, None).unwrap().public_key_der(), key.public_key_der());

        let encrypted = key.to_pem(Some(&passphrase("pässphrase 1"))).unwrap();
        assert!(encrypted.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
        let read = LocalKey::from_pem(&encrypted, Some(&passphrase("pässphrase 1"))).unwrap();
        assert_eq!(read.sign(b"m").unwrap(), key.sign(b"m").unwrap());
        assert_eq!(read.key_type(), key_type);
    }
}

#[test]
fn encrypts_with_scrypt_no_weaker_than_the_default_and_never_twice_alike() {
    let key = published(KeyType::Ed25519);
    let [one, other] = [(); 2].map(|()| parsed(&key.to_pem(Some(&passphrase("p"))).unwrap()));
    let parameters = one.encryption_algorithm.pbes2().unwrap();
    let scrypt = parameters.kdf.scrypt().unwrap();
    assert!(scrypt.cost_parameter >= 1 << 14 && scrypt.block_size >= 8 && scrypt.parallelization >= 1);
    assert!(matches!(parameters.encryption, EncryptionScheme::Aes256Cbc { .. }));
    let other = other.encryption_algorithm.pbes2().unwrap();
    assert_ne!(scrypt.salt, other.kdf.scrypt().unwrap().salt);
    assert_ne!(parameters.encryption, other.encryption);
}

#[test]
fn reads_keys_that_openssl_wrote() {
    for (key_type, plain, encrypted) in [
        (KeyType::P256, theirs::P256, [theirs::P256_PBKDF2, theirs::P256_SCRYPT]),
        (KeyType::Ed25519, theirs::ED25519, [theirs::ED25519_PBKDF2, theirs::ED25519_SCRYPT]),
    ] {
        let expected = published(key_type).public_key_der();
        assert_eq!(LocalKey::from_pem(plain, None).unwrap().public_key_der(), expected);
        for pem in encrypted {
            let read = LocalKey::from_pem(pem, Some(&passphrase(theirs::PASSPHRASE))).unwrap();
            assert_eq!(read.public_key_der(), expected);
        }
    }
}

#[test]
fn tells_a_needed_passphrase_from_a_wrong_one() {
    for pem in [theirs::P256_PBKDF2, theirs::ED25519_SCRYPT] {
        assert!(matches!(error_of(LocalKey::from_pem(pem, None)), KeyError::PassphraseNeeded));
    }
    // Enough wrong ones that some leave valid padding behind, which must not look like another error.
    for attempt in 0..1_000 {
        let wrong = passphrase(&format!("wrong {attempt}"));
        assert!(matches!(error_of(LocalKey::from_pem(theirs::P256_PBKDF2, Some(&wrong))), KeyError::WrongPassphrase));
    }
}

#[test]
fn refuses_an_empty_passphrase_for_writing() {
    let refused = published(KeyType::P256).to_pem(Some(&passphrase(""))).expect_err("nothing would be protected");
    assert!(matches!(refused, KeyError::EmptyPassphrase));
}

#[test]
fn names_the_algorithm_that_is_unsupported() {
    // GCM has no settled form in PBES2, so nobody else could read what we would.
    let mut gcm = parsed(theirs::P256_PBKDF2);
    let kdf = gcm.encryption_algorithm.pbes2().unwrap().kdf.clone();
    gcm.encryption_algorithm = Parameters { kdf, encryption: EncryptionScheme::Aes256Gcm { nonce: [0; 12] } }.into();
    for (pem, expected) in [
        (unparsed(&gcm), "2.16.840.1.101.3.4.1.46"),
        (theirs::P256_PBKDF2_SHA1.to_owned(), "1.2.840.113549.2.7"),
        (theirs::P256_TRIPLE_DES.to_owned(), "1.2.840.113549.3.7"),
        (theirs::P256_PBES1.to_owned(), "1.2.840.113549.1.12.1.3"),
        // secp384r1, where prime256v1 stood.
        (changed_plain("06082a8648ce3d030107", "06052b81040022"), "1.3.132.0.34"),
        // X25519, where Ed25519 stood.
        (pem_of("PRIVATE KEY", &hex(&format!("302e020100300506032b656e04220420{ED25519_SECRET}"))), "1.3.101.110"),
    ] {
        match error_of(LocalKey::from_pem(&pem, Some(&passphrase(theirs::PASSPHRASE)))) {
            KeyError::Unsupported { oid } => assert_eq!(oid, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
}

#[test]
fn says_what_to_do_with_other_formats() {
    for (pem, hint) in [(theirs::P256_SEC1.to_owned(), "openssl pkcs8 -topk8"), (published(KeyType::P256).public_key_pem(), "public half")]
    {
        let error = error_of(LocalKey::from_pem(&pem, None));
        assert!(matches!(error, KeyError::OtherFormat { .. }), "{error:?}");
        assert!(error.to_string().contains(hint), "{error}");
    }
}

#[test]
fn refuses_what_is_no_key() {
    for text in ["", "hello", "-----BEGIN PRIVATE KEY-----", &pem_of("SOMETHING ELSE", b"x")] {
        assert!(matches!(error_of(LocalKey::from_pem(text, None)), KeyError::NotAKey), "{text}");
    }
    let long = format!("{}{}", "x".repeat(64 << 10), theirs::P256);
    assert!(matches!(error_of(LocalKey::from_pem(&long, None)), KeyError::TooLarge { .. }));
}

#[test]
fn refuses_damaged_keys() {
    let der = decode_vec(theirs::P256.as_bytes()).unwrap().1;
    for length in 1..der.len() {
        LocalKey::from_pem(&pem_of("PRIVATE KEY", &der[..length]), None).expect_err("cut short");
    }
    // The public half inside no longer fits the secret.
    let mut other = der.clone();
    other[36] ^= 1;
    assert!(matches!(error_of(LocalKey::from_pem(&pem_of("PRIVATE KEY", &other), None)), KeyError::Malformed));
    // No ciphertext that AES-CBC can have made.
    let mut info = parsed(theirs::P256_PBKDF2);
    info.encrypted_data = pkcs8::der::asn1::OctetString::new(vec![7; 143]).unwrap();
    let refused = error_of(LocalKey::from_pem(&unparsed(&info), Some(&passphrase(theirs::PASSPHRASE))));
    assert!(matches!(refused, KeyError::Malformed));
}

#[test]
fn refuses_hostile_work_at_once_and_before_a_passphrase_is_needed() {
    let salt = Salt::new([1; 16]).unwrap();
    let scrypt = |cost_parameter, block_size, parallelization| {
        Kdf::Scrypt(ScryptParams { salt, cost_parameter, block_size, parallelization, key_length: None })
    };
    let pbkdf2 =
        |iteration_count, key_length| Kdf::Pbkdf2(Pbkdf2Params { salt, iteration_count, key_length, prf: Pbkdf2Prf::HmacWithSha512 });
    let start = Instant::now();
    for (kdf, code) in [
        (scrypt(1 << 22, 8, 1), "key-too-costly"),
        (scrypt(1 << 63, 8, 1), "key-too-costly"),
        (scrypt(1 << 14, u16::MAX, 1), "key-too-costly"),
        (scrypt(1 << 14, 8, u16::MAX), "key-too-costly"),
        (scrypt(2, u16::MAX, u16::MAX), "key-too-costly"),
        (scrypt(0, 8, 1), "key-malformed"),
        (scrypt(1, 8, 1), "key-malformed"),
        (scrypt((1 << 14) + 1, 8, 1), "key-malformed"),
        (scrypt(1 << 14, 0, 1), "key-malformed"),
        (scrypt(1 << 14, 8, 0), "key-malformed"),
        (pbkdf2(10_000_001, None), "key-too-costly"),
        (pbkdf2(u32::MAX, None), "key-too-costly"),
        (pbkdf2(0, None), "key-malformed"),
        (pbkdf2(2_048, Some(u16::MAX)), "key-malformed"),
    ] {
        let mut info = parsed(theirs::P256_PBKDF2);
        info.encryption_algorithm = Parameters { kdf: kdf.clone(), encryption: EncryptionScheme::Aes256Cbc { iv: [0; 16] } }.into();
        let pem = unparsed(&info);
        assert_eq!(error_of(LocalKey::from_pem(&pem, None)).code(), code, "{kdf:?}");
        assert_eq!(error_of(LocalKey::from_pem(&pem, Some(&passphrase("p")))).code(), code, "{kdf:?}");
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[test]
fn shows_no_secret_when_it_is_printed() {
    for key_type in BOTH {
        let shown = format!("{:?}", published(key_type)).to_lowercase();
        assert!(!shown.contains("9d61") && !shown.contains("c9af") && !shown.contains("157, 97"), "{shown}");
    }
    assert_eq!(format!("{:?}", passphrase("swordfish")), "Passphrase(..)");
}

#[test]
fn openssl_reads_our_keys_and_we_read_its_own() {
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("SKIPPED: `openssl` is not on this machine, so interoperability with it was not tested");
        return;
    }
    for key_type in BOTH {
        let key = LocalKey::generate(key_type).unwrap();
        assert_eq!(openssl(&["pkey", "-pubout"], &key.to_pem(None).unwrap()), key.public_key_pem());
        let encrypted = key.to_pem(Some(&passphrase("swordfish"))).unwrap();
        assert_eq!(openssl(&["pkey", "-pubout", "-passin", "pass:swordfish"], &encrypted), key.public_key_pem());
    }
    for algorithm in [&["EC", "-pkeyopt", "ec_paramgen_curve:P-256"][..], &["ED25519"][..]] {
        let made = openssl(&[&["genpkey", "-aes-256-cbc", "-pass", "pass:swordfish", "-algorithm"][..], algorithm].concat(), "");
        let key = LocalKey::from_pem(&made, Some(&passphrase("swordfish"))).unwrap();
        assert_eq!(openssl(&["pkey", "-pubout", "-passin", "pass:swordfish"], &made), key.public_key_pem());
    }
}

fn openssl(arguments: &[&str], input: &str) -> String {
    let mut child = Command::new("openssl").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "openssl {arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn pem_of(label: &str, der: &[u8]) -> String {
    pkcs8::der::pem::encode_string(label, LineEnding::LF, der).unwrap()
}

fn parsed(pem: &str) -> EncryptedPrivateKeyInfoOwned {
    EncryptedPrivateKeyInfoOwned::from_der(&decode_vec(pem.as_bytes()).unwrap().1).unwrap()
}

fn unparsed(info: &EncryptedPrivateKeyInfoOwned) -> String {
    pem_of("ENCRYPTED PRIVATE KEY", &info.to_der().unwrap())
}

/// OpenSSL's plain P-256 key with other parameters in its algorithm.
fn changed_plain(from: &str, to: &str) -> String {
    let document = SecretDocument::from_pem(theirs::P256).unwrap().1;
    let mut info = document.decode_msg::<PrivateKeyInfoRef<'_>>().unwrap();
    let (from, to) = (hex(from), hex(to));
    assert_eq!(info.algorithm.parameters.unwrap().to_der().unwrap(), from);
    info.algorithm.parameters = Some(pkcs8::der::AnyRef::from_der(&to).unwrap());
    pem_of("PRIVATE KEY", &info.to_der().unwrap())
}
