//! Stores by name: what `open` and `create` make of it.

use countersign_store::{StoreError, create, open};

use crate::bundles::{about, provenance, sha256};

fn error(result: Result<Box<dyn countersign_store::Store>, StoreError>) -> StoreError {
    result.err().unwrap()
}

#[test]
fn opens_what_it_created() {
    let place = tempfile::tempdir().unwrap();
    let uri = format!("dir:{}", place.path().join("a/b").display());
    assert_eq!(error(open(&uri)).code(), "store-missing");
    let bundle = about(&sha256("a"));
    create(&uri).unwrap().put(&bundle).unwrap();
    let store = open(&uri).unwrap();
    assert_eq!(store.uri(), uri);
    assert_eq!(store.find(&sha256("a"), &provenance()).unwrap(), [bundle.bytes()]);
}

#[test]
fn refuses_other_kinds_and_says_which_there_are() {
    for uri in ["oci://user:secret@example.test/app", "s3://bucket", "https://user:secret@example.test"] {
        for error in [error(open(uri)), error(create(uri))] {
            assert!(matches!(error, StoreError::Unsupported { .. }));
            assert_eq!(error.code(), "store-unsupported");
            let text = error.to_string();
            assert!(text.contains(uri.split(':').next().unwrap()) && text.contains("`dir:PATH`") && !text.contains("secret"), "{text}");
        }
    }
}

#[test]
fn refuses_names_without_a_kind_or_without_more() {
    for uri in ["", "dir:", "evidence", ":evidence", "a\nb`c"] {
        let error = error(open(uri));
        assert!(matches!(error, StoreError::NotAName { .. }), "{uri}");
        let text = error.to_string();
        assert!(!text.contains('\n') && text.matches('`').count() == 4, "{text}");
    }
}
