//! Sigstore's public-good instance: its trust root as this version was built with it, and how another file is known as its.
//! A newer one is fetched by who may fetch; here are bytes only.

use sigstore_trust_root::{SIGSTORE_PRODUCTION_TRUSTED_ROOT, TrustedRoot};

use super::{TrustRoot, TrustRootError};
use crate::digest::Digest;
use crate::time::{NotATime, Time};

impl TrustRoot {
    /// Returns the trust root of Sigstore's public-good instance as this version was built with it.
    ///
    /// It's the file of the crate `sigstore-trust-root` 0.15.1. The Python package `sigstore` 4.5.1, the npm package
    /// `@sigstore/tuf` 4.0.2 and the repository `sigstore/root-signing`, where the instance's keyholders sign it, have the same
    /// bytes. It was changed last on 2025-09-22. Copyright The Sigstore Authors, Apache-2.0.
    ///
    /// # Errors
    /// [`TrustRootError`] if it can't be used, which a test excludes.
    pub fn public_good() -> Result<Self, TrustRootError> {
        Self::parse_of_public_good(SIGSTORE_PRODUCTION_TRUSTED_ROOT.as_bytes())
    }

    /// Returns the day on which [`TrustRoot::public_good`] was still what the instance gave out.
    ///
    /// # Errors
    /// [`NotATime`], which a test excludes.
    pub fn public_good_as_of() -> Result<Time, NotATime> {
        AS_OF.parse()
    }

    /// Reads a trust root that the caller has from the public-good instance itself, so that policies mean it by `public-good`
    /// even if it has certificate authorities that this version doesn't know.
    ///
    /// Nothing in the bytes shows where they are from. That they are signed by the instance's keyholders (TUF) is what the caller
    /// must have verified; of any other file, [`TrustRoot::parse`] says what can be said.
    ///
    /// # Errors
    /// As [`TrustRoot::parse`].
    pub fn parse_of_public_good(bytes: &[u8]) -> Result<Self, TrustRootError> {
        Ok(Self { is_public_good: true, ..Self::parse(bytes)? })
    }
}

/// A file is Sigstore's public-good root by what is in it, since no name in it proves anything: every certificate that
/// it would let vouch for an identity is one of the instance's own. Anything else is named by its digest only.
pub(super) fn is_public_good(root: &TrustedRoot) -> bool {
    let certificates = root.certificate_authorities.iter().flat_map(|authority| &authority.cert_chain.certificates);
    let mut digests = certificates.map(|certificate| Digest::sha256(certificate.raw_bytes.as_bytes())).peekable();
    digests.peek().is_some() && digests.all(|digest| CERTIFICATES.contains(&digest.hex()))
}

/// The day on which the crate's file was last compared with what the instance gives out: its release.
const AS_OF: &str = "2026-10-23T00:00:00Z";
/// SHA-256 of the certificates of `fulcio.sigstore.dev`: the root of 2021-03, the intermediate and the root of 2021-10.
const CERTIFICATES: [&str; 3] = [
    "03a38ffb1f450100c2596d1d10b900ac4d504058006dda58199576bbeb9c73d0",
    "15d795348226b4649f750f5802592c393bee7cc53c3b86982175b7ad087efe47",
    "3ba7b6cc4e95469d4d334b49cb257ad8537076fa84b0ca87ff4ecfe6a54680c1",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::{AuthorityKind, Trust};

    #[test]
    fn the_built_in_root_is_the_one_that_was_compared_and_has_a_date() {
        // Whoever takes another one compares it with other sources, and writes down which, and when.
        let root = TrustRoot::public_good().unwrap();
        assert_eq!(root.digest().hex(), "6494e21ea73fa7ee769f85f57d5a3e6a08725eae1e38c755fc3517c9e6bc0b66");
        assert_eq!(TrustRoot::public_good_as_of().unwrap().to_string(), AS_OF);
        let kinds: Vec<_> = root.authorities().iter().map(|authority| authority.kind).collect();
        for kind in AuthorityKind::ALL {
            assert!(kinds.contains(&kind), "{kind:?}");
        }
    }

    #[test]
    fn is_known_by_its_own_certificates_or_by_the_word_of_who_has_it_from_there() {
        let bytes = SIGSTORE_PRODUCTION_TRUSTED_ROOT.as_bytes();
        assert!(TrustRoot::parse(bytes).unwrap().is_public_good());
        let staging = sigstore_trust_root::SIGSTORE_STAGING_TRUSTED_ROOT.as_bytes();
        assert!(!TrustRoot::parse(staging).unwrap().is_public_good());
        assert!(TrustRoot::parse_of_public_good(staging).unwrap().is_public_good());
        assert!(TrustRoot::parse_of_public_good(b"{}").is_err());
        // Whoever has the same bytes from a file, too, has them from the instance all the same.
        let [known, unknown] = [TrustRoot::parse_of_public_good, TrustRoot::parse].map(|parse| parse(staging).unwrap());
        for trust in [Trust::keys_only().with(known.clone()).with(unknown.clone()), Trust::keys_only().with(unknown).with(known)] {
            assert_eq!(trust.roots().iter().map(TrustRoot::is_public_good).collect::<Vec<_>>(), [true]);
        }
    }
}
