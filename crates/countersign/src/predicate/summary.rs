//! A verifier's own answer as a statement: SLSA's verification summary v1, and in-toto's simple verification result v0.2.
//! What was decided, and what of it goes into a summary, is the decision's affair.

use serde::{Deserialize, Serialize};

use crate::json::{Json, Object};
use crate::statement::{ResourceDescriptor, Statement, StatementError};
use crate::time::Time;

/// SLSA VSA v1: whether a verifier found a resource to meet a policy
/// (<https://slsa.dev/spec/v1.2/verification_summary>, "Schema").
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerificationSummary {
    /// Who verified.
    pub verifier: Verifier,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_verified: Option<Time>,
    /// As what the artifact was verified.
    pub resource_uri: String,
    /// By which policy.
    pub policy: ResourceDescriptor,
    /// What it was verified from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input_attestations: Vec<ResourceDescriptor>,
    /// The answer.
    pub verification_result: VerificationResult,
    /// The levels and properties that were found, or `FAILED` alone.
    pub verified_levels: Vec<String>,
    /// The version of SLSA that the levels are of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slsa_version: Option<String>,
    /// Members beside these; producers may add some whose names are URIs.
    #[serde(flatten)]
    pub other: Object,
}

impl VerificationSummary {
    /// Makes the statement about `subject`.
    ///
    /// # Errors
    /// [`StatementError`] for no subject, too many, one without a digest, or one twice.
    pub fn about(self, subject: Vec<ResourceDescriptor>) -> Result<Statement, StatementError> {
        Statement::new(subject, super::VERIFICATION_SUMMARY, Json::of(&self)?)
    }
}

/// Whoever verified.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verifier {
    /// Its URI.
    pub id: String,
    /// Members beside the id.
    #[serde(flatten)]
    pub other: Object,
}

impl Verifier {
    /// Names the verifier.
    #[must_use]
    pub fn named(id: impl Into<String>) -> Self {
        Self { id: id.into(), other: Object::new() }
    }
}

/// The answer of a verification summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum VerificationResult {
    /// The policy is met.
    Passed,
    /// It isn't.
    Failed,
}

/// in-toto SVR v0.2: properties that a verifier found; it can't say that something failed
/// (<https://github.com/in-toto/attestation/blob/main/spec/predicates/svr.md>, "Schema").
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SimpleVerificationResult {
    /// Who verified, and by which policies.
    pub verifier: PolicyVerifier,
    /// When.
    pub time_created: Time,
    /// What was found, each with the scope that defines it.
    pub properties: Vec<String>,
    /// Members beside these.
    #[serde(flatten)]
    pub other: Object,
}

impl SimpleVerificationResult {
    /// Makes the statement about `subject`.
    ///
    /// # Errors
    /// [`StatementError`] for no subject, too many, one without a digest, or one twice.
    pub fn about(self, subject: Vec<ResourceDescriptor>) -> Result<Statement, StatementError> {
        Statement::new(subject, super::SIMPLE_VERIFICATION_RESULT, Json::of(&self)?)
    }
}

/// Whoever verified, and by which policies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyVerifier {
    /// Its URI.
    pub id: String,
    /// The policies.
    pub policies: Vec<ResourceDescriptor>,
    /// Members beside these.
    #[serde(flatten)]
    pub other: Object,
}
