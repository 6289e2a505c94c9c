//! Whom we trust to vouch for signers and times: certificate authorities, logs and timestamp authorities.
//! A single key or identity is no trust; it is a signer, and stands in the policy.

use crate::digest::Digest;

/// The trust roots that a question is asked under.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    roots: Vec<Digest>,
}

impl Trust {
    /// Trusts nobody: only signatures by keys that stand in the policy verify, and nothing witnesses a time.
    #[must_use]
    pub const fn keys_only() -> Self {
        Self { roots: Vec::new() }
    }

    /// Returns the digests of the trust roots, in order.
    #[must_use]
    pub fn roots(&self) -> &[Digest] {
        &self.roots
    }
}
