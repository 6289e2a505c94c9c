//! What SIGNER means on the command line, and the default.
//! How a key is read, and how it signs, is the signers' crate's affair.

use std::path::{Path, PathBuf};

use countersign_sign::{Signer, read_key_file};

use crate::data_home::{data_home, home};
use crate::failure::Failure;
use crate::passphrase::PassphraseSource;

/// How SIGNER is explained in help texts.
pub(crate) const SIGNER_HELP: &str = "The signer: file:PREFIX.key [default: file:$XDG_DATA_HOME/countersign/keys/default.key]";

/// Opens a signer; without one, the default key.
pub(crate) fn open(signer: Option<&str>, passphrase: &PassphraseSource) -> Result<Box<dyn Signer>, Failure> {
    let path = match signer {
        Some(signer) => key_path(signer)?,
        None => with_ending(&default_prefix()?, ".key"),
    };
    // The key's file says whether it needs a passphrase at all; only then is anybody asked.
    let mut failed = None;
    let read = read_key_file(&path, home().as_deref(), || {
        passphrase.existing(&format!("`{}`", path.display())).unwrap_or_else(|failure| {
            failed = Some(failure);
            None
        })
    });
    match (read, failed) {
        (_, Some(failure)) => Err(failure),
        (Ok(key), None) => Ok(Box::new(key)),
        (Err(error), None) => Err(no_private_key(&path).unwrap_or_else(|| error.into())),
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

/// The signers of the design that this version doesn't have.
const ELSEWHERE: [&str; 7] = ["awskms:", "gcpkms:", "azurekms:", "hashivault:", "pkcs11:", "keyless:", "exec:"];
