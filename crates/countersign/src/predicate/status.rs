//! A list of what no longer counts, as `https://countersign.dev/status/v1`: revoked signers, withdrawn approvals.
//! Whether a list is fresh enough, and whose counts, is judged elsewhere.

use serde::{Deserialize, Serialize};

use super::own::{self, Own, PredicateError};
use crate::digest::{Algorithm, Digest};
use crate::json::{self, Object};
use crate::statement::{ResourceDescriptor, Statement, StatementError};
use crate::time::Time;

/// A list of what no longer counts. Its subject is its own name, with the digest of its entries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusList {
    /// Higher than that of every earlier list of this name.
    pub sequence: u64,
    /// When it was issued.
    pub issued_at: Time,
    /// When the next one comes at the latest.
    pub next_update: Time,
    /// What no longer counts; empty for nothing.
    pub entries: Vec<StatusEntry>,
    /// Members beside these.
    #[serde(flatten)]
    pub other: Object,
}

impl StatusList {
    /// Makes the statement of the list of that name.
    ///
    /// # Errors
    /// [`PredicateError`] if a member isn't as it should be.
    pub fn named(&self, name: impl Into<String>) -> Result<Statement, PredicateError> {
        let entries = json::canonical(&self.entries).map_err(StatementError::from)?;
        own::about(self, vec![ResourceDescriptor::new(name, Digest::sha256(&entries))])
    }

    /// Reads the predicate of a statement.
    ///
    /// # Errors
    /// [`PredicateError`] for a statement of another type or subject, and if a member isn't as it should be.
    pub fn read(statement: &Statement) -> Result<Self, PredicateError> {
        own::read(statement)
    }
}

impl Own for StatusList {
    const TYPE: &'static str = super::STATUS;

    fn check(&self, subject: &[ResourceDescriptor]) -> Result<(), &'static str> {
        let digest = json::canonical(&self.entries).ok().map(|entries| Digest::sha256(&entries));
        let is_entries = |subject: &ResourceDescriptor| digest.is_some() && subject.digest.get(Algorithm::Sha256) == digest;
        match subject {
            [subject] if is_entries(subject) && subject.name.is_some() => {}
            _ => return Err("the one subject must be the list's name, with the digest of its entries"),
        }
        match () {
            () if self.next_update <= self.issued_at => Err("`nextUpdate` must be later than `issuedAt`"),
            () if self.entries.iter().any(|entry| entry.matches.trim().is_empty()) => Err("`match` must not be empty"),
            () => Ok(()),
        }
    }
}

/// Something that no longer counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusEntry {
    /// What kind of thing it is.
    pub kind: StatusKind,
    /// Which one: a signer's id, a key's or a bundle's digest, an agent's or a model's name.
    #[serde(rename = "match")]
    pub matches: String,
    /// Since when.
    pub since: Time,
    /// Why.
    pub reason: String,
}

/// The kinds of things that can stop counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StatusKind {
    /// A signer of the policy.
    Signer,
    /// A key.
    Key,
    /// An agent's program.
    Agent,
    /// A model.
    Model,
    /// An approval.
    Approval,
    /// A commit.
    Commit,
    /// An artifact.
    Artifact,
}
