//! `countersign verify-bundle`: verifies one bundle as Sigstore's own clients do, by the protocol of their conformance suite.
//! It decides nothing about the artifact: what a statement says, and whether its signer may say it, is for `verify`.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{ArgGroup, Args, ValueHint};
use countersign::bundle::{Artifact, Bundle, BundleError, MessageBundle};
use countersign::digest::{Algorithm, Digest};
use countersign::identity::PublicKey;
use countersign::limits;
use countersign::reason::Refusal;
use countersign::statement::Statement;
use countersign::trust::TrustRoot;
use countersign::verify::{self, Signature, Verified};

use crate::bundle_file;
use crate::clock;
use crate::escape::escaped;
use crate::failure::Failure;
use crate::output::{self, GOOD};
use crate::passphrase::PassphraseSource;
use crate::public_good;

/// Verifies one Sigstore bundle, of a statement or of an artifact itself; makes no decision
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("signer").args(["certificate_identity", "key"]).required(true),
    after_help = "\
Exits with 0 if the bundle verifies, 1 if it's refused, and 3 if that could not be found out.

Examples:
  countersign verify-bundle --bundle app.sigstore.json --certificate-identity maintainer@example.test \\
      --certificate-oidc-issuer https://accounts.example.test --trusted-root trusted_root.json app.tar
  countersign verify-bundle --bundle app.sigstore.json --key release.pub --trusted-root trusted_root.json sha256:HEX"
)]
pub(crate) struct VerifyBundle {
    /// The bundle
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    bundle: PathBuf,
    /// Whom the certificate must name: an email address or a URI
    #[arg(long, value_name = "IDENTITY", requires = "certificate_oidc_issuer")]
    certificate_identity: Option<String>,
    /// Who must have vouched for that identity
    #[arg(long, value_name = "URL", requires = "certificate_identity")]
    certificate_oidc_issuer: Option<String>,
    /// The public key (PEM) that must have signed, in place of an identity
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    key: Option<PathBuf>,
    /// The trust root (trusted_root.json) [default: public-good]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    trusted_root: Option<PathBuf>,
    /// Without a trust root: takes the one of Sigstore's staging instance
    #[arg(long)]
    staging: bool,
    /// The artifact, or its digest as sha256:HEX
    #[arg(value_name = "FILE_OR_DIGEST", value_hint = ValueHint::FilePath)]
    artifact: OsString,
}

impl VerifyBundle {
    pub(crate) fn run(self, _: &PassphraseSource) -> Result<ExitCode, Failure> {
        let at = clock::now()?;
        let root = self.root()?;
        let key = self.key.as_deref().map(public_key).transpose()?;
        let bytes = bundle_file::read(&self.bundle)?;
        let artifact = Named::read(&self.artifact)?;
        let (signature, witnessed) = match Bundle::parse(&bytes) {
            Err(BundleError::NoEnvelope) => {
                let bundle = MessageBundle::parse(&bytes).map_err(|error| self.malformed(&error))?;
                let verified = match &key {
                    Some(key) => verify::message_with_key(&bundle, artifact.as_artifact(), key, &root, at),
                    None => verify::message_with_certificate(&bundle, artifact.as_artifact(), &root, at),
                };
                told(&verified.map_err(|refusal| self.unlogged(refused(&refusal)))?)
            }
            bundle => {
                let bundle = bundle.map_err(|error| self.malformed(&error))?;
                let verified = match &key {
                    Some(key) => verify::with_logged_key(&bundle, key, &root, at),
                    None => verify::with_certificate(&bundle, &root, at),
                };
                let verified = verified.map_err(|refusal| self.unlogged(refused(&refusal)))?;
                if !artifact.is_subject_of(verified.value()) {
                    return Err(no("subject-mismatch", "the statement is about other artifacts"));
                }
                told(&verified)
            }
        };
        let signer = self.signer(&signature)?;
        let when = witnessed.map_or(String::new(), |time| format!(", no later than {time}"));
        let artifact = self.artifact.to_string_lossy();
        output::answer(&format!("{GOOD}VERIFIED{GOOD:#}  {}  signed by {}{when}\n", escaped(&artifact), escaped(&signer)))?;
        Ok(ExitCode::SUCCESS)
    }

    fn root(&self) -> Result<TrustRoot, Failure> {
        match &self.trusted_root {
            Some(path) => crate::asking::trust_root(path),
            None if self.staging => TrustRoot::parse(sigstore_trust_root::SIGSTORE_STAGING_TRUSTED_ROOT.as_bytes())
                .map_err(|error| Failure::of("trust-invalid", &error)),
            None => public_good::current(),
        }
    }

    /// Compares whom the certificate names: exactly, in full.
    fn signer(&self, signature: &Signature) -> Result<String, Failure> {
        match (signature, &self.certificate_identity, &self.certificate_oidc_issuer) {
            (Signature::Key(key), None, None) => Ok(format!("key {}", key.fingerprint())),
            (Signature::Certificate { identity, .. }, Some(subject), Some(issuer))
                if identity.subject.as_str() == subject && identity.issuer == *issuer =>
            {
                Ok(format!("{subject} ({issuer})"))
            }
            (Signature::Certificate { identity, .. }, ..) => {
                Err(no("signer-unknown", format!("the certificate names `{}` of `{}`", identity.subject.as_str(), identity.issuer)))
            }
            _ => Err(no("signer-unknown", "the bundle was signed by another kind of signer")),
        }
    }

    /// Says whose logs a key's bundle was expected in, where nobody named any.
    fn unlogged(&self, failure: Failure) -> Failure {
        if self.key.is_none() || self.trusted_root.is_some() || !["log-entry-invalid", "time-unwitnessed"].contains(&failure.code()) {
            return failure;
        }
        failure
            .hint("no `--trusted-root` was given, so that of Sigstore's own instance was taken, where everything is logged")
            .hint("what a key alone has signed is judged by `countersign verify`, under a policy that says `time: unwitnessed`")
    }

    fn malformed(&self, error: &BundleError) -> Failure {
        no("malformed", format!("`{}`: {error}", self.bundle.display()))
    }
}

/// The artifact as it was named.
enum Named {
    Digest(Digest),
    Bytes(Vec<u8>),
}

impl Named {
    /// Reads what the protocol calls FILE_OR_DIGEST: a digest only if it looks like one and is no file.
    fn read(word: &OsString) -> Result<Self, Failure> {
        let path = Path::new(word);
        let digest = word.to_str().and_then(|text| text.strip_prefix("sha256:")).and_then(|hex| Digest::new(Algorithm::Sha256, hex).ok());
        if let Some(digest) = digest.filter(|_| !path.exists()) {
            return Ok(Self::Digest(digest));
        }
        if word.to_str().is_some_and(|text| text.starts_with("sha256:")) && !path.exists() {
            return Err(Failure::new("target-invalid", format!("`{}` names no digest", path.display()))
                .hint("`sha256:` is followed by 64 hex digits in lower case"));
        }
        let failed = |error: &std::io::Error| {
            Failure::new("target-unreadable", format!("the artifact `{}` can't be read", path.display())).because(error)
        };
        let mut bytes = Vec::new();
        File::open(path).and_then(|file| file.take(ARTIFACT_BYTES + 1).read_to_end(&mut bytes)).map_err(|error| failed(&error))?;
        if bytes.len() as u64 > ARTIFACT_BYTES {
            let detail = format!("the artifact `{}` is larger than {} MiB", path.display(), ARTIFACT_BYTES >> 20);
            return Err(Failure::new("target-unreadable", detail).hint("give its digest in place of it: `sha256:HEX`"));
        }
        Ok(Self::Bytes(bytes))
    }

    fn as_artifact(&self) -> Artifact<'_> {
        match self {
            Self::Digest(digest) => Artifact::Digest(digest),
            Self::Bytes(bytes) => Artifact::Bytes(bytes),
        }
    }

    /// Returns true if a subject names the artifact by a digest, and none by another than the artifact's.
    fn is_subject_of(&self, statement: &Statement) -> bool {
        let known = |algorithm| match self {
            Self::Digest(digest) => (digest.algorithm() == algorithm).then(|| digest.clone()),
            Self::Bytes(bytes) => {
                let mut hasher = countersign::digest::Hasher::new(algorithm)?;
                hasher.update(bytes);
                Some(hasher.finish())
            }
        };
        let known: Vec<_> = [Algorithm::Sha256, Algorithm::Sha384, Algorithm::Sha512].into_iter().filter_map(known).collect();
        let stated = |subject: &countersign::statement::ResourceDescriptor| {
            let stated: Vec<_> = known.iter().filter_map(|known| Some((known, subject.digest.get(known.algorithm())?))).collect();
            !stated.is_empty() && stated.iter().all(|(known, stated)| *known == stated)
        };
        statement.subject.iter().any(stated)
    }
}

fn public_key(path: &Path) -> Result<PublicKey, Failure> {
    let unreadable = || Failure::new("key-unreadable", format!("the public key `{}` can't be read", path.display()));
    let mut pem = String::new();
    // One byte more than anything that is taken for a key is enough to be refused.
    let read = File::open(path).and_then(|file| file.take(limits::POLICY_BYTES as u64 + 1).read_to_string(&mut pem));
    read.map_err(|error| unreadable().because(&error))?;
    PublicKey::from_pem(&pem).map_err(|error| {
        let failure = unreadable().because(&error);
        if pem.contains("PRIVATE KEY-----") {
            let name = path.display();
            return failure.hint(format!("it's a private key; `countersign key public file:{name}` prints its public half"));
        }
        failure.hint("it's taken as SubjectPublicKeyInfo in PEM, which begins with `-----BEGIN PUBLIC KEY-----`")
    })
}

/// Returns by what it was verified, and the earliest time that a witness proves.
fn told<T>(verified: &Verified<T>) -> (Signature, Option<countersign::time::Time>) {
    (verified.signature().clone(), verified.witnessed().first().copied())
}

fn refused(refusal: &Refusal) -> Failure {
    no(refusal.reason.code(), refusal.detail.clone())
}

/// A bundle that was looked at, and isn't what was asked for.
fn no(code: &'static str, detail: impl Into<String>) -> Failure {
    Failure::new(code, detail).exiting_with(REFUSED)
}

const REFUSED: u8 = 1;
/// Most of an artifact that is held in memory: some keys sign no digest.
const ARTIFACT_BYTES: u64 = 1 << 30;
