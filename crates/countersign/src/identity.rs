//! Who signed: public keys and the hints by which bundles name them, and the identities in certificates.
//! What a signer may attest is the policy's affair.

mod certified;
mod claimed;
pub(crate) mod names;
mod spki;
#[cfg(test)]
mod wycheproof;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer};
use sha2::Digest as _;
use sigstore_crypto::{KeyAlgorithm, SigningScheme, VerificationKey};
use sigstore_types::{DerPublicKey, SignatureBytes};

use crate::digest::{Algorithm, Digest};

pub(crate) use certified::SubjectKind;
pub use certified::{Extension, Identity, Subject};
pub use claimed::UnverifiedCertificate;
pub(crate) use names::distinguished_name;

/// The algorithms of keys that sign statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum KeyType {
    /// ECDSA on NIST P-256 with SHA-256.
    P256,
    /// ECDSA on NIST P-384 with SHA-384 or SHA-256: both are in use, and no bundle says which.
    P384,
    /// RSA of 2,048 to 4,096 bits, PKCS#1 v1.5 or PSS, with SHA-256, SHA-384 or SHA-512.
    Rsa,
    /// Pure Ed25519 (RFC 8032), never Ed25519ph.
    Ed25519,
}

impl KeyType {
    const fn algorithm(self) -> KeyAlgorithm {
        match self {
            Self::P256 => KeyAlgorithm::EcdsaP256,
            Self::P384 => KeyAlgorithm::EcdsaP384,
            Self::Rsa => KeyAlgorithm::Rsa,
            Self::Ed25519 => KeyAlgorithm::Ed25519,
        }
    }

    /// The ways in which a key of this type signs, the usual first.
    const fn schemes(self) -> &'static [SigningScheme] {
        match self {
            Self::P256 => &[SigningScheme::EcdsaP256Sha256],
            Self::P384 => &[SigningScheme::EcdsaP384Sha384, SigningScheme::EcdsaP384Sha256],
            Self::Rsa => &[
                SigningScheme::RsaPkcs1Sha256,
                SigningScheme::RsaPssSha256,
                SigningScheme::RsaPkcs1Sha384,
                SigningScheme::RsaPssSha384,
                SigningScheme::RsaPkcs1Sha512,
                SigningScheme::RsaPssSha512,
            ],
            Self::Ed25519 => &[SigningScheme::Ed25519],
        }
    }
}

/// A public key as SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey {
    der: Vec<u8>,
    key_type: KeyType,
}

impl PublicKey {
    /// Takes a key in DER.
    ///
    /// # Errors
    /// [`NotAKey`] for anything but a point of P-256 or P-384, uncompressed, an RSA key of 2,048 to 4,096 bits, or an
    /// Ed25519 key, each in the one encoding of DER.
    pub fn from_der(der: &[u8]) -> Result<Self, NotAKey> {
        let spki = DerPublicKey::new(der.to_vec());
        match (spki::key_type(der), KeyAlgorithm::from_spki(&spki)) {
            (Some(key_type), Ok(algorithm)) if algorithm == key_type.algorithm() => Ok(Self { der: der.to_vec(), key_type }),
            _ if spki::is_public_key(der) => Err(NotAKey::Unsupported),
            _ => Err(NotAKey::Unreadable),
        }
    }

    /// Takes a key in PEM (RFC 7468), `-----BEGIN PUBLIC KEY-----`.
    ///
    /// # Errors
    /// [`NotAKey`] as [`PublicKey::from_der`].
    pub fn from_pem(pem: &str) -> Result<Self, NotAKey> {
        let body = pem.trim().strip_prefix("-----BEGIN PUBLIC KEY-----").and_then(|rest| rest.strip_suffix("-----END PUBLIC KEY-----"));
        let body: String = body.ok_or(NotAKey::Unreadable)?.split_ascii_whitespace().collect();
        Self::from_base64(&body)
    }

    /// Takes a key in base64 of its DER, as policies write it.
    ///
    /// # Errors
    /// [`NotAKey`] as [`PublicKey::from_der`].
    pub fn from_base64(text: &str) -> Result<Self, NotAKey> {
        Self::from_der(&STANDARD.decode(text).map_err(|_| NotAKey::Unreadable)?)
    }

    /// Returns the DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Returns the base64 of the DER, as policies write it.
    #[must_use]
    pub fn to_base64(&self) -> String {
        STANDARD.encode(&self.der)
    }

    /// Returns the key's algorithm.
    #[must_use]
    pub const fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// Returns what people call the key, wherever one is shown: the SHA-256 of its DER, which other tools give as well.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        Digest::sha256(&self.der)
    }

    /// Returns the fingerprint of the key that a bundle's hint names; `None` for a hint of another form.
    #[must_use]
    pub fn fingerprint_in_hint(hint: &str) -> Option<Digest> {
        let digest: [u8; 32] = STANDARD.decode(hint).ok()?.try_into().ok()?;
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Digest::new(Algorithm::Sha256, hex).ok()
    }

    /// Returns what a bundle calls the key: base64 of the SHA-256 of its DER. It selects, and proves nothing.
    #[must_use]
    pub fn hint(&self) -> String {
        STANDARD.encode(sha2::Sha256::digest(&self.der))
    }

    /// Returns the URI that names the key by the SHA-256 of its DER (RFC 6920 §3, §2 for public keys): `ni:///sha-256;…`.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("ni:///sha-256;{}", URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(&self.der)))
    }

    /// Returns true if `signature` is this key's over `message`.
    pub(crate) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let spki = DerPublicKey::new(self.der.clone());
        self.key_type.schemes().iter().any(|scheme| {
            let key = VerificationKey::from_spki_with_scheme(&spki, *scheme);
            key.is_ok_and(|key| key.verify(message, &SignatureBytes::from_bytes(signature)).is_ok())
        })
    }

    /// Returns what to say of a signature that isn't this key's.
    pub(crate) const fn refusal(&self) -> &'static str {
        match self.key_type {
            KeyType::Ed25519 => "the signature is not the key's, over this payload; of the prehashed kind (Ed25519ph) none is accepted",
            _ => "the signature is not the key's, over this payload",
        }
    }

    /// Returns true if `signature` has the form that this key's signatures have.
    pub(crate) fn could_have_made(&self, signature: &[u8]) -> bool {
        match self.key_type {
            KeyType::P256 | KeyType::P384 => signature.first() == Some(&DER_SEQUENCE),
            KeyType::Rsa => spki::rsa_modulus(&self.der).is_some_and(|modulus| modulus.len() == signature.len()),
            KeyType::Ed25519 => signature.len() == 64,
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({:?}, {})", self.key_type, self.fingerprint())
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_base64(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Why bytes are not a public key that we verify with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAKey {
    /// The bytes are no key at all.
    #[error("not a public key (base64 of SubjectPublicKeyInfo in DER)")]
    Unreadable,
    /// The key's algorithm, size or encoding is another one.
    #[error("a public key of another algorithm, size or encoding than P-256, P-384, RSA of 2048 to 4096 bits and Ed25519")]
    Unsupported,
}

const DER_SEQUENCE: u8 = 0x30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_of_ours_names_the_key_that_people_see() {
        let key = PublicKey::from_base64(
            "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEb/A7lJJBzh2t1DUZ5pYOCoW0GmmgXDKBA6orzhWUyhY8T3U6Vb8B3FP2wLDH7ueLQMb/fSWpbiKCuYnO9xwUSg==",
        );
        let key = key.unwrap();
        assert_eq!(PublicKey::fingerprint_in_hint(&key.hint()), Some(key.fingerprint()));
        for hint in ["", "release", "AAAA", &key.to_base64(), key.fingerprint().hex()] {
            assert_eq!(PublicKey::fingerprint_in_hint(hint), None, "{hint}");
        }
    }
}
