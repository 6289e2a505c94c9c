//! The form of an RFC 3161 timestamp, so that nothing can be written into one that its signature doesn't cover.
//! The signature itself is verified elsewhere.

use sigstore_trust_root::TrustedRoot;

use crate::der::{CONTEXT_0, OCTET_STRING, SEQUENCE, SET, element, only, whole};
use crate::reason::{Reason, Refusal};

/// Checks the form of a timestamp (RFC 3161 §2.4.2; RFC 5652 §5.1, §5.3), where a signature covers only what it's about.
///
/// It was granted without remarks, has one signer and no attribute that isn't signed, names its algorithms alike
/// wherever it names them, and carries no certificates but the authority's own.
///
/// # Errors
/// A [`Refusal`] with `timestamp-invalid`.
pub(super) fn check(token: &[u8], root: &TrustedRoot) -> Result<(), Refusal> {
    let authorities = root.timestamp_authorities.iter().flat_map(|authority| &authority.cert_chain.certificates);
    let known: Vec<&[u8]> = authorities.map(|certificate| certificate.raw_bytes.as_bytes()).collect();
    match covered(token, &known) {
        Some(()) => Ok(()),
        None => Err(Refusal::new(Reason::TimestampInvalid, "the timestamp holds something that its signature doesn't cover")),
    }
}

fn covered(token: &[u8], known: &[&[u8]]) -> Option<()> {
    let content = only(only(token, SEQUENCE)?.strip_prefix(GRANTED)?, SEQUENCE)?;
    let signed_data = only(only(content.strip_prefix(SIGNED_DATA)?, CONTEXT_0)?, SEQUENCE)?;
    let (digests, rest) = element(signed_data.strip_prefix(VERSION_3)?, SET)?;
    let (stated, rest) = element(rest, SEQUENCE)?;
    only(only(stated.strip_prefix(TST_INFO)?, CONTEXT_0)?, OCTET_STRING)?;
    let (mut certificates, rest) = element(rest, CONTEXT_0).unwrap_or((&[], rest));
    while !certificates.is_empty() {
        let (certificate, others) = whole(certificates)?;
        known.contains(&certificate).then_some(())?;
        certificates = others;
    }
    let signer = only(only(rest, SET)?, SEQUENCE)?;
    // Version 1 names the signer by issuer and number, version 3 by key.
    let signer = match signer.strip_prefix(VERSION_1) {
        Some(signer) => element(signer, SEQUENCE)?.1,
        None => element(signer.strip_prefix(VERSION_3)?, KEY_IDENTIFIER)?.1,
    };
    let (digest, signer) = whole(signer)?;
    let (_, signer) = element(signer, CONTEXT_0)?;
    let (signature, signer) = whole(signer)?;
    only(signer, OCTET_STRING)?;
    (digests == digest && fits(signature, digest)).then_some(())
}

/// Returns true if the signature's algorithm is one that goes with the digest's.
fn fits(signature: &[u8], digest: &[u8]) -> bool {
    let number = SHA_2.iter().find_map(|prefix| digest.strip_prefix(*prefix)?.first().copied());
    let Some(number @ 1..=3) = number else { return false };
    let with = |prefix: &[u8], end: &[u8]| signature.strip_prefix(prefix).is_some_and(|rest| rest == end);
    with(ECDSA, &[number + 1]) || with(RSA, &[number + 10, 5, 0]) || with(RSA, &[1, 5, 0])
}

/// `PKIStatusInfo { granted }`
const GRANTED: &[u8] = b"\x30\x03\x02\x01\x00";
/// `id-signedData`
const SIGNED_DATA: &[u8] = b"\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02";
/// `id-ct-TSTInfo`
const TST_INFO: &[u8] = b"\x06\x0B\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x01\x04";
const VERSION_1: &[u8] = b"\x02\x01\x01";
const VERSION_3: &[u8] = b"\x02\x01\x03";
/// `[0]`, primitive.
const KEY_IDENTIFIER: u8 = 0x80;
/// SHA-256, SHA-384 and SHA-512 but for the last number, without parameters or with NULL.
const SHA_2: [&[u8]; 2] = [b"\x30\x0B\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02", b"\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02"];
/// `ecdsa-with-SHA256` and its like, but for the last number.
const ECDSA: &[u8] = b"\x30\x0A\x06\x08\x2A\x86\x48\xCE\x3D\x04\x03";
/// `rsaEncryption`, `sha256WithRSAEncryption` and its like, but for the last number.
const RSA: &[u8] = b"\x30\x0D\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01";
