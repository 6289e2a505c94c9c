//! What SIGNER means on the command line, and the default.
//! How a key is read, and how it signs, is the signers' crate's affair.

use std::path::{Path, PathBuf};

use countersign::identity::PublicKey;
use countersign_sign::{LocalKey, Signer, read_key_file};

use crate::data_home::{data_home, home};
use crate::escape::escaped;
use crate::failure::Failure;
use crate::output;
use crate::passphrase::PassphraseSource;

/// How SIGNER is explained in help texts.
pub(crate) const SIGNER_HELP: &str = "The signer: file:PREFIX.key [default: file:$XDG_DATA_HOME/countersign/keys/default.key]";

/// Opens a signer; without one, the default key.
pub(crate) fn open(signer: Option<&str>, passphrase: &PassphraseSource) -> Result<Box<dyn Signer>, Failure> {
    opened(&path(signer)?, passphrase).map(|key| Box::new(key) as Box<dyn Signer>)
}

/// A signer's public half, and what it was read from.
pub(crate) enum PublicHalf {
    /// The private key itself.
    Derived(PublicKey),
    /// The file beside a private key that is locked: nobody has compared the two.
    Beside(PublicKey, PathBuf),
}

/// Returns a signer's public half without asking for a passphrase, if that can be: from the private key where it's open or a
/// passphrase was given, else from the file that was made with it.
///
/// A file that disagrees with a private key that is open is warned of.
pub(crate) fn public_half(signer: Option<&str>, passphrase: &PassphraseSource) -> Result<PublicHalf, Failure> {
    let path = path(signer)?;
    let beside = path.with_extension("pub");
    let is_pair = path.extension().is_some_and(|ending| ending == "key");
    let written = is_pair.then(|| public_key_in(&beside)).flatten();
    let mut is_locked = false;
    if let Some(written) = written.as_ref().filter(|_| !passphrase.is_given()) {
        // Whatever else is wrong with the private key's file is told below.
        let read = read_key_file(&path, home().as_deref(), || {
            is_locked = true;
            None
        });
        if is_locked && read.is_err() {
            return Ok(PublicHalf::Beside(written.clone(), beside));
        }
    }
    let key = opened(&path, passphrase)?.public_key()?;
    if written.is_some_and(|written| written != key) {
        let [beside, path] = [&beside, &path].map(|path| escaped(&path.display().to_string()));
        output::warning(&format!("`{beside}` is another key's; what is printed is the public half of `{path}` itself"));
    }
    Ok(PublicHalf::Derived(key))
}

/// Reads the public half that lies in a file; `None` for whatever else lies there.
fn public_key_in(path: &Path) -> Option<PublicKey> {
    // Anything but a file isn't even opened: a pipe would wait for its writer.
    let is_file = path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() <= PUBLIC_KEY_BYTES);
    is_file.then(|| std::fs::read_to_string(path).ok()).flatten().and_then(|pem| PublicKey::from_pem(&pem).ok())
}

fn path(signer: Option<&str>) -> Result<PathBuf, Failure> {
    match signer {
        Some(signer) => key_path(signer),
        None => Ok(with_ending(&default_prefix()?, ".key")),
    }
}

fn opened(path: &Path, passphrase: &PassphraseSource) -> Result<LocalKey, Failure> {
    // The key's file says whether it needs a passphrase at all; only then is anybody asked.
    let mut failed = None;
    let read = read_key_file(path, home().as_deref(), || {
        passphrase.existing(&format!("`{}`", path.display())).unwrap_or_else(|failure| {
            failed = Some(failure);
            None
        })
    });
    match (read, failed) {
        (_, Some(failure)) => Err(failure),
        (Ok(key), None) => Ok(key),
        (Err(error), None) => Err(no_private_key(path).unwrap_or_else(|| error.into())),
    }
}

/// Says which file was meant, if it's seen from the name: the prefix alone, or the public half.
fn no_private_key(path: &Path) -> Option<Failure> {
    let private = if path.extension().is_some_and(|ending| ending == "pub") {
        path.with_extension("key")
    } else if !path.exists() {
        with_ending(path, ".key")
    } else {
        return None;
    };
    private.is_file().then(|| {
        Failure::new("key-missing", format!("`{}` is no private key", path.display()))
            .hint(format!("the private key beside it is `file:{}`", private.display()))
    })
}

/// Returns the default key's path without `.key` or `.pub`.
pub(crate) fn default_prefix() -> Result<PathBuf, Failure> {
    Ok(data_home()?.join("keys").join("default"))
}

/// Appends an ending, since a prefix like `release-1.2` has a dot of its own.
pub(crate) fn with_ending(prefix: &Path, ending: &str) -> PathBuf {
    let mut path = prefix.as_os_str().to_owned();
    path.push(ending);
    PathBuf::from(path)
}

fn key_path(signer: &str) -> Result<PathBuf, Failure> {
    if let Some(path) = signer.strip_prefix("file:") {
        return if path.is_empty() { Err(invalid(signer)) } else { Ok(PathBuf::from(path)) };
    }
    match ELSEWHERE.iter().find(|scheme| signer.starts_with(*scheme)) {
        Some(scheme) => Err(Failure::new("signer-unsupported", format!("signers `{scheme}…` are not supported by this version"))
            .hint("sign with a local key: `file:PREFIX.key`")),
        None => Err(invalid(signer)),
    }
}

fn invalid(signer: &str) -> Failure {
    let failure = Failure::new("signer-invalid", format!("`{signer}` names no signer"));
    if Path::new(signer).exists() {
        failure.hint(format!("for a key file write `file:{signer}`"))
    } else {
        failure.hint("a signer is `file:PREFIX.key`")
    }
}

/// Largest file that is read as a public key.
const PUBLIC_KEY_BYTES: u64 = 64 << 10;
/// The signers of the design that this version doesn't have.
const ELSEWHERE: [&str; 7] = ["awskms:", "gcpkms:", "azurekms:", "hashivault:", "pkcs11:", "keyless:", "exec:"];
