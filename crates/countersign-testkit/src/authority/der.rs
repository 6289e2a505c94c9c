//! Writes DER (X.690), as much of it as certificates and timestamp tokens need.
//! What the values mean is the affair of `certificate` and `timestamp`; nothing here reads DER.

/// A SEQUENCE of values that are DER already.
pub(crate) fn sequence(items: &[Vec<u8>]) -> Vec<u8> {
    tagged(0x30, &items.concat())
}

/// A SET OF values that are DER already, in the order that DER demands (X.690 §11.6).
pub(crate) fn set(items: &[Vec<u8>]) -> Vec<u8> {
    let mut items = items.to_vec();
    items.sort();
    tagged(0x31, &items.concat())
}

/// An INTEGER that isn't negative, from its bytes, highest first.
pub(crate) fn integer(bytes: &[u8]) -> Vec<u8> {
    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let mut content = bytes[first..].to_vec();
    if content.first().is_none_or(|byte| byte & 0x80 != 0) {
        content.insert(0, 0);
    }
    tagged(0x02, &content)
}

/// An OBJECT IDENTIFIER, from its dotted numbers.
pub(crate) fn oid(dotted: &str) -> Vec<u8> {
    let arcs: Vec<u64> = dotted.split('.').map(|arc| arc.parse().expect("a number")).collect();
    let mut content = Vec::new();
    for arc in [&[arcs[0] * 40 + arcs[1]], &arcs[2..]].concat() {
        let mut groups = vec![(arc & 0x7f) as u8];
        let mut rest = arc >> 7;
        while rest != 0 {
            groups.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        content.extend(groups.iter().rev());
    }
    tagged(0x06, &content)
}

/// An OCTET STRING.
pub(crate) fn octets(bytes: &[u8]) -> Vec<u8> {
    tagged(0x04, bytes)
}

/// A BIT STRING whose last `unused` bits don't count.
pub(crate) fn bits(bytes: &[u8], unused: u8) -> Vec<u8> {
    tagged(0x03, &[&[unused], bytes].concat())
}

/// A UTF8String.
pub(crate) fn text(text: &str) -> Vec<u8> {
    tagged(0x0c, text.as_bytes())
}

/// BOOLEAN TRUE; DER leaves a FALSE that is the default out.
pub(crate) fn yes() -> Vec<u8> {
    tagged(0x01, &[0xff])
}

/// A value in a tag of its context's own, as the value's kind wants it: `constructed` or not.
pub(crate) fn context(number: u8, constructed: bool, content: &[u8]) -> Vec<u8> {
    tagged(0x80 | u8::from(constructed) << 5 | number, content)
}

/// A value with the tag and the shortest length (X.690 §10.1).
pub(crate) fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length = &length[length.iter().position(|byte| *byte != 0).unwrap_or(length.len() - 1)..];
    let mut der = vec![tag];
    if let [short @ ..0x80] = length {
        der.push(*short);
    } else {
        der.push(0x80 | length.len() as u8);
        der.extend(length);
    }
    der.extend(content);
    der
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_as_short_as_they_can_be() {
        assert_eq!(octets(&[]), [0x04, 0x00]);
        assert_eq!(octets(&[7; 127])[..2], [0x04, 0x7f]);
        assert_eq!(octets(&[7; 128])[..3], [0x04, 0x81, 0x80]);
        assert_eq!(octets(&[7; 256])[..4], [0x04, 0x82, 0x01, 0x00]);
    }

    #[test]
    fn integers_are_not_negative_and_have_no_needless_zero() {
        assert_eq!(integer(&[0, 0]), [0x02, 0x01, 0x00]);
        assert_eq!(integer(&[0, 0x7f]), [0x02, 0x01, 0x7f]);
        assert_eq!(integer(&[0x80]), [0x02, 0x02, 0x00, 0x80]);
    }

    #[test]
    fn object_identifiers_are_written_in_groups_of_seven_bits() {
        assert_eq!(oid("1.2.840.113549"), [0x06, 0x06, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d]);
        assert_eq!(oid("2.5.29.17"), [0x06, 0x03, 0x55, 0x1d, 0x11]);
    }

    #[test]
    fn sets_are_sorted() {
        assert_eq!(set(&[integer(&[2]), integer(&[1])]), set(&[integer(&[1]), integer(&[2])]));
    }
}
