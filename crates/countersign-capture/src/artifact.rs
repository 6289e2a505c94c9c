//! A file that was made: its name, and the digest of its bytes.
//! What the bytes mean isn't looked at.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use countersign::digest::{Algorithm, Digest, Hasher};
use countersign::statement::ResourceDescriptor;
use rustix::fs::OFlags;

/// A file, by the last part of its path and its SHA-256.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Artifact {
    /// The file's name, without the folders above it.
    pub name: String,
    /// The SHA-256 of its bytes.
    pub sha256: Digest,
}

impl Artifact {
    /// Reads the file once.
    ///
    /// # Errors
    /// [`ArtifactError`] if there is no regular file, it can't be read, or its name isn't text.
    pub fn read(path: &Path) -> Result<Self, ArtifactError> {
        let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(|| ArtifactError::Name { path: path.to_owned() })?;
        let [sha256] = hash(path, [Algorithm::Sha256], &mut |_| {})?;
        Ok(Self { name: name.to_owned(), sha256 })
    }

    /// Returns the subject that names it.
    #[must_use]
    pub fn subject(&self) -> ResourceDescriptor {
        ResourceDescriptor::new(self.name.as_str(), self.sha256.clone())
    }
}

/// Hashes a file, read once, by each of the algorithms; `progress` is told after every piece how far it is.
///
/// # Errors
/// [`ArtifactError`] if there is no regular file, it can't be read, or nothing is hashed by one of the algorithms.
pub fn hash<const N: usize>(
    path: &Path,
    algorithms: [Algorithm; N],
    progress: &mut dyn FnMut(Progress),
) -> Result<[Digest; N], ArtifactError> {
    let io = |source| ArtifactError::Io { path: path.to_owned(), source };
    let mut hashers = Vec::with_capacity(N);
    for algorithm in algorithms {
        hashers.push(Hasher::new(algorithm).ok_or_else(|| io(io::ErrorKind::Unsupported.into()))?);
    }
    let (mut file, length) = open(path)?;
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut done = 0;
    loop {
        let count = match file.read(&mut buffer) {
            Ok(0) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read.map_err(io)?,
        };
        let piece = buffer.get(..count).unwrap_or_default();
        hashers.iter_mut().for_each(|hasher| hasher.update(piece));
        done += count as u64;
        progress(Progress { done, length });
    }
    let digests: Vec<_> = hashers.into_iter().map(Hasher::finish).collect();
    // INVARIANT: one hasher for each algorithm.
    digests.try_into().map_err(|_| io(io::ErrorKind::Unsupported.into()))
}

/// How far a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The bytes that were read.
    pub done: u64,
    /// The bytes that the file had when it was opened.
    pub length: u64,
}

/// Opens a regular file, and returns its length.
fn open(path: &Path) -> Result<(File, u64), ArtifactError> {
    let io = |source| ArtifactError::Io { path: path.to_owned(), source };
    // Opening a pipe to read waits for a writer, possibly for ever, unless told not to.
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(io)?;
    let metadata = file.metadata().map_err(io)?;
    if metadata.is_file() { Ok((file, metadata.len())) } else { Err(ArtifactError::NotAFile { path: path.to_owned() }) }
}

/// Why a file isn't an artifact that can be stated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArtifactError {
    /// The file can't be read.
    #[error("can't read `{}`: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something else lies there.
    #[error("`{}` isn't a regular file; pack folders into one file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The path has no last part, or one that isn't UTF-8.
    #[error("`{}` has no name that a statement can hold; rename it", path.display())]
    Name {
        /// The path.
        path: PathBuf,
    },
}

const BUFFER_BYTES: usize = 1 << 17;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_a_pipe_without_waiting_for_its_writer() {
        let place = tempfile::tempdir().unwrap();
        let pipe = place.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(matches!(Artifact::read(&pipe), Err(ArtifactError::NotAFile { path }) if path == pipe));
        assert!(matches!(Artifact::read(place.path()), Err(ArtifactError::NotAFile { .. })));
    }

    #[test]
    fn tells_how_far_it_is_and_hashes_by_each_algorithm() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("made");
        let bytes = vec![7; BUFFER_BYTES + 1];
        std::fs::write(&path, &bytes).unwrap();
        let mut told = Vec::new();
        let [sha256, sha512] = hash(&path, [Algorithm::Sha256, Algorithm::Sha512], &mut |progress| told.push(progress)).unwrap();
        assert_eq!(sha256, Digest::sha256(&bytes));
        assert_eq!(sha512.algorithm(), Algorithm::Sha512);
        let length = bytes.len() as u64;
        assert_eq!(told.last(), Some(&Progress { done: length, length }));
        assert!(told.len() > 1 && told.is_sorted_by_key(|progress| progress.done));
    }
}
