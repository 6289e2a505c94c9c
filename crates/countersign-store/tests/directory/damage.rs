//! Whatever stands in the place of evidence makes an answer impossible; it never makes evidence disappear.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use countersign::bundle::Bundle;
use countersign::digest::Digest;
use countersign::inquiry::{Found, Wanted};
use countersign::limits::{BUNDLE_BYTES, LOOKS_PER_INQUIRY};
use countersign_store::{DirStore, Store, StoreError, answer};
use tempfile::TempDir;

use super::new_store;
use crate::bundles::{TEST_RESULT, about, bundle, provenance, sha256, types};

/// A store with one bundle about `a`, and another about `b`.
struct Kept {
    place: TempDir,
    store: DirStore,
    bundle: Bundle,
}

impl Kept {
    fn new() -> Self {
        let (place, store) = new_store();
        let bundle = about(&sha256("a"));
        store.put(&bundle).unwrap();
        store.put(&about(&sha256("b"))).unwrap();
        Self { place, store, bundle }
    }

    fn path(&self, place: &str) -> PathBuf {
        self.place.path().join("store").join(place)
    }

    fn bundle_place(&self) -> String {
        format!("bundles/{}.sigstore.json", self.bundle.digest().hex())
    }

    fn marker_place(&self) -> String {
        format!("by-digest/sha256/{}/{}", sha256("a").hex(), self.bundle.digest().hex())
    }

    /// Every place that a look-up of `a` goes through.
    fn places(&self) -> [String; 6] {
        let folder = format!("by-digest/sha256/{}", sha256("a").hex());
        ["bundles".to_owned(), "by-digest".to_owned(), "by-digest/sha256".to_owned(), folder, self.bundle_place(), self.marker_place()]
    }

    /// Puts something else where a file or directory is, which stays beside the store.
    fn replace(&self, place: &str, make: impl FnOnce(&Path, &Path)) {
        let moved = self.place.path().join("moved");
        fs::rename(self.path(place), &moved).unwrap();
        make(&moved, &self.path(place));
    }

    /// The error of a look-up, which names that place, and which an inquiry gets without the store's path.
    fn error_at(&self, place: &str) -> StoreError {
        let error = self.store.find(&sha256("a"), &provenance()).unwrap_err();
        assert_eq!(error.code(), "store-damaged");
        assert!(error.to_string().starts_with(&format!("`{place}` in the store ")), "{error} is not about {place}");
        let wanted = Wanted::Bundles { digest: sha256("a"), predicate_types: provenance() };
        let Found::Unavailable(text) = answer(&self.store, &wanted) else { panic!("an answer was found at {place}") };
        assert!(text.contains(place) && !text.contains(&self.place.path().display().to_string()), "{text}");
        error
    }
}

#[test]
fn names_a_link_in_the_place_of_anything_and_never_follows_it() {
    for n in 0..6 {
        let kept = Kept::new();
        let place = &kept.places()[n];
        kept.replace(place, |moved, path| symlink(moved, path).unwrap());
        assert!(matches!(kept.error_at(place), StoreError::Misplaced { found: "a symbolic link", .. }), "{place}");
        assert!(matches!(kept.store.put(&kept.bundle), Err(StoreError::Misplaced { found: "a symbolic link", .. })), "{place}");
    }
}

#[test]
fn names_a_link_that_leads_nowhere() {
    for n in 0..6 {
        let kept = Kept::new();
        let place = &kept.places()[n];
        kept.replace(place, |_, path| symlink("nowhere", path).unwrap());
        kept.error_at(place);
        assert!(kept.store.put(&kept.bundle).is_err());
        assert!(!kept.path(place).parent().unwrap().join("nowhere").exists(), "{place}");
    }
}

#[test]
fn waits_for_no_pipe_and_no_socket() {
    for n in 0..6 {
        let kept = Kept::new();
        let place = &kept.places()[n];
        kept.replace(place, |_, path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success()));
        assert!(matches!(kept.error_at(place), StoreError::Misplaced { found: "a pipe", .. }), "{place}");
        assert!(kept.store.put(&kept.bundle).is_err());
        fs::remove_file(kept.path(place)).unwrap();
        // A socket's path must be short; it's moved to its place.
        let socket = kept.place.path().join("socket");
        let _listener = UnixListener::bind(&socket).unwrap();
        fs::rename(&socket, kept.path(place)).unwrap();
        assert!(matches!(kept.error_at(place), StoreError::Misplaced { found: "a socket", .. }), "{place}");
    }
}

#[test]
fn names_a_directory_in_the_place_of_a_file_and_the_other_way_round() {
    for n in 0..6 {
        let kept = Kept::new();
        let place = &kept.places()[n];
        let is_directory = kept.path(place).is_dir();
        kept.replace(place, |_, path| if is_directory { fs::write(path, "").unwrap() } else { fs::create_dir(path).unwrap() });
        let expected = if is_directory { "a file" } else { "a directory" };
        assert!(matches!(kept.error_at(place), StoreError::Misplaced { found, .. } if found == expected), "{place}");
        assert!(kept.store.put(&kept.bundle).is_err());
    }
}

#[test]
fn refuses_a_bundle_whose_content_is_not_what_its_name_says() {
    let kept = Kept::new();
    let other = bundle(&[sha256("a").into()], TEST_RESULT, "");
    for content in [other.bytes(), b"", b"{}"] {
        fs::write(kept.path(&kept.bundle_place()), content).unwrap();
        assert!(matches!(kept.error_at(&kept.bundle_place()), StoreError::Altered { .. }));
    }
    // The rest of the store is still there, and the bundle comes back when it's put again.
    assert_eq!(kept.store.find(&sha256("b"), &provenance()).unwrap().len(), 1);
    kept.store.put(&kept.bundle).unwrap();
    assert_eq!(kept.store.find(&sha256("a"), &provenance()).unwrap(), [kept.bundle.bytes()]);
}

#[test]
fn notices_that_evidence_was_removed() {
    for place in ["bundles", "by-digest", ""] {
        let kept = Kept::new();
        let removed = if place.is_empty() { kept.bundle_place() } else { place.to_owned() };
        kept.replace(&removed, |_, _| ());
        let named = if place == "by-digest" { removed } else { kept.bundle_place() };
        assert!(matches!(kept.error_at(&named), StoreError::Removed { .. }), "{place}");
        kept.store.put(&kept.bundle).unwrap();
        assert_eq!(kept.store.find(&sha256("a"), &provenance()).unwrap(), [kept.bundle.bytes()]);
    }
}

#[test]
fn refuses_a_name_that_is_no_bundles() {
    for name in ["x", ".hidden", "A".repeat(64).as_str(), "a\n`b`"] {
        let kept = Kept::new();
        fs::write(kept.path("by-digest/sha256").join(sha256("a").hex()).join(name), "").unwrap();
        let error = kept.store.find(&sha256("a"), &provenance()).unwrap_err();
        assert_eq!(error.code(), "store-damaged");
        assert!(!error.to_string().contains('\n') && error.to_string().contains("the name of a bundle"), "{error}");
    }
}

#[test]
fn hands_over_what_is_no_bundle_so_that_it_can_be_refused() {
    let kept = Kept::new();
    plant(&kept, b"not a bundle");
    let mut found = kept.store.find(&sha256("a"), &types(&[TEST_RESULT])).unwrap();
    assert_eq!(found, [b"not a bundle"]);
    found = kept.store.find(&sha256("a"), &provenance()).unwrap();
    assert_eq!(found.len(), 2);
}

#[test]
fn reads_one_byte_more_than_a_bundle_may_have_and_no_further() {
    let kept = Kept::new();
    // A file of a terabyte, which takes no room on the disk.
    let file = fs::File::options().write(true).open(kept.path(&kept.bundle_place())).unwrap();
    file.set_len(1 << 40).unwrap();
    let found = kept.store.find(&sha256("a"), &types(&[TEST_RESULT])).unwrap();
    assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [BUNDLE_BYTES + 1]);
    assert!(Bundle::parse(&found[0]).unwrap_err().is_limit());
    // As large as it may be, it's compared with its name again.
    file.set_len(BUNDLE_BYTES as u64).unwrap();
    kept.error_at(&kept.bundle_place());
}

#[test]
fn shows_that_there_are_more_bundles_than_an_inquiry_looks_at() {
    let kept = Kept::new();
    for n in 0..LOOKS_PER_INQUIRY + 5 {
        plant(&kept, n.to_string().as_bytes());
    }
    assert_eq!(kept.store.find(&sha256("a"), &provenance()).unwrap().len(), LOOKS_PER_INQUIRY + 1);
}

#[test]
fn gives_up_when_the_bundles_about_one_digest_are_too_large_together() {
    let kept = Kept::new();
    for n in 0..32 {
        let name = sha256(&n.to_string());
        fs::File::create(kept.path(&format!("bundles/{}.sigstore.json", name.hex()))).unwrap().set_len(1 << 30).unwrap();
        mark(&kept, &name);
    }
    let error = kept.store.find(&sha256("a"), &provenance()).unwrap_err();
    assert!(matches!(error, StoreError::TooMuch { .. }), "{error}");
    assert_eq!(error.code(), "store-limit");
}

/// Puts any bytes into the store as if they were a bundle about `a`.
fn plant(kept: &Kept, bytes: &[u8]) {
    let name = Digest::sha256(bytes);
    fs::write(kept.path(&format!("bundles/{}.sigstore.json", name.hex())), bytes).unwrap();
    mark(kept, &name);
}

fn mark(kept: &Kept, bundle: &Digest) {
    fs::write(kept.path(&format!("by-digest/sha256/{}/{}", sha256("a").hex(), bundle.hex())), "").unwrap();
}
