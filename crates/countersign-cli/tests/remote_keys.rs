//! Keys elsewhere on the command line: servers of the testkit in place of Vault's, Google's and
//! Azure's, and a program that calls openssl.
//! What goes wrong with them is tried where signing is; here only what is typed and told counts.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at what it doesn't expect")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use countersign_testkit::kms::{CLIENT, CLIENT_SECRET, Credential, IDENTITY_HEADER, Kms, TENANT, TOKEN, certificates};
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
fn signs_with_a_key_of_azure_that_a_policy_names() {
    let desk = Desk::new();
    desk.signs_what_a_policy_allows(&desk.azure("p256"));
    desk.signs_what_a_policy_allows(&desk.azure(&format!("rsa/{:032x}", 1)));
}

#[test]
fn is_let_in_at_azure_by_the_platform_or_by_who_has_logged_in() {
    let desk = Desk::new();
    let scope = format!("https://localhost:{}/.default", desk.azure.port());
    // What `az` prints, to who asks for the right audience.
    let token = format!(r#"{{"accessToken":"{}","expires_on":4102444800,"tokenType":"Bearer"}}"#, desk.azure.token());
    let tool = desk.folder.path().join("az");
    fs::write(&tool, format!("#!/bin/sh\ntest \"$*\" = 'account get-access-token -o json --scope {scope}' && echo '{token}'\n")).unwrap();
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", desk.folder.path().display(), std::env::var("PATH").unwrap());
    let endpoint = format!("{}/msi/token", desk.azure.url());
    let elsewhere = "http://platform.example.test/msi/token".to_owned();
    let platform = |endpoint: &str, header| vec![("IDENTITY_ENDPOINT", endpoint.to_owned()), ("IDENTITY_HEADER", header)];
    let tools = |path| vec![("AZURE_TOKEN_CREDENTIALS", "dev".to_owned()), ("PATH", path)];
    for (set, words) in [
        (platform(&endpoint, IDENTITY_HEADER.to_owned()), None),
        (platform(&endpoint, "hunter2".to_owned()), Some("no token is given for the credential of the managed identity")),
        (platform(&elsewhere, IDENTITY_HEADER.to_owned()), Some("`IDENTITY_ENDPOINT` is neither `https` nor")),
        (tools(path), None),
        (tools("/usr/bin:/bin".to_owned()), Some("no token is given for the credential of `az login`")),
    ] {
        let mut command = desk.command(&["key", "public", &desk.azure("p256")]);
        let told = command.env_remove("AZURE_CLIENT_SECRET").envs(set.clone()).output().unwrap();
        let (printed, said) = (String::from_utf8_lossy(&told.stdout), String::from_utf8_lossy(&told.stderr));
        match words {
            None => assert!(told.status.success() && printed.starts_with("-----BEGIN PUBLIC KEY-----"), "{set:?}: {said}"),
            Some(words) => assert!(told.status.code() == Some(3) && said.contains(words) && !said.contains("hunter2"), "{set:?}: {said}"),
        }
    }
}

#[test]
fn keeps_the_credential_from_the_command_that_is_observed() {
    let desk = Desk::new();
    for (signer, kept) in [
        ("hashivault://p256", "VAULT_TOKEN"),
        (&format!("{GOOGLE}p256"), "GOOGLE_APPLICATION_CREDENTIALS"),
        (&desk.azure("p256"), "AZURE_CLIENT_SECRET"),
    ] {
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
    azure: Kms,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("app.tar"), b"an artifact").unwrap();
        let google = Kms::google();
        fs::write(folder.path().join("google.json"), google.credential(&Credential::ServiceAccount)).unwrap();
        fs::write(folder.path().join("servers.pem"), certificates()).unwrap();
        Self { folder, server: Kms::transit(), google, azure: Kms::azure() }
    }

    /// Names a key of Azure's.
    fn azure(&self, key: &str) -> String {
        format!("azurekms://localhost:{}/{key}", self.azure.port())
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
        self.command(arguments).output().unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command.current_dir(self.folder.path()).args(arguments).env_clear().env("HOME", self.folder.path()).env("NO_COLOR", "1");
        command.env("VAULT_ADDR", self.server.url()).env("VAULT_TOKEN", TOKEN);
        command.env("CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS", self.google.url());
        command.env("GOOGLE_APPLICATION_CREDENTIALS", self.folder.path().join("google.json"));
        command.env("AZURE_TENANT_ID", TENANT).env("AZURE_CLIENT_ID", CLIENT).env("AZURE_CLIENT_SECRET", CLIENT_SECRET);
        command.env("AZURE_AUTHORITY_HOST", format!("https://localhost:{}", self.azure.port()));
        command.env("SSL_CERT_FILE", self.folder.path().join("servers.pem"));
        command.env("PATH", std::env::var_os("PATH").unwrap());
        command
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
