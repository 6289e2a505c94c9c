//! The one encoding of a public key: SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) in DER, without any choice left.
//! Whether the key is a good one is found out by who verifies with it.

use super::KeyType;
use crate::der::{BIT_STRING, INTEGER, SEQUENCE, element, only};

/// Recognises the algorithm of a key, if this is the one encoding of it.
///
/// One key has one encoding here: another one of the same key would be another signer.
pub(super) fn key_type(der: &[u8]) -> Option<KeyType> {
    let fixed = FIXED.iter().find(|(_, prefix, rest)| der.strip_prefix(*prefix).is_some_and(|key| key.len() == *rest));
    fixed.map(|(key_type, ..)| *key_type).or_else(|| rsa_modulus(der).map(|_| KeyType::Rsa))
}

/// Returns true for the form of any public key: `SEQUENCE { SEQUENCE { … }, BIT STRING { … } }`.
pub(super) fn is_public_key(der: &[u8]) -> bool {
    let read = || only(element(only(der, SEQUENCE)?, SEQUENCE)?.1, BIT_STRING);
    read().is_some()
}

/// Returns the modulus of an RSA key in its one encoding:
/// `SEQUENCE { SEQUENCE { rsaEncryption, NULL }, BIT STRING { SEQUENCE { modulus, publicExponent } } }` (RFC 3279 §2.3.1).
pub(super) fn rsa_modulus(der: &[u8]) -> Option<&[u8]> {
    let info = only(der, SEQUENCE)?;
    let bits = only(info.strip_prefix(RSA_ALGORITHM)?, BIT_STRING)?;
    let numbers = only(bits.strip_prefix(&[0])?, SEQUENCE)?;
    let (modulus, numbers) = element(numbers, INTEGER)?;
    let exponent = only(numbers, INTEGER)?;
    let odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
    // The highest bit of a modulus is set, so that it has a zero byte before it.
    let modulus = modulus.strip_prefix(&[0])?;
    let modulus_holds = modulus.first().is_some_and(|byte| byte & 0x80 != 0) && odd(modulus) && RSA_BYTES.contains(&modulus.len());
    (modulus_holds && odd(exponent) && exponent != [1] && exponent.len() <= 5 && is_shortest(exponent)).then_some(modulus)
}

/// Returns true for a positive number without a needless zero byte.
fn is_shortest(number: &[u8]) -> bool {
    match number {
        [0, next, ..] => next & 0x80 != 0,
        [first, ..] => first & 0x80 == 0,
        [] => false,
    }
}

/// `SEQUENCE { rsaEncryption, NULL }`
const RSA_ALGORITHM: &[u8] = b"\x30\x0D\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01\x05\x00";
/// 2,048 to 4,096 bits.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=512;
/// The keys of fixed length: what they begin with, and the bytes that follow.
const FIXED: [(KeyType, &[u8], usize); 3] = [
    // `SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING { 04 …` (RFC 5480 §2.1.1, §2.2)
    (KeyType::P256, b"\x30\x59\x30\x13\x06\x07\x2A\x86\x48\xCE\x3D\x02\x01\x06\x08\x2A\x86\x48\xCE\x3D\x03\x01\x07\x03\x42\x00\x04", 64),
    // `SEQUENCE { SEQUENCE { id-ecPublicKey, secp384r1 }, BIT STRING { 04 …`
    (KeyType::P384, b"\x30\x76\x30\x10\x06\x07\x2A\x86\x48\xCE\x3D\x02\x01\x06\x05\x2B\x81\x04\x00\x22\x03\x62\x00\x04", 96),
    // `SEQUENCE { SEQUENCE { id-Ed25519 }, BIT STRING { …` (RFC 8410 §4)
    (KeyType::Ed25519, b"\x30\x2A\x30\x05\x06\x03\x2B\x65\x70\x03\x21\x00", 32),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        let length = match length {
            [0, short @ 0..=0x7F] => vec![short],
            [0, long] => vec![0x81, long],
            long => vec![0x82, long[0], long[1]],
        };
        [vec![tag], length, content.to_vec()].concat()
    }

    fn rsa(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
        let numbers = tlv(SEQUENCE, &[tlv(INTEGER, modulus), tlv(INTEGER, exponent)].concat());
        let bits = tlv(BIT_STRING, &[vec![0], numbers].concat());
        tlv(SEQUENCE, &[RSA_ALGORITHM.to_vec(), bits].concat())
    }

    fn modulus(bytes: usize) -> Vec<u8> {
        [vec![0], vec![0xFF; bytes]].concat()
    }

    #[test]
    fn an_rsa_key_has_one_encoding_and_a_size_within_bounds() {
        for bytes in [256, 384, 512] {
            let key = rsa(&modulus(bytes), &[1, 0, 1]);
            assert_eq!((key_type(&key), rsa_modulus(&key).map(<[u8]>::len)), (Some(KeyType::Rsa), Some(bytes)));
        }
        let (good, e) = (modulus(256), [1, 0, 1]);
        let mut even = good.clone();
        *even.last_mut().unwrap() = 0xFE;
        let no_null = {
            let algorithm = tlv(SEQUENCE, &RSA_ALGORITHM[2..13]);
            let numbers = tlv(SEQUENCE, &[tlv(INTEGER, &good), tlv(INTEGER, &e)].concat());
            tlv(SEQUENCE, &[algorithm, tlv(BIT_STRING, &[vec![0], numbers].concat())].concat())
        };
        for (key, what) in [
            (rsa(&modulus(255), &e), "too short"),
            (rsa(&modulus(513), &e), "too long"),
            (rsa(&good[1..], &e), "negative"),
            (rsa(&[vec![0], good.clone()].concat(), &e), "a needless zero"),
            (rsa(&even, &e), "even"),
            (rsa(&good, &[1]), "the exponent one"),
            (rsa(&good, &[0, 3]), "a needless zero in the exponent"),
            (rsa(&good, &[2]), "an even exponent"),
            (no_null, "no parameters"),
            ([rsa(&good, &e), vec![0]].concat(), "something behind"),
        ] {
            assert_eq!(key_type(&key), None, "{what}");
        }
    }
}
