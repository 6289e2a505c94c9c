//! Runs every case by the binary, as a user would: in the case's folder, with `--bundle` for each bundle.
//! What the cases mean is the testkit's affair; here only the bytes and the status are compared.

use std::path::Path;
use std::process::Command;

use countersign_testkit::case;

#[test]
fn every_case_is_decided_as_it_says() {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata");
    let home = tempfile::tempdir().unwrap();
    for case in case::load_all(&testdata) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command.current_dir(&case.folder).env_clear().env("HOME", home.path());
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
