//! Runs every case by the binary, as a user would: in the case's folder, with `--bundle` for each bundle.
//! What the cases mean is the testkit's affair; here only the bytes and the status are compared.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that can't be set up fails at once")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use countersign_testkit::case;

#[test]
fn every_case_is_decided_as_it_says() {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata");
    let home = tempfile::tempdir().unwrap();
    for case in case::load_all(&testdata) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        let repository = tempfile::tempdir().unwrap();
        let folder = if case.objects.is_empty() { &case.folder } else { with_objects(&case, repository.path()) };
        command.current_dir(folder).env_clear().env("HOME", home.path());
        command.args([
            "verify",
            &case.target,
            "--policy",
            "policy.yaml",
            "--resource",
            &case.resource,
            "--at",
            &case.at,
            "--format",
            "json",
        ]);
        if let Some(environment) = &case.environment {
            command.args(["--environment", environment]);
        }
        if case.bundles.is_empty() {
            // Without any bundle the default store would be read, which is this repository's.
            let empty = home.path().join("empty");
            std::fs::create_dir_all(&empty).unwrap();
            command.arg("--store").arg(format!("dir:{}", empty.display()));
        }
        for (name, _) in &case.trust {
            command.args(["--trust", name]);
        }
        for (name, _) in &case.bundles {
            command.args(["--bundle", name]);
        }
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let exit = case.expect.get("exit").and_then(|exit| exit.as_integer()).unwrap();
        assert_eq!(output.status.code().map(i64::from), Some(exit), "{}: {said}", case.name());
        assert_eq!(output.stdout, case.decision.clone().unwrap_or_default(), "{}: {said}", case.name());
        if let Some(code) = case.expect.get("error").and_then(|code| code.as_str()) {
            assert!(said.contains(&format!("error[{code}]: ")), "{}: {said}", case.name());
        }
    }
}

/// Copies the case into a git repository that has its objects.
fn with_objects<'a>(case: &case::Case, repository: &'a Path) -> &'a Path {
    let git = |arguments: &[&str], input: &[u8]| {
        let mut git =
            Command::new("git").args(arguments).current_dir(repository).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        git.stdin.take().unwrap().write_all(input).unwrap();
        let output = git.wait_with_output().unwrap();
        assert!(output.status.success(), "git {arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    git(&["init", "-q"], b"");
    for (id, object) in &case.objects {
        let end = object.iter().position(|byte| *byte == 0).unwrap();
        let kind = std::str::from_utf8(&object[..end]).unwrap().split(' ').next().unwrap();
        assert_eq!(git(&["hash-object", "-w", "--literally", "-t", kind, "--stdin"], &object[end + 1..]).trim(), id);
    }
    for entry in std::fs::read_dir(&case.folder).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file()) {
        std::fs::copy(entry.path(), repository.join(entry.file_name())).unwrap();
    }
    repository
}
