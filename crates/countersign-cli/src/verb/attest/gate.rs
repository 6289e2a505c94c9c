//! `countersign attest gate`: states what a check of the pipeline found on a tree.
//! Reports are taken by their digest; what stands in them isn't read.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum, ValueHint};
use countersign::digest::{Algorithm, Digest};
use countersign::predicate::{GateResult, TestResult, tree_subject};
use countersign::statement::Statement;
use countersign_capture::artifact::hash;
use countersign_capture::observation::StateError;

use crate::failure::Failure;
use crate::keeping::Keeping;
use crate::target::Target;

/// States what a gate found on the tree of a commit
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign attest gate --subject git:HEAD --name unit-tests --result PASSED --report junit.xml")]
pub(super) struct Gate {
    /// The commit whose tree was checked
    #[arg(long, value_name = "git:REV")]
    subject: OsString,
    /// The gate's name, as the policy has it
    #[arg(long, value_name = "NAME", value_parser = gate_name)]
    name: String,
    /// What it found
    #[arg(long, value_name = "RESULT", value_enum)]
    result: Verdict,
    /// The report that it left, which is stated by its digest
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    report: Option<PathBuf>,
    #[command(flatten)]
    keeping: Keeping,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "UPPER")]
enum Verdict {
    /// Nothing to object to
    Passed,
    /// Something to look at
    Warned,
    /// Something to object to
    Failed,
}

impl Gate {
    pub(super) fn statement(self) -> Result<(Statement, Keeping), Failure> {
        // A commit is all that it can be, so a word without a scheme is told how it's written, and not looked for as a file.
        let is_named = self.subject.to_str().is_some_and(|subject| subject.starts_with("git:"));
        let Some(Target::Git(revision)) = is_named.then(|| Target::parse(&self.subject)).transpose()? else {
            return Err(Failure::new("subject-unsupported", "a gate checks a tree, so its subject is a commit")
                .hint("name it as `git:REV`, such as `git:HEAD`"));
        };
        let tree = crate::repository::needed("to find the tree in")?.commit(&revision)?.tree;
        let result = match self.result {
            Verdict::Passed => GateResult::Passed,
            Verdict::Warned => GateResult::Warned,
            Verdict::Failed => GateResult::Failed,
        };
        let report = self.report.as_deref().map(report).transpose()?;
        let statement = TestResult::of_gate(&self.name, result, report).about(vec![tree_subject(tree)]).map_err(StateError::from)?;
        Ok((statement, self.keeping))
    }
}

/// Returns the digest of the report.
fn report(file: &Path) -> Result<Digest, Failure> {
    let hashed = hash(file, [Algorithm::Sha256], &mut |_| {});
    let [sha256] = hashed.map_err(|error| Failure::new("report-unreadable", format!("the report: {error}")))?;
    Ok(sha256)
}

fn gate_name(text: &str) -> Result<String, &'static str> {
    let is_name = (1..=NAME_BYTES).contains(&text.len()) && !text.chars().any(|c| c.is_control() || c.is_whitespace());
    if is_name { Ok(text.to_owned()) } else { Err("expected a name without blanks, of at most 128 bytes") }
}

const NAME_BYTES: usize = 128;
