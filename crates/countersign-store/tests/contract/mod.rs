//! What every store must do, as functions over any store that starts empty.
//! How a store does it, and how it fails, is tested beside each.

use std::collections::BTreeSet;

use countersign::digest::{Algorithm, Digest, DigestSet, Hasher};
use countersign::inquiry::{Found, Wanted};
use countersign::predicate::CYCLONEDX;
use countersign_store::{Store, answer};

use crate::bundles::{PROVENANCE, TEST_RESULT, about, bundle, provenance, sha256, types};

/// Makes a test of each part of the contract; the argument makes what must outlive the store, and an empty store.
macro_rules! keeps_the_contract {
    ($make:expr) => {
        $crate::contract::keeps_the_contract!($make =>
            finds_nothing_in_an_empty_store
            finds_the_very_bytes_that_were_put
            finds_by_every_identifying_digest_of_every_subject
            never_finds_by_digests_that_identify_nothing
            finds_only_the_types_that_are_wanted
            finds_every_version_of_a_versioned_type
            finds_every_bundle_about_one_digest_once
            keeps_apart_what_has_the_same_hex_by_another_algorithm
            says_where_each_bundle_lies
            answers_an_inquiry
            serves_many_threads_at_once
        );
    };
    ($make:expr => $($promise:ident)*) => {
        $(#[test]
        fn $promise() {
            let (_outlives, store) = $make();
            $crate::contract::$promise(&store);
        })*
    };
}
pub(crate) use keeps_the_contract;

pub(crate) fn finds_nothing_in_an_empty_store(store: &dyn Store) {
    assert_eq!(store.find(&sha256("a"), &provenance()).unwrap(), none());
}

pub(crate) fn finds_the_very_bytes_that_were_put(store: &dyn Store) {
    let bundle = about(&sha256("a"));
    store.put(&bundle).unwrap();
    assert_eq!(store.find(&sha256("a"), &provenance()).unwrap(), [bundle.bytes()]);
    assert_eq!(store.find(&sha256("b"), &provenance()).unwrap(), none());
}

pub(crate) fn finds_by_every_identifying_digest_of_every_subject(store: &dyn Store) {
    let mut hasher = Hasher::new(Algorithm::Sha512).unwrap();
    hasher.update(b"a");
    let git = |algorithm| Digest::new(algorithm, "0123456789".repeat(4)).unwrap();
    let digests = [sha256("a"), hasher.finish(), git(Algorithm::GitCommit), sha256("commit"), git(Algorithm::GitTree)];
    let set = |digests: &[Digest]| digests.iter().cloned().fold(DigestSet::default(), DigestSet::with);
    let bundle = bundle(&[set(&digests[0..2]), set(&digests[2..4]), set(&digests[4..])], PROVENANCE, "");
    store.put(&bundle).unwrap();
    for digest in &digests {
        assert_eq!(store.find(digest, &provenance()).unwrap(), [bundle.bytes()], "{digest}");
    }
}

pub(crate) fn never_finds_by_digests_that_identify_nothing(store: &dyn Store) {
    // The sha1 that looks like the commit's id is no commit's id.
    let hex = "0123456789".repeat(4);
    let weak = foreign(&format!(r#"{{"sha1":"{hex}","md5":"../../x","../y":"z"}}"#));
    store.put(&bundle(&[weak], PROVENANCE, "")).unwrap();
    for algorithm in [Algorithm::GitCommit, Algorithm::GitTree, Algorithm::GitBlob, Algorithm::GitTag] {
        assert_eq!(store.find(&Digest::new(algorithm, hex.as_str()).unwrap(), &provenance()).unwrap(), none());
    }
}

pub(crate) fn finds_only_the_types_that_are_wanted(store: &dyn Store) {
    let [run, test] = [PROVENANCE, TEST_RESULT].map(|uri| bundle(&[sha256("a").into()], uri, ""));
    store.put(&run).unwrap();
    store.put(&test).unwrap();
    assert_eq!(store.find(&sha256("a"), &provenance()).unwrap(), [run.bytes()]);
    assert_eq!(store.find(&sha256("a"), &types(&[TEST_RESULT, CYCLONEDX])).unwrap(), [test.bytes()]);
    assert_eq!(store.find(&sha256("a"), &types(&[TEST_RESULT, PROVENANCE])).unwrap().len(), 2);
    assert_eq!(store.find(&sha256("a"), &[]).unwrap(), none());
}

pub(crate) fn finds_every_version_of_a_versioned_type(store: &dyn Store) {
    let sbom = bundle(&[sha256("a").into()], &format!("{CYCLONEDX}/v1.6"), "");
    store.put(&sbom).unwrap();
    assert_eq!(store.find(&sha256("a"), &types(&[CYCLONEDX])).unwrap(), [sbom.bytes()]);
}

pub(crate) fn finds_every_bundle_about_one_digest_once(store: &dyn Store) {
    // The same digest in two subjects, and each bundle put twice.
    let twice = [sha256("a").into(), sha256("a").into()];
    let bundles: Vec<_> = (0..5).map(|n| bundle(&twice, PROVENANCE, &n.to_string())).collect();
    for bundle in bundles.iter().chain(&bundles) {
        store.put(bundle).unwrap();
    }
    let found = store.find(&sha256("a"), &provenance()).unwrap();
    assert_eq!(found.len(), 5);
    let expected: BTreeSet<_> = bundles.iter().map(|bundle| bundle.bytes().to_vec()).collect();
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
}

pub(crate) fn keeps_apart_what_has_the_same_hex_by_another_algorithm(store: &dyn Store) {
    store.put(&about(&sha256("a"))).unwrap();
    let commit = Digest::new(Algorithm::GitCommit, sha256("a").hex()).unwrap();
    assert_eq!(store.find(&commit, &provenance()).unwrap(), none());
}

pub(crate) fn says_where_each_bundle_lies(store: &dyn Store) {
    let [a, b] = ["a", "b"].map(|name| about(&sha256(name)));
    let [at_a, at_b] = [&a, &b].map(|bundle| store.put(bundle).unwrap());
    assert!(at_a.to_string().contains(a.digest().hex()), "{at_a}");
    assert_ne!(at_a, at_b);
    assert_eq!(store.put(&a).unwrap(), at_a);
    assert!(store.uri().contains(':'), "{}", store.uri());
}

pub(crate) fn answers_an_inquiry(store: &dyn Store) {
    let bundle = about(&sha256("a"));
    store.put(&bundle).unwrap();
    let wanted = |name| Wanted::Bundles { digest: sha256(name), predicate_types: provenance() };
    assert_eq!(answer(store, &wanted("a")), Found::These(vec![bundle.bytes().to_vec()]));
    assert_eq!(answer(store, &wanted("b")), Found::Nothing);
    assert_eq!(answer(store, &Wanted::ArtifactDigest(Algorithm::Sha512)), Found::Nothing);
}

pub(crate) fn serves_many_threads_at_once(store: &dyn Store) {
    let shared = about(&sha256("shared"));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let shared = &shared;
            scope.spawn(move || {
                for n in 0..8 {
                    let name = format!("{thread} {n}");
                    let own = bundle(&[sha256(&name).into(), sha256("all").into()], PROVENANCE, "");
                    store.put(&own).unwrap();
                    store.put(shared).unwrap();
                    assert_eq!(store.find(&sha256(&name), &provenance()).unwrap(), [own.bytes()]);
                    assert_eq!(store.find(&sha256("shared"), &provenance()).unwrap(), [shared.bytes()]);
                    assert!(store.find(&sha256("all"), &provenance()).unwrap().len() > n);
                }
            });
        }
    });
    assert_eq!(store.find(&sha256("all"), &provenance()).unwrap().len(), 32);
}

fn none() -> Vec<Vec<u8>> {
    Vec::new()
}

/// A digest set as somebody else writes it.
fn foreign(json: &str) -> DigestSet {
    countersign::json::Json::parse(json.as_bytes()).unwrap().to().unwrap()
}
