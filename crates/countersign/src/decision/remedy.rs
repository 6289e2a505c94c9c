//! What to do about a piece that is missing, as commands to type: what fits the reason, for that kind of requirement.
//! Words in capitals stand for what only the asker knows.

use crate::digest::Digest;
use crate::policy::Kind;
use crate::predicate::{CYCLONEDX, PROVENANCE, SPDX, TEST_RESULT};
use crate::reason::Reason;

/// What the requirement is about, as the question has it.
pub(super) enum Subject<'a> {
    /// An artifact.
    Artifact,
    /// A commit, where it's known which.
    Commit(Option<&'a Digest>),
}

/// Returns the commands that fit the reason, given those that would make a statement.
pub(super) fn after(reason: Reason, make: Vec<String>) -> Vec<String> {
    match Step::after(reason) {
        Step::Make => make,
        Step::Witness if make.is_empty() => vec![WITNESSED.to_owned()],
        Step::Witness => make.iter().map(|command| command.replace("--signer SIGNER", WITNESSING)).collect(),
        Step::Other(command) => vec![command.to_owned()],
        Step::Nothing => Vec::new(),
    }
}

/// What helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// A statement, or another one, by somebody who may make it.
    Make,
    /// A statement whose signature is witnessed.
    Witness,
    /// Something else: the evidence is right, and what was asked or trusted isn't.
    Other(&'static str),
    /// No command: what is there could not be fetched or judged, and making it again is no remedy.
    Nothing,
}

impl Step {
    const fn after(reason: Reason) -> Self {
        match reason {
            Reason::EvidenceMissing
            | Reason::SignerUnknown
            | Reason::Malformed
            | Reason::CertificateExpired
            | Reason::SignatureInvalid
            | Reason::SubjectMismatch
            | Reason::DigestRefused
            | Reason::DigestConflict
            | Reason::ClaimedTimeImpossible
            | Reason::SignerLacksAuthority
            | Reason::BuilderUnexpected
            | Reason::BuildTypeUnknown
            | Reason::ExternalParameterUnexpected
            | Reason::SourceAmbiguous
            | Reason::SourceUnexpected
            | Reason::RunOutcomeMissing
            | Reason::RunFailed
            | Reason::AgentNotAllowed
            | Reason::ModelNotAllowed
            | Reason::ToolNotAllowed
            | Reason::SandboxNotAllowed
            | Reason::OwnerMissing
            | Reason::GateMissing
            | Reason::SbomMismatch
            | Reason::BasisTooLow
            | Reason::EvidenceTooOld => Self::Make,
            Reason::TimeUnwitnessed => Self::Witness,
            // The same statement with a good witness is to be handed over, or whoever witnessed it trusted.
            Reason::TimestampInvalid | Reason::LogEntryInvalid => Self::Other(WITNESSED),
            Reason::CertificateUntrusted => Self::Other(TRUSTED),
            Reason::ConditionFalse => Self::Other(EXPLAINED),
            Reason::ResourceUnexpected => Self::Other(NAMED),
            Reason::ResourceAmbiguous => Self::Other(CHECKED),
            Reason::SubjectDigestUnsupported | Reason::EvidenceUnavailable | Reason::EvidenceLimit => Self::Nothing,
        }
    }
}

/// Returns the commands that would supply the evidence.
pub(super) fn make(kind: &Kind, subject: &Subject<'_>) -> Vec<String> {
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
    make(kind, &Subject::Artifact).concat()
}

/// Returns the command that states one agent's run which shows all of this; `None` where it's too late for one.
pub(super) fn agent_run(kinds: &[&Kind], commit: Option<&Digest>) -> Option<String> {
    let has = |wanted: fn(&Kind) -> bool| kinds.iter().any(|kind| wanted(kind));
    let image = if has(|kind| matches!(kind, Kind::SandboxImage { .. })) { " --sandbox-image NAME@sha256:HEX" } else { "" };
    let owner = if has(|kind| matches!(kind, Kind::Owner)) { " --on-behalf-of ISSUER#SUBJECT" } else { "" };
    // Only who runs a command knows how it ended, and of a commit that is there it has ended.
    if has(|kind| matches!(kind, Kind::RunOutcome)) {
        let run = || format!("countersign run --agent claude-code --session ID{image}{owner} --signer SIGNER -- COMMAND");
        return commit.is_none().then(run);
    }
    let subject = git(&Subject::Commit(commit));
    Some(format!("countersign attest agent-run --subject {subject} --agent claude-code --transcript PATH{image}{owner} --signer SIGNER"))
}

fn git(subject: &Subject<'_>) -> String {
    match subject {
        Subject::Commit(Some(commit)) => format!("git:{}", commit.hex()),
        _ => "git:COMMIT".to_owned(),
    }
}

const WITNESSING: &str = "--signer SIGNER --signing-config FILE --trust FILE";
const WITNESSED: &str = "countersign verify TARGET --policy FILE --trust FILE --bundle WITNESSED";
const TRUSTED: &str = "countersign verify TARGET --policy FILE --trust FILE";
const EXPLAINED: &str = "countersign explain TARGET --policy FILE";
const NAMED: &str = "countersign verify TARGET --policy FILE --resource URI";
/// For what no command supplies: it says what that is.
pub(super) const WHY_NOT: &str = "countersign why-not TARGET --policy FILE";
pub(super) const CHECKED: &str = "countersign policy check FILE";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    #[test]
    fn no_reason_is_answered_by_a_statement_that_would_not_help() {
        let makes = |command: &String| ["countersign run ", "countersign attest "].iter().any(|verb| command.starts_with(verb));
        let make = || vec!["countersign attest sbom --signer SIGNER".to_owned()];
        let (mut made, mut witnessed, mut other, mut nothing) = (0, 0, 0, 0);
        for reason in Reason::ALL.iter().copied() {
            let commands = after(reason, make());
            match commands.as_slice() {
                [] => {
                    assert!(reason.leaves_unknown(), "{reason}");
                    nothing += 1;
                }
                [command] if commands == make() => made += usize::from(makes(command)),
                [command] if makes(command) => {
                    assert!(command.ends_with(WITNESSING), "{reason}: {command}");
                    witnessed += 1;
                }
                [_] => other += 1,
                commands => panic!("{reason}: {commands:?}"),
            }
        }
        assert_eq!((made, witnessed, other, nothing), (26, 1, 6, 3));
        for kind in kinds() {
            let commands = [super::make(&kind, &Subject::Artifact), vec![build(&[&kind])], agent_run(&[&kind], None).into_iter().collect()];
            assert!(commands.iter().all(|commands| commands.len() == 1 && commands.iter().all(makes)), "{}: {commands:?}", kind.name());
        }
    }

    #[test]
    fn nobody_is_told_to_run_what_made_a_commit_that_is_there() {
        let commit = Digest::new(crate::digest::Algorithm::GitCommit, "0".repeat(40)).unwrap();
        assert_eq!(agent_run(&[&Kind::Builder, &Kind::RunOutcome], Some(&commit)), None);
        assert!(agent_run(&[&Kind::Builder, &Kind::RunOutcome], None).unwrap().starts_with("countersign run "));
        assert!(agent_run(&[&Kind::Builder], Some(&commit)).unwrap().starts_with("countersign attest agent-run "));
    }

    #[test]
    fn what_was_asked_or_trusted_wrongly_is_to_be_asked_or_trusted_otherwise() {
        for (reason, part) in [
            (Reason::CertificateUntrusted, "--trust FILE"),
            (Reason::TimeUnwitnessed, "--bundle WITNESSED"),
            (Reason::LogEntryInvalid, "--bundle WITNESSED"),
            (Reason::ResourceUnexpected, "--resource URI"),
            (Reason::ResourceAmbiguous, "policy check"),
            (Reason::ConditionFalse, "explain"),
        ] {
            let commands = after(reason, Vec::new());
            assert!(commands.iter().all(|command| command.contains(part)) && commands.len() == 1, "{reason}: {commands:?}");
        }
        assert_eq!(after(Reason::RunFailed, vec!["make".to_owned()]), ["make"]);
    }

    /// One of each kind, of the types that there is a verb for.
    fn kinds() -> Vec<Kind> {
        let image = Digest::sha256(b"image");
        vec![
            Kind::Evidence { predicate: TEST_RESULT.to_owned() },
            Kind::Evidence { predicate: PROVENANCE.to_owned() },
            Kind::Builder,
            Kind::Source,
            Kind::RunOutcome,
            Kind::Agent { allow: Vec::new() },
            Kind::Model { allow: Vec::new() },
            Kind::Tools { allow: Vec::new() },
            Kind::SandboxImage { allow: vec![image] },
            Kind::Owner,
            Kind::Sbom { predicate: SPDX.to_owned() },
        ]
    }
}
