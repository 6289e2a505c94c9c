//! Whether a file that is needed after a command can be read, told before it runs.
//! A file that isn't there yet may be the command's to make, so its absence is a warning; what can't become right is a failure.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use crate::escape::escaped;
use crate::failure::Failure;
use crate::output;

/// Refuses a file that can't be read, and warns of one that isn't there yet.
pub(crate) fn to_read(what: &str, code: &'static str, path: &Path) -> Result<(), Failure> {
    // Whatever is neither file nor directory isn't opened: a pipe would wait for its writer.
    let opened = match path.metadata() {
        Ok(metadata) if metadata.is_file() || metadata.is_dir() => File::open(path).and_then(|mut file| file.read(&mut [0])),
        Ok(_) => return Ok(()),
        Err(error) => Err(error),
    };
    match opened {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let name = escaped(&path.display().to_string());
            output::warning(&format!("the {what} `{name}` isn't there; unless the command makes it, nothing will be signed"));
            Ok(())
        }
        Err(error) => Err(Failure::new(code, format!("the {what} `{}` can't be read", path.display())).because(&error)),
    }
}
