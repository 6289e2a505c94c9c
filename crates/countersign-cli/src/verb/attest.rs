//! `countersign attest`: states something that has happened already, one file for each kind of statement.
//! It runs nothing and observes nothing, so no outcome is stated here.

mod agent_run;
mod build;
mod gate;
mod sbom;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use countersign::statement::Statement;
use countersign_capture::artifact::{Artifact, ArtifactError};

use crate::failure::Failure;
use crate::keeping::Keeping;
use crate::openings;
use crate::output;
use crate::passphrase::PassphraseSource;
use crate::sealed;

/// Signs a statement about something that has happened, and prints where it's kept
#[derive(Debug, Args)]
#[command(after_help = "Prints `<sha256 of the bundle>  <path or URI>`, a line for each copy.\n\n\
    What is stated afterwards doesn't say how it ended, which only `countersign run` sees: no requirement of kind `run-outcome`, \
    such as `outcome` in the policies that `init` writes, is met by it.")]
pub(crate) struct Attest {
    #[command(subcommand)]
    verb: AttestVerb,
}

#[derive(Debug, Subcommand)]
enum AttestVerb {
    AgentRun(agent_run::AgentRun),
    Build(build::Build),
    Sbom(sbom::Sbom),
    Gate(gate::Gate),
}

impl Attest {
    pub(crate) fn run(self, passphrase: &PassphraseSource) -> Result<ExitCode, Failure> {
        // What can't be stated is found out before anybody is asked for a passphrase.
        let (statement, keeping) = match self.verb {
            AttestVerb::AgentRun(verb) => {
                let openings = openings::prepare()?;
                let (statement, keeping) = verb.statement(&openings)?;
                return sign(&statement, keeping, passphrase, || sealed::tell(&statement, &openings));
            }
            AttestVerb::Build(verb) => verb.statement()?,
            AttestVerb::Sbom(verb) => verb.statement()?,
            AttestVerb::Gate(verb) => verb.statement()?,
        };
        // Nothing of these is sealed.
        sign(&statement, keeping, passphrase, || {})
    }
}

fn sign(statement: &Statement, keeping: Keeping, passphrase: &PassphraseSource, tell: impl FnOnce()) -> Result<ExitCode, Failure> {
    let lines = keeping.prepare(passphrase)?.keep(statement)?;
    let answered = output::answer(&lines);
    tell();
    // Without its lines nobody knows what was signed, and where it lies.
    answered.map_err(|failure| failure.hint(format!("the bundle is signed and kept: {}", lines.trim_end().replace('\n', ", "))))?;
    Ok(ExitCode::SUCCESS)
}

/// Reads files that are to be subjects.
fn artifacts(paths: &[PathBuf]) -> Result<Vec<Artifact>, Failure> {
    paths.iter().map(|path| artifact(path)).collect()
}

/// Reads a file that is to be a subject.
fn artifact(path: &Path) -> Result<Artifact, Failure> {
    let name = path.display();
    if path.is_dir() {
        return Err(ArtifactError::NotAFile { path: path.to_owned() }.into());
    }
    if !path.exists() && ["git:", "sha256:"].iter().any(|scheme| path.as_os_str().as_encoded_bytes().starts_with(scheme.as_bytes())) {
        return Err(Failure::new("subject-unsupported", format!("the subject is a file, and `{name}` names none"))
            .hint("name the file; the commit that it was built from is named by `attest build --source REV`"));
    }
    Ok(Artifact::read(path)?)
}
