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

use countersign::bundle::Bundle;
use countersign::digest::{Algorithm, Digest};
use countersign::inquiry::{Inquiry, Question};
use countersign::policy::Policy;
use countersign::predicate::SPDX;
use countersign::seal::{Salt, Sealer};
use countersign::statement::{ResourceDescriptor, Statement};
use countersign::trust::Trust;
use countersign::verify;
use countersign_capture::artifact;
use countersign_sign::{KeyType, LocalKey, attest};
use countersign_store::{DirStore, Store as _, answer};
use countersign_testkit::case::{self, Case};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use sha2::Digest as _;

fn good() -> Case {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata");
    case::load_all(&testdata).into_iter().find(|case| case.name() == "allow-whole-walk").unwrap()
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
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let mebibyte = vec![7; 1 << 20];
    (0..1024).for_each(|_| file.write_all(&mebibyte).unwrap());
    let mut group = criterion.benchmark_group("hash-1-GiB");
    group.sample_size(10).warm_up_time(Duration::from_secs(1));
    group.bench_function("sha256", |b| {
        b.iter(|| {
            let mut hash = sha2::Sha256::new();
            (0..1024).for_each(|_| hash.update(black_box(&mebibyte)));
            hash.finalize()
        });
    });
    group.bench_function("ours", |b| b.iter(|| artifact::hash(file.path(), [Algorithm::Sha256], &mut |_| {}).unwrap()));
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
    group.bench_function("ours", |b| b.iter(|| verify::with_key(&Bundle::parse(black_box(&bytes)).unwrap(), &key).unwrap()));
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
        while kept < size {
            let other = ResourceDescriptor::new("other.tar", Digest::sha256(format!("artifact {kept}").as_bytes()));
            let statement = Statement::new(vec![other], SPDX, countersign::json::Json::Object(countersign::json::Object::new())).unwrap();
            store.put(&attest(&statement, &key).unwrap()).unwrap();
            kept += 1;
        }
        group.bench_function(format!("{size}"), |b| {
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

criterion_group!(costs, statements, sealing, hashing, key_verification, decisions);
criterion_main!(costs);
