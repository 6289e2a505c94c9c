//! Keys behind a program, `exec:PROGRAM ARGUMENT…`, by the protocol that `SIGNERS.md` documents.
//! How a program is run and ended stands in `program`; whether one keeps to the protocol, in `kit`.

mod kit;

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::identity::PublicKey;
use zeroize::Zeroizing;

use super::patience::Until;
use super::{Found, Keeper, Problem, Variables};
use crate::program::{self, Failed, Program};

pub use kit::check_exec_signer;

/// A program that keeps a key.
struct Exec(Program);

/// Reads what stands behind `exec:`, parted by blanks; no shell reads it.
pub(super) fn open(line: &str, _: Variables<'_>) -> Result<Arc<dyn Keeper>, Problem> {
    Ok(Arc::new(Exec::named(line)?))
}

impl Keeper for Exec {
    fn find(&self, until: &Until) -> Result<Found, Problem> {
        let printed = self.ask(&["public-key"], b"", until)?;
        let pem = std::str::from_utf8(&printed).map_err(|_| Problem::Answer { what: "a public key is printed as PEM" })?;
        let public = PublicKey::from_pem(pem).map_err(Problem::PublicKey)?;
        let version = public.fingerprint().to_string();
        Ok(Found { public, version })
    }

    fn sign(&self, found: &Found, message: &[u8], until: &Until) -> Result<Vec<u8>, Problem> {
        let mut printed = self.ask(&["sign", &found.version], message, until)?;
        printed.retain(|byte| !byte.is_ascii_whitespace());
        STANDARD.decode(&*printed).map_err(|_| Problem::Answer { what: "a signature is printed in base64" })
    }

    fn program(&self) -> Option<&Path> {
        self.0.path()
    }
}

impl Exec {
    fn named(line: &str) -> Result<Self, Problem> {
        Program::named(line).map(Self).ok_or(Problem::NoName { form: "`exec:PROGRAM ARGUMENT…`" })
    }

    /// Runs the program with these words behind its own arguments.
    fn ask(&self, words: &[&str], input: &[u8], until: &Until) -> Result<Zeroizing<Vec<u8>>, Problem> {
        self.0.ask(words, input.to_vec(), ANSWER_BYTES, &|| until.is_over()).map_err(|failed| match failed {
            Failed::Over => until.problem(),
            Failed::NotStarted(kind) => Problem::Program { why: format!("isn't started: {}", program::not_started(kind)) },
            Failed::Ended(status) => Problem::Program { why: format!("failed ({status})") },
            Failed::Stopped => Problem::Program { why: format!("gives no answer: {}", program::STOPPED) },
            Failed::TooMuch => Problem::Program { why: "printed more than any answer has".to_owned() },
        })
    }
}

const ANSWER_BYTES: u64 = 64 << 10;
