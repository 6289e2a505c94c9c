//! Ways to break what a timestamp authority says.
//! The entry of a log that stands beside it is good, and shows no time.

use super::super::der;
use super::super::draft::Draft;
use super::super::{Witness, time};
use super::{Bench, flip};

/// The timestamp is of another signature.
pub(super) fn of_another_signature(bench: &Bench<'_>) -> Vec<u8> {
    let other = bench.good_of(&bench.other_payload(), Witness::Timestamp);
    stamped(bench, |draft| draft.tokens = other.tokens)
}

/// Another authority of the same names states the time.
pub(super) fn by_another_authority(bench: &Bench<'_>) -> Vec<u8> {
    stamped(bench, |draft| draft.tokens = vec![bench.another.times.stamp(&draft.signature, bench.at)])
}

/// The authority's signature doesn't hold.
pub(super) fn broken(bench: &Bench<'_>) -> Vec<u8> {
    stamped(bench, |draft| flip(&mut draft.tokens[0], 0))
}

/// The time stated lies before the authority's own.
pub(super) fn before_its_authority(bench: &Bench<'_>) -> Vec<u8> {
    stamped(bench, |draft| draft.tokens = vec![bench.authority.times.stamp(&draft.signature, time("2024-12-31T23:59:59Z"))])
}

/// The answer around the token says `granted with modifications`, which no signature covers.
pub(super) fn answer_edited(bench: &Bench<'_>) -> Vec<u8> {
    stamped(bench, |draft| replace(&mut draft.tokens[0], b"\x30\x03\x02\x01\x00", b"\x30\x03\x02\x01\x01"))
}

/// A bit of the certificate that goes along is another, which no signature of the token's covers.
pub(super) fn certificate_edited(bench: &Bench<'_>) -> Vec<u8> {
    stamped(bench, |draft| replace(&mut draft.tokens[0], b"times signer", b"times signes"))
}

/// The token lists another algorithm than the one that its authority used, where no signature covers the list.
pub(super) fn algorithm_edited(bench: &Bench<'_>) -> Vec<u8> {
    // The first place that names SHA-256 is the list, the last number of its name is the algorithm's.
    const SHA_256: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02\x01";
    const SHA_512: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02\x03";
    stamped(bench, |draft| replace(&mut draft.tokens[0], SHA_256, SHA_512))
}

/// The token carries something that isn't signed, behind its signature.
pub(super) fn with_an_unsigned_attribute(bench: &Bench<'_>) -> Vec<u8> {
    let attribute = der::sequence(&[der::oid("1.3.6.1.4.1.57264.3"), der::set(&[der::text("more")])]);
    let unsigned = der::context(1, true, &attribute);
    stamped(bench, |draft| draft.tokens = vec![bench.authority.times.stamp_with(&draft.signature, bench.at, &unsigned)])
}

/// Something follows the token.
pub(super) fn with_a_tail(bench: &Bench<'_>) -> Vec<u8> {
    stamped(bench, |draft| draft.tokens[0].push(0))
}

fn stamped(bench: &Bench<'_>, change: impl FnOnce(&mut Draft)) -> Vec<u8> {
    bench.draft(Witness::RekorV2AndTimestamp, change)
}

fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    let place = bytes.windows(from.len()).position(|window| window == from).expect("these bytes");
    bytes[place..place + to.len()].copy_from_slice(to);
}
