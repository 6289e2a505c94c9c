//! Makes the provenance of what we ran or watched: an agent's run, or a local build.
//! It arranges facts that somebody else captured; it captures none.

use serde::{Deserialize, Serialize};

use super::provenance::{Basis, BuildDefinition, BuildType, Builder, Metadata, Provenance, RunDetails, RunOutcome, Source, source_uri};
use crate::digest::{Digest, DigestSet};
use crate::json::{Json, Object};
use crate::seal::SealedRecord;
use crate::statement::{ResourceDescriptor, Statement, StatementError};
use crate::time::Time;

/// The URIs of the builders that this project is; another platform has its own.
pub mod builder {
    /// A run watched with the rights of the user whom the agent has, too.
    pub const LOCAL: &str = "https://countersign.dev/builder/local/v1";
    /// The same, where the agent is in a sandbox.
    pub const LOCAL_SANDBOX: &str = "https://countersign.dev/builder/local-sandbox/v1";
}

/// The facts of one run, on their way to a statement.
#[derive(Clone, Debug)]
pub struct Run {
    builder_id: String,
    agent: Option<Agent>,
    repository: Option<String>,
    reference: Option<String>,
    base: Option<Digest>,
    program: Option<String>,
    arguments: Option<SealedRecord>,
    dependencies: Vec<ResourceDescriptor>,
    byproducts: Vec<ResourceDescriptor>,
    metadata: Metadata,
    claims: Vec<(Fact, Basis, String)>,
}

impl Run {
    /// Begins the statement of an agent's run, observed by the platform `builder_id`.
    #[must_use]
    pub fn by_agent(builder_id: impl Into<String>, agent: Agent) -> Self {
        Self { agent: Some(agent), ..Self::build(builder_id) }
    }

    /// Begins the statement of a build, observed by the platform `builder_id`.
    #[must_use]
    pub fn build(builder_id: impl Into<String>) -> Self {
        Self {
            builder_id: builder_id.into(),
            agent: None,
            repository: None,
            reference: None,
            base: None,
            program: None,
            arguments: None,
            dependencies: Vec::new(),
            byproducts: Vec::new(),
            metadata: Metadata::default(),
            claims: Vec::new(),
        }
    }

    /// Adds the repository's URI.
    #[must_use]
    pub fn repository(mut self, uri: impl Into<String>) -> Self {
        self.repository = Some(uri.into());
        self
    }

    /// Adds the full name of the ref that was worked on.
    #[must_use]
    pub fn reference(mut self, name: impl Into<String>) -> Self {
        self.reference = Some(name.into());
        self
    }

    /// Adds the commit that the run began from.
    #[must_use]
    pub fn base(mut self, commit: Digest) -> Self {
        self.base = Some(commit);
        self
    }

    /// Adds the name of the program that ran; never its arguments, which can hold the prompt.
    #[must_use]
    pub fn program(mut self, name: impl Into<String>) -> Self {
        self.program = Some(name.into());
        self
    }

    /// Adds the sealed arguments of a run that has no sealed prompt.
    #[must_use]
    pub fn arguments(mut self, record: SealedRecord) -> Self {
        self.arguments = Some(record);
        self
    }

    /// Adds the container image that the run was confined to, by its manifest's digest.
    #[must_use]
    pub fn sandbox_image(mut self, name: impl Into<String>, digest: Digest) -> Self {
        let name = name.into();
        self.dependencies.push(ResourceDescriptor::new("sandbox-image", digest).at(name));
        self
    }

    /// Adds the SBOM of what was made: the digest of the file, and of its canonical form.
    #[must_use]
    pub fn sbom(mut self, file: Digest, canonical: Digest) -> Self {
        self.byproducts.push(ResourceDescriptor::new("sbom", file));
        self.byproducts.push(ResourceDescriptor::new("sbom-canonical", canonical));
        self
    }

    /// Adds something that came out beside the artifacts.
    #[must_use]
    pub fn byproduct(mut self, byproduct: ResourceDescriptor) -> Self {
        self.byproducts.push(byproduct);
        self
    }

    /// Adds the commit objects that the run made, oldest first, so that who has no git can check them.
    #[must_use]
    pub fn commit_objects(mut self, commits: Vec<(Digest, Vec<u8>)>) -> Self {
        let one = commits.len() == 1;
        for (id, object) in commits {
            let name = if one { "commit-object".to_owned() } else { format!("commit-object:{}", id.hex()) };
            let digest = DigestSet::from(Digest::sha256(&object)).with(id);
            self.byproducts.push(ResourceDescriptor { name: Some(name), digest, content: Some(object), ..ResourceDescriptor::default() });
        }
        self
    }

    /// Adds how the run ended, as the platform saw it.
    #[must_use]
    pub fn outcome(mut self, outcome: RunOutcome) -> Self {
        self.byproducts.push(outcome.byproduct());
        self
    }

    /// Adds when the run began.
    #[must_use]
    pub const fn started(mut self, at: Time) -> Self {
        self.metadata.started_on = Some(at.whole_seconds());
        self
    }

    /// Adds when the run ended.
    #[must_use]
    pub const fn finished(mut self, at: Time) -> Self {
        self.metadata.finished_on = Some(at.whole_seconds());
        self
    }

    /// Adds the run's name on its platform.
    #[must_use]
    pub fn invocation(mut self, id: impl Into<String>) -> Self {
        self.metadata.invocation_id = Some(id.into());
        self
    }

    /// Adds what the run consumed.
    #[must_use]
    pub fn usage(mut self, usage: &Usage) -> Self {
        // INVARIANT: names and numbers within ±2⁵³ always have a JSON form; more tokens than that are not stated.
        if let Ok(usage) = Json::of(usage) {
            self.metadata.other.insert("countersign_usage".to_owned(), usage);
        }
        self
    }

    /// Adds something that the platform noticed.
    #[must_use]
    pub fn finding(mut self, code: &str) -> Self {
        let findings = self.metadata.other.entry("countersign_findings".to_owned()).or_insert_with(|| Json::Array(Vec::new()));
        if let Json::Array(findings) = findings {
            findings.push(Json::from(code));
        }
        self
    }

    /// States where a fact comes from and on what basis; a fact without this counts as self-reported.
    #[must_use]
    pub fn claim(mut self, fact: Fact, basis: Basis, origin: impl Into<String>) -> Self {
        self.claims.push((fact, basis, origin.into()));
        self
    }

    /// Makes the statement about `subject`.
    ///
    /// # Errors
    /// [`StatementError`] for no subject, too many, one without a digest, or one twice.
    pub fn about(self, subject: Vec<ResourceDescriptor>) -> Result<Statement, StatementError> {
        let provenance = self.into_provenance();
        Statement::new(subject, super::PROVENANCE, Json::of(&provenance)?)
    }

    /// Returns the provenance.
    #[must_use]
    pub fn into_provenance(self) -> Provenance {
        let mut dependencies = Vec::new();
        if let Some(base) = &self.base {
            dependencies.push(Source::descriptor(self.repository.as_deref(), self.reference.as_deref(), base.clone()));
        }
        dependencies.extend(self.dependencies.iter().cloned());
        let mut byproducts = self.byproducts.clone();
        let build_type = if self.agent.is_some() { BuildType::AgentRun } else { BuildType::LocalBuild };
        let mut external = self.external_parameters();
        let mut internal = Object::new();
        if let Some(record) = &self.arguments {
            dependencies.push(sealed("arguments", record));
        }
        if let Some(agent) = self.agent {
            if let Some(prompt) = &agent.prompt {
                dependencies.push(sealed("prompt", prompt));
                let task = Json::of(&sealed_content(prompt)).unwrap_or(Json::Null);
                external.insert("task".to_owned(), Json::Object(Object::from([("content".to_owned(), task)])));
            }
            if let Some(transcript) = &agent.transcript {
                byproducts.push(sealed("transcript", transcript));
            }
            internal = agent.internal_parameters();
        }
        let definition = BuildDefinition {
            build_type: build_type.uri().to_owned(),
            external_parameters: external,
            internal_parameters: internal,
            resolved_dependencies: dependencies,
            other: Object::new(),
        };
        let builder = Builder { id: self.builder_id, other: Object::new() };
        let details = RunDetails { builder, metadata: Some(self.metadata), byproducts, other: Object::new() };
        let mut provenance = Provenance { build_definition: definition, run_details: details, other: Object::new() };
        for (fact, basis, origin) in self.claims {
            if let Some(pointer) = fact.pointer(&provenance) {
                provenance.claim(&pointer, basis, &origin);
            }
        }
        provenance
    }

    fn external_parameters(&self) -> Object {
        let texts = |entries: &[(&str, Option<&str>)]| {
            let entries = entries.iter().filter_map(|(name, text)| Some(((*name).to_owned(), Json::from((*text)?))));
            entries.collect::<Object>()
        };
        let mut parameters = Object::new();
        let base = self.base.as_ref().map(Digest::hex);
        let target = texts(&[("repository", self.repository.as_deref()), ("baseRef", self.reference.as_deref()), ("baseCommit", base)]);
        let agent = self.agent.as_ref();
        let model = agent.and_then(|agent| agent.requested_model.as_deref());
        let mode = agent.and_then(|agent| agent.permission_mode.as_deref());
        let invocation = texts(&[("program", self.program.as_deref()), ("model", model), ("permissionMode", mode)]);
        for (name, value) in [("target", target), ("invocation", invocation)] {
            if !value.is_empty() {
                parameters.insert(name.to_owned(), Json::Object(value));
            }
        }
        parameters
    }
}

fn sealed(name: &str, record: &SealedRecord) -> ResourceDescriptor {
    ResourceDescriptor { name: Some(name.to_owned()), ..sealed_content(record) }
}

fn sealed_content(record: &SealedRecord) -> ResourceDescriptor {
    ResourceDescriptor { name: None, ..ResourceDescriptor::with_content("", SealedRecord::MEDIA_TYPE, record.to_bytes()) }
}

/// Who worked, by what, and for whom.
#[derive(Clone, Debug)]
pub struct Agent {
    runtime: Runtime,
    models: Vec<Model>,
    requested_model: Option<String>,
    permission_mode: Option<String>,
    tools: Vec<String>,
    subagents: Vec<Json>,
    delegator: Option<Delegator>,
    prompt: Option<SealedRecord>,
    transcript: Option<SealedRecord>,
}

impl Agent {
    /// Names the agent by the program that it runs in.
    #[must_use]
    pub const fn new(runtime: Runtime) -> Self {
        Self {
            runtime,
            models: Vec::new(),
            requested_model: None,
            permission_mode: None,
            tools: Vec::new(),
            subagents: Vec::new(),
            delegator: None,
            prompt: None,
            transcript: None,
        }
    }

    /// Adds a model that answered; the first is the one that did the work.
    #[must_use]
    pub fn model(mut self, provider: impl Into<String>, model_id: impl Into<String>) -> Self {
        self.models.push(Model { provider: provider.into(), model_id: model_id.into() });
        self
    }

    /// Adds the model and the permission mode that the caller asked for.
    #[must_use]
    pub fn permission_mode(mut self, mode: impl Into<String>) -> Self {
        self.permission_mode = Some(mode.into());
        self
    }

    /// Adds a tool that was used, by name.
    #[must_use]
    pub fn tool(mut self, name: impl Into<String>) -> Self {
        self.tools.push(name.into());
        self
    }

    /// Adds what is known of a subagent.
    #[must_use]
    pub fn subagent(mut self, subagent: Json) -> Self {
        self.subagents.push(subagent);
        self
    }

    /// Adds on whose behalf the agent worked.
    #[must_use]
    pub fn on_behalf_of(mut self, delegator: Delegator) -> Self {
        self.delegator = Some(delegator);
        self
    }

    /// Adds the sealed record of the prompts, task and arguments.
    #[must_use]
    pub fn prompt(mut self, record: SealedRecord) -> Self {
        self.prompt = Some(record);
        self
    }

    /// Adds the sealed record of the transcript.
    #[must_use]
    pub fn transcript(mut self, record: SealedRecord) -> Self {
        self.transcript = Some(record);
        self
    }

    fn internal_parameters(self) -> Object {
        let json = |value: Result<Json, _>| value.unwrap_or(Json::Null);
        let mut agent = Object::from([("runtime".to_owned(), json(Json::of(&self.runtime)))]);
        if let Some(model) = self.models.first() {
            agent.insert("model".to_owned(), json(Json::of(model)));
        }
        if self.models.len() > 1 {
            agent.insert("models".to_owned(), json(Json::of(&self.models)));
        }
        if !self.tools.is_empty() {
            let tools = self.tools.iter().map(|name| Json::Object(Object::from([("name".to_owned(), Json::from(name.as_str()))])));
            agent.insert("tools".to_owned(), Json::Array(tools.collect()));
        }
        let mut parameters = Object::from([("agent".to_owned(), Json::Object(agent))]);
        if !self.subagents.is_empty() {
            parameters.insert("subagents".to_owned(), Json::Array(self.subagents));
        }
        if let Some(delegator) = &self.delegator {
            parameters.insert("onBehalfOf".to_owned(), json(Json::of(delegator)));
        }
        parameters
    }
}

/// The program that an agent runs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runtime {
    /// Its name, such as `claude-code`.
    pub name: String,
    /// Its version, where it's known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

impl Runtime {
    /// Names a runtime of unknown version.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), version: None }
    }
}

/// A model that answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Model {
    /// Who serves it, such as `anthropic`.
    pub provider: String,
    /// Its name there.
    pub model_id: String,
}

/// The person or system that asked the agent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Delegator {
    /// Who vouches for the name; `local` for a name that only this machine knows.
    pub issuer: String,
    /// The name.
    pub subject: String,
}

/// Tokens that a run consumed, by OpenTelemetry's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Tokens read.
    #[serde(rename = "gen_ai.usage.input_tokens")]
    pub input_tokens: u64,
    /// Tokens written.
    #[serde(rename = "gen_ai.usage.output_tokens")]
    pub output_tokens: u64,
    /// Tokens read from a cache.
    #[serde(rename = "gen_ai.usage.cache_read.input_tokens")]
    pub cache_read_input_tokens: u64,
    /// Tokens written to a cache.
    #[serde(rename = "gen_ai.usage.cache_creation.input_tokens")]
    pub cache_creation_input_tokens: u64,
}

/// A fact of a run that has an origin and a basis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fact {
    /// Who ran and observed it.
    Builder,
    /// What the caller chose: target, program, modes.
    Parameters,
    /// The agent's program.
    Runtime,
    /// The models that answered.
    Model,
    /// The tools that were used.
    Tools,
    /// The subagents.
    Subagents,
    /// On whose behalf.
    Delegator,
    /// What was worked on.
    Source,
    /// The container image that confined the run.
    SandboxImage,
    /// What was asked.
    Prompt,
    /// The arguments of the command.
    Arguments,
    /// What was said and done.
    Transcript,
    /// The commits that the run made.
    CommitObjects,
    /// What is in the result.
    Sbom,
    /// How it ended.
    RunOutcome,
    /// When it began and ended.
    Times,
    /// What it consumed.
    Usage,
}

impl Fact {
    /// Returns where the fact stands in `provenance`, as a JSON pointer; for one of several, the first.
    fn pointer(self, provenance: &Provenance) -> Option<String> {
        let dependency =
            |name| provenance.dependencies(name).next().map(|(index, _)| format!("/buildDefinition/resolvedDependencies/{index}"));
        let byproduct = |name: &str| {
            let found = provenance.run_details.byproducts.iter().position(|b| b.name.as_deref().is_some_and(|n| n.starts_with(name)));
            found.map(|index| format!("/runDetails/byproducts/{index}"))
        };
        Some(
            match self {
                Self::Source => return dependency("source"),
                Self::SandboxImage => return dependency("sandbox-image"),
                Self::Prompt => return dependency("prompt"),
                Self::Arguments => return dependency("arguments"),
                Self::Transcript => return byproduct("transcript"),
                Self::CommitObjects => return byproduct("commit-object"),
                Self::Sbom => return byproduct("sbom"),
                Self::RunOutcome => return byproduct("run-outcome"),
                Self::Builder => "/runDetails/builder/id",
                Self::Parameters => "/buildDefinition/externalParameters",
                Self::Runtime => "/buildDefinition/internalParameters/agent/runtime",
                Self::Model => "/buildDefinition/internalParameters/agent/model",
                Self::Tools => "/buildDefinition/internalParameters/agent/tools",
                Self::Subagents => "/buildDefinition/internalParameters/subagents",
                Self::Delegator => "/buildDefinition/internalParameters/onBehalfOf",
                Self::Times => "/runDetails/metadata",
                Self::Usage => "/runDetails/metadata/countersign_usage",
            }
            .to_owned(),
        )
    }
}

/// Returns the subjects of a statement about a commit: the commit, and the tree that it records.
///
/// The commit's descriptor carries the SHA-256 of the commit object beside its id, for verifiers that know no git.
#[must_use]
pub fn commit_subject(repository: Option<&str>, reference: Option<&str>, id: Digest, object: &[u8]) -> ResourceDescriptor {
    let descriptor = ResourceDescriptor::new("commit", DigestSet::from(Digest::sha256(object)).with(id));
    match repository {
        Some(repository) => descriptor.at(source_uri(repository, reference)),
        None => descriptor,
    }
}

/// Returns the subject that names a tree.
#[must_use]
pub fn tree_subject(id: Digest) -> ResourceDescriptor {
    ResourceDescriptor::new("tree", id)
}
