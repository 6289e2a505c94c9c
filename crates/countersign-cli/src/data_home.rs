//! Where this program keeps what belongs to the user and must not lie in a work tree: keys, and what opens sealed records.
//! It makes nothing there.

use std::env;
use std::path::PathBuf;

use crate::failure::Failure;

/// Returns `$XDG_DATA_HOME/countersign`, by default `~/.local/share/countersign` (XDG Base Directory Specification).
pub(crate) fn data_home() -> Result<PathBuf, Failure> {
    // The specification has relative paths ignored.
    let given = env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let base = given.or_else(|| Some(home()?.join(".local/share")));
    base.map(|base| base.join("countersign"))
        .ok_or_else(|| Failure::new("home-unknown", "neither XDG_DATA_HOME nor HOME says where the user's files are").hint("set HOME"))
}

/// Returns the user's home directory.
pub(crate) fn home() -> Option<PathBuf> {
    env::home_dir().filter(|home| home.is_absolute())
}
