//! What a certificate says of itself, for people to read.
//! Nothing of it is verified, and no decision rests on it; the identity that counts is `certified`'s.

use std::collections::BTreeMap;

use sigstore_crypto::{SubjectAltName, parse_certificate_info};
use sigstore_types::DerCertificate;

use super::certified::{Extension, Subject, extensions};
use super::names::{self, distinguished_name};
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
            authority: names::of(certificate.as_bytes()).and_then(|names| distinguished_name(names.issuer)),
            not_before: Time::from_unix(info.not_before.as_second()).ok()?,
            not_after: Time::from_unix(info.not_after.as_second()).ok()?,
            extensions: extensions(&info.ci_claims),
        })
    }
}
