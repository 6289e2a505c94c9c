//! Puts the judgements of all evidence together into one decision.
//! How a single statement is judged stands in `judge`.

use std::collections::BTreeSet;

use super::judge::{self, Against};
use super::origin::{Origin, Source, earlier, later};
use super::{Answer, Asked, Decision, DigestReference, Missing, PolicyReference, ReasonResult, RequirementResult, Status, remedy};
use crate::digest::{Digest, DigestSet};
use crate::inquiry::subject::{self, Target};
use crate::inquiry::{Evidence, Inquiry};
use crate::policy::{About, Kind, Requirement};
use crate::predicate::PROVENANCE;
use crate::reason::{Reason, Refusal};
use crate::time::Time;

impl Inquiry<'_> {
    /// Decides from what was supplied; whatever was wanted and not answered was unavailable.
    #[must_use]
    pub fn decide(self) -> Decision {
        self.concluded(&self.verdicts()).0
    }

    /// Makes the decision of what became of each requirement, and names what is missing where a requirement is unmet.
    pub(super) fn concluded(&self, verdicts: &[Verdict<'_>]) -> (Decision, Vec<Missing>) {
        let mut requirements: Vec<_> = verdicts.iter().map(|verdict| self.requirement_result(verdict)).collect();
        // What only waits for an answer has no remedy, and can be much.
        let is_unmet = requirements.iter().any(|result| result.status == Status::Unmet);
        let missing = if is_unmet { self.missing(&requirements, verdicts) } else { Vec::new() };
        // What could not be fetched or judged is there already: making it again is no remedy.
        for result in requirements.iter_mut().filter(|result| result.status == Status::Unmet) {
            let pieces = missing.iter().filter(|piece| piece.requirements.contains(&result.id));
            let commands: Vec<_> = pieces.flat_map(|piece| &piece.commands).cloned().collect();
            result.remedy = if commands.is_empty() { vec![remedy::WHY_NOT.to_owned()] } else { commands };
        }
        let has = |status| requirements.iter().any(|requirement| requirement.status == status);
        // No requirement at all can't happen, and would not be an allowance.
        let decision = if has(Status::Unmet) || requirements.is_empty() {
            Answer::Deny
        } else if has(Status::Unknown) {
            Answer::Undetermined
        } else {
            Answer::Allow
        };
        let ends = verdicts.iter().filter_map(|verdict| verdict.outcome.as_ref().ok()?.until);
        let valid_until = ends.chain(self.policy.expires).min();
        let decision = Decision {
            schema: "https://countersign.dev/decision/v1",
            decision,
            question: Asked {
                artifact: DigestSet::from(self.question.artifact.clone()),
                resource: self.question.resource.clone(),
                environment: self.question.environment.clone(),
                at: self.question.at,
            },
            policy: PolicyReference { id: self.policy.id.clone(), digest: reference(&self.policy.digest) },
            trust: self.trust.roots().iter().map(|root| reference(root.digest())).collect(),
            requirements,
            evidence: self.evidence_results(),
            findings: self.findings(verdicts),
            overrides: Vec::new(),
            valid_until,
            build_level: self.build_level(verdicts),
        };
        (decision, missing)
    }

    /// Judges each requirement, in the order of their ids.
    pub(super) fn verdicts(&self) -> Vec<Verdict<'_>> {
        let is_commit = self.is_about_commit();
        let (about_source, about_artifact): (Vec<_>, Vec<_>) =
            self.requirements.iter().partition(|requirement| is_commit || requirement.about == About::Source);
        let mut verdicts = self.artifact_verdicts(&about_artifact);
        verdicts.extend(self.source_verdicts(&about_source, is_commit));
        verdicts.sort_by(|a, b| a.requirement.id.cmp(&b.requirement.id));
        verdicts
    }

    fn artifact_verdicts<'a>(&'a self, requirements: &[&'a Requirement]) -> Vec<Verdict<'a>> {
        let resource = match &self.resource {
            Ok(resource) => *resource,
            Err(refusal) => return all_refused(requirements, refusal),
        };
        let against = Against { target: Target::Artifact(&self.artifact), resource, policy: self.policy, question: &self.question };
        let verdict =
            |requirement: &&'a Requirement| Verdict { requirement, outcome: self.one_of(requirement, self.evidence.values(), against) };
        let mut verdicts: Vec<_> = requirements.iter().map(verdict).collect();
        self.compare_sboms(&mut verdicts, against);
        verdicts
    }

    /// An SBOM and a build that the same policy requires must not contradict one another.
    fn compare_sboms(&self, verdicts: &mut [Verdict<'_>], against: Against<'_>) {
        // The builds that count are those that the policy asks for: a `builder` requirement says which, else any other.
        let required = |kind: fn(&Kind) -> bool| verdicts.iter().map(|v| v.requirement).filter(|r| kind(&r.kind)).collect::<Vec<_>>();
        let builders = required(|kind| matches!(kind, Kind::Builder));
        let required = if builders.is_empty() { required(Kind::is_provenance) } else { builders };
        let builds: Vec<_> = self
            .evidence
            .values()
            .filter(|evidence| evidence.predicate_type == PROVENANCE)
            .filter_map(|evidence| {
                let meets = required.iter().filter_map(|requirement| judge::judge(requirement, evidence, against).ok());
                Some((evidence.standing.as_ref().ok()?.provenance.as_ref()?, meets.reduce(later)?))
            })
            .collect();
        // Without such a build the policy is not met anyway.
        if builds.is_empty() {
            return;
        }
        for verdict in
            verdicts.iter_mut().filter(|verdict| matches!(verdict.requirement.kind, Kind::Sbom { .. }) && verdict.outcome.is_ok())
        {
            // Until when a build that counts agrees with the SBOM; `None` where none does.
            let agreement = |evidence: &Evidence| match &evidence.standing {
                Ok(sbom) => {
                    let bound = judge::bound_sbom(sbom);
                    builds.iter().filter(|(build, _)| bound.is_of(build)).map(|(_, until)| *until).reduce(later)
                }
                Err(_) => Some(None),
            };
            let candidates = self.evidence.values().filter(|evidence| judge::concerns(verdict.requirement, &evidence.predicate_type));
            let (agreeing, contradicted): (Vec<_>, Vec<_>) =
                candidates.map(|evidence| (evidence, agreement(evidence))).partition(|(_, agreement)| agreement.is_some());
            let agreeing = agreeing.into_iter().map(|(evidence, agreement)| (evidence, agreement.flatten()));
            verdict.outcome = self.longest(verdict.requirement, agreeing, against).map_err(|mut refusals| {
                let refusal = Refusal::new(Reason::SbomMismatch, "the build bound another SBOM to the artifact");
                let met = contradicted.into_iter().map(|(e, _)| e).filter(|e| judge::judge(verdict.requirement, e, against).is_ok());
                refusals.extend(met.map(|evidence| Candidate::refused(evidence, refusal.clone())));
                refusals
            });
        }
    }

    /// All requirements about the source are met by one run of one commit; the run that meets the most is shown.
    fn source_verdicts<'a>(&'a self, requirements: &[&'a Requirement], is_commit: bool) -> Vec<Verdict<'a>> {
        if requirements.is_empty() {
            return Vec::new();
        }
        let (commits, mut refusals) = match (is_commit, &self.resource) {
            (_, Err(refusal)) => return all_refused(requirements, refusal),
            (true, Ok(resource)) => (vec![Origin { commit: self.question.artifact.clone(), resource, until: None }], Vec::new()),
            (false, Ok(resource)) => self.origins(resource),
        };
        let mut best: Option<Vec<Verdict<'a>>> = None;
        for Origin { commit, resource, until } in commits {
            let source = self.source(commit, resource);
            // Only what provenance shows depends on the run; the rest is judged once.
            let without_run: Vec<_> = requirements
                .iter()
                .map(|r| (!r.kind.is_provenance()).then(|| self.one_of(r, self.evidence.values(), self.against(r, &source))))
                .collect();
            for run in self.runs(&source) {
                let verdicts: Vec<_> = requirements
                    .iter()
                    .zip(&without_run)
                    .map(|(requirement, judged)| {
                        let of_run = || self.shown_by_run(requirement, run, self.against(requirement, &source));
                        // What is true of the commit is so of the artifact for as long as a build says that it's made from it.
                        let outcome = judged.clone().unwrap_or_else(of_run).map(|met| met.no_longer_than(until));
                        Verdict { requirement, outcome }
                    })
                    .collect();
                let met = |verdicts: &[Verdict<'_>]| verdicts.iter().filter(|verdict| verdict.outcome.is_ok()).count();
                if best.as_ref().is_none_or(|best| met(&verdicts) > met(best)) {
                    best = Some(verdicts);
                }
            }
        }
        best.unwrap_or_else(|| {
            if refusals.is_empty() {
                let detail = "no authorised build of the artifact names the commit that it was made from";
                refusals.push(Candidate::nowhere(Refusal::new(Reason::EvidenceMissing, detail)));
            }
            requirements.iter().map(|requirement| Verdict { requirement, outcome: Err(refusals.clone()) }).collect()
        })
    }

    /// The runs of a commit; one `None` where there are none, for requirements that hold without one.
    fn runs(&self, source: &Source<'_>) -> Vec<Option<&Evidence>> {
        let target = Target::Commit(&source.commit, source.object);
        let runs: Vec<_> = self.evidence.values().filter(|evidence| is_run_of(evidence, target)).map(Some).collect();
        if runs.is_empty() { vec![None] } else { runs }
    }

    fn against<'a>(&'a self, requirement: &Requirement, source: &'a Source<'a>) -> Against<'a> {
        Against { target: source.target(requirement), resource: source.resource, policy: self.policy, question: &self.question }
    }

    fn shown_by_run(&self, requirement: &Requirement, run: Option<&Evidence>, against: Against<'_>) -> Outcome {
        // With no run that is about the commit, what was refused says most.
        let others = self
            .evidence
            .values()
            .filter(|evidence| run.is_none() && evidence.predicate_type == PROVENANCE || evidence.predicate_type.is_empty());
        self.one_of(requirement, run.into_iter().chain(others), against)
    }

    /// Looks for one statement that meets the requirement: the one that holds longest.
    fn one_of<'e>(&self, requirement: &Requirement, evidence: impl Iterator<Item = &'e Evidence>, against: Against<'_>) -> Outcome {
        self.longest(requirement, evidence.map(|evidence| (evidence, None)), against)
    }

    /// As [`Inquiry::one_of`], where something else ends each piece of evidence, too.
    fn longest<'e>(
        &self,
        requirement: &Requirement,
        evidence: impl Iterator<Item = (&'e Evidence, Option<Time>)>,
        against: Against<'_>,
    ) -> Outcome {
        let (mut met, mut refusals): (Option<Met>, _) = (None, Vec::new());
        for (evidence, end) in evidence.filter(|(evidence, _)| judge::concerns(requirement, &evidence.predicate_type)) {
            match judge::judge(requirement, evidence, against) {
                Ok(until) => {
                    let until = earlier(until, end);
                    // `None` never ends. Evidence comes in the order of its digests, so that the first of equals wins.
                    let longer = |met: &Met| met.until.is_some_and(|end| until.is_none_or(|until| until > end));
                    if met.as_ref().is_none_or(longer) {
                        met = Some(Met { bundle: evidence.bundle.clone(), until });
                    }
                }
                Err(refusal) => refusals.push(Candidate::refused(evidence, refusal)),
            }
        }
        met.ok_or(refusals)
    }

    fn requirement_result(&self, verdict: &Verdict<'_>) -> RequirementResult {
        let Requirement { id, kind, .. } = verdict.requirement;
        let mut result = RequirementResult {
            id: id.clone(),
            kind: kind.name(),
            status: Status::Met,
            evidence: Vec::new(),
            overridden_by: None,
            reasons: Vec::new(),
            remedy: Vec::new(),
        };
        match &verdict.outcome {
            // A whole kind of evidence that stayed unjudged could hold anything; order must not decide.
            Ok(met) if !self.is_over_limit(verdict.requirement) => result.evidence.push(met.bundle.clone()),
            outcome => {
                let refusals = outcome.as_ref().err().map_or(&[][..], Vec::as_slice);
                let mut gaps = self.gaps(verdict.requirement);
                gaps.extend(refusals.iter().map(|candidate| candidate.refusal.clone()).filter(|refusal| refusal.reason.leaves_unknown()));
                let reasons: BTreeSet<_> = if gaps.is_empty() {
                    result.status = Status::Unmet;
                    BTreeSet::from([self.most_useful(verdict.requirement, refusals)])
                } else {
                    result.status = Status::Unknown;
                    let unlisted = |gap: Refusal| ReasonResult { code: gap.reason, detail: gap.detail, evidence: Vec::new() };
                    gaps.into_iter().map(unlisted).collect()
                };
                result.reasons = sorted_by_json(reasons);
            }
        }
        result
    }

    /// The reason of the candidate that came furthest; without a candidate, what strangers brought, or that nothing is there.
    fn most_useful(&self, requirement: &Requirement, refusals: &[Candidate]) -> ReasonResult {
        let strangers: Vec<_> = self
            .strangers
            .iter()
            .filter(|(_, uri)| judge::concerns(requirement, uri))
            .map(|(bundle, _)| bundle.clone())
            .take(STRANGERS_SHOWN)
            .collect();
        let furthest = refusals.iter().map(|candidate| &candidate.refusal).max_by_key(|refusal| refusal.reason);
        match furthest {
            Some(furthest) if strangers.is_empty() || furthest.reason > Reason::SignerUnknown => {
                let alike = || refusals.iter().filter(|candidate| candidate.refusal.reason == furthest.reason);
                let evidence: BTreeSet<_> = alike().filter_map(|candidate| candidate.bundle.clone()).collect();
                // Of several with one reason, the first by digest speaks for all.
                let first = alike().min_by_key(|candidate| &candidate.bundle).map_or(furthest, |candidate| &candidate.refusal);
                ReasonResult { code: first.reason, detail: first.detail.clone(), evidence: evidence.into_iter().collect() }
            }
            _ if !strangers.is_empty() => {
                let detail = "bundles were found whose signers are not in the policy".to_owned();
                ReasonResult { code: Reason::SignerUnknown, detail, evidence: strangers }
            }
            _ => {
                let detail = format!("nothing was found of type `{}`", requirement.kind.predicate_type());
                ReasonResult { code: Reason::EvidenceMissing, detail, evidence: Vec::new() }
            }
        }
    }
}

/// A requirement and what became of it.
pub(super) struct Verdict<'a> {
    pub(super) requirement: &'a Requirement,
    pub(super) outcome: Outcome,
}

/// The evidence that meets a requirement, or why each candidate doesn't.
pub(super) type Outcome = Result<Met, Vec<Candidate>>;

/// The evidence that meets a requirement, and until when it does.
#[derive(Clone)]
pub(super) struct Met {
    pub(super) bundle: Digest,
    until: Option<Time>,
}

impl Met {
    fn no_longer_than(self, end: Option<Time>) -> Self {
        Self { until: earlier(self.until, end), ..self }
    }
}

/// Something that doesn't meet a requirement: a bundle, or a place where one was looked for.
#[derive(Clone)]
pub(super) struct Candidate {
    pub(super) bundle: Option<Digest>,
    pub(super) refusal: Refusal,
}

impl Candidate {
    const fn nowhere(refusal: Refusal) -> Self {
        Self { bundle: None, refusal }
    }

    pub(super) fn refused(evidence: &Evidence, refusal: Refusal) -> Self {
        Self { bundle: Some(evidence.bundle.clone()), refusal }
    }
}

fn all_refused<'a>(requirements: &[&'a Requirement], refusal: &Refusal) -> Vec<Verdict<'a>> {
    let outcome = || Err(vec![Candidate::nowhere(refusal.clone())]);
    requirements.iter().map(|requirement| Verdict { requirement, outcome: outcome() }).collect()
}

fn is_run_of(evidence: &Evidence, commit: Target<'_>) -> bool {
    evidence.standing.as_ref().is_ok_and(|believed| {
        let provenance = believed.provenance.as_ref();
        provenance.is_some() && subject::check(believed.statement.value(), provenance, commit).is_ok()
    })
}

fn reference(digest: &Digest) -> DigestReference {
    DigestReference { sha256: digest.hex().to_owned() }
}

pub(super) fn sorted_by_json<T: serde::Serialize>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut items: Vec<_> = items.into_iter().collect();
    items.sort_by_cached_key(|item| crate::json::canonical(item).unwrap_or_default());
    items
}

const STRANGERS_SHOWN: usize = 16;
