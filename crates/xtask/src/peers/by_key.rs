//! What a peer that signs and verifies with keys is asked: it verifies ours, refuses what was changed, and makes what we judge.
//! How it's run, and which bundles it knows, stands in its own file.

use super::report::Report;
use super::scene::{KEYS, Scene};
use crate::run::Answer;

/// One peer's own words.
pub(super) struct Words<'a> {
    /// What the files that it makes are called.
    pub(super) file: &'a str,
    /// What it does with our keys.
    pub(super) makes: fn(&str) -> String,
    /// What it calls a signature that isn't the key's.
    pub(super) bad_signature: &'a str,
}

/// Has it verify what we signed, and judges what it signs; `ask` takes `verify BUNDLE PUBLIC` and `sign STATEMENT PRIVATE BUNDLE`.
pub(super) fn exchange(
    scene: &Scene,
    report: &mut Report,
    words: &Words<'_>,
    ask: impl Fn(&[&str]) -> Result<Answer, String>,
) -> Result<(), String> {
    for key in KEYS {
        let (public, private) = (scene.at(&format!("{key}.pub")), scene.at(&format!("{key}.key")));
        for what in ["build", "run"] {
            let bundle = scene.at(&format!("{key}-{what}.sigstore.json"));
            report.check(&format!("verifies our {what}, signed with {key}"), ask(&["verify", &bundle, &public])?.accepted().map(drop));
        }
        let tampered = scene.at(&format!("{key}-tampered.sigstore.json"));
        report.check(
            &format!("refuses our build, signed with {key}, once its payload is changed"),
            ask(&["verify", &tampered, &public])?.refused(words.bad_signature),
        );
        let (theirs, makes) = (scene.at(&format!("{key}-{}.sigstore.json", words.file)), (words.makes)(key));
        ask(&["sign", &scene.at("statement.json"), &private, &theirs])?.accepted()?;
        report.check(&format!("{makes} what we allow"), scene.allows(&theirs, key));
        report.check(&format!("{makes} what we deny for another file"), scene.denies_another_file(&theirs, key));
    }
    Ok(())
}
