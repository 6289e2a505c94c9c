//! The trust roots that a question names, read from files or by the word `public-good`.
//! What they vouch for is the heart's affair.

use std::path::{Path, PathBuf};

use countersign::limits;
use countersign::trust::{Trust, TrustRoot};

use crate::failure::Failure;
use crate::patience;
use crate::public_good;

/// Reads every trust root.
pub(super) fn read(paths: &[PathBuf]) -> Result<Trust, Failure> {
    paths.iter().try_fold(Trust::keys_only(), |trust, path| Ok(trust.with(read_one(path)?)))
}

/// Reads one trust root.
pub(crate) fn read_one(path: &Path) -> Result<TrustRoot, Failure> {
    if public_good::is_meant_by(path) {
        return public_good::current();
    }
    let failed = |error: &std::io::Error| {
        Failure::new("trust-unreadable", format!("the trust root `{}` can't be read", path.display())).because(error)
    };
    // One byte more than a trust root may have is enough for the heart to refuse it.
    let bytes = patience::read_up_to(path, limits::TRUST_ROOT_BYTES as u64 + 1).map_err(|error| failed(&error))?;
    TrustRoot::parse(&bytes).map_err(|error| {
        Failure::new("trust-invalid", format!("`{}` is not a trust root that can be used", path.display()))
            .because(&error)
            .hint("a trust root is Sigstore's `trusted_root.json`, with the CAs, logs and timestamp authorities of one instance")
    })
}
