//! Runs a command as if it had been called directly, and observes how it and what it left behind end.
//! It knows no clock: when a run began and finished is the caller's to say.

use std::ffi::{OsStr, OsString};
use std::io;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{self, Pid, Signal, WaitOptions, WaitStatus};
use signal_hook::consts::signal::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It exited by itself.
    Exited(u8),
    /// A signal killed it.
    Killed(i32),
}

/// What became of the processes that the command started and left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Descendants {
    /// None is left.
    Ended,
    /// Some were still running when the time of grace was over, or when a signal ended it.
    Left,
    /// This system doesn't hand orphaned processes over, so they can't be seen.
    Unobserved,
}

/// A command that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finished {
    /// How it ended.
    pub outcome: Outcome,
    /// What it left behind.
    pub descendants: Descendants,
}

impl Finished {
    /// Returns what a shell gives: the command's own code, or 128 and the signal.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.outcome {
            Outcome::Exited(code) => code,
            Outcome::Killed(signal) => u8::try_from(signal).unwrap_or(0).saturating_add(128),
        }
    }
}

/// Runs `program` and waits for it, then up to `grace` for processes that it left behind.
///
/// The command has our standard streams, our process group and our environment without `COUNTERSIGN_*` and the variables
/// that are `withheld` from it. SIGINT and
/// SIGQUIT reach it from the terminal and are survived here; SIGTERM and SIGHUP are forwarded to it. A signal that the
/// caller was told to ignore (as by `nohup`) stays ignored, by the command too. Once it has ended, SIGTERM and SIGHUP cut
/// the time of grace short; after the return all of them act as usual again.
///
/// It takes the ending of every child of this process, so nothing else may be waiting for one; calls from several
/// threads come one after the other.
///
/// `waiting` is told once, where the wait for what was left behind isn't over at once, for which processes it is.
///
/// # Errors
/// [`CommandError`] if the command can't be started or waited for.
pub fn run(
    program: &OsStr,
    arguments: &[OsString],
    withheld: &[&str],
    grace: Duration,
    waiting: &mut dyn FnMut(&[Process]),
) -> Result<Finished, CommandError> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = locked(&ONE_AT_A_TIME);

    let adoption = Adoption::begin();
    let forwarding = Forwarding::begin().map_err(|source| CommandError::Io { what: "signals can't be handled", source })?;
    let child = start(program, arguments, withheld, &forwarding.target)?;
    let outcome = wait_for(child, &forwarding.target)?;
    let descendants = wait_for_descendants(&adoption, grace, &forwarding.was_asked_to_stop, waiting);
    Ok(Finished { outcome, descendants })
}

/// Keeps other processes of the same user from reading this one's memory and environment, where the system can: on Linux,
/// except for those who may do anything (`PR_SET_DUMPABLE`). What is started from here is as open as ever.
pub fn close_to_others() {
    #[cfg(target_os = "linux")]
    // It hardens what works without it, and fails for no process of its own.
    let _ = process::set_dumpable_behavior(process::DumpableBehavior::NotDumpable);
}

/// Why a command has no outcome.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// There is no such program; a shell exits with 127.
    #[error("the command `{}` isn't found; check its spelling and `PATH`", .program.to_string_lossy())]
    NotFound {
        /// As it was given.
        program: OsString,
    },
    /// The program can't be executed; a shell exits with 126.
    #[error("the command `{}` can't be executed; check its permissions and format", .program.to_string_lossy())]
    NotExecutable {
        /// As it was given.
        program: OsString,
        /// The cause.
        source: io::Error,
    },
    /// The system refused something else.
    #[error("the command can't be run: {what}")]
    Io {
        /// What was refused.
        what: &'static str,
        /// The cause.
        source: io::Error,
    },
}

fn start(program: &OsStr, arguments: &[OsString], withheld: &[&str], target: &Mutex<Target>) -> Result<Pid, CommandError> {
    let mut command = Command::new(program);
    command.args(arguments);
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"COUNTERSIGN_") || withheld.iter().any(|withheld| name == *withheld) {
            command.env_remove(name);
        }
    }
    // Held over the start, so that a signal that arrives meanwhile is forwarded right after it.
    let mut target = locked(target);
    let child = command.spawn().map_err(|source| {
        let program = program.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => CommandError::NotFound { program },
            io::ErrorKind::PermissionDenied | io::ErrorKind::IsADirectory => CommandError::NotExecutable { program, source },
            _ if source.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) => CommandError::NotExecutable { program, source },
            _ => CommandError::Io { what: "it can't be started", source },
        }
    })?;
    let no_id = || CommandError::Io { what: "it has no process id", source: io::ErrorKind::Other.into() };
    let child = Pid::from_raw(child.id().cast_signed()).ok_or_else(no_id)?;
    *target = Target::Running(child);
    Ok(child)
}

/// Waits for the command, and meanwhile takes away what it orphaned and what ended.
fn wait_for(child: Pid, target: &Mutex<Target>) -> Result<Outcome, CommandError> {
    loop {
        wait_without_taking()?;
        // Taken under the lock: from here on the id may become another process's, and must not get a signal.
        let mut target = locked(target);
        while let Ok(Some((ended, status))) = process::wait(WaitOptions::NOHANG) {
            if ended == child
                && let Some(outcome) = outcome_of(status)
            {
                *target = Target::Ended;
                return Ok(outcome);
            }
        }
    }
}

/// Sleeps until any child has ended, and leaves it to be taken.
fn wait_without_taking() -> Result<(), CommandError> {
    use rustix::process::{WaitId, WaitIdOptions};

    loop {
        match process::waitid(WaitId::All, WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
            Ok(_) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(CommandError::Io { what: "its end can't be waited for", source: error.into() }),
        }
    }
}

fn outcome_of(status: WaitStatus) -> Option<Outcome> {
    if let Some(code) = status.exit_status() {
        return Some(Outcome::Exited(u8::try_from(code & 0xff).unwrap_or(u8::MAX)));
    }
    status.terminating_signal().map(Outcome::Killed)
}

fn wait_for_descendants(
    adoption: &Adoption,
    grace: Duration,
    was_asked_to_stop: &AtomicBool,
    waiting: &mut dyn FnMut(&[Process]),
) -> Descendants {
    let began = Instant::now();
    let mut is_told = false;
    loop {
        match process::wait(WaitOptions::NOHANG) {
            Ok(Some(_)) => continue,
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return if adoption.works { Descendants::Ended } else { Descendants::Unobserved },
            Ok(None) => {}
        }
        if began.elapsed() >= grace || was_asked_to_stop.load(Ordering::Relaxed) {
            return Descendants::Left;
        }
        if !is_told && began.elapsed() >= UNNOTICED {
            waiting(&left_behind());
            is_told = true;
        }
        thread::sleep(Duration::from_millis(10).min(grace.saturating_sub(began.elapsed())));
    }
}

/// A process that a command left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Process {
    /// Its id.
    pub id: u32,
    /// What it calls itself.
    pub name: String,
}

/// Returns the children of this process, as far as the system tells: after [`run`], what its command left behind.
#[must_use]
pub fn left_behind() -> Vec<Process> {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().filter_map(Result::ok);
    let children = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let mut ids: Vec<u32> = children.flat_map(|ids| ids.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>()).collect();
    ids.sort_unstable();
    let name = |id| std::fs::read(format!("/proc/{id}/comm")).ok().map(|name| String::from_utf8_lossy(&name).trim_end().to_owned());
    ids.into_iter().filter_map(|id| Some(Process { id, name: name(id)? })).collect()
}

/// A wait that nobody notices.
const UNNOTICED: Duration = Duration::from_millis(500);

/// As long as it lives, orphaned descendants become children of this process.
struct Adoption {
    works: bool,
}

impl Adoption {
    fn begin() -> Self {
        Self { works: adopt_orphans(Some(process::getpid())) }
    }
}

impl Drop for Adoption {
    fn drop(&mut self) {
        adopt_orphans(None);
    }
}

#[cfg(target_os = "linux")]
fn adopt_orphans(adopter: Option<Pid>) -> bool {
    process::set_child_subreaper(adopter).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn adopt_orphans(_: Option<Pid>) -> bool {
    false
}

/// Whom signals are forwarded to.
enum Target {
    NotStarted,
    Running(Pid),
    Ended,
}

/// As long as it lives, signals are forwarded instead of ending this process.
struct Forwarding {
    target: Arc<Mutex<Target>>,
    was_asked_to_stop: Arc<AtomicBool>,
    handle: Handle,
    thread: Option<thread::JoinHandle<()>>,
}

impl Forwarding {
    fn begin() -> io::Result<Self> {
        let ignored = ignored_signals();
        let handled: Vec<i32> = [SIGINT, SIGQUIT, SIGTERM, SIGHUP].into_iter().filter(|signal| !ignored.contains(signal)).collect();
        let mut signals = Signals::new(&handled)?;
        acts_by_default(&handled)?.store(false, Ordering::SeqCst);

        let target = Arc::new(Mutex::new(Target::NotStarted));
        let was_asked_to_stop = Arc::new(AtomicBool::new(false));
        let handle = signals.handle();
        let thread = thread::Builder::new().name("signals".to_owned()).spawn({
            let (target, was_asked_to_stop) = (Arc::clone(&target), Arc::clone(&was_asked_to_stop));
            move || {
                // The terminal sends SIGINT and SIGQUIT to the whole process group by itself.
                for signal in signals.forever().filter(|signal| matches!(*signal, SIGTERM | SIGHUP)) {
                    match *locked(&target) {
                        Target::NotStarted => drop(signal_hook::low_level::emulate_default_handler(signal)),
                        Target::Running(child) => forward(signal, child),
                        Target::Ended => was_asked_to_stop.store(true, Ordering::Relaxed),
                    }
                }
            }
        })?;
        Ok(Self { target, was_asked_to_stop, handle, thread: Some(thread) })
    }
}

impl Drop for Forwarding {
    fn drop(&mut self) {
        if let Ok(flag) = acts_by_default(&[]) {
            flag.store(true, Ordering::SeqCst);
        }
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn forward(signal: i32, child: Pid) {
    let signal = if signal == SIGHUP { Signal::HUP } else { Signal::TERM };
    let _ = process::kill_process(child, signal);
}

/// Returns the flag that lets signals end this process again.
///
/// A handler once installed stays, so what the system would do by default is done by it when the flag is set.
fn acts_by_default(signals: &[i32]) -> io::Result<Arc<AtomicBool>> {
    static INSTALLED: OnceLock<(Arc<AtomicBool>, Mutex<Vec<i32>>)> = OnceLock::new();
    let (flag, installed) = INSTALLED.get_or_init(|| (Arc::new(AtomicBool::new(false)), Mutex::new(Vec::new())));
    let mut installed = locked(installed);
    for signal in signals {
        if !installed.contains(signal) {
            signal_hook::flag::register_conditional_default(*signal, Arc::clone(flag))?;
            installed.push(*signal);
        }
    }
    Ok(Arc::clone(flag))
}

/// Returns the signals that whoever started this process wants ignored.
fn ignored_signals() -> Vec<i32> {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return Vec::new() };
    let mask = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok()).unwrap_or(0);
    (1..=64).filter(|signal| mask >> (signal - 1) & 1 == 1).collect()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
