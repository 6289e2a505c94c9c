//! Which commits an artifact was made from, as the builds say that the environment asks for.
//! What is required of those commits is judged in `verdict`.

use std::collections::BTreeSet;

use super::judge::{self, Against};
use super::verdict::Candidate;
use crate::digest::Digest;
use crate::inquiry::subject::{self, Target};
use crate::inquiry::{Believed, Evidence, Inquiry, edge, only_resource};
use crate::policy::{About, Requirement, Resource};
use crate::predicate::PROVENANCE;
use crate::reason::Refusal;
use crate::time::Time;

/// A commit that an artifact was made from.
pub(super) struct Origin<'a> {
    pub(super) commit: Digest,
    /// The resource entry of its repository.
    pub(super) resource: &'a Resource,
    /// Until when a build says so that the environment asks for; `None` never ends.
    pub(super) until: Option<Time>,
}

/// A commit that requirements are judged on, with what is known of it.
pub(super) struct Source<'a> {
    pub(super) commit: Digest,
    pub(super) object: Option<&'a [u8]>,
    pub(super) tree: Option<Digest>,
    /// The resource entry of its repository.
    pub(super) resource: &'a Resource,
}

impl Source<'_> {
    /// Returns what a statement must be about to meet the requirement.
    pub(super) fn target(&self, requirement: &Requirement) -> Target<'_> {
        match &self.tree {
            Some(tree) if subject::is_about_trees(requirement.kind.predicate_type()) => Target::Tree(tree),
            _ => Target::Commit(&self.commit, self.object),
        }
    }
}

impl Inquiry<'_> {
    /// The commits that requirements about the source are judged on.
    pub(super) fn judged_sources(&self) -> Vec<Source<'_>> {
        match &self.resource {
            Ok(resource) if self.is_about_commit() => vec![self.source(self.question.artifact.clone(), resource)],
            Ok(resource) => self.origins(resource).0.into_iter().map(|origin| self.source(origin.commit, origin.resource)).collect(),
            Err(_) => Vec::new(),
        }
    }

    /// Looks up what is known of the commit: once, since any piece of evidence can hold its object.
    pub(super) fn source<'a>(&'a self, commit: Digest, resource: &'a Resource) -> Source<'a> {
        let object = self.object_of(&commit);
        Source { commit, object, tree: object.and_then(subject::tree_of), resource }
    }

    /// The commits that builds name, and why other builds name none.
    pub(super) fn origins<'a>(&'a self, resource: &'a Resource) -> (Vec<Origin<'a>>, Vec<Candidate>) {
        let (mut origins, mut refusals): (Vec<Origin<'a>>, _) = (Vec::new(), Vec::new());
        for evidence in
            self.evidence.values().filter(|evidence| evidence.predicate_type == PROVENANCE || evidence.predicate_type.is_empty())
        {
            match self.origin(evidence, resource) {
                // One commit under two repositories' names is judged by both of their entries, in either order.
                Ok(origin) => match origins.iter_mut().find(|known| known.is_same(&origin)) {
                    Some(known) => known.until = later(known.until, origin.until),
                    None => origins.push(origin),
                },
                Err(refusal) => refusals.push(Candidate::refused(evidence, refusal)),
            }
        }
        (origins, refusals)
    }

    fn origin<'a>(&'a self, evidence: &Evidence, resource: &'a Resource) -> Result<Origin<'a>, Refusal> {
        let source = edge(evidence, resource, &self.artifact)?;
        let entry = only_resource(self.policy, &source.repository)?;
        let believed = evidence.standing.as_ref().map_err(Clone::clone)?;
        Ok(Origin { commit: source.commit, resource: entry, until: self.is_asked_for(evidence, believed, resource)? })
    }

    /// Finds out until when the build is one that the environment asks for: of each kind of requirement on how the artifact
    /// was made, it meets one.
    ///
    /// A build that meets none of them must not say what the others were made from.
    fn is_asked_for(&self, evidence: &Evidence, believed: &Believed, resource: &Resource) -> Result<Option<Time>, Refusal> {
        let against = Against { target: Target::Artifact(&self.artifact), resource, policy: self.policy, question: &self.question };
        let asked = |requirement: &&&Requirement| requirement.about == About::Artifact && requirement.kind.is_provenance();
        let asked: Vec<_> = self.requirements.iter().filter(asked).collect();
        let kinds: BTreeSet<_> = asked.iter().map(|requirement| requirement.kind.name()).collect();
        let mut until = believed.signer_until;
        for kind in kinds {
            let judged = asked.iter().filter(|requirement| requirement.kind.name() == kind);
            let judged = judged.map(|requirement| judge::judge(requirement, evidence, against));
            let end = judged.reduce(|a, b| match (a, b) {
                (Ok(a), Ok(b)) => Ok(later(a, b)),
                (Ok(end), Err(_)) | (Err(_), Ok(end)) => Ok(end),
                (Err(a), Err(b)) => Err(if a.reason >= b.reason { a } else { b }),
            });
            until = earlier(until, end.transpose()?.flatten());
        }
        Ok(until)
    }
}

impl Origin<'_> {
    fn is_same(&self, other: &Self) -> bool {
        self.commit == other.commit && std::ptr::eq(self.resource, other.resource)
    }
}

/// Of two ends, the one that comes later; none never comes.
pub(super) fn later(a: Option<Time>, b: Option<Time>) -> Option<Time> {
    a.zip(b).map(|(a, b)| a.max(b))
}

/// Of two ends, the one that comes first.
pub(super) fn earlier(a: Option<Time>, b: Option<Time>) -> Option<Time> {
    a.into_iter().chain(b).min()
}
