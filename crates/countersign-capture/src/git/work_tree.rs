//! The tree of a work tree as it lies on disk: what `git add --all && git write-tree` would give.
//! Nothing is written, no filter program is run, and apart from files that need one, no time stamp is believed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use countersign::digest::{Algorithm, Digest};
use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice as _};
use gix::filter::plumbing::{self as filter, pipeline::CrlfRoundTripCheck, pipeline::convert::ToGitOutcome};
use gix::index::entry::{Flags, Mode};
use gix::objs::Kind;
use gix::objs::tree::EntryKind;

use super::path::quoted;
use super::{GitError, Repository, git_digest, object_id, open_options, unreadable};

impl Repository {
    /// Returns the id of the tree of all tracked files and all untracked ones that aren't ignored, as they are on disk.
    ///
    /// It is what `git add --all && git write-tree` would give, except that files marked `assume-unchanged` are looked
    /// at like all others. A submodule counts with the commit that it has checked out.
    ///
    /// # Errors
    /// [`GitError::Bare`]; [`GitError::FilterNeeded`] for a changed file that a program would have to filter;
    /// [`GitError::NotStorable`]; [`GitError::TooMany`]; [`GitError::Io`].
    pub fn work_tree_id(&self) -> Result<Digest, GitError> {
        let index = self.index()?;
        git_digest(Algorithm::GitTree, self.tree_on_disk(&index, Scope::TrackedAndUntracked, &[])?)
    }

    /// Returns what [`Repository::work_tree_id`] would without the files at `left_out`, and in folders there, that are
    /// untracked. Paths begin at the top of the work tree.
    ///
    /// # Errors
    /// As [`Repository::work_tree_id`].
    pub fn work_tree_id_without(&self, left_out: &[&Path]) -> Result<Digest, GitError> {
        let index = self.index()?;
        git_digest(Algorithm::GitTree, self.tree_on_disk(&index, Scope::TrackedAndUntracked, left_out)?)
    }

    /// Returns true if anything tracked differs from `HEAD`, in the index or on disk.
    ///
    /// # Errors
    /// As [`Repository::work_tree_id`].
    pub fn has_tracked_changes(&self) -> Result<bool, GitError> {
        self.differs_from_head(Scope::Tracked)
    }

    /// Returns true if anything tracked differs from `HEAD`, in the index or on disk, or a file is neither tracked nor
    /// ignored.
    ///
    /// # Errors
    /// As [`Repository::work_tree_id`].
    pub fn is_dirty(&self) -> Result<bool, GitError> {
        self.differs_from_head(Scope::TrackedAndUntracked)
    }

    fn differs_from_head(&self, scope: Scope) -> Result<bool, GitError> {
        let head = match self.head()?.commit {
            Some(commit) => object_id(&self.commit(commit.hex())?.tree)?,
            None => ObjectId::empty_tree(self.inner.object_hash()),
        };
        let index = self.index()?;
        if tree_in_index(&index)? != Some(head) {
            return Ok(true);
        }
        Ok(self.tree_on_disk(&index, scope, &[])? != head)
    }

    fn index(&self) -> Result<gix::index::File, GitError> {
        if self.work_tree().is_none() {
            return Err(GitError::Bare);
        }
        match std::fs::symlink_metadata(self.inner.index_path()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let state = gix::index::State::new(self.inner.object_hash());
                Ok(gix::index::File::from_state(state, self.inner.index_path()))
            }
            _ => self.inner.open_index().map_err(unreadable("the index")),
        }
    }

    fn tree_on_disk(&self, index: &gix::index::File, scope: Scope, left_out: &[&Path]) -> Result<ObjectId, GitError> {
        let mut leaves = Leaves::default();
        for entry in index.entries() {
            let path = entry.path(index);
            if entry.flags.contains(Flags::SKIP_WORKTREE) && self.is_absent(path) {
                let kind = entry.mode.to_tree_entry_mode().ok_or_else(|| not_storable(path, "its mode is unknown"))?.kind();
                leaves.insert(without_slash(path), kind, entry.id)?;
            } else if entry.mode == Mode::DIR {
                return Err(not_storable(path, "it is folded up in a sparse index; run `git sparse-checkout reapply --no-sparse-index`"));
            }
        }
        Walk::new(self, index, scope, left_out)?.run(&mut leaves)?;
        leaves.tree(index.object_hash())
    }

    /// Returns true if nothing is there, and nothing but a folder where one of its folders should be.
    fn is_absent(&self, path: &BStr) -> bool {
        let Some(top) = self.work_tree() else { return true };
        let mut place = top.to_owned();
        for component in path.split_str("/").filter(|component| !component.is_empty()) {
            if !std::fs::symlink_metadata(&place).is_ok_and(|metadata| metadata.is_dir()) {
                return false;
            }
            place.push(std::ffi::OsStr::from_bytes(component));
            if std::fs::symlink_metadata(&place).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
                return true;
            }
        }
        false
    }
}

/// Which files count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Tracked,
    TrackedAndUntracked,
}

/// A walk through the files on disk.
struct Walk<'r> {
    repository: &'r Repository,
    index: &'r gix::index::File,
    scope: Scope,
    left_out: &'r [&'r Path],
    top: PathBuf,
    attributes: gix::AttributeStack<'r>,
    filters: filter::Pipeline,
    matched: gix::attrs::search::Outcome,
    tracked: BTreeMap<&'r BStr, &'r gix::index::Entry>,
    tracked_folders: BTreeSet<&'r BStr>,
    has_file_modes: bool,
    has_links: bool,
}

/// A folder to look into.
struct Folder {
    path: BString,
    is_ignored: bool,
}

impl<'r> Walk<'r> {
    fn new(repository: &'r Repository, index: &'r gix::index::File, scope: Scope, left_out: &'r [&'r Path]) -> Result<Self, GitError> {
        use gix::worktree::stack::state::{attributes, ignore};

        let inner = &repository.inner;
        let mut options = gix::filter::Pipeline::options(inner).map_err(unreadable("the configuration of filters"))?;
        // Without drivers nothing can be run, whatever the configuration names.
        options.drivers.clear();
        options.crlf_roundtrip_check = CrlfRoundTripCheck::Skip;
        let filters = filter::Pipeline::new(gix::command::Context::default(), inner.object_hash(), options);
        let attributes = inner
            .attributes(index, attributes::Source::WorktreeThenIdMapping, ignore::Source::WorktreeThenIdMappingIfNotSkipped, None)
            .map_err(unreadable("the files that say what is ignored and filtered"))?;
        let mut matched = gix::attrs::search::Outcome::default();
        matched.initialize_with_selection(&Default::default(), ["filter"]);
        let configuration = inner.config_snapshot();
        let mut walk = Self {
            repository,
            index,
            scope,
            left_out,
            top: repository.work_tree().ok_or(GitError::Bare)?.to_owned(),
            attributes,
            filters,
            matched,
            tracked: BTreeMap::new(),
            tracked_folders: BTreeSet::new(),
            has_file_modes: configuration.boolean("core.fileMode").unwrap_or(true),
            has_links: configuration.boolean("core.symlinks").unwrap_or(true),
        };
        for entry in index.entries() {
            let path = entry.path(index);
            walk.tracked.insert(path, entry);
            let mut folder = path;
            while let Some(end) = folder.rfind_byte(b'/') {
                folder = folder.get(..end).unwrap_or_default().as_bstr();
                if !walk.tracked_folders.insert(folder) {
                    break;
                }
            }
        }
        Ok(walk)
    }

    fn run(mut self, leaves: &mut Leaves) -> Result<(), GitError> {
        let mut open = vec![Folder { path: BString::default(), is_ignored: false }];
        while let Some(folder) = open.pop() {
            let on_disk = self.on_disk(folder.path.as_bstr());
            let listing = std::fs::read_dir(&on_disk).map_err(|error| io_error(folder.path.as_bstr(), error))?;
            for entry in listing {
                let entry = entry.map_err(|error| io_error(folder.path.as_bstr(), error))?;
                let name = entry.file_name();
                if name == ".git" {
                    continue;
                }
                let mut path = folder.path.clone();
                if !path.is_empty() {
                    path.push(b'/');
                }
                path.extend_from_slice(name.as_bytes());
                let metadata = entry.metadata().map_err(|error| io_error(path.as_bstr(), error))?;
                if metadata.is_dir() {
                    open.extend(self.folder(path, folder.is_ignored, leaves)?);
                } else {
                    self.file(path.as_bstr(), folder.is_ignored, &metadata, leaves)?;
                }
                if open.len() > MAX_FILES {
                    return Err(GitError::TooMany { what: "folders in the work tree", limit: MAX_FILES });
                }
            }
        }
        Ok(())
    }

    /// Takes a folder as a submodule, or returns it to be looked into.
    fn folder(&mut self, path: BString, in_ignored: bool, leaves: &mut Leaves) -> Result<Option<Folder>, GitError> {
        let tracked = self.tracked.get(path.as_bstr()).copied();
        let holds_tracked = self.tracked_folders.contains(path.as_bstr());
        if let Some(submodule) = tracked.filter(|entry| entry.mode == Mode::COMMIT) {
            // One that isn't checked out keeps the commit that the index has.
            let id = self.commit_of(path.as_bstr())?.unwrap_or(submodule.id);
            leaves.insert(path.as_bstr(), EntryKind::Commit, id)?;
            return Ok(None);
        }
        let is_ignored = in_ignored || (tracked.is_none() && self.is_ignored(path.as_bstr(), Some(Mode::DIR))?);
        let untracked_counts = self.scope == Scope::TrackedAndUntracked && !is_ignored;
        if !holds_tracked
            && (untracked_counts || tracked.is_some())
            && let Some(commit) = self.commit_of(path.as_bstr())?
        {
            leaves.insert(path.as_bstr(), EntryKind::Commit, commit)?;
            return Ok(None);
        }
        Ok((holds_tracked || untracked_counts).then_some(Folder { path, is_ignored }))
    }

    fn file(&mut self, path: &BStr, in_ignored: bool, metadata: &Metadata, leaves: &mut Leaves) -> Result<(), GitError> {
        let tracked = self.tracked.get(path).copied();
        let counts = tracked.is_some()
            || (self.scope == Scope::TrackedAndUntracked && !in_ignored && !self.is_left_out(path) && !self.is_ignored(path, None)?);
        if !counts {
            return Ok(());
        }
        let indexed = tracked.map(|entry| entry.mode);
        if metadata.is_symlink() {
            let target = std::fs::read_link(self.on_disk(path)).map_err(|error| io_error(path, error))?;
            let id = hash(self.index.object_hash(), path, target.as_os_str().as_bytes())?;
            return leaves.insert(path, EntryKind::Link, id);
        }
        if !metadata.is_file() {
            // Git doesn't see sockets and pipes, unless one stands where a tracked file was.
            return if tracked.is_some() { Err(not_storable(path, "it is neither a file, a link nor a folder")) } else { Ok(()) };
        }
        if !self.has_links && indexed == Some(Mode::SYMLINK) {
            let id = raw_id(self.index.object_hash(), &self.on_disk(path), path)?;
            return leaves.insert(path, EntryKind::Link, id);
        }
        let is_executable = if self.has_file_modes { metadata.mode() & 0o100 != 0 } else { indexed == Some(Mode::FILE_EXECUTABLE) };
        let kind = if is_executable { EntryKind::BlobExecutable } else { EntryKind::Blob };
        let id = self.file_id(path, tracked)?;
        leaves.insert(path, kind, id)
    }

    /// Returns the id that git would store the file under, with line endings and encoding converted.
    fn file_id(&mut self, path: &BStr, tracked: Option<&gix::index::Entry>) -> Result<ObjectId, GitError> {
        let on_disk = self.on_disk(path);
        let platform = self.attributes.at_entry(path, Some(Mode::FILE)).map_err(unreadable("`.gitattributes`"))?;
        self.matched.reset();
        platform.matching_attributes(&mut self.matched);
        let needs_program = self.matched.iter_selected().any(|found| matches!(found.assignment.state, gix::attrs::StateRef::Value(_)));
        if needs_program {
            return self.id_if_unchanged(path, tracked);
        }
        let file = open_file(&on_disk).map_err(|error| io_error(path, error))?;
        let index = self.index;
        let objects = &self.repository.inner.objects;
        let converted = self
            .filters
            .convert_to_git(
                file.take(MAX_CONVERTED_BYTES),
                Path::new(std::ffi::OsStr::from_bytes(path)),
                &mut |_, matched| {
                    platform.matching_attributes(matched);
                },
                &mut |buffer| {
                    let Some(entry) = index.entry_by_path(path) else { return Ok(None) };
                    let object = gix::objs::Find::try_find(objects, &entry.id, buffer)?;
                    Ok(object.filter(|object| object.kind == Kind::Blob).map(|_| ()))
                },
            )
            .map_err(unreadable("a file whose encoding or line endings are converted"))?;
        match converted {
            ToGitOutcome::Unchanged(_) => raw_id(index.object_hash(), &on_disk, path),
            ToGitOutcome::Buffer(bytes) if (bytes.len() as u64) < MAX_CONVERTED_BYTES => hash(index.object_hash(), path, bytes),
            ToGitOutcome::Buffer(_) => Err(not_storable(path, "it is too large for its line endings to be looked at")),
            ToGitOutcome::Process(_) => Err(GitError::FilterNeeded { path: quoted(path) }),
        }
    }

    /// Returns the id that the index has, if its record of the file proves that git would not look at it again.
    fn id_if_unchanged(&self, path: &BStr, tracked: Option<&gix::index::Entry>) -> Result<ObjectId, GitError> {
        let needed = || GitError::FilterNeeded { path: quoted(path) };
        let entry = tracked.filter(|entry| entry.stage_raw() == 0).ok_or_else(needed)?;
        let metadata = gix::index::fs::Metadata::from_path_no_follow(&self.on_disk(path)).map_err(|error| io_error(path, error))?;
        let found = gix::index::entry::Stat::from_fs(&metadata).map_err(|_| needed())?;
        // The strictest comparison, whatever the configuration says.
        let strict = gix::index::entry::stat::Options { trust_ctime: true, check_stat: true, use_nsec: true, use_stdev: false };
        let is_proof = entry.stat.matches(&found, strict) && !entry.stat.is_racy(self.index.timestamp(), strict);
        if is_proof { Ok(entry.id) } else { Err(needed()) }
    }

    fn is_left_out(&self, path: &BStr) -> bool {
        let path = Path::new(std::ffi::OsStr::from_bytes(path));
        self.left_out.iter().any(|left_out| path.starts_with(left_out))
    }

    fn is_ignored(&mut self, path: &BStr, mode: Option<Mode>) -> Result<bool, GitError> {
        let platform = self.attributes.at_entry(path, mode).map_err(unreadable("`.gitignore`"))?;
        Ok(platform.is_excluded())
    }

    /// Returns the commit that the repository in a folder has checked out; `None` if the folder is no repository.
    fn commit_of(&self, path: &BStr) -> Result<Option<ObjectId>, GitError> {
        let folder = self.on_disk(path);
        if std::fs::symlink_metadata(folder.join(".git")).is_err() {
            return Ok(None);
        }
        // Like git, a `.git` that is nothing of the kind makes no repository.
        let Ok(inner) = gix::open_opts(folder, open_options()) else { return Ok(None) };
        let head = inner.head().map_err(unreadable("a submodule's `HEAD`"))?;
        match head.id() {
            Some(id) => Ok(Some(id.detach())),
            None => Err(not_storable(path, "it is a repository without a commit; commit in it, or ignore it")),
        }
    }

    fn on_disk(&self, path: &BStr) -> PathBuf {
        if path.is_empty() { self.top.clone() } else { self.top.join(std::ffi::OsStr::from_bytes(path)) }
    }
}

/// The files, links and submodules of a tree.
#[derive(Default)]
struct Leaves(BTreeMap<BString, (EntryKind, ObjectId)>);

impl Leaves {
    fn insert(&mut self, path: &BStr, kind: EntryKind, id: ObjectId) -> Result<(), GitError> {
        self.0.insert(path.to_owned(), (kind, id));
        if self.0.len() > MAX_FILES {
            return Err(GitError::TooMany { what: "files in the work tree", limit: MAX_FILES });
        }
        Ok(())
    }

    fn tree(self, hash_kind: gix::hash::Kind) -> Result<ObjectId, GitError> {
        let mut editor = gix::objs::tree::Editor::new(gix::objs::Tree::empty(), &gix::objs::find::Never, hash_kind);
        for (path, (kind, id)) in self.0 {
            editor
                .upsert(path.split_str("/").map(|component| component.as_bstr()), kind, id)
                .map_err(|_| not_storable(path.as_bstr(), "git allows no such path"))?;
        }
        editor.write(|tree| {
            let mut content = Vec::new();
            gix::objs::WriteTo::write_to(tree, &mut content)
                .map_err(|_| not_storable(BStr::new("."), "a name in it is none that git allows"))?;
            hash_as(hash_kind, Kind::Tree, BStr::new("."), &content)
        })
    }
}

/// Returns the tree that the index stands for; `None` while a conflict isn't resolved.
fn tree_in_index(index: &gix::index::File) -> Result<Option<ObjectId>, GitError> {
    let mut leaves = Leaves::default();
    for entry in index.entries() {
        if entry.stage_raw() != 0 || entry.flags.contains(Flags::INTENT_TO_ADD) {
            return Ok(None);
        }
        let path = entry.path(index);
        let mode = entry.mode.to_tree_entry_mode().ok_or_else(|| not_storable(path, "its mode is unknown"))?;
        leaves.insert(without_slash(path), mode.kind(), entry.id)?;
    }
    leaves.tree(index.object_hash()).map(Some)
}

/// The path of a folder that a sparse index folds up ends in a slash.
fn without_slash(path: &BStr) -> &BStr {
    path.strip_suffix(b"/").unwrap_or(path).as_bstr()
}

/// Opens a file for reading, but no link, and without waiting for the other end of a pipe.
fn open_file(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

/// Hashes a file's bytes as they are, however many.
fn raw_id(hash_kind: gix::hash::Kind, on_disk: &Path, path: &BStr) -> Result<ObjectId, GitError> {
    let mut file = open_file(on_disk).map_err(|error| io_error(path, error))?;
    let length = file.metadata().map_err(|error| io_error(path, error))?.len();
    let never = AtomicBool::new(false);
    let mut progress = gix::progress::Discard;
    gix::objs::compute_stream_hash(hash_kind, Kind::Blob, &mut file, length, &mut progress, &never)
        .map_err(|_| not_storable(path, "it changed while it was read, or is one half of a SHA-1 collision"))
}

fn hash(hash_kind: gix::hash::Kind, path: &BStr, content: &[u8]) -> Result<ObjectId, GitError> {
    hash_as(hash_kind, Kind::Blob, path, content)
}

fn hash_as(hash_kind: gix::hash::Kind, kind: Kind, path: &BStr, content: &[u8]) -> Result<ObjectId, GitError> {
    gix::objs::compute_hash(hash_kind, kind, content).map_err(|_| not_storable(path, "it is one half of a SHA-1 collision"))
}

fn not_storable(path: &BStr, why: &'static str) -> GitError {
    GitError::NotStorable { path: quoted(path), why }
}

fn io_error(path: &BStr, source: io::Error) -> GitError {
    GitError::Io { path: if path.is_empty() { ".".to_owned() } else { quoted(path) }, source }
}

/// Most files, and most folders at a time, of a work tree.
const MAX_FILES: usize = 2_000_000;
/// Largest file that is read into memory to convert its line endings.
const MAX_CONVERTED_BYTES: u64 = 256 << 20;
