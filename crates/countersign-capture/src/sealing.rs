//! Seals what must not be read: prompts, arguments, transcripts, each text without its secrets and under a salt of its own.
//! It keeps neither texts nor salts; whoever wants to disclose them later hands in a keeper.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use countersign::predicate::Run;
use countersign::seal::{Salt, SealError, SealedRecord, Sealer};

use crate::redaction::{Redactions, redact};
use crate::session::{Agent, Session, TranscriptError};

/// Keeps what opens records: each leaf as it's sealed, secrets already taken out.
///
/// What goes wrong with the keeping is for the keeper to remember and tell: a record counts without its opening, too.
pub trait Openings {
    /// Begins the opening of one record.
    fn begin(&self) -> Box<dyn Opening + '_>;
}

/// The opening of one record in the making; dropped unfinished, it opens nothing.
pub trait Opening {
    /// Takes the next leaf.
    fn leaf(&mut self, salt: &Salt, kind: &str, body: &[u8]);

    /// Learns which record the leaves became.
    fn finish(self: Box<Self>, record: &SealedRecord);
}

/// Keeps nothing: what is sealed can be compared with nothing later, and disclosed by nobody.
#[derive(Clone, Copy, Debug)]
pub struct NotKept;

impl Openings for NotKept {
    fn begin(&self) -> Box<dyn Opening + '_> {
        Box::new(*self)
    }
}

impl Opening for NotKept {
    fn leaf(&mut self, _: &Salt, _: &str, _: &[u8]) {}

    fn finish(self: Box<Self>, _: &SealedRecord) {}
}

/// A record, and what was taken out before anything was sealed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Sealed {
    /// The record.
    pub record: SealedRecord,
    /// The secrets that were taken out, by kind.
    pub redactions: Redactions,
}

impl Redactions {
    /// States what was taken out of the record that the statement calls `name`.
    pub(crate) fn tell(&self, name: &str, run: Run) -> Run {
        self.iter().fold(run, |run, (kind, count)| run.redacted(name, kind, count))
    }
}

/// A session's facts, and its transcript under seal.
#[derive(Debug)]
#[non_exhaustive]
pub struct SealedSession {
    /// The facts.
    pub session: Session,
    /// The record of every message.
    pub transcript: Sealed,
}

impl SealedSession {
    /// Reads the transcript that lies at a path, and seals every message of it.
    ///
    /// # Errors
    /// [`SealingError`] if the transcript can't be read, or the system gives no salts.
    pub fn read(agent: Agent, transcript: &Path, openings: &dyn Openings) -> Result<Self, SealingError> {
        let mut sealing = Sealing::begin(openings)?;
        let session = Session::read_with(agent, transcript, &mut |kind, body| sealing.leaf(kind, body))?;
        Ok(Self { session, transcript: sealing.finish()? })
    }
}

/// Seals what was asked: the prompts of a session, and the arguments of a command in one leaf of kind `argv`, each
/// ended by a zero byte as the system keeps them. Returns `None` if there is neither.
///
/// # Errors
/// [`SealingError`] if there is too much, or the system gives no salts.
pub(crate) fn seal_prompt(
    session: Option<&Session>,
    command: Option<&[OsString]>,
    openings: &dyn Openings,
) -> Result<Option<Sealed>, SealingError> {
    let prompts = session.map_or(&[][..], |session| &session.prompts);
    if prompts.is_empty() && command.is_none() {
        return Ok(None);
    }
    let mut sealing = Sealing::begin(openings)?;
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
struct Sealing<'a> {
    sealer: Sealer,
    redactions: Redactions,
    opening: Box<dyn Opening + 'a>,
    /// What went wrong while leaves were taken, which can't be said there.
    failure: Option<io::Error>,
}

impl<'a> Sealing<'a> {
    fn begin(openings: &'a dyn Openings) -> Result<Self, SealingError> {
        Ok(Self { sealer: Sealer::new(random()?), redactions: Redactions::default(), opening: openings.begin(), failure: None })
    }

    fn leaf(&mut self, kind: &str, body: &[u8]) {
        if self.failure.is_some() {
            return;
        }
        match random().map(Salt::new) {
            Ok(salt) => {
                let body = redact(body, &mut self.redactions);
                self.sealer.leaf(&salt, kind, &body);
                self.opening.leaf(&salt, kind, &body);
            }
            Err(failure) => self.failure = Some(failure),
        }
    }

    fn finish(self) -> Result<Sealed, SealingError> {
        if let Some(failure) = self.failure {
            return Err(failure.into());
        }
        let record = self.sealer.finish()?;
        self.opening.finish(&record);
        Ok(Sealed { record, redactions: self.redactions })
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
    use std::cell::RefCell;

    use countersign::seal::Discloser;

    use super::*;

    /// Keeps everything in memory.
    #[derive(Default)]
    struct Remembered(RefCell<Vec<Leaf>>, RefCell<Option<SealedRecord>>);

    type Leaf = ([u8; 32], String, Vec<u8>);

    impl Openings for Remembered {
        fn begin(&self) -> Box<dyn Opening + '_> {
            Box::new(self)
        }
    }

    impl Opening for &Remembered {
        fn leaf(&mut self, salt: &Salt, kind: &str, body: &[u8]) {
            self.0.borrow_mut().push((*salt.as_bytes(), kind.to_owned(), body.to_vec()));
        }

        fn finish(self: Box<Self>, record: &SealedRecord) {
            *self.1.borrow_mut() = Some(record.clone());
        }
    }

    #[test]
    fn the_same_word_never_gives_the_same_record_and_is_found_in_neither() {
        let command = [OsString::from("yes")];
        let [a, b] = [(); 2].map(|()| seal_prompt(None, Some(&command), &NotKept).unwrap().unwrap().record);
        assert_eq!((a.leaves(), b.leaves()), (1, 1));
        assert_ne!(a.root(), b.root());
        assert_ne!(a.record(), b.record());
        // Whoever sees the records only has to try the words with salts of their own.
        for word in ["yes", "no"] {
            let guess = seal_prompt(None, Some(&[OsString::from(word)]), &NotKept).unwrap().unwrap().record;
            assert!([&a, &b].iter().all(|record| record.root() != guess.root()));
        }
    }

    #[test]
    fn what_is_kept_opens_the_record() {
        let kept = Remembered::default();
        let sealed = seal_prompt(None, Some(&[OsString::from("agent")]), &kept).unwrap().unwrap();
        let (salt, kind, body) = kept.0.borrow_mut().remove(0);
        assert_eq!((kind.as_str(), body.as_slice()), ("argv", b"agent\0".as_slice()));
        assert_eq!(kept.1.borrow().as_ref(), Some(&sealed.record));
        let mut discloser = Discloser::new(sealed.record.clone(), 0).unwrap();
        discloser.leaf(&Salt::new(salt), &kind, &body);
        assert_eq!(discloser.finish().unwrap().check(&sealed.record).unwrap().body, b"agent\0");
    }

    #[test]
    fn a_secret_is_neither_sealed_nor_kept_and_only_counted() {
        let kept = Remembered::default();
        let command = ["agent", "--password", "hunter2hunter2"].map(OsString::from);
        let sealed = seal_prompt(None, Some(&command), &kept).unwrap().unwrap();
        assert_eq!(kept.0.borrow()[0].2, b"agent\0--password\0[redacted:password]\0");
        assert_eq!(sealed.redactions.iter().collect::<Vec<_>>(), [("password", 1)]);
    }

    #[test]
    fn arguments_keep_their_borders() {
        let texts = |texts: &[&str]| argv(&texts.iter().map(OsString::from).collect::<Vec<_>>());
        assert_eq!(texts(&["a", "b c"]), b"a\0b c\0");
        assert_ne!(texts(&["ab", ""]), texts(&["a", "b"]));
    }

    #[test]
    fn nothing_asked_is_no_record() {
        assert!(seal_prompt(None, None, &NotKept).unwrap().is_none());
    }
}
