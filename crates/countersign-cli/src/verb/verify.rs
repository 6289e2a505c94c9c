//! `countersign verify`: answers allow, deny or undetermined, and exits so.
//! How the answer is found stands in `asking`.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use countersign::decision::Answer;

use crate::asking::Asking;
use crate::failure::Failure;
use crate::output;
use crate::passphrase::PassphraseSource;
use crate::report;

/// Decides whether an artifact or a commit may run here: allow, deny or undetermined
#[derive(Debug, Args)]
#[command(after_help = "\
Exits with 0 for allow, 1 for deny, 2 for undetermined, and 3 if the question could not be asked.

Examples:
  countersign verify app.tar.gz --policy .countersign/policy.yaml
  countersign verify git:HEAD --policy git:origin/main:.countersign/policy.yaml
  countersign verify sha256:HEX --resource app --policy policy.yaml --bundle app.sigstore.json --format json")]
pub(crate) struct Verify {
    #[command(flatten)]
    asking: Asking,
    /// How the decision is shown
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// How an answer is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For reading
    Human,
    /// One canonical line (RFC 8785)
    Json,
}

impl Verify {
    pub(crate) fn run(self, _: &PassphraseSource) -> Result<ExitCode, Failure> {
        let target = self.asking.target.to_string_lossy().into_owned();
        let decision = self.asking.decide()?;
        match self.format {
            Format::Human => output::answer(&report::human(&decision, &target))?,
            Format::Json => output::answer_bytes(&[decision.to_json(), b"\n".to_vec()].concat())?,
        }
        Ok(status(decision.decision))
    }
}

/// Returns what an answer exits with.
pub(super) fn status(answer: Answer) -> ExitCode {
    match answer {
        Answer::Allow => ExitCode::SUCCESS,
        Answer::Deny => ExitCode::from(1),
        Answer::Undetermined => ExitCode::from(2),
    }
}
