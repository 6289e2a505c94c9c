//! A log as Rekor v2 keeps it: tiles with signed roots, no promise and no time.
//! The logs with times are in `rekor_v1`.

use countersign::envelope::pae;
use countersign::json::Json;
use countersign::statement::PAYLOAD_TYPE;
use sha2::{Digest as _, Sha256};

use super::certificate::Key;
use super::checkpoint::Notary;
use super::draft::{Draft, Entry, Material, base64};
use super::tree::Tree;
use crate::case::object;

/// A log of the second generation.
#[derive(Clone)]
pub struct RekorV2 {
    pub(crate) key: Key,
}

impl RekorV2 {
    /// Logs a bundle as `hashedrekord` 0.0.2: the hash of what was signed, among others' entries.
    #[must_use]
    pub fn log(&self, draft: &Draft) -> Entry {
        self.log_among(draft, &["one", "another", "a third", "a later one", "the last"], 2)
    }

    /// Logs a bundle as the first and only entry, so that every number of the proof but the size is zero.
    #[must_use]
    pub fn log_first(&self, draft: &Draft) -> Entry {
        self.log_among(draft, &[], 0)
    }

    /// Logs bundles together, as a log does that takes in many at once: one signed root for all of them.
    #[must_use]
    pub fn log_together(&self, drafts: &[Draft]) -> Vec<Entry> {
        let bodies: Vec<_> = drafts.iter().map(|draft| body(&hash(draft), &draft.signature, &draft.material)).collect();
        let tree = Tree::of(&bodies);
        bodies.into_iter().enumerate().map(|(place, body)| self.entry(&tree, place, body)).collect()
    }

    /// Signs a root.
    #[must_use]
    pub fn checkpoint(&self, size: u64, root: &[u8]) -> String {
        self.notary().sign(size, root)
    }

    /// The log's id: the whole of what the key's id in a note is the start of (C2SP signed-note, "Signatures").
    pub(crate) fn id(&self) -> [u8; 32] {
        let spki = self.key.public_key_der();
        // The key itself is the last 32 bytes of an Ed25519 key's SubjectPublicKeyInfo (RFC 8410 §4).
        Sha256::digest([ORIGIN.as_bytes(), b"\n\x01", &spki[spki.len() - 32..]].concat()).into()
    }

    fn notary(&self) -> Notary<'_> {
        Notary { origin: ORIGIN, name: ORIGIN, id: self.id(), key: &self.key }
    }

    fn log_among(&self, draft: &Draft, others: &[&str], place: usize) -> Entry {
        self.among(body(&hash(draft), &draft.signature, &draft.material), others, place)
    }

    /// Logs a signature over what has that hash, among others' entries.
    #[must_use]
    pub fn log_hash(&self, hash: &[u8], signature: &[u8], material: &Material, others: &[&str], place: usize) -> Entry {
        self.among(body(hash, signature, material), others, place)
    }

    fn among(&self, body: Vec<u8>, others: &[&str], place: usize) -> Entry {
        let mut leaves: Vec<_> = others.iter().map(|leaf| leaf.as_bytes().to_vec()).collect();
        leaves.insert(place, body.clone());
        self.entry(&Tree::of(&leaves), place, body)
    }

    fn entry(&self, tree: &Tree, place: usize, body: Vec<u8>) -> Entry {
        let proof = self.notary().prove(tree, place);
        Entry { index: place as u64, log_id: self.id().to_vec(), kind: KIND, integrated_at: None, promise: None, proof: Some(proof), body }
    }
}

/// What a bundle's signature is over, as the log knows it.
fn hash(draft: &Draft) -> [u8; 32] {
    Sha256::digest(pae(PAYLOAD_TYPE, &draft.payload)).into()
}

/// What the log writes down of a signature.
fn body(hash: &[u8], signature: &[u8], material: &Material) -> Vec<u8> {
    let (kind, der) = match material {
        Material::Certificate(der) => ("x509Certificate", der),
        Material::Key(der) => ("publicKey", der),
    };
    let verifier = object([("keyDetails", Json::from("PKIX_ECDSA_P256_SHA_256")), (kind, object([("rawBytes", base64(der))]))]);
    let record = object([
        ("data", object([("algorithm", Json::from("SHA2_256")), ("digest", base64(hash))])),
        ("signature", object([("content", base64(signature)), ("verifier", verifier)])),
    ]);
    object([("apiVersion", Json::from(KIND.1)), ("kind", Json::from(KIND.0)), ("spec", object([("hashedRekordV002", record)]))]).canonical()
}

/// The one kind of entry that the log takes, and the kind's version.
const KIND: (&str, &str) = ("hashedrekord", "0.0.2");

/// What the log calls itself: the host of its address.
pub(crate) const ORIGIN: &str = "log.example.test";
