//! `countersign completions`: prints a script that lets a shell complete the command line.
//! It knows no verb itself; it reads them from the definition of the command line.

use std::process::ExitCode;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::failure::Failure;
use crate::output;
use crate::passphrase::PassphraseSource;

/// Prints completions for a shell
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign completions bash > ~/.local/share/bash-completion/completions/countersign")]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, _: &PassphraseSource) -> Result<ExitCode, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut crate::CommandLine::command(), "countersign", &mut script);
        output::answer_bytes(&script)?;
        Ok(ExitCode::SUCCESS)
    }
}
