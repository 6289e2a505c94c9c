//! securesystemslib 1.6.0, the library under in-toto and TUF in Python: DSSE with keys, both ways.
//! It knows no bundles; the one around its envelope is written in `peer.py`.

use super::python::question;
use super::report::Report;
use super::scene::{KEYS, Scene};
use super::workshop::Workshop;

/// Asks everything.
pub(super) fn ask(workshop: &Workshop, scene: &Scene, report: &mut Report) -> Result<(), String> {
    let ask = |arguments: &[&str]| question(workshop, arguments).answer();
    for key in KEYS {
        let (public, private) = (scene.at(&format!("{key}.pub")), scene.at(&format!("{key}.key")));
        for what in ["build", "run"] {
            let bundle = scene.at(&format!("{key}-{what}.sigstore.json"));
            report.check(&format!("verifies our {what}, signed with {key}"), ask(&["verify", &bundle, &public])?.accepted().map(drop));
        }
        let tampered = scene.at(&format!("{key}-tampered.sigstore.json"));
        report.check(
            &format!("refuses our build, signed with {key}, once its payload is changed"),
            ask(&["verify", &tampered, &public])?.refused("VerificationError"),
        );
        let theirs = scene.at(&format!("{key}-securesystemslib.sigstore.json"));
        ask(&["sign", &scene.at("statement.json"), &private, &theirs])?.accepted()?;
        report.check(&format!("signs with {key} what we allow"), scene.allows(&theirs, key));
        report.check(&format!("signs with {key} what we deny for another file"), scene.denies_another_file(&theirs, key));
    }
    let [one, other] = KEYS;
    report.check(
        "refuses another key than the signer's",
        ask(&["verify", &scene.at(&format!("{one}-build.sigstore.json")), &scene.at(&format!("{other}.pub"))])?
            .refused("VerificationError"),
    );
    Ok(())
}
