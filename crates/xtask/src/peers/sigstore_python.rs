//! sigstore-python 4.5.1. It verifies keyless bundles only, so what signs with keys reaches it in parts.
//! Bundles with certificates are asked of it where there is an authority to issue them.

use super::python::question;
use super::report::Report;
use super::scene::{KEYS, Scene};
use super::workshop::Workshop;

/// Asks everything.
pub(super) fn ask(workshop: &Workshop, scene: &Scene, report: &mut Report) -> Result<(), String> {
    let ask = |arguments: &[&str]| question(workshop, arguments).answer();
    report.check("reads our statement about a file", ask(&["statement", &scene.at("statement.json")])?.accepted().map(drop));
    let [p256, _] = KEYS;
    let public = scene.at(&format!("{p256}.pub"));
    for what in ["build", "run"] {
        let bundle = scene.at(&format!("{p256}-{what}.sigstore.json"));
        report.check(
            &format!("verifies the envelope of our {what}, signed with {p256}"),
            ask(&["envelope", &bundle, &public])?.accepted().map(drop),
        );
    }
    report.check(
        "refuses the envelope of our build once its payload is changed",
        ask(&["envelope", &scene.at(&format!("{p256}-tampered.sigstore.json")), &public])?.refused("invalid signature"),
    );
    // Not ours to mend; what changes here is to be asked for good.
    report.check(
        "LIMIT of theirs: takes no git commit as a subject, as in-toto does, where it makes statements",
        ask(&["statement", &scene.at("run-statement.json")])?.refused("gitCommit"),
    );
    report.check(
        "LIMIT of theirs: reads no bundle without a log entry, so none that a key alone signed",
        ask(&["bundle", &scene.at(&format!("{p256}-build.sigstore.json"))])?.refused("tlogEntries"),
    );
    Ok(())
}
