//! Keys elsewhere on the command line: servers of the testkit in place of Vault's and of Google's, and a program that calls openssl.
//! What goes wrong with them is tried where signing is; here only what is typed and told counts.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at what it doesn't expect")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use countersign_testkit::kms::{Credential, Kms, TOKEN};
use tempfile::TempDir;

#[test]
fn signs_with_a_key_of_vault_that_a_policy_names() {
    let desk = Desk::new();
    desk.signs_what_a_policy_allows("hashivault://p256");
    desk.signs_what_a_policy_allows("hashivault://ed25519");
}

#[test]
fn signs_with_a_key_of_google_that_a_policy_names() {
    let desk = Desk::new();
    desk.signs_what_a_policy_allows(&format!("{GOOGLE}p256"));
    desk.signs_what_a_policy_allows(&format!("{GOOGLE}rsa/cryptoKeyVersions/1"));
}

#[test]
fn keeps_the_credential_from_the_command_that_is_observed() {
    let desk = Desk::new();
    for (signer, kept) in [("hashivault://p256", "VAULT_TOKEN"), (&format!("{GOOGLE}p256"), "GOOGLE_APPLICATION_CREDENTIALS")] {
        let script = format!("test -z \"${kept}\" && test -n \"$VAULT_ADDR\" && echo made > made.tar");
        let out = format!("{kept}.sigstore.json");
        let observed = desk.run(&["run", "--signer", signer, "--artifact", "made.tar", "--out", &out, "--", "sh", "-c", &script]);
        assert!(observed.status.success(), "{observed:?}");
        assert!(desk.folder.path().join(out).exists());
    }
}

#[test]
fn signs_with_a_key_behind_the_program_that_is_documented() {
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("SKIPPED: `openssl` is not on this machine, so the documented program was not tried");
        return;
    }
    let desk = Desk::new();
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../countersign-sign/examples/openssl-signer.sh");
    for (name, algorithm) in [("p256.pem", ["EC", "ec_paramgen_curve:P-256"]), ("rsa.pem", ["RSA", "rsa_keygen_bits:3072"])] {
        let [algorithm, option] = algorithm;
        let mut openssl = Command::new("openssl");
        openssl.args(["genpkey", "-algorithm", algorithm, "-pkeyopt", option, "-out", name]);
        let made = openssl.current_dir(desk.folder.path()).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        desk.signs_what_a_policy_allows(&format!("exec:{} {name}", program.display()));
    }
}

#[test]
fn tells_what_is_wrong_with_a_key_elsewhere_and_never_a_credential() {
    let desk = Desk::new();
    for (signer, words) in [
        ("hashivault://nobody", "error[signer-refused]: `hashivault://nobody`: there is no such key"),
        ("hashivault://a/b", "error[signer-invalid]"),
        ("exec:false hunter2", "error[signer-failed]: `exec:false`: the program failed (exit status: 1)"),
        ("gcpkms://projects/p", "error[signer-invalid]"),
        (
            &format!("{GOOGLE}nobody/versions/1"),
            "error[signer-refused]: `gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/nobody/versions/1`",
        ),
    ] {
        for output in [desk.run(&["key", "public", signer]), desk.attest(signer)] {
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.code() == Some(3) && told.contains(words), "{signer}: {told}");
            assert!(output.stdout.is_empty(), "{output:?}");
            assert!(!told.contains(TOKEN) && !told.contains("hunter2"), "{told}");
        }
    }
    assert!(!desk.folder.path().join("app.sigstore.json").exists());
}

/// A folder with everything in it, outside of any work tree.
struct Desk {
    folder: TempDir,
    server: Kms,
    google: Kms,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("app.tar"), b"an artifact").unwrap();
        let google = Kms::google();
        fs::write(folder.path().join("google.json"), google.credential(&Credential::ServiceAccount)).unwrap();
        Self { folder, server: Kms::transit(), google }
    }

    fn signs_what_a_policy_allows(&self, signer: &str) {
        let key = self.run(&["key", "public", signer, "--format", "der-base64"]);
        assert!(key.status.success(), "{key:?}");
        let policy = POLICY.replace("KEY", String::from_utf8(key.stdout).unwrap().trim());
        fs::write(self.folder.path().join("policy.yaml"), policy).unwrap();
        let signed = self.attest(signer);
        assert!(signed.status.success(), "{signed:?}");
        let judged =
            |file| self.run(&["verify", file, "--policy", "policy.yaml", "--bundle", "app.sigstore.json", "--resource", "app.tar"]);
        assert_eq!((judged("app.tar").status.code(), judged("policy.yaml").status.code()), (Some(0), Some(1)), "{signer}");
    }

    fn attest(&self, signer: &str) -> Output {
        self.run(&["attest", "build", "--subject", "app.tar", "--out", "app.sigstore.json", "--signer", signer])
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command.current_dir(self.folder.path()).args(arguments).env_clear().env("HOME", self.folder.path()).env("NO_COLOR", "1");
        command.env("VAULT_ADDR", self.server.url()).env("VAULT_TOKEN", TOKEN);
        command.env("CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS", self.google.url());
        command.env("GOOGLE_APPLICATION_CREDENTIALS", self.folder.path().join("google.json"));
        command.env("PATH", std::env::var_os("PATH").unwrap()).output().unwrap()
    }
}

const GOOGLE: &str = "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/";

const POLICY: &str = r#"
version: 1
id: elsewhere
time: unwitnessed
signers:
  - id: signer
    kind: automation
    key: "KEY"
    custody: managed
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
