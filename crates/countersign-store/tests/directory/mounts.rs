//! File systems that can't be written to, or no more: each test starts itself again, in a mount namespace of its own.

use std::env;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use countersign_store::{DirStore, Store, StoreError};

use super::contents;
use crate::bundles::{PROVENANCE, about, bundle, provenance, sha256};

const MOUNTED: &str = "COUNTERSIGN_TEST_MOUNTED";

/// Runs a test again where `mount` may be used, after a script that mounts something at `$1`.
fn start(test: &str, script: &str, place: &Path) {
    let may_mount = Command::new("unshare").args(["-rm", "true"]).output().is_ok_and(|output| output.status.success());
    if !may_mount {
        // Not by `eprintln`, which nobody sees of a test that passes.
        let message = format!("SKIPPED {test}: nothing may be mounted here (`unshare -rm` fails)\n");
        std::io::stderr().write_all(message.as_bytes()).unwrap();
        return;
    }
    let output = Command::new("unshare")
        .args(["-rm", "sh", "-c", &format!("{script} && exec \"$2\" --exact \"$3\" --nocapture"), "sh"])
        .arg(place)
        .arg(env::current_exe().unwrap())
        .arg(format!("directory::mounts::{test}"))
        .env(MOUNTED, place)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && !String::from_utf8_lossy(&said).contains("0 passed"), "{}", String::from_utf8_lossy(&said));
}

fn mounted() -> Option<PathBuf> {
    env::var_os(MOUNTED).map(PathBuf::from)
}

#[test]
fn finds_in_a_store_that_can_not_be_written_to() {
    if let Some(path) = mounted() {
        let store = DirStore::open(&path).unwrap();
        assert_eq!(store.find(&sha256("a"), &provenance()).unwrap(), [about(&sha256("a")).bytes()]);
        let before = contents(&path);
        let error = store.put(&about(&sha256("b"))).unwrap_err();
        assert!(matches!(error, StoreError::Unwritable { .. }), "{error:?}");
        assert_eq!(error.code(), "store-unwritable");
        assert!(error.to_string().contains("can't be written: read-only"), "{error}");
        assert_eq!(contents(&path), before);
        assert_eq!(DirStore::create(path.join("new")).unwrap_err().code(), "store-unwritable");
        // What is there already doesn't have to be written.
        store.put(&about(&sha256("a"))).unwrap();
        return;
    }
    let place = tempfile::tempdir().unwrap();
    DirStore::create(place.path()).unwrap().put(&about(&sha256("a"))).unwrap();
    let script = "mount --bind \"$1\" \"$1\" && mount -o remount,ro,bind \"$1\"";
    start("finds_in_a_store_that_can_not_be_written_to", script, place.path());
}

#[test]
fn leaves_nothing_half_written_on_a_full_disk() {
    if let Some(place) = mounted() {
        let store = DirStore::create(place.join("store")).unwrap();
        let small = about(&sha256("a"));
        store.put(&small).unwrap();
        let before = contents(&place);
        let error = store.put(&bundle(&[sha256("a").into()], PROVENANCE, &"x".repeat(128 << 10))).unwrap_err();
        assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
        assert_eq!(error.code(), "store-full");
        assert!(error.to_string().contains("no room"), "{error}");
        assert_eq!(contents(&place), before);
        assert_eq!(store.find(&sha256("a"), &provenance()).unwrap(), [small.bytes()]);
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=96k none \"$1\"";
    start("leaves_nothing_half_written_on_a_full_disk", script, place.path());
}

#[test]
fn completes_later_what_did_not_fit_at_once() {
    if let Some(place) = mounted() {
        let store = DirStore::create(place.join("store")).unwrap();
        let ballast: Vec<_> = (0..).map(|n| place.join(n.to_string())).take_while(|path| fs::write(path, "").is_ok()).collect();
        let bundle = bundle(&[sha256("a").into(), sha256("b").into()], PROVENANCE, "");
        let found = |name| store.find(&sha256(name), &provenance()).unwrap();
        // Room for one file more each time: the draft, the directories, the files that name the bundle.
        let mut refused = 0;
        for path in &ballast {
            match store.put(&bundle) {
                Ok(_) => break,
                Err(error) => assert_eq!(error.code(), "store-full", "{error:?}"),
            }
            refused += 1;
            // Found or not, but never an error.
            assert!(found("a").len() + found("b").len() <= 2);
            fs::remove_file(path).unwrap();
        }
        assert_eq!(refused, 6);
        assert_eq!([found("a"), found("b")], [[bundle.bytes()], [bundle.bytes()]]);
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o nr_inodes=30 none \"$1\"";
    start("completes_later_what_did_not_fit_at_once", script, place.path());
}
