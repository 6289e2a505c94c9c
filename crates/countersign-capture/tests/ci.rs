//! What is read from the environment of a CI job, in samples that lie in `testdata/ci`.
//! How it becomes part of a statement is tested where statements are made.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it does not expect")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use countersign::digest::{Algorithm, Digest};
use countersign_capture::ci::{Ci, VARIABLES};
use countersign_capture::git::Repository;

type Environment = BTreeMap<String, String>;

fn sample(name: &str) -> Environment {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/ci").join(name).with_extension("env");
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| line.split_once('=').unwrap()).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn with(mut environment: Environment, variables: &[(&str, &str)]) -> Environment {
    environment.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    environment
}

/// Returns what is said, as `name=value (origin)`.
fn said(environment: &Environment) -> Vec<String> {
    let ci = Ci::read(environment).unwrap();
    ci.facts().map(|(name, fact)| format!("{name}={} ({})", fact.value, fact.origin)).collect()
}

fn fact(environment: &Environment, wanted: &str) -> Option<String> {
    Ci::read(environment).unwrap().facts().find(|(name, _)| *name == wanted).map(|(_, fact)| fact.value.clone())
}

#[test]
fn github_and_gitlab_are_told_in_the_same_words() {
    assert_eq!(
        said(&sample("github-push")),
        [
            "platform=github-actions (env:GITHUB_ACTIONS)",
            "server=https://ci.example.test (env:GITHUB_SERVER_URL)",
            "repository=https://ci.example.test/org/demo (env:GITHUB_SERVER_URL env:GITHUB_REPOSITORY)",
            "ref=refs/heads/main (env:GITHUB_REF)",
            "commit=1111111111111111111111111111111111111111 (env:GITHUB_SHA)",
            "workflow=https://ci.example.test/org/demo/.github/workflows/build.yml@refs/heads/main (env:GITHUB_SERVER_URL env:GITHUB_WORKFLOW_REF)",
            "job=build (env:GITHUB_JOB)",
            "runId=1658821493 (env:GITHUB_RUN_ID)",
            "runAttempt=2 (env:GITHUB_RUN_ATTEMPT)",
            "runUrl=https://ci.example.test/org/demo/actions/runs/1658821493/attempts/2 (env:GITHUB_SERVER_URL env:GITHUB_REPOSITORY env:GITHUB_RUN_ID env:GITHUB_RUN_ATTEMPT)",
            "actor=maintainer (env:GITHUB_ACTOR)",
            "runnerEnvironment=github-hosted (env:RUNNER_ENVIRONMENT)",
            "event=push (env:GITHUB_EVENT_NAME)",
        ]
    );
    assert_eq!(
        said(&sample("gitlab-branch")),
        [
            "platform=gitlab-ci (env:GITLAB_CI)",
            "server=https://ci.example.test (env:CI_SERVER_URL)",
            "repository=https://ci.example.test/group/org/demo (env:CI_PROJECT_URL)",
            "ref=refs/heads/main (env:CI_COMMIT_BRANCH)",
            "commit=1111111111111111111111111111111111111111 (env:CI_COMMIT_SHA)",
            "workflow=https://ci.example.test/group/org/demo//.gitlab-ci.yml@refs/heads/main (env:CI_PROJECT_URL env:CI_CONFIG_PATH env:CI_COMMIT_BRANCH)",
            "job=build: [linux] (env:CI_JOB_NAME)",
            "runId=1000 (env:CI_PIPELINE_ID)",
            "runUrl=https://ci.example.test/group/org/demo/-/jobs/3003 (env:CI_JOB_URL)",
            "actor=maintainer (env:GITLAB_USER_LOGIN)",
            "event=push (env:CI_PIPELINE_SOURCE)",
        ]
    );
}

#[test]
fn what_isnt_a_branchs_head_has_the_ref_of_its_own_kind() {
    let reference = |name: &str| fact(&sample(name), "ref");
    assert_eq!(reference("github-pull-request").as_deref(), Some("refs/pull/7/merge"));
    assert_eq!(reference("gitlab-tag").as_deref(), Some("refs/tags/v1.2"));
    assert_eq!(reference("gitlab-merge-request").as_deref(), Some("refs/merge-requests/7/head"));
    assert_eq!(fact(&sample("github-pull-request"), "runnerEnvironment").as_deref(), Some("self-hosted"));
}

#[test]
fn no_other_variable_is_read() {
    for name in ["github-push", "github-pull-request", "gitlab-branch", "gitlab-tag", "gitlab-merge-request"] {
        let whole = sample(name);
        let mut read = whole.clone();
        read.retain(|name, _| VARIABLES.iter().any(|names| names.contains(&name.as_str())));
        assert!(read.len() < whole.len());
        assert_eq!(Ci::read(&read), Ci::read(&whole), "{name}");
        assert!(!said(&whole).concat().contains("not-a-token"), "{name}");
    }
}

#[test]
fn a_job_of_no_system_or_of_two_is_none() {
    assert_eq!(Ci::read(&Environment::new()), None);
    assert_eq!(Ci::read(&with(Environment::new(), &[("CI", "true")])), None);
    assert_eq!(Ci::read(&with(sample("github-push"), &[("GITHUB_ACTIONS", "")])), None);
    assert_eq!(Ci::read(&with(sample("github-push"), &[("GITLAB_CI", "true")])), None);
    assert!(Ci::read(&with(Environment::new(), &[("GITHUB_ACTIONS", "true")])).is_some());
}

#[test]
fn what_a_variable_should_not_hold_is_left_out() {
    let github = |name: &str, value: &str| with(sample("github-push"), &[(name, value)]);
    for (name, value, fact_name) in [
        ("GITHUB_SHA", "main", "commit"),
        ("GITHUB_REF", "main", "ref"),
        ("GITHUB_REF", "refs/heads/two words", "ref"),
        ("GITHUB_REF", "refs/heads/a..b", "ref"),
        ("GITHUB_REF", "refs/heads/x@refs/heads/main", "ref"),
        ("GITHUB_REPOSITORY", "org", "repository"),
        ("GITHUB_REPOSITORY", "../demo", "repository"),
        ("GITHUB_REPOSITORY", "org/demo?token=1", "repository"),
        ("GITHUB_SERVER_URL", "file:///srv", "server"),
        ("GITHUB_SERVER_URL", "ssh://ci.example.test", "server"),
        ("GITHUB_SERVER_URL", "", "repository"),
        ("GITHUB_RUN_ID", "7; rm", "runId"),
        ("GITHUB_RUN_ID", "", "runUrl"),
        ("GITHUB_JOB", "a\nb", "job"),
        ("GITHUB_ACTOR", "say hello", "actor"),
        ("GITHUB_WORKFLOW_REF", "org/demo/.github/workflows/build.yml", "workflow"),
        ("GITHUB_WORKFLOW_REF", "org/demo/a b@refs/heads/main", "workflow"),
        ("RUNNER_ENVIRONMENT", "my machine", "runnerEnvironment"),
    ] {
        assert_eq!(fact(&github(name, value), fact_name), None, "{name}={value}");
    }
    let gitlab = |variables: &[(&str, &str)]| with(sample("gitlab-branch"), variables);
    assert_eq!(fact(&gitlab(&[("CI_COMMIT_TAG", "v1")]), "ref"), None, "a branch and a tag");
    assert_eq!(fact(&gitlab(&[("CI_CONFIG_PATH", "ci.yml@other/project")]), "workflow"), None);
    assert_eq!(fact(&gitlab(&[("CI_CONFIG_PATH", "https://ci.example.test/ci.yml?token=1")]), "workflow"), None);
    assert_eq!(fact(&gitlab(&[("CI_JOB_URL", "javascript:alert(1)")]), "runUrl"), None);
}

#[test]
fn no_credential_in_a_url_is_taken_over() {
    let github = with(sample("github-push"), &[("GITHUB_SERVER_URL", "https://user:secret@ci.example.test/")]);
    let gitlab = with(
        sample("gitlab-branch"),
        &[
            ("CI_PROJECT_URL", "https://user:secret@ci.example.test/group/org/demo"),
            ("CI_JOB_URL", "https://ci.example.test/group/org/demo/-/jobs/3003?private_token=secret"),
        ],
    );
    assert_eq!(said(&github), said(&sample("github-push")));
    assert_eq!(said(&gitlab), said(&sample("gitlab-branch")));
}

#[test]
fn a_repository_is_the_same_however_it_is_reached() {
    let ci = Ci::read(&sample("github-push")).unwrap();
    for same in ["https://ci.example.test/org/demo.git", "ssh://ci.example.test/org/demo", "https://CI.example.test:443/org/demo/"] {
        assert!(!ci.is_for_another(same), "{same}");
    }
    for other in ["https://ci.example.test/org/fork", "https://example.test/org/demo", "https://ci.example.test/org/demo/more"] {
        assert!(ci.is_for_another(other), "{other}");
    }
    assert!(!Ci::read(&with(sample("github-push"), &[("GITHUB_REPOSITORY", "")])).unwrap().is_for_another("https://example.test/x"));
}

#[test]
fn a_commit_is_on_the_jobs_ref_while_a_detached_head_holds_the_jobs_commit() {
    let folder = tempfile::tempdir().unwrap();
    let git = |arguments: &str| {
        let mut git = Command::new("git");
        git.arg("-C").arg(folder.path()).args(["-c", "user.name=Somebody", "-c", "user.email=somebody@example.test"]);
        let output = git.args(arguments.split(' ')).output().unwrap();
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    git("init --quiet --initial-branch=main .");
    git("remote add origin https://user:secret@ci.example.test/org/demo.git");
    let commit = |message: &str| {
        git(&format!("commit --quiet --allow-empty --message {message}"));
        git("rev-parse HEAD")
    };
    let (older, job) = (commit("one"), commit("two"));
    let reference = |variables: &[(&str, &str)], commit: &str| {
        let ci = Ci::read(&with(with(sample("github-push"), &[("GITHUB_SHA", &job)]), variables)).unwrap();
        let commit = Digest::new(Algorithm::GitCommit, commit).unwrap();
        let repository = Repository::discover(folder.path()).unwrap();
        ci.reference_of(&commit, &repository).map(|reference| reference.value.clone())
    };
    let main = Some("refs/heads/main".to_owned());
    assert_eq!(reference(&[], &job), None, "git itself knows the branch");
    git("checkout --quiet --detach");
    assert_eq!(reference(&[], &job), main);
    assert_eq!(reference(&[], &older), main, "what the ref holds is on it");
    assert_eq!(reference(&[("GITHUB_REPOSITORY", "org/other")], &job), None);
    assert_eq!(reference(&[("GITHUB_SHA", &"2".repeat(40))], &job), None);
    assert_eq!(reference(&[("GITHUB_SHA", "")], &job), None);
    let newer = commit("three");
    assert_eq!(reference(&[], &newer), main, "what was committed since is on it");
    git(&format!("checkout --quiet --detach {older}"));
    assert_eq!(reference(&[], &older), None, "the job's commit isn't held any more");
    git(&format!("checkout --quiet --detach {job}"));
    assert_eq!(reference(&[], &newer), None, "the head doesn't hold it");
}
