//! The numbers that C sees, and the stable names behind them.
//! Texts for people are the error's.

use std::ffi::CStr;

/// What went wrong. Zero means that nothing did; a number never changes its meaning.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Code {
    /// Nothing went wrong.
    None = 0,
    /// The call breaks a rule of this header: NULL where an object belongs, text that isn't UTF-8, a call at the wrong time.
    Misuse = 1,
    /// Countersign has a defect. Free what the call was about; nothing else is affected.
    Internal = 2,
    /// Something else failed, which the message names.
    Failed = 3,
    /// The question isn't one.
    QuestionInvalid = 10,
    /// The question's time is later than this machine's clock by more than five minutes.
    ClockBehindQuestion = 11,
    /// The policy has no such environment.
    EnvironmentUnknown = 12,
    /// The policy has several environments, and the question names none.
    EnvironmentNeeded = 13,
    /// The policy knows signers by certificates, and no trust root was given.
    TrustMissing = 14,
    /// The trust root isn't one that can be used.
    TrustInvalid = 15,
    /// The policy can't be loaded; the message names the place.
    PolicyInvalid = 20,
    /// The policy has expired at the question's time.
    PolicyExpired = 21,
    /// The bytes are not a statement, or not its canonical form.
    StatementInvalid = 30,
    /// No bundle can hold the statement and the signature.
    BundleInvalid = 31,
    /// The signature isn't the key's, over this statement.
    SignatureInvalid = 32,
    /// The public key isn't one that verifies anything here.
    PublicKeyInvalid = 33,
    /// There is no private key at the path.
    KeyMissing = 40,
    /// Others can read the private key, or it lies in a git work tree.
    KeyExposed = 41,
    /// A key file is in the way.
    KeyExists = 42,
    /// The file isn't a private key.
    KeyMalformed = 43,
    /// The private key is of another algorithm or format.
    KeyUnsupported = 44,
    /// Decrypting the private key would take too much memory or time.
    KeyTooCostly = 45,
    /// A key was asked for in a way that can't be.
    KeyArgument = 46,
    /// The private key can't be read or used.
    KeyFailed = 47,
    /// The private key is encrypted, and no passphrase was given.
    PassphraseNeeded = 48,
    /// The passphrase doesn't open the private key.
    PassphraseWrong = 49,
    /// The passphrase is empty.
    PassphraseEmpty = 50,
}

impl Code {
    /// Every code, in its order.
    pub(crate) const ALL: [Self; 27] = [
        Self::None,
        Self::Misuse,
        Self::Internal,
        Self::Failed,
        Self::QuestionInvalid,
        Self::ClockBehindQuestion,
        Self::EnvironmentUnknown,
        Self::EnvironmentNeeded,
        Self::TrustMissing,
        Self::TrustInvalid,
        Self::PolicyInvalid,
        Self::PolicyExpired,
        Self::StatementInvalid,
        Self::BundleInvalid,
        Self::SignatureInvalid,
        Self::PublicKeyInvalid,
        Self::KeyMissing,
        Self::KeyExposed,
        Self::KeyExists,
        Self::KeyMalformed,
        Self::KeyUnsupported,
        Self::KeyTooCostly,
        Self::KeyArgument,
        Self::KeyFailed,
        Self::PassphraseNeeded,
        Self::PassphraseWrong,
        Self::PassphraseEmpty,
    ];

    /// Returns the stable name: the one that the command line and the heart use, in kebab-case.
    pub(crate) const fn name(self) -> &'static CStr {
        match self {
            Self::None => c"none",
            Self::Misuse => c"misuse",
            Self::Internal => c"internal",
            Self::Failed => c"failed",
            Self::QuestionInvalid => c"question-invalid",
            Self::ClockBehindQuestion => c"clock-behind-question",
            Self::EnvironmentUnknown => c"environment-unknown",
            Self::EnvironmentNeeded => c"environment-needed",
            Self::TrustMissing => c"trust-missing",
            Self::TrustInvalid => c"trust-invalid",
            Self::PolicyInvalid => c"policy-invalid",
            Self::PolicyExpired => c"policy-expired",
            Self::StatementInvalid => c"statement-invalid",
            Self::BundleInvalid => c"bundle-invalid",
            Self::SignatureInvalid => c"signature-invalid",
            Self::PublicKeyInvalid => c"public-key-invalid",
            Self::KeyMissing => c"key-missing",
            Self::KeyExposed => c"key-exposed",
            Self::KeyExists => c"key-exists",
            Self::KeyMalformed => c"key-malformed",
            Self::KeyUnsupported => c"key-unsupported",
            Self::KeyTooCostly => c"key-too-costly",
            Self::KeyArgument => c"key-argument",
            Self::KeyFailed => c"key-failed",
            Self::PassphraseNeeded => c"passphrase-needed",
            Self::PassphraseWrong => c"passphrase-wrong",
            Self::PassphraseEmpty => c"passphrase-empty",
        }
    }

    /// Returns the code of that name, and `Failed` for a name without one.
    pub(crate) fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|code| code.name().to_bytes() == name.as_bytes()).unwrap_or(Self::Failed)
    }
}

/// What was decided. Only `ALLOW` allows.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// There is no decision: NULL was given for one.
    None = 0,
    /// Every requirement is met.
    Allow = 1,
    /// A requirement is not met.
    Deny = 2,
    /// No requirement is unmet, and one could not be judged.
    Undetermined = 3,
}

impl From<countersign::decision::Answer> for Answer {
    fn from(answer: countersign::decision::Answer) -> Self {
        match answer {
            countersign::decision::Answer::Allow => Self::Allow,
            countersign::decision::Answer::Deny => Self::Deny,
            countersign::decision::Answer::Undetermined => Self::Undetermined,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what stands between quotation marks in the `fn code` of an error type's source.
    fn codes_in(source: &str) -> Vec<&str> {
        let body = source.split("fn code(").nth(1).unwrap().split("\n    }\n").next().unwrap();
        body.split('"').skip(1).step_by(2).collect()
    }

    #[test]
    fn has_a_number_for_every_code_of_the_heart_and_of_the_signers() {
        let question = include_str!("../../../crates/countersign/src/inquiry/question.rs");
        let key = include_str!("../../../crates/countersign-sign/src/local/error.rs");
        let names: Vec<&str> = codes_in(question).into_iter().chain(codes_in(key)).collect();
        assert!(names.len() > 10, "{names:?}");
        for name in names {
            assert_eq!(Code::named(name).name().to_str(), Ok(name));
        }
    }

    #[test]
    fn numbers_rise_and_names_differ() {
        for (before, after) in Code::ALL.into_iter().zip(Code::ALL.into_iter().skip(1)) {
            assert!((before as u32) < (after as u32), "{before:?} {after:?}");
        }
        for code in Code::ALL {
            assert_eq!(Code::named(code.name().to_str().unwrap()), code);
        }
        assert_eq!(Code::named("never-heard-of"), Code::Failed);
    }
}
