//! The binary `countersign`: reads a command line, runs one verb, and exits as the verb says.
//! What a verb does stands in its own file; this one only starts it and reports how it ended.

mod failure;
mod output;
mod escape;
mod clock;
mod data_home;
mod public_good;
mod passphrase;
mod person;
mod instance;
mod signer;
mod target;
mod repository;
mod memo;
mod stores;
mod policy_file;
mod bundle_file;
mod capture_failure;
mod patience;
mod ready;
mod circumstances;
mod keeping;
mod openings;
mod sealed;
mod asking;
mod report;
mod explained;
mod verb;
mod vsa;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use countersign_sign::IdentityToken;

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
    memo::install();
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
    let text = without_tokens(&text);
    // What was typed stands in it, and a file name that a shell completed can be a stranger's.
    let text = text.trim_end().lines().map(escape::escaped).collect::<Vec<_>>().join("\n");
    match text.strip_prefix("error: ") {
        Some(text) => {
            let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
            output::labelled(output::ERROR, "error[usage]", first);
            output::remark(rest);
        }
        None => output::remark(&text),
    }
    // Clap's own status for this is 2, which here means that a decision is undetermined.
    ExitCode::from(verb::failure_status(std::env::args_os().skip(1)))
}

/// Takes out every identity token: one that stands where none belongs isn't repeated.
fn without_tokens(text: &str) -> String {
    let is_between = |c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c);
    let pieces = text.split_inclusive(is_between).flat_map(|piece| {
        let word = piece.trim_end_matches(is_between);
        [if IdentityToken::is_in(word) { "…" } else { word }, piece.get(word.len()..).unwrap_or_default()]
    });
    pieces.collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use countersign::json::Json;

    use super::*;

    #[test]
    fn every_next_step_is_a_command_line_that_is_understood() {
        let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/cases");
        let mut remedies = std::collections::BTreeSet::new();
        for case in fs::read_dir(cases).unwrap() {
            // A case of an error has no decision.
            let Ok(bytes) = fs::read(case.unwrap().path().join("decision.json")) else { continue };
            let decision = Json::parse(&bytes).unwrap();
            for requirement in decision.get("requirements").and_then(Json::as_array).unwrap() {
                let lines = requirement.get("remedy").and_then(Json::as_array).unwrap();
                remedies.extend(lines.iter().map(|line| line.as_str().unwrap().to_owned()));
            }
        }
        let transcripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
        for name in ["verify.txt", "explain.txt", "why-not.txt"] {
            let text = fs::read_to_string(transcripts.join(name)).unwrap();
            let commands = text.lines().filter_map(|line| line.trim_start().strip_prefix("next: ")).map(str::to_owned);
            remedies.extend(commands.filter(|line| line.starts_with("countersign ")));
        }
        assert!(remedies.len() > 5, "{remedies:?}");
        for remedy in remedies {
            let words = remedy.split(' ').map(filled_in);
            if let Err(error) = CommandLine::try_parse_from(words) {
                panic!("`{remedy}`: {error}");
            }
        }
    }

    #[test]
    fn every_verb_takes_a_passphrase_file() {
        fn check(command: &clap::Command) {
            assert!(command.get_arguments().any(|argument| argument.get_long() == Some("passphrase-file")), "{}", command.get_name());
            command.get_subcommands().filter(|verb| verb.get_name() != "help").for_each(check);
        }
        let mut command = <CommandLine as clap::CommandFactory>::command();
        command.build();
        check(&command);
    }

    /// Puts a value where a remedy leaves one to the reader.
    fn filled_in(word: &str) -> String {
        match word {
            "PATH" | "FILE" => "made.tar".to_owned(),
            "SIGNER" => "file:release.key".to_owned(),
            "ISSUER#SUBJECT" => "https://issuer.example.test#maintainer@example.test".to_owned(),
            "NAME@sha256:HEX" => format!("registry.example.test/box@sha256:{}", "0".repeat(64)),
            "NAME" => "unit-tests".to_owned(),
            "git:COMMIT" => format!("git:{}", "0".repeat(40)),
            "COMMAND" => "make".to_owned(),
            other => other.to_owned(),
        }
    }
}
