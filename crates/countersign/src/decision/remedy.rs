//! What to do about a requirement that isn't met, as commands to type.
//! Words in capitals stand for what only the asker knows.

use crate::digest::Digest;
use crate::policy::{About, Kind, Requirement};
use crate::predicate::{CYCLONEDX, SPDX, TEST_RESULT};

/// Returns the commands that would supply the evidence.
pub(super) fn remedy(requirement: &Requirement, commit: Option<&Digest>) -> Vec<String> {
    let subject = commit.map_or("git:COMMIT".to_owned(), |commit| format!("git:{}", commit.hex()));
    let run = "countersign run --artifact PATH --signer SIGNER -- COMMAND".to_owned();
    let agent_run = |more: &str| {
        format!("countersign attest agent-run --subject {subject} --agent claude-code --transcript PATH{more} --signer SIGNER")
    };
    let command = match (&requirement.kind, requirement.about) {
        (Kind::SandboxImage { .. }, About::Source) => agent_run(" --sandbox-image NAME@sha256:HEX"),
        (Kind::Owner, About::Source) => agent_run(" --on-behalf-of ISSUER#SUBJECT"),
        (Kind::Agent { .. } | Kind::Model { .. } | Kind::Builder | Kind::Source, About::Source) => agent_run(""),
        (Kind::RunOutcome, About::Source) => "countersign run --agent claude-code --signer SIGNER -- COMMAND".to_owned(),
        (Kind::SandboxImage { .. } | Kind::Owner | Kind::Agent { .. } | Kind::Model { .. }, About::Artifact) => {
            "countersign run --agent claude-code --artifact PATH --sandbox-image NAME@sha256:HEX --on-behalf-of ISSUER#SUBJECT --signer SIGNER -- COMMAND".to_owned()
        }
        (Kind::Builder | Kind::Source | Kind::RunOutcome, About::Artifact) => run,
        (Kind::Sbom { .. }, _) => "countersign attest sbom --subject PATH --sbom FILE --signer SIGNER".to_owned(),
        (Kind::Evidence { predicate }, _) if predicate == TEST_RESULT => {
            format!("countersign attest gate --subject {subject} --name NAME --result PASSED --signer SIGNER")
        }
        (Kind::Evidence { predicate }, _) if [SPDX, CYCLONEDX].contains(&predicate.as_str()) => {
            "countersign attest sbom --subject PATH --sbom FILE --signer SIGNER".to_owned()
        }
        (Kind::Evidence { predicate }, _) if predicate == crate::predicate::PROVENANCE => run,
        (Kind::Evidence { .. }, _) => return Vec::new(),
    };
    vec![command]
}
