//! How key files are written and read, and which are refused.
//! What stands in them is tested in `local_keys.rs`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail where its preparation does")]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use countersign_sign::{Exposure, KeyError, KeyType, LocalKey, Passphrase, read_key_file, work_tree_above, write_key_files};
use tempfile::TempDir;

fn place() -> (TempDir, PathBuf) {
    let place = tempfile::tempdir().unwrap();
    // Where the directory for temporary files is itself behind a link, as on macOS.
    let path = place.path().canonicalize().unwrap();
    assert_eq!(work_tree_above(&path), None, "the directory for temporary files must not be inside a git work tree");
    (place, path)
}

fn key() -> LocalKey {
    LocalKey::dangerous_from_secret(KeyType::Ed25519, &[7; 32]).unwrap()
}

fn phrase() -> Passphrase {
    Passphrase::new("swordfish".to_owned())
}

fn written(directory: &Path) -> PathBuf {
    write_key_files(&directory.join("k"), &key(), None, None).unwrap().0
}

fn read(path: &Path, home: Option<&Path>) -> Result<LocalKey, KeyError> {
    read_key_file(path, home, || panic!("nobody should be asked for a passphrase"))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn is_in_work_tree(error: &KeyError, expected: &Path) -> bool {
    matches!(error, KeyError::Exposed { exposure: Exposure::InWorkTree { top }, .. } if top == expected)
}

#[test]
fn writes_a_private_and_a_public_file_with_their_modes() {
    let (_keep, place) = place();
    let (private, public) = write_key_files(&place.join("a/b/release-1.2"), &key(), None, None).unwrap();
    assert_eq!((private.clone(), public.clone()), (place.join("a/b/release-1.2.key"), place.join("a/b/release-1.2.pub")));
    assert_eq!((mode(&private), mode(&public)), (0o600, 0o644));
    assert_eq!((mode(&place.join("a")), mode(&place.join("a/b"))), (0o700, 0o700));
    assert_eq!(fs::read_to_string(&public).unwrap(), key().public_key_pem());
    assert_eq!(names(&place.join("a/b")), ["release-1.2.key", "release-1.2.pub"]);
    assert_eq!(read(&private, None).unwrap().public_key_der(), key().public_key_der());
}

#[test]
fn asks_for_a_passphrase_only_if_the_key_is_encrypted() {
    let (_keep, place) = place();
    let (private, _) = write_key_files(&place.join("k"), &key(), Some(&phrase()), None).unwrap();
    assert_eq!(read_key_file(&private, None, || Some(phrase())).unwrap().public_key_der(), key().public_key_der());
    assert_eq!(read_key_file(&private, None, || None).unwrap_err().code(), "passphrase-needed");
    let wrong = read_key_file(&private, None, || Some(Passphrase::new("catfish".to_owned()))).unwrap_err();
    assert_eq!(wrong.code(), "passphrase-wrong");
    assert_eq!(wrong.to_string(), format!("private key `{}`: the passphrase doesn't open the private key", private.display()));
}

#[test]
fn overwrites_no_existing_file_and_leaves_no_half() {
    for taken in ["k.key", "k.pub"] {
        let (_keep, place) = place();
        fs::write(place.join(taken), "precious").unwrap();
        match write_key_files(&place.join("k"), &key(), None, None).unwrap_err() {
            KeyError::Exists { path } => assert_eq!(path, place.join(taken)),
            other => panic!("{other:?}"),
        }
        assert_eq!(fs::read_to_string(place.join(taken)).unwrap(), "precious");
        assert_eq!(names(&place), [taken]);
    }
}

#[test]
fn leaves_nothing_behind_if_it_cannot_write() {
    let (_keep, place) = place();
    // One byte longer than a file's name may be.
    let error = write_key_files(&place.join("k".repeat(252)), &key(), None, None).unwrap_err();
    assert!(matches!(error, KeyError::Io { .. }), "{error:?}");
    assert!(names(&place).is_empty());
}

#[test]
fn does_not_write_through_a_dangling_link() {
    let (_keep, place) = place();
    symlink(place.join("elsewhere"), place.join("k.key")).unwrap();
    assert_eq!(write_key_files(&place.join("k"), &key(), None, None).unwrap_err().code(), "key-exists");
    assert_eq!(names(&place), ["k.key"]);
}

#[test]
fn refuses_prefixes_that_name_no_file() {
    let (_keep, place) = place();
    for prefix in ["", "/", "..", "keys/"] {
        let prefix = if prefix.is_empty() { PathBuf::new() } else { place.join(prefix) };
        assert_eq!(write_key_files(&prefix, &key(), None, None).unwrap_err().code(), "key-argument", "{}", prefix.display());
    }
    assert!(names(&place).is_empty());
}

#[test]
fn says_where_it_missed_a_key() {
    let (_keep, place) = place();
    for path in [place.join("none.key"), place.join("no/such/directory.key")] {
        let error = read(&path, None).unwrap_err();
        assert_eq!(error.code(), "key-missing");
        assert_eq!(error.to_string(), format!("no private key at `{}`", path.display()));
    }
}

#[test]
fn refuses_a_key_that_others_can_use() {
    let (_keep, place) = place();
    let private = written(&place);
    for open in [0o640, 0o604, 0o620, 0o644, 0o666] {
        fs::set_permissions(&private, fs::Permissions::from_mode(open)).unwrap();
        let error = read(&private, None).unwrap_err();
        assert_eq!(error.code(), "key-exposed");
        assert!(matches!(error, KeyError::Exposed { exposure: Exposure::OthersMayRead { mode }, .. } if mode == open));
    }
    fs::set_permissions(&private, fs::Permissions::from_mode(0o400)).unwrap();
    read(&private, None).unwrap();
}

#[test]
fn refuses_to_read_a_key_inside_a_work_tree() {
    let (_keep, place) = place();
    let directory = place.join("project/deep/down");
    let private = written(&directory);
    read(&private, None).unwrap();
    fs::create_dir(place.join("project/.git")).unwrap();
    let error = read(&private, Some(&place)).unwrap_err();
    assert!(is_in_work_tree(&error, &place.join("project")), "{error:?}");
    assert_eq!(error.code(), "key-exposed");
}

#[test]
fn takes_the_git_file_of_a_linked_work_tree_for_one() {
    let (_keep, place) = place();
    let private = written(&place);
    fs::write(place.join(".git"), "gitdir: elsewhere\n").unwrap();
    assert!(is_in_work_tree(&read(&private, None).unwrap_err(), &place));
}

#[test]
fn follows_links_before_it_judges() {
    let (_keep, place) = place();
    fs::create_dir_all(place.join("project/.git")).unwrap();
    let outside = written(&place.join("outside"));
    // A link in the tree to a key outside is no exposure; a link outside to a key in the tree is.
    symlink(&outside, place.join("project/link.key")).unwrap();
    read(&place.join("project/link.key"), None).unwrap();
    fs::copy(&outside, place.join("project/k.key")).unwrap();
    symlink(place.join("project/k.key"), place.join("outside/link.key")).unwrap();
    assert!(is_in_work_tree(&read(&place.join("outside/link.key"), None).unwrap_err(), &place.join("project")));
}

#[test]
fn allows_a_home_that_is_a_work_tree_but_not_a_tree_inside_it() {
    let (_keep, place) = place();
    fs::create_dir(place.join(".git")).unwrap();
    let prefix = place.join(".local/share/countersign/keys/default");
    assert!(is_in_work_tree(&write_key_files(&prefix, &key(), None, None).unwrap_err(), &place));
    let (private, _) = write_key_files(&prefix, &key(), None, Some(&place)).unwrap();
    read(&private, Some(&place)).unwrap();
    // A relative home would be another one in each directory.
    let above: PathBuf = std::env::current_dir().unwrap().components().skip(1).map(|_| "..").collect();
    let relative = above.join(place.strip_prefix("/").unwrap());
    assert_eq!(relative.canonicalize().unwrap(), place);
    assert!(is_in_work_tree(&read(&private, Some(&relative)).unwrap_err(), &place));
    fs::create_dir(place.join(".local/.git")).unwrap();
    assert!(is_in_work_tree(&read(&private, Some(&place)).unwrap_err(), &place.join(".local")));
}

#[test]
fn writes_no_key_into_a_work_tree_however_the_path_is_spelt() {
    let (_keep, place) = place();
    let tree = place.join("tree");
    fs::create_dir_all(tree.join(".git")).unwrap();
    fs::create_dir(place.join("beside")).unwrap();
    symlink(&tree, place.join("beside/link")).unwrap();
    for prefix in ["tree/k", "tree/not/there/yet/k", "beside/../tree/k", "beside/link/k", "beside/new/../../tree/k"] {
        let error = write_key_files(&place.join(prefix), &key(), None, None).unwrap_err();
        assert!(is_in_work_tree(&error, &tree), "{prefix}: {error:?}");
    }
    assert_eq!(names(&tree), [".git"]);
}

#[test]
fn refuses_what_is_no_key_file() {
    let (_keep, place) = place();
    assert!(matches!(read(&place, None).unwrap_err(), KeyError::NotAFile { .. }));
    let path = place.join("k.key");
    for (content, code) in [(&b"\xff\xfe"[..], "key-malformed"), (b"hello", "key-malformed"), (&[b'x'; 70_000], "key-malformed")] {
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let error = read(&path, None).unwrap_err();
        assert_eq!(error.code(), code);
        assert!(error.to_string().starts_with(&format!("private key `{}`: not a private key", path.display())), "{error}");
    }
}
