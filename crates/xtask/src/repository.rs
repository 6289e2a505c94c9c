//! The files of this repository: where they are, which are ours, and what they say.
//! It judges nothing.

use std::fs;
use std::path::{Path, PathBuf};

use crate::run::Program;

/// The work tree that the tasks look at.
pub(crate) struct Repository {
    root: PathBuf,
    files: Vec<String>,
}

impl Repository {
    /// Finds the work tree that this program's own manifest lies in, and lists its files: those that git tracks and those
    /// that it would.
    pub(crate) fn open() -> Result<Self, String> {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR").ok_or("start it as `cargo xtask`, which says where the repository is")?;
        let root = Path::new(&manifest).ancestors().nth(2).ok_or("the repository has no root")?.to_owned();
        let listed = Program::new("git", &["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).within(&root).output()?;
        let files = listed.split('\0').filter(|path| root.join(path).is_file()).map(str::to_owned).collect();
        Ok(Self { root, files })
    }

    /// Returns the top of the work tree.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns where cargo puts what it builds.
    pub(crate) fn target(&self) -> PathBuf {
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| self.root.join("target"), |path| self.root.join(path))
    }

    /// Returns the paths of all files, relative to the top, with `/`.
    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    /// Returns whether there is a file of that path.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.root.join(path).is_file()
    }

    /// Reads a file; bytes that are not UTF-8 become replacement characters.
    pub(crate) fn read(&self, path: &str) -> Result<String, String> {
        let bytes = fs::read(self.root.join(path)).map_err(|error| format!("can't read `{path}`: {error}"))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Writes a file.
    pub(crate) fn write(&self, path: &str, content: &str) -> Result<(), String> {
        fs::write(self.root.join(path), content).map_err(|error| format!("can't write `{path}`: {error}"))
    }

    /// Reads a manifest.
    pub(crate) fn manifest(&self, path: &str) -> Result<toml::Table, String> {
        self.read(path)?.parse().map_err(|error| format!("can't parse `{path}`: {error}"))
    }
}
