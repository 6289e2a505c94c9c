//! What is odd about a policy, whatever the evidence: what nobody can meet, who counts for nothing, who could do it alone.
//! It judges no evidence, and none of what it says changes a decision.

mod way;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::inquiry::only_resource;
use crate::limits::quoted;
use crate::policy::{About, Authority, Credential, Kind, Person, PersonIdentity, Policy, Requirement, Resource, Signer};
use crate::predicate::{
    APPROVAL, BuildType, OVERRIDE, PROVENANCE, SIMPLE_VERIFICATION_RESULT, TEST_RESULT, VERIFICATION_SUMMARY, VULNERABILITIES, is_type,
};
use crate::time::Time;

pub(crate) use way::{Object, Obstacle, Way, ways};

/// What a policy makes possible, and what it can't.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Analysis {
    /// The URI of this format.
    pub schema: &'static str,
    /// The policy.
    pub policy: Analysed,
    /// When it was looked at.
    pub at: Time,
    /// What somebody should look at, in order.
    pub findings: Vec<PolicyFinding>,
    /// What a single signer could get allowed with nobody else's word, in order; no more than the first 4,096 that are found.
    pub single_signers: Vec<SingleSigner>,
}

/// The policy that was looked at.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Analysed {
    /// Its name for itself.
    pub id: String,
    /// Its bytes' SHA-256.
    pub digest: crate::digest::DigestSet,
    /// When it expires.
    pub expires: Option<Time>,
    /// Its environments.
    pub environments: Vec<String>,
}

macro_rules! oddities {
    ($($Variant:ident, $code:literal, $meaning:literal;)+) => {
        /// What can be odd about a policy.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Oddity { $(#[doc = $meaning] $Variant,)+ }

        impl Oddity {
            /// All that there are.
            pub const ALL: &'static [Self] = &[$(Self::$Variant,)+];

            /// Returns the stable code.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$Variant => $code,)+ }
            }

            /// Returns what is odd.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$Variant => $meaning,)+ }
            }
        }
    };
}

oddities! {
    PolicyExpired, "policy-expired", "nothing is judged by the policy any more";
    RequirementUnreachable, "requirement-unreachable", "no environment asks for the requirement";
    RequirementUnmeetable, "requirement-unmeetable", "nobody can state what the requirement asks for, or not well enough";
    SourceUnexpected, "source-unexpected", "no resource, or more than one, stands for the repository that a resource comes from";
    PersonUnreachable, "person-unreachable", "nothing that the person could sign or be named for counts anywhere";
    PlaceholderLeft, "placeholder-left", "a text of a preset is still to be filled in";
    SignerRetired, "signer-retired", "the signer's validity has ended: only what a witness proves to be older counts";
    SharedSigner, "shared-signer", "who may attest an agent's runs may also judge them";
}

/// Something in a policy that somebody should look at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct PolicyFinding {
    /// The code of the [`Oddity`].
    pub code: &'static str,
    /// The id or pattern of what it's about.
    pub about: String,
    /// What exactly.
    pub detail: String,
}

/// A signer who can meet every requirement of an environment alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct SingleSigner {
    /// The signer's id.
    pub signer: String,
    /// The resource's pattern.
    pub resource: String,
    /// The environment.
    pub environment: String,
}

impl Analysis {
    /// Looks at a policy as of `at`.
    #[must_use]
    pub fn of(policy: &Policy, at: Time) -> Self {
        let mut findings = BTreeSet::new();
        let mut find = |oddity: Oddity, about: &str, detail: String| {
            findings.insert(PolicyFinding { code: oddity.code(), about: about.to_owned(), detail });
        };
        if let Some(expires) = policy.expires.filter(|expires| *expires <= at) {
            let detail = format!("it expired at {expires}, so nothing is judged by it any more; renew it, and set a later `expires`");
            find(Oddity::PolicyExpired, &policy.id, detail);
        }
        let reachable = reachable(policy);
        for requirement in policy.requirements.values() {
            if !reachable.contains(requirement.id.as_str()) {
                find(Oddity::RequirementUnreachable, &requirement.id, "no environment asks for it".to_owned());
            } else if let Some(obstacle) = unmeetable(requirement, policy) {
                find(Oddity::RequirementUnmeetable, &requirement.id, obstacle.text().to_owned());
            }
        }
        let required: Vec<_> = policy.requirements.values().filter(|r| reachable.contains(r.id.as_str())).collect();
        if required.iter().any(|requirement| requirement.about == About::Source) {
            for (resource, repository) in policy.resources.iter().filter_map(|r| Some((r, &r.source.as_ref()?.repository))) {
                if let Err(refusal) = only_resource(policy, repository) {
                    let detail = format!("{}, so nothing about its source can be judged", refusal.detail);
                    find(Oddity::SourceUnexpected, resource.pattern.as_str(), detail);
                }
            }
        }
        for person in policy.people.iter().filter(|person| !counts(person, &required, policy)) {
            let detail = "no requirement could be met by a signer of theirs, and none asks for an owner whom a statement could name so";
            find(Oddity::PersonUnreachable, &person.id, detail.to_owned());
        }
        for (about, text) in texts(policy).into_iter().filter(|(_, text)| text.contains(PLACEHOLDER)) {
            find(Oddity::PlaceholderLeft, about, format!("{} is still to be filled in: nothing is like it", quoted(text)));
        }
        for signer in &policy.signers {
            if let Some(end) = signer.not_after.filter(|end| *end < at) {
                let detail = format!("was valid until {end}: what it signed counts only where a witness proves that it was before");
                find(Oddity::SignerRetired, &signer.id, detail);
            }
            if let Some(other) = shared(&one_identity(signer, policy)) {
                let detail = format!("may attest an agent's runs, and {other} on them: who works would also be who judges the work");
                find(Oddity::SharedSigner, &signer.id, detail);
            }
        }
        Self {
            schema: "https://countersign.dev/policy-analysis/v1",
            policy: Analysed {
                id: policy.id.clone(),
                digest: policy.digest.clone().into(),
                expires: policy.expires,
                environments: policy.environments().map(str::to_owned).collect(),
            },
            at,
            findings: findings.into_iter().collect(),
            single_signers: single_signers(policy),
        }
    }

    /// Returns the analysis as one canonical line (RFC 8785), without a newline.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // INVARIANT: an analysis holds names, digests and times, which always have a JSON form.
        serde_json_canonicalizer::to_vec(self).unwrap_or_default()
    }
}

/// The texts that somebody fills in who begins with a preset, and where each stands.
fn texts(policy: &Policy) -> Vec<(&str, &str)> {
    let identities = policy.signers.iter().filter_map(|signer| match &signer.credential {
        Credential::Identity(expected) => {
            Some([(signer.id.as_str(), expected.issuer.as_str()), (signer.id.as_str(), expected.subject.as_str())])
        }
        Credential::Key(_) => None,
    });
    let names = policy.people.iter().flat_map(|person| person.identities.iter().map(|identity| (person.id.as_str(), identity)));
    let names = names.filter_map(|(id, identity)| match identity {
        PersonIdentity::Named { issuer, subject } => Some([(id, issuer.as_str()), (id, subject.as_str())]),
        PersonIdentity::Signer(_) => None,
    });
    let mut texts: Vec<_> = identities.chain(names).flatten().collect();
    for resource in &policy.resources {
        let about = resource.pattern.as_str();
        texts.push((about, about));
        if let Some(source) = &resource.source {
            texts.push((about, &source.repository));
            texts.extend(source.refs.iter().map(|pattern| (about, pattern.as_str())));
        }
    }
    texts
}

fn reachable(policy: &Policy) -> BTreeSet<&str> {
    policy.environments.values().flatten().map(String::as_str).collect()
}

/// Returns the objects of which a requirement can be judged: of a commit that is asked about, everything is.
const fn objects(about: About) -> &'static [Object] {
    match about {
        About::Artifact => &[Object::Artifact, Object::Commit],
        About::Source => &[Object::Commit],
    }
}

fn unmeetable(requirement: &Requirement, policy: &Policy) -> Option<Obstacle> {
    let mut nearest = Obstacle::NotAboutSuch;
    for resource in &policy.resources {
        for object in objects(requirement.about) {
            match ways(requirement, *object, resource, policy) {
                Ok(_) => return None,
                Err(obstacle) => nearest = nearest.max(obstacle),
            }
        }
    }
    Some(nearest)
}

/// Returns true if the person can matter to a decision: as the owner of work, or by what a signer of theirs says.
fn counts(person: &Person, required: &[&Requirement], policy: &Policy) -> bool {
    if person.is_named() && required.iter().any(|requirement| matches!(requirement.kind, Kind::Owner)) {
        return true;
    }
    let held: BTreeSet<&str> =
        person.identities.iter().filter_map(|i| if let PersonIdentity::Signer(id) = i { Some(id.as_str()) } else { None }).collect();
    let by_them = |way: &Way<'_>| held.contains(way.signer);
    required.iter().any(|requirement| {
        let everywhere = policy.resources.iter().flat_map(|resource| objects(requirement.about).iter().map(move |o| (resource, *o)));
        everywhere
            .into_iter()
            .any(|(resource, object)| ways(requirement, object, resource, policy).is_ok_and(|ways| ways.iter().any(by_them)))
    })
}

/// Returns every entry of the policy that whoever is this signer is as well: patterns can fit whom another entry names.
///
/// Where two patterns could fit one identity that nobody names, nothing is seen.
fn one_identity<'a>(signer: &'a Signer, policy: &'a Policy) -> Vec<&'a Signer> {
    let is_too = |other: &&Signer| match (&other.credential, &signer.credential) {
        (Credential::Identity(pattern), Credential::Identity(named)) => other.kind == signer.kind && pattern.covers(named),
        _ => false,
    };
    let others = policy.signers.iter().filter(|other| other.id != signer.id).filter(is_too);
    std::iter::once(signer).chain(others).collect()
}

/// Returns what whoever is all of these signers may attest beside the runs of agents that is a judgement of them.
fn shared(signers: &[&Signer]) -> Option<&'static str> {
    let authorities = || signers.iter().flat_map(|signer| &signer.may_attest);
    let attests_runs = |authority: &Authority| {
        authority.predicate == PROVENANCE
            && authority.build_type.as_deref().is_none_or(|uri| BuildType::of(uri).is_some_and(BuildType::is_agent_run))
    };
    if !authorities().any(attests_runs) {
        return None;
    }
    let attests = |uri: &str| authorities().any(|authority| is_type(&authority.predicate, uri));
    JUDGEMENTS.iter().find(|(uri, _)| attests(uri)).map(|(_, name)| *name)
}

fn single_signers(policy: &Policy) -> Vec<SingleSigner> {
    let mut found = BTreeSet::new();
    for signer in &policy.signers {
        let identity = one_identity(signer, policy);
        for resource in &policy.resources {
            for (environment, ids) in &policy.environments {
                if found.len() == SINGLE_SIGNERS {
                    return found.into_iter().collect();
                }
                let required: Vec<_> = ids.iter().filter_map(|id| policy.requirements.get(id)).collect();
                if is_enough(&identity, resource, &required, policy) {
                    let (signer, resource) = (signer.id.clone(), resource.pattern.as_str().to_owned());
                    found.insert(SingleSigner { signer, resource, environment: environment.clone() });
                }
            }
        }
    }
    found.into_iter().collect()
}

/// Returns true if the word of who is these signers can meet all requirements alone, for an artifact or a commit that is the
/// resource.
fn is_enough(signers: &[&Signer], resource: &Resource, required: &[&Requirement], policy: &Policy) -> bool {
    let (about_source, about_artifact): (Vec<&Requirement>, Vec<&Requirement>) = required.iter().partition(|r| r.about == About::Source);
    let alone = |requirement: &Requirement, object, resource| -> BTreeSet<Way<'_>> {
        let ways = ways(requirement, object, resource, policy).unwrap_or_default();
        ways.into_iter().filter(|way| signers.iter().any(|signer| signer.id == way.signer)).collect()
    };
    // All that provenance must show of a commit is shown by one run.
    let of_commit = |required: &[&Requirement], resource| {
        let (runs, others): (Vec<&Requirement>, Vec<&Requirement>) = required.iter().partition(|r| r.kind.is_provenance());
        let common = runs.iter().map(|r| alone(r, Object::Commit, resource)).reduce(|a, b| &a & &b);
        common.is_none_or(|ways| !ways.is_empty()) && others.iter().all(|r| !alone(r, Object::Commit, resource).is_empty())
    };
    let of_source = || {
        about_source.is_empty()
            || signers.iter().any(|signer| builds(signer, resource))
                && source_entries(resource, policy).into_iter().any(|entry| of_commit(&about_source, entry))
    };
    of_commit(required, resource) || about_artifact.iter().all(|r| !alone(r, Object::Artifact, resource).is_empty()) && of_source()
}

/// Returns the entries that could stand for the source that a build of the resource names.
///
/// Where the resource says from which source it's expected, that is the one entry of this repository. Where it doesn't, its
/// builder may name any, so every entry counts that some name could match.
fn source_entries<'a>(resource: &Resource, policy: &'a Policy) -> Vec<&'a Resource> {
    match &resource.source {
        Some(source) => only_resource(policy, &source.repository).into_iter().collect(),
        None => policy.resources.iter().filter(|entry| could_be_only(entry, policy)).collect(),
    }
}

/// Returns false if whatever name the entry matches is matched by another, too, as far as its text shows.
fn could_be_only(entry: &Resource, policy: &Policy) -> bool {
    let name = entry.pattern.as_str();
    name.contains('*') || only_resource(policy, name).is_ok()
}

/// Returns true if the resource expects builds by the signer, which the signer may attest.
pub(crate) fn builds(signer: &Signer, resource: &Resource) -> bool {
    let mut by_signer = resource.builders.iter().filter(|builder| builder.signer == signer.id);
    by_signer.any(|b| b.build_types.iter().any(|uri| BuildType::of(uri).is_some() && signer.authority(PROVENANCE, Some(uri)).is_some()))
}

/// Most that is listed of what single signers could do.
const SINGLE_SIGNERS: usize = 4_096;
/// How presets mark what is left to their reader; no ref, address or URI holds it.
const PLACEHOLDER: &str = "<your ";
/// What judges work, and so isn't for who works to say.
const JUDGEMENTS: [(&str, &str); 6] = [
    (TEST_RESULT, "gates"),
    (VULNERABILITIES, "scans"),
    (APPROVAL, "approvals"),
    (OVERRIDE, "overrides"),
    (VERIFICATION_SUMMARY, "decisions"),
    (SIMPLE_VERIFICATION_RESULT, "decisions"),
];

#[cfg(test)]
mod tests;
