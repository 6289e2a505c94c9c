//! Where a passphrase comes from: a file, else the environment, else a prompt at the terminal.
//! What it opens, and whether it's right, is the key's affair.

use std::env;
use std::fs::File;
use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use countersign_sign::Passphrase;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::output;

/// How the passphrase of a private key is given.
#[derive(Debug, Args)]
pub(crate) struct PassphraseSource {
    /// Reads the passphrase of the private key from FILE, without the newline at its end [default: the variable
    /// COUNTERSIGN_PASSPHRASE, else a prompt at the terminal]
    #[arg(long = "passphrase-file", value_name = "FILE", global = true, value_hint = ValueHint::FilePath)]
    // Not `file`, since a verb with an argument of that id would lose this option.
    passphrase_file: Option<PathBuf>,
}

impl PassphraseSource {
    /// Returns the passphrase of an existing key; `None` if nobody gives one and there is no terminal to ask at.
    pub(crate) fn existing(&self, key: &str) -> Result<Option<Passphrase>, Failure> {
        match self.given()? {
            Some(passphrase) => Ok(Some(passphrase)),
            None if can_ask() => ask(&format!("Passphrase of {key}: ")).map(|typed| Some(into_passphrase(typed))),
            None => Ok(None),
        }
    }

    /// Returns true if a file was named.
    pub(crate) const fn names_a_file(&self) -> bool {
        self.passphrase_file.is_some()
    }

    /// Returns true if a passphrase was given beforehand, so that nobody need be asked.
    pub(crate) fn is_given(&self) -> bool {
        self.passphrase_file.is_some() || env::var_os(VARIABLE).is_some()
    }

    /// Returns the passphrase for a key that is being made; typed twice, since a slip would lock it for ever.
    pub(crate) fn fresh(&self, key: &str) -> Result<Passphrase, Failure> {
        if let Some(passphrase) = self.given()? {
            return Ok(passphrase);
        }
        if !can_ask() {
            return Err(Failure::new(
                "passphrase-needed",
                format!("a passphrase is needed to protect {key}, and there is no terminal to ask at"),
            )
            .hint("give `--passphrase-file FILE` or set COUNTERSIGN_PASSPHRASE")
            .hint("`--no-passphrase` leaves the key unprotected: whatever runs as you can then sign with it"));
        }
        let first = ask(&format!("New passphrase for {key}: "))?;
        let second = ask("The same again: ")?;
        if first == second {
            Ok(into_passphrase(first))
        } else {
            Err(Failure::new("passphrase-differs", "the two passphrases differ; nothing was made"))
        }
    }

    /// What was given beforehand, without asking.
    fn given(&self) -> Result<Option<Passphrase>, Failure> {
        if let Some(file) = &self.passphrase_file {
            return read(file).map(Some);
        }
        match env::var(VARIABLE) {
            Ok(passphrase) => Ok(Some(Passphrase::new(passphrase))),
            Err(env::VarError::NotPresent) => Ok(None),
            Err(env::VarError::NotUnicode(_)) => Err(Failure::new("passphrase-unreadable", format!("the variable {VARIABLE} isn't UTF-8"))),
        }
    }
}

fn read(file: &Path) -> Result<Passphrase, Failure> {
    let failed = || Failure::new("passphrase-unreadable", format!("the passphrase file `{}` can't be read", file.display()));
    // The full capacity at once: growing would leave copies of the passphrase behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(PASSPHRASE_BYTES + 1));
    let opened = File::open(file).map_err(|error| failed().because(&error))?;
    opened.take(PASSPHRASE_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(|error| failed().because(&error))?;
    if bytes.len() > PASSPHRASE_BYTES {
        return Err(failed().hint(format!("a passphrase has at most {PASSPHRASE_BYTES} bytes")));
    }
    let text = std::str::from_utf8(&bytes).map_err(|error| failed().because(&error))?;
    let text = text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text));
    Ok(Passphrase::new(text.to_owned()))
}

/// Asks for a token's PIN, if there is a terminal; `None` if nothing is typed, or can be.
pub(crate) fn pin(key: &str) -> Option<String> {
    let typed = can_ask().then(|| ask(&format!("PIN for `{key}` (empty if it's typed at the token itself): ")));
    // Moved, not copied: who takes it wipes it.
    typed?.ok().map(|mut typed| std::mem::take(&mut *typed))
}

/// A prompt needs somebody who sees it and can type.
fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

fn ask(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    output::prompt(prompt);
    rpassword::read_password()
        .map(Zeroizing::new)
        .map_err(|error| Failure::new("passphrase-unreadable", "the passphrase can't be read from the terminal").because(&error))
}

fn into_passphrase(mut typed: Zeroizing<String>) -> Passphrase {
    // Moved, not copied: the passphrase wipes it.
    Passphrase::new(std::mem::take(&mut *typed))
}

const VARIABLE: &str = "COUNTERSIGN_PASSPHRASE";
const PASSPHRASE_BYTES: usize = 4_096;
