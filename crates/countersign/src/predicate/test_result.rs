//! A gate's result, as in-toto test-result v0.1.
//! Whether the gate counts for a change is the policy's affair.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::json::{Json, Object};
use crate::statement::{ResourceDescriptor, Statement, StatementError};

/// in-toto test-result v0.1: what a gate found on a tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TestResult {
    /// The verdict.
    pub result: GateResult,
    /// The gate's name first, then the reports that it left.
    pub configuration: Vec<ResourceDescriptor>,
    /// Rule ids or test names that failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_tests: Vec<String>,
    /// Members beside these.
    #[serde(flatten)]
    pub other: Object,
}

impl TestResult {
    /// States the result of the gate `name`; its report goes by digest.
    #[must_use]
    pub fn of_gate(name: &str, result: GateResult, report: Option<Digest>) -> Self {
        let gate = format!("gate:{name}");
        let gate = ResourceDescriptor::new(gate.as_str(), report.clone().unwrap_or_else(|| Digest::sha256(gate.as_bytes())));
        let report = report.map(|digest| ResourceDescriptor::new("report", digest));
        Self { result, configuration: std::iter::once(gate).chain(report).collect(), failed_tests: Vec::new(), other: Object::new() }
    }

    /// Makes the statement about `subject`, which is a tree.
    ///
    /// # Errors
    /// [`StatementError`] for no subject, too many, one without a digest, or one twice.
    pub fn about(self, subject: Vec<ResourceDescriptor>) -> Result<Statement, StatementError> {
        Statement::new(subject, super::TEST_RESULT, Json::of(&self)?)
    }
}

/// The verdict of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum GateResult {
    /// Nothing to object to.
    Passed,
    /// Something to look at.
    Warned,
    /// Something to object to.
    Failed,
}
