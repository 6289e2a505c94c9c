//! What the bundles of one run cost together, where the process remembers which signatures were right, beside the
//! signatures that they rest on. It has a process of its own: what remembers is installed for the whole of it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "what can't be set up can't be measured, and a bench has no users"
)]

use std::cell::Cell;
use std::hint::black_box;

use countersign::bundle::Bundle;
use countersign::digest::Digest;
use countersign::json::{Json, Object};
use countersign::predicate::SPDX;
use countersign::statement::{ResourceDescriptor, Statement};
use countersign::time::Time;
use countersign::trust::TrustRoot;
use countersign::verify;
use countersign_sign::{KeyType, LocalKey};
use countersign_testkit::authority::{Authority, Identity};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use sigstore_crypto::{SigningScheme, aws_lc_provider};

#[expect(dead_code, reason = "the bench only installs it")]
#[path = "../src/memo.rs"]
mod memo;

fn batch(criterion: &mut Criterion) {
    memo::install();
    let authority = Authority::new();
    let trust = TrustRoot::parse(&authority.trusted_root()).unwrap();
    let at: Time = "2025-06-01T12:00:00Z".parse().unwrap();
    let identity = Identity::workflow("https://example.test/demo", "build.yml", "refs/heads/main", &"a".repeat(40));
    let number = Cell::new(0_u64);
    let payload = |_| {
        number.set(number.get() + 1);
        let subject = ResourceDescriptor::new("demo.tar", Digest::sha256(&number.get().to_be_bytes()));
        Statement::new(vec![subject], SPDX, Json::Object(Object::new())).unwrap().to_bytes()
    };
    // Other statements each time: those of the last time would all be remembered.
    let bundles = || -> Vec<Vec<u8>> {
        let payloads: Vec<_> = (0..BUNDLES).map(payload).collect();
        authority.run(&identity, &payloads, at).iter().map(|draft| draft.bytes()).collect()
    };
    // As many as `costs` counts for one such bundle, by what remembers nothing.
    let message = [7; 400];
    // A public key's SubjectPublicKeyInfo ends in the key itself: so many bytes.
    let kinds = [(KeyType::P256, 65, SigningScheme::EcdsaP256Sha256, 7), (KeyType::Ed25519, 32, SigningScheme::Ed25519, 1)];
    let signed = kinds.map(|(key_type, length, scheme, count)| {
        let key = LocalKey::dangerous_from_secret(key_type, &[1; 32]).unwrap();
        let public = key.public_key_der();
        (scheme, public[public.len() - length..].to_vec(), key.sign(&message).unwrap(), count * BUNDLES)
    });
    let mut group = criterion.benchmark_group("batch-100");
    group.sample_size(20);
    group.bench_function("signatures", |b| {
        b.iter(|| {
            for (scheme, key, signature, count) in &signed {
                (0..*count).for_each(|_| aws_lc_provider().verify_raw(*scheme, key, black_box(&message), signature).unwrap());
            }
        });
    });
    group.bench_function("ours", |b| {
        let verify =
            |bundle: &Vec<u8>| black_box(verify::with_certificate(&Bundle::parse(black_box(bundle)).unwrap(), &trust, at).unwrap());
        b.iter_batched(bundles, |bundles| bundles.iter().for_each(|bundle| drop(verify(bundle))), BatchSize::PerIteration);
    });
}

criterion_group!(benches, batch);
criterion_main!(benches);

const BUNDLES: usize = 100;
