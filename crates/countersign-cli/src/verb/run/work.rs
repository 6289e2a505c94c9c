//! What a command changed in a git work tree, seen from before and after.
//! It can't tell who changed it: whatever else writes there meanwhile is taken for the command's work.

use std::path::{Path, PathBuf};

use countersign::digest::Digest;
use countersign_capture::ci::Ci;
use countersign_capture::git::{GitError, Head, Repository};
use countersign_capture::observation::{Claimed, Made};

use crate::circumstances::{fact, reference_in_ci};
use crate::failure::Failure;
use crate::repository;

/// A work tree before the command.
pub(super) struct Before {
    top: PathBuf,
    head: Head,
    /// The commit that `HEAD` was.
    pub(super) base: Digest,
    /// The tree of the files as they were, but for our own untracked ones; a work tree that holds nothing else than `base`
    /// has its tree.
    files: Digest,
}

impl Before {
    /// Looks at the work tree, which must have a commit to compare with.
    pub(super) fn look(repository: &Repository) -> Result<Self, Failure> {
        let top = repository.work_tree().ok_or(GitError::Bare)?;
        let top = std::path::absolute(top)
            .map_err(|error| Failure::new("repository-unreadable", "the top of the work tree can't be found").because(&error))?;
        let head = repository.head()?;
        let base = head.commit.clone().ok_or_else(|| {
            Failure::new("base-missing", "the branch has no commit yet, so there is nothing to compare with").hint("make a first commit")
        })?;
        Ok(Self { top, head, base, files: repository.work_tree_id_without(&[Path::new(repository::FOLDER)])? })
    }

    /// Returns the branch's full name; for a detached head, what the CI job says.
    pub(super) fn reference(&self, ci: Option<&Ci>, repository: &Repository) -> Option<Claimed> {
        match &self.head.reference {
            Some(name) => Some(fact(name.clone(), "git:HEAD").into()),
            None => reference_in_ci(ci, &self.base, repository),
        }
    }

    /// Returns true if the files aren't those of the commit: what is to be made, and our own files, may lie there untracked.
    pub(super) fn is_dirty(&self, repository: &Repository, artifacts: &[PathBuf]) -> Result<bool, Failure> {
        let top = self.top.canonicalize().unwrap_or_else(|_| self.top.clone());
        let within = |path: &PathBuf| {
            let folder = path.parent()?.canonicalize().ok()?;
            Some(folder.join(path.file_name()?).strip_prefix(&top).ok()?.to_path_buf())
        };
        let mut left_out: Vec<_> = artifacts.iter().filter_map(within).collect();
        left_out.push(PathBuf::from(repository::FOLDER));
        let left_out: Vec<_> = left_out.iter().map(PathBuf::as_path).collect();
        Ok(repository.work_tree_id_without(&left_out)? != repository.commit(self.base.hex())?.tree)
    }

    /// Returns what was made since; `None` if nothing was.
    pub(super) fn made_since(&self) -> Result<Option<Made>, Failure> {
        // Opened anew: the command may have changed anything in it.
        let repository = Repository::discover(&self.top)?;
        let head = repository.head()?;
        if head.reference != self.head.reference {
            let (before, after) = (name(self.head.reference.as_deref()), name(head.reference.as_deref()));
            return Err(Failure::new("branch-switched", format!("the command switched from {before} to {after}; nothing is signed"))
                .hint(ATTEST_HINT));
        }
        let tip = head.commit.ok_or_else(|| Failure::new("history-rewritten", "the branch has no commit any more; nothing is signed"))?;
        if !repository.is_ancestor(&self.base, &tip)? {
            let failure =
                Failure::new("history-rewritten", "the commit that the command began from is no ancestor any more; nothing is signed");
            return Err(failure.hint(ATTEST_HINT));
        }
        // A policy that `init` wrote and nobody committed is no work of the command's.
        let files = repository.work_tree_id_without(&[Path::new(repository::FOLDER)])?;
        let committed = repository.commit(tip.hex())?.tree;
        if tip == self.base && (files == self.files || files == committed) {
            return Ok(None);
        }
        if files != committed {
            return Ok(Some(Made::Tree(repository.work_tree_id()?)));
        }
        Ok(Some(Made::Commits(repository.commits_between(&self.base, &tip)?)))
    }
}

fn name(reference: Option<&str>) -> String {
    reference.map_or("a detached head".to_owned(), |reference| format!("`{reference}`"))
}

const ATTEST_HINT: &str = "state the commits afterwards: `countersign attest agent-run --subject git:REV --base REV …`";
