//! Stores by name: the one place that knows which kinds there are.
//! What a kind of store does with the rest of its name is its own affair.

use std::path::Path;

use crate::dir::DirStore;
use crate::error::StoreError;
use crate::store::Store;

/// Opens a store that exists, by its name: `dir:PATH`.
///
/// # Errors
/// [`StoreError::Missing`] if it doesn't exist, [`StoreError::Unsupported`] for a kind that isn't known.
pub fn open(uri: &str) -> Result<Box<dyn Store>, StoreError> {
    match kind_of(uri)? {
        Kind::Dir(path) => Ok(Box::new(DirStore::open(path)?)),
    }
}

/// Opens a store by its name, and makes it first where it doesn't exist.
///
/// # Errors
/// [`StoreError`] if it can't be made, [`StoreError::Unsupported`] for a kind that isn't known.
pub fn create(uri: &str) -> Result<Box<dyn Store>, StoreError> {
    match kind_of(uri)? {
        Kind::Dir(path) => Ok(Box::new(DirStore::create(path)?)),
    }
}

enum Kind<'a> {
    Dir(&'a Path),
}

fn kind_of(uri: &str) -> Result<Kind<'_>, StoreError> {
    match uri.split_once(':') {
        Some(("dir", path)) if !path.is_empty() => Ok(Kind::Dir(Path::new(path))),
        None | Some(("dir" | "", _)) => Err(StoreError::NotAName { name: uri.to_owned() }),
        // The rest isn't repeated: a registry's name can hold a password.
        Some((kind, _)) => Err(StoreError::Unsupported { kind: kind.to_owned() }),
    }
}
