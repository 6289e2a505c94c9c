//! Makes bundles to keep and to find.
//! Their signatures are nobody's, which no store looks at; what a store does with others is made by hand where it is tested.

use countersign::bundle::Bundle;
use countersign::digest::{Digest, DigestSet};
use countersign::identity::PublicKey;
use countersign::json::{Json, Object};
use countersign::statement::{ResourceDescriptor, Statement};

pub(crate) const PROVENANCE: &str = countersign::predicate::PROVENANCE;
pub(crate) const TEST_RESULT: &str = countersign::predicate::TEST_RESULT;

/// The first public key of RFC 8032 §7.1, as a SubjectPublicKeyInfo.
const KEY: &str = "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

/// A bundle about one artifact.
pub(crate) fn about(artifact: &Digest) -> Bundle {
    bundle(&[artifact.clone().into()], PROVENANCE, "")
}

/// A bundle about several objects, each with its digests; `content` makes it another one, or a larger one.
pub(crate) fn bundle(subjects: &[DigestSet], predicate_type: &str, content: &str) -> Bundle {
    let subjects = subjects.iter().enumerate().map(|(n, digests)| ResourceDescriptor::new(format!("subject {n}"), digests.clone()));
    let predicate = Json::Object(Object::from([("content".to_owned(), Json::from(content))]));
    let statement = Statement::new(subjects.collect(), predicate_type, predicate).unwrap();
    Bundle::signed_by_key(&statement.to_bytes(), &[7; 64], &PublicKey::from_base64(KEY).unwrap()).unwrap()
}

pub(crate) fn sha256(name: &str) -> Digest {
    Digest::sha256(name.as_bytes())
}

pub(crate) fn types(types: &[&str]) -> Vec<String> {
    types.iter().map(|uri| (*uri).to_owned()).collect()
}

pub(crate) fn provenance() -> Vec<String> {
    types(&[PROVENANCE])
}
