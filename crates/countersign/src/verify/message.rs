//! Verifies bundles that sign an artifact itself, as Sigstore's own clients do.
//! Such a signature is no statement, so no decision is made from one.

use std::sync::Arc;

use super::{Signature, Verified, certified, verified};
use crate::bundle::{Artifact, MessageBundle};
use crate::digest::Digest;
use crate::identity::PublicKey;
use crate::reason::{Reason, Refusal};
use crate::time::Time;
use crate::trust::{By, Content, TrustRoot, unwitnessed};

/// Verifies that the identity in the bundle's certificate has signed the artifact, if the trust root vouches for it.
///
/// 1. The bundle's bytes have passed the raw check: no [`MessageBundle`] exists without it.
/// 2. The digest that the bundle states is the artifact's.
/// 3. The root vouches for certificate, log entries, timestamps and signature, and an identity is named, as
///    [`super::with_certificate`] has it for statements (its steps 2 to 4).
///
/// What comes back is the artifact's digest.
///
/// # Errors
/// A [`Refusal`] with `subject-mismatch`, `subject-digest-unsupported`, `certificate-untrusted`, `certificate-expired`,
/// `log-entry-invalid`, `timestamp-invalid`, `time-unwitnessed`, `signature-invalid` or `signer-unknown`.
pub fn message_with_certificate(
    bundle: &MessageBundle,
    artifact: Artifact<'_>,
    root: &TrustRoot,
    at: Time,
) -> Result<Verified<Digest>, Refusal> {
    // 1. is held by the type of `bundle`.
    // 2.
    check_artifact(bundle, artifact)?;
    // 3.
    let (signature, witnessed) = certified(root, root.vouch(Content::Message(bundle, artifact), By::Certificate, at)?)?;
    Ok(verified(Arc::new(bundle.unverified_digest().clone()), bundle.digest().clone(), signature, witnessed))
}

/// Verifies that `key` has signed the artifact, and that the trust root vouches for every witness.
///
/// 1. The bundle's bytes have passed the raw check: no [`MessageBundle`] exists without it.
/// 2. The digest that the bundle states is the artifact's, and the signature has the form of the key's algorithm.
/// 3. The root vouches for all log entries, timestamps and the signature, and there is an entry if the root has any log
///    at all.
/// 4. There is a witness of some kind.
///
/// What comes back is the artifact's digest.
///
/// # Errors
/// A [`Refusal`] with `subject-mismatch`, `subject-digest-unsupported`, `signature-invalid`, `log-entry-invalid`,
/// `timestamp-invalid` or `time-unwitnessed`.
pub fn message_with_key(
    bundle: &MessageBundle,
    artifact: Artifact<'_>,
    key: &PublicKey,
    root: &TrustRoot,
    at: Time,
) -> Result<Verified<Digest>, Refusal> {
    // 1. is held by the type of `bundle`.
    // 2.
    check_artifact(bundle, artifact)?;
    if !key.could_have_made(bundle.signature()) {
        return Err(Refusal::new(Reason::SignatureInvalid, "the signature is not of the key's algorithm"));
    }
    // 3.
    let content = Content::Message(bundle, artifact);
    root.check_logged(content)?;
    let witnessed = root.vouch(content, By::Key(key), at)?.witnessed;
    // 4.
    let material = &bundle.sigstore().verification_material;
    if material.tlog_entries.is_empty() && witnessed.is_empty() {
        return Err(unwitnessed());
    }
    Ok(verified(Arc::new(bundle.unverified_digest().clone()), bundle.digest().clone(), Signature::Key(key.clone()), witnessed))
}

fn check_artifact(bundle: &MessageBundle, artifact: Artifact<'_>) -> Result<(), Refusal> {
    match bundle.states(artifact) {
        Some(true) => Ok(()),
        Some(false) => Err(Refusal::new(Reason::SubjectMismatch, "the bundle states another digest than the artifact's")),
        None => {
            let detail = format!("the bundle states the artifact's digest by {} only", bundle.unverified_digest().algorithm());
            Err(Refusal::new(Reason::SubjectDigestUnsupported, detail))
        }
    }
}
