//! Files that have to be waited for: a pipe without a writer keeps its reader waiting, who is told for what.
//! What is read stands with its readers.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::escape::escaped;
use crate::output;

/// Reads a file up to so many bytes; says so, where that's a wait for somebody who writes into a pipe.
pub(crate) fn read_up_to(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(path)?.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    if !path.metadata().is_ok_and(|metadata| metadata.file_type().is_fifo()) {
        return read();
    }
    let (ended, ending) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            if ending.recv_timeout(UNNOTICED) == Err(mpsc::RecvTimeoutError::Timeout) {
                let name = escaped(&path.display().to_string());
                output::labelled(
                    output::HINT,
                    "note",
                    &format!("`{name}` is a pipe: waiting for somebody to write into it, and to close it"),
                );
            }
        });
        let bytes = read();
        drop(ended);
        bytes
    })
}

/// A wait that nobody notices.
const UNNOTICED: Duration = Duration::from_secs(1);
