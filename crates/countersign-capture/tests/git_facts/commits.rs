//! Commits, references, history and changes.
//! Files that aren't committed are tested beside it.

use std::fs;

use countersign::digest::{Digest, check_git_object};
use countersign_capture::git::{GitError, Repository};

use crate::fixture::{Clone, commit_digest, git_command, git_in};

#[test]
fn a_commit_is_what_git_prints() {
    for format in ["sha1", "sha256"] {
        let clone = Clone::with_format(format);
        clone.write("a.txt", "a\n");
        let first = clone.commit("First");
        clone.write("a.txt", "b\n");
        let second = clone.commit("Second\n\nCo-authored-by: Helper <helper@example.test>\nco-authored-By:Other <o@example.test>");
        let repository = clone.repository();

        let commit = repository.commit("main").unwrap();
        assert_eq!(commit.id, commit_digest(&second));
        assert_eq!(commit.tree.hex(), clone.git(&["rev-parse", "HEAD^{tree}"]));
        assert_eq!(commit.parents, [commit_digest(&first)]);
        assert_eq!(commit.author, "Author <author@example.test>");
        assert_eq!(commit.committer, "Committer <committer@example.test>");
        assert_eq!(commit.co_authors, ["Helper <helper@example.test>", "Other <o@example.test>"]);
        assert_eq!(commit.committed_at.unix_seconds(), 1_735_776_000);
        assert_eq!(String::from_utf8(commit.object.clone()).unwrap().trim_end(), clone.git(&["cat-file", "commit", "HEAD"]));
        assert_eq!(commit.object_sha256(), Digest::sha256(&commit.object));
        check_git_object(&commit.id, &commit.object).unwrap();
        clone.assert_same_tree();
        assert_eq!(repository.work_tree_id().unwrap(), commit.tree);
        assert!(!repository.is_dirty().unwrap());
    }
}

#[test]
fn revisions_lead_to_commits_or_say_why_not() {
    let clone = Clone::new();
    clone.write("folder/policy.yaml", "version: 1\n");
    let first = clone.commit("First");
    clone.git(&["tag", "--annotate", "v1", "--message", "v1"]);
    clone.git(&["tag", "--annotate", "v1-again", "--message", "v1", "v1"]);
    clone.commit("Second");
    let repository = clone.repository();

    for revision in ["HEAD~1", "main^", "v1", "v1-again", "refs/tags/v1", &first, first.get(..10).unwrap()] {
        assert_eq!(repository.commit(revision).unwrap().id.hex(), first, "{revision}");
    }
    assert!(matches!(repository.commit("no-such-branch"), Err(GitError::RevisionUnknown { .. })));
    assert!(matches!(repository.commit(&"0".repeat(40)), Err(GitError::RevisionUnknown { .. } | GitError::ObjectMissing { .. })));
    assert!(matches!(repository.commit("HEAD:folder"), Err(GitError::NotACommit { .. })));
    assert!(matches!(repository.commit("HEAD~1..HEAD"), Err(GitError::RevisionUnknown { .. })));

    assert_eq!(repository.file_at("v1", "folder/policy.yaml").unwrap(), b"version: 1\n");
    for path in ["folder", "folder/none", "folder/policy.yaml/x", "", "/folder/policy.yaml"] {
        assert!(matches!(repository.file_at("v1", path), Err(GitError::NoSuchFile { .. })), "{path}");
    }
}

#[test]
fn an_abbreviation_of_two_objects_is_ambiguous() {
    let clone = Clone::new();
    for number in 0..60 {
        clone.write(&format!("{number}"), &format!("{number}"));
    }
    clone.commit("Many objects");
    let mut ids: Vec<_> =
        clone.git(&["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"]).lines().map(str::to_owned).collect();
    ids.sort();
    let short =
        (0..ids.len() - 1).find(|position| ids[*position][..4] == ids[position + 1][..4]).map(|position| ids[position][..4].to_owned());
    // Among few objects none may share four digits; they are made until some do.
    let short = short.unwrap_or_else(|| {
        let mut seen = std::collections::HashMap::new();
        (0..)
            .find_map(|number| {
                clone.write("new", &format!("new {number}"));
                let id = clone.git(&["hash-object", "-w", "new"]);
                seen.insert(id[..4].to_owned(), id.clone()).filter(|other| *other != id).map(|_| id[..4].to_owned())
            })
            .unwrap()
    });
    assert!(matches!(clone.repository().commit(&short), Err(GitError::RevisionAmbiguous { .. })));
}

#[test]
fn head_is_a_branch_a_commit_or_nothing_yet() {
    let clone = Clone::new();
    let head = clone.repository().head().unwrap();
    assert_eq!((head.commit, head.reference.as_deref()), (None, Some("refs/heads/main")));
    assert!(!clone.repository().is_dirty().unwrap());
    clone.write("a", "a");
    assert!(clone.repository().is_dirty().unwrap());
    assert!(!clone.repository().has_tracked_changes().unwrap());
    clone.assert_same_tree();

    let first = clone.commit("First");
    let head = clone.repository().head().unwrap();
    assert_eq!((head.commit, head.reference.as_deref()), (Some(commit_digest(&first)), Some("refs/heads/main")));

    clone.git(&["checkout", "--quiet", "--detach"]);
    let head = clone.repository().head().unwrap();
    assert_eq!((head.commit, head.reference), (Some(commit_digest(&first)), None));
    assert_eq!(clone.repository().reference_for(&first).unwrap(), None);
    assert_eq!(clone.repository().reference_for("main").unwrap().as_deref(), Some("refs/heads/main"));
}

#[test]
fn a_reference_is_given_only_for_commits_that_are_on_it() {
    let clone = Clone::new();
    let first = clone.commit("First");
    clone.git(&["tag", "v1"]);
    clone.git(&["checkout", "--quiet", "-b", "topic/one"]);
    let topic = clone.commit("Topic");
    clone.git(&["checkout", "--quiet", "main"]);
    clone.commit("Main");
    let repository = clone.repository();
    for (revision, expected) in [
        ("HEAD", Some("refs/heads/main")),
        ("main", Some("refs/heads/main")),
        ("refs/heads/topic/one", Some("refs/heads/topic/one")),
        ("topic/one", Some("refs/heads/topic/one")),
        ("v1", Some("refs/heads/main")),
        ("HEAD~1", Some("refs/heads/main")),
        (first.as_str(), Some("refs/heads/main")),
        (topic.as_str(), None),
    ] {
        assert_eq!(repository.reference_for(revision).unwrap().as_deref(), expected, "{revision}");
    }
}

#[test]
fn lists_commits_after_their_parents_across_merges() {
    let clone = Clone::new();
    let root = clone.commit("Root");
    let old = clone.commit("Old");
    clone.git(&["branch", "side", &root]);
    let base = clone.commit("Base");
    clone.git(&["checkout", "--quiet", "side"]);
    let side = clone.commit("Side");
    clone.git(&["checkout", "--quiet", "main"]);
    let one = clone.commit("One");
    clone.git(&["merge", "--quiet", "--no-ff", "--message", "Merge", "side"]);
    let merge = clone.git(&["rev-parse", "HEAD"]);
    let repository = clone.repository();
    let between = |base: &str, head: &str| -> Vec<String> {
        let commits = repository.commits_between(&commit_digest(base), &commit_digest(head)).unwrap();
        commits.iter().map(|commit| commit.id.hex().to_owned()).collect()
    };
    assert_eq!(between(&base, &merge), [one.clone(), side.clone(), merge.clone()]);
    assert_eq!(between(&base, &one), std::slice::from_ref(&one));
    assert_eq!(between(&side, &one), [old.clone(), base.clone(), one.clone()]);
    assert_eq!(between(&merge, &base), Vec::<String>::new());
    assert_eq!(between(&base, &base), Vec::<String>::new());

    let is_ancestor = |a: &str, b: &str| repository.is_ancestor(&commit_digest(a), &commit_digest(b)).unwrap();
    assert!(is_ancestor(&root, &merge) && is_ancestor(&side, &merge) && is_ancestor(&merge, &merge));
    assert!(!is_ancestor(&merge, &root) && !is_ancestor(&side, &one));
}

#[test]
fn lists_a_thousand_commits_and_no_more() {
    let clone = Clone::new();
    let mut stream = String::new();
    for number in 0..1_002 {
        stream.push_str(&format!(
            "commit refs/heads/long\ncommitter Committer <committer@example.test> {} +0000\ndata 1\nx\n",
            1_735_776_000 + number
        ));
    }
    let file = clone.folder.path().join("stream");
    fs::write(&file, stream).unwrap();
    let imported = git_command(&clone.top, &["fast-import", "--quiet"]).stdin(fs::File::open(file).unwrap()).status().unwrap();
    assert!(imported.success());
    let repository = clone.repository();
    let head = repository.commit("long").unwrap().id;
    let commits = repository.commits_between(&repository.commit("long~1000").unwrap().id, &head).unwrap();
    assert_eq!(commits.len(), 1_000);
    assert!(commits.windows(2).all(|pair| pair[1].parents == [pair[0].id.clone()]));
    let more = repository.commits_between(&repository.commit("long~1001").unwrap().id, &head);
    assert!(matches!(more, Err(GitError::TooManyCommits { limit: 1_000 })));
}

#[test]
fn a_shallow_clone_never_guesses() {
    let origin = Clone::new();
    for message in ["One", "Two", "Three", "Four"] {
        origin.commit(message);
    }
    let ids: Vec<String> = origin.git(&["rev-list", "--reverse", "HEAD"]).lines().map(str::to_owned).collect();
    let clone = origin.folder.path().join("shallow");
    git_in(&origin.top, &["clone", "--quiet", "--depth=2", &format!("file://{}", origin.top.display()), clone.to_str().unwrap()]);
    let repository = Repository::discover(&clone).unwrap();
    assert!(repository.is_shallow());
    assert!(!origin.repository().is_shallow());
    let (one, three, four) = (commit_digest(&ids[0]), commit_digest(&ids[2]), commit_digest(&ids[3]));
    assert!(repository.is_ancestor(&three, &four).unwrap());
    assert!(matches!(repository.is_ancestor(&one, &four), Err(GitError::Shallow)));
    assert_eq!(repository.commits_between(&three, &four).unwrap().len(), 1);
    assert!(matches!(repository.commits_between(&one, &four), Err(GitError::Shallow)));
    assert_eq!(repository.commit("HEAD").unwrap().id, four);
    assert_eq!(repository.repository_uri(), None);
}

#[test]
fn an_object_with_other_bytes_than_its_id_is_corrupt() {
    let clone = Clone::new();
    clone.write("a", "a");
    let first = clone.commit("First");
    clone.write("a", "b");
    let second = clone.commit("Second");
    let object = |id: &str| clone.top.join(".git/objects").join(&id[..2]).join(&id[2..]);
    fs::remove_file(object(&second)).unwrap();
    fs::copy(object(&first), object(&second)).unwrap();
    assert!(matches!(clone.repository().commit("HEAD"), Err(GitError::ObjectCorrupt { .. })));
    fs::remove_file(object(&second)).unwrap();
    assert!(clone.repository().commit(&second).is_err());
}

#[test]
fn replaced_objects_are_read_as_they_were_signed() {
    let clone = Clone::new();
    clone.write("a", "a");
    let first = clone.commit("First");
    clone.write("a", "b");
    let second = clone.commit("Second");
    clone.git(&["replace", &second, &first]);
    let commit = clone.repository().commit(&second).unwrap();
    assert_eq!(commit.parents, [commit_digest(&first)]);
}
