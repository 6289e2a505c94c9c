//! What can go wrong with a key that somebody else keeps, each with a stable code.
//! None of it holds a credential or its keeper's words, which can repeat one.

use std::io;
use std::time::Duration;

use countersign::identity::NotAKey;

/// Why a key that somebody else keeps can't be used.
#[derive(Debug, thiserror::Error)]
#[error("`{key}`: {problem}")]
pub struct RemoteError {
    /// The key's name, without a program's arguments and without a PIN.
    pub key: String,
    /// What is wrong.
    #[source]
    pub problem: Problem,
}

impl RemoteError {
    /// Returns the stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match &self.problem {
            Problem::NoName { .. } | Problem::Several { .. } => "signer-invalid",
            Problem::NotBuiltIn | Problem::PublicKey(_) | Problem::Algorithm => "signer-unsupported",
            Problem::Unset { .. } | Problem::Unusable { .. } | Problem::Unreadable { .. } => "signer-unconfigured",
            Problem::Unanswered { .. } | Problem::TooLate { .. } | Problem::Cancelled => "signer-unavailable",
            Problem::Refused { .. } | Problem::Denied { .. } | Problem::NoToken { .. } | Problem::Missing => "signer-refused",
            Problem::Program { .. } | Problem::Module { .. } | Problem::Answer { .. } | Problem::NotItsSignature => "signer-failed",
        }
    }
}

/// What is wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The URI names no key.
    #[error("this names no key; the form is {form}")]
    NoName {
        /// How keys of that kind are named.
        form: &'static str,
    },
    /// The program was built without this kind of keys.
    #[error("keys of this kind aren't built in")]
    NotBuiltIn,
    /// A variable that is needed isn't set.
    #[error("the variable `{name}` isn't set")]
    Unset {
        /// The variable.
        name: &'static str,
    },
    /// A variable or a file holds what can't be used.
    #[error("`{name}` {what}")]
    Unusable {
        /// The variable or the file.
        name: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A file can't be read.
    #[error("`{path}` can't be read: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// Nobody answers.
    #[error("{why}")]
    Unanswered {
        /// Why, without anybody's words.
        why: String,
    },
    /// Whoever keeps it refused.
    #[error("refused with status {status}")]
    Refused {
        /// The status of HTTP.
        status: u16,
    },
    /// Whoever keeps it refused, and said why.
    #[error("{why}")]
    Denied {
        /// Why, in words of ours.
        why: &'static str,
    },
    /// The name fits several.
    #[error("that name fits several {what}; say more of the one that is meant")]
    Several {
        /// What it fits.
        what: &'static str,
    },
    /// Whoever gives tokens gives none.
    #[error("no token is given for the credential of {of}")]
    NoToken {
        /// Where the credential comes from.
        of: String,
    },
    /// There is none of that name.
    #[error("there is no such key, or no such version of it")]
    Missing,
    /// The program failed.
    #[error("the program {why}")]
    Program {
        /// How it ended.
        why: String,
    },
    /// A PKCS#11 module failed.
    #[error("the module failed: {code}")]
    Module {
        /// What PKCS#11 calls it.
        code: String,
    },
    /// An answer can't be used.
    #[error("the answer can't be used: {what}")]
    Answer {
        /// What is wrong with it.
        what: &'static str,
    },
    /// The public half verifies nothing here.
    #[error("its public half can't be used: {0}")]
    PublicKey(#[source] NotAKey),
    /// The key's keeper signs with it by an algorithm that nothing here verifies.
    #[error("the key signs by an algorithm that isn't used here")]
    Algorithm,
    /// The signature isn't the key's.
    #[error("the signature that came back isn't this key's over what was to be signed")]
    NotItsSignature,
    /// The time was over.
    #[error("no answer within {} s", patience.as_secs_f32())]
    TooLate {
        /// How long was waited.
        patience: Duration,
    },
    /// Somebody ended the waiting.
    #[error("the waiting was ended")]
    Cancelled,
}
