//! Key files: PREFIX.key and PREFIX.pub, and who may see them.
//! It reads no environment: the home directory is an argument, and passphrases come from the caller.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};
use zeroize::Zeroizing;

use super::pem::KEY_FILE_BYTES;
use super::{Exposure, KeyError, LocalKey, Passphrase};

/// Writes PREFIX.key (mode 0600) and PREFIX.pub (mode 0644), and returns both paths.
///
/// Each file appears whole or not at all and never replaces one; there is no private key without its public half. Missing
/// directories are made for their owner only. A git work tree whose top isn't `home`, an absolute path, is
/// refused.
///
/// # Errors
/// [`KeyError::Exists`] names the file that is in the way; [`KeyError::Exposed`] names the work tree; else [`KeyError::Io`].
pub fn write_key_files(
    prefix: &Path,
    key: &LocalKey,
    passphrase: Option<&Passphrase>,
    home: Option<&Path>,
) -> Result<(PathBuf, PathBuf), KeyError> {
    write_pair(prefix, key, || key.to_pem(passphrase), home)
}

/// Writes like [`write_key_files`], with the private key as cosign encrypts its own.
///
/// # Errors
/// As [`write_key_files`]; [`KeyError::NotForCosign`] for any key but a P-256 one.
pub fn write_cosign_key_files(
    prefix: &Path,
    key: &LocalKey,
    passphrase: &Passphrase,
    home: Option<&Path>,
) -> Result<(PathBuf, PathBuf), KeyError> {
    write_pair(prefix, key, || key.to_cosign_pem(passphrase).map(Zeroizing::new), home)
}

fn write_pair(
    prefix: &Path,
    key: &LocalKey,
    private_pem: impl FnOnce() -> Result<Zeroizing<String>, KeyError>,
    home: Option<&Path>,
) -> Result<(PathBuf, PathBuf), KeyError> {
    let (private_path, public_path) = (with_ending(prefix, ".key")?, with_ending(prefix, ".pub")?);
    // `parent` of a bare name is empty, and no directory has that name.
    let directory = prefix.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    refuse_work_tree(&private_path, directory, home)?;
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed("make the directory", directory))?;
    // Again, because a `..` behind a directory that wasn't there leads somewhere only now.
    refuse_work_tree(&private_path, directory, home)?;
    for path in [&private_path, &public_path] {
        if path.symlink_metadata().is_ok() {
            return Err(KeyError::Exists { path: path.clone() });
        }
    }

    let private_pem = private_pem()?;
    let private_file = prepared(directory, &private_path, private_pem.as_bytes(), 0o600)?;
    let public_file = prepared(directory, &public_path, key.public_key_pem().as_bytes(), 0o644)?;
    publish_pair((private_file, &private_path), (public_file, &public_path))?;
    File::open(directory).and_then(|opened| opened.sync_all()).map_err(failed("save the directory", directory))?;
    Ok((private_path, public_path))
}

/// Reads a private key file; `passphrase` is called only if the key is encrypted.
///
/// Symbolic links are followed before anything is judged.
///
/// # Errors
/// [`KeyError::Missing`]; [`KeyError::Exposed`] if its group or others have access to it, or it lies in a git work tree whose top
/// isn't `home`; [`KeyError::InFile`] with what is wrong with its content.
pub fn read_key_file(path: &Path, home: Option<&Path>, passphrase: impl FnOnce() -> Option<Passphrase>) -> Result<LocalKey, KeyError> {
    let real = path.canonicalize().map_err(|source| {
        if is_absence(&source) { KeyError::Missing { path: path.to_path_buf() } } else { failed("read", path)(source) }
    })?;
    // Before it is opened, since opening a pipe waits for its other end.
    if !real.metadata().map_err(failed("read", path))?.is_file() {
        return Err(KeyError::NotAFile { path: path.to_path_buf() });
    }
    refuse_work_tree(path, &real, home)?;
    let file = File::open(&real).map_err(failed("read", path))?;
    let mode = file.metadata().map_err(failed("read", path))?.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Exposed { path: path.to_path_buf(), exposure: Exposure::OthersMayRead { mode } });
    }

    // The full capacity at once: growing would leave copies of the key behind.
    let mut content = Zeroizing::new(Vec::with_capacity(KEY_FILE_BYTES + 1));
    file.take(KEY_FILE_BYTES as u64 + 1).read_to_end(&mut content).map_err(failed("read", path))?;
    let in_file = |problem| KeyError::InFile { path: path.to_path_buf(), problem: Box::new(problem) };
    if content.len() > KEY_FILE_BYTES {
        return Err(in_file(KeyError::TooLarge { limit: KEY_FILE_BYTES }));
    }
    let pem = std::str::from_utf8(&content).map_err(|_| in_file(KeyError::NotAKey))?;
    LocalKey::from_pem_asking(pem, passphrase).map_err(in_file)
}

/// Returns the top of the innermost git work tree that holds the path, whether or not the path exists.
///
/// Links are followed. What can't be looked at counts as a work tree.
#[must_use]
pub fn work_tree_above(path: &Path) -> Option<PathBuf> {
    let careful = || Some(path.to_path_buf());
    let Ok(absolute) = std::path::absolute(path) else { return careful() };
    for ancestor in absolute.ancestors() {
        match ancestor.canonicalize() {
            Ok(existing) => return existing.ancestors().find(|directory| holds_git(directory)).map(Path::to_path_buf),
            Err(error) if is_absence(&error) => {}
            Err(_) => return careful(),
        }
    }
    careful()
}

/// `.git` is a directory at the top of a repository, and a file at the top of a linked work tree or a submodule.
fn holds_git(directory: &Path) -> bool {
    match directory.join(".git").symlink_metadata() {
        Ok(_) => true,
        Err(error) => !is_absence(&error),
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Refuses a key whose place `looked_at` is in a work tree, unless that tree is the home directory itself, as with dotfiles.
fn refuse_work_tree(path: &Path, looked_at: &Path, home: Option<&Path>) -> Result<(), KeyError> {
    let Some(top) = work_tree_above(looked_at) else { return Ok(()) };
    // A relative one would make whatever directory this is the home.
    let home = home.filter(|home| home.is_absolute());
    if home.and_then(|home| home.canonicalize().ok()).is_some_and(|home| home == top) {
        return Ok(());
    }
    Err(KeyError::Exposed { path: path.to_path_buf(), exposure: Exposure::InWorkTree { top } })
}

/// Appends, since a prefix like `release-1.2` has a dot of its own.
fn with_ending(prefix: &Path, ending: &str) -> Result<PathBuf, KeyError> {
    let not_a_prefix = || KeyError::NotAPrefix { path: prefix.to_path_buf() };
    let mut name: OsString = prefix.file_name().ok_or_else(not_a_prefix)?.to_os_string();
    if prefix.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Err(not_a_prefix());
    }
    name.push(ending);
    Ok(prefix.with_file_name(name))
}

/// Writes the content to a nameless neighbour of `path`, which vanishes unless it is published.
fn prepared(directory: &Path, path: &Path, content: &[u8], mode: u32) -> Result<NamedTempFile, KeyError> {
    let write = || {
        // Made with 0600; wider only when it holds what everybody may see.
        let mut file =
            Builder::new().prefix(".countersign-").suffix(".tmp").permissions(Permissions::from_mode(0o600)).tempfile_in(directory)?;
        file.write_all(content)?;
        file.as_file().set_permissions(Permissions::from_mode(mode))?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    write().map_err(failed("write", path))
}

/// The public half first: whatever happens in between, no private key is left without it.
fn publish_pair(private: (NamedTempFile, &Path), public: (NamedTempFile, &Path)) -> Result<(), KeyError> {
    publish(public.0, public.1)?;
    publish(private.0, private.1).or_else(|error| {
        fs::remove_file(public.1).map_err(failed("remove", public.1))?;
        Err(error)
    })
}

fn publish(file: NamedTempFile, path: &Path) -> Result<(), KeyError> {
    match file.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => Err(KeyError::Exists { path: path.to_path_buf() }),
        Err(refused) => Err(failed("write", path)(refused.error)),
    }
}

fn failed(doing: &'static str, path: &Path) -> impl Fn(io::Error) -> KeyError {
    let path = path.to_path_buf();
    move |source| KeyError::Io { doing, path: path.clone(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_public_half_back_if_the_private_one_cannot_appear() {
        let place = tempfile::tempdir().unwrap();
        let (private, public) = (place.path().join("k.key"), place.path().join("k.pub"));
        let [private_file, public_file] = [&private, &public].map(|path| prepared(place.path(), path, b"new", 0o600).unwrap());
        fs::write(&private, "precious").unwrap();
        let error = publish_pair((private_file, &private), (public_file, &public)).unwrap_err();
        assert!(matches!(error, KeyError::Exists { path } if path == private));
        assert_eq!(fs::read_to_string(&private).unwrap(), "precious");
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    }
}
