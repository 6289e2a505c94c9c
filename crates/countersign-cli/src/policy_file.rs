//! Where a policy comes from: a file, or a commit of the repository at hand.
//! What stands in it is the heart's affair; that it's never read from the change that it judges is this file's.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use countersign::digest::Digest;
use countersign::limits;
use countersign::policy::Policy;

use crate::escape::escaped;
use crate::failure::Failure;
use crate::output;
use crate::patience;
use crate::repository::{self, AtHand};

/// How a policy is named on the command line: FILE or git:REV:PATH.
#[derive(Clone, Debug)]
pub(crate) enum PolicyName {
    /// A file.
    File(PathBuf),
    /// A file as a commit has it.
    InCommit {
        /// The commit.
        revision: String,
        /// The path from the top of its tree.
        path: String,
    },
}

impl PolicyName {
    /// Reads a name.
    pub(crate) fn parse(word: OsString) -> Result<Self, Failure> {
        let Some(rest) = word.to_str().and_then(|text| text.strip_prefix("git:")) else { return Ok(Self::File(PathBuf::from(word))) };
        match rest.split_once(':') {
            Some((revision, path)) if !revision.is_empty() && !path.is_empty() => {
                Ok(Self::InCommit { revision: revision.to_owned(), path: path.to_owned() })
            }
            _ => Err(Failure::new("policy-name-invalid", format!("`git:{rest}` names no policy"))
                .hint("write `git:REV:PATH`, such as `git:origin/main:.countersign/policy.yaml`; for a file of that name, `./git:…`")),
        }
    }

    /// Loads the policy that an artifact is judged by.
    pub(crate) fn load(&self, at_hand: &AtHand) -> Result<Policy, Failure> {
        match self {
            Self::File(path) => read(path),
            Self::InCommit { revision, path } => {
                let repository = at_hand.get()?.ok_or_else(|| repository::missing("to read the policy from"))?;
                parse(&repository.file_at(revision, path)?, &format!("git:{revision}:{path}"))
            }
        }
    }

    /// Loads the policy that a commit is judged by, unless it's that commit's own.
    pub(crate) fn load_to_judge(&self, commit: &Digest, at_hand: &AtHand) -> Result<Policy, Failure> {
        match (self, at_hand.get()?) {
            (Self::InCommit { revision, path }, Some(repository)) => {
                let from = repository.commit(revision)?.id;
                if from == *commit || !repository.is_ancestor(&from, commit)? {
                    let problem = if from == *commit {
                        "is the commit that it would judge"
                    } else {
                        "did not come before the commit that it would judge"
                    };
                    return Err(Failure::new("policy-from-change", format!("the policy's commit `{revision}` {problem}"))
                        .hint("name a commit before the change, such as the one that it's based on: `git merge-base origin/main REV`"));
                }
                // By its id, since a branch can move in between.
                return parse(&repository.file_at(from.hex(), path)?, &format!("git:{revision}:{path}"));
            }
            (Self::File(path), Some(repository)) if repository.work_tree().is_some_and(|top| lies_in(path, top)) => {
                output::warning(&format!(
                    "the policy `{}` lies in the work tree of the change that it judges, which may have changed it; \
                     `--policy git:REV:PATH` reads it from an earlier commit",
                    escaped(&path.display().to_string())
                ));
            }
            _ => {}
        }
        self.load(at_hand)
    }
}

/// Reads and loads a policy.
pub(crate) fn read(path: &Path) -> Result<Policy, Failure> {
    let failed = |error: &std::io::Error| {
        let failure = Failure::new("policy-unreadable", format!("the policy `{}` can't be read", path.display())).because(error);
        if error.kind() == std::io::ErrorKind::NotFound {
            failure.hint("`countersign init` writes a policy to begin with")
        } else {
            failure
        }
    };
    // One byte more than a policy may have is enough for the heart to refuse it.
    let bytes = patience::read_up_to(path, limits::POLICY_BYTES as u64 + 1).map_err(|error| failed(&error))?;
    parse(&bytes, &path.display().to_string())
}

/// Loads a policy; what is wrong with it is told with its name.
fn parse(bytes: &[u8], name: &str) -> Result<Policy, Failure> {
    Policy::parse(bytes).map_err(|error| Failure::new("policy-invalid", format!("`{name}`: {error}")))
}

/// Returns true if the file, or the link that names it, is in the directory.
fn lies_in(path: &Path, directory: &Path) -> bool {
    let Ok(directory) = directory.canonicalize() else { return true };
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    [parent, path].into_iter().filter_map(|path| path.canonicalize().ok()).any(|real| real.starts_with(&directory))
}
