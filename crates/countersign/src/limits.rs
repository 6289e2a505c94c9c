//! Every bound on work that a stranger's bytes can cause, in one place.
//! Who exceeds a number is told by the code that counts.

/// Largest bundle that is read, in bytes.
pub const BUNDLE_BYTES: usize = 16 << 20;
/// Largest DSSE payload that is read, in bytes.
pub const PAYLOAD_BYTES: usize = 8 << 20;
/// Deepest nesting of JSON and YAML.
pub const JSON_DEPTH: usize = 64;
/// Most values in one JSON text: a value can take a hundred times the memory of its text.
pub const JSON_VALUES: usize = 1 << 19;
/// Most log entries of one bundle, and most timestamps: each is verified. Bundles have one or two.
pub const WITNESSES: usize = 4;
/// Most certificates in a bundle's own chain: Sigstore's instances have three, and building paths costs with each.
pub const CHAIN: usize = 4;
/// Most signatures under one checkpoint of a log: its own and those of its witnesses, each of which is compared.
pub const CHECKPOINT_SIGNATURES: usize = 16;
/// Longest name, issuer or extension of a certificate that is an identity, in bytes; patterns are compared with it.
pub const IDENTITY_BYTES: usize = 4 << 10;
/// Largest trust root, in bytes.
pub const TRUST_ROOT_BYTES: usize = 1 << 20;
/// Most certificate authorities, logs or timestamp authorities of one trust root, and most certificates of one of them.
pub const AUTHORITIES: usize = 64;
/// Most subjects of one statement.
pub const SUBJECTS: usize = 1_024;
/// Most statements by known signers that answer one `Wanted`, in however many bundles.
pub const STATEMENTS_PER_WANTED: usize = 256;
/// Most statements by known signers in one inquiry, in however many bundles.
pub const STATEMENTS_PER_INQUIRY: usize = 2_048;
/// Most bundles of any kind that one inquiry looks at.
pub const LOOKS_PER_INQUIRY: usize = 10_000;
/// Most signatures, log entries and timestamps in the bundles that name a signer of the policy, in one inquiry: each is
/// verified, under each trust root that could vouch for it.
pub const CHECKS_PER_INQUIRY: usize = 1 << 17;
/// Most digests that one inquiry asks about.
pub const DIGESTS_FOLLOWED: usize = 64;
/// Most policy keys that a bundle without a usable hint is tried against.
pub const KEYS_TRIED: usize = 64;
/// Largest policy, in bytes.
pub const POLICY_BYTES: usize = 1 << 20;
/// Most opening brackets, commas and colons in one policy; each can cost hundreds of times its size in memory.
pub const POLICY_INDICATORS: usize = 1 << 17;
/// Longest condition of a policy, in bytes.
pub const CONDITION_BYTES: usize = 4 << 10;
/// Deepest nesting of a condition; a chain of operators counts by its length.
pub const CONDITION_DEPTH: usize = 64;
/// Most steps that a condition may take on one statement: about ten milliseconds.
pub const CONDITION_STEPS: usize = 1 << 18;
/// Most leaves of one sealed record.
pub const SEALED_LEAVES: usize = 1 << 24;
/// Largest disclosure that is read, in bytes: a message of 16 MiB of which three bytes in five are escaped at length.
pub const DISCLOSURE_BYTES: usize = 64 << 20;
/// Most characters of a stranger's text that a reason's detail repeats.
pub const QUOTED_CHARACTERS: usize = 200;

/// Returns the beginning of a stranger's text: as much as is repeated or kept of it.
#[cfg(feature = "verify")]
pub(crate) fn cut(text: &str) -> String {
    text.chars().take(QUOTED_CHARACTERS).collect()
}

/// Returns a stranger's text for a detail: cut short, without control characters, in backticks.
pub(crate) fn quoted(text: &str) -> String {
    let shown = text.chars().take(QUOTED_CHARACTERS).map(|c| if c.is_control() || c == '`' { '\u{FFFD}' } else { c });
    format!("`{}`", shown.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_text_cannot_end_its_quotation_or_its_line() {
        assert_eq!(quoted("a`b\nc\u{1b}d"), "`a\u{FFFD}b\u{FFFD}c\u{FFFD}d`");
        assert_eq!(quoted(&"ä".repeat(QUOTED_CHARACTERS + 1)).chars().count(), QUOTED_CHARACTERS + 2);
    }
}
