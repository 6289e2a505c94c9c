//! A good bundle with a certificate, with up to eight bytes of it replaced: nothing panics, and whatever is still verified
//! is the same statement, by the same identity, at the same times. Which places nobody signs is tested in the testkit.
//! The input is a list of edits: two bytes say where, the third what stands there afterwards.
#![no_main]

use countersign::bundle::Bundle;
use countersign::trust::TrustRoot;
use countersign::verify;

macro_rules! case {
    ($folder:literal) => {
        (
            include_bytes!(concat!("../../../../testdata/cases/", $folder, "/trusted_root.json")),
            include_bytes!(concat!("../../../../testdata/cases/", $folder, "/build.sigstore.json")),
        )
    };
}

const CASES: [(&[u8], &[u8]); 3] = {
    let (one, other, third) =
        (case!("allow-certificate-rekor-v1"), case!("allow-certificate-rekor-v2"), case!("allow-certificate-intoto-entry"));
    [(one.0, one.1), (other.0, other.1), (third.0, third.1)]
};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((which, edits)) = input.split_first() else { return };
    let (root, good) = CASES[usize::from(*which) % CASES.len()];
    let mut bytes = good.to_vec();
    for edit in edits.chunks_exact(3).take(8) {
        let place = usize::from(u16::from_be_bytes([edit[0], edit[1]])) % bytes.len();
        bytes[place] = edit[2];
    }
    let at = "2025-12-15T00:00:00Z".parse().expect("a time");
    let root = TrustRoot::parse(root).expect("a trust root");
    let good = Bundle::parse(good).and_then(|good| Ok(verify::with_certificate(&good, &root, at))).expect("a bundle").expect("verified");
    let Ok(bundle) = Bundle::parse(&bytes) else { return };
    let Ok(verified) = verify::with_certificate(&bundle, &root, at) else { return };
    assert_eq!((verified.value(), verified.signature(), verified.witnessed()), (good.value(), good.signature(), good.witnessed()));
});
