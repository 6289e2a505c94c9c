//! What a certificate that was issued just now shows by itself: by whom, and for when.
//! It proves nothing; a bundle is verified whole.

use sigstore_crypto::parse_certificate_info;
use sigstore_types::DerCertificate;

use super::TrustRoot;
use crate::identity::names;
use crate::reason::{Reason, Refusal};
use crate::time::{Span, Time};

impl TrustRoot {
    /// Refuses a certificate (DER) whose bundles nobody could verify under this root, whatever is signed and logged: so that
    /// nothing is made public for it. `at` is the latest time that a right clock can show.
    ///
    /// 1. It names one of the root's certificate authorities as its issuer.
    /// 2. That authority's time had begun by `at`, and wasn't over when the certificate began to hold.
    /// 3. The certificate has begun to hold by `at`, and hasn't expired, as far as honest clocks agree ([`Span::CLOCK_SKEW`]).
    ///
    /// Whether the authority signed it isn't checked: only [`crate::verify::with_certificate`] believes anything.
    ///
    /// # Errors
    /// [`Reason::CertificateUntrusted`] for the first two, [`Reason::CertificateExpired`] for the third.
    pub fn could_vouch_for(&self, certificate: &[u8], at: Time) -> Result<(), Refusal> {
        let untrusted = |why: String| Refusal::new(Reason::CertificateUntrusted, why);
        let unreadable = || untrusted("the certificate can't be read".to_owned());
        let names = names::of(certificate).ok_or_else(unreadable)?;
        let information = parse_certificate_info(&DerCertificate::new(certificate.to_vec())).map_err(|_| unreadable())?;
        let (from, until) = (information.not_before, information.not_after);
        // 1.
        let authorities = self.prepared.root.certificate_authorities.iter();
        let is_named = |der: &[u8]| names::of(der).is_some_and(|known| known.subject == names.issuer);
        let mut named = authorities
            .filter(|authority| authority.cert_chain.certificates.iter().any(|known| is_named(known.raw_bytes.as_bytes())))
            .peekable();
        let issuer = names::issuer(certificate);
        if named.peek().is_none() {
            let why = format!("no authority of trust root {} issued the certificate, which names {issuer} as its issuer", self.digest);
            return Err(untrusted(why));
        }
        // 2.
        let holds = |window: sigstore_types::TimeRange| {
            window.start.as_second() <= at.unix_seconds() && window.start <= from && window.end.is_none_or(|end| from <= end)
        };
        if !named.any(|authority| authority.valid_for.is_none_or(holds)) {
            let why = format!("the authority {issuer} of trust root {} doesn't hold for a certificate of today", self.digest);
            return Err(untrusted(why));
        }
        // 3.
        let until = Time::from_unix(until.as_second()).map_err(|_| unreadable())?;
        let from = Time::from_unix(from.as_second()).map_err(|_| unreadable())?;
        if from > at || until.plus(Span::CLOCK_SKEW).plus(Span::CLOCK_SKEW) < at {
            let why = format!("the certificate holds from {from} to {until}, which isn't the time that it is here");
            return Err(Refusal::new(Reason::CertificateExpired, why));
        }
        Ok(())
    }
}
