//! The git repository at hand: the one that the current directory lies in.
//! What is in it is the capture crate's affair.

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

/// Returns the repository, for a verb that can't do without.
pub(crate) fn needed(why: &str) -> Result<Repository, Failure> {
    at_hand()?.ok_or_else(|| Failure::new("repository-missing", format!("no git repository is here, {why}")).hint("go into a clone"))
}
