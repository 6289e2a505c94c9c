//! Who worked in a run: the agent, its models, tools and subagents, and the person it worked for.
//! What was worked on, and how that ended, stands in `run`.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::json::{Json, Object};
use crate::predicate::provenance::{BuildType, Provenance};
use crate::seal::SealedRecord;
use crate::time::Time;

/// Who worked, by what, and for whom.
#[derive(Clone, Debug)]
pub struct Agent {
    runtime: Runtime,
    models: Vec<Model>,
    pub(super) requested_model: Option<String>,
    pub(super) permission_mode: Option<String>,
    tools: Vec<String>,
    subagents: Vec<Subagent>,
    delegator: Option<Delegator>,
    pub(super) prompt: Option<SealedRecord>,
    pub(super) transcript: Option<SealedRecord>,
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

    /// Adds the model that the caller asked for, which need not be the one that answered.
    #[must_use]
    pub fn requested_model(mut self, model_id: impl Into<String>) -> Self {
        self.requested_model = Some(model_id.into());
        self
    }

    /// Adds the permission mode that the caller asked for.
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
    pub fn subagent(mut self, subagent: Subagent) -> Self {
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

    pub(super) fn internal_parameters(self) -> Object {
        let json = |value: Result<Json, _>| value.unwrap_or(Json::Null);
        let mut agent = work(&self.models, &self.tools);
        agent.insert("runtime".to_owned(), json(Json::of(&self.runtime)));
        let mut parameters = Object::from([("agent".to_owned(), Json::Object(agent))]);
        if !self.subagents.is_empty() {
            let subagents = self.subagents.into_iter().map(Subagent::into_json);
            parameters.insert("subagents".to_owned(), Json::Array(subagents.collect()));
        }
        if let Some(delegator) = &self.delegator {
            parameters.insert("onBehalfOf".to_owned(), json(Json::of(delegator)));
        }
        parameters
    }
}

/// An agent that another agent started.
#[derive(Clone, Debug, Default)]
pub struct Subagent {
    id: String,
    role: Option<String>,
    models: Vec<Model>,
    tools: Vec<String>,
    times: Option<(Time, Time)>,
}

impl Subagent {
    /// Names the subagent by its id within the run.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), ..Self::default() }
    }

    /// Adds the kind of agent that it was started as.
    #[must_use]
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.role = Some(role.into());
        self
    }

    /// Adds a model that answered; the first is the one that did the work.
    #[must_use]
    pub fn model(mut self, provider: impl Into<String>, model_id: impl Into<String>) -> Self {
        self.models.push(Model { provider: provider.into(), model_id: model_id.into() });
        self
    }

    /// Adds a tool that was used, by name.
    #[must_use]
    pub fn tool(mut self, name: impl Into<String>) -> Self {
        self.tools.push(name.into());
        self
    }

    /// Adds when it began and ended.
    #[must_use]
    pub const fn times(mut self, start: Time, end: Time) -> Self {
        self.times = Some((start.whole_seconds(), end.whole_seconds()));
        self
    }

    fn into_json(self) -> Json {
        let mut subagent = Object::from([("invocationId".to_owned(), Json::from(self.id))]);
        if let Some(role) = self.role {
            subagent.insert("role".to_owned(), Json::from(role));
        }
        let agent = work(&self.models, &self.tools);
        if !agent.is_empty() {
            subagent.insert("agent".to_owned(), Json::Object(agent));
        }
        if let Some((start, end)) = self.times {
            subagent.insert("start".to_owned(), Json::from(start.to_string()));
            subagent.insert("end".to_owned(), Json::from(end.to_string()));
        }
        Json::Object(subagent)
    }
}

/// Returns the models and tools of an agent or a subagent: `models` only where there are several.
fn work(models: &[Model], tools: &[String]) -> Object {
    // INVARIANT: names always have a JSON form.
    let json = |model: &Model| Json::of(model).unwrap_or(Json::Null);
    let mut work = Object::new();
    if let Some(model) = models.first() {
        work.insert("model".to_owned(), json(model));
    }
    if models.len() > 1 {
        work.insert("models".to_owned(), Json::Array(models.iter().map(json).collect()));
    }
    if !tools.is_empty() {
        let tools = tools.iter().map(|name| Json::Object(Object::from([("name".to_owned(), Json::from(name.as_str()))])));
        work.insert("tools".to_owned(), Json::Array(tools.collect()));
    }
    work
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

impl FromStr for Delegator {
    type Err = NotADelegator;

    /// Reads `[ISSUER#]SUBJECT`; without an issuer, the name is one that only this machine knows.
    fn from_str(text: &str) -> Result<Self, NotADelegator> {
        let (issuer, subject) = text.rsplit_once('#').unwrap_or((LOCAL_ISSUER, text));
        let is_name =
            |name: &str| !name.is_empty() && name.len() <= NAME_BYTES && !name.chars().any(|c| c.is_control() || c.is_whitespace());
        if is_name(issuer) && is_name(subject) {
            Ok(Self { issuer: issuer.to_owned(), subject: subject.to_owned() })
        } else {
            Err(NotADelegator)
        }
    }
}

/// The text names nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected `[ISSUER#]SUBJECT` without blanks, such as `maintainer@example.test`")]
pub struct NotADelegator;

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

const LOCAL_ISSUER: &str = "local";
const NAME_BYTES: usize = 1_024;

impl Provenance {
    /// Returns the program that the agent ran in; `None` where the provenance is of no agent's run, or doesn't say.
    #[must_use]
    pub fn runtime(&self) -> Option<Runtime> {
        self.agent()?.get("runtime")?.to().ok()
    }

    /// Returns on whose behalf the agent worked, where that can be read.
    #[must_use]
    pub fn delegator(&self) -> Option<Delegator> {
        self.agent()?;
        self.build_definition.internal_parameters.get("onBehalfOf")?.to().ok()
    }

    /// Returns every model that is said to have answered: the agent's first, then its subagents'.
    ///
    /// `None` where the agent names no model, or any is named in a way that can't be read: a model that is left out
    /// would be a model that nobody judges.
    #[must_use]
    pub fn models(&self) -> Option<Vec<Model>> {
        let agent = self.agent()?;
        let mut models = vec![agent.get("model")?.to().ok()?];
        let items = |json: Option<&'_ Json>| json.map_or(Some(Vec::new()), |json| Some(json.as_array()?.to_vec()));
        let subagents = items(self.build_definition.internal_parameters.get("subagents"))?;
        let subagents: Vec<_> = subagents.iter().filter_map(|subagent| subagent.get("agent")).collect();
        for agent in std::iter::once(agent).chain(subagents) {
            agent.as_object()?;
            let stated = agent.get("model").cloned().into_iter().chain(items(agent.get("models"))?);
            for model in stated {
                let model = model.to().ok()?;
                if !models.contains(&model) {
                    models.push(model);
                }
            }
        }
        Some(models)
    }

    /// Returns the name of every tool that the agent or a subagent is said to have used or had.
    ///
    /// `None` where the agent or any subagent states no tools, or one in a way that can't be read: what isn't listed
    /// could have been anything. An MCP server that stands among the tools goes by its own name.
    #[must_use]
    pub fn tools(&self) -> Option<Vec<String>> {
        let agent = self.agent()?;
        let subagents = match self.build_definition.internal_parameters.get("subagents") {
            Some(subagents) => subagents.as_array()?,
            None => &[],
        };
        let mut tools = Vec::new();
        for agent in std::iter::once(Some(agent)).chain(subagents.iter().map(|subagent| subagent.get("agent"))) {
            for tool in agent?.get("tools")?.as_array()? {
                let name = tool.get("name")?.as_str()?;
                if !tools.iter().any(|known| known == name) {
                    tools.push(name.to_owned());
                }
            }
        }
        Some(tools)
    }

    fn agent(&self) -> Option<&Json> {
        let is_run = BuildType::of(&self.build_definition.build_type).is_some_and(BuildType::is_agent_run);
        self.build_definition.internal_parameters.get("agent").filter(|_| is_run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::Statement;

    /// The first draft calls a subagent's times otherwise than the others; no fact of ours depends on it.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "the golden statements lie beside the crates")]
    fn each_draft_of_agent_commit_gives_the_facts_that_our_own_run_gives() {
        for version in ["0.1", "0.2", "0.3"] {
            let path = format!("{}/../../testdata/golden/agent-commit-v{version}.json", env!("CARGO_MANIFEST_DIR"));
            let statement = Statement::parse(&std::fs::read(path).unwrap()).unwrap();
            let provenance: Provenance = statement.predicate.to().unwrap();
            assert_eq!(provenance.build_definition.build_type, format!("https://refs.arewm.com/agent-commit/v{version}"));
            assert_eq!(provenance.runtime(), Some(Runtime { name: "claude-code".to_owned(), version: Some("2.0.55".to_owned()) }));
            let models: Vec<_> = provenance.models().unwrap().into_iter().map(|model| model.model_id).collect();
            assert_eq!(models, ["claude-sonnet-4-5-20250929", "claude-haiku-4-5-20251001"]);
            assert_eq!(provenance.tools().unwrap(), ["mcp-github", "mcp-filesystem"]);
            assert_eq!(provenance.delegator(), None, "the draft has no place for one");
            let source = provenance.source().unwrap();
            assert_eq!(source.repository, "https://example.test/demo");
            assert_eq!(source.reference.as_deref(), Some("refs/heads/main"));
            assert_eq!(Json::of(&provenance).unwrap(), statement.predicate, "what isn't read is kept");
        }
    }

    #[test]
    fn tools_are_known_only_if_everybody_who_worked_states_them() {
        let tools = |internal: &str| {
            let text = format!(
                r#"{{"buildDefinition":{{"buildType":"https://countersign.dev/agent-run/v1","externalParameters":{{}},"internalParameters":{internal}}},"runDetails":{{"builder":{{"id":"x"}}}}}}"#
            );
            Json::parse(text.as_bytes()).unwrap().to::<Provenance>().unwrap().tools()
        };
        let names = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(tools(r#"{"agent":{"tools":[{"name":"Read"},{"name":"Read","x":1}]}}"#), names(&["Read"]));
        assert_eq!(tools(r#"{"agent":{"tools":[]},"subagents":[{"agent":{"tools":[{"name":"Bash"}]}}]}"#), names(&["Bash"]));
        for unknown in [
            r#"{}"#,
            r#"{"agent":{}}"#,
            r#"{"agent":{"tools":["Read"]}}"#,
            r#"{"agent":{"tools":{"name":"Read"}}}"#,
            r#"{"agent":{"tools":[]},"subagents":{}}"#,
            r#"{"agent":{"tools":[]},"subagents":[{}]}"#,
            r#"{"agent":{"tools":[]},"subagents":[{"agent":{}}]}"#,
        ] {
            assert_eq!(tools(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn a_delegator_without_an_issuer_is_local() {
        let delegator = |text: &str| text.parse::<Delegator>().map(|d| (d.issuer, d.subject));
        let pair = |issuer: &str, subject: &str| Ok((issuer.to_owned(), subject.to_owned()));
        assert_eq!(delegator("maintainer@example.test"), pair("local", "maintainer@example.test"));
        assert_eq!(delegator("https://id.example.test#42"), pair("https://id.example.test", "42"));
        for nobody in ["", "#", "a#", "#a", "a b", "a\nb"] {
            assert_eq!(delegator(nobody), Err(NotADelegator), "{nobody:?}");
        }
    }
}
