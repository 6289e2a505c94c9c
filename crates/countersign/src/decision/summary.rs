//! States a decision for others: a verification summary (SLSA) of an answer, a verification result (in-toto) of an allowance.
//! Who signs it, and who accepts it from whom, is decided elsewhere.

use super::verdict::Verdict;
use super::{Answer, Decision};
use crate::digest::{Algorithm, Digest, DigestSet, GitIdError, check_git_object};
use crate::inquiry::Inquiry;
use crate::json::{Json, Object};
use crate::policy::Kind;
use crate::predicate::{PolicyVerifier, SimpleVerificationResult, VerificationResult, VerificationSummary, Verifier, commit_subject};
use crate::statement::{ResourceDescriptor, Statement, StatementError};

/// The URIs of the members that a verification summary of ours has beside SLSA's
/// (verification_summary.md, "Parsing rules": "Producers MAY add extra fields … using names that are URIs").
pub mod member {
    /// The environment that the decision is for.
    pub const ENVIRONMENT: &str = "https://countersign.dev/vsa/v1/environment";
    /// The overrides that were applied.
    pub const OVERRIDES: &str = "https://countersign.dev/vsa/v1/overrides";
    /// Until when the same evidence gives the same answer.
    pub const VALID_UNTIL: &str = "https://countersign.dev/vsa/v1/validUntil";
    /// The digest of the decision's canonical JSON, without a newline.
    pub const DECISION: &str = "https://countersign.dev/vsa/v1/decision";
}

/// A decision on its way to a statement.
#[derive(Clone, Debug)]
pub struct Summary<'a> {
    decision: &'a Decision,
    verifier_id: String,
    commit_object: Option<Vec<u8>>,
}

/// Why a decision isn't stated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SummaryError {
    /// Nothing was decided.
    #[error("the question is undetermined, and there is no summary of that")]
    Undetermined,
    /// A verification result has no way to say that something isn't allowed.
    #[error("only an allowance has a verification result")]
    NotAllowed,
    /// The bytes are another object than the commit that was asked about.
    #[error("the object is not the commit's: {0}")]
    OtherObject(#[from] GitIdError),
    /// No statement can hold it.
    #[error(transparent)]
    Statement(#[from] StatementError),
}

impl Decision {
    /// Begins to state the decision in the name of the verifier of that URI.
    ///
    /// Whoever accepts such a statement compares the URI and the signer with what is expected of them.
    #[must_use]
    pub fn summary(&self, verifier_id: impl Into<String>) -> Summary<'_> {
        Summary { decision: self, verifier_id: verifier_id.into(), commit_object: None }
    }
}

impl Summary<'_> {
    /// Adds the object of the commit that was asked about, so that the subject has its SHA-256: verifiers that know no
    /// git find no other digest.
    ///
    /// # Errors
    /// [`SummaryError::OtherObject`] for another object, and where no commit was asked about.
    pub fn commit_object(mut self, object: Vec<u8>) -> Result<Self, SummaryError> {
        let id = self.decision.question.artifact.get(Algorithm::GitCommit).ok_or(GitIdError::Different)?;
        check_git_object(&id, &object)?;
        self.commit_object = Some(object);
        Ok(self)
    }

    /// Returns SLSA's verification summary of an allow or a deny (<https://slsa.dev/spec/v1.2/verification_summary>).
    ///
    /// # Errors
    /// [`SummaryError::Undetermined`] where nothing was decided.
    pub fn vsa(&self) -> Result<Statement, SummaryError> {
        let decision = self.decision;
        let (verification_result, verified_levels) = match decision.decision {
            Answer::Allow => (VerificationResult::Passed, self.levels()),
            Answer::Deny => (VerificationResult::Failed, vec!["FAILED".to_owned()]),
            Answer::Undetermined => return Err(SummaryError::Undetermined),
        };
        let believed = decision.evidence.iter().filter(|evidence| evidence.believed);
        let overrides = decision.overrides.iter().cloned().map(Json::Object).collect();
        let digest = Digest::sha256(&decision.to_json());
        let mut other = Object::from([
            (member::OVERRIDES.to_owned(), Json::Array(overrides)),
            // INVARIANT: a digest set always has a JSON form.
            (member::DECISION.to_owned(), Json::of(&DigestSet::from(digest)).unwrap_or_default()),
        ]);
        if let Some(environment) = &decision.question.environment {
            other.insert(member::ENVIRONMENT.to_owned(), Json::from(environment.as_str()));
        }
        if let Some(until) = decision.valid_until {
            other.insert(member::VALID_UNTIL.to_owned(), Json::from(until.to_string()));
        }
        let summary = VerificationSummary {
            verifier: Verifier::named(self.verifier_id.as_str()),
            time_verified: Some(decision.question.at),
            resource_uri: decision.question.resource.clone(),
            policy: self.policy()?,
            input_attestations: believed
                .map(|evidence| ResourceDescriptor { digest: evidence.bundle.clone().into(), ..ResourceDescriptor::default() })
                .collect(),
            verification_result,
            verified_levels,
            slsa_version: Some(SLSA_VERSION.to_owned()),
            other,
        };
        Ok(summary.about(self.subject())?)
    }

    /// Returns in-toto's simple verification result of an allow
    /// (<https://github.com/in-toto/attestation/blob/main/spec/predicates/svr.md>).
    ///
    /// # Errors
    /// [`SummaryError::NotAllowed`] for anything but an allow.
    pub fn svr(&self) -> Result<Statement, SummaryError> {
        if self.decision.decision != Answer::Allow {
            return Err(SummaryError::NotAllowed);
        }
        let verifier = PolicyVerifier { id: self.verifier_id.clone(), policies: vec![self.policy()?], other: Object::new() };
        let result =
            SimpleVerificationResult { verifier, time_created: self.decision.question.at, properties: self.levels(), other: Object::new() };
        Ok(result.about(self.subject())?)
    }

    /// What the policy grants, and what was decided.
    fn levels(&self) -> Vec<String> {
        let build = self.decision.build_level.filter(|level| *level > 0).map(|level| format!("SLSA_BUILD_LEVEL_{level}"));
        let environment = self.decision.question.environment.as_deref().unwrap_or_default();
        let name: String = environment.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
        let overridden =
            !self.decision.overrides.is_empty() || self.decision.requirements.iter().any(|requirement| requirement.overridden_by.is_some());
        let no_override = (!overridden).then(|| "COUNTERSIGN_NO_OVERRIDE".to_owned());
        build.into_iter().chain([format!("COUNTERSIGN_ALLOW_{name}")]).chain(no_override).collect()
    }

    fn policy(&self) -> Result<ResourceDescriptor, StatementError> {
        let policy = &self.decision.policy;
        let environment = self.decision.question.environment.as_deref().unwrap_or_default();
        // INVARIANT: the digest of a policy is a SHA-256 in lower-case hex.
        let digest = Digest::new(Algorithm::Sha256, policy.digest.sha256.as_str()).map_err(|_| StatementError::SubjectWithoutDigest)?;
        let uri = format!("{}#{environment}", policy.id);
        Ok(ResourceDescriptor { uri: Some(uri), digest: digest.into(), ..ResourceDescriptor::default() })
    }

    fn subject(&self) -> Vec<ResourceDescriptor> {
        let question = &self.decision.question;
        match (question.artifact.get(Algorithm::GitCommit), &self.commit_object) {
            (Some(id), Some(object)) => vec![commit_subject(Some(&question.resource), None, id, object)],
            (Some(id), None) => vec![ResourceDescriptor::new("commit", id).at(format!("git+{}", question.resource))],
            (None, _) => vec![ResourceDescriptor::new(question.resource.as_str(), question.artifact.clone())],
        }
    }
}

impl Inquiry<'_> {
    /// The level that the policy grants the build that meets each `builder` requirement; of several, the least.
    ///
    /// SLSA's build levels are of artifacts: a commit has none.
    pub(super) fn build_level(&self, verdicts: &[Verdict<'_>]) -> Option<u8> {
        let resource = self.resource.as_ref().ok().filter(|_| !self.is_about_commit())?;
        let is_builder = |verdict: &&Verdict<'_>| {
            matches!(verdict.requirement.kind, Kind::Builder) && verdict.requirement.about == crate::policy::About::Artifact
        };
        let levels = verdicts.iter().filter(is_builder).map(|verdict| {
            let evidence = self.evidence.get(&verdict.outcome.as_ref().ok()?.bundle)?;
            let provenance = evidence.standing.as_ref().ok()?.provenance.as_ref()?;
            let signer = evidence.signer.as_deref()?;
            let granted = resource.builders.iter().filter(|entry| {
                entry.signer == signer
                    && entry.builder_id == provenance.run_details.builder.id
                    && entry.build_types.contains(&provenance.build_definition.build_type)
            });
            granted.map(|entry| entry.level).min()
        });
        levels.min().flatten()
    }
}

/// The version of SLSA whose levels are stated.
const SLSA_VERSION: &str = "1.2";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::{Asked, DigestReference, PolicyReference};

    fn decision(answer: Answer, artifact: Digest) -> Decision {
        Decision {
            schema: "https://countersign.dev/decision/v1",
            decision: answer,
            question: Asked {
                artifact: artifact.into(),
                resource: "https://example.test/demo".to_owned(),
                environment: Some("prod-eu".to_owned()),
                at: "2025-12-15T00:00:00Z".parse().unwrap(),
            },
            policy: PolicyReference {
                id: "demo".to_owned(),
                digest: DigestReference { sha256: Digest::sha256(b"policy").hex().to_owned() },
            },
            trust: Vec::new(),
            requirements: Vec::new(),
            evidence: Vec::new(),
            findings: Vec::new(),
            overrides: Vec::new(),
            valid_until: None,
            build_level: Some(2),
        }
    }

    fn text<'a>(statement: &'a Statement, pointer: &str) -> Option<&'a str> {
        statement.predicate.pointer(pointer)?.as_str()
    }

    #[test]
    fn an_allowance_has_both_a_denial_one_and_an_open_question_none() {
        let of = |answer| decision(answer, Digest::sha256(b"artifact"));
        let (allow, deny, open) = (of(Answer::Allow), of(Answer::Deny), of(Answer::Undetermined));
        let passed = allow.summary("https://example.test/verifier").vsa().unwrap();
        assert_eq!(text(&passed, "/verificationResult"), Some("PASSED"));
        let levels = ["SLSA_BUILD_LEVEL_2", "COUNTERSIGN_ALLOW_PROD_EU", "COUNTERSIGN_NO_OVERRIDE"].map(Json::from);
        assert_eq!(passed.predicate.pointer("/verifiedLevels").unwrap().as_array().unwrap(), levels);
        assert_eq!(text(&passed, "/policy/uri"), Some("demo#prod-eu"));
        let svr = allow.summary("https://example.test/verifier").svr().unwrap();
        assert_eq!(svr.predicate.get("properties").unwrap().as_array().unwrap(), levels);
        let failed = deny.summary("https://example.test/verifier").vsa().unwrap();
        assert_eq!(text(&failed, "/verificationResult"), Some("FAILED"));
        assert_eq!(failed.predicate.pointer("/verifiedLevels").unwrap().as_array().unwrap(), ["FAILED"].map(Json::from));
        assert_eq!(deny.summary("x").svr(), Err(SummaryError::NotAllowed));
        assert_eq!(open.summary("x").vsa(), Err(SummaryError::Undetermined));
        assert_eq!(open.summary("x").svr(), Err(SummaryError::NotAllowed));
    }

    #[test]
    fn what_was_overridden_is_never_called_free_of_overrides() {
        let mut allow = decision(Answer::Allow, Digest::sha256(b"artifact"));
        allow.overrides.push(Object::from([("gate".to_owned(), Json::from("unit-tests"))]));
        let statement = allow.summary("x").vsa().unwrap();
        let levels = statement.predicate.get("verifiedLevels").unwrap().as_array().unwrap();
        assert!(!levels.contains(&Json::from("COUNTERSIGN_NO_OVERRIDE")));
        assert_eq!(statement.predicate.get(member::OVERRIDES).unwrap().as_array().unwrap().len(), 1);
    }

    #[test]
    fn a_commit_has_the_sha256_of_its_own_object_beside_its_id() {
        let object = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\nx\n".to_vec();
        let mut hasher = sha1_checked::Sha1::new();
        sha1_checked::Digest::update(&mut hasher, format!("commit {}\0", object.len()));
        sha1_checked::Digest::update(&mut hasher, &object);
        let id = Digest::new(Algorithm::GitCommit, crate::digest::hex(hasher.try_finalize().hash())).unwrap();
        let allow = decision(Answer::Allow, id.clone());
        let statement = allow.summary("x").commit_object(object.clone()).unwrap().vsa().unwrap();
        assert_eq!(statement.subject[0].digest, DigestSet::from(Digest::sha256(&object)).with(id.clone()));
        assert_eq!(statement.subject[0].uri.as_deref(), Some("git+https://example.test/demo"));
        assert_eq!(allow.summary("x").vsa().unwrap().subject[0].digest, id.into());
        assert!(allow.summary("x").commit_object(b"another".to_vec()).is_err());
        assert!(decision(Answer::Allow, Digest::sha256(b"a")).summary("x").commit_object(object).is_err());
    }
}
