//! The bytes of a bundle that is named as a file.
//! What they hold isn't looked at.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use countersign::limits;

use crate::failure::Failure;

/// Reads the file, as far as a bundle may reach.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error| Failure::new("bundle-unreadable", format!("the bundle `{}` can't be read", path.display())).because(&error);
    let mut bytes = Vec::new();
    // One byte more than a bundle may have is enough to be refused.
    File::open(path).map_err(failed)?.take(limits::BUNDLE_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}
