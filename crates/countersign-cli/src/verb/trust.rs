//! `countersign trust`: shows trust roots, fetches the newest, and makes new ones.
//! What they vouch for is the heart's affair.

mod create;
mod show;
mod update;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::failure::Failure;
use crate::passphrase::PassphraseSource;

/// Shows, updates or makes trust roots: CAs, logs and timestamp authorities whose word counts
#[derive(Debug, Args)]
pub(crate) struct Trust {
    #[command(subcommand)]
    verb: TrustVerb,
}

#[derive(Debug, Subcommand)]
enum TrustVerb {
    Show(show::Show),
    Update(update::Update),
    Create(create::Create),
}

impl Trust {
    pub(crate) fn run(self, _: &PassphraseSource) -> Result<ExitCode, Failure> {
        match self.verb {
            TrustVerb::Show(verb) => verb.run()?,
            TrustVerb::Update(verb) => verb.run()?,
            TrustVerb::Create(verb) => verb.run()?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
