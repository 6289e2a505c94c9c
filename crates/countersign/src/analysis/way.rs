//! By whom, and how, a requirement could be met at all: the ways that a policy leaves open.
//! Whether anybody went one of them is for evidence to show.

use std::collections::BTreeSet;

use crate::inquiry::subject::{Counts, counted};
use crate::policy::{Authority, Kind, Policy, Requirement, Resource, Signer};
use crate::predicate::{BuildType, PROVENANCE, is_type};

/// Of what a statement would have to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Object {
    /// A file or an image.
    Artifact,
    /// A commit, or the tree that it records.
    Commit,
}

/// A signer who could make a statement that meets a requirement; for provenance, as which builder and of which build type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Way<'a> {
    pub(crate) signer: &'a str,
    pub(crate) run: Option<(&'a str, &'a str)>,
}

/// Why no way is open: how far the nearest one comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Obstacle {
    NotAboutSuch,
    NoBuilder,
    NoAuthority,
    NotNamed,
    NoSource,
    NobodyNamed,
    CeilingTooLow,
}

impl Obstacle {
    /// Says what stands in the way.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::NotAboutSuch => "statements of its type are never about what it's about",
            Self::NoBuilder => "no resource expects a builder whose build type shows it",
            Self::NoAuthority => "no signer may attest what it needs",
            Self::NotNamed => "none of the signers that it names may attest what it needs",
            Self::NoSource => "no resource says from which source it's expected",
            Self::NobodyNamed => "no person of the policy has an `issuer` and a `subject`, by which a statement could name them",
            Self::CeilingTooLow => "no ceiling of a signer who may attest it reaches the basis that it asks for",
        }
    }
}

/// Returns every way to meet the requirement, for an object that is the resource.
pub(crate) fn ways<'a>(
    requirement: &Requirement,
    object: Object,
    resource: &'a Resource,
    policy: &'a Policy,
) -> Result<BTreeSet<Way<'a>>, Obstacle> {
    let mut open = BTreeSet::new();
    let mut nearest = Obstacle::NotAboutSuch;
    for (way, signer, authority) in candidates(requirement, resource, policy) {
        match obstacle(requirement, object, resource, policy, &way, signer, authority) {
            None => drop(open.insert(way)),
            Some(obstacle) => nearest = nearest.max(obstacle),
        }
    }
    if open.is_empty() { Err(nearest) } else { Ok(open) }
}

type Candidate<'a> = (Way<'a>, &'a Signer, Option<&'a Authority>);

fn candidates<'a>(requirement: &Requirement, resource: &'a Resource, policy: &'a Policy) -> Vec<Candidate<'a>> {
    if requirement.kind.is_provenance() {
        let of_builder = |builder: &'a crate::policy::ExpectedBuilder| {
            let signer = policy.signer(&builder.signer);
            builder.build_types.iter().filter_map(move |build_type| {
                let signer = signer?;
                let way = Way { signer: &signer.id, run: Some((&builder.builder_id, build_type)) };
                Some((way, signer, signer.authority(PROVENANCE, Some(build_type))))
            })
        };
        return resource.builders.iter().flat_map(of_builder).collect();
    }
    let wanted = requirement.kind.predicate_type();
    // The policy may name a version where the requirement names none.
    let covers = |authority: &&Authority| {
        authority.build_type.is_none() && (is_type(&authority.predicate, wanted) || is_type(wanted, &authority.predicate))
    };
    let of_signer = |signer: &'a Signer| {
        let authority = signer.may_attest.iter().filter(covers).max_by_key(|authority| authority.ceiling);
        (Way { signer: &signer.id, run: None }, signer, authority)
    };
    policy.signers.iter().map(of_signer).collect()
}

fn obstacle(
    requirement: &Requirement,
    object: Object,
    resource: &Resource,
    policy: &Policy,
    way: &Way<'_>,
    signer: &Signer,
    authority: Option<&Authority>,
) -> Option<Obstacle> {
    let build_type = way.run.map(|(_, uri)| BuildType::of(uri));
    let counts = counted(requirement.kind.predicate_type(), build_type.flatten());
    let is_about_such = match object {
        Object::Artifact => counts.contains(&Counts::Artifact),
        Object::Commit => counts.contains(&Counts::Commit) || counts.contains(&Counts::Tree),
    };
    if !is_about_such {
        return Some(if way.run.is_some() { Obstacle::NoBuilder } else { Obstacle::NotAboutSuch });
    }
    if build_type.is_some_and(|known| known.is_none_or(|known| !shows(known, &requirement.kind))) {
        return Some(Obstacle::NoBuilder);
    }
    let Some(authority) = authority else { return Some(Obstacle::NoAuthority) };
    if !requirement.signers.is_empty() && !requirement.signers.contains(&signer.id) {
        return Some(Obstacle::NotNamed);
    }
    if matches!(requirement.kind, Kind::Source) && resource.source.is_none() {
        return Some(Obstacle::NoSource);
    }
    if matches!(requirement.kind, Kind::Owner) && !policy.people.iter().any(crate::policy::Person::is_named) {
        return Some(Obstacle::NobodyNamed);
    }
    requirement.basis.is_some_and(|basis| authority.ceiling < basis).then_some(Obstacle::CeilingTooLow)
}

/// Returns true if runs of that build type can state the one fact that the kind asks for.
fn shows(build_type: BuildType, kind: &Kind) -> bool {
    match kind {
        Kind::Agent { .. } | Kind::Model { .. } | Kind::Owner | Kind::Tools { .. } => build_type.is_agent_run(),
        _ => true,
    }
}
