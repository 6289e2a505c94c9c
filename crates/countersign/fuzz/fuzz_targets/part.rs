//! A good bundle with a certificate, in which any bytes stand for the certificate, the log's entry, the log's checkpoint or
//! the timestamp: nothing panics, and only a bundle that says the same is allowed. The first byte of the input says which.
#![no_main]

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::bundle::Bundle;
use countersign::digest::Digest;
use countersign::inquiry::{Found, Inquiry, Question};
use countersign::json::Json;
use countersign::policy::Policy;
use countersign::trust::{Trust, TrustRoot};

macro_rules! case {
    ($name:literal) => {
        include_bytes!(concat!("../../../../testdata/cases/allow-certificate-rekor-v2/", $name))
    };
}

/// The parts of the bundle, as they stand in its JSON: all but the checkpoint are base64.
const PARTS: [&str; 4] = [
    "/verificationMaterial/certificate/rawBytes",
    "/verificationMaterial/tlogEntries/0/canonicalizedBody",
    "/verificationMaterial/tlogEntries/0/inclusionProof/checkpoint/envelope",
    "/verificationMaterial/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp",
];

struct Good {
    text: &'static str,
    parts: [String; 4],
    policy: Policy,
    trust: Trust,
}

impl Good {
    fn allows(&self, bundle: &[u8]) -> bool {
        let at = "2025-12-15T00:00:00Z".parse().expect("a time");
        let question = Question::new(Digest::sha256(case!("demo.tar")), "demo.tar", at).expect("a question").environment("build");
        let mut inquiry = Inquiry::about(question, &self.trust, &self.policy).expect("an inquiry");
        while let Some(wanted) = inquiry.next() {
            inquiry.supply(&wanted, Found::These(vec![bundle.to_vec()]));
        }
        inquiry.decide().is_allowed()
    }
}

static GOOD: LazyLock<Good> = LazyLock::new(|| {
    let text = std::str::from_utf8(case!("build.sigstore.json")).expect("text");
    let json = Json::parse(text.as_bytes()).expect("JSON");
    let part = |place| String::from_utf8(json.pointer(place).expect(place).canonical()).expect("text");
    let good = Good {
        text,
        parts: PARTS.map(part),
        policy: Policy::parse(case!("policy.yaml")).expect("a policy"),
        trust: Trust::keys_only().with(TrustRoot::parse(case!("trusted_root.json")).expect("a trust root")),
    };
    assert!(good.allows(text.as_bytes()));
    assert!(good.parts.iter().all(|part| text.matches(part.as_str()).count() == 1));
    good
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((which, bytes)) = input.split_first() else { return };
    let which = usize::from(*which) % PARTS.len();
    let part = match (PARTS[which].ends_with("envelope"), std::str::from_utf8(bytes)) {
        (true, Ok(text)) => Json::from(text),
        (true, Err(_)) => return,
        (false, _) => Json::from(STANDARD.encode(bytes)),
    };
    let part = String::from_utf8(part.canonical()).expect("text");
    let bundle = GOOD.text.replacen(&GOOD.parts[which], &part, 1);
    if GOOD.allows(bundle.as_bytes()) {
        let this = Bundle::parse(bundle.as_bytes()).expect("what is allowed can be read");
        assert_eq!(this.unverified_payload(), Bundle::parse(GOOD.text.as_bytes()).expect("a bundle").unverified_payload());
        // The first two are signed whole. A checkpoint may have others' signatures below its log's, and a timestamp's own
        // signature may be written in the other way that ECDSA has.
        assert!(part == GOOD.parts[which] || which >= 2, "another {} is allowed", PARTS[which]);
    }
});
