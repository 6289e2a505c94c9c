//! Which session of the agent a run is stated with: the one that is named, never the newest.
//! How its transcript is read is the capture crate's affair.

use std::env;
use std::path::PathBuf;

use clap::{Args, ValueHint};
use countersign_capture::claude_code;
use countersign_capture::sealing::{Openings, SealedSession};
use countersign_capture::session::{Agent, TranscriptError};

use crate::data_home::home;
use crate::escape::escaped;
use crate::failure::Failure;
use crate::output;
use crate::ready;

/// How the session is named.
#[derive(Debug, Args)]
pub(super) struct SessionChoice {
    /// The agent's session, by its id
    #[arg(long, value_name = "ID", conflicts_with = "transcript")]
    session: Option<String>,
    /// The transcript of the agent's session
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    transcript: Option<PathBuf>,
}

impl SessionChoice {
    /// Returns true if a session is named.
    pub(super) const fn is_given(&self) -> bool {
        self.session.is_some() || self.transcript.is_some()
    }

    /// Refuses what can't name a session, before anything has run.
    pub(super) fn check(&self, agent: Agent) -> Result<(), Failure> {
        if let Some(path) = &self.transcript {
            return ready::to_read("transcript", "transcript-unreadable", path);
        }
        let Some(id) = &self.session else { return Ok(()) };
        match locate(agent, id) {
            Err(error @ TranscriptError::NotASessionId { .. }) => Err(error.into()),
            Ok(_) => Ok(()),
            // The session, and the folder that it will lie in, may be the command's to make; its id is chosen beforehand.
            Err(_) => {
                let id = escaped(id);
                output::warning(&format!("no session `{id}` is there; unless the command makes it, nothing will be signed"));
                Ok(())
            }
        }
    }

    /// Returns where the transcript of the session that is named lies, if that's known.
    pub(super) fn transcript(&self, agent: Agent) -> Option<PathBuf> {
        self.transcript.clone().or_else(|| locate(agent, self.session.as_deref()?).ok())
    }

    /// Reads the session that is named.
    pub(super) fn read(&self, agent: Agent, openings: &dyn Openings) -> Result<Option<SealedSession>, Failure> {
        let transcript = match (&self.transcript, &self.session) {
            (Some(path), _) => path.clone(),
            (None, Some(id)) => locate(agent, id)?,
            (None, None) => {
                output::warning("no session is named, so the statement has no transcript, no model and no prompt but the arguments");
                output::hint("name it by `--session ID` (chosen beforehand with `claude --session-id ID`) or `--transcript PATH`");
                return Ok(None);
            }
        };
        Ok(Some(SealedSession::read(agent, &transcript, openings)?))
    }
}

fn locate(agent: Agent, id: &str) -> Result<PathBuf, TranscriptError> {
    match agent {
        Agent::ClaudeCode => {
            let folder = env::var_os("CLAUDE_CONFIG_DIR").filter(|folder| !folder.is_empty()).map(PathBuf::from);
            let folder = folder.or_else(|| Some(home()?.join(".claude"))).unwrap_or_default();
            claude_code::locate(&folder.join("projects"), id)
        }
    }
}
