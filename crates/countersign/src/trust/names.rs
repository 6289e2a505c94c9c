//! The names in an X.509 certificate (RFC 5280 §4.1.2): of whom it says that they issued it, and of its own subject.
//! A name proves nothing; whether the issuer signed the certificate is verified elsewhere.

use crate::der::{CONTEXT_0, INTEGER, SEQUENCE, SET, element, only, whole};
use crate::limits::quoted;

/// Writes the name that a certificate gives its issuer, for a detail.
pub(crate) fn issuer(certificate: &[u8]) -> String {
    of(certificate).map_or_else(|| NOBODY.to_owned(), |names| shown(names.issuer))
}

/// The two names, each as the whole element of DER.
pub(super) struct Names<'a> {
    pub(super) issuer: &'a [u8],
    pub(super) subject: &'a [u8],
}

/// Reads the names of a certificate; `None` where it isn't one.
pub(super) fn of(certificate: &[u8]) -> Option<Names<'_>> {
    let (body, _) = element(only(certificate, SEQUENCE)?, SEQUENCE)?;
    let (_, after_version) = element(body, CONTEXT_0)?;
    let (_, after_serial) = element(after_version, INTEGER)?;
    let (_, after_algorithm) = element(after_serial, SEQUENCE)?;
    let (issuer, after_issuer) = whole(after_algorithm)?;
    let (_, after_validity) = element(after_issuer, SEQUENCE)?;
    let (subject, _) = whole(after_validity)?;
    Some(Names { issuer, subject })
}

/// Writes a name for a detail: its organisation and its common name, as far as it has them, with a stranger's text quoted.
fn shown(name: &[u8]) -> String {
    let mut parts = Vec::new();
    let mut rest = only(name, SEQUENCE).unwrap_or_default();
    while let Some((set, others)) = element(rest, SET) {
        parts.extend(only(set, SEQUENCE).and_then(attribute));
        rest = others;
    }
    if parts.is_empty() { NOBODY.to_owned() } else { quoted(&parts.join(", ")) }
}

/// Reads an attribute whose text is a `PrintableString` or a `UTF8String`.
fn attribute(attribute: &[u8]) -> Option<String> {
    let (short, text) = KNOWN.iter().find_map(|(short, id)| Some((short, attribute.strip_prefix(*id)?)))?;
    let text = only(text, UTF8_STRING).or_else(|| only(text, PRINTABLE_STRING))?;
    Some(format!("{short}={}", std::str::from_utf8(text).ok()?))
}

const NOBODY: &str = "nobody by name";
const UTF8_STRING: u8 = 0x0C;
const PRINTABLE_STRING: u8 = 0x13;
/// `id-at-organizationName` and `id-at-commonName` (RFC 5280 appendix A.1).
const KNOWN: [(&str, &[u8]); 2] = [("O", b"\x06\x03\x55\x04\x0A"), ("CN", b"\x06\x03\x55\x04\x03")];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_shown_by_what_people_know_of_it_and_cannot_end_its_quotation() {
        let part = |id: u8, tag: u8, text: &str| {
            let text = [&[tag, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
            let attribute = [&[0x06, 3, 0x55, 4, id][..], &text].concat();
            let sequence = [&[SEQUENCE, u8::try_from(attribute.len()).unwrap()], &attribute[..]].concat();
            [&[SET, u8::try_from(sequence.len()).unwrap()], &sequence[..]].concat()
        };
        let name = |parts: &[Vec<u8>]| {
            let parts = parts.concat();
            [&[SEQUENCE, u8::try_from(parts.len()).unwrap()], &parts[..]].concat()
        };
        let usual = name(&[part(10, PRINTABLE_STRING, "example.test"), part(6, PRINTABLE_STRING, "XX"), part(3, UTF8_STRING, "signers")]);
        assert_eq!(shown(&usual), "`O=example.test, CN=signers`");
        assert_eq!(shown(&name(&[part(3, UTF8_STRING, "a`\nb")])), "`CN=a\u{FFFD}\u{FFFD}b`");
        assert_eq!(shown(&name(&[])), "nobody by name");
        assert_eq!(shown(b"torn"), "nobody by name");
    }

    #[test]
    fn what_is_no_certificate_has_no_names() {
        for der in [&b""[..], b"\x30\x00", b"\x30\x02\x30\x00", b"\x30\x04\x30\x02\xA0\x00"] {
            assert!(of(der).is_none());
        }
    }
}
