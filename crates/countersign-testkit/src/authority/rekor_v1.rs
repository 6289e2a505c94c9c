//! A log as Rekor v1 keeps it: it promises, proves, and says when.
//! The logs without times are in `rekor_v2`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::digest::{Digest, hex};
use countersign::json::Json;
use countersign::statement::PAYLOAD_TYPE;
use countersign::time::Time;
use sha2::Digest as _;

use super::certificate::Key;
use super::checkpoint::Notary;
use super::draft::{Draft, Entry, base64};
use super::tree::Tree;
use crate::case::object;

/// A log of the first generation.
#[derive(Clone)]
pub struct RekorV1 {
    key: Key,
    earlier: u64,
}

impl RekorV1 {
    pub(crate) const fn new(key: Key) -> Self {
        Self { key, earlier: EARLIER_ENTRIES }
    }

    /// The log some time later: what it logs now has a place of its own.
    #[must_use]
    pub fn later(&self) -> Self {
        Self { key: self.key.clone(), earlier: self.earlier + 1000 }
    }

    /// Logs a bundle as `dsse` 0.0.1.
    #[must_use]
    pub fn log_dsse(&self, draft: &Draft, at: Time) -> Entry {
        let signature = object([("signature", base64(&draft.signature)), ("verifier", base64(draft.verifier_pem().as_bytes()))]);
        let spec = object([
            ("envelopeHash", hash(&draft.envelope().canonical())),
            ("payloadHash", hash(&draft.payload)),
            ("signatures", Json::Array(vec![signature])),
        ]);
        self.log(("dsse", "0.0.1"), spec, at)
    }

    /// Logs a bundle as `intoto` 0.0.2.
    #[must_use]
    pub fn log_intoto(&self, draft: &Draft, at: Time) -> Entry {
        // The log encodes a signature twice (rekor, pkg/types/intoto/v0.0.2).
        let sig = base64(STANDARD.encode(&draft.signature).as_bytes());
        let signature = object([("publicKey", base64(draft.verifier_pem().as_bytes())), ("sig", sig)]);
        let envelope = object([("payloadType", Json::from(PAYLOAD_TYPE)), ("signatures", Json::Array(vec![signature]))]);
        let content =
            object([("envelope", envelope), ("hash", hash(&draft.envelope().canonical())), ("payloadHash", hash(&draft.payload))]);
        self.log(("intoto", "0.0.2"), object([("content", content)]), at)
    }

    /// Logs a bundle's signature as `hashedrekord` 0.0.1, which is for messages and never for an envelope.
    #[must_use]
    pub fn log_hash(&self, draft: &Draft, at: Time) -> Entry {
        let digest = Digest::sha256(&countersign::envelope::pae(PAYLOAD_TYPE, &draft.payload));
        self.log_message(digest.hex(), &draft.signature, &draft.verifier_pem(), at)
    }

    /// Logs a signature over what has that SHA-256, in hexadecimal digits, as `hashedrekord` 0.0.1.
    #[must_use]
    pub fn log_message(&self, digest: &str, signature: &[u8], verifier_pem: &str, at: Time) -> Entry {
        let key = object([("content", base64(verifier_pem.as_bytes()))]);
        let hash = object([("algorithm", Json::from("sha256")), ("value", Json::from(digest))]);
        let spec =
            object([("data", object([("hash", hash)])), ("signature", object([("content", base64(signature)), ("publicKey", key)]))]);
        self.log(("hashedrekord", "0.0.1"), spec, at)
    }

    /// Signs that an entry was taken in at that place and time.
    #[must_use]
    pub fn promise(&self, body: &[u8], index: u64, at: Time) -> Vec<u8> {
        self.promise_as(&self.id(), body, index, at)
    }

    /// Signs it in the name of a log, which may be another.
    pub(crate) fn promise_as(&self, id: &[u8; 32], body: &[u8], index: u64, at: Time) -> Vec<u8> {
        let number = |number: i64| Json::Number(number as f64);
        let message = object([
            ("body", base64(body)),
            ("integratedTime", number(at.unix_seconds())),
            ("logID", Json::from(hex(id))),
            ("logIndex", number(i64::try_from(index).expect("a small index"))),
        ]);
        self.key.sign(&message.canonical()).expect("a signature")
    }

    /// The log's key.
    #[must_use]
    pub fn public_key_der(&self) -> Vec<u8> {
        self.key.public_key_der()
    }

    /// Signs a root.
    #[must_use]
    pub fn checkpoint(&self, size: u64, root: &[u8]) -> String {
        self.notary().sign(size, root)
    }

    /// The log's id: SHA-256 of its key.
    pub(crate) fn id(&self) -> [u8; 32] {
        sha2::Sha256::digest(self.key.public_key_der()).into()
    }

    fn notary(&self) -> Notary<'_> {
        Notary { origin: "rekor.example.test - 1001", name: "rekor.example.test", id: self.id(), key: &self.key }
    }

    fn log(&self, kind: (&'static str, &'static str), spec: Json, at: Time) -> Entry {
        let body = object([("apiVersion", Json::from(kind.1)), ("kind", Json::from(kind.0)), ("spec", spec)]).canonical();
        // Others' entries are before and after it, and the log has had trees before this one.
        let mut leaves = ["one", "another", "a third", "a later one"].map(|leaf| leaf.as_bytes().to_vec()).to_vec();
        leaves.insert(PLACE, body.clone());
        let proof = self.notary().prove(&Tree::of(&leaves), PLACE);
        let index = self.earlier + PLACE as u64;
        let promise = self.promise(&body, index, at);
        let log_id = self.id().to_vec();
        Entry { index, log_id, kind, integrated_at: Some(at), promise: Some(promise), proof: Some(proof), body }
    }
}

fn hash(bytes: &[u8]) -> Json {
    object([("algorithm", Json::from("sha256")), ("value", Json::from(Digest::sha256(bytes).hex()))])
}

const PLACE: usize = 3;
/// How many entries the trees before this one have.
const EARLIER_ENTRIES: u64 = 4_163_431;
