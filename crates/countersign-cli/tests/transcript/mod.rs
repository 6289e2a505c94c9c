//! Runs a transcript and compares it with what happens.
//!
//! A line `$ COMMAND` runs in a shell; the lines below it are its standard output, then its standard error, each line
//! of it behind `! `, then its exit status, as `[3]`, unless that's 0. `#` begins a comment. In a line, `[..]` stands for
//! anything, and `[TMP]` for the transcript's own directory; a line `...` stands for any number of lines.
//! With `TRANSCRIPTS=overwrite` in the environment, what differs is written into the transcript instead.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::fixture;

/// Returns where the transcripts lie.
pub(crate) fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts")
}

/// Runs one transcript.
pub(crate) fn check(file: &str) {
    let place = tempfile::tempdir().unwrap();
    let place = place.path().canonicalize().unwrap();
    fixture::lay_out(&place);
    let path = directory().join(file);
    let written = std::fs::read_to_string(&path).unwrap();
    let mut happened = String::new();
    for block in blocks(&written) {
        let Some(command) = block.first().and_then(|line| line.strip_prefix("$ ")) else {
            happened.extend(block.iter().flat_map(|line| [line, "\n"]));
            continue;
        };
        // What stands between two commands begins with an empty line, and isn't output.
        let last = block.iter().rposition(|line| !line.is_empty() && !line.starts_with('#')).unwrap_or_default();
        let length = block[last..].iter().position(|line| line.is_empty()).map_or(block.len(), |empty| last + empty);
        let (expected, rest) = block[1..].split_at(length - 1);
        let actual = run(command, &place);
        let actual: Vec<&str> = actual.lines().collect();
        let shown: Vec<&str> = if matches(expected, &actual) { expected.to_vec() } else { actual };
        happened.extend(block[..1].iter().chain(&shown).chain(rest).flat_map(|line| [line, "\n"]));
    }
    if std::env::var_os("TRANSCRIPTS").is_some_and(|word| word == "overwrite") {
        std::fs::write(path, happened).unwrap();
    } else if happened != written {
        panic!("{file} isn't what happens, which is:\n{happened}");
    }
}

/// Splits before each command.
fn blocks(written: &str) -> Vec<Vec<&str>> {
    let mut blocks = vec![Vec::new()];
    for line in written.lines() {
        if line.starts_with("$ ") {
            blocks.push(Vec::new());
        }
        blocks.last_mut().unwrap().push(line);
    }
    blocks
}

fn run(command: &str, place: &Path) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_countersign")).parent().unwrap();
    let path = std::env::join_paths([program.to_owned()].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())));
    let output = Command::new("sh")
        .args(["-c", command])
        .current_dir(place.join("work"))
        .env_clear()
        .envs([("LC_ALL", "C"), ("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_TERMINAL_PROMPT", "0")])
        .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_NAME"), "Somebody")))
        .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_EMAIL"), "somebody@example.test")))
        .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_DATE"), "2025-06-01T00:00:00Z")))
        .env("PATH", path.unwrap())
        .env("HOME", place.join("home"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(place.to_str().unwrap(), "[TMP]");
    let mut shown = text(output.stdout);
    for line in text(output.stderr).lines() {
        shown.push_str(format!("! {line}").trim_end());
        shown.push('\n');
    }
    match output.status.code() {
        Some(0) => {}
        code => shown.push_str(&format!("[{}]\n", code.map_or("killed".to_owned(), |code| code.to_string()))),
    }
    shown
}

fn matches(expected: &[&str], actual: &[&str]) -> bool {
    match expected.split_first() {
        None => actual.is_empty(),
        Some((&"...", rest)) => (0..=actual.len()).any(|skipped| matches(rest, &actual[skipped..])),
        Some((line, rest)) => actual.split_first().is_some_and(|(first, others)| line_matches(line, first) && matches(rest, others)),
    }
}

fn line_matches(expected: &str, actual: &str) -> bool {
    match expected.split_once("[..]") {
        None => expected == actual,
        Some((begin, rest)) => actual
            .strip_prefix(begin)
            .is_some_and(|after| after.char_indices().map(|(at, _)| at).chain([after.len()]).any(|at| line_matches(rest, &after[at..]))),
    }
}
