//! Timestamps, log proofs and checkpoints that others publish with a verdict, where the collections are at hand.
//! They go the way that evidence goes: through our check of the form, and through what sigstore-verify calls.
#![expect(clippy::disallowed_methods, reason = "the vectors lie in files, and their form is known")]

use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sigstore_crypto::{Checkpoint, SigningScheme, VerificationKey};
use sigstore_merkle::tree::{hash_children, hash_leaf};
use sigstore_merkle::{verify_consistency_proof, verify_inclusion_proof};
use sigstore_tsa::verify_timestamp_for_authority;
use sigstore_types::{DerPublicKey, Sha256Hash, SignatureBytes, TimestampToken};

use super::{TrustRoot, checkpoint, timestamp};

/// Returns a collection's folder and its cases, or says that it isn't here.
fn collection(name: &str) -> Option<(PathBuf, Vec<Value>)> {
    let all = PathBuf::from(std::env::var_os("COUNTERSIGN_CORPORA").unwrap_or_default());
    let folder = all.join(name);
    let Ok(expected) = fs::read(folder.join("expected.json")) else {
        println!("SKIPPED corpora {name}: not here");
        return None;
    };
    let expected: Value = serde_json::from_slice(&expected).unwrap();
    Some((folder, expected["cases"].as_array().unwrap().clone()))
}

fn passes(case: &Value) -> bool {
    match case["expect"].as_str() {
        Some("pass") => true,
        Some("fail") => false,
        other => panic!("{other:?} is no verdict"),
    }
}

/// Makes a trust root of one timestamp authority, whose chain begins with the certificate that signs.
fn authority(chain: &str) -> TrustRoot {
    let mut certificates = Vec::new();
    for block in chain.split("-----BEGIN CERTIFICATE-----").skip(1) {
        let body: String = block.split("-----END").next().unwrap().split_ascii_whitespace().collect();
        certificates.push(json!({ "rawBytes": body }));
    }
    let authority = json!({ "certChain": { "certificates": certificates }, "validFor": { "start": "1970-01-01T00:00:00Z" } });
    let root = json!({
        "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
        "timestampAuthorities": [authority],
    });
    TrustRoot::parse(root.to_string().as_bytes()).unwrap()
}

/// Returns what our check of the form says of the token, and what sigstore-tsa says.
fn verdicts(token: &[u8], message: &[u8], root: &TrustRoot) -> [bool; 2] {
    let [authority] = &*root.prepared.root.tsa_authorities() else { panic!("not one authority") };
    let (stamp, signature) = (TimestampToken::from_bytes(token), SignatureBytes::from_bytes(message));
    [timestamp::check(token, &root.prepared.root).is_ok(), verify_timestamp_for_authority(&stamp, &signature, authority).is_ok()]
}

#[test]
fn timestamps_are_judged_as_expected() {
    let Some((folder, cases)) = collection("rfc3161") else { return };
    let read = |case: &Value, name: &str| fs::read(folder.join(case[name].as_str().unwrap())).unwrap();
    let roots: Vec<_> = cases.iter().map(|case| authority(std::str::from_utf8(&read(case, "chain")).unwrap())).collect();
    let mut judged = [0, 0];
    for (case, root) in cases.iter().zip(&roots) {
        let (token, message) = (read(case, "response"), case["data"].as_str().unwrap().as_bytes());
        // What is wrong with the bad ones is the signature and what was stamped, which the form doesn't show.
        assert_eq!(verdicts(&token, message, root), [true, passes(case)], "{case}");
        for other in roots.iter().filter(|other| other.digest != root.digest) {
            assert!(!verdicts(&token, message, other)[1], "by another authority: {case}");
        }
        judged[usize::from(!passes(case))] += 1;
    }
    assert_eq!(judged, [3, 2]);
}

/// Returns a hash; a few of the bad cases hold something else, which is refused where it's read.
fn hash(value: &Value) -> Option<Sha256Hash> {
    Sha256Hash::try_from(STANDARD.decode(value.as_str().unwrap_or_default()).unwrap().as_slice()).ok()
}

fn proves(probe: &Value) -> bool {
    let proof: Option<Vec<_>> = probe["proof"].as_array().into_iter().flatten().map(hash).collect();
    let (number, hash) = (|name: &str| probe[name].as_u64().unwrap(), |name: &str| hash(&probe[name]));
    let Some(proof) = proof else { return false };
    if probe.get("leafHash").is_some() {
        let (Some(leaf), Some(root)) = (hash("leafHash"), hash("root")) else { return false };
        return verify_inclusion_proof(&leaf, number("leafIdx"), number("treeSize"), &proof, &root).is_ok();
    }
    let (Some(old), Some(new)) = (hash("root1"), hash("root2")) else { return false };
    verify_consistency_proof(number("size1"), number("size2"), &proof, &old, &new).is_ok()
}

#[test]
fn proofs_of_inclusion_and_consistency_are_judged_as_expected() {
    let Some((folder, cases)) = collection("merkle-tlog") else { return };
    let mut judged = [0, 0];
    for case in cases.iter().filter(|case| case["type"] != "checkpoint") {
        let probe: Value = serde_json::from_slice(&fs::read(folder.join(case["file"].as_str().unwrap())).unwrap()).unwrap();
        assert_eq!(proves(&probe), passes(case), "{case}");
        judged[usize::from(!passes(case))] += 1;
    }
    assert_eq!(judged, [4, 49]);
}

/// The root of a tree over these leaves (RFC 6962 §2.1).
fn tree(leaves: &[Value]) -> Sha256Hash {
    match leaves {
        [leaf] => hash_leaf(leaf.as_str().unwrap().as_bytes()),
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            hash_children(&tree(left), &tree(right))
        }
    }
}

#[test]
fn checkpoints_are_of_the_tree_and_by_the_key_that_they_say() {
    let Some((folder, cases)) = collection("merkle-tlog") else { return };
    let mut signatures = Vec::new();
    for case in cases.iter().filter(|case| case["type"] == "checkpoint") {
        assert!(passes(case), "{case}");
        let note = fs::read_to_string(folder.join(case["file"].as_str().unwrap())).unwrap();
        assert_eq!(checkpoint::check(&note), Ok(()), "{case}");
        let checkpoint = Checkpoint::from_text(&note).unwrap();
        let leaves = case["leaves"].as_array().unwrap();
        assert_eq!((Some(checkpoint.tree_size()), *checkpoint.root_hash()), (case["size"].as_u64(), tree(leaves)), "{case}");
        // `NAME+HINT+KEY`, where a key begins with its kind: 1 is Ed25519 (C2SP signed-note).
        let key = STANDARD.decode(case["vkey"].as_str().unwrap().splitn(3, '+').nth(2).unwrap()).unwrap();
        let key = DerPublicKey::new([ED25519_SPKI, key.strip_prefix(&[1]).unwrap()].concat());
        let key = VerificationKey::from_spki_with_scheme(&key, SigningScheme::Ed25519).unwrap();
        let [signature] = checkpoint.signatures() else { panic!("not one signature: {case}") };
        signatures.push((key, checkpoint.signed_data().to_vec(), signature.signature.clone()));
    }
    for (at, (key, signed, _)) in signatures.iter().enumerate() {
        for (by, (_, _, signature)) in signatures.iter().enumerate() {
            assert_eq!(key.verify(signed, signature).is_ok(), at == by, "the text of {at}, the signature of {by}");
        }
    }
    assert_eq!(signatures.len(), 2);
}

/// What stands before the 32 bytes of a key in its SPKI (RFC 8410 §4).
const ED25519_SPKI: &[u8] = b"\x30\x2A\x30\x05\x06\x03\x2B\x65\x70\x03\x21\x00";
