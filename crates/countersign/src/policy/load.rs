//! Loads a policy: YAML or JSON, then shapes, then what the fields mean to one another.
//! Whatever is doubtful is refused here, so that no decision has to guess.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::wire::{self, Custody, KindName, Witnessing};
use super::{Credential, ExpectedIdentity, Kind, Person, PersonIdentity, Policy, Requirement, Resource, RootName, Signer};
use crate::bundle::Version;
use crate::condition::Condition;
use crate::digest::{Algorithm, Digest};
use crate::glob::Glob;
use crate::identity::SubjectKind;
use crate::json::{Json, ShapeError};
use crate::limits::quoted;
use crate::predicate::{APPROVAL, Basis, BuildType, CYCLONEDX, MANDATE, OVERRIDE, SPDX, STATUS, VERIFICATION_SUMMARY};
use crate::yaml::{self, Document, Place, YamlError};

pub(super) fn policy(bytes: &[u8]) -> Result<Policy, PolicyError> {
    let document = yaml::parse(bytes)?;
    nothing_empty(&document.value, "").map_err(|problem| problem.in_document(&document))?;
    let wire = shape(&document)?;
    check(wire, Digest::sha256(bytes)).map_err(|problem| problem.in_document(&document))
}

/// Why a policy can't be loaded: where, what, and the nearest right word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    /// The line and column, counted from 1, where they are known.
    pub place: Option<(usize, usize)>,
    /// The place as a JSON pointer; empty for the whole document.
    pub pointer: String,
    /// What is wrong there.
    pub problem: String,
    /// The nearest right word, where a word is wrong.
    pub suggestion: Option<String>,
    /// The right words, where a word is wrong.
    pub allowed: Vec<String>,
}

impl std::error::Error for PolicyError {}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((line, column)) = self.place {
            write!(f, "line {line}, column {column}: ")?;
        }
        if !self.pointer.is_empty() {
            write!(f, "`{}`: ", self.pointer)?;
        }
        f.write_str(&self.problem)?;
        if let Some(word) = &self.suggestion {
            write!(f, "; did you mean {}?", quoted(word))?;
        }
        let Some((first, others)) = self.allowed.split_first() else { return Ok(()) };
        write!(f, " (allowed: {}", quoted(first))?;
        others.iter().take(ALLOWED_SHOWN - 1).try_for_each(|word| write!(f, ", {}", quoted(word)))?;
        match self.allowed.len().saturating_sub(ALLOWED_SHOWN) {
            0 => f.write_str(")"),
            more => write!(f, " and {more} more)"),
        }
    }
}

impl From<YamlError> for PolicyError {
    fn from(error: YamlError) -> Self {
        let Place { line, column } = error.place;
        Self {
            place: Some((line, column)),
            pointer: String::new(),
            problem: error.problem.to_string(),
            suggestion: None,
            allowed: Vec::new(),
        }
    }
}

fn shape(document: &Document) -> Result<wire::Policy, PolicyError> {
    serde_path_to_error::deserialize(&document.value).map_err(|error| {
        use serde_path_to_error::Segment;
        let segments = error.path().iter().map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{key}"),
            Segment::Enum { variant } => format!("/{variant}"),
            Segment::Unknown => String::new(),
        });
        let pointer: String = segments.collect();
        let error: ShapeError = error.into_inner();
        let problem = Problem::at(pointer, error.to_string());
        let problem = match &error.unknown {
            Some((word, allowed)) => problem.instead_of(word, allowed.iter().copied()),
            None => problem,
        };
        problem.in_document(document)
    })
}

/// A field with nothing behind it reads like a rule and would be none. Only parameters that a build is compared with can
/// really be empty.
fn nothing_empty(value: &Json, pointer: &str) -> Result<(), Problem> {
    let empty = || Err(Problem::at(pointer, "must not be empty; leave it out where nothing is meant"));
    match value {
        Json::Null => empty(),
        Json::String(text) if text.is_empty() => empty(),
        Json::Array(items) => items.iter().enumerate().try_for_each(|(index, item)| nothing_empty(item, &format!("{pointer}/{index}"))),
        Json::Object(members) => members
            .iter()
            .filter(|(name, _)| *name != "externalParameters")
            .try_for_each(|(name, member)| nothing_empty(member, &format!("{pointer}/{name}"))),
        _ => Ok(()),
    }
}

/// What is wrong with a policy whose shape is right.
struct Problem {
    pointer: String,
    problem: String,
    suggestion: Option<String>,
    allowed: Vec<String>,
}

impl Problem {
    fn at(pointer: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), problem: problem.into(), suggestion: None, allowed: Vec::new() }
    }

    /// Names the words of which one was meant.
    fn instead_of<'a>(mut self, word: &str, allowed: impl IntoIterator<Item = &'a str>) -> Self {
        self.allowed = allowed.into_iter().map(str::to_owned).collect();
        self.suggestion = nearest(word, self.allowed.iter().map(String::as_str));
        self
    }

    /// An id that should be one of `known` and isn't.
    fn unknown<'a>(pointer: impl Into<String>, what: &str, word: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        Self::at(pointer, format!("no {what} has the id {}", quoted(word))).instead_of(word, known)
    }

    fn in_document(self, document: &Document) -> PolicyError {
        let Self { pointer, problem, suggestion, allowed } = self;
        let place = document.place(&pointer).map(|place| (place.line, place.column));
        PolicyError { place, pointer, problem, suggestion, allowed }
    }
}

fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let distance = |candidate: &str| strsim::osa_distance(&word.to_lowercase(), &candidate.to_lowercase());
    let candidates = known.into_iter().map(|candidate| (distance(candidate), candidate));
    let (distance, candidate) = candidates.min()?;
    (distance <= 2.max(candidate.len() / 3)).then(|| candidate.to_owned())
}

fn check(wire: wire::Policy, digest: Digest) -> Result<Policy, Problem> {
    if wire.version != 1 {
        return Err(Problem::at("/version", "this program reads version 1 only"));
    }
    let filled = [
        ("/signers", wire.signers.is_empty()),
        ("/resources", wire.resources.is_empty()),
        ("/environments", wire.environments.is_empty()),
        ("/requirements", wire.requirements.is_empty()),
    ];
    if let Some((pointer, _)) = filled.into_iter().find(|(_, empty)| *empty) {
        return Err(Problem::at(pointer, "must not be empty: nothing would be required"));
    }
    let signers = signers(wire.signers)?;
    let signer_ids: Vec<&str> = signers.iter().map(|signer| signer.id.as_str()).collect();
    let people = people(wire.people, &signer_ids)?;
    let resources = resources(wire.resources, &signer_ids)?;
    let requirements = requirements(wire.requirements, &signer_ids)?;
    let environments = environments(wire.environments, &requirements)?;
    let unwitnessed = wire.time == Witnessing::Unwitnessed;
    let bundles = bundles(wire.bundles)?;
    Ok(Policy { id: wire.id, digest, expires: wire.expires, unwitnessed, bundles, signers, people, resources, environments, requirements })
}

fn signers(wire: Vec<wire::Signer>) -> Result<Vec<Signer>, Problem> {
    let (mut ids, mut credentials) = (BTreeSet::new(), BTreeSet::new());
    wire.into_iter()
        .enumerate()
        .map(|(index, signer)| {
            let at = |field: &str| format!("/signers/{index}{field}");
            if !ids.insert(signer.id.clone()) {
                return Err(Problem::at(at("/id"), "another signer has this id"));
            }
            let credential = match (signer.key, signer.identity) {
                (Some(key), None) => Credential::Key(key),
                (None, Some(i)) => {
                    let trust_root = root_name(&i.trust_root, &at("/identity"))?;
                    let identity = ExpectedIdentity { trust_root, issuer: i.issuer, subject: i.subject, extensions: i.extensions };
                    if identity.subject_kind() == SubjectKind::Email && identity.subject.as_str().contains("://") {
                        let problem = "must begin with its scheme, such as `https://`, where URIs are meant; any other beginning means email addresses";
                        return Err(Problem::at(at("/identity/subject"), problem));
                    }
                    Credential::Identity(identity)
                }
                _ => return Err(Problem::at(at(""), "a signer needs either `key` or `identity`")),
            };
            if !credentials.insert(credential.clone()) {
                return Err(Problem::at(at(""), "another signer has the same key or identity; one key is one signer"));
            }
            if signer.may_attest.is_empty() {
                return Err(Problem::at(at("/mayAttest"), "must not be empty: the signer could attest nothing"));
            }
            let is_key = matches!(credential, Credential::Key(_));
            let local = signer.custody.map_or(is_key, |custody| custody == Custody::Local);
            if let Some(entry) = signer.may_attest.iter().position(|authority| local && authority.ceiling > Basis::Harness) {
                let problem =
                    "a local key is never above `harness`: who runs as its user can use it; set `custody: managed` if it lies elsewhere";
                return Err(Problem::at(at(&format!("/mayAttest/{entry}/ceiling")), problem));
            }
            if let Some(entry) = signer.may_attest.iter().position(|authority| is_key && authority.ceiling == Basis::Certified) {
                let problem = "a key has no certificate in which a fact could stand; `boundary` is the most that it can give";
                return Err(Problem::at(at(&format!("/mayAttest/{entry}/ceiling")), problem));
            }
            let (not_before, not_after) = (signer.validity.not_before, signer.validity.not_after);
            if not_before.zip(not_after).is_some_and(|(before, after)| before >= after) {
                return Err(Problem::at(at("/validity"), "`notAfter` must be later than `notBefore`"));
            }
            Ok(Signer { id: signer.id, kind: signer.kind, credential, not_before, not_after, may_attest: signer.may_attest })
        })
        .collect()
}

fn root_name(name: &str, at: &str) -> Result<RootName, Problem> {
    if name == "public-good" {
        return Ok(RootName::PublicGood);
    }
    let digest = name.parse::<Digest>().ok().filter(|digest| digest.algorithm() == Algorithm::Sha256);
    digest
        .map(RootName::Digest)
        .ok_or_else(|| Problem::at(format!("{at}/trustRoot"), "must be `public-good` or `sha256:` and 64 hex digits"))
}

fn bundles(wire: Option<Vec<Version>>) -> Result<BTreeSet<Version>, Problem> {
    let versions = wire.unwrap_or_else(|| vec![Version::V03]);
    if versions.is_empty() {
        return Err(Problem::at("/bundles", "must not be empty: no evidence could be read"));
    }
    let mut seen = BTreeSet::new();
    match versions.iter().position(|version| !seen.insert(*version)) {
        Some(index) => Err(Problem::at(format!("/bundles/{index}"), "this version stands here twice")),
        None => Ok(seen),
    }
}

fn people(wire: Vec<wire::Person>, signers: &[&str]) -> Result<Vec<Person>, Problem> {
    let (mut ids, mut seen) = (BTreeSet::new(), BTreeSet::new());
    wire.into_iter()
        .enumerate()
        .map(|(index, person)| {
            let at = format!("/people/{index}");
            if !ids.insert(person.id.clone()) {
                return Err(Problem::at(format!("{at}/id"), "another person has this id"));
            }
            if person.identities.is_empty() {
                return Err(Problem::at(format!("{at}/identities"), "must not be empty"));
            }
            let identities = person.identities.into_iter().enumerate().map(|(place, identity)| {
                let at = format!("{at}/identities/{place}");
                let identity = match (identity.signer, identity.issuer, identity.subject) {
                    (Some(id), None, None) if signers.contains(&id.as_str()) => PersonIdentity::Signer(id),
                    (Some(id), None, None) => return Err(Problem::unknown(at, "signer", &id, signers.iter().copied())),
                    (None, Some(issuer), Some(subject)) => PersonIdentity::Named { issuer, subject },
                    _ => return Err(Problem::at(at, "an identity is either `signer`, or `issuer` and `subject`")),
                };
                if seen.insert(identity.clone()) { Ok(identity) } else { Err(Problem::at(at, "this identity stands in the policy twice")) }
            });
            Ok(Person { id: person.id, identities: identities.collect::<Result<_, _>>()? })
        })
        .collect()
}

fn resources(wire: Vec<wire::Resource>, signers: &[&str]) -> Result<Vec<Resource>, Problem> {
    let mut patterns = BTreeSet::new();
    wire.into_iter()
        .enumerate()
        .map(|(index, resource)| {
            let at = format!("/resources/{index}");
            if !patterns.insert(resource.pattern.as_str().to_owned()) {
                return Err(Problem::at(format!("{at}/match"), "another resource has the same pattern"));
            }
            if resource.builders.is_empty() {
                return Err(Problem::at(format!("{at}/builders"), "must not be empty: nobody could build this"));
            }
            if resource.source.as_ref().is_some_and(|source| source.refs.is_empty()) {
                return Err(Problem::at(format!("{at}/source/refs"), "must name at least one ref, such as `refs/heads/main`"));
            }
            for (place, builder) in resource.builders.iter().enumerate() {
                let at = format!("{at}/builders/{place}");
                if !signers.contains(&builder.signer.as_str()) {
                    return Err(Problem::unknown(format!("{at}/signer"), "signer", &builder.signer, signers.iter().copied()));
                }
                if builder.build_types.is_empty() {
                    return Err(Problem::at(format!("{at}/buildTypes"), "must not be empty"));
                }
                if builder.level > 3 {
                    return Err(Problem::at(format!("{at}/level"), "SLSA build levels are 0 to 3"));
                }
            }
            for name in resource.external_parameters.keys() {
                let types = resource.builders.iter().flat_map(|builder| &builder.build_types);
                let known: Vec<&str> =
                    types.filter_map(|uri| BuildType::of(uri)).flat_map(|known| known.external_parameters()).copied().collect();
                if !known.contains(&name.as_str()) {
                    let at = format!("{at}/externalParameters/{name}");
                    return Err(Problem::at(at, "no build type of this resource has this parameter").instead_of(name, known));
                }
            }
            let wire::Resource { pattern, source, builders, external_parameters } = resource;
            Ok(Resource { pattern, source, builders, external_parameters })
        })
        .collect()
}

fn requirements(wire: Vec<wire::Requirement>, signers: &[&str]) -> Result<BTreeMap<String, Requirement>, Problem> {
    let mut requirements = BTreeMap::new();
    for (index, wire) in wire.into_iter().enumerate() {
        let at = format!("/requirements/{index}");
        let requirement = requirement(wire, &at, signers)?;
        if requirements.insert(requirement.id.clone(), requirement).is_some() {
            return Err(Problem::at(format!("{at}/id"), "another requirement has this id"));
        }
    }
    Ok(requirements)
}

fn requirement(wire: wire::Requirement, at: &str, signers: &[&str]) -> Result<Requirement, Problem> {
    if let Some(ids) = &wire.signers {
        if ids.is_empty() {
            return Err(Problem::at(format!("{at}/signers"), "must not be empty: nobody could meet the requirement"));
        }
        if let Some(id) = ids.iter().find(|id| !signers.contains(&id.as_str())) {
            return Err(Problem::unknown(format!("{at}/signers"), "signer", id, signers.iter().copied()));
        }
    }
    let takes_allow = matches!(wire.kind, KindName::Agent | KindName::Model | KindName::Tools | KindName::SandboxImage);
    let takes_predicate = matches!(wire.kind, KindName::Evidence | KindName::Sbom);
    let given = [("allow", takes_allow, wire.allow.is_some()), ("predicate", takes_predicate, wire.predicate.is_some())];
    for (field, takes, has) in given {
        if takes != has {
            let problem = if has { "is no field of this kind of requirement" } else { "is missing" };
            return Err(Problem::at(format!("{at}/{field}"), problem));
        }
    }
    let allow = wire.allow.unwrap_or_default();
    if takes_allow && allow.is_empty() {
        return Err(Problem::at(format!("{at}/allow"), "must not be empty: nothing would be allowed"));
    }
    let predicate = wire.predicate.unwrap_or_default();
    let kind = match wire.kind {
        KindName::Evidence if JUDGED_ELSEWHERE.contains(&predicate.as_str()) => {
            let problem = "such a statement is no evidence by being there, and this version has no kind of requirement that judges it";
            return Err(Problem::at(format!("{at}/predicate"), problem));
        }
        KindName::Evidence => Kind::Evidence { predicate },
        KindName::Builder => Kind::Builder,
        KindName::Source => Kind::Source,
        KindName::RunOutcome => Kind::RunOutcome,
        KindName::Agent => Kind::Agent { allow: globs(&allow, at)? },
        KindName::Model => Kind::Model { allow: globs(&allow, at)? },
        KindName::Tools => Kind::Tools { allow: globs(&allow, at)? },
        KindName::SandboxImage => Kind::SandboxImage { allow: image_digests(&allow, at)? },
        KindName::Owner => Kind::Owner,
        KindName::Sbom if [SPDX, CYCLONEDX].contains(&predicate.as_str()) => Kind::Sbom { predicate },
        KindName::Sbom => {
            return Err(Problem::at(format!("{at}/predicate"), "no such SBOM is read").instead_of(&predicate, [SPDX, CYCLONEDX]));
        }
    };
    let condition = wire.condition.as_deref().map(Condition::parse).transpose();
    let condition = condition.map_err(|error| Problem::at(format!("{at}/condition"), error.to_string()))?;
    let signers = wire.signers.unwrap_or_default();
    Ok(Requirement { id: wire.id, about: wire.about, signers, max_age: wire.max_age, basis: wire.basis, condition, kind })
}

/// What its own requirement must judge: who approves what, until when, under which policy. That it exists proves nothing.
const JUDGED_ELSEWHERE: [&str; 5] = [APPROVAL, MANDATE, OVERRIDE, STATUS, VERIFICATION_SUMMARY];

fn globs(allow: &[String], at: &str) -> Result<Vec<Glob>, Problem> {
    let parse = |(index, text): (usize, &String)| Glob::parse(text).map_err(|e| Problem::at(format!("{at}/allow/{index}"), e.to_string()));
    allow.iter().enumerate().map(parse).collect()
}

fn image_digests(allow: &[String], at: &str) -> Result<Vec<Digest>, Problem> {
    let parse = |(index, text): (usize, &String)| {
        let digest = text.parse::<Digest>().ok().filter(|digest| digest.algorithm() == Algorithm::Sha256);
        digest.ok_or_else(|| {
            Problem::at(format!("{at}/allow/{index}"), "must be `sha256:` and 64 hex digits: an image's manifest, never a tag")
        })
    };
    allow.iter().enumerate().map(parse).collect()
}

fn environments(
    wire: BTreeMap<String, wire::Environment>,
    known: &BTreeMap<String, Requirement>,
) -> Result<BTreeMap<String, Vec<String>>, Problem> {
    wire.into_iter()
        .map(|(name, environment)| {
            let at = format!("/environments/{name}/requirements");
            if environment.requirements.is_empty() {
                return Err(Problem::at(at, "must not be empty: everything would be allowed"));
            }
            let mut seen = BTreeSet::new();
            for (index, id) in environment.requirements.iter().enumerate() {
                if !known.contains_key(id) {
                    return Err(Problem::unknown(format!("{at}/{index}"), "requirement", id, known.keys().map(String::as_str)));
                }
                if !seen.insert(id) {
                    return Err(Problem::at(format!("{at}/{index}"), "this requirement stands here twice"));
                }
            }
            Ok((name, environment.requirements))
        })
        .collect()
}

/// Most right words that an error lists; the ids of a policy can be many.
const ALLOWED_SHOWN: usize = 24;
