//! Makes the generated test data again, from nothing.
//! What is in it is the testkit's affair; that it is up to date is a test of the testkit.

use std::fs;

use crate::repository::Repository;

/// Removes the generated folders, and writes them anew.
pub(crate) fn write(repository: &Repository) -> Result<(), String> {
    let testdata = repository.root().join("testdata");
    for folder in ["cases", "golden"].map(|name| testdata.join(name)) {
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        }
    }
    countersign_testkit::write_all(&testdata);
    Ok(())
}
