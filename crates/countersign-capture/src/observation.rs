//! What is known of a run whoever did it: where it began, what was called, how it ended, and what it made.
//! It only arranges facts that were captured before; who did the work stands in `agent_run`.

use std::ffi::OsString;
use std::path::Path;

use countersign::digest::Digest;
use countersign::predicate::{Basis, Fact as Stated, Noticed, Outcome, Run, RunOutcome, commit_subject, tree_subject};
use countersign::statement::{ResourceDescriptor, StatementError};
use countersign::time::Time;

use crate::artifact::Artifact;
use crate::ci::{self, Ci};
use crate::command::{self, Descendants, Finished};
use crate::git::Commit;
use crate::sandbox_image::SandboxImage;
use crate::sbom::Sbom;
use crate::sealing::SealingError;
use crate::session::Fact;

/// The claimed basis of what is observed beside a run: with the rights that the run has, too.
pub(crate) const BASIS: Basis = Basis::Harness;

/// What a run made.
#[derive(Clone, Debug)]
pub enum Made {
    /// Commits, the oldest first.
    Commits(Vec<Commit>),
    /// Changes that were not committed, as the tree that they would give.
    Tree(Digest),
    /// Files.
    Artifacts(Vec<Artifact>),
}

/// A text with the place it was read from, and the basis on which it's claimed, which follows from that place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    value: String,
    origin: String,
    basis: Basis,
}

impl From<Fact<String>> for Claimed {
    fn from(Fact { value, origin }: Fact<String>) -> Self {
        Self { value, origin, basis: BASIS }
    }
}

impl From<ci::Variable> for Claimed {
    fn from(ci::Variable { value, origin }: ci::Variable) -> Self {
        Self { value, origin, basis: ci::BASIS }
    }
}

/// The facts of a run, each left out where it isn't known.
#[derive(Clone, Debug, Default)]
pub struct Observation {
    repository: Option<Claimed>,
    reference: Option<Claimed>,
    base: Option<Fact<Digest>>,
    command: Option<Vec<OsString>>,
    sandbox_image: Option<Fact<SandboxImage>>,
    sbom: Option<Sbom>,
    ci: Option<Ci>,
    outcome: Option<Finished>,
    times: Option<(Time, Time)>,
    findings: Vec<Noticed>,
}

impl Observation {
    /// Begins with nothing known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the repository's URI.
    #[must_use]
    pub fn repository(mut self, uri: impl Into<Claimed>) -> Self {
        self.repository = Some(uri.into());
        self
    }

    /// Adds the full name of the ref that was worked on.
    #[must_use]
    pub fn reference(mut self, name: impl Into<Claimed>) -> Self {
        self.reference = Some(name.into());
        self
    }

    /// Adds the commit that the run began from.
    #[must_use]
    pub fn base(mut self, commit: Fact<Digest>) -> Self {
        self.base = Some(commit);
        self
    }

    /// Adds the command with all its arguments: the name of its program is stated, all of it is sealed.
    #[must_use]
    pub fn command(mut self, command: Vec<OsString>) -> Self {
        self.command = Some(command);
        self
    }

    /// Adds the container image that confined the run.
    #[must_use]
    pub fn sandbox_image(mut self, image: Fact<SandboxImage>) -> Self {
        self.sandbox_image = Some(image);
        self
    }

    /// Adds the SBOM of what was made.
    #[must_use]
    pub fn sbom(mut self, sbom: Sbom) -> Self {
        self.sbom = Some(sbom);
        self
    }

    /// Adds the job of a CI system that the run is a part of.
    #[must_use]
    pub fn ci(mut self, ci: Ci) -> Self {
        self.ci = Some(ci);
        self
    }

    /// Adds how the command ended, and whether it left processes behind.
    #[must_use]
    pub fn ended(mut self, finished: Finished) -> Self {
        self.outcome = Some(finished);
        self
    }

    /// Adds when the run began and ended, by our clock.
    #[must_use]
    pub const fn times(mut self, started: Time, finished: Time) -> Self {
        self.times = Some((started, finished));
        self
    }

    /// Adds something that somebody should look at.
    #[must_use]
    pub fn finding(mut self, noticed: Noticed) -> Self {
        self.findings.push(noticed);
        self
    }

    /// Returns the command.
    pub(crate) fn command_line(&self) -> Option<&[OsString]> {
        self.command.as_deref()
    }

    /// Returns true if our clock says when the run was.
    pub(crate) const fn has_times(&self) -> bool {
        self.times.is_some()
    }

    /// Returns the subjects of the statement.
    pub(crate) fn subjects(&self, made: &Made) -> Vec<ResourceDescriptor> {
        match made {
            Made::Commits(commits) => {
                let (repository, reference) = (text(self.repository.as_ref()), text(self.reference.as_ref()));
                let named = commits.iter().map(|commit| commit_subject(repository, reference, commit.id.clone(), &commit.object));
                named.chain(commits.last().map(|tip| tree_subject(tip.tree.clone()))).collect()
            }
            Made::Tree(tree) => vec![tree_subject(tree.clone())],
            Made::Artifacts(artifacts) => {
                let mut subjects = Vec::new();
                for artifact in artifacts {
                    let subject = artifact.subject();
                    if !subjects.contains(&subject) {
                        subjects.push(subject);
                    }
                }
                subjects
            }
        }
    }

    /// Adds all facts to a statement.
    pub(crate) fn add_to(self, mut run: Run, made: &Made) -> Run {
        run = run.claim(Stated::Builder, BASIS, "countersign");
        let mut origins: Vec<String> = Vec::new();
        // What is made of several facts is worth no more than the least of them.
        let mut basis = BASIS;
        if let Some(repository) = self.repository {
            run = run.repository(repository.value);
            origins.push(repository.origin);
            basis = basis.min(repository.basis);
        }
        if let Some(reference) = self.reference {
            run = run.reference(reference.value);
            origins.push(reference.origin);
            basis = basis.min(reference.basis);
        }
        if let Some(base) = self.base {
            origins.push(base.origin);
            run = run.base(base.value).claim(Stated::Source, basis, joined(&origins));
        }
        if let Some(program) = self.command.as_deref().and_then(|command| command.first()) {
            // Folders above the program can hold anybody's name.
            if let Some(name) = Path::new(program).file_name().and_then(|name| name.to_str()) {
                run = run.program(name);
                origins.push("process:argv".to_owned());
            }
        }
        if !origins.is_empty() {
            run = run.claim(Stated::Parameters, basis, joined(&origins));
        }
        if let Some(image) = self.sandbox_image {
            run = run.sandbox_image(image.value.name, image.value.sha256).claim(Stated::SandboxImage, BASIS, image.origin);
        }
        if let Some(sbom) = self.sbom {
            run = run.sbom(sbom.sha256, sbom.canonical).claim(Stated::Sbom, BASIS, "argument:--sbom");
        }
        if let Made::Commits(commits) = made {
            let objects = commits.iter().map(|commit| (commit.id.clone(), commit.object.clone()));
            run = run.commit_objects(objects.collect()).claim(Stated::CommitObjects, BASIS, "git:objects");
        }
        if let Some((started, finished)) = self.times {
            run = run.started(started).finished(finished).claim(Stated::Times, BASIS, "clock");
        }
        if let Some(ci) = self.ci {
            run = of_ci(run, &ci);
        }
        if let Some(finished) = self.outcome {
            run = run.outcome(outcome(finished)).claim(Stated::RunOutcome, BASIS, "process:exit");
            if finished.descendants == Descendants::Left {
                run = run.finding(Noticed::ProcessesLeft);
            }
        }
        self.findings.into_iter().fold(run, Run::finding)
    }
}

/// Adds what a CI system says. The run's name is a later fact's to replace, which knows the run itself and not its job.
fn of_ci(mut run: Run, ci: &Ci) -> Run {
    for (name, variable) in ci.facts() {
        run = run.ci(name, variable.value.as_str()).claim(Stated::Ci(name), ci::BASIS, variable.origin.as_str());
    }
    match &ci.run_url {
        Some(url) => run.invocation(url.value.as_str()).claim(Stated::Invocation, ci::BASIS, url.origin.as_str()),
        None => run,
    }
}

fn text(claimed: Option<&Claimed>) -> Option<&str> {
    claimed.map(|claimed| claimed.value.as_str())
}

/// Returns origins as one, each once.
fn joined(origins: &[String]) -> String {
    let mut once: Vec<&str> = Vec::new();
    for origin in origins {
        if !once.contains(&origin.as_str()) {
            once.push(origin);
        }
    }
    once.join(" ")
}

fn outcome(finished: Finished) -> RunOutcome {
    match finished.outcome {
        command::Outcome::Exited(0) => RunOutcome { outcome: Outcome::Success, exit_code: Some(0) },
        command::Outcome::Exited(code) => RunOutcome { outcome: Outcome::Failure, exit_code: Some(code) },
        // The signals by which somebody asks a command to stop; any other is its own fault.
        command::Outcome::Killed(HANGUP | INTERRUPT | TERMINATE) => RunOutcome { outcome: Outcome::Cancelled, exit_code: None },
        command::Outcome::Killed(_) => RunOutcome { outcome: Outcome::Failure, exit_code: None },
    }
}

/// Why a run can't be stated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// What must not be read can't be sealed.
    #[error(transparent)]
    Sealing(#[from] SealingError),
    /// No statement can hold the facts.
    #[error(transparent)]
    Statement(#[from] StatementError),
}

const HANGUP: i32 = 1;
const INTERRUPT: i32 = 2;
const TERMINATE: i32 = 15;
