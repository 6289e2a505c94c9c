//! What a statement says of the CI job that it was made in, and that no variable makes it worth more.
//! Which variables are read, and what they must hold, is tested where they are read.

use std::fs;
use std::path::Path;

use countersign::json::Json;

use crate::scene::{DEPENDENCIES, INTERNAL, Scene, findings, named, text};

const COMMIT: &str = "echo more >> greeting.txt; git commit -qam more";

/// A clone with a detached head, in a job that runs for its commit.
fn job(sample: &str, repository: &str) -> Scene {
    let mut scene = Scene::new();
    scene.shell(&format!("git remote set-url origin {repository}; git checkout -q --detach"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/ci").join(sample).with_extension("env");
    let head = scene.shell("git rev-parse HEAD");
    for line in fs::read_to_string(path).unwrap().lines() {
        let (name, value) = line.split_once('=').unwrap();
        scene = scene.with(name, if name.ends_with("_SHA") { &head } else { value });
    }
    scene
}

fn github() -> Scene {
    job("github-push", "https://user:secret@ci.example.test/org/demo.git")
}

/// Returns basis and origin that are claimed for a place in the predicate.
fn claim(statement: &Json, place: &str) -> Option<(String, String)> {
    let claim = statement.pointer("/predicate/runDetails/metadata/countersign_basis")?.get(place)?;
    Some((text(claim, "/basis")?.to_owned(), text(claim, "/origin")?.to_owned()))
}

fn claimed(basis: &str, origin: &str) -> Option<(String, String)> {
    Some((basis.to_owned(), origin.to_owned()))
}

#[test]
fn a_detached_head_is_on_the_ref_that_the_job_runs_for() {
    let scene = github();
    let run = scene.countersign("run --agent claude-code", &["--", "sh", "-c", COMMIT]);
    assert!(run.status == 0 && !run.stderr.contains("detached"), "{}", run.stderr);
    let statement = scene.statement();
    let uri = Some("git+https://ci.example.test/org/demo.git@refs/heads/main");
    assert_eq!(text(&statement, "/subject/0/uri"), uri);
    assert_eq!(text(named(&statement, DEPENDENCIES, "source").unwrap(), "/uri"), uri);
    let source = claim(&statement, "/buildDefinition/resolvedDependencies/0");
    assert_eq!(source, claimed("self-reported", "git:origin env:GITHUB_REF git:HEAD"));
    assert!(findings(&statement).is_empty());
}

#[test]
fn the_job_is_named_and_the_builder_stays_who_it_is() {
    let scene = github();
    scene.countersign("run --artifact app.tar", &["--", "touch", "app.tar"]);
    let statement = scene.statement();
    assert_eq!(text(&statement, "/predicate/runDetails/builder/id"), Some("https://countersign.dev/builder/local/v1"));
    let page = "https://ci.example.test/org/demo/actions/runs/1658821493/attempts/2";
    assert_eq!(text(&statement, "/predicate/runDetails/metadata/invocationId"), Some(page));
    let names = "env:GITHUB_SERVER_URL env:GITHUB_REPOSITORY env:GITHUB_RUN_ID env:GITHUB_RUN_ATTEMPT";
    assert_eq!(claim(&statement, "/runDetails/metadata/invocationId"), claimed("self-reported", names));
    let ci = statement.pointer(INTERNAL).unwrap().get("ci").unwrap();
    assert_eq!((text(ci, "/platform"), text(ci, "/runUrl"), text(ci, "/event")), (Some("github-actions"), Some(page), Some("push")));
    assert_eq!(claim(&statement, "/buildDefinition/internalParameters/ci/event"), claimed("self-reported", "env:GITHUB_EVENT_NAME"));
    assert!(!String::from_utf8(statement.canonical()).unwrap().contains("not-a-token"));
}

#[test]
fn a_session_is_named_before_the_job() {
    let scene = github();
    let line = "run --agent claude-code --transcript";
    scene.countersign(line, &[&Scene::transcript("greeting"), "--", "sh", "-c", COMMIT]);
    let statement = scene.statement();
    let id = text(&statement, "/predicate/runDetails/metadata/invocationId").unwrap();
    assert!(!id.contains("://"), "{id}");
    let (basis, origin) = claim(&statement, "/runDetails/metadata/invocationId").unwrap();
    assert!(basis == "harness" && origin.starts_with("transcript:"), "{basis} {origin}");
    assert!(statement.pointer(INTERNAL).unwrap().pointer("/ci/runUrl").is_some());
}

#[test]
fn a_repository_without_origin_is_the_jobs() {
    let scene = job("gitlab-tag", "https://example.test/unused");
    scene.shell("git remote remove origin; echo artifact > app.tar");
    let attest = scene.countersign("attest build --subject app.tar --source HEAD", &[]);
    assert!(attest.status == 0 && attest.stderr.is_empty(), "{}", attest.stderr);
    let source = scene.statement();
    let source = named(&source, DEPENDENCIES, "source").unwrap();
    assert_eq!(text(source, "/uri"), Some("git+https://ci.example.test/group/org/demo@refs/tags/v1.2"));
    scene.shell("rm -r .countersign; git checkout -q main");
    scene.countersign("attest build --subject app.tar --source HEAD --repository https://example.test/named", &[]);
    let statement = scene.statement();
    let source = named(&statement, DEPENDENCIES, "source").unwrap();
    assert_eq!(text(source, "/uri"), Some("git+https://example.test/named@refs/heads/main"), "the argument and git go first");
    assert_eq!(claim(&statement, "/buildDefinition/resolvedDependencies/0").unwrap().0, "harness");
}

#[test]
fn a_job_for_another_repository_or_commit_gives_no_ref() {
    let scene = job("github-push", "https://ci.example.test/org/other.git");
    let run = scene.countersign("run --agent claude-code", &["--", "sh", "-c", COMMIT]);
    assert!(run.stderr.contains("for another repository") && run.stderr.contains("names no ref"), "{}", run.stderr);
    let statement = scene.statement();
    assert_eq!(text(&statement, "/subject/0/uri"), Some("git+https://ci.example.test/org/other.git"));
    assert_eq!(findings(&statement), ["ci-of-another-repository"]);
    let scene = github().with("GITHUB_SHA", &"2".repeat(40));
    let attest = scene.countersign("attest build --subject greeting.txt --source HEAD", &[]);
    assert!(attest.status == 0 && attest.stderr.contains("names no ref"), "{}", attest.stderr);
    let statement = scene.statement();
    assert_eq!(text(named(&statement, DEPENDENCIES, "source").unwrap(), "/uri"), Some("git+https://ci.example.test/org/demo.git"));
}

#[test]
fn outside_ci_nothing_is_said_of_a_job() {
    let scene = Scene::new().with("CI", "true").with("GITHUB_SHA", &"2".repeat(40));
    scene.countersign("run --agent claude-code", &["--", "sh", "-c", COMMIT]);
    let statement = scene.statement();
    assert!(statement.pointer(INTERNAL).unwrap().get("ci").is_none());
    assert!(text(&statement, "/predicate/runDetails/metadata/invocationId").is_none());
}
