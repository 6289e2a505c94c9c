//! What others publish about the formats that the heart reads, with the verdicts that they expect.
//! The vectors aren't part of this project: where they aren't at hand, the tests say so.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test reads its vectors from disk and stops at what it doesn't expect"
)]

use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::digest::{Digest, hex};
use countersign::envelope::pae;
use countersign::json::Json;
use countersign::predicate::PROVENANCE;
use countersign::statement::Statement;
use serde_json::Value;

/// Returns a corpus and its cases, or says that it isn't here.
fn corpus(name: &str) -> Option<(PathBuf, Vec<Value>)> {
    let all = PathBuf::from(std::env::var_os("COUNTERSIGN_CORPORA").unwrap_or_default());
    let folder = all.join(name);
    let Ok(expected) = fs::read(folder.join("expected.json")) else {
        println!("SKIPPED corpora {name}: not here");
        return None;
    };
    // Not by our parser, which refuses integers as large as some of these.
    let expected: Value = serde_json::from_slice(&expected).unwrap();
    let cases = expected["cases"].as_array().unwrap().clone();
    Some((folder, cases))
}

fn text<'a>(case: &'a Value, name: &str) -> Option<&'a str> {
    case.get(name).and_then(Value::as_str)
}

fn passes(case: &Value) -> bool {
    text(case, "expect") == Some("pass")
}

#[test]
fn canonical_json_is_that_of_rfc_8785() {
    let Some((folder, cases)) = corpus("jcs-rfc8785") else { return };
    for case in &cases {
        let id = text(case, "id").unwrap();
        if let Some(bits) = text(case, "ieee754") {
            let number = f64::from_bits(u64::from_str_radix(bits, 16).unwrap());
            // What a statement may hold is less: an integer beyond 2^53 is refused, and so is what is no number.
            let within = number.is_finite() && (number.fract() != 0.0 || number.abs() <= 9_007_199_254_740_992.0);
            let written = Json::Number(number).canonical();
            if within {
                assert_eq!(std::str::from_utf8(&written).ok(), text(case, "text"), "{id}");
                assert_eq!(Json::parse(&written), Ok(Json::Number(number)), "{id}");
            } else if let Some(written) = text(case, "text") {
                assert!(Json::parse(written.as_bytes()).is_err(), "{id}: {written}");
            } else {
                assert!(!passes(case), "{id}");
            }
            continue;
        }
        let read = |name| fs::read_to_string(folder.join(text(case, name).unwrap())).unwrap();
        // An integer beyond 2^53 is refused; all else in its document is as it must be.
        assert_eq!(Json::parse(read("input").as_bytes()).is_err(), id == "values", "{id}");
        let (input, output) = (read("input").replace("1E30", "1E15"), read("output").replace("1e+30", "1000000000000000"));
        assert_eq!(Json::parse(input.as_bytes()).unwrap().canonical(), output.trim_end().as_bytes(), "{id}");
    }
}

#[test]
fn statements_of_other_tools_are_read() {
    let Some((folder, cases)) = corpus("intoto-statements") else { return };
    for case in &cases {
        let id = text(case, "id").unwrap();
        let payload = fs::read(folder.join(text(case, "file").unwrap())).unwrap();
        assert!(text(case, "payload_sha256").is_none_or(|sha256| sha256 == Digest::sha256(&payload).hex()), "{id}");
        // An example of a specification, whose digests stand for digests: what is none names nothing here.
        if id == "spec-svr-2.json" {
            assert!(Statement::parse(&payload).is_err(), "{id}");
            continue;
        }
        let statement = Statement::parse(&payload);
        assert_eq!(statement.is_ok(), passes(case), "{id}: {:?}", statement.err());
        let statement = statement.unwrap();
        assert_eq!(Some(statement.predicate_type.as_str()), text(case, "predicate_type"), "{id}");
        assert_eq!(case["n_subjects"].as_u64(), u64::try_from(statement.subject.len()).ok(), "{id}");
        for (stated, subject) in case["subjects"].as_array().into_iter().flatten().zip(&statement.subject) {
            assert_eq!(text(stated, "name").filter(|name| !name.is_empty()), subject.name.as_deref(), "{id}");
            for (algorithm, expected) in stated["digest"].as_object().unwrap() {
                let known = countersign::digest::Algorithm::named(algorithm).and_then(|algorithm| subject.digest.get(algorithm));
                if let Some(known) = known {
                    assert_eq!(Some(known.hex()), expected.as_str(), "{id}");
                }
            }
        }
        if statement.predicate_type == PROVENANCE {
            let builder = statement.predicate.pointer("/runDetails/builder/id").and_then(Json::as_str);
            assert_eq!(builder, text(case, "builder_id"), "{id}");
            let build_type = statement.predicate.pointer("/buildDefinition/buildType").and_then(Json::as_str);
            assert_eq!(build_type, text(case, "build_type"), "{id}");
        }
    }
}

#[test]
fn the_bytes_that_an_envelope_signs_are_those_of_the_protocol() {
    let Some((folder, cases)) = corpus("dsse") else { return };
    let mut compared = 0;
    for case in &cases {
        let id = text(case, "id").unwrap();
        if let Some(expected) = text(case, "pae_sha256") {
            let payload = STANDARD.decode(text(case, "payload_b64").unwrap()).unwrap();
            assert_eq!(Digest::sha256(&pae(text(case, "payload_type").unwrap(), &payload)).hex(), expected, "{id}");
            compared += 1;
        }
        if let (Some(expected), Some(file)) = (text(case, "pae_hex"), text(case, "envelope")) {
            let envelope: Value = serde_json::from_slice(&fs::read(folder.join(file)).unwrap()).unwrap();
            let payload = STANDARD.decode(text(&envelope, "payload").unwrap()).unwrap();
            assert_eq!(hex(&pae(text(&envelope, "payloadType").unwrap(), &payload)), expected, "{id}");
            compared += 1;
        }
    }
    assert_eq!(compared, 4);
}

#[cfg(feature = "verify")]
#[test]
fn envelopes_in_no_bundle_are_read_as_expected() {
    use countersign::bundle::{Bundle, Envelope};
    let Some((folder, cases)) = corpus("dsse") else { return };
    let mut read = 0;
    for case in &cases {
        let (Some(expected), Some(file)) = (text(case, "expect_parse"), text(case, "envelope")) else { continue };
        let (id, envelope) = (text(case, "id").unwrap(), fs::read(folder.join(file)).unwrap());
        assert_eq!(Envelope::parse(&envelope).is_ok(), expected == "pass", "{id}");
        // A link of in-toto 0.9 is an envelope, and no statement.
        let is_evidence = expected == "pass" && id != "itg/clone-dsse.776a00e2.link";
        assert_eq!(Bundle::parse(&envelope).is_ok(), is_evidence, "{id}: {:?}", Bundle::parse(&envelope).err());
        read += 1;
    }
    assert_eq!(read, 3);
}
