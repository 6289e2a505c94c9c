//! A decision with everything that was seen on the way to it: what was followed, what was said, what was taken from it.
//! It judges nothing anew; the decision in it is the one that `decide` gives.

mod facts;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::judge::{self, Against};
use super::origin::Source;
use super::verdict::Verdict;
use super::{Decision, Status};
use crate::digest::Digest;
use crate::inquiry::subject::{self, Target};
use crate::inquiry::{Believed, Evidence, Inquiry, edge};
use crate::policy::{About, Credential, Requirement, Resource};
use crate::predicate::{Basis, BuildType};
use crate::reason::{Reason, Refusal};
use crate::verify::Signature;

/// A decision, and what was seen on the way to it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Explanation {
    /// The URI of this format.
    pub schema: &'static str,
    /// The decision, as it's given without an explanation.
    pub decision: Decision,
    /// What evidence was looked for, in the order in which one led to the next.
    pub objects: Vec<Followed>,
    /// What each piece of the decision's evidence says, in the same order.
    pub statements: Vec<Explained>,
    /// What signers whom the policy doesn't know have brought.
    pub strangers: Vec<Strangers>,
    /// What the evidence can't show, although it may look so.
    pub not_shown: Vec<NotShown>,
}

impl Explanation {
    /// Returns the explanation as one canonical line (RFC 8785), without a newline.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // INVARIANT: texts, digests, times and small numbers always have a JSON form.
        serde_json_canonicalizer::to_vec(self).unwrap_or_default()
    }
}

/// Something that evidence was looked for, and what led there.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Followed {
    /// What it is.
    pub kind: ObjectKind,
    /// What it's called.
    pub digest: Digest,
    /// What led there: the bundles that name a commit as their source, or the commit that records a tree.
    pub from: Vec<Digest>,
    /// The bundles whose statement is about it.
    pub statements: Vec<Digest>,
}

/// What evidence can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ObjectKind {
    /// A file or an image.
    Artifact,
    /// A git commit.
    Commit,
    /// The tree that a commit records.
    Tree,
}

/// What one piece of evidence says, and what came of it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Explained {
    /// The bundle.
    pub bundle: Digest,
    /// By what its signer is recognised; `None` where no signer of the policy has signed it.
    pub credential: Option<CredentialResult>,
    /// Why it isn't believed.
    pub refusal: Option<RefusalResult>,
    /// What it says; nothing where it isn't believed.
    pub facts: Vec<Fact>,
    /// What the requirements made of it, sorted by their ids.
    pub uses: Vec<Use>,
}

/// By what a signer is recognised.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum CredentialResult {
    /// A key.
    Key {
        /// The SHA-256 of its SubjectPublicKeyInfo.
        key: Digest,
    },
    /// A name in a certificate.
    Identity {
        /// Who vouches for the name.
        issuer: String,
        /// The name.
        subject: String,
    },
}

/// Why something isn't believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RefusalResult {
    /// The stable code.
    pub code: Reason,
    /// What exactly.
    pub detail: String,
}

/// One thing that a statement says.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Fact {
    /// What it says; a fact that a requirement asks for has the name of that requirement's kind.
    pub name: &'static str,
    /// Its values; a stranger's text is cut short.
    pub values: Vec<String>,
    /// How many more values there are.
    pub more: usize,
    /// Where it stands in the predicate, as a JSON pointer.
    pub pointer: String,
    /// Where the statement says that it comes from.
    pub origin: Option<String>,
    /// On what basis it's claimed.
    pub claimed: Basis,
    /// On what basis it counts: the least of the claim and the signer's ceiling.
    pub basis: Basis,
}

/// What one requirement made of a statement.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct Use {
    /// The requirement's id.
    pub requirement: String,
    /// Its kind; the name of the fact that it looked at, if the statement has one of that name.
    pub kind: &'static str,
    /// What became of it.
    pub outcome: UseOutcome,
    /// Why it was refused.
    pub code: Option<Reason>,
    /// What exactly is wrong.
    pub detail: Option<String>,
}

/// What became of a statement that could have met a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum UseOutcome {
    /// It meets the requirement.
    Taken,
    /// It would do, and another one was taken or something else is missing.
    Fits,
    /// It doesn't do.
    Refused,
}

/// Bundles of one type whose signers the policy doesn't know.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Strangers {
    /// The type that their statements claim; a stranger's text, cut short.
    pub predicate_type: String,
    /// How many they are.
    pub bundles: usize,
}

/// Something that evidence can't show.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct NotShown {
    /// A stable code.
    pub code: &'static str,
    /// What exactly, in one line.
    pub detail: &'static str,
    /// The bundles that it's about.
    pub statements: Vec<Digest>,
}

impl Inquiry<'_> {
    /// Decides as [`Inquiry::decide`] does, and tells everything that was seen on the way.
    #[must_use]
    pub fn explain(self) -> Explanation {
        let verdicts = self.verdicts();
        let decision = self.concluded(&verdicts).0;
        let objects = self.objects();
        let sources = self.judged_sources();
        let statements: Vec<_> =
            self.evidence.values().map(|evidence| self.explained(evidence, &decision, &verdicts, &sources, &objects)).collect();
        Explanation {
            schema: "https://countersign.dev/explanation/v1",
            not_shown: self.not_shown(&objects),
            strangers: self.strangers_by_type(),
            decision,
            objects,
            statements,
        }
    }

    fn objects(&self) -> Vec<Followed> {
        let about = |target: Target<'_>| {
            let is_about = |evidence: &&Evidence| evidence.standing.as_ref().is_ok_and(|believed| is_about(believed, target));
            self.evidence.values().filter(is_about).map(|evidence| evidence.bundle.clone()).collect()
        };
        let asked = self.question.artifact.clone();
        let mut objects = Vec::new();
        let mut commits = BTreeMap::<Digest, Vec<Digest>>::new();
        if self.is_about_commit() {
            commits.insert(asked, Vec::new());
        } else {
            let statements = about(Target::Artifact(&self.artifact));
            objects.push(Followed { kind: ObjectKind::Artifact, digest: asked, from: Vec::new(), statements });
            for evidence in self.evidence.values() {
                if let Some(source) = self.resource.as_ref().ok().and_then(|resource| edge(evidence, resource, &self.artifact).ok()) {
                    commits.entry(source.commit).or_default().push(evidence.bundle.clone());
                }
            }
        }
        for (commit, from) in commits {
            let statements = about(Target::Commit(&commit, self.object_of(&commit)));
            let tree = self.tree_of(&commit);
            objects.push(Followed { kind: ObjectKind::Commit, digest: commit.clone(), from, statements });
            if let Some(tree) = tree {
                let statements = about(Target::Tree(&tree));
                objects.push(Followed { kind: ObjectKind::Tree, digest: tree, from: vec![commit], statements });
            }
        }
        objects
    }

    fn explained(
        &self,
        evidence: &Evidence,
        decision: &Decision,
        verdicts: &[Verdict<'_>],
        sources: &[Source<'_>],
        objects: &[Followed],
    ) -> Explained {
        let signer = evidence.signer.as_deref().and_then(|id| self.policy.signer(id));
        let signature = evidence.standing.as_ref().ok().map(|believed| believed.statement.signature());
        let credential = signer.map(|signer| credential(&signer.credential, signature));
        let explained = Explained { bundle: evidence.bundle.clone(), credential, refusal: None, facts: Vec::new(), uses: Vec::new() };
        let believed = match &evidence.standing {
            Ok(believed) => believed,
            Err(Refusal { reason, detail }) => {
                return Explained { refusal: Some(RefusalResult { code: *reason, detail: detail.clone() }), ..explained };
            }
        };
        let facts = facts::of(believed);
        let uses = verdicts.iter().filter_map(|verdict| self.use_of(evidence, believed, decision, verdict, sources));
        let uses: BTreeSet<_> = uses.collect();
        let is_about_any = objects.iter().any(|object| object.statements.contains(&evidence.bundle));
        let listed = decision.evidence.iter().find(|listed| listed.bundle == evidence.bundle);
        let refusal = listed.and_then(|listed| listed.refusal).filter(|_| !is_about_any);
        let refusal =
            refusal.map(|code| RefusalResult { code, detail: self.uncounted(believed, objects).unwrap_or(ABOUT_NOTHING_ASKED.to_owned()) });
        Explained { refusal, facts, uses: uses.into_iter().collect(), ..explained }
    }

    /// Why a statement that names an object which evidence was looked for doesn't count for it.
    fn uncounted(&self, believed: &Believed, objects: &[Followed]) -> Option<String> {
        let statement = believed.statement.value();
        let named =
            |object: &&Followed| statement.subject.iter().any(|s| s.digest.get(object.digest.algorithm()).as_ref() == Some(&object.digest));
        let object = objects.iter().find(named)?;
        let target = match object.kind {
            ObjectKind::Artifact => Target::Artifact(&self.artifact),
            ObjectKind::Commit => Target::Commit(&object.digest, self.object_of(&object.digest)),
            ObjectKind::Tree => Target::Tree(&object.digest),
        };
        subject::check(statement, believed.provenance.as_ref(), target).err().map(|refusal| refusal.detail)
    }

    /// What the requirement made of a believed statement; `None` where it's about something else.
    fn use_of(
        &self,
        evidence: &Evidence,
        believed: &Believed,
        decision: &Decision,
        verdict: &Verdict<'_>,
        sources: &[Source<'_>],
    ) -> Option<Use> {
        let Requirement { id, kind, .. } = verdict.requirement;
        let used = |outcome, refusal: Option<&Refusal>| Use {
            requirement: id.clone(),
            kind: kind.name(),
            outcome,
            code: refusal.map(|refusal| refusal.reason),
            detail: refusal.map(|refusal| refusal.detail.clone()),
        };
        let result = decision.requirements.iter().find(|result| result.id == *id)?;
        if result.status == Status::Met && result.evidence.contains(&evidence.bundle) {
            return Some(used(UseOutcome::Taken, None));
        }
        // What was decisive comes first; a requirement that is met by another statement says nothing about this one.
        let candidates = verdict.outcome.as_ref().err();
        let decisive = candidates.and_then(|all| all.iter().find(|candidate| candidate.bundle.as_ref() == Some(&evidence.bundle)));
        if let Some(candidate) = decisive.filter(|candidate| candidate.refusal.reason != Reason::SubjectMismatch) {
            return Some(used(UseOutcome::Refused, Some(&candidate.refusal)));
        }
        if !judge::concerns(verdict.requirement, &evidence.predicate_type) {
            return None;
        }
        let judged = self.judged(verdict.requirement, evidence, believed, sources);
        let best =
            judged.into_iter().max_by_key(|judged| judged.as_ref().err().map_or((true, None), |refusal| (false, Some(refusal.reason))));
        best.map(|judged| match judged {
            Ok(()) => used(UseOutcome::Fits, None),
            Err(refusal) => used(UseOutcome::Refused, Some(&refusal)),
        })
    }

    /// Judges a statement on each object that the requirement can mean and the statement is about.
    pub(super) fn judged(
        &self,
        requirement: &Requirement,
        evidence: &Evidence,
        believed: &Believed,
        sources: &[Source<'_>],
    ) -> Vec<Result<(), Refusal>> {
        if requirement.about == About::Artifact && !self.is_about_commit() {
            let resource = self.resource.as_ref().ok();
            let judged =
                resource.and_then(|resource| self.judged_on(requirement, evidence, believed, Target::Artifact(&self.artifact), resource));
            return judged.into_iter().collect();
        }
        let of_source = |source: &Source<'_>| self.judged_on(requirement, evidence, believed, source.target(requirement), source.resource);
        sources.iter().filter_map(of_source).collect()
    }

    fn judged_on(
        &self,
        requirement: &Requirement,
        evidence: &Evidence,
        believed: &Believed,
        target: Target<'_>,
        resource: &Resource,
    ) -> Option<Result<(), Refusal>> {
        let against = Against { target, resource, policy: self.policy, question: &self.question };
        is_about(believed, target).then(|| judge::judge(requirement, evidence, against).map(|_| ()))
    }

    fn strangers_by_type(&self) -> Vec<Strangers> {
        let mut types = BTreeMap::<&str, usize>::new();
        for predicate_type in self.strangers.values() {
            *types.entry(predicate_type).or_default() += 1;
        }
        let mut types: Vec<_> = types.into_iter().map(|(uri, bundles)| Strangers { predicate_type: uri.to_owned(), bundles }).collect();
        // Strangers choose their types, and as many of them as they like.
        let rest: usize = types.iter().skip(STRANGE_TYPES).map(|strangers| strangers.bundles).sum();
        types.truncate(STRANGE_TYPES);
        if rest > 0 {
            types.push(Strangers { predicate_type: String::new(), bundles: rest });
        }
        types
    }

    /// What runs, of agents and of builds, can't show that were recorded where an agent could reach.
    fn not_shown(&self, objects: &[Followed]) -> Vec<NotShown> {
        let about_any = |evidence: &&Evidence| objects.iter().any(|object| object.statements.contains(&evidence.bundle));
        let is_provenance = |evidence: &&Evidence| evidence.standing.as_ref().is_ok_and(|believed| believed.provenance.is_some());
        let runs: Vec<_> = self.evidence.values().filter(about_any).filter(is_provenance).collect();
        let reached = |evidence: &Evidence, names: &[&str]| {
            let facts = evidence.standing.as_ref().map_or(Vec::new(), facts::of);
            facts.iter().any(|fact| (names.is_empty() || names.contains(&fact.name)) && fact.basis <= Basis::Harness)
        };
        let about = |(code, detail, names): &(&'static str, &'static str, &[&str])| {
            let statements: Vec<_> = runs.iter().filter(|run| reached(run, names)).map(|run| run.bundle.clone()).collect();
            (!statements.is_empty()).then_some(NotShown { code, detail, statements })
        };
        NOT_SHOWN.iter().filter_map(about).collect()
    }
}

pub(super) fn is_about(believed: &Believed, target: Target<'_>) -> bool {
    subject::check(believed.statement.value(), believed.provenance.as_ref(), target).is_ok()
}

pub(super) fn is_agent_run(evidence: &Evidence) -> bool {
    let provenance = evidence.standing.as_ref().ok().and_then(|believed| believed.provenance.as_ref());
    provenance.is_some_and(|provenance| BuildType::of(&provenance.build_definition.build_type).is_some_and(BuildType::is_agent_run))
}

/// A key by the SHA-256 of its SubjectPublicKeyInfo, of which a bundle's hint is the base64; an identity by the names in
/// the certificate, or as the policy writes them where none was verified.
fn credential(credential: &Credential, signature: Option<&Signature>) -> CredentialResult {
    match (credential, signature) {
        (_, Some(Signature::Certificate { identity, .. })) => {
            CredentialResult::Identity { issuer: identity.issuer.clone(), subject: identity.subject.as_str().to_owned() }
        }
        (Credential::Key(key), _) => CredentialResult::Key { key: key.fingerprint() },
        (Credential::Identity(expected), _) => {
            CredentialResult::Identity { issuer: expected.issuer.as_str().to_owned(), subject: expected.subject.as_str().to_owned() }
        }
    }
}

/// What a run that an agent could reach can't show, and the facts that could make one think so; none named, any fact.
const NOT_SHOWN: &[(&str, &str, &[&str])] = &[
    ("transcript-true", "that the transcript is complete or true", &["transcript"]),
    ("model-answered", "which model really answered", &["model"]),
    ("sandbox-existed", "that the sandbox existed", &["sandbox-image"]),
    ("nobody-else-wrote", "that nobody else wrote the files", &[]),
    (
        "signed-by-another",
        "that somebody other than the agent signed: it can use any key that is unlocked, and any token that its job may mint",
        &[],
    ),
];
const ABOUT_NOTHING_ASKED: &str = "the statement is about nothing that was asked about";
const STRANGE_TYPES: usize = 32;
