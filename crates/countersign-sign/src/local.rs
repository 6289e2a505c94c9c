//! Local private keys: P-256 and Ed25519, how they are made and how they sign.
//! Their PEM form, their files and their errors stand in the modules below; bundles are made elsewhere.

mod error;
mod passphrase;
mod work;
mod cosign;
mod pem;
mod file;

use std::fmt;
use std::str::FromStr;

use pkcs8::{Document, EncodePublicKey, LineEnding};
use zeroize::Zeroizing;

pub use error::{Exposure, KeyError};
pub use file::{read_key_file, work_tree_above, write_cosign_key_files, write_key_files};
pub use passphrase::Passphrase;

/// The kind of a local key, and with it the kind of its signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyType {
    /// ECDSA on P-256 with SHA-256, deterministic (RFC 6979), signatures in DER.
    P256,
    /// Pure Ed25519 (RFC 8032), signatures of 64 bytes.
    Ed25519,
}

impl fmt::Display for KeyType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::P256 => "p256",
            Self::Ed25519 => "ed25519",
        })
    }
}

impl FromStr for KeyType {
    type Err = KeyError;

    fn from_str(name: &str) -> Result<Self, KeyError> {
        match name {
            "p256" => Ok(Self::P256),
            "ed25519" => Ok(Self::Ed25519),
            _ => Err(KeyError::UnknownType { name: name.chars().take(NAME_CHARACTERS).collect() }),
        }
    }
}

/// A private key in memory; it is wiped when it is dropped.
pub struct LocalKey {
    secret: Secret,
    public_der: Vec<u8>,
    public_pem: String,
}

/// The secret half. Both types wipe themselves on drop.
enum Secret {
    P256(p256::ecdsa::SigningKey),
    Ed25519(ed25519_dalek::SigningKey),
}

impl LocalKey {
    /// Returns a fresh key from the operating system's randomness.
    ///
    /// # Errors
    /// [`KeyError::Randomness`] if the operating system has none to give.
    pub fn generate(key_type: KeyType) -> Result<Self, KeyError> {
        let mut bytes = Zeroizing::new([0_u8; SECRET_BYTES]);
        for _ in 0..GENERATE_ATTEMPTS {
            getrandom::fill(bytes.as_mut_slice()).map_err(|source| KeyError::Randomness { source: source.into() })?;
            match Self::dangerous_from_secret(key_type, &bytes) {
                Err(KeyError::SecretOutOfRange) => {}
                made => return made,
            }
        }
        // P-256 refuses one of 2^32 draws. That many in a row means that the source isn't random.
        Err(KeyError::Randomness { source: std::io::Error::other("it repeats itself") })
    }

    /// Returns the key that has exactly this secret: the big-endian scalar of P-256, or the seed of Ed25519.
    ///
    /// It exists for reproducible test data. A secret that stands in a source file signs for everybody who reads it.
    ///
    /// # Errors
    /// [`KeyError::SecretOutOfRange`] if the bytes aren't a scalar of P-256, as zero isn't.
    pub fn dangerous_from_secret(key_type: KeyType, secret: &[u8; SECRET_BYTES]) -> Result<Self, KeyError> {
        Self::from_secret(match key_type {
            KeyType::P256 => Secret::P256(p256::ecdsa::SigningKey::from_slice(secret).map_err(|_| KeyError::SecretOutOfRange)?),
            KeyType::Ed25519 => Secret::Ed25519(ed25519_dalek::SigningKey::from_bytes(secret)),
        })
    }

    fn from_secret(secret: Secret) -> Result<Self, KeyError> {
        let public: Document = match &secret {
            Secret::P256(key) => key.verifying_key().to_public_key_der(),
            Secret::Ed25519(key) => key.verifying_key().to_public_key_der(),
        }
        .map_err(|_| KeyError::Malformed)?;
        let public_pem = public.to_pem(PUBLIC_LABEL, LineEnding::LF).map_err(|_| KeyError::Malformed)?;
        Ok(Self { secret, public_der: public.into_vec(), public_pem })
    }

    /// Returns the kind of this key.
    #[must_use]
    pub fn key_type(&self) -> KeyType {
        match self.secret {
            Secret::P256(_) => KeyType::P256,
            Secret::Ed25519(_) => KeyType::Ed25519,
        }
    }

    /// Returns the public half as the DER of a SubjectPublicKeyInfo.
    #[must_use]
    pub fn public_key_der(&self) -> Vec<u8> {
        self.public_der.clone()
    }

    /// Returns the public half as PEM (`PUBLIC KEY`), ending in a newline.
    #[must_use]
    pub fn public_key_pem(&self) -> String {
        self.public_pem.clone()
    }

    /// Signs the message itself, not a digest of it. The same message always gives the same signature.
    ///
    /// # Errors
    /// [`KeyError::Signing`] if the signature can't be computed.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        use ed25519_dalek::Signer as _;
        match &self.secret {
            Secret::P256(key) => {
                let signature: p256::ecdsa::Signature = key.try_sign(message).map_err(|_| KeyError::Signing)?;
                Ok(signature.to_der().as_bytes().to_vec())
            }
            Secret::Ed25519(key) => Ok(key.try_sign(message).map_err(|_| KeyError::Signing)?.to_bytes().to_vec()),
        }
    }
}

impl fmt::Debug for LocalKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("LocalKey").field("key_type", &self.key_type()).finish_non_exhaustive()
    }
}

const SECRET_BYTES: usize = 32;
const GENERATE_ATTEMPTS: usize = 16;
const NAME_CHARACTERS: usize = 40;
const PUBLIC_LABEL: &str = "PUBLIC KEY";
