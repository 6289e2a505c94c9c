//! A TUF repository that gives out a trust root, as its keyholders would publish it, and each way in which one can be wrong.
//! It's written by the specification (TUF 1.0), with nothing of the library that verifies it.

mod canonical;
mod mirror;

use std::collections::BTreeMap;

use countersign::digest::{Digest, hex};
use countersign::json::{Json, Object};
use countersign::time::Time;
use countersign_sign::{KeyType, LocalKey};

use crate::authority::{Authority, pem};
use crate::case::object;

pub use mirror::{Fault, Mirror};

/// The files of a repository, by their paths below a mirror's address.
pub type Files = BTreeMap<String, Vec<u8>>;

/// What a repository says, before its keyholders sign it. Everything in it can be made wrong before [`Repository::files`].
#[derive(Clone, Debug)]
pub struct Repository {
    /// Who may sign what.
    pub root: Role,
    /// What the newest snapshot is.
    pub timestamp: Role,
    /// What the newest targets are.
    pub snapshot: Role,
    /// What the trust root is.
    pub targets: Role,
    /// The trust root.
    pub trust_root: Vec<u8>,
    /// Who may say what the trust root is, in place of `targets` itself.
    pub delegate: Option<Role>,
    /// The roots so far.
    published: Files,
}

/// One of the roles: who holds it, and what its newest metadata says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// The version.
    pub version: u64,
    /// Until when it's meant to be believed.
    pub expires: Time,
    /// Whose signatures count.
    pub keys: Vec<u8>,
    /// How many are needed.
    pub threshold: u64,
    /// Who signs, once for each time that they're named.
    pub signers: Vec<u8>,
}

impl Role {
    fn held_by(keys: &[u8], threshold: u64, expires: Time) -> Self {
        Self { version: 1, expires, keys: keys.to_vec(), threshold, signers: keys.to_vec() }
    }

    /// Has others hold it.
    pub fn pass_to(&mut self, keys: &[u8]) {
        self.keys = keys.to_vec();
        self.signers = keys.to_vec();
    }
}

impl Repository {
    /// A repository in which all is as it should be, until a time; its trust root names the testkit's authority.
    ///
    /// # Panics
    /// Never: its keys are fixed.
    #[must_use]
    pub fn new(expires: Time) -> Self {
        let mut repository = Self {
            root: Role::held_by(&[1, 2, 3], 2, expires),
            timestamp: Role::held_by(&[4], 1, expires),
            snapshot: Role::held_by(&[5], 1, expires),
            targets: Role::held_by(&[6, 7], 2, expires),
            trust_root: Authority::new().trusted_root(),
            delegate: None,
            published: Files::new(),
        };
        repository.publish_root();
        repository
    }

    /// Returns the first root, which trust begins with.
    ///
    /// # Panics
    /// Never: there is one.
    #[must_use]
    pub fn anchor(&self) -> Vec<u8> {
        self.published["1.root.json"].clone()
    }

    /// Counts what isn't the root up by one version, as whoever changes anything does.
    pub fn next(&mut self) {
        for role in [&mut self.timestamp, &mut self.snapshot, &mut self.targets].into_iter().chain(&mut self.delegate) {
            role.version += 1;
        }
    }

    /// Publishes the next root, signed by those who hold it and by those who held it before.
    pub fn rotate_root(&mut self, change: impl FnOnce(&mut Self)) {
        let before = self.root.keys.clone();
        change(self);
        self.root.version += 1;
        self.root.signers = self.root.keys.iter().copied().chain(before.into_iter().filter(|key| !self.root.keys.contains(key))).collect();
        self.publish_root();
    }

    /// Publishes a root as it stands, signed by its signers and nobody else.
    ///
    /// # Panics
    /// Never: its keys are fixed.
    pub fn publish_root(&mut self) {
        let roles = [("root", &self.root), ("timestamp", &self.timestamp), ("snapshot", &self.snapshot), ("targets", &self.targets)];
        let keys = roles.iter().flat_map(|(_, role)| &role.keys).copied();
        let said = [
            ("consistent_snapshot", Json::Bool(true)),
            ("keys", listed(keys)),
            ("roles", object(roles.map(|(name, role)| (name, object(authority(role)))))),
        ];
        let signed = metadata("root", &self.root, said);
        self.published.insert(format!("{}.root.json", self.root.version), signed);
    }

    /// Takes a root away that was published.
    pub fn forget_root(&mut self, version: u64) {
        self.published.remove(&format!("{version}.root.json"));
    }

    /// Returns all files, signed.
    ///
    /// # Panics
    /// Never: its keys are fixed.
    #[must_use]
    pub fn files(&self) -> Files {
        let mut files = self.published.clone();
        let digest = Digest::sha256(&self.trust_root);
        files.insert(format!("targets/{}.trusted_root.json", digest.hex()), self.trust_root.clone());
        let target =
            object([("trusted_root.json", object([("hashes", sha256(&self.trust_root)), ("length", number(self.trust_root.len()))]))]);
        let mut pinned = Vec::new();
        let targets = match &self.delegate {
            None => metadata("targets", &self.targets, [("targets", target)]),
            Some(delegate) => {
                let [keys, threshold] = authority(delegate);
                let paths = Json::Array(vec![Json::from("*.json")]);
                let name = Json::from("delegate");
                let role = object([keys, threshold, ("name", name), ("paths", paths), ("terminating", Json::Bool(true))]);
                let signed = metadata("targets", delegate, [("targets", target)]);
                pinned.push(("delegate.json", pin(delegate, &signed)));
                files.insert(format!("{}.delegate.json", delegate.version), signed);
                let delegations = object([("keys", listed(delegate.keys.iter().copied())), ("roles", Json::Array(vec![role]))]);
                metadata("targets", &self.targets, [("targets", object([])), ("delegations", delegations)])
            }
        };
        pinned.push(("targets.json", pin(&self.targets, &targets)));
        let pinned = Json::Object(pinned.into_iter().map(|(name, pin)| (name.to_owned(), pin)).collect());
        let snapshot = metadata("snapshot", &self.snapshot, [("meta", pinned)]);
        let timestamp = metadata("timestamp", &self.timestamp, [("meta", object([("snapshot.json", pin(&self.snapshot, &snapshot))]))]);
        files.insert(format!("{}.targets.json", self.targets.version), targets);
        files.insert(format!("{}.snapshot.json", self.snapshot.version), snapshot);
        files.insert("timestamp.json".to_owned(), timestamp);
        files
    }
}

/// Signs what a role says.
fn metadata<const N: usize>(kind: &str, role: &Role, said: [(&str, Json); N]) -> Vec<u8> {
    let common = [
        ("_type", Json::from(kind)),
        ("spec_version", Json::from("1.0.31")),
        ("version", number(usize::try_from(role.version).expect("a version"))),
        ("expires", Json::from(role.expires.to_string())),
    ];
    let signed: Object = common.into_iter().chain(said).map(|(name, value)| (name.to_owned(), value)).collect();
    let signed = Json::Object(signed);
    let bytes = canonical::bytes(&signed);
    let signature = |number: &u8| {
        let signature = key(*number).sign(&bytes).expect("a signature");
        object([("keyid", Json::from(key_id(*number))), ("sig", Json::from(hex(&signature)))])
    };
    let signatures = role.signers.iter().map(signature).collect();
    object([("signatures", Json::Array(signatures)), ("signed", signed)]).canonical()
}

fn authority(role: &Role) -> [(&'static str, Json); 2] {
    let ids = role.keys.iter().map(|key| Json::from(key_id(*key))).collect();
    [("keyids", Json::Array(ids)), ("threshold", number(usize::try_from(role.threshold).expect("a threshold")))]
}

fn pin(role: &Role, signed: &[u8]) -> Json {
    let version = number(usize::try_from(role.version).expect("a version"));
    object([("hashes", sha256(signed)), ("length", number(signed.len())), ("version", version)])
}

fn listed(keys: impl Iterator<Item = u8>) -> Json {
    Json::Object(keys.map(|number| (key_id(number), public(number))).collect())
}

fn sha256(bytes: &[u8]) -> Json {
    object([("sha256", Json::from(Digest::sha256(bytes).hex()))])
}

/// One of the fixed keys. Every third is of P-256, whose PEM has ends of lines that the canonical form keeps.
fn key(number: u8) -> LocalKey {
    let key_type = if number.is_multiple_of(3) { KeyType::P256 } else { KeyType::Ed25519 };
    LocalKey::dangerous_from_secret(key_type, &[0x80 + number; 32]).expect("a key")
}

fn public(number: u8) -> Json {
    let der = key(number).public_key_der();
    let (kind, scheme, public) = match key(number).key_type() {
        KeyType::P256 => ("ecdsa", "ecdsa-sha2-nistp256", pem("PUBLIC KEY", &der)),
        // The key itself is the last 32 bytes of SubjectPublicKeyInfo (RFC 8410 §4).
        _ => ("ed25519", "ed25519", hex(&der[der.len() - 32..])),
    };
    let value = object([("public", Json::from(public))]);
    object([("keytype", Json::from(kind)), ("keyval", value), ("scheme", Json::from(scheme))])
}

fn key_id(number: u8) -> String {
    Digest::sha256(&canonical::bytes(&public(number))).hex().to_owned()
}

fn number(number: usize) -> Json {
    Json::Number(f64::from(u32::try_from(number).expect("a small number")))
}
