//! The git repository at hand: the one that the current directory lies in.
//! What is in it is the capture crate's affair.

use std::cell::OnceCell;
use std::path::Path;

use countersign_capture::git::{GitError, Repository};

use crate::failure::Failure;

/// The folder at the top of a work tree in which the policy and the evidence lie.
pub(crate) const FOLDER: &str = ".countersign";

/// Returns the repository, if there is one.
pub(crate) fn at_hand() -> Result<Option<Repository>, Failure> {
    match Repository::discover(Path::new(".")) {
        Ok(repository) => Ok(Some(repository)),
        Err(GitError::NotARepository { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Returns the repository, for a verb that can't do without; `why` begins with `to`.
pub(crate) fn needed(why: &str) -> Result<Repository, Failure> {
    at_hand()?.ok_or_else(|| missing(why))
}

/// Says that there is no repository, which was needed; `why` begins with `to`.
pub(crate) fn missing(why: &str) -> Failure {
    Failure::new("repository-missing", format!("no git repository is here {why}")).hint("go into a clone")
}

/// The repository at hand, found at most once, and only when something in it is wanted.
#[derive(Default)]
pub(crate) struct AtHand(OnceCell<Option<Repository>>);

impl AtHand {
    /// Returns the repository, if there is one.
    pub(crate) fn get(&self) -> Result<Option<&Repository>, Failure> {
        let found = match self.0.get() {
            Some(found) => found,
            None => {
                let found = at_hand()?;
                self.0.get_or_init(|| found)
            }
        };
        Ok(found.as_ref())
    }
}
