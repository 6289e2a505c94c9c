//! The question in JSON, and whether this machine's clock has come that far.
//! Whether it fits the policy is the heart's affair.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use countersign::digest::{Algorithm, Digest};
use countersign::inquiry::Question;
use countersign::json::Json;
use countersign::time::{ClockBehindQuestion, Time};
use serde::Deserialize;

use crate::code::Code;
use crate::error::Error;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    artifact: BTreeMap<String, String>,
    resource: String,
    #[serde(default)]
    environment: Option<String>,
    at: Time,
}

/// Reads a question, and refuses one whose time hasn't come.
pub(crate) fn read(json: &[u8]) -> Result<Question, Error> {
    let wire: Wire = Json::parse(json).map_err(invalid)?.to().map_err(invalid)?;
    let mut digests = wire.artifact.into_iter();
    let (Some((algorithm, hex)), None) = (digests.next(), digests.next()) else {
        return Err(invalid("`artifact` needs exactly one digest, `sha256` or `gitCommit`"));
    };
    let algorithm = Algorithm::named(&algorithm).ok_or_else(|| invalid("`artifact` is named by `sha256` or `gitCommit`"))?;
    let artifact = Digest::new(algorithm, hex).map_err(|error| invalid(format!("`artifact`: {error}")))?;
    ClockBehindQuestion::check(wire.at, now()?).map_err(|error| Error::caused(Code::ClockBehindQuestion, &error))?;
    let question = Question::new(artifact, wire.resource, wire.at)?;
    Ok(match wire.environment {
        Some(name) => question.environment(name),
        None => question,
    })
}

fn invalid(why: impl std::fmt::Display) -> Error {
    Error::new(Code::QuestionInvalid, format!("the question can't be read: {why}"))
}

fn now() -> Result<Time, Error> {
    let unset = || Error::new(Code::Failed, "this machine's clock isn't set");
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| unset())?.as_secs();
    Time::from_unix(i64::try_from(seconds).map_err(|_| unset())?).map_err(|_| unset())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Option<Code> {
        read(text.as_bytes()).err().map(|error| error.code())
    }

    #[test]
    fn refuses_a_question_that_this_machines_clock_has_not_come_to() {
        let text = format!(r#"{{"artifact":{{"sha256":"{}"}},"resource":"demo","at":"9999-01-01T00:00:00Z"}}"#, "a".repeat(64));
        assert_eq!(code(&text), Some(Code::ClockBehindQuestion));
    }

    #[test]
    fn reads_a_question_with_and_without_an_environment() {
        for environment in ["", r#""environment":null,"#, r#""environment":"staging","#] {
            let text = format!(
                r#"{{"artifact":{{"gitCommit":"{}"}},"resource":"demo",{environment}"at":"2025-01-01T00:00:00Z"}}"#,
                "a".repeat(40)
            );
            assert_eq!(code(&text), None, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_question() {
        let sha256 = "a".repeat(64);
        for text in [
            String::new(),
            "{}".into(),
            "[]".into(),
            format!(r#"{{"artifact":{{"sha256":"{sha256}"}},"resource":"demo","at":"yesterday"}}"#),
            format!(r#"{{"artifact":{{"sha256":"{sha256}"}},"resource":"demo","at":"2025-01-01T00:00:00Z","enviroment":"x"}}"#),
            format!(r#"{{"artifact":{{"sha256":"{sha256}"}},"resource":"demo","resource":"x","at":"2025-01-01T00:00:00Z"}}"#),
            format!(r#"{{"artifact":{{"sha1":"{sha256}"}},"resource":"demo","at":"2025-01-01T00:00:00Z"}}"#),
            format!(r#"{{"artifact":{{"sha512":"{sha256}{sha256}"}},"resource":"demo","at":"2025-01-01T00:00:00Z"}}"#),
            r#"{"artifact":{"sha256":"short"},"resource":"demo","at":"2025-01-01T00:00:00Z"}"#.into(),
            r#"{"artifact":{},"resource":"demo","at":"2025-01-01T00:00:00Z"}"#.into(),
        ] {
            assert_eq!(code(&text), Some(Code::QuestionInvalid), "{text}");
        }
    }
}
