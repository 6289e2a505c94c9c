//! Shows an explanation to a human: the evidence as a tree, from what was asked about to what it was made from.
//! It adds nothing to the explanation.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use countersign::decision::{CredentialResult, EvidenceResult, Explained, Explanation, Fact, Followed, ObjectKind, Use, UseOutcome};
use countersign::digest::Digest;
use countersign::predicate::{CYCLONEDX, PROVENANCE, SPDX, TEST_RESULT, is_type};

use crate::asking::Asked;
use crate::escape::escaped;
use crate::output::{ERROR, FAINT, GOOD, WARNING};
use crate::report::{self, short};

/// Returns the explanation as text with styles.
pub(crate) fn human(explanation: &Explanation, asked: &Asked) -> String {
    let mut tree = Tree { explanation, out: String::new(), told: BTreeSet::new() };
    // INVARIANT: writing to a string never fails.
    let _ = tree.write(asked);
    tree.out
}

struct Tree<'a> {
    explanation: &'a Explanation,
    out: String,
    /// What has been told in full; it's named only when it comes again.
    told: BTreeSet<&'a Digest>,
}

impl<'a> Tree<'a> {
    fn write(&mut self, asked: &Asked) -> fmt::Result {
        let Explanation { decision, objects, statements, strangers, not_shown, .. } = self.explanation;
        report::headline(&mut self.out, decision, asked)?;
        report::requirements(&mut self.out, &decision.requirements)?;
        report::next_steps(&mut self.out, &decision.requirements, asked)?;
        // What nothing led to is what was asked about.
        for object in objects.iter().filter(|object| object.from.is_empty()) {
            self.object(object, "")?;
        }
        let rest: Vec<_> = statements.iter().filter(|statement| !self.told.contains(&statement.bundle)).collect();
        if !rest.is_empty() {
            writeln!(self.out, "not counted")?;
        }
        for statement in rest {
            self.statement(statement, "  ")?;
        }
        if !strangers.is_empty() {
            writeln!(self.out, "by signers whom the policy doesn't know")?;
        }
        for strangers in strangers {
            let uri = if strangers.predicate_type.is_empty() { "of other types".to_owned() } else { escaped(&strangers.predicate_type) };
            writeln!(self.out, "  {}  {uri}", strangers.bundles)?;
        }
        report::findings(&mut self.out, decision)?;
        if !not_shown.is_empty() {
            writeln!(self.out, "{WARNING}not shown{WARNING:#} by what was recorded within the agent's reach")?;
        }
        for not_shown in not_shown {
            writeln!(self.out, "  {}  {FAINT}{}{FAINT:#}", not_shown.detail, short(&not_shown.statements))?;
        }
        Ok(())
    }

    /// Writes an object and the statements about it, and below each what it leads to.
    fn object(&mut self, object: &'a Followed, indent: &str) -> fmt::Result {
        let kind = match object.kind {
            ObjectKind::Artifact => "artifact",
            ObjectKind::Commit => "commit",
            ObjectKind::Tree => "tree",
            _ => "object",
        };
        let again = if self.told.insert(&object.digest) { "" } else { "  (told above)" };
        writeln!(self.out, "{indent}{GOOD}{kind}{GOOD:#} {}{again}", object.digest)?;
        if !again.is_empty() {
            return Ok(());
        }
        let indent = format!("{indent}  ");
        for bundle in &object.statements {
            if let Some(statement) = self.explanation.statements.iter().find(|statement| statement.bundle == *bundle) {
                self.statement(statement, &indent)?;
            }
            self.below(bundle, &format!("{indent}  "))?;
        }
        self.below(&object.digest, &indent)
    }

    /// Writes what a bundle or a commit leads to.
    fn below(&mut self, from: &Digest, indent: &str) -> fmt::Result {
        self.explanation.objects.iter().filter(|object| object.from.contains(from)).try_for_each(|object| self.object(object, indent))
    }

    fn statement(&mut self, statement: &'a Explained, indent: &str) -> fmt::Result {
        let Some(listed) = self.explanation.decision.evidence.iter().find(|listed| listed.bundle == statement.bundle) else {
            return Ok(());
        };
        write!(
            self.out,
            "{indent}{} {}  {}",
            title(listed, statement),
            short(std::slice::from_ref(&statement.bundle)),
            who(listed, statement)
        )?;
        if !self.told.insert(&statement.bundle) {
            return writeln!(self.out, "  (told above)");
        }
        writeln!(self.out, "  {}", when(listed))?;
        let indent = format!("{indent}  ");
        if let Some(refusal) = &statement.refusal {
            writeln!(self.out, "{indent}{ERROR}refused{ERROR:#}: {}: {}", refusal.code, escaped(&refusal.detail))?;
        }
        let width = statement.facts.iter().map(|fact| label(fact.name).len()).max().unwrap_or_default();
        for fact in &statement.facts {
            let taken = ids(statement.uses.iter().filter(|u| u.outcome == UseOutcome::Taken && u.kind == fact.name));
            let taken = if taken.is_empty() { taken } else { format!("  {GOOD}✓{GOOD:#} {taken}") };
            writeln!(self.out, "{indent}{:width$}  {}  {FAINT}{}{FAINT:#}{taken}", label(fact.name), values(fact), basis(fact))?;
        }
        let has_fact = |u: &&Use| statement.facts.iter().any(|fact| fact.name == u.kind);
        let whole = ids(statement.uses.iter().filter(|u| u.outcome == UseOutcome::Taken && !has_fact(u)));
        if !whole.is_empty() {
            writeln!(self.out, "{indent}{GOOD}✓{GOOD:#} {whole}")?;
        }
        let fits = ids(statement.uses.iter().filter(|u| u.outcome == UseOutcome::Fits));
        if !fits.is_empty() {
            writeln!(self.out, "{indent}{FAINT}would do for{FAINT:#} {fits}")?;
        }
        let mut told = Vec::new();
        for refused in statement.uses.iter().filter(|u| u.outcome == UseOutcome::Refused) {
            let why = (refused.code, refused.detail.as_deref());
            if !told.contains(&why) {
                let same = ids(statement.uses.iter().filter(|u| (u.code, u.detail.as_deref()) == why));
                let code = refused.code.map_or("refused", |code| code.code());
                writeln!(self.out, "{indent}{ERROR}✗{ERROR:#} {same}: {code}: {}", escaped(refused.detail.as_deref().unwrap_or_default()))?;
                told.push(why);
            }
        }
        Ok(())
    }
}

fn title(listed: &EvidenceResult, statement: &Explained) -> String {
    let predicate_type = listed.predicate_type.as_str();
    let has_agent = statement.facts.iter().any(|fact| fact.name == "agent");
    match predicate_type {
        "" => "unreadable".to_owned(),
        PROVENANCE if has_agent => "agent run".to_owned(),
        PROVENANCE if statement.facts.is_empty() => "provenance".to_owned(),
        PROVENANCE => "build".to_owned(),
        TEST_RESULT => "gate".to_owned(),
        _ if is_type(predicate_type, SPDX) || is_type(predicate_type, CYCLONEDX) => "SBOM".to_owned(),
        other => escaped(other),
    }
}

fn who(listed: &EvidenceResult, statement: &Explained) -> String {
    let Some(id) = &listed.signer.id else { return "by nobody whom the policy knows".to_owned() };
    let person = listed.signer.person.as_deref().map_or(String::new(), |person| format!(", {}", escaped(person)));
    let by = match &statement.credential {
        Some(CredentialResult::Key { key }) => format!("key {}", short(std::slice::from_ref(key))),
        Some(CredentialResult::Identity { issuer, subject }) => format!("{} of {}", escaped(subject), escaped(issuer)),
        _ => "nothing known".to_owned(),
    };
    let root = listed.signer.trust_root.as_deref().map_or(String::new(), |root| format!(" under {}", escaped(root)));
    format!("by {} ({}{person})  {FAINT}{by}{root}{FAINT:#}", escaped(id), listed.signer.kind)
}

fn when(listed: &EvidenceResult) -> String {
    let claimed = listed.claimed_at.map(|at| format!("claimed {at}"));
    let witnessed = listed.witnessed_at.iter().map(|at| format!("witnessed {at}"));
    let times: Vec<_> = claimed.into_iter().chain(witnessed).collect();
    if listed.witnessed_at.is_empty() { [times, vec!["no witness".to_owned()]].concat().join(", ") } else { times.join(", ") }
}

/// What a fact is called where a requirement's kind is another word than a reader's.
fn label(name: &str) -> &str {
    match name {
        "owner" => "on behalf of",
        "run-outcome" => "outcome",
        "requested-model" => "asked for",
        other => other,
    }
}

fn values(fact: &Fact) -> String {
    let values = fact.values.iter().map(|value| escaped(value)).collect::<Vec<_>>().join(", ");
    if fact.more == 0 { values } else { format!("{values} and {} more", fact.more) }
}

fn basis(fact: &Fact) -> String {
    let claimed = if fact.claimed == fact.basis { String::new() } else { format!(", claimed as {}", fact.claimed) };
    let origin = fact.origin.as_deref().map_or(String::new(), |origin| format!(" ({})", escaped(origin)));
    format!("{}{claimed}{origin}", fact.basis)
}

fn ids<'u>(uses: impl Iterator<Item = &'u Use>) -> String {
    uses.map(|u| escaped(&u.requirement)).collect::<Vec<_>>().join(", ")
}
