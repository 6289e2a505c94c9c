//! Several processes at once: each test starts itself again, with a part to play.

use std::env;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use countersign::bundle::Bundle;
use countersign::digest::Digest;
use countersign_store::{DirStore, Store};

use super::contents;
use crate::bundles::{PROVENANCE, about, bundle, provenance, sha256};

const STORE: &str = "COUNTERSIGN_TEST_STORE";
const PART: &str = "COUNTERSIGN_TEST_PART";
const PUT: &str = "it was put:";

/// Returns the store and the part, in a process that was started to play one.
fn part() -> Option<(DirStore, String)> {
    Some((DirStore::create(env::var_os(STORE)?).unwrap(), env::var(PART).unwrap()))
}

/// In a process that was started to play a part: puts bundles, and tells each, until it's killed.
fn put_until_killed_if_a_child() {
    if let Some((store, part)) = part() {
        for n in 0.. {
            store.put(&own(&part, n)).unwrap();
            io::stderr().write_all(format!("{PUT} {n}\n").as_bytes()).unwrap();
        }
    }
}

fn start(test: &str, store: &Path, part: usize) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", &format!("directory::processes::{test}"), "--nocapture"]);
    command.env(STORE, store).env(PART, part.to_string()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn own(part: &str, n: usize) -> Bundle {
    bundle(&[sha256(&format!("{part} {n}")).into(), sha256("all").into()], PROVENANCE, "")
}

#[test]
fn lets_many_processes_put_and_find_at_once() {
    if let Some((store, part)) = part() {
        for n in 0..10 {
            store.put(&own(&part, n)).unwrap();
            store.put(&about(&sha256(&format!("shared {n}")))).unwrap();
            assert!(store.find(&sha256("all"), &provenance()).unwrap().len() > n);
        }
        return;
    }
    let place = tempfile::tempdir().unwrap();
    // Nobody has made the store yet: they all do.
    let path = place.path().join("store");
    let mut children: Vec<_> = (0..4).map(|part| start("lets_many_processes_put_and_find_at_once", &path, part)).collect();
    while children.iter_mut().any(|child| child.try_wait().unwrap().is_none()) {
        // Never an error, and never less than was there before.
        if let Ok(store) = DirStore::open(&path) {
            let before = store.find(&sha256("all"), &provenance()).unwrap().len();
            assert!(store.find(&sha256("all"), &provenance()).unwrap().len() >= before);
        }
    }
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let store = DirStore::open(&path).unwrap();
    assert_eq!(store.find(&sha256("all"), &provenance()).unwrap().len(), 40);
    for n in 0..10 {
        assert_eq!(store.find(&sha256(&format!("shared {n}")), &provenance()).unwrap().len(), 1);
    }
    assert!(!contents(&path).iter().any(|name| name.starts_with("incoming/")));
}

#[test]
fn keeps_all_that_was_put_before_a_kill() {
    put_until_killed_if_a_child();
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("store");
    for round in 1..=10 {
        let mut child = start("keeps_all_that_was_put_before_a_kill", &path, round);
        let lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        assert_eq!(lines.filter(|line| line.starts_with(PUT)).take(round).count(), round);
        child.kill().unwrap();
        child.wait().unwrap();
        let store = DirStore::open(&path).unwrap();
        for n in 0..round {
            let bundle = own(&round.to_string(), n);
            assert_eq!(store.find(&sha256(&format!("{round} {n}")), &provenance()).unwrap(), [bundle.bytes()]);
        }
        store.find(&sha256("all"), &provenance()).unwrap();
    }
}

/// Two hundred kills at random moments, with four writers at once.
#[test]
fn loses_nothing_acknowledged_and_leaves_nothing_half_whenever_writers_are_killed() {
    put_until_killed_if_a_child();
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("store");
    let mut acknowledged = Vec::new();
    for round in 0..50 {
        let parts = (0..4).map(|writer| round * 4 + writer);
        let writers: Vec<_> = parts
            .map(|part| {
                let test = "loses_nothing_acknowledged_and_leaves_nothing_half_whenever_writers_are_killed";
                let mut child = start(test, &path, part);
                let lines = BufReader::new(child.stderr.take().unwrap()).lines();
                let count = thread::spawn(move || lines.map_while(Result::ok).filter(|line| line.starts_with(PUT)).count());
                (part, child, count)
            })
            .collect();
        for (part, mut child, count) in writers {
            thread::sleep(Duration::from_millis(RandomState::new().build_hasher().finish() % 25));
            child.kill().unwrap();
            child.wait().unwrap();
            acknowledged.push((part, count.join().unwrap()));
        }
    }
    assert_eq!(acknowledged.len(), 200);
    assert!(acknowledged.iter().any(|(_, count)| *count > 0), "somebody got so far");
    let store = DirStore::open(&path).unwrap();
    for (part, count) in acknowledged {
        for n in 0..count {
            let found = store.find(&sha256(&format!("{part} {n}")), &provenance()).unwrap();
            assert_eq!(found, [own(&part.to_string(), n).bytes()], "writer {part}, bundle {n} of {count}");
        }
    }
    // A half bundle, or one that is named and isn't there, would be an error.
    store.find(&sha256("all"), &provenance()).unwrap();
    for name in contents(&path).iter().filter_map(|name| name.strip_prefix("bundles/")) {
        let bytes = std::fs::read(path.join("bundles").join(name)).unwrap();
        assert_eq!(name, format!("{}.sigstore.json", Digest::sha256(&bytes).hex()));
    }
}
