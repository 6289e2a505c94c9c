//! What bundles are looked up by, and how many are handed over at once: the same for every store.
//! Nothing here is verified; a statement says of itself what it's about.

use std::collections::BTreeSet;

use countersign::bundle::Bundle;
use countersign::digest::Digest;
use countersign::limits::LOOKS_PER_INQUIRY;
use countersign::predicate::is_type;

use crate::error::StoreError;

/// Most bundles that one look-up hands over: one more than an inquiry looks at, so that it sees the excess.
pub(crate) const MOST_FOUND: usize = LOOKS_PER_INQUIRY + 1;

/// Returns every identifying digest of every subject.
pub(crate) fn subject_digests(bundle: &Bundle) -> BTreeSet<Digest> {
    bundle.unverified_statement().subject.iter().flat_map(|subject| subject.digest.iter()).collect()
}

/// The bundles that one look-up hands over.
pub(crate) struct Selection<'a> {
    predicate_types: &'a [String],
    any_type: bool,
    bytes: usize,
    chosen: Vec<Vec<u8>>,
}

impl<'a> Selection<'a> {
    /// Begins to select among so many candidates.
    ///
    /// Where they are more than an inquiry looks at, the type isn't looked at: to leave some out could hide the excess,
    /// and to read all for it would be work without end.
    pub(crate) fn among(candidates: usize, predicate_types: &'a [String]) -> Self {
        Self { predicate_types, any_type: candidates >= MOST_FOUND, bytes: 0, chosen: Vec::new() }
    }

    /// Takes a candidate if it's wanted.
    pub(crate) fn offer(&mut self, candidate: Vec<u8>) -> Result<(), StoreError> {
        if self.any_type || self.is_wanted(&candidate) {
            self.bytes = self.bytes.saturating_add(candidate.len());
            if self.bytes > MOST_BYTES {
                return Err(StoreError::TooMuch { mebibytes: MOST_BYTES >> 20 });
            }
            self.chosen.push(candidate);
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Vec<Vec<u8>> {
        self.chosen
    }

    /// What isn't a bundle is wanted by everybody: it has to be told that it was found.
    fn is_wanted(&self, candidate: &[u8]) -> bool {
        Bundle::parse(candidate).map_or(true, |bundle| {
            let found = &bundle.unverified_statement().predicate_type;
            self.predicate_types.iter().any(|wanted| is_type(found, wanted))
        })
    }
}

/// Largest sum of the bundles that one look-up hands over, since all of them are in memory at once.
const MOST_BYTES: usize = 512 << 20;
