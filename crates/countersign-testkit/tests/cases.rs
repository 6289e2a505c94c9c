//! Runs every case by the Rust library, and holds what must be true of all of them.

#![expect(clippy::unwrap_used, reason = "a test's own reading of files")]

use std::collections::BTreeSet;
use std::path::PathBuf;

use countersign::decision::Answer;
use countersign::reason::Reason;
use countersign_testkit::case::{self, Case};
use proptest::prelude::*;

fn testdata() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata")
}

fn bundles(case: &Case) -> Vec<&[u8]> {
    case.bundles.iter().map(|(_, bytes)| bytes.as_slice()).collect()
}

#[test]
fn every_case_is_decided_as_it_says() {
    let cases = case::load_all(&testdata());
    assert!(cases.len() >= 30, "{} cases", cases.len());
    for case in &cases {
        match (case.decide(&bundles(case)), &case.decision) {
            (Ok(decision), Some(expected)) => {
                let found = String::from_utf8(decision.to_json()).unwrap() + "\n";
                assert_eq!(found, String::from_utf8_lossy(expected), "{}", case.name());
                assert_eq!(case.expect.get("decision").and_then(|d| d.as_str()), Some(decision.decision.name()), "{}", case.name());
            }
            (Err(code), None) => assert_eq!(case.expect.get("error").and_then(|e| e.as_str()), Some(code), "{}", case.name()),
            (found, _) => panic!("{}: {:?}", case.name(), found.map(|decision| decision.decision)),
        }
        let (outcome, _) = case.name().split_once('-').unwrap();
        let expected = case.expect.get("decision").and_then(|d| d.as_str()).unwrap_or("error");
        assert_eq!(outcome, expected, "{}: the name promises another outcome", case.name());
    }
}

#[test]
fn every_reason_has_a_case() {
    let shown: BTreeSet<String> = case::load_all(&testdata())
        .iter()
        .filter_map(|case| case.decision.as_ref())
        .flat_map(|decision| {
            let text = String::from_utf8(decision.clone()).unwrap();
            text.split("\"code\":\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect::<Vec<_>>()
        })
        .collect();
    let missing: Vec<_> = Reason::ALL.iter().map(|reason| reason.code()).filter(|code| !shown.contains(*code)).collect();
    assert_eq!(missing, Vec::<&str>::new(), "reasons without a case");
}

/// More evidence can only help, and less can never allow what more doesn't; `evidence-limit` is exempt by design.
#[test]
fn no_subset_of_a_cases_bundles_allows_where_the_whole_does_not() {
    for case in case::load_all(&testdata()) {
        let all = bundles(&case);
        let Ok(whole) = case.decide(&all) else { continue };
        let limited = whole.requirements.iter().flat_map(|r| &r.reasons).any(|reason| reason.code == Reason::EvidenceLimit);
        if whole.decision == Answer::Allow || limited {
            continue;
        }
        assert!(all.len() <= 8, "{}", case.name());
        for chosen in 0_u32..1 << all.len() {
            let subset: Vec<_> = all.iter().enumerate().filter(|(index, _)| chosen & (1 << index) != 0).map(|(_, bytes)| *bytes).collect();
            let decision = case.decide(&subset).unwrap().decision;
            assert_ne!(decision, Answer::Allow, "{}: a subset allows", case.name());
        }
    }
}

/// Adding the evidence of another case to an allowing one never takes the allowance away.
#[test]
fn evidence_beside_the_good_never_blocks_it() {
    let cases = case::load_all(&testdata());
    let good = cases.iter().find(|case| case.name() == "allow-whole-walk").unwrap();
    for other in &cases {
        let both: Vec<_> = bundles(good).into_iter().chain(bundles(other)).collect();
        assert_eq!(good.decide(&both).unwrap().decision, Answer::Allow, "{}", other.name());
    }
}

#[test]
fn making_the_test_data_again_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    countersign_testkit::write_all(folder.path());
    for part in ["cases", "golden"] {
        assert_eq!(contents(&folder.path().join(part)), contents(&testdata().join(part)), "{part}: run `cargo xtask testdata`");
    }
}

fn contents(folder: &std::path::Path) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).unwrap().map(Result::unwrap) {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                let bytes = std::fs::read(entry.path()).unwrap();
                files.push((entry.path().strip_prefix(folder).unwrap().to_owned(), String::from_utf8(bytes).unwrap()));
            }
        }
    }
    files.sort();
    files
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_order_of_evidence_never_changes_a_decision(seed in any::<u64>()) {
        for case in case::load_all(&testdata()) {
            let mut order = bundles(&case);
            // Every other handing-over repeats a bundle: doubles change nothing either.
            if let Some(first) = order.first().copied().filter(|_| seed % 2 == 0) {
                order.push(first);
            }
            let mut state = seed;
            for index in (1..order.len()).rev() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                order.swap(index, (state >> 33) as usize % (index + 1));
            }
            if let (Ok(decision), Some(expected)) = (case.decide(&order), &case.decision) {
                prop_assert_eq!(decision.to_json(), &expected[..expected.len() - 1], "{}", case.name());
            }
        }
    }
}
