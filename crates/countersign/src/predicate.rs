//! The predicates that we know, one file each; any other passes through a statement untouched.
//! They say what was claimed. Whether it's believed is decided elsewhere.

mod provenance;
mod agent;
mod noticed;
mod run;
mod sbom;
mod test_result;
mod vulnerabilities;
mod attributes;
mod summary;
mod own;
mod mandate;
mod approval;
mod r#override;
mod status;
#[cfg(test)]
mod tests;

pub use agent::{Agent, Delegator, Model, NotADelegator, Runtime, Subagent, Usage};
pub use approval::{Approval, Shown, ShownGate};
pub use attributes::{Attribute, AttributeReport};
pub use mandate::{AllowedAgent, Budget, Cost, Dependencies, Mandate, Raise, Subagents};
pub use noticed::Noticed;
pub use r#override::Override;
pub use own::{Change, Over, PredicateError, Presence, Sha256, Tier};
pub use provenance::{
    AgentCommitDraft, Basis, BuildDefinition, BuildType, Builder, Metadata, Outcome, Provenance, RunDetails, RunOutcome, Source,
    SourceError,
};
pub use run::{Fact, Run, builder, commit_subject, tree_subject};
pub use sbom::{Sbom, SbomError, SbomFormat};
pub use status::{StatusEntry, StatusKind, StatusList};
pub use summary::{PolicyVerifier, SimpleVerificationResult, VerificationResult, VerificationSummary, Verifier};
pub use test_result::{GateResult, TestResult};
pub use vulnerabilities::{ScanMetadata, Scanner, ScannerDatabase, Severity, Vulnerability, VulnerabilityScan};

/// SLSA provenance v1.
pub const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
/// in-toto test-result v0.1.
pub const TEST_RESULT: &str = "https://in-toto.io/attestation/test-result/v0.1";
/// An SPDX document, of any version.
pub const SPDX: &str = "https://spdx.dev/Document";
/// A CycloneDX document, of any version.
pub const CYCLONEDX: &str = "https://cyclonedx.org/bom";
/// SLSA verification summary v1.
pub const VERIFICATION_SUMMARY: &str = "https://slsa.dev/verification_summary/v1";
/// in-toto simple verification result v0.2.
pub const SIMPLE_VERIFICATION_RESULT: &str = "https://in-toto.io/attestation/svr/v0.2";
/// in-toto SCAI v0.3.
pub const ATTRIBUTE_REPORT: &str = "https://in-toto.io/attestation/scai/v0.3";
/// in-toto vulns v0.2.
pub const VULNERABILITIES: &str = "https://in-toto.io/attestation/vulns/v0.2";
/// What a person allowed an agent to do.
pub const MANDATE: &str = "https://countersign.dev/mandate/v1";
/// A person's yes.
pub const APPROVAL: &str = "https://countersign.dev/approval/v1";
/// A person's word that a gate's findings may stand.
pub const OVERRIDE: &str = "https://countersign.dev/override/v1";
/// What no longer counts.
pub const STATUS: &str = "https://countersign.dev/status/v1";

/// Returns true if a statement of type `found` is what somebody who asks for `wanted` means.
///
/// SPDX and CycloneDX have versioned URIs beside the plain one; both mean an SBOM of that format.
#[must_use]
pub fn is_type(found: &str, wanted: &str) -> bool {
    found == wanted || [SPDX, CYCLONEDX].contains(&wanted) && found.strip_prefix(wanted).is_some_and(|version| version.starts_with("/v"))
}

/// Returns when the predicate claims to have been made, if it is one that says so.
#[must_use]
pub fn claimed_at(predicate_type: &str, predicate: &crate::json::Json) -> Option<crate::time::Time> {
    if predicate_type == PROVENANCE {
        let metadata = |name: &str| predicate.pointer("/runDetails/metadata")?.get(name)?.as_str()?.parse().ok();
        metadata("finishedOn").or_else(|| metadata("startedOn"))
    } else if is_type(predicate_type, CYCLONEDX) || is_type(predicate_type, SPDX) {
        sbom::created(predicate)
    } else {
        let (_, place) = CLAIMED.iter().find(|(uri, _)| *uri == predicate_type)?;
        predicate.pointer(place)?.as_str()?.parse().ok()
    }
}

/// Where the other predicates say when they were made.
const CLAIMED: [(&str, &str); 6] = [
    (VERIFICATION_SUMMARY, "/timeVerified"),
    (SIMPLE_VERIFICATION_RESULT, "/timeCreated"),
    (VULNERABILITIES, "/metadata/scanFinishedOn"),
    (APPROVAL, "/approvedAt"),
    (OVERRIDE, "/approvedAt"),
    (STATUS, "/issuedAt"),
];
