//! `cargo xtask bench`: what things cost, as a table of ratios to the floors that were measured in the same run.
//! What is measured stands in the benches; an absolute time says nothing of another machine.

use std::fs;

use crate::peers;
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
        what: "read a bundle and its statement, strictly",
        measured: "read-bundle/ours",
        floor: "read-bundle/serde_json",
        beside: "plain serde_json",
        aim: None,
    },
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
        what: "verify 100 such bundles of one run, remembering",
        measured: "batch-100/ours",
        floor: "batch-100/signatures",
        beside: "their 800 signatures alone",
        aim: Some(0.6),
    },
    Row {
        what: "verify by a key, once the bundle is read",
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
        what: "deny, and say what is missing, where 200 runs claim the commit",
        measured: "answer/deny",
        floor: "answer/allow",
        beside: "allow",
        aim: None,
    },
    Row {
        what: "`countersign verify` as a process",
        measured: "process/ours",
        floor: "process/bare",
        beside: "a bare client of sigstore-verify",
        aim: Some(2.0),
    },
    Row { what: "its memory at the peak", measured: "memory/ours", floor: "memory/bare", beside: "the bare client's", aim: None },
    Row {
        what: "`cosign verify-blob-attestation` as a process",
        measured: "process/cosign",
        floor: "process/bare",
        beside: "the bare client",
        aim: None,
    },
    Row { what: "its memory at the peak", measured: "memory/cosign", floor: "memory/bare", beside: "the bare client's", aim: None },
];

struct Row {
    what: &'static str,
    measured: &'static str,
    floor: &'static str,
    beside: &'static str,
    aim: Option<f64>,
}

pub(crate) fn run(repository: &Repository) -> Result<(), String> {
    let cosign = peers::cosign(repository)?;
    let bench = Program::new("cargo", &["bench", "--locked", "-p", "countersign-cli"]).within(repository.root());
    match &cosign {
        Some(cosign) => bench.with("COUNTERSIGN_BENCH_COSIGN", cosign).run()?,
        None => bench.run()?,
    }
    println!("| what | beside | ratio | aim |\n|---|---|---|---|");
    for Row { what, measured, floor, beside, aim } in ROWS {
        if cosign.is_none() && measured.ends_with("/cosign") {
            println!("SKIPPED {measured}: `cargo xtask peers cosign` gets it");
            continue;
        }
        let ratio = figure(repository, measured)? / figure(repository, floor)?;
        let aim = aim.map_or(String::new(), |aim| format!("≤ {aim}"));
        println!("| {what} | {beside} | {ratio:.2} | {aim} |");
    }
    Ok(())
}

/// Reads what a bench has left: criterion the median of the time, in nanoseconds, and `processes` the peak, in KiB.
fn figure(repository: &Repository, id: &str) -> Result<f64, String> {
    let (path, pointer) = match id.strip_prefix("memory/") {
        Some(client) => (repository.target().join("tmp/memory.json"), format!("/{client}")),
        None => (repository.target().join("criterion").join(id).join("new/estimates.json"), "/median/point_estimate".to_owned()),
    };
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let figures: serde_json::Value = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    figures.pointer(&pointer).and_then(serde_json::Value::as_f64).ok_or_else(|| format!("{}: no `{pointer}`", path.display()))
}
