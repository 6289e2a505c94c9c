//! Signers for Countersign: the keys and identities that sign what was captured, and the bundles that they make.
//! It judges nothing; verification is the heart's.

mod attest;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "keyless")]
mod keyless;
mod local;
#[cfg(feature = "keyless")]
mod program;
mod signer;
#[cfg(feature = "tuf")]
mod tuf;

pub use attest::{AttestError, attest};
#[cfg(feature = "keyless")]
pub use keyless::{
    Entries, IdentityToken, Keyless, KeylessError, Service, Session, SigningConfig, SigningConfigError, TokenError, TokenSource,
};
pub use local::{
    Exposure, KeyError, KeyType, LocalKey, Passphrase, read_key_file, work_tree_above, write_cosign_key_files, write_key_files,
};
pub use signer::{SignError, Signer};
#[cfg(feature = "tuf")]
pub use tuf::{FetchedTrust, Mirror, Origin, TufError, TufRepository, Versions};
