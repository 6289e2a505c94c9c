//! Judges whether one statement meets one requirement.
//! Which statements may stand together is the verdict's affair.

use crate::inquiry::subject::{self, Target};
use crate::inquiry::{Believed, Evidence, expected, expected_source};
use crate::limits::quoted;
use crate::policy::{Kind, Policy, Requirement, Resource};
use crate::predicate::{self, Outcome, Provenance};
use crate::reason::{Reason, Refusal};
use crate::time::Time;

/// What a statement is judged against.
#[derive(Clone, Copy)]
pub(super) struct Against<'a> {
    pub(super) target: Target<'a>,
    pub(super) resource: &'a Resource,
    pub(super) policy: &'a Policy,
    pub(super) at: Time,
}

/// Judges one piece of evidence; if it meets the requirement, returns until when.
pub(super) fn judge(requirement: &Requirement, evidence: &Evidence, against: Against<'_>) -> Result<Option<Time>, Refusal> {
    let believed = evidence.standing.as_ref().map_err(Clone::clone)?;
    subject::check(believed.statement.value(), believed.provenance.as_ref(), against.target)?;
    if let Some(signer) = evidence.signer.as_ref().filter(|id| !requirement.signers.is_empty() && !requirement.signers.contains(id)) {
        return Err(Refusal::new(Reason::SignerLacksAuthority, format!("signer `{signer}` is not one that the requirement names")));
    }
    let pointer = if requirement.kind.is_provenance() {
        let provenance = expected(evidence, believed, against.resource)?;
        fact(&requirement.kind, provenance, against)?
    } else {
        String::new()
    };
    let found = believed.basis(&pointer);
    if let Some(wanted) = requirement.basis.filter(|wanted| found < *wanted) {
        return Err(Refusal::new(Reason::BasisTooLow, format!("the fact is founded on `{found}`, and `{wanted}` is asked for")));
    }
    let fresh_until = freshness(requirement, evidence, believed, against.at)?;
    Ok([fresh_until, believed.signer_until].into_iter().flatten().min())
}

/// Judges the one fact that the kind asks for; returns where it stands.
fn fact(kind: &Kind, provenance: &Provenance, against: Against<'_>) -> Result<String, Refusal> {
    match kind {
        Kind::Builder => Ok("/runDetails/builder/id".to_owned()),
        Kind::Source => Ok(expected_source(provenance, against.resource)?.pointer),
        Kind::RunOutcome => run_outcome(provenance),
        Kind::Agent { allow } => {
            let missing = || Refusal::new(Reason::AgentNotAllowed, "the provenance names no agent");
            let runtime = provenance.runtime().ok_or_else(missing)?;
            if !allow.iter().any(|pattern| pattern.matches(&runtime.name)) {
                return Err(Refusal::new(Reason::AgentNotAllowed, format!("the agent is {}", quoted(&runtime.name))));
            }
            Ok(format!("{INTERNAL}/agent/runtime"))
        }
        Kind::Model { allow } => {
            let missing = || Refusal::new(Reason::ModelNotAllowed, "the provenance names no model, or one in a way that can't be read");
            for model in provenance.models().ok_or_else(missing)? {
                let name = format!("{}/{}", model.provider, model.model_id);
                if !allow.iter().any(|pattern| pattern.matches(&name)) {
                    return Err(Refusal::new(Reason::ModelNotAllowed, format!("a model that answered is {}", quoted(&name))));
                }
            }
            Ok(format!("{INTERNAL}/agent/model"))
        }
        Kind::SandboxImage { allow } => {
            let mut place = None;
            for (index, image) in provenance.dependencies("sandbox-image") {
                if !image.digest.iter().any(|digest| allow.contains(&digest)) {
                    return Err(Refusal::new(Reason::SandboxNotAllowed, "the run's sandbox image is not one that is allowed"));
                }
                place = Some(format!("/buildDefinition/resolvedDependencies/{index}"));
            }
            place.ok_or_else(|| Refusal::new(Reason::SandboxNotAllowed, "the run states no sandbox image"))
        }
        Kind::Owner => {
            let missing = || Refusal::new(Reason::OwnerMissing, "the provenance doesn't say on whose behalf the agent worked");
            let delegator = provenance.delegator().ok_or_else(missing)?;
            if against.policy.person_named(&delegator.issuer, &delegator.subject).is_none() {
                let name = quoted(&format!("{}#{}", delegator.issuer, delegator.subject));
                return Err(Refusal::new(Reason::OwnerMissing, format!("the policy knows no person {name}")));
            }
            Ok(format!("{INTERNAL}/onBehalfOf"))
        }
        Kind::Evidence { .. } | Kind::Sbom { .. } => Ok(String::new()),
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

/// "Not older than" uses the older of claimed and witnessed time.
fn freshness(requirement: &Requirement, evidence: &Evidence, believed: &Believed, at: Time) -> Result<Option<Time>, Refusal> {
    let Some(max_age) = requirement.max_age else { return Ok(None) };
    let Some(made) = [evidence.claimed_at, believed.witnessed()].into_iter().flatten().min() else {
        return Err(Refusal::new(Reason::EvidenceTooOld, "nothing says how old the statement is"));
    };
    let until = made.plus(max_age);
    if at > until {
        return Err(Refusal::new(Reason::EvidenceTooOld, format!("the statement is of {made}, and at most {max_age} old is asked for")));
    }
    Ok(Some(until))
}

/// Returns true if the SBOM is one that the build can have bound: the same document, or none was bound.
pub(super) fn sbom_agrees(sbom: &Believed, build: &Provenance) -> bool {
    let document = crate::digest::Digest::sha256(&sbom.statement.value().predicate.canonical());
    let mut bound = build.byproducts("sbom-canonical").peekable();
    bound.peek().is_none() || bound.any(|(_, byproduct)| byproduct.digest.iter().any(|digest| digest == document))
}

/// Returns true if evidence of that type can meet the requirement.
pub(super) fn concerns(requirement: &Requirement, predicate_type: &str) -> bool {
    predicate_type.is_empty() || predicate::is_type(predicate_type, requirement.kind.predicate_type())
}

const INTERNAL: &str = "/buildDefinition/internalParameters";
