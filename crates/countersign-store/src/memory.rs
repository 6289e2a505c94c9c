//! A store in memory: for tests, and for whoever already has all bundles at hand.
//! It ends with its process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use countersign::bundle::Bundle;
use countersign::digest::Digest;

use crate::error::StoreError;
use crate::lookup::{MOST_FOUND, Selection, subject_digests};
use crate::store::{Location, Store};

/// Bundles in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    bundles: BTreeMap<Digest, Vec<u8>>,
    by_digest: BTreeMap<Digest, BTreeSet<Digest>>,
}

impl MemoryStore {
    /// Makes an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Each put inserts the bundle before what names it, so that a writer that panicked left nothing half-made.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn put(&self, bundle: &Bundle) -> Result<Location, StoreError> {
        let mut kept = self.kept();
        kept.bundles.insert(bundle.digest().clone(), bundle.bytes().to_vec());
        for digest in subject_digests(bundle) {
            kept.by_digest.entry(digest).or_default().insert(bundle.digest().clone());
        }
        Ok(Location::Uri(format!("{}{}", self.uri(), bundle.digest())))
    }

    fn find(&self, digest: &Digest, predicate_types: &[String]) -> Result<Vec<Vec<u8>>, StoreError> {
        let kept = self.kept();
        let Some(names) = kept.by_digest.get(digest) else { return Ok(Vec::new()) };
        let mut selection = Selection::among(names.len(), predicate_types);
        names.iter().take(MOST_FOUND).filter_map(|name| kept.bundles.get(name)).try_for_each(|bytes| selection.offer(bytes.clone()))?;
        Ok(selection.finish())
    }

    fn uri(&self) -> String {
        "memory:".to_owned()
    }
}
