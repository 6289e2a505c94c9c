//! Lists the evidence that was looked at, and what somebody should look at in it.
//! What is listed here decides nothing.

use std::collections::BTreeSet;

use super::judge::{self, Against};
use super::verdict::{Verdict, sorted_by_json};
use super::{EvidenceResult, Finding, SignerResult};
use crate::digest::Digest;
use crate::inquiry::subject::{self, Target};
use crate::inquiry::{Believed, Evidence, Inquiry};
use crate::json::Json;
use crate::policy::Kind;
use crate::predicate::{Basis, Noticed};
use crate::reason::Reason;

impl Inquiry<'_> {
    pub(super) fn evidence_results(&self) -> Vec<EvidenceResult> {
        let is_commit = self.is_about_commit();
        let commits = match &self.resource {
            _ if is_commit => BTreeSet::from([self.question.artifact.clone()]),
            Ok(resource) => self.commits(resource),
            Err(_) => BTreeSet::new(),
        };
        let trees: Vec<_> = commits.iter().filter_map(|commit| self.tree_of(commit)).collect();
        // What is asked about is either an artifact or a commit.
        let artifact = (!is_commit).then_some(Target::Artifact(&self.artifact));
        let of_commits = commits.iter().map(|commit| Target::Commit(commit, self.object_of(commit)));
        let targets: Vec<_> = artifact.into_iter().chain(of_commits).chain(trees.iter().map(Target::Tree)).collect();
        self.evidence
            .values()
            .map(|evidence| {
                let signer = evidence.signer.as_deref().and_then(|id| self.policy.signer(id));
                let refusal = match &evidence.standing {
                    Ok(believed) => refusal_by_subject(believed, &targets),
                    Err(refusal) => Some(refusal.reason),
                };
                let believed = evidence.standing.as_ref().ok();
                EvidenceResult {
                    bundle: evidence.bundle.clone(),
                    predicate_type: evidence.predicate_type.clone(),
                    signer: SignerResult {
                        id: signer.map(|signer| signer.id.clone()),
                        kind: signer.map_or("unknown", |signer| signer.kind.name()),
                        person: signer.and_then(|signer| self.policy.person_of(&signer.id)).map(|person| person.id.clone()),
                        trust_root: evidence.trust_root.as_ref().map(ToString::to_string),
                    },
                    witnessed_at: believed.map_or(Vec::new(), |believed| believed.statement.witnessed().to_vec()),
                    claimed_at: evidence.claimed_at,
                    basis: believed.map_or(Basis::SelfReported, Believed::highest_basis),
                    believed: refusal.is_none(),
                    refusal,
                }
            })
            .collect()
    }

    /// What the evidence for a met requirement doesn't show by itself.
    pub(super) fn findings(&self, verdicts: &[Verdict<'_>]) -> Vec<Finding> {
        let mut findings = BTreeSet::new();
        for verdict in verdicts {
            let Ok(met) = &verdict.outcome else { continue };
            let found = |bundle: &Digest| self.evidence.get(bundle)?.standing.as_ref().ok()?.provenance.as_ref();
            let noticed = found(&met.bundle)
                .and_then(|provenance| provenance.run_details.metadata.as_ref()?.other.get("countersign_findings")?.as_array());
            let noticed = noticed.into_iter().flatten().filter_map(Json::as_str);
            // Other words in a statement are a stranger's.
            for code in Noticed::ALL.map(Noticed::code).into_iter().filter(|code| noticed.clone().any(|noticed| noticed == *code)) {
                findings.insert(Finding { code, severity: "warning", sides: vec![met.bundle.clone()] });
            }
            if let (Kind::RunOutcome, Ok(resource)) = (&verdict.requirement.kind, &self.resource) {
                // Running until it's green stays visible.
                let against = Against { target: Target::Artifact(&self.artifact), resource, policy: self.policy, question: &self.question };
                let failed =
                    |e: &&Evidence| judge::judge(verdict.requirement, e, against).is_err_and(|refusal| refusal.reason == Reason::RunFailed);
                for failed in self.evidence.values().filter(failed) {
                    let sides = BTreeSet::from([met.bundle.clone(), failed.bundle.clone()]).into_iter().collect();
                    findings.insert(Finding { code: Reason::RunFailed.code(), severity: "warning", sides });
                }
            }
        }
        sorted_by_json(findings)
    }
}

/// A statement that is about nothing that was asked about counts for nothing.
fn refusal_by_subject(believed: &Believed, targets: &[Target<'_>]) -> Option<Reason> {
    let check = |target: &Target<'_>| subject::check(believed.statement.value(), believed.provenance.as_ref(), *target);
    let refusals: BTreeSet<_> = targets.iter().map(|target| check(target).err().map(|refusal| refusal.reason)).collect();
    if refusals.contains(&None) { None } else { refusals.into_iter().flatten().max() }
}
