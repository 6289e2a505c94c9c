//! The form of a log's checkpoint, so that nothing can be written into one that its signatures don't cover.
//! The signatures themselves are verified elsewhere.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::limits;
use crate::reason::{Reason, Refusal};

/// Checks the form of a checkpoint (C2SP tlog-checkpoint and signed-note; sigstore-types trims lines and drops what follows).
///
/// # Errors
/// A [`Refusal`] with `log-entry-invalid`.
pub(super) fn check(note: &str) -> Result<(), Refusal> {
    if is_well_formed(note) {
        Ok(())
    } else {
        Err(Refusal::new(Reason::LogEntryInvalid, "the log's checkpoint is not written as checkpoints are"))
    }
}

fn is_well_formed(note: &str) -> bool {
    let Some((body, signatures)) = note.split_once("\n\n") else { return false };
    let Some(signatures) = signatures.strip_suffix('\n') else { return false };
    let origin = body.lines().next().unwrap_or_default();
    // A log signs in its own name. Rekor v1 writes the number of its tree behind it.
    let log = origin.split_once(" - ").map_or(origin, |(log, _)| log);
    let (mut signers, mut signed_by_log) = (BTreeSet::new(), false);
    let lines_hold = signatures.split('\n').all(|line| {
        let Some((name, signature)) = line.strip_prefix("\u{2014} ").and_then(|line| line.split_once(' ')) else { return false };
        signed_by_log |= name == log;
        let signature = STANDARD.decode(signature).unwrap_or_default();
        let Some((hint, _)) = signature.split_at_checked(KEY_HINT).filter(|(_, signature)| !signature.is_empty()) else { return false };
        // A key signs once.
        !name.is_empty() && signers.len() < limits::CHECKPOINT_SIGNATURES && signers.insert((name, hint.to_vec()))
    });
    let plain = |line: &str| !line.is_empty() && line.trim() == line && !line.contains(|c: char| c.is_control());
    lines_hold && signed_by_log && body.split('\n').all(plain)
}

const KEY_HINT: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    const NOTE: &str = "log.example.test\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n\u{2014} log.example.test AAAAAAAB\n";

    #[test]
    fn a_checkpoint_is_signed_in_the_name_of_its_log() {
        assert!(is_well_formed(NOTE));
        assert!(is_well_formed(&NOTE.replacen("log.example.test\n", "log.example.test - 42\n", 1)));
        assert!(is_well_formed(&format!("{NOTE}\u{2014} witness.example.test BBBBBBBB\n")));
        assert!(!is_well_formed(&NOTE.replace("\u{2014} log", "\u{2014} other")));
    }

    #[test]
    fn nothing_can_be_written_behind_or_between() {
        for edited in [
            NOTE.trim_end().to_owned(),
            format!("{NOTE}\n"),
            format!("{NOTE}\n\nmore\n"),
            format!("{NOTE}more\n"),
            format!("{NOTE}\u{2014} log.example.test AAAAAAAC\n"),
            format!("{NOTE}{}", "\u{2014} witness.example.test BBBBBBBB\n".repeat(limits::CHECKPOINT_SIGNATURES)),
            NOTE.replace("AAAAAAAB\n", "AAAAAAAB \n"),
            NOTE.replace("AAAAAAAB\n", "AAAAAAAB more\n"),
            NOTE.replace("AAAAAAAB", "AAAAAA=="),
            NOTE.replace("\n7\n", "\n7 \n"),
            NOTE.replace("\n\n", "\n\n\n"),
            NOTE.replace("\u{2014} ", "- "),
        ] {
            assert!(!is_well_formed(&edited), "{edited:?}");
        }
    }
}
