//! Judges whether one statement meets one requirement.
//! Which statements may stand together is the verdict's affair.

use crate::condition::Facts;
use crate::digest::{Digest, DigestSet};
use crate::inquiry::subject::{self, Target};
use crate::inquiry::{Believed, Evidence, Question, expected, expected_source};
use crate::json::Json;
use crate::limits::quoted;
use crate::policy::{Kind, Policy, Requirement, Resource};
use crate::predicate::{self, Basis, GateResult, Outcome, Provenance, TEST_RESULT, TestResult};
use crate::reason::{Reason, Refusal};
use crate::time::Time;

/// What a statement is judged against.
#[derive(Clone, Copy)]
pub(super) struct Against<'a> {
    pub(super) target: Target<'a>,
    pub(super) resource: &'a Resource,
    pub(super) policy: &'a Policy,
    pub(super) question: &'a Question,
}

/// Judges one piece of evidence; if it meets the requirement, returns until when.
pub(super) fn judge(requirement: &Requirement, evidence: &Evidence, against: Against<'_>) -> Result<Option<Time>, Refusal> {
    let believed = evidence.standing.as_ref().map_err(Clone::clone)?;
    subject::check(believed.statement.value(), believed.provenance.as_ref(), against.target)?;
    suffices(requirement, evidence, believed, against)
}

/// Judges a believed statement by everything but what it's about.
pub(super) fn suffices(
    requirement: &Requirement,
    evidence: &Evidence,
    believed: &Believed,
    against: Against<'_>,
) -> Result<Option<Time>, Refusal> {
    if let Some(signer) = evidence.signer.as_ref().filter(|id| !requirement.signers.is_empty() && !requirement.signers.contains(id)) {
        return Err(Refusal::new(Reason::SignerLacksAuthority, format!("signer `{signer}` is not one that the requirement names")));
    }
    // The condition says which statements are meant, so that it comes before what they say is judged.
    let places = if requirement.kind.is_provenance() {
        let provenance = expected(evidence, believed, against.resource)?;
        holds(requirement, evidence, believed, against)?;
        fact(&requirement.kind, provenance, against)?
    } else {
        holds(requirement, evidence, believed, against)?;
        passed(believed)?;
        vec![String::new()]
    };
    // A fact that stands in several places is founded as well as the least of them.
    let found = places.iter().map(|place| believed.basis(place)).min().unwrap_or(Basis::SelfReported);
    if let Some(wanted) = requirement.basis.filter(|wanted| found < *wanted) {
        return Err(Refusal::new(Reason::BasisTooLow, format!("the fact is founded on `{found}`, and `{wanted}` is asked for")));
    }
    let fresh_until = freshness(requirement, evidence, against.question.at)?;
    Ok([fresh_until, believed.signer_until].into_iter().flatten().min())
}

/// Judges the one fact that the kind asks for; returns every place where it stands.
fn fact(kind: &Kind, provenance: &Provenance, against: Against<'_>) -> Result<Vec<String>, Refusal> {
    match kind {
        Kind::Builder => Ok(vec!["/runDetails/builder/id".to_owned()]),
        Kind::Source if against.resource.source.is_none() => {
            Err(Refusal::new(Reason::SourceUnexpected, "the policy doesn't say from which source the resource is expected"))
        }
        Kind::Source => Ok(vec![expected_source(provenance, against.resource)?.pointer]),
        Kind::RunOutcome => Ok(vec![run_outcome(provenance)?]),
        Kind::Agent { allow } => {
            let missing = || Refusal::new(Reason::AgentNotAllowed, "the provenance names no agent");
            let runtime = provenance.runtime().ok_or_else(missing)?;
            if !allow.iter().any(|pattern| pattern.matches(&runtime.name)) {
                return Err(Refusal::new(Reason::AgentNotAllowed, format!("the agent is {}", quoted(&runtime.name))));
            }
            Ok(vec![format!("{INTERNAL}/agent/runtime")])
        }
        Kind::Model { allow } => {
            let missing = || Refusal::new(Reason::ModelNotAllowed, "the provenance names no model, or one in a way that can't be read");
            for model in provenance.models().ok_or_else(missing)? {
                let name = format!("{}/{}", model.provider, model.model_id);
                if !allow.iter().any(|pattern| pattern.matches(&name)) {
                    return Err(Refusal::new(Reason::ModelNotAllowed, format!("a model that answered is {}", quoted(&name))));
                }
            }
            Ok(places(provenance, &["/agent/model", "/agent/models", "/subagents"]))
        }
        Kind::Tools { allow } => {
            let missing = || {
                let detail = "the provenance doesn't state the tools of the agent and of each subagent in a way that can be read";
                Refusal::new(Reason::ToolNotAllowed, detail)
            };
            for name in provenance.tools().ok_or_else(missing)? {
                if !allow.iter().any(|pattern| pattern.matches(&name)) {
                    return Err(Refusal::new(Reason::ToolNotAllowed, format!("a tool of the run is {}", quoted(&name))));
                }
            }
            Ok(places(provenance, &["/agent/tools", "/subagents"]))
        }
        Kind::SandboxImage { allow } => {
            let mut places = Vec::new();
            for (index, image) in provenance.dependencies("sandbox-image") {
                if !image.digest.iter().any(|digest| allow.contains(&digest)) {
                    return Err(Refusal::new(Reason::SandboxNotAllowed, "the run's sandbox image is not one that is allowed"));
                }
                places.push(format!("/buildDefinition/resolvedDependencies/{index}"));
            }
            if places.is_empty() {
                return Err(Refusal::new(Reason::SandboxNotAllowed, "the run states no sandbox image"));
            }
            Ok(places)
        }
        Kind::Owner => {
            let missing = || Refusal::new(Reason::OwnerMissing, "the provenance doesn't say on whose behalf the agent worked");
            let delegator = provenance.delegator().ok_or_else(missing)?;
            if against.policy.person_named(&delegator.issuer, &delegator.subject).is_none() {
                let name = quoted(&format!("{}#{}", delegator.issuer, delegator.subject));
                return Err(Refusal::new(Reason::OwnerMissing, format!("the policy knows no person {name}")));
            }
            Ok(vec![format!("{INTERNAL}/onBehalfOf")])
        }
        Kind::Evidence { .. } | Kind::Sbom { .. } => Ok(vec![String::new()]),
    }
}

/// A gate's result is evidence for a requirement only if the gate passed.
fn passed(believed: &Believed) -> Result<(), Refusal> {
    let statement = believed.statement.value();
    if statement.predicate_type != TEST_RESULT {
        return Ok(());
    }
    let result: Result<TestResult, _> = statement.predicate.to();
    match result.map(|gate| gate.result) {
        Ok(GateResult::Passed) => Ok(()),
        Ok(GateResult::Warned | GateResult::Failed) => Err(Refusal::new(Reason::GateMissing, "the gate's result is not `PASSED`")),
        Err(error) => Err(Refusal::new(Reason::Malformed, format!("the predicate is no test result: {error}"))),
    }
}

fn run_outcome(provenance: &Provenance) -> Result<String, Refusal> {
    let Some((outcome, place)) = provenance.run_outcome() else {
        return Err(Refusal::new(Reason::RunOutcomeMissing, "the statement doesn't say how the run ended"));
    };
    let exit = outcome.exit_code.map_or(String::new(), |code| format!(" with exit code {code}"));
    match outcome.outcome {
        Outcome::Success if outcome.exit_code.is_none_or(|code| code == 0) => Ok(place),
        Outcome::Unknown => Err(Refusal::new(Reason::RunOutcomeMissing, "the platform doesn't know how the run ended")),
        _ => Err(Refusal::new(Reason::RunFailed, format!("the run ended{exit} and not in success"))),
    }
}

/// Those of the places below the internal parameters where something stands.
fn places(provenance: &Provenance, places: &[&str]) -> Vec<String> {
    let internal = &provenance.build_definition.internal_parameters;
    let stands = |place: &&&str| {
        let mut names = place.split('/').skip(1);
        let first = names.next().and_then(|name| internal.get(name));
        first.and_then(|first| names.try_fold(first, |value, name| value.get(name))).is_some()
    };
    places.iter().filter(stands).map(|place| format!("{INTERNAL}{place}")).collect()
}

/// Evaluates the requirement's condition on this one statement and the question.
fn holds(requirement: &Requirement, evidence: &Evidence, believed: &Believed, against: Against<'_>) -> Result<(), Refusal> {
    let Some(condition) = &requirement.condition else { return Ok(()) };
    let signer = evidence.signer.as_deref().and_then(|id| against.policy.signer(id));
    let person = signer.and_then(|signer| against.policy.person_of(&signer.id));
    let text = |text: Option<&str>| text.map_or(Json::Null, Json::from);
    let object = |members: [(&str, Json); 3]| Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
    let subject = Facts {
        statement: believed.statement.value(),
        signer: object([
            ("id", text(signer.map(|signer| signer.id.as_str()))),
            ("kind", text(signer.map(|signer| signer.kind.name()))),
            ("person", text(person.map(|person| person.id.as_str()))),
        ]),
        question: object([
            // INVARIANT: a digest set always has a JSON form.
            ("artifact", Json::of(&DigestSet::from(against.question.artifact.clone())).unwrap_or_default()),
            ("resource", text(Some(&against.question.resource))),
            ("environment", text(against.question.environment.as_deref())),
        ]),
        at: against.question.at,
    };
    match condition.holds(&subject) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Refusal::new(Reason::ConditionFalse, "the requirement's condition is not true of the statement")),
        Err(error) => {
            let reason = if error.is_limit() { Reason::EvidenceLimit } else { Reason::ConditionFalse };
            Err(Refusal::new(reason, format!("the requirement's condition can't be evaluated on the statement: {error}")))
        }
    }
}

fn freshness(requirement: &Requirement, evidence: &Evidence, at: Time) -> Result<Option<Time>, Refusal> {
    let Some(max_age) = requirement.max_age else { return Ok(None) };
    let Some(made) = evidence.made() else {
        return Err(Refusal::new(Reason::EvidenceTooOld, "nothing says how old the statement is"));
    };
    let until = made.plus(max_age);
    if at > until {
        return Err(Refusal::new(Reason::EvidenceTooOld, format!("the statement is of {made}, and at most {max_age} old is asked for")));
    }
    Ok(Some(until))
}

/// An SBOM, as builds bind one to what they make.
pub(super) struct BoundSbom(Digest);

pub(super) fn bound_sbom(sbom: &Believed) -> BoundSbom {
    BoundSbom(Digest::sha256(&sbom.statement.value().predicate.canonical()))
}

impl BoundSbom {
    /// Returns true if it's one that the build can have bound: the same document, or the build bound none.
    pub(super) fn is_of(&self, build: &Provenance) -> bool {
        // The file's own digest says the same of a file that is canonical, and of any other that it can't be compared.
        let canonical = build.byproducts("sbom-canonical").next().is_some();
        let mut bound = build.byproducts(if canonical { "sbom-canonical" } else { "sbom" }).peekable();
        bound.peek().is_none() || bound.any(|(_, byproduct)| byproduct.digest.iter().any(|digest| digest == self.0))
    }
}

/// Returns true if evidence of that type can meet the requirement.
pub(super) fn concerns(requirement: &Requirement, predicate_type: &str) -> bool {
    predicate_type.is_empty() || predicate::is_type(predicate_type, requirement.kind.predicate_type())
}

const INTERNAL: &str = "/buildDefinition/internalParameters";
