//! What can go wrong with a local key, each with a stable code.
//! No variant holds key material, a passphrase, or bytes of the key file other than an algorithm's OID.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a local key can't be made, read, written or used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// There is no file at the path.
    #[error("no private key at `{}`", path.display())]
    Missing {
        /// The path that was asked for.
        path: PathBuf,
    },
    /// Somebody who shouldn't can read the private key, or is about to.
    #[error("private key `{}` {exposure}", path.display())]
    Exposed {
        /// The key's path, as it was given.
        path: PathBuf,
        /// What exposes it.
        exposure: Exposure,
    },
    /// A file that would be written is there already.
    #[error("`{}` exists and is never overwritten: choose another place, or move that file away", path.display())]
    Exists {
        /// The file that is there.
        path: PathBuf,
    },
    /// The path that was given can't name key files.
    #[error("`{}` names no file: give a prefix like `keys/release`, from which `keys/release.key` is made", path.display())]
    NotAPrefix {
        /// The prefix, as it was given.
        path: PathBuf,
    },
    /// What lies at the path isn't a regular file.
    #[error("private key `{}` isn't a regular file", path.display())]
    NotAFile {
        /// The path that was asked for.
        path: PathBuf,
    },
    /// The content of a key file can't be used.
    #[error("private key `{}`: {problem}", path.display())]
    InFile {
        /// The file that was read.
        path: PathBuf,
        /// What is wrong with its content.
        problem: Box<KeyError>,
    },
    /// The text isn't a private key in PEM.
    #[error("not a private key: expected PEM of PKCS#8 or of cosign, such as `-----BEGIN PRIVATE KEY-----`")]
    NotAKey,
    /// The text is PEM of another kind of key.
    #[error("`{label}` is not supported: {hint}")]
    OtherFormat {
        /// The PEM label.
        label: &'static str,
        /// What to do about it.
        hint: &'static str,
    },
    /// The PEM has the right label but not the right content.
    #[error("damaged private key: its content isn't well-formed PKCS#8")]
    Malformed,
    /// The PEM has cosign's label but not the content that cosign writes.
    #[error("damaged private key: its content isn't what cosign writes")]
    DamagedCosign,
    /// The key is encrypted in a way that cosign doesn't encrypt.
    #[error("unsupported encryption `{name}`: cosign's keys use scrypt and nacl/secretbox")]
    UnknownEncryption {
        /// The beginning of the name of the derivation or cipher.
        name: String,
    },
    /// The key can't be of use to cosign.
    #[error("cosign signs with Ed25519 keys in a way that neither it nor others verify (Ed25519ph): give it a P-256 key")]
    NotForCosign,
    /// The text is longer than any private key.
    #[error("not a private key: longer than {limit} bytes")]
    TooLarge {
        /// The most bytes that are read.
        limit: usize,
    },
    /// The key uses an algorithm that isn't supported.
    #[error(
        "unsupported algorithm {}: keys are P-256 or Ed25519, encrypted as cosign does or with PBES2 (scrypt, or PBKDF2 with HMAC-SHA-2) \
         and AES-CBC",
        named(oid)
    )]
    Unsupported {
        /// The algorithm's object identifier, in dots.
        oid: String,
    },
    /// The key asks for more work per passphrase than is done for a file.
    #[error("turning the passphrase into a key would take too much {what}: encrypt the key again with usual parameters")]
    TooCostly {
        /// What there would be too much of.
        what: &'static str,
    },
    /// The key is encrypted and no passphrase was given.
    #[error("the private key is encrypted and needs a passphrase")]
    PassphraseNeeded,
    /// The passphrase doesn't open the key.
    #[error("the passphrase doesn't open the private key")]
    WrongPassphrase,
    /// An empty passphrase would protect nothing.
    #[error("an empty passphrase protects nothing")]
    EmptyPassphrase,
    /// The secret's number isn't one of the curve's.
    #[error("the secret is zero or too large for a P-256 key")]
    SecretOutOfRange,
    /// The name is no kind of key.
    #[error("unknown key type `{name}`: expected `p256` or `ed25519`")]
    UnknownType {
        /// The beginning of the name that was given.
        name: String,
    },
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness")]
    Randomness {
        /// Why.
        source: io::Error,
    },
    /// The key could not be encrypted or written as PKCS#8.
    #[error("the private key can't be written as PKCS#8")]
    Encoding,
    /// The signature could not be computed.
    #[error("the private key can't sign")]
    Signing,
    /// The file system failed.
    #[error("cannot {doing} `{}`", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// How it failed.
        source: io::Error,
    },
}

impl KeyError {
    /// Returns the stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "key-missing",
            Self::Exposed { .. } => "key-exposed",
            Self::Exists { .. } => "key-exists",
            Self::InFile { problem, .. } => problem.code(),
            Self::NotAKey | Self::NotAFile { .. } | Self::Malformed | Self::DamagedCosign | Self::TooLarge { .. } => "key-malformed",
            Self::OtherFormat { .. } | Self::Unsupported { .. } | Self::UnknownEncryption { .. } => "key-unsupported",
            Self::TooCostly { .. } => "key-too-costly",
            Self::PassphraseNeeded => "passphrase-needed",
            Self::WrongPassphrase => "passphrase-wrong",
            Self::EmptyPassphrase => "passphrase-empty",
            Self::NotAPrefix { .. } | Self::SecretOutOfRange | Self::UnknownType { .. } | Self::NotForCosign => "key-argument",
            Self::Randomness { .. } | Self::Encoding | Self::Signing | Self::Io { .. } => "key-failed",
        }
    }
}

/// What exposes a private key.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Exposure {
    /// The file's mode gives its group or others access.
    #[error("is open to others (mode {mode:04o}): take that away with `chmod 600`, and consider the key known")]
    OthersMayRead {
        /// The permission bits.
        mode: u32,
    },
    /// The file lies where it can be committed, and where agents work.
    #[error("lies in the git work tree `{}`: keep private keys outside of work trees", top.display())]
    InWorkTree {
        /// The top of the work tree.
        top: PathBuf,
    },
}

/// Says an object identifier by the name that people know, where it's one of a key that others make.
fn named(oid: &str) -> String {
    let known = KNOWN_KEYS.iter().find(|(known, _)| *known == oid);
    known.map_or_else(|| oid.to_owned(), |(oid, name)| format!("{name} ({oid})"))
}

const KNOWN_KEYS: [(&str, &str); 5] = [
    ("1.2.840.113549.1.1.1", "RSA"),
    ("1.2.840.113549.1.1.10", "RSA-PSS"),
    ("1.3.132.0.34", "P-384"),
    ("1.3.132.0.35", "P-521"),
    ("1.3.132.0.10", "secp256k1"),
];
