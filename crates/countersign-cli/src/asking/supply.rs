//! Answers what an inquiry wants to know, from the bundles, stores, file and repository at hand.
//! It believes and judges nothing.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use countersign::digest::{Algorithm, Digest};
use countersign::inquiry::{Found, Wanted};
use countersign::limits;

use super::{Artifact, artifact};
use crate::failure::Failure;
use crate::repository;
use crate::stores::Place;

/// Everything at hand that can be evidence.
pub(super) struct Supplies<'a> {
    bundles: Vec<Vec<u8>>,
    places: Vec<Place>,
    artifact: &'a Artifact,
    sha256: &'a Digest,
}

impl<'a> Supplies<'a> {
    /// Reads the bundles that were named; what they hold is not looked at.
    pub(super) fn gather(bundles: &[PathBuf], places: Vec<Place>, artifact: &'a Artifact, sha256: &'a Digest) -> Result<Self, Failure> {
        let bundles = bundles.iter().map(|path| bundle(path)).collect::<Result<_, _>>()?;
        Ok(Self { bundles, places, artifact, sha256 })
    }

    /// Returns an answer from each place that has to do with what is wanted.
    pub(super) fn answers(&self, wanted: &Wanted) -> Vec<Found> {
        match wanted {
            Wanted::Bundles { .. } => {
                let given = if self.bundles.is_empty() { Found::Nothing } else { Found::These(self.bundles.clone()) };
                std::iter::once(given).chain(self.places.iter().map(|place| place.answer(wanted))).collect()
            }
            Wanted::ArtifactDigest(algorithm) => vec![self.hash_again(*algorithm)],
            Wanted::GitObject(id) => vec![git_object(id)],
            _ => vec![Found::Unavailable("this version can't look that up".to_owned())],
        }
    }

    fn hash_again(&self, algorithm: Algorithm) -> Found {
        match self.artifact {
            Artifact::File(path) => match artifact::digest_again(path, algorithm, self.sha256) {
                Ok(digest) => Found::Digest(digest),
                Err(why) => Found::Unavailable(why.to_owned()),
            },
            Artifact::Elsewhere => Found::Unavailable("the artifact itself is not at hand".to_owned()),
        }
    }
}

/// The texts of these answers become part of a decision, which says nothing about the machine.
fn git_object(id: &Digest) -> Found {
    let Ok(Some(repository)) = repository::at_hand() else { return Found::Unavailable("no git repository is at hand".to_owned()) };
    match repository.commit(id.hex()) {
        Ok(commit) => Found::These(vec![commit.object]),
        Err(_) => Found::Unavailable("the repository at hand doesn't have the commit".to_owned()),
    }
}

fn bundle(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error| Failure::new("bundle-unreadable", format!("the bundle `{}` can't be read", path.display())).because(&error);
    let mut bytes = Vec::new();
    // One byte more than a bundle may have is enough to be refused.
    File::open(path).map_err(failed)?.take(limits::BUNDLE_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}
