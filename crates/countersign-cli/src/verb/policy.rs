//! `countersign policy`: says whether a policy loads, and what is in it.
//! What makes a policy valid is the heart's affair.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueHint};

use crate::clock;
use crate::escape::escaped;
use crate::failure::Failure;
use crate::output;
use crate::passphrase::PassphraseSource;

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

/// Loads a policy, and says what is in it, or where it's wrong and what the nearest right word is
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign policy check .countersign/policy.yaml")]
struct Check {
    /// The policy, in YAML or JSON
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,
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
        if let Some(expires) = policy.expires()
            && clock::now().is_ok_and(|now| expires <= now)
        {
            output::warning(&format!(
                "the policy expired at {expires}, so nothing is judged by it any more; renew it, and set a later `expires`"
            ));
        }
        let environments: Vec<_> = policy.environments().map(escaped).collect();
        output::answer(&format!("ok  {}  {}  environments: {}\n", escaped(policy.id()), policy.digest(), environments.join(", ")))?;
        Ok(ExitCode::SUCCESS)
    }
}
