//! securesystemslib 1.6.0, the library under in-toto and TUF in Python: DSSE with keys, both ways.
//! It knows no bundles; the one around its envelope is written in `peer.py`.

use super::by_key::{Words, exchange};
use super::python::question;
use super::report::Report;
use super::scene::{KEYS, Scene};
use super::workshop::Workshop;

/// Asks everything.
pub(super) fn ask(workshop: &Workshop, scene: &Scene, report: &mut Report) -> Result<(), String> {
    let ask = |arguments: &[&str]| question(workshop, arguments).answer();
    let words = Words { file: "securesystemslib", makes: |key| format!("signs with {key}"), bad_signature: "VerificationError" };
    exchange(scene, report, &words, ask)?;
    let [one, other] = KEYS;
    report.check(
        "refuses another key than the signer's",
        ask(&["verify", &scene.at(&format!("{one}-build.sigstore.json")), &scene.at(&format!("{other}.pub"))])?
            .refused("VerificationError"),
    );
    Ok(())
}
