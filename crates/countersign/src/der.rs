//! Elements of DER (X.690 §10), each with its length in the one form that DER allows.
//! What the elements mean is the affair of who reads them.

/// Reads an element of the tag; returns its content and what follows it.
pub(crate) fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (length, rest) = match der.strip_prefix(&[tag])? {
        [length @ 0..=0x7F, rest @ ..] => (usize::from(*length), rest),
        [0x81, length @ 0x80..=0xFF, rest @ ..] => (usize::from(*length), rest),
        [0x82, high @ 1..=0xFF, low, rest @ ..] => ((usize::from(*high) << 8) | usize::from(*low), rest),
        _ => return None,
    };
    rest.split_at_checked(length)
}

/// Reads an element of the tag that nothing follows; returns its content.
pub(crate) fn only(der: &[u8], tag: u8) -> Option<&[u8]> {
    element(der, tag).filter(|(_, rest)| rest.is_empty()).map(|(content, _)| content)
}

/// Reads a whole element of any tag, tag and length included; returns it and what follows it.
pub(crate) fn whole(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_, rest) = element(der, *der.first()?)?;
    der.split_at_checked(der.len() - rest.len())
}

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
/// `[0]`, constructed.
pub(crate) const CONTEXT_0: u8 = 0xA0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_has_one_form() {
        let content = vec![7; 200];
        let long = [vec![OCTET_STRING, 0x81, 200], content.clone()].concat();
        assert_eq!(only(&long, OCTET_STRING), Some(content.as_slice()));
        let two_bytes = [vec![OCTET_STRING, 0x82, 0, 200], content].concat();
        assert_eq!(only(&two_bytes, OCTET_STRING), None);
        for der in [&[4, 0x81, 1, 7][..], &[4, 0x80, 0, 0], &[4, 2, 7], &[4, 1, 7, 7], &[5, 1, 7], &[4], &[]] {
            assert_eq!(only(der, OCTET_STRING), None, "{der:?}");
        }
        assert_eq!(whole(&[4, 1, 7, 9]), Some((&[4, 1, 7][..], &[9][..])));
    }
}
