//! @sigstore/verify 4.1.3, @sigstore/bundle 5.0.1 and @sigstore/sign 5.1.0: bundles that keys signed, without a log, both ways.
//! Bundles with certificates are asked of them where there is an authority to issue them.

use std::fs;

use super::by_key::{Words, exchange};
use super::report::Report;
use super::scene::{KEYS, Scene};
use super::workshop::Workshop;
use crate::run::Program;

/// Installs them by their lock.
pub(super) fn obtain(workshop: &Workshop) -> Result<(), String> {
    for tool in ["node", "npm"] {
        if !Program::new(tool, &["--version"]).works() {
            return Err(format!("{tool} isn't there"));
        }
    }
    let lock = workshop.recipe("sigstore-js/package-lock.json");
    let pins = fs::read_to_string(&lock).map_err(|error| format!("can't read `{}`: {error}", lock.display()))?;
    workshop.obtain(FOLDER, &pins, |place| {
        for file in ["package.json", "package-lock.json"] {
            let from = workshop.recipe(&format!("sigstore-js/{file}"));
            fs::copy(&from, place.join(file)).map_err(|error| format!("can't copy `{}`: {error}", from.display()))?;
        }
        // `ci` installs what the lock says, by its hashes, or fails. They ask for a newer Node than they need here.
        let install = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
        Ok(vec![Program::new("npm", &install).within(place)])
    })
}

/// Asks everything.
pub(super) fn ask(workshop: &Workshop, scene: &Scene, report: &mut Report) -> Result<(), String> {
    let script = script(workshop)?;
    let ask = |arguments: &[&str]| Program::new("node", &[&[script.as_str()], arguments].concat()).answer();
    let words = Words { file: "js", makes: |key| format!("makes a bundle with {key} of"), bad_signature: "SIGNATURE_ERROR" };
    exchange(scene, report, &words, ask)?;
    let [one, other] = KEYS;
    report.check(
        "finds no other key than the one that the bundle names",
        ask(&["verify", &scene.at(&format!("{one}-build.sigstore.json")), &scene.at(&format!("{other}.pub"))])?.refused("PUBLIC_KEY_ERROR"),
    );
    Ok(())
}

/// Returns where the questions lie: beside what they import, which Node looks for from there.
pub(super) fn script(workshop: &Workshop) -> Result<String, String> {
    let script = workshop.place(FOLDER).join("peer.mjs");
    let from = workshop.recipe("sigstore-js/peer.mjs");
    fs::copy(&from, &script).map_err(|error| format!("can't copy `{}`: {error}", from.display()))?;
    Ok(script.display().to_string())
}

/// Where it is kept.
pub(super) const FOLDER: &str = "sigstore-js-4.1.3";
