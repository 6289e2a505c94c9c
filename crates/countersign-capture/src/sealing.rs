//! Seals what must not be read: prompts, arguments, transcripts, each text under a salt of its own from the system.
//! It keeps neither texts nor salts: what is sealed here can be compared with nothing later, and disclosed by nobody.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use countersign::seal::{Salt, SealError, SealedRecord, Sealer};

use crate::session::{Agent, Session, TranscriptError};

/// A session's facts, and its transcript under seal.
#[derive(Debug)]
#[non_exhaustive]
pub struct SealedSession {
    /// The facts.
    pub session: Session,
    /// The record of every message.
    pub transcript: SealedRecord,
}

impl SealedSession {
    /// Reads the transcript that lies at a path, and seals every message of it.
    ///
    /// # Errors
    /// [`SealingError`] if the transcript can't be read, or the system gives no salts.
    pub fn read(agent: Agent, transcript: &Path) -> Result<Self, SealingError> {
        let mut sealing = Sealing::begin()?;
        let session = Session::read_with(agent, transcript, &mut |kind, body| sealing.leaf(kind, body))?;
        Ok(Self { session, transcript: sealing.finish()? })
    }
}

/// Seals what was asked: the prompts of a session, and the arguments of a command in one leaf of kind `argv`, each
/// ended by a zero byte as the system keeps them. Returns `None` if there is neither.
///
/// # Errors
/// [`SealingError`] if there is too much, or the system gives no salts.
pub(crate) fn seal_prompt(session: Option<&Session>, command: Option<&[OsString]>) -> Result<Option<SealedRecord>, SealingError> {
    let prompts = session.map_or(&[][..], |session| &session.prompts);
    if prompts.is_empty() && command.is_none() {
        return Ok(None);
    }
    let mut sealing = Sealing::begin()?;
    for prompt in prompts {
        sealing.leaf(&prompt.kind, &prompt.body);
    }
    if let Some(command) = command {
        sealing.leaf("argv", &argv(command));
    }
    sealing.finish().map(Some)
}

fn argv(command: &[OsString]) -> Vec<u8> {
    command.iter().flat_map(|argument| argument.as_bytes().iter().copied().chain([0])).collect()
}

/// One record in the making.
struct Sealing {
    sealer: Sealer,
    /// What went wrong while leaves were taken, which can't be said there.
    failure: Option<io::Error>,
}

impl Sealing {
    fn begin() -> Result<Self, SealingError> {
        Ok(Self { sealer: Sealer::new(random()?), failure: None })
    }

    fn leaf(&mut self, kind: &str, body: &[u8]) {
        if self.failure.is_some() {
            return;
        }
        match random() {
            Ok(salt) => self.sealer.leaf(&Salt::new(salt), kind, body),
            Err(failure) => self.failure = Some(failure),
        }
    }

    fn finish(self) -> Result<SealedRecord, SealingError> {
        match self.failure {
            Some(failure) => Err(failure.into()),
            None => Ok(self.sealer.finish()?),
        }
    }
}

fn random<const N: usize>() -> Result<[u8; N], io::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// Why nothing was sealed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealingError {
    /// The transcript can't be read.
    #[error(transparent)]
    Transcript(#[from] TranscriptError),
    /// There are too many texts, or none.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The system gives no salts.
    #[error("the operating system gives no randomness, without which nothing is sealed")]
    Randomness(#[from] io::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_arguments_never_give_the_same_record() {
        let command = [OsString::from("agent"), OsString::from("-p")];
        let [a, b] = [(); 2].map(|()| seal_prompt(None, Some(&command)).unwrap().unwrap());
        assert_eq!((a.leaves(), b.leaves()), (1, 1));
        assert_ne!(a.root(), b.root());
        assert_ne!(a.record(), b.record());
    }

    #[test]
    fn arguments_keep_their_borders() {
        let texts = |texts: &[&str]| argv(&texts.iter().map(OsString::from).collect::<Vec<_>>());
        assert_eq!(texts(&["a", "b c"]), b"a\0b c\0");
        assert_ne!(texts(&["ab", ""]), texts(&["a", "b"]));
    }

    #[test]
    fn nothing_asked_is_no_record() {
        assert!(seal_prompt(None, None).unwrap().is_none());
    }
}
