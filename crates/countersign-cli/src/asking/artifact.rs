//! Hashes the artifact: once, and again only by an algorithm that evidence names.
//! It holds no more of the file than a buffer.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use countersign::digest::{Algorithm, Digest, Hasher};
use indicatif::{ProgressBar, ProgressStyle};

use crate::failure::Failure;

/// Returns the file's SHA-256.
pub(super) fn digest(path: &Path) -> Result<Digest, Failure> {
    let [digest] = hash(path, [Algorithm::Sha256])
        .map_err(|error| Failure::new("target-unreadable", format!("`{}` can't be read", path.display())).because(&error))?;
    Ok(digest)
}

/// Returns the file's digest by another algorithm, if the file is still the one whose SHA-256 is `known`.
pub(super) fn digest_again(path: &Path, algorithm: Algorithm, known: &Digest) -> Result<Digest, &'static str> {
    let [now, digest] = hash(path, [Algorithm::Sha256, algorithm]).map_err(|_| "the artifact can't be read again")?;
    if now == *known { Ok(digest) } else { Err("the artifact changed while it was judged") }
}

fn hash<const N: usize>(path: &Path, algorithms: [Algorithm; N]) -> std::io::Result<[Digest; N]> {
    let mut file = File::open(path)?;
    let progress = progress(file.metadata()?.len());
    let mut hashers = Vec::with_capacity(N);
    for algorithm in algorithms {
        hashers.push(Hasher::new(algorithm).ok_or(std::io::ErrorKind::Unsupported)?);
    }
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let count = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let read = buffer.get(..count).unwrap_or_default();
        hashers.iter_mut().for_each(|hasher| hasher.update(read));
        progress.inc(count as u64);
    }
    progress.finish_and_clear();
    let digests: Vec<_> = hashers.into_iter().map(Hasher::finish).collect();
    // INVARIANT: one hasher for each algorithm.
    digests.try_into().map_err(|_| std::io::ErrorKind::Unsupported.into())
}

/// Shows on standard error, if that's a terminal, how far a large file is hashed.
fn progress(length: u64) -> ProgressBar {
    if length <= LARGE_BYTES {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("hashing {wide_bar} {bytes} of {total_bytes}").unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style)
}

const BUFFER_BYTES: usize = 1 << 17;
const LARGE_BYTES: u64 = 64 << 20;
