//! `countersign verify`: answers allow, deny or undetermined, and exits so.
//! How the answer is found stands in `asking`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum, ValueHint};
use countersign::decision::Answer;

use crate::asking::Asking;
use crate::failure::Failure;
use crate::instance::Instance;
use crate::output;
use crate::passphrase::PassphraseSource;
use crate::report;
use crate::signer::SIGNER_HELP;
use crate::vsa::Vsa;

/// Decides whether an artifact or a commit may run here: allow, deny or undetermined
#[derive(Debug, Args)]
#[command(after_help = "\
Exits with 0 for allow, 1 for deny, 2 for undetermined, and 3 if the question could not be asked.

Examples:
  countersign verify app.tar.gz --policy .countersign/policy.yaml
  countersign verify git:HEAD --policy git:origin/main:.countersign/policy.yaml
  countersign verify sha256:HEX --resource app --policy policy.yaml --bundle app.sigstore.json --format json
  countersign verify app.tar.gz --policy policy.yaml --vsa app.vsa.sigstore.json --signer file:release.key")]
pub(crate) struct Verify {
    #[command(flatten)]
    asking: Asking,
    /// How the decision is shown
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Writes an allow or a deny to FILE, in place of a bundle that is there, as a signed verification summary (SLSA)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    vsa: Option<PathBuf>,
    #[arg(long, value_name = "SIGNER", help = SIGNER_HELP, requires = "vsa")]
    signer: Option<String>,
    #[command(flatten)]
    instance: Instance,
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
    pub(crate) fn run(self, passphrase: &PassphraseSource) -> Result<ExitCode, Failure> {
        // What can't be signed or written is found out before the question is asked.
        let prepare = |file| Vsa::prepare(file, self.signer.as_deref(), &self.instance, &self.asking.trust, passphrase);
        let vsa = self.vsa.map(prepare).transpose()?;
        let (decision, asked) = self.asking.decide()?;
        // What was decided is told even where it can't be stated for others.
        let stated = vsa.map_or(Ok(()), |vsa| vsa.write(&decision));
        match self.format {
            Format::Human => output::answer(&report::human(&decision, &asked))?,
            Format::Json => output::answer_bytes(&[decision.to_json(), b"\n".to_vec()].concat())?,
        }
        stated?;
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
