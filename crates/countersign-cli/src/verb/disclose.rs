//! `countersign disclose`: opens one message of a sealed record, so that others can check that it was sealed.
//! Who signed the record is shown by its bundle, and checked there.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueHint};
use countersign::seal::{DiscloseError, Discloser};

use crate::escape::escaped;
use crate::failure::Failure;
use crate::openings::Kept;
use crate::output;
use crate::passphrase::PassphraseSource;

/// Opens one message of a sealed record, for others to check with `inspect`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  countersign disclose sha256:HEX --list\n  \
    countersign disclose sha256:HEX --message 2 --out message-2.json\n  \
    countersign inspect message-2.json --bundle run.sigstore.json\n\n\
    Whoever gets a disclosure learns this message, its kind and its number, and nothing of the others but how many there are.")]
pub(crate) struct Disclose {
    /// The record: its digest, its root or its name, as `run` and `inspect` print them, or the opening's path
    #[arg(value_name = "RECORD")]
    record: String,
    /// The message, counted from 0
    #[arg(long, value_name = "N", required_unless_present = "list")]
    message: Option<u64>,
    /// Lists the messages instead: number, kind and length in bytes
    #[arg(long, conflicts_with_all = ["message", "out"])]
    list: bool,
    /// Writes the disclosure to FILE, which mustn't be there yet [default: standard output]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    out: Option<PathBuf>,
}

impl Disclose {
    pub(crate) fn run(self, passphrase: &PassphraseSource) -> Result<ExitCode, Failure> {
        let kept = Kept::find(&self.record)?;
        match self.message {
            None => list(&kept, passphrase)?,
            Some(message) => {
                let mut line = disclosure(&kept, message, passphrase)?;
                line.push(b'\n');
                match &self.out {
                    None => output::answer_bytes(&line)?,
                    Some(out) => write(out, &line)?,
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn disclosure(kept: &Kept, message: u64, passphrase: &PassphraseSource) -> Result<Vec<u8>, Failure> {
    let failed = |error: DiscloseError| {
        let code = if matches!(error, DiscloseError::NoSuchLeaf { .. }) { "message-missing" } else { "opening-damaged" };
        Failure::of(code, &error)
    };
    let mut discloser = Discloser::new(kept.record().clone(), message).map_err(failed)?;
    kept.open(passphrase, &mut |salt, kind, body| discloser.leaf(salt, kind, body))?;
    Ok(discloser.finish().map_err(failed)?.to_bytes())
}

fn list(kept: &Kept, passphrase: &PassphraseSource) -> Result<(), Failure> {
    let mut lines = Vec::new();
    kept.open(passphrase, &mut |_, kind, body| lines.push((kind.to_owned(), body.len())))?;
    let width = lines.len().to_string().len();
    let lines = lines.iter().enumerate().map(|(at, (kind, bytes))| format!("{at:width$}  {bytes:>9}  {}\n", escaped(kind)));
    output::answer(&lines.collect::<String>())
}

/// Writes a file whole, for its owner only: who else may read it is the owner's to say.
fn write(out: &Path, line: &[u8]) -> Result<(), Failure> {
    if out.symlink_metadata().is_ok() {
        return Err(Failure::new("output-exists", format!("`{}` is there already", out.display())).hint("name another file by `--out`"));
    }
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new();
    file.prefix(".countersign-").permissions(PermissionsExt::from_mode(0o600));
    let written = file.tempfile_in(folder).and_then(|mut file| {
        file.write_all(line)?;
        file.as_file().sync_all()?;
        file.persist_noclobber(out).map_err(|error| error.error)
    });
    written.map(drop).map_err(|error| Failure::new("output-unwritable", format!("`{}` can't be written", out.display())).because(&error))
}
