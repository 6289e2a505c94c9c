//! What the log entries and timestamps of a bundle say, for people to read.
//! Nothing of it is verified, and no decision rests on it; what a trust root vouches for is `trust`'s affair.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sigstore_types::TransparencyLogEntry;

use crate::der::{CONTEXT_0, GENERALIZED_TIME, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, SET, element, only};
use crate::identity::distinguished_name;
use crate::time::Time;

/// A log entry or a timestamp of a bundle, which anybody may have written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnverifiedWitness {
    /// An entry in a transparency log.
    #[non_exhaustive]
    LogEntry {
        /// The log's name, where the entry's checkpoint has one.
        log: Option<String>,
        /// The id of the log's key, in base64.
        log_id: String,
        /// The entry's place in the log.
        index: u64,
        /// The entry's kind and version, such as `hashedrekord 0.0.2`.
        kind: String,
        /// When the log says that it took the entry in.
        time: Option<Time>,
    },
    /// A timestamp (RFC 3161).
    #[non_exhaustive]
    Timestamp {
        /// The authority's name, where the timestamp has one.
        authority: Option<String>,
        /// The time that it states; `None` where it can't be read.
        time: Option<Time>,
    },
}

pub(super) fn of(bundle: &sigstore_types::Bundle) -> Vec<UnverifiedWitness> {
    let material = &bundle.verification_material;
    let tokens = &material.timestamp_verification_data.rfc3161_timestamps;
    let entries = material.tlog_entries.iter().map(log_entry);
    entries.chain(tokens.iter().map(|token| timestamp(token.signed_timestamp.as_bytes()))).collect()
}

fn log_entry(entry: &TransparencyLogEntry) -> UnverifiedWitness {
    let checkpoint = entry.inclusion_proof.as_ref().and_then(|proof| proof.checkpoint.checkpoint());
    UnverifiedWitness::LogEntry {
        log: checkpoint.map(|checkpoint| checkpoint.origin().to_owned()),
        log_id: STANDARD.encode(entry.log_id.key_id.as_bytes()),
        index: entry.log_index.get(),
        kind: format!("{} {}", entry.kind_version.kind(), entry.kind_version.version()),
        time: entry.integrated_time.and_then(|time| Time::from_unix(time.as_second()).ok()),
    }
}

fn timestamp(token: &[u8]) -> UnverifiedWitness {
    let stated = stated(token);
    let time = stated.and_then(|stated| time(stated.time));
    UnverifiedWitness::Timestamp { authority: stated.and_then(|stated| distinguished_name(stated.authority?)), time }
}

/// What a timestamp states, as it's written.
#[derive(Clone, Copy)]
struct Stated<'a> {
    time: &'a str,
    authority: Option<&'a [u8]>,
}

/// Finds the TSTInfo of a response (RFC 3161 §2.4.2; RFC 5652 §5.1), and in it time and authority.
fn stated(response: &[u8]) -> Option<Stated<'_>> {
    let (_status, content) = element(only(response, SEQUENCE)?, SEQUENCE)?;
    let (_signed_data, content) = element(only(content, SEQUENCE)?, OBJECT_IDENTIFIER)?;
    let signed_data = only(only(content, CONTEXT_0)?, SEQUENCE)?;
    let (_version, rest) = element(signed_data, INTEGER)?;
    let (_digests, rest) = element(rest, SET)?;
    let (content, _) = element(rest, SEQUENCE)?;
    let (_tst_info, content) = element(content, OBJECT_IDENTIFIER)?;
    let info = only(only(only(content, CONTEXT_0)?, OCTET_STRING)?, SEQUENCE)?;
    let (_version, rest) = element(info, INTEGER)?;
    let (_policy, rest) = element(rest, OBJECT_IDENTIFIER)?;
    let (_imprint, rest) = element(rest, SEQUENCE)?;
    let (_number, rest) = element(rest, INTEGER)?;
    let (time, mut rest) = element(rest, GENERALIZED_TIME)?;
    // accuracy, ordering and nonce may stand before the name.
    for tag in [SEQUENCE, BOOLEAN, INTEGER] {
        rest = element(rest, tag).map_or(rest, |(_, rest)| rest);
    }
    let name = element(rest, CONTEXT_0).and_then(|(name, _)| only(name, DIRECTORY_NAME));
    Some(Stated { time: std::str::from_utf8(time).ok()?, authority: name })
}

/// Reads a GeneralizedTime as RFC 3161 §2.4.2 writes it: `YYYYMMDDhhmmss[.s…]Z`.
fn time(text: &str) -> Option<Time> {
    let (date, rest) = text.split_at_checked(8)?;
    let (clock, end) = rest.split_at_checked(6)?;
    let part = |text: &str, from, to| text.get(from..to).map(str::to_owned);
    let date = [part(date, 0, 4)?, part(date, 4, 6)?, part(date, 6, 8)?].join("-");
    let clock = [part(clock, 0, 2)?, part(clock, 2, 4)?, part(clock, 4, 6)?].join(":");
    format!("{date}T{clock}{end}").parse().ok()
}

const BOOLEAN: u8 = 0x01;
/// `[4]` of GeneralName, whose choice makes it explicit (RFC 5280 §4.2.1.6).
const DIRECTORY_NAME: u8 = 0xA4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_timestamps_write_it() {
        let read = |text| time(text).map(|time| time.to_string());
        assert_eq!(read("20250601000100Z").as_deref(), Some("2025-06-01T00:01:00Z"));
        assert_eq!(read("20250601000100.5Z").as_deref(), Some("2025-06-01T00:01:00.500Z"));
        for text in ["20250601000100", "20251301000100Z", "2025060100Z", "", "2025060100010é"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
