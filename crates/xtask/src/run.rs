//! Running other programs from the repository's root.
//! It decides nothing about what is run.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

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

    /// Returns whether it starts and succeeds, without a word.
    pub(crate) fn works(mut self) -> bool {
        self.command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }
}
