//! What is kept of a TUF repository from one update to the next: the metadata that was verified last, and its trust root.
//! All of it is verified again before it's used; it's in one file, so that what is in it always fits together.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use countersign::json::{Json, Object};
use sigstore_tuf::transport::FetchFuture;
use sigstore_tuf::{MetadataStore, Repository, Result};

use super::{TARGET, TufError};

/// Files by their names, as `sigstore-tuf` names them. What is stored here stays in memory until it's written.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
}

impl Kept {
    /// Reads what is kept in a folder; nothing, where nothing is.
    pub(super) fn read(folder: &Path) -> std::result::Result<Self, TufError> {
        let path = folder.join(FILE);
        let mut bytes = Vec::new();
        match File::open(&path).and_then(|file| file.take(KEPT_BYTES + 1).read_to_end(&mut bytes)) {
            Ok(_) => Self::parse(&bytes).map_err(|why| TufError::Damaged { path, why }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(TufError::io("read", &path)(error)),
        }
    }

    fn parse(bytes: &[u8]) -> std::result::Result<Self, &'static str> {
        if bytes.len() as u64 > KEPT_BYTES {
            return Err("it's larger than anything that was written");
        }
        let json = Json::parse(bytes).map_err(|_| "it isn't JSON")?;
        if json.get("schema").and_then(Json::as_str) != Some(SCHEMA) {
            return Err("it's of another version");
        }
        let files = json.get("files").and_then(Json::as_object).ok_or("it has no files")?;
        let text = |(name, text): (&String, &Json)| Some((name.clone(), text.as_str()?.as_bytes().to_vec()));
        let files: Option<_> = files.iter().map(text).collect();
        Ok(Self { files: Arc::new(Mutex::new(files.ok_or("a file in it is no text")?)) })
    }

    /// Writes it whole, in place of what was there. Nothing is written that can't be read back.
    pub(super) fn write(&self, folder: &Path) -> std::result::Result<(), TufError> {
        let files = self.with(|files| {
            let text = |(name, bytes): (&String, &Vec<u8>)| Some((name.clone(), Json::from(std::str::from_utf8(bytes).ok()?)));
            files.iter().map(text).collect::<Option<Object>>()
        });
        let files = files.map(Json::Object).ok_or(TufError::TooLarge)?;
        let whole = Object::from([("files".to_owned(), files), ("schema".to_owned(), Json::from(SCHEMA))]);
        let bytes = Json::Object(whole).canonical();
        if Self::parse(&bytes).is_err() {
            return Err(TufError::TooLarge);
        }
        write_whole(&folder.join(FILE), &bytes)?;
        // For people, and for `--trust`; what is verified is the copy above.
        self.load_target().map_or(Ok(()), |target| write_whole(&folder.join(TARGET), &target))
    }

    /// Returns a copy that is changed for itself.
    pub(super) fn copied(&self) -> Self {
        Self { files: Arc::new(Mutex::new(self.with(|files| files.clone()))) }
    }

    /// Takes over newer roots: whoever has seen one is never led back behind it.
    pub(super) fn take_roots_of(&self, other: &Self) {
        let roots = other.with(|files| files.clone()).into_iter().filter(|(name, _)| name.starts_with(ROOTS));
        self.with(|files| files.extend(roots));
    }

    /// Returns true if an update has ever succeeded.
    pub(super) fn has_target(&self) -> bool {
        self.load_target().is_some()
    }

    fn load_target(&self) -> Option<Vec<u8>> {
        self.with(|files| files.get(&format!("targets/{TARGET}")).cloned())
    }

    fn with<T>(&self, use_it: impl FnOnce(&mut BTreeMap<String, Vec<u8>>) -> T) -> T {
        use_it(&mut self.files.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl MetadataStore for Kept {
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.with(|files| files.get(name).cloned()))
    }

    fn store(&self, name: &str, bytes: &[u8]) -> Result<()> {
        // Both are there under other names.
        if name != "root.json" && !name.ends_with(".snapshot.json") {
            self.with(|files| files.insert(name.to_owned(), bytes.to_vec()));
        }
        Ok(())
    }
}

/// Reads it as if it were a mirror, so that it's verified as one is.
///
/// What a mirror has under its version (`5.targets.json`) is kept without it. `sigstore-tuf`'s own `StoreRepository` doesn't
/// find the metadata of a delegate that way.
impl Repository for Kept {
    fn fetch_metadata<'a>(&'a self, name: &'a str, _: u64) -> FetchFuture<'a> {
        let unversioned = name.split_once('.').filter(|(version, _)| version.bytes().all(|byte| byte.is_ascii_digit()));
        let name = unversioned.map_or(name, |(_, name)| name);
        Box::pin(std::future::ready(self.load(name)))
    }

    fn fetch_target<'a>(&'a self, _: &'a str, _: u64) -> FetchFuture<'a> {
        // The one that is kept was looked at before: it isn't what the metadata names.
        Box::pin(std::future::ready(Ok(None)))
    }
}

/// Lets nobody else update the same folder until it's dropped.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub(super) fn of(folder: &Path) -> std::result::Result<Self, TufError> {
        fs::create_dir_all(folder).map_err(TufError::io("make", folder))?;
        let path = folder.join("lock");
        let file = File::options().write(true).create(true).truncate(false).open(&path).map_err(TufError::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(TufError::Busy { folder: folder.to_path_buf() }),
            Err(TryLockError::Error(error)) => Err(TufError::io("lock", &path)(error)),
        }
    }
}

/// Writes a file that appears whole or not at all.
fn write_whole(path: &Path, bytes: &[u8]) -> std::result::Result<(), TufError> {
    let write = || {
        let folder = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
        let mut file = tempfile::Builder::new().prefix(".countersign-").tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(TufError::io("write", path))
}

const FILE: &str = "kept.json";
const SCHEMA: &str = "https://countersign.dev/kept-trust/v1";
const ROOTS: &str = "root_history/";
/// Several times what `sigstore-tuf` reads of one kind of metadata.
const KEPT_BYTES: u64 = 32 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_back_and_anything_else_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!Kept::read(folder.path()).unwrap().has_target());
        let kept = Kept::default();
        kept.store("timestamp.json", b"{\"a\": \"\xC3\xA4\"}").unwrap();
        kept.store("targets/trusted_root.json", b"{}").unwrap();
        kept.store("root.json", b"{}").unwrap();
        kept.store("4.snapshot.json", b"{}").unwrap();
        kept.write(folder.path()).unwrap();
        let read = Kept::read(folder.path()).unwrap();
        assert_eq!(read.load("timestamp.json").unwrap().unwrap(), b"{\"a\": \"\xC3\xA4\"}");
        assert_eq!((read.load("root.json").unwrap(), read.load("4.snapshot.json").unwrap()), (None, None));
        assert_eq!(fs::read(folder.path().join(TARGET)).unwrap(), b"{}");
        let path = folder.path().join(FILE);
        let whole = fs::read_to_string(&path).unwrap();
        for damaged in [whole.trim_end_matches('}'), "", "{}", &whole.replace("v1", "v2"), &whole.replace("\"{}\"", "1")] {
            fs::write(&path, damaged).unwrap();
            assert_eq!(Kept::read(folder.path()).unwrap_err().code(), "trust-damaged", "{damaged}");
        }
        // What can't be read back isn't written.
        kept.store("targets.json", b"\xFF").unwrap();
        assert_eq!(kept.write(folder.path()).unwrap_err().code(), "metadata-untrusted");
        assert!(fs::read_dir(folder.path()).unwrap().all(|entry| !entry.unwrap().file_name().to_string_lossy().starts_with('.')));
    }

    #[test]
    fn one_updates_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lock::of(folder.path()).unwrap();
        assert_eq!(Lock::of(folder.path()).err().unwrap().code(), "trust-busy");
        drop(first);
        Lock::of(folder.path()).unwrap();
    }
}
