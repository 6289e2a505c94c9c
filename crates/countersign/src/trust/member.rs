//! Making a trust root from what its authorities and logs have given out: certificates and keys.
//! Whether they deserve trust is for whoever makes it to know.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::{AuthorityKind, TrustRoot, TrustRootError};
use crate::identity::{KeyType, PublicKey, names};
use crate::json::{Json, Object};
use crate::limits;
use crate::time::Time;

/// An authority or a log that a trust root shall name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Member {
    /// Who issues signers' certificates.
    CertificateAuthority {
        /// Where it is.
        address: String,
        /// Its certificates.
        chain: Chain,
        /// When its word counts.
        window: Window,
    },
    /// A log of those certificates.
    CertificateLog {
        /// Where it is.
        address: String,
        /// Its key.
        key: PublicKey,
        /// When its word counts.
        window: Window,
    },
    /// A log of signatures that names its key by the key alone (Rekor v1).
    Log {
        /// Where it is.
        address: String,
        /// Its key.
        key: PublicKey,
        /// When its word counts.
        window: Window,
    },
    /// A log of signatures that signs checkpoints as C2SP's tlog-checkpoint (Rekor v2).
    CheckpointLog {
        /// Where it is.
        address: String,
        /// What its checkpoints begin with.
        origin: String,
        /// Its key.
        key: PublicKey,
        /// When its word counts.
        window: Window,
    },
    /// Who says when a signature existed.
    TimestampAuthority {
        /// Where it is.
        address: String,
        /// Its certificates, beginning with the one that signs timestamps.
        chain: Chain,
        /// When its word counts.
        window: Window,
    },
}

/// When an authority's word counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// From when on.
    pub from: Time,
    /// Until when, where that is known.
    pub until: Option<Time>,
}

/// Certificates of which each was issued by the next; the last one is the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    certificates: Vec<Vec<u8>>,
}

impl Chain {
    /// Reads certificates in PEM (RFC 7468), one after another; text around them is passed over.
    ///
    /// # Errors
    /// [`MemberError`] if there is none, one can't be read, or one wasn't issued by the next, as their names say.
    pub fn from_pem(pem: &str) -> Result<Self, MemberError> {
        let mut certificates = Vec::new();
        let mut rest = pem;
        while let Some((_, after)) = rest.split_once(BEGIN) {
            let (body, after) = after.split_once(END).ok_or(MemberError::Certificate)?;
            let body: String = body.split_ascii_whitespace().collect();
            let der = STANDARD.decode(body).map_err(|_| MemberError::Certificate)?;
            if names::of(&der).is_none() {
                return Err(MemberError::Certificate);
            }
            if certificates.len() == limits::AUTHORITIES {
                return Err(MemberError::TooMany);
            }
            certificates.push(der);
            rest = after;
        }
        if certificates.is_empty() {
            return Err(MemberError::NoCertificate);
        }
        let is_issued = |pair: &[Vec<u8>]| match pair {
            [issued, issuer] => names::of(issued).zip(names::of(issuer)).is_some_and(|(issued, issuer)| issued.issuer == issuer.subject),
            _ => false,
        };
        if certificates.windows(2).all(is_issued) { Ok(Self { certificates }) } else { Err(MemberError::Order) }
    }

    /// Returns when the validity of the root certificate begins.
    ///
    /// # Errors
    /// [`MemberError::Certificate`] if that can't be read.
    pub fn begins(&self) -> Result<Time, MemberError> {
        let root = self.certificates.last().ok_or(MemberError::NoCertificate)?;
        let info = sigstore_crypto::parse_certificate_info(&sigstore_types::DerCertificate::new(root.clone()));
        let begins = info.map_err(|_| MemberError::Certificate)?.not_before.as_second();
        Time::from_unix(begins).map_err(|_| MemberError::Certificate)
    }

    /// Writes what the root certificate calls its subject, as far as a trust root has room for it.
    fn subject(&self) -> Json {
        let names = self.certificates.last().and_then(|root| names::of(root));
        let attribute = |name| names.as_ref().and_then(|names| names::attribute(names.subject, name));
        let parts = [("organization", "O"), ("commonName", "CN")];
        object(parts.into_iter().filter_map(|(field, name)| Some((field, Json::from(attribute(name)?)))))
    }

    fn written(&self) -> Json {
        let certificates = self.certificates.iter().map(|der| object([("rawBytes", base64(der))])).collect();
        object([("certificates", Json::Array(certificates))])
    }
}

impl TrustRoot {
    /// Writes a trust root (`trusted_root.json`, sigstore_trustroot.proto) that names these and nobody else.
    ///
    /// # Errors
    /// [`TrustRootError`] if it wouldn't be read back: nobody is named, a log twice, or a key or certificate can't be used.
    pub fn written(members: &[Member]) -> Result<Vec<u8>, TrustRootError> {
        let mut root = Object::from([("mediaType".to_owned(), Json::from(MEDIA_TYPE))]);
        for kind in AuthorityKind::ALL {
            let listed: Vec<Json> = members.iter().filter(|member| member.kind() == kind).map(Member::written).collect();
            if !listed.is_empty() {
                root.insert(kind.list().to_owned(), Json::Array(listed));
            }
        }
        let bytes = [Json::Object(root).canonical(), b"\n".to_vec()].concat();
        Self::parse(&bytes)?;
        Ok(bytes)
    }
}

impl Member {
    const fn kind(&self) -> AuthorityKind {
        match self {
            Self::CertificateAuthority { .. } => AuthorityKind::CertificateAuthority,
            Self::CertificateLog { .. } => AuthorityKind::CertificateLog,
            Self::Log { .. } | Self::CheckpointLog { .. } => AuthorityKind::Log,
            Self::TimestampAuthority { .. } => AuthorityKind::TimestampAuthority,
        }
    }

    fn written(&self) -> Json {
        match self {
            Self::CertificateAuthority { address, chain, window } | Self::TimestampAuthority { address, chain, window } => object([
                ("subject", chain.subject()),
                ("uri", Json::from(address.as_str())),
                ("certChain", chain.written()),
                ("validFor", window.written()),
            ]),
            Self::CertificateLog { address, key, window } | Self::Log { address, key, window } => {
                log(address, key, *window, &Sha256::digest(key.der()))
            }
            Self::CheckpointLog { address, origin, key, window } => log(address, key, *window, &checkpoint_id(origin, key)),
        }
    }
}

impl Window {
    fn written(&self) -> Json {
        let until = self.until.map(|until| ("end", Json::from(until.to_string())));
        object([("start", Json::from(self.from.to_string()))].into_iter().chain(until))
    }
}

fn log(address: &str, key: &PublicKey, window: Window, id: &[u8]) -> Json {
    let written = object([("rawBytes", base64(key.der())), ("keyDetails", Json::from(details(key))), ("validFor", window.written())]);
    object([
        ("baseUrl", Json::from(address)),
        ("hashAlgorithm", Json::from("SHA2_256")),
        ("publicKey", written),
        ("logId", object([("keyId", base64(id))])),
    ])
}

/// The whole of what a key's id in a checkpoint is the start of (C2SP signed-note, "Signatures"): of an Ed25519 key a hash with
/// the origin, of an ECDSA key the hash of the key alone. RSA has no number there; Rekor v2 gives it one and a name (`note.go`).
fn checkpoint_id(origin: &str, key: &PublicKey) -> Vec<u8> {
    let der = key.der();
    let hashed = match key.key_type() {
        // The key itself is the last 32 bytes of SubjectPublicKeyInfo (RFC 8410 §4).
        KeyType::Ed25519 => [origin.as_bytes(), b"\n\x01", der.get(der.len().saturating_sub(32)..).unwrap_or_default()].concat(),
        KeyType::Rsa => [origin.as_bytes(), b"\n\xFFPKIX-RSA-PKCS#1v1.5", der].concat(),
        KeyType::P256 | KeyType::P384 => der.to_vec(),
    };
    Sha256::digest(hashed).to_vec()
}

/// The name of the key's algorithm (sigstore_common.proto, PublicKeyDetails).
fn details(key: &PublicKey) -> &'static str {
    match key.key_type() {
        KeyType::P256 => "PKIX_ECDSA_P256_SHA_256",
        KeyType::P384 => "PKIX_ECDSA_P384_SHA_384",
        KeyType::Ed25519 => "PKIX_ED25519",
        // The lengths have names of their own; what is around the modulus takes 38 bytes.
        KeyType::Rsa => match key.der().len() {
            0..300 => "PKIX_RSA_PKCS1V15_2048_SHA256",
            300..430 => "PKIX_RSA_PKCS1V15_3072_SHA256",
            _ => "PKIX_RSA_PKCS1V15_4096_SHA256",
        },
    }
}

fn object(members: impl IntoIterator<Item = (&'static str, Json)>) -> Json {
    Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn base64(bytes: &[u8]) -> Json {
    Json::from(STANDARD.encode(bytes))
}

/// Why certificates can't stand in a trust root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemberError {
    /// There is nothing between the lines that certificates begin and end with.
    #[error("there is no certificate in PEM")]
    NoCertificate,
    /// Something that begins like a certificate isn't one.
    #[error("a certificate can't be read")]
    Certificate,
    /// A certificate wasn't issued by the next.
    #[error("a certificate wasn't issued by the one behind it; the root stands last")]
    Order,
    /// More certificates than a trust root's authority may have.
    #[error("there are more than {} certificates", limits::AUTHORITIES)]
    TooMany,
}

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
/// The version that all of Sigstore's clients read.
const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.trustedroot+json;version=0.1";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::Credential;

    fn window() -> Window {
        Window { from: "2025-01-01T00:00:00Z".parse().unwrap(), until: None }
    }

    /// A log's key of the public-good instance, with the id that the instance gives it.
    fn log(kind: AuthorityKind, place: usize) -> (PublicKey, String) {
        let root = TrustRoot::public_good().unwrap();
        let listed = root.prepared.root.tlogs.iter().map(|log| (AuthorityKind::Log, &log.public_key, &log.log_id));
        let listed =
            listed.chain(root.prepared.root.ctlogs.iter().map(|log| (AuthorityKind::CertificateLog, &log.public_key, &log.log_id)));
        let (_, key, id) = listed.filter(|(known, ..)| *known == kind).nth(place).unwrap();
        (PublicKey::from_der(key.raw_bytes.as_bytes()).unwrap(), crate::digest::hex(id.key_id.as_bytes()))
    }

    fn id_in(member: Member) -> String {
        let root = TrustRoot::parse(&TrustRoot::written(&[member]).unwrap()).unwrap();
        match &root.authorities()[0].credential {
            Credential::Key { log_id, .. } => log_id.clone(),
            other @ Credential::Chain(_) => panic!("{other:?}"),
        }
    }

    #[test]
    fn names_logs_as_the_public_good_instance_names_its_own() {
        let address = || "https://log.example.test".to_owned();
        let (key, id) = log(AuthorityKind::Log, 0);
        assert_eq!(id_in(Member::Log { address: address(), key: key.clone(), window: window() }), id);
        // The key of a checkpoint is the same for ECDSA (note.go, ecdsaKeyHash).
        let origin = || "log2025-1.rekor.sigstore.dev".to_owned();
        assert_eq!(id_in(Member::CheckpointLog { address: address(), origin: origin(), key, window: window() }), id);
        let (key, id) = log(AuthorityKind::Log, 1);
        assert_eq!(id_in(Member::CheckpointLog { address: address(), origin: origin(), key, window: window() }), id);
        let (key, id) = log(AuthorityKind::CertificateLog, 1);
        assert_eq!(id_in(Member::CertificateLog { address: address(), key, window: window() }), id);
    }

    #[test]
    fn a_root_that_names_nobody_or_one_log_twice_is_not_written() {
        assert_eq!(TrustRoot::written(&[]), Err(TrustRootError::Nobody));
        let twice = Member::Log { address: String::new(), key: log(AuthorityKind::Log, 0).0, window: window() };
        assert_eq!(TrustRoot::written(&[twice.clone(), twice]), Err(TrustRootError::Unusable));
    }

    fn pem(certificates: &[&[u8]]) -> String {
        certificates.iter().map(|der| format!("{BEGIN}\n{}\n{END}\n", STANDARD.encode(der))).collect()
    }

    #[test]
    fn reads_a_chain_with_the_root_last_and_nothing_else() {
        let root = TrustRoot::public_good().unwrap();
        let chain = &root.prepared.root.certificate_authorities[1].cert_chain.certificates;
        let [intermediate, root] = [&chain[0], &chain[1]].map(|certificate| certificate.raw_bytes.as_bytes());
        let chain = Chain::from_pem(&format!("a line before\n{}", pem(&[intermediate, root]))).unwrap();
        assert_eq!(chain.begins().unwrap().to_string(), "2021-10-07T13:56:59Z");
        let member = Member::CertificateAuthority { address: "https://ca.example.test".to_owned(), chain, window: window() };
        let written = TrustRoot::parse(&TrustRoot::written(&[member]).unwrap()).unwrap();
        assert_eq!(written.authorities()[0].name.as_deref(), Some("sigstore.dev, sigstore"));
        let torn = &intermediate[..intermediate.len() - 1];
        let end = pem(&[root]).replace(END, "");
        for (text, error) in [
            (String::new(), MemberError::NoCertificate),
            (pem(&[root, intermediate]), MemberError::Order),
            (pem(&[torn]), MemberError::Certificate),
            (end, MemberError::Certificate),
            (pem(&vec![root; limits::AUTHORITIES + 1]), MemberError::TooMany),
        ] {
            assert_eq!(Chain::from_pem(&text).unwrap_err(), error, "{text}");
        }
    }
}
