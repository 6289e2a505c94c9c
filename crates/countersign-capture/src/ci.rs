//! What a CI system says of the job that it runs, under one set of names whatever system it is.
//! Whoever starts a process chooses its variables: nothing here is more than self-reported, or says who observed a run.

use std::collections::BTreeMap;

use countersign::digest::{Algorithm, Digest};
use countersign::predicate::Basis;

use crate::git::{Repository, public_uri};

mod github;
mod gitlab;

/// The claimed basis of every variable: a job's own steps can set it.
pub const BASIS: Basis = Basis::SelfReported;

/// The variables that are read; no other is looked at.
pub const VARIABLES: [&[&str]; 2] = [github::VARIABLES, gitlab::VARIABLES];

/// What one job is, each fact left out where it isn't said, or isn't what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ci {
    /// The system: `github-actions` or `gitlab-ci`.
    pub platform: Variable,
    /// The server's URL.
    pub server: Option<Variable>,
    /// The URI of the repository that the job runs for.
    pub repository: Option<Variable>,
    /// The full name of the ref that the job runs for.
    pub reference: Option<Variable>,
    /// The commit that the job runs for.
    pub commit: Option<Variable>,
    /// The file that defines the job, as the certificates that the system's jobs get name it.
    pub workflow: Option<Variable>,
    /// The job's name in that file.
    pub job: Option<Variable>,
    /// The number of the workflow's run, or of the pipeline.
    pub run_id: Option<Variable>,
    /// Which attempt of that run it is.
    pub run_attempt: Option<Variable>,
    /// The page of the attempt, or of the job.
    pub run_url: Option<Variable>,
    /// Who started it, by the name that the system knows.
    pub actor: Option<Variable>,
    /// Whose machine it runs on: `github-hosted` or `self-hosted`.
    pub runner_environment: Option<Variable>,
    /// What started it.
    pub event: Option<Variable>,
}

/// A value, and the variables that it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Variable {
    /// The value.
    pub value: String,
    /// The place, such as `env:GITHUB_SHA`.
    pub origin: String,
}

impl Ci {
    /// Reads the variables of a job; `None` outside CI, and where two systems both claim the job.
    #[must_use]
    pub fn read(environment: &BTreeMap<String, String>) -> Option<Self> {
        let environment = Environment(environment);
        match (github::read(environment), gitlab::read(environment)) {
            (Some(ci), None) | (None, Some(ci)) => Some(ci),
            _ => None,
        }
    }

    /// Returns all that is said, under the names that statements have.
    pub fn facts(&self) -> impl Iterator<Item = (&'static str, &Variable)> {
        let facts = [
            ("platform", Some(&self.platform)),
            ("server", self.server.as_ref()),
            ("repository", self.repository.as_ref()),
            ("ref", self.reference.as_ref()),
            ("commit", self.commit.as_ref()),
            ("workflow", self.workflow.as_ref()),
            ("job", self.job.as_ref()),
            ("runId", self.run_id.as_ref()),
            ("runAttempt", self.run_attempt.as_ref()),
            ("runUrl", self.run_url.as_ref()),
            ("actor", self.actor.as_ref()),
            ("runnerEnvironment", self.runner_environment.as_ref()),
            ("event", self.event.as_ref()),
        ];
        facts.into_iter().filter_map(|(name, variable)| Some((name, variable?)))
    }

    /// Returns true if the job runs for a repository, and that isn't the one with this URI.
    ///
    /// How it's reached doesn't matter: `ssh://host/org/repo.git` is `https://host/org/repo`.
    #[must_use]
    pub fn is_for_another(&self, repository: &str) -> bool {
        self.repository.as_ref().is_some_and(|own| address(&own.value) != address(repository))
    }

    /// Returns the ref that the job runs for, if `commit` is on it as far as `repository` shows: with a detached head
    /// that still holds the commit that the job runs for.
    #[must_use]
    pub fn reference_of(&self, commit: &Digest, repository: &Repository) -> Option<&Variable> {
        let head = repository.head().ok().filter(|head| head.reference.is_none())?.commit?;
        let started = Digest::new(Algorithm::GitCommit, self.commit.as_ref()?.value.as_str()).ok()?;
        if repository.repository_uri().is_some_and(|origin| self.is_for_another(&origin)) {
            return None;
        }
        // Cut history shows nothing; the commit itself needs none.
        let holds = |older: &Digest| *older == head || repository.is_ancestor(older, &head).unwrap_or(false);
        self.reference.as_ref().filter(|_| holds(&started) && holds(commit))
    }
}

/// Returns host and path of a repository's URI, without what differs between ways to reach it.
fn address(uri: &str) -> (String, &str) {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let path = path.trim_end_matches('/');
    (host.to_ascii_lowercase(), path.strip_suffix(".git").unwrap_or(path))
}

/// The variables of a process; an empty one is none.
#[derive(Clone, Copy)]
struct Environment<'a>(&'a BTreeMap<String, String>);

impl<'a> Environment<'a> {
    fn get(self, name: &str) -> Option<&'a str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Returns the variable's value as it is, if it's what it should be.
    fn variable(self, name: &str, is_right: fn(&str) -> bool) -> Option<Variable> {
        self.get(name).filter(|value| is_right(value)).map(|value| Variable::of(value, &[name]))
    }
}

impl Variable {
    fn of(value: impl Into<String>, names: &[&str]) -> Self {
        let origins: Vec<_> = names.iter().map(|name| format!("env:{name}")).collect();
        Self { value: value.into(), origin: origins.join(" ") }
    }
}

/// Returns a server's URL without userinfo, query and a slash at its end.
fn server(url: &str) -> Option<String> {
    let page = public_uri(&format!("{}/-", url.trim_end_matches('/')))?;
    page.strip_suffix("/-").filter(|url| is_web(url)).map(str::to_owned)
}

/// Returns a page's URL without userinfo, query and fragment.
fn page(url: &str) -> Option<String> {
    public_uri(url).filter(|url| is_web(url))
}

fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

fn is_commit(text: &str) -> bool {
    Digest::new(Algorithm::GitCommit, text).is_ok()
}

/// A full name that git takes, and that can stand behind the `@` of a source's URI.
fn is_reference(text: &str) -> bool {
    text.starts_with("refs/")
        && text.len() <= TEXT_BYTES
        && !text.contains("@refs/")
        && text.chars().all(|c| !c.is_control() && !c.is_whitespace())
        && gix::validate::reference::name(text.into()).is_ok()
}

fn is_number(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A name as people give them, on one line.
fn is_name(text: &str) -> bool {
    text.len() <= TEXT_BYTES && !text.chars().any(char::is_control)
}

/// A word, such as the name of an event or a user.
fn is_word(text: &str) -> bool {
    text.len() <= TEXT_BYTES && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-[]".contains(&byte))
}

const TEXT_BYTES: usize = 1_024;
