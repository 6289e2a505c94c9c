//! Timestamp authorities (RFC 3161): somebody's word that a signature existed by a time.
//! Whether the word is good is verified with the whole bundle.

use sigstore_crypto::sha256;

use super::error::{KeylessError, Service};
use crate::der;
use crate::http::{Address, Answer, Request};

/// Writes the request for a signature (RFC 3161 §2.4.1), asking for the authority's certificate too.
///
/// It has no nonce: the signature is fresh, by a key that was made moments ago, so no earlier answer fits it.
pub(super) fn request(signature: &[u8]) -> Vec<u8> {
    let digest = sha256(signature);
    let imprint = der::sequence(&[&der::sequence(&[SHA256, &[5, 0]]), &der::tagged(4, &[digest.as_bytes()])]);
    der::sequence(&[&[2, 1, 1], &imprint, &[1, 1, 0xff]])
}

/// What is asked of the authority at that address.
pub(super) fn ask<'a>(address: &'a Address, body: &'a [u8]) -> Request<'a> {
    Request { address, body: Some(("application/timestamp-query", body)), headers: &[], most: ANSWER_BYTES }
}

/// Takes the token out of the answer: bundles hold the answer as it is.
pub(super) fn stamped(answer: Answer, address: &Address) -> Result<Vec<u8>, KeylessError> {
    if answer.status == 200 || answer.status == 201 {
        return Ok(answer.body);
    }
    Err(KeylessError::status(Service::Times, address, answer.status))
}

/// 2.16.840.1.101.3.4.2.1
const SHA256: &[u8] = &[6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
const ANSWER_BYTES: u64 = 128 << 10;
