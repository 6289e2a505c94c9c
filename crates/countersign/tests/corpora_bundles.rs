//! Verifies other people's bundles by certificate and by key, where the collections of them are at hand.
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
use std::path::{Path, PathBuf};

use countersign::bundle::{Bundle, BundleError, Material};
use countersign::digest::Digest;
use countersign::identity::PublicKey;
use countersign::json::Json;
use countersign::reason::Reason;
use countersign::statement::Statement;
use countersign::time::Time;
use countersign::trust::{Trust, TrustRoot};
use countersign::verify::{self, Signature, Verified};

/// Later than anything in the collections.
const AT: &str = "2026-10-01T00:00:00Z";

fn corpora() -> PathBuf {
    std::env::var_os("COUNTERSIGN_CORPORA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"), PathBuf::from)
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

    /// Verifies, and compares whatever the case says of signer and artifact.
    fn verify(&self, bundle: &Bundle) -> Result<Verified<Statement>, Reason> {
        let root = TrustRoot::parse(&self.file("trust_root").unwrap()).unwrap();
        let verified = match (bundle.material(), self.file("key")) {
            (Material::Key { .. }, Some(pem)) => {
                let key = PublicKey::from_pem(std::str::from_utf8(&pem).unwrap()).unwrap();
                verify::with_witnessed_key(bundle, &key, &Trust::keys_only().with(root), self.at())
            }
            (Material::Key { .. }, None) => panic!("{}: no key", self.text("id").unwrap()),
            _ => verify::with_certificate(bundle, &root, self.at()),
        }
        .map_err(|refusal| refusal.reason)?;
        if let Signature::Certificate { identity, .. } = verified.signature() {
            let expected = (self.text("identity").unwrap(), self.text("issuer").unwrap_or_default());
            if (identity.subject.as_str(), identity.issuer.as_str()) != expected {
                return Err(Reason::SignerUnknown);
            }
        }
        let digest = self.text("digest").map(|digest| digest.parse::<Digest>().unwrap());
        let digest = digest.or_else(|| Some(Digest::sha256(&self.file("artifact")?)));
        let sha512 = self.text("artifact_sha512").and_then(|hex| format!("sha512:{hex}").parse::<Digest>().ok());
        let known: Vec<_> = [digest, sha512].into_iter().flatten().collect();
        let about = |digest: &Digest| {
            verified.value().subject.iter().any(|subject| subject.digest.get(digest.algorithm()).as_ref() == Some(digest))
        };
        if !known.is_empty() && !known.iter().any(about) {
            return Err(Reason::SubjectMismatch);
        }
        Ok(verified)
    }
}

fn check_all(name: &str) {
    let (mut verified, mut refused, mut messages, mut wrong) = (0, BTreeMap::<_, usize>::new(), 0, Vec::new());
    for case in Case::all(name) {
        let bytes = case.file("bundle").unwrap();
        let outcome = match Bundle::parse(&bytes) {
            Err(BundleError::NoEnvelope) => {
                messages += 1;
                continue;
            }
            Err(error) => Err((Reason::Malformed, error.to_string())),
            Ok(bundle) => case.verify(&bundle).map_err(|reason| (reason, String::new())),
        };
        let id = case.text("id").unwrap();
        match (&outcome, case.text("expect")) {
            (Ok(_), Some("pass")) => verified += 1,
            (Err((reason, _)), Some("fail")) => *refused.entry(*reason).or_default() += 1,
            // Releases on GitHub name a subject and no issuer, which policies have no words for.
            (Err((Reason::SignerUnknown, _)), Some("pass")) if case.text("issuer").is_none() => {
                *refused.entry(Reason::SignerUnknown).or_default() += 1
            }
            (outcome, expected) => wrong.push(format!("{id}: expected {expected:?}, found {:?}", outcome.as_ref().map(|_| ()))),
        }
    }
    println!("{name}: {verified} verified, refused {refused:?}, {messages} message signatures left out");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_conformance_suite_of_sigstore_is_answered_as_it_says() {
    check_all("sigstore-conformance");
}

#[test]
fn the_fixtures_of_other_clients_are_answered_as_they_say() {
    check_all("sigstore-client-fixtures");
}

#[test]
fn bundles_of_real_registries_are_answered_as_they_say() {
    check_all("real-registry-bundles");
}
