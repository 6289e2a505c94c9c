//! What can go wrong when an identity signs, each with a stable code.
//! None of it holds a token or a server's words, which can repeat one.

use std::fmt;
use std::time::Duration;

use countersign::bundle::BundleError;
use countersign::reason::Refusal;

use super::signing_config::SigningConfigError;
use super::token::TokenError;
use crate::http::{Address, Kind, Trouble};
use crate::local::KeyError;
use crate::signer::SignError;

/// Why an identity didn't sign.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeylessError {
    /// There are no services to sign with.
    #[error(transparent)]
    SigningConfig(#[from] SigningConfigError),
    /// There is no token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The key that is used once can't be made or used.
    #[error("the key that is used once can't be made: {0}")]
    Key(#[source] KeyError),
    /// The statement names its subjects by no digest with which an entry of this log could be verified.
    #[error(
        "the log `{address}` is of the first generation (Rekor v1), where a statement can't be verified whose subjects have neither sha256 nor \
         sha512{entries}"
    )]
    SubjectDigest {
        /// The log.
        address: String,
        /// What stays in logs.
        entries: Entries,
    },
    /// The key is of a type whose entries aren't made.
    #[error("entries of the log `{address}` are made of P-256 keys only, and this key is another")]
    KeyType {
        /// The log.
        address: String,
    },
    /// The key doesn't sign.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// A service didn't answer.
    #[error("{service} `{address}`: {why}{entries}")]
    Unanswered {
        /// Which service.
        service: Service,
        /// Where.
        address: String,
        /// Why.
        why: String,
        /// What stays in logs.
        entries: Entries,
    },
    /// A service refused.
    #[error("{service} `{address}` refused with status {status}{entries}")]
    Refused {
        /// Which service.
        service: Service,
        /// Where.
        address: String,
        /// The status of HTTP.
        status: u16,
        /// What stays in logs.
        entries: Entries,
    },
    /// A service answered something that can't be used.
    #[error("{service} `{address}` gave an answer that can't be used: {what}{entries}")]
    Answer {
        /// Which service.
        service: Service,
        /// Where.
        address: String,
        /// What is wrong with it.
        what: &'static str,
        /// What stays in logs.
        entries: Entries,
    },
    /// What was signed can't be put into a bundle that would be read back.
    #[error("no bundle can hold what was signed: {error}{entries}")]
    Bundle {
        /// Why.
        error: BundleError,
        /// What stays in logs.
        entries: Entries,
    },
    /// What the services gave doesn't verify, so no bundle is given out.
    #[error("what the services gave doesn't verify under the trust root, so no bundle was made: {}{entries}", refusal.detail)]
    Unverifiable {
        /// Why a verifier refuses it.
        refusal: Refusal,
        /// What stays in logs.
        entries: Entries,
    },
    /// Nobody is trusted, so nothing that services give could be verified.
    #[error("no trust root is given to verify with what the services give")]
    TrustMissing,
}

impl KeylessError {
    /// Returns what is public for ever, although nothing was signed.
    #[must_use]
    pub fn entries(&self) -> Entries {
        match self {
            Self::Unanswered { entries, .. }
            | Self::Refused { entries, .. }
            | Self::Answer { entries, .. }
            | Self::Bundle { entries, .. }
            | Self::Unverifiable { entries, .. }
            | Self::SubjectDigest { entries, .. } => *entries,
            Self::SigningConfig(_) | Self::Token(_) | Self::Key(_) | Self::KeyType { .. } | Self::Sign(_) | Self::TrustMissing => {
                Entries::default()
            }
        }
    }

    /// Returns the stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::SigningConfig(_) => "signing-config-invalid",
            Self::Token(TokenError::Nowhere) => "token-missing",
            Self::Token(_) => "token-unusable",
            Self::Key(_) | Self::Sign(_) => "signer-failed",
            Self::KeyType { .. } => "signer-unsupported",
            Self::Unanswered { .. } => "service-unavailable",
            Self::Refused { .. } => "service-refused",
            Self::Answer { .. } | Self::Bundle { .. } | Self::Unverifiable { .. } => "service-untrustworthy",
            Self::SubjectDigest { .. } => "subject-digest-unsupported",
            Self::TrustMissing => "trust-missing",
        }
    }

    pub(super) fn status(service: Service, address: &Address, status: u16) -> Self {
        Self::Refused { service, address: address.to_string(), status, entries: Entries::default() }
    }

    pub(super) fn answer(service: Service, address: &Address, what: &'static str) -> Self {
        Self::Answer { service, address: address.to_string(), what, entries: Entries::default() }
    }

    pub(super) fn trouble(service: Service, address: &Address, trouble: &Trouble, patience: Duration) -> Self {
        let why = match &trouble.kind {
            Kind::TimedOut => format!("no answer in time; signing may take {} s in all", patience.as_secs_f32()),
            kind => kind.to_string(),
        };
        Self::Unanswered { service, address: address.to_string(), why, entries: Entries::default() }
    }

    /// Says what stays in logs all the same.
    pub(super) fn leaving(mut self, left: Entries) -> Self {
        match &mut self {
            Self::Unanswered { entries, .. }
            | Self::Refused { entries, .. }
            | Self::Answer { entries, .. }
            | Self::Bundle { entries, .. }
            | Self::Unverifiable { entries, .. }
            | Self::SubjectDigest { entries, .. } => *entries = left,
            Self::SigningConfig(_) | Self::Token(_) | Self::Key(_) | Self::KeyType { .. } | Self::Sign(_) | Self::TrustMissing => {}
        }
        self
    }
}

/// The kinds of services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Service {
    /// Who issues certificates.
    Authority,
    /// A transparency log.
    Log,
    /// A timestamp authority.
    Times,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Authority => "the certificate authority",
            Self::Log => "the log",
            Self::Times => "the timestamp authority",
        })
    }
}

/// What was left in logs, where everybody can read it for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entries {
    /// A certificate was issued: authorities have them published by certificate logs, with the name that stands in them.
    pub certificate: bool,
    /// Entries that a log has confirmed.
    pub made: u32,
    /// Attempts to make one whose end nobody heard.
    pub unheard: u32,
}

impl fmt::Display for Entries {
    /// Writes what is added to an error: nothing where nothing stays.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.certificate {
            f.write_str("; a certificate was issued, which certificate logs publish")?;
        }
        match (self.made, self.unheard) {
            (0, 0) => Ok(()),
            (made, 0) => write!(f, "; log entries made: {made}"),
            (made, unheard) => write!(f, "; log entries made: {made}, and perhaps {unheard} more"),
        }
    }
}
