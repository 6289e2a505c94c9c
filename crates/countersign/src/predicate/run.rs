//! Makes the provenance of what we ran or watched: an agent's run, or a local build.
//! It arranges facts that somebody else captured; it captures none.

use crate::digest::{Digest, DigestSet};
use crate::json::{Json, Object};
use crate::predicate::agent::{Agent, Usage};
use crate::predicate::noticed::Noticed;
use crate::predicate::provenance::{
    Basis, BuildDefinition, BuildType, Builder, Metadata, Provenance, RunDetails, RunOutcome, Source, source_uri,
};
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
    ci: Object,
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
            ci: Object::new(),
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

    /// Adds what a CI system says of the job that the run was a part of, under the name that all systems share.
    #[must_use]
    pub fn ci(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.ci.insert(name.to_owned(), Json::from(value.into().as_str()));
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
    pub fn finding(mut self, noticed: Noticed) -> Self {
        let findings = self.metadata.other.entry("countersign_findings".to_owned()).or_insert_with(|| Json::Array(Vec::new()));
        if let Json::Array(findings) = findings {
            findings.push(Json::from(noticed.code()));
        }
        self
    }

    /// Adds that secrets of a kind were taken out of a sealed record's texts before they were sealed, and how many.
    #[must_use]
    pub fn redacted(mut self, record: &str, kind: &str, count: u64) -> Self {
        let redacted = self.metadata.other.entry("countersign_redacted".to_owned()).or_insert_with(|| Json::Object(Object::new()));
        if let Json::Object(records) = redacted
            && let Json::Object(kinds) = records.entry(record.to_owned()).or_insert_with(|| Json::Object(Object::new()))
        {
            #[expect(clippy::cast_precision_loss, reason = "beyond 2⁵³ nobody counts")]
            kinds.insert(kind.to_owned(), Json::Number(count as f64));
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
        if !self.ci.is_empty() {
            internal.insert("ci".to_owned(), Json::Object(self.ci));
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
        // INVARIANT: a provenance always has a JSON form; without one there would be nothing to claim.
        let stated = Json::of(&provenance).unwrap_or(Json::Null);
        for (fact, basis, origin) in self.claims {
            for pointer in fact.pointers(&provenance).iter().filter(|pointer| stated.pointer(pointer).is_some()) {
                provenance.claim(pointer, basis, &origin);
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
    /// Its name on the platform.
    Invocation,
    /// What the CI system says of the job, by its name.
    Ci(&'static str),
    /// What it consumed.
    Usage,
}

impl Fact {
    /// Returns where the fact stands in `provenance` if it's stated, as JSON pointers.
    fn pointers(self, provenance: &Provenance) -> Vec<String> {
        let named = |descriptors: &[ResourceDescriptor], place: &str, names: &[&str]| {
            let of_several = |name: &str| name.split_once(':').map_or(name, |(name, _)| name).to_owned();
            let found = descriptors
                .iter()
                .enumerate()
                .filter(|(_, descriptor)| descriptor.name.as_deref().map(of_several).is_some_and(|name| names.contains(&name.as_str())));
            found.map(|(index, _)| format!("{place}/{index}")).collect()
        };
        let dependency = |name| named(&provenance.build_definition.resolved_dependencies, "/buildDefinition/resolvedDependencies", &[name]);
        let byproducts = |names: &[&str]| named(&provenance.run_details.byproducts, "/runDetails/byproducts", names);
        let agent = |name: &str| format!("/buildDefinition/internalParameters/agent/{name}");
        match self {
            Self::Source => dependency("source"),
            Self::SandboxImage => dependency("sandbox-image"),
            Self::Prompt => dependency("prompt"),
            Self::Arguments => dependency("arguments"),
            Self::Transcript => byproducts(&["transcript"]),
            Self::CommitObjects => byproducts(&["commit-object"]),
            Self::Sbom => byproducts(&["sbom", "sbom-canonical"]),
            Self::RunOutcome => byproducts(&["run-outcome"]),
            Self::Builder => vec!["/runDetails/builder/id".to_owned()],
            Self::Parameters => vec!["/buildDefinition/externalParameters".to_owned()],
            Self::Runtime => vec![agent("runtime")],
            Self::Model => vec![agent("model"), agent("models")],
            Self::Tools => vec![agent("tools")],
            Self::Subagents => vec!["/buildDefinition/internalParameters/subagents".to_owned()],
            Self::Delegator => vec!["/buildDefinition/internalParameters/onBehalfOf".to_owned()],
            Self::Times => ["startedOn", "finishedOn"].map(|name| format!("/runDetails/metadata/{name}")).into(),
            Self::Invocation => vec!["/runDetails/metadata/invocationId".to_owned()],
            Self::Ci(name) => vec![format!("/buildDefinition/internalParameters/ci/{name}")],
            Self::Usage => vec!["/runDetails/metadata/countersign_usage".to_owned()],
        }
    }
}

/// Returns the subject that names a commit.
///
/// The descriptor carries the SHA-256 of the commit object beside its id, for verifiers that know no git.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Algorithm;
    use crate::predicate::{Runtime, Subagent};
    use crate::seal::{Salt, Sealer};

    fn record(name: u8) -> SealedRecord {
        let mut sealer = Sealer::new([name; 16]);
        sealer.leaf(&Salt::new([name; 32]), "prompt", b"Add a greeting");
        sealer.finish().unwrap()
    }

    fn stated(run: Run) -> Json {
        Json::of(&run.into_provenance()).unwrap()
    }

    #[test]
    fn claims_stand_at_each_place_of_their_fact_and_nowhere_else() {
        let commit = |digit: &str| (Digest::new(Algorithm::GitCommit, digit.repeat(40)).unwrap(), digit.as_bytes().to_vec());
        let agent = Agent::new(Runtime::named("claude-code")).model("anthropic", "a").model("anthropic", "b");
        let run = Run::by_agent(builder::LOCAL, agent)
            .commit_objects(vec![commit("1"), commit("2")])
            .claim(Fact::CommitObjects, Basis::Harness, "git")
            .claim(Fact::Model, Basis::Harness, "transcript:line 3")
            .claim(Fact::Tools, Basis::Harness, "transcript:line 4");
        let stated = stated(run);
        let claims = stated.pointer("/runDetails/metadata/countersign_basis").unwrap().as_object().unwrap();
        let places: Vec<_> = claims.keys().map(String::as_str).collect();
        assert_eq!(
            places,
            [
                "/buildDefinition/internalParameters/agent/model",
                "/buildDefinition/internalParameters/agent/models",
                "/runDetails/byproducts/0",
                "/runDetails/byproducts/1",
            ]
        );
    }

    #[test]
    fn what_ci_says_stands_among_what_the_platform_chose_and_each_fact_has_its_own_claim() {
        let build = Run::build(builder::LOCAL).ci("ref", "refs/heads/main").ci("runId", "7").invocation("https://ci.example.test/7");
        let build = build.claim(Fact::Ci("ref"), Basis::SelfReported, "env:REF").claim(Fact::Times, Basis::Harness, "clock");
        let stated =
            stated(build.claim(Fact::Invocation, Basis::SelfReported, "env:RUN").claim(Fact::Ci("job"), Basis::Harness, "env:JOB"));
        let ci = stated.pointer("/buildDefinition/internalParameters/ci").unwrap();
        assert_eq!(String::from_utf8(ci.canonical()).unwrap(), r#"{"ref":"refs/heads/main","runId":"7"}"#);
        let claims = stated.pointer("/runDetails/metadata/countersign_basis").unwrap();
        let expected = concat!(
            r#"{"/buildDefinition/internalParameters/ci/ref":{"basis":"self-reported","origin":"env:REF"},"#,
            r#""/runDetails/metadata/invocationId":{"basis":"self-reported","origin":"env:RUN"}}"#
        );
        assert_eq!(String::from_utf8(claims.canonical()).unwrap(), expected);
    }

    #[test]
    fn a_prompt_is_the_task_and_a_dependency_and_shows_no_word() {
        let agent = Agent::new(Runtime::named("claude-code")).prompt(record(1)).transcript(record(2));
        let stated = stated(Run::by_agent(builder::LOCAL, agent));
        let digest = record(1).digest();
        for place in ["/buildDefinition/externalParameters/task/content", "/buildDefinition/resolvedDependencies/0"] {
            assert_eq!(stated.pointer(place).unwrap().pointer("/digest/sha256").unwrap().as_str(), Some(digest.hex()), "{place}");
        }
        assert_eq!(stated.pointer("/runDetails/byproducts/0/name").unwrap().as_str(), Some("transcript"));
        assert!(!String::from_utf8(stated.canonical()).unwrap().contains("greeting"));
    }

    #[test]
    fn a_subagent_has_the_fields_of_the_public_draft() {
        let at = |text: &str| text.parse::<Time>().unwrap();
        let subagent = Subagent::new("a1").role("Explore").model("anthropic", "m").tool("Read");
        let subagent = subagent.times(at("2025-12-01T09:00:00.5Z"), at("2025-12-01T09:01:00Z"));
        let stated = stated(Run::by_agent(builder::LOCAL, Agent::new(Runtime::named("claude-code")).subagent(subagent)));
        let expected = concat!(
            r#"[{"agent":{"model":{"modelId":"m","provider":"anthropic"},"tools":[{"name":"Read"}]},"#,
            r#""end":"2025-12-01T09:01:00Z","invocationId":"a1","role":"Explore","start":"2025-12-01T09:00:00Z"}]"#
        );
        let subagents = stated.pointer("/buildDefinition/internalParameters/subagents").unwrap();
        assert_eq!(String::from_utf8(subagents.canonical()).unwrap(), expected);
    }
}
