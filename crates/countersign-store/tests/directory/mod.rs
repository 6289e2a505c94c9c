//! A store in a directory: where it may lie, and what is in it.

mod damage;
mod interruption;
mod mounts;
mod processes;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use countersign::inquiry::{Found, Wanted};
use countersign_store::{DirStore, Store, StoreError, answer};
use tempfile::TempDir;

use crate::bundles::{about, provenance, sha256};

crate::contract::keeps_the_contract!(new_store);

fn new_store() -> (TempDir, DirStore) {
    let place = tempfile::tempdir().unwrap();
    let store = DirStore::create(place.path().join("store")).unwrap();
    (place, store)
}

/// Everything below a directory, by its path relative to it.
fn contents(directory: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut pending = vec![directory.to_owned()];
    while let Some(next) = pending.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                pending.push(entry.path());
            }
            found.insert(entry.path().strip_prefix(directory).unwrap().display().to_string());
        }
    }
    found
}

#[test]
fn opens_only_what_exists() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("none");
    let error = DirStore::open(&path).unwrap_err();
    assert!(matches!(&error, StoreError::Missing { path: named } if *named == path));
    assert_eq!(error.code(), "store-missing");
    assert!(error.to_string().contains(&path.display().to_string()));
    assert!(!path.exists());
}

#[test]
fn takes_an_empty_directory_for_an_empty_store() {
    let place = tempfile::tempdir().unwrap();
    let store = DirStore::open(place.path()).unwrap();
    assert_eq!(store.find(&sha256("a"), &provenance()).unwrap(), Vec::<Vec<u8>>::new());
    assert_eq!(contents(place.path()), BTreeSet::new());
    store.put(&about(&sha256("a"))).unwrap();
    assert_eq!(store.find(&sha256("a"), &provenance()).unwrap().len(), 1);
}

#[test]
fn refuses_a_directory_that_holds_other_things() {
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join(".git")).unwrap();
    for result in [DirStore::open(place.path()), DirStore::create(place.path())] {
        let error = result.unwrap_err();
        assert!(matches!(error, StoreError::NotAStore { .. }));
        assert_eq!(error.code(), "store-missing");
    }
    assert_eq!(contents(place.path()), BTreeSet::from([".git".to_owned()]));
    let file = place.path().join("file");
    fs::write(&file, "").unwrap();
    assert_eq!(DirStore::open(&file).unwrap_err().code(), "store-missing");
    assert_eq!(DirStore::create(&file).unwrap_err().code(), "store-unwritable");
}

#[test]
fn keeps_itself_out_of_git_until_somebody_wants_it_there() {
    let (place, store) = new_store();
    let ignore = place.path().join("store/.gitignore");
    assert_eq!(fs::read_to_string(&ignore).unwrap(), "*\n");
    fs::remove_file(&ignore).unwrap();
    store.put(&about(&sha256("a"))).unwrap();
    DirStore::create(place.path().join("store")).unwrap();
    assert!(!ignore.exists());
}

#[test]
fn leaves_a_file_of_the_user_alone() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join(".gitignore"), "incoming\n").unwrap();
    DirStore::create(place.path()).unwrap();
    assert_eq!(fs::read_to_string(place.path().join(".gitignore")).unwrap(), "incoming\n");
}

#[test]
fn keeps_each_bundle_as_a_file_of_its_bytes() {
    let (place, store) = new_store();
    let bundle = about(&sha256("a"));
    let location = store.put(&bundle).unwrap();
    assert!(Path::new(&location.to_string()).starts_with(place.path().join("store")));
    assert_eq!(fs::read(location.to_string()).unwrap(), bundle.bytes());
}

#[test]
fn changes_nothing_when_a_bundle_is_put_again() {
    let (place, store) = new_store();
    let bundle = about(&sha256("a"));
    let location = store.put(&bundle).unwrap().to_string();
    let before = (contents(place.path()), fs::metadata(&location).unwrap().modified().unwrap());
    store.put(&bundle).unwrap();
    assert_eq!((contents(place.path()), fs::metadata(&location).unwrap().modified().unwrap()), before);
}

#[test]
fn misses_a_store_that_was_removed_while_it_was_open() {
    let (place, store) = new_store();
    fs::remove_dir_all(place.path().join("store")).unwrap();
    assert!(matches!(store.find(&sha256("a"), &provenance()), Err(StoreError::Missing { .. })));
    assert!(matches!(store.put(&about(&sha256("a"))), Err(StoreError::Missing { .. })));
    let wanted = Wanted::Bundles { digest: sha256("a"), predicate_types: provenance() };
    assert_eq!(answer(&store, &wanted), Found::Unavailable("the store is gone".to_owned()));
}
