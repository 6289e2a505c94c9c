//! The raw check and what follows it, on any bytes in the place of a good build: nothing panics, and nothing is allowed
//! but the very statement that was signed. The other evidence of the case stays good.
#![no_main]

use std::sync::LazyLock;

use countersign::bundle::{Envelope, Bundle, MessageBundle};
use countersign::digest::Digest;
use countersign::inquiry::{Found, Inquiry, Question, Wanted};
use countersign::policy::Policy;
use countersign::trust::Trust;

macro_rules! case {
    ($name:literal) => {
        include_bytes!(concat!("../../../../testdata/cases/allow-whole-walk/", $name))
    };
}

static POLICY: LazyLock<Policy> = LazyLock::new(|| Policy::parse(case!("policy.yaml")).expect("a policy"));
static BUILD: LazyLock<Bundle> = LazyLock::new(|| Bundle::parse(case!("build.sigstore.json")).expect("a bundle"));
const ARTIFACT: &[u8] = case!("demo.tar");
const OTHERS: [&[u8]; 2] = [case!("agent-run.sigstore.json"), case!("sbom.sigstore.json")];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let at = "2025-12-15T00:00:00Z".parse().expect("a time");
    let question = Question::new(Digest::sha256(ARTIFACT), "demo.tar", at).expect("a question").environment("staging");
    let trust = Trust::keys_only();
    let mut inquiry = Inquiry::about(question, &trust, &POLICY).expect("an inquiry");
    while let Some(wanted) = inquiry.next() {
        let found = match wanted {
            Wanted::Bundles { .. } => Found::These(OTHERS.iter().chain([&bytes]).map(|bytes| bytes.to_vec()).collect()),
            _ => Found::Nothing,
        };
        inquiry.supply(&wanted, found);
    }
    // What signs an artifact itself, or is an envelope of something else, is never evidence.
    if MessageBundle::parse(bytes).is_ok() {
        assert!(Bundle::parse(bytes).is_err());
    }
    let _ = Envelope::parse(bytes);
    if inquiry.decide().is_allowed() {
        let this = Bundle::parse(bytes).expect("what is allowed can be read");
        assert_eq!(this.unverified_payload(), BUILD.unverified_payload());
    }
});
