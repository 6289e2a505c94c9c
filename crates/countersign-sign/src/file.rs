//! Reads files that hold little, where somebody else may have put anything: a pipe that nobody writes to, or a device without an
//! end.

use std::fs::{self, File};
use std::io::{Error, ErrorKind, Read as _, Result};
use std::path::Path;

/// Reads a file of at most so many bytes; what is no file isn't opened, since that can wait for ever.
///
/// # Errors
/// [`ErrorKind::FileTooLarge`] for a longer one, [`ErrorKind::InvalidInput`] for what is no file, and what the system says.
pub(crate) fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(Error::new(ErrorKind::InvalidInput, "it isn't a file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(Error::new(ErrorKind::FileTooLarge, "it's larger than any such file")) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_files_up_to_a_length_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, b"1234").unwrap();
        assert_eq!(read(&path, 4).unwrap(), b"1234");
        assert_eq!(read(&path, 3).unwrap_err().kind(), ErrorKind::FileTooLarge);
        for other in [Path::new("/dev/zero"), folder.path()] {
            assert_eq!(read(other, 4).unwrap_err().kind(), ErrorKind::InvalidInput, "{}", other.display());
        }
        assert_eq!(read(&folder.path().join("nothing"), 4).unwrap_err().kind(), ErrorKind::NotFound);
    }
}
