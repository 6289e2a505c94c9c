//! What things cost, each beside the floor that it can't go under, measured in the same run.
//! `cargo xtask bench` runs it and prints the ratios; an absolute time says nothing of another machine.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "what can't be set up can't be measured, and a bench has no users"
)]

use std::fs;
use std::hint::black_box;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::bundle::Bundle;
use countersign::digest::{Algorithm, Digest};
use countersign::inquiry::{Found, Inquiry, Question};
use countersign::json::{Json, Object};
use countersign::policy::Policy;
use countersign::predicate::SPDX;
use countersign::seal::{Salt, Sealer};
use countersign::statement::{ResourceDescriptor, Statement};
use countersign::trust::{Trust, TrustRoot};
use countersign::verify;
use countersign_capture::artifact;
use countersign_sign::{KeyType, LocalKey, attest};
use countersign_store::{DirStore, Store as _, answer};
use countersign_testkit::case::{self, Case};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use sha2::Digest as _;

fn case(name: &str) -> Case {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata");
    case::load_all(&testdata).into_iter().find(|case| case.name() == name).unwrap()
}

fn good() -> Case {
    case("allow-whole-walk")
}

fn bundle(case: &Case, name: &str) -> Vec<u8> {
    case.bundles.iter().find(|(file, _)| file == &format!("{name}.sigstore.json")).unwrap().1.clone()
}

fn statements(criterion: &mut Criterion) {
    let payload = Bundle::parse(&bundle(&good(), "agent-run")).unwrap().unverified_payload().to_vec();
    let mut group = criterion.benchmark_group("statement");
    group.bench_function("serde_json", |b| {
        b.iter(|| serde_json::to_vec(&serde_json::from_slice::<serde_json::Value>(black_box(&payload)).unwrap()).unwrap());
    });
    group.bench_function("ours", |b| b.iter(|| Statement::parse(black_box(&payload)).unwrap().to_bytes()));
}

fn sealing(criterion: &mut Criterion) {
    let line = [b'x'; 2_000];
    let transcript = line.repeat(5_000);
    let mut group = criterion.benchmark_group("seal-10-MB");
    group.bench_function("sha256", |b| b.iter(|| sha2::Sha256::digest(black_box(&transcript))));
    group.bench_function("ours", |b| {
        b.iter(|| {
            let mut sealer = Sealer::new([1; 16]);
            transcript.chunks(line.len()).for_each(|line| sealer.leaf(&Salt::new([2; 32]), "user", black_box(line)));
            sealer.finish().unwrap()
        });
    });
}

fn hashing(criterion: &mut Criterion) {
    let mebibyte = vec![7; 1 << 20];
    let mut group = criterion.benchmark_group("hash-1-GiB");
    group.sample_size(10).warm_up_time(Duration::from_secs(1));
    group.bench_function("sha256", |b| {
        b.iter(|| {
            let mut hash = sha2::Sha256::new();
            (0..1024).for_each(|_| hash.update(black_box(&mebibyte)));
            hash.finalize()
        });
    });
    group.bench_function("ours", |b| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        (0..1024).for_each(|_| file.write_all(&mebibyte).unwrap());
        b.iter(|| artifact::hash(file.path(), [Algorithm::Sha256], &mut |_| {}).unwrap());
    });
}

fn key_verification(criterion: &mut Criterion) {
    let bytes = bundle(&good(), "build");
    let key = LocalKey::dangerous_from_secret(KeyType::P256, &[1; 32]).unwrap();
    let key = countersign::identity::PublicKey::from_der(&key.public_key_der()).unwrap();
    let bundle = Bundle::parse(&bytes).unwrap();
    let signed = countersign::envelope::pae(countersign::statement::PAYLOAD_TYPE, bundle.unverified_payload());
    let spki = sigstore_types::DerPublicKey::new(key.der().to_vec());
    let raw = sigstore_crypto::VerificationKey::from_spki(&spki).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let signature = sigstore_types::SignatureBytes::from_base64(json["dsseEnvelope"]["signatures"][0]["sig"].as_str().unwrap()).unwrap();
    let mut group = criterion.benchmark_group("verify-key");
    group.bench_function("signature", |b| b.iter(|| raw.verify(black_box(&signed), &signature).unwrap()));
    group.bench_function("ours", |b| b.iter(|| verify::with_key(black_box(&bundle), &key).unwrap()));
    group.finish();
    let mut group = criterion.benchmark_group("read-bundle");
    group.bench_function("serde_json", |b| {
        b.iter(|| {
            let bundle: serde_json::Value = serde_json::from_slice(black_box(&bytes)).unwrap();
            let payload = STANDARD.decode(bundle["dsseEnvelope"]["payload"].as_str().unwrap()).unwrap();
            serde_json::from_slice::<serde_json::Value>(&payload).unwrap()
        });
    });
    group.bench_function("ours", |b| b.iter(|| Bundle::parse(black_box(&bytes)).unwrap()));
}

fn sigstore_root(root: &[u8]) -> sigstore_trust_root::TrustedRoot {
    sigstore_trust_root::TrustedRoot::from_json(std::str::from_utf8(root).unwrap()).unwrap()
}

/// How many signatures of each kind a certificate's bundle rests on: the statement's, those of the certificate and of its
/// issuer's, the certificate log's promise, and what the witnesses sign.
struct Floor {
    case: &'static str,
    group: &'static str,
    /// With Rekor v1 its promise and its checkpoint; with a timestamp its own and those of both of its certificates.
    p256: usize,
    /// With Rekor v2 its checkpoint.
    ed25519: usize,
}

fn certificate_verification(criterion: &mut Criterion) {
    let signed = |key_type| {
        let key = LocalKey::dangerous_from_secret(key_type, &[1; 32]).unwrap();
        let message = [7; 400];
        let spki = sigstore_types::DerPublicKey::new(key.public_key_der());
        (sigstore_crypto::VerificationKey::from_spki(&spki).unwrap(), key.sign(&message).unwrap(), message)
    };
    let (p256, ed25519) = (signed(KeyType::P256), signed(KeyType::Ed25519));
    for floor in [
        Floor { case: "allow-certificate-rekor-v1", group: "verify-certificate-rekor-v1", p256: 6, ed25519: 0 },
        Floor { case: "allow-certificate-rekor-v2", group: "verify-certificate-rekor-v2", p256: 7, ed25519: 1 },
    ] {
        let case = case(floor.case);
        let (bytes, root) = (bundle(&case, "build"), &case.trust[0].1);
        let artifact = fs::read(case.folder.join(&case.target)).unwrap();
        let trust = TrustRoot::parse(root).unwrap();
        let at = case.at.parse().unwrap();
        let mut group = criterion.benchmark_group(floor.group);
        group.bench_function("signatures", |b| {
            b.iter(|| {
                for ((key, signature, message), count) in [(&p256, floor.p256), (&ed25519, floor.ed25519)] {
                    let signature = sigstore_types::SignatureBytes::from_bytes(signature);
                    (0..count).for_each(|_| key.verify(black_box(message), &signature).unwrap());
                }
            });
        });
        let theirs = sigstore_types::Bundle::from_json(std::str::from_utf8(&bytes).unwrap()).unwrap();
        let verifier = sigstore_verify::Verifier::new(&sigstore_root(root)).unwrap();
        let policy = sigstore_verify::VerificationPolicy::any_identity();
        group.bench_function("sigstore-verify", |b| b.iter(|| verifier.verify(&artifact[..], black_box(&theirs), &policy).unwrap()));
        let read = Bundle::parse(&bytes).unwrap();
        group.bench_function("ours", |b| b.iter(|| verify::with_certificate(black_box(&read), &trust, at).unwrap()));
    }
}

fn decisions(criterion: &mut Criterion) {
    let good = good();
    let policy = Policy::parse(&good.policy).unwrap();
    let artifact = Digest::sha256(&fs::read(good.folder.join(&good.target)).unwrap());
    let trust = Trust::keys_only();
    let key = LocalKey::dangerous_from_secret(KeyType::P256, &[1; 32]).unwrap();
    let mut group = criterion.benchmark_group("decide");
    let folder = tempfile::tempdir().unwrap();
    let store = DirStore::create(folder.path().join("store")).unwrap();
    let mut kept = 0;
    for (_, bytes) in &good.bundles {
        store.put(&Bundle::parse(bytes).unwrap()).unwrap();
        kept += 1;
    }
    for size in [10, 1_000, 10_000] {
        group.bench_function(format!("{size}"), |b| {
            while kept < size {
                let other = ResourceDescriptor::new("other.tar", Digest::sha256(format!("artifact {kept}").as_bytes()));
                let statement = Statement::new(vec![other], SPDX, Json::Object(Object::new())).unwrap();
                store.put(&attest(&statement, &key).unwrap()).unwrap();
                kept += 1;
            }
            b.iter_batched(
                || Question::new(artifact.clone(), good.resource.as_str(), good.at.parse().unwrap()).unwrap().environment("staging"),
                |question| {
                    let mut inquiry = Inquiry::about(question, &trust, &policy).unwrap();
                    while let Some(wanted) = inquiry.next() {
                        inquiry.supply(&wanted, answer(&store, &wanted));
                    }
                    let decision = inquiry.decide();
                    assert!(decision.is_allowed());
                    decision
                },
                BatchSize::SmallInput,
            );
        });
    }
}

/// One question about a commit that hundreds of runs claim, where the policy allows and where it denies: a denial says what is
/// missing, too.
fn answers(criterion: &mut Criterion) {
    let good = good();
    let key = LocalKey::dangerous_from_secret(KeyType::P256, &[1; 32]).unwrap();
    let run = Bundle::parse(&bundle(&good, "agent-run")).unwrap().unverified_statement().clone();
    let numbered = |number: usize| {
        let mut run = run.clone();
        if let Json::Object(predicate) = &mut run.predicate {
            predicate.insert("number".to_owned(), number.to_string().into());
        }
        attest(&run, &key).unwrap().bytes().to_vec()
    };
    let mut found: Vec<_> = good.bundles.iter().map(|(_, bytes)| bytes.clone()).collect();
    found.extend((0..200).map(numbered));
    let text = String::from_utf8(good.policy.clone()).unwrap();
    let artifact = Digest::sha256(&fs::read(good.folder.join(&good.target)).unwrap());
    let trust = Trust::keys_only();
    let mut group = criterion.benchmark_group("answer");
    for (name, model, is_allowed) in [("allow", "anthropic/claude-*", true), ("deny", "nobody/none", false)] {
        let policy = Policy::parse(text.replace("anthropic/claude-*", model).as_bytes()).unwrap();
        group.bench_function(name, |b| {
            b.iter(|| {
                let question = Question::new(artifact.clone(), good.resource.as_str(), good.at.parse().unwrap()).unwrap();
                let mut inquiry = Inquiry::about(question.environment("staging"), &trust, &policy).unwrap();
                while let Some(wanted) = inquiry.next() {
                    inquiry.supply(&wanted, Found::These(found.clone()));
                }
                let decision = inquiry.decide();
                assert_eq!(decision.is_allowed(), is_allowed);
                decision
            });
        });
    }
}

criterion_group!(costs, statements, sealing, hashing, key_verification, certificate_verification, decisions, answers);
criterion_main!(costs);
