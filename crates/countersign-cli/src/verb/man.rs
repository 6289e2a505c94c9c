//! `countersign man`: prints the manual, a page for the program and one for each verb.
//! It knows no verb itself; pages are made from the definition of the command line, and `sections` adds what that can't say.

mod sections;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Command, CommandFactory as _, ValueHint};

use crate::escape::escaped;
use crate::failure::Failure;
use crate::output;
use crate::passphrase::PassphraseSource;

/// Prints the manual page, or writes the pages of all verbs
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  countersign man | man -l -\n  countersign man --out ~/.local/share/man/man1")]
pub(crate) struct Man {
    /// Writes the page of each verb, too, into DIR, and prints where
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    out: Option<PathBuf>,
}

impl Man {
    pub(crate) fn run(self, _: &PassphraseSource) -> Result<ExitCode, Failure> {
        let mut command = crate::CommandLine::command().disable_help_subcommand(true);
        command.build();
        match self.out {
            None => output::answer_bytes(&sections::page(&command).1)?,
            Some(folder) => {
                let unwritable = |path: &PathBuf, error: &std::io::Error| {
                    Failure::new("output-unwritable", format!("`{}` can't be written", path.display())).because(error)
                };
                fs::create_dir_all(&folder).map_err(|error| unwritable(&folder, &error))?;
                for (name, page) in pages(&command) {
                    let path = folder.join(name);
                    fs::write(&path, page).map_err(|error| unwritable(&path, &error))?;
                    output::answer(&format!("{}\n", escaped(&path.display().to_string())))?;
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Returns the pages of a command and all commands within it, by their files' names.
fn pages(command: &Command) -> Vec<(String, Vec<u8>)> {
    let within = command.get_subcommands().filter(|command| !command.is_hide_set());
    [sections::page(command)].into_iter().chain(within.flat_map(pages)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn manual() -> BTreeMap<String, String> {
        let mut command = crate::CommandLine::command().disable_help_subcommand(true);
        command.build();
        pages(&command).into_iter().map(|(name, page)| (name, String::from_utf8(page).unwrap())).collect()
    }

    #[test]
    fn every_verb_has_a_page_that_names_all_of_its_options() {
        fn check(command: &Command, path: &str, manual: &BTreeMap<String, String>) {
            let page = &manual[&format!("{path}.1")];
            for option in command.get_arguments().filter_map(clap::Arg::get_long) {
                assert!(page.contains(&format!("\\-\\-{}", option.replace('-', "\\-"))), "{path}: {option}");
            }
            for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
                check(verb, &format!("{path}-{}", verb.get_name()), manual);
            }
        }
        let manual = manual();
        check(&crate::CommandLine::command(), "countersign", &manual);
        assert!(manual.contains_key("countersign-verify.1") && manual.contains_key("countersign-attest-agent-run.1"));
        assert!(!manual.keys().any(|name| name.contains("help")));
    }

    #[test]
    fn every_page_says_how_the_verb_exits_and_the_deciding_ones_what_each_answer_is() {
        let manual = manual();
        for (name, page) in &manual {
            assert_eq!(page.matches(".SH \"EXIT STATUS\"").count(), 1, "{name}");
        }
        assert!(manual["countersign-verify.1"].contains("undetermined"));
        assert!(manual["countersign-run.1"].contains("125"));
        assert!(manual["countersign-run.1"].contains("COUNTERSIGN_SANDBOX_IMAGE"));
        assert!(!manual["countersign-verify.1"].contains("COUNTERSIGN_SANDBOX_IMAGE"));
    }

    #[test]
    fn a_synopsis_has_the_values_of_options_and_what_ends_them() {
        let manual = manual();
        let plain = |name: &str| manual[name].replace("\\-", "-").replace('\n', " ");
        assert!(plain("countersign-run.1").contains("[--artifact <PATH>]..."), "{}", plain("countersign-run.1"));
        assert!(plain("countersign-run.1").contains("-- <CMD>..."), "{}", plain("countersign-run.1"));
        assert!(plain("countersign-verify.1").contains("[--policy <POLICY>]") && plain("countersign-verify.1").contains("<TARGET>"));
        for name in ["init", "disclose", "shred"] {
            assert!(plain(&format!("countersign-{name}.1")).contains("XDG_DATA_HOME"), "{name}");
        }
    }

    #[test]
    fn an_example_stands_as_it_is_typed() {
        let page = &manual()["countersign-attest-build.1"];
        assert!(page.contains(".SH EXAMPLES\n"), "{page}");
        assert!(page.contains("countersign attest build \\-\\-subject app.tar.gz"), "{page}");
        assert!(!page.contains("EXTRA"));
    }

    #[test]
    fn no_page_tells_of_the_machine_that_it_was_made_on() {
        let here = env!("CARGO_MANIFEST_DIR");
        let home = std::env::var("HOME").unwrap_or_default();
        for (name, page) in manual() {
            let page = page.replace("\\-", "-");
            for place in [here, home.as_str()].iter().filter(|place| place.len() > 1) {
                assert!(!page.contains(place), "{name}: {place}");
            }
            assert!(!page.split_whitespace().any(|word| word.trim_start_matches(['`', '<', '(']).starts_with('/')), "{name}");
        }
    }
}
