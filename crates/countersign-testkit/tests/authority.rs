//! Shows that what the authority makes is good in the eyes of Sigstore's own verifier, and the same each time.
//! What our own verifier makes of it, and of what is broken, is in `tests/trusted.rs`.

#![expect(clippy::unwrap_used, reason = "a test's own making of bundles")]

use countersign::digest::Digest;
use countersign::json::Json;
use countersign::statement::{ResourceDescriptor, Statement};
use countersign_sign::{KeyType, LocalKey};
use countersign_testkit::authority::{Authority, Draft, Identity, Version, Witness};
use sigstore_trust_root::TrustedRoot;
use sigstore_verify::types::{Bundle, DerPublicKey, Sha256Hash};
use sigstore_verify::{Policy, PublicKeyVerificationPolicy, VerificationPolicy, VerificationResult, Verifier};

#[test]
fn a_keyless_bundle_with_any_witness_verifies() {
    let authority = Authority::new();
    for witness in Witness::ALL {
        for identity in [workflow(), Identity::person("maintainer@example.test")] {
            let draft = authority.keyless(&identity, &payload(), witness, at());
            let result = verify(&draft, &keyless(witness)).unwrap_or_else(|error| panic!("{witness:?}: {error}"));
            assert_eq!(result.issuer(), Some(identity.issuer.as_str()));
            assert!(result.certificate_verified() && result.sct_verified(), "{witness:?}");
            assert_times(&result, witness);
        }
    }
}

#[test]
fn a_bundle_of_a_known_key_with_any_witness_verifies() {
    let authority = Authority::new();
    for key_type in [KeyType::P256, KeyType::Ed25519] {
        let key = LocalKey::dangerous_from_secret(key_type, &[1; 32]).unwrap();
        for witness in Witness::ALL {
            let v2 = matches!(witness, Witness::RekorV2AndTimestamp | Witness::FirstOfRekorV2AndTimestamp);
            if v2 && key_type == KeyType::Ed25519 {
                continue; // Rekor v2 takes P-256 keys only, as this authority has it.
            }
            let policy = PublicKeyVerificationPolicy::new(DerPublicKey::new(key.public_key_der()));
            let policy = if witness == Witness::Timestamp { policy.skip_tlog_unsafe() } else { policy };
            let draft = authority.managed(&key, &payload(), witness, at());
            assert_times(&verify(&draft, &policy).unwrap_or_else(|error| panic!("{witness:?}: {error}")), witness);
        }
    }
}

#[test]
fn the_older_forms_of_a_bundle_verify() {
    let authority = Authority::new();
    let v02 = authority.keyless(&workflow(), &payload(), Witness::RekorV1, at()).version(Version::V02);
    verify(&v02, &keyless(Witness::RekorV1)).unwrap();
    let mut v01 = v02.version(Version::V01);
    v01.entries[0].proof = None;
    verify(&v01, &keyless(Witness::RekorV1)).unwrap();
}

#[test]
fn the_claims_of_a_workflow_are_read_back() {
    let draft = Authority::new().keyless(&workflow(), &payload(), Witness::RekorV1, at());
    let result = verify(&draft, &keyless(Witness::RekorV1)).unwrap();
    let claims = &result.certificate().unwrap().ci_claims;
    assert_eq!(claims.source_repository_uri.as_deref(), Some("https://example.test/org/demo"));
    assert_eq!(claims.build_trigger.as_deref(), Some("push"));
    assert_eq!(claims.token_subject.as_deref(), Some("repo:demo:ref:refs/heads/main"));
}

#[test]
fn a_tree_of_one_entry_has_neither_index_nor_hashes() {
    let draft = Authority::new().keyless(&workflow(), &payload(), Witness::FirstOfRekorV2AndTimestamp, at());
    let entry = draft.json().pointer("/verificationMaterial/tlogEntries/0").cloned().unwrap();
    assert_eq!(
        (entry.get("logIndex"), entry.pointer("/inclusionProof/logIndex"), entry.pointer("/inclusionProof/hashes")),
        (None, None, None)
    );
}

#[test]
fn everything_is_the_same_each_time() {
    for witness in Witness::ALL {
        let make = || Authority::new().keyless(&workflow(), &payload(), witness, at()).bytes();
        assert_eq!(make(), make());
    }
    assert_eq!(Authority::new().trusted_root(), Authority::new().trusted_root());
}

#[test]
fn nothing_of_another_authority_verifies() {
    for witness in Witness::ALL {
        let draft = Authority::another().keyless(&workflow(), &payload(), witness, at());
        assert!(verify(&draft, &keyless(witness)).is_err(), "{witness:?}");
    }
}

fn verify(draft: &Draft, policy: &impl Policy) -> Result<VerificationResult, sigstore_verify::Error> {
    let root = TrustedRoot::from_json(&String::from_utf8(Authority::new().trusted_root()).unwrap()).unwrap();
    let bundle = Bundle::from_json(&String::from_utf8(draft.bytes()).unwrap()).unwrap();
    let artifact = Sha256Hash::from_hex(Digest::sha256(ARTIFACT).hex()).unwrap();
    Verifier::new(&root)?.verify(artifact, &bundle, policy)
}

fn keyless(witness: Witness) -> VerificationPolicy {
    let policy = VerificationPolicy::any_identity();
    if witness == Witness::Timestamp { policy.skip_tlog_unsafe() } else { policy }
}

fn assert_times(result: &VerificationResult, witness: Witness) {
    let times = if witness == Witness::RekorV1AndTimestamp { 2 } else { 1 };
    let found: Vec<_> = result.verified_timestamps().iter().map(|time| time.as_second()).collect();
    assert_eq!(found, vec![at().unix_seconds(); times], "{witness:?}");
}

fn workflow() -> Identity {
    Identity::workflow(
        "https://example.test/org/demo",
        ".pipeline/build.yml",
        "refs/heads/main",
        "ba5eba5eba5eba5eba5eba5eba5eba5eba5eba5e",
    )
}

fn payload() -> Vec<u8> {
    let predicate = Json::parse(b"{}").unwrap();
    Statement::new(vec![ResourceDescriptor::new("demo.tar", Digest::sha256(ARTIFACT))], "https://example.test/p/v1", predicate)
        .unwrap()
        .to_bytes()
}

fn at() -> countersign::time::Time {
    "2025-12-01T12:00:30Z".parse().unwrap()
}

const ARTIFACT: &[u8] = b"the bytes of demo.tar\n";
