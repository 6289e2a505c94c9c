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
    /// The bundles, or disclosures that `disclose` wrote; a file may hold one on each line
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
        let mut shown = 0_usize;
        let against = self.bundle.iter().map(|file| bundles(file)).collect::<Result<Vec<_>, _>>()?.concat();
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
                match Shown::of(bytes, &name, &against) {
                    Ok(what) => self.show(&what, &name, shown == 0)?,
                    Err(failure) => report_earlier(refused.replace(failure)),
                }
                shown += 1;
            }
        }
        refused.map_or(Ok(ExitCode::SUCCESS), Err)
    }

    fn show(&self, what: &Shown, name: &str, first: bool) -> Result<(), Failure> {
        match self.format {
            Format::Json => output::answer_bytes(&[what.to_json(), b"\n".to_vec()].concat()),
            Format::Human => {
                let gap = if first { "" } else { "\n" };
                output::answer(&format!("{gap}{}", what.human(&escaped(name))))
            }
        }
    }
}

/// What is shown.
enum Shown {
    Claims(Claims),
    Disclosed(Disclosed),
}

impl Shown {
    fn of(bytes: &[u8], name: &str, against: &[Bundle]) -> Result<Self, Failure> {
        let malformed = |error: &dyn std::error::Error| Failure::new("malformed", format!("`{name}`: {error}"));
        match Disclosed::read(bytes) {
            Some(disclosure) => Disclosed::of(disclosure.map_err(|error| malformed(&error))?, name, against).map(Self::Disclosed),
            None => Bundle::parse(bytes).map(|bundle| Self::Claims(Claims::of(&bundle))).map_err(|error| malformed(&error)),
        }
    }

    fn human(&self, name: &str) -> String {
        match self {
            Self::Claims(claims) => format!("{WARNING}UNVERIFIED{WARNING:#}  {name}: anybody may have written what follows\n{claims}"),
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

/// Reads the bundles of a file, of which each must be one.
fn bundles(file: &Path) -> Result<Vec<Bundle>, Failure> {
    let parsed = bundle_file::read_all(file)?.into_iter().map(|bytes| Bundle::parse(&bytes));
    parsed.collect::<Result<_, _>>().map_err(|error| Failure::new("malformed", format!("`{}`: {error}", file.display())))
}

/// The others may be good; the last word is the failure all the same.
fn report_earlier(earlier: Option<Failure>) {
    if let Some(earlier) = earlier {
        earlier.report();
    }
}
