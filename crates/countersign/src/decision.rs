//! The answer to a question, with everything that it rests on.
//! It judges what the inquiry found, and never fails: what couldn't be judged is part of the answer.

mod explanation;
mod judge;
mod listing;
mod origin;
mod remedy;
mod summary;
mod verdict;
mod why_not;

use serde::Serialize;

use crate::digest::Digest;
use crate::json::Object;
use crate::predicate::Basis;
use crate::reason::Reason;
use crate::time::Time;

pub use explanation::{
    CredentialResult, Explained, Explanation, Fact, Followed, NotShown, ObjectKind, RefusalResult, Strangers, Use, UseOutcome,
};
pub use summary::{Summary, SummaryError, member};
pub use why_not::{Missing, MissingKind, WhyNot};

/// What was decided, and why.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Decision {
    /// The URI of this format.
    pub schema: &'static str,
    /// The answer.
    pub decision: Answer,
    /// What was asked.
    pub question: Asked,
    /// The policy that was applied.
    pub policy: PolicyReference,
    /// The trust roots that were given.
    pub trust: Vec<DigestReference>,
    /// The environment's requirements, sorted by id.
    pub requirements: Vec<RequirementResult>,
    /// The evidence that was looked at, sorted by bundle; bundles by signers unknown to the policy are not listed.
    pub evidence: Vec<EvidenceResult>,
    /// What somebody should look at, although it decides nothing.
    pub findings: Vec<Finding>,
    /// The overrides that were applied.
    pub overrides: Vec<Object>,
    /// Until when the same evidence gives the same answer.
    pub valid_until: Option<Time>,
    /// The level that the policy grants the artifact's build; it's stated in a summary only.
    #[serde(skip)]
    pub(crate) build_level: Option<u8>,
}

impl Decision {
    /// Returns true only if every requirement is met.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.decision == Answer::Allow
    }

    /// Returns the decision as one canonical line (RFC 8785), without a newline.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // INVARIANT: a decision holds names, digests, times and small numbers, which always have a JSON form. It's ours,
        // so the limits on what strangers write don't hold for it: a long one must not come out empty.
        serde_json_canonicalizer::to_vec(self).unwrap_or_default()
    }
}

/// The three answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Every requirement is met.
    Allow,
    /// A requirement is not met.
    Deny,
    /// No requirement is unmet, and one could not be judged.
    Undetermined,
}

impl Answer {
    /// Returns the word that decisions use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Undetermined => "undetermined",
        }
    }
}

/// What was asked.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Asked {
    /// The artifact, by one digest.
    pub artifact: crate::digest::DigestSet,
    /// What it's meant to be.
    pub resource: String,
    /// Where it's meant to run.
    pub environment: Option<String>,
    /// When.
    pub at: Time,
}

/// The policy that was applied.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PolicyReference {
    /// Its name for itself.
    pub id: String,
    /// Its bytes' SHA-256.
    pub digest: DigestReference,
}

/// A SHA-256 as a digest set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct DigestReference {
    /// Lower-case hex.
    pub sha256: String,
}

/// Whether one requirement is met.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RequirementResult {
    /// The requirement's id.
    pub id: String,
    /// Its kind.
    pub kind: &'static str,
    /// Whether it's met.
    pub status: Status,
    /// The bundles that meet it.
    pub evidence: Vec<Digest>,
    /// The override that stands in for it.
    pub overridden_by: Option<Digest>,
    /// Why it isn't met.
    pub reasons: Vec<ReasonResult>,
    /// What to do about it, as commands.
    pub remedy: Vec<String>,
}

/// Whether a requirement is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It is.
    Met,
    /// It isn't.
    Unmet,
    /// Something that could meet it couldn't be fetched, parsed within limits, or judged.
    Unknown,
}

impl Status {
    /// Returns the word that decisions use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Unmet => "unmet",
            Self::Unknown => "unknown",
        }
    }
}

/// Why a requirement isn't met.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct ReasonResult {
    /// The stable code.
    pub code: Reason,
    /// What exactly.
    pub detail: String,
    /// The bundles that it's about.
    pub evidence: Vec<Digest>,
}

/// One bundle that was looked at.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EvidenceResult {
    /// The bundle.
    pub bundle: Digest,
    /// The type of its statement; empty where that can't be read.
    pub predicate_type: String,
    /// Who signed it.
    pub signer: SignerResult,
    /// The times that witnesses prove.
    pub witnessed_at: Vec<Time>,
    /// The time that the statement claims.
    pub claimed_at: Option<Time>,
    /// The best basis of any of its facts.
    pub basis: Basis,
    /// Whether it counts.
    pub believed: bool,
    /// Why it doesn't.
    pub refusal: Option<Reason>,
}

/// Who signed a bundle.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SignerResult {
    /// The signer's id in the policy.
    pub id: Option<String>,
    /// What the policy says stands behind it.
    pub kind: &'static str,
    /// The person who holds it.
    pub person: Option<String>,
    /// The trust root that vouched for it.
    pub trust_root: Option<String>,
}

/// Something to look at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// A stable code.
    pub code: &'static str,
    /// How bad it is.
    pub severity: &'static str,
    /// The bundles that it's about.
    pub sides: Vec<Digest>,
}
