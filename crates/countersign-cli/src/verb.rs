//! The list of verbs: one line each.
//! What a verb does stands in its own file.

mod attest;
mod completions;
mod disclose;
mod explain;
mod init;
mod inspect;
mod key;
mod man;
mod policy;
mod run;
mod shred;
mod sign_bundle;
mod trust;
mod verify;
mod verify_bundle;
mod why_not;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::failure::Failure;
use crate::passphrase::PassphraseSource;

macro_rules! verbs {
    ($($module:ident :: $Verb:ident,)+) => {
        /// What to do.
        #[derive(Debug, clap::Subcommand)]
        pub(crate) enum Verb { $($Verb($module::$Verb),)+ }

        impl Verb {
            /// Does it, and returns with what to exit.
            pub(crate) fn run(self, passphrase: &PassphraseSource) -> Result<ExitCode, Failure> {
                match self { $(Self::$Verb(verb) => verb.run(passphrase),)+ }
            }
        }
    };
}

// In the order of the help.
verbs! {
    init::Init,
    key::Key,
    run::Run,
    attest::Attest,
    verify::Verify,
    explain::Explain,
    why_not::WhyNot,
    verify_bundle::VerifyBundle,
    sign_bundle::SignBundle,
    inspect::Inspect,
    disclose::Disclose,
    shred::Shred,
    policy::Policy,
    trust::Trust,
    completions::Completions,
    man::Man,
}

/// Returns what a command line that can't be understood exits with: its verb's own status, as far as the verb can be told.
pub(crate) fn failure_status(arguments: impl Iterator<Item = OsString>) -> u8 {
    let mut words = arguments.skip_while(|word| word.as_encoded_bytes().starts_with(b"--passphrase-file="));
    let verb = match words.next() {
        Some(word) if word == "--passphrase-file" => words.nth(1),
        word => word,
    };
    if verb.is_some_and(|verb| verb == "run") { run::Run::STATUS } else { Failure::STATUS }
}
