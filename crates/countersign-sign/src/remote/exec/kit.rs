//! The test kit of `exec:`: whether a program keeps to the protocol.
//! What is expected of every signer is the affair of `contract`.

use countersign::identity::PublicKey;

use super::super::patience::Patience;
use super::super::{Problem, RemoteError, RemoteKey, shown};
use super::Exec;
use crate::contract::{SignerFault, check_signature, check_signer};
use crate::signer::SignError;

/// Checks that the program of `exec:PROGRAM ARGUMENT…` keeps to the protocol, and returns the public half of its key.
///
/// 1. It's a signer as any ([`check_signer`]).
/// 2. It reads a message to its end, however long: the longest that statements have.
/// 3. It fails, by how it exits, where the word that it's asked by means nothing: it may mean something tomorrow.
///
/// # Errors
/// [`SignerFault`] for the first thing that doesn't hold.
pub fn check_exec_signer(uri: &str, patience: &Patience) -> Result<PublicKey, SignerFault> {
    // 1.
    let signer = RemoteKey::open(uri, &|_| None, patience.clone()).map_err(SignError::Remote)?;
    let key = check_signer(&signer)?;
    // 2.
    check_signature(&signer, &key, &vec![b'x'; LONGEST])?;
    // 3.
    let line = uri.strip_prefix("exec:").unwrap_or_default().to_owned();
    match patience.wait(move |until| Exec::named(&line)?.ask(&[NOTHING], b"", until)) {
        Err(Problem::Program { .. }) => Ok(key),
        Err(problem) => Err(SignError::Remote(RemoteError { key: shown(uri).to_owned(), problem }).into()),
        Ok(_) => Err(SignerFault::AnyWord { word: NOTHING }),
    }
}

/// A statement's most, and what stands around it.
const LONGEST: usize = countersign::limits::PAYLOAD_BYTES + 64;
const NOTHING: &str = "no-such-word";
