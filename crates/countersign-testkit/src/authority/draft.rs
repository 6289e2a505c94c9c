//! A bundle in its parts, before it's written: what faults put their hands on.
//! Where the parts come from is the affair of the authority and its logs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::envelope::pae;
use countersign::json::{Json, Object};
use countersign::statement::PAYLOAD_TYPE;
use countersign::time::Time;
use countersign_sign::LocalKey;
use sha2::{Digest as _, Sha256};

use crate::case::object;

/// A bundle in its parts.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The version of the bundle's format.
    pub version: Version,
    /// What the signature is verified with.
    pub material: Material,
    /// The statement's bytes.
    pub payload: Vec<u8>,
    /// The signature over the payload's pre-authentication encoding.
    pub signature: Vec<u8>,
    /// What logs say.
    pub entries: Vec<Entry>,
    /// What timestamp authorities say.
    pub tokens: Vec<Vec<u8>>,
}

/// The versions of the bundle's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// A chain of certificates, and promises.
    V01,
    /// A chain of certificates, and proofs.
    V02,
    /// One certificate, and proofs.
    V03,
}

/// What a signature is verified with.
#[derive(Clone, Debug)]
pub enum Material {
    /// A certificate.
    Certificate(Vec<u8>),
    /// A key, which the bundle only hints at.
    Key(Vec<u8>),
}

/// An entry of a log.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The entry's place among all entries of the log.
    pub index: u64,
    /// The log's id.
    pub log_id: Vec<u8>,
    /// The entry's kind and the kind's version.
    pub kind: (&'static str, &'static str),
    /// When the log says that it took the entry in.
    pub integrated_at: Option<Time>,
    /// The signed promise to take it in.
    pub promise: Option<Vec<u8>>,
    /// The proof that it was taken in.
    pub proof: Option<Proof>,
    /// The entry.
    pub body: Vec<u8>,
}

/// A proof that an entry is in a log.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The entry's place in the tree.
    pub index: u64,
    /// The tree's root.
    pub root: Vec<u8>,
    /// How many entries the tree has.
    pub size: u64,
    /// The hashes beside the way to the root.
    pub hashes: Vec<Vec<u8>>,
    /// The signed root.
    pub checkpoint: String,
}

impl Draft {
    /// Signs a statement's bytes.
    ///
    /// # Panics
    /// If the key can't sign.
    #[must_use]
    pub fn signed(material: Material, key: &LocalKey, payload: &[u8]) -> Self {
        let signature = key.sign(&pae(PAYLOAD_TYPE, payload)).expect("a signature");
        Self { version: Version::V03, material, payload: payload.to_vec(), signature, entries: Vec::new(), tokens: Vec::new() }
    }

    /// Adds an entry of a log.
    #[must_use]
    pub fn logged(mut self, entry: Entry) -> Self {
        self.entries.push(entry);
        self
    }

    /// Adds a token of a timestamp authority.
    #[must_use]
    pub fn stamped(mut self, token: Vec<u8>) -> Self {
        self.tokens.push(token);
        self
    }

    /// Chooses the version of the format.
    #[must_use]
    pub const fn version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// Writes the bundle.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.json().canonical()
    }

    /// The bundle as JSON. As proto3 has it, what is zero or empty is left out.
    #[must_use]
    pub fn json(&self) -> Json {
        let media_type = match self.version {
            Version::V01 => "application/vnd.dev.sigstore.bundle+json;version=0.1",
            Version::V02 => "application/vnd.dev.sigstore.bundle+json;version=0.2",
            Version::V03 => "application/vnd.dev.sigstore.bundle.v0.3+json",
        };
        let raw = |certificate: &[u8]| object([("rawBytes", base64(certificate))]);
        let (kind, content) = match (&self.material, self.version) {
            (Material::Key(_), _) => ("publicKey", object([("hint", Json::from(STANDARD.encode(self.key_digest())))])),
            (Material::Certificate(certificate), Version::V03) => ("certificate", raw(certificate)),
            (Material::Certificate(certificate), _) => {
                ("x509CertificateChain", object([("certificates", Json::Array(vec![raw(certificate)]))]))
            }
        };
        let mut material = Object::from([(kind.to_owned(), content)]);
        if !self.entries.is_empty() {
            material.insert("tlogEntries".to_owned(), Json::Array(self.entries.iter().map(Entry::json).collect()));
        }
        if !self.tokens.is_empty() {
            let tokens = self.tokens.iter().map(|token| object([("signedTimestamp", base64(token))])).collect();
            material.insert("timestampVerificationData".to_owned(), object([("rfc3161Timestamps", Json::Array(tokens))]));
        }
        object([("mediaType", Json::from(media_type)), ("verificationMaterial", Json::Object(material)), ("dsseEnvelope", self.envelope())])
    }

    pub(crate) fn envelope(&self) -> Json {
        object([
            ("payload", base64(&self.payload)),
            ("payloadType", Json::from(PAYLOAD_TYPE)),
            ("signatures", Json::Array(vec![object([("sig", base64(&self.signature))])])),
        ])
    }

    /// What a Rekor v1 log writes down as the verifier.
    pub(crate) fn verifier_pem(&self) -> String {
        let (label, der) = match &self.material {
            Material::Certificate(der) => ("CERTIFICATE", der),
            Material::Key(der) => ("PUBLIC KEY", der),
        };
        pem(label, der)
    }

    fn key_digest(&self) -> [u8; 32] {
        let (Material::Certificate(der) | Material::Key(der)) = &self.material;
        Sha256::digest(der).into()
    }
}

impl Entry {
    pub(crate) fn json(&self) -> Json {
        let mut entry = Object::new();
        insert_number(&mut entry, "logIndex", self.index);
        entry.insert("logId".to_owned(), object([("keyId", base64(&self.log_id))]));
        let (kind, version) = self.kind;
        entry.insert("kindVersion".to_owned(), object([("kind", Json::from(kind)), ("version", Json::from(version))]));
        if let Some(at) = self.integrated_at {
            entry.insert("integratedTime".to_owned(), Json::from(at.unix_seconds().to_string()));
        }
        if let Some(promise) = &self.promise {
            entry.insert("inclusionPromise".to_owned(), object([("signedEntryTimestamp", base64(promise))]));
        }
        if let Some(proof) = &self.proof {
            entry.insert("inclusionProof".to_owned(), proof.json());
        }
        entry.insert("canonicalizedBody".to_owned(), base64(&self.body));
        Json::Object(entry)
    }
}

impl Proof {
    fn json(&self) -> Json {
        let mut proof = Object::new();
        insert_number(&mut proof, "logIndex", self.index);
        proof.insert("rootHash".to_owned(), base64(&self.root));
        insert_number(&mut proof, "treeSize", self.size);
        if !self.hashes.is_empty() {
            proof.insert("hashes".to_owned(), Json::Array(self.hashes.iter().map(|hash| base64(hash)).collect()));
        }
        proof.insert("checkpoint".to_owned(), object([("envelope", Json::from(self.checkpoint.as_str()))]));
        Json::Object(proof)
    }
}

/// 64-bit numbers are strings in proto3's JSON, and a zero isn't written.
fn insert_number(object: &mut Object, name: &str, number: u64) {
    if number != 0 {
        object.insert(name.to_owned(), Json::from(number.to_string()));
    }
}

/// Writes DER as PEM (RFC 7468 §2).
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("base64")).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

pub(crate) fn base64(bytes: &[u8]) -> Json {
    Json::from(STANDARD.encode(bytes))
}
