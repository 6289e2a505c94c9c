//! `cargo xtask bench`: what things cost, as a table of ratios to the floors that were measured in the same run.
//! What is measured stands in the benches; an absolute time says nothing of another machine.

use std::fs;

use crate::repository::Repository;
use crate::run::Program;

/// What is measured, beside what, and at most how much more we want it to be.
const ROWS: &[Row] = &[
    Row {
        what: "parse and print a statement, strictly and canonically",
        measured: "statement/ours",
        floor: "statement/serde_json",
        beside: "plain serde_json",
        aim: None,
    },
    Row {
        what: "seal 10 MB in 5,000 leaves",
        measured: "seal-10-MB/ours",
        floor: "seal-10-MB/sha256",
        beside: "SHA-256 of the same bytes",
        aim: None,
    },
    Row { what: "hash a file of 1 GiB", measured: "hash-1-GiB/ours", floor: "hash-1-GiB/sha256", beside: "the bare hash", aim: Some(1.05) },
    Row {
        what: "verify by certificate, with Rekor v1",
        measured: "verify-certificate-rekor-v1/ours",
        floor: "verify-certificate-rekor-v1/signatures",
        beside: "its 6 signatures alone",
        aim: Some(1.1),
    },
    Row {
        what: "the same by sigstore-verify",
        measured: "verify-certificate-rekor-v1/sigstore-verify",
        floor: "verify-certificate-rekor-v1/signatures",
        beside: "its 6 signatures alone",
        aim: None,
    },
    Row {
        what: "verify by certificate, with Rekor v2 and a timestamp",
        measured: "verify-certificate-rekor-v2/ours",
        floor: "verify-certificate-rekor-v2/signatures",
        beside: "its 8 signatures alone",
        aim: Some(1.1),
    },
    Row {
        what: "the same by sigstore-verify",
        measured: "verify-certificate-rekor-v2/sigstore-verify",
        floor: "verify-certificate-rekor-v2/signatures",
        beside: "its 8 signatures alone",
        aim: None,
    },
    Row {
        what: "read a bundle and verify it by a key",
        measured: "verify-key/ours",
        floor: "verify-key/signature",
        beside: "the signature alone",
        aim: Some(1.1),
    },
    Row {
        what: "decide from a store of 1,000 bundles",
        measured: "decide/1000",
        floor: "decide/10",
        beside: "from a store of 10",
        aim: Some(1.1),
    },
    Row {
        what: "decide from a store of 10,000 bundles",
        measured: "decide/10000",
        floor: "decide/10",
        beside: "from a store of 10",
        aim: Some(1.1),
    },
    Row {
        what: "`countersign verify` as a process",
        measured: "process/ours",
        floor: "process/bare",
        beside: "a bare client of sigstore-verify",
        aim: Some(2.0),
    },
];

struct Row {
    what: &'static str,
    measured: &'static str,
    floor: &'static str,
    beside: &'static str,
    aim: Option<f64>,
}

pub(crate) fn run(repository: &Repository) -> Result<(), String> {
    Program::new("cargo", &["bench", "--locked", "-p", "countersign-cli", "--bench", "costs"]).within(repository.root()).run()?;
    println!("| what | beside | ratio | aim |\n|---|---|---|---|");
    for Row { what, measured, floor, beside, aim } in ROWS {
        let ratio = median(repository, measured)? / median(repository, floor)?;
        let aim = aim.map_or(String::new(), |aim| format!("≤ {aim}"));
        println!("| {what} | {beside} | {ratio:.2} | {aim} |");
    }
    Ok(())
}

/// Reads the median that criterion has left, in nanoseconds.
fn median(repository: &Repository, id: &str) -> Result<f64, String> {
    let path = repository.target().join("criterion").join(id).join("new/estimates.json");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let estimates: serde_json::Value = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    estimates.pointer("/median/point_estimate").and_then(serde_json::Value::as_f64).ok_or_else(|| format!("{}: no median", path.display()))
}
