//! Turns a bundle into a verified statement, or says why not.
//! Whether the signer may say what the statement says is the policy's affair.

mod message;

use std::sync::Arc;

use crate::bundle::Bundle;
use crate::digest::Digest;
use crate::identity::{Identity, PublicKey};
use crate::reason::{Reason, Refusal};
use crate::statement::Statement;
use crate::time::Time;
use crate::trust::{By, Content, Trust, TrustRoot, Vouched, unwitnessed};

pub use message::{message_with_certificate, message_with_key};

/// A value whose signature has been verified. Only the functions of this module make one.
#[derive(Clone, Debug)]
pub struct Verified<T> {
    value: Arc<T>,
    signer: Signature,
    witnessed: Vec<Time>,
    unwitnessed: Option<Refusal>,
    certified: Option<Time>,
    bundle: Digest,
}

/// By what a signature was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signature {
    /// A key that the verifier already knew.
    Key(PublicKey),
    /// A certificate that a trust root vouches for.
    Certificate {
        /// Whom the certificate names.
        identity: Box<Identity>,
        /// The SHA-256 of the trust root that vouches for it.
        trust_root: Digest,
    },
}

impl<T> Verified<T> {
    /// Returns the verified value.
    #[must_use]
    pub fn value(&self) -> &T {
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

    /// Returns the earliest time that a witness proves.
    ///
    /// # Errors
    /// A [`Refusal`] that says why the witnesses prove none; `time-unwitnessed` if there are none.
    pub fn first_witnessed(&self) -> Result<Time, Refusal> {
        self.witnessed.first().copied().ok_or_else(|| self.unwitnessed.clone().unwrap_or_else(unwitnessed))
    }

    /// Returns why a witness that the bundle offers proves no time, if a trust root was asked about it.
    pub(crate) const fn unwitnessed(&self) -> Option<&Refusal> {
        self.unwitnessed.as_ref()
    }

    /// Returns when the signer's certificate began to hold, and nothing for a key.
    ///
    /// The certificate and whatever witnesses it can be joined to a signature at any time later. That the signature isn't
    /// older than the certificate is the one bound that nobody but the signer could have got around.
    pub(crate) const fn certified(&self) -> Option<Time> {
        self.certified
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
    // 2. and 3.
    signature(key, &bundle.signed_bytes(), bundle.signature())?;
    // 4. and 5.
    Ok(verified(bundle.statement(), bundle.digest().clone(), Signature::Key(key.clone()), Vec::new()))
}

/// Checks that `signature` is the key's, over the message itself, and has the form of the key's algorithm.
///
/// That tells who signed these bytes, and makes nothing verified of them: a statement is verified with its bundle.
///
/// # Errors
/// A [`Refusal`] with `signature-invalid`.
pub fn signature(key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), Refusal> {
    if !key.could_have_made(signature) {
        return Err(Refusal::new(Reason::SignatureInvalid, "the signature is not of the key's algorithm"));
    }
    if !key.has_signed(message, signature) {
        return Err(Refusal::new(Reason::SignatureInvalid, key.refusal()));
    }
    Ok(())
}

/// Verifies that `key` has signed the bundle's statement, as [`with_key`] does, and when.
///
/// A time is proved by the bundle's log entries and timestamps, if one of the trust roots vouches for all of them. What
/// nobody vouches for proves nothing, and spoils nothing either: it could as well have been left out.
///
/// # Errors
/// A [`Refusal`] with `signature-invalid`.
pub fn with_witnessed_key(bundle: &Bundle, key: &PublicKey, trust: &Trust, at: Time) -> Result<Verified<Statement>, Refusal> {
    with_key(bundle, key).map(|verified| witnessed(verified, bundle, key, trust, at))
}

/// Finds out when a signature that `key` has made was there, by the bundle's witnesses.
pub(crate) fn witnessed(
    mut verified: Verified<Statement>,
    bundle: &Bundle,
    key: &PublicKey,
    trust: &Trust,
    at: Time,
) -> Verified<Statement> {
    for root in trust.roots().iter().filter(|_| bundle.has_witnesses()) {
        match root.vouch(Content::Statement(bundle), By::Key(key), at) {
            Ok(vouched) => verified.witnessed.extend(vouched.witnessed),
            // Of several roots, the one that came furthest says most.
            Err(refusal) => {
                verified.unwitnessed = verified.unwitnessed.into_iter().chain([refusal]).max_by_key(|refusal| refusal.reason);
            }
        }
    }
    verified.witnessed.sort_unstable();
    verified.witnessed.dedup();
    verified
}

/// Verifies that the identity in the bundle's certificate has signed its statement, if the trust root vouches for it.
///
/// 1. The bundle's bytes and payload have passed the raw check: no [`Bundle`] exists without it, and it refuses
///    witnesses that stand there twice.
/// 2. The root's authorities and logs that had begun by `at` vouch for the certificate, its log entries, timestamps and
///    signature; every verified time lies within the certificate's, the log's and the authority's windows, and none is
///    later than `at` (steps of `TrustRoot::vouch`).
/// 3. A witness proves a time: without one nobody knows when the certificate had to hold.
/// 4. The certificate names an issuer, and an email address or a URI.
/// 5. The statement is the one that was parsed from those same payload bytes.
///
/// # Errors
/// A [`Refusal`] with `certificate-untrusted`, `certificate-expired`, `log-entry-invalid`, `timestamp-invalid`,
/// `time-unwitnessed`, `signature-invalid`, `signer-unknown` or `subject-digest-unsupported`.
pub fn with_certificate(bundle: &Bundle, root: &TrustRoot, at: Time) -> Result<Verified<Statement>, Refusal> {
    // 1. is held by the type of `bundle`.
    // 2.
    let vouched = root.vouch(Content::Statement(bundle), By::Certificate, at)?;
    // 3. and 4.
    let begun = vouched.begun;
    let (signature, witnessed) = certified(root, vouched)?;
    // 5.
    Ok(Verified { certified: begun, ..verified(bundle.statement(), bundle.digest().clone(), signature, witnessed) })
}

/// Verifies that `key` has signed the bundle's statement, as Sigstore's own clients verify it: every witness must hold.
///
/// [`with_witnessed_key`] is what decisions ask, since a witness that nobody vouches for could as well be left out.
///
/// 1. `key` has signed the statement, as [`with_key`] verifies it.
/// 2. The root vouches for all log entries and timestamps, and there is an entry if the root has any log at all.
/// 3. There is a witness of some kind.
///
/// # Errors
/// A [`Refusal`] with `signature-invalid`, `log-entry-invalid`, `timestamp-invalid`, `time-unwitnessed` or
/// `subject-digest-unsupported`.
pub fn with_logged_key(bundle: &Bundle, key: &PublicKey, root: &TrustRoot, at: Time) -> Result<Verified<Statement>, Refusal> {
    // 1.
    let mut verified = with_key(bundle, key)?;
    // 2.
    let content = Content::Statement(bundle);
    root.check_logged(content)?;
    verified.witnessed = root.vouch(content, By::Key(key), at)?.witnessed;
    // 3.
    if bundle.has_witnesses() { Ok(verified) } else { Err(unwitnessed()) }
}

/// Returns whom the certificate names, and when it was used; a certificate without a time or a name says nothing.
fn certified(root: &TrustRoot, vouched: Vouched) -> Result<(Signature, Vec<Time>), Refusal> {
    if vouched.witnessed.is_empty() {
        return Err(unwitnessed());
    }
    let identity = vouched
        .identity
        .ok_or_else(|| Refusal::new(Reason::SignerUnknown, "the certificate names neither an email address nor a URI, or no issuer"))?;
    Ok((Signature::Certificate { identity: Box::new(identity), trust_root: root.digest().clone() }, vouched.witnessed))
}

/// The one place where a verified value is made.
const fn verified<T>(value: Arc<T>, bundle: Digest, signer: Signature, witnessed: Vec<Time>) -> Verified<T> {
    Verified { value, signer, witnessed, unwitnessed: None, certified: None, bundle }
}
