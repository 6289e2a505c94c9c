//! Whom we trust to vouch for signers and times: certificate authorities, logs and timestamp authorities.
//! A single key or identity is no trust; it is a signer, and stands in the policy.

mod authority;
mod begun;
mod checkpoint;
mod entry;
mod issued;
mod member;
mod public_good;
mod timestamp;
#[cfg(test)]
mod vectors;
mod vouching;

use std::fmt;
use std::sync::Arc;

use sigstore_trust_root::TrustedRoot;

use crate::digest::Digest;
use crate::json::{self, Json};
use crate::limits::{self, quoted};
use crate::shape::{Misshapen, Shape};
use begun::Prepared;

pub use authority::{Authority, AuthorityKind, Credential, TrustedCertificate};
pub use member::{Chain, Member, MemberError, Window};
pub(crate) use vouching::{By, Content, Vouched, unwitnessed};

/// The trust roots that a question is asked under.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    roots: Vec<TrustRoot>,
}

impl Trust {
    /// Trusts nobody: only signatures by keys that stand in the policy verify, and nothing witnesses a time.
    #[must_use]
    pub const fn keys_only() -> Self {
        Self { roots: Vec::new() }
    }

    /// Trusts whom the root names too. The same root twice is one, and `public-good` if either was.
    #[must_use]
    pub fn with(mut self, root: TrustRoot) -> Self {
        match self.roots.binary_search_by(|known| known.digest.cmp(&root.digest)) {
            Ok(place) => self.roots.get_mut(place).into_iter().for_each(|known| known.is_public_good |= root.is_public_good),
            Err(place) => self.roots.insert(place, root),
        }
        self
    }

    /// Returns the trust roots, in the order of their digests.
    #[must_use]
    pub fn roots(&self) -> &[TrustRoot] {
        &self.roots
    }
}

/// One trust root: the authorities and logs of one instance of Sigstore, as `trusted_root.json` lists them.
#[derive(Clone)]
pub struct TrustRoot {
    digest: Digest,
    prepared: Arc<Prepared>,
    is_public_good: bool,
}

impl TrustRoot {
    /// Reads a trust root (`application/vnd.dev.sigstore.trustedroot+json;version=0.1` or `.v0.2`).
    ///
    /// # Errors
    /// [`TrustRootError`] for duplicate keys, other shapes, windows that end before they start, logs without a key or
    /// named twice, and for a root that trusts nobody.
    pub fn parse(bytes: &[u8]) -> Result<Self, TrustRootError> {
        if bytes.len() > limits::TRUST_ROOT_BYTES {
            return Err(TrustRootError::TooLarge);
        }
        let json = Json::parse(bytes)?;
        TRUST_ROOT.check(&json).map_err(TrustRootError::from)?;
        let media_type = json.get("mediaType").and_then(Json::as_str).unwrap_or_default();
        if !MEDIA_TYPES.contains(&media_type) {
            return Err(TrustRootError::MediaType(quoted(media_type)));
        }
        let lists = LISTS.map(|name| json.get(name).and_then(Json::as_array).unwrap_or_default());
        let authorities: usize = lists.iter().map(|list| list.len()).sum();
        let certificates =
            |authority: &Json| authority.pointer("/certChain/certificates").and_then(Json::as_array).map_or(0, <[Json]>::len);
        if authorities > limits::AUTHORITIES || lists.into_iter().flatten().map(certificates).any(|n| n > limits::AUTHORITIES) {
            return Err(TrustRootError::TooManyAuthorities);
        }
        if authorities == 0 {
            return Err(TrustRootError::Nobody);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| TrustRootError::Unusable)?;
        let root = TrustedRoot::from_json(text).map_err(|_| TrustRootError::Unusable)?;
        let is_public_good = public_good::is_public_good(&root);
        let prepared = Prepared::of(root).map_err(|_| TrustRootError::Unusable)?;
        Ok(Self { digest: Digest::sha256(bytes), prepared: Arc::new(prepared), is_public_good })
    }

    /// Returns the SHA-256 of the bytes: the root's name everywhere.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Returns true if policies may mean this root by `public-good`: every certificate authority is one of Sigstore's
    /// public-good instance that this version knows, or the caller had the root from there ([`TrustRoot::parse_of_public_good`]).
    #[must_use]
    pub const fn is_public_good(&self) -> bool {
        self.is_public_good
    }
}

impl fmt::Debug for TrustRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrustRoot({})", self.digest)
    }
}

/// Why bytes are not a trust root as we read it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustRootError {
    /// The trust root is over the limit.
    #[error("the trust root is larger than {} MiB", limits::TRUST_ROOT_BYTES >> 20)]
    TooLarge,
    /// The trust root is not JSON as we read it.
    #[error("the trust root is not JSON: {0}")]
    Syntax(#[from] json::SyntaxError),
    /// A value has another shape than the field's.
    #[error("the trust root's {0} has the wrong shape")]
    Shape(String),
    /// The file is something else.
    #[error("the media type {0} is not a trust root's")]
    MediaType(String),
    /// More authorities, logs or certificates than the limit.
    #[error("the trust root has more than {} authorities and logs, or one of them more certificates", limits::AUTHORITIES)]
    TooManyAuthorities,
    /// Nobody is trusted.
    #[error("the trust root names no authority and no log, so it would vouch for nothing")]
    Nobody,
    /// A key, certificate, window or name in it can't be used.
    #[error("the trust root has a key, a certificate or a validity window that can't be used, or one log twice")]
    Unusable,
}

impl From<Misshapen> for TrustRootError {
    fn from(misshapen: Misshapen) -> Self {
        match misshapen {
            Misshapen::UnknownField(place) | Misshapen::Base64(place) | Misshapen::Other(place) => Self::Shape(place),
        }
    }
}

/// The shape of a trust root (sigstore_trustroot.proto, protobuf-specs v0.5). Later versions may add fields.
const TRUST_ROOT: Shape = Shape::Open(&[
    ("mediaType", Shape::Scalar),
    ("tlogs", Shape::List(&LOG)),
    ("ctlogs", Shape::List(&LOG)),
    ("certificateAuthorities", Shape::List(&AUTHORITY)),
    ("timestampAuthorities", Shape::List(&AUTHORITY)),
]);
const LOG: Shape = Shape::Open(&[
    ("baseUrl", Shape::Scalar),
    ("hashAlgorithm", Shape::Scalar),
    ("publicKey", Shape::Open(&[("rawBytes", Shape::Bytes), ("keyDetails", Shape::Scalar), ("validFor", WINDOW)])),
    ("logId", Shape::Open(&[("keyId", Shape::Bytes)])),
]);
const AUTHORITY: Shape = Shape::Open(&[
    ("subject", Shape::Open(&[("organization", Shape::Scalar), ("commonName", Shape::Scalar)])),
    ("uri", Shape::Scalar),
    ("certChain", Shape::Open(&[("certificates", Shape::List(&Shape::Open(&[("rawBytes", Shape::Bytes)])))])),
    ("validFor", WINDOW),
]);
const WINDOW: Shape = Shape::Open(&[("start", Shape::Scalar), ("end", Shape::Scalar)]);
const LISTS: [&str; 4] = ["tlogs", "ctlogs", "certificateAuthorities", "timestampAuthorities"];
const MEDIA_TYPES: [&str; 3] = [
    "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    "application/vnd.dev.sigstore.trustedroot+json;version=0.2",
    "application/vnd.dev.sigstore.trustedroot.v0.2+json",
];
