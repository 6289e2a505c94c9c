//! Why a verb did not do what it was asked: a stable code, a message, its causes, and what to do next.
//! A decision that doesn't allow is an answer, not a failure.

use std::error::Error;

use countersign::inquiry::QuestionError;
use countersign_capture::git::GitError;
use countersign_sign::{AttestError, KeyError, Problem, RemoteError, SignError};
use countersign_store::StoreError;

use crate::escape::escaped;
use crate::output;

/// A failure, as it is told on standard error.
#[derive(Debug)]
pub(crate) struct Failure {
    code: &'static str,
    message: String,
    causes: Vec<String>,
    hints: Vec<String>,
    again: Option<&'static str>,
    status: u8,
}

impl Failure {
    /// What a verb that failed exits with, unless it says otherwise.
    pub(crate) const STATUS: u8 = 3;

    /// Makes a failure of a stable code and a message of one line: lower case, user input in backticks.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), causes: Vec::new(), hints: Vec::new(), again: None, status: Self::STATUS }
    }

    /// Makes a failure of an error, whose own causes are told too.
    pub(crate) fn of(code: &'static str, error: &(dyn Error + 'static)) -> Self {
        Self::new(code, error.to_string()).caused_by(error.source())
    }

    /// Adds what made it fail.
    #[must_use]
    pub(crate) fn because(self, cause: &(dyn Error + 'static)) -> Self {
        self.caused_by(Some(cause))
    }

    /// Adds the next thing to do.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Says that giving the same command again may help, and what that does.
    #[must_use]
    pub(crate) const fn again(mut self, what: &'static str) -> Self {
        self.again = Some(what);
        self
    }

    /// Says what to do where the same command can't be given again, since it has done its work.
    #[must_use]
    pub(crate) fn not_again_but(mut self, hint: impl Into<String>) -> Self {
        self.again = None;
        self.hint(hint)
    }

    /// Exits with another status.
    #[must_use]
    pub(crate) const fn exiting_with(mut self, status: u8) -> Self {
        self.status = status;
        self
    }

    /// Returns the stable code.
    pub(crate) const fn code(&self) -> &'static str {
        self.code
    }

    /// Says in which file it is.
    #[must_use]
    pub(crate) fn within(mut self, name: &str) -> Self {
        self.message = format!("`{name}`: {}", self.message);
        self
    }

    /// Returns the message without causes and hints.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Exits with another status where nothing more telling was chosen before.
    #[must_use]
    pub(crate) const fn otherwise_exiting_with(mut self, status: u8) -> Self {
        if self.status == Self::STATUS {
            self.status = status;
        }
        self
    }

    /// Returns what to exit with.
    pub(crate) const fn status(&self) -> u8 {
        self.status
    }

    /// Tells it on standard error.
    pub(crate) fn report(&self) {
        output::labelled(output::ERROR, &format!("error[{}]", self.code), &self.message);
        for cause in &self.causes {
            output::remark(&format!("  because: {}", escaped(cause)));
        }
        for hint in self.hints.iter().map(String::as_str).chain(self.again) {
            output::hint(hint);
        }
    }

    /// Tells on standard error what it led to, where that stops nothing.
    pub(crate) fn warn(&self, consequence: &str) {
        output::warning(&escaped(consequence));
        for cause in std::iter::once(&self.message).chain(&self.causes) {
            output::remark(&format!("  because: {}", escaped(cause)));
        }
    }

    fn caused_by(mut self, first: Option<&(dyn Error + 'static)>) -> Self {
        let mut next = first;
        while let Some(cause) = next {
            let text = cause.to_string();
            // Where a file lies until it's whole says nothing to anybody.
            let text = text.split(" at path \"").next().unwrap_or_default().to_owned();
            // Some errors repeat their cause in their own message.
            if !self.message.contains(&text) && !self.causes.iter().any(|told| told.contains(&text)) {
                self.causes.push(text);
            }
            next = cause.source();
        }
        self
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        let failure = Self::of(error.code(), &error);
        let problem = if let KeyError::InFile { problem, .. } = &error { problem } else { &error };
        match problem {
            KeyError::Missing { .. } => failure.hint("`countersign key generate` makes one"),
            KeyError::PassphraseNeeded => failure.hint(PASSPHRASE_HINT),
            KeyError::EmptyPassphrase => failure.hint("give another, or say `--no-passphrase`"),
            _ => failure,
        }
    }
}

impl From<RemoteError> for Failure {
    fn from(error: RemoteError) -> Self {
        let failure = Self::of(error.code(), &error);
        match error.problem {
            Problem::NotBuiltIn => {
                failure.hint("sign by a program of your own: `exec:PROGRAM`, a local key: `file:PREFIX.key`, or an identity: `keyless:`")
            }
            Problem::Refused { status: 401 | 403 } => failure.hint("the credential may have expired, or may not use that key"),
            Problem::Unanswered { .. } | Problem::TooLate { .. } => {
                failure.again("nothing was signed; the same command can be given again")
            }
            _ => failure,
        }
    }
}

impl From<SignError> for Failure {
    fn from(error: SignError) -> Self {
        match error {
            SignError::Local(error) => error.into(),
            SignError::Remote(error) => error.into(),
            other => Self::of("signer-failed", &other),
        }
    }
}

impl From<AttestError> for Failure {
    fn from(error: AttestError) -> Self {
        match error {
            AttestError::Sign(error) => error.into(),
            other => Self::of("attest-failed", &other),
        }
    }
}

impl From<GitError> for Failure {
    fn from(error: GitError) -> Self {
        let code = match &error {
            GitError::NotARepository { .. } => "repository-missing",
            GitError::Bare => "repository-bare",
            GitError::Shallow => "repository-shallow",
            GitError::RevisionUnknown { .. } => "revision-unknown",
            GitError::RevisionAmbiguous { .. } => "revision-ambiguous",
            GitError::NotACommit { .. } => "not-a-commit",
            GitError::NoSuchFile { .. } => "file-missing",
            _ => "git-failed",
        };
        Self::of(code, &error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::of(error.code(), &error)
    }
}

impl From<QuestionError> for Failure {
    fn from(error: QuestionError) -> Self {
        let failure = Self::of(error.code(), &error);
        match error {
            QuestionError::TrustMissing { .. } => {
                failure.hint("give `--trust FILE`: the `trusted_root.json` of whoever vouches for the policy's signers")
            }
            _ => failure,
        }
    }
}

const PASSPHRASE_HINT: &str = "give `--passphrase-file FILE`, set COUNTERSIGN_PASSPHRASE, or run it at a terminal, which asks";
