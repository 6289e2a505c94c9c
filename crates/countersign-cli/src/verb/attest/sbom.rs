//! `countersign attest sbom`: states what is inside a file.
//! Whether the list is true is whoever made it's to say.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use countersign::statement::Statement;
use countersign_capture::observation::StateError;

use crate::capture_failure::read_sbom;
use crate::failure::Failure;
use crate::keeping::Keeping;

/// States what is inside a file: the SBOM is the predicate
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign attest sbom --subject app.tar.gz --sbom app.cyclonedx.json")]
pub(super) struct Sbom {
    /// The file
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    subject: PathBuf,
    /// The SBOM, in SPDX or CycloneDX JSON
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    sbom: PathBuf,
    #[command(flatten)]
    keeping: Keeping,
}

impl Sbom {
    pub(super) fn statement(self) -> Result<(Statement, Keeping), Failure> {
        let sbom = read_sbom(&self.sbom)?;
        let subject = super::artifact(&self.subject)?.subject();
        let statement = sbom.predicate.about(vec![subject]).map_err(StateError::from)?;
        Ok((statement, self.keeping.sparing([&self.subject, &self.sbom])))
    }
}
