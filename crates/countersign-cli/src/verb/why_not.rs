//! `countersign why-not`: the fewest pieces of evidence that are missing for an allowance, and how to come by them.
//! What is missing is found out by the heart; this only prints it.

use std::fmt::{self, Write as _};
use std::process::ExitCode;

use clap::Args;
use countersign::decision::{self, Answer, Missing, MissingKind};

use super::verify::{Format, status};
use crate::asking::{Asked, Asking};
use crate::escape::escaped;
use crate::failure::Failure;
use crate::output::{self, ERROR, FAINT, HINT, WARNING};
use crate::passphrase::PassphraseSource;
use crate::report;

/// Decides as verify does, and names the least that is missing for an allowance, with the commands that supply it
#[derive(Debug, Args)]
#[command(after_help = "\
Exits as `countersign verify` does: 0 for allow, 1 for deny, 2 for undetermined, 3 if the question could not be asked.

Words in capitals in a command stand for what only you know.

Example:
  countersign why-not app.tar.gz --policy .countersign/policy.yaml")]
pub(crate) struct WhyNot {
    #[command(flatten)]
    asking: Asking,
    /// How it's shown
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Human)]
    format: Format,
}

impl WhyNot {
    pub(crate) fn run(self, _: &PassphraseSource) -> Result<ExitCode, Failure> {
        let (why_not, asked) = self.asking.conclude(|inquiry| inquiry.why_not())?;
        match self.format {
            Format::Human => output::answer(&human(&why_not, &asked))?,
            Format::Json => output::answer_bytes(&[why_not.to_json(), b"\n".to_vec()].concat())?,
        }
        Ok(status(why_not.decision.decision))
    }
}

fn human(why_not: &decision::WhyNot, asked: &Asked) -> String {
    let mut text = String::new();
    // INVARIANT: writing to a string never fails.
    let _ = write(&mut text, why_not, asked);
    text
}

fn write(out: &mut String, why_not: &decision::WhyNot, asked: &Asked) -> fmt::Result {
    report::headline(out, &why_not.decision, asked)?;
    if why_not.decision.decision == Answer::Allow {
        return writeln!(out, "nothing is missing: it's allowed");
    }
    why_not.missing.iter().try_for_each(|piece| missing(out, piece, asked))
}

fn missing(out: &mut String, piece: &Missing, asked: &Asked) -> fmt::Result {
    let what = match piece.kind {
        MissingKind::Policy => "no way",
        MissingKind::Limit => "too much",
        _ => "missing",
    };
    write!(out, "{ERROR}{what}{ERROR:#}: {}", escaped(&piece.detail))?;
    write!(out, "  {FAINT}for{FAINT:#} {}", words(&piece.requirements))?;
    if !piece.signers.is_empty() {
        write!(out, "  {FAINT}by{FAINT:#} {}", piece.signers.iter().map(|id| escaped(id)).collect::<Vec<_>>().join(" or "))?;
    }
    writeln!(out)?;
    if !piece.looked_for {
        writeln!(out, "  {WARNING}it may be there{WARNING:#}: it can't be looked for before what it's about is known")?;
    }
    if let Some(because) = piece.because.as_ref().filter(|because| !piece.detail.ends_with(&because.detail)) {
        let evidence = report::short(&because.evidence);
        let gap = if evidence.is_empty() { "" } else { "  " };
        writeln!(out, "  {FAINT}so far{FAINT:#}  {}: {}{gap}{FAINT}{evidence}{FAINT:#}", because.code, escaped(&because.detail))?;
    }
    piece.commands.iter().try_for_each(|command| writeln!(out, "  {HINT}next{HINT:#}: {}", escaped(&asked.filled_in(command))))
}

fn words(ids: &[String]) -> String {
    ids.iter().map(|id| escaped(id)).collect::<Vec<_>>().join(", ")
}
