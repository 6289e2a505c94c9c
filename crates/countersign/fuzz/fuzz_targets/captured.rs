//! Any bytes as an SBOM, and any lines as the variables of a CI job, as a remote's URL and as an image's name: reading
//! ends, and no password stands in what is read. What each means is tested beside its parser.
#![no_main]

use std::collections::BTreeMap;

use countersign::json::Json;
use countersign_capture::ci::Ci;
use countersign_capture::git::public_uri;
use countersign_capture::sandbox_image::SandboxImage;
use countersign_capture::sbom::Sbom;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(sbom) = Sbom::parse(bytes) {
        let json = Json::parse(bytes).expect("an SBOM is JSON");
        assert_eq!(sbom.canonical, countersign::digest::Digest::sha256(&json.canonical()));
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let variables: BTreeMap<_, _> =
        text.lines().filter_map(|line| line.split_once('=')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
    for (name, fact) in Ci::read(&variables).iter().flat_map(Ci::facts) {
        assert!(!fact.value.is_empty() && !fact.value.chars().any(char::is_control), "{name}: {fact:?}");
    }
    for line in text.lines() {
        if let Some(uri) = public_uri(line) {
            let authority = uri.split('/').nth(2).expect("a URL");
            assert!(!authority.contains('@') && !uri.contains(['?', '#']), "{uri}");
            assert_eq!(public_uri(&uri).as_ref(), Some(&uri));
        }
        if let Ok(image) = line.parse::<SandboxImage>() {
            assert_eq!(format!("{}@{}", image.name, image.sha256), line);
        }
    }
});
