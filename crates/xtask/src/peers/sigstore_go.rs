//! sigstore-go 1.3.0, by a small program of ours: bundles that keys signed, without a log, both ways.
//! Bundles with certificates are asked of it where there is an authority to issue them.

use std::fs;
use std::path::PathBuf;

use super::by_key::{Words, exchange};
use super::report::Report;
use super::scene::Scene;
use super::workshop::Workshop;
use crate::run::Program;

/// Builds it, by the checksums that are committed beside it.
pub(super) fn obtain(workshop: &Workshop) -> Result<(), String> {
    if !Program::new("go", &["version"]).works() {
        return Err("go isn't there".to_owned());
    }
    let sources = workshop.recipe("sigstore-go");
    let read = |name| fs::read_to_string(sources.join(name)).map_err(|error| format!("can't read `{name}`: {error}"));
    let pins = read("main.go")? + &read("go.sum")?;
    workshop.obtain(FOLDER, &pins, |place| {
        let out = place.join("sigstore-go").display().to_string();
        let build = ["build", "-mod=readonly", "-p", "2", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", &out, "."];
        Ok(vec![Program::new("go", &build).within(&sources).with("CGO_ENABLED", "0")])
    })
}

/// Asks everything.
pub(super) fn ask(workshop: &Workshop, scene: &Scene, report: &mut Report) -> Result<(), String> {
    let binary = binary(workshop).display().to_string();
    let ask = |arguments: &[&str]| Program::new(&binary, arguments).answer();
    let words = Words { file: "sigstore-go", makes: |key| format!("signs with {key}"), bad_signature: "could not verify envelope" };
    exchange(scene, report, &words, ask)?;
    let (build, public) = (scene.at("p256-build.sigstore.json"), scene.at("p256.pub"));
    report.check("verifies our build for its file", ask(&["verify", &build, &public, &scene.at("demo.tar")])?.accepted().map(drop));
    let refused = ask(&["verify", &build, &public, &scene.at("tampered/demo.tar")])?.refused("provided artifact digest");
    report.check("refuses our build for another file", refused);
    Ok(())
}

/// Returns where it lies once it was got.
pub(super) fn binary(workshop: &Workshop) -> PathBuf {
    workshop.place(FOLDER).join("sigstore-go")
}

/// Where it is kept.
pub(super) const FOLDER: &str = "sigstore-go-1.3.0";
