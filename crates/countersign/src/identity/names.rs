//! The names in an X.509 certificate (RFC 5280 §4.1.2): of whom it says that they issued it, and of its own subject.
//! A name proves nothing; whether the issuer signed the certificate is verified elsewhere.

use crate::der::{CONTEXT_0, INTEGER, OBJECT_IDENTIFIER, SEQUENCE, SET, element, only, whole};
use crate::limits::quoted;

/// Writes the name that a certificate gives its issuer, for a detail.
pub(crate) fn issuer(certificate: &[u8]) -> String {
    shown(of(certificate).map(|names| names.issuer).unwrap_or_default())
}

/// The two names, each as the whole element of DER.
pub(crate) struct Names<'a> {
    pub(crate) issuer: &'a [u8],
    pub(crate) subject: &'a [u8],
}

/// Reads the names of a certificate; `None` where it isn't one.
pub(crate) fn of(certificate: &[u8]) -> Option<Names<'_>> {
    let (body, _) = element(only(certificate, SEQUENCE)?, SEQUENCE)?;
    let after_version = element(body, CONTEXT_0).map_or(body, |(_, rest)| rest);
    let (_, after_serial) = element(after_version, INTEGER)?;
    let (_, after_algorithm) = element(after_serial, SEQUENCE)?;
    let (issuer, after_issuer) = whole(after_algorithm)?;
    let (_, after_validity) = element(after_issuer, SEQUENCE)?;
    let (subject, _) = whole(after_validity)?;
    Some(Names { issuer, subject })
}

/// Writes a name for a detail, with a stranger's text quoted.
fn shown(name: &[u8]) -> String {
    distinguished_name(name).map_or_else(|| "nobody by name".to_owned(), |name| quoted(&name))
}

/// Writes a distinguished name in the order in which it stands there, escaped as RFC 4514 §2.4 says, so that no
/// value looks like two. An attribute without a usual name, or of another kind than text, is left out.
pub(crate) fn distinguished_name(name: &[u8]) -> Option<String> {
    let parts: Vec<_> = attributes(name)?.into_iter().map(|(name, text)| format!("{name}={}", escaped(text))).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Returns the first text that a distinguished name has for an attribute, by the attribute's short name.
pub(crate) fn attribute<'a>(name: &'a [u8], wanted: &str) -> Option<&'a str> {
    attributes(name)?.into_iter().find_map(|(name, text)| (name == wanted).then_some(text))
}

/// Reads the attributes that are text and have a usual name.
fn attributes(name: &[u8]) -> Option<Vec<(&'static str, &str)>> {
    let mut names = only(name, SEQUENCE)?;
    let mut found = Vec::new();
    while !names.is_empty() {
        let (mut attributes, rest) = element(names, SET)?;
        names = rest;
        while !attributes.is_empty() {
            let (attribute, others) = element(attributes, SEQUENCE)?;
            attributes = others;
            let (kind, value) = element(attribute, OBJECT_IDENTIFIER)?;
            let text = TEXTS.iter().find_map(|tag| only(value, *tag)).and_then(|text| std::str::from_utf8(text).ok());
            if let (Some((_, name)), Some(text)) = (ATTRIBUTES.iter().find(|(known, _)| *known == kind), text) {
                found.push((*name, text));
            }
        }
    }
    Some(found)
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        if matches!(character, '"' | '+' | ',' | ';' | '<' | '>' | '\\' | '=') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// UTF8String, PrintableString and IA5String.
const TEXTS: [u8; 3] = [0x0C, 0x13, 0x16];
/// The attributes that have a short name (RFC 4514 §3).
const ATTRIBUTES: [(&[u8], &str); 6] = [
    (&[0x55, 4, 3], "CN"),
    (&[0x55, 4, 6], "C"),
    (&[0x55, 4, 7], "L"),
    (&[0x55, 4, 8], "ST"),
    (&[0x55, 4, 10], "O"),
    (&[0x55, 4, 11], "OU"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(kind: u8, tag: u8, text: &str) -> Vec<u8> {
        let wrapped = |tag: u8, content: Vec<u8>| [vec![tag, u8::try_from(content.len()).unwrap()], content].concat();
        let value = wrapped(tag, text.as_bytes().to_vec());
        let kind = wrapped(OBJECT_IDENTIFIER, vec![0x55, 4, kind]);
        wrapped(SET, wrapped(SEQUENCE, [kind, value].concat()))
    }

    #[test]
    fn a_name_is_written_in_its_order_and_no_value_looks_like_two() {
        let sequence = |content: Vec<u8>| [vec![SEQUENCE, u8::try_from(content.len()).unwrap()], content].concat();
        let name = [attribute(10, 0x13, "example"), attribute(3, 0x0C, "a, CN=b"), attribute(99, 0x0C, "unknown")].concat();
        assert_eq!(distinguished_name(&sequence(name.clone())).unwrap(), r"O=example, CN=a\, CN\=b");
        assert_eq!(distinguished_name(&sequence(attribute(3, 0x04, "octets"))), None);
        assert_eq!(distinguished_name(&sequence(name[..name.len() - 1].to_vec())), None);
        assert_eq!(distinguished_name(&sequence(Vec::new())), None);
        assert_eq!(shown(&sequence(attribute(3, 0x0C, "a`\nb"))), "`CN=a\u{FFFD}\u{FFFD}b`");
        assert_eq!(shown(b"torn"), "nobody by name");
    }

    #[test]
    fn what_is_no_certificate_has_no_names() {
        for der in [&b""[..], b"\x30\x00", b"\x30\x02\x30\x00", b"\x30\x04\x30\x02\xA0\x00"] {
            assert!(of(der).is_none());
        }
    }
}
