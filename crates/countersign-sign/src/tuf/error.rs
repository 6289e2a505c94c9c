//! What can go wrong when a trust root is updated, each with a stable code.
//! What a mirror wrote is repeated as little as possible, and cut short.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use countersign::trust::TrustRootError;

use super::mirror::Unanswered;

/// Why a trust root wasn't updated, or the kept one can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TufError {
    /// The mirror's name is neither an address nor a folder.
    #[error(
        "`{name}` is no mirror: it begins with `https://`, `http://` of this machine itself, or `file:///`, and has no user name, password or query"
    )]
    Mirror {
        /// What was given, without what could let somebody in.
        name: String,
    },
    /// The `root.json` that trust begins with can't be used.
    #[error("the `root.json` to begin with can't be used: {why}")]
    Anchor {
        /// Why.
        why: String,
    },
    /// The mirror didn't answer, or not in time, or lacks a file.
    #[error("the mirror `{mirror}` can't be read: {why}")]
    Unanswered {
        /// Which mirror.
        mirror: String,
        /// Why.
        why: String,
    },
    /// What is offered, or was kept, is no longer meant to be believed: the mirror may be frozen.
    #[error("{of} is out of date: its {role} metadata expired at {expired_at}")]
    Expired {
        /// Whose.
        of: Origin,
        /// Which.
        role: String,
        /// When.
        expired_at: String,
    },
    /// What is offered is older than what was seen before.
    #[error("the mirror went back: it offers version {offered} of {role}, and version {seen} was seen before")]
    Rollback {
        /// Which.
        role: String,
        /// What was seen.
        seen: u64,
        /// What is offered.
        offered: u64,
    },
    /// Too few of those who may sign it have signed.
    #[error("{of} isn't signed by enough of those who may: {found} of {threshold} signatures on its {role} metadata are good")]
    Unsigned {
        /// Whose.
        of: Origin,
        /// Which.
        role: String,
        /// How many are good.
        found: usize,
        /// How many are needed.
        threshold: usize,
    },
    /// The metadata contradicts itself, isn't metadata, or has no end.
    #[error("{of} can't be believed: {why}")]
    Refused {
        /// Whose.
        of: Origin,
        /// Why.
        why: String,
    },
    /// The repository has no trust root.
    #[error("the repository has no `trusted_root.json`")]
    Absent,
    /// The trust root is signed as it should be, and can't be used here.
    #[error("the repository's `trusted_root.json` can't be used: {0}")]
    TrustRoot(#[source] TrustRootError),
    /// What was kept isn't what was written.
    #[error("`{path}` is damaged: {why}", path = path.display())]
    Damaged {
        /// Where.
        path: PathBuf,
        /// What is wrong.
        why: &'static str,
    },
    /// What is to be kept is more than is read back.
    #[error("the repository's metadata is larger than what is kept")]
    TooLarge,
    /// Somebody else is updating the same trust root.
    #[error("another update is under way in `{folder}`", folder = folder.display())]
    Busy {
        /// Where.
        folder: PathBuf,
    },
    /// A file can't be read or written.
    #[error("can't {doing} `{path}`", path = path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Whose metadata is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// What a mirror offers.
    Mirror,
    /// What was kept of an earlier update.
    Kept,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mirror => "what the mirror offers",
            Self::Kept => "what was kept",
        })
    }
}

impl TufError {
    /// Returns the stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Mirror { .. } => "usage",
            Self::Unanswered { .. } => "mirror-unavailable",
            Self::Expired { .. } => "metadata-expired",
            Self::Rollback { .. } => "metadata-rollback",
            Self::Unsigned { .. } | Self::Refused { .. } | Self::TooLarge => "metadata-untrusted",
            Self::Anchor { .. } | Self::Absent | Self::TrustRoot(_) => "trust-invalid",
            Self::Damaged { .. } => "trust-damaged",
            Self::Busy { .. } => "trust-busy",
            Self::Io { .. } => "trust-unreadable",
        }
    }

    pub(super) fn io(doing: &'static str, path: &Path) -> impl Fn(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { doing, path: path.clone(), source }
    }

    /// Says what sigstore-tuf found, and about whose metadata.
    pub(super) fn of(error: sigstore_tuf::Error, of: Origin, mirror: &str) -> Self {
        use sigstore_tuf::Error;
        match error {
            Error::Expired { role, expires } => Self::Expired { of, role: cut(&role), expired_at: expires.to_string() },
            Error::Rollback { role, trusted, new } => Self::Rollback { role: cut(&role), seen: trusted, offered: new },
            Error::ThresholdNotMet { role, found, threshold } => Self::Unsigned { of, role: cut(&role), found, threshold },
            Error::TargetNotFound(_) => Self::Absent,
            Error::Transport { message, source } if of == Origin::Mirror => match source.and_then(|source| source.downcast().ok()) {
                Some(unanswered) if matches!(*unanswered, Unanswered::TooLong(_)) => Self::Refused { of, why: unanswered.to_string() },
                Some(unanswered) => Self::Unanswered { mirror: mirror.to_owned(), why: Unanswered::to_string(&unanswered) },
                // A file that must be there and isn't, or a chain of roots that is too long for once.
                None => Self::Unanswered { mirror: mirror.to_owned(), why: cut(&message) },
            },
            other => Self::Refused { of, why: why(&other) },
        }
    }
}

/// Writes an error with its causes.
pub(super) fn why(error: &sigstore_tuf::Error) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    cut(&text)
}

/// What a stranger wrote may stand in it.
fn cut(text: &str) -> String {
    text.chars().take(SHOWN).map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

const SHOWN: usize = 300;
