//! The binary `countersign`: reads a command line, runs one verb, and exits as the verb says.
//! What a verb does stands in its own file; this one only starts it and reports how it ended.

mod failure;
mod output;
mod escape;
mod clock;
mod data_home;
mod passphrase;
mod signer;
mod target;
mod repository;
mod stores;
mod policy_file;
mod bundle_file;
mod capture_failure;
mod circumstances;
mod keeping;
mod asking;
mod report;
mod verb;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use crate::passphrase::PassphraseSource;
use crate::verb::Verb;

/// Signed statements about what software agents and pipelines make, and decisions from them.
#[derive(Debug, Parser)]
#[command(name = "countersign", version, propagate_version = true, arg_required_else_help = true, max_term_width = 100)]
struct CommandLine {
    #[command(flatten)]
    passphrase: PassphraseSource,
    #[command(subcommand)]
    verb: Verb,
}

fn main() -> ExitCode {
    let ended = match CommandLine::try_parse() {
        Ok(CommandLine { passphrase, verb }) => verb.run(&passphrase),
        Err(error) => return unusable(&error),
    };
    ended.unwrap_or_else(|failure| {
        failure.report();
        ExitCode::from(failure.status())
    })
}

/// Answers a command line that runs no verb: a request for help, or one that can't be understood.
fn unusable(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return match output::answer(&error.render().ansi().to_string()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                failure.report();
                ExitCode::from(failure.status())
            }
        };
    }
    let text = error.render().to_string();
    // What was typed stands in it, and a file name that a shell completed can be a stranger's.
    let text = text.trim_end().lines().map(escape::escaped).collect::<Vec<_>>().join("\n");
    match text.strip_prefix("error: ") {
        Some(text) => output::labelled(output::ERROR, "error[usage]", text),
        None => output::remark(&text),
    }
    // Clap's own status for this is 2, which here means that a decision is undetermined.
    ExitCode::from(verb::failure_status(std::env::args_os().skip(1)))
}
