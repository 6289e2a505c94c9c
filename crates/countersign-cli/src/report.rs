//! Shows a decision to a human, complete and compact.
//! It adds nothing to the decision but one sentence about what evidence from the agent's own machine can show.

use std::fmt::{self, Write as _};

use countersign::decision::{Answer, Decision, EvidenceResult, RequirementResult, Status};
use countersign::digest::Digest;
use countersign::predicate::Basis;

use crate::asking::Asked;
use crate::escape::escaped;
use crate::output::{ERROR, FAINT, GOOD, HINT, WARNING};

/// Returns the decision as text with styles.
pub(crate) fn human(decision: &Decision, asked: &Asked) -> String {
    let mut text = String::new();
    // INVARIANT: writing to a string never fails.
    let _ = write(&mut text, decision, asked);
    text
}

fn write(out: &mut String, decision: &Decision, asked: &Asked) -> fmt::Result {
    headline(out, decision, asked)?;
    requirements(out, &decision.requirements)?;
    next_steps(out, &decision.requirements, asked)?;
    evidence(out, &decision.evidence, asked)?;
    findings(out, decision)?;
    if rests_on_the_harness(decision) {
        let signed = if carried_by_keys(decision) { "signed by keys on a machine that the agent may share" } else { HARNESS };
        writeln!(out, "{WARNING}note{WARNING:#}: {signed}; it shows what the harness said, not what happened")?;
    }
    Ok(())
}

/// Writes the answer, the question and the policy.
pub(crate) fn headline(out: &mut String, decision: &Decision, asked: &Asked) -> fmt::Result {
    let (style, answer) = match decision.decision {
        Answer::Allow => (GOOD, "ALLOW"),
        Answer::Deny => (ERROR, "DENY"),
        Answer::Undetermined => (WARNING, "UNDETERMINED"),
    };
    let question = &decision.question;
    let environment = question.environment.as_deref().unwrap_or("any environment");
    writeln!(out, "{style}{answer}{style:#}  {} as {} in {}", escaped(asked.target()), escaped(&question.resource), escaped(environment))?;
    let artifact: Vec<_> = question.artifact.iter().map(|digest| digest.to_string()).collect();
    writeln!(out, "  {FAINT}{}  at {}{FAINT:#}", artifact.join(" "), question.at)?;
    let policy = &decision.policy;
    writeln!(out, "  {FAINT}policy {}  sha256:{}{FAINT:#}", escaped(&policy.id), policy.digest.sha256)
}

/// Writes what became of each requirement; a cause that several of them share is told once.
pub(crate) fn requirements(out: &mut String, requirements: &[RequirementResult]) -> fmt::Result {
    let rows = causes(requirements);
    let ids = |row: &[&RequirementResult]| row.iter().map(|r| escaped(&r.id)).collect::<Vec<_>>().join(", ");
    let kinds = |row: &[&RequirementResult]| row.iter().map(|r| r.kind).collect::<Vec<_>>().join(", ");
    // Only what stands alone is a table: a cause of many would push all others to the right.
    let single = || rows.iter().filter(|row| row.len() == 1);
    let (id_width, kind_width) = (widest(single().map(|row| ids(row))), widest(single().map(|row| kinds(row))));
    for row in &rows {
        let Some(requirement) = row.first() else { continue };
        let (style, sign) = match requirement.status {
            Status::Met => (GOOD, '✓'),
            Status::Unmet => (ERROR, '✗'),
            Status::Unknown => (WARNING, '?'),
        };
        let (ids, kinds) = (ids(row), kinds(row));
        let begin = if row.len() == 1 {
            format!("{style}{sign}{style:#} {ids:id_width$}  {kinds:kind_width$}")
        } else {
            format!("{style}{sign}{style:#} {ids}")
        };
        if let Some(by) = &requirement.overridden_by {
            writeln!(out, "{begin}  {WARNING}overridden{WARNING:#} by {}", short(std::slice::from_ref(by)))?;
        } else if requirement.reasons.is_empty() {
            writeln!(out, "{begin}  {FAINT}{}{FAINT:#}", short(&requirement.evidence))?;
        }
        for (place, reason) in requirement.reasons.iter().enumerate() {
            let begin = if place == 0 { begin.clone() } else { format!("  {:id_width$}  {:kind_width$}", "", "") };
            write!(out, "{begin}  {style}{}{style:#}: {}", reason.code, escaped(&reason.detail))?;
            if !reason.evidence.is_empty() {
                write!(out, "  {FAINT}{}{FAINT:#}", short(&reason.evidence))?;
            }
            writeln!(out)?;
        }
    }
    Ok(())
}

/// The requirements, those together that fail for one and the same cause.
fn causes(requirements: &[RequirementResult]) -> Vec<Vec<&RequirementResult>> {
    let mut rows: Vec<Vec<&RequirementResult>> = Vec::new();
    for requirement in requirements {
        let same = |row: &&mut Vec<&RequirementResult>| {
            row.first().is_some_and(|first| {
                let shared = !first.reasons.is_empty() && first.overridden_by.is_none() && requirement.overridden_by.is_none();
                shared && first.status == requirement.status && first.reasons == requirement.reasons
            })
        };
        match rows.iter_mut().find(same) {
            Some(row) => row.push(requirement),
            None => rows.push(vec![requirement]),
        }
    }
    rows
}

/// Writes what would help, each command once.
pub(crate) fn next_steps(out: &mut String, requirements: &[RequirementResult], asked: &Asked) -> fmt::Result {
    let mut told: Vec<&str> = Vec::new();
    for command in requirements.iter().flat_map(|requirement| &requirement.remedy) {
        if !told.contains(&command.as_str()) {
            writeln!(out, "{HINT}next{HINT:#}: {}", escaped(&asked.filled_in(command)))?;
            told.push(command);
        }
    }
    Ok(())
}

fn evidence(out: &mut String, evidence: &[EvidenceResult], asked: &Asked) -> fmt::Result {
    if evidence.is_empty() {
        return writeln!(out, "evidence: none by signers of the policy");
    }
    writeln!(out, "evidence")?;
    for item in evidence {
        let signer = item.signer.id.as_deref().map_or_else(|| "unknown signer".to_owned(), escaped);
        let person = item.signer.person.as_deref().map_or(String::new(), |person| format!(", {}", escaped(person)));
        let predicate = if item.predicate_type.is_empty() { "unreadable".to_owned() } else { escaped(&item.predicate_type) };
        write!(
            out,
            "  {}  {predicate}  by {signer} ({}{person})  {}",
            short(std::slice::from_ref(&item.bundle)),
            item.signer.kind,
            item.basis
        )?;
        if let Some(claimed) = item.claimed_at {
            write!(out, "  claimed {claimed}")?;
        }
        for witnessed in &item.witnessed_at {
            write!(out, "  witnessed {witnessed}")?;
        }
        if let Some(refusal) = item.refusal {
            write!(out, "  {ERROR}refused: {refusal}{ERROR:#}")?;
            if let Some(file) = asked.file_of(&item.bundle) {
                write!(out, "  `{}`", escaped(file))?;
            }
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Writes what somebody should look at, and until when the decision holds.
pub(crate) fn findings(out: &mut String, decision: &Decision) -> fmt::Result {
    if !decision.findings.is_empty() {
        writeln!(out, "findings")?;
        for finding in &decision.findings {
            writeln!(out, "  {WARNING}{}{WARNING:#}  {}  {}", finding.severity, finding.code, short(&finding.sides))?;
        }
    }
    if !decision.overrides.is_empty() {
        writeln!(out, "overrides: {}", decision.overrides.len())?;
    }
    decision.valid_until.map_or(Ok(()), |until| writeln!(out, "valid until {until}"))
}

/// Whether everything that allows was said by the agent's own side.
fn rests_on_the_harness(decision: &Decision) -> bool {
    let mut carrying = decision.requirements.iter().flat_map(|requirement| &requirement.evidence).peekable();
    let is_own = |bundle: &Digest| decision.evidence.iter().any(|item| item.bundle == *bundle && item.basis <= Basis::Harness);
    decision.is_allowed() && carrying.peek().is_some() && carrying.all(is_own)
}

/// Whether all that allows was signed by keys, and nothing by a certificate.
fn carried_by_keys(decision: &Decision) -> bool {
    let mut carrying = decision.requirements.iter().flat_map(|requirement| &requirement.evidence);
    carrying.all(|bundle| decision.evidence.iter().any(|item| item.bundle == *bundle && item.signer.trust_root.is_none()))
}

/// Returns enough of each digest to find it in the list of evidence.
pub(crate) fn short(digests: &[Digest]) -> String {
    let short: Vec<String> = digests.iter().map(|digest| digest.hex().chars().take(SHORT_DIGITS).collect()).collect();
    short.join(" ")
}

fn widest<T: AsRef<str>>(words: impl Iterator<Item = T>) -> usize {
    words.map(|word| word.as_ref().chars().count()).max().unwrap_or_default()
}

const SHORT_DIGITS: usize = 12;
const HARNESS: &str = "nothing that allows is founded better than on the agent's harness";
