//! The one list of reasons: why evidence was refused, or why a requirement isn't met.
//! Codes are stable; they stand in decisions, in C and in the cases alike.

use std::fmt;

use serde::{Serialize, Serializer};

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal,)+) => {
        /// Why something was refused; a stable code.
        ///
        /// The order is that of usefulness: where several candidates fail, the reason of the one that came furthest is given.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Reason { $($(#[doc = $doc])+ $name,)+ }

        impl Reason {
            /// All reasons, in their order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Returns the stable code, in kebab-case.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// Returns what the reason means, in one sentence.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                // The documentation's line begins with the blank that parts it from the slashes.
                match self { $(Self::$name => concat!($($doc),+).trim_start(),)+ }
            }
        }
    };
}

reasons! {
    /// Nothing was found that could meet the requirement.
    EvidenceMissing = "evidence-missing",
    /// Bundles were found, and their signers are not in the policy.
    SignerUnknown = "signer-unknown",
    /// The bundle or its statement isn't in the one form in which evidence is kept.
    Malformed = "malformed",
    /// The bundle's certificate is vouched for by no trust root that was given.
    CertificateUntrusted = "certificate-untrusted",
    /// The certificate didn't hold when the signature was made.
    CertificateExpired = "certificate-expired",
    /// A timestamp is none of this signature's, or by nobody whom the trust root trusts.
    TimestampInvalid = "timestamp-invalid",
    /// The log entry is none of this signature's, or not proved by a log of the trust root.
    LogEntryInvalid = "log-entry-invalid",
    /// The signature isn't the signer's, over these bytes.
    SignatureInvalid = "signature-invalid",
    /// The statement is about something else.
    SubjectMismatch = "subject-mismatch",
    /// The statement names its subject only by digests that never identify, such as SHA-1.
    DigestRefused = "digest-refused",
    /// One digest of a subject is right, and another of the same subject isn't.
    DigestConflict = "digest-conflict",
    /// No time is proved by a witness, and the policy asks for one.
    TimeUnwitnessed = "time-unwitnessed",
    /// The statement claims a time that hadn't come yet.
    ClaimedTimeImpossible = "claimed-time-impossible",
    /// The signer may not attest this kind of statement, or not at this time, or not for this requirement.
    SignerLacksAuthority = "signer-lacks-authority",
    /// The resource doesn't expect this builder, with this signer.
    BuilderUnexpected = "builder-unexpected",
    /// The resource doesn't expect this build type, or nobody knows it.
    BuildTypeUnknown = "build-type-unknown",
    /// An external parameter isn't what the resource expects, or isn't one of the build type's.
    ExternalParameterUnexpected = "external-parameter-unexpected",
    /// No dependency, or more than one, is the source.
    SourceAmbiguous = "source-ambiguous",
    /// The source is another repository or ref than the resource expects.
    SourceUnexpected = "source-unexpected",
    /// The requirement's condition isn't true of the statement, or can't be evaluated on it.
    ConditionFalse = "condition-false",
    /// The platform doesn't say how the run ended.
    RunOutcomeMissing = "run-outcome-missing",
    /// The run failed.
    RunFailed = "run-failed",
    /// The agent isn't one of those allowed.
    AgentNotAllowed = "agent-not-allowed",
    /// A model that answered isn't one of those allowed.
    ModelNotAllowed = "model-not-allowed",
    /// A tool that the run states isn't one of those allowed, or not all tools are stated.
    ToolNotAllowed = "tool-not-allowed",
    /// The sandbox image isn't one of those allowed, or none is stated.
    SandboxNotAllowed = "sandbox-not-allowed",
    /// Nobody whom the policy knows is named as the one who asked for the work.
    OwnerMissing = "owner-missing",
    /// The gate didn't pass.
    GateMissing = "gate-missing",
    /// The SBOM isn't the one that the build bound.
    SbomMismatch = "sbom-mismatch",
    /// The fact is founded less well than the requirement asks.
    BasisTooLow = "basis-too-low",
    /// The evidence is older than the requirement allows, or nothing says how old it is.
    EvidenceTooOld = "evidence-too-old",
    /// No resource of the policy matches what was asked about.
    ResourceUnexpected = "resource-unexpected",
    /// Two resources of the policy match what was asked about.
    ResourceAmbiguous = "resource-ambiguous",
    /// The subjects are named only by digests that the bundle's log entry can't be verified with.
    SubjectDigestUnsupported = "subject-digest-unsupported",
    /// Something that could meet the requirement couldn't be fetched.
    EvidenceUnavailable = "evidence-unavailable",
    /// Something that could meet the requirement is over a limit.
    EvidenceLimit = "evidence-limit",
}

impl Reason {
    /// Returns true if what was refused for this reason might have met the requirement, had we been able to judge it.
    #[must_use]
    pub const fn leaves_unknown(self) -> bool {
        matches!(self, Self::EvidenceLimit | Self::EvidenceUnavailable | Self::SubjectDigestUnsupported)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

/// Why one piece of evidence is not believed, or doesn't meet a requirement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The stable code.
    pub reason: Reason,
    /// What exactly, in one line; a stranger's text in it is cut short.
    pub detail: String,
}

impl Refusal {
    /// Refuses for that reason, with what exactly is wrong.
    pub(crate) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}
