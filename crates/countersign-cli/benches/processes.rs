//! What one `countersign verify` costs as a process, in time and memory, beside a process that does nothing but read the
//! same files and ask sigstore-verify, and beside cosign where `COUNTERSIGN_BENCH_COSIGN` says where it lies.

#![allow(clippy::unwrap_used, missing_docs, reason = "what can't be set up can't be measured, and a bench has no users")]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use criterion::{Criterion, criterion_group};
use nix::sys::resource::{UsageWho, getrusage};

/// Names a client that is to be asked whether the case's artifact has the provenance that it has.
fn client(name: &str, home: &Path) -> Command {
    let mut command = match name {
        "bare" => {
            let mut bare = Command::new(std::env::current_exe().unwrap());
            bare.env(BARE, "");
            bare
        }
        "ours" => {
            let mut ours = Command::new(env!("CARGO_BIN_EXE_countersign"));
            ours.args(["verify", ARTIFACT, "--policy", "policy.yaml", "--trust", "trusted_root.json"]);
            ours.args(["--bundle", "build.sigstore.json", "--at", AT, "--environment", "build"]);
            ours.env_clear();
            ours
        }
        _ => {
            let mut cosign = Command::new(std::env::var_os(COSIGN).unwrap());
            cosign.args(["verify-blob-attestation", "--new-bundle-format", "--type", "slsaprovenance1", "--use-signed-timestamps"]);
            cosign.args(["--bundle", "build.sigstore.json", "--trusted-root", "trusted_root.json"]);
            cosign.args(["--certificate-oidc-issuer", "https://issuer.example.test", "--certificate-identity", SUBJECT, ARTIFACT]);
            cosign
        }
    };
    command
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(CASE))
        .env("HOME", home)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn processes(criterion: &mut Criterion) {
    let home = tempfile::tempdir().unwrap();
    let clients: Vec<_> =
        ["bare", "ours", "cosign"].into_iter().filter(|name| *name != "cosign" || std::env::var_os(COSIGN).is_some()).collect();
    let mut group = criterion.benchmark_group("process");
    for name in &clients {
        group.bench_function(*name, |b| b.iter(|| assert!(client(name, home.path()).status().unwrap().success(), "{name}")));
    }
    let peaks: serde_json::Map<_, _> = clients.iter().map(|name| ((*name).to_owned(), peak(name))).collect();
    fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("memory.json"), serde_json::to_vec(&peaks).unwrap()).unwrap();
}

/// A process that runs one client and nothing else tells what its children have used.
fn peak(name: &str) -> serde_json::Value {
    let told = Command::new(std::env::current_exe().unwrap()).env(PEAK, name).output().unwrap();
    serde_json::from_slice(&told.stdout).unwrap()
}

/// What sigstore-verify itself says of the bundle.
fn ask_sigstore_verify() {
    let read = |name: &str| fs::read_to_string(name).unwrap();
    let bundle = sigstore_types::Bundle::from_json(&read("build.sigstore.json")).unwrap();
    let root = sigstore_trust_root::TrustedRoot::from_json(&read("trusted_root.json")).unwrap();
    let policy = sigstore_verify::VerificationPolicy::any_identity();
    sigstore_verify::Verifier::new(&root).unwrap().verify(&fs::read(ARTIFACT).unwrap()[..], &bundle, &policy).unwrap();
}

criterion_group!(benches, processes);

fn main() {
    if std::env::var_os(BARE).is_some() {
        return ask_sigstore_verify();
    }
    // Nothing is read here before: a child begins with its parent's memory.
    if let Some(name) = std::env::var_os(PEAK) {
        let home = tempfile::tempdir().unwrap();
        assert!(client(name.to_str().unwrap(), home.path()).env_remove(PEAK).status().unwrap().success());
        let peak = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss();
        return std::io::stdout().write_all(peak.to_string().as_bytes()).unwrap();
    }
    benches();
    Criterion::default().configure_from_args().final_summary();
}

const CASE: &str = "testdata/cases/allow-certificate-rekor-v2";
const ARTIFACT: &str = "demo.tar";
const AT: &str = "2025-12-15T00:00:00Z";
/// Set for the bare client.
const BARE: &str = "COUNTERSIGN_BENCH_BARE";
/// Set for the process that measures a client's memory, to the client's name.
const PEAK: &str = "COUNTERSIGN_BENCH_PEAK";
/// Set by `cargo xtask bench`, to the path of cosign.
const COSIGN: &str = "COUNTERSIGN_BENCH_COSIGN";
/// Whom the certificate names.
const SUBJECT: &str = "https://example.test/demo/.pipeline/build.yml@refs/heads/main";
