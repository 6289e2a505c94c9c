//! Transparency logs of both generations (Rekor v1 and v2): what they are asked, and what they answer as bundles hold it.
//! Whether an entry proves anything is verified with the whole bundle.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::json::{Json, Object};
use sigstore_types::Sha256Hash;

use super::error::{KeylessError, Service};
use super::signing::{By, Content, Signed, object};
use super::signing_config::Generation;
use crate::der::pem;
use crate::http::{Address, Answer, Client, Request, Trouble};

/// What is sent to a log.
pub(super) fn request(generation: Generation, signed: &Signed<'_>, by: &By) -> Vec<u8> {
    match generation {
        Generation::First => first(signed, by),
        Generation::Second => second(signed, by),
    }
    .canonical()
}

/// Returns where entries are made.
pub(super) fn place(log: &Address, generation: Generation) -> Address {
    log.join(match generation {
        Generation::First => "/api/v1/log/entries",
        Generation::Second => "/api/v2/log/entries",
    })
}

/// Asks the log to take the signature in, and returns the answer: how often it may have done so is counted by who asks.
pub(super) fn ask(client: &Client, address: &Address, body: &[u8], deadline: std::time::Instant) -> Result<Answer, Trouble> {
    let sent = Request { address, body: Some(("application/json", body)), headers: &[], most: ANSWER_BYTES };
    let answer = client.ask(&sent, deadline)?;
    if answer.status != CONFLICT {
        return Ok(answer);
    }
    // The entry is there already: an attempt before had worked, and nobody heard it.
    let (heard, unheard) = (answer.unheard, answer.unheard.max(1));
    let Some(there) = answer.location.as_deref().and_then(|location| address.referred(location)) else {
        return Ok(Answer { unheard, ..answer });
    };
    let read = Request { address: &there, body: None, headers: &[], most: ANSWER_BYTES };
    match client.ask(&read, deadline) {
        Ok(read) if is_entry(read.status) => Ok(Answer { unheard: heard, ..read }),
        Ok(read) => Ok(Answer { unheard, ..read }),
        Err(trouble) => Err(Trouble { unheard, ..trouble }),
    }
}

/// Returns true for the statuses with which a log gives an entry.
const fn is_entry(status: u16) -> bool {
    matches!(status, 200 | 201)
}

/// Takes the entry out of the answer, as a bundle holds it (sigstore_rekor.proto, `TransparencyLogEntry`).
pub(super) fn entered(generation: Generation, content: Content<'_>, answer: &Answer, address: &Address) -> Result<Json, KeylessError> {
    let unusable = |what| KeylessError::answer(Service::Log, address, what);
    if !is_entry(answer.status) {
        return Err(KeylessError::status(Service::Log, address, answer.status));
    }
    let json = Json::parse(&answer.body).map_err(|_| unusable("it isn't JSON"))?;
    match generation {
        Generation::First => {
            let (_, entry) = json
                .as_object()
                .filter(|entries| entries.len() == 1)
                .and_then(|entries| entries.first_key_value())
                .ok_or_else(|| unusable("it isn't one entry"))?;
            entry_of_first(entry, content).ok_or_else(|| unusable("its entry isn't one of Rekor v1 with a proof and a promise"))
        }
        Generation::Second => entry_of_second(&json).ok_or_else(|| unusable("its entry isn't one of Rekor v2 with a proof")),
    }
}

/// `hashedrekord` 0.0.2 for both kinds of content: of an envelope, the hash of what was signed (rekor-tiles, CLIENTS.md).
fn second(signed: &Signed<'_>, by: &By) -> Json {
    let (name, der) = match by {
        By::Certificate(certificate) => ("x509Certificate", certificate.as_slice()),
        By::Key(key) => ("publicKey", key.der()),
    };
    let verifier = object([("keyDetails", Json::from(KEY_DETAILS)), (name, object([("rawBytes", base64(der))]))]);
    let signature = object([("content", base64(&signed.signature)), ("verifier", verifier)]);
    object([("hashedRekordRequestV002", object([("digest", base64(&signed.hash)), ("signature", signature)]))])
}

/// `dsse` 0.0.1 for an envelope, `hashedrekord` 0.0.1 for an artifact (rekor, `pkg/types`).
fn first(signed: &Signed<'_>, by: &By) -> Json {
    let pem = match by {
        By::Certificate(certificate) => pem("CERTIFICATE", certificate),
        By::Key(key) => pem("PUBLIC KEY", key.der()),
    };
    let pem = base64(pem.as_bytes());
    let (kind, spec) = match signed.content {
        Content::Statement(_) => {
            let envelope = String::from_utf8_lossy(&signed.json().canonical()).into_owned();
            let proposed = object([("envelope", Json::from(envelope)), ("verifiers", Json::Array(vec![pem]))]);
            ("dsse", object([("proposedContent", proposed)]))
        }
        Content::Artifact(_) => {
            let hash = object([("algorithm", Json::from("sha256")), ("value", Json::from(countersign::digest::hex(&signed.hash)))]);
            let signature = object([("content", base64(&signed.signature)), ("publicKey", object([("content", pem)]))]);
            ("hashedrekord", object([("data", object([("hash", hash)])), ("signature", signature)]))
        }
    };
    object([("apiVersion", Json::from("0.0.1")), ("kind", Json::from(kind)), ("spec", spec)])
}

/// Rekor v1 answers in a form of its own, with hashes in hexadecimal digits.
fn entry_of_first(entry: &Json, content: Content<'_>) -> Option<Json> {
    let hex = |pointer: &str| entry.pointer(pointer).and_then(Json::as_str).and_then(base64_of_hex);
    let number = |pointer: &str| entry.pointer(pointer).and_then(Json::as_integer);
    let text = |pointer: &str| entry.pointer(pointer).filter(|json| json.as_str().is_some()).cloned();
    let hashes = entry.pointer("/verification/inclusionProof/hashes").and_then(Json::as_array)?;
    let hashes = hashes.iter().map(|hash| hash.as_str().and_then(base64_of_hex)).collect::<Option<Vec<_>>>()?;
    let proof = proof(
        number("/verification/inclusionProof/logIndex")?,
        hex("/verification/inclusionProof/rootHash")?,
        number("/verification/inclusionProof/treeSize")?,
        hashes,
        text("/verification/inclusionProof/checkpoint")?,
    );
    let kind = match content {
        Content::Statement(_) => "dsse",
        Content::Artifact(_) => "hashedrekord",
    };
    let mut made = with_number([], "logIndex", number("/logIndex")?);
    made.insert("logId".to_owned(), object([("keyId", hex("/logID")?)]));
    made.insert("kindVersion".to_owned(), object([("kind", Json::from(kind)), ("version", Json::from("0.0.1"))]));
    made.insert("integratedTime".to_owned(), Json::from(number("/integratedTime")?.to_string()));
    made.insert("inclusionPromise".to_owned(), object([("signedEntryTimestamp", text("/verification/signedEntryTimestamp")?)]));
    made.insert("inclusionProof".to_owned(), proof);
    made.insert("canonicalizedBody".to_owned(), text("/body")?);
    Some(Json::Object(made))
}

/// Rekor v2 answers as bundles have it, but writes out what is empty.
fn entry_of_second(entry: &Json) -> Option<Json> {
    let text = |pointer: &str| entry.pointer(pointer).filter(|json| json.as_str().is_some()).cloned();
    let number = |pointer: &str| entry.pointer(pointer).map_or(Some(0), whole);
    let hashes = entry.pointer("/inclusionProof/hashes").and_then(Json::as_array).unwrap_or_default();
    let proof = proof(
        number("/inclusionProof/logIndex")?,
        text("/inclusionProof/rootHash")?,
        number("/inclusionProof/treeSize")?,
        hashes.to_vec(),
        text("/inclusionProof/checkpoint/envelope")?,
    );
    let mut made = with_number([], "logIndex", number("/logIndex")?);
    made.insert("logId".to_owned(), object([("keyId", text("/logId/keyId")?)]));
    made.insert("kindVersion".to_owned(), object([("kind", text("/kindVersion/kind")?), ("version", text("/kindVersion/version")?)]));
    made.insert("inclusionProof".to_owned(), proof);
    made.insert("canonicalizedBody".to_owned(), text("/canonicalizedBody")?);
    Some(Json::Object(made))
}

fn proof(index: i64, root: Json, size: i64, hashes: Vec<Json>, checkpoint: Json) -> Json {
    let mut proof = with_number([("rootHash", root), ("checkpoint", object([("envelope", checkpoint)]))], "logIndex", index);
    proof.insert("treeSize".to_owned(), Json::from(size.to_string()));
    if !hashes.is_empty() {
        proof.insert("hashes".to_owned(), Json::Array(hashes));
    }
    Json::Object(proof)
}

/// Numbers of 64 bits are strings in proto3's JSON, and a zero isn't written.
fn with_number<const N: usize>(members: [(&str, Json); N], name: &str, number: i64) -> Object {
    let mut members: Object = members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    if number != 0 {
        members.insert(name.to_owned(), Json::from(number.to_string()));
    }
    members
}

/// Reads a whole number as proto3's JSON writes it.
fn whole(json: &Json) -> Option<i64> {
    json.as_integer().or_else(|| json.as_str()?.parse().ok())
}

fn base64(bytes: &[u8]) -> Json {
    Json::from(STANDARD.encode(bytes))
}

fn base64_of_hex(hex: &str) -> Option<Json> {
    Some(base64(Sha256Hash::from_hex(hex).ok()?.as_bytes()))
}

const KEY_DETAILS: &str = "PKIX_ECDSA_P256_SHA_256";
const CONFLICT: u16 = 409;
/// An entry of Rekor v1 repeats what was sent, less the payload.
const ANSWER_BYTES: u64 = 4 << 20;
