//! Every case of `testdata/cases`, run by a C program: the decision must come out byte for byte.
//! What the cases are is the testkit's to say.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use countersign::digest::{Algorithm, Digest, Hasher};
use countersign::json::{Json, Object};
use countersign_testkit::case::{self, Case};

use crate::compiler::{Program, Way, here};

#[test]
fn every_case_comes_out_byte_for_byte() {
    let cases = cases();
    for way in [Way::Shared, Way::Sanitized] {
        let Some(program) = Program::build(&["cases.c"], way) else { continue };
        for case in &cases {
            let output = program.run(&arguments(case));
            let name = case.name();
            let told = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(exit(case)), "{name} ({way:?}): {told}");
            match &case.decision {
                Some(decision) => assert_eq!(output.stdout, *decision, "{name} ({way:?})"),
                None => {
                    let expected = case.expect.get("error").and_then(Json::as_str).unwrap();
                    assert_eq!((output.stdout.as_slice(), told.trim()), (&b""[..], expected), "{name} ({way:?})");
                }
            }
        }
    }
}

#[test]
fn every_case_is_explained_in_the_words_of_the_heart() {
    let cases = cases();
    let Some(program) = Program::build(&["cases.c"], Way::Shared) else { return };
    for case in cases.iter().filter(|case| case.decision.is_some()) {
        let bundles: Vec<&[u8]> = case.bundles.iter().map(|(_, bytes)| bytes.as_slice()).collect();
        let told = [
            ("--explain", case.conclude(&bundles, |inquiry| inquiry.explain().to_json())),
            ("--why-not", case.conclude(&bundles, |inquiry| inquiry.why_not().to_json())),
        ];
        for (verb, told) in told {
            let mut arguments = arguments(case);
            arguments.insert(2, verb.into());
            let output = program.run(&arguments);
            assert_eq!(output.status.code(), Some(exit(case)), "{} {verb}: {}", case.name(), String::from_utf8_lossy(&output.stderr));
            let expected = [case.decision.clone().unwrap(), told.unwrap(), b"\n".to_vec()].concat();
            assert_eq!(output.stdout, expected, "{} {verb}", case.name());
        }
    }
}

#[test]
fn the_program_in_the_readme_decides() {
    let readme = fs::read_to_string(here().join("README.md")).unwrap();
    let source = readme.split("```c\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("decide.c");
    fs::write(&file, source).unwrap();
    let Some(program) = Program::build(&[file.to_str().unwrap()], Way::Shared) else { return };
    for case in cases().iter().filter(|case| ["allow-whole-walk", "deny-run-failed", "error-policy-expired"].contains(&case.name())) {
        let mut arguments = arguments(case);
        arguments.retain(|argument| argument != "--digest" && !argument.to_string_lossy().starts_with("sha"));
        let output = program.run(&arguments);
        assert_eq!(output.status.code(), Some(exit(case)), "{}: {}", case.name(), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.stdout, case.decision.clone().unwrap_or_default(), "{}", case.name());
    }
}

fn cases() -> Vec<Case> {
    let testdata = here().join("../../testdata");
    if !testdata.join("cases").is_dir() {
        eprintln!("SKIPPED the cases: there is no folder `testdata/cases`");
        return Vec::new();
    }
    let cases = case::load_all(&testdata);
    assert!(!cases.is_empty());
    cases
}

fn exit(case: &Case) -> i32 {
    i32::try_from(case.expect.get("exit").and_then(Json::as_integer).unwrap()).unwrap()
}

/// Puts the case as `cases.c` takes it.
fn arguments(case: &Case) -> Vec<OsString> {
    let document = Json::parse(&fs::read(case.folder.join("case.json")).unwrap()).unwrap();
    let policy = document.get("policy").and_then(Json::as_str).unwrap();
    let target = fs::read(case.folder.join(&case.target)).ok();
    let mut arguments = vec![question(case, target.as_deref()).into(), case.folder.join(policy).into_os_string()];
    for algorithm in [Algorithm::Sha384, Algorithm::Sha512] {
        if let Some(bytes) = &target {
            arguments.extend(["--digest".into(), digest(algorithm, bytes).to_string().into()]);
        }
    }
    for (name, _) in &case.trust {
        arguments.extend(["--trust".into(), case.folder.join(name).into_os_string()]);
    }
    for object in entries(&case.folder.join("objects")) {
        let id = object.file_name().unwrap().to_str().unwrap();
        arguments.extend(["--object".into(), format!("gitCommit:{id}").into(), object.into_os_string()]);
    }
    arguments.extend(case.bundles.iter().map(|(name, _)| case.folder.join(name).into_os_string()));
    arguments
}

fn question(case: &Case, target: Option<&[u8]>) -> String {
    let (algorithm, hex) = match (target, case.target.split_once(':')) {
        (Some(bytes), _) => (Algorithm::Sha256, digest(Algorithm::Sha256, bytes).hex().to_owned()),
        (None, Some(("git", id))) => (Algorithm::GitCommit, id.to_owned()),
        (None, Some((name, hex))) => (Algorithm::named(name).unwrap(), hex.to_owned()),
        (None, None) => panic!("{}: nothing to ask about", case.name()),
    };
    let member = |name: &str, value: Json| (name.to_owned(), value);
    let artifact = Json::Object(Object::from([member(algorithm.name(), Json::from(hex))]));
    let question = Object::from([
        member("artifact", artifact),
        member("resource", Json::from(case.resource.as_str())),
        member("environment", case.environment.as_deref().map_or(Json::Null, Json::from)),
        member("at", Json::from(case.at.as_str())),
    ]);
    String::from_utf8(Json::Object(question).canonical()).unwrap()
}

fn digest(algorithm: Algorithm, bytes: &[u8]) -> Digest {
    let mut hasher = Hasher::new(algorithm).unwrap();
    hasher.update(bytes);
    hasher.finish()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}
