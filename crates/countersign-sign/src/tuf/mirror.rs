//! Where a repository's files lie: at an address, or in a folder of somebody who has no way out.
//! Nothing that comes from here is believed; what it's worth is `sigstore-tuf`'s to say.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sigstore_tuf::transport::FetchFuture;
use sigstore_tuf::{Error, Repository, Result};

use super::TufError;
use crate::file;
use crate::http::{Address, Client, Kind, Request};

/// A copy of a TUF repository: metadata at its top, trust roots in `targets`.
#[derive(Clone, Debug)]
pub struct Mirror {
    place: Place,
    patience: Duration,
}

#[derive(Clone, Debug)]
enum Place {
    Address(Address),
    Folder(PathBuf),
}

impl Mirror {
    /// How long an update may take in all: a minute.
    pub const PATIENCE: Duration = Duration::from_secs(60);

    /// Names a mirror: `https://HOST/PATH`, the same with `http` for this machine itself, or `file:///PATH`.
    ///
    /// # Errors
    /// [`TufError::Mirror`] for anything else.
    pub fn named(name: &str) -> std::result::Result<Self, TufError> {
        let folder = name.strip_prefix("file://").map(PathBuf::from).filter(|folder| folder.is_absolute()).map(Place::Folder);
        let place = folder.or_else(|| Address::parse(name).map(Place::Address));
        let place = place.ok_or_else(|| TufError::Mirror { name: Address::refused(name) })?;
        Ok(Self { place, patience: Self::PATIENCE })
    }

    /// Chooses how long an update may take, in place of [`Mirror::PATIENCE`].
    #[must_use]
    pub const fn within(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Begins to read.
    pub(super) fn open(&self) -> Files {
        let place = match &self.place {
            Place::Address(address) => Source::Address(address.clone(), Client::new(self.patience / 4)),
            Place::Folder(folder) => Source::Folder(folder.clone()),
        };
        Files { place, deadline: Instant::now() + self.patience, patience: self.patience }
    }
}

impl fmt::Display for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Address(address) => address.fmt(f),
            Place::Folder(folder) => write!(f, "file://{}", folder.display()),
        }
    }
}

/// A mirror that is being read, until the deadline.
pub(super) struct Files {
    place: Source,
    deadline: Instant,
    patience: Duration,
}

enum Source {
    Address(Address, Client),
    Folder(PathBuf),
}

/// Reading is over when these return, so that no runtime is needed.
impl Repository for Files {
    fn fetch_metadata<'a>(&'a self, name: &'a str, max_length: u64) -> FetchFuture<'a> {
        Box::pin(std::future::ready(self.read(&[name], max_length)))
    }

    fn fetch_target<'a>(&'a self, path: &'a str, max_length: u64) -> FetchFuture<'a> {
        Box::pin(std::future::ready(self.read(&["targets", path], max_length)))
    }
}

impl Files {
    fn read(&self, path: &[&str], most: u64) -> Result<Option<Vec<u8>>> {
        // A name can come from metadata, and it names one file.
        if !path.iter().all(|name| is_name(name)) {
            return Ok(None);
        }
        let read = match &self.place {
            Source::Address(address, client) => self.ask(address, client, path, most),
            Source::Folder(folder) => read_file(&path.iter().fold(folder.clone(), |path, name| path.join(name)), most),
        };
        read.map_err(|why| Error::transport_with_source("the mirror can't be read", why))
    }

    fn ask(&self, address: &Address, client: &Client, path: &[&str], most: u64) -> std::result::Result<Option<Vec<u8>>, Unanswered> {
        let address = address.join(&format!("/{}", path.join("/")));
        // One byte more, since what is exactly as long as the client's limit counts as over it.
        let request = Request { address: &address, body: None, headers: &[], most: most.saturating_add(1) };
        let answer = client.ask(&request, self.deadline).map_err(|trouble| match trouble.kind {
            Kind::TimedOut => Unanswered::TimedOut(self.patience),
            Kind::TooLarge => Unanswered::TooLong(most),
            kind => Unanswered::Otherwise(kind.to_string()),
        })?;
        match answer.status {
            200 => Ok(Some(answer.body)),
            // Object stores say 403 of what isn't there.
            403 | 404 => Ok(None),
            status => Err(Unanswered::Status(status)),
        }
    }
}

fn read_file(path: &Path, most: u64) -> std::result::Result<Option<Vec<u8>>, Unanswered> {
    match file::read(path, most) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == ErrorKind::FileTooLarge => Err(Unanswered::TooLong(most)),
        Err(error) => Err(Unanswered::Otherwise(error.kind().to_string())),
        Ok(bytes) => Ok(Some(bytes)),
    }
}

/// Returns true for one segment of a path, in the letters that roles are encoded with.
fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'%');
    !name.starts_with('.') && !name.is_empty() && name.len() <= NAME_BYTES && name.bytes().all(is_plain)
}

/// Why a mirror can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unanswered {
    #[error("no answer in time; an update may take {} s in all", .0.as_secs_f32())]
    TimedOut(Duration),
    #[error("a file is longer than the {0} bytes that it may have")]
    TooLong(u64),
    #[error("it answered with status {0}")]
    Status(u16),
    #[error("{0}")]
    Otherwise(String),
}

const NAME_BYTES: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_is_an_address_or_a_folder() {
        for (name, shown) in [
            ("https://mirror.example.test/", "https://mirror.example.test"),
            ("http://127.0.0.1:80/tuf", "http://127.0.0.1:80/tuf"),
            ("file:///srv/tuf", "file:///srv/tuf"),
        ] {
            assert_eq!(Mirror::named(name).unwrap().to_string(), shown);
        }
        for name in ["http://mirror.example.test", "file://srv/tuf", "srv/tuf", "", "https://a@mirror.example.test"] {
            assert_eq!(Mirror::named(name).unwrap_err().code(), "usage", "{name}");
        }
    }

    #[test]
    fn a_name_names_one_file_there() {
        for name in ["1.root.json", "registry.npmjs.org.json", "a%2Fb.json", "0a-_~.json"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", ".", "..", "../x", "a/b", "a?b", "a#b", "a b", ".hidden", "ä", "a\\b", &"a".repeat(256)] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn a_folder_is_read_within_the_bound() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("1.root.json"), b"four").unwrap();
        let files = Mirror::named(&format!("file://{}", folder.path().display())).unwrap().open();
        assert_eq!(files.read(&["1.root.json"], 4).unwrap(), Some(b"four".to_vec()));
        assert!(files.read(&["1.root.json"], 3).is_err());
        assert_eq!(files.read(&["2.root.json"], 4).unwrap(), None);
    }
}
