//! A certificate log's promises (RFC 6962): that it will log a certificate.
//! It keeps no tree: nobody who verifies a bundle asks for one.

use countersign::time::Time;
use sha2::{Digest as _, Sha256};

use super::certificate::Key;

/// A log of certificates.
#[derive(Clone)]
pub struct CertificateLog {
    pub(crate) key: Key,
}

impl CertificateLog {
    /// The log's id: SHA-256 of its key (RFC 6962 §3.2).
    pub(crate) fn id(&self) -> [u8; 32] {
        Sha256::digest(self.key.public_key_der()).into()
    }

    /// Promises to log the certificate with that body, by the issuer with that key: a signed certificate timestamp.
    #[must_use]
    pub fn promise(&self, body: &[u8], issuer_key: &[u8], at: Time) -> Vec<u8> {
        let milliseconds = u64::try_from(at.unix_seconds()).expect("a time after 1970") * 1000;
        let stamp = milliseconds.to_be_bytes();
        let length = u32::try_from(body.len()).expect("a short body").to_be_bytes();
        let issuer = Sha256::digest(issuer_key);
        // RFC 6962 §3.2: v1, certificate_timestamp, time, precert_entry, issuer, body, no extensions.
        let message = [&[0, 0][..], &stamp, &[0, 1], &issuer, &length[1..], body, &[0, 0]].concat();
        let signature = self.key.sign(&message).expect("a signature");
        let signature_length = u16::try_from(signature.len()).expect("a short signature").to_be_bytes();
        // §3.2 again: v1, the log's id, time, no extensions, SHA-256 with ECDSA, the signature.
        [&[0][..], &self.id(), &stamp, &[0, 0], &[4, 3], &signature_length, &signature].concat()
    }
}
