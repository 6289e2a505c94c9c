//! What a coding agent's transcript says about one run, whatever agent wrote it.
//! It knows no agent's format; each has a file of its own, chosen in [`Session::read_with`].

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use countersign::predicate::{Basis, Model, Runtime, Usage};
use countersign::time::Time;

use crate::claude_code;

/// The claimed basis of every fact in a transcript: the agent's own harness wrote it.
pub const BASIS: Basis = Basis::Harness;

/// An agent whose transcripts can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agent {
    /// Claude Code.
    ClaudeCode,
}

impl Agent {
    /// All of them.
    pub const ALL: [Self; 1] = [Self::ClaudeCode];

    /// Returns the name that statements have.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClaudeCode => claude_code::RUNTIME,
        }
    }

    /// Returns the name of the program that runs it.
    #[must_use]
    pub const fn program(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude",
        }
    }
}

impl FromStr for Agent {
    type Err = TranscriptError;

    fn from_str(name: &str) -> Result<Self, TranscriptError> {
        let unknown = || TranscriptError::UnknownAgent { agent: name.chars().take(NAME_CHARACTERS).collect() };
        Self::ALL.into_iter().find(|agent| agent.name() == name).ok_or_else(unknown)
    }
}

/// Most bytes of prompts that a [`Session`] holds; what is beyond is counted and stands in the leaves only.
pub const PROMPT_BYTES: usize = 16 << 20;

/// The facts of one agent run.
#[derive(Debug)]
#[non_exhaustive]
pub struct Session {
    /// The session's own id.
    pub id: Fact<String>,
    /// Other sessions from which lines were copied into this transcript; what those lines say is not counted.
    pub inherited: BTreeMap<String, Inherited>,
    /// The program that ran the agent, in the version that wrote the last line that names one.
    pub runtime: Fact<Runtime>,
    /// What people asked, in order, each of kind `prompt`.
    pub prompts: Vec<Leaf>,
    /// Prompts, of people or for subagents, that [`PROMPT_BYTES`] left no room for.
    pub prompts_left_out: u64,
    /// What the main agent did.
    pub main: Work,
    /// What the main agent and its subagents did together.
    pub total: Work,
    /// The agents that the main agent started, in order of first appearance.
    pub subagents: Vec<Subagent>,
    /// Lines of the transcript and of its subagents' transcripts that aren't blank.
    pub lines: u64,
    /// Lines that couldn't be read: not strict JSON, cut off, or too long.
    pub bad_lines: u64,
    /// Lines that repeat a message seen before, and weren't counted again.
    pub repeated_lines: u64,
    /// Records of the main transcript by the type that the agent gave them.
    pub records: BTreeMap<String, u64>,
    /// Files beside the transcript that are too large to be sealed whole.
    pub oversized_files: u64,
}

impl Session {
    /// Reads the facts of the run whose transcript lies at a path.
    ///
    /// # Errors
    /// As [`Session::read_with`].
    pub fn read(agent: Agent, transcript: &Path) -> Result<Self, TranscriptError> {
        Self::read_with(agent, transcript, &mut |_, _| {})
    }

    /// Reads the facts, and hands every message of the transcript to `leaf` as kind and body, in order.
    ///
    /// The bodies are what the agent wrote, thinking included: they are for sealing, never for printing. A line beyond
    /// 16 MiB is handed over as kind `oversized-line` with its length as body. Memory grows with the facts, not with
    /// the transcript.
    ///
    /// # Errors
    /// [`TranscriptError`] for a transcript that can't be read, is empty, or isn't one.
    /// Single lines that can't be read are counted in `bad_lines`.
    pub fn read_with(agent: Agent, transcript: &Path, leaf: &mut dyn FnMut(&str, &[u8])) -> Result<Self, TranscriptError> {
        match agent {
            Agent::ClaudeCode => claude_code::read(transcript, leaf),
        }
    }
}

/// A value and the place it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact<T> {
    /// The value.
    pub value: T,
    /// The place, such as `transcript:line 12`.
    pub origin: String,
}

/// Lines that belong to another session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inherited {
    /// How many such lines there are.
    pub lines: u64,
    /// The first of them.
    pub origin: String,
}

impl Inherited {
    pub(crate) fn first(origin: &str) -> Self {
        Self { lines: 0, origin: origin.to_owned() }
    }
}

/// What one agent, or several together, did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Work {
    /// The models that answered, in order of first use.
    pub models: Vec<ModelUse>,
    /// Responses of the model's API.
    pub responses: u64,
    /// The tokens of all responses, if any response told; the origin is the last response that did. What a cache held
    /// isn't counted again among the input tokens.
    pub usage: Option<Fact<Usage>>,
    /// Calls by tool name; the origin is the first call.
    pub tool_calls: BTreeMap<String, Fact<u64>>,
    /// Paths that a writing tool was called with, as the transcript has them, and where it first was.
    pub files_written: BTreeMap<String, String>,
    /// Tool results that were errors.
    pub tool_errors: u64,
    /// The earliest time of any record.
    pub started: Option<Fact<Time>>,
    /// The latest time of any record.
    pub finished: Option<Fact<Time>>,
}

impl Work {
    /// Adds what another did, but for models, responses and usage, which are counted from the responses.
    pub(crate) fn add_deeds(&mut self, other: &Self) {
        for (name, calls) in &other.tool_calls {
            self.called(name, calls.value, &calls.origin);
        }
        for (path, origin) in &other.files_written {
            self.wrote(path, origin);
        }
        self.tool_errors += other.tool_errors;
        for time in [&other.started, &other.finished].into_iter().flatten() {
            self.was_at(time.value, &time.origin);
        }
    }

    pub(crate) fn called(&mut self, tool: &str, calls: u64, origin: &str) {
        match self.tool_calls.get_mut(tool) {
            Some(known) => known.value += calls,
            None => drop(self.tool_calls.insert(tool.to_owned(), Fact { value: calls, origin: origin.to_owned() })),
        }
    }

    pub(crate) fn consumed(&mut self, usage: Usage, origin: &str) {
        let known = self.usage.take().map(|known| known.value).unwrap_or_default();
        let value = Usage {
            input_tokens: known.input_tokens.saturating_add(usage.input_tokens),
            output_tokens: known.output_tokens.saturating_add(usage.output_tokens),
            cache_read_input_tokens: known.cache_read_input_tokens.saturating_add(usage.cache_read_input_tokens),
            cache_creation_input_tokens: known.cache_creation_input_tokens.saturating_add(usage.cache_creation_input_tokens),
        };
        self.usage = Some(Fact { value, origin: origin.to_owned() });
    }

    pub(crate) fn wrote(&mut self, path: &str, origin: &str) {
        if !self.files_written.contains_key(path) {
            self.files_written.insert(path.to_owned(), origin.to_owned());
        }
    }

    pub(crate) fn was_at(&mut self, time: Time, origin: &str) {
        if self.started.as_ref().is_none_or(|known| time < known.value) {
            self.started = Some(Fact { value: time, origin: origin.to_owned() });
        }
        if self.finished.as_ref().is_none_or(|known| time > known.value) {
            self.finished = Some(Fact { value: time, origin: origin.to_owned() });
        }
    }
}

/// A model and how often it answered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelUse {
    /// The model.
    pub model: Model,
    /// Responses of the API that name it.
    pub responses: u64,
    /// Where it first answered.
    pub origin: String,
}

impl ModelUse {
    pub(crate) fn new(provider: &str, model_id: &str, origin: &str) -> Self {
        let model = Model { provider: provider.to_owned(), model_id: model_id.to_owned() };
        Self { model, responses: 0, origin: origin.to_owned() }
    }
}

/// An agent that another agent started.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Subagent {
    /// Its id within the session.
    pub id: String,
    /// The kind of agent it was started as, such as `Explore`.
    pub role: Option<Fact<String>>,
    /// What it was told, each of kind `subagent/<id>/prompt`.
    pub prompts: Vec<Leaf>,
    /// What it did.
    pub work: Work,
}

/// One message that can be sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct Leaf {
    /// What kind of message it is.
    pub kind: String,
    /// The message.
    pub body: Vec<u8>,
}

impl fmt::Debug for Leaf {
    /// Shows the kind and how long the message is, never the message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Leaf {{ kind: {:?}, body: {} bytes }}", self.kind, self.body.len())
    }
}

/// Why there are no facts of a session.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TranscriptError {
    /// Transcripts of this agent can't be read.
    #[error("transcripts of agent `{agent}` can't be read; known agents: {}", Agent::ALL.map(Agent::name).join(", "))]
    UnknownAgent {
        /// The agent's name as given, shortened.
        agent: String,
    },
    /// The transcript holds nothing.
    #[error("transcript `{}` is empty; name the transcript of a session that ran", path.display())]
    Empty {
        /// The transcript.
        path: PathBuf,
    },
    /// No line of the file belongs to a session.
    #[error("no line of `{}` names a session; is it a transcript of {agent}?", path.display())]
    NoSession {
        /// The file.
        path: PathBuf,
        /// The agent it should be of.
        agent: &'static str,
    },
    /// The text can't be a session's id.
    #[error("`{id}` is no session id: 1 to 64 letters, digits, `_` or `-`")]
    NotASessionId {
        /// The text, shortened.
        id: String,
    },
    /// No transcript of that session was found.
    #[error("no transcript of session `{id}` below `{}`", projects.display())]
    NotFound {
        /// The session's id.
        id: String,
        /// Where it was looked for.
        projects: PathBuf,
    },
    /// Several transcripts have that session's name.
    #[error("several transcripts of session `{id}` below `{}`", projects.display())]
    Ambiguous {
        /// The session's id.
        id: String,
        /// Where it was looked for.
        projects: PathBuf,
    },
    /// More files lie beside the transcript than are read.
    #[error("more than {most} files in `{}`; name the transcript of one session", folder.display())]
    TooManyFiles {
        /// The folder.
        folder: PathBuf,
        /// How many are read.
        most: usize,
    },
    /// A file or folder couldn't be read.
    #[error("can't read `{}`: {source}", path.display())]
    Io {
        /// What was being read.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl TranscriptError {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}

const NAME_CHARACTERS: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_of_a_leaf_shows_its_length_and_not_its_body() {
        let leaf = Leaf { kind: "prompt".into(), body: b"Add a greeting".to_vec() };
        assert_eq!(format!("{leaf:?}"), "Leaf { kind: \"prompt\", body: 14 bytes }");
    }

    #[test]
    fn an_unknown_agent_is_refused_and_the_known_ones_are_named() {
        let error = "telepathy".parse::<Agent>().unwrap_err();
        assert_eq!(error.to_string(), "transcripts of agent `telepathy` can't be read; known agents: claude-code");
        let error = "x".repeat(1_000).parse::<Agent>().unwrap_err();
        assert!(matches!(error, TranscriptError::UnknownAgent { agent } if agent.len() == NAME_CHARACTERS));
        for agent in Agent::ALL {
            assert_eq!(agent.name().parse::<Agent>().unwrap(), agent);
        }
    }
}
