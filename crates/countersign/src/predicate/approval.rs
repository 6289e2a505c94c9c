//! A person's yes to a change or an artifact, as `https://countersign.dev/approval/v1`.
//! Whether the signer is a person, is independent, and may approve this, is judged elsewhere.

use serde::{Deserialize, Serialize};

use super::own::{self, Over, Own, PredicateError, Presence, Sha256, Tier};
use crate::json::Object;
use crate::statement::{ResourceDescriptor, Statement};
use crate::time::Time;

/// A yes. The approver is the verified signer, never a member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// What it's over.
    pub over: Over,
    /// Where it may run; empty for a review of the source only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environments: Vec<String>,
    /// The role in which it was approved.
    pub role: String,
    /// The tier that the change was shown to be of.
    pub tier: Tier,
    /// Why: 1 to 2,000 characters.
    pub reason: String,
    /// What the approver was shown.
    pub shown: Shown,
    /// How the approver showed to be there.
    pub presence: Presence,
    /// When it was approved.
    pub approved_at: Time,
    /// Until when it counts.
    pub expires_at: Time,
    /// 128 random bits in hex, so that no two approvals are one.
    pub nonce: String,
    /// Members beside these.
    #[serde(flatten)]
    pub other: Object,
}

impl Approval {
    /// Makes the statement about `subject`, by which it's found.
    ///
    /// # Errors
    /// [`PredicateError`] if a member isn't as it should be, and for subjects that no statement can have.
    pub fn about(&self, subject: Vec<ResourceDescriptor>) -> Result<Statement, PredicateError> {
        own::about(self, subject)
    }

    /// Reads the predicate of a statement.
    ///
    /// # Errors
    /// [`PredicateError`] for a statement of another type, and if a member isn't as it should be.
    pub fn read(statement: &Statement) -> Result<Self, PredicateError> {
        own::read(statement)
    }
}

impl Own for Approval {
    const TYPE: &'static str = super::APPROVAL;

    fn check(&self, _: &[ResourceDescriptor]) -> Result<(), &'static str> {
        match () {
            () if !self.environments.is_empty() && !own::are_names(&self.environments) => Err("`environments` must be names, each once"),
            () if self.role.trim().is_empty() => Err("`role` must not be empty"),
            () if !own::is_reason(&self.reason) => Err("`reason` must have 1 to 2,000 characters"),
            () if !own::is_nonce(&self.nonce) => Err("`nonce` must be 128 bits in lower-case hex"),
            () if self.expires_at <= self.approved_at => Err("`expiresAt` must be later than `approvedAt`"),
            () => Ok(()),
        }
    }
}

/// What an approver was shown, by digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// The change.
    pub diff: Sha256,
    /// What can go wrong with it.
    pub risk: Sha256,
    /// The gates' results.
    pub gates: Vec<ShownGate>,
    /// What the agent was allowed to do, where there is such a mandate.
    pub mandate: Option<Sha256>,
    /// Members beside these.
    #[serde(flatten)]
    pub other: Object,
}

/// One gate's result that an approver was shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownGate {
    /// The gate's name.
    pub name: String,
    /// The SHA-256 of the result's bundle, in hex.
    pub sha256: String,
}
