//! Running other programs from the repository's root.
//! It decides nothing about what is run.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A program with its arguments.
pub(crate) struct Program {
    line: String,
    command: Command,
}

impl Program {
    /// Names a program; `cargo` is the cargo that runs this task.
    pub(crate) fn new(name: &str, arguments: &[&str]) -> Self {
        let cargo = std::env::var_os("CARGO").filter(|_| name == "cargo");
        let mut command = Command::new(cargo.as_deref().unwrap_or(OsStr::new(name)));
        command.args(arguments).stdin(Stdio::null());
        Self { line: [&[name], arguments].concat().join(" "), command }
    }

    /// Sets the folder to run it in.
    pub(crate) fn within(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Sets a variable of its environment.
    pub(crate) fn with(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Takes a variable out of its environment.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Runs it, with its output going where ours goes.
    pub(crate) fn run(mut self) -> Result<(), String> {
        let status = self.command.status().map_err(|error| format!("can't start `{}`: {error}", self.line))?;
        if status.success() { Ok(()) } else { Err(format!("`{}` failed ({status})", self.line)) }
    }

    /// Runs it and returns what it printed.
    pub(crate) fn output(mut self) -> Result<String, String> {
        let output = self.command.output().map_err(|error| format!("can't start `{}`: {error}", self.line))?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(format!("`{}` failed ({}): {}", self.line, output.status, String::from_utf8_lossy(&output.stderr).trim()))
        }
    }

    /// Runs it and returns how it ended and what it said; that it failed is an answer, too. None is waited for for ever.
    pub(crate) fn answer(mut self) -> Result<Answer, String> {
        // Into files, since nobody reads while it is waited for.
        let unwritable = |error| format!("can't make a temporary file: {error}");
        let (mut stdout, mut stderr) = (tempfile::tempfile().map_err(unwritable)?, tempfile::tempfile().map_err(unwritable)?);
        self.command.stdout(stdout.try_clone().map_err(unwritable)?).stderr(stderr.try_clone().map_err(unwritable)?);
        let code = self.ended_before(Instant::now() + PATIENCE)?.code();
        let read = |file: &mut File| {
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_end(&mut bytes)).map(|_| bytes)
        };
        let (stdout, stderr) = (read(&mut stdout).map_err(unwritable)?, read(&mut stderr).map_err(unwritable)?);
        Ok(Answer { line: self.line, code, stdout, said: String::from_utf8_lossy(&stderr).trim().to_owned() })
    }

    /// Runs it like [`Program::run`], and ends it at the deadline.
    pub(crate) fn run_until(mut self, deadline: Instant) -> Result<(), String> {
        let status = self.ended_before(deadline)?;
        if status.success() { Ok(()) } else { Err(format!("`{}` failed ({status})", self.line)) }
    }

    /// Starts it, with what it says going to a file; it's ended when the answer is dropped.
    pub(crate) fn start(mut self, log: &Path) -> Result<Running, String> {
        let unwritable = |error| format!("can't write `{}`: {error}", log.display());
        let log = File::create(log).map_err(unwritable)?;
        self.command.stdout(log.try_clone().map_err(unwritable)?).stderr(log);
        self.command.spawn().map(Running).map_err(|error| format!("can't start `{}`: {error}", self.line))
    }

    fn ended_before(&mut self, deadline: Instant) -> Result<ExitStatus, String> {
        let mut child = self.command.spawn().map_err(|error| format!("can't start `{}`: {error}", self.line))?;
        loop {
            let ended = child.try_wait().map_err(|error| format!("can't wait for `{}`: {error}", self.line))?;
            match ended {
                Some(status) => return Ok(status),
                None if Instant::now() < deadline => std::thread::sleep(LOOK_AGAIN),
                None => {
                    // That it ended by itself just now doesn't matter.
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(format!("`{}` took too long", self.line));
                }
            }
        }
    }

    /// Returns whether it starts and succeeds, without a word.
    pub(crate) fn works(mut self) -> bool {
        self.command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }
}

/// A program that runs until this is dropped.
pub(crate) struct Running(Child);

impl Running {
    /// Returns the id of its process.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // That it ended by itself just now doesn't matter.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How a program ended, and what it said.
pub(crate) struct Answer {
    line: String,
    code: Option<i32>,
    /// What it printed.
    pub(crate) stdout: Vec<u8>,
    said: String,
}

impl Answer {
    /// Returns what it printed, if it succeeded.
    pub(crate) fn accepted(self) -> Result<Vec<u8>, String> {
        if self.code == Some(0) { Ok(self.stdout) } else { Err(self.told("should succeed")) }
    }

    /// Holds if it failed, and said why in words that hold `why`.
    pub(crate) fn refused(self, why: &str) -> Result<(), String> {
        if self.code != Some(0) && self.said.contains(why) { Ok(()) } else { Err(self.told(&format!("should fail and say `{why}`"))) }
    }

    /// Holds if it failed, said why in words that hold `why`, and said and printed nothing of the secret.
    pub(crate) fn refused_without(self, why: &str, secret: &str) -> Result<(), String> {
        if self.said.contains(secret) || String::from_utf8_lossy(&self.stdout).contains(secret) {
            return Err(self.told("should keep a secret"));
        }
        self.refused(why)
    }

    /// Holds if it ended with that code, and printed text that holds `word`.
    pub(crate) fn ended(self, code: i32, word: &str) -> Result<(), String> {
        let holds = self.code == Some(code) && String::from_utf8_lossy(&self.stdout).contains(word);
        if holds { Ok(()) } else { Err(self.told(&format!("should end with {code} and print `{word}`"))) }
    }

    /// Returns whether it succeeded.
    pub(crate) fn succeeded(&self) -> bool {
        self.code == Some(0)
    }

    /// Returns what it said beside what it printed.
    pub(crate) fn said(&self) -> &str {
        &self.said
    }

    /// Returns whether it said or printed that.
    pub(crate) fn holds(&self, words: &str) -> bool {
        self.said.contains(words) || String::from_utf8_lossy(&self.stdout).contains(words)
    }

    /// Says how it ended, and what it said, beside what was expected.
    pub(crate) fn told(&self, expected: &str) -> String {
        let code = self.code.map_or("a signal".to_owned(), |code| code.to_string());
        format!("`{}` {expected}; it ended with {code}:\n{}\n{}", self.line, String::from_utf8_lossy(&self.stdout).trim(), self.said)
    }
}

const LOOK_AGAIN: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(120);
