//! What TARGET means on the command line: a file, a digest, an image or a commit.
//! It finds out which, and hashes nothing.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use countersign::digest::{Algorithm, Digest};
use countersign_capture::git::{GitError, Repository};

use crate::failure::Failure;
use crate::repository;

/// What is asked about, or attested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A file.
    Path(PathBuf),
    /// An artifact that isn't at hand.
    Sha256(Digest),
    /// A revision in a git repository.
    Git(String),
}

impl Target {
    /// Reads a TARGET. A scheme says what it is; a word without one is a path, whatever else goes by that name.
    pub(crate) fn parse(word: &OsStr) -> Result<Self, Failure> {
        let Some(text) = word.to_str() else { return existing(word.to_owned(), "") };
        if let Some(hex) = text.strip_prefix("sha256:") {
            let digest = Digest::new(Algorithm::Sha256, hex);
            return digest.map(Self::Sha256).map_err(|_| invalid(text, "`sha256:` is followed by 64 hex digits in lower case"));
        }
        if let Some(revision) = text.strip_prefix("git:") {
            let named = !revision.is_empty() && !revision.starts_with('-');
            return if named {
                Ok(Self::Git(revision.to_owned()))
            } else {
                Err(invalid(text, "`git:` is followed by a revision, such as `git:HEAD`"))
            };
        }
        if let Some(image) = text.strip_prefix("oci://") {
            return Err(match image.split_once('@') {
                Some((_, digest)) if digest.starts_with("sha256:") => {
                    Failure::new("target-unsupported", "images in a registry are not supported by this version")
                        .hint(format!("ask about the manifest's digest: `{digest}`, with `--resource` and `--store` or `--bundle`"))
                }
                _ => Failure::new("target-is-a-tag", format!("`{text}` names a tag, which can be moved to another image at any time"))
                    .hint("name the manifest by its digest: `oci://HOST/REPO@sha256:HEX`"),
            });
        }
        existing(word.to_owned(), text)
    }
}

/// Resolves a revision to the id of a commit; a whole id needs no repository that has the commit.
pub(crate) fn commit_id(repository: Option<&Repository>, revision: &str) -> Result<Digest, Failure> {
    let whole = Digest::new(Algorithm::GitCommit, revision).ok();
    let Some(repository) = repository else {
        return whole.ok_or_else(|| repository::missing(&format!("to find `git:{revision}` in")).hint("or write the commit's whole id"));
    };
    match (repository.commit(revision), whole) {
        (Ok(commit), _) => Ok(commit.id),
        (Err(GitError::RevisionUnknown { .. } | GitError::ObjectMissing { .. } | GitError::Shallow), Some(id)) => Ok(id),
        (Err(error), _) => Err(error.into()),
    }
}

fn existing(word: OsString, text: &str) -> Result<Target, Failure> {
    let path = PathBuf::from(word);
    let failed = |code, what: &str| Failure::new(code, format!("`{}` {what}", path.display()));
    match path.metadata() {
        Ok(found) if found.is_dir() => Err(failed("target-is-a-directory", "is a directory").hint("name a file, such as an archive of it")),
        Ok(_) => Ok(Target::Path(path)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let failure = failed("target-missing", "is no file here");
            Err(match meant(text) {
                Some(other) => failure.hint(format!("if you mean what goes by that name elsewhere, write `{other}`")),
                None => failure.hint("TARGET is PATH, sha256:HEX or git:REV"),
            })
        }
        Err(error) => Err(failed("target-unreadable", "can't be read").because(&error)),
    }
}

/// What a word that is no path looks like.
fn meant(text: &str) -> Option<String> {
    if Digest::new(Algorithm::Sha256, text).is_ok() {
        return Some(format!("sha256:{text}"));
    }
    let is_revision = !text.is_empty() && Repository::discover(Path::new(".")).is_ok_and(|repository| repository.commit(text).is_ok());
    is_revision.then(|| format!("git:{text}"))
}

fn invalid(text: &str, hint: &str) -> Failure {
    Failure::new("target-invalid", format!("`{text}` names no target")).hint(hint)
}
