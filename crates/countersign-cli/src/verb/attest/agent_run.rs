//! `countersign attest agent-run`: states what an agent did, from the transcript that it left.
//! Only `run` observes a command, and so can say what was called and how it ended.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueHint};
use countersign::predicate::Noticed;
use countersign::statement::Statement;
use countersign_capture::agent_run::{AgentOfRun, agent_run};
use countersign_capture::artifact::Artifact;
use countersign_capture::ci::Ci;
use countersign_capture::git::{GitError, Repository};
use countersign_capture::observation::{Claimed, Made, Observation};
use countersign_capture::sealing::{Openings, SealedSession};

use crate::circumstances::{self, Confinement, Origin, fact};
use crate::escape::escaped;
use crate::failure::Failure;
use crate::keeping::Keeping;
use crate::output;
use crate::repository;
use crate::target::Target;

/// States what an agent made: commits or a file, with its models, tools and prompts (sealed) from its transcript
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  countersign attest agent-run --subject git:HEAD --agent claude-code --transcript SESSION.jsonl\n  \
    countersign attest agent-run --subject git:HEAD --base main --agent claude-code --transcript SESSION.jsonl \\\n    \
    --sandbox-image NAME@sha256:HEX --on-behalf-of maintainer@example.test")]
pub(super) struct AgentRun {
    /// The newest of the commits that the agent made, or a file
    #[arg(long, value_name = "git:REV|PATH")]
    subject: OsString,
    /// The commit that the agent began from [default: the first parent of the subject]
    #[arg(long, value_name = "REV")]
    base: Option<String>,
    /// The agent: claude-code
    #[arg(long, value_name = "AGENT")]
    agent: String,
    /// The transcript of its session
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    transcript: PathBuf,
    #[command(flatten)]
    origin: Origin,
    #[command(flatten)]
    confinement: Confinement,
    #[command(flatten)]
    keeping: Keeping,
}

impl AgentRun {
    pub(super) fn statement(self, openings: &dyn Openings) -> Result<(Statement, Keeping), Failure> {
        let mut agent = AgentOfRun::new(fact(self.agent.parse()?, "argument:--agent"));
        let repository = repository::at_hand()?;
        let ci = circumstances::ci();
        let ci = ci.as_ref();
        let observation = self.origin.observe(repository.as_ref(), ci)?;
        let base = self.base.as_deref().map(|revision| revision.strip_prefix("git:").unwrap_or(revision));
        let (made, mut observation) = match Target::parse(&self.subject)? {
            Target::Git(revision) => commits(&revision, base, repository.as_ref(), ci, observation)?,
            Target::Path(path) => (Made::Artifacts(vec![Artifact::read(&path)?]), from(base, repository.as_ref(), ci, observation)?),
            Target::Sha256(_) => {
                return Err(Failure::new("subject-unsupported", "a digest alone doesn't show that there is such a file")
                    .hint("name the file, or commits as `git:REV`"));
            }
        };
        if let Some(image) = self.confinement.sandbox_image()? {
            observation = observation.sandbox_image(image);
        }
        if let Some(delegator) = self.confinement.delegator() {
            agent = agent.on_behalf_of(delegator);
        }
        let session = SealedSession::read(agent.agent(), &self.transcript, openings)?;
        // Only a commit that is there dates what was made: a base that wasn't there yet can't be what it was made from.
        if let (Made::Commits(commits), Some(repository)) = (&made, &repository) {
            let parents = commits.first().and_then(|first| first.parents.first());
            let base = parents.and_then(|base| repository.commit(base.hex()).ok());
            if base.is_some_and(|base| super::super::run::predates(&session, base.committed_at)) {
                output::warning(
                    "the transcript ends before the commit that the agent began from was made, so it may be another run's; \
                     the statement says so",
                );
                observation = observation.finding(Noticed::TranscriptPredatesRun);
            }
        }
        let keeping = self.keeping.sparing([&PathBuf::from(self.subject)]);
        Ok((agent_run(&made, agent.session(session), observation, openings)?, keeping))
    }
}

/// Takes the commits that `revision` has and `base` hasn't; without a base, those that the first parent hasn't.
fn commits(
    revision: &str,
    base: Option<&str>,
    repository: Option<&Repository>,
    ci: Option<&Ci>,
    observation: Observation,
) -> Result<(Made, Observation), Failure> {
    let repository = repository.ok_or_else(|| repository::missing("to find the commits in"))?;
    let tip = repository.commit(revision)?;
    let base = match base {
        Some(base) => Some(fact(repository.commit(base)?.id, "argument:--base")),
        None => tip.parents.first().map(|parent| fact(parent.clone(), "git:parent")),
    };
    let mut observation = observation;
    if let Some(reference) = reference(repository, revision, ci)? {
        observation = observation.reference(reference);
    }
    let Some(base) = base else { return Ok((Made::Commits(vec![tip]), observation)) };
    if !repository.is_ancestor(&base.value, &tip.id)? {
        return Err(Failure::new("base-unrelated", format!("the base isn't an ancestor of `{revision}`"))
            .hint("name the commit that the agent began from with `--base`"));
    }
    let commits = repository.commits_between(&base.value, &tip.id)?;
    if commits.is_empty() {
        return Err(Failure::new("nothing-made", format!("there is no commit between the base and `{revision}`"))
            .hint("name an older commit with `--base`"));
    }
    Ok((Made::Commits(commits), observation.base(base)))
}

/// Adds the commit that a file's making began from, where it's given.
fn from(base: Option<&str>, repository: Option<&Repository>, ci: Option<&Ci>, observation: Observation) -> Result<Observation, Failure> {
    let Some(revision) = base else { return Ok(observation) };
    let repository = repository.ok_or_else(|| repository::missing("to find the commits in"))?;
    let observation = observation.base(fact(repository.commit(revision)?.id, "argument:--base"));
    Ok(match reference(repository, revision, ci)? {
        Some(reference) => observation.reference(reference),
        None => observation,
    })
}

/// Returns the branch that a revision is on, if the history that is here, or the CI job, tells.
pub(super) fn reference(repository: &Repository, revision: &str, ci: Option<&Ci>) -> Result<Option<Claimed>, Failure> {
    let found = match repository.reference_for(revision) {
        Err(GitError::Shallow) => None,
        found => found?.map(|name| fact(name, "git:refs").into()),
    };
    let found = match found {
        None => circumstances::reference_in_ci(ci, &repository.commit(revision)?.id, repository),
        found => found,
    };
    if found.is_none() {
        let revision = escaped(revision);
        output::warning(&format!(
            "no branch is known that `{revision}` is on, so the statement names no ref, and a policy may ask for one"
        ));
    }
    Ok(found)
}
