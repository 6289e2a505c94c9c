//! Runs `verify-bundle` as the conformance suite of Sigstore does, over its cases, where they are at hand.
//! What each refusal is called is the heart's affair; here only the exit counts.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that can't go on fails, and says aloud which collection isn't here")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use countersign::json::Json;

#[test]
fn every_case_of_the_suite_exits_as_it_says() {
    let all = PathBuf::from(std::env::var_os("COUNTERSIGN_CORPORA").unwrap_or_default());
    let folder = all.join("sigstore-conformance");
    let Ok(list) = fs::read(folder.join("expected.json")) else {
        println!("SKIPPED corpora sigstore-conformance: not here");
        return;
    };
    let list = Json::parse(&list).unwrap();
    let mut asked = 0;
    for case in list.get("cases").and_then(Json::as_array).unwrap() {
        let text = |name| case.get(name).and_then(Json::as_str);
        // As the suite does: once by the file, once by its digest.
        for artifact in ["artifact", "digest"].map(|name| text(name).unwrap()) {
            let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
            command.current_dir(&folder).args(["verify-bundle", "--bundle", text("bundle").unwrap()]);
            match text("key") {
                Some(key) => command.args(["--key", key]),
                None => command
                    .args(["--certificate-identity", text("identity").unwrap()])
                    .args(["--certificate-oidc-issuer", text("issuer").unwrap()]),
            };
            let output = command.args(["--trusted-root", text("trust_root").unwrap(), artifact]).output().unwrap();
            assert_eq!(output.status.success(), text("expect") == Some("pass"), "{:?} {artifact}: {output:?}", text("id"));
            assert_eq!(output.status.success(), output.stdout.starts_with(b"VERIFIED"), "{:?}", text("id"));
            asked += 1;
        }
    }
    assert_eq!(asked, 56);
}
