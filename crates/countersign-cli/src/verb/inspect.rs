//! `countersign inspect`: shows what a bundle claims, and that nothing of it is verified.
//! Whether a claim is believed is for `verify` to say.

mod claims;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum, ValueHint};
use countersign::bundle::Bundle;

use crate::bundle_file;
use crate::escape::escaped;
use crate::failure::Failure;
use crate::output::{self, WARNING};
use crate::passphrase::PassphraseSource;
use claims::Claims;

/// Shows what bundles claim; verifies nothing
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign inspect .countersign/evidence/bundles/*.sigstore.json")]
pub(crate) struct Inspect {
    /// The bundles
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    files: Vec<PathBuf>,
    /// How they are shown
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For reading
    Human,
    /// A canonical line (RFC 8785) for each bundle
    Json,
}

impl Inspect {
    pub(crate) fn run(self, _: &PassphraseSource) -> Result<ExitCode, Failure> {
        let mut refused = None;
        for (place, file) in self.files.iter().enumerate() {
            let claims = match read(file) {
                Ok(bundle) => Claims::of(&bundle),
                // The others may be good; the last word is the failure all the same.
                Err(failure) => {
                    if let Some(earlier) = refused.replace(failure) {
                        Failure::report(&earlier);
                    }
                    continue;
                }
            };
            match self.format {
                Format::Json => output::answer_bytes(&[claims.to_json(), b"\n".to_vec()].concat())?,
                Format::Human => {
                    let gap = if place == 0 { "" } else { "\n" };
                    let name = escaped(&file.display().to_string());
                    output::answer(&format!(
                        "{gap}{WARNING}UNVERIFIED{WARNING:#}  {name}: anybody may have written what follows\n{claims}"
                    ))?;
                }
            }
        }
        refused.map_or(Ok(ExitCode::SUCCESS), Err)
    }
}

fn read(file: &Path) -> Result<Bundle, Failure> {
    Bundle::parse(&bundle_file::read(file)?).map_err(|error| Failure::new("malformed", format!("`{}`: {error}", file.display())))
}
