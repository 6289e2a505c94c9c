//! Answers what an inquiry wants to know, from the bundles, stores, file and repository at hand.
//! It believes and judges nothing.

use std::path::PathBuf;

use countersign::digest::{Algorithm, Digest};
use countersign::inquiry::{Found, Wanted};

use super::{Artifact, artifact};
use crate::bundle_file;
use crate::failure::Failure;
use crate::repository::AtHand;
use crate::stores::Place;

/// Everything at hand that can be evidence.
pub(super) struct Supplies<'a> {
    bundles: Vec<Vec<u8>>,
    /// The file of each bundle.
    files: Vec<String>,
    places: Vec<Place>,
    artifact: &'a Artifact,
    sha256: &'a Digest,
    at_hand: &'a AtHand,
}

impl<'a> Supplies<'a> {
    /// Reads the bundles that were named; what they hold is not looked at.
    pub(super) fn gather(
        bundles: &[PathBuf],
        places: Vec<Place>,
        artifact: &'a Artifact,
        sha256: &'a Digest,
        at_hand: &'a AtHand,
    ) -> Result<Self, Failure> {
        let (mut all, mut files) = (Vec::new(), Vec::new());
        for path in bundles {
            let found = bundle_file::read_all(path)?;
            let name = path.display();
            let is_one = found.len() == 1;
            files.extend((1..=found.len()).map(|line| if is_one { name.to_string() } else { format!("{name}, bundle {line}") }));
            all.extend(found);
        }
        Ok(Self { bundles: all, files, places, artifact, sha256, at_hand })
    }

    /// Returns the digests of the bundles that were given, with their files.
    pub(super) fn named(&self) -> Vec<(Digest, String)> {
        self.bundles.iter().map(|bytes| Digest::sha256(bytes)).zip(self.files.iter().cloned()).collect()
    }

    /// Returns an answer from each place that has to do with what is wanted.
    pub(super) fn answers(&self, wanted: &Wanted) -> Vec<Found> {
        match wanted {
            Wanted::Bundles { .. } => {
                let given = if self.bundles.is_empty() { Found::Nothing } else { Found::These(self.bundles.clone()) };
                std::iter::once(given).chain(self.places.iter().map(|place| place.answer(wanted))).collect()
            }
            Wanted::ArtifactDigest(algorithm) => vec![self.hash_again(*algorithm)],
            Wanted::GitObject(id) => vec![self.git_object(id)],
            _ => vec![Found::Unavailable("this version can't look that up".to_owned())],
        }
    }

    fn hash_again(&self, algorithm: Algorithm) -> Found {
        match self.artifact {
            Artifact::File(path) => match artifact::digest_again(path, algorithm, self.sha256) {
                Ok(digest) => Found::Digest(digest),
                Err(why) => Found::Unavailable(why.to_owned()),
            },
            Artifact::Elsewhere => Found::Nothing,
        }
    }

    fn git_object(&self, id: &Digest) -> Found {
        let commit = self.at_hand.get().ok().flatten().and_then(|repository| repository.commit(id.hex()).ok());
        commit.map_or(Found::Nothing, |commit| Found::These(vec![commit.object]))
    }
}
