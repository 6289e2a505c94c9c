//! A directory of the store, held open: whatever is done within it follows no link and waits for nobody.
//! What the names in it mean stands elsewhere.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, fsync, mkdirat, openat, renameat, statat, unlinkat};
use rustix::io::Errno;

use crate::error::StoreError;

/// An open directory.
pub(super) struct Folder {
    descriptor: OwnedFd,
    /// Relative to the store; empty for the store itself.
    place: String,
}

impl Folder {
    /// Opens the directory that the user named; that path may lead through links.
    pub(super) fn at(path: &Path) -> Result<Self, StoreError> {
        let descriptor = openat(CWD, path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
        let descriptor = descriptor.map_err(|error| match error {
            Errno::NOENT => StoreError::Missing { path: path.to_owned() },
            Errno::NOTDIR => StoreError::NotAStore { path: path.to_owned() },
            _ => StoreError::reading(String::new(), error),
        })?;
        Ok(Self { descriptor, place: String::new() })
    }

    /// Opens a directory in this one; `None` where there is nothing of that name.
    pub(super) fn open(&self, name: &str) -> Result<Option<Self>, StoreError> {
        let place = self.place_of(name);
        match openat(&self.descriptor, name, READ | OFlags::DIRECTORY, Mode::empty()) {
            Ok(descriptor) => Ok(Some(Self { descriptor, place })),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => match self.kind_of(name)? {
                Some(FileType::Directory) | None => Err(StoreError::reading(place, error)),
                Some(found) => Err(misplaced(place, found, A_DIRECTORY)),
            },
        }
    }

    /// Opens a directory in this one, and makes it first where there is nothing of that name.
    pub(super) fn make(&self, name: &str) -> Result<Self, StoreError> {
        if let Some(folder) = self.open(name)? {
            return Ok(folder);
        }
        match mkdirat(&self.descriptor, name, Mode::from_raw_mode(0o777)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(StoreError::writing(self.place_of(name), error)),
        }
        self.open(name)?.ok_or_else(|| StoreError::writing(self.place_of(name), Errno::NOENT))
    }

    /// Reads a file, but no more than `most` bytes of it; `None` where there is nothing of that name.
    pub(super) fn read(&self, name: &str, most: usize) -> Result<Option<Vec<u8>>, StoreError> {
        let place = self.place_of(name);
        // Not a file: it isn't opened, since to open a device or a pipe can do something.
        match self.kind_of(name)? {
            None => return Ok(None),
            Some(FileType::RegularFile) => {}
            Some(found) => return Err(misplaced(place, found, A_FILE)),
        }
        let file = match openat(&self.descriptor, name, READ, Mode::empty()) {
            Ok(descriptor) => File::from(descriptor),
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(StoreError::reading(place, error)),
        };
        // Asked again of what was opened, which somebody may have put there in between.
        let is_file = file.metadata().map(|metadata| metadata.is_file());
        if !is_file.map_err(|error| StoreError::reading(place.clone(), error))? {
            return Err(StoreError::Misplaced { place, found: "something else", expected: A_FILE });
        }
        let mut bytes = Vec::new();
        let most = u64::try_from(most).unwrap_or(u64::MAX);
        file.take(most).read_to_end(&mut bytes).map_err(|error| StoreError::reading(place, error))?;
        Ok(Some(bytes))
    }

    /// Makes a file for writing; `None` where there is something of that name.
    pub(super) fn create_new(&self, name: &str) -> Result<Option<File>, StoreError> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match openat(&self.descriptor, name, flags, Mode::from_raw_mode(0o666)) {
            Ok(descriptor) => Ok(Some(File::from(descriptor))),
            Err(Errno::EXIST) => Ok(None),
            Err(error) => Err(StoreError::writing(self.place_of(name), error)),
        }
    }

    /// Makes an empty file, whole in one step, where there is none.
    pub(super) fn mark(&self, name: &str) -> Result<(), StoreError> {
        match self.create_new(name)? {
            Some(_) => Ok(()),
            None => self.check_file(name),
        }
    }

    /// Checks that what has that name is a file.
    pub(super) fn check_file(&self, name: &str) -> Result<(), StoreError> {
        match self.kind_of(name)? {
            Some(FileType::RegularFile) => Ok(()),
            Some(found) => Err(misplaced(self.place_of(name), found, A_FILE)),
            None => Err(StoreError::Removed { place: self.place_of(name) }),
        }
    }

    /// Opens a file for locking it, if it's still there.
    pub(super) fn open_file(&self, name: &str) -> Option<File> {
        (self.kind_of(name).ok()? == Some(FileType::RegularFile)).then_some(())?;
        openat(&self.descriptor, name, READ, Mode::empty()).ok().map(File::from)
    }

    /// Returns true if there is anything of that name.
    pub(super) fn has(&self, name: &str) -> Result<bool, StoreError> {
        Ok(self.kind_of(name)?.is_some())
    }

    /// Returns the names in this directory in their order, but no more than `most` of them.
    pub(super) fn names(&self, most: usize) -> Result<Vec<String>, StoreError> {
        let failed = |error: Errno| StoreError::reading(self.place.clone(), error);
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.descriptor).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy();
            if name == "." || name == ".." {
                continue;
            }
            if names.len() == most {
                break;
            }
            names.push(name.into_owned());
        }
        names.sort();
        Ok(names)
    }

    /// Moves a file into another directory of the store, in place of whatever file is there.
    pub(super) fn move_to(&self, name: &str, folder: &Self, new_name: &str) -> Result<(), StoreError> {
        renameat(&self.descriptor, name, &folder.descriptor, new_name)
            .map_err(|error| StoreError::writing(folder.place_of(new_name), error))
    }

    /// Removes a file, as far as that is possible.
    pub(super) fn remove(&self, name: &str) {
        // Whatever is left is ignored by every reader.
        let _ = unlinkat(&self.descriptor, name, AtFlags::empty());
    }

    /// Returns once the names in this directory would survive a power cut.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        match fsync(&self.descriptor) {
            // Some file systems have no such thing for directories.
            Ok(()) | Err(Errno::INVAL | Errno::NOTSUP) => Ok(()),
            Err(error) => Err(StoreError::writing(self.place.clone(), error)),
        }
    }

    /// Returns the place of something in this directory, relative to the store.
    pub(super) fn place_of(&self, name: &str) -> String {
        if self.place.is_empty() { name.to_owned() } else { format!("{}/{name}", self.place) }
    }

    fn kind_of(&self, name: &str) -> Result<Option<FileType>, StoreError> {
        match statat(&self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(StoreError::reading(self.place_of(name), io::Error::from(error))),
        }
    }
}

fn misplaced(place: String, found: FileType, expected: &'static str) -> StoreError {
    let found = match found {
        FileType::Symlink => "a symbolic link",
        FileType::Directory => A_DIRECTORY,
        FileType::RegularFile => A_FILE,
        FileType::Fifo => "a pipe",
        FileType::Socket => "a socket",
        _ => "a device",
    };
    StoreError::Misplaced { place, found, expected }
}

/// `NONBLOCK`, because to open a pipe waits for its writer otherwise.
const READ: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);
const A_FILE: &str = "a file";
const A_DIRECTORY: &str = "a directory";
