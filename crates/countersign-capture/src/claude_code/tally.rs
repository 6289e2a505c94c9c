//! What the records of Claude Code say, counted once each and by the agent and session that they belong to.
//! It reads no file; whatever a record holds beyond the facts is left alone.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use countersign::digest::Digest;
use countersign::json::Json;
use countersign::predicate::{Runtime, Usage};

use super::{RUNTIME, is_id};
use crate::lines::Line;
use crate::session::{Fact, Inherited, Leaf, ModelUse, PROMPT_BYTES, Session, Subagent, Work};

/// Where records come from.
pub(super) struct Source<'a> {
    /// What an origin begins with.
    pub(super) origin: String,
    /// The subagent whose file it is.
    pub(super) agent: Option<&'a str>,
    /// The session whose folder it lies in; otherwise the records tell.
    pub(super) session: Option<&'a str>,
}

#[derive(Default)]
pub(super) struct Tally {
    pub(super) lines: u64,
    pub(super) oversized_files: u64,
    file_stem: String,
    bad_lines: u64,
    repeated_lines: u64,
    records: BTreeMap<String, u64>,
    /// All sessions that records belong to.
    sessions: BTreeMap<String, Inherited>,
    last_session: Option<String>,
    parts: Vec<Part>,
    part_of: HashMap<(String, Option<String>), usize>,
    responses: Vec<Response>,
    response_of: HashMap<String, usize>,
    /// Ids of records, tool calls and tool results that were counted.
    counted: HashSet<String>,
    /// The subagent of each record that belongs to one without an id.
    chains: HashMap<String, usize>,
    chain_count: usize,
    role_of_call: HashMap<String, Fact<String>>,
    role_of_prompt: HashMap<String, Fact<String>>,
    role_of_agent: HashMap<String, Fact<String>>,
    agents_named: BTreeSet<String>,
    prompt_bytes: usize,
    prompts_left_out: u64,
}

/// What one agent did in one session.
struct Part {
    session: String,
    agent: Option<String>,
    work: Work,
    prompts: Vec<Leaf>,
    version: Option<Fact<String>>,
}

/// One response of the API, which may span several records with growing usage.
struct Response {
    part: usize,
    model: Option<String>,
    usage: Option<Usage>,
    origin: String,
    last_origin: String,
}

impl Tally {
    /// Begins to count a transcript that is named after a session, or after something else.
    pub(super) fn of(file_stem: &str) -> Self {
        Self { file_stem: file_stem.to_owned(), ..Self::default() }
    }

    /// Counts one line and returns its kind as a leaf.
    pub(super) fn add(&mut self, source: &Source<'_>, number: u64, line: &Line<'_>) -> String {
        self.lines += 1;
        let origin = format!("{}:line {number}", source.origin);
        let of_subagent = |agent: Option<&str>, kind: &str| match agent {
            Some(id) => format!("subagent/{id}/{kind}"),
            None => kind.to_owned(),
        };
        let Line::Whole(bytes) = line else {
            self.bad_lines += 1;
            return of_subagent(source.agent, "oversized-line");
        };
        let Some(record) = Json::parse(bytes).ok().filter(is_readable) else {
            self.bad_lines += 1;
            return of_subagent(source.agent, "bad-line");
        };
        let agent = source.agent.map(str::to_owned).or_else(|| self.sidechain(&record));
        let kind = of_subagent(agent.as_deref(), kind_of(&record));
        if source.agent.is_none() {
            *self.records.entry(type_of(&record).to_owned()).or_default() += 1;
        }
        let session = source.session.or_else(|| session_of(&record)).unwrap_or_default().to_owned();
        if source.session.is_none() && !session.is_empty() {
            let known = self.sessions.entry(session.clone()).or_insert_with(|| Inherited::first(&origin));
            known.lines += 1;
            self.last_session = Some(session.clone());
        }
        if text(&record, "uuid").is_some_and(|uuid| !self.first_time("record", uuid)) {
            self.repeated_lines += 1;
            return kind;
        }
        let part = self.part(session, agent);
        self.read(part, &record, &origin);
        kind
    }

    /// Returns the session that a transcript is of: the one it is named after, or else the one it ends with, because
    /// lines of other sessions are copied to its beginning.
    pub(super) fn session_id(&self) -> Option<Fact<String>> {
        let named = self.sessions.contains_key(&self.file_stem).then(|| self.file_stem.clone());
        let value = named.or_else(|| self.last_session.clone())?;
        let origin = self.sessions.get(&value)?.origin.clone();
        Some(Fact { value, origin })
    }

    pub(super) fn has_role(&mut self, agent: &str, role: Fact<String>) {
        if role.value.len() <= NAME_BYTES {
            self.role_of_agent.insert(agent.to_owned(), role);
        }
    }

    /// Returns the subagents that tool results name.
    pub(super) fn agents_named(&self) -> impl Iterator<Item = &str> {
        self.agents_named.iter().map(String::as_str)
    }

    /// Returns the facts of that session.
    pub(super) fn finish(mut self, id: Fact<String>) -> Session {
        let own = |part: &Part| part.session.is_empty() || part.session == id.value;
        let mut answers: BTreeMap<Option<String>, Vec<&Response>> = BTreeMap::new();
        let mut all = Vec::new();
        for response in &self.responses {
            if let Some(part) = self.parts.get(response.part).filter(|part| own(part)) {
                answers.entry(part.agent.clone()).or_default().push(response);
                all.push(response);
            }
        }
        let mut total = Work::default();
        count_responses(&mut total, &all);
        let mut main = Work::default();
        count_responses(&mut main, answers.get(&None).map_or(&[], Vec::as_slice));

        let (mut version, mut prompts, mut subagents) = (None::<Fact<String>>, Vec::new(), Vec::<Subagent>::new());
        let mut subagent_of: HashMap<String, usize> = HashMap::new();
        for part in self.parts.drain(..).filter(|part| own(part)) {
            total.add_deeds(&part.work);
            let Some(agent) = part.agent else {
                main.add_deeds(&part.work);
                prompts.extend(part.prompts);
                version = part.version.or(version);
                continue;
            };
            let index = *subagent_of.entry(agent.clone()).or_insert(subagents.len());
            if let Some(subagent) = subagents.get_mut(index) {
                subagent.work.add_deeds(&part.work);
                subagent.prompts.extend(part.prompts);
                continue;
            }
            let mut work = Work::default();
            count_responses(&mut work, answers.get(&Some(agent.clone())).map_or(&[], Vec::as_slice));
            work.add_deeds(&part.work);
            let told = part.prompts.first().and_then(|prompt| self.role_of_prompt.remove(&hash(&prompt.body)));
            let role = self.role_of_agent.remove(&agent).or(told);
            subagents.push(Subagent { id: agent, role, prompts: part.prompts, work });
        }
        self.sessions.remove(&id.value);
        let (version, origin) = version.map_or_else(|| (None, id.origin.clone()), |fact| (Some(fact.value), fact.origin));
        Session {
            id,
            inherited: self.sessions,
            runtime: Fact { value: Runtime { version, ..Runtime::named(RUNTIME) }, origin },
            prompts,
            prompts_left_out: self.prompts_left_out,
            main,
            total,
            subagents,
            lines: self.lines,
            bad_lines: self.bad_lines,
            repeated_lines: self.repeated_lines,
            records: self.records,
            oversized_files: self.oversized_files,
        }
    }

    fn read(&mut self, at: usize, record: &Json, origin: &str) {
        let Some(part) = self.parts.get_mut(at) else { return };
        if let Some(time) = text(record, "timestamp").and_then(|time| time.parse().ok()) {
            part.work.was_at(time, origin);
        }
        if let Some(version) = text(record, "version") {
            part.version = Some(Fact { value: version.to_owned(), origin: origin.to_owned() });
        }
        match type_of(record) {
            "assistant" => self.answered(at, record, origin),
            "user" => self.user(at, record),
            // What a user types while the agent is busy never becomes a record of type `user`.
            "attachment" => {
                let attachment = record.get("attachment");
                let is = |key, value| attachment.and_then(|a| a.get(key)).and_then(Json::as_str) == Some(value);
                if is("type", "queued_command") && is("commandMode", "prompt") {
                    self.asked(at, record, attachment.and_then(|a| a.get("prompt")));
                }
            }
            _ => {}
        }
    }

    fn answered(&mut self, at: usize, record: &Json, origin: &str) {
        let Some(message) = record.get("message") else { return };
        let model = text(message, "model");
        // The harness writes messages of its own under this name, for example after an interruption.
        if model != Some("<synthetic>") {
            let id = text(message, "id").or_else(|| text(record, "requestId"));
            let known = id.and_then(|id| self.response_of.get(id).copied()).unwrap_or(self.responses.len());
            if let Some(id) = id {
                self.response_of.insert(id.to_owned(), known);
            }
            let usage = message.get("usage").map(usage_of);
            if let Some(response) = self.responses.get_mut(known) {
                response.usage = usage.or(response.usage);
                origin.clone_into(&mut response.last_origin);
            } else {
                let (first, last) = (origin.to_owned(), origin.to_owned());
                let model = model.map(str::to_owned);
                self.responses.push(Response { part: at, model, usage, origin: first, last_origin: last });
            }
        }
        for block in blocks(message, "tool_use") {
            let Some(name) = text(block, "name") else { continue };
            let id = text(block, "id");
            if id.is_some_and(|id| !self.first_time("call", id)) {
                continue;
            }
            let input = block.get("input");
            let Some(part) = self.parts.get_mut(at) else { return };
            part.work.called(name, 1, origin);
            let path = WRITERS.iter().find(|(tool, _)| *tool == name).and_then(|(_, key)| input?.get(key)?.as_str());
            if let Some(path) = path {
                part.work.wrote(path, origin);
            }
            if let (true, Some(role)) = (STARTERS.contains(&name), input.and_then(|input| text(input, "subagent_type"))) {
                let role = Fact { value: role.to_owned(), origin: origin.to_owned() };
                if let Some(prompt) = input.and_then(|input| input.get("prompt")).and_then(Json::as_str) {
                    self.role_of_prompt.insert(hash(prompt.as_bytes()), role.clone());
                }
                if let Some(id) = id {
                    self.role_of_call.insert(id.to_owned(), role);
                }
            }
        }
    }

    fn user(&mut self, at: usize, record: &Json) {
        let Some(message) = record.get("message") else { return };
        for block in blocks(message, "tool_result") {
            let call = text(block, "tool_use_id");
            if let (Some(call), Some(agent)) = (call, record.pointer("/toolUseResult/agentId").and_then(Json::as_str))
                && is_id(agent)
            {
                self.agents_named.insert(agent.to_owned());
                if let Some(role) = self.role_of_call.get(call).cloned() {
                    self.role_of_agent.entry(agent.to_owned()).or_insert(role);
                }
            }
            let failed = block.get("is_error") == Some(&Json::Bool(true));
            let counts = failed && call.is_none_or(|id| self.first_time("result", id));
            if let (true, Some(part)) = (counts, self.parts.get_mut(at)) {
                part.work.tool_errors += 1;
            }
        }
        self.asked(at, record, message.get("content"));
    }

    /// Keeps the text of a prompt, unless the harness wrote it.
    fn asked(&mut self, at: usize, record: &Json, content: Option<&Json>) {
        let by_harness = ["isMeta", "isCompactSummary"].iter().any(|flag| record.get(flag) == Some(&Json::Bool(true)));
        let body = match content {
            Some(Json::String(prompt)) => prompt.clone(),
            Some(Json::Array(blocks)) => {
                let texts = blocks.iter().filter(|block| text(block, "type") == Some("text"));
                texts.filter_map(|block| block.get("text")?.as_str()).collect::<Vec<_>>().join("\n")
            }
            _ => return,
        };
        if by_harness || body.is_empty() {
            return;
        }
        if !self.has_room(at, body.len()) {
            self.prompts_left_out += 1;
            return;
        }
        let Some(part) = self.parts.get_mut(at) else { return };
        let kind = part.agent.as_ref().map_or_else(|| "prompt".to_owned(), |agent| format!("subagent/{agent}/prompt"));
        self.prompt_bytes += body.len();
        part.prompts.push(Leaf { kind, body: body.into_bytes() });
    }

    /// Makes room for a prompt at the cost of what other sessions left behind, and tells whether there is any.
    fn has_room(&mut self, at: usize, bytes: usize) -> bool {
        if self.prompt_bytes + bytes > PROMPT_BYTES {
            let session = self.parts.get(at).map(|part| part.session.clone()).unwrap_or_default();
            let kept = [String::new(), session, self.file_stem.clone()];
            for part in self.parts.iter_mut().filter(|part| !kept.contains(&part.session)) {
                self.prompt_bytes -= part.prompts.iter().map(|prompt| prompt.body.len()).sum::<usize>();
                self.prompts_left_out += part.prompts.len() as u64;
                part.prompts.clear();
            }
        }
        self.prompt_bytes + bytes <= PROMPT_BYTES
    }

    /// Returns the subagent of a record in the main transcript: by its id, or by the chain of records it continues.
    fn sidechain(&mut self, record: &Json) -> Option<String> {
        if record.get("isSidechain") != Some(&Json::Bool(true)) {
            return None;
        }
        if let Some(agent) = text(record, "agentId") {
            return Some(agent.to_owned());
        }
        let parent = text(record, "parentUuid").and_then(|parent| self.chains.get(parent).copied());
        let known = text(record, "uuid").and_then(|uuid| self.chains.get(uuid).copied());
        let chain = known.or(parent).unwrap_or_else(|| {
            self.chain_count += 1;
            self.chain_count
        });
        if let Some(uuid) = text(record, "uuid") {
            self.chains.insert(uuid.to_owned(), chain);
        }
        Some(format!("sidechain-{chain}"))
    }

    fn part(&mut self, session: String, agent: Option<String>) -> usize {
        let next = self.parts.len();
        let at = *self.part_of.entry((session.clone(), agent.clone())).or_insert(next);
        if at == next {
            self.parts.push(Part { session, agent, work: Work::default(), prompts: Vec::new(), version: None });
        }
        at
    }

    fn first_time(&mut self, what: &str, id: &str) -> bool {
        self.counted.insert(format!("{what} {id}"))
    }
}

fn count_responses(work: &mut Work, responses: &[&Response]) {
    let mut known: HashMap<&str, usize> = HashMap::new();
    for response in responses {
        work.responses += 1;
        if let Some(model) = response.model.as_deref() {
            let next = work.models.len();
            let at = *known.entry(model).or_insert(next);
            if at == next {
                work.models.push(ModelUse::new("anthropic", model, &response.origin));
            }
            if let Some(model) = work.models.get_mut(at) {
                model.responses += 1;
            }
        }
        if let Some(usage) = response.usage {
            work.consumed(usage, &response.last_origin);
        }
    }
}

/// Tells whether the names in a record are such as can be counted; a line that hides one behind its length is bad.
fn is_readable(record: &Json) -> bool {
    let within = |value: Option<&Json>, most| value.and_then(Json::as_str).is_none_or(|text| text.len() <= most);
    let is_id = |key| record.get(key).and_then(Json::as_str).is_none_or(is_id);
    let message = record.get("message");
    is_id("sessionId")
        && is_id("agentId")
        && within(message.and_then(|m| m.get("model")), NAME_BYTES)
        && message.into_iter().flat_map(|message| blocks(message, "tool_use")).all(|block| {
            let path = |key| within(block.get("input").and_then(|input| input.get(key)), PATH_BYTES);
            within(block.get("name"), NAME_BYTES) && WRITERS.iter().all(|(_, key)| path(key))
        })
}

/// Returns the session that a record belongs to: one that was copied by a fork belongs to where it comes from.
fn session_of(record: &Json) -> Option<&str> {
    let from = record.get("forkedFrom");
    let forked = from.and_then(|from| from.get("sessionId").unwrap_or(from).as_str()).filter(|id| is_id(id));
    forked.or_else(|| text(record, "sessionId"))
}

fn type_of(record: &Json) -> &str {
    text(record, "type").filter(|kind| is_id(kind)).unwrap_or("unknown")
}

fn kind_of(record: &Json) -> &str {
    match type_of(record) {
        "user" if record.get("message").is_some_and(|message| blocks(message, "tool_result").next().is_some()) => "tool-result",
        kind => kind,
    }
}

fn blocks<'a>(message: &'a Json, kind: &'a str) -> impl Iterator<Item = &'a Json> {
    let content = message.get("content").and_then(Json::as_array).unwrap_or_default();
    content.iter().filter(move |block| text(block, "type") == Some(kind))
}

fn usage_of(usage: &Json) -> Usage {
    let tokens = |key| usage.get(key).and_then(Json::as_integer).and_then(|n| u64::try_from(n).ok()).unwrap_or_default();
    Usage {
        input_tokens: tokens("input_tokens"),
        output_tokens: tokens("output_tokens"),
        cache_creation_input_tokens: tokens("cache_creation_input_tokens"),
        cache_read_input_tokens: tokens("cache_read_input_tokens"),
    }
}

/// Returns a member that is a text of a name's length.
fn text<'a>(value: &'a Json, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Json::as_str).filter(|text| !text.is_empty() && text.len() <= NAME_BYTES)
}

fn hash(bytes: &[u8]) -> String {
    Digest::sha256(bytes).hex().to_owned()
}

/// Longest id or name that is kept, in bytes.
const NAME_BYTES: usize = 256;
/// Longest path that is kept, in bytes.
const PATH_BYTES: usize = 4_096;
/// The tools that write a file, and which member of their input names it.
const WRITERS: &[(&str, &str)] =
    &[("Write", "file_path"), ("Edit", "file_path"), ("MultiEdit", "file_path"), ("NotebookEdit", "notebook_path")];
/// The tools that start a subagent, by their earlier and their later name.
const STARTERS: &[&str] = &["Task", "Agent"];
