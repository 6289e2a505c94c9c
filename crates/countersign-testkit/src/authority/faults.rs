//! One function for each way to break a bundle that an authority vouches for, and the reason that must be given.
//! Faults in what a statement says are none of these; they are in the crate's own `faults`.

mod certificates;
mod forms;
mod logs;
mod timestamps;

use countersign::reason::Reason;
use countersign::time::Time;
use countersign_sign::LocalKey;

use super::draft::{Draft, Entry, Material, Proof};
use super::{Authority, Identity, Witness, signing_key};

/// A broken bundle.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Whose word is broken, and how.
    pub name: &'static str,
    /// Why it must be refused.
    pub reason: Reason,
    /// The bundle.
    pub bundle: Vec<u8>,
}

/// Who signs what, and when: what every broken bundle of one kind has in common.
pub struct Bench<'a> {
    authority: Authority,
    another: Authority,
    signer: Signer<'a>,
    payload: &'a [u8],
    at: Time,
}

#[derive(Clone, Copy)]
enum Signer<'a> {
    Keyless(&'a Identity),
    Managed(&'a LocalKey),
}

type Way = (&'static str, Reason, fn(&Bench<'_>) -> Vec<u8>);

/// Lists ways by their functions' names, each with its reason.
macro_rules! ways {
    ($($module:ident :: $name:ident => $reason:ident,)+) => {
        [$((concat!(stringify!($module), "/", stringify!($name)), Reason::$reason, $module::$name as fn(&Bench<'_>) -> Vec<u8>)),+]
    };
}

impl<'a> Bench<'a> {
    /// Bundles that an identity signs at that time.
    #[must_use]
    pub fn keyless(identity: &'a Identity, payload: &'a [u8], at: Time) -> Self {
        Self { authority: Authority::new(), another: Authority::another(), signer: Signer::Keyless(identity), payload, at }
    }

    /// Bundles that a known key signs at that time.
    #[must_use]
    pub fn managed(key: &'a LocalKey, payload: &'a [u8], at: Time) -> Self {
        Self { authority: Authority::new(), another: Authority::another(), signer: Signer::Managed(key), payload, at }
    }

    /// Makes every broken bundle that this signer could be tricked with.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let own: &[Way] = match self.signer {
            Signer::Keyless(_) => &OF_CERTIFICATES,
            Signer::Managed(_) => &[],
        };
        let made = |(name, reason, way): &Way| Fault { name, reason: *reason, bundle: way(self) };
        own.iter().chain(&OF_WITNESSES).map(made).collect()
    }

    /// Makes the one broken bundle of that name.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn fault(&self, name: &str) -> Vec<u8> {
        let (.., way) = OF_CERTIFICATES.iter().chain(&OF_WITNESSES).find(|(known, ..)| *known == name).expect("a fault of that name");
        way(self)
    }

    /// A good bundle, to be broken.
    fn good(&self, witness: Witness) -> Draft {
        self.good_of(self.payload, witness)
    }

    /// A good bundle of another statement.
    fn good_of(&self, payload: &[u8], witness: Witness) -> Draft {
        match self.signer {
            Signer::Keyless(identity) => self.authority.keyless(identity, payload, witness, self.at),
            Signer::Managed(key) => self.authority.managed(key, payload, witness, self.at),
        }
    }

    /// A good bundle, after a change.
    fn draft(&self, witness: Witness, change: impl FnOnce(&mut Draft)) -> Vec<u8> {
        let mut draft = self.good(witness);
        change(&mut draft);
        draft.bytes()
    }

    /// A good bundle, after a change to its log entry.
    fn entry(&self, witness: Witness, change: impl FnOnce(&mut Entry)) -> Vec<u8> {
        self.draft(witness, |draft| change(&mut draft.entries[0]))
    }

    /// A good bundle, after a change to the proof of its log entry.
    fn proof(&self, witness: Witness, change: impl FnOnce(&mut Proof)) -> Vec<u8> {
        self.entry(witness, |entry| change(entry.proof.as_mut().expect("a proof")))
    }

    /// A bundle signed by the key that certificates vouch for, with that certificate.
    fn certified(&self, certificate: Vec<u8>) -> Draft {
        Draft::signed(Material::Certificate(certificate), &signing_key(), self.payload)
    }

    fn identity(&self) -> &Identity {
        match self.signer {
            Signer::Keyless(identity) => identity,
            Signer::Managed(_) => panic!("a key has no identity"),
        }
    }

    fn other_payload(&self) -> Vec<u8> {
        [self.payload, b"\n"].concat()
    }

    fn later(&self, seconds: i64) -> Time {
        Time::from_unix(self.at.unix_seconds() + seconds).expect("a time")
    }
}

/// Lets the lowest bit of a byte flip: of the one `back` bytes before the end.
fn flip(bytes: &mut [u8], back: usize) {
    let place = bytes.len() - 1 - back;
    bytes[place] ^= 1;
}

/// Ways to break what a certificate says, or who says it.
const OF_CERTIFICATES: [Way; 19] = ways! {
    certificates::issued_by_another_authority => CertificateUntrusted,
    certificates::issued_for_other_purposes => CertificateUntrusted,
    certificates::issuers_signature_broken => CertificateUntrusted,
    certificates::expired => CertificateExpired,
    certificates::not_yet_valid => CertificateExpired,
    certificates::expired_at_one_of_two_times => CertificateExpired,
    certificates::not_promised => CertificateUntrusted,
    certificates::promised_twice => CertificateUntrusted,
    certificates::promised_by_another_log => CertificateUntrusted,
    certificates::promised_for_another => CertificateUntrusted,
    certificates::promise_broken => CertificateUntrusted,
    certificates::of_another_key => SignatureInvalid,
    certificates::of_another_signature => LogEntryInvalid,
    certificates::of_another_subject => SignerUnknown,
    certificates::of_another_issuer => SignerUnknown,
    certificates::of_an_email_address => SignerUnknown,
    certificates::of_a_host => SignerUnknown,
    certificates::logged_by_nobody => LogEntryInvalid,
    forms::chain_in_v03 => Malformed,
};

/// Ways to break what witnesses say, or the form of the bundle.
const OF_WITNESSES: [Way; 59] = ways! {
    logs::promise_of_another_entry => LogEntryInvalid,
    logs::promise_of_another_time => LogEntryInvalid,
    logs::promise_of_another_place => LogEntryInvalid,
    logs::promise_by_another_log => LogEntryInvalid,
    logs::promise_broken => LogEntryInvalid,
    logs::promise_missing => LogEntryInvalid,
    logs::promise_and_time_missing => TimeUnwitnessed,
    logs::time_changed => LogEntryInvalid,
    logs::time_missing => LogEntryInvalid,
    logs::index_changed => LogEntryInvalid,
    logs::log_unknown => LogEntryInvalid,
    logs::log_swapped => LogEntryInvalid,
    logs::entry_of_another_statement => LogEntryInvalid,
    logs::entry_edited => LogEntryInvalid,
    logs::entry_of_another_kind => LogEntryInvalid,
    logs::entry_for_messages => LogEntryInvalid,
    logs::entry_by_another_log => LogEntryInvalid,
    logs::entry_of_another_verifier => LogEntryInvalid,
    logs::entry_too_many => LogEntryInvalid,
    logs::entry_without_proof_beside => LogEntryInvalid,
    logs::proof_missing => LogEntryInvalid,
    logs::proof_index_changed => LogEntryInvalid,
    logs::proof_hash_flipped => LogEntryInvalid,
    logs::proof_hash_missing => LogEntryInvalid,
    logs::proof_hash_too_many => LogEntryInvalid,
    logs::proof_root_changed => LogEntryInvalid,
    logs::proof_size_changed => LogEntryInvalid,
    logs::checkpoint_of_another_tree => LogEntryInvalid,
    logs::checkpoint_of_another_size => LogEntryInvalid,
    logs::checkpoint_by_another_log => LogEntryInvalid,
    logs::checkpoint_broken => LogEntryInvalid,
    logs::checkpoint_edited => LogEntryInvalid,
    logs::checkpoint_with_a_tail => LogEntryInvalid,
    logs::second_generation_index_changed => LogEntryInvalid,
    logs::second_generation_proof_index_changed => LogEntryInvalid,
    logs::second_generation_proof_root_changed => LogEntryInvalid,
    logs::second_generation_proof_size_changed => LogEntryInvalid,
    logs::second_generation_log_cut => LogEntryInvalid,
    logs::second_generation_log_swapped => LogEntryInvalid,
    logs::second_generation_hash_flipped => LogEntryInvalid,
    logs::second_generation_hash_missing => LogEntryInvalid,
    logs::second_generation_proof_missing => LogEntryInvalid,
    logs::second_generation_checkpoint_by_another_log => LogEntryInvalid,
    logs::second_generation_entry_of_another_statement => LogEntryInvalid,
    logs::second_generation_without_timestamp => TimeUnwitnessed,
    logs::second_generation_with_a_time => LogEntryInvalid,
    timestamps::of_another_signature => TimestampInvalid,
    timestamps::by_another_authority => TimestampInvalid,
    timestamps::broken => TimestampInvalid,
    timestamps::before_its_authority => TimestampInvalid,
    timestamps::answer_edited => TimestampInvalid,
    timestamps::certificate_edited => TimestampInvalid,
    timestamps::algorithm_edited => TimestampInvalid,
    timestamps::with_an_unsigned_attribute => TimestampInvalid,
    timestamps::with_a_tail => TimestampInvalid,
    forms::entry_twice => Malformed,
    forms::timestamp_twice => Malformed,
    forms::media_type_missing => Malformed,
    forms::payload_changed => SignatureInvalid,
};
