//! `countersign shred`: destroys what opens a sealed record, for ever.
//! What was signed stays as it was: no check of a statement ever needs an opening.

use std::process::ExitCode;

use clap::Args;

use crate::failure::Failure;
use crate::openings::Kept;
use crate::output;
use crate::passphrase::PassphraseSource;

/// Destroys what opens a sealed record; what was signed still verifies
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign shred sha256:HEX\n\n\
    The record's own key is overwritten and taken away, then the rest. Where a file system or a disk keeps what is overwritten \
    (copy-on-write, snapshots, backups, the spare blocks of an SSD) a copy of the key may be left; whoever finds it also \
    needs a copy of the messages, the private key and its passphrase.")]
pub(crate) struct Shred {
    /// The record: its digest, its root or its name, as `run` and `inspect` print them, or the opening's path
    #[arg(value_name = "RECORD")]
    record: String,
}

impl Shred {
    pub(crate) fn run(self, _: &PassphraseSource) -> Result<ExitCode, Failure> {
        let kept = Kept::find(&self.record)?;
        kept.shred()?;
        output::answer(&format!("shredded  {}\n", kept.record().digest()))?;
        Ok(ExitCode::SUCCESS)
    }
}
