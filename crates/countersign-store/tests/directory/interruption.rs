//! A writer may be killed at any moment: what it left is nothing or found, and the next writer completes it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use countersign::bundle::Bundle;
use countersign::digest::{Algorithm, Digest, DigestSet};
use countersign_store::{DirStore, Store};

use super::{contents, new_store};
use crate::bundles::{PROVENANCE, about, bundle, provenance, sha256};

/// One thing that a writer does to the directory.
enum Step {
    Directory(PathBuf),
    File(PathBuf, Vec<u8>),
    Move(PathBuf, PathBuf),
}

impl Step {
    fn perform(&self, root: &Path) {
        match self {
            Self::Directory(path) => fs::create_dir(root.join(path)).unwrap(),
            Self::File(path, bytes) => fs::write(root.join(path), bytes).unwrap(),
            Self::Move(from, to) => fs::rename(root.join(from), root.join(to)).unwrap(),
        }
    }
}

fn commit() -> Digest {
    Digest::new(Algorithm::GitCommit, "0123456789".repeat(4)).unwrap()
}

fn digests() -> [Digest; 3] {
    [sha256("a"), sha256("commit"), commit()]
}

/// All that making a store and putting a bundle into it does, in order.
fn steps(bundle: &Bundle) -> Vec<Step> {
    let directory = |path: &str| Step::Directory(path.into());
    let file = |path: &str, bytes: &[u8]| Step::File(path.into(), bytes.to_vec());
    let hex = bundle.digest().hex();
    let half = bundle.bytes().split_at(bundle.bytes().len() / 2).0;
    let mut steps = vec![
        directory("incoming"),
        file("incoming/1", b""),
        file("incoming/1", b"*\n"),
        Step::Move("incoming/1".into(), ".gitignore".into()),
        directory("by-digest"),
        directory("bundles"),
        file("incoming/2", b""),
        file("incoming/2", half),
        file("incoming/2", bundle.bytes()),
        Step::Move("incoming/2".into(), format!("bundles/{hex}.sigstore.json").into()),
    ];
    let mut algorithms = Vec::new();
    for digest in digests() {
        let name = digest.algorithm().name();
        if !algorithms.contains(&name) {
            steps.push(directory(&format!("by-digest/{name}")));
            algorithms.push(name);
        }
        steps.push(directory(&format!("by-digest/{name}/{}", digest.hex())));
        steps.push(file(&format!("by-digest/{name}/{}/{hex}", digest.hex()), b""));
    }
    steps
}

#[test]
fn is_whole_after_a_kill_at_any_moment() {
    let bundle = bundle(&[sha256("a").into(), DigestSet::from(commit()).with(sha256("commit"))], PROVENANCE, "");
    let steps = steps(&bundle);
    for killed_after in 0..=steps.len() {
        let place = tempfile::tempdir().unwrap();
        steps.iter().take(killed_after).for_each(|step| step.perform(place.path()));
        let store = DirStore::open(place.path()).unwrap();
        let found = |digest: &Digest| store.find(digest, &provenance()).unwrap();
        let markers = steps.iter().take(killed_after).filter(|step| matches!(step, Step::File(path, _) if path.starts_with("by-digest")));
        assert_eq!(digests().iter().filter(|digest| found(digest) == [bundle.bytes()]).count(), markers.count(), "{killed_after}");

        DirStore::create(place.path()).unwrap().put(&bundle).unwrap();
        assert!(digests().iter().all(|digest| found(digest) == [bundle.bytes()]), "{killed_after}");
        assert_eq!(fs::read_to_string(place.path().join(".gitignore")).unwrap(), "*\n", "{killed_after}");
    }
}

#[test]
fn does_what_the_steps_above_say() {
    let bundle = bundle(&[sha256("a").into(), DigestSet::from(commit()).with(sha256("commit"))], PROVENANCE, "");
    let place = tempfile::tempdir().unwrap();
    steps(&bundle).iter().for_each(|step| step.perform(place.path()));
    let (other, store) = new_store();
    store.put(&bundle).unwrap();
    assert_eq!(contents(place.path()), contents(&other.path().join("store")));
}

#[test]
fn removes_what_killed_writers_left_but_nothing_of_the_living() {
    let (place, store) = new_store();
    let incoming = place.path().join("store/incoming");
    let file = |name: &str, hours: u64| {
        let file = fs::File::create(incoming.join(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(hours * 60 * 60)).unwrap();
        file
    };
    let living = file("living", 48);
    living.try_lock().unwrap();
    file("just-begun", 0);
    file("left", 2);
    store.put(&about(&sha256("a"))).unwrap();
    assert_eq!(contents(&incoming), ["just-begun", "living"].map(str::to_owned).into());
    drop(living);
    store.put(&about(&sha256("b"))).unwrap();
    assert_eq!(contents(&incoming), ["just-begun".to_owned()].into());
}
