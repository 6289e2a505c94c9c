//! Golden statements of what people say: mandate, approval, override, status list.
//! They are over the good world's commit and artifact.

use countersign::digest::Digest;
use countersign::json::Object;
use countersign::predicate::{
    AllowedAgent, Approval, Budget, Change, Cost, Dependencies, Mandate, Over, Override, Presence, Raise, Sha256, Shown, ShownGate,
    StatusEntry, StatusKind, StatusList, Subagents, Tier,
};
use countersign::statement::Statement;

use crate::world::{self, World};

pub(super) fn statements(world: &World) -> Vec<(&'static str, Statement)> {
    vec![
        ("mandate", mandate().statement().expect("a statement")),
        ("approval", approval().about(world::commit_subjects()).expect("a statement")),
        ("override", overriding(world).about(world.artifact_subject()).expect("a statement")),
        ("status", status().named("demo").expect("a statement")),
    ]
}

fn mandate() -> Mandate {
    Mandate {
        intent: Sha256::of(b"the sealed record of the intent"),
        ticket: Some("https://example.test/demo/issues/1".to_owned()),
        repositories: vec![world::REPOSITORY.to_owned()],
        refs: vec![world::BRANCH.to_owned()],
        paths: vec!["docs/**".to_owned(), "*.txt".to_owned()],
        change_classes: vec!["documentation".to_owned()],
        dependencies: Some(Dependencies { add: false, up_to: Raise::Patch }),
        budget: Some(Budget {
            input_tokens: Some(100_000),
            output_tokens: Some(10_000),
            seconds: Some(3_600),
            cost: Some(Cost { amount: "12.50".to_owned(), currency: "EUR".to_owned() }),
        }),
        subagents: Some(Subagents { max: 2, depth: 1 }),
        agents: vec![AllowedAgent { runtime: "claude-code".to_owned(), models: vec!["anthropic/claude-*".to_owned()] }],
        not_before: time("2025-12-01T00:00:00Z"),
        expires_at: time("2025-12-08T00:00:00Z"),
        parent: None,
        other: Object::new(),
    }
}

fn approval() -> Approval {
    let gate = ShownGate { name: "unit-tests".to_owned(), sha256: Digest::sha256(b"a gate's bundle").hex().to_owned() };
    Approval {
        over: Over::Change(Change {
            repository: world::REPOSITORY.to_owned(),
            reference: world::BRANCH.to_owned(),
            base_commit: world::base(),
            commit: world::commit_id(&world::commit_object()),
            tree: world::tree(),
        }),
        environments: vec!["staging".to_owned()],
        role: "maintainer".to_owned(),
        tier: Tier::Medium,
        reason: "The greeting is what the ticket asks for.".to_owned(),
        shown: Shown { diff: Sha256::of(b"a patch"), risk: Sha256::of(b"a risk"), gates: vec![gate], mandate: None, other: Object::new() },
        presence: Presence::UserVerified,
        approved_at: time("2025-12-01T13:00:00Z"),
        expires_at: time("2025-12-15T13:00:00Z"),
        nonce: "000102030405060708090a0b0c0d0e0f".to_owned(),
        other: Object::new(),
    }
}

fn overriding(world: &World) -> Override {
    Override {
        gate: "vulnerabilities".to_owned(),
        findings: vec!["CVE-2025-0001".to_owned()],
        over: Over::Artifact { resource: world.resource.clone(), artifact: Digest::sha256(&world.artifact) },
        environments: vec!["staging".to_owned()],
        role: "security".to_owned(),
        reason: "The vulnerable code isn't reached.".to_owned(),
        ticket: "https://example.test/demo/issues/2".to_owned(),
        approved_at: time("2025-12-01T13:00:00Z"),
        expires_at: time("2025-12-31T13:00:00Z"),
        nonce: "0f0e0d0c0b0a09080706050403020100".to_owned(),
        other: Object::new(),
    }
}

fn status() -> StatusList {
    let entry = StatusEntry {
        kind: StatusKind::Signer,
        matches: "retired".to_owned(),
        since: time("2025-11-01T00:00:00Z"),
        reason: "The machine was given away.".to_owned(),
    };
    StatusList {
        sequence: 7,
        issued_at: time("2025-12-01T00:00:00Z"),
        next_update: time("2025-12-02T00:00:00Z"),
        entries: vec![entry],
        other: Object::new(),
    }
}

fn time<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("a time")
}
