//! Compiles the C programs beside this folder against the built library, and runs them.
//! What a program shows is its own affair.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// How a program is built and run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// With the shared library.
    Shared,
    /// With the static library.
    Static,
    /// With the static library, watching memory and undefined behaviour of the C side, and leaks of both.
    Sanitized,
    /// With the shared library, in Valgrind.
    Valgrind,
}

pub(crate) const WAYS: [Way; 4] = [Way::Shared, Way::Static, Way::Sanitized, Way::Valgrind];

/// A program that was built.
pub(crate) struct Program {
    way: Way,
    file: PathBuf,
    _folder: tempfile::TempDir,
}

impl Program {
    /// Builds a program; `None`, said aloud, where this machine has no means for it.
    pub(crate) fn build(sources: &[&str], way: Way) -> Option<Self> {
        if !works("cc", &["--version"]) {
            eprintln!("SKIPPED {sources:?}: there is no C compiler `cc`");
            return None;
        }
        if way == Way::Valgrind && !works("valgrind", &["--version"]) {
            eprintln!("SKIPPED {sources:?} in Valgrind: there is no `valgrind`");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        if way == Way::Sanitized && !compiler_sanitizes(folder.path()) {
            eprintln!("SKIPPED {sources:?} under sanitizers: `cc` has none");
            return None;
        }
        let file = folder.path().join("program");
        let mut cc = strict("cc", "-std=c11");
        cc.args(["-D_POSIX_C_SOURCE=200809L", "-g", "-pthread"]).args(sources.iter().map(|source| here().join("tests").join(source)));
        match way {
            Way::Shared | Way::Valgrind => {
                cc.arg("-L").arg(libraries()).arg("-lcountersign_c").arg(format!("-Wl,-rpath,{}", libraries().display()));
            }
            Way::Static | Way::Sanitized => {
                cc.arg(libraries().join("libcountersign_c.a")).args(["-lm", "-ldl"]);
            }
        }
        if way == Way::Sanitized {
            cc.args(SANITIZERS);
        }
        succeed(cc.arg("-o").arg(&file));
        Some(Self { way, file, _folder: folder })
    }

    /// Runs the program.
    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Output {
        let mut command = match self.way {
            Way::Valgrind => {
                let mut valgrind = Command::new("valgrind");
                valgrind.args(["--quiet", "--error-exitcode=99", "--leak-check=full", "--show-leak-kinds=definite,indirect,possible"]);
                valgrind.args(["--errors-for-leak-kinds=definite,indirect,possible", "--fair-sched=yes"]).arg(&self.file);
                valgrind
            }
            _ => Command::new(&self.file),
        };
        command.args(arguments).env("ASAN_OPTIONS", "detect_leaks=1").output().unwrap()
    }

    /// Runs the program, which must succeed, and returns what it prints.
    pub(crate) fn must(&self, arguments: &[&OsStr]) -> Vec<u8> {
        let output = self.run(arguments);
        assert!(output.status.success(), "{:?}: {}\n{}", self.way, output.status, String::from_utf8_lossy(&output.stderr));
        output.stdout
    }
}

/// Returns a compiler's call that tolerates no warning, and finds the header.
pub(crate) fn strict(compiler: &str, standard: &str) -> Command {
    let mut command = Command::new(compiler);
    command.args([standard, "-Wall", "-Wextra", "-Wpedantic", "-Werror"]).arg("-I").arg(here().join("include"));
    command
}

/// Runs a command that must succeed.
pub(crate) fn succeed(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
}

pub(crate) fn works(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

/// Returns the folder of this crate.
pub(crate) fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Cargo puts the libraries that it builds for a test beside the test.
fn libraries() -> PathBuf {
    std::env::current_exe().unwrap().parent().unwrap().to_owned()
}

fn compiler_sanitizes(folder: &Path) -> bool {
    let (source, file) = (folder.join("probe.c"), folder.join("probe"));
    std::fs::write(&source, "int main(void) { return 0; }\n").unwrap();
    let compiled = Command::new("cc").args(SANITIZERS).arg(&source).arg("-o").arg(&file).output();
    compiled.is_ok_and(|output| output.status.success()) && Command::new(&file).status().is_ok_and(|status| status.success())
}

const SANITIZERS: [&str; 2] = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
