//! Every case of `testdata/cases`, asked as a user asks: in its folder, by the command line alone.
//! What the cases mean stands in them; that the heart gives the same answers is tested beside the cases' maker.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it doesn't expect")]

use std::path::Path;
use std::process::Command;

use countersign::json::Json;
use countersign_testkit::case;

#[test]
fn answers_every_case_byte_for_byte() {
    let cases = case::load_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata"));
    assert!(!cases.is_empty());
    for case in cases {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command.current_dir(&case.folder).args(["verify", &case.target, "--policy", "policy.yaml", "--format", "json"]);
        command.args(["--resource", &case.resource, "--at", &case.at]);
        command.args(case.environment.iter().flat_map(|name| ["--environment", name]));
        command.args(case.bundles.iter().flat_map(|(name, _)| ["--bundle", name]));
        let output = command.output().unwrap();

        let name = case.name();
        let told = String::from_utf8(output.stderr).unwrap();
        let exit = case.expect.get("exit").and_then(Json::as_integer).and_then(|exit| i32::try_from(exit).ok());
        assert_eq!(output.status.code(), exit, "{name}: {told}");
        assert_eq!(String::from_utf8(output.stdout), String::from_utf8(case.decision.clone().unwrap_or_default()), "{name}");
        if let Some(code) = case.expect.get("error").and_then(Json::as_str) {
            assert!(told.contains(&format!("error[{code}]: ")), "{name}: {told}");
        }
    }
}
