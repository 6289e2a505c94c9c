//! The library as C programs see it: who owns what, the whole way from key to decision, and every case.
//! What the functions mean is the heart's to test.

mod cases;
mod compiler;

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;

use compiler::{Program, WAYS, here, strict, succeed, works};
use countersign::digest::Digest;
use countersign::envelope::pae;
use countersign::identity::PublicKey;
use countersign::inquiry::{Found, Inquiry, Question};
use countersign::policy::Policy;
use countersign::statement::{PAYLOAD_TYPE, Statement};
use countersign::trust::Trust;
use countersign_sign::{KeyType, LocalKey, Passphrase, attest, write_key_files};

const PASSPHRASE: &str = "correct horse battery staple";

/// Not canonical: the members stand in another order, and there are blanks.
const STATEMENT: &str = r#"{"_type": "https://in-toto.io/Statement/v1",
  "subject": [{"name": "demo.tar", "digest": {"sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}],
  "predicateType": "https://example.test/tested/v1",
  "predicate": {"passed": true}}
"#;

/// With the word `KEY` for the key.
const POLICY: &str = r#"
version: 1
id: demo
time: unwitnessed
signers:
  - id: tester
    kind: automation
    key: KEY
    mayAttest: [{predicate: "https://example.test/tested/v1", ceiling: harness}]
resources:
  - match: demo.tar
    builders: [{signer: tester, builderId: "https://example.test/builder", buildTypes: ["https://countersign.dev/local-build/v1"]}]
environments: {staging: {requirements: [tested]}}
requirements:
  - {id: tested, kind: evidence, about: artifact, predicate: "https://example.test/tested/v1"}
"#;

/// A key whose secret stands here, in a folder that goes with the value.
struct Key {
    key: LocalKey,
    file: PathBuf,
    folder: tempfile::TempDir,
}

fn key(passphrase: Option<&str>) -> Key {
    let key = LocalKey::dangerous_from_secret(KeyType::P256, &[7; 32]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let passphrase = passphrase.map(|text| Passphrase::new(text.to_owned()));
    let (file, _) = write_key_files(&folder.path().join("test"), &key, passphrase.as_ref(), None).unwrap();
    Key { key, file, folder }
}

#[test]
fn owns_and_frees_as_the_header_says() {
    let key = key(None);
    for way in WAYS {
        let Some(program) = Program::build(&["ownership.c", "second_unit.c"], way) else { continue };
        program.must(&[key.file.as_os_str()]);
    }
}

#[test]
fn signs_and_decides_as_the_heart_does() {
    let key = key(Some(PASSPHRASE));
    let statement = Statement::parse(STATEMENT.as_bytes()).unwrap();
    let to_sign = pae(PAYLOAD_TYPE, &statement.to_bytes());
    let signature = key.key.sign(&to_sign).unwrap();
    let policy = policy(&key.key);
    let written = [
        ("statement.json", STATEMENT.as_bytes()),
        ("to-sign", to_sign.as_slice()),
        ("signature", signature.as_slice()),
        ("policy.yaml", policy.as_bytes()),
    ];
    let paths = written.map(|(name, content)| {
        let path = key.folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    });
    let mut arguments = vec![key.file.as_os_str(), OsStr::new(PASSPHRASE)];
    arguments.extend(paths.iter().map(|path| path.as_os_str()));
    let expected = decide(&statement, &key.key);
    for way in WAYS {
        let Some(program) = Program::build(&["sign_and_decide.c"], way) else { continue };
        assert_eq!(String::from_utf8(program.must(&arguments)).unwrap(), expected, "{way:?}");
    }
}

fn policy(key: &LocalKey) -> String {
    POLICY.replace("KEY", &PublicKey::from_der(&key.public_key_der()).unwrap().to_base64())
}

/// Asks in Rust what the program asks in C.
fn decide(statement: &Statement, key: &LocalKey) -> String {
    let policy = Policy::parse(policy(key).as_bytes()).unwrap();
    let artifact: Digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".parse().unwrap();
    let question = Question::new(artifact, "demo.tar", "2026-01-01T00:00:00Z".parse().unwrap()).unwrap().environment("staging");
    let bundle = attest(statement, key).unwrap();
    let trust = Trust::keys_only();
    let mut inquiry = Inquiry::about(question, &trust, &policy).unwrap();
    while let Some(wanted) = inquiry.next() {
        inquiry.supply(&wanted, Found::These(vec![bundle.bytes().to_vec()]));
    }
    String::from_utf8(inquiry.decide().to_json()).unwrap()
}

#[test]
fn the_header_stands_alone_in_c_and_in_cpp() {
    let header = here().join("include").join("countersign.h");
    for (compiler, language, standard) in
        [("cc", "c", "-std=c11"), ("cc", "c", "-std=c99"), ("c++", "c++", "-std=c++11"), ("c++", "c++", "-std=c++17")]
    {
        if !works(compiler, &["--version"]) {
            eprintln!("SKIPPED {standard}: there is no `{compiler}`");
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("source");
        fs::write(&source, "#include \"countersign.h\"\n#include \"countersign.h\"\nint main(void) { return countersign_decision_allowed(NULL) ? 1 : 0; }\n")
            .unwrap();
        assert!(header.is_file());
        succeed(strict(compiler, standard).args(["-fsyntax-only", "-x", language]).arg(&source));
    }
}
