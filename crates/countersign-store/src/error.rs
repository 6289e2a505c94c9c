//! Why a store doesn't do what it's asked.
//! Places inside a store are named relative to it; only what concerns the store as a whole names its path.

use std::io;
use std::path::PathBuf;

/// Why a bundle isn't kept or can't be looked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no store of that name.
    #[error("there is no store at {}: check the name, or put evidence there first", quoted(&.path.to_string_lossy()))]
    Missing {
        /// The path that was named.
        path: PathBuf,
    },
    /// There is something else of that name.
    #[error("{} is not a store, and holds other things: name an empty directory or a new one", quoted(&.path.to_string_lossy()))]
    NotAStore {
        /// The path that was named.
        path: PathBuf,
    },
    /// The store's own directory can't be made.
    #[error("no store can be made at {}: {}", quoted(&.path.to_string_lossy()), .source.kind())]
    NotCreated {
        /// The path that was named.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Something else stands where a file or directory of the store belongs.
    #[error("{} is {found} where {expected} belongs: evidence may be missing; remove it, and put the evidence there again", within(.place))]
    Misplaced {
        /// The place, relative to the store.
        place: String,
        /// What stands there.
        found: &'static str,
        /// What belongs there.
        expected: &'static str,
    },
    /// A bundle's content is not what its name says.
    #[error("{} has another content than its name says: put the bundle there again, or remove it", within(.place))]
    Altered {
        /// The place, relative to the store.
        place: String,
    },
    /// Something is gone that the rest of the store needs.
    #[error("{} is gone, though the store says that there was evidence in it: put the evidence there again", within(.place))]
    Removed {
        /// The place, relative to the store.
        place: String,
    },
    /// Something can't be read.
    #[error("{} can't be read: {}", within(.place), .source.kind())]
    Unreadable {
        /// The place, relative to the store.
        place: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// Something can't be written.
    #[error("{} can't be written: {}", within(.place), .source.kind())]
    Unwritable {
        /// The place, relative to the store.
        place: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// There is no room, or no room for this user.
    #[error("{} can't be written, there is no room left: make room and try again", within(.place))]
    Full {
        /// The place, relative to the store.
        place: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The bundles about one digest are larger, together, than is read.
    #[error("the store holds more than {mebibytes} MiB of evidence about one digest")]
    TooMuch {
        /// The most that is read.
        mebibytes: usize,
    },
    /// The name is of no kind of store that is known here.
    #[error("{} is no kind of store that this version supports: use `dir:PATH`", quoted(.kind))]
    Unsupported {
        /// What stands before the first colon.
        kind: String,
    },
    /// The name has no kind, or nothing else.
    #[error("{} names no store: use `dir:PATH`", quoted(.name))]
    NotAName {
        /// The name.
        name: String,
    },
}

impl StoreError {
    /// Returns the stable name of this kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } | Self::NotAStore { .. } => "store-missing",
            Self::Misplaced { .. } | Self::Altered { .. } | Self::Removed { .. } => "store-damaged",
            Self::Unreadable { .. } => "store-unreadable",
            Self::Unwritable { .. } => "store-unwritable",
            Self::NotCreated { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "store-full",
                _ => "store-unwritable",
            },
            Self::Full { .. } => "store-full",
            Self::TooMuch { .. } => "store-limit",
            Self::Unsupported { .. } | Self::NotAName { .. } => "store-unsupported",
        }
    }

    /// Returns the message without the store's path, which is the machine's affair.
    pub(crate) fn without_path(&self) -> String {
        match self {
            Self::Missing { .. } => "the store is gone".to_owned(),
            Self::NotAStore { .. } => "what was named as store is none".to_owned(),
            Self::NotCreated { .. } => "the store can't be made".to_owned(),
            _ => self.to_string(),
        }
    }

    pub(crate) fn reading(place: String, error: impl Into<io::Error>) -> Self {
        Self::Unreadable { place, source: error.into() }
    }

    pub(crate) fn writing(place: String, error: impl Into<io::Error>) -> Self {
        let source = error.into();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { place, source },
            _ => Self::Unwritable { place, source },
        }
    }
}

fn within(place: &str) -> String {
    if place.is_empty() { "the store's own directory".to_owned() } else { format!("{} in the store", quoted(place)) }
}

/// One line of a foreign text, in backticks.
fn quoted(text: &str) -> String {
    let shown = text.chars().take(QUOTED_CHARACTERS).map(|c| if c.is_control() || c == '`' { '\u{FFFD}' } else { c });
    format!("`{}`", shown.collect::<String>())
}

/// As long as the longest path that is usual.
const QUOTED_CHARACTERS: usize = 4096;
