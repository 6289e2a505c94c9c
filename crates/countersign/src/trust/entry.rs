//! What a log entry says a second time, beside what its log has signed: both must be the same.
//! The signatures, and the proof itself, are verified elsewhere.

use sigstore_types::{InclusionProof, KindVersion, TransparencyLogEntry};

use crate::reason::{Reason, Refusal};

/// Checks what sigstore-verify doesn't compare, so that a bundle can't be changed and go on to verify.
///
/// The proof repeats the checkpoint's size and root, and in Rekor v2 the entry's place; what is proved is what the log
/// signed. A time is the log's word only in a promise, and Rekor v2 promises none.
///
/// # Errors
/// A [`Refusal`] with `log-entry-invalid`.
pub(super) fn check(entry: &TransparencyLogEntry, proof: &InclusionProof) -> Result<(), Refusal> {
    let refused = |detail| Err(Refusal::new(Reason::LogEntryInvalid, detail));
    let Some(signed) = proof.checkpoint.checkpoint() else { return refused("a log entry has no checkpoint that can be read") };
    if signed.tree_size() != proof.tree_size || *signed.root_hash() != proof.root_hash {
        return refused("the proof that the log includes the entry is for another tree than the one that the log has signed");
    }
    let is_second_generation = entry.kind_version == KindVersion::HashedRekordV002;
    if is_second_generation && proof.log_index != entry.log_index {
        return refused("the log entry states one place in the log, and its proof another");
    }
    if entry.integrated_time.is_some() && (is_second_generation || entry.inclusion_promise.is_none()) {
        return refused("the log entry states a time that the log hasn't signed");
    }
    Ok(())
}
