//! A store in a directory: one file a bundle, and empty files that say which bundles are about what.
//! How files are opened and written safely stands in the modules below.

mod folder;
mod incoming;

use std::fs;
use std::path::{Path, PathBuf};

use countersign::bundle::Bundle;
use countersign::digest::{Algorithm, Digest};
use countersign::limits::BUNDLE_BYTES;

use crate::error::StoreError;
use crate::lookup::{MOST_FOUND, Selection, subject_digests};
use crate::store::{Location, Store};
use folder::Folder;

/// Bundles in a directory, for any number of processes at once.
///
/// ```text
/// .gitignore                                  so that evidence isn't committed by accident
/// bundles/<sha256 of the bundle>.sigstore.json
/// by-digest/<algorithm>/<hex>/<sha256 of the bundle>      empty: that bundle has a subject with this digest
/// incoming/                                   what isn't whole yet; never read
/// ```
///
/// A bundle is whole and on the disk before the first empty file names it, so a writer may be killed at any moment:
/// what it left is either nothing or found. Nobody has to hold a lock, because nothing is ever changed or removed.
///
/// Whatever isn't as it must be is an error, since something else in the place of evidence is evidence that's missing: a
/// link, a pipe, a bundle whose content isn't what its name says, a bundle that is named and gone. Only a file that's
/// larger than a bundle may be isn't compared with its name, which would mean to read it whole: its first
/// [`BUNDLE_BYTES`] + 1 bytes are handed over, and every inquiry refuses them for their number.
#[derive(Clone, Debug)]
pub struct DirStore {
    path: PathBuf,
}

impl DirStore {
    /// Opens the store in an existing directory; an empty directory is an empty store.
    ///
    /// # Errors
    /// [`StoreError::Missing`] without such a directory, [`StoreError::NotAStore`] if it holds anything else.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let store = Self { path: path.into() };
        store.enter()?;
        Ok(store)
    }

    /// Opens the store in a directory, and makes both if they don't exist.
    ///
    /// # Errors
    /// [`StoreError::NotAStore`] if the directory holds anything else; otherwise what keeps it from being made.
    pub fn create(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let store = Self { path: path.into() };
        make_directories(&store.path).map_err(|source| StoreError::NotCreated { path: store.path.clone(), source })?;
        let layout = Layout::made_in(&store.enter()?)?;
        // Whoever makes a store means to write: better told now than after an hour's work.
        incoming::prove_writable(&layout.incoming)?;
        Ok(store)
    }

    /// Opens the directory anew for each use, so that a store that was removed is missed, not found empty.
    fn enter(&self) -> Result<Folder, StoreError> {
        let root = Folder::at(&self.path)?;
        // Both directories among them, since another process may make them right now.
        let is_ours = |name: &String| [BUNDLES, BY_DIGEST, INCOMING, GIT_IGNORE, GIT_KEEP].contains(&name.as_str());
        if !root.has(BY_DIGEST)? && !root.has(BUNDLES)? && !root.names(6)?.iter().all(is_ours) {
            return Err(StoreError::NotAStore { path: self.path.clone() });
        }
        Ok(root)
    }
}

impl Store for DirStore {
    fn put(&self, bundle: &Bundle) -> Result<Location, StoreError> {
        let layout = Layout::made_in(&self.enter()?)?;
        let file_name = file_name(bundle.digest());
        // 1. The bundle. A file of another content is what a broken disk left, or somebody's change: it's replaced.
        if layout.bundles.read(&file_name, BUNDLE_BYTES + 1)?.as_deref() != Some(bundle.bytes()) {
            incoming::write(&layout.incoming, bundle.bytes(), &layout.bundles, &file_name)?;
        }
        layout.bundles.sync()?;
        // 2. Whatever names it. All of it first and on the disk together, since a thousand subjects would be a thousand waits.
        let digests = subject_digests(bundle);
        for digest in &digests {
            layout.by_digest.make(digest.algorithm().name())?.make(digest.hex())?.mark(bundle.digest().hex())?;
        }
        for digest in &digests {
            layout.by_digest.make(digest.algorithm().name())?.make(digest.hex())?.sync()?;
        }
        for algorithm in digests.iter().map(Digest::algorithm).collect::<std::collections::BTreeSet<_>>() {
            layout.by_digest.make(algorithm.name())?.sync()?;
        }
        layout.by_digest.sync()?;
        Ok(Location::Path(self.path.join(BUNDLES).join(file_name)))
    }

    fn find(&self, digest: &Digest, predicate_types: &[String]) -> Result<Vec<Vec<u8>>, StoreError> {
        let root = self.enter()?;
        // In the opposite order to a writer's, who may be at work right now: whatever is found has all that it needs.
        let has_bundles = root.has(BUNDLES)?;
        let Some(by_digest) = root.open(BY_DIGEST)? else {
            return if has_bundles { Err(StoreError::Removed { place: BY_DIGEST.to_owned() }) } else { Ok(Vec::new()) };
        };
        let Some(algorithm) = by_digest.open(digest.algorithm().name())? else { return Ok(Vec::new()) };
        let Some(markers) = algorithm.open(digest.hex())? else { return Ok(Vec::new()) };
        let names = markers.names(MOST_FOUND)?;
        let bundles = root.open(BUNDLES)?;
        let mut selection = Selection::among(names.len(), predicate_types);
        for name in &names {
            let bundle = Digest::new(Algorithm::Sha256, name.as_str()).map_err(|_| StoreError::Misplaced {
                place: markers.place_of(name),
                found: "something else",
                expected: "the name of a bundle",
            })?;
            markers.check_file(name)?;
            selection.offer(read_bundle(bundles.as_ref(), &bundle)?)?;
        }
        Ok(selection.finish())
    }

    fn uri(&self) -> String {
        format!("dir:{}", self.path.display())
    }
}

fn read_bundle(bundles: Option<&Folder>, digest: &Digest) -> Result<Vec<u8>, StoreError> {
    let name = file_name(digest);
    let place = || format!("{BUNDLES}/{name}");
    let bytes = bundles.map(|bundles| bundles.read(&name, BUNDLE_BYTES + 1)).transpose()?.flatten();
    let bytes = bytes.ok_or_else(|| StoreError::Removed { place: place() })?;
    if bytes.len() <= BUNDLE_BYTES && Digest::sha256(&bytes) != *digest {
        return Err(StoreError::Altered { place: place() });
    }
    Ok(bytes)
}

fn file_name(bundle: &Digest) -> String {
    format!("{}.sigstore.json", bundle.hex())
}

/// The directories of a store that is written to.
struct Layout {
    incoming: Folder,
    by_digest: Folder,
    bundles: Folder,
}

impl Layout {
    /// Makes what is missing, in an order in which every beginning is an empty store.
    fn made_in(root: &Folder) -> Result<Self, StoreError> {
        let incoming = root.make(INCOMING)?;
        // Only in the beginning: whoever removes it later wants the evidence in git.
        if !root.has(BY_DIGEST)? && !root.has(GIT_IGNORE)? {
            incoming::write(&incoming, b"*\n", root, GIT_IGNORE)?;
        }
        let layout = Self { incoming, by_digest: root.make(BY_DIGEST)?, bundles: root.make(BUNDLES)? };
        root.sync()?;
        Ok(layout)
    }
}

/// Makes a directory and those above it, so that they would survive a power cut.
fn make_directories(path: &Path) -> std::io::Result<()> {
    let parent = |path: &Path| path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
    let new: Vec<_> = path.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists()).map(parent).collect();
    fs::create_dir_all(path)?;
    // As far as that is possible: somebody else's directory can be unreadable.
    new.iter().filter_map(|parent| fs::File::open(parent).ok()).for_each(|parent| drop(parent.sync_all()));
    Ok(())
}

const BUNDLES: &str = "bundles";
const BY_DIGEST: &str = "by-digest";
const INCOMING: &str = "incoming";
const GIT_IGNORE: &str = ".gitignore";
const GIT_KEEP: &str = ".gitkeep";
