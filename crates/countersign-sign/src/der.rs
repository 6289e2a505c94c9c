//! The little DER (X.690), and PEM around it, that requests to services and public keys are written in.
//! Nothing is read here: what others wrote is read by who verifies it.

#[cfg(feature = "keyless")]
use base64::Engine as _;
#[cfg(feature = "keyless")]
use base64::engine::general_purpose::STANDARD;

/// Writes a value with its tag and its length.
pub(crate) fn tagged(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut der = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => der.push(short),
        _ => {
            let bytes = length.to_be_bytes();
            let bytes: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
            // INVARIANT: a length has at most eight bytes.
            der.push(0x80 | u8::try_from(bytes.len()).unwrap_or_default());
            der.extend(bytes);
        }
    }
    parts.iter().for_each(|part| der.extend_from_slice(part));
    der
}

/// Writes a sequence.
pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tagged(0x30, parts)
}

/// Writes a number, given by its bytes, in as few of them as it can be.
#[cfg(feature = "pkcs11")]
pub(crate) fn integer(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let bytes = bytes.get(start..).unwrap_or_default();
    // A first bit that is set would mean a negative number.
    let sign: &[u8] = if bytes.first().is_none_or(|byte| *byte >= 0x80) { &[0] } else { &[] };
    tagged(2, &[sign, bytes])
}

/// Writes DER as PEM (RFC 7468 §2): in lines of 64 characters.
#[cfg(feature = "keyless")]
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let mut pem = format!("-----BEGIN {label}-----");
    for (count, character) in STANDARD.encode(der).chars().enumerate() {
        if count % 64 == 0 {
            pem.push('\n');
        }
        pem.push(character);
    }
    format!("{pem}\n-----END {label}-----\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_lengths_as_short_as_they_can_be() {
        assert_eq!(sequence(&[]), [0x30, 0]);
        assert_eq!(tagged(4, &[&[7; 3], &[8]]), [4, 4, 7, 7, 7, 8]);
        assert_eq!(tagged(4, &[&[0; 0x80]])[..4], [4, 0x81, 0x80, 0]);
        assert_eq!(tagged(4, &[&[0; 0x1234]])[..5], [4, 0x82, 0x12, 0x34, 0]);
    }
    #[cfg(feature = "pkcs11")]
    #[test]
    fn writes_numbers_in_one_way() {
        for (bytes, der) in
            [(&[][..], &[2, 1, 0][..]), (&[0, 0], &[2, 1, 0]), (&[0, 0, 0x7f], &[2, 1, 0x7f]), (&[0, 0x80, 1], &[2, 3, 0, 0x80, 1])]
        {
            assert_eq!(integer(bytes), der, "{bytes:?}");
        }
    }
}
