//! Fuzzing of what reads a stranger's bytes, for as long as one likes.
//! The targets are in `crates/countersign/fuzz`; they need nightly, so an ordinary build doesn't have them.

use std::fs;
use std::path::Path;

use crate::repository::Repository;
use crate::run::Program;

const CRATE: &str = "crates/countersign/fuzz";
/// What is fuzzed has no `unsafe`, so that a sanitizer would find nothing of ours, at half the speed.
const SANITIZER: &str = "--sanitizer=none";

/// What targets begin with, beside the golden files: whatever in this repository is like what they read.
const SEEDS: &[(&str, &[&str])] = &[
    ("bundle", &["testdata/cases/allow-whole-walk", "testdata/cases/allow-certificate-rekor-v2"]),
    ("captured", &["testdata/ci", "testdata/sbom"]),
    ("commit", &["testdata/cases/allow-run-committed-later/objects"]),
    ("json", &["testdata/schema"]),
    ("policy", &["testdata/cases/allow-whole-walk", "testdata/cases/allow-certificate-rekor-v1", "testdata/cases/allow-condition"]),
    ("transcript", &["testdata/transcripts"]),
    ("tuf", &["crates/countersign-sign/tests/public_good"]),
    ("trust_root", &["testdata/cases/allow-certificate-rekor-v1", "testdata/cases/allow-certificate-rekor-v2"]),
];

/// Runs each target for so many seconds.
pub(crate) fn run(repository: &Repository, seconds: &str) -> Result<(), String> {
    let folder = repository.root().join(CRATE);
    let target = repository.target().join("fuzz");
    let temporary = target.join("tmp");
    let fuzz = |arguments: &[&str]| {
        let arguments = [&["run", "nightly", "cargo", "fuzz"], arguments].concat();
        Program::new("rustup", &arguments).within(&folder).with("CARGO_TARGET_DIR", &target).with("TMPDIR", &temporary)
    };
    if !fuzz(&["--version"]).works() {
        println!("SKIPPED fuzz: it needs a nightly toolchain and cargo-fuzz");
        return Ok(());
    }
    // What a run leaves behind is in nobody's way for longer than to the next.
    let _ = fs::remove_dir_all(&temporary);
    make(&temporary)?;
    fs::copy(repository.root().join("Cargo.lock"), folder.join("Cargo.lock"))
        .map_err(|error| format!("can't copy `Cargo.lock`: {error}"))?;
    // All at once, since one after another leaves processors idle.
    fuzz(&["build", "--fuzz-dir", ".", SANITIZER]).run()?;
    let limit = format!("-max_total_time={seconds}");
    for name in fuzz(&["list", "--fuzz-dir", "."]).output()?.lines() {
        println!("== fuzz {name} for {seconds} s");
        // What is found is kept below `target`, and the next run begins with it.
        let found = target.join("corpus").join(name);
        make(&found)?;
        let own = folder.join("seeds").join(name);
        let alike = SEEDS.iter().filter(|(target, _)| *target == name).flat_map(|(_, folders)| *folders);
        let alike = alike.map(|folder| repository.root().join(folder));
        let seeds = [found, repository.root().join("testdata/golden")].into_iter().chain(alike).chain(own.is_dir().then_some(own));
        let seeds: Vec<_> = seeds.map(|folder| folder.display().to_string()).collect();
        let mut arguments = vec!["run", "--fuzz-dir", ".", SANITIZER, name];
        arguments.extend(seeds.iter().map(String::as_str));
        arguments.extend(["--", &limit, "-max_len=16384", "-timeout=10", "-print_final_stats=1", "-verbosity=0"]);
        fuzz(&arguments).run()?;
    }
    Ok(())
}

fn make(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| format!("can't make `{}`: {error}", folder.display()))
}
