//! Who stands in a trust root, for people to read: each authority and log, its certificates or key, and when it held.
//! No decision rests on what is shown here; what those named vouch for is `vouching`'s affair.

use sigstore_crypto::parse_certificate_info;
use sigstore_trust_root::trusted_root::{CertChain, CertificateSubject, PublicKey};
use sigstore_types::{LogId, TimeRange};

use super::TrustRoot;
use crate::digest::{Digest, hex};
use crate::identity::{distinguished_name, names};
use crate::time::Time;

/// One authority or log of a trust root, as the root describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Authority {
    /// What it vouches for.
    pub kind: AuthorityKind,
    /// Where it says that it is; nothing is asked there, and nothing checks it.
    pub address: Option<String>,
    /// What the root calls it.
    pub name: Option<String>,
    /// From when on its word counts.
    pub from: Option<Time>,
    /// Until when its word counts; `None` as long as that isn't known.
    pub until: Option<Time>,
    /// By what its word is known.
    pub credential: Credential,
}

/// What an authority or log of a trust root vouches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum AuthorityKind {
    /// Issues signers' certificates (Fulcio).
    CertificateAuthority,
    /// Logs those certificates (certificate transparency).
    CertificateLog,
    /// Logs signatures (Rekor).
    Log,
    /// Says when a signature existed (RFC 3161).
    TimestampAuthority,
}

impl AuthorityKind {
    /// Every kind, in the order in which [`TrustRoot::authorities`] lists them.
    pub const ALL: [Self; 4] = [Self::CertificateAuthority, Self::CertificateLog, Self::Log, Self::TimestampAuthority];

    /// Returns the name of the list in `trusted_root.json` (sigstore_trustroot.proto).
    #[must_use]
    pub const fn list(self) -> &'static str {
        match self {
            Self::CertificateAuthority => "certificateAuthorities",
            Self::CertificateLog => "ctlogs",
            Self::Log => "tlogs",
            Self::TimestampAuthority => "timestampAuthorities",
        }
    }
}

/// By what an authority's or log's word is known.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credential {
    /// A log's key.
    #[non_exhaustive]
    Key {
        /// SHA-256 of its SubjectPublicKeyInfo.
        fingerprint: Digest,
        /// Its algorithm, as the root names it: `PKIX_ECDSA_P256_SHA_256`.
        details: String,
        /// What the log's word names the key by, in hexadecimal digits.
        log_id: String,
    },
    /// A chain of certificates, the root last.
    Chain(Vec<TrustedCertificate>),
}

/// A certificate of an authority.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrustedCertificate {
    /// SHA-256 of the certificate.
    pub fingerprint: Digest,
    /// Whom it names.
    pub subject: Option<String>,
    /// When its validity begins.
    pub not_before: Option<Time>,
    /// When its validity ends.
    pub not_after: Option<Time>,
}

impl TrustRoot {
    /// Returns all authorities and logs, kind by kind and otherwise in the order of the file.
    #[must_use]
    pub fn authorities(&self) -> Vec<Authority> {
        let root = &self.prepared.root;
        let issuers = root.certificate_authorities.iter().map(|authority| {
            let address = Some(authority.uri.clone());
            of_chain(AuthorityKind::CertificateAuthority, address, &authority.subject, &authority.cert_chain, authority.valid_for)
        });
        let certificate_logs =
            root.ctlogs.iter().map(|log| of_key(AuthorityKind::CertificateLog, &log.base_url, &log.public_key, &log.log_id));
        let logs = root.tlogs.iter().map(|log| of_key(AuthorityKind::Log, &log.base_url, &log.public_key, &log.log_id));
        let times = root.timestamp_authorities.iter().map(|authority| {
            let address = authority.uri.clone();
            of_chain(AuthorityKind::TimestampAuthority, address, &authority.subject, &authority.cert_chain, authority.valid_for)
        });
        issuers.chain(certificate_logs).chain(logs).chain(times).collect()
    }
}

fn of_chain(
    kind: AuthorityKind,
    address: Option<String>,
    subject: &CertificateSubject,
    chain: &CertChain,
    valid_for: Option<TimeRange>,
) -> Authority {
    let certificates = chain.certificates.iter().map(|certificate| {
        let der = certificate.raw_bytes.as_bytes();
        let info = parse_certificate_info(&certificate.raw_bytes).ok();
        TrustedCertificate {
            fingerprint: Digest::sha256(der),
            subject: names::of(der).and_then(|names| distinguished_name(names.subject)),
            not_before: info.as_ref().and_then(|info| time(info.not_before)),
            not_after: info.as_ref().and_then(|info| time(info.not_after)),
        }
    });
    let name: Vec<_> = [&subject.organization, &subject.common_name].into_iter().flatten().map(String::as_str).collect();
    let name = (!name.is_empty()).then(|| name.join(", "));
    let (from, until) = window(valid_for);
    Authority { kind, address, name, from, until, credential: Credential::Chain(certificates.collect()) }
}

fn of_key(kind: AuthorityKind, address: &str, key: &PublicKey, id: &LogId) -> Authority {
    let (from, until) = window(key.valid_for);
    let credential = Credential::Key {
        fingerprint: Digest::sha256(key.raw_bytes.as_bytes()),
        details: key.key_details.as_str().to_owned(),
        log_id: hex(id.key_id.as_bytes()),
    };
    Authority { kind, address: Some(address.to_owned()), name: None, from, until, credential }
}

fn window(range: Option<TimeRange>) -> (Option<Time>, Option<Time>) {
    (range.and_then(|range| time(range.start)), range.and_then(|range| range.end).and_then(time))
}

/// Reads a time from what another library writes of it, which keeps its fraction of a second.
fn time(written: impl ToString) -> Option<Time> {
    written.to_string().parse().ok()
}
