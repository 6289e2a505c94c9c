//! The tree of a work tree, compared with what git stores, and whether anything differs from `HEAD`.
//! Commits and their history are tested beside it.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use countersign_capture::git::{GitError, Repository};

use crate::fixture::{Clone, git_command, git_in};

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
fn leaves_out_untracked_files_that_are_named_and_no_tracked_one() {
    let clone = Clone::new();
    clone.write("kept/tracked", "1");
    clone.commit("first");
    let clean = clone.repository().work_tree_id().unwrap();
    clone.write("kept/untracked", "2");
    clone.write("app.tar", "3");
    clone.write("app.tar.gz", "4");
    let without = |paths: &[&str]| {
        let paths: Vec<_> = paths.iter().map(std::path::Path::new).collect();
        clone.repository().work_tree_id_without(&paths).unwrap()
    };
    assert_eq!(without(&["kept", "app.tar", "app.tar.gz"]), clean);
    assert_ne!(without(&["kept", "app.tar"]), clean);
    clone.write("kept/tracked", "changed");
    assert_ne!(without(&["kept", "app.tar", "app.tar.gz"]), clean);
}
