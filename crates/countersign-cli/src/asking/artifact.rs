//! Hashes the artifact: once, and again only by an algorithm that evidence names.
//! How a file is read is the capture crate's affair.

use std::path::Path;

use countersign::digest::{Algorithm, Digest};
use countersign_capture::artifact::{ArtifactError, hash};
use indicatif::{ProgressBar, ProgressStyle};

use crate::failure::Failure;

/// Returns the file's SHA-256.
pub(super) fn digest(path: &Path) -> Result<Digest, Failure> {
    let [digest] = hash_visibly(path, [Algorithm::Sha256]).map_err(|error| Failure::of("target-unreadable", &error))?;
    Ok(digest)
}

/// Returns the file's digest by another algorithm, if the file is still the one whose SHA-256 is `known`.
pub(super) fn digest_again(path: &Path, algorithm: Algorithm, known: &Digest) -> Result<Digest, &'static str> {
    let [now, digest] = hash_visibly(path, [Algorithm::Sha256, algorithm]).map_err(|_| "the artifact can't be read again")?;
    if now == *known { Ok(digest) } else { Err("the artifact changed while it was judged") }
}

/// Hashes the file, and shows on standard error, if that's a terminal, how far a large one is hashed.
fn hash_visibly<const N: usize>(path: &Path, algorithms: [Algorithm; N]) -> Result<[Digest; N], ArtifactError> {
    let mut bar: Option<ProgressBar> = None;
    let digests = hash(path, algorithms, &mut |progress| {
        if progress.length > LARGE_BYTES {
            bar.get_or_insert_with(|| progress_bar(progress.length)).set_position(progress.done);
        }
    });
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    digests
}

fn progress_bar(length: u64) -> ProgressBar {
    let style =
        ProgressStyle::with_template("hashing {wide_bar} {bytes} of {total_bytes}").unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style)
}

const LARGE_BYTES: u64 = 64 << 20;
