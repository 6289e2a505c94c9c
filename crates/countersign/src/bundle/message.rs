//! Bundles that sign an artifact itself, not a statement about it: what `sign-blob` and its like write.
//! They are no evidence, since they say nothing but that somebody signed; nothing that is read here is verified.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sigstore_types::{HashAlgorithm, SignatureContent};

use super::form::Form;
use super::{BundleError, Material, Version};
use crate::digest::{Algorithm, Digest, Hasher, hex};
use crate::json::Json;

/// What a message signature is verified over.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Artifact<'a> {
    /// The artifact's digest (SHA-256 or SHA-512). Some keys sign no digest, so they need the artifact itself.
    Digest(&'a Digest),
    /// The artifact itself.
    Bytes(&'a [u8]),
}

/// One bundle with one message signature, as it was received.
#[derive(Clone, Debug)]
pub struct MessageBundle {
    digest: Digest,
    version: Version,
    material: Material,
    signature: Vec<u8>,
    stated: Digest,
    sigstore: Box<sigstore_types::Bundle>,
}

impl MessageBundle {
    /// Reads a bundle with a message signature, as strictly as [`super::Bundle::parse`] reads one with a statement.
    ///
    /// The message's digest must be stated too: Sigstore lets it be left out, but then a bundle that means the same has
    /// two forms.
    ///
    /// # Errors
    /// [`BundleError`] for anything but a bundle with one message signature.
    pub fn parse(bytes: &[u8]) -> Result<Self, BundleError> {
        let Form { json, version, material } = Form::read(bytes)?;
        let message = json.get("messageSignature").ok_or(BundleError::NoMessage)?;
        let decoded = |pointer: &'static str| {
            let text = message.pointer(pointer).and_then(Json::as_str).ok_or(BundleError::Missing(pointer))?;
            STANDARD.decode(text).map_err(|_| BundleError::Base64(pointer.to_owned()))
        };
        let (algorithm, theirs) = match message.pointer("/messageDigest/algorithm").and_then(Json::as_str) {
            Some("SHA2_256") => (Algorithm::Sha256, HashAlgorithm::Sha2256),
            Some("SHA2_384") => (Algorithm::Sha384, HashAlgorithm::Sha2384),
            Some("SHA2_512") => (Algorithm::Sha512, HashAlgorithm::Sha2512),
            _ => return Err(BundleError::MessageDigest),
        };
        let (stated, signature) = (decoded("/messageDigest/digest")?, decoded("/signature")?);
        let text = std::str::from_utf8(bytes).map_err(|_| BundleError::Disagreement)?;
        let sigstore = sigstore_types::Bundle::from_json(text).map_err(|_| BundleError::Disagreement)?;
        let agrees = matches!(&sigstore.content, SignatureContent::MessageSignature(read) if read.signature.as_bytes() == signature
            && read.message_digest.as_ref().is_some_and(|digest| digest.algorithm == theirs && digest.digest.as_bytes() == stated));
        if !agrees {
            return Err(BundleError::Disagreement);
        }
        let stated = Digest::new(algorithm, hex(&stated)).map_err(|_| BundleError::MessageDigest)?;
        Ok(Self { digest: Digest::sha256(bytes), version, material, signature, stated, sigstore: Box::new(sigstore) })
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

    /// Returns the digest that the bundle states for what was signed, which anybody may have written.
    #[must_use]
    pub const fn unverified_digest(&self) -> &Digest {
        &self.stated
    }

    /// Returns whether the bundle states the artifact's digest; `None` if it states one by another algorithm.
    pub(crate) fn states(&self, artifact: Artifact<'_>) -> Option<bool> {
        match artifact {
            Artifact::Digest(digest) => (digest.algorithm() == self.stated.algorithm()).then(|| *digest == self.stated),
            Artifact::Bytes(bytes) => {
                let mut hasher = Hasher::new(self.stated.algorithm())?;
                hasher.update(bytes);
                Some(hasher.finish() == self.stated)
            }
        }
    }

    pub(crate) const fn version(&self) -> Version {
        self.version
    }

    pub(crate) fn signature(&self) -> &[u8] {
        &self.signature
    }

    pub(crate) const fn sigstore(&self) -> &sigstore_types::Bundle {
        &self.sigstore
    }
}
