//! Timestamp tokens (RFC 3161): somebody's word that a signature existed at a time.
//! The certificate of whoever gives the word is issued in `certificate`.

use countersign::time::Time;
use countersign_sign::{KeyType, LocalKey};
use sha2::{Digest as _, Sha256};

use super::certificate::{CertificateAuthority, Key, Purpose, TIMES_SERIAL, Validity, ecdsa_with_sha256, name};
use super::der;

/// A timestamp authority with its own chain of certificates.
#[derive(Clone)]
pub struct TimestampAuthority {
    authority: CertificateAuthority,
    certificate: Vec<u8>,
    key: Key,
}

impl TimestampAuthority {
    pub(crate) fn new(keys: [Key; 3], validity: Validity) -> Self {
        let [root, intermediate, key] = keys;
        let authority = CertificateAuthority::new("times", &root, intermediate, Purpose::Times, validity);
        Self { certificate: authority.issue_for_times(&key, validity), authority, key }
    }

    /// Says that these bytes, which are a signature, existed at that time.
    ///
    /// # Panics
    /// Never: its key is fixed.
    #[must_use]
    pub fn stamp(&self, signature: &[u8], at: Time) -> Vec<u8> {
        self.stamp_with(signature, at, &[])
    }

    /// Says it of what has that SHA-256.
    #[must_use]
    pub fn stamp_hash(&self, hash: &[u8], at: Time) -> Vec<u8> {
        self.token(hash, at, &[])
    }

    /// Says it, with something behind the signature that the signature doesn't cover.
    pub(crate) fn stamp_with(&self, signature: &[u8], at: Time, unsigned: &[u8]) -> Vec<u8> {
        self.token(&Sha256::digest(signature), at, unsigned)
    }

    fn token(&self, hash: &[u8], at: Time, unsigned: &[u8]) -> Vec<u8> {
        let info = info(hash, at);
        let attributes = attributes(&info, at);
        // What is signed is the SET itself; in the token it has a tag of its context's own (RFC 5652 §5.4).
        let signed = self.key.sign(&der::set(&attributes)).expect("a signature");
        let mut content = attributes;
        content.sort();
        let serial = der::integer(&[TIMES_SERIAL]);
        let signer = der::sequence(&[
            der::integer(&[1]),
            der::sequence(&[name(&self.authority.issuer()), serial]),
            sha256(),
            der::context(0, true, &content.concat()),
            ecdsa_with_sha256(),
            der::octets(&signed),
            unsigned.to_vec(),
        ]);
        let data = der::sequence(&[
            der::integer(&[3]),
            der::set(&[sha256()]),
            der::sequence(&[der::oid(TOKEN_INFO), der::context(0, true, &der::octets(&info))]),
            der::context(0, true, &self.certificate),
            der::set(&[signer]),
        ]);
        let token = der::sequence(&[der::oid("1.2.840.113549.1.7.2"), der::context(0, true, &data)]);
        let granted = der::sequence(&[der::integer(&[0])]);
        der::sequence(&[granted, token])
    }

    /// The certificates, whoever signs the tokens first and the root last.
    pub(crate) fn chain(&self) -> [&[u8]; 3] {
        let [intermediate, root] = self.authority.chain();
        [&self.certificate, intermediate, root]
    }
}

/// The three keys that one needs, from the first of three numbers.
pub(crate) fn keys(first: u8) -> [Key; 3] {
    [0, 1, 2].map(|number| LocalKey::dangerous_from_secret(KeyType::P256, &[first + number; 32]).expect("a key").into())
}

/// What the token says (RFC 3161 §2.4.2).
fn info(hash: &[u8], at: Time) -> Vec<u8> {
    der::sequence(&[
        der::integer(&[1]),
        der::oid("1.3.6.1.4.1.57264.2"),
        der::sequence(&[sha256(), der::octets(hash)]),
        // The serial differs from token to token, and is the same each time that a token is made.
        der::integer(&hash[..8]),
        der::tagged(0x18, digits(at).as_bytes()),
    ])
}

/// What is signed: what kind of thing was said, when, and its hash.
fn attributes(info: &[u8], at: Time) -> Vec<Vec<u8>> {
    let attribute = |id: &str, value: Vec<u8>| der::sequence(&[der::oid(id), der::set(&[value])]);
    vec![
        attribute("1.2.840.113549.1.9.3", der::oid(TOKEN_INFO)),
        attribute("1.2.840.113549.1.9.5", der::tagged(0x17, &digits(at).as_bytes()[2..])),
        attribute("1.2.840.113549.1.9.4", der::octets(&Sha256::digest(info))),
    ]
}

fn sha256() -> Vec<u8> {
    der::sequence(&[der::oid("2.16.840.1.101.3.4.2.1")])
}

fn digits(at: Time) -> String {
    format!("{}Z", at.to_string().chars().filter(char::is_ascii_digit).take(14).collect::<String>())
}

const TOKEN_INFO: &str = "1.2.840.113549.1.9.16.1.4";
