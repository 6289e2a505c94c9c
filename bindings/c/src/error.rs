//! An error as C sees it: a number and a line of text.
//! Which number stands for what is in `code`.

use std::ffi::{CStr, CString};

use countersign::inquiry::QuestionError;
use countersign::policy::PolicyError;
use countersign_sign::KeyError;

use crate::code::Code;

/// Why a call failed. It belongs to the caller.
#[derive(Debug)]
pub struct Error {
    code: Code,
    message: CString,
}

impl Error {
    /// Says what failed, in one line of text without NUL.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        let mut message: String = message.into();
        if message.contains(char::is_control) {
            message = message.replace(char::is_control, "\u{FFFD}");
        }
        // INVARIANT: NUL is a control character, so none is left.
        Self { code, message: CString::new(message).unwrap_or_default() }
    }

    /// The caller broke a rule of the header.
    pub(crate) fn misuse(message: impl Into<String>) -> Self {
        Self::new(Code::Misuse, message)
    }

    /// A panic was caught. What it said may hold anything, so it isn't repeated.
    pub(crate) fn internal() -> Self {
        Self::new(Code::Internal, "countersign failed in itself, which is a defect; nothing was given out")
    }

    /// Says what failed and why, through all the layers that know.
    pub(crate) fn caused(code: Code, error: &dyn std::error::Error) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            // Some messages repeat their cause already.
            if !message.ends_with(&text) {
                message = format!("{message}: {text}");
            }
            source = cause.source();
        }
        Self::new(code, message)
    }

    pub(crate) const fn code(&self) -> Code {
        self.code
    }

    pub(crate) fn message(&self) -> &CStr {
        &self.message
    }
}

impl From<QuestionError> for Error {
    fn from(error: QuestionError) -> Self {
        Self::caused(Code::named(error.code()), &error)
    }
}

impl From<PolicyError> for Error {
    fn from(error: PolicyError) -> Self {
        Self::caused(Code::PolicyInvalid, &error)
    }
}

impl From<KeyError> for Error {
    fn from(error: KeyError) -> Self {
        Self::caused(Code::named(error.code()), &error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_without_nul() {
        assert_eq!(Error::misuse("a\0b\nc").message().to_str(), Ok("a\u{FFFD}b\u{FFFD}c"));
    }

    #[test]
    fn a_message_names_every_cause_once() {
        let source = std::io::Error::other("the disk is on strike");
        let error = Error::from(KeyError::Io { doing: "read", path: "a.key".into(), source });
        assert_eq!(error.message().to_str(), Ok("cannot read `a.key`: the disk is on strike"));
        assert_eq!(error.code(), Code::KeyFailed);
    }
}
