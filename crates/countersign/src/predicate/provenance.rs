//! SLSA provenance v1, and what each build type that we know says in it.
//! Which builder may say so is the policy's affair.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::digest::{Algorithm, Digest};
use crate::json::{Json, Object};
use crate::statement::ResourceDescriptor;
use crate::time::Time;

/// How an artifact or a commit came to be (<https://slsa.dev/spec/v1.2/build-provenance>).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Provenance {
    /// What was to be done, and from what.
    pub build_definition: BuildDefinition,
    /// Who did it, when, and what else came out.
    pub run_details: RunDetails,
    /// Members that SLSA doesn't define.
    #[serde(flatten)]
    pub other: Object,
}

/// The inputs of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildDefinition {
    /// The URI that says how the parameters are to be read.
    pub build_type: String,
    /// What the caller chose.
    pub external_parameters: Object,
    /// What the platform chose.
    #[serde(default, skip_serializing_if = "Object::is_empty")]
    pub internal_parameters: Object,
    /// What was read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resolved_dependencies: Vec<ResourceDescriptor>,
    /// Members that SLSA doesn't define.
    #[serde(flatten)]
    pub other: Object,
}

/// The run itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunDetails {
    /// The platform that ran and observed.
    pub builder: Builder,
    /// Times and names of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// What else came out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub byproducts: Vec<ResourceDescriptor>,
    /// Members that SLSA doesn't define.
    #[serde(flatten)]
    pub other: Object,
}

/// The platform that ran and observed; never the agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Builder {
    /// Its URI, one for each mode.
    pub id: String,
    /// Members beside the id.
    #[serde(flatten)]
    pub other: Object,
}

/// Times and names of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// The run's name on its platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invocation_id: Option<String>,
    /// When the run began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_on: Option<Time>,
    /// When the run ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_on: Option<Time>,
    /// Extensions, ours among them (`countersign_usage`, `countersign_basis`, …).
    #[serde(flatten)]
    pub other: Object,
}

/// The build types whose parameters and edges we can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildType {
    /// `https://countersign.dev/agent-run/v1`: a software agent's run.
    AgentRun,
    /// `https://countersign.dev/local-build/v1`: a command that made artifacts.
    LocalBuild,
    /// `https://refs.arewm.com/agent-commit/v0.1` to `v0.3`: a software agent's run, as the public draft has it.
    AgentCommit(AgentCommitDraft),
}

/// A version of the public draft "Agent Commit Build Type" by Andrew McNamara (<https://refs.arewm.com/agent-commit/v0.3>).
///
/// They differ in the names of a subagent's times, of a written file's digest and of the observations' media type. The
/// facts that a decision rests on stand at the same places in all of them, and in our own `agent-run`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AgentCommitDraft {
    /// v0.1.
    V01,
    /// v0.2.
    V02,
    /// v0.3.
    V03,
}

impl BuildType {
    /// Returns the build type of that URI.
    #[must_use]
    pub fn of(uri: &str) -> Option<Self> {
        let drafts = [AgentCommitDraft::V01, AgentCommitDraft::V02, AgentCommitDraft::V03].map(Self::AgentCommit);
        [Self::AgentRun, Self::LocalBuild].into_iter().chain(drafts).find(|known| known.uri() == uri)
    }

    /// Returns true for the run of a software agent, by whichever build type.
    #[must_use]
    pub const fn is_agent_run(self) -> bool {
        matches!(self, Self::AgentRun | Self::AgentCommit(_))
    }

    /// Returns the URI.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::AgentRun => "https://countersign.dev/agent-run/v1",
            Self::LocalBuild => "https://countersign.dev/local-build/v1",
            Self::AgentCommit(AgentCommitDraft::V01) => "https://refs.arewm.com/agent-commit/v0.1",
            Self::AgentCommit(AgentCommitDraft::V02) => "https://refs.arewm.com/agent-commit/v0.2",
            Self::AgentCommit(AgentCommitDraft::V03) => "https://refs.arewm.com/agent-commit/v0.3",
        }
    }

    /// Returns the names of the external parameters that the build type defines.
    #[must_use]
    pub const fn external_parameters(self) -> &'static [&'static str] {
        match self {
            Self::AgentRun => &["invocation", "prompt", "target", "task"],
            Self::LocalBuild => &["invocation", "target"],
            Self::AgentCommit(_) => &["prompt", "target", "task"],
        }
    }
}

/// Where a run's input came from: the edge from an artifact to a commit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// The repository's URI.
    pub repository: String,
    /// The full name of the ref, where it's known.
    pub reference: Option<String>,
    /// The commit.
    pub commit: Digest,
    /// Where in the predicate this stands, as a JSON pointer.
    pub pointer: String,
}

impl Source {
    /// Returns the dependency that states this source: `git+<repository>@<ref>`.
    #[must_use]
    pub fn descriptor(repository: Option<&str>, reference: Option<&str>, commit: Digest) -> ResourceDescriptor {
        let descriptor = ResourceDescriptor::new("source", commit);
        match repository {
            Some(repository) => descriptor.at(source_uri(repository, reference)),
            None => descriptor,
        }
    }
}

/// Returns `git+<repository>@<ref>`.
pub(super) fn source_uri(repository: &str, reference: Option<&str>) -> String {
    let at = reference.map_or(String::new(), |reference| format!("@{reference}"));
    format!("git+{repository}{at}")
}

/// Why a provenance gives no source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// No edge is known for this build type.
    #[error("the build type is unknown, so nothing says which dependency is the source")]
    UnknownBuildType,
    /// No dependency is the source.
    #[error("no dependency is named `source` with a git commit and a repository")]
    None,
    /// Two dependencies claim to be the source.
    #[error("two dependencies are named `source`")]
    Two,
}

impl Provenance {
    /// Reads the one source, by the rule of the build type.
    ///
    /// # Errors
    /// [`SourceError`] for an unknown build type, and for none or two that match.
    pub fn source(&self) -> Result<Source, SourceError> {
        let Some(build_type) = BuildType::of(&self.build_definition.build_type) else { return Err(SourceError::UnknownBuildType) };
        let mut sources = self.dependencies("source");
        let (index, source) = sources.next().ok_or(SourceError::None)?;
        if sources.next().is_some() {
            return Err(SourceError::Two);
        }
        let uri = source.uri.as_deref().and_then(|uri| uri.strip_prefix("git+")).ok_or(SourceError::None)?;
        let commit = source.digest.get(Algorithm::GitCommit).ok_or(SourceError::None)?;
        // A ref begins behind the last `@` that `refs/` follows, and may hold other ones; any before that is the URI's.
        let (repository, reference) = match uri.rfind("@refs/").and_then(|at| uri.split_at_checked(at)) {
            Some((repository, reference)) => (repository, Some(reference.trim_start_matches('@').to_owned())),
            // The draft names the ref beside the dependency ("External Parameters", `target.baseRef`).
            _ if matches!(build_type, BuildType::AgentCommit(_)) => (uri, self.base_reference(uri)),
            _ => (uri, None),
        };
        Ok(Source {
            repository: repository.to_owned(),
            reference,
            commit,
            pointer: format!("/buildDefinition/resolvedDependencies/{index}"),
        })
    }

    /// Returns the ref that the draft's `target` names, if the target is that repository.
    fn base_reference(&self, repository: &str) -> Option<String> {
        let target = self.build_definition.external_parameters.get("target")?;
        let text = |name| target.get(name).and_then(Json::as_str);
        let stated = text("repository").map(|uri| uri.strip_prefix("git+").unwrap_or(uri));
        text("baseRef").filter(|_| stated == Some(repository)).map(str::to_owned)
    }

    /// Returns the outcome that the platform observed, with its place.
    ///
    /// Two outcomes, or one that can't be read, are no outcome.
    #[must_use]
    pub fn run_outcome(&self) -> Option<(RunOutcome, String)> {
        let mut outcomes = self.run_details.byproducts.iter().enumerate().filter(|(_, byproduct)| byproduct.is_named("run-outcome"));
        let (index, byproduct) = outcomes.next()?;
        if outcomes.next().is_some() {
            return None;
        }
        let content = byproduct.content.as_deref()?;
        if byproduct.digest.get(Algorithm::Sha256).is_some_and(|digest| digest != Digest::sha256(content)) {
            return None;
        }
        let outcome = Json::parse(content).ok()?.to().ok()?;
        Some((outcome, format!("/runDetails/byproducts/{index}")))
    }

    /// Iterates over the resolved dependencies of that name, with their index.
    pub fn dependencies<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (usize, &'a ResourceDescriptor)> {
        self.build_definition.resolved_dependencies.iter().enumerate().filter(move |(_, dependency)| dependency.is_named(name))
    }

    /// Iterates over the byproducts of that name, with their index.
    pub fn byproducts<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (usize, &'a ResourceDescriptor)> {
        self.run_details.byproducts.iter().enumerate().filter(move |(_, byproduct)| byproduct.is_named(name))
    }

    /// Returns the basis that the statement claims for the fact at `pointer`: a missing entry is self-reported.
    #[must_use]
    pub fn claimed_basis(&self, pointer: &str) -> Basis {
        let claims = self.run_details.metadata.as_ref().and_then(|metadata| metadata.other.get(BASIS));
        claims.and_then(|claims| claims.get(pointer)?.get("basis")?.to().ok()).unwrap_or(Basis::SelfReported)
    }

    /// Returns where the statement says that the fact at `pointer` comes from.
    #[must_use]
    pub fn claimed_origin(&self, pointer: &str) -> Option<&str> {
        let claims = self.run_details.metadata.as_ref().and_then(|metadata| metadata.other.get(BASIS));
        claims.and_then(|claims| claims.get(pointer)?.get("origin")?.as_str())
    }

    /// Returns the highest basis that the statement claims for anything.
    #[must_use]
    pub fn highest_basis(&self) -> Basis {
        let claims = self.run_details.metadata.as_ref().and_then(|metadata| metadata.other.get(BASIS)?.as_object());
        let bases = claims.into_iter().flat_map(|claims| claims.values()).filter_map(|claim| claim.get("basis")?.to().ok());
        bases.max().unwrap_or(Basis::SelfReported)
    }

    /// Adds to the statement where the fact at `pointer` comes from, and on what basis it's claimed.
    pub fn claim(&mut self, pointer: &str, basis: Basis, origin: &str) {
        let metadata = self.run_details.metadata.get_or_insert_default();
        let claims = metadata.other.entry(BASIS.to_owned()).or_insert_with(|| Json::Object(Object::new()));
        if let Json::Object(claims) = claims {
            let claim = Object::from([("basis".to_owned(), Json::from(basis.name())), ("origin".to_owned(), Json::from(origin))]);
            claims.insert(pointer.to_owned(), Json::Object(claim));
        }
    }
}

const BASIS: &str = "countersign_basis";

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunOutcome {
    /// What became of it.
    pub outcome: Outcome,
    /// The exit code, where the command exited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<u8>,
}

/// What became of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It did what it should.
    Success,
    /// It failed.
    Failure,
    /// Somebody ended it.
    Cancelled,
    /// It took too long.
    TimedOut,
    /// Nobody knows.
    Unknown,
}

impl RunOutcome {
    /// Returns the byproduct that states this outcome.
    #[must_use]
    pub fn byproduct(self) -> ResourceDescriptor {
        // INVARIANT: an enum and a small number always have a JSON form.
        let content = crate::json::canonical(&self).unwrap_or_default();
        ResourceDescriptor::with_content("run-outcome", "application/json", content)
    }
}

/// How well a fact is founded, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// The agent says so itself, or nobody says on what basis.
    SelfReported,
    /// The agent's harness says so, with the agent's own rights.
    Harness,
    /// Something says so that the agent can't reach, signer and key included.
    Boundary,
    /// It stands in the signer's certificate.
    Certified,
}

impl Basis {
    /// Returns the name that statements, policies and decisions use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SelfReported => "self-reported",
            Self::Harness => "harness",
            Self::Boundary => "boundary",
            Self::Certified => "certified",
        }
    }
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
