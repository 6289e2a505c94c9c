//! Attributes of an artifact, a tree or a build, as in-toto SCAI v0.3: change classes and facts of a sandbox among them.
//! Which attributes mean what is their producer's affair and the policy's.

use serde::{Deserialize, Serialize};

use crate::json::{Json, Object};
use crate::statement::{ResourceDescriptor, Statement, StatementError};

/// in-toto SCAI v0.3 (<https://github.com/in-toto/attestation/blob/main/spec/predicates/scai.md>, "Schema").
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttributeReport {
    /// What is asserted.
    pub attributes: Vec<Attribute>,
    /// Who or what asserts it, where that isn't the signer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub producer: Option<ResourceDescriptor>,
    /// Members beside these.
    #[serde(flatten)]
    pub other: Object,
}

impl AttributeReport {
    /// Makes the statement about `subject`.
    ///
    /// # Errors
    /// [`StatementError`] for no subject, too many, one without a digest, or one twice.
    pub fn about(self, subject: Vec<ResourceDescriptor>) -> Result<Statement, StatementError> {
        Statement::new(subject, super::ATTRIBUTE_REPORT, Json::of(&self)?)
    }
}

/// One attribute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attribute {
    /// Its name.
    pub attribute: String,
    /// What it's an attribute of, where that isn't the subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<ResourceDescriptor>,
    /// Under which conditions it was found.
    #[serde(default, skip_serializing_if = "Object::is_empty")]
    pub conditions: Object,
    /// What shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<ResourceDescriptor>,
    /// Members beside these.
    #[serde(flatten)]
    pub other: Object,
}

impl Attribute {
    /// Asserts an attribute of the subject.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self { attribute: name.into(), target: None, conditions: Object::new(), evidence: None, other: Object::new() }
    }
}
