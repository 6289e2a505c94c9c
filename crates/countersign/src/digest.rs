//! Digests and sets of them, as in-toto's DigestSet writes them: lower-case hex of the right length.
//! It hashes bytes that it is given; what a digest identifies is the statement's affair.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Digest as _;

/// An algorithm whose digests can identify something.
///
/// md5, sha1, ripemd160 and names not listed here are carried along in a [`DigestSet`] and never identify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// SHA-256 of the bytes.
    Sha256,
    /// SHA-384 of the bytes.
    Sha384,
    /// SHA-512 of the bytes.
    Sha512,
    /// A git commit's id, SHA-1 or SHA-256.
    GitCommit,
    /// A git tree's id, SHA-1 or SHA-256.
    GitTree,
    /// A git blob's id, SHA-1 or SHA-256.
    GitBlob,
    /// A git tag object's id, SHA-1 or SHA-256.
    GitTag,
}

impl Algorithm {
    /// Returns the name that in-toto gives the algorithm.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
            Self::GitCommit => "gitCommit",
            Self::GitTree => "gitTree",
            Self::GitBlob => "gitBlob",
            Self::GitTag => "gitTag",
        }
    }

    /// Returns the algorithm of that name, if it is one that identifies.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        ALGORITHMS.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Returns true for an id of a git object.
    #[must_use]
    pub const fn is_git(self) -> bool {
        matches!(self, Self::GitCommit | Self::GitTree | Self::GitBlob | Self::GitTag)
    }

    const fn accepts_length(self, hex: usize) -> bool {
        match self {
            Self::Sha256 => hex == 64,
            Self::Sha384 => hex == 96,
            Self::Sha512 => hex == 128,
            Self::GitCommit | Self::GitTree | Self::GitBlob | Self::GitTag => hex == 40 || hex == 64,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One digest; its text form is `algorithm:hex`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    algorithm: Algorithm,
    hex: String,
}

impl Digest {
    /// Takes a digest in lower-case hex.
    ///
    /// # Errors
    /// [`NotADigest`] for another length than the algorithm's, or anything but `0-9a-f`.
    pub fn new(algorithm: Algorithm, hex: impl Into<String>) -> Result<Self, NotADigest> {
        let hex = hex.into();
        if algorithm.accepts_length(hex.len()) && is_lower_hex(&hex) {
            Ok(Self { algorithm, hex })
        } else {
            Err(NotADigest { algorithm: algorithm.name() })
        }
    }

    /// Returns the SHA-256 of `bytes`.
    #[must_use]
    pub fn sha256(bytes: &[u8]) -> Self {
        Self { algorithm: Algorithm::Sha256, hex: hex(&sha2::Sha256::digest(bytes)) }
    }

    /// Returns the algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Returns the lower-case hex.
    #[must_use]
    pub fn hex(&self) -> &str {
        &self.hex
    }
}

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        let (name, hex) = text.split_once(':').ok_or(NotADigest { algorithm: "algorithm:hex" })?;
        let algorithm = Algorithm::named(name).ok_or(NotADigest { algorithm: "sha256, sha384, sha512 or git" })?;
        Self::new(algorithm, hex)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm, self.hex)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A text that is not a digest of the algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a {algorithm} digest in lower-case hex")]
pub struct NotADigest {
    algorithm: &'static str,
}

/// Several digests of one object, by algorithm (in-toto `digest_set.md`).
///
/// Names outside [`Algorithm`] are kept as they came and never identify anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct DigestSet(BTreeMap<String, String>);

impl DigestSet {
    /// Returns true without any entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a digest of the same object, in place of one by the same algorithm.
    #[must_use]
    pub fn with(mut self, digest: Digest) -> Self {
        self.0.insert(digest.algorithm.name().to_owned(), digest.hex);
        self
    }

    /// Returns the digest by that algorithm.
    #[must_use]
    pub fn get(&self, algorithm: Algorithm) -> Option<Digest> {
        self.0.get(algorithm.name()).map(|hex| Digest { algorithm, hex: hex.clone() })
    }

    /// Iterates over the digests that can identify.
    pub fn iter(&self) -> impl Iterator<Item = Digest> {
        self.0.iter().filter_map(|(name, hex)| Some(Digest { algorithm: Algorithm::named(name)?, hex: hex.clone() }))
    }

    /// Compares with what is known of an object: every algorithm that both have must agree.
    #[must_use]
    pub fn compare(&self, known: &Self) -> Agreement {
        let mut agreement = Agreement::NothingInCommon;
        let (mut agreed, mut conflict) = (false, None);
        for digest in self.iter() {
            match known.get(digest.algorithm) {
                Some(other) if other == digest => agreed = true,
                Some(_) => conflict = Some(digest.algorithm),
                None => {}
            }
        }
        if let Some(algorithm) = conflict {
            agreement = if agreed { Agreement::Conflict(algorithm) } else { Agreement::Different };
        } else if agreed {
            agreement = Agreement::Same;
        }
        agreement
    }
}

impl From<Digest> for DigestSet {
    fn from(digest: Digest) -> Self {
        Self::default().with(digest)
    }
}

impl<'de> Deserialize<'de> for DigestSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entries = BTreeMap::<String, String>::deserialize(deserializer)?;
        for (name, hex) in &entries {
            if let Some(algorithm) = Algorithm::named(name) {
                Digest::new(algorithm, hex.as_str()).map_err(serde::de::Error::custom)?;
            }
        }
        Ok(Self(entries))
    }
}

/// What two digest sets say of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// At least one algorithm in common, and all in common agree.
    Same,
    /// At least one in common, and none agrees: another object.
    Different,
    /// Some agree and this one doesn't: one of the sets lies.
    Conflict(Algorithm),
    /// No algorithm that identifies is in both.
    NothingInCommon,
}

/// Hashes a stream of bytes.
pub struct Hasher(Inner);

enum Inner {
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
}

impl Hasher {
    /// Starts hashing by `algorithm`; `None` for a git id, which needs the object's kind and length first.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Option<Self> {
        Some(Self(match algorithm {
            Algorithm::Sha256 => Inner::Sha256(sha2::Sha256::new()),
            Algorithm::Sha384 => Inner::Sha384(sha2::Sha384::new()),
            Algorithm::Sha512 => Inner::Sha512(sha2::Sha512::new()),
            _ => return None,
        }))
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Inner::Sha256(hasher) => hasher.update(bytes),
            Inner::Sha384(hasher) => hasher.update(bytes),
            Inner::Sha512(hasher) => hasher.update(bytes),
        }
    }

    /// Returns the digest of all bytes taken.
    #[must_use]
    pub fn finish(self) -> Digest {
        let (algorithm, hex) = match self.0 {
            Inner::Sha256(hasher) => (Algorithm::Sha256, hex(&hasher.finalize())),
            Inner::Sha384(hasher) => (Algorithm::Sha384, hex(&hasher.finalize())),
            Inner::Sha512(hasher) => (Algorithm::Sha512, hex(&hasher.finalize())),
        };
        Digest { algorithm, hex }
    }
}

/// Hashes a git object as git does, and compares with its id (SHA-1 or SHA-256, by the id's length).
///
/// # Errors
/// [`GitIdError`] if the id is another object's, or the bytes are one half of a SHA-1 collision.
pub fn check_git_object(id: &Digest, content: &[u8]) -> Result<(), GitIdError> {
    let kind = match id.algorithm {
        Algorithm::GitCommit => "commit",
        Algorithm::GitTree => "tree",
        Algorithm::GitBlob => "blob",
        Algorithm::GitTag => "tag",
        _ => return Err(GitIdError::Different),
    };
    let header = format!("{kind} {}\0", content.len());
    let computed = if id.hex.len() == 64 {
        hex(&sha2::Sha256::new().chain_update(header).chain_update(content).finalize())
    } else {
        let mut hasher = sha1_checked::Sha1::new();
        sha1_checked::Digest::update(&mut hasher, header);
        sha1_checked::Digest::update(&mut hasher, content);
        let result = hasher.try_finalize();
        if result.has_collision() {
            return Err(GitIdError::Collision);
        }
        hex(result.hash())
    };
    if computed == id.hex { Ok(()) } else { Err(GitIdError::Different) }
}

/// Why bytes are not the git object of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GitIdError {
    /// The bytes hash to another id.
    #[error("the bytes are another git object's")]
    Different,
    /// The bytes were made to collide.
    #[error("the bytes are one half of a SHA-1 collision")]
    Collision,
}

/// Returns bytes in lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

const ALGORITHMS: [Algorithm; 7] = [
    Algorithm::Sha256,
    Algorithm::Sha384,
    Algorithm::Sha512,
    Algorithm::GitCommit,
    Algorithm::GitTree,
    Algorithm::GitBlob,
    Algorithm::GitTag,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_other_lengths_and_upper_case() {
        let sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::sha256(b"").hex(), sha256);
        assert!(Digest::new(Algorithm::Sha256, sha256.to_uppercase()).is_err());
        assert!(Digest::new(Algorithm::Sha256, sha256.split_at(63).0).is_err());
        assert!(Digest::new(Algorithm::GitCommit, sha256.split_at(40).0).is_ok());
        assert!(Digest::new(Algorithm::GitCommit, sha256).is_ok());
        assert!(Digest::new(Algorithm::GitCommit, sha256.split_at(7).0).is_err());
        assert!("sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709".parse::<Digest>().is_err());
    }

    #[test]
    fn a_set_agrees_only_as_a_whole() {
        let set = |sha256: &[u8], sha512: Option<&[u8]>| {
            let set = DigestSet::from(Digest::sha256(sha256));
            match sha512 {
                Some(bytes) => {
                    let mut hasher = Hasher::new(Algorithm::Sha512).unwrap();
                    hasher.update(bytes);
                    set.with(hasher.finish())
                }
                None => set,
            }
        };
        assert_eq!(set(b"a", Some(b"a")).compare(&set(b"a", None)), Agreement::Same);
        assert_eq!(set(b"a", Some(b"b")).compare(&set(b"a", Some(b"a"))), Agreement::Conflict(Algorithm::Sha512));
        assert_eq!(set(b"a", None).compare(&set(b"b", None)), Agreement::Different);
        assert_eq!(DigestSet::default().compare(&set(b"a", None)), Agreement::NothingInCommon);
    }

    #[test]
    fn knows_git_objects_of_both_hash_lengths() {
        let empty = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
        let id = Digest::new(Algorithm::GitBlob, empty).unwrap();
        assert_eq!(check_git_object(&id, b""), Ok(()));
        assert_eq!(check_git_object(&id, b"x"), Err(GitIdError::Different));
        // `git hash-object --stdin </dev/null` in a repository made with --object-format=sha256.
        let empty = "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813";
        let id = Digest::new(Algorithm::GitBlob, empty).unwrap();
        assert_eq!(check_git_object(&id, b""), Ok(()));
    }
}
