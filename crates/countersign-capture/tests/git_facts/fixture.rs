//! Repositories made with git itself, under fixed names and dates.
//! No configuration outside the repository is read by git; nothing is compared here but trees.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use countersign::digest::{Algorithm, Digest};
use countersign_capture::git::Repository;
use tempfile::TempDir;

/// A repository with a work tree, and room beside it.
pub(crate) struct Clone {
    pub(crate) folder: TempDir,
    pub(crate) top: PathBuf,
}

impl Clone {
    pub(crate) fn new() -> Self {
        Self::with_format("sha1")
    }

    pub(crate) fn with_format(format: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().canonicalize().unwrap().join("work");
        fs::create_dir(&top).unwrap();
        let clone = Self { folder, top };
        clone.git(&["init", "--quiet", "--initial-branch=main", &format!("--object-format={format}")]);
        clone
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git_in(&self.top, arguments)
    }

    pub(crate) fn write(&self, path: &str, content: &str) {
        let path = self.top.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    pub(crate) fn repository(&self) -> Repository {
        Repository::discover(&self.top).unwrap()
    }

    /// What git itself would store, found in a copy so that the original stays untouched.
    pub(crate) fn tree_by_git(&self) -> String {
        let copy = self.folder.path().join("copy");
        let copied = Command::new("cp").arg("-a").arg(&self.top).arg(&copy).status().unwrap();
        assert!(copied.success());
        git_in(&copy, &["add", "--all"]);
        let tree = git_in(&copy, &["write-tree"]);
        fs::remove_dir_all(copy).unwrap();
        tree
    }

    pub(crate) fn assert_same_tree(&self) {
        assert_eq!(self.repository().work_tree_id().unwrap().hex(), self.tree_by_git());
    }
}

pub(crate) fn git_in(top: &Path, arguments: &[&str]) -> String {
    let output = git_command(top, arguments).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

pub(crate) fn git_command(top: &Path, arguments: &[&str]) -> Command {
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

pub(crate) fn commit_digest(hex: &str) -> Digest {
    Digest::new(Algorithm::GitCommit, hex).unwrap()
}
