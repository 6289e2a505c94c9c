//! Shows that what the authority makes is good in the eyes of Sigstore's own verifier, and the same each time.
//! What our own verifier makes of it is in `tests/faults.rs`.

#![expect(clippy::unwrap_used, reason = "a test's own making of bundles")]

use countersign_testkit::authority::{Authority, Draft, Identity, Witness};
use countersign_testkit::World;
use sigstore_trust_root::TrustedRoot;
use sigstore_verify::types::{Bundle, Sha256Hash};
use sigstore_verify::{VerificationPolicy, VerificationResult, Verifier};

fn verify(draft: &Draft) -> Result<VerificationResult, sigstore_verify::Error> {
    let root = TrustedRoot::from_json(std::str::from_utf8(&Authority::new().trusted_root()).unwrap()).unwrap();
    let bundle = Bundle::from_json(std::str::from_utf8(&draft.bytes()).unwrap()).unwrap();
    Verifier::new(&root)?.verify(artifact(), &bundle, &VerificationPolicy::any_identity())
}

fn artifact() -> Sha256Hash {
    Sha256Hash::new(<[u8; 32]>::from(<sha2::Sha256 as sha2::Digest>::digest(b"the bytes")))
}

fn payload() -> Vec<u8> {
    br#"{"_type":"https://in-toto.io/Statement/v1","predicate":{},"predicateType":"https://example.test/p/v1","subject":[{"digest":{"sha256":"SHA"}}]}"#.to_vec()
}

#[test]
fn keyless() {
    let identity = Identity::workflow("https://example.test/org/demo", ".pipeline/build.yml", "refs/heads/main", "00");
    let at = "2025-12-01T12:00:30Z".parse().unwrap();
    let payload = String::from_utf8(payload()).unwrap().replace("SHA", &artifact().to_hex());
    let draft = Authority::new().keyless(&identity, payload.as_bytes(), Witness::RekorV1, at);
    println!("{:#?}", verify(&draft).map_err(|e| { let mut s = e.to_string(); let mut e: &dyn std::error::Error = &e; while let Some(x) = e.source() { s += &format!(" / {x}"); e = x; } s }).unwrap());
}
