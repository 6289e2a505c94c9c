//! Which commit came after which.
//! It walks commit objects only, each hashed again; neither dates nor the commit-graph file decide anything.

use std::collections::{BTreeSet, BinaryHeap, HashSet};

use countersign::digest::Digest;
use gix::ObjectId;
use gix::objs::Kind;

use super::{Commit, GitError, Repository, object_id, unreadable};

impl Repository {
    /// Returns true if `ancestor` is `descendant` or came before it.
    ///
    /// # Errors
    /// [`GitError::Shallow`] if history is cut off before the answer, or that an object is missing or corrupt.
    pub fn is_ancestor(&self, ancestor: &Digest, descendant: &Digest) -> Result<bool, GitError> {
        let (ancestor, descendant) = (object_id(ancestor)?, object_id(descendant)?);
        let mut walk = Walk::from(self, descendant)?;
        while let Some(id) = walk.next()? {
            if id == ancestor {
                return Ok(true);
            }
        }
        if walk.was_cut { Err(GitError::Shallow) } else { Ok(false) }
    }

    /// Returns the commits that `head` has and `base` hasn't, each after its parents.
    ///
    /// # Errors
    /// [`GitError::TooManyCommits`] over a thousand; [`GitError::Shallow`] if history is cut off; or that an object is
    /// missing or corrupt.
    pub fn commits_between(&self, base: &Digest, head: &Digest) -> Result<Vec<Commit>, GitError> {
        let (base, head) = (object_id(base)?, object_id(head)?);
        let wanted = match self.reachable_without(head, &HashSet::from([base]), Ends::OnlyAtBoundary)? {
            // All paths down from `head` end at `base`: none of these commits can be older than `base`.
            Some(wanted) => wanted,
            None => {
                let mut walk = Walk::from(self, base)?;
                let mut known = HashSet::new();
                while let Some(id) = walk.next()? {
                    known.insert(id);
                }
                if walk.was_cut {
                    return Err(GitError::Shallow);
                }
                let wanted = self.reachable_without(head, &known, Ends::Anywhere)?;
                wanted.ok_or(GitError::TooManyCommits { limit: MAX_COMMITS })?
            }
        };
        self.in_order(head, &wanted)
    }

    /// Collects what is reachable from `head` without going into `boundary`; `None` if that is more than is listed, or
    /// ends where `ends` doesn't allow it.
    fn reachable_without(&self, head: ObjectId, boundary: &HashSet<ObjectId>, ends: Ends) -> Result<Option<BTreeSet<ObjectId>>, GitError> {
        let shallow = self.shallow_commits()?;
        let mut found = BTreeSet::new();
        let mut open = vec![head];
        while let Some(id) = open.pop() {
            if boundary.contains(&id) || !found.insert(id) {
                continue;
            }
            if found.len() > MAX_COMMITS {
                return Ok(None);
            }
            if shallow.contains(&id) {
                return Err(GitError::Shallow);
            }
            let (parents, _) = self.parents(id)?;
            if parents.is_empty() && ends == Ends::OnlyAtBoundary {
                return Ok(None);
            }
            open.extend(parents);
        }
        Ok(Some(found))
    }

    /// Sorts so that each commit comes after its parents; first parents are followed first, so the order is stable.
    fn in_order(&self, head: ObjectId, wanted: &BTreeSet<ObjectId>) -> Result<Vec<Commit>, GitError> {
        let mut sorted = Vec::with_capacity(wanted.len());
        let mut entered = HashSet::new();
        let mut open = vec![(head, None)];
        while let Some((id, commit)) = open.pop() {
            if let Some(commit) = commit {
                sorted.push(commit);
                continue;
            }
            if !wanted.contains(&id) || !entered.insert(id) {
                continue;
            }
            let commit = Commit::parse(id, self.object(id, Kind::Commit)?)?;
            let parents = commit.parents.iter().map(object_id).collect::<Result<Vec<_>, _>>()?;
            open.push((id, Some(commit)));
            open.extend(parents.into_iter().rev().map(|parent| (parent, None)));
        }
        Ok(sorted)
    }

    /// Returns the parents and the committer's time, which only orders the search.
    fn parents(&self, id: ObjectId) -> Result<(Vec<ObjectId>, i64), GitError> {
        let object = self.object(id, Kind::Commit)?;
        let corrupt = |_| GitError::ObjectCorrupt { id: id.to_string() };
        let parsed = gix::objs::CommitRef::from_bytes(&object, id.kind()).map_err(corrupt)?;
        let seconds = parsed.time().map_or(0, |time| time.seconds);
        Ok((parsed.parents().collect(), seconds))
    }

    fn shallow_commits(&self) -> Result<HashSet<ObjectId>, GitError> {
        let commits = self.inner.shallow_commits().map_err(unreadable("the list of shallow commits"))?;
        Ok(commits.map(|commits| commits.iter().copied().collect()).unwrap_or_default())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// A first commit of all is an end too.
    Anywhere,
    /// Every path must lead into the boundary.
    OnlyAtBoundary,
}

/// All that is reachable from a commit, the youngest first as far as dates are true.
struct Walk<'r> {
    repository: &'r Repository,
    open: BinaryHeap<(i64, ObjectId, Vec<ObjectId>)>,
    seen: HashSet<ObjectId>,
    shallow: HashSet<ObjectId>,
    was_cut: bool,
}

impl<'r> Walk<'r> {
    fn from(repository: &'r Repository, tip: ObjectId) -> Result<Self, GitError> {
        let shallow = repository.shallow_commits()?;
        let mut walk = Self { repository, open: BinaryHeap::new(), seen: HashSet::new(), shallow, was_cut: false };
        walk.enter(tip)?;
        Ok(walk)
    }

    fn next(&mut self) -> Result<Option<ObjectId>, GitError> {
        let Some((_, id, parents)) = self.open.pop() else { return Ok(None) };
        if self.shallow.contains(&id) {
            self.was_cut |= !parents.is_empty();
        } else {
            for parent in parents {
                self.enter(parent)?;
            }
        }
        Ok(Some(id))
    }

    fn enter(&mut self, id: ObjectId) -> Result<(), GitError> {
        if self.seen.insert(id) {
            let (parents, seconds) = self.repository.parents(id)?;
            self.open.push((seconds, id, parents));
        }
        Ok(())
    }
}

/// Most commits that are listed; a statement has room for these and the tree.
const MAX_COMMITS: usize = 1_000;
