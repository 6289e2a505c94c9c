//! `keyless:` and `sign-bundle` on the command line, with an instance of the testkit in place of Sigstore's.
//! What goes wrong with services is tried where signing is; here only what is typed and told counts.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at what it doesn't expect")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use countersign::digest::Digest;
use countersign_testkit::instance::Place::{SecondLog, Times};
use countersign_testkit::instance::{Fault, Instance, Place, TOKEN};
use tempfile::TempDir;

#[test]
fn attests_as_an_identity_that_a_policy_names() {
    let desk = Desk::new(Instance::start());
    let made = desk.attest(&["--signer", "keyless:env:SOME_TOKEN"]);
    assert!(made.status.success(), "{made:?}");
    assert!(told(&made).contains("note: signed as signer@example.test (https://accounts.example.test), with log entries: 1"), "{made:?}");
    let judged = |subject: &str, more: &[&str]| {
        let root = Digest::sha256(&fs::read(desk.folder.path().join("trusted_root.json")).unwrap());
        let policy = POLICY.replace("SUBJECT", subject).replace("ROOT", root.hex());
        fs::write(desk.folder.path().join("policy.yaml"), policy).unwrap();
        let asked = ["verify", "app.tar", "--policy", "policy.yaml", "--bundle", "app.sigstore.json", "--trust", "trusted_root.json"];
        desk.run(&[&asked[..], more].concat())
    };
    assert_eq!(judged("signer@example.test", &[]).status.code(), Some(0));
    assert_eq!(judged("other@example.test", &[]).status.code(), Some(1));
    // The answer is stated by the same identity, which names itself as the verifier.
    let signed = ["--vsa", "vsa.sigstore.json", "--signer", "keyless:env:SOME_TOKEN", "--signing-config", "signing_config.json"];
    let answer = judged("signer@example.test", &signed);
    assert_eq!(answer.status.code(), Some(0), "{answer:?}");
    let shown = desk.run(&["inspect", "vsa.sigstore.json"]);
    assert!(String::from_utf8_lossy(&shown.stdout).contains("mailto:signer@example.test"), "{shown:?}");
}

#[test]
fn has_what_a_key_signs_witnessed_where_the_policy_wants_to_know_when() {
    let desk = Desk::new(Instance::start());
    assert!(desk.run(&["key", "generate", "--out", "build", "--no-passphrase"]).status.success());
    let key = desk.run(&["key", "public", "file:build.key", "--format", "der-base64"]);
    let key = format!("key: {}", String::from_utf8(key.stdout).unwrap().trim());
    let identity = r#"identity: {issuer: "https://accounts.example.test", subject: "SUBJECT", trustRoot: "sha256:ROOT"}"#;
    fs::write(desk.folder.path().join("policy.yaml"), POLICY.replace(identity, &key)).unwrap();
    let judged = || {
        let answer =
            desk.run(&["verify", "app.tar", "--policy", "policy.yaml", "--bundle", "app.sigstore.json", "--trust", "trusted_root.json"]);
        (answer.status.code(), String::from_utf8_lossy(&answer.stdout).into_owned())
    };
    let witnessed = desk.attest(&["--signer", "file:build.key"]);
    assert!(told(&witnessed).contains("note: signed by the key, with log entries: 1"), "{witnessed:?}");
    assert_eq!(judged().0, Some(0), "{}", judged().1);
    let alone = desk.run(&["attest", "build", "--subject", "app.tar", "--out", "app.sigstore.json", "--signer", "file:build.key"]);
    assert!(alone.status.success(), "{alone:?}");
    let (code, answer) = judged();
    assert!(code == Some(1) && answer.contains("time-unwitnessed"), "{answer}");
}

#[test]
fn signs_bundles_by_the_protocol_of_the_conformance_suite() {
    let desk = Desk::new(Instance::start());
    desk.attest(&["--signer", "keyless:env:SOME_TOKEN"]);
    for flags in [&[][..], &["--in-toto"]] {
        let artifact = if flags.is_empty() { "app.tar" } else { "statement.json" };
        let statement = r#"{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"HEX"}}],"predicateType":"https://example.test/said/v1","predicate":{}}"#;
        fs::write(desk.folder.path().join("statement.json"), statement.replace("HEX", Digest::sha256(ARTIFACT).hex())).unwrap();
        // In the order of the protocol.
        let given = ["--identity-token", TOKEN, "--bundle", "b.sigstore.json", "--trusted-root", "trusted_root.json"];
        let signed = desk.run(&[&["sign-bundle"][..], flags, &given, &["--signing-config", "signing_config.json", artifact]].concat());
        assert!(signed.status.success() && signed.stdout.is_empty(), "{signed:?}");
        let who = ["--certificate-identity", "signer@example.test", "--certificate-oidc-issuer", "https://accounts.example.test"];
        let verify = |artifact| {
            let asked = [&["verify-bundle", "--bundle", "b.sigstore.json"][..], &who, &["--trusted-root", "trusted_root.json", artifact]];
            desk.run(&asked.concat()).status.code()
        };
        assert_eq!((verify("app.tar"), verify("trusted_root.json")), (Some(0), Some(1)));
    }
}

#[test]
fn tells_what_is_missing_and_never_shows_a_token() {
    let desk = Desk::new(Instance::start().failing(Place::Authority, Fault::Status(403), u32::MAX));
    let errors = [
        (desk.attest(&["--signer", "keyless:env:SOME_TOKEN"]), "error[service-refused]"),
        (desk.attest(&["--signer", "keyless:env:NO_TOKEN"]), "error[token-unusable]"),
        (desk.attest(&["--signer", "keyless:nobody"]), "error[token-unusable]"),
        (desk.attest(&["--signer", "file:app.key"]), "error[key-missing]"),
        (
            desk.run(&[
                "attest",
                "build",
                "--subject",
                "app.tar",
                "--out",
                "x.sigstore.json",
                "--signer",
                "file:app.key",
                "--trust",
                "trusted_root.json",
            ]),
            "error[usage]",
        ),
        (
            desk.run(&[
                "attest",
                "build",
                "--subject",
                "app.tar",
                "--signer",
                "keyless:env:SOME_TOKEN",
                "--out",
                "x.sigstore.json",
                "--signing-config",
                "signing_config.json",
            ]),
            "error[trust-missing]",
        ),
        (
            desk.run(&[
                "attest",
                "build",
                "--subject",
                "app.tar",
                "--signer",
                "keyless:env:SOME_TOKEN",
                "--out",
                "x.sigstore.json",
                "--trust",
                "trusted_root.json",
            ]),
            "error[signing-config-missing]",
        ),
        (
            desk.run(&[
                "sign-bundle",
                "--identity-token",
                TOKEN,
                "--bundle",
                "x.sigstore.json",
                "--trusted-root",
                "trusted_root.json",
                "app.tar",
            ]),
            "error[signing-config-missing]",
        ),
        (desk.run(&["sign-bundle", "app.tar", TOKEN, "--bundle", "x.sigstore.json"]), "error[usage]"),
        (desk.run(&["sign-bundle", "--identity-token", TOKEN, "--bundle", "x.sigstore.json", TOKEN]), "error[target-unreadable]"),
        (desk.run(&["key", "public", "keyless:"]), "error[signer-unsupported]"),
        (desk.run(&["sign-bundle", "--identity-token", "hunter2", "--bundle", "x.sigstore.json", "app.tar"]), "error[token-unusable]"),
    ];
    for (output, code) in errors {
        let told = told(&output);
        assert!(output.status.code() == Some(3) && told.contains(code), "{code}: {told}");
        assert!(!told.contains("hunter2") && TOKEN.split('.').all(|part| !told.contains(part)), "{told}");
        assert!(output.stdout.is_empty(), "{output:?}");
    }
    assert!(!desk.folder.path().join("x.sigstore.json").exists());
}

#[test]
fn repeats_no_token_that_was_given_in_the_wrong_place() {
    let desk = Desk::new(Instance::start());
    let identities = ["keyless:env:", "keyless:file:", "keyless:exec:", "keyless:"].map(|signer| format!("{signer}{TOKEN}"));
    let identities = identities.map(|signer| (desk.attest(&["--signer", &signer]), "error[token-unusable]"));
    let stated = ["attest", "build", "--subject", "app.tar", "--out", "app.sigstore.json", "--signer", TOKEN];
    for (refused, code) in identities.into_iter().chain([(desk.run(&stated), "error[signer-invalid]")]) {
        let told = told(&refused);
        assert!(told.contains(code) && TOKEN.split('.').all(|part| !told.contains(part)), "{told}");
    }
}

#[test]
fn tells_what_logs_have_and_whether_another_attempt_leaves_more() {
    let bundle = ["sign-bundle", "--identity-token", TOKEN, "--bundle", "b.sigstore.json", "--trusted-root", "trusted_root.json"];
    let sign = |desk: &Desk| told(&desk.run(&[&bundle[..], &["--signing-config", "signing_config.json", "app.tar"]].concat()));
    let failed = Desk::new(Instance::start().failing(SecondLog, Fault::Status(503), 2));
    let made = sign(&failed);
    assert!(made.contains("signed as signer@example.test (https://accounts.example.test), with log entries: 1"), "{made}");
    assert!(made.contains("nobody heard how 2 attempts ended"), "{made}");

    let logged = sign(&Desk::new(Instance::start().failing(SecondLog, Fault::CutOff, u32::MAX)));
    assert!(logged.contains("log entries made: 0, and perhaps 5 more"), "{logged}");
    assert!(logged.contains("each further attempt makes entries of its own") && !logged.contains("can be given again"), "{logged}");

    let unlogged = sign(&Desk::new(Instance::start().failing(Place::Authority, Fault::CutOff, u32::MAX)));
    assert!(unlogged.contains("nothing was logged; the same command can be given again"), "{unlogged}");
}

#[test]
fn a_command_that_was_observed_is_not_to_be_run_again_for_a_signature() {
    let desk = Desk::new(Instance::start().failing(Place::Authority, Fault::CutOff, u32::MAX));
    let observed = desk.observe("keyless:env:SOME_TOKEN", "echo made > made.tar");
    let told = told(&observed);
    assert_eq!(observed.status.code(), Some(125), "{told}");
    assert!(told.contains("options for signing and keeping: `countersign attest build --subject made.tar`"), "{told}");
    assert!(!told.contains("same command"), "{told}");
}

#[test]
fn a_signers_program_that_the_command_could_change_is_not_run() {
    let desk = Desk::new(Instance::start());
    assert!(desk.run(&["key", "generate", "--out", "build", "--no-passphrase"]).status.success());
    let public = fs::read_to_string(desk.folder.path().join("build.pub")).unwrap();
    let (tree, outside) = (desk.folder.path().join("tree"), desk.folder.path().join("outside"));
    fs::create_dir_all(tree.join(".git")).unwrap();
    fs::create_dir_all(&outside).unwrap();
    for folder in [&tree, &outside] {
        // It has a key and signs nothing, as far as this goes.
        fs::write(folder.join("program.sh"), format!("#!/bin/sh\necho '{public}'\n")).unwrap();
        fs::set_permissions(folder.join("program.sh"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    let made = desk.folder.path().join("made.tar");
    for scheme in ["exec", "keyless:exec"] {
        let observed =
            |folder: &Path| told(&desk.observe(&format!("{scheme}:{}", folder.join("program.sh").display()), "echo made > made.tar"));
        let refused = observed(&tree);
        assert!(refused.contains("error[key-exposed]") && !made.exists(), "{refused}");
        let elsewhere = observed(&outside);
        assert!(!elsewhere.contains("key-exposed") && made.exists(), "{elsewhere}");
        fs::remove_file(&made).unwrap();
    }
}

#[test]
fn sees_before_a_command_runs_that_there_will_be_no_token() {
    let desk = Desk::new(Instance::start());
    for signer in ["keyless:file:nope", "keyless:exec:/nowhere/at/all", "keyless:env:EXPIRED_TOKEN"] {
        let refused = desk.observe(signer, "echo made > made.tar");
        assert_eq!(refused.status.code(), Some(125), "{refused:?}");
        assert!(told(&refused).contains("error[token-unusable]"), "{refused:?}");
        assert!(!desk.folder.path().join("made.tar").exists(), "{signer}");
    }
}

#[test]
fn the_command_does_not_get_the_token_that_its_run_is_signed_with() {
    let desk = Desk::new(Instance::start());
    let script = "test -z \"$SOME_TOKEN\" && test -n \"$SIGSTORE_ID_TOKEN\" && echo made > made.tar";
    let signed = desk.observe("keyless:env:SOME_TOKEN", script);
    assert!(signed.status.success(), "{signed:?}");
    let script = "test -z \"$SIGSTORE_ID_TOKEN\" && test -n \"$SOME_TOKEN\" && echo made > made.tar";
    let signed = desk.observe("keyless:", script);
    assert!(signed.status.success(), "{signed:?}");
}

/// A folder with everything in it, outside of any work tree.
struct Desk {
    folder: TempDir,
    _instance: Instance,
}

impl Desk {
    fn new(instance: Instance) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
        write("app.tar", ARTIFACT);
        write("trusted_root.json", &instance.trusted_root());
        write("signing_config.json", &instance.signing_config(&[SecondLog, Times]));
        Self { folder, _instance: instance }
    }

    fn attest(&self, signer: &[&str]) -> Output {
        let stated = ["attest", "build", "--subject", "app.tar", "--out", "app.sigstore.json", "--signing-config", "signing_config.json"];
        self.run(&[&stated[..], &["--trust", "trusted_root.json"], signer].concat())
    }

    /// Runs a script that makes a file.
    fn observe(&self, signer: &str, script: &str) -> Output {
        let observed = ["run", "--artifact", "made.tar", "--out", "made.sigstore.json", "--signer", signer, "--signing-config"];
        let services = ["signing_config.json", "--trust", "trusted_root.json", "--", "/bin/sh", "-c", script];
        self.run(&[&observed[..], &services].concat())
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command.current_dir(self.folder.path()).args(arguments).env_clear().env("HOME", self.folder.path()).env("NO_COLOR", "1");
        command
            .env("SOME_TOKEN", TOKEN)
            .env("SIGSTORE_ID_TOKEN", TOKEN)
            .env("EXPIRED_TOKEN", EXPIRED)
            .env("PATH", Path::new(""))
            .output()
            .unwrap()
    }
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// `{"exp":1735689600}`: until 2025 began.
const EXPIRED: &str = "eyJhbGciOiJub25lIn0.eyJleHAiOjE3MzU2ODk2MDB9.c2VjcmV0LXNpZ25hdHVyZQ";
const ARTIFACT: &[u8] = b"an artifact";
const POLICY: &str = r#"
version: 1
id: keyless
signers:
  - id: signer
    kind: automation
    identity: {issuer: "https://accounts.example.test", subject: "SUBJECT", trustRoot: "sha256:ROOT"}
    mayAttest: [{predicate: "https://slsa.dev/provenance/v1", buildType: "https://countersign.dev/local-build/v1", ceiling: harness}]
people: [{id: maintainer, identities: [{issuer: local, subject: maintainer@example.test}]}]
resources:
  - match: app.tar
    source: {repository: "https://example.test/app", refs: [refs/heads/main]}
    builders: [{signer: signer, builderId: "https://countersign.dev/builder/local/v1", buildTypes: ["https://countersign.dev/local-build/v1"], level: 1}]
environments: {test: {requirements: [built]}}
requirements:
  - {id: built, kind: builder, about: artifact}
"#;
