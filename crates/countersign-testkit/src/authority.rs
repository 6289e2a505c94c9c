//! A small authority with fixed keys: it vouches for signers, logs what they sign, and says when.
//! Nothing here verifies anything, and nothing it signs is worth anything outside tests.

mod certificate;
mod checkpoint;
mod ct;
mod der;
mod draft;
pub mod faults;
mod rekor_v1;
mod rekor_v2;
mod timestamp;
mod tree;
mod trusted_root;

use std::rc::Rc;

use countersign::time::Time;
use countersign_sign::{KeyType, LocalKey};

use certificate::Key;
pub(crate) use certificate::Purpose;

pub use certificate::{CertificateAuthority, Identity, Subject, Validity};
pub use ct::CertificateLog;
pub(crate) use draft::pem;
pub use draft::{Draft, Entry, Material, Proof, Version};
pub use rekor_v1::RekorV1;
pub use rekor_v2::RekorV2;
pub use timestamp::TimestampAuthority;

/// Everybody whom one trust root names.
#[derive(Clone)]
pub struct Authority {
    /// Who issues signers' certificates.
    pub certificates: CertificateAuthority,
    /// Where those certificates are logged.
    pub certificate_log: CertificateLog,
    /// A log of the first generation.
    pub rekor_v1: RekorV1,
    /// A log of the second generation.
    pub rekor_v2: RekorV2,
    /// Who says when a signature existed.
    pub times: TimestampAuthority,
}

/// What shows that a signature existed, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Witness {
    /// An entry `dsse` 0.0.1 of Rekor v1.
    RekorV1,
    /// An entry `intoto` 0.0.2 of Rekor v1.
    RekorV1Intoto,
    /// An entry `dsse` 0.0.1 of Rekor v1, and a timestamp.
    RekorV1AndTimestamp,
    /// An entry of Rekor v2, which shows no time, and a timestamp.
    RekorV2AndTimestamp,
    /// The only entry of Rekor v2, and a timestamp.
    FirstOfRekorV2AndTimestamp,
    /// A timestamp.
    Timestamp,
}

impl Witness {
    /// Every kind of witness.
    pub const ALL: [Self; 6] = [
        Self::RekorV1,
        Self::RekorV1Intoto,
        Self::RekorV1AndTimestamp,
        Self::RekorV2AndTimestamp,
        Self::FirstOfRekorV2AndTimestamp,
        Self::Timestamp,
    ];
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

    /// One of another instance, with other names and keys.
    ///
    /// # Panics
    /// Never: its keys are fixed.
    #[must_use]
    pub fn elsewhere() -> Self {
        Self::named("elsewhere", 0x70)
    }

    fn with_keys_from(first: u8) -> Self {
        Self::named("signers", first)
    }

    fn named(name: &'static str, first: u8) -> Self {
        let key = |number: u8, key_type| -> Key { Rc::new(fixed_key(key_type, first + number)) };
        let lifetime = Validity { from: time(LIFETIME.0), until: time(LIFETIME.1) };
        Self {
            certificates: CertificateAuthority::new(name, &key(0, KeyType::P256), key(1, KeyType::P256), Purpose::Code, lifetime),
            certificate_log: CertificateLog { key: key(2, KeyType::P256) },
            rekor_v1: RekorV1::new(key(3, KeyType::P256)),
            rekor_v2: RekorV2 { key: key(4, KeyType::Ed25519) },
            times: TimestampAuthority::new(timestamp::keys(first + 5), lifetime),
        }
    }

    /// Makes a good bundle, signed at that time by a key that is used once.
    ///
    /// # Panics
    /// Never: its keys are fixed.
    #[must_use]
    pub fn keyless(&self, identity: &Identity, payload: &[u8], witness: Witness, at: Time) -> Draft {
        let key = signing_key();
        let certificate = self.certificates.issue(identity, &key.public_key_der(), validity(at), &self.certificate_log);
        self.witnessed(Draft::signed(Material::Certificate(certificate), &key, payload), witness, at)
    }

    /// Makes the good bundles of one run: signed under one certificate, in one tree of Rekor v2, with a timestamp each.
    ///
    /// # Panics
    /// Never: its keys are fixed.
    #[must_use]
    pub fn run(&self, identity: &Identity, payloads: &[Vec<u8>], at: Time) -> Vec<Draft> {
        let key = signing_key();
        let certificate = self.certificates.issue(identity, &key.public_key_der(), validity(at), &self.certificate_log);
        let signed = |payload: &Vec<u8>| Draft::signed(Material::Certificate(certificate.clone()), &key, payload);
        let drafts: Vec<_> = payloads.iter().map(signed).collect();
        let entries = self.rekor_v2.log_together(&drafts);
        let stamped = |(draft, entry): (Draft, Entry)| {
            let token = self.times.stamp(&draft.signature, at);
            draft.logged(entry).stamped(token)
        };
        drafts.into_iter().zip(entries).map(stamped).collect()
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
        let entry = match witness {
            Witness::RekorV1 | Witness::RekorV1AndTimestamp => Some(self.rekor_v1.log_dsse(&draft, at)),
            Witness::RekorV1Intoto => Some(self.rekor_v1.log_intoto(&draft, at)),
            Witness::RekorV2AndTimestamp => Some(self.rekor_v2.log(&draft)),
            Witness::FirstOfRekorV2AndTimestamp => Some(self.rekor_v2.log_first(&draft)),
            Witness::Timestamp => None,
        };
        let token = match witness {
            Witness::RekorV1 | Witness::RekorV1Intoto => None,
            _ => Some(self.times.stamp(&draft.signature, at)),
        };
        Draft { entries: entry.into_iter().collect(), tokens: token.into_iter().collect(), ..draft }
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
