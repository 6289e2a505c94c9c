//! Asks another program: what it's told on standard input, what it answers on standard output, and when it's ended.
//! What the words mean is said elsewhere. It may talk to whoever sits there on standard error, and can't read from the terminal.

use std::io::{self, Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{self, Pid, Signal, WaitId, WaitIdOptions};
use zeroize::Zeroizing;

/// Why a program gave no answer.
#[derive(Debug)]
pub(crate) enum Failed {
    NotStarted(io::ErrorKind),
    Ended(ExitStatus),
    TooMuch,
    /// It was stopped, as whoever reads from the terminal is who isn't in its foreground.
    Stopped,
    /// Nobody waited any longer, so it was ended.
    Over,
}

/// A program of somebody's own, with its arguments.
pub(crate) struct Program {
    name: String,
    /// Where it was when it was named: whatever is put before it on `PATH` afterwards isn't started.
    path: Option<PathBuf>,
    arguments: Vec<String>,
}

impl Program {
    /// Reads a command line: words that are parted by blanks, and no shell reads them.
    pub(crate) fn named(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace().map(str::to_owned);
        let name = words.next()?;
        Some(Self { path: find(&name), name, arguments: words.collect() })
    }

    /// Returns its name, as it was written.
    #[cfg(feature = "keyless")]
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns where it is.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Asks it by these words behind its own arguments, as [`ask`] does.
    pub(crate) fn ask(&self, words: &[&str], input: Vec<u8>, most: u64, is_over: &dyn Fn() -> bool) -> Result<Zeroizing<Vec<u8>>, Failed> {
        let path = self.path.as_deref().ok_or(Failed::NotStarted(io::ErrorKind::NotFound))?;
        let mut command = Command::new(path);
        command.arg0(&self.name).args(&self.arguments).args(words);
        ask(command, input, most, is_over)
    }
}

/// Runs the program until it ends or nobody waits any longer, and returns what it printed if it succeeded.
///
/// It gets the environment without `COUNTERSIGN_*`, and a process group of its own, so that it's ended with all that it
/// started. The terminal's foreground stays ours, and so does Ctrl-C: a program that reads from the terminal is stopped by the
/// system, and is ended then instead of being waited for. What it leaves behind with its standard output open is waited for no
/// longer than a moment, and ended, too.
fn ask(mut command: Command, input: Vec<u8>, most: u64, is_over: &dyn Fn() -> bool) -> Result<Zeroizing<Vec<u8>>, Failed> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"COUNTERSIGN_") {
            command.env_remove(name);
        }
    }
    let mut child = command.spawn().map_err(|error| Failed::NotStarted(error.kind()))?;
    // On threads of their own: it may read late or never, and print before it has read.
    if let Some(mut stdin) = child.stdin.take() {
        // One that doesn't want to know all of it says so by how it ends.
        thread::spawn(move || stdin.write_all(&input));
    }
    let pieces = pieces(child.stdout.take());
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    // The full capacity at once: growing would leave copies behind, and what is printed can be a token.
    let mut printed = Zeroizing::new(Vec::with_capacity(most.min(CAPACITY).saturating_add(PIECE)));
    let (mut is_all, mut ended) = (false, None);
    loop {
        match pieces.recv_timeout(LOOK_AGAIN) {
            Ok(piece) => printed.extend_from_slice(&piece),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                is_all = true;
                thread::sleep(if ended.is_some() { Duration::ZERO } else { LOOK_AGAIN });
            }
        }
        if printed.len() > most {
            end(child);
            return Err(Failed::TooMuch);
        }
        if ended.is_none() {
            match state(&child) {
                State::Running => {}
                State::Ended => ended = Some(Instant::now()),
                State::Stopped => {
                    end(child);
                    return Err(Failed::Stopped);
                }
            }
        }
        if ended.is_some_and(|ended| is_all || ended.elapsed() > GRACE) {
            if !is_all {
                kill(&child);
            }
            return match child.wait() {
                Ok(status) if status.success() => Ok(printed),
                Ok(status) => Err(Failed::Ended(status)),
                Err(error) => Err(Failed::NotStarted(error.kind())),
            };
        }
        if is_over() {
            end(child);
            return Err(Failed::Over);
        }
    }
}

/// Finds the program, by its path or where `PATH` leads.
fn find(program: &str) -> Option<PathBuf> {
    let found = if program.contains('/') {
        PathBuf::from(program)
    } else {
        std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(program)).find(|path| path.is_file())?
    };
    std::path::absolute(found).ok().filter(|path| path.exists())
}

/// Says in words why a program isn't started.
pub(crate) fn not_started(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => "there is no such program",
        io::ErrorKind::PermissionDenied | io::ErrorKind::IsADirectory => "it can't be executed",
        _ => "the system doesn't start it",
    }
}

/// Reads on a thread of its own, since nothing else ends a read; at the end there is nobody left to send.
fn pieces(source: Option<impl Read + Send + 'static>) -> Receiver<Zeroizing<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel();
    if let Some(mut source) = source {
        thread::spawn(move || {
            loop {
                let mut piece = Zeroizing::new(vec![0; PIECE]);
                match source.read(&mut piece) {
                    Ok(0) => break,
                    Ok(length) => piece.truncate(length),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    // What is cut off is no answer, and is seen from what it says.
                    Err(_) => break,
                }
                if sender.send(piece).is_err() {
                    break;
                }
            }
        });
    }
    receiver
}

/// What a program does.
enum State {
    Running,
    Stopped,
    Ended,
}

/// Looks what it does, and leaves it to be taken once it has ended: until then nobody else can get its id.
fn state(child: &Child) -> State {
    let Some(id) = id(child) else { return State::Ended };
    let looking = WaitIdOptions::EXITED | WaitIdOptions::STOPPED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    match process::waitid(WaitId::Pid(id), looking) {
        Ok(None) => State::Running,
        Ok(Some(status)) if status.stopped() => State::Stopped,
        _ => State::Ended,
    }
}

/// Ends it, and what it started. That it ended by itself just now doesn't matter.
///
/// One that can't be ended, since it became another user's or the system doesn't let go of it, is left behind.
fn end(mut child: Child) {
    kill(&child);
    // It may have left its group.
    let _ = child.kill();
    let begun = Instant::now();
    while !matches!(state(&child), State::Ended) {
        if begun.elapsed() > GRACE {
            return;
        }
        thread::sleep(LOOK_AGAIN);
    }
    let _ = child.wait();
}

fn kill(child: &Child) {
    if let Some(id) = id(child) {
        let _ = process::kill_process_group(id, Signal::KILL);
    }
}

fn id(child: &Child) -> Option<Pid> {
    Pid::from_raw(i32::try_from(child.id()).ok()?)
}

/// What is said of a program that was stopped.
pub(crate) const STOPPED: &str =
    "it was stopped, since it read from the terminal: let it ask elsewhere, such as in a window, or not at all";
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// How long what was printed may still be on its way once the program has ended.
const GRACE: Duration = Duration::from_millis(500);
const PIECE: usize = 4 << 10;
const CAPACITY: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn asked(script: &str, input: &[u8]) -> Result<String, Failed> {
        let until = Instant::now() + Duration::from_secs(20);
        let printed = ask(shell(script), input.to_vec(), 64, &|| Instant::now() > until);
        printed.map(|printed| String::from_utf8(printed.to_vec()).unwrap())
    }

    #[test]
    fn gives_what_was_printed_by_a_program_that_succeeds() {
        assert_eq!(asked("cat; echo end", b"said ").unwrap(), "said end\n");
        assert!(matches!(asked("echo said; exit 3", b""), Err(Failed::Ended(status)) if status.code() == Some(3)));
        assert!(matches!(asked("yes", b""), Err(Failed::TooMuch)));
        assert!(matches!(ask(Command::new("/nowhere/at/all"), Vec::new(), 1, &|| false), Err(Failed::NotStarted(io::ErrorKind::NotFound))));
    }

    #[test]
    fn waits_for_no_program_that_reads_from_the_terminal() {
        let begun = Instant::now();
        // As the system stops it; and all that it started, with it.
        assert!(matches!(asked("sleep 60 & kill -TTIN 0; echo read", b""), Err(Failed::Stopped)));
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    }

    #[test]
    fn waits_for_nobody_who_holds_the_output_of_a_program_that_has_ended() {
        let begun = Instant::now();
        // What is left says who it is, and is ended.
        let printed = asked("sleep 60 & echo $!", b"").unwrap();
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        assert!(is_gone(printed.trim()), "{printed}");
    }

    #[test]
    fn ends_a_program_with_all_that_it_started() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let script = format!("sleep 60 & echo $! > {}; wait", file.path().display());
        let is_written = || std::fs::read_to_string(file.path()).is_ok_and(|written| written.ends_with('\n'));
        assert!(matches!(ask(shell(&script), Vec::new(), 64, &is_written), Err(Failed::Over)));
        let left = std::fs::read_to_string(file.path()).unwrap();
        assert!(is_gone(left.trim()), "{left}");
    }

    #[test]
    fn ends_a_program_that_left_its_group_and_waits_for_none_that_does_not_end() {
        let file = tempfile::NamedTempFile::new().unwrap();
        // It goes over to our own group, which is the group of who started it.
        let script = format!(
            "import os, time; os.setpgid(0, os.getpgid(os.getppid())); open('{}', 'w').write(str(os.getpid()) + '\\n'); time.sleep(60)",
            file.path().display()
        );
        let is_written = || std::fs::read_to_string(file.path()).is_ok_and(|written| written.ends_with('\n'));
        let begun = Instant::now();
        let until = begun + Duration::from_secs(30);
        let mut command = Command::new("python3");
        command.args(["-c", &script]);
        match ask(command, Vec::new(), 64, &|| is_written() || Instant::now() > until) {
            Err(Failed::Over) => {}
            Err(Failed::NotStarted(_)) => return eprintln!("SKIPPED a program that leaves its group: there is no `python3`"),
            other => panic!("{other:?}"),
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        assert!(is_gone(std::fs::read_to_string(file.path()).unwrap().trim()));
    }

    /// Returns true once a process has ended, whoever has to take its ending; a signal takes a moment.
    fn is_gone(id: &str) -> bool {
        let is_running = || {
            let status = std::fs::read_to_string(format!("/proc/{id}/stat"));
            status.is_ok_and(|status| !status.contains(") Z"))
        };
        (0..500).any(|_| {
            thread::sleep(LOOK_AGAIN);
            !is_running()
        })
    }
}
