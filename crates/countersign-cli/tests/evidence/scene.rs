//! A home with keys and a clone with one commit, in which the binary runs as a user would run it.
//! It asserts nothing about what the binary does.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use countersign::bundle::Bundle;
use countersign::json::Json;
use countersign_sign::{KeyType, LocalKey, Passphrase, write_key_files};
use tempfile::TempDir;

/// The place of one test.
pub(crate) struct Scene {
    _folder: TempDir,
    pub(crate) home: PathBuf,
    pub(crate) work: PathBuf,
    environment: Vec<(String, String)>,
}

/// How a program ended, and what it said.
pub(crate) struct Ended {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Scene {
    /// Lays out the default key, the key `locked` with the passphrase `correct horse`, and a clone.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().canonicalize().unwrap();
        let (home, work) = (top.join("home"), top.join("work"));
        fs::create_dir_all(&work).unwrap();
        let key = |byte| LocalKey::dangerous_from_secret(KeyType::P256, &[byte; 32]).unwrap();
        write_key_files(&home.join(".local/share/countersign/keys/default"), &key(1), None, None).unwrap();
        write_key_files(&home.join("keys/locked"), &key(2), Some(&Passphrase::new("correct horse".into())), None).unwrap();
        let scene = Self { _folder: folder, home, work, environment: Vec::new() };
        scene.shell("git init -q -b main . && git remote add origin https://user:password@example.test/demo.git");
        scene.shell("echo hello > greeting.txt && git add . && git commit -qm first");
        scene
    }

    /// Adds a variable to the environment of everything that runs from here on.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs a script that must succeed, and returns what it prints.
    pub(crate) fn shell(&self, script: &str) -> String {
        let ended = ended(self.command("sh", &self.work).args(["-ec", script]).output().unwrap());
        assert_eq!(ended.status, 0, "{script}: {}", ended.stderr);
        ended.stdout.trim_end().to_owned()
    }

    /// Runs `countersign` in the clone, with the words of a line and then further arguments.
    pub(crate) fn countersign(&self, line: &str, arguments: &[&str]) -> Ended {
        self.countersign_in(&self.work, line, arguments)
    }

    pub(crate) fn countersign_in(&self, place: &Path, line: &str, arguments: &[&str]) -> Ended {
        let mut command = self.command(env!("CARGO_BIN_EXE_countersign"), place);
        ended(command.args(line.split_whitespace()).args(arguments).output().unwrap())
    }

    /// Starts `countersign` without waiting for it.
    pub(crate) fn start(&self, line: &str, arguments: &[&str]) -> Child {
        let mut command = self.command(env!("CARGO_BIN_EXE_countersign"), &self.work);
        command.args(line.split_whitespace()).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn command(&self, program: &str, place: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(place)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", &self.home)
            .envs([("LC_ALL", "C"), ("GIT_CONFIG_NOSYSTEM", "1")])
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_NAME"), "Somebody")))
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_EMAIL"), "somebody@example.test")))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Returns the statements in the default store.
    pub(crate) fn statements(&self) -> Vec<Json> {
        statements_in(&self.work.join(".countersign/evidence"))
    }

    /// Returns the one statement in the default store.
    pub(crate) fn statement(&self) -> Json {
        let mut statements = self.statements();
        assert_eq!(statements.len(), 1);
        statements.remove(0)
    }

    /// Returns a sample transcript of this repository.
    pub(crate) fn transcript(name: &str) -> String {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/transcripts/claude-code").join(name);
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut transcripts = files.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
        transcripts.next().unwrap().to_str().unwrap().to_owned()
    }
}

/// Returns the statements in a store.
pub(crate) fn statements_in(store: &Path) -> Vec<Json> {
    let Ok(bundles) = fs::read_dir(store.join("bundles")) else { return Vec::new() };
    bundles.map(|entry| statement_in(&entry.unwrap().path())).collect()
}

/// Returns the statement in a bundle's file.
pub(crate) fn statement_in(bundle: &Path) -> Json {
    let bundle = Bundle::parse(&fs::read(bundle).unwrap()).unwrap();
    Json::parse(&bundle.unverified_statement().to_bytes()).unwrap()
}

/// Returns the text at a JSON pointer.
pub(crate) fn text<'a>(json: &'a Json, pointer: &str) -> Option<&'a str> {
    json.pointer(pointer).and_then(Json::as_str)
}

/// Returns the resolved dependency or byproduct of a name.
pub(crate) fn named<'a>(json: &'a Json, list: &str, name: &str) -> Option<&'a Json> {
    json.pointer(list)?.as_array()?.iter().find(|descriptor| text(descriptor, "/name") == Some(name))
}

/// Returns the build type of a provenance.
pub(crate) fn build_type(statement: &Json) -> &str {
    text(statement, "/predicate/buildDefinition/buildType").unwrap()
}

/// Returns the names of the subjects.
pub(crate) fn subjects(statement: &Json) -> Vec<String> {
    statement.pointer("/subject").unwrap().as_array().unwrap().iter().map(|subject| text(subject, "/name").unwrap().to_owned()).collect()
}

/// Returns what the platform noticed.
pub(crate) fn findings(statement: &Json) -> Vec<&str> {
    let findings = statement.pointer("/predicate/runDetails/metadata/countersign_findings").and_then(Json::as_array);
    findings.unwrap_or_default().iter().filter_map(Json::as_str).collect()
}

/// Returns how a program ended.
pub(crate) fn ended(output: Output) -> Ended {
    use std::os::unix::process::ExitStatusExt as _;
    let status = output.status.code().unwrap_or_else(|| -output.status.signal().unwrap());
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { status, stdout: text(output.stdout), stderr: text(output.stderr) }
}

pub(crate) const DEPENDENCIES: &str = "/predicate/buildDefinition/resolvedDependencies";
pub(crate) const BYPRODUCTS: &str = "/predicate/runDetails/byproducts";
pub(crate) const INTERNAL: &str = "/predicate/buildDefinition/internalParameters";
