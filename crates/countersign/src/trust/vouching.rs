//! Has sigstore-verify check what a trust root vouches for: certificate, log entries, timestamps, and the signature.
//! The rules that it lacks stand beside the calls that need them; whose word counts is the policy's affair.

use std::borrow::Cow;

use sigstore_trust_root::TrustedRoot;
use sigstore_types::{
    Artifact, ArtifactDigest, Bundle as SigstoreBundle, DerPublicKey, HashAlgorithm, KindVersion, MessageSignature, Sha256Hash, Sha512Hash,
    SignatureContent, TimeRange, TransparencyLogEntry, VerificationMaterialContent,
};
use sigstore_verify::{
    CertificateError, Error, PublicKeyVerificationPolicy, TimestampError, VerificationPolicy, VerificationResult, Verifier,
};

use super::begun::Begun;
use super::{TrustRoot, checkpoint, entry, timestamp};
use crate::bundle::{Artifact as Given, Bundle, MessageBundle, Version};
use crate::digest::{Algorithm, Digest};
use crate::identity::{Identity, PublicKey, names};
use crate::limits;
use crate::reason::{Reason, Refusal};
use crate::time::Time;

/// By what the bundle's signature is to be verified.
#[derive(Clone, Copy)]
pub(crate) enum By<'a> {
    /// The certificate in the bundle, if the root vouches for it.
    Certificate,
    /// A key that is known already; the root vouches for times only.
    Key(&'a PublicKey),
}

/// What a bundle has signed.
#[derive(Clone, Copy)]
pub(crate) enum Content<'a> {
    /// A statement.
    Statement(&'a Bundle),
    /// The artifact itself.
    Message(&'a MessageBundle, Given<'a>),
}

impl<'a> Content<'a> {
    fn sigstore(self) -> &'a SigstoreBundle {
        match self {
            Self::Statement(bundle) => bundle.sigstore(),
            Self::Message(bundle, _) => bundle.sigstore(),
        }
    }

    fn has_witnesses(self) -> bool {
        let material = &self.sigstore().verification_material;
        !material.tlog_entries.is_empty() || !material.timestamp_verification_data.rfc3161_timestamps.is_empty()
    }

    const fn version(self) -> Version {
        match self {
            Self::Statement(bundle) => bundle.version(),
            Self::Message(bundle, _) => bundle.version(),
        }
    }
}

/// What a trust root has vouched for.
pub(crate) struct Vouched {
    /// The certificate's identity; `None` for a key, and for a certificate whose name is neither email nor URI.
    pub(crate) identity: Option<Identity>,
    /// When the certificate began to hold.
    pub(crate) begun: Option<Time>,
    /// The times that witnesses prove, earliest first.
    pub(crate) witnessed: Vec<Time>,
}

impl TrustRoot {
    /// Verifies a bundle under this root alone, so that it is known which root vouched.
    ///
    /// 1. Only authorities and logs count whose time had begun by `at`.
    /// 2. A certificate names one of the root's authorities as its issuer. It needs an entry in a log if the root has any
    ///    log at all, begun or not, and something that could say when it was used.
    /// 3. Each log entry is verified alone, with the one log that it names: sigstore-verify ties neither a checkpoint
    ///    to the entry's `logId`, nor the number of entries to their proofs. All timestamps are verified with the first
    ///    entry; a second one needs only a time at which the certificate held.
    /// 4. From v0.2 on each entry has a proof of inclusion. Its checkpoint is written as checkpoints are, and what the
    ///    entry says beside what the log signed agrees with it.
    /// 5. Each timestamp is written as timestamps are, without anything that no signature covers.
    /// 6. sigstore-verify finds signature, certificate, entry and timestamps valid, the certificate at every time.
    /// 7. No verified time is later than `at`, and the log's key held at each of them.
    pub(crate) fn vouch(&self, bundle: Content<'_>, by: By<'_>, at: Time) -> Result<Vouched, Refusal> {
        // 1.
        let begun = self.prepared.at(at);
        let sought = Sought { root: self, begun: &begun, bundle, by };
        let material = &bundle.sigstore().verification_material;
        let entries = &material.tlog_entries;
        // 2.
        if matches!(by, By::Certificate) {
            self.check_certificate(bundle)?;
        }
        // 5.
        for token in &material.timestamp_verification_data.rfc3161_timestamps {
            timestamp::check(token.signed_timestamp.as_bytes(), begun.root())?;
        }
        let mut results = Vec::new();
        if entries.is_empty() {
            results.push(sought.verify(None, limits::WITNESSES)?);
        }
        // 3.
        for (number, entry) in entries.iter().enumerate() {
            let tokens = if number == 0 { limits::WITNESSES } else { 1 };
            results.push(sought.verify(Some(entry), tokens)?);
        }
        let mut witnessed = Vec::new();
        for result in &results {
            for time in result.verified_timestamps() {
                let time = Time::from_unix(time.as_second()).map_err(|_| timestamp_invalid("a timestamp's time can't be written"))?;
                // 7.
                if time > at {
                    let detail = format!("a witness proves {time}, which is later than the question's {at}");
                    let by_log = result.integrated_time().is_some_and(|time| time.as_second() > at.unix_seconds());
                    return Err(Refusal::new(if by_log { Reason::LogEntryInvalid } else { Reason::TimestampInvalid }, detail));
                }
                witnessed.push(time);
            }
        }
        witnessed.sort_unstable();
        witnessed.dedup();
        // 7.
        for window in entries.iter().filter_map(|entry| log_of(begun.root(), entry)?.public_key.valid_for) {
            if let Some(time) = witnessed.iter().find(|time| !holds(&window, **time)) {
                return Err(log_entry(format!("the log's key did not hold at {time}, when the signature was made")));
            }
        }
        // The bundle has one certificate, so each of the results has the same.
        let certificate = results.first().and_then(VerificationResult::certificate);
        let begun = certificate.and_then(|certificate| Time::from_unix(certificate.not_before.as_second()).ok());
        Ok(Vouched { identity: certificate.and_then(Identity::of), begun, witnessed })
    }
}

impl TrustRoot {
    /// Returns whether the root could vouch for the bundle's certificate, by what costs no verification.
    pub(crate) fn could_vouch(&self, bundle: &Bundle) -> Result<(), Refusal> {
        self.check_certificate(Content::Statement(bundle))
    }

    fn check_certificate(&self, bundle: Content<'_>) -> Result<(), Refusal> {
        self.check_issuer(bundle)?;
        self.check_logged(bundle)?;
        if bundle.has_witnesses() { Ok(()) } else { Err(unwitnessed()) }
    }

    /// Checks that the certificate says to be issued by one of the root's authorities, or by one in the bundle's own chain.
    ///
    /// Nothing is proved by that. But where it isn't so, the bundle is of another instance of Sigstore, and that says more
    /// than that its log, or its timestamp authority, isn't one of this root's.
    fn check_issuer(&self, bundle: Content<'_>) -> Result<(), Refusal> {
        let Some(leaf) = bundle.sigstore().signing_certificate() else { return Ok(()) };
        let authorities = self.prepared.root.certificate_authorities.iter().flat_map(|authority| &authority.cert_chain.certificates);
        let authorities = authorities.map(|certificate| certificate.raw_bytes.as_bytes());
        let carried = match &bundle.sigstore().verification_material.content {
            VerificationMaterialContent::X509CertificateChain { certificates } => certificates.as_slice(),
            _ => &[],
        };
        let mut issuers = authorities.chain(carried.iter().skip(1).map(|certificate| certificate.raw_bytes.as_bytes()));
        match names::of(leaf.as_bytes()) {
            Some(names) if !issuers.any(|known| names::of(known).is_some_and(|known| known.subject == names.issuer)) => {
                Err(self.not_issued(bundle))
            }
            _ => Ok(()),
        }
    }

    fn not_issued(&self, bundle: Content<'_>) -> Refusal {
        Self::untrusted(bundle, &format!("no authority of trust root {} issued the certificate", self.digest))
    }

    /// Refuses the bundle's certificate, and says whom it names as its issuer.
    fn untrusted(bundle: Content<'_>, why: &str) -> Refusal {
        let issuer = bundle.sigstore().signing_certificate().map(|leaf| names::issuer(leaf.as_bytes())).unwrap_or_default();
        Refusal::new(Reason::CertificateUntrusted, format!("{why}, which names {issuer} as its issuer"))
    }

    /// Checks that the bundle has a log entry if the root has any log at all.
    pub(crate) fn check_logged(&self, bundle: Content<'_>) -> Result<(), Refusal> {
        if bundle.sigstore().verification_material.tlog_entries.is_empty() && !self.prepared.root.tlogs.is_empty() {
            return Err(log_entry("the bundle has no log entry, and the trust root asks for one"));
        }
        Ok(())
    }
}

/// One verification: of what, by what, under what.
struct Sought<'a> {
    root: &'a TrustRoot,
    begun: &'a Begun<'a>,
    bundle: Content<'a>,
    by: By<'a>,
}

impl<'a> Sought<'a> {
    /// Has the bundle verified with one of its log entries, or with none, and with so many of its timestamps.
    fn verify(&self, entry: Option<&TransparencyLogEntry>, tokens: usize) -> Result<VerificationResult, Refusal> {
        if let Some(entry) = entry {
            if log_of(self.begun.root(), entry).is_none() {
                return Err(log_entry("the trust root has no such log as the bundle's entry names, or none that had begun"));
            }
            // 4.
            match &entry.inclusion_proof {
                Some(proof) => {
                    checkpoint::check(proof.checkpoint.envelope())?;
                    entry::check(entry, proof)?;
                }
                None if self.bundle.version() >= Version::V02 => {
                    return Err(log_entry("a log entry has no proof that the log includes it"));
                }
                None => {}
            }
        }
        let mut bundle = Cow::Borrowed(self.bundle.sigstore());
        if bundle.verification_material.tlog_entries.len() > 1 {
            let material = &mut bundle.to_mut().verification_material;
            material.tlog_entries = entry.cloned().into_iter().collect();
            material.timestamp_verification_data.rfc3161_timestamps.truncate(tokens);
        }
        let (bundle, artifact) = self.with_artifact(bundle)?;
        // 6.
        let verifier = self.begun.verifier(entry.map(|entry| &entry.log_id)).map_err(|error| self.refusal(&error))?;
        let found = match self.by {
            By::Certificate => verifier.verify(artifact.as_artifact(), &bundle, &self.certificate_policy(entry)),
            By::Key(key) => verifier.verify(artifact.as_artifact(), &bundle, &key_policy(key, entry)),
        };
        found.map_err(|error| expiry(&error, &verifier, &bundle, &artifact).unwrap_or_else(|| self.refusal(&error)))
    }

    fn certificate_policy(&self, entry: Option<&TransparencyLogEntry>) -> VerificationPolicy {
        let mut policy = VerificationPolicy::any_identity();
        // Without an entry: the root has no log, or step 2 has refused.
        if entry.is_none() {
            policy = policy.skip_tlog_unsafe();
        }
        // An instance without any certificate log has no promises of one. One that hasn't begun is none the less asked for.
        if self.root.prepared.root.ctlogs.is_empty() {
            policy = policy.skip_sct();
        }
        policy
    }

    /// Finds what to call the artifact: sigstore-verify has no verification without one.
    ///
    /// It's a digest from the payload itself: whether the statement is about what was asked is judged on the verified
    /// statement. One with git's digests only is verified as a message, whose bytes are those that DSSE signs; no log of
    /// the first version wrote it down that way.
    fn with_artifact(&self, mut bundle: Cow<'a, SigstoreBundle>) -> Result<(Cow<'a, SigstoreBundle>, Signed<'a>), Refusal> {
        let held = match self.bundle {
            Content::Statement(held) => held,
            Content::Message(_, Given::Bytes(bytes)) => return Ok((bundle, Signed::Message(bytes.into()))),
            Content::Message(_, Given::Digest(digest)) => {
                let unsupported = "the artifact is named by neither sha256 nor sha512, which its signature can't be verified without";
                let digest = artifact_digest(digest)?.ok_or_else(|| Refusal::new(Reason::SubjectDigestUnsupported, unsupported))?;
                return Ok((bundle, Signed::Digest(digest)));
            }
        };
        let subjects = || held.unverified_statement().subject.iter();
        let named = |algorithm| subjects().find_map(|subject| subject.digest.get(algorithm));
        if let Some(digest) = named(Algorithm::Sha256).or_else(|| named(Algorithm::Sha512))
            && let Some(digest) = artifact_digest(&digest)?
        {
            return Ok((bundle, Signed::Digest(digest)));
        }
        if bundle.verification_material.tlog_entries.iter().any(|entry| entry.kind_version != KindVersion::HashedRekordV002) {
            let detail = "the statement names its subjects by neither sha256 nor sha512, which its log entry can't be verified without";
            return Err(Refusal::new(Reason::SubjectDigestUnsupported, detail));
        }
        bundle.to_mut().content = SignatureContent::MessageSignature(MessageSignature::new(held.signature().to_vec().into()));
        Ok((bundle, Signed::Message(held.signed_bytes().into())))
    }

    /// Says in our words why sigstore-verify refuses: its own may change with its version, and repeat a stranger's.
    fn refusal(&self, error: &Error) -> Refusal {
        let digest = &self.root.digest;
        match error {
            Error::Certificate(
                CertificateError::ChainInvalid(_) | CertificateError::Expired { .. } | CertificateError::NotYetValid { .. },
            ) => self.root.not_issued(self.bundle),
            Error::Certificate(CertificateError::NoValidAuthority { .. }) => {
                let why = format!("no authority of trust root {digest} that held when the signature was made issued the certificate");
                TrustRoot::untrusted(self.bundle, &why)
            }
            // The root itself was usable when it was read: what it lacks now are certificate logs that had begun by `at`.
            Error::Certificate(CertificateError::Sct(_)) | Error::InvalidTrustRoot(_) => {
                let why = format!("no certificate log of trust root {digest} has promised to keep the certificate");
                TrustRoot::untrusted(self.bundle, &why)
            }
            Error::Certificate(_) => Refusal::new(Reason::CertificateUntrusted, "the certificate can't be read"),
            Error::Timestamp(TimestampError::NoVerifiedTimestamp(_)) => unwitnessed(),
            Error::Timestamp(TimestampError::OutsideAuthorityValidity { .. }) => {
                timestamp_invalid("the timestamp authority did not hold at the time that its timestamp states")
            }
            Error::Timestamp(_) => {
                timestamp_invalid(format!("no timestamp authority of trust root {digest} made the bundle's timestamp for this signature"))
            }
            Error::TransparencyLog(_) | Error::ArtifactMismatch(_) | Error::UnsupportedBundle(_) | Error::Bundle(_) => {
                log_entry("the log entry is not one of this signature that the log has signed for")
            }
            Error::SignatureInvalid(_) | Error::Crypto(_) => {
                let what = if matches!(self.bundle, Content::Message(..)) { "artifact" } else { "payload" };
                Refusal::new(
                    Reason::SignatureInvalid,
                    format!("the signature is not one over this {what} by the key that the bundle names"),
                )
            }
            Error::UnsupportedArtifact(_) => Refusal::new(
                Reason::SubjectDigestUnsupported,
                "the signature can't be verified by this digest of the artifact, only by the artifact itself",
            ),
            _ => Refusal::new(Reason::Malformed, "the bundle is not one that can be verified"),
        }
    }
}

/// Returns the refusal of a certificate that didn't hold at a verified time, and nothing for one refused otherwise.
fn expiry(error: &Error, verifier: &Verifier, bundle: &SigstoreBundle, artifact: &Signed<'_>) -> Option<Refusal> {
    let Error::Certificate(CertificateError::ChainInvalid(_) | CertificateError::Expired { .. } | CertificateError::NotYetValid { .. }) =
        error
    else {
        return None;
    };
    let times_only = VerificationPolicy::any_identity().skip_certificate_chain().skip_tlog_unsafe();
    let result = verifier.verify(artifact.as_artifact(), bundle, &times_only).ok()?;
    let certificate = result.certificate()?;
    let outside = |time: &i64| *time < certificate.not_before.as_second() || *time > certificate.not_after.as_second();
    let time = result.verified_timestamps().iter().map(|time| time.as_second()).find(outside)?;
    let written = |seconds| Time::from_unix(seconds).ok();
    let (from, until) = (written(certificate.not_before.as_second())?, written(certificate.not_after.as_second())?);
    let detail = format!("the certificate held from {from} to {until}, and the signature was made at {}", written(time)?);
    Some(Refusal::new(Reason::CertificateExpired, detail))
}

/// What sigstore-verify is told was signed.
enum Signed<'a> {
    Digest(ArtifactDigest),
    Message(Cow<'a, [u8]>),
}

impl Signed<'_> {
    fn as_artifact(&self) -> Artifact<'_> {
        match self {
            Self::Digest(digest) => Artifact::Digest(digest.clone()),
            Self::Message(bytes) => Artifact::Blob(bytes),
        }
    }
}

/// Returns the digest as sigstore-verify takes it, which knows two algorithms.
fn artifact_digest(digest: &Digest) -> Result<Option<ArtifactDigest>, Refusal> {
    let unreadable = |_| Refusal::new(Reason::Malformed, "a digest of the artifact can't be read");
    match digest.algorithm() {
        Algorithm::Sha256 => Sha256Hash::from_hex(digest.hex()).map(|hash| Some(hash.into())).map_err(unreadable),
        Algorithm::Sha512 => {
            let hash = Sha512Hash::from_hex(digest.hex()).map_err(unreadable)?;
            ArtifactDigest::new(HashAlgorithm::Sha2512, hash.as_bytes().to_vec()).map(Some).map_err(unreadable)
        }
        _ => Ok(None),
    }
}

fn key_policy(key: &PublicKey, entry: Option<&TransparencyLogEntry>) -> PublicKeyVerificationPolicy {
    let policy = PublicKeyVerificationPolicy::new(DerPublicKey::new(key.der().to_vec()));
    if entry.is_none() { policy.skip_tlog_unsafe() } else { policy }
}

fn log_of<'a>(root: &'a TrustedRoot, entry: &TransparencyLogEntry) -> Option<&'a sigstore_trust_root::TransparencyLog> {
    root.tlogs.iter().find(|log| log.log_id == entry.log_id)
}

/// Returns true if the window, which includes both of its ends, holds the time; a window's fractions of a second count.
fn holds(window: &TimeRange, time: Time) -> bool {
    let nanos = i128::from(time.unix_seconds()) * 1_000_000_000;
    nanos >= window.start.as_nanosecond() && window.end.is_none_or(|end| nanos <= end.as_nanosecond())
}

fn log_entry(detail: impl Into<String>) -> Refusal {
    Refusal::new(Reason::LogEntryInvalid, detail)
}

/// The refusal of a signature that nothing says the time of.
pub(crate) fn unwitnessed() -> Refusal {
    Refusal::new(Reason::TimeUnwitnessed, "neither a timestamp nor a log proves when the signature was made")
}

fn timestamp_invalid(detail: impl Into<String>) -> Refusal {
    Refusal::new(Reason::TimestampInvalid, detail)
}
