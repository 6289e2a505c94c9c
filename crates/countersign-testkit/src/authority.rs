//! A small authority with fixed keys: it vouches for signers, logs what they sign, and says when.
//! Nothing here verifies anything, and nothing it signs is worth anything outside tests.

mod certificate;
mod checkpoint;
mod ct;
mod der;
mod draft;
mod rekor_v1;
mod tree;
mod trusted_root;

use std::rc::Rc;

use countersign::time::Time;
use countersign_sign::{KeyType, LocalKey};

use certificate::{Key, Purpose};

pub use certificate::{CertificateAuthority, Identity, Subject, Validity};
pub use ct::CertificateLog;
pub use draft::{Draft, Entry, Material, Proof, Version};
pub use rekor_v1::RekorV1;

/// Everybody whom one trust root names.
#[derive(Clone)]
pub struct Authority {
    /// Who issues signers' certificates.
    pub certificates: CertificateAuthority,
    /// Where those certificates are logged.
    pub certificate_log: CertificateLog,
    /// A log of the first generation.
    pub rekor_v1: RekorV1,
}

/// What shows that a signature existed, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Witness {
    /// An entry `dsse` 0.0.1 of Rekor v1.
    RekorV1,
    /// An entry `intoto` 0.0.2 of Rekor v1.
    RekorV1Intoto,
}

impl Authority {
    /// The authority that tests trust.
    ///
    /// # Panics
    /// Never: its keys are fixed.
    #[must_use]
    pub fn new() -> Self {
        Self::with_keys_from(0x40)
    }

    /// One with the same names and other keys, whom a test may distrust.
    ///
    /// # Panics
    /// Never: its keys are fixed.
    #[must_use]
    pub fn another() -> Self {
        Self::with_keys_from(0x60)
    }

    fn with_keys_from(first: u8) -> Self {
        let key = |number: u8, key_type| -> Key { Rc::new(fixed_key(key_type, first + number)) };
        let lifetime = Validity { from: time(LIFETIME.0), until: time(LIFETIME.1) };
        Self {
            certificates: CertificateAuthority::new(
                "signers",
                &key(0, KeyType::P256),
                key(1, KeyType::P256),
                Purpose::Code,
                lifetime,
            ),
            certificate_log: CertificateLog { key: key(2, KeyType::P256) },
            rekor_v1: RekorV1 { key: key(3, KeyType::P256) },
        }
    }

    /// Makes a good bundle, signed at that time by a key that is used once.
    ///
    /// # Panics
    /// Never: its keys are fixed.
    #[must_use]
    pub fn keyless(&self, identity: &Identity, payload: &[u8], witness: Witness, at: Time) -> Draft {
        let key = signing_key();
        let certificate = self.certificates.issue(identity, &key, validity(at), &self.certificate_log);
        self.witnessed(Draft::signed(Material::Certificate(certificate), &key, payload), witness, at)
    }

    /// Makes a good bundle, signed at that time by a key that the verifier knows.
    ///
    /// # Panics
    /// If the key can't sign.
    #[must_use]
    pub fn managed(&self, key: &LocalKey, payload: &[u8], witness: Witness, at: Time) -> Draft {
        self.witnessed(Draft::signed(Material::Key(key.public_key_der()), key, payload), witness, at)
    }

    /// Adds what witnesses say of a signature.
    #[must_use]
    pub fn witnessed(&self, draft: Draft, witness: Witness, at: Time) -> Draft {
        match witness {
            Witness::RekorV1 => {
                let entry = self.rekor_v1.log_dsse(&draft, at);
                draft.logged(entry)
            }
            Witness::RekorV1Intoto => {
                let entry = self.rekor_v1.log_intoto(&draft, at);
                draft.logged(entry)
            }
        }
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

/// The key that signs where a certificate vouches for it.
///
/// # Panics
/// Never: it's fixed.
#[must_use]
pub fn signing_key() -> LocalKey {
    fixed_key(KeyType::P256, 0x30)
}

/// When a certificate holds that was issued for a signature at that time: ten minutes, from half a minute before it.
#[must_use]
pub fn validity(at: Time) -> Validity {
    let moved = |seconds| Time::from_unix(at.unix_seconds() + seconds).expect("a time");
    Validity { from: moved(-30), until: moved(570) }
}

fn fixed_key(key_type: KeyType, byte: u8) -> LocalKey {
    LocalKey::dangerous_from_secret(key_type, &[byte; 32]).expect("a key")
}

fn time(text: &str) -> Time {
    text.parse().expect("a time")
}

/// When the authority's certificates and keys hold.
const LIFETIME: (&str, &str) = ("2025-01-01T00:00:00Z", "2034-12-31T23:59:59Z");
