//! `countersign attest build`: states that files were built here.
//! Only `run` can say by which command and how it ended.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use countersign::statement::Statement;
use countersign_capture::local_build::local_build;
use countersign_capture::observation::Made;
use countersign_capture::sealing::NotKept;

use super::artifacts;
use crate::circumstances::{self, Origin, fact};
use crate::failure::Failure;
use crate::keeping::Keeping;
use crate::output;
use crate::repository;

/// States that files were built here, and from which commit
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign attest build --subject app.tar.gz --source HEAD --sbom app.cyclonedx.json")]
pub(super) struct Build {
    /// The files
    #[arg(long, value_name = "PATH", required = true, num_args = 1.., value_hint = ValueHint::FilePath)]
    subject: Vec<PathBuf>,
    /// The commit that they were built from
    #[arg(long, value_name = "REV")]
    source: Option<String>,
    #[command(flatten)]
    origin: Origin,
    #[command(flatten)]
    keeping: Keeping,
}

impl Build {
    pub(super) fn statement(self) -> Result<(Statement, Keeping), Failure> {
        let repository = repository::at_hand()?;
        let ci = circumstances::ci();
        let mut observation = self.origin.observe(repository.as_ref(), ci.as_ref())?;
        if let Some(revision) = &self.source {
            let revision = revision.strip_prefix("git:").unwrap_or(revision);
            let repository = repository.as_ref().ok_or_else(|| repository::missing("to find the source in"))?;
            observation = observation.base(fact(repository.commit(revision)?.id, "argument:--source"));
            if let Some(reference) = super::agent_run::reference(repository, revision, ci.as_ref())? {
                observation = observation.reference(reference);
            }
        }
        let made = Made::Artifacts(artifacts(&self.subject)?);
        if self.source.is_none() {
            output::warning("no commit is named that it was built from, so the statement names no source, and a policy may ask for one");
            output::hint("name it by `--source REV`");
        }
        Ok((local_build(&made, observation, &NotKept)?, self.keeping.sparing(&self.subject)))
    }
}
