//! Facts from a git repository, read from its files.
//! It never runs git, a hook or a filter program, and writes nothing.

use std::io;
use std::path::{Path, PathBuf};

use countersign::digest::{Algorithm, Digest};
use gix::bstr::ByteSlice as _;
use gix::objs::Kind;
use gix::{ObjectId, sec};

mod commit;
mod history;
mod path;
mod remote;
mod work_tree;

pub use commit::Commit;
pub use remote::public_uri;

/// A git repository, with its work tree if it has one.
pub struct Repository {
    inner: gix::Repository,
}

/// What `HEAD` is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The commit; `None` on a branch without any commit.
    pub commit: Option<Digest>,
    /// The full name, such as `refs/heads/main`; `None` when detached.
    pub reference: Option<String>,
}

impl Repository {
    /// Finds the repository that `path` lies in.
    ///
    /// `GIT_DIR` and the like are not looked at. The configuration of the user and the system is read, because it says
    /// which files are ignored and how line endings are stored; nothing that it names is run.
    ///
    /// # Errors
    /// [`GitError::NotARepository`]; [`GitError::Unreadable`] for one that is damaged.
    pub fn discover(path: &Path) -> Result<Self, GitError> {
        let options = open_options();
        let upwards = gix::discover::upwards::Options {
            // Whose repository it is doesn't matter: nothing that its configuration names is ever run.
            trust: gix::discover::upwards::TrustPolicy::Assume(sec::Trust::Full),
            cross_fs: true,
            ..Default::default()
        };
        let (found, _) = gix::discover::upwards_opts(path, upwards).map_err(|error| {
            let absent = error
                .downcast_any_ref::<gix::discover::upwards::Error>()
                .is_some_and(|cause| matches!(cause, gix::discover::upwards::Error::NoGitRepository { .. }));
            if absent { GitError::NotARepository { path: path.to_owned() } } else { unreadable("the repository")(error) }
        })?;
        let (git_dir, work_tree) = found.into_repository_and_work_tree_directories();
        let opened = work_tree.unwrap_or(git_dir);
        let inner = gix::open_opts(opened, options).map_err(unreadable("the repository"))?;
        Ok(Self { inner })
    }

    /// Returns the top of the work tree; `None` for a bare repository.
    #[must_use]
    pub fn work_tree(&self) -> Option<&Path> {
        self.inner.workdir()
    }

    /// Returns true if history was cut off when the repository was cloned or fetched.
    #[must_use]
    pub fn is_shallow(&self) -> bool {
        // Not being able to tell must not make cut history look complete.
        self.inner.is_shallow().unwrap_or(true)
    }

    /// Returns what `HEAD` is now.
    ///
    /// # Errors
    /// [`GitError::Unreadable`] if it, or the branch that it names, can't be read.
    pub fn head(&self) -> Result<Head, GitError> {
        let head = self.inner.head().map_err(unreadable("`HEAD`"))?;
        let reference = match head.referent_name() {
            Some(name) => {
                let name = name.as_bstr().to_str().map_err(unreadable("the name of the branch"))?;
                Some(name.to_owned())
            }
            None => None,
        };
        let commit = match head.kind {
            gix::head::Kind::Unborn(_) => None,
            _ => Some(git_digest(Algorithm::GitCommit, self.resolve("HEAD")?)?),
        };
        Ok(Head { commit, reference })
    }

    /// Returns the commit that `revision` names.
    ///
    /// # Errors
    /// [`GitError::RevisionUnknown`], [`GitError::RevisionAmbiguous`], [`GitError::NotACommit`], or that the object is
    /// missing or corrupt.
    pub fn commit(&self, revision: &str) -> Result<Commit, GitError> {
        let id = self.resolve(revision)?;
        Commit::parse(id, self.object(id, Kind::Commit)?)
    }

    /// Returns the full name of the branch that `revision` is on.
    ///
    /// A branch's name gives that branch, `HEAD` what it stands for, and any other revision the current branch if that
    /// one holds it.
    ///
    /// # Errors
    /// As [`Repository::commit`], and [`GitError::Shallow`] if history is cut off before the answer.
    pub fn reference_for(&self, revision: &str) -> Result<Option<String>, GitError> {
        let head = self.head()?;
        if revision == "HEAD" || revision == "@" {
            return Ok(head.reference);
        }
        if let Ok(Some(reference)) = self.inner.try_find_reference(revision)
            && let Ok(name) = reference.name().as_bstr().to_str()
            && name.starts_with("refs/heads/")
        {
            return Ok(Some(name.to_owned()));
        }
        let commit = git_digest(Algorithm::GitCommit, self.resolve(revision)?)?;
        match (head.commit, head.reference) {
            (Some(tip), Some(reference)) if self.is_ancestor(&commit, &tip)? => Ok(Some(reference)),
            _ => Ok(None),
        }
    }

    /// Returns the content that the file at `path` has in the commit that `revision` names.
    ///
    /// # Errors
    /// As [`Repository::commit`]; [`GitError::NoSuchFile`] if no regular file is there; [`GitError::ObjectTooLarge`].
    pub fn file_at(&self, revision: &str, path: &str) -> Result<Vec<u8>, GitError> {
        let missing = || GitError::NoSuchFile { revision: revision.to_owned(), path: path.to_owned() };
        let mut id = object_id(&self.commit(revision)?.tree)?;
        let mut components = path.split('/').peekable();
        while let Some(component) = components.next() {
            let tree = self.object(id, Kind::Tree)?;
            let mut entry = None;
            for candidate in gix::objs::TreeRefIter::from_bytes(&tree, id.kind()) {
                let candidate = candidate.map_err(|_| GitError::ObjectCorrupt { id: id.to_string() })?;
                if candidate.filename == component {
                    entry = Some((candidate.mode, candidate.oid.to_owned()));
                }
            }
            let (mode, next) = entry.ok_or_else(missing)?;
            match components.peek() {
                Some(_) if mode.is_tree() => id = next,
                None if mode.is_blob() => return self.object(next, Kind::Blob),
                _ => return Err(missing()),
            }
        }
        Err(missing())
    }

    /// Resolves a revision to a commit's id, through annotated tags.
    fn resolve(&self, revision: &str) -> Result<ObjectId, GitError> {
        use gix::revision::spec::parse::Error as Ambiguity;

        let found = self.inner.rev_parse_single(revision).map_err(|error| {
            let revision = revision.to_owned();
            match error.downcast_any_ref() {
                Some(Ambiguity::AmbiguousPrefix { .. } | Ambiguity::AmbiguousRefAndObject { .. }) => {
                    GitError::RevisionAmbiguous { revision }
                }
                _ => GitError::RevisionUnknown { revision },
            }
        })?;
        let mut id = found.detach();
        for _ in 0..MAX_NESTED_TAGS {
            match self.kind(id)? {
                Kind::Commit => return Ok(id),
                Kind::Tag => {
                    let tag = self.object(id, Kind::Tag)?;
                    let fields = gix::objs::TagRefIter::from_bytes(&tag, id.kind());
                    id = fields.target_id().map_err(|_| GitError::ObjectCorrupt { id: id.to_string() })?;
                }
                _ => break,
            }
        }
        Err(GitError::NotACommit { revision: revision.to_owned() })
    }

    fn kind(&self, id: ObjectId) -> Result<Kind, GitError> {
        Ok(self.header(id)?.kind())
    }

    fn header(&self, id: ObjectId) -> Result<gix::odb::find::Header, GitError> {
        match self.inner.try_find_header(id) {
            Ok(Some(header)) => Ok(header),
            Ok(None) if self.is_shallow() => Err(GitError::Shallow),
            Ok(None) => Err(GitError::ObjectMissing { id: id.to_string() }),
            Err(_) => Err(GitError::ObjectCorrupt { id: id.to_string() }),
        }
    }

    /// Reads an object and hashes it again: what is returned is what `id` names.
    fn object(&self, id: ObjectId, kind: Kind) -> Result<Vec<u8>, GitError> {
        let header = self.header(id)?;
        let corrupt = || GitError::ObjectCorrupt { id: id.to_string() };
        if header.kind() != kind {
            return Err(corrupt());
        }
        if header.size() > MAX_OBJECT_BYTES {
            return Err(GitError::ObjectTooLarge { id: id.to_string() });
        }
        let object = self.inner.find_object(id).map_err(|_| corrupt())?;
        let content = object.detach().data;
        // Fails, too, for one half of a SHA-1 collision.
        match gix::objs::compute_hash(id.kind(), kind, &content) {
            Ok(computed) if computed == id => Ok(content),
            _ => Err(corrupt()),
        }
    }
}

/// Why a fact can't be had from a repository.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// Neither the path nor a folder above it is in a repository.
    #[error("no git repository holds `{}`; go into a clone, or name one", .path.display())]
    NotARepository {
        /// Where the search began.
        path: PathBuf,
    },
    /// A part of the repository can't be read.
    #[error("{what} can't be read; `git fsck` may tell why")]
    Unreadable {
        /// The part.
        what: &'static str,
        /// The cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The repository has no work tree.
    #[error("the repository is bare, and has no files to look at; go into a clone with a work tree")]
    Bare,
    /// History that is needed was cut off.
    #[error("the clone is shallow, and the history that is needed isn't there; run `git fetch --unshallow`")]
    Shallow,
    /// Nothing goes by that name.
    #[error("the revision `{revision}` names nothing here; fetch it, or check its spelling")]
    RevisionUnknown {
        /// As it was given.
        revision: String,
    },
    /// More than one object goes by that name.
    #[error("the revision `{revision}` names more than one object; write the whole id")]
    RevisionAmbiguous {
        /// As it was given.
        revision: String,
    },
    /// The revision names a tree or a blob.
    #[error("the revision `{revision}` isn't a commit; name a commit, a branch or a tag")]
    NotACommit {
        /// As it was given.
        revision: String,
    },
    /// The commit has no regular file there.
    #[error("the commit `{revision}` has no file `{path}`")]
    NoSuchFile {
        /// As it was given.
        revision: String,
        /// As it was given.
        path: String,
    },
    /// An object isn't there, in a repository that should be complete.
    #[error("the git object {id} is missing; fetch it, or clone again")]
    ObjectMissing {
        /// Its id.
        id: String,
    },
    /// An object's bytes are not those of its id, or make no sense.
    #[error("the git object {id} is corrupt; clone again")]
    ObjectCorrupt {
        /// Its id.
        id: String,
    },
    /// An object is larger than any that is read.
    #[error("the git object {id} is larger than {MAX_OBJECT_BYTES} bytes, and isn't read")]
    ObjectTooLarge {
        /// Its id.
        id: String,
    },
    /// More commits than one statement can have as subjects.
    #[error("there are more than {limit} commits between the two; take a nearer base")]
    TooManyCommits {
        /// The most that are listed.
        limit: usize,
    },
    /// More than is looked at in one work tree.
    #[error("there are more than {limit} {what}; that is more than is looked at")]
    TooMany {
        /// What was counted.
        what: &'static str,
        /// The most of it.
        limit: usize,
    },
    /// Git would run a program to store the file, which isn't done.
    #[error("`{path}` is stored through a filter program (as by git-lfs), which is never run; commit the file and try again")]
    FilterNeeded {
        /// The path from the top of the work tree.
        path: String,
    },
    /// Something in the work tree that git can't store either, or that isn't understood.
    #[error("`{path}` can't be put into a tree: {why}")]
    NotStorable {
        /// The path from the top of the work tree.
        path: String,
        /// The cause.
        why: &'static str,
    },
    /// A file of the work tree can't be read.
    #[error("`{path}` can't be read")]
    Io {
        /// The path from the top of the work tree.
        path: String,
        /// The cause.
        source: io::Error,
    },
}

/// Returns options under which opening a stranger's repository runs nothing and obeys no variable of the environment
/// but those that say where the user's configuration lies.
fn open_options() -> gix::open::Options {
    use gix::open::permissions::{Attributes, Config, Environment};

    let permissions = gix::open::Permissions {
        env: Environment { home: sec::Permission::Allow, xdg_config_home: sec::Permission::Allow, ..Environment::isolated() },
        config: Config { system: true, git: true, user: true, includes: true, ..Config::isolated() },
        attributes: Attributes { system: true, git: true, ..Attributes::isolated() },
    };
    gix::open::Options::default()
        .permissions(permissions)
        .with(sec::Trust::Full)
        // With replacements one id would give another object's bytes.
        .config_overrides(["core.useReplaceRefs=false"])
}

fn git_digest(algorithm: Algorithm, id: ObjectId) -> Result<Digest, GitError> {
    Digest::new(algorithm, id.to_hex().to_string()).map_err(|_| GitError::ObjectCorrupt { id: id.to_string() })
}

fn object_id(digest: &Digest) -> Result<ObjectId, GitError> {
    ObjectId::from_hex(digest.hex().as_bytes()).map_err(|_| GitError::RevisionUnknown { revision: digest.to_string() })
}

fn unreadable<E>(what: &'static str) -> impl FnOnce(E) -> GitError
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    move |source| GitError::Unreadable { what, source: source.into() }
}

/// Largest object that is read into memory.
const MAX_OBJECT_BYTES: u64 = 64 << 20;
/// Longest chain of tags of tags.
const MAX_NESTED_TAGS: usize = 16;
