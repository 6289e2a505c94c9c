//! The bytes of a bundle, or of a disclosure, that is named as a file.
//! What they hold isn't looked at.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use countersign::limits;

use crate::failure::Failure;

/// Reads the file, as far as a bundle may reach.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    read_up_to(limits::BUNDLE_BYTES, path)
}

/// Reads the file, as far as a bundle or a disclosure may reach, whichever it is.
pub(crate) fn read_either(path: &Path) -> Result<Vec<u8>, Failure> {
    // A newline at a disclosure's end isn't counted with it.
    read_up_to(limits::BUNDLE_BYTES.max(limits::DISCLOSURE_BYTES + 1), path)
}

fn read_up_to(bytes_at_most: usize, path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error| Failure::new("bundle-unreadable", format!("the bundle `{}` can't be read", path.display())).because(&error);
    let mut bytes = Vec::new();
    // One byte more than there may be is enough to be refused.
    File::open(path).map_err(failed)?.take(bytes_at_most as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}
