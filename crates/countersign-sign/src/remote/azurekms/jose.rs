//! Public halves and signatures as JOSE writes them (RFC 7517, RFC 7518 §3.4 and §6), turned into what everybody else here reads.
//! Which key is meant, and whether a signature is its own, is checked elsewhere.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign::identity::{NotAKey, PublicKey};
use countersign::json::Json;

use super::super::Problem;

/// Reads the public half of a JSON Web Key.
pub(super) fn public_key(key: &Json) -> Result<PublicKey, Problem> {
    let text = |name: &str| key.get(name).and_then(Json::as_str).unwrap_or_default();
    let member = |name: &str| URL_SAFE_NO_PAD.decode(text(name)).map_err(|_| Problem::PublicKey(NotAKey::Unreadable));
    let (der, algorithm): (_, &'static dyn VerificationAlgorithm) = match (text("kty"), text("crv")) {
        ("EC" | "EC-HSM", "P-256") => ([P256, &point(&member("x")?, &member("y")?, 32)?].concat(), &ECDSA_P256_SHA256_ASN1),
        ("EC" | "EC-HSM", "P-384") => ([P384, &point(&member("x")?, &member("y")?, 48)?].concat(), &ECDSA_P384_SHA384_ASN1),
        ("RSA" | "RSA-HSM", _) => {
            let key = tagged(SEQUENCE, &[integer(&member("n")?), integer(&member("e")?)].concat());
            (tagged(SEQUENCE, &[RSA, &tagged(BIT_STRING, &[&[0], &key[..]].concat())].concat()), &RSA_PKCS1_2048_8192_SHA256)
        }
        _ => return Err(Problem::PublicKey(NotAKey::Unsupported)),
    };
    let public = PublicKey::from_der(&der).map_err(Problem::PublicKey)?;
    // The numbers were the service's, so that they are a point of the curve, or a modulus, is seen by who could verify with them.
    let parsed = ParsedPublicKey::new(algorithm, &der).map_err(|_| Problem::PublicKey(NotAKey::Unreadable));
    parsed.map(|_| public)
}

/// Turns a signature of two numbers, one after the other, into DER.
pub(super) fn der_signature(numbers: &[u8]) -> Result<Vec<u8>, Problem> {
    if !matches!(numbers.len(), 64 | 96) {
        return Err(Problem::Answer { what: "the signature isn't as long as the key's" });
    }
    let (r, s) = numbers.split_at(numbers.len() / 2);
    Ok(tagged(SEQUENCE, &[integer(r), integer(s)].concat()))
}

/// Joins coordinates to a point (SEC 1 §2.3.3); each is as long as the curve's (RFC 7518 §6.2.1.2).
fn point(x: &[u8], y: &[u8], length: usize) -> Result<Vec<u8>, Problem> {
    let is_whole = x.len() == length && y.len() == length;
    if is_whole { Ok([x, y].concat()) } else { Err(Problem::PublicKey(NotAKey::Unreadable)) }
}

/// An INTEGER that isn't negative, in the shortest form (X.690 §8.3).
fn integer(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let shortest = bytes.get(zeros..).unwrap_or_default();
    let sign: &[u8] = if shortest.first().is_none_or(|first| first & 0x80 != 0) { &[0] } else { &[] };
    tagged(INTEGER, &[sign, shortest].concat())
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let zeros = length.iter().take_while(|byte| **byte == 0).count();
    let length = length.get(zeros..).unwrap_or_default();
    let head = match length {
        [] => vec![tag, 0],
        [short] if *short < 0x80 => vec![tag, *short],
        long => [&[tag, 0x80 | u8::try_from(long.len()).unwrap_or_default()], long].concat(),
    };
    [&head, content].concat()
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
/// A SubjectPublicKeyInfo up to the coordinates of its point (RFC 5480 §2).
const P256: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01,
    0x07, 0x03, 0x42, 0x00, 0x04,
];
const P384: &[u8] = &[
    0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62,
    0x00, 0x04,
];
/// The algorithm of RSA's public halves, rsaEncryption without parameters (RFC 3279 §2.3.1).
const RSA: &[u8] = &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_numbers_in_their_shortest_form() {
        assert_eq!(integer(&[0, 0, 1]), [2, 1, 1]);
        assert_eq!(integer(&[0x80]), [2, 2, 0, 0x80]);
        assert_eq!(integer(&[]), [2, 1, 0]);
        assert_eq!(integer(&[0, 0]), [2, 1, 0]);
        let long = integer(&[1; 300]);
        assert_eq!((&long[..4], long.len()), ([2, 0x82, 1, 44].as_slice(), 304));
    }

    #[test]
    fn takes_signatures_of_the_right_length_alone() {
        for length in [0, 63, 65, 95, 128] {
            assert!(der_signature(&vec![1; length]).is_err(), "{length}");
        }
        let signature = der_signature(&[[0_u8; 32], [0x80; 32]].concat()).unwrap();
        assert_eq!(&signature[..7], [0x30, 38, 2, 1, 0, 2, 33]);
    }
}
