//! A person's word that a gate's findings may stand for a while, as `https://countersign.dev/override/v1`.
//! Whether the signer may say so, and of which gates, is judged elsewhere.

use serde::{Deserialize, Serialize};

use super::own::{self, Over, Own, PredicateError};
use crate::json::Object;
use crate::statement::{ResourceDescriptor, Statement};
use crate::time::{Span, Time};

/// What of a gate may stand, where, why, and until when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Override {
    /// The gate's name.
    pub gate: String,
    /// The findings, each by its own name.
    pub findings: Vec<String>,
    /// What it's over.
    pub over: Over,
    /// Where it may run nevertheless.
    pub environments: Vec<String>,
    /// The role in which it was overridden.
    pub role: String,
    /// Why: 1 to 2,000 characters.
    pub reason: String,
    /// The URI of the ticket under which it's looked after.
    pub ticket: String,
    /// When it was overridden.
    pub approved_at: Time,
    /// Until when it counts: at most 30 days.
    pub expires_at: Time,
    /// 128 random bits in hex, so that no two overrides are one.
    pub nonce: String,
    /// Members beside these.
    #[serde(flatten)]
    pub other: Object,
}

impl Override {
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

impl Own for Override {
    const TYPE: &'static str = super::OVERRIDE;

    fn check(&self, _: &[ResourceDescriptor]) -> Result<(), &'static str> {
        match () {
            () if self.gate.trim().is_empty() => Err("`gate` must not be empty"),
            () if !own::are_names(&self.findings) => Err("`findings` must name at least one finding, each once"),
            () if self.findings.iter().any(|finding| finding.contains('*')) => Err("`findings` must name each finding; a wildcard is none"),
            () if !own::are_names(&self.environments) => Err("`environments` must name at least one environment, each once"),
            () if self.role.trim().is_empty() => Err("`role` must not be empty"),
            () if !own::is_reason(&self.reason) => Err("`reason` must have 1 to 2,000 characters"),
            () if !self.ticket.contains(':') => Err("`ticket` must be a URI"),
            () if !own::is_nonce(&self.nonce) => Err("`nonce` must be 128 bits in lower-case hex"),
            () if self.expires_at <= self.approved_at => Err("`expiresAt` must be later than `approvedAt`"),
            () if self.expires_at > self.approved_at.plus(LONGEST) => Err("`expiresAt` must be at most 30 days after `approvedAt`"),
            () => Ok(()),
        }
    }
}

const LONGEST: Span = Span::seconds(30 * 86_400);
