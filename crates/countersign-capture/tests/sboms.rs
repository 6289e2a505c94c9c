//! Which files are recognised as SBOMs: our own samples, and real ones where they are at hand.
//! It looks at nothing but the public surface.

use std::fs;
use std::path::{Path, PathBuf};

use countersign::digest::Digest;
use countersign::json::Json;
use countersign::predicate::SbomFormat;
use countersign_capture::sbom::{Sbom, SbomError};

#[test]
fn our_samples_are_recognised_with_both_digests() {
    for (file, format, version, predicate_type) in [
        ("demo.cyclonedx.json", SbomFormat::CycloneDx, "1.6", "https://cyclonedx.org/bom"),
        ("demo.spdx.json", SbomFormat::Spdx, "2.3", "https://spdx.dev/Document"),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/sbom").join(file);
        let sbom = Sbom::read(&path).unwrap();
        assert_eq!((sbom.format, sbom.version.as_str(), sbom.listed), (format, version, 2), "{file}");
        assert_eq!(sbom.format.predicate_type(), predicate_type);
        assert_eq!(sbom.created.unwrap().to_string(), "2025-12-01T09:00:10Z");
        let bytes = fs::read(&path).unwrap();
        assert_eq!(sbom.sha256, Digest::sha256(&bytes));
        let canonical = Json::parse(&bytes).unwrap().canonical();
        assert_eq!(sbom.canonical, Digest::sha256(&canonical));
        assert_ne!(sbom.sha256, sbom.canonical);
        // The same document, written otherwise, is another file with the same canonical bytes.
        let rewritten = Sbom::parse(&canonical).unwrap();
        assert_eq!((rewritten.sha256, &rewritten.canonical), (sbom.canonical.clone(), &sbom.canonical));
    }
}

#[test]
fn a_missing_file_is_named() {
    let error = Sbom::read(Path::new("no-such.cdx.json")).unwrap_err();
    assert!(matches!(error, SbomError::Io { .. }) && error.to_string().contains("`no-such.cdx.json`"), "{error}");
}

#[test]
fn real_files_are_recognised_or_refused_as_their_expectations_say() {
    let folder = PathBuf::from(std::env::var_os("COUNTERSIGN_CORPORA").unwrap_or_default()).join("sbom-vex-scan");
    let Ok(expected) = fs::read(folder.join("expected.json")) else {
        println!("SKIPPED corpora sbom-vex-scan: not here");
        return;
    };
    let expected = Json::parse(&expected).unwrap();
    let (mut recognised, mut refused) = (0, 0);
    for case in expected.get("cases").unwrap().as_array().unwrap() {
        let text = |key: &str| case.get(key).and_then(Json::as_str).unwrap_or_default();
        let file = text("file");
        let result = Sbom::read(&folder.join(file));
        let format = match text("format") {
            "cyclonedx-json" => Some(SbomFormat::CycloneDx),
            "spdx-json" => Some(SbomFormat::Spdx),
            _ => None,
        };
        let Some(format) = format.filter(|_| text("expect") == "pass") else {
            let error = result.expect_err(file);
            assert_eq!(matches!(error, SbomError::Xml), file.ends_with(".xml"), "{file}: {error}");
            let vex = ["openvex", "csaf"].contains(&text("format"));
            assert_eq!(matches!(error, SbomError::NotAnSbom { .. }), vex, "{file}: {error}");
            refused += 1;
            continue;
        };
        let sbom = result.unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(sbom.format, format, "{file}");
        assert_eq!(sbom.version, text("spec_version").trim_start_matches("SPDX-"), "{file}");
        assert_eq!(sbom.sha256.hex(), text("sha256"), "{file}");
        if let Some(listed) = case.get("components").and_then(Json::as_integer).filter(|listed| *listed >= 0) {
            assert_eq!(sbom.listed, usize::try_from(listed).unwrap(), "{file}");
        }
        recognised += 1;
    }
    assert!(recognised > 0 && refused > 0);
}
