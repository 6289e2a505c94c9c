//! What to do about a requirement that isn't met, as commands to type.
//! Words in capitals stand for what only the asker knows.

use crate::digest::Digest;
use crate::policy::Kind;
use crate::predicate::{CYCLONEDX, PROVENANCE, SPDX, TEST_RESULT};

/// What the requirement is about, as the question has it.
pub(super) enum Subject<'a> {
    /// An artifact.
    Artifact,
    /// A commit, where it's known which.
    Commit(Option<&'a Digest>),
}

/// Returns the commands that would supply the evidence.
pub(super) fn remedy(kind: &Kind, subject: &Subject<'_>) -> Vec<String> {
    let command = match (kind, subject) {
        (Kind::Evidence { predicate }, _) if ![SPDX, CYCLONEDX, TEST_RESULT, PROVENANCE].contains(&predicate.as_str()) => {
            return Vec::new();
        }
        (Kind::Evidence { predicate } | Kind::Sbom { predicate }, _) if [SPDX, CYCLONEDX].contains(&predicate.as_str()) => {
            "countersign attest sbom --subject PATH --sbom FILE --signer SIGNER".to_owned()
        }
        (Kind::Evidence { predicate }, subject) if predicate == TEST_RESULT => {
            format!("countersign attest gate --subject {} --name NAME --result PASSED --signer SIGNER", git(subject))
        }
        (Kind::RunOutcome, Subject::Commit(_)) => "countersign run --agent claude-code --session ID --signer SIGNER -- COMMAND".to_owned(),
        (kind, Subject::Commit(_)) => {
            let more = match kind {
                Kind::SandboxImage { .. } => " --sandbox-image NAME@sha256:HEX",
                Kind::Owner => " --on-behalf-of ISSUER#SUBJECT",
                _ => "",
            };
            format!("countersign attest agent-run --subject {} --agent claude-code --transcript PATH{more} --signer SIGNER", git(subject))
        }
        (Kind::SandboxImage { .. } | Kind::Owner | Kind::Agent { .. } | Kind::Model { .. } | Kind::Tools { .. }, Subject::Artifact) => {
            concat!(
                "countersign run --agent claude-code --session ID --artifact PATH --sandbox-image NAME@sha256:HEX ",
                "--on-behalf-of ISSUER#SUBJECT --signer SIGNER -- COMMAND"
            )
            .to_owned()
        }
        (_, Subject::Artifact) => "countersign run --artifact PATH --signer SIGNER -- COMMAND".to_owned(),
    };
    vec![command]
}

/// Returns the command that makes one build which shows all of this.
pub(super) fn build(kinds: &[&Kind]) -> String {
    let by_agent = |kind: &&&Kind| {
        matches!(kind, Kind::SandboxImage { .. } | Kind::Owner | Kind::Agent { .. } | Kind::Model { .. } | Kind::Tools { .. })
    };
    let kind = kinds.iter().find(by_agent).copied().unwrap_or(&Kind::Builder);
    remedy(kind, &Subject::Artifact).concat()
}

/// Returns the command that states one agent's run which shows all of this.
pub(super) fn agent_run(kinds: &[&Kind], commit: Option<&Digest>) -> String {
    let has = |wanted: fn(&Kind) -> bool| kinds.iter().any(|kind| wanted(kind));
    let image = if has(|kind| matches!(kind, Kind::SandboxImage { .. })) { " --sandbox-image NAME@sha256:HEX" } else { "" };
    let owner = if has(|kind| matches!(kind, Kind::Owner)) { " --on-behalf-of ISSUER#SUBJECT" } else { "" };
    // Only who runs a command knows how it ended.
    if has(|kind| matches!(kind, Kind::RunOutcome)) {
        return format!("countersign run --agent claude-code --session ID{image}{owner} --signer SIGNER -- COMMAND");
    }
    let subject = git(&Subject::Commit(commit));
    format!("countersign attest agent-run --subject {subject} --agent claude-code --transcript PATH{image}{owner} --signer SIGNER")
}

fn git(subject: &Subject<'_>) -> String {
    match subject {
        Subject::Commit(Some(commit)) => format!("git:{}", commit.hex()),
        _ => "git:COMMIT".to_owned(),
    }
}
