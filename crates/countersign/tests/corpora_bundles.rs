//! Verifies other people's bundles by certificate and by key, as `verify-bundle` does, where the collections are at hand.
//! It looks at nothing but the public surface; our own bundles are the cases' affair.
#![cfg(feature = "verify")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test that can't go on fails, and says aloud which collections aren't here; they lie in files"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use countersign::bundle::{Artifact, Bundle, BundleError, Material, MessageBundle};
use countersign::digest::Digest;
use countersign::identity::PublicKey;
use countersign::json::Json;
use countersign::reason::Reason;
use countersign::time::Time;
use countersign::trust::TrustRoot;
use countersign::verify::{self, Signature, Verified};

/// Later than anything in the collections.
const AT: &str = "2026-10-01T00:00:00Z";

fn corpora() -> PathBuf {
    PathBuf::from(std::env::var_os("COUNTERSIGN_CORPORA").unwrap_or_default())
}

struct Case {
    folder: PathBuf,
    json: Json,
}

impl Case {
    fn all(name: &str) -> Vec<Self> {
        let folder = corpora().join(name);
        let Ok(list) = fs::read(folder.join("expected.json")) else {
            println!("SKIPPED corpora {name}: not here");
            return Vec::new();
        };
        let list = Json::parse(&list).unwrap();
        let cases = list.get("cases").and_then(Json::as_array).unwrap();
        cases.iter().map(|json| Self { folder: folder.clone(), json: json.clone() }).collect()
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.json.get(name).and_then(Json::as_str)
    }

    fn file(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.folder.join(self.text(name)?)).ok()
    }

    fn at(&self) -> Time {
        AT.parse().unwrap()
    }

    fn root(&self) -> TrustRoot {
        TrustRoot::parse(&self.file("trust_root").unwrap()).unwrap()
    }

    /// The suite's wrong key isn't one at all, which verifies nothing either.
    fn key(&self) -> Result<PublicKey, (Reason, String)> {
        let pem = self.file("key").unwrap_or_else(|| panic!("{}: no key", self.text("id").unwrap()));
        PublicKey::from_pem(std::str::from_utf8(&pem).unwrap()).map_err(|error| (Reason::Malformed, error.to_string()))
    }

    /// Verifies the bundle, whatever it signs, and compares whatever the case says of signer and artifact.
    fn verify(&self) -> Result<(), (Reason, String)> {
        let malformed = |error: BundleError| (Reason::Malformed, error.to_string());
        let bytes = self.file("bundle").unwrap();
        match Bundle::parse(&bytes) {
            Err(BundleError::NoEnvelope) => self.verify_message(&MessageBundle::parse(&bytes).map_err(malformed)?),
            bundle => self.verify_statement(&bundle.map_err(malformed)?),
        }
    }

    fn verify_statement(&self, bundle: &Bundle) -> Result<(), (Reason, String)> {
        let verified = match bundle.material() {
            Material::Key { .. } => verify::with_logged_key(bundle, &self.key()?, &self.root(), self.at()),
            _ => verify::with_certificate(bundle, &self.root(), self.at()),
        };
        let verified = verified.map_err(|refusal| (refusal.reason, refusal.detail))?;
        self.check_signer(&verified)?;
        let digest = self.text("digest").map(|digest| digest.parse::<Digest>().unwrap());
        let digest = digest.or_else(|| Some(Digest::sha256(&self.file("artifact")?)));
        let sha512 = self.text("artifact_sha512").and_then(|hex| format!("sha512:{hex}").parse::<Digest>().ok());
        let known: Vec<_> = [digest, sha512].into_iter().flatten().collect();
        let about = |digest: &Digest| {
            verified.value().subject.iter().any(|subject| subject.digest.get(digest.algorithm()).as_ref() == Some(digest))
        };
        if !known.is_empty() && !known.iter().any(about) {
            return Err((Reason::SubjectMismatch, String::new()));
        }
        Ok(())
    }

    /// Verifies by the artifact's digest, and by the artifact where it's at hand, as the suite does: both must agree.
    fn verify_message(&self, bundle: &MessageBundle) -> Result<(), (Reason, String)> {
        let by = |artifact: Artifact<'_>| {
            let verified = match bundle.material() {
                Material::Key { .. } => verify::message_with_key(bundle, artifact, &self.key()?, &self.root(), self.at()),
                _ => verify::message_with_certificate(bundle, artifact, &self.root(), self.at()),
            };
            self.check_signer(&verified.map_err(|refusal| (refusal.reason, refusal.detail))?)
        };
        let digest = self.text("digest").unwrap().parse::<Digest>().unwrap();
        let found = by(Artifact::Digest(&digest));
        if let Some(artifact) = self.file("artifact") {
            assert_eq!(by(Artifact::Bytes(&artifact)), found, "{}", self.text("id").unwrap());
        }
        found
    }

    fn check_signer<T>(&self, verified: &Verified<T>) -> Result<(), (Reason, String)> {
        match verified.signature() {
            Signature::Certificate { identity, .. }
                if (Some(identity.subject.as_str()), Some(&*identity.issuer)) != (self.text("identity"), self.text("issuer")) =>
            {
                Err((Reason::SignerUnknown, "the certificate names somebody else".to_owned()))
            }
            _ => Ok(()),
        }
    }
}

/// What is answered in another way than the collections expect, and why.
const EXCEPTIONS: [(&str, Reason); 2] = [
    // Releases on GitHub name a subject and no issuer: neither policies nor the suite's protocol have words for that.
    ("rust/gh-private", Reason::SignerUnknown),
    // Clients disagree about it (the collection marks it so): sigstore-verify takes none of that root's authorities.
    ("py/tsa/bundle.txt.sigstore", Reason::TimestampInvalid),
];

fn check_all(name: &str, expected: [usize; 3]) {
    let (mut verified, mut refused, mut excepted, mut wrong) = (0, BTreeMap::<_, usize>::new(), Vec::new(), Vec::new());
    let cases = Case::all(name);
    for case in &cases {
        let id = case.text("id").unwrap();
        match (case.verify(), case.text("expect")) {
            (Ok(()), Some("pass")) => verified += 1,
            (Err((reason, _)), Some("fail")) => *refused.entry(reason).or_default() += 1,
            (Err((reason, _)), Some("pass")) if EXCEPTIONS.contains(&(id, reason)) => excepted.push(id),
            (outcome, expected) => wrong.push(format!("{id}: expected {expected:?}, found {outcome:?}")),
        }
    }
    println!("{name}: {verified} verified, refused {refused:?}, answered otherwise for a reason {excepted:?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
    if !cases.is_empty() {
        assert_eq!([verified, refused.values().sum(), excepted.len()], expected, "{name}");
    }
}

#[test]
fn the_conformance_suite_of_sigstore_is_answered_as_it_says() {
    check_all("sigstore-conformance", [10, 18, 0]);
}

#[test]
fn the_fixtures_of_other_clients_are_answered_as_they_say() {
    check_all("sigstore-client-fixtures", [6, 24, 1]);
}

#[test]
fn bundles_of_real_registries_are_answered_as_they_say() {
    check_all("real-registry-bundles", [13, 38, 1]);
}

#[test]
fn the_releases_of_cpython_are_answered_as_they_say() {
    check_all("real-cpython-releases", [33, 99, 0]);
}
