//! What a vulnerability scanner found, as in-toto vulns v0.2.
//! Which findings matter is the policy's affair.

use serde::{Deserialize, Serialize};

use crate::json::{Json, Object};
use crate::statement::{ResourceDescriptor, Statement, StatementError};
use crate::time::Time;

/// in-toto vulns v0.2 (<https://github.com/in-toto/attestation/blob/main/spec/predicates/vulns_02.md>, "Schema").
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VulnerabilityScan {
    /// What scanned, by which database, and what it found.
    pub scanner: Scanner,
    /// When it scanned.
    pub metadata: ScanMetadata,
    /// Members beside these.
    #[serde(flatten)]
    pub other: Object,
}

impl VulnerabilityScan {
    /// Makes the statement about `subject`.
    ///
    /// # Errors
    /// [`StatementError`] for no subject, too many, one without a digest, or one twice.
    pub fn about(self, subject: Vec<ResourceDescriptor>) -> Result<Statement, StatementError> {
        Statement::new(subject, super::VULNERABILITIES, Json::of(&self)?)
    }
}

/// What scanned, and what it found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scanner {
    /// The scanner's URI.
    pub uri: String,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What it knew.
    pub db: ScannerDatabase,
    /// What it found; empty for nothing.
    pub result: Vec<Vulnerability>,
    /// Members beside these.
    #[serde(flatten)]
    pub other: Object,
}

/// What a scanner knew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScannerDatabase {
    /// The database's URI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// When it was last brought up to date.
    pub last_update: Time,
    /// Members beside these.
    #[serde(flatten)]
    pub other: Object,
}

/// One vulnerability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vulnerability {
    /// Its id, such as a CVE's.
    pub id: String,
    /// How bad it is, by each method.
    pub severity: Vec<Severity>,
    /// Members beside these.
    #[serde(flatten)]
    pub other: Object,
}

/// How bad a vulnerability is, by one method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Severity {
    /// The method, such as `cvss_v3`.
    pub method: String,
    /// The score as the method writes it: text or a number.
    pub score: Json,
    /// Members beside these.
    #[serde(flatten)]
    pub other: Object,
}

/// When a scan began and ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScanMetadata {
    /// When it began.
    pub scan_started_on: Time,
    /// When it ended.
    pub scan_finished_on: Time,
    /// Members beside these.
    #[serde(flatten)]
    pub other: Object,
}
