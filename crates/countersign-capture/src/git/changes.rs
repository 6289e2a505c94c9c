//! What differs between two trees, file by file.
//! It follows no renames and runs no diff program, so the same two trees always give the same answer.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use countersign::digest::{Algorithm, Digest};
use gix::ObjectId;
use gix::diff::blob;
use gix::objs::Kind;
use gix::objs::tree::EntryMode;

use super::{GitError, Repository, object_id};

/// One path that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// The path from the top, as UTF-8; quoted as git quotes it if it isn't, or holds `"`, `\` or a control character.
    pub path: String,
    /// What happened to it.
    pub kind: ChangeKind,
    /// The lines, where both sides are text of a size that is compared.
    pub lines: Option<LineCounts>,
}

/// What happened to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is there now and wasn't.
    Added,
    /// It was there and isn't.
    Removed,
    /// Its content, or whether it is executable, differs.
    Modified,
    /// It is something else now: a file, a link or a submodule.
    TypeChanged,
}

/// How many lines differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineCounts {
    /// Lines that are only in the second tree.
    pub added: u32,
    /// Lines that are only in the first tree.
    pub removed: u32,
}

impl Repository {
    /// Returns what differs from `base` to `head`, sorted by path; each is a commit or a tree.
    ///
    /// # Errors
    /// [`GitError::TooMany`] over 50,000 paths; or that an object is missing or corrupt.
    pub fn changes(&self, base: &Digest, head: &Digest) -> Result<Vec<Change>, GitError> {
        self.changes_between(Some(self.tree_of(base)?), self.tree_of(head)?)
    }

    /// Returns all that is in `head`, a commit or a tree, as added.
    ///
    /// # Errors
    /// As [`Repository::changes`].
    pub fn changes_from_nothing(&self, head: &Digest) -> Result<Vec<Change>, GitError> {
        self.changes_between(None, self.tree_of(head)?)
    }

    fn changes_between(&self, base: Option<ObjectId>, head: ObjectId) -> Result<Vec<Change>, GitError> {
        let mut changes = BTreeMap::new();
        let mut trees_read = 0;
        let mut line_budget = MAX_COMPARED_BYTES;
        let mut open = vec![(Vec::new(), base, Some(head))];
        while let Some((folder, before, after)) = open.pop() {
            if before == after {
                continue;
            }
            trees_read += 1;
            if trees_read > MAX_TREES {
                return Err(GitError::TooMany { what: "folders that differ", limit: MAX_TREES });
            }
            for (name, (before, after)) in self.pairs(before, after)? {
                let path = join(&folder, &name);
                if path.len() > MAX_PATH_BYTES {
                    return Err(GitError::TooMany { what: "bytes in a path", limit: MAX_PATH_BYTES });
                }
                let folder_of = |side: Option<Entry>| side.filter(|entry| entry.mode.is_tree()).map(|entry| entry.id);
                if folder_of(before).is_some() || folder_of(after).is_some() {
                    open.push((path.clone(), folder_of(before), folder_of(after)));
                }
                let leaf = |side: Option<Entry>| side.filter(|entry| !entry.mode.is_tree());
                if let Some(change) = self.change(&path, leaf(before), leaf(after), &mut line_budget)? {
                    changes.insert(path, change);
                }
                if changes.len() > MAX_CHANGES {
                    return Err(GitError::TooMany { what: "paths that differ", limit: MAX_CHANGES });
                }
            }
        }
        Ok(changes.into_values().collect())
    }

    /// Returns the entries that differ between two folders, by name.
    fn pairs(&self, before: Option<ObjectId>, after: Option<ObjectId>) -> Result<BTreeMap<Vec<u8>, Sides>, GitError> {
        let mut pairs = BTreeMap::<Vec<u8>, Sides>::new();
        for (name, entry) in self.entries(before)? {
            pairs.entry(name).or_default().0 = Some(entry);
        }
        for (name, entry) in self.entries(after)? {
            pairs.entry(name).or_default().1 = Some(entry);
        }
        pairs.retain(|_, (before, after)| before != after);
        Ok(pairs)
    }

    fn entries(&self, tree: Option<ObjectId>) -> Result<Vec<(Vec<u8>, Entry)>, GitError> {
        let Some(id) = tree else { return Ok(Vec::new()) };
        let content = self.object(id, Kind::Tree)?;
        gix::objs::TreeRefIter::from_bytes(&content, id.kind())
            .map(|entry| {
                let entry = entry.map_err(|_| GitError::ObjectCorrupt { id: id.to_string() })?;
                Ok((entry.filename.to_vec(), Entry { mode: entry.mode, id: entry.oid.to_owned() }))
            })
            .collect()
    }

    fn change(&self, path: &[u8], before: Option<Entry>, after: Option<Entry>, budget: &mut u64) -> Result<Option<Change>, GitError> {
        let kind = match (before, after) {
            (None, None) => return Ok(None),
            (None, Some(_)) => ChangeKind::Added,
            (Some(_), None) => ChangeKind::Removed,
            (Some(before), Some(after)) if before.mode.is_blob() && after.mode.is_blob() => ChangeKind::Modified,
            (Some(before), Some(after)) if before.mode == after.mode => ChangeKind::Modified,
            _ => ChangeKind::TypeChanged,
        };
        let lines = match (self.text(before, budget)?, self.text(after, budget)?) {
            (Some(before), Some(after)) => Some(count_lines(&before, &after)),
            _ => None,
        };
        Ok(Some(Change { path: quoted(path), kind, lines }))
    }

    /// Returns the bytes of one side if they are text of a size that is compared; nothing at all is an empty text.
    fn text(&self, side: Option<Entry>, budget: &mut u64) -> Result<Option<Vec<u8>>, GitError> {
        let Some(entry) = side else { return Ok(Some(Vec::new())) };
        if !entry.mode.is_blob_or_symlink() {
            return Ok(None);
        }
        let size = self.header(entry.id)?.size();
        if size > MAX_TEXT_BYTES || size > *budget {
            return Ok(None);
        }
        *budget -= size;
        let content = self.object(entry.id, Kind::Blob)?;
        let is_text = !content.iter().take(BINARY_PROBE_BYTES).any(|byte| *byte == 0);
        Ok(is_text.then_some(content))
    }

    fn tree_of(&self, digest: &Digest) -> Result<ObjectId, GitError> {
        match digest.algorithm() {
            Algorithm::GitTree => object_id(digest),
            _ => object_id(&self.commit(digest.hex())?.tree),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Entry {
    mode: EntryMode,
    id: ObjectId,
}

type Sides = (Option<Entry>, Option<Entry>);

fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    if folder.is_empty() { name.to_vec() } else { [folder, b"/", name].concat() }
}

fn count_lines(before: &[u8], after: &[u8]) -> LineCounts {
    let lines = blob::InternedInput::new(blob::sources::byte_lines(before), blob::sources::byte_lines(after));
    let diff = blob::Diff::compute(blob::Algorithm::Histogram, &lines);
    LineCounts { added: diff.count_additions(), removed: diff.count_removals() }
}

/// Writes a path so that no two paths look the same: as it is, or in double quotes as git does.
pub(super) fn quoted(path: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(path)
        && !text.chars().any(|character| character.is_control() || character == '"' || character == '\\')
    {
        return text.to_owned();
    }
    let mut text = String::from('"');
    for byte in path {
        match byte {
            b'"' => text.push_str("\\\""),
            b'\\' => text.push_str("\\\\"),
            b'\t' => text.push_str("\\t"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            0x20..=0x7e => text.push(char::from(*byte)),
            _ => {
                let _ = write!(text, "\\{byte:03o}");
            }
        }
    }
    text.push('"');
    text
}

/// Most paths that are listed.
const MAX_CHANGES: usize = 50_000;
/// Most folders that are compared.
const MAX_TREES: usize = 200_000;
/// Longest path.
const MAX_PATH_BYTES: usize = 4_096;
/// Largest file whose lines are counted.
const MAX_TEXT_BYTES: u64 = 8 << 20;
/// Most bytes of all files whose lines are counted.
const MAX_COMPARED_BYTES: u64 = 256 << 20;
/// How far git looks for a NUL, which makes a file binary.
const BINARY_PROBE_BYTES: usize = 8_000;

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn no_two_paths_look_the_same() {
        assert_eq!(quoted("grüße/a b.txt".as_bytes()), "grüße/a b.txt");
        assert_eq!(quoted(b"a\xff"), r#""a\377""#);
        assert_eq!(quoted(br#""a\377""#), r#""\"a\\377\"""#);
        assert_eq!(quoted(b"a\nb\x1b"), r#""a\nb\033""#);
    }
}
