//! States that an agent worked: ordinary SLSA provenance with the agent, its models and tools, and whom it worked for.
//! Prompts, arguments and the transcript go in under seal only, and no path of the machine at all.

use countersign::predicate::{Agent, Delegator, Fact as Stated, Noticed, Run, Runtime, Subagent, builder};
use countersign::statement::Statement;

use crate::observation::{BASIS, Made, Observation, StateError};
use crate::redaction::Redactions;
use crate::sealing::{Openings, SealedSession, seal_prompt};
use crate::session::{self, Fact, ModelUse, Session, Work};

/// The agent of a run, and what is known of its session.
#[derive(Debug)]
pub struct AgentOfRun {
    agent: Fact<session::Agent>,
    session: Option<SealedSession>,
    delegator: Option<Fact<Delegator>>,
}

impl AgentOfRun {
    /// Begins with the agent, and nothing else known.
    #[must_use]
    pub const fn new(agent: Fact<session::Agent>) -> Self {
        Self { agent, session: None, delegator: None }
    }

    /// Returns which agent it is.
    #[must_use]
    pub const fn agent(&self) -> session::Agent {
        self.agent.value
    }

    /// Adds its session.
    #[must_use]
    pub fn session(mut self, session: SealedSession) -> Self {
        self.session = Some(session);
        self
    }

    /// Adds on whose behalf it worked.
    #[must_use]
    pub fn on_behalf_of(mut self, delegator: Fact<Delegator>) -> Self {
        self.delegator = Some(delegator);
        self
    }
}

/// Makes the statement of an agent's run.
///
/// # Errors
/// [`StateError`] if nothing was made, or the system gives no salts.
pub fn agent_run(made: &Made, agent: AgentOfRun, observation: Observation, openings: &dyn Openings) -> Result<Statement, StateError> {
    let session = agent.session.as_ref().map(|sealed| &sealed.session);
    let runtime = session.map_or_else(|| Runtime::named(agent.agent.value.name()), |session| runtime(&session.runtime.value));
    let runtime_origin = session.map_or(agent.agent.origin.as_str(), |session| session.runtime.origin.as_str());
    let mut stated = Agent::new(runtime);
    let mut prompt_origins = Vec::new();
    let mut redacted = Redactions::default();
    if let Some(prompt) = seal_prompt(session, observation.command_line(), openings)? {
        stated = stated.prompt(prompt.record);
        redacted = prompt.redactions;
        prompt_origins.extend(session.map(|_| "transcript"));
        prompt_origins.extend(observation.command_line().map(|_| "process:argv"));
    }
    if let Some(session) = session {
        stated = with_work(stated, session);
    }
    if let Some(sealed) = &agent.session {
        stated = stated.transcript(sealed.transcript.record.clone());
    }
    if let Some(delegator) = &agent.delegator {
        stated = stated.on_behalf_of(delegator.value.clone());
    }

    let mut run = Run::by_agent(builder::LOCAL, stated).claim(Stated::Runtime, BASIS, origin(runtime_origin)).claim(
        Stated::Prompt,
        BASIS,
        prompt_origins.join(" "),
    );
    run = redacted.tell("prompt", run);
    if let Some(sealed) = &agent.session {
        run = sealed.transcript.redactions.tell("transcript", run);
    }
    if let Some(delegator) = agent.delegator {
        run = run.claim(Stated::Delegator, BASIS, delegator.origin);
    }
    if let Some(session) = session {
        run = with_session(run, session, observation.has_times());
    }
    let subjects = observation.subjects(made);
    let mut run = observation.add_to(run, made);
    if let Some(id) = session.map(|session| &session.id).filter(|id| literal(&id.value) == id.value) {
        run = run.invocation(id.value.as_str()).claim(Stated::Invocation, session::BASIS, origin(&id.origin));
    }
    Ok(run.about(subjects)?)
}

/// Adds models, tools and subagents.
fn with_work(mut agent: Agent, session: &Session) -> Agent {
    for used in models(&session.main, &session.total) {
        agent = agent.model(used.model.provider.as_str(), literal(&used.model.model_id));
    }
    for tool in session.total.tool_calls.keys() {
        agent = agent.tool(literal(tool));
    }
    for subagent in &session.subagents {
        let mut stated = Subagent::new(literal(&subagent.id));
        if let Some(role) = &subagent.role {
            stated = stated.role(literal(&role.value));
        }
        for used in models(&subagent.work, &subagent.work) {
            stated = stated.model(used.model.provider.as_str(), literal(&used.model.model_id));
        }
        for tool in subagent.work.tool_calls.keys() {
            stated = stated.tool(literal(tool));
        }
        if let (Some(started), Some(finished)) = (&subagent.work.started, &subagent.work.finished) {
            stated = stated.times(started.value, finished.value);
        }
        agent = agent.subagent(stated);
    }
    agent
}

/// Adds what the transcript says of the run as a whole; our own clock goes before its times.
fn with_session(mut run: Run, session: &Session, has_times: bool) -> Run {
    if !has_times && let (Some(started), Some(finished)) = (&session.total.started, &session.total.finished) {
        run = run.started(started.value).finished(finished.value);
        run = run.claim(Stated::Times, session::BASIS, format!("{} {}", origin(&started.origin), origin(&finished.origin)));
    }
    if let Some(usage) = &session.total.usage {
        run = run.usage(&usage.value).claim(Stated::Usage, session::BASIS, origin(&usage.origin));
    }
    if let Some(used) = models(&session.main, &session.total).first() {
        run = run.claim(Stated::Model, session::BASIS, origin(&used.origin));
    }
    if let Some(first) = session.total.tool_calls.values().next() {
        run = run.claim(Stated::Tools, session::BASIS, origin(&first.origin));
    }
    if session.bad_lines > 0 || session.oversized_files > 0 || session.prompts_left_out > 0 {
        run = run.finding(Noticed::TranscriptPartlyUnread);
    }
    run.claim(Stated::Subagents, session::BASIS, "transcript").claim(Stated::Transcript, session::BASIS, "transcript")
}

/// Returns the models that answered, the one that answered the main agent most often first.
fn models<'a>(main: &'a Work, total: &'a Work) -> Vec<&'a ModelUse> {
    // The first of several maxima, since sorting is stable.
    let mut models: Vec<_> = main.models.iter().collect();
    models.sort_by_key(|used| std::cmp::Reverse(used.responses));
    for used in &total.models {
        if !models.iter().any(|known| known.model == used.model) {
            models.push(used);
        }
    }
    models
}

fn runtime(runtime: &Runtime) -> Runtime {
    Runtime { name: runtime.name.clone(), version: runtime.version.clone().filter(|version| literal(version) == *version) }
}

/// Returns a name as it may stand in a statement: what looks like a sentence may be one.
fn literal(name: &str) -> String {
    let is_name =
        (1..=NAME_CHARACTERS).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-:/@+".contains(&byte));
    if is_name { name.to_owned() } else { "[redacted:not-a-name]".to_owned() }
}

/// Returns an origin without the names of files beside the transcript.
fn origin(origin: &str) -> String {
    match origin.strip_prefix("transcript:") {
        Some(place) if !place.starts_with("line ") => {
            let line = place.rsplit_once(":line ").map_or(String::new(), |(_, line)| format!(":line {line}"));
            format!("transcript:subagent{line}")
        }
        _ => origin.to_owned(),
    }
}

const NAME_CHARACTERS: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_shows_no_file_name() {
        assert_eq!(origin("transcript:line 12"), "transcript:line 12");
        assert_eq!(origin("transcript:subagents/secret/agent-1.jsonl:line 2"), "transcript:subagent:line 2");
        assert_eq!(origin("argument:--agent"), "argument:--agent");
    }

    #[test]
    fn what_could_be_a_sentence_is_no_name() {
        assert_eq!(literal("mcp__server__read-file"), "mcp__server__read-file");
        assert_eq!(literal("claude-opus-4-1@20250805"), "claude-opus-4-1@20250805");
        for text in ["delete all of it", "", "a\nb", &"x".repeat(200)] {
            assert_eq!(literal(text), "[redacted:not-a-name]");
        }
    }
}
