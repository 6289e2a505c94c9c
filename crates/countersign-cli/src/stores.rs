//! What STORE means on the command line, and the default.
//! How bundles are kept and found is the stores' crate's affair.

use std::path::PathBuf;

use countersign::inquiry::{Found, Wanted};
use countersign_capture::git::Repository;
use countersign_store::{DirStore, Store, StoreError};

use crate::escape::escaped;
use crate::failure::Failure;
use crate::output;
use crate::repository;

/// How STORE is explained in help texts.
pub(crate) const STORE_HELP: &str = "Where evidence lies: dir:PATH [default: dir:.countersign/evidence at the top of the work tree]";

/// A place to look for evidence.
pub(crate) enum Place {
    /// A store, and how it's named.
    Store(Box<dyn Store>, String),
    /// A store that exists and can't be opened: an answer too, since evidence may be in it.
    Unavailable(String),
}

impl Place {
    /// Looks for what is wanted.
    pub(crate) fn answer(&self, wanted: &Wanted) -> Found {
        match self {
            Self::Store(store, name) => {
                let found = countersign_store::answer(&**store, wanted);
                // A decision names no place of this machine.
                if let Found::Unavailable(why) = &found {
                    output::warning(&format!("the store `{}`: {}", escaped(name), escaped(why)));
                }
                found
            }
            Self::Unavailable(why) => Found::Unavailable(why.clone()),
        }
    }
}

/// Opens the stores that were named.
pub(crate) fn named(uris: &[String]) -> Result<Vec<Place>, Failure> {
    uris.iter().map(|uri| place(countersign_store::open(uri), uri)).collect()
}

/// Opens the default store; without one, or without a work tree, there is no place to look.
pub(crate) fn default(repository: Option<&Repository>) -> Result<Vec<Place>, Failure> {
    let Some(path) = default_path(repository) else { return Ok(Vec::new()) };
    let name = path.display().to_string();
    match DirStore::open(path) {
        Err(StoreError::Missing { .. }) => Ok(Vec::new()),
        opened => Ok(vec![place(opened.map(|store| Box::new(store) as Box<dyn Store>), &name)?]),
    }
}

/// Returns where the default store is, or would be; `None` outside of work trees.
pub(crate) fn default_path(repository: Option<&Repository>) -> Option<PathBuf> {
    // As components, so that no `.` is left in its middle.
    Some(repository?.work_tree()?.join(repository::FOLDER).join("evidence").components().collect())
}

fn place(opened: Result<Box<dyn Store>, StoreError>, name: &str) -> Result<Place, Failure> {
    match opened {
        Ok(store) => Ok(Place::Store(store, name.to_owned())),
        // Nobody was asked: the question itself is wrong.
        Err(
            error @ (StoreError::Missing { .. }
            | StoreError::NotAStore { .. }
            | StoreError::Unsupported { .. }
            | StoreError::NotAName { .. }),
        ) => Err(error.into()),
        Err(error) => {
            output::warning(&format!("the store `{}`: {}", escaped(name), escaped(&error.to_string())));
            // Into a decision goes no path of this machine.
            Ok(Place::Unavailable(format!("a store can't be opened ({})", error.code())))
        }
    }
}
