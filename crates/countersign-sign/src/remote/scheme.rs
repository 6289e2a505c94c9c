//! By which algorithm a key signs here, and what its keeper is given: a digest, or the message itself.
//! What verifies is the heart's affair; each of these does.

use countersign::identity::{KeyType, NotAKey, PublicKey};
use sha2::Digest as _;

use super::Problem;

/// How a key signs, chosen from its public half alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    P256Sha256,
    P384Sha384,
    /// PKCS#1 v1.5, as cosign and most others sign with RSA.
    RsaSha256,
    Ed25519,
}

impl Scheme {
    pub(super) fn of(key: &PublicKey) -> Result<Self, Problem> {
        match key.key_type() {
            KeyType::P256 => Ok(Self::P256Sha256),
            KeyType::P384 => Ok(Self::P384Sha384),
            KeyType::Rsa => Ok(Self::RsaSha256),
            KeyType::Ed25519 => Ok(Self::Ed25519),
            _ => Err(Problem::PublicKey(NotAKey::Unsupported)),
        }
    }

    /// Returns the digest that is signed; Ed25519 signs the message itself.
    pub(super) fn digest(self, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::P256Sha256 | Self::RsaSha256 => Some(sha2::Sha256::digest(message).to_vec()),
            Self::P384Sha384 => Some(sha2::Sha384::digest(message).to_vec()),
            Self::Ed25519 => None,
        }
    }
}
