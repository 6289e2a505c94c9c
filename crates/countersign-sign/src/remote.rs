//! Keys that somebody else keeps, a program or a key management service, and what is the same for all of them: the public
//! half is read once, every signature is verified with it before it's given out, and nobody is waited for beyond a limit.
//! How a keeper is asked stands in its own file.

mod error;
mod patience;
#[cfg(feature = "prehash")]
mod scheme;
#[cfg(feature = "awskms")]
mod awskms;
#[cfg(any(feature = "azurekms", feature = "gcpkms"))]
mod bearer;
#[cfg(any(feature = "azurekms", feature = "hashivault"))]
mod certificates;
#[cfg(feature = "azurekms")]
mod azurekms;
#[cfg(feature = "exec")]
pub(crate) mod exec;
#[cfg(feature = "gcpkms")]
mod gcpkms;
#[cfg(feature = "hashivault")]
mod hashivault;
#[cfg(feature = "pkcs11")]
mod pkcs11;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use countersign::identity::PublicKey;
use countersign::verify;

use crate::signer::{SignError, Signer};

pub use error::{Problem, RemoteError};
pub use patience::{Cancellation, Patience};

use patience::Until;

#[doc = include_str!("../SIGNERS.md")]
pub struct RemoteKey {
    name: String,
    found: Found,
    keeper: Arc<dyn Keeper>,
    patience: Patience,
}

impl RemoteKey {
    /// Returns true if `uri` begins as the name of such a key does, whether or not its kind is built in.
    #[must_use]
    pub fn is_named_by(uri: &str) -> bool {
        uri.split_once(':').is_some_and(|(scheme, _)| SCHEMES.contains(&scheme))
    }

    /// Opens the key that `uri` names, and reads its public half; `variable` reads a variable of the environment.
    ///
    /// From then on the version that was found signs, even if its keeper rotates the key meanwhile.
    ///
    /// # Errors
    /// [`RemoteError`] if the URI names no key, its kind isn't built in, its keeper doesn't give the public half, or that
    /// half verifies nothing here.
    pub fn open(uri: &str, variable: Variables<'_>, patience: Patience) -> Result<Self, RemoteError> {
        let name = shown(uri).to_owned();
        let opened = keeper(uri, variable).and_then(|keeper| {
            let asked = Arc::clone(&keeper);
            Ok((patience.wait(move |until| asked.find(until))?, keeper))
        });
        match opened {
            Ok((found, keeper)) => Ok(Self { name, found, keeper, patience }),
            Err(problem) => Err(RemoteError { key: name, problem }),
        }
    }

    /// Returns the public half.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.found.public
    }

    /// Has the message signed, and returns the signature if it's this key's: P-256 and P-384 give DER, Ed25519 64 bytes.
    ///
    /// # Errors
    /// [`RemoteError`] if the keeper doesn't sign, or what it gave isn't the key's signature over this message.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, RemoteError> {
        let (keeper, found, message) = (Arc::clone(&self.keeper), self.found.clone(), Arc::<[u8]>::from(message));
        let asked = Arc::clone(&message);
        let signed = self.patience.wait(move |until| keeper.sign(&found, &asked, until)).and_then(|signature| {
            let checked = verify::signature(&self.found.public, &message, &signature);
            checked.map(|()| signature).map_err(|_| Problem::NotItsSignature)
        });
        signed.map_err(|problem| RemoteError { key: self.name.clone(), problem })
    }
}

/// Returns as much of a URI as can be shown: what follows can be a program's arguments or a PIN, which may stand in the wrong place.
fn shown(uri: &str) -> &str {
    let name = uri.split(|c: char| c.is_whitespace() || c == '?').next().unwrap_or_default();
    let pin = name.to_ascii_lowercase().find("pin-").unwrap_or(name.len());
    name.get(..pin).unwrap_or_default()
}

/// Finds who keeps the key.
fn keeper(uri: &str, variable: Variables<'_>) -> Result<Arc<dyn Keeper>, Problem> {
    match (uri.split_once(':'), variable) {
        #[cfg(feature = "awskms")]
        (Some(("awskms", rest)), variable) => awskms::open(rest, variable),
        #[cfg(feature = "azurekms")]
        (Some(("azurekms", rest)), variable) => azurekms::open(rest, variable),
        #[cfg(feature = "exec")]
        (Some(("exec", rest)), variable) => exec::open(rest, variable),
        #[cfg(feature = "gcpkms")]
        (Some(("gcpkms", rest)), variable) => gcpkms::open(rest, variable),
        #[cfg(feature = "hashivault")]
        (Some(("hashivault", rest)), variable) => hashivault::open(rest, variable),
        #[cfg(feature = "pkcs11")]
        (Some(("pkcs11", rest)), variable) => pkcs11::open(rest, variable),
        _ => Err(Problem::NotBuiltIn),
    }
}

impl Signer for RemoteKey {
    fn public_key(&self) -> Result<PublicKey, SignError> {
        Ok(self.found.public.clone())
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        Self::sign(self, message).map_err(SignError::Remote)
    }

    fn credential_variables(&self) -> &[&'static str] {
        self.keeper.credential_variables()
    }

    fn program(&self) -> Option<&Path> {
        self.keeper.program()
    }
}

impl fmt::Debug for RemoteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteKey")
            .field("name", &self.name)
            .field("version", &self.found.version)
            .field("public", &self.found.public)
            .finish_non_exhaustive()
    }
}

/// What reads variables of the environment.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Somebody who keeps a key. Each call may be left behind when nobody waits for it any more.
trait Keeper: Send + Sync {
    /// Finds the key, and settles which version of it is meant from now on.
    fn find(&self, until: &Until) -> Result<Found, Problem>;

    /// Signs the message itself, by the algorithm of the public half. Nobody believes the answer before it's verified.
    fn sign(&self, found: &Found, message: &[u8], until: &Until) -> Result<Vec<u8>, Problem>;

    /// Returns the program that is run to sign.
    fn program(&self) -> Option<&Path> {
        None
    }

    /// Returns the variables of the environment that hold what lets us in.
    fn credential_variables(&self) -> &[&'static str] {
        &[]
    }
}

/// A key that was found.
#[derive(Clone)]
struct Found {
    public: PublicKey,
    /// What its keeper calls exactly this version.
    version: String,
}

const SCHEMES: [&str; 6] = ["awskms", "gcpkms", "azurekms", "hashivault", "pkcs11", "exec"];
