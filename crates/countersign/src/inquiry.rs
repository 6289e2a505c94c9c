//! Finds and examines the evidence for one question, without fetching any: it asks, and believes nothing that it's handed.
//! What the evidence amounts to is the decision.

mod evidence;
mod expectation;
mod question;
pub(crate) mod subject;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::digest::{Algorithm, Digest, DigestSet, check_git_object};
use crate::limits;
use crate::policy::{About, Policy, Requirement, Resource};
use crate::predicate::PROVENANCE;
use crate::reason::{Reason, Refusal};
use crate::trust::Trust;

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
    pub(crate) strangers: BTreeMap<Digest, String>,
    objects: BTreeMap<Digest, Vec<u8>>,
    asked: BTreeMap<Wanted, Answer>,
    pending: VecDeque<Wanted>,
    looks: usize,
}

/// What became of one `Wanted`.
#[derive(Default)]
struct Answer {
    answered: bool,
    unavailable: BTreeSet<String>,
    bundles: BTreeSet<Digest>,
    over_limit: bool,
}

impl<'a> Inquiry<'a> {
    /// Begins an inquiry.
    ///
    /// # Errors
    /// [`QuestionError`] if the policy has expired at the question's time, or has no such environment.
    pub fn about(question: Question, trust: &'a Trust, policy: &'a Policy) -> Result<Self, QuestionError> {
        let question = question.checked(policy)?;
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
            strangers: BTreeMap::new(),
            objects: BTreeMap::new(),
            asked: BTreeMap::new(),
            pending: VecDeque::new(),
            looks: 0,
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
        let digest = Digest::sha256(bytes);
        let known = self.evidence.contains_key(&digest);
        if !known && !self.strangers.contains_key(&digest) {
            self.looks += 1;
            // Beyond the limit nothing is examined, and everything that is wanted stays unknown.
            if self.looks > limits::LOOKS_PER_INQUIRY {
                return;
            }
            match evidence::examine(bytes, self.policy, self.question.at) {
                Examined::BySomebodyElse { predicate_type } => {
                    self.strangers.insert(digest, predicate_type);
                    return;
                }
                Examined::Evidence(evidence) => {
                    self.evidence.insert(digest.clone(), *evidence);
                }
            }
        }
        if self.evidence.contains_key(&digest)
            && let Some(answer) = self.asked.get_mut(wanted)
        {
            answer.bundles.insert(digest);
            answer.over_limit |= answer.bundles.len() > limits::BUNDLES_PER_WANTED;
        }
    }

    /// Asks for whatever what is known makes worth asking.
    fn plan(&mut self) {
        let Ok(resource) = self.resource.clone() else { return };
        let mut wanted = Vec::new();
        let is_commit = self.question.artifact.algorithm() == Algorithm::GitCommit;
        let types = self.predicate_types(|requirement| is_commit || requirement.about == About::Artifact);
        wanted.push(self.bundles(&self.question.artifact, types));
        wanted.extend(self.other_digests().into_iter().map(Wanted::ArtifactDigest));
        let commits = if is_commit { BTreeSet::from([self.question.artifact.clone()]) } else { self.commits(resource) };
        for commit in &commits {
            if !is_commit {
                wanted.push(self.bundles(commit, self.predicate_types(|requirement| requirement.about == About::Source)));
            }
            let types: Vec<_> = self.source_types(is_commit).into_iter().filter(|uri| subject::is_about_trees(uri)).collect();
            if !types.is_empty() {
                match self.tree_of(commit) {
                    Some(tree) => wanted.push(Wanted::Bundles { digest: tree, predicate_types: types }),
                    None => wanted.push(Wanted::GitObject(commit.clone())),
                }
            }
        }
        for wanted in wanted {
            if !self.asked.contains_key(&wanted) && self.asked.len() <= limits::DIGESTS_FOLLOWED {
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

    fn source_types(&self, is_commit: bool) -> Vec<String> {
        self.predicate_types(|requirement| is_commit || requirement.about == About::Source)
    }

    /// The commits that authorised builds of the artifact name as their source.
    pub(crate) fn commits(&self, resource: &Resource) -> BTreeSet<Digest> {
        let commits = self.evidence.values().filter_map(|evidence| Some(edge(evidence, resource, &self.artifact).ok()?.commit));
        commits.collect()
    }

    /// SHA-384 and SHA-512, if evidence names the artifact by them.
    fn other_digests(&self) -> BTreeSet<Algorithm> {
        let statements = self.evidence.values().filter_map(|evidence| evidence.standing.as_ref().ok());
        let digests = statements.flat_map(|believed| &believed.statement.value().subject).flat_map(|subject| subject.digest.iter());
        let is_artifact = self.question.artifact.algorithm() == Algorithm::Sha256;
        digests.map(|digest| digest.algorithm()).filter(|a| is_artifact && matches!(a, Algorithm::Sha384 | Algorithm::Sha512)).collect()
    }

    /// The tree that the commit records, read from the commit's object.
    pub(crate) fn tree_of(&self, commit: &Digest) -> Option<Digest> {
        let carried = self.evidence.values().filter_map(|evidence| evidence.standing.as_ref().ok()).filter_map(|believed| {
            subject::check(believed.statement.value(), believed.provenance.as_ref(), Target::Commit(commit)).ok()?;
            subject::commit_object(believed.provenance.as_ref()?, commit)
        });
        let object = self.objects.get(commit).map(Vec::as_slice).into_iter().chain(carried).next()?;
        subject::tree_of(object)
    }

    /// Why evidence about artifacts, or about their source, may be missing that exists.
    pub(crate) fn gaps(&self, about: About) -> Vec<Refusal> {
        let mut gaps = BTreeSet::new();
        for (wanted, answer) in &self.asked {
            // A build that could not be fetched can hide a source; a source can't hide a build.
            if about == About::Artifact && !self.is_about_artifact(wanted) {
                continue;
            }
            if !answer.answered {
                gaps.insert((Reason::EvidenceUnavailable, "what was wanted was not answered".to_owned()));
            }
            gaps.extend(answer.unavailable.iter().map(|why| (Reason::EvidenceUnavailable, why.clone())));
            if answer.over_limit {
                gaps.insert((Reason::EvidenceLimit, format!("more than {} bundles were found for one digest", limits::BUNDLES_PER_WANTED)));
            }
        }
        gaps.extend(self.overruns().map(|detail| (Reason::EvidenceLimit, detail)));
        gaps.into_iter().map(|(reason, detail)| Refusal { reason, detail }).collect()
    }

    /// Returns true if a limit was exceeded that leaves the whole of a kind unjudged.
    pub(crate) fn is_over_limit(&self, about: About) -> bool {
        let wanted = self.asked.iter().filter(|(wanted, _)| about == About::Source || self.is_about_artifact(wanted));
        self.overruns().next().is_some() || wanted.into_iter().any(|(_, answer)| answer.over_limit)
    }

    fn overruns(&self) -> impl Iterator<Item = String> {
        let overruns = [
            (self.looks > limits::LOOKS_PER_INQUIRY, limits::LOOKS_PER_INQUIRY, "bundles were found"),
            (self.evidence.len() > limits::BUNDLES_PER_INQUIRY, limits::BUNDLES_PER_INQUIRY, "bundles by known signers were found"),
            (self.asked.len() > limits::DIGESTS_FOLLOWED, limits::DIGESTS_FOLLOWED, "digests were to be followed"),
        ];
        overruns.into_iter().filter(|(over, _, _)| *over).map(|(_, limit, what)| format!("more than {limit} {what}"))
    }

    fn is_about_artifact(&self, wanted: &Wanted) -> bool {
        match wanted {
            Wanted::Bundles { digest, .. } => *digest == self.question.artifact,
            Wanted::ArtifactDigest(_) => true,
            Wanted::GitObject(_) => false,
        }
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
