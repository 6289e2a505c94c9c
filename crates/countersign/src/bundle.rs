//! Sigstore bundles v0.3, the one form in which evidence is kept: read strictly, written canonically.
//! Nothing that it gives out is verified; `verify` does that.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::digest::Digest;
use crate::envelope;
use crate::identity::PublicKey;
use crate::json::{self, Json, Object};
use crate::limits::{self, quoted};
use crate::statement::{self, Statement, StatementError};

/// One bundle with one DSSE envelope around one statement, as it was received.
#[derive(Clone, Debug)]
pub struct Bundle {
    bytes: Vec<u8>,
    digest: Digest,
    material: Material,
    payload: Vec<u8>,
    signature: Vec<u8>,
    statement: Statement,
}

/// What a bundle offers to verify its signature with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Material {
    /// A key that the verifier must already know; the hint only selects one.
    Key {
        /// What the bundle calls the key; empty where it says nothing.
        hint: String,
    },
    /// A certificate, which names an identity.
    Certificate,
}

impl Bundle {
    /// Reads a bundle.
    ///
    /// The bytes and the payload within are first read by our strict parser, which refuses what two parsers could read
    /// in two ways: duplicate keys, more than one of `dsseEnvelope` and `messageSignature`, or of `publicKey`,
    /// `certificate` and `x509CertificateChain`, arrays for objects, unknown fields, and base64 of any but the standard
    /// alphabet. Then sigstore-types reads the bundle, and both readings must give the same payload and signature.
    ///
    /// # Errors
    /// [`BundleError`] for anything but a bundle of v0.3 with one DSSE envelope, one signature and one statement.
    pub fn parse(bytes: &[u8]) -> Result<Self, BundleError> {
        if bytes.len() > limits::BUNDLE_BYTES {
            return Err(BundleError::TooLarge);
        }
        let json = Json::parse(bytes)?;
        BUNDLE.check(&json, "")?;
        exactly_one(&json, &["dsseEnvelope", "messageSignature"])?;
        let material = json.get("verificationMaterial").ok_or(BundleError::Missing("verificationMaterial"))?;
        let kind = exactly_one(material, &["publicKey", "certificate", "x509CertificateChain"])?;
        let text = |pointer: &'static str| json.pointer(pointer).and_then(Json::as_str).ok_or(BundleError::Missing(pointer));
        let media_type = text("/mediaType")?;
        if !MEDIA_TYPES.contains(&media_type) {
            return Err(BundleError::MediaType(quoted(media_type)));
        }
        let envelope = json.get("dsseEnvelope").ok_or(BundleError::NoEnvelope)?;
        if envelope.get("signatures").and_then(Json::as_array).map(<[Json]>::len) != Some(1) {
            return Err(BundleError::NotOneSignature);
        }
        let payload_type = text("/dsseEnvelope/payloadType")?;
        if payload_type != statement::PAYLOAD_TYPE {
            return Err(BundleError::PayloadType(quoted(payload_type)));
        }
        let decode = |pointer| STANDARD.decode(text(pointer)?).map_err(|_| BundleError::Base64(pointer));
        let payload = decode("/dsseEnvelope/payload")?;
        let signature = decode("/dsseEnvelope/signatures/0/sig")?;
        let statement = Statement::parse(&payload)?;
        let material = match kind {
            "publicKey" => {
                Material::Key { hint: material.pointer("/publicKey/hint").and_then(Json::as_str).unwrap_or_default().to_owned() }
            }
            _ => Material::Certificate,
        };
        let bundle = Self { bytes: bytes.to_vec(), digest: Digest::sha256(bytes), material, payload, signature, statement };
        bundle.check_with_sigstore()?;
        Ok(bundle)
    }

    /// Makes the bundle of a statement that `key` has signed.
    ///
    /// # Errors
    /// [`BundleError`] if the result would not be read back.
    pub fn signed_by_key(payload: &[u8], signature: &[u8], key: &PublicKey) -> Result<Self, BundleError> {
        let object = |members: Vec<(&str, Json)>| Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
        let base64 = |bytes: &[u8]| Json::from(STANDARD.encode(bytes));
        let bundle = object(vec![
            ("mediaType", Json::from(MEDIA_TYPE)),
            ("verificationMaterial", object(vec![("publicKey", object(vec![("hint", Json::from(key.hint()))]))])),
            (
                "dsseEnvelope",
                object(vec![
                    ("payloadType", Json::from(statement::PAYLOAD_TYPE)),
                    ("payload", base64(payload)),
                    ("signatures", Json::Array(vec![object(vec![("sig", base64(signature))])])),
                ]),
            ),
        ]);
        Self::parse(&bundle.canonical())
    }

    /// Returns the bytes as they were received.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the SHA-256 of the bytes: the bundle's name everywhere.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Returns what the bundle offers to verify its signature with.
    #[must_use]
    pub const fn material(&self) -> &Material {
        &self.material
    }

    /// Returns the statement, which anybody may have written.
    #[must_use]
    pub const fn unverified_statement(&self) -> &Statement {
        &self.statement
    }

    /// Returns the statement's bytes as they were received, which anybody may have written.
    #[must_use]
    pub fn unverified_payload(&self) -> &[u8] {
        &self.payload
    }

    /// Returns the bytes that the signature must cover.
    pub(crate) fn signed_bytes(&self) -> Vec<u8> {
        envelope::pae(statement::PAYLOAD_TYPE, &self.payload)
    }

    /// Returns the signature.
    pub(crate) fn signature(&self) -> &[u8] {
        &self.signature
    }

    fn check_with_sigstore(&self) -> Result<(), BundleError> {
        let text = std::str::from_utf8(&self.bytes).map_err(|_| BundleError::Disagreement)?;
        let theirs = sigstore_types::Bundle::from_json(text).map_err(|_| BundleError::Disagreement)?;
        match theirs.content {
            sigstore_types::SignatureContent::DsseEnvelope(envelope)
                if envelope.payload.as_bytes() == self.payload
                    && envelope.signature.sig.as_bytes() == self.signature
                    && envelope.payload_type == statement::PAYLOAD_TYPE =>
            {
                Ok(())
            }
            _ => Err(BundleError::Disagreement),
        }
    }
}

/// Why bytes are not a bundle as we read it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The bundle is over the limit.
    #[error("the bundle is larger than {} MiB", limits::BUNDLE_BYTES >> 20)]
    TooLarge,
    /// The bundle is not JSON as we read it.
    #[error("the bundle is not JSON: {0}")]
    Syntax(#[from] json::SyntaxError),
    /// A field is none of a bundle's.
    #[error("the bundle has an unknown field {0}")]
    UnknownField(String),
    /// A value has another shape than the field's.
    #[error("the bundle's {0} has the wrong shape")]
    Shape(String),
    /// A field is missing.
    #[error("the bundle has no {0}")]
    Missing(&'static str),
    /// None or several of the fields that exclude one another.
    #[error("the bundle needs exactly one of {0}")]
    NotExactlyOne(String),
    /// The bundle is of another version.
    #[error("the bundle's media type {0} is not v0.3's")]
    MediaType(String),
    /// The bundle signs a message, not a statement.
    #[error("the bundle holds a message signature and no statement")]
    NoEnvelope,
    /// The envelope has no signature, or several.
    #[error("the envelope needs exactly one signature")]
    NotOneSignature,
    /// The payload is no in-toto statement.
    #[error("the payload type {0} is not an in-toto statement's")]
    PayloadType(String),
    /// A field isn't standard base64.
    #[error("the bundle's {0} is not standard base64")]
    Base64(&'static str),
    /// The payload isn't a statement as we read it.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// sigstore-types reads something else in the same bytes, or nothing.
    #[error("the bundle is not one that Sigstore's own types read the same way")]
    Disagreement,
}

impl BundleError {
    /// Returns true if a limit of ours, not the bytes, is to blame.
    #[must_use]
    pub const fn is_limit(&self) -> bool {
        match self {
            Self::TooLarge => true,
            Self::Syntax(error) => error.is_limit(),
            Self::Statement(error) => error.is_limit(),
            _ => false,
        }
    }
}

fn exactly_one<'a>(json: &Json, group: &[&'a str]) -> Result<&'a str, BundleError> {
    let mut present = group.iter().filter(|name| json.get(name).is_some());
    match (present.next(), present.next()) {
        (Some(name), None) => Ok(name),
        _ => Err(BundleError::NotExactlyOne(group.join(", "))),
    }
}

/// The shape of a bundle (sigstore_bundle.proto and sigstore_rekor.proto, protobuf-specs v0.5).
enum Shape {
    Scalar,
    List(&'static Self),
    Message(&'static [(&'static str, Self)]),
}

impl Shape {
    fn check(&self, json: &Json, place: &str) -> Result<(), BundleError> {
        match (self, json) {
            (Self::Scalar, Json::String(_) | Json::Number(_)) => Ok(()),
            (Self::List(item), Json::Array(items)) => items.iter().try_for_each(|json| item.check(json, place)),
            (Self::Message(fields), Json::Object(members)) => check_members(fields, members, place),
            _ => Err(BundleError::Shape(quoted(if place.is_empty() { "top level" } else { place }))),
        }
    }
}

fn check_members(fields: &[(&str, Shape)], members: &Object, place: &str) -> Result<(), BundleError> {
    members.iter().try_for_each(|(name, value)| {
        let place = format!("{place}/{name}");
        match fields.iter().find(|(field, _)| field == name) {
            Some((_, shape)) => shape.check(value, &place),
            None => Err(BundleError::UnknownField(quoted(&place))),
        }
    })
}

const BUNDLE: Shape = Shape::Message(&[
    ("mediaType", Shape::Scalar),
    ("verificationMaterial", VERIFICATION_MATERIAL),
    (
        "dsseEnvelope",
        Shape::Message(&[
            ("payload", Shape::Scalar),
            ("payloadType", Shape::Scalar),
            ("signatures", Shape::List(&Shape::Message(&[("sig", Shape::Scalar), ("keyid", Shape::Scalar)]))),
        ]),
    ),
    (
        "messageSignature",
        Shape::Message(&[
            ("messageDigest", Shape::Message(&[("algorithm", Shape::Scalar), ("digest", Shape::Scalar)])),
            ("signature", Shape::Scalar),
        ]),
    ),
]);
const VERIFICATION_MATERIAL: Shape = Shape::Message(&[
    ("certificate", CERTIFICATE),
    ("publicKey", Shape::Message(&[("hint", Shape::Scalar)])),
    ("x509CertificateChain", Shape::Message(&[("certificates", Shape::List(&CERTIFICATE))])),
    ("tlogEntries", Shape::List(&LOG_ENTRY)),
    (
        "timestampVerificationData",
        Shape::Message(&[("rfc3161Timestamps", Shape::List(&Shape::Message(&[("signedTimestamp", Shape::Scalar)])))]),
    ),
]);
const CERTIFICATE: Shape = Shape::Message(&[("rawBytes", Shape::Scalar)]);
const LOG_ENTRY: Shape = Shape::Message(&[
    ("logIndex", Shape::Scalar),
    ("logId", Shape::Message(&[("keyId", Shape::Scalar)])),
    ("kindVersion", Shape::Message(&[("kind", Shape::Scalar), ("version", Shape::Scalar)])),
    ("integratedTime", Shape::Scalar),
    ("inclusionPromise", Shape::Message(&[("signedEntryTimestamp", Shape::Scalar)])),
    (
        "inclusionProof",
        Shape::Message(&[
            ("logIndex", Shape::Scalar),
            ("rootHash", Shape::Scalar),
            ("treeSize", Shape::Scalar),
            ("hashes", Shape::List(&Shape::Scalar)),
            ("checkpoint", Shape::Message(&[("envelope", Shape::Scalar)])),
        ]),
    ),
    ("canonicalizedBody", Shape::Scalar),
]);
const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const MEDIA_TYPES: [&str; 2] = [MEDIA_TYPE, "application/vnd.dev.sigstore.bundle+json;version=0.3"];
