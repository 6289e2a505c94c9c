//! What our own predicates have in common: what they're over, and how they're made and read.
//! Each predicate's own members stand in its own file.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::digest::{Algorithm, Digest, DigestSet};
use crate::json::{Json, ShapeError};
use crate::statement::{ResourceDescriptor, Statement, StatementError};

/// What an approval or an override is over: every member must equal what is asked about, and the subject only finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Over {
    /// A change of a repository's ref, from one commit to another.
    Change(Change),
    /// An artifact, meant to be a resource.
    Artifact {
        /// What it's meant to be.
        resource: String,
        /// Its digest.
        artifact: Digest,
    },
}

/// A change of a repository's ref, from one commit to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The repository's URI.
    pub repository: String,
    /// The full name of the ref.
    pub reference: String,
    /// The commit that it was before.
    pub base_commit: Digest,
    /// The commit that it is to become.
    pub commit: Digest,
    /// That commit's tree.
    pub tree: Digest,
}

/// The members as they are written. An unknown one could narrow what was meant, so it is refused.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ChangeWire {
    repository: String,
    #[serde(rename = "ref")]
    reference: String,
    base_commit: String,
    commit: String,
    tree: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ArtifactWire {
    resource: String,
    artifact: DigestSet,
}

impl Serialize for Over {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Change(change) => ChangeWire {
                repository: change.repository.clone(),
                reference: change.reference.clone(),
                base_commit: change.base_commit.hex().to_owned(),
                commit: change.commit.hex().to_owned(),
                tree: change.tree.hex().to_owned(),
            }
            .serialize(serializer),
            Self::Artifact { resource, artifact } => {
                ArtifactWire { resource: resource.clone(), artifact: artifact.clone().into() }.serialize(serializer)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Over {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        let json = Json::deserialize(deserializer)?;
        if json.get("artifact").is_some() {
            let wire: ArtifactWire = json.to().map_err(D::Error::custom)?;
            let artifact = sha256_only(&wire.artifact).ok_or_else(|| D::Error::custom("`artifact` must be one `sha256`"))?;
            return Ok(Self::Artifact { resource: wire.resource, artifact });
        }
        let wire: ChangeWire = json.to().map_err(D::Error::custom)?;
        let id = |algorithm, hex| Digest::new(algorithm, hex).map_err(D::Error::custom);
        Ok(Self::Change(Change {
            repository: wire.repository,
            reference: wire.reference,
            base_commit: id(Algorithm::GitCommit, wire.base_commit)?,
            commit: id(Algorithm::GitCommit, wire.commit)?,
            tree: id(Algorithm::GitTree, wire.tree)?,
        }))
    }
}

/// A SHA-256 as a digest set of one entry: `{"sha256":"…"}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sha256(Digest);

impl Sha256 {
    /// Refers to bytes by their digest.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Digest::sha256(bytes))
    }

    /// Returns the digest.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.0
    }
}

impl Serialize for Sha256 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        DigestSet::from(self.0.clone()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Sha256 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let set = DigestSet::deserialize(deserializer)?;
        sha256_only(&set).map(Self).ok_or_else(|| serde::de::Error::custom("must be one `sha256`"))
    }
}

fn sha256_only(set: &DigestSet) -> Option<Digest> {
    let digest = set.get(Algorithm::Sha256)?;
    (DigestSet::from(digest.clone()) == *set).then_some(digest)
}

/// How a person showed to be there when something was signed, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// Not at all: whoever runs as the user could have signed.
    None,
    /// By a passphrase.
    Passphrase,
    /// By touching a security key.
    Touch,
    /// By a security key that verified its user.
    UserVerified,
}

/// How much a change can do, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// Gates are enough.
    Low,
    /// One human is needed.
    Medium,
    /// Two independent humans are needed.
    High,
}

/// Why a predicate of ours can't be made or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PredicateError {
    /// The statement is of another type.
    #[error("the statement is not of type `{0}`")]
    OfAnotherType(&'static str),
    /// Members are missing or of another shape.
    #[error("the predicate has another shape than its type promises: {0}")]
    Shape(#[from] ShapeError),
    /// The members contradict what their type promises.
    #[error("{0}")]
    Rule(&'static str),
    /// No statement can hold it.
    #[error(transparent)]
    Statement(#[from] StatementError),
}

/// A predicate of ours.
pub(super) trait Own: Serialize + DeserializeOwned {
    const TYPE: &'static str;

    /// Says what is wrong with the members, whose shape is right.
    fn check(&self, subject: &[ResourceDescriptor]) -> Result<(), &'static str>;
}

/// Makes the statement of a predicate that is as it should be.
pub(super) fn about<P: Own>(predicate: &P, subject: Vec<ResourceDescriptor>) -> Result<Statement, PredicateError> {
    predicate.check(&subject).map_err(PredicateError::Rule)?;
    let json = Json::of(predicate).map_err(StatementError::from)?;
    Ok(Statement::new(subject, P::TYPE, json)?)
}

/// Reads the predicate of a statement, and refuses one that isn't as it should be.
pub(super) fn read<P: Own>(statement: &Statement) -> Result<P, PredicateError> {
    if statement.predicate_type != P::TYPE {
        return Err(PredicateError::OfAnotherType(P::TYPE));
    }
    let predicate: P = statement.predicate.to()?;
    predicate.check(&statement.subject).map_err(PredicateError::Rule)?;
    Ok(predicate)
}

/// 128 bits in lower-case hex.
pub(super) fn is_nonce(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// A reason somebody can be held to: some text, and not a book.
pub(super) fn is_reason(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= REASON_CHARACTERS
}

/// Some texts, none of them empty or twice.
pub(super) fn are_names(names: &[String]) -> bool {
    let distinct: BTreeSet<_> = names.iter().collect();
    !names.is_empty() && names.iter().all(|name| !name.trim().is_empty()) && distinct.len() == names.len()
}

const REASON_CHARACTERS: usize = 2_000;
