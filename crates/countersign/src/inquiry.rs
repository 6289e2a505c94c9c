//! Finds and examines the evidence for one question, without fetching any: it asks, and believes nothing that it's handed.
//! What the evidence amounts to is the decision.

mod evidence;
mod expectation;
mod question;
pub(crate) mod subject;
mod unanswered;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::digest::{Algorithm, Digest, DigestSet, check_git_object};
use crate::limits;
use crate::policy::{About, Policy, Requirement, Resource};
use crate::predicate::{PROVENANCE, is_type};
use crate::reason::{Reason, Refusal};
use crate::statement::{ResourceDescriptor, Statement};
use crate::trust::Trust;

use evidence::Said;
pub(crate) use evidence::{Believed, Evidence, Examined};
pub(crate) use expectation::{edge, expected, expected_source};
pub use question::{Question, QuestionError};
use subject::Target;

/// Something that the inquiry needs to know and can't fetch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Wanted {
    /// Bundles whose statement has this digest among its subjects and is of one of these types.
    Bundles {
        /// The digest to look up.
        digest: Digest,
        /// The predicate types that can help, in order; a store may hand over others.
        predicate_types: Vec<String>,
    },
    /// The artifact's digest by another algorithm, since some evidence names it so.
    ArtifactDigest(Algorithm),
    /// A git object, by its id.
    GitObject(Digest),
}

impl Wanted {
    fn is_answered_by(&self, statement: &Statement) -> bool {
        let Self::Bundles { digest, predicate_types } = self else { return false };
        predicate_types.iter().any(|wanted| is_type(&statement.predicate_type, wanted))
            && statement.subject.iter().any(|subject| subject.digest.get(digest.algorithm()).as_ref() == Some(digest))
    }
}

/// What was found; for one `Wanted` there may be several, one from each place that was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Found {
    /// Bundles, or the content of one git object, as bytes that are believed no further than they verify.
    These(Vec<Vec<u8>>),
    /// The artifact's digest by the algorithm that was asked for, computed by the asker from the artifact itself.
    Digest(Digest),
    /// The place was asked, and has nothing. Of a digest or a git object, which exist, this says that they aren't at hand.
    Nothing,
    /// The place could not be asked.
    Unavailable(String),
}

/// One question on its way to a decision.
///
/// ```
/// # use countersign::{digest::Digest, inquiry::{Found, Inquiry, Question}, policy::Policy, trust::Trust};
/// # fn decide(policy: &Policy, question: Question, find: impl Fn(&Digest) -> Vec<Vec<u8>>) -> Result<bool, Box<dyn std::error::Error>> {
/// let trust = Trust::keys_only();
/// let mut inquiry = Inquiry::about(question, &trust, policy)?;
/// while let Some(wanted) = inquiry.next() {
///     let found = match &wanted {
///         countersign::inquiry::Wanted::Bundles { digest, .. } => Found::These(find(digest)),
///         _ => Found::Unavailable("this example has no git and no artifact at hand".into()),
///     };
///     inquiry.supply(&wanted, found);
/// }
/// let decision = inquiry.decide();
/// # Ok(decision.is_allowed())
/// # }
/// ```
pub struct Inquiry<'a> {
    pub(crate) question: Question,
    pub(crate) policy: &'a Policy,
    pub(crate) trust: &'a Trust,
    /// The one resource entry that matches, or why there is none.
    pub(crate) resource: Result<&'a Resource, Refusal>,
    /// The requirements of the environment, by id.
    pub(crate) requirements: Vec<&'a Requirement>,
    /// What is known of the artifact.
    pub(crate) artifact: DigestSet,
    pub(crate) evidence: BTreeMap<Digest, Evidence>,
    /// What signers of the policy said, and the one bundle that stands for it.
    statements: BTreeMap<Said, Digest>,
    /// What each bundle by a signer of the policy says, those included that another one stands for.
    said: BTreeMap<Digest, Said>,
    /// The statements that answer anything that was wanted, each with its signer.
    answers: BTreeSet<Said>,
    pub(crate) strangers: BTreeMap<Digest, String>,
    objects: BTreeMap<Digest, Vec<u8>>,
    asked: BTreeMap<Wanted, Answer>,
    pending: VecDeque<Wanted>,
    followed: BTreeSet<Digest>,
    looks: usize,
    /// What was verified.
    checks: usize,
}

/// What became of one `Wanted`.
#[derive(Default)]
struct Answer {
    answered: bool,
    unavailable: BTreeSet<String>,
    statements: BTreeSet<Said>,
    over_limit: bool,
}

impl<'a> Inquiry<'a> {
    /// Begins an inquiry.
    ///
    /// # Errors
    /// [`QuestionError`] if the policy has expired at the question's time, has no such environment, or knows signers by
    /// certificates that no trust root was given for.
    pub fn about(question: Question, trust: &'a Trust, policy: &'a Policy) -> Result<Self, QuestionError> {
        let question = question.checked(policy, trust)?;
        let ids = question.environment.as_ref().and_then(|name| policy.environments.get(name));
        let mut requirements: Vec<_> = ids.into_iter().flatten().filter_map(|id| policy.requirements.get(id)).collect();
        requirements.sort_by(|a, b| a.id.cmp(&b.id));
        let resource = only_resource(policy, &question.resource);
        let artifact = DigestSet::from(question.artifact.clone());
        let mut inquiry = Self {
            question,
            policy,
            trust,
            resource,
            requirements,
            artifact,
            evidence: BTreeMap::new(),
            statements: BTreeMap::new(),
            said: BTreeMap::new(),
            answers: BTreeSet::new(),
            strangers: BTreeMap::new(),
            objects: BTreeMap::new(),
            asked: BTreeMap::new(),
            pending: VecDeque::new(),
            followed: BTreeSet::new(),
            looks: 0,
            checks: 0,
        };
        inquiry.plan();
        Ok(inquiry)
    }

    /// Returns the next thing that the inquiry needs, and `None` when nothing more could help.
    #[expect(clippy::should_implement_trait, reason = "between two calls the caller supplies, which no iterator allows")]
    pub fn next(&mut self) -> Option<Wanted> {
        if self.pending.is_empty() {
            self.plan();
        }
        self.pending.pop_front()
    }

    /// Takes what was found; may be called once for each place that was asked.
    ///
    /// Something that was never wanted is ignored, and something wanted that nobody answers was unavailable.
    pub fn supply(&mut self, wanted: &Wanted, found: Found) {
        let Some(answer) = self.asked.get_mut(wanted) else { return };
        answer.answered = true;
        match (wanted, found) {
            (Wanted::Bundles { .. }, Found::Nothing) => {}
            // An artifact has its digests, and a commit its object, whether or not the asker has them at hand.
            (Wanted::ArtifactDigest(algorithm), Found::Nothing) => {
                answer.unavailable.insert(format!("evidence names the artifact by {algorithm}, and the artifact itself is not at hand"));
            }
            (Wanted::GitObject(_), Found::Nothing) => {
                answer.unavailable.insert("the object of the commit is not at hand".to_owned());
            }
            (_, Found::Unavailable(why)) => {
                answer.unavailable.insert(why);
            }
            (Wanted::Bundles { .. }, Found::These(bundles)) => bundles.iter().for_each(|bytes| self.look_at(wanted, bytes)),
            (Wanted::ArtifactDigest(algorithm), Found::Digest(digest)) if digest.algorithm() == *algorithm => {
                self.artifact = std::mem::take(&mut self.artifact).with(digest);
            }
            (Wanted::GitObject(id), Found::These(objects)) => {
                // Hashed again: an object is what its id says, wherever it comes from.
                let object = objects.into_iter().find(|object| check_git_object(id, object).is_ok());
                match object {
                    Some(object) => {
                        self.objects.insert(id.clone(), object);
                    }
                    None => {
                        answer.unavailable.insert("the git object that was supplied has another id".to_owned());
                    }
                }
            }
            (_, Found::These(_) | Found::Digest(_)) => {
                answer.unavailable.insert("the answer was of another kind than the question".to_owned());
            }
        }
    }

    fn look_at(&mut self, wanted: &Wanted, bytes: &[u8]) {
        // Beyond the limit nothing is examined, and what was is forgotten: an answer that rests on the part that came
        // first would depend on the order. Everything that is wanted stays unknown.
        if self.has_looked_too_much() {
            return;
        }
        let digest = Digest::sha256(bytes);
        let looked_at = self.said.contains_key(&digest) || self.evidence.contains_key(&digest) || self.strangers.contains_key(&digest);
        if !looked_at {
            self.looks += 1;
            let enough = self.has_looked_too_much();
            let examined = (!enough).then(|| evidence::examine(bytes, self.policy, self.trust, self.question.at, &mut self.checks));
            let Some(examined) = examined.filter(|_| !self.has_looked_too_much()) else {
                self.evidence.clear();
                self.strangers.clear();
                return;
            };
            match examined {
                Examined::BySomebodyElse { predicate_type } => {
                    self.strangers.insert(digest, predicate_type);
                    return;
                }
                Examined::Evidence(evidence) => self.keep(&digest, *evidence),
            }
        }
        self.count(wanted, &digest);
    }

    fn has_looked_too_much(&self) -> bool {
        self.looks > limits::LOOKS_PER_INQUIRY || self.checks > limits::CHECKS_PER_INQUIRY
    }

    /// Counts a statement as an answer only if it is one, by a signer who may make it: whoever can push can hand over
    /// bundles that can't be read, that claim a signer's name, or that are genuine and about something else. It counts
    /// once, however often it was witnessed: anybody can have a signature that they found stamped or logged anew.
    fn count(&mut self, wanted: &Wanted, bundle: &Digest) {
        let Some((said, first)) = self.said.get(bundle).and_then(|said| Some((said, self.statements.get(said)?))) else { return };
        let believed = self.evidence.get(first).and_then(|evidence| evidence.standing.as_ref().ok());
        if let (Some(believed), Some(answer)) = (believed, self.asked.get_mut(wanted))
            && wanted.is_answered_by(believed.statement.value())
        {
            self.answers.insert(said.clone());
            answer.statements.insert(said.clone());
            answer.over_limit |= answer.statements.len() > limits::STATEMENTS_PER_WANTED;
        }
    }

    /// Keeps evidence. Whoever can push can wrap one signed statement in any number of bundles, by other blanks or with
    /// other witnesses: the best of them stands for all.
    fn keep(&mut self, bundle: &Digest, evidence: Evidence) {
        if let Some(said) = evidence.said.clone() {
            self.said.insert(bundle.clone(), said.clone());
            match self.statements.entry(said) {
                Entry::Vacant(entry) => {
                    entry.insert(bundle.clone());
                }
                Entry::Occupied(mut best) => {
                    if self.evidence.get(best.get()).is_some_and(|best| !evidence.stands_before(best)) {
                        return;
                    }
                    self.evidence.remove(&best.insert(bundle.clone()));
                }
            }
        }
        self.evidence.insert(bundle.clone(), evidence);
    }

    /// Asks for whatever what is known makes worth asking.
    fn plan(&mut self) {
        let Ok(resource) = self.resource.clone() else { return };
        let is_commit = self.is_about_commit();
        let types = self.predicate_types(|requirement| is_commit || requirement.about == About::Artifact);
        let of_target = self.bundles(&self.question.artifact, types);
        let mut wanted = vec![of_target.clone()];
        wanted.extend(self.other_digests().into_iter().map(Wanted::ArtifactDigest));
        let wants_source = self.requirements.iter().any(|requirement| requirement.about == About::Source);
        let commits = match (is_commit, wants_source) {
            (true, _) => BTreeSet::from([self.question.artifact.clone()]),
            (false, true) => self.commits(resource),
            (false, false) => BTreeSet::new(),
        };
        let source_types = self.predicate_types(|requirement| is_commit || requirement.about == About::Source);
        let tree_types: Vec<_> = source_types.iter().filter(|uri| subject::is_about_trees(uri)).cloned().collect();
        for commit in &commits {
            let of_commit = if is_commit { of_target.clone() } else { self.bundles(commit, source_types.clone()) };
            match self.tree_of(commit) {
                Some(tree) => {
                    // A run that left its changes uncommitted; asked for by itself, so that no number of gates can hide it.
                    wanted.push(self.bundles(&tree, vec![PROVENANCE.to_owned()]));
                    wanted.extend((!tree_types.is_empty()).then(|| self.bundles(&tree, tree_types.clone())));
                }
                // An agent's run carries the commit's object: git is asked only when no run was found that does,
                // so that the order in which evidence comes can't leave something unavailable that nobody needs.
                None if self.asked.contains_key(&of_commit) => wanted.push(Wanted::GitObject(commit.clone())),
                None => {}
            }
            wanted.push(of_commit);
        }
        for wanted in wanted {
            if !self.asked.contains_key(&wanted) && self.followed.len() <= limits::DIGESTS_FOLLOWED {
                if let Wanted::Bundles { digest, .. } | Wanted::GitObject(digest) = &wanted {
                    self.followed.insert(digest.clone());
                }
                self.asked.insert(wanted.clone(), Answer::default());
                self.pending.push_back(wanted);
            }
        }
    }

    fn bundles(&self, digest: &Digest, predicate_types: Vec<String>) -> Wanted {
        Wanted::Bundles { digest: digest.clone(), predicate_types }
    }

    /// The types of evidence that the requirements need; provenance always, since it is what edges are followed by.
    fn predicate_types(&self, concerns: impl Fn(&Requirement) -> bool) -> Vec<String> {
        let types = self.requirements.iter().filter(|r| concerns(r)).map(|r| r.kind.predicate_type().to_owned());
        types.chain([PROVENANCE.to_owned()]).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The commits that authorised builds of the artifact name as their source.
    pub(crate) fn commits(&self, resource: &Resource) -> BTreeSet<Digest> {
        let commits = self.evidence.values().filter_map(|evidence| Some(edge(evidence, resource, &self.artifact).ok()?.commit));
        commits.collect()
    }

    /// SHA-384 and SHA-512, if evidence names the artifact by them.
    fn other_digests(&self) -> BTreeSet<Algorithm> {
        let statements = self.evidence.values().filter_map(|evidence| evidence.standing.as_ref().ok());
        let subjects = statements.flat_map(|believed| &believed.statement.value().subject);
        // What has another SHA-256 is something else, whatever its other digests are.
        let could_be =
            |subject: &&ResourceDescriptor| subject.digest.get(Algorithm::Sha256).is_none_or(|sha256| sha256 == self.question.artifact);
        let digests = subjects.filter(could_be).flat_map(|subject| subject.digest.iter());
        let is_artifact = self.question.artifact.algorithm() == Algorithm::Sha256;
        digests.map(|digest| digest.algorithm()).filter(|a| is_artifact && matches!(a, Algorithm::Sha384 | Algorithm::Sha512)).collect()
    }

    /// The tree that the commit records, read from the commit's object.
    pub(crate) fn tree_of(&self, commit: &Digest) -> Option<Digest> {
        subject::tree_of(self.object_of(commit)?)
    }

    /// The commit's object: supplied, or carried by a run.
    pub(crate) fn object_of(&self, commit: &Digest) -> Option<&[u8]> {
        let carried = self.evidence.values().filter_map(|evidence| evidence.standing.as_ref().ok()).filter_map(|believed| {
            subject::check(believed.statement.value(), believed.provenance.as_ref(), Target::Commit(commit, None)).ok()?;
            subject::commit_object(believed.provenance.as_ref()?, commit)
        });
        self.objects.get(commit).map(Vec::as_slice).into_iter().chain(carried).next()
    }

    /// Why evidence for the requirement may be missing that exists.
    pub(crate) fn gaps(&self, requirement: &Requirement) -> Vec<Refusal> {
        let mut gaps = BTreeSet::new();
        for (wanted, answer) in self.asked.iter().filter(|(wanted, _)| self.is_wanted_for(wanted, requirement)) {
            // Of what there is only one, one place that has it is enough.
            let is_known = match wanted {
                Wanted::Bundles { .. } => false,
                Wanted::ArtifactDigest(algorithm) => self.artifact.get(*algorithm).is_some(),
                Wanted::GitObject(commit) => self.tree_of(commit).is_some(),
            };
            if is_known {
                continue;
            }
            if !answer.answered {
                gaps.insert((Reason::EvidenceUnavailable, "what was wanted was not answered".to_owned()));
            }
            gaps.extend(answer.unavailable.iter().map(|why| (Reason::EvidenceUnavailable, why.clone())));
            if answer.over_limit {
                let detail = format!("more than {} statements were found for one digest", limits::STATEMENTS_PER_WANTED);
                gaps.insert((Reason::EvidenceLimit, detail));
            }
        }
        gaps.extend(self.overruns(requirement).map(|detail| (Reason::EvidenceLimit, detail)));
        gaps.into_iter().map(|(reason, detail)| Refusal { reason, detail }).collect()
    }

    /// Returns true if a limit was exceeded that leaves something unjudged which the requirement wanted.
    pub(crate) fn is_over_limit(&self, requirement: &Requirement) -> bool {
        let mut wanted = self.asked.iter().filter(|(wanted, _)| self.is_wanted_for(wanted, requirement));
        self.overruns(requirement).next().is_some() || wanted.any(|(_, answer)| answer.over_limit)
    }

    fn overruns(&self, requirement: &Requirement) -> impl Iterator<Item = String> {
        // Only sources are followed from digest to digest.
        let followed_too_far = self.followed.len() > limits::DIGESTS_FOLLOWED && self.is_about_source(requirement);
        let overruns = [
            (self.looks > limits::LOOKS_PER_INQUIRY, limits::LOOKS_PER_INQUIRY, "bundles were found"),
            (self.checks > limits::CHECKS_PER_INQUIRY, limits::CHECKS_PER_INQUIRY, "signatures and witnesses were to be verified"),
            (self.answers.len() > limits::STATEMENTS_PER_INQUIRY, limits::STATEMENTS_PER_INQUIRY, "statements by known signers were found"),
            (followed_too_far, limits::DIGESTS_FOLLOWED, "digests were to be followed"),
        ];
        overruns.into_iter().filter(|(over, _, _)| *over).map(|(_, limit, what)| format!("more than {limit} {what}"))
    }

    /// Returns true if what answers `wanted` could help to meet the requirement.
    fn is_wanted_for(&self, wanted: &Wanted, requirement: &Requirement) -> bool {
        let about_source = self.is_about_source(requirement);
        let predicate_type = requirement.kind.predicate_type();
        match wanted {
            // Everything begins here: a build that could not be fetched can hide a source.
            Wanted::Bundles { digest, .. } if *digest == self.question.artifact => true,
            Wanted::ArtifactDigest(_) => true,
            // A source can't hide a build.
            Wanted::Bundles { predicate_types, .. } => about_source && predicate_types.iter().any(|uri| uri == predicate_type),
            Wanted::GitObject(_) => about_source && subject::is_about_trees(predicate_type),
        }
    }

    fn is_about_source(&self, requirement: &Requirement) -> bool {
        self.is_about_commit() || requirement.about == About::Source
    }

    pub(crate) fn is_about_commit(&self) -> bool {
        self.question.artifact.algorithm() == Algorithm::GitCommit
    }
}

/// Returns the one resource of the policy that matches a name.
pub(crate) fn only_resource<'a>(policy: &'a Policy, name: &str) -> Result<&'a Resource, Refusal> {
    let mut matching = policy.resources.iter().filter(|resource| resource.pattern.matches(name));
    match (matching.next(), matching.next()) {
        (Some(resource), None) => Ok(resource),
        (None, _) => Err(Refusal::new(Reason::ResourceUnexpected, format!("no resource of the policy matches {}", limits::quoted(name)))),
        (Some(_), Some(_)) => {
            Err(Refusal::new(Reason::ResourceAmbiguous, format!("two resources of the policy match {}", limits::quoted(name))))
        }
    }
}
