//! How it's told that a session, a file, an SBOM or a command can't be captured: codes and hints for those errors.
//! The messages are the errors' own; none of them holds what a transcript says.

use std::path::Path;

use countersign_capture::artifact::ArtifactError;
use countersign_capture::command::CommandError;
use countersign_capture::observation::StateError;
use countersign_capture::sbom::{Sbom, SbomError};
use countersign_capture::sealing::SealingError;
use countersign_capture::session::TranscriptError;

use crate::failure::Failure;

impl From<TranscriptError> for Failure {
    fn from(error: TranscriptError) -> Self {
        let code = match &error {
            TranscriptError::UnknownAgent { .. } => "agent-unknown",
            TranscriptError::Empty { .. } | TranscriptError::NoSession { .. } => "transcript-malformed",
            TranscriptError::NotASessionId { .. } | TranscriptError::NotFound { .. } => "session-unknown",
            TranscriptError::Ambiguous { .. } => "session-ambiguous",
            _ => "transcript-unreadable",
        };
        let failure = Self::of(code, &error);
        match error {
            TranscriptError::NotFound { .. } => failure.hint("name its file with `--transcript`"),
            TranscriptError::Ambiguous { .. } => failure.hint("name one with `--transcript`"),
            _ => failure,
        }
    }
}

impl From<SealingError> for Failure {
    fn from(error: SealingError) -> Self {
        match error {
            SealingError::Transcript(error) => error.into(),
            other => Self::of("sealing-failed", &other),
        }
    }
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        match error {
            StateError::Sealing(error) => error.into(),
            other => Self::of("statement-impossible", &other),
        }
    }
}

impl From<ArtifactError> for Failure {
    fn from(error: ArtifactError) -> Self {
        Self::of("artifact-unreadable", &error)
    }
}

/// Reads an SBOM; what is wrong with one is told with its name.
pub(crate) fn read_sbom(path: &Path) -> Result<Sbom, Failure> {
    Sbom::read(path).map_err(|error| match error {
        SbomError::Io { .. } => Failure::of("sbom-unreadable", &error),
        _ => Failure::of("sbom-unusable", &error).within(&path.display().to_string()),
    })
}

impl From<CommandError> for Failure {
    fn from(error: CommandError) -> Self {
        // As a shell exits, and every other program that runs programs.
        match error {
            CommandError::NotFound { .. } => Self::of("command-not-found", &error).exiting_with(127),
            CommandError::NotExecutable { .. } => Self::of("command-not-executable", &error).exiting_with(126),
            _ => Self::of("command-failed", &error),
        }
    }
}
