//! `countersign run`: runs a command, observes it, and states what an agent did or what was built.
//! It exits as the command did; what went wrong with the observing itself exits with 125.

mod afterwards;
mod session;
mod work;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueHint};
use countersign::predicate::Noticed;
use countersign::time::{Span, Time};
use countersign_capture::agent_run::{AgentOfRun, agent_run};
use countersign_capture::artifact::{Artifact, ArtifactError};
use countersign_capture::command::{self, Descendants, Process};
use countersign_capture::git::Repository;
use countersign_capture::local_build::local_build;
use countersign_capture::observation::Made;
use countersign_capture::sealing::SealedSession;
use countersign_capture::session::Agent;

use crate::circumstances::{self, Confinement, Origin, fact};
use crate::clock;
use crate::escape::escaped;
use crate::failure::Failure;
use crate::keeping::Keeping;
use crate::openings;
use crate::output;
use crate::passphrase::PassphraseSource;
use crate::repository;
use crate::sealed;
use session::SessionChoice;
use work::Before;

/// Runs a command, and signs what it made: an agent's commits or changes, or files
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  countersign run --agent claude-code --session ID -- claude -p 'Add a greeting' --session-id ID\n  \
        countersign run --artifact app.tar.gz -- make dist\n\n\
        Exits as the command did, or with 125 if nothing could be observed or signed, 126 if the command can't be executed, \
        127 if it isn't found. Where the bundle is kept is printed on standard error.")]
pub(crate) struct Run {
    /// The agent that runs: claude-code, or none [default: claude-code for a command of the name `claude` and no
    /// artifact, else none]
    #[arg(long, value_name = "AGENT|none")]
    agent: Option<String>,
    /// A file that the command makes; the statement is about it instead of commits. Repeatable
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    artifact: Vec<PathBuf>,
    #[command(flatten)]
    session: SessionChoice,
    #[command(flatten)]
    origin: Origin,
    #[command(flatten)]
    confinement: Confinement,
    #[command(flatten)]
    keeping: Keeping,
    /// How long to wait for processes that the command leaves behind, such as 500ms, 10s or 2m
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    grace: Duration,
    /// The command
    #[arg(value_name = "CMD", required = true, last = true, value_hint = ValueHint::CommandWithArguments)]
    command: Vec<OsString>,
}

impl Run {
    /// What this verb exits with when it, and not the command, has failed.
    pub(crate) const STATUS: u8 = 125;

    pub(crate) fn run(self, passphrase: &PassphraseSource) -> Result<ExitCode, Failure> {
        self.observe(passphrase).map_err(|failure| failure.otherwise_exiting_with(Self::STATUS))
    }

    fn observe(self, passphrase: &PassphraseSource) -> Result<ExitCode, Failure> {
        // The command runs as the same user, for hours perhaps: a key that is open meanwhile isn't its to read.
        command::close_to_others();
        let agent = self.agent()?;
        self.origin.check()?;
        let sandbox_image = self.confinement.sandbox_image()?;
        let repository = repository::at_hand()?;
        let artifacts = self.artifact.iter().map(std::path::absolute).collect::<Result<Vec<_>, _>>();
        let artifacts =
            artifacts.map_err(|error| Failure::new("artifact-unreadable", "the artifact's place can't be found").because(&error))?;
        self.artifact.iter().try_for_each(|path| can_be_made(path))?;
        let mut was_dirty = false;
        let before = match &repository {
            Some(repository) if artifacts.is_empty() => {
                let before = Before::look(repository)?;
                was_dirty = before.is_dirty(repository, &[])?;
                if was_dirty {
                    output::warning("the work tree has changes already that aren't committed; they can't be told from the command's");
                }
                Some(before)
            }
            Some(repository) => before_a_build(repository, &artifacts),
            None if artifacts.is_empty() => return Err(repository::missing("to see in what the command makes")),
            None => None,
        };
        let ci = circumstances::ci();
        // Before the command: afterwards the head is another.
        let reference = before.as_ref().and_then(|before| before.reference(ci.as_ref(), repository.as_ref()?));
        let untouched: Vec<_> = artifacts.iter().map(|path| Trace::of(path)).collect();
        // After all that can be refused without it, and before the command: a missing key must not cost an hour's work.
        let keeper = self.keeping.sparing(&artifacts).prepare(passphrase)?;
        keeper.stays_out_of_work_trees()?;
        let openings = openings::prepare()?;

        let (program, arguments) = self.command.split_first().ok_or_else(|| Failure::new("usage", "there is no command"))?;
        let started = clock::now()?;
        let waiting = &mut |left: &[Process]| {
            let grace = self.grace.as_millis();
            let grace = if grace.is_multiple_of(1_000) { format!("{} s", grace / 1_000) } else { format!("{grace} ms") };
            output::labelled(
                output::FAINT,
                "note",
                &format!("the command left {} behind: waiting up to {grace} for it to end", named(left)),
            );
        };
        let finished = command::run(program, arguments, &keeper.credential_variables(), self.grace, waiting).map_err(Failure::from)?;
        let left = if finished.descendants == Descendants::Left { command::left_behind() } else { Vec::new() };
        let status = finished.exit_code();
        let after = || -> Result<(), Failure> {
            let made = if artifacts.is_empty() {
                before.as_ref().map(Before::made_since).transpose()?.flatten()
            } else {
                made_artifacts(&artifacts, status)?
            };
            let Some(made) = made else {
                output::labelled(output::FAINT, "note", "nothing was made, so nothing is signed");
                return Ok(());
            };
            let mut observation = self.origin.observe(repository.as_ref(), ci.as_ref())?;
            if let Some(before) = &before {
                observation = observation.base(fact(before.base.clone(), "git:HEAD"));
                if let Some(reference) = reference {
                    observation = observation.reference(reference);
                } else {
                    output::warning("HEAD is detached, so the statement names no ref, and a policy may ask for one");
                }
            }
            if let Some(image) = sandbox_image {
                observation = observation.sandbox_image(image);
            }
            let unwritten = |(_, path, before): &(&PathBuf, &PathBuf, &Option<Trace>)| before.is_some() && Trace::of(path) == **before;
            let given = self.artifact.iter().zip(&artifacts).zip(&untouched).map(|((given, path), before)| (given, path, before));
            let unwritten: Vec<_> =
                given.filter(unwritten).map(|(given, ..)| format!("`{}`", escaped(&given.display().to_string()))).collect();
            if !unwritten.is_empty() {
                let names = unwritten.join(", ");
                output::warning(&format!("{names}: was there before, and the command didn't write it; the statement says so"));
                observation = observation.finding(Noticed::ArtifactUnwritten);
            }
            if matches!(made, Made::Tree(_)) {
                output::warning("not all changes are committed, so the statement is about the files as they are and about no commit");
            }
            if was_dirty {
                observation = observation.finding(Noticed::WorkTreeWasDirty);
            }
            if agent.is_none() && matches!(made, Made::Commits(_)) {
                output::warning(
                    "no agent is named, so the commits are stated as a build's and count as nobody's; `--agent claude-code` names it",
                );
            }
            if finished.descendants == Descendants::Left {
                output::warning(&format!("the command left {} behind, which may still write; the statement says so", named(&left)));
            }
            observation = observation.command(self.command.clone()).ended(finished).times(started, clock::now()?);
            let named = agent.as_ref().map(AgentOfRun::agent);
            let afterwards = || {
                let transcript = named.and_then(|agent| self.session.transcript(agent));
                afterwards::hint(named, &made, &self.artifact, before.as_ref(), transcript.as_deref())
            };
            let statement = match agent {
                None => local_build(&made, observation, &openings)?,
                Some(mut agent) => {
                    if let Some(delegator) = self.confinement.delegator() {
                        agent = agent.on_behalf_of(delegator);
                    }
                    let read = self.session.read(agent.agent(), &openings);
                    if let Some(session) = read.map_err(|failure| failure.hint(afterwards()))? {
                        if predates(&session, started) {
                            output::warning(
                                "the transcript ends before the command began, so it may be another run's; the statement says so",
                            );
                            observation = observation.finding(Noticed::TranscriptPredatesRun);
                        }
                        agent = agent.session(session);
                    }
                    agent_run(&made, agent, observation, &openings)?
                }
            };
            let bundle = keeper.sign(&statement).map_err(|failure| failure.not_again_but(afterwards()))?;
            let lines = keeper.put(&bundle)?;
            output::remark(lines.trim_end());
            sealed::tell(&statement, &openings);
            Ok(())
        };
        after().map_err(|failure| failure.hint(format!("the command itself ended with status {status}")))?;
        Ok(ExitCode::from(status))
    }

    /// Returns the agent that runs.
    fn agent(&self) -> Result<Option<AgentOfRun>, Failure> {
        let named = match self.agent.as_deref() {
            Some("none") => None,
            Some(name) => Some(fact(name.parse()?, "argument:--agent")),
            None if self.artifact.is_empty() => {
                let program = self.command.first().and_then(|program| Path::new(program).file_name());
                let agent = Agent::ALL.into_iter().find(|agent| program.is_some_and(|name| name == agent.program()));
                agent.map(|agent| fact(agent, "process:program"))
            }
            None => None,
        };
        if named.is_none() && (self.session.is_given() || self.confinement.delegator().is_some()) {
            let hint = match self.agent {
                Some(_) => "leave them out, or name the agent in place of `--agent none`",
                None => "name it: `--agent claude-code`",
            };
            return Err(
                Failure::new("usage", "`--session`, `--transcript` and `--on-behalf-of` concern an agent, and none is named").hint(hint)
            );
        }
        let agent = named.map(AgentOfRun::new);
        if let Some(agent) = &agent {
            self.session.check(agent.agent())?;
        }
        Ok(agent)
    }
}

/// Names processes as a user can find them.
fn named(processes: &[Process]) -> String {
    let shown: Vec<_> =
        processes.iter().take(PROCESSES_SHOWN).map(|process| format!("`{}` ({})", escaped(&process.name), process.id)).collect();
    match processes.len().saturating_sub(shown.len()) {
        0 if shown.is_empty() => "processes".to_owned(),
        0 => format!("{} {}", if shown.len() == 1 { "process" } else { "processes" }, shown.join(", ")),
        more => format!("processes {} and {more} more", shown.join(", ")),
    }
}

/// Looks at the repository that a build begins from; `None` if its commit isn't all that the build can read.
fn before_a_build(repository: &Repository, artifacts: &[PathBuf]) -> Option<Before> {
    let looked = Before::look(repository).and_then(|before| Ok((before.is_dirty(repository, artifacts)?, before)));
    match looked {
        Ok((false, before)) => return Some(before),
        Ok((true, _)) => {
            output::warning("the work tree has changes that aren't committed; the statement names no source");
            output::hint("commit or ignore what `git status` lists, such as what an earlier build made");
        }
        Err(failure) => output::warning(&format!("{}; the statement names no source", failure.message())),
    }
    None
}

/// Returns true if nothing in a transcript is as late as the run, as far as clocks agree.
pub(super) fn predates(sealed: &SealedSession, started: Time) -> bool {
    sealed.session.total.finished.as_ref().is_some_and(|last| last.value.plus(Span::CLOCK_SKEW) < started)
}

/// Refuses what can't become an artifact, whatever the command does.
fn can_be_made(path: &Path) -> Result<(), Failure> {
    if path.file_name().and_then(|name| name.to_str()).is_none() {
        return Err(ArtifactError::Name { path: path.to_owned() }.into());
    }
    if path.is_dir() { Err(ArtifactError::NotAFile { path: path.to_owned() }.into()) } else { Ok(()) }
}

/// Reads the files that were made. A command that failed may have made none.
fn made_artifacts(paths: &[PathBuf], status: u8) -> Result<Option<Made>, Failure> {
    let found: Vec<_> = paths.iter().filter(|path| status == 0 || path.exists()).collect();
    if found.is_empty() {
        return Ok(None);
    }
    let artifacts = found.into_iter().map(|path| Artifact::read(path)).collect::<Result<Vec<_>, _>>()?;
    Ok(Some(Made::Artifacts(artifacts)))
}

/// What shows that a file was written.
#[derive(PartialEq, Eq)]
struct Trace {
    inode: u64,
    changed: (i64, i64),
    length: u64,
}

impl Trace {
    fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt as _;
        let metadata = path.metadata().ok()?;
        Some(Self { inode: metadata.ino(), changed: (metadata.ctime(), metadata.ctime_nsec()), length: metadata.len() })
    }
}

fn duration(text: &str) -> Result<Duration, &'static str> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).ok_or(DURATION)?;
    let number: u64 = number.parse().map_err(|_| DURATION)?;
    let milliseconds = match unit {
        "ms" => Some(number),
        "" | "s" => number.checked_mul(1_000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        _ => None,
    };
    milliseconds.map(Duration::from_millis).ok_or(DURATION)
}

const PROCESSES_SHOWN: usize = 5;
const DURATION: &str = "expected a number of seconds, or a number and `ms`, `s`, `m` or `h`, such as `10s`";
