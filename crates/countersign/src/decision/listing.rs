//! Lists the evidence that was looked at, and what somebody should look at in it.
//! What is listed here decides nothing.

use std::collections::BTreeSet;

use super::judge;
use super::origin::Source;
use super::verdict::{Verdict, sorted_by_json};
use super::{EvidenceResult, Finding, SignerResult};
use crate::digest::Digest;
use crate::inquiry::subject::{self, Target};
use crate::inquiry::{Believed, Evidence, Inquiry};
use crate::json::Json;
use crate::policy::{About, Kind, Requirement};
use crate::predicate::{Basis, GateResult, Noticed, TEST_RESULT, TestResult};
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
        let sources = self.judged_sources();
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
            let Some(taken) = self.evidence.get(&met.bundle) else { continue };
            for other in self.evidence.values().filter(|other| other.bundle != met.bundle) {
                if let Some(code) = self.contradiction(verdict.requirement, taken, other, &sources) {
                    let sides = BTreeSet::from([met.bundle.clone(), other.bundle.clone()]).into_iter().collect();
                    findings.insert(Finding { code, severity: "warning", sides });
                }
            }
        }
        sorted_by_json(findings)
    }

    /// What another statement says against the one that meets a requirement. It decides nothing, and it stays visible:
    /// who runs something until it's green is seen to have done so.
    fn contradiction(&self, requirement: &Requirement, taken: &Evidence, other: &Evidence, sources: &[Source<'_>]) -> Option<&'static str> {
        let believed = other.standing.as_ref().ok().filter(|_| judge::concerns(requirement, &other.predicate_type))?;
        // Judging is what costs, and there can be thousands of statements about dozens of commits: it comes last.
        let judged = || self.judged(requirement, other, believed, sources);
        let refused_for = |reason| judged().iter().any(|judged| judged.as_ref().is_err_and(|refusal| refusal.reason == reason));
        let of_one_object = requirement.about == About::Artifact || self.is_about_commit();
        match &requirement.kind {
            Kind::RunOutcome => (of_one_object && refused_for(Reason::RunFailed)).then_some(Reason::RunFailed.code()),
            Kind::Evidence { predicate } if predicate == TEST_RESULT => {
                let gate: TestResult = believed.statement.value().predicate.to().ok()?;
                (gate.result == GateResult::Failed && refused_for(Reason::GateMissing)).then_some(GATE_FAILED)
            }
            // One file has one origin. That a commit has several runs is no contradiction: each may have done a part.
            kind if kind.is_provenance() && requirement.about == About::Artifact && !self.is_about_commit() => {
                let [taken, other] = [taken, other].map(|evidence| evidence.standing.as_ref().ok()?.provenance.as_ref()?.source().ok());
                let (taken, other) = (taken?, other?);
                let differ = (&taken.repository, &taken.commit) != (&other.repository, &other.commit);
                (differ && judged().iter().any(Result::is_ok)).then_some(BUILDS_CONTRADICT)
            }
            _ => None,
        }
    }
}

impl Finding {
    /// All codes that findings can have, each with what it means.
    pub const MEANINGS: &'static [(&'static str, &'static str)] = &[
        (Noticed::ArtifactUnwritten.code(), "the file was there before the command, which didn't write it"),
        (BUILDS_CONTRADICT, "two builds of the same file name different sources"),
        (Noticed::CiOfAnotherRepository.code(), "the CI job ran for another repository than the work tree's `origin`"),
        (GATE_FAILED, "the gate passed on this tree, and a statement says that it failed there, too"),
        (Noticed::ProcessesLeft.code(), "the command left processes behind, which could still write"),
        (Reason::RunFailed.code(), "the run succeeded, and a statement says that another run of the same failed"),
        (Noticed::TranscriptPartlyUnread.code(), "some of the transcript couldn't be read"),
        (Noticed::TranscriptPredatesRun.code(), "the transcript ends before what it's said to be of began, so it may be another's"),
        (Noticed::WorkTreeWasDirty.code(), "there were uncommitted changes before the command, which can't be told from its own"),
    ];
}

/// A statement that is about nothing that was asked about counts for nothing.
fn refusal_by_subject(believed: &Believed, targets: &[Target<'_>]) -> Option<Reason> {
    let check = |target: &Target<'_>| subject::check(believed.statement.value(), believed.provenance.as_ref(), *target);
    let refusals: BTreeSet<_> = targets.iter().map(|target| check(target).err().map(|refusal| refusal.reason)).collect();
    if refusals.contains(&None) { None } else { refusals.into_iter().flatten().max() }
}

const BUILDS_CONTRADICT: &str = "builds-contradict";
const GATE_FAILED: &str = "gate-failed";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_each_finding_of_a_run_means() {
        for code in Noticed::ALL.map(Noticed::code) {
            assert!(Finding::MEANINGS.iter().any(|(known, _)| *known == code), "{code}");
        }
        assert!(Finding::MEANINGS.is_sorted());
    }
}
