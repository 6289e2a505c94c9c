//! What an organisation expects of its artifacts: signers, people, resources, environments, requirements.
//! It loads a policy or says what is wrong with it; what a policy means for evidence is the inquiry's affair.

mod load;
mod pattern;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::{BTreeMap, BTreeSet};

use crate::bundle::Version;
use crate::condition::Condition;
use crate::digest::Digest;
use crate::glob::Glob;
use crate::identity::{Extension, Identity, PublicKey, SubjectKind};
use crate::json::Object;
use crate::predicate::Basis;
use crate::time::{Span, Time};
use crate::trust::{Trust, TrustRoot};

pub use load::PolicyError;
pub(crate) use pattern::{Fit, Pattern};

/// A policy, loaded and checked.
#[derive(Clone, Debug)]
pub struct Policy {
    pub(crate) id: String,
    pub(crate) digest: Digest,
    pub(crate) expires: Option<Time>,
    pub(crate) unwitnessed: bool,
    /// The versions of bundles that count.
    pub(crate) bundles: BTreeSet<Version>,
    pub(crate) signers: Vec<Signer>,
    pub(crate) people: Vec<Person>,
    pub(crate) resources: Vec<Resource>,
    pub(crate) environments: BTreeMap<String, Vec<String>>,
    pub(crate) requirements: BTreeMap<String, Requirement>,
}

impl Policy {
    /// Loads a policy in YAML 1.2 or JSON.
    ///
    /// # Errors
    /// [`PolicyError`] naming the place, what is wrong there, the right words, and the nearest of them.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        load::policy(bytes)
    }

    /// Returns the policy's name for itself.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the SHA-256 of the bytes as they were given.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Returns when the policy expires.
    #[must_use]
    pub const fn expires(&self) -> Option<Time> {
        self.expires
    }

    /// Iterates over the names of the environments.
    pub fn environments(&self) -> impl Iterator<Item = &str> {
        self.environments.keys().map(String::as_str)
    }

    /// Returns true if the policy knows a signer under the trust root of Sigstore's public-good instance, by the name `public-good`.
    #[must_use]
    pub fn names_public_good(&self) -> bool {
        let names = |signer: &Signer| matches!(&signer.credential, Credential::Identity(known) if known.trust_root == RootName::PublicGood);
        self.signers.iter().any(names)
    }

    /// Returns true if every root that the policy names is among those that are given.
    pub(crate) fn lacks_no_root(&self, given: &Trust) -> bool {
        let is_given = |root: &RootName| given.roots().iter().any(|given| root.means(given));
        self.signers.iter().all(|signer| match &signer.credential {
            Credential::Identity(known) => is_given(&known.trust_root),
            Credential::Key(_) => true,
        })
    }

    pub(crate) fn signer(&self, id: &str) -> Option<&Signer> {
        self.signers.iter().find(|signer| signer.id == id)
    }

    /// Returns the person who holds the signer.
    pub(crate) fn person_of(&self, signer: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.identities.iter().any(|i| matches!(i, PersonIdentity::Signer(id) if id == signer)))
    }

    /// Returns the person whom the issuer calls by that name.
    pub(crate) fn person_named(&self, issuer: &str, subject: &str) -> Option<&Person> {
        let matches = |i: &PersonIdentity| matches!(i, PersonIdentity::Named { issuer: a, subject: b } if a == issuer && b == subject);
        self.people.iter().find(|person| person.identities.iter().any(matches))
    }
}

/// A key or an identity, and what it may attest.
#[derive(Clone, Debug)]
pub(crate) struct Signer {
    pub(crate) id: String,
    pub(crate) kind: SignerKind,
    pub(crate) credential: Credential,
    pub(crate) not_before: Option<Time>,
    pub(crate) not_after: Option<Time>,
    pub(crate) may_attest: Vec<Authority>,
}

impl Signer {
    /// Returns what lets this signer attest a statement of that type.
    pub(crate) fn authority(&self, predicate_type: &str, build_type: Option<&str>) -> Option<&Authority> {
        let covers = |authority: &&Authority| {
            crate::predicate::is_type(predicate_type, &authority.predicate)
                && (authority.build_type.is_none() || authority.build_type.as_deref() == build_type)
        };
        self.may_attest.iter().filter(covers).max_by_key(|authority| authority.ceiling)
    }
}

/// Who or what stands behind a signer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SignerKind {
    Agent,
    Automation,
    Human,
}

impl SignerKind {
    /// Returns the name that policies and decisions use.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Automation => "automation",
            Self::Human => "human",
        }
    }
}

/// By what a signer is recognised.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Credential {
    Key(PublicKey),
    Identity(ExpectedIdentity),
}

/// The identities that are a signer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ExpectedIdentity {
    pub(crate) trust_root: RootName,
    pub(crate) issuer: Pattern,
    pub(crate) subject: Pattern,
    pub(crate) extensions: BTreeMap<Extension, Pattern>,
}

impl ExpectedIdentity {
    /// Returns whether the identity is one of these, whichever root vouches for it.
    pub(crate) fn fit(&self, identity: &Identity) -> Fit {
        // A name of the other kind is another identity, even where it fits the pattern's letters.
        if self.subject_kind() != identity.subject.kind() {
            return Fit::No;
        }
        let text = |name| identity.extensions.get(name).map(String::as_str);
        let extensions = self.extensions.iter().map(|(name, pattern)| (pattern, text(name)));
        let names = [(&self.issuer, Some(identity.issuer.as_str())), (&self.subject, Some(identity.subject.as_str()))];
        let mut fit = Fit::Yes;
        for (pattern, text) in names.into_iter().chain(extensions) {
            fit = fit.min(text.map_or(Fit::No, |text| pattern.fit(text)));
            // A stranger's text costs no further pattern.
            if fit == Fit::No {
                break;
            }
        }
        fit
    }

    /// Returns true if whoever `other` names exactly is one of these, too.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        let names = |pattern: &Pattern, of: &Pattern| of.is_exact() && pattern.fit(of.as_str()) == Fit::Yes;
        self.trust_root == other.trust_root && names(&self.issuer, &other.issuer) && names(&self.subject, &other.subject)
    }

    /// Returns of which kind the subjects are: a policy says so by how it begins to write them.
    pub(crate) fn subject_kind(&self) -> SubjectKind {
        SubjectKind::of(self.subject.beginning())
    }

    /// Returns true if the identity is named exactly, not by patterns.
    pub(crate) const fn is_exact(&self) -> bool {
        self.issuer.is_exact() && self.subject.is_exact()
    }
}

/// How a policy names a trust root.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RootName {
    /// Any root of Sigstore's public-good instance.
    PublicGood,
    /// The root of these bytes.
    Digest(Digest),
}

impl RootName {
    pub(crate) fn means(&self, root: &TrustRoot) -> bool {
        match self {
            Self::PublicGood => root.is_public_good(),
            Self::Digest(digest) => digest == root.digest(),
        }
    }
}

/// One kind of statement that a signer may make, and how well founded its facts can be at most.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Authority {
    pub(crate) predicate: String,
    pub(crate) build_type: Option<String>,
    pub(crate) ceiling: Basis,
}

/// A human, under all the names that the policy knows.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) identities: Vec<PersonIdentity>,
}

impl Person {
    /// Returns true if a statement can name this person, and not only be signed by them.
    pub(crate) fn is_named(&self) -> bool {
        self.identities.iter().any(|identity| matches!(identity, PersonIdentity::Named { .. }))
    }
}

/// One name of a person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PersonIdentity {
    Signer(String),
    Named { issuer: String, subject: String },
}

/// What is expected of an artifact or a repository.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub(crate) pattern: Glob,
    pub(crate) source: Option<ExpectedSource>,
    pub(crate) builders: Vec<ExpectedBuilder>,
    pub(crate) external_parameters: Object,
}

/// From where a resource is expected to come.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedSource {
    pub(crate) repository: String,
    #[serde(default)]
    pub(crate) refs: Vec<Glob>,
}

/// By whom a resource is expected to be made.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ExpectedBuilder {
    pub(crate) signer: String,
    pub(crate) builder_id: String,
    pub(crate) build_types: Vec<String>,
    #[serde(default)]
    pub(crate) level: u8,
}

/// One thing that must hold.
#[derive(Clone, Debug)]
pub(crate) struct Requirement {
    pub(crate) id: String,
    pub(crate) about: About,
    pub(crate) signers: Vec<String>,
    pub(crate) max_age: Option<Span>,
    pub(crate) basis: Option<Basis>,
    pub(crate) condition: Option<Condition>,
    pub(crate) kind: Kind,
}

/// Of what a requirement speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum About {
    Artifact,
    Source,
}

/// What a requirement asks.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Evidence { predicate: String },
    Builder,
    Source,
    RunOutcome,
    Agent { allow: Vec<Glob> },
    Model { allow: Vec<Glob> },
    Tools { allow: Vec<Glob> },
    SandboxImage { allow: Vec<Digest> },
    Owner,
    Sbom { predicate: String },
}

impl Kind {
    /// Returns the name that policies and decisions use.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Evidence { .. } => "evidence",
            Self::Builder => "builder",
            Self::Source => "source",
            Self::RunOutcome => "run-outcome",
            Self::Agent { .. } => "agent",
            Self::Model { .. } => "model",
            Self::Tools { .. } => "tools",
            Self::SandboxImage { .. } => "sandbox-image",
            Self::Owner => "owner",
            Self::Sbom { .. } => "sbom",
        }
    }

    /// Returns the predicate type of the evidence that can meet it.
    pub(crate) fn predicate_type(&self) -> &str {
        match self {
            Self::Evidence { predicate } | Self::Sbom { predicate } => predicate,
            _ => crate::predicate::PROVENANCE,
        }
    }

    /// Returns true if one provenance statement must show it, made by a builder that the resource expects.
    pub(crate) fn is_provenance(&self) -> bool {
        self.predicate_type() == crate::predicate::PROVENANCE
    }
}
