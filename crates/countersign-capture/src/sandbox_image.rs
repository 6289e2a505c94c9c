//! The container image that confined a run, as whoever started it names it.
//! Nothing here looks whether there was such a container.

use std::str::FromStr;

use countersign::digest::{Algorithm, Digest};

/// An image by its name and the digest of its manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SandboxImage {
    /// The name, as in `registry.example.test/sandbox:2`.
    pub name: String,
    /// The SHA-256 of the manifest.
    pub sha256: Digest,
}

impl FromStr for SandboxImage {
    type Err = NotASandboxImage;

    /// Reads `NAME@sha256:HEX`; a tag alone names whatever somebody pushes next, and so isn't enough.
    fn from_str(text: &str) -> Result<Self, NotASandboxImage> {
        let (name, hex) = text.rsplit_once("@sha256:").ok_or(NotASandboxImage)?;
        let is_name = (1..=NAME_BYTES).contains(&name.len())
            && name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/:".contains(&byte));
        let sha256 = Digest::new(Algorithm::Sha256, hex).map_err(|_| NotASandboxImage)?;
        if is_name { Ok(Self { name: name.to_owned(), sha256 }) } else { Err(NotASandboxImage) }
    }
}

/// The text names no image by its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected `NAME@sha256:` and 64 lower-case hex digits")]
pub struct NotASandboxImage;

const NAME_BYTES: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_a_name_and_a_manifests_digest_and_nothing_less() {
        let hex = "a".repeat(64);
        let image: SandboxImage = format!("registry.example.test:5000/sandbox:2@sha256:{hex}").parse().unwrap();
        assert_eq!((image.name.as_str(), image.sha256.hex()), ("registry.example.test:5000/sandbox:2", hex.as_str()));
        for text in [
            "sandbox:2".to_owned(),
            format!("@sha256:{hex}"),
            format!("/srv/images/sandbox@sha256:{hex}"),
            format!("user@host/sandbox@sha256:{hex}"),
            format!("sandbox@sha256:{hex}0"),
            format!("sandbox@sha256:{}", hex.to_uppercase()),
            format!("sandbox@sha512:{hex}{hex}"),
        ] {
            assert_eq!(text.parse::<SandboxImage>(), Err(NotASandboxImage), "{text}");
        }
    }
}
