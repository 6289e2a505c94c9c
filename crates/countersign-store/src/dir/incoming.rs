//! Files on their way into the store: written beside it, and moved to their place when they are whole.
//! What a killed writer left is removed by a later one; nobody ever reads it.

use std::fs::{File, Metadata};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::Write as _;
use std::time::Duration;

use super::folder::Folder;
use crate::error::StoreError;

/// Writes a file whole, or not at all: after a kill at any moment the name stands for nothing, the old or the new content.
pub(super) fn write(incoming: &Folder, bytes: &[u8], folder: &Folder, name: &str) -> Result<(), StoreError> {
    let draft = Draft::begin(incoming)?;
    let failed = |error| StoreError::writing(folder.place_of(name), error);
    (&draft.file).write_all(bytes).and_then(|()| draft.file.sync_all()).map_err(failed)?;
    draft.sweep();
    incoming.move_to(&draft.name, folder, name)
}

/// Makes a draft and removes it.
pub(super) fn prove_writable(incoming: &Folder) -> Result<(), StoreError> {
    Draft::begin(incoming).map(drop)
}

/// A file that isn't whole yet; what is left of it goes when this does.
struct Draft<'a> {
    incoming: &'a Folder,
    name: String,
    /// Locked, which tells other processes that its writer lives; a killed writer's lock goes with it.
    file: File,
}

impl<'a> Draft<'a> {
    fn begin(incoming: &'a Folder) -> Result<Self, StoreError> {
        for _ in 0..ATTEMPTS {
            // Not the process's id: two containers can have the same.
            let name = format!("{:016x}", RandomState::new().build_hasher().finish());
            if let Some(file) = incoming.create_new(&name)? {
                // A file system without locks keeps what killed writers leave, since nobody can lock it there.
                let _ = file.try_lock();
                return Ok(Self { incoming, name, file });
            }
        }
        Err(StoreError::writing(incoming.place_of("new"), rustix::io::Errno::EXIST))
    }

    /// Removes what killed writers left.
    ///
    /// Old by the file system's own clock, so that no clock of ours is needed, and a file is safe between its making and its
    /// locking. Not locked, so that a writer may sleep as long as it likes.
    fn sweep(&self) {
        let Ok(now) = self.file.metadata() else { return };
        for name in self.incoming.names(MOST_SWEPT).unwrap_or_default() {
            if name == self.name {
                continue;
            }
            let Some(file) = self.incoming.open_file(&name) else { continue };
            if file.metadata().is_ok_and(|then| is_old(&then, &now)) && file.try_lock_shared().is_ok() {
                self.incoming.remove(&name);
            }
        }
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        // Nothing of that name is there any more if it was moved; the name is never used again.
        self.incoming.remove(&self.name);
    }
}

fn is_old(then: &Metadata, now: &Metadata) -> bool {
    let (Ok(then), Ok(now)) = (then.modified(), now.modified()) else { return false };
    now.duration_since(then).is_ok_and(|age| age > ABANDONED_AFTER)
}

const ATTEMPTS: usize = 16;
/// The rest is left to the next writer.
const MOST_SWEPT: usize = 1_024;
const ABANDONED_AFTER: Duration = Duration::from_secs(60 * 60);
