//! Signers for Countersign: the keys and identities that sign what was captured, and the bundles that they make.
//! It judges nothing; verification is the heart's.

mod attest;
mod contract;
#[cfg(any(feature = "azurekms", feature = "gcpkms", feature = "hashivault", feature = "tuf"))]
mod file;
#[cfg(any(feature = "keyless", feature = "pkcs11"))]
mod der;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "keyless")]
mod keyless;
mod local;
#[cfg(any(feature = "exec", feature = "keyless"))]
mod program;
#[cfg(feature = "remote")]
mod remote;
mod signer;
#[cfg(feature = "tuf")]
mod tuf;

pub use attest::{AttestError, attest};
pub use contract::{SignerFault, check_signer};
#[cfg(feature = "keyless")]
pub use keyless::{
    Entries, IdentityToken, Keyless, KeylessError, Person, Service, Session, SignIn, SigningConfig, SigningConfigError, TokenError,
    TokenSource, Witnesses,
};
pub use local::{
    Exposure, KeyError, KeyType, LocalKey, Passphrase, read_key_file, work_tree_above, write_cosign_key_files, write_key_files,
};
#[cfg(feature = "exec")]
pub use remote::exec::check_exec_signer;
#[cfg(feature = "remote")]
pub use remote::{Cancellation, Patience, Problem, RemoteError, RemoteKey, Variables};
pub use signer::{SignError, Signer};
#[cfg(feature = "tuf")]
pub use tuf::{FetchedTrust, Mirror, Origin, TufError, TufRepository, Versions};
