//! Fuzzing of what reads a stranger's bytes, for as long as one likes.
//! The targets are in `crates/countersign/fuzz`; they need nightly, so an ordinary build doesn't have them.

use std::fs;

use crate::repository::Repository;
use crate::run::Program;

const CRATE: &str = "crates/countersign/fuzz";

/// Runs each target for so many seconds.
pub(crate) fn run(repository: &Repository, seconds: &str) -> Result<(), String> {
    let folder = repository.root().join(CRATE);
    let target = repository.target().join("fuzz");
    let fuzz = |arguments: &[&str]| {
        let arguments = [&["run", "nightly", "cargo", "fuzz"], arguments].concat();
        Program::new("rustup", &arguments).within(&folder).with("CARGO_TARGET_DIR", &target)
    };
    if !fuzz(&["--version"]).works() {
        println!("SKIPPED fuzz: it needs a nightly toolchain and cargo-fuzz");
        return Ok(());
    }
    fs::copy(repository.root().join("Cargo.lock"), folder.join("Cargo.lock"))
        .map_err(|error| format!("can't copy `Cargo.lock`: {error}"))?;
    let limit = format!("-max_total_time={seconds}");
    for name in fuzz(&["list", "--fuzz-dir", "."]).output()?.lines() {
        println!("== fuzz {name} for {seconds} s");
        // What is found is kept below `target`; every target begins with the golden files and with a case with a certificate.
        let corpus = target.join("corpus").join(name);
        fs::create_dir_all(&corpus).map_err(|error| format!("can't make `{}`: {error}", corpus.display()))?;
        let [golden, certified] = ["golden", "cases/allow-certificate-rekor-v2"].map(|name| repository.root().join("testdata").join(name));
        let [corpus, golden, certified] = &[&corpus, &golden, &certified].map(|folder| folder.display().to_string());
        fuzz(&["run", "--fuzz-dir", ".", name, corpus, golden, certified, "--", &limit, "-max_len=16384", "-timeout=10"]).run()?;
    }
    Ok(())
}
