//! `trust` on the command line, with a repository and an instance of the testkit in place of Sigstore's.
//! What mirrors can do wrong is tried where trust is updated; here only what is typed, told and used counts.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may stop at what it doesn't expect")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{SystemTime, UNIX_EPOCH};

use countersign::digest::Digest;
use countersign::json::Json;
use countersign::time::Time;
use countersign::trust::TrustRoot;
use countersign_sign::{Mirror, TufRepository};
use countersign_testkit::authority::Authority;
use countersign_testkit::instance::Place::{FirstLog, Times};
use countersign_testkit::instance::{Instance, TOKEN};
use countersign_testkit::tuf::{self, Repository};
use tempfile::TempDir;

#[test]
fn what_is_fetched_vouches_and_nothing_is_fetched_while_verifying() {
    let desk = Desk::new();
    let repository = Repository::new(from_now(60 * 60));
    let mirror = tuf::Mirror::of(repository.files());
    desk.write("root.json", &repository.anchor());
    let update = |mirror: &tuf::Mirror| desk.run(&["trust", "update", "--mirror", &mirror.url(), "--root", "root.json"]);
    let first = update(&mirror);
    assert!(first.status.success(), "{first:?}");
    assert!(told(&first).contains("note: fetched for the first time; root 1, timestamp 1, snapshot 1, targets 1, to be"), "{first:?}");
    let answer = String::from_utf8(first.stdout).unwrap();
    let (digest, path) = answer.trim_end().split_once("  ").unwrap();
    assert_eq!(digest, Digest::sha256(&Authority::new().trusted_root()).to_string());
    assert!(path.starts_with(desk.folder.path().join("data/countersign/trust").to_str().unwrap()), "{path}");
    assert!(told(&update(&mirror)).contains("note: nothing in it has changed; root 1"));
    // The copy vouches for what the instance's services gave, and nobody is asked.
    let asked = mirror.asked();
    desk.attest();
    assert_eq!(
        desk.verify(&format!("sha256:{}", Digest::sha256(&fs::read(path).unwrap()).hex()), &["--trust", path]).status.code(),
        Some(0)
    );
    assert_eq!(mirror.asked(), asked);
    // A mirror that goes back is refused, and what was fetched stays.
    let mut newer = repository.clone();
    newer.trust_root = Authority::elsewhere().trusted_root();
    newer.next();
    mirror.serve(newer.files());
    let changed = update(&mirror);
    assert!(told(&changed).contains(&format!("note: it has changed; before it was {digest}; root 1, timestamp 2")), "{changed:?}");
    mirror.serve(repository.files());
    let back = update(&mirror);
    assert_eq!((back.status.code(), back.stdout.is_empty()), (Some(3), true));
    assert!(
        told(&back).contains("error[metadata-rollback]: the mirror went back: it offers version 1 of timestamp, and version 2"),
        "{back:?}"
    );
    assert_eq!(fs::read(path).unwrap(), newer.trust_root);
}

#[test]
fn public_good_is_built_in_and_no_file_is_needed_for_it() {
    let desk = Desk::new();
    desk.attest();
    let built_in = TrustRoot::public_good().unwrap().digest().hex().to_owned();
    for trust in [&[][..], &["--trust", "public-good"]] {
        // Somebody else's certificate isn't believed by its word.
        let answer = desk.verify("public-good", &[&["--format", "json"], trust].concat());
        assert_eq!(answer.status.code(), Some(1), "{answer:?}");
        assert!(told(&answer).contains("note: the trust root `public-good` is the built-in one, as of 2026-10-23;"), "{answer:?}");
        let decision = Json::parse(String::from_utf8(answer.stdout).unwrap().trim_end().as_bytes()).unwrap();
        assert_eq!(decision.pointer("/trust/0/sha256").and_then(Json::as_str), Some(built_in.as_str()));
    }
    // A policy that names another root has no such default.
    let other = desk.verify(&format!("sha256:{built_in}"), &[]);
    assert!(other.status.code() == Some(3) && told(&other).contains("error[trust-missing]"), "{other:?}");
    // Whoever puts a file of that name here changes nothing; with its folder it's a file.
    desk.write("public-good", b"{}");
    assert!(told(&desk.verify("public-good", &["--trust", "public-good"])).contains("is the built-in one"));
    assert!(told(&desk.verify("public-good", &["--trust", "./public-good"])).contains("error[trust-invalid]"));
}

#[test]
fn what_was_kept_long_ago_gives_way_to_what_is_built_in_and_damage_is_told() {
    let desk = Desk::new();
    let folder = desk.folder.path().join("data/countersign/trust/public-good");
    let given_out = Path::new(env!("CARGO_MANIFEST_DIR")).join("../countersign-sign/tests/public_good").canonicalize().unwrap();
    let mirror = Mirror::named(&format!("file://{}", given_out.display())).unwrap();
    TufRepository::public_good(&folder).update(&mirror, "2025-12-20T00:00:00Z".parse().unwrap()).unwrap();
    let shown = desk.run(&["trust", "show", "--format", "json"]);
    let shown = Json::parse(String::from_utf8(shown.stdout).unwrap().trim_end().as_bytes()).unwrap();
    assert_eq!(shown.pointer("/roots/0/source").and_then(Json::as_str), Some("built-in"));
    // The same mirror, today.
    let frozen = desk.run(&["trust", "update", "--mirror", &mirror.to_string()]);
    assert!(frozen.status.code() == Some(3) && told(&frozen).contains("error[metadata-expired]"), "{frozen:?}");
    fs::write(folder.join("kept.json"), "{").unwrap();
    for asked in [&["trust", "show"][..], &["trust", "update", "--mirror", &mirror.to_string()]] {
        let damaged = desk.run(asked);
        assert!(damaged.status.code() == Some(3) && told(&damaged).contains("error[trust-damaged]"), "{damaged:?}");
    }
}

#[test]
fn makes_of_files_what_their_owner_publishes() {
    let desk = Desk::new();
    let published = Json::parse(&Authority::new().trusted_root()).unwrap();
    let raw = |pointer: &str| published.pointer(pointer).and_then(Json::as_str).unwrap();
    let wrapped = |label: &str, pointer: &str| format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", raw(pointer));
    let chain = |list: &str| {
        let count = published.pointer(&format!("/{list}/0/certChain/certificates")).and_then(Json::as_array).unwrap().len();
        let certificate = |place| wrapped("CERTIFICATE", &format!("/{list}/0/certChain/certificates/{place}/rawBytes"));
        (0..count).map(certificate).collect::<String>()
    };
    desk.write("ca.pem", chain("certificateAuthorities").as_bytes());
    desk.write("tsa.pem", chain("timestampAuthorities").as_bytes());
    for (file, pointer) in [("v1.pub", "/tlogs/0"), ("v2.pub", "/tlogs/1"), ("ct.pub", "/ctlogs/0")] {
        desk.write(file, wrapped("PUBLIC KEY", &format!("{pointer}/publicKey/rawBytes")).as_bytes());
    }
    let url = |pointer: &str| raw(pointer).to_owned();
    let origin = url("/tlogs/1/baseUrl").replace("https://", "");
    let given = [
        "trust".to_owned(),
        "create".to_owned(),
        format!("--fulcio=url={},certificate-chain=ca.pem,start-time={START}", url("/certificateAuthorities/0/uri")),
        format!("--tsa=url={},certificate-chain=tsa.pem,start-time={START}", url("/timestampAuthorities/0/uri")),
        format!("--rekor=url={},public-key=v1.pub,start-time={START}", url("/tlogs/0/baseUrl")),
        format!("--rekor=url={},public-key=v2.pub,start-time={START},origin={origin}", url("/tlogs/1/baseUrl")),
        format!("--ctfe=url={},public-key=ct.pub,start-time={START}", url("/ctlogs/0/baseUrl")),
    ];
    let given: Vec<_> = given.iter().map(String::as_str).collect();
    let made = desk.run(&given);
    assert!(made.status.success(), "{made:?}");
    let written = Json::parse(String::from_utf8(made.stdout.clone()).unwrap().trim_end().as_bytes()).unwrap();
    for list in ["mediaType", "ctlogs", "tlogs"] {
        assert_eq!(written.get(list), published.get(list), "{list}");
    }
    for list in ["certificateAuthorities", "timestampAuthorities"] {
        for member in ["uri", "certChain", "validFor"] {
            let pointer = format!("/{list}/0/{member}");
            assert_eq!(written.pointer(&pointer), published.pointer(&pointer), "{pointer}");
        }
    }
    let filed = desk.run(&[&given[..], &["--out", "made.json"]].concat());
    assert_eq!(String::from_utf8(filed.stdout).unwrap(), format!("{}  made.json\n", Digest::sha256(&made.stdout)));
    assert_eq!(fs::read(desk.folder.path().join("made.json")).unwrap(), made.stdout);
    assert!(told(&desk.run(&[&given[..], &["--out", "made.json"]].concat())).contains("error[output-exists]"));
    // It vouches as the published one does.
    desk.attest();
    assert_eq!(desk.verify(&Digest::sha256(&made.stdout).to_string(), &["--trust", "made.json"]).status.code(), Some(0));
}

#[test]
fn makes_nothing_of_what_is_no_certificate_or_key() {
    let desk = Desk::new();
    desk.write("ca.pem", b"no certificate");
    desk.write("torn.pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let cases: [(&[&str], &str); 9] = [
        (&[], "error[usage]"),
        (&["--fulcio", "url=x"], "error[usage]: `--fulcio`: `certificate-chain` is missing"),
        (&["--fulcio", "url=x,url=y"], "`url` stands twice"),
        (&["--fulcio", "key=x"], "`key` is none of url, certificate-chain"),
        (&["--fulcio", "url=x,certificate-chain=ca.pem"], "error[trust-invalid]: `ca.pem` can't stand in a trust root"),
        (&["--tsa", "url=x,certificate-chain=torn.pem"], "because: a certificate can't be read"),
        (&["--rekor", "url=x,public-key=nowhere.pub,start-time=2025-01-01T00:00:00Z"], "error[trust-unreadable]"),
        (&["--rekor", "url=x,public-key=ca.pem,start-time=2025-01-01T00:00:00Z"], "error[trust-invalid]"),
        (&["--ctfe", "url=x,certificate-chain=ca.pem"], "error[usage]: `--ctfe`: `certificate-chain` isn't for it"),
    ];
    for (given, expected) in cases {
        let output = desk.run(&[&["trust", "create"], given].concat());
        let told = told(&output);
        assert!(output.status.code() == Some(3) && told.contains(expected), "{given:?}: {told}");
        assert!(output.stdout.is_empty(), "{output:?}");
    }
}

#[test]
fn shows_roots_by_a_published_schema() {
    let desk = Desk::new();
    desk.write("trusted_root.json", &Authority::new().trusted_root());
    let shown = desk.run(&["trust", "show", "public-good", "trusted_root.json", "--format", "json"]);
    assert!(shown.status.success() && told(&shown).is_empty(), "{shown:?}");
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/schema/trust.schema.json");
    let schema: serde_json::Value = serde_json::from_slice(&fs::read(schema).unwrap()).unwrap();
    let errors: Vec<_> = jsonschema::validator_for(&schema).unwrap().iter_errors(&shown).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(shown["roots"][1]["digest"], Digest::sha256(&Authority::new().trusted_root()).to_string());
    let human = String::from_utf8(desk.run(&["trust", "show", "trusted_root.json"]).stdout).unwrap();
    for part in ["a file; a policy names it as `trustRoot: sha256:", "certificate authorities", "https://fulcio.example.test", "  current"]
    {
        assert!(human.contains(part), "{part}: {human}");
    }
}

/// A folder with a home in it, outside of any work tree, and an instance to sign with.
struct Desk {
    folder: TempDir,
    instance: Instance,
}

impl Desk {
    fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap(), instance: Instance::start() };
        desk.write("app.tar", b"an artifact");
        desk
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.folder.path().join(name), bytes).unwrap();
    }

    /// Signs that the artifact was built, as whoever the instance's certificates name.
    fn attest(&self) {
        self.write("signing_config.json", &self.instance.signing_config(&[FirstLog, Times]));
        self.write("instance.json", &self.instance.trusted_root());
        let stated = ["attest", "build", "--subject", "app.tar", "--out", "app.sigstore.json", "--signer", "keyless:env:SOME_TOKEN"];
        let made = self.run(&[&stated[..], &["--signing-config", "signing_config.json", "--trust", "instance.json"]].concat());
        assert!(made.status.success(), "{made:?}");
    }

    /// Asks under a policy that knows that signer under a trust root.
    fn verify(&self, root: &str, more: &[&str]) -> Output {
        self.write("policy.yaml", POLICY.replace("ROOT", root).as_bytes());
        self.run(&[&["verify", "app.tar", "--policy", "policy.yaml", "--bundle", "app.sigstore.json"], more].concat())
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command.current_dir(self.folder.path()).args(arguments).env_clear().env("HOME", self.folder.path()).env("NO_COLOR", "1");
        command.env("XDG_DATA_HOME", self.folder.path().join("data")).env("SOME_TOKEN", TOKEN).output().unwrap()
    }
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn from_now(seconds: u64) -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Time::from_unix(i64::try_from(since.as_secs() + seconds).unwrap()).unwrap()
}

const START: &str = "2025-01-01T00:00:00Z";
const POLICY: &str = r#"
version: 1
id: trusting
signers:
  - id: signer
    kind: automation
    identity: {issuer: "https://accounts.example.test", subject: "signer@example.test", trustRoot: "ROOT"}
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
