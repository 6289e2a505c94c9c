//! The predicates that we know, one file each; any other passes through a statement untouched.
//! They say what was claimed. Whether it's believed is decided elsewhere.

mod provenance;
mod agent;
mod run;
mod sbom;
mod test_result;

pub use agent::{Agent, Delegator, Model, NotADelegator, Runtime, Subagent, Usage};
pub use provenance::{
    Basis, BuildDefinition, BuildType, Builder, Metadata, Outcome, Provenance, RunDetails, RunOutcome, Source, SourceError,
};
pub use run::{Fact, Run, builder, commit_subject, tree_subject};
pub use sbom::{Sbom, SbomError, SbomFormat};
pub use test_result::{GateResult, TestResult};

/// SLSA provenance v1.
pub const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
/// in-toto test-result v0.1.
pub const TEST_RESULT: &str = "https://in-toto.io/attestation/test-result/v0.1";
/// An SPDX document, of any version.
pub const SPDX: &str = "https://spdx.dev/Document";
/// A CycloneDX document, of any version.
pub const CYCLONEDX: &str = "https://cyclonedx.org/bom";

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
        None
    }
}
