//! Where peers are kept, each under its name and version, and how they get there.
//! Which peers there are, and what they are asked, is said elsewhere.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::repository::Repository;
use crate::run::Program;

/// The folder of peers, and the time until which something may be put into it.
pub(super) struct Workshop {
    folder: PathBuf,
    recipes: PathBuf,
    deadline: Instant,
}

impl Workshop {
    /// Opens `$COUNTERSIGN_PEERS`, or `countersign/peers` in the user's cache folder.
    pub(super) fn open(repository: &Repository, deadline: Instant) -> Result<Self, String> {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let cache = || variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")));
        let folder = variable("COUNTERSIGN_PEERS")
            .or_else(|| cache().map(|cache| cache.join("countersign/peers")))
            .ok_or("set COUNTERSIGN_PEERS to a folder for other people's programs")?;
        let folder = std::path::absolute(&folder).map_err(|error| format!("`{}`: {error}", folder.display()))?;
        Ok(Self { folder, recipes: repository.root().join("crates/xtask/peers"), deadline })
    }

    /// Returns whether a peer is there whole.
    pub(super) fn has(&self, peer: &str) -> bool {
        self.place(peer).join(WHOLE).is_file()
    }

    /// Returns the folder of a peer, named `<name>-<version>`.
    pub(super) fn place(&self, peer: &str) -> PathBuf {
        self.folder.join(peer)
    }

    /// Returns a file that comes with us: a lock, or the questions in the peer's language.
    pub(super) fn recipe(&self, path: &str) -> PathBuf {
        self.recipes.join(path)
    }

    /// Makes a peer in its folder by `steps`, unless one that was made of the same `pins` is there.
    pub(super) fn obtain(&self, peer: &str, pins: &str, steps: impl FnOnce(&Path) -> Result<Vec<Program>, String>) -> Result<(), String> {
        let place = self.place(peer);
        let whole = place.join(WHOLE);
        if fs::read_to_string(&whole).is_ok_and(|made_of| made_of == pins) {
            return Ok(());
        }
        println!("== getting {peer}");
        // A half made before, or of other pins.
        if place.exists() {
            fs::remove_dir_all(&place).map_err(|error| format!("can't remove `{}`: {error}", place.display()))?;
        }
        fs::create_dir_all(&place).map_err(|error| format!("can't make `{}`: {error}", place.display()))?;
        for step in steps(&place)? {
            step.run_until(self.deadline)?;
        }
        fs::write(&whole, pins).map_err(|error| format!("can't write `{}`: {error}", whole.display()))
    }
}

/// The file that is written when everything else is there; it holds what was pinned.
const WHOLE: &str = ".countersign-whole";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn workshop(folder: &Path, patience: Duration) -> Workshop {
        Workshop { folder: folder.to_owned(), recipes: PathBuf::new(), deadline: Instant::now() + patience }
    }

    fn shell(place: &Path, script: &str) -> Vec<Program> {
        vec![Program::new("sh", &["-euc", script]).within(place)]
    }

    #[test]
    fn makes_a_peer_once_for_the_same_pins() {
        let folder = tempfile::tempdir().unwrap();
        let workshop = workshop(folder.path(), Duration::from_secs(60));
        let made = |pins| workshop.obtain("peer-1", pins, |place| Ok(shell(place, "echo made >>log"))).unwrap();
        let log = || fs::read_to_string(folder.path().join("peer-1/log")).unwrap();
        made("a");
        made("a");
        assert_eq!(log(), "made\n");
        // Other pins make it from nothing.
        fs::write(folder.path().join("peer-1/stale"), "").unwrap();
        made("b");
        assert_eq!(log(), "made\n");
        assert!(!folder.path().join("peer-1/stale").exists());
    }

    #[test]
    fn takes_no_half_for_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let workshop = workshop(folder.path(), Duration::from_secs(60));
        workshop.obtain("peer-1", "a", |place| Ok(shell(place, "touch half; false"))).unwrap_err();
        assert!(folder.path().join("peer-1/half").exists() && !workshop.has("peer-1"));
        workshop.obtain("peer-1", "a", |place| Ok(shell(place, "test ! -e half"))).unwrap();
        assert!(workshop.has("peer-1"));
    }

    #[test]
    fn makes_nothing_beyond_the_deadline() {
        let folder = tempfile::tempdir().unwrap();
        let workshop = workshop(folder.path(), Duration::ZERO);
        let error = workshop.obtain("peer-1", "a", |place| Ok(shell(place, "exec sleep 60"))).unwrap_err();
        assert!(error.ends_with("took too long") && !workshop.has("peer-1"), "{error}");
    }
}
