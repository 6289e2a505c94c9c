//! Trust roots of any bytes, and bundles under a root that can be read: nothing panics, and what doubles a key is refused.
#![no_main]

use std::sync::LazyLock;

use countersign::bundle::Bundle;
use countersign::trust::TrustRoot;
use countersign::verify;

const ROOT: &[u8] = include_bytes!("../../../../testdata/cases/allow-certificate-rekor-v2/trusted_root.json");
const BUILD: &[u8] = include_bytes!("../../../../testdata/cases/allow-certificate-rekor-v2/build.sigstore.json");

static GOOD: LazyLock<(Bundle, TrustRoot)> =
    LazyLock::new(|| (Bundle::parse(BUILD).expect("a bundle"), TrustRoot::parse(ROOT).expect("a trust root")));

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let at = "2025-12-15T00:00:00Z".parse().expect("a time");
    let (good, root) = &*GOOD;
    // As a trust root under which a good bundle is verified,
    if let Ok(root) = TrustRoot::parse(bytes) {
        serde_json::from_slice::<serde_json::Value>(bytes).expect("what we read, others can read");
        let _ = verify::with_certificate(good, &root, at);
        assert!(!root.authorities().is_empty());
    }
    // and as a bundle under a good trust root: only the good statement is verified.
    if let Ok(bundle) = Bundle::parse(bytes)
        && let Ok(verified) = verify::with_certificate(&bundle, root, at)
    {
        assert_eq!(verified.value(), good.unverified_statement());
    }
});
