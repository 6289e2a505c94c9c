//! What peers are asked about: a build and an agent's run, stated and signed by our own command line with each kind of key.
//! It asks nobody; our own verdict about what a peer made is had here, too.
//!
//! ```text
//! {p256,ed25519}.{key,pub}                            our keys, as PKCS#8 and SPKI
//! {p256,ed25519}-{build,cyclonedx,spdx}.sigstore.json about demo.tar
//! {p256,ed25519}-{run,gate}.sigstore.json             about the demo's last commit, and about its tree
//! {p256,ed25519}-tampered.sigstore.json               the build's, changed to be about tampered/demo.tar
//! {,run-,gate-}statement.json  predicate.json         what was signed: the whole, and the build without its subject
//! demo.tar  tampered/demo.tar  commit-object
//! ```

use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::bundle::Bundle;
use countersign::digest::Digest;
use countersign::json::Json;
use tempfile::TempDir;

use crate::repository::Repository;
use crate::run::Program;

/// The names of our keys, which are their types.
pub(super) const KEYS: [&str; 2] = ["p256", "ed25519"];

/// A folder with everything in it.
pub(super) struct Scene {
    _folder: TempDir,
    root: PathBuf,
    place: PathBuf,
    countersign: PathBuf,
    policy: String,
    identity_policy: String,
    transcript: String,
    commit: String,
    tree: String,
}

impl Scene {
    /// Builds our command line, and makes everything with it.
    pub(super) fn lay_out(repository: &Repository) -> Result<Self, String> {
        Program::new("cargo", &["build", "--quiet", "--locked", "-p", "countersign-cli"]).within(repository.root()).run()?;
        let folder = tempfile::tempdir().map_err(|error| format!("can't make a temporary folder: {error}"))?;
        let place = folder.path().canonicalize().map_err(|error| format!("`{}`: {error}", folder.path().display()))?;
        let countersign = repository.target().join("debug/countersign");
        let policy = repository.read("crates/xtask/peers/policy.yaml")?;
        let identity_policy = repository.read("crates/xtask/peers/keyless.policy.yaml")?;
        let transcript = repository.root().join("testdata").join(TRANSCRIPT).display().to_string();
        let (commit, tree) = (String::new(), String::new());
        let root = repository.root().to_owned();
        let mut scene = Self { _folder: folder, root, place, countersign, policy, identity_policy, transcript, commit, tree };
        scene.make_history(repository)?;
        scene.commit = scene.object("HEAD")?;
        scene.tree = scene.object("HEAD^{tree}")?;
        for key in KEYS {
            scene.countersign(&["key", "generate", "--out", &scene.at(key), "--type", key, "--no-passphrase"]).output()?;
            scene.sign(key, repository)?;
        }
        Ok(scene)
    }

    /// Returns the path of a file of the scene.
    pub(super) fn at(&self, name: &str) -> String {
        self.place.join(name).display().to_string()
    }

    /// Returns the last commit of the demo, and that commit's tree.
    pub(super) fn commit_and_tree(&self) -> [&str; 2] {
        [&self.commit, &self.tree]
    }

    /// Reads a file of the repository.
    pub(super) fn repository_file(&self, path: &str) -> Result<String, String> {
        fs::read_to_string(self.root.join(path)).map_err(|error| format!("can't read `{path}`: {error}"))
    }

    /// Returns the path of the transcript of what the agent did in the demo.
    pub(super) fn transcript(&self) -> &str {
        &self.transcript
    }

    /// Names a program that runs in the demo's work tree, and knows nothing of who runs it.
    pub(super) fn program(&self, name: &str, arguments: &[&str]) -> Program {
        Program::new(name, arguments).within(&self.place.join("demo")).with("HOME", &self.place).without("XDG_DATA_HOME")
    }

    /// Names our own command line.
    pub(super) fn countersign(&self, arguments: &[&str]) -> Program {
        self.program(&self.countersign_path(), arguments).without("COUNTERSIGN_PASSPHRASE")
    }

    /// Returns the path of our own command line.
    pub(super) fn countersign_path(&self) -> String {
        self.countersign.display().to_string()
    }

    /// Writes a policy that names an identity under a trust root, and returns its path.
    pub(super) fn identity_policy(&self, trusted_root: &str, subject: &str, issuer: &str) -> Result<String, String> {
        let root = format!("sha256:{}", Digest::sha256(&self.read(trusted_root)?).hex());
        let named = [("IDENTITY_ISSUER", issuer), ("IDENTITY_SUBJECT", subject), ("TRUST_ROOT", root.as_str())];
        let text = named.into_iter().fold(self.identity_policy.clone(), |text, (place, name)| text.replace(place, name));
        self.write("identity.policy.yaml", text.as_bytes())?;
        Ok(self.at("identity.policy.yaml"))
    }

    /// Writes a policy that names the key in that file, and returns its path.
    pub(super) fn key_policy(&self, public: &str) -> Result<String, String> {
        let pem = self.read(public)?;
        let der: String = String::from_utf8_lossy(&pem).lines().filter(|line| !line.starts_with('-')).collect();
        self.write("key.policy.yaml", self.policy.replace("SIGNER_KEY", &der).as_bytes())?;
        Ok(self.at("key.policy.yaml"))
    }

    /// Names the program that signs a build of demo.tar into a bundle.
    pub(super) fn sign_build(&self, signer: &str, bundle: &str) -> Program {
        let subject = self.at("demo.tar");
        let arguments = ["attest", "build", "--subject", &subject, "--source", "HEAD", "--signer", signer];
        self.countersign(&[&arguments[..], &["--store", &self.store(), "--out", bundle]].concat())
    }

    /// Holds if we allow demo.tar by a bundle, under a policy that names the key `<key>.pub`.
    pub(super) fn allows(&self, bundle: &str, key: &str) -> Result<(), String> {
        self.verify("demo.tar", bundle, key)?.answer()?.ended(0, "\"allow\"")
    }

    /// Holds if we deny another demo.tar by that bundle.
    pub(super) fn denies_another_file(&self, bundle: &str, key: &str) -> Result<(), String> {
        self.verify("tampered/demo.tar", bundle, key)?.answer()?.ended(1, "\"deny\"")
    }

    /// Holds if we deny the file for that reason.
    pub(super) fn denies(&self, file: &str, bundle: &str, key: &str, reason: &str) -> Result<(), String> {
        self.verify(file, bundle, key)?.answer()?.ended(1, &format!("\"code\":\"{reason}\""))
    }

    fn verify(&self, file: &str, bundle: &str, key: &str) -> Result<Program, String> {
        let (file, policy) = (self.at(file), self.key_policy(&format!("{key}.pub"))?);
        Ok(self.countersign(&["verify", &file, "--policy", &policy, "--environment", "test", "--bundle", bundle, "--format", "json"]))
    }

    fn make_history(&self, repository: &Repository) -> Result<(), String> {
        for folder in ["demo", "tampered"] {
            fs::create_dir(self.place.join(folder)).map_err(|error| format!("can't make `{folder}`: {error}"))?;
        }
        let stream = repository.root().join("testdata/demo/demo.fast-import");
        let script = "git init -q --initial-branch=main . && git fast-import --quiet <\"$1\" && git checkout -q main \
             && git remote add origin https://example.test/demo && git archive --output ../demo.tar HEAD \
             && { cat ../demo.tar; printf x; } >../tampered/demo.tar && git cat-file commit HEAD >../commit-object";
        self.program("sh", &["-euc", script, "sh", &stream.display().to_string()]).output().map(drop)
    }

    fn object(&self, name: &str) -> Result<String, String> {
        Ok(self.program("git", &["rev-parse", name]).output()?.trim().to_owned())
    }

    fn sign(&self, key: &str, repository: &Repository) -> Result<(), String> {
        let private = self.at(&format!("{key}.key"));
        self.sign_build(&format!("file:{private}"), &self.at(&format!("{key}-build.sigstore.json"))).output()?;
        let told = repository.root().join("testdata");
        let [cyclonedx, spdx] = ["sbom/demo.cyclonedx.json", "sbom/demo.spdx.json"].map(|name| told.join(name).display().to_string());
        let file = self.at("demo.tar");
        let statements: [(&str, &[&str]); 4] = [
            ("run", &["agent-run", "--subject", "git:HEAD", "--agent", "claude-code", "--transcript", &self.transcript]),
            ("cyclonedx", &["sbom", "--subject", &file, "--sbom", &cyclonedx]),
            ("spdx", &["sbom", "--subject", &file, "--sbom", &spdx]),
            ("gate", &["gate", "--subject", "git:HEAD", "--name", "unit-tests", "--result", "PASSED"]),
        ];
        for (name, arguments) in statements {
            let (signer, out) = (format!("file:{private}"), self.at(&format!("{key}-{name}.sigstore.json")));
            let kept = ["--signer", &signer, "--store", &self.store(), "--out", &out];
            self.countersign(&[&["attest"], arguments, &kept].concat()).output()?;
        }

        let build = self.bundle(&format!("{key}-build"))?;
        self.write("statement.json", build.unverified_payload())?;
        self.write("predicate.json", &build.unverified_statement().predicate.canonical())?;
        for what in ["run", "gate"] {
            self.write(&format!("{what}-statement.json"), self.bundle(&format!("{key}-{what}"))?.unverified_payload())?;
        }
        self.write(&format!("{key}-tampered.sigstore.json"), &self.tampered(&build)?)
    }

    /// Returns the bundle with the digest of tampered/demo.tar where that of demo.tar stood, and the signature as it was.
    fn tampered(&self, build: &Bundle) -> Result<Vec<u8>, String> {
        let [from, to] = ["demo.tar", "tampered/demo.tar"].map(|file| self.read(file).map(|bytes| Digest::sha256(&bytes).hex().to_owned()));
        let (from, to) = (from?, to?);
        let payload = String::from_utf8_lossy(build.unverified_payload()).into_owned();
        let changed = payload.replace(&from, &to);
        let mut json = Json::parse(build.bytes()).map_err(|error| error.to_string())?;
        let envelope = if let Json::Object(members) = &mut json { members.get_mut("dsseEnvelope") } else { None };
        match envelope {
            Some(Json::Object(envelope)) if changed != payload => {
                envelope.insert("payload".to_owned(), Json::String(STANDARD.encode(changed)));
                Ok(json.canonical())
            }
            _ => Err("our own bundle has no envelope that names demo.tar".to_owned()),
        }
    }

    fn bundle(&self, name: &str) -> Result<Bundle, String> {
        Bundle::parse(&self.read(&format!("{name}.sigstore.json"))?).map_err(|error| format!("our own bundle `{name}`: {error}"))
    }

    /// Returns the store that everything is kept in.
    pub(super) fn store(&self) -> String {
        format!("dir:{}", self.at("evidence"))
    }

    /// Reads a file of the scene.
    pub(super) fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        fs::read(self.place.join(name)).map_err(|error| format!("can't read `{name}`: {error}"))
    }

    /// Writes a file of the scene.
    pub(super) fn write(&self, name: &str, content: &[u8]) -> Result<(), String> {
        fs::write(self.place.join(name), content).map_err(|error| format!("can't write `{name}`: {error}"))
    }
}

const TRANSCRIPT: &str = "transcripts/claude-code/greeting/00000000-0000-4000-8000-000000000001.jsonl";
