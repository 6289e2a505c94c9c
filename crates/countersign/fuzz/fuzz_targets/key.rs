//! Any bytes as a key: public and private, as DER and as each kind of PEM; and as certificates. Whatever is read is the same key
//! once it's written and read again. No passphrase is given, since deriving a key from one takes longer than all else together.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::identity::PublicKey;
use countersign::trust::{Chain, Member, TrustRoot, Window};
use countersign_sign::{KeyError, LocalKey};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(key) = PublicKey::from_der(bytes) {
        assert_eq!(PublicKey::from_base64(&key.to_base64()), Ok(key));
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        check(text);
    }
    let body = STANDARD.encode(bytes);
    let body: Vec<_> = body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("base64")).collect();
    for label in ["PUBLIC KEY", "PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "ENCRYPTED SIGSTORE PRIVATE KEY", "CERTIFICATE"] {
        check(&format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", body.join("\n")));
    }
});

fn check(pem: &str) {
    if let Ok(key) = PublicKey::from_pem(pem) {
        assert_eq!(PublicKey::from_der(key.der()), Ok(key));
    }
    if let Ok(chain) = Chain::from_pem(pem) {
        let window = Window { from: "2025-01-01T00:00:00Z".parse().expect("a time"), until: None };
        let _ = chain.begins();
        if let Ok(root) = TrustRoot::written(&[Member::CertificateAuthority { address: String::new(), chain, window }]) {
            let root = TrustRoot::parse(&root).expect("what is written can be read");
            assert_eq!(root.authorities().len(), 1);
        }
    }
    match LocalKey::from_pem(pem, None) {
        Ok(key) => {
            let again = LocalKey::from_pem(&key.to_pem(None).expect("PEM"), None).expect("what is written can be read");
            assert_eq!(again.public_key_der(), key.public_key_der());
        }
        Err(error) => assert!(matches!(error, KeyError::PassphraseNeeded) || !error.to_string().is_empty()),
    }
}
