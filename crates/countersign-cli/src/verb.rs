//! The list of verbs: one line each.
//! What a verb does stands in its own file.

mod completions;
mod key;
mod policy;

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
    key::Key,
    policy::Policy,
    completions::Completions,
}
