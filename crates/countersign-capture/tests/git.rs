//! Facts from repositories that the tests make with git itself, compared with what git says.
//! Names and dates are fixed; no configuration outside the repository is read by git.
#![expect(clippy::unwrap_used, clippy::string_slice, reason = "a test may stop at what it does not expect")]

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use countersign::digest::{Algorithm, Digest, check_git_object};
use countersign_capture::git::{ChangeKind, GitError, LineCounts, Repository};
use tempfile::TempDir;

struct Clone {
    folder: TempDir,
    top: PathBuf,
}

impl Clone {
    fn new() -> Self {
        Self::with_format("sha1")
    }

    fn with_format(format: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().canonicalize().unwrap().join("work");
        fs::create_dir(&top).unwrap();
        let clone = Self { folder, top };
        clone.git(&["init", "--quiet", "--initial-branch=main", &format!("--object-format={format}")]);
        clone
    }

    fn git(&self, arguments: &[&str]) -> String {
        git_in(&self.top, arguments)
    }

    fn write(&self, path: &str, content: &str) {
        let path = self.top.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn repository(&self) -> Repository {
        Repository::discover(&self.top).unwrap()
    }

    /// What git itself would store, found in a copy so that the original stays untouched.
    fn tree_by_git(&self) -> String {
        let copy = self.folder.path().join("copy");
        let copied = Command::new("cp").arg("-a").arg(&self.top).arg(&copy).status().unwrap();
        assert!(copied.success());
        git_in(&copy, &["add", "--all"]);
        let tree = git_in(&copy, &["write-tree"]);
        fs::remove_dir_all(copy).unwrap();
        tree
    }

    fn assert_same_tree(&self) {
        assert_eq!(self.repository().work_tree_id().unwrap().hex(), self.tree_by_git());
    }
}

fn git_in(top: &Path, arguments: &[&str]) -> String {
    let output = git_command(top, arguments).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

fn git_command(top: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os() {
        if name.as_bytes().starts_with(b"GIT_") {
            command.env_remove(name);
        }
    }
    command
        .current_dir(top)
        .args(["-c", "protocol.file.allow=always", "-c", "advice.addEmbeddedRepo=false"])
        .args(arguments)
        .env("HOME", "/nonexistent")
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "Author")
        .env("GIT_AUTHOR_EMAIL", "author@example.test")
        .env("GIT_AUTHOR_DATE", "2025-01-01T00:00:00Z")
        .env("GIT_COMMITTER_NAME", "Committer")
        .env("GIT_COMMITTER_EMAIL", "committer@example.test")
        .env("GIT_COMMITTER_DATE", "2025-01-02T00:00:00Z");
    command
}

fn commit_digest(hex: &str) -> Digest {
    Digest::new(Algorithm::GitCommit, hex).unwrap()
}

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
fn a_linked_work_tree_has_its_own_head_and_files() {
    let clone = Clone::new();
    clone.write("a", "a");
    clone.commit("First");
    clone.git(&["remote", "add", "origin", "https://user:secret@example.test/org/repo.git"]);
    let linked = clone.top.parent().unwrap().join("linked");
    clone.git(&["worktree", "add", "--quiet", "-b", "topic", linked.to_str().unwrap()]);
    fs::create_dir(linked.join("deep")).unwrap();
    fs::write(linked.join("deep/b"), "b").unwrap();
    let repository = Repository::discover(&linked.join("deep")).unwrap();
    assert_eq!(repository.work_tree(), Some(linked.as_path()));
    assert_eq!(repository.head().unwrap().reference.as_deref(), Some("refs/heads/topic"));
    assert!(repository.is_dirty().unwrap());
    assert!(!clone.repository().is_dirty().unwrap());
    assert_eq!(repository.repository_uri().as_deref(), Some("https://example.test/org/repo.git"));
    let tree = repository.work_tree_id().unwrap();
    git_in(&linked, &["add", "--all"]);
    assert_eq!(tree.hex(), git_in(&linked, &["write-tree"]));
}

#[test]
fn a_bare_repository_has_no_files_and_no_folder_has_no_repository() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Repository::discover(folder.path()), Err(GitError::NotARepository { .. })));
    git_in(folder.path(), &["init", "--quiet", "--bare"]);
    let repository = Repository::discover(folder.path()).unwrap();
    assert_eq!(repository.work_tree(), None);
    assert!(matches!(repository.work_tree_id(), Err(GitError::Bare)));
}

#[test]
fn the_work_tree_is_hashed_as_git_would_store_it() {
    let clone = Clone::new();
    clone.write(".gitignore", "*.log\nbuild/\n!kept.log\n/top-only\n");
    clone.write("src/main.rs", "fn main() {}\n");
    clone.write("src.d/a", "sorts beside `src`");
    clone.write("script.sh", "#!/bin/sh\n");
    clone.write("build/tracked", "tracked although ignored");
    clone.write("gone/only", "will be removed");
    clone.write("swap", "a file");
    clone.write("turns/into/file", "x");
    symlink("src/main.rs", clone.top.join("link")).unwrap();
    clone.git(&["add", "--force", "build/tracked"]);
    clone.commit("First");
    clone.assert_same_tree();
    assert!(!clone.repository().is_dirty().unwrap());

    clone.write("src/main.rs", "fn main() { changed() }\n");
    clone.write("build/tracked", "changed");
    clone.write("build/untracked", "ignored");
    clone.write("src/debug.log", "ignored");
    clone.write("src/kept.log", "kept");
    clone.write("src/top-only", "not ignored here");
    clone.write("top-only", "ignored here");
    clone.write("nested/.gitignore", "*\n!.gitignore\n!*.txt\n");
    clone.write("nested/a.txt", "kept");
    clone.write("nested/b.bin", "ignored");
    clone.write("nested/deeper/c.txt", "ignored with its folder");
    clone.write("grüße/日本.txt", "non-ASCII names");
    fs::write(clone.top.join(std::ffi::OsStr::from_bytes(b"latin-\xe9")), "not UTF-8").unwrap();
    clone.write(".git/info/exclude", "excluded\n");
    clone.write("excluded", "ignored");
    clone.write("empty", "");
    fs::create_dir_all(clone.top.join("no/files/here")).unwrap();
    fs::remove_dir_all(clone.top.join("gone")).unwrap();
    fs::remove_file(clone.top.join("swap")).unwrap();
    clone.write("swap/now/a/folder", "x");
    fs::remove_dir_all(clone.top.join("turns")).unwrap();
    symlink("src", clone.top.join("turns")).unwrap();
    symlink("nowhere/at/all", clone.top.join("dangling")).unwrap();
    fs::set_permissions(clone.top.join("script.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    // Only the owner's bit counts.
    clone.write("others", "x");
    fs::set_permissions(clone.top.join("others"), fs::Permissions::from_mode(0o655)).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, clone.top.join("pipe"), rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
    let index = fs::read(clone.top.join(".git/index")).unwrap();
    let objects = clone.git(&["count-objects"]);

    clone.assert_same_tree();
    assert!(clone.repository().is_dirty().unwrap());
    assert!(clone.repository().has_tracked_changes().unwrap());
    assert_eq!(fs::read(clone.top.join(".git/index")).unwrap(), index);
    assert_eq!(clone.git(&["count-objects"]), objects);
}

#[test]
fn line_endings_are_converted_as_git_converts_them() {
    let clone = Clone::new();
    clone.write(".gitattributes", "*.txt text\n*.bin -text\n*.id ident\nwide.txt working-tree-encoding=UTF-16LE\n");
    clone.write("a.txt", "one\r\ntwo\r\n");
    clone.write("a.bin", "one\r\ntwo\r\n");
    clone.write("a.auto", "one\r\ntwo\r\n");
    clone.write("a.id", "$Id: 0123456789 $\n");
    let wide: Vec<u8> = "wide\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(clone.top.join("wide.txt"), wide).unwrap();
    clone.assert_same_tree();
    clone.commit("First");
    clone.write("a.auto", "three\r\n");
    clone.assert_same_tree();
    clone.git(&["config", "core.autocrlf", "input"]);
    clone.write("new.auto", "one\r\ntwo\r\n");
    clone.assert_same_tree();
    clone.git(&["config", "core.fileMode", "false"]);
    fs::set_permissions(clone.top.join("a.bin"), fs::Permissions::from_mode(0o755)).unwrap();
    clone.assert_same_tree();
}

#[test]
fn a_filter_program_is_never_run() {
    let clone = Clone::new();
    clone.write("a", "a");
    clone.commit("First");
    let witness = clone.folder.path().join("witness");
    for key in ["filter.evil.clean", "filter.evil.process", "core.fsmonitor", "core.sshCommand", "diff.evil.textconv", "diff.external"] {
        clone.git(&["config", key, &format!("touch {}", witness.display())]);
    }
    clone.write(".gitattributes", "*.big filter=evil diff=evil\n*.not -filter\n");
    clone.write("a.not", "x");
    assert!(clone.repository().work_tree_id().is_ok());
    clone.write("b.big", "b");
    let refused = clone.repository().work_tree_id().unwrap_err();
    assert!(matches!(&refused, GitError::FilterNeeded { path } if path == "b.big"), "{refused}");
    assert!(refused.to_string().contains("`b.big`"));
    fs::remove_file(clone.top.join("b.big")).unwrap();
    clone.write(".gitattributes", "[attr]macro filter=evil\n*.huge macro\n");
    clone.write("c.huge", "c");
    assert!(matches!(clone.repository().work_tree_id(), Err(GitError::FilterNeeded { .. })));
    assert!(!witness.exists());
}

#[test]
fn a_filtered_file_counts_only_if_the_index_proves_it_unchanged() {
    let clone = Clone::new();
    clone.write("a.big", "content");
    fs::File::options()
        .write(true)
        .open(clone.top.join("a.big"))
        .unwrap()
        .set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000))
        .unwrap();
    let first = clone.commit("First");
    let tree = clone.git(&["rev-parse", &format!("{first}^{{tree}}")]);
    clone.write(".git/info/attributes", "*.big filter=lfs\n");
    assert_eq!(clone.repository().work_tree_id().unwrap().hex(), tree);
    clone.write("a.big", "CONTENT");
    assert!(matches!(clone.repository().work_tree_id(), Err(GitError::FilterNeeded { .. })));
}

#[test]
fn marks_in_the_index_hide_no_change() {
    let clone = Clone::new();
    clone.write("a", "a");
    clone.write("sparse/b", "b");
    clone.commit("First");
    clone.git(&["update-index", "--skip-worktree", "sparse/b"]);
    fs::remove_dir_all(clone.top.join("sparse")).unwrap();
    assert!(!clone.repository().is_dirty().unwrap());
    clone.assert_same_tree();
    // A link in place of the folder isn't the folder.
    symlink(clone.top.parent().unwrap(), clone.top.join("sparse")).unwrap();
    assert!(clone.repository().is_dirty().unwrap());
    clone.assert_same_tree();
    fs::remove_file(clone.top.join("sparse")).unwrap();

    clone.git(&["update-index", "--assume-unchanged", "a"]);
    clone.write("a", "changed");
    assert_eq!(clone.git(&["status", "--porcelain"]), "");
    assert!(clone.repository().is_dirty().unwrap());
}

#[test]
fn changes_in_the_index_alone_are_changes() {
    let clone = Clone::new();
    clone.write("a", "a");
    clone.commit("First");
    clone.git(&["rm", "--quiet", "--cached", "a"]);
    assert!(clone.repository().has_tracked_changes().unwrap());
    clone.git(&["add", "a"]);
    assert!(!clone.repository().has_tracked_changes().unwrap());
    clone.write("b", "b");
    clone.git(&["add", "--intent-to-add", "b"]);
    assert!(clone.repository().has_tracked_changes().unwrap());
    clone.assert_same_tree();
}

#[test]
fn repositories_inside_count_with_their_commit() {
    let library = Clone::new();
    library.write("lib", "lib");
    library.commit("Library");
    let clone = Clone::new();
    clone.git(&["submodule", "--quiet", "add", &format!("file://{}", library.top.display()), "library"]);
    clone.commit("First");
    clone.assert_same_tree();
    assert!(!clone.repository().is_dirty().unwrap());
    git_in(&clone.top.join("library"), &["commit", "--quiet", "--allow-empty", "--message", "More"]);
    assert!(clone.repository().is_dirty().unwrap());
    clone.assert_same_tree();

    git_in(&clone.top, &["init", "--quiet", "embedded/inner"]);
    clone.write("embedded/inner/x", "x");
    assert!(matches!(clone.repository().work_tree_id(), Err(GitError::NotStorable { .. })));
    git_in(&clone.top.join("embedded/inner"), &["commit", "--quiet", "--allow-empty", "--message", "Inner"]);
    clone.assert_same_tree();
    clone.git(&["submodule", "--quiet", "deinit", "--force", "library"]);
    clone.assert_same_tree();
    clone.write("pretends/.git/readme", "no repository");
    clone.write("pretends/file", "x");
    clone.assert_same_tree();
}

#[test]
fn an_unresolved_merge_is_taken_as_it_lies_on_disk() {
    let clone = Clone::new();
    clone.write("a", "base\n");
    clone.commit("Base");
    clone.git(&["checkout", "--quiet", "-b", "side"]);
    clone.write("a", "side\n");
    clone.commit("Side");
    clone.git(&["checkout", "--quiet", "main"]);
    clone.write("a", "main\n");
    clone.commit("Main");
    let merged = git_command(&clone.top, &["merge", "--quiet", "side"]).output().unwrap();
    assert!(!merged.status.success());
    assert!(clone.repository().has_tracked_changes().unwrap());
    clone.assert_same_tree();
}

#[test]
fn names_each_path_that_differs() {
    let clone = Clone::new();
    clone.write("kept", "x");
    clone.write("removed", "1\n2\n3\n");
    clone.write("modified", "1\n2\n3\n");
    clone.write("mode", "x\n");
    clone.write("type", "x\n");
    clone.write("folder/becomes-file", "1\n");
    clone.commit("Base");
    fs::remove_file(clone.top.join("removed")).unwrap();
    clone.write("modified", "1\ntwo\n3\n4\n");
    clone.write("added", "1\n2");
    clone.write("bi\"nary", "\0\0");
    fs::write(clone.top.join(std::ffi::OsStr::from_bytes(b"\xff")), "x").unwrap();
    fs::set_permissions(clone.top.join("mode"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_file(clone.top.join("type")).unwrap();
    symlink("kept", clone.top.join("type")).unwrap();
    fs::remove_dir_all(clone.top.join("folder")).unwrap();
    clone.write("folder", "1\n2\n");
    let head = clone.commit("Head");

    let repository = clone.repository();
    let base = repository.commit("HEAD~1").unwrap();
    let changes = repository.changes(&base.id, &commit_digest(&head)).unwrap();
    let found: Vec<_> = changes.iter().map(|change| (change.path.as_str(), change.kind, change.lines)).collect();
    let lines = |added, removed| Some(LineCounts { added, removed });
    assert_eq!(
        found,
        [
            ("added", ChangeKind::Added, lines(2, 0)),
            (r#""bi\"nary""#, ChangeKind::Added, None),
            ("folder", ChangeKind::Added, lines(2, 0)),
            ("folder/becomes-file", ChangeKind::Removed, lines(0, 1)),
            ("mode", ChangeKind::Modified, lines(0, 0)),
            ("modified", ChangeKind::Modified, lines(2, 1)),
            ("removed", ChangeKind::Removed, lines(0, 3)),
            ("type", ChangeKind::TypeChanged, lines(1, 1)),
            (r#""\377""#, ChangeKind::Added, lines(1, 0)),
        ]
    );
    let by_tree = repository.changes(&base.tree, &repository.commit("HEAD").unwrap().tree).unwrap();
    assert_eq!(by_tree, changes);
    assert_eq!(repository.changes_from_nothing(&base.id).unwrap().len(), 6);
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
