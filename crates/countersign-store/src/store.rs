//! What every store can do, and how its answer to an inquiry is made.
//! Where the bundles lie is each backend's affair.

use std::fmt;
use std::path::PathBuf;

use countersign::bundle::Bundle;
use countersign::digest::Digest;
use countersign::inquiry::{Found, Wanted};

use crate::error::StoreError;

/// A place that keeps bundles and finds them by what they are about.
pub trait Store: Send + Sync {
    /// Keeps a bundle, and returns where; once this returns, the bundle is found by every identifying digest of its subjects.
    ///
    /// To put a bundle again changes nothing, except that it repairs what an interrupted `put` left.
    ///
    /// # Errors
    /// [`StoreError`] if the bundle isn't kept. It may be found nevertheless, by some of its digests or by all.
    fn put(&self, bundle: &Bundle) -> Result<Location, StoreError>;

    /// Returns the bundles of which a subject has `digest` and whose statement is of one of `predicate_types`.
    ///
    /// Nothing about them is verified. What can't be read as a bundle is handed over too, whatever its type would be, and
    /// so may others be. At most [`LOOKS_PER_INQUIRY`](countersign::limits::LOOKS_PER_INQUIRY) + 1 are, so that an
    /// inquiry sees the excess; the types are not looked at when there are so many.
    ///
    /// # Errors
    /// [`StoreError`] if there may be bundles that can't be handed over. Then none is.
    fn find(&self, digest: &Digest, predicate_types: &[String]) -> Result<Vec<Vec<u8>>, StoreError>;

    /// Returns the store's name in the form that [`open`](crate::open) takes, where it takes one.
    fn uri(&self) -> String;
}

/// Where one bundle lies; its text is a path or a URI.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Location {
    /// A file.
    Path(PathBuf),
    /// Anything else that has a name.
    Uri(String),
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.display().fmt(f),
            Self::Uri(uri) => uri.fmt(f),
        }
    }
}

/// Returns a store's answer to an inquiry.
///
/// A store that can't be asked is an answer too, with a text that holds no path outside the store: it becomes part of a
/// decision, which says nothing about the machine. Of anything but bundles a store has nothing.
#[must_use]
pub fn answer(store: &dyn Store, wanted: &Wanted) -> Found {
    let Wanted::Bundles { digest, predicate_types } = wanted else { return Found::Nothing };
    match store.find(digest, predicate_types) {
        Ok(bundles) if bundles.is_empty() => Found::Nothing,
        Ok(bundles) => Found::These(bundles),
        Err(error) => Found::Unavailable(error.without_path()),
    }
}
