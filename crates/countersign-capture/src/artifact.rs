//! A file that was made: its name, and the digest of its bytes.
//! What the bytes mean isn't looked at.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use countersign::digest::{Algorithm, Digest, Hasher};
use countersign::statement::ResourceDescriptor;

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
        let io = |source| ArtifactError::Io { path: path.to_owned(), source };
        let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(|| ArtifactError::Name { path: path.to_owned() })?;
        // Opening a pipe could wait for ever.
        if !std::fs::metadata(path).map_err(io)?.is_file() {
            return Err(ArtifactError::NotAFile { path: path.to_owned() });
        }
        let mut file = File::open(path).map_err(io)?;
        let mut hasher = Hasher::new(Algorithm::Sha256).ok_or_else(|| io(io::ErrorKind::Unsupported.into()))?;
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let count = match file.read(&mut buffer) {
                Ok(0) => return Ok(Self { name: name.to_owned(), sha256: hasher.finish() }),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read.map_err(io)?,
            };
            hasher.update(buffer.get(..count).unwrap_or_default());
        }
    }

    /// Returns the subject that names it.
    #[must_use]
    pub fn subject(&self) -> ResourceDescriptor {
        ResourceDescriptor::new(self.name.as_str(), self.sha256.clone())
    }
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

const BUFFER_BYTES: usize = 1 << 16;
