//! What a certificate says of itself, for people to read.
//! Nothing of it is verified, and no decision rests on it; the identity that counts is `certified`'s.

use std::collections::BTreeMap;

use sigstore_crypto::{SubjectAltName, parse_certificate_info};
use sigstore_types::DerCertificate;

use super::certified::{Extension, Subject, extensions};
use crate::der::{CONTEXT_0, INTEGER, OBJECT_IDENTIFIER, SEQUENCE, SET, element, only};
use crate::time::Time;

/// What a certificate claims, which anybody may have written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnverifiedCertificate {
    /// The first email address or URI among its names; `None` where it has neither.
    pub subject: Option<Subject>,
    /// Who vouched for the subject: the issuer of the token, by Fulcio's extension 1.3.6.1.4.1.57264.1.8 or .1.
    pub issuer: Option<String>,
    /// Who issued the certificate: its issuer's distinguished name, such as `O=example, CN=authority`.
    pub authority: Option<String>,
    /// When its validity begins.
    pub not_before: Time,
    /// When its validity ends.
    pub not_after: Time,
    /// What else it says, extension by extension.
    pub extensions: BTreeMap<Extension, String>,
}

impl UnverifiedCertificate {
    /// Reads a certificate; `None` for what is none.
    pub(crate) fn read(certificate: &DerCertificate) -> Option<Self> {
        let info = parse_certificate_info(certificate).ok()?;
        Some(Self {
            subject: info.identity.and_then(|name| match name {
                SubjectAltName::Email(text) => Some(Subject::Email(text)),
                SubjectAltName::Uri(text) => Some(Subject::Uri(text)),
                _ => None,
            }),
            issuer: info.issuer,
            authority: authority(certificate.as_bytes()),
            not_before: Time::from_unix(info.not_before.as_second()).ok()?,
            not_after: Time::from_unix(info.not_after.as_second()).ok()?,
            extensions: extensions(&info.ci_claims),
        })
    }
}

/// Returns the issuer's name (RFC 5280 §4.1.2.4); `None` where it can't be read.
fn authority(certificate: &[u8]) -> Option<String> {
    let (body, _) = element(only(certificate, SEQUENCE)?, SEQUENCE)?;
    let body = element(body, CONTEXT_0).map_or(body, |(_version, rest)| rest);
    let (_number, body) = element(body, INTEGER)?;
    let (_algorithm, body) = element(body, SEQUENCE)?;
    distinguished_name(element(body, SEQUENCE)?.0)
}

/// Writes the content of a distinguished name in the order in which it stands there, escaped as RFC 4514 §2.4 says, so that no
/// value looks like two. An attribute without a usual name, or of another kind than text, is left out.
pub(crate) fn distinguished_name(mut names: &[u8]) -> Option<String> {
    let mut parts = Vec::new();
    while !names.is_empty() {
        let (mut attributes, rest) = element(names, SET)?;
        names = rest;
        while !attributes.is_empty() {
            let (attribute, others) = element(attributes, SEQUENCE)?;
            attributes = others;
            let (kind, value) = element(attribute, OBJECT_IDENTIFIER)?;
            let text = TEXTS.iter().find_map(|tag| only(value, *tag)).and_then(|text| std::str::from_utf8(text).ok());
            if let (Some((_, name)), Some(text)) = (ATTRIBUTES.iter().find(|(known, _)| *known == kind), text) {
                parts.push(format!("{name}={}", escaped(text)));
            }
        }
    }
    (!parts.is_empty()).then(|| parts.join(", "))
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
        let name = [attribute(10, 0x13, "example"), attribute(3, 0x0C, "a, CN=b"), attribute(99, 0x0C, "unknown")].concat();
        assert_eq!(distinguished_name(&name).unwrap(), r"O=example, CN=a\, CN\=b");
        assert_eq!(distinguished_name(&attribute(3, 0x04, "octets")), None);
        assert_eq!(distinguished_name(&name[..name.len() - 1]), None);
        assert_eq!(distinguished_name(&[]), None);
    }
}
