//! What a person allowed an agent to do, as `https://countersign.dev/mandate/v1`.
//! Whether a run kept to it is judged elsewhere.

use serde::{Deserialize, Serialize};

use super::own::{self, Own, PredicateError, Sha256};
use crate::digest::Algorithm;
use crate::json::Object;
use crate::statement::{ResourceDescriptor, Statement};
use crate::time::Time;

/// The bounds of an agent's work; its subject is the record of what was intended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mandate {
    /// The sealed record of what is to be done.
    pub intent: Sha256,
    /// The URI of the ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// The repositories that may be changed.
    pub repositories: Vec<String>,
    /// The refs that may be changed.
    pub refs: Vec<String>,
    /// The paths that may be changed: `*` within a segment, `**` across segments.
    pub paths: Vec<String>,
    /// The classes that a change may be of.
    pub change_classes: Vec<String>,
    /// What may be done to dependencies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dependencies: Option<Dependencies>,
    /// What may be spent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// How many agents may be started, and how deep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subagents: Option<Subagents>,
    /// The agents that may do it; empty for any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<AllowedAgent>,
    /// From when.
    pub not_before: Time,
    /// Until when.
    pub expires_at: Time,
    /// The mandate that this one is part of, by its bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Sha256>,
    /// Members beside these.
    #[serde(flatten)]
    pub other: Object,
}

impl Mandate {
    /// Makes the statement about the intent's record.
    ///
    /// # Errors
    /// [`PredicateError`] if a member isn't as it should be.
    pub fn statement(&self) -> Result<Statement, PredicateError> {
        own::about(self, vec![ResourceDescriptor::new("intent", self.intent.digest().clone())])
    }

    /// Reads the predicate of a statement.
    ///
    /// # Errors
    /// [`PredicateError`] for a statement of another type, and if a member isn't as it should be.
    pub fn read(statement: &Statement) -> Result<Self, PredicateError> {
        own::read(statement)
    }
}

impl Own for Mandate {
    const TYPE: &'static str = super::MANDATE;

    fn check(&self, subject: &[ResourceDescriptor]) -> Result<(), &'static str> {
        let decidable = |glob: &String| !glob.contains(['{', '}']) && !glob.starts_with('!') && !glob.contains("***");
        let amount = self.budget.as_ref().and_then(|budget| budget.cost.as_ref()).map_or("0", |cost| cost.amount.as_str());
        match () {
            () if !subject.iter().any(|s| s.digest.get(Algorithm::Sha256).as_ref() == Some(self.intent.digest())) => {
                Err("the subject must be the intent's record")
            }
            () if !own::are_names(&self.repositories) => Err("`repositories` must name at least one, each once"),
            () if !own::are_names(&self.refs) => Err("`refs` must name at least one, each once"),
            () if !own::are_names(&self.paths) => Err("`paths` must name at least one, each once"),
            () if !self.paths.iter().all(decidable) => Err("`paths` must be patterns of `*` and `**`, without braces and negation"),
            () if !own::are_names(&self.change_classes) => Err("`changeClasses` must name at least one, each once"),
            () if !is_decimal(amount) => Err("`amount` must be a decimal number in a string, such as `12.50`"),
            () if self.expires_at <= self.not_before => Err("`expiresAt` must be later than `notBefore`"),
            () => Ok(()),
        }
    }
}

/// What may be done to dependencies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dependencies {
    /// Whether some may be added.
    pub add: bool,
    /// How far some may be raised.
    pub up_to: Raise,
}

/// How far a version may be raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Raise {
    /// Not at all.
    None,
    /// In its third number.
    Patch,
    /// In its second number.
    Minor,
    /// In its first number.
    Major,
}

/// What may be spent; what isn't there isn't bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Budget {
    /// Tokens read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// Tokens written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    /// Time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
    /// Money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
}

/// An amount of money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// A decimal number.
    pub amount: String,
    /// The currency's code (ISO 4217).
    pub currency: String,
}

/// How many agents may be started, and how deep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subagents {
    /// How many in all.
    pub max: u32,
    /// How many levels.
    pub depth: u32,
}

/// An agent that may do the work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowedAgent {
    /// The program.
    pub runtime: String,
    /// Its models; empty for any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
}

fn is_decimal(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.len() <= 15 && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('.').map_or_else(|| digits(text), |(whole, part)| digits(whole) && digits(part))
}
