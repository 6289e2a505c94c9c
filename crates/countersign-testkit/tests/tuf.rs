//! Trust roots are updated from a repository that this test makes: what is newer and rightly signed is kept, and each thing that
//! a mirror can do wrong is refused, and leaves what was kept as it was.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may stop at what it doesn't expect")]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use countersign::digest::Digest;
use countersign::time::Time;
use countersign_sign::{FetchedTrust, Mirror, TufError, TufRepository};
use countersign_testkit::authority::Authority;
use countersign_testkit::tuf::{self, Fault, Files, Repository};
use tempfile::TempDir;

#[test]
fn keeps_what_is_newer_and_asks_nobody_for_it_afterwards() {
    let desk = Desk::new();
    assert!(desk.kept().unwrap().is_none());
    let first = desk.update(NOW).unwrap();
    assert_eq!(first.root().digest(), &Digest::sha256(&Authority::new().trusted_root()));
    assert_eq!((first.fresh_until(), first.root().is_public_good()), (time(EXPIRY), false));
    assert_eq!(fs::read(desk.client().trust_root_file()).unwrap(), Authority::new().trusted_root());
    // Nothing new is nothing wrong.
    assert_eq!(desk.update(NOW).unwrap().versions(), first.versions());
    let mut newer = desk.repository.clone();
    newer.trust_root = Authority::elsewhere().trusted_root();
    newer.next();
    desk.mirror.serve(newer.files());
    assert_eq!(desk.kept().unwrap().unwrap().root().digest(), first.root().digest());
    let second = desk.update(NOW).unwrap();
    assert_eq!(second.root().digest(), &Digest::sha256(&newer.trust_root));
    let asked = desk.mirror.asked();
    let kept = desk.kept().unwrap().unwrap();
    assert_eq!((kept.root().digest(), kept.versions()), (second.root().digest(), second.versions()));
    assert_eq!(desk.mirror.asked(), asked);
}

#[test]
fn reads_a_mirror_in_a_folder_as_one_at_an_address() {
    let (desk, folder) = (Desk::new(), tempfile::tempdir().unwrap());
    write(folder.path(), &desk.repository.files());
    let mirror = Mirror::named(&format!("file://{}", folder.path().display())).unwrap();
    assert_eq!(desk.client().update(&mirror, time(NOW)).unwrap().root().digest(), desk.update(NOW).unwrap().root().digest());
    let nowhere = Mirror::named("file:///nowhere/at/all").unwrap();
    assert_eq!(desk.client().update(&nowhere, time(NOW)).unwrap_err().code(), "mirror-unavailable");
}

#[test]
fn says_when_what_was_kept_has_gone_out_of_date_and_uses_it_all_the_same() {
    let desk = Desk::new();
    desk.update(NOW).unwrap();
    let kept = desk.kept().unwrap().unwrap();
    assert!(!kept.is_stale(time(EXPIRY)) && kept.is_stale(time(LATER)));
}

#[test]
fn what_expires_first_decides_how_long_it_is_fresh() {
    let soon = time("2025-06-02T00:00:00Z");
    let changes: [fn(&mut Repository, Time); 5] = [
        |repository, soon| repository.rotate_root(|repository| repository.root.expires = soon),
        |repository, soon| repository.timestamp.expires = soon,
        |repository, soon| repository.snapshot.expires = soon,
        |repository, soon| repository.targets.expires = soon,
        |repository, soon| {
            let delegate = tuf::Role { expires: soon, ..repository.targets.clone() };
            repository.delegate = Some(delegate);
        },
    ];
    for change in changes {
        let mut repository = Repository::new(time(EXPIRY));
        change(&mut repository, soon);
        let desk = Desk::serving(repository.files(), repository);
        assert_eq!(desk.update(NOW).unwrap().fresh_until(), soon);
        assert_eq!(desk.kept().unwrap().unwrap().fresh_until(), soon);
        // And it isn't taken anew once it has expired, whoever else's word still holds.
        assert_eq!(desk.update("2025-06-03T00:00:00Z").unwrap_err().code(), "metadata-expired");
    }
}

#[test]
fn a_mirror_that_is_frozen_is_refused_once_its_word_has_expired() {
    let desk = Desk::new();
    desk.update(NOW).unwrap();
    let error = desk.update(LATER).unwrap_err();
    assert_eq!(error.code(), "metadata-expired");
    assert_eq!(error.to_string(), format!("what the mirror offers is out of date: its root metadata expired at {EXPIRY}"));
    // A newer root doesn't make an old timestamp newer.
    let mut root_only = desk.repository.clone();
    root_only.rotate_root(|repository| repository.root.expires = time("2026-01-01T00:00:00Z"));
    desk.mirror.serve(root_only.files());
    let error = desk.update(LATER).unwrap_err();
    assert!(error.to_string().contains("its timestamp metadata expired"), "{error}");
}

#[test]
fn a_mirror_that_goes_back_is_refused() {
    // Back as a whole; or newly signed, by somebody who has the keys of one or two roles, above something older.
    let whole = |_: &mut Repository| {};
    let snapshot = |repository: &mut Repository| repository.timestamp.version = 3;
    let targets = |repository: &mut Repository| (repository.timestamp.version, repository.snapshot.version) = (3, 3);
    for (change, role) in [(whole as fn(&mut Repository), "timestamp"), (snapshot, "snapshot"), (targets, "targets")] {
        let desk = Desk::new();
        let mut newer = desk.repository.clone();
        newer.next();
        desk.mirror.serve(newer.files());
        desk.update(NOW).unwrap();
        let mut older = desk.repository.clone();
        change(&mut older);
        desk.mirror.serve(older.files());
        // Nor later, when what was kept has expired.
        for at in [NOW, LATER] {
            let error = desk.update(at).unwrap_err();
            assert_eq!(error.code(), if at == NOW { "metadata-rollback" } else { "metadata-expired" }, "{role}: {error}");
            assert!(at == LATER || error.to_string().contains(role), "{error}");
            assert_eq!(desk.kept().unwrap().unwrap().versions().targets, 2, "{role}");
        }
    }
}

#[test]
fn what_was_kept_is_a_floor_even_after_it_has_expired() {
    let desk = Desk::new();
    let mut newer = desk.repository.clone();
    newer.next();
    newer.timestamp.expires = time("2025-06-02T00:00:00Z");
    desk.mirror.serve(newer.files());
    desk.update(NOW).unwrap();
    desk.mirror.serve(desk.repository.files());
    let error = desk.update("2025-06-03T00:00:00Z").unwrap_err();
    assert_eq!(error.code(), "metadata-rollback", "{error}");
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let old = Repository::new(time(EXPIRY));
    let mut new = old.clone();
    new.trust_root = Authority::elsewhere().trusted_root();
    new.next();
    let target = |repository: &Repository| format!("targets/{}.trusted_root.json", Digest::sha256(&repository.trust_root).hex());
    let mut cases: Vec<(&str, Files)> = Vec::new();
    for name in ["snapshot", "targets"] {
        let mut files = new.files();
        files.insert(format!("2.{name}.json"), old.files()[&format!("1.{name}.json")].clone());
        cases.push((name, files));
        // The same version of the same role, signed by the same keys, that says something else.
        let mut other = new.clone();
        other.trust_root = old.trust_root.clone();
        other.snapshot.expires = time("2025-06-30T00:00:00Z");
        let mut files = new.files();
        files.insert(format!("2.{name}.json"), other.files()[&format!("2.{name}.json")].clone());
        cases.push((name, files));
        // One byte more: a signature covers none of it.
        let mut files = new.files();
        files.get_mut(&format!("2.{name}.json")).unwrap().push(b' ');
        cases.push((name, files));
        let mut files = new.files();
        files.remove(&format!("2.{name}.json"));
        cases.push((name, files));
    }
    let changes: [fn(&mut Vec<u8>); 4] = [
        |bytes| bytes.truncate(bytes.len() - 1),
        |bytes| bytes.push(b' '),
        |bytes| bytes[20] ^= 1,
        |bytes| *bytes = Authority::new().trusted_root(),
    ];
    for change in changes {
        let mut files = new.files();
        change(files.get_mut(&target(&new)).unwrap());
        cases.push(("trusted_root.json", files));
    }
    for (what, files) in cases {
        let desk = Desk::serving(old.files(), old.clone());
        desk.update(NOW).unwrap();
        desk.mirror.serve(files);
        let error = desk.update(NOW).unwrap_err();
        assert!(matches!(error.code(), "metadata-untrusted" | "mirror-unavailable"), "{what}: {error}");
        assert_eq!(desk.kept().unwrap().unwrap().root().digest(), &Digest::sha256(&old.trust_root), "{what}");
        // It was the mirror: the same repository, whole, is taken.
        desk.mirror.serve(new.files());
        assert_eq!(desk.update(NOW).unwrap().root().digest(), &Digest::sha256(&new.trust_root), "{what}");
    }
}

#[test]
fn what_too_few_have_signed_is_refused() {
    let changes: [fn(&mut Repository); 7] = [
        |repository| repository.timestamp.signers = vec![],
        |repository| repository.timestamp.signers = vec![9],
        |repository| repository.snapshot.signers = vec![4],
        |repository| repository.targets.signers = vec![6],
        // The same key twice is one.
        |repository| repository.targets.signers = vec![6, 6],
        |repository| repository.targets.signers = vec![6, 9],
        // One who holds another role.
        |repository| repository.targets.signers = vec![6, 5],
    ];
    for change in changes {
        let desk = Desk::new();
        desk.update(NOW).unwrap();
        let mut newer = desk.repository.clone();
        newer.next();
        change(&mut newer);
        desk.mirror.serve(newer.files());
        let error = desk.update(NOW).unwrap_err();
        assert_eq!(error.code(), "metadata-untrusted", "{error}");
        assert_eq!(desk.kept().unwrap().unwrap().versions().timestamp, 1);
    }
}

#[test]
fn follows_keys_through_several_roots() {
    let desk = Desk::new();
    desk.update(NOW).unwrap();
    let mut rotated = desk.repository.clone();
    rotated.rotate_root(|repository| repository.root.pass_to(&[1, 2, 11]));
    rotated.rotate_root(|repository| repository.root.pass_to(&[10, 2, 11]));
    rotated.rotate_root(|repository| {
        repository.root.pass_to(&[10, 12, 11]);
        repository.timestamp.pass_to(&[13]);
        repository.targets.pass_to(&[14, 15]);
    });
    rotated.next();
    desk.mirror.serve(rotated.files());
    let trust = desk.update(NOW).unwrap();
    assert_eq!((trust.versions().root, trust.versions().timestamp), (4, 2));
    // Whoever begins anew with the first root comes there, too.
    let anew = Desk::serving(rotated.files(), rotated.clone());
    assert_eq!(anew.update(NOW).unwrap().versions(), trust.versions());
    // Afterwards nobody is led back to who held the roles before.
    desk.mirror.serve(desk.repository.files());
    assert!(desk.update(NOW).is_err());
    assert_eq!(desk.kept().unwrap().unwrap().versions(), trust.versions());
}

#[test]
fn follows_no_root_that_those_before_did_not_sign() {
    // Signed by the new alone, by too few of the old, by the old alone, or with a version left out.
    for signers in [&[10, 11, 12][..], &[10, 11, 12, 1], &[1, 2, 3]] {
        let desk = Desk::new();
        desk.update(NOW).unwrap();
        let mut rotated = desk.repository.clone();
        rotated.root.version = 2;
        rotated.root.pass_to(&[10, 11, 12]);
        rotated.root.signers = signers.to_vec();
        rotated.publish_root();
        desk.mirror.serve(rotated.files());
        assert_eq!(desk.update(NOW).unwrap_err().code(), "metadata-untrusted");
        assert_eq!(desk.kept().unwrap().unwrap().versions().root, 1);
    }
    let desk = Desk::new();
    let mut rotated = desk.repository.clone();
    rotated.rotate_root(|_| {});
    rotated.rotate_root(|repository| repository.timestamp.pass_to(&[13]));
    rotated.forget_root(2);
    desk.mirror.serve(rotated.files());
    assert_eq!(desk.update(NOW).unwrap_err().code(), "metadata-untrusted");
    // Or the right root under another's name.
    let mut files = rotated.files();
    files.insert("2.root.json".to_owned(), files["3.root.json"].clone());
    desk.mirror.serve(files);
    assert_eq!(desk.update(NOW).unwrap_err().code(), "metadata-untrusted");
}

#[test]
fn a_root_that_was_seen_is_kept_even_if_the_rest_fails() {
    let desk = Desk::new();
    desk.update(NOW).unwrap();
    let mut rotated = desk.repository.clone();
    rotated.rotate_root(|repository| repository.timestamp.pass_to(&[13]));
    rotated.next();
    desk.mirror.serve(rotated.files());
    desk.mirror.fail("timestamp.json", Fault::Status(404));
    assert!(desk.update(NOW).is_err());
    desk.mirror.mend();
    // The key that was replaced counts no more, for a mirror and for what was kept.
    desk.mirror.serve(desk.repository.files());
    assert_eq!(desk.update(NOW).unwrap_err().code(), "metadata-untrusted");
    assert_eq!(desk.kept().unwrap_err().code(), "metadata-untrusted");
    desk.mirror.serve(rotated.files());
    assert_eq!(desk.update(NOW).unwrap().versions().root, 2);
}

#[test]
fn a_chain_of_roots_ends_somewhere_and_goes_on_the_next_time() {
    let desk = Desk::new();
    let mut long = desk.repository.clone();
    for _ in 0..40 {
        long.rotate_root(|_| {});
    }
    desk.mirror.serve(long.files());
    let error = desk.update(NOW).unwrap_err();
    assert!(error.to_string().contains("32 root rotations"), "{error}");
    assert_eq!(desk.update(NOW).unwrap().versions().root, 41);
}

#[test]
fn a_mirror_that_never_ends_or_answers_is_left_in_time() {
    std::thread::scope(|scope| {
        for file in ["2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json", ".trusted_root.json"] {
            for fault in [Fault::Floods, Fault::Hangs, Fault::CutOff, Fault::Status(500), Fault::Redirects] {
                // What isn't there can't be cut off.
                if (file, fault) == ("2.root.json", Fault::CutOff) {
                    continue;
                }
                scope.spawn(move || {
                    let desk = Desk::new();
                    desk.mirror.fail(file, fault);
                    let begun = Instant::now();
                    let mirror = Mirror::named(&desk.mirror.url()).unwrap().within(Duration::from_secs(3));
                    let error = desk.client().update(&mirror, time(NOW)).unwrap_err();
                    let code = if fault == Fault::Floods { "metadata-untrusted" } else { "mirror-unavailable" };
                    assert_eq!(error.code(), code, "{file}, {fault:?}: {error}");
                    assert!(begun.elapsed() < Duration::from_secs(20), "{file}, {fault:?}");
                    assert!(desk.kept().unwrap().is_none());
                });
            }
        }
    });
}

#[test]
fn a_trust_root_that_cannot_be_used_is_not_kept() {
    let desk = Desk::new();
    let first = desk.update(NOW).unwrap();
    for trust_root in [b"{}".to_vec(), b"not JSON".to_vec(), vec![b' '; (1 << 20) + 1]] {
        let mut newer = desk.repository.clone();
        newer.trust_root = trust_root;
        newer.next();
        desk.mirror.serve(newer.files());
        let error = desk.update(NOW).unwrap_err();
        assert!(matches!(error, TufError::TrustRoot(_) | TufError::Refused { .. }), "{error}");
        assert_eq!(desk.kept().unwrap().unwrap().root().digest(), first.root().digest());
    }
}

#[test]
fn what_was_kept_and_then_changed_is_not_used() {
    let desk = Desk::new();
    desk.update(NOW).unwrap();
    let path = desk.folder.path().join("kept.json");
    let whole = fs::read_to_string(&path).unwrap();
    let changes = [
        (whole.replace("signers", "singers"), "metadata-untrusted"),
        (whole.replace("2025-07-01", "2026-07-01"), "metadata-untrusted"),
        (whole.chars().take(whole.len() / 2).collect(), "trust-damaged"),
    ];
    for (changed, code) in changes {
        assert_ne!(changed, whole);
        fs::write(&path, changed).unwrap();
        assert_eq!(desk.kept().unwrap_err().code(), code);
    }
}

#[test]
fn two_instances_are_not_each_others_successors() {
    let desk = Desk::new();
    desk.update(NOW).unwrap();
    let mut other = desk.repository.clone();
    other.root.pass_to(&[10, 11, 12]);
    other.timestamp.pass_to(&[13]);
    other.publish_root();
    let client = TufRepository::new(other.anchor(), desk.folder.path()).unwrap();
    assert_eq!(client.kept().unwrap_err().code(), "metadata-untrusted");
}

/// A mirror, and somebody who begins with the first root.
struct Desk {
    repository: Repository,
    mirror: tuf::Mirror,
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        let repository = Repository::new(time(EXPIRY));
        Self::serving(repository.files(), repository)
    }

    fn serving(files: Files, repository: Repository) -> Self {
        Self { repository, mirror: tuf::Mirror::of(files), folder: tempfile::tempdir().unwrap() }
    }

    fn client(&self) -> TufRepository {
        TufRepository::new(self.repository.anchor(), self.folder.path()).unwrap()
    }

    fn update(&self, at: &str) -> Result<FetchedTrust, TufError> {
        self.client().update(&Mirror::named(&self.mirror.url()).unwrap(), time(at))
    }

    fn kept(&self) -> Result<Option<FetchedTrust>, TufError> {
        self.client().kept()
    }
}

fn write(folder: &Path, files: &Files) {
    for (path, bytes) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

fn time(text: &str) -> Time {
    text.parse().unwrap()
}

const NOW: &str = "2025-06-01T00:00:00Z";
const EXPIRY: &str = "2025-07-01T00:00:00Z";
const LATER: &str = "2025-08-01T00:00:00Z";
