//! One commit: its bytes, and what they say.
//! Whether the names in it are true is nobody's claim here: whoever writes a commit chooses them.

use countersign::digest::{Algorithm, Digest};
use countersign::time::Time;
use gix::ObjectId;
use gix::bstr::ByteSlice as _;

use super::{GitError, git_digest};

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Commit {
    /// The commit's id.
    pub id: Digest,
    /// The id of its tree.
    pub tree: Digest,
    /// The ids of its parents, in their order.
    pub parents: Vec<Digest>,
    /// The object's content, as `git cat-file commit` prints it.
    pub object: Vec<u8>,
    /// When it says that it was committed.
    pub committed_at: Time,
    /// The author, as `Name <address>`.
    pub author: String,
    /// The committer, as `Name <address>`.
    pub committer: String,
    /// Whoever stands in a `Co-authored-by:` line, wherever in the message.
    pub co_authors: Vec<String>,
}

impl Commit {
    /// Returns the SHA-256 of the object's content, which stands beside the commit's id in a statement.
    #[must_use]
    pub fn object_sha256(&self) -> Digest {
        Digest::sha256(&self.object)
    }

    pub(super) fn parse(id: ObjectId, object: Vec<u8>) -> Result<Self, GitError> {
        let corrupt = || GitError::ObjectCorrupt { id: id.to_string() };
        let parsed = gix::objs::CommitRef::from_bytes(&object, id.kind()).map_err(|_| corrupt())?;
        let hash = |hex: &[u8]| ObjectId::from_hex(hex).map_err(|_| corrupt());
        let parents = parsed.parents.iter().map(|parent| git_digest(Algorithm::GitCommit, hash(parent)?));
        let seconds = parsed.time().map_err(|_| corrupt())?.seconds;
        let commit = Self {
            id: git_digest(Algorithm::GitCommit, id)?,
            tree: git_digest(Algorithm::GitTree, hash(parsed.tree)?)?,
            parents: parents.collect::<Result<_, _>>()?,
            object: Vec::new(),
            committed_at: Time::from_unix(seconds).map_err(|_| corrupt())?,
            author: person(parsed.author),
            committer: person(parsed.committer),
            co_authors: co_authors(parsed.message),
        };
        drop(parsed);
        Ok(Self { object, ..commit })
    }
}

/// Returns `Name <address>` without the time that follows it.
fn person(line: &[u8]) -> String {
    let name = line.rfind_byte(b'>').and_then(|end| line.get(..=end)).unwrap_or(line);
    name.to_str_lossy().trim().to_owned()
}

/// Returns the values of all lines that read as a co-author's, even where git sees no trailer: a name too many only
/// keeps somebody from approving, a name too few would let an author approve.
fn co_authors(message: &[u8]) -> Vec<String> {
    let of_line = |line: &[u8]| {
        let (key, value) = line.split_once_str(":")?;
        key.trim().eq_ignore_ascii_case(b"co-authored-by").then(|| value.to_str_lossy().trim().to_owned())
    };
    message.lines().filter_map(of_line).collect()
}
