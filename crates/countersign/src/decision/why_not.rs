//! What is missing for an allowance: the fewest pieces of evidence that would make one, and how to come by them.
//! It promises nothing about evidence that nobody has looked for yet.

mod pieces;

use std::collections::BTreeSet;

use serde::Serialize;

use super::verdict::Verdict;
use super::{Decision, ReasonResult, RequirementResult, Status, remedy};
use crate::digest::Digest;
use crate::inquiry::Inquiry;
use crate::policy::{About, Requirement};
use crate::reason::Reason;
use pieces::Pieces;

/// A decision, and what is missing for an allowance.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WhyNot {
    /// The URI of this format.
    pub schema: &'static str,
    /// The decision, as it's given without this.
    pub decision: Decision,
    /// What is missing; nothing if the decision is an allowance.
    pub missing: Vec<Missing>,
}

impl WhyNot {
    /// Returns it as one canonical line (RFC 8785), without a newline.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // INVARIANT: texts, digests, times and small numbers always have a JSON form.
        serde_json_canonicalizer::to_vec(self).unwrap_or_default()
    }
}

/// One piece that is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Missing {
    /// What it is.
    pub kind: MissingKind,
    /// The type of the statement, where it's one.
    pub predicate_type: Option<String>,
    /// What it would be about, where that is known.
    pub about: Option<Digest>,
    /// What it is, in one line.
    pub detail: String,
    /// The ids of the requirements that it would meet, sorted.
    pub requirements: Vec<String>,
    /// The ids of the signers whom the policy would believe it from, sorted.
    pub signers: Vec<String>,
    /// False where it may be there: it can't be looked for before another piece is.
    pub looked_for: bool,
    /// Why what is there doesn't do: the reason of what came furthest.
    pub because: Option<ReasonResult>,
    /// What to do about it, as commands.
    pub commands: Vec<String>,
}

/// What is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MissingKind {
    /// Provenance of the artifact.
    Build,
    /// Provenance of the commit.
    AgentRun,
    /// Another statement.
    Statement,
    /// The commit's object, which names its tree.
    CommitObject,
    /// The artifact itself, to compute a digest that evidence names it by.
    Artifact,
    /// An answer from a place that could not be asked.
    Answer,
    /// Less evidence than there is: a limit was exceeded.
    Limit,
    /// A way that the policy leaves open: no evidence would help.
    Policy,
}

impl MissingKind {
    /// Returns the word that is used for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::AgentRun => "agent-run",
            Self::Statement => "statement",
            Self::CommitObject => "commit-object",
            Self::Artifact => "artifact",
            Self::Answer => "answer",
            Self::Limit => "limit",
            Self::Policy => "policy",
        }
    }
}

impl Inquiry<'_> {
    /// Decides as [`Inquiry::decide`] does, and names the fewest pieces that are missing for an allowance.
    #[must_use]
    pub fn why_not(self) -> WhyNot {
        let verdicts = self.verdicts();
        let (decision, mut missing) = self.concluded(&verdicts);
        if missing.is_empty() {
            missing = self.missing(&decision.requirements, &verdicts);
        }
        WhyNot { schema: "https://countersign.dev/why-not/v1", decision, missing }
    }

    /// Names the fewest pieces that are missing, for what became of each requirement.
    pub(super) fn missing(&self, results: &[RequirementResult], verdicts: &[Verdict<'_>]) -> Vec<Missing> {
        if results.iter().all(|result| result.status == Status::Met) {
            return Vec::new();
        }
        let mut missing = self.pieces(results, verdicts);
        for piece in &mut missing {
            let results = results.iter().filter(|result| piece.requirements.contains(&result.id));
            piece.because = results.flat_map(|result| &result.reasons).max_by_key(|reason| reason.code).cloned();
            let is_statement = matches!(piece.kind, MissingKind::Build | MissingKind::AgentRun | MissingKind::Statement);
            if let Some(because) = piece.because.as_ref().filter(|_| is_statement) {
                piece.commands = self.after(because.code, std::mem::take(&mut piece.commands));
            }
        }
        missing
    }

    /// What to do after that reason, in place of the commands or by them. Whom nobody vouches for under all the roots that
    /// the policy names, no further root is to be trusted for: a stranger's bundle can claim any name.
    fn after(&self, reason: Reason, make: Vec<String>) -> Vec<String> {
        if reason == Reason::CertificateUntrusted && self.policy.lacks_no_root(self.trust) { make } else { remedy::after(reason, make) }
    }

    fn pieces(&self, results: &[RequirementResult], verdicts: &[Verdict<'_>]) -> Vec<Missing> {
        let status = |id: &str| results.iter().find(|result| result.id == id).map(|result| result.status);
        let with = |wanted: Status| {
            let all = verdicts.iter().map(|verdict| verdict.requirement);
            all.filter(|requirement| status(&requirement.id) == Some(wanted)).collect::<Vec<_>>()
        };
        let resource = match &self.resource {
            Ok(resource) => *resource,
            Err(refusal) => {
                let mut piece = pieces::piece(MissingKind::Policy, None, refusal.detail.clone());
                piece.requirements = verdicts.iter().map(|verdict| verdict.requirement.id.clone()).collect();
                piece.commands = remedy::after(refusal.reason, Vec::new());
                return vec![piece];
            }
        };
        let mut pieces = Pieces::new(self, resource);
        let unknown = with(Status::Unknown);
        pieces.answers(&unknown, results);
        let unmet = with(Status::Unmet);
        let (of_artifact, of_source): (Vec<_>, Vec<_>) = unmet.into_iter().partition(|requirement| self.is_of_artifact(requirement));
        pieces.of_artifact(&of_artifact);
        // One run shows all that is required of the source: a new one must show what another one shows already, too.
        let open: BTreeSet<&str> = unknown.iter().chain(&of_source).map(|requirement| requirement.id.as_str()).collect();
        let all_of_source = verdicts.iter().map(|verdict| verdict.requirement).filter(|requirement| !self.is_of_artifact(requirement));
        pieces.of_source(&all_of_source.collect::<Vec<_>>(), &open);
        pieces.finish()
    }

    fn is_of_artifact(&self, requirement: &Requirement) -> bool {
        requirement.about == About::Artifact && !self.is_about_commit()
    }
}
