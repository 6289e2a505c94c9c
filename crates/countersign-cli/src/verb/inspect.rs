//! `countersign inspect`: shows what a bundle claims, and that nothing of it is verified.
//! Whether a claim is believed is for `verify` to say.

mod claims;

use std::path::PathBuf;
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
    /// The bundles; a file may hold one on each line
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
        let mut shown = 0_usize;
        for file in &self.files {
            let bundles = match bundle_file::read_all(file) {
                Ok(bundles) => bundles,
                Err(failure) => {
                    report_earlier(refused.replace(failure));
                    continue;
                }
            };
            for (line, bytes) in bundles.iter().enumerate() {
                let name = if bundles.len() > 1 { format!("{}, bundle {}", file.display(), line + 1) } else { file.display().to_string() };
                match Bundle::parse(bytes) {
                    Ok(bundle) => self.show(&Claims::of(&bundle), &name, shown == 0)?,
                    Err(error) => report_earlier(refused.replace(Failure::new("malformed", format!("`{name}`: {error}")))),
                }
                shown += 1;
            }
        }
        refused.map_or(Ok(ExitCode::SUCCESS), Err)
    }

    fn show(&self, claims: &Claims, name: &str, first: bool) -> Result<(), Failure> {
        match self.format {
            Format::Json => output::answer_bytes(&[claims.to_json(), b"\n".to_vec()].concat()),
            Format::Human => {
                let gap = if first { "" } else { "\n" };
                let name = escaped(name);
                output::answer(&format!("{gap}{WARNING}UNVERIFIED{WARNING:#}  {name}: anybody may have written what follows\n{claims}"))
            }
        }
    }
}

/// The others may be good; the last word is the failure all the same.
fn report_earlier(earlier: Option<Failure>) {
    if let Some(earlier) = earlier {
        earlier.report();
    }
}
