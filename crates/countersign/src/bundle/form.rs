//! The form of a bundle: the raw check that every bundle passes before another parser reads it, whatever it signs.
//! What the signature covers is read by who holds it.

use std::collections::BTreeSet;

use super::{BundleError, Material, Version};
use crate::json::Json;
use crate::limits::{self, quoted};
use crate::shape::Shape;

/// A bundle that has passed the raw check.
pub(super) struct Form {
    pub(super) json: Json,
    pub(super) version: Version,
    pub(super) material: Material,
}

impl Form {
    /// Reads a bundle, and refuses what two parsers could read in two ways.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, BundleError> {
        Self::of(parsed(bytes)?)
    }

    pub(super) fn of(json: Json) -> Result<Self, BundleError> {
        BUNDLE.check(&json)?;
        exactly_one(&json, &["dsseEnvelope", "messageSignature"])?;
        let material = json.get("verificationMaterial").ok_or(BundleError::Missing("verificationMaterial"))?;
        let kind = exactly_one(material, &["publicKey", "certificate", "x509CertificateChain"])?;
        let media_type = json.pointer("/mediaType").and_then(Json::as_str).ok_or(BundleError::Missing("/mediaType"))?;
        let version = Version::of(media_type).ok_or_else(|| BundleError::MediaType(quoted(media_type)))?;
        if kind == if version == Version::V03 { "x509CertificateChain" } else { "certificate" } {
            return Err(BundleError::MaterialOfAnotherVersion);
        }
        let chain = material.pointer("/x509CertificateChain/certificates").and_then(Json::as_array).unwrap_or_default();
        if chain.len() > limits::CHAIN {
            return Err(BundleError::ChainTooLong);
        }
        witnesses_once(material)?;
        let hint = || material.pointer("/publicKey/hint").and_then(Json::as_str).unwrap_or_default().to_owned();
        let material = if kind == "publicKey" { Material::Key { hint: hint() } } else { Material::Certificate };
        Ok(Self { json, version, material })
    }
}

/// Reads the JSON of a bundle or an envelope, within the limit.
pub(super) fn parsed(bytes: &[u8]) -> Result<Json, BundleError> {
    if bytes.len() > limits::BUNDLE_BYTES { Err(BundleError::TooLarge) } else { Ok(Json::parse(bytes)?) }
}

/// Refuses witnesses that stand there twice, and more of them than we verify: their number must not look like evidence.
fn witnesses_once(material: &Json) -> Result<(), BundleError> {
    let list = |pointer| material.pointer(pointer).and_then(Json::as_array).unwrap_or_default();
    let (entries, tokens) = (list("/tlogEntries"), list("/timestampVerificationData/rfc3161Timestamps"));
    if entries.len().max(tokens.len()) > limits::WITNESSES {
        return Err(BundleError::TooManyWitnesses);
    }
    let canonical = |json: Option<&Json>| json.map(Json::canonical);
    let of_entry = |name: &'static str| move |entry: &Json| (canonical(entry.pointer("/logId/keyId")), canonical(entry.get(name)));
    if twice(entries, of_entry("logIndex")) || twice(entries, of_entry("canonicalizedBody")) {
        return Err(BundleError::Twice("log entry"));
    }
    if twice(tokens, Json::canonical) {
        return Err(BundleError::Twice("timestamp"));
    }
    Ok(())
}

fn twice<T: Ord>(items: &[Json], part: impl Fn(&Json) -> T) -> bool {
    items.len() > 1 && items.iter().map(part).collect::<BTreeSet<_>>().len() < items.len()
}

fn exactly_one<'a>(json: &Json, group: &[&'a str]) -> Result<&'a str, BundleError> {
    let mut present = group.iter().filter(|name| json.get(name).is_some());
    match (present.next(), present.next()) {
        (Some(name), None) => Ok(name),
        _ => Err(BundleError::NotExactlyOne(group.join(", "))),
    }
}

/// The shape of a bundle (sigstore_bundle.proto and sigstore_rekor.proto, protobuf-specs v0.5).
const BUNDLE: Shape = Shape::Message(&[
    ("mediaType", Shape::Scalar),
    ("verificationMaterial", VERIFICATION_MATERIAL),
    ("dsseEnvelope", ENVELOPE),
    (
        "messageSignature",
        Shape::Message(&[
            ("messageDigest", Shape::Message(&[("algorithm", Shape::Scalar), ("digest", Shape::Bytes)])),
            ("signature", Shape::Bytes),
        ]),
    ),
]);
/// The shape of an envelope (DSSE envelope.md), within a bundle and without one.
pub(super) const ENVELOPE: Shape = Shape::Message(&[
    ("payload", Shape::Bytes),
    ("payloadType", Shape::Scalar),
    ("signatures", Shape::List(&Shape::Message(&[("sig", Shape::Bytes), ("keyid", Shape::Scalar)]))),
]);
const VERIFICATION_MATERIAL: Shape = Shape::Message(&[
    ("certificate", CERTIFICATE),
    ("publicKey", Shape::Message(&[("hint", Shape::Scalar)])),
    ("x509CertificateChain", Shape::Message(&[("certificates", Shape::List(&CERTIFICATE))])),
    ("tlogEntries", Shape::List(&LOG_ENTRY)),
    (
        "timestampVerificationData",
        Shape::Message(&[("rfc3161Timestamps", Shape::List(&Shape::Message(&[("signedTimestamp", Shape::Bytes)])))]),
    ),
]);
const CERTIFICATE: Shape = Shape::Message(&[("rawBytes", Shape::Bytes)]);
const LOG_ENTRY: Shape = Shape::Message(&[
    ("logIndex", Shape::Integer),
    ("logId", Shape::Message(&[("keyId", Shape::Bytes)])),
    ("kindVersion", Shape::Message(&[("kind", Shape::Scalar), ("version", Shape::Scalar)])),
    ("integratedTime", Shape::Integer),
    ("inclusionPromise", Shape::Message(&[("signedEntryTimestamp", Shape::Bytes)])),
    (
        "inclusionProof",
        Shape::Message(&[
            ("logIndex", Shape::Integer),
            ("rootHash", Shape::Hash),
            ("treeSize", Shape::Integer),
            ("hashes", Shape::List(&Shape::Hash)),
            ("checkpoint", Shape::Message(&[("envelope", Shape::Scalar)])),
        ]),
    ),
    ("canonicalizedBody", Shape::Bytes),
]);
pub(super) const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
