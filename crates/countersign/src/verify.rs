//! Turns a bundle into a verified statement, or says why not.
//! Whether the signer may say what the statement says is the policy's affair.

use crate::bundle::Bundle;
use crate::digest::Digest;
use crate::identity::PublicKey;
use crate::reason::{Reason, Refusal};
use crate::statement::Statement;
use crate::time::Time;

/// A value whose signature has been verified. Only [`with_key`] makes one.
#[derive(Clone, Debug)]
pub struct Verified<T> {
    value: T,
    signer: Signature,
    witnessed: Vec<Time>,
    bundle: Digest,
}

/// By what a signature was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signature {
    /// A key that the verifier already knew.
    Key(PublicKey),
}

impl<T> Verified<T> {
    /// Returns the verified value.
    pub const fn value(&self) -> &T {
        &self.value
    }

    /// Returns by what the signature was verified.
    #[must_use]
    pub const fn signature(&self) -> &Signature {
        &self.signer
    }

    /// Returns the times at which witnesses prove that the signature existed, earliest first.
    #[must_use]
    pub fn witnessed(&self) -> &[Time] {
        &self.witnessed
    }

    /// Returns the digest of the bundle that held the value.
    #[must_use]
    pub const fn bundle(&self) -> &Digest {
        &self.bundle
    }
}

/// Verifies that `key` has signed the bundle's statement.
///
/// 1. The bundle's bytes and payload have passed the raw check: no [`Bundle`] exists without it.
/// 2. The signature has the form of the key's algorithm.
/// 3. The signature is the key's, over DSSE's pre-authentication encoding of the payload as received
///    (DSSE protocol v1.0, "Verifying").
/// 4. Log entries and timestamps witness a time only if a trust root vouches for who made them. A key comes without
///    a trust root, so they prove nothing here, and leaving them out changes nothing.
/// 5. The statement is the one that was parsed from those same payload bytes.
///
/// # Errors
/// A [`Refusal`] with `signature-invalid`.
pub fn with_key(bundle: &Bundle, key: &PublicKey) -> Result<Verified<Statement>, Refusal> {
    // 1. is held by the type of `bundle`.
    // 2.
    if !key.could_have_made(bundle.signature()) {
        return Err(Refusal::new(Reason::SignatureInvalid, "the signature is not of the key's algorithm"));
    }
    // 3.
    if !key.has_signed(&bundle.signed_bytes(), bundle.signature()) {
        return Err(Refusal::new(Reason::SignatureInvalid, "the signature is not the key's, over this payload"));
    }
    // 4. and 5.
    Ok(Verified {
        value: bundle.unverified_statement().clone(),
        signer: Signature::Key(key.clone()),
        witnessed: Vec::new(),
        bundle: bundle.digest().clone(),
    })
}
