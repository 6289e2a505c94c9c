//! Signers for Countersign: the keys that sign what was captured.
//! It judges nothing; verification is the heart's.

mod local;

pub use local::{Exposure, KeyError, KeyType, LocalKey, Passphrase, read_key_file, work_tree_above, write_key_files};
