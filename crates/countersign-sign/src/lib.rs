//! Signers for Countersign: the keys that sign what was captured, and the bundles that they make.
//! It judges nothing; verification is the heart's.

mod attest;
mod local;
mod signer;

pub use attest::{AttestError, attest};
pub use local::{
    Exposure, KeyError, KeyType, LocalKey, Passphrase, read_key_file, work_tree_above, write_cosign_key_files, write_key_files,
};
pub use signer::{SignError, Signer};
