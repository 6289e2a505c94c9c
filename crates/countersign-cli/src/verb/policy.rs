//! `countersign policy`: says whether a policy loads, what is in it, and what is odd about it.
//! What makes a policy valid or odd is the heart's affair.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueHint};
use countersign::analysis::{Analysis, Oddity};

use crate::clock;
use crate::escape::escaped;
use crate::failure::Failure;
use crate::output;
use crate::passphrase::PassphraseSource;
use crate::verb::verify::Format;

/// Checks a policy
#[derive(Debug, Args)]
pub(crate) struct Policy {
    #[command(subcommand)]
    verb: PolicyVerb,
}

#[derive(Debug, Subcommand)]
enum PolicyVerb {
    Check(Check),
}

/// Loads a policy, and says what is in it, who could get something allowed alone, and what is odd about it; or where it's
/// wrong and what the nearest right word is
#[derive(Debug, Args)]
#[command(after_help = oddities())]
struct Check {
    /// The policy, in YAML or JSON
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,
    /// How it's shown
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Human)]
    format: Format,
}

impl Policy {
    pub(crate) fn run(self, _: &PassphraseSource) -> Result<ExitCode, Failure> {
        match self.verb {
            PolicyVerb::Check(verb) => verb.run(),
        }
    }
}

impl Check {
    fn run(self) -> Result<ExitCode, Failure> {
        let policy = crate::policy_file::read(&self.file)?;
        let analysis = Analysis::of(&policy, clock::now()?);
        match self.format {
            Format::Human => output::answer(&human(&analysis))?,
            Format::Json => output::answer_bytes(&[analysis.to_json(), b"\n".to_vec()].concat())?,
        }
        if self.format == Format::Human {
            for finding in &analysis.findings {
                output::warning(&format!("{}: `{}`: {}", finding.code, escaped(&finding.about), escaped(&finding.detail)));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The help's list of what can be odd.
fn oddities() -> String {
    let mut text = "Exits with 0 if the policy loads, whatever is odd about it, and with 3 if it doesn't.\n\n\
                    What is odd (on standard error; in JSON, `findings`):\n"
        .to_owned();
    for oddity in Oddity::ALL {
        text.push_str(&format!("  {:<25}{}\n", oddity.code(), oddity.meaning()));
    }
    text.push_str(
        "\nWhat stands beside `ok` as `single-signer` (in JSON, `singleSigners`): the word of that one signer is enough to get the \
         resource allowed in the environment. Who holds its key needs nobody else; another requirement, by other `signers`, changes that.\n",
    );
    text.push_str("\nExample:\n  countersign policy check .countersign/policy.yaml");
    text
}

fn human(analysis: &Analysis) -> String {
    let policy = &analysis.policy;
    let digest: Vec<_> = policy.digest.iter().map(|digest| digest.to_string()).collect();
    let environments: Vec<_> = policy.environments.iter().map(|name| escaped(name)).collect();
    let mut text = format!("ok  {}  {}  environments: {}\n", escaped(&policy.id), digest.join(" "), environments.join(", "));
    for single in &analysis.single_signers {
        let [signer, resource, environment] = [&single.signer, &single.resource, &single.environment].map(|word| escaped(word));
        text.push_str(&format!("single-signer  {signer} alone can get {resource} allowed in {environment}\n"));
    }
    text
}
