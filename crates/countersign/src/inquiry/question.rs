//! The question: may this artifact run here, asked at this time?
//! It holds what the asker says; none of it is evidence.

use crate::digest::{Algorithm, Digest};
use crate::policy::{Credential, Policy};
use crate::time::Time;
use crate::trust::Trust;

/// May this artifact, being this resource, run in this environment?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub(crate) artifact: Digest,
    pub(crate) resource: String,
    pub(crate) environment: Option<String>,
    pub(crate) at: Time,
}

impl Question {
    /// Asks about an artifact by its SHA-256, or about a git commit by its id.
    ///
    /// # Errors
    /// [`QuestionError::NotIdentified`] for a digest by any other algorithm, [`QuestionError::ResourceEmpty`] for a resource
    /// without a name: a policy's `*` would match it.
    pub fn new(artifact: Digest, resource: impl Into<String>, at: Time) -> Result<Self, QuestionError> {
        let resource = resource.into();
        match artifact.algorithm() {
            Algorithm::Sha256 | Algorithm::GitCommit if resource.is_empty() => Err(QuestionError::ResourceEmpty),
            Algorithm::Sha256 | Algorithm::GitCommit => Ok(Self { artifact, resource, environment: None, at }),
            other => Err(QuestionError::NotIdentified(other)),
        }
    }

    /// Names the environment; without one, the policy must have just one.
    #[must_use]
    pub fn environment(mut self, name: impl Into<String>) -> Self {
        self.environment = Some(name.into());
        self
    }

    /// Fits the question to the policy: the environment is named, the policy still holds, and whom it knows by a
    /// certificate somebody can vouch for.
    pub(crate) fn checked(mut self, policy: &Policy, trust: &Trust) -> Result<Self, QuestionError> {
        if let Some(expires) = policy.expires.filter(|expires| *expires <= self.at) {
            return Err(QuestionError::PolicyExpired { expires });
        }
        let is_identity = |credential: &Credential| matches!(credential, Credential::Identity(_));
        if let Some(signer) = policy.signers.iter().find(|signer| is_identity(&signer.credential) && trust.roots().is_empty()) {
            return Err(QuestionError::TrustMissing { signer: signer.id.clone() });
        }
        let known = || policy.environments().collect::<Vec<_>>().join("`, `");
        match &self.environment {
            Some(name) if policy.environments.contains_key(name) => {}
            Some(name) => return Err(QuestionError::EnvironmentUnknown { name: name.clone(), known: known() }),
            None => {
                let mut names = policy.environments();
                match (names.next(), names.next()) {
                    (Some(only), None) => self.environment = Some(only.to_owned()),
                    _ => return Err(QuestionError::EnvironmentNeeded { known: known() }),
                }
            }
        }
        Ok(self)
    }
}

/// Why a question can't be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuestionError {
    /// An artifact is identified by SHA-256, and a commit by its id.
    #[error("a question is asked about a sha256 or a gitCommit, not about a {0}")]
    NotIdentified(Algorithm),
    /// What the artifact is meant to be has a name.
    #[error("the resource that the artifact is meant to be is empty; name it")]
    ResourceEmpty,
    /// The policy has expired.
    #[error("the policy expired at {expires}; renew it, and set a later `expires`")]
    PolicyExpired {
        /// When it expired.
        expires: Time,
    },
    /// The policy knows a signer by an identity, and no trust root was given that could vouch for it.
    #[error("the policy knows signer `{signer}` by a certificate, and no trust root was given to vouch for any")]
    TrustMissing {
        /// The first such signer.
        signer: String,
    },
    /// The policy has no such environment.
    #[error("the policy has no environment {}; it has `{known}`", crate::limits::quoted(name))]
    EnvironmentUnknown {
        /// The name that was asked for.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// The policy has several environments, and none was named.
    #[error("the policy has several environments; name one of `{known}`")]
    EnvironmentNeeded {
        /// The names that there are.
        known: String,
    },
}

impl QuestionError {
    /// Returns the stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotIdentified(_) | Self::ResourceEmpty => "question-invalid",
            Self::PolicyExpired { .. } => "policy-expired",
            Self::TrustMissing { .. } => "trust-missing",
            Self::EnvironmentUnknown { .. } => "environment-unknown",
            Self::EnvironmentNeeded { .. } => "environment-needed",
        }
    }
}
