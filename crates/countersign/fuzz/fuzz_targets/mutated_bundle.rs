//! A good bundle with a certificate, with up to eight bytes of it replaced: nothing panics, and whatever is still verified
//! is the same, by the same identity, at the same times. Which places nobody signs is tested in the testkit.
//! The input is a list of edits: two bytes say where, the third what stands there afterwards.
#![no_main]

use std::fmt::Debug;
use std::sync::LazyLock;

use countersign::bundle::{Artifact, Bundle, MessageBundle};
use countersign::envelope::pae;
use countersign::statement::PAYLOAD_TYPE;
use countersign::time::Time;
use countersign::trust::TrustRoot;
use countersign::verify::{self, Verified};

/// A good bundle, and what is known of it: a statement, or the bytes that it signs themselves.
struct Good {
    bytes: &'static [u8],
    root: TrustRoot,
    artifact: Option<Vec<u8>>,
    said: String,
}

impl Good {
    fn new(root: &[u8], bytes: &'static [u8], artifact: Option<Vec<u8>>) -> Self {
        let root = TrustRoot::parse(root).expect("a trust root");
        let mut good = Self { bytes, root, artifact, said: String::new() };
        good.said = good.verify(bytes).expect("verified");
        good
    }

    /// Returns all that is believed of the bytes in this bundle's place, if anything is.
    fn verify(&self, bytes: &[u8]) -> Option<String> {
        match &self.artifact {
            None => said(&verify::with_certificate(&Bundle::parse(bytes).ok()?, &self.root, at()).ok()?),
            Some(artifact) => {
                let bundle = MessageBundle::parse(bytes).ok()?;
                said(&verify::message_with_certificate(&bundle, Artifact::Bytes(artifact), &self.root, at()).ok()?)
            }
        }
    }
}

fn said<T: Debug>(verified: &Verified<T>) -> Option<String> {
    Some(format!("{:?}", (verified.value(), verified.signature(), verified.witnessed())))
}

fn at() -> Time {
    "2025-12-15T00:00:00Z".parse().expect("a time")
}

macro_rules! case {
    ($folder:literal, $name:literal) => {
        include_bytes!(concat!("../../../../testdata/cases/", $folder, "/", $name))
    };
}

macro_rules! build {
    ($folder:literal) => {
        Good::new(case!($folder, "trusted_root.json"), case!($folder, "build.sigstore.json"), None)
    };
}

static GOOD: LazyLock<[Good; 4]> = LazyLock::new(|| {
    let signed = pae(PAYLOAD_TYPE, include_bytes!("../../../../testdata/golden/local-build.json"));
    let message = include_bytes!("../../../../testdata/golden/message.sigstore.json");
    [
        build!("allow-certificate-rekor-v1"),
        build!("allow-certificate-rekor-v2"),
        build!("allow-certificate-intoto-entry"),
        Good::new(case!("allow-certificate-rekor-v2", "trusted_root.json"), message, Some(signed)),
    ]
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((which, edits)) = input.split_first() else { return };
    let good = &GOOD[usize::from(*which) % GOOD.len()];
    let mut bytes = good.bytes.to_vec();
    for edit in edits.chunks_exact(3).take(8) {
        let place = usize::from(u16::from_be_bytes([edit[0], edit[1]])) % bytes.len();
        bytes[place] = edit[2];
    }
    if let Some(said) = good.verify(&bytes) {
        assert_eq!(said, good.said);
    }
});
