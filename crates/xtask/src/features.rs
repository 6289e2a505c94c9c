//! Features: canonical JSON is the same whatever features of serde_json another crate turns on, and each kind of signer builds alone.
//! The vectors are in the heart's `tests/canonical.rs`; here they are run with all those features on.

use std::fs;

use crate::repository::Repository;
use crate::run::Program;

const CRATE: &str = "crates/countersign/tests/serde-json-features";

/// The signers' features that are built alone; those with a cloud's library are built once, with all the others.
const SIGNERS: [&str; 7] = ["", "exec", "hashivault", "keyless", "pkcs11", "remote", "tuf"];

/// Runs both checks.
pub(crate) fn check(repository: &Repository) -> Result<(), String> {
    for feature in SIGNERS {
        println!("-- signers with `{feature}` alone");
        let alone = ["clippy", "--locked", "--package", "countersign-sign", "--no-default-features", "--features", feature];
        Program::new("cargo", &[&alone[..], &["--", "-D", "warnings"]].concat()).within(repository.root()).run()?;
    }
    println!("-- the command line without any of them");
    let slim = ["clippy", "--locked", "--package", "countersign-cli", "--no-default-features", "--", "-D", "warnings"];
    Program::new("cargo", &slim).within(repository.root()).run()?;
    canonical(repository)
}

/// Runs the heart's vectors in a build where serde_json has every feature that changes what it reads or keeps.
fn canonical(repository: &Repository) -> Result<(), String> {
    let folder = repository.root().join(CRATE);
    // The workspace's lock, so that the very same versions are tested; cargo strikes out what this crate doesn't need.
    fs::copy(repository.root().join("Cargo.lock"), folder.join("Cargo.lock"))
        .map_err(|error| format!("can't copy `Cargo.lock`: {error}"))?;
    let target = repository.target().join("serde-json-features");
    Program::new("cargo", &["test"]).within(&folder).with("CARGO_TARGET_DIR", target).run()
}
