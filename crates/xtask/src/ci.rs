//! Every check of continuous integration, in order, with a clock.
//! It checks nothing itself.

use std::time::Instant;

use crate::repository::Repository;
use crate::run::Program;
use crate::{features, fuzz, header, purity, tidy};

/// The command that runs the tests; the README's second block is exactly this.
pub(crate) const TEST_COMMAND: &[&str] = &["cargo", "test", "--workspace", "--locked"];

type Step = (&'static str, fn(&Repository) -> Result<(), String>);

const STEPS: &[Step] = &[
    ("fmt", |repository| cargo(repository, &["fmt", "--all", "--check"]).run()),
    ("clippy", |repository| cargo(repository, &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]).run()),
    ("clippy of the slim heart", |repository| {
        cargo(repository, &["clippy", "-p", "countersign", "--no-default-features", "--all-targets", "--locked", "--", "-D", "warnings"])
            .run()
    }),
    ("test", |repository| cargo(repository, TEST_COMMAND.get(1..).unwrap_or_default()).run()),
    ("doc", |repository| cargo(repository, &["doc", "--workspace", "--no-deps", "--locked"]).with("RUSTDOCFLAGS", "-D warnings").run()),
    ("tidy", tidy::check),
    ("purity", purity::check),
    ("header", header::check),
    ("deny", deny),
    ("features", features::check),
    // A few seconds each find what is near the seeds; `cargo xtask fuzz SECONDS` goes on from there.
    ("fuzz", |repository| fuzz::run(repository, "4")),
];

/// Runs every step until one fails.
pub(crate) fn run(repository: &Repository) -> Result<(), String> {
    let all = Instant::now();
    for (name, step) in STEPS {
        println!("== {name}");
        let start = Instant::now();
        let outcome = step(repository);
        let seconds = start.elapsed().as_secs_f64();
        outcome.map_err(|why| format!("FAILED {name} after {seconds:.1} s: {why}"))?;
        println!("== {name}: passed in {seconds:.1} s");
    }
    println!("== all {} steps passed in {:.1} s", STEPS.len(), all.elapsed().as_secs_f64());
    Ok(())
}

/// Checks licences, bans and sources; advisories need a database from the network and are left out.
fn deny(repository: &Repository) -> Result<(), String> {
    if !cargo(repository, &["deny", "--version"]).works() {
        println!("SKIPPED deny: cargo-deny is not installed");
        return Ok(());
    }
    cargo(repository, &["deny", "--locked", "--offline", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"]).run()
}

fn cargo(repository: &Repository, arguments: &[&str]) -> Program {
    Program::new("cargo", arguments).within(repository.root())
}
