//! `countersign inspect`: shows what a bundle claims and a disclosure opens, and that nothing of it is verified.
//! Whether a claim is believed is for `verify` to say.

mod claims;
mod disclosed;

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
use disclosed::Disclosed;

/// Shows what bundles claim and disclosures open; verifies nothing
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  countersign inspect .countersign/evidence/bundles/*.sigstore.json\n  \
    countersign inspect message-2.json --bundle run.sigstore.json")]
pub(crate) struct Inspect {
    /// The bundles, or disclosures that `disclose` wrote
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    files: Vec<PathBuf>,
    /// Checks disclosures against the sealed records that this bundle carries. Repeatable
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    bundle: Vec<PathBuf>,
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
        let bundles = self.bundle.iter().map(|file| read(file)).collect::<Result<Vec<_>, _>>()?;
        for (place, file) in self.files.iter().enumerate() {
            let shown = match Shown::read(file, &bundles) {
                Ok(shown) => shown,
                // The others may be good; the last word is the failure all the same.
                Err(failure) => {
                    if let Some(earlier) = refused.replace(failure) {
                        Failure::report(&earlier);
                    }
                    continue;
                }
            };
            match self.format {
                Format::Json => output::answer_bytes(&[shown.to_json(), b"\n".to_vec()].concat())?,
                Format::Human => {
                    let gap = if place == 0 { "" } else { "\n" };
                    let name = escaped(&file.display().to_string());
                    output::answer(&format!("{gap}{}", shown.human(&name)))?;
                }
            }
        }
        refused.map_or(Ok(ExitCode::SUCCESS), Err)
    }
}

/// What a file turned out to hold.
enum Shown {
    Claims(Claims),
    Disclosed(Disclosed),
}

impl Shown {
    fn read(file: &Path, bundles: &[Bundle]) -> Result<Self, Failure> {
        let bytes = bundle_file::read_either(file)?;
        match Disclosed::read(&bytes) {
            Some(Ok(disclosure)) => Disclosed::of(disclosure, bundles).map(Self::Disclosed),
            Some(Err(error)) => Err(Failure::new("malformed", format!("`{}`: {error}", file.display()))),
            None => parse(file, &bytes).map(|bundle| Self::Claims(Claims::of(&bundle))),
        }
    }

    fn human(&self, name: &str) -> String {
        match self {
            Self::Claims(claims) => {
                format!("{WARNING}UNVERIFIED{WARNING:#}  {name}: anybody may have written what follows\n{claims}")
            }
            Self::Disclosed(disclosed) => disclosed.human(name),
        }
    }

    fn to_json(&self) -> Vec<u8> {
        match self {
            Self::Claims(claims) => claims.to_json(),
            Self::Disclosed(disclosed) => disclosed.to_json(),
        }
    }
}

fn read(file: &Path) -> Result<Bundle, Failure> {
    parse(file, &bundle_file::read(file)?)
}

fn parse(file: &Path, bytes: &[u8]) -> Result<Bundle, Failure> {
    Bundle::parse(bytes).map_err(|error| Failure::new("malformed", format!("`{}`: {error}", file.display())))
}
