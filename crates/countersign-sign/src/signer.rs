//! What every signer can do, wherever its key lies.
//! It knows nothing of statements: a signer signs bytes.

use std::path::Path;

use countersign::identity::PublicKey;

use crate::local::{KeyError, LocalKey};
#[cfg(feature = "remote")]
use crate::remote::RemoteError;

/// Something that signs: a local key, or one elsewhere.
pub trait Signer {
    /// Returns the public half.
    ///
    /// # Errors
    /// [`SignError`] if the signer can't say it.
    fn public_key(&self) -> Result<PublicKey, SignError>;

    /// Signs the message itself, by the key's algorithm: P-256 and P-384 give DER, Ed25519 64 bytes.
    ///
    /// # Errors
    /// [`SignError`] if the signer doesn't sign.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;

    /// Returns the variables of the environment that this signer's credential comes from: whoever has it signs as well.
    fn credential_variables(&self) -> &[&'static str] {
        &[]
    }

    /// Returns the program that is run to sign, if it's one: whoever can change it chooses what runs, with our rights.
    fn program(&self) -> Option<&Path> {
        None
    }
}

impl Signer for LocalKey {
    fn public_key(&self) -> Result<PublicKey, SignError> {
        PublicKey::from_der(&self.public_key_der()).map_err(SignError::Key)
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        Self::sign(self, message).map_err(SignError::Local)
    }
}

/// Why a signer doesn't sign.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The public half isn't one that verifies anything here.
    #[error("the signer's public key can't be used: {0}")]
    Key(#[source] countersign::identity::NotAKey),
    /// The local key doesn't sign.
    #[error("the local key doesn't sign: {0}")]
    Local(#[source] KeyError),
    /// The key elsewhere doesn't sign.
    #[cfg(feature = "remote")]
    #[error(transparent)]
    Remote(#[from] RemoteError),
}
