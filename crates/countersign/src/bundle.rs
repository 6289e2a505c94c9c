//! Sigstore bundles, the one form in which evidence is kept: v0.1 to v0.3 are read strictly, v0.3 is written canonically.
//! Nothing that it gives out is verified; `verify` does that.

mod envelope;
mod form;
mod message;
mod witness;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::digest::Digest;
use crate::envelope::pae;
use crate::identity::{PublicKey, UnverifiedCertificate};
use crate::json::{self, Json};
use crate::limits::{self, quoted};
use crate::shape::Misshapen;
use crate::statement::{self, Statement, StatementError};
use form::Form;

pub use envelope::Envelope;
pub use message::{Artifact, MessageBundle};
pub use witness::UnverifiedWitness;

/// One bundle with one DSSE envelope around one statement, as it was received.
#[derive(Clone, Debug)]
pub struct Bundle {
    bytes: Vec<u8>,
    digest: Digest,
    version: Version,
    material: Material,
    payload: Vec<u8>,
    signature: Vec<u8>,
    statement: Arc<Statement>,
    /// What sigstore-types reads in the same bytes, for the checks that aren't ours.
    sigstore: Box<sigstore_types::Bundle>,
}

/// The versions of the bundle format. Before v0.3 a log's promise alone may stand for the proof that it kept it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
#[non_exhaustive]
pub enum Version {
    /// v0.1
    #[serde(rename = "v0.1")]
    V01,
    /// v0.2
    #[serde(rename = "v0.2")]
    V02,
    /// v0.3, the one that is written.
    #[serde(rename = "v0.3")]
    V03,
}

impl Version {
    /// Returns the word that policies use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::V01 => "v0.1",
            Self::V02 => "v0.2",
            Self::V03 => "v0.3",
        }
    }

    fn of(media_type: &str) -> Option<Self> {
        match media_type {
            "application/vnd.dev.sigstore.bundle+json;version=0.1" => Some(Self::V01),
            "application/vnd.dev.sigstore.bundle+json;version=0.2" => Some(Self::V02),
            form::MEDIA_TYPE | "application/vnd.dev.sigstore.bundle+json;version=0.3" => Some(Self::V03),
            _ => None,
        }
    }
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
    /// `certificate` and `x509CertificateChain`, arrays for objects, unknown fields, base64 of any but the standard
    /// alphabet, and log entries or timestamps that stand there twice. Then sigstore-types reads the bundle, and both
    /// readings must give the same payload and signature.
    ///
    /// An envelope that is in no bundle is read too, as in-toto's own tools write it ([`Envelope`]): it's by a key
    /// that isn't named, and without witnesses.
    ///
    /// # Errors
    /// [`BundleError`] for anything but a bundle with one DSSE envelope, one signature and one statement.
    pub fn parse(bytes: &[u8]) -> Result<Self, BundleError> {
        let json = form::parsed(bytes)?;
        if Envelope::is_one(&json) {
            return Self::of_envelope(bytes, &Envelope::of(&json)?);
        }
        let form = Form::of(json)?;
        let envelope = Envelope::of(form.json.get("dsseEnvelope").ok_or(BundleError::NoEnvelope)?)?;
        Self::read(bytes, bytes, &envelope, form.version, form.material)
    }

    /// Takes an envelope that is in no bundle: as evidence it's one of v0.3, by a key that isn't named.
    fn of_envelope(bytes: &[u8], envelope: &Envelope) -> Result<Self, BundleError> {
        let bundle = written(envelope.payload(), envelope.signature(), "").canonical();
        Self::read(bytes, &bundle, envelope, Version::V03, Material::Key { hint: String::new() })
    }

    fn read(received: &[u8], bundle: &[u8], envelope: &Envelope, version: Version, material: Material) -> Result<Self, BundleError> {
        if envelope.payload_type() != statement::PAYLOAD_TYPE {
            return Err(BundleError::PayloadType(quoted(envelope.payload_type())));
        }
        let (payload, signature) = (envelope.payload().to_vec(), envelope.signature().to_vec());
        let statement = Arc::new(Statement::parse(&payload)?);
        let sigstore = Box::new(sigstore_reading(bundle, &payload, &signature)?);
        Ok(Self { bytes: received.to_vec(), digest: Digest::sha256(received), version, material, payload, signature, statement, sigstore })
    }

    /// Makes the bundle of a statement that `key` has signed.
    ///
    /// # Errors
    /// [`BundleError`] if the result would not be read back.
    pub fn signed_by_key(payload: &[u8], signature: &[u8], key: &PublicKey) -> Result<Self, BundleError> {
        Self::parse(&written(payload, signature, &key.hint()).canonical())
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

    /// Returns the version of the format.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Returns what the bundle offers to verify its signature with.
    #[must_use]
    pub const fn material(&self) -> &Material {
        &self.material
    }

    /// Returns the statement, which anybody may have written.
    #[must_use]
    pub fn unverified_statement(&self) -> &Statement {
        &self.statement
    }

    /// Returns the statement's bytes as they were received, which anybody may have written.
    #[must_use]
    pub fn unverified_payload(&self) -> &[u8] {
        &self.payload
    }

    /// Returns what the signer's certificate claims, which anybody may have written; `None` for a key, and for a certificate
    /// that can't be read.
    #[must_use]
    pub fn unverified_certificate(&self) -> Option<UnverifiedCertificate> {
        self.sigstore.signing_certificate().and_then(UnverifiedCertificate::read)
    }

    /// Returns what the bundle offers to prove when its signature was made, which anybody may have written: log entries, then
    /// timestamps, each in the bundle's order, at most [`limits::WITNESSES`] of each.
    #[must_use]
    pub fn unverified_witnesses(&self) -> Vec<UnverifiedWitness> {
        witness::of(&self.sigstore)
    }

    /// Returns the bytes that the signature must cover.
    pub(crate) fn signed_bytes(&self) -> Vec<u8> {
        pae(statement::PAYLOAD_TYPE, &self.payload)
    }

    /// Returns the statement for who has verified it.
    pub(crate) fn statement(&self) -> Arc<Statement> {
        Arc::clone(&self.statement)
    }

    /// Returns the signature.
    pub(crate) fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// Returns true if the bundle offers any witness of the time: a log entry or a timestamp.
    pub(crate) fn has_witnesses(&self) -> bool {
        self.witnesses() > 0
    }

    /// Returns how many log entries and timestamps there are.
    pub(crate) fn witnesses(&self) -> usize {
        let material = &self.sigstore.verification_material;
        material.tlog_entries.len() + material.timestamp_verification_data.rfc3161_timestamps.len()
    }

    /// Returns what sigstore-types reads in the same bytes.
    pub(crate) fn sigstore(&self) -> &sigstore_types::Bundle {
        &self.sigstore
    }
}

/// Writes the bundle of v0.3 of an envelope that a key has signed.
fn written(payload: &[u8], signature: &[u8], hint: &str) -> Json {
    let object = |members: Vec<(&str, Json)>| Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
    let base64 = |bytes: &[u8]| Json::from(STANDARD.encode(bytes));
    object(vec![
        ("mediaType", Json::from(form::MEDIA_TYPE)),
        ("verificationMaterial", object(vec![("publicKey", object(vec![("hint", Json::from(hint))]))])),
        (
            "dsseEnvelope",
            object(vec![
                ("payloadType", Json::from(statement::PAYLOAD_TYPE)),
                ("payload", base64(payload)),
                ("signatures", Json::Array(vec![object(vec![("sig", base64(signature))])])),
            ]),
        ),
    ])
}

/// Has sigstore-types read the bundle too: what it verifies later is the payload and the signature that we read.
fn sigstore_reading(bytes: &[u8], payload: &[u8], signature: &[u8]) -> Result<sigstore_types::Bundle, BundleError> {
    let text = std::str::from_utf8(bytes).map_err(|_| BundleError::Disagreement)?;
    let theirs = sigstore_types::Bundle::from_json(text).map_err(|_| BundleError::Disagreement)?;
    match &theirs.content {
        sigstore_types::SignatureContent::DsseEnvelope(envelope)
            if envelope.payload.as_bytes() == payload
                && envelope.signature.sig.as_bytes() == signature
                && envelope.payload_type == statement::PAYLOAD_TYPE =>
        {
            Ok(theirs)
        }
        _ => Err(BundleError::Disagreement),
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
    #[error("the bundle's media type {0} is not one of v0.1 to v0.3")]
    MediaType(String),
    /// A bundle of v0.3 has one certificate, and one of an earlier version a chain.
    #[error("a bundle of v0.3 holds a `certificate`, and an earlier one an `x509CertificateChain`")]
    MaterialOfAnotherVersion,
    /// There are more log entries or timestamps than the limit.
    #[error("the bundle has more than {} log entries or timestamps", limits::WITNESSES)]
    TooManyWitnesses,
    /// The bundle's own chain has more certificates than the limit.
    #[error("the bundle's chain has more than {} certificates", limits::CHAIN)]
    ChainTooLong,
    /// The same log entry or timestamp stands there twice.
    #[error("the bundle has the same {0} twice")]
    Twice(&'static str),
    /// The bundle signs a message, not a statement.
    #[error("the bundle holds a message signature and no statement")]
    NoEnvelope,
    /// The bundle signs a statement, not a message.
    #[error("the bundle holds a statement and no message signature")]
    NoMessage,
    /// The message's digest is missing, by another algorithm, or none.
    #[error("the bundle's message digest is not one by SHA2_256, SHA2_384 or SHA2_512")]
    MessageDigest,
    /// The envelope has no signature, or several.
    #[error("the envelope needs exactly one signature")]
    NotOneSignature,
    /// The payload is no in-toto statement.
    #[error("the payload type {0} is not an in-toto statement's")]
    PayloadType(String),
    /// A field isn't standard base64.
    #[error("the bundle's {0} is not standard base64")]
    Base64(String),
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
            Self::TooLarge | Self::TooManyWitnesses | Self::ChainTooLong => true,
            Self::Syntax(error) => error.is_limit(),
            Self::Statement(error) => error.is_limit(),
            _ => false,
        }
    }
}

impl From<Misshapen> for BundleError {
    fn from(misshapen: Misshapen) -> Self {
        match misshapen {
            Misshapen::UnknownField(place) => Self::UnknownField(place),
            Misshapen::Base64(place) => Self::Base64(place),
            Misshapen::Other(place) => Self::Shape(place),
        }
    }
}
