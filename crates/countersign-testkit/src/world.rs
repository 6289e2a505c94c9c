//! A good world: a repository, an agent's run in it, a build, an SBOM, and a policy under which they suffice.
//! Faults are put into it by `faults`.

use std::collections::BTreeMap;

use countersign::digest::{Algorithm, Digest, DigestSet, hex};
use countersign::identity::PublicKey;
use countersign::predicate::{self, Agent, Basis, Delegator, Fact, Outcome, Run, RunOutcome, Runtime, Sbom, commit_subject, tree_subject};
use countersign::seal::{Salt, SealedRecord, Sealer};
use countersign::statement::{ResourceDescriptor, Statement};
use countersign_sign::{KeyType, LocalKey, attest};

use crate::case::{Expect, Made};

/// The repository that everything comes from.
pub(crate) const REPOSITORY: &str = "https://example.test/demo";
/// The branch that everything comes from.
pub(crate) const BRANCH: &str = "refs/heads/main";
/// The sandbox image's digest.
pub(crate) const SANDBOX: &str = "5a0d5a0d5a0d5a0d5a0d5a0d5a0d5a0d5a0d5a0d5a0d5a0d5a0d5a0d5a0d5a0d";
/// When the build ended; the agent's run ended an hour before.
pub(crate) const BUILT_AT: &str = "2025-12-01T12:00:00Z";

/// Everything that a case is made of.
#[derive(Clone)]
pub struct World {
    pub(crate) policy: String,
    pub(crate) artifact: Vec<u8>,
    pub(crate) target: String,
    pub(crate) resource: String,
    pub(crate) environment: Option<String>,
    pub(crate) at: String,
    /// The evidence, by file name.
    pub(crate) bundles: BTreeMap<String, Signed>,
    /// The trust roots, by file name.
    pub(crate) roots: BTreeMap<String, Vec<u8>>,
    /// The contents of the commit objects that are at hand.
    pub(crate) commits: Vec<Vec<u8>>,
}

/// A piece of evidence.
#[derive(Clone)]
pub enum Signed {
    /// A statement, and the name of the key that signs it.
    By(&'static str, Box<Statement>),
    /// Bytes that are no good bundle.
    Bytes(Vec<u8>),
}

impl World {
    /// Makes the good world.
    #[must_use]
    pub fn good() -> Self {
        let artifact = b"the bytes of demo.tar\n".to_vec();
        let mut world = Self {
            policy: policy(),
            target: "demo.tar".to_owned(),
            resource: "demo.tar".to_owned(),
            environment: Some("staging".to_owned()),
            at: "2025-12-15T00:00:00Z".to_owned(),
            bundles: BTreeMap::new(),
            roots: BTreeMap::new(),
            commits: Vec::new(),
            artifact,
        };
        world.add("agent-run", "platform", agent_run(agent(), base_run).about(commit_subjects()).expect("a statement"));
        world.add("build", "platform", build().about(world.artifact_subject()).expect("a statement"));
        world.add("sbom", "maintainer", sbom(SBOM).about(world.artifact_subject()).expect("a statement"));
        world
    }

    /// The artifact as the subject of a statement.
    pub(crate) fn artifact_subject(&self) -> Vec<ResourceDescriptor> {
        vec![ResourceDescriptor::new("demo.tar", Digest::sha256(&self.artifact))]
    }

    /// Adds a statement, signed by the named key.
    pub(crate) fn add(&mut self, name: &str, key: &'static str, statement: Statement) {
        self.bundles.insert(name.to_owned(), Signed::By(key, Box::new(statement)));
    }

    /// Replaces text in the policy, which must hold it.
    pub(crate) fn edit_policy(&mut self, from: &str, to: &str) {
        assert!(self.policy.contains(from), "the policy doesn't hold `{from}`");
        self.policy = self.policy.replace(from, to);
    }

    /// Returns the bytes of one bundle.
    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        match &self.bundles[name] {
            Signed::By(key, statement) => attest(statement, &self::key(key)).expect("a bundle").bytes().to_vec(),
            Signed::Bytes(bytes) => bytes.clone(),
        }
    }

    /// Makes the case.
    pub(crate) fn case(&self, readme: &str, expect: Expect) -> Made {
        let mut files = BTreeMap::from([("policy.yaml".to_owned(), self.policy.clone().into_bytes())]);
        if self.target == "demo.tar" {
            files.insert(self.target.clone(), self.artifact.clone());
        }
        files.extend(self.roots.clone());
        files.extend(self.bundles.keys().map(|name| (format!("{name}.sigstore.json"), self.bytes(name))));
        files.extend(self.commits.iter().map(|content| {
            let object = [format!("commit {}\0", content.len()).as_bytes(), content].concat();
            (format!("objects/{}", commit_id(content).hex()), object)
        }));
        let (target, resource) = (self.target.clone(), self.resource.clone());
        Made { readme: readme.to_owned(), target, resource, environment: self.environment.clone(), at: self.at.clone(), files, expect }
    }
}

/// Returns one of the fixed keys, by name.
pub(crate) fn key(name: &str) -> LocalKey {
    let (key_type, byte) = match name {
        "platform" => (KeyType::P256, 1),
        "maintainer" => (KeyType::Ed25519, 2),
        "stranger" => (KeyType::P256, 3),
        "retired" => (KeyType::P256, 4),
        _ => panic!("there is no key {name}"),
    };
    LocalKey::dangerous_from_secret(key_type, &[byte; 32]).expect("a key")
}

/// Returns the public half of a fixed key.
pub(crate) fn public_key(name: &str) -> PublicKey {
    PublicKey::from_der(&key(name).public_key_der()).expect("a key")
}

fn policy() -> String {
    include_str!("policy.yaml")
        .replace("PLATFORM_KEY", &public_key("platform").to_base64())
        .replace("MAINTAINER_KEY", &public_key("maintainer").to_base64())
        .replace("SANDBOX_IMAGE", SANDBOX)
}

/// The commit that the agent made.
pub(crate) fn commit_object() -> Vec<u8> {
    let who = "Maintainer <maintainer@example.test> 1764586800 +0000";
    format!("tree {EMPTY_TREE}\nparent {}\nauthor {who}\ncommitter {who}\n\nAdd a greeting\n", base().hex()).into_bytes()
}

/// The id of a commit object.
pub(crate) fn commit_id(object: &[u8]) -> Digest {
    let mut hasher = sha1_checked::Sha1::new();
    sha1_checked::Digest::update(&mut hasher, format!("commit {}\0", object.len()));
    sha1_checked::Digest::update(&mut hasher, object);
    Digest::new(Algorithm::GitCommit, hex(hasher.try_finalize().hash())).expect("an id")
}

pub(crate) fn base() -> Digest {
    Digest::new(Algorithm::GitCommit, "ba5eba5eba5eba5eba5eba5eba5eba5eba5eba5e").expect("an id")
}

pub(crate) fn tree() -> Digest {
    Digest::new(Algorithm::GitTree, EMPTY_TREE).expect("an id")
}

/// The commit and its tree as the subjects of a statement.
pub(crate) fn commit_subjects() -> Vec<ResourceDescriptor> {
    let object = commit_object();
    vec![commit_subject(Some(REPOSITORY), Some(BRANCH), commit_id(&object), &object), tree_subject(tree())]
}

/// The agent that made the commit.
pub(crate) fn agent() -> Agent {
    Agent::new(Runtime { name: "claude-code".to_owned(), version: Some("2.0.55".to_owned()) })
        .model("anthropic", "claude-sonnet-4-5-20250929")
        .tool("Write")
        .on_behalf_of(Delegator { issuer: "local".to_owned(), subject: "maintainer@example.test".to_owned() })
        .prompt(sealed("user", "Add a greeting"))
        .transcript(sealed("assistant", "Done."))
}

fn sealed(kind: &str, body: &str) -> SealedRecord {
    let mut sealer = Sealer::new([7; 16]);
    sealer.leaf(&Salt::new([9; 32]), kind, body.as_bytes());
    sealer.finish().expect("a record")
}

/// An agent's run with all its facts, after `edit`.
pub(crate) fn agent_run(agent: Agent, edit: impl FnOnce(Run) -> Run) -> Run {
    let run = Run::by_agent(predicate::builder::LOCAL, agent)
        .repository(REPOSITORY)
        .reference(BRANCH)
        .base(base())
        .program("claude")
        .started("2025-12-01T10:50:00Z".parse().expect("a time"))
        .finished("2025-12-01T11:00:00Z".parse().expect("a time"));
    edit(run)
        .claim(Fact::Builder, Basis::Harness, "argument:--agent")
        .claim(Fact::Source, Basis::Harness, "git:HEAD")
        .claim(Fact::Runtime, Basis::Harness, "transcript:line 1")
        .claim(Fact::Model, Basis::Harness, "transcript:line 2")
        .claim(Fact::Delegator, Basis::Harness, "argument:--on-behalf-of")
        .claim(Fact::SandboxImage, Basis::Harness, "argument:--sandbox-image")
}

/// What the good run has beside what every run has.
pub(crate) fn base_run(run: Run) -> Run {
    let object = commit_object();
    run.sandbox_image("registry.example.test/sandbox", sandbox()).commit_objects(vec![(commit_id(&object), object)])
}

pub(crate) fn sandbox() -> Digest {
    Digest::new(Algorithm::Sha256, SANDBOX).expect("a digest")
}

/// The good build, of the agent's commit.
pub(crate) fn build() -> Run {
    build_of(commit_id(&commit_object())).outcome(RunOutcome { outcome: Outcome::Success, exit_code: Some(0) })
}

/// A build of a commit that doesn't say how it ended.
pub(crate) fn build_of(commit: Digest) -> Run {
    let bound = sbom(SBOM);
    Run::build(predicate::builder::LOCAL)
        .repository(REPOSITORY)
        .reference(BRANCH)
        .base(commit)
        .program("git")
        .sbom(bound.file().clone(), bound.canonical())
        .started("2025-12-01T11:59:00Z".parse().expect("a time"))
        .finished(BUILT_AT.parse().expect("a time"))
        .claim(Fact::Builder, Basis::Harness, "process:run")
        .claim(Fact::Source, Basis::Harness, "git:HEAD")
        .claim(Fact::RunOutcome, Basis::Harness, "process:exit")
}

/// An SBOM document.
pub(crate) fn sbom(text: &str) -> Sbom {
    Sbom::parse(text.as_bytes()).expect("an SBOM")
}

/// The good SBOM.
pub(crate) const SBOM: &str = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"metadata":{"timestamp":"2025-12-01T12:00:00Z"},"components":[{"type":"file","name":"greeting.txt","version":"1"}]}"#;
const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/// A second descriptor's digests of the same object.
pub(crate) fn with(digest: Digest, other: Digest) -> DigestSet {
    DigestSet::from(digest).with(other)
}
