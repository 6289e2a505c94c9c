//! `countersign sign-bundle`: signs an artifact or a statement by the protocol of Sigstore's conformance suite.
//! It states nothing of its own: `attest` and `run` do, and keep what they sign.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueHint};
use countersign::limits;
use countersign::trust::{Trust, TrustRoot};
use countersign_sign::{IdentityToken, Keyless, KeylessError, SigningConfig, TokenSource};
use zeroize::Zeroizing;

use crate::asking::trust_root;
use crate::clock;
use crate::failure::Failure;
use crate::instance::signing_config;
use crate::keeping::Out;
use crate::passphrase::PassphraseSource;
use crate::public_good;
use crate::signer;

/// Signs an artifact itself, or a statement, with an identity token; makes one bundle
#[derive(Debug, Args)]
#[command(after_help = "\
By the protocol of Sigstore's conformance suite. The token stands in the command line, where every process of this machine
can read it: `attest --signer keyless:` takes it from elsewhere.

Example:
  countersign sign-bundle --identity-token TOKEN --bundle app.sigstore.json --trusted-root trusted_root.json \\
      --signing-config signing_config.json app.tar")]
pub(crate) struct SignBundle {
    /// The identity token (OpenID Connect)
    #[arg(long, value_name = "TOKEN", value_parser = token)]
    identity_token: Token,
    /// Where the bundle is written, in place of one that is there
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    bundle: PathBuf,
    /// Without files of another instance: signs with Sigstore's staging instance
    #[arg(long)]
    staging: bool,
    /// The artifact is an in-toto statement: signs it as such, byte for byte
    #[arg(long)]
    in_toto: bool,
    /// The trust root that must vouch for the bundle [default: of Sigstore's public-good instance]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    trusted_root: Option<PathBuf>,
    /// The services to sign with [default: of Sigstore's public-good instance]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    signing_config: Option<PathBuf>,
    /// The artifact
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    artifact: OsString,
}

impl SignBundle {
    pub(crate) fn run(self, _: &PassphraseSource) -> Result<ExitCode, Failure> {
        let out = Out::named(self.bundle.clone())?;
        let artifact = read(Path::new(&self.artifact), if self.in_toto { limits::PAYLOAD_BYTES as u64 } else { ARTIFACT_BYTES })?;
        let token = IdentityToken::parse(&self.identity_token.0).map_err(KeylessError::from)?;
        let root = self.root()?;
        // Whoever has a private instance doesn't mean its tokens for the public one.
        if self.signing_config.is_none() && self.trusted_root.is_some() && !self.staging && !root.is_public_good() {
            return Err(Failure::new(
                "signing-config-missing",
                "a trust root of another instance is given, and nobody says which services it has",
            )
            .hint("give `--signing-config FILE`, too: the `signing_config.json` of the same instance"));
        }
        let trust = Trust::keys_only().with(root);
        let keyless = Keyless::new(self.config()?, trust, TokenSource::given(token))?;
        let session = keyless.begin(clock::now()?)?;
        let bundle = if self.in_toto { session.attest_payload(&artifact)?.bytes().to_vec() } else { session.sign_artifact(&artifact)? };
        // What is logged is, whether the bundle can be written or not.
        signer::tell(&session);
        out.write_bytes(&bundle)?;
        Ok(ExitCode::SUCCESS)
    }

    fn root(&self) -> Result<TrustRoot, Failure> {
        match &self.trusted_root {
            Some(path) => trust_root(path),
            None if self.staging => TrustRoot::parse(sigstore_trust_root::SIGSTORE_STAGING_TRUSTED_ROOT.as_bytes())
                .map_err(|error| Failure::of("trust-invalid", &error)),
            None => public_good::current(),
        }
    }

    fn config(&self) -> Result<SigningConfig, Failure> {
        match &self.signing_config {
            Some(path) => signing_config(path),
            None if self.staging => SigningConfig::staging().map_err(|error| KeylessError::from(error).into()),
            None => SigningConfig::public_good().map_err(|error| KeylessError::from(error).into()),
        }
    }
}

/// The token as it was typed; it is shown by nothing.
#[derive(Clone)]
struct Token(Zeroizing<String>);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Takes anything: what clap refuses it would repeat.
#[expect(clippy::unnecessary_wraps, reason = "clap asks for a result")]
fn token(text: &str) -> Result<Token, std::convert::Infallible> {
    Ok(Token(Zeroizing::new(text.to_owned())))
}

fn read(path: &Path, most: u64) -> Result<Vec<u8>, Failure> {
    let failed = |error: std::io::Error| {
        let shown = if IdentityToken::is_in(&path.to_string_lossy()) { "…".into() } else { path.display().to_string() };
        Failure::new("target-unreadable", format!("the artifact `{shown}` can't be read")).because(&error)
    };
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() as u64 > most {
        return Err(Failure::new("target-unreadable", format!("the artifact `{}` is larger than {} MiB", path.display(), most >> 20)));
    }
    Ok(bytes)
}

/// Most of an artifact that is held in memory.
const ARTIFACT_BYTES: u64 = 1 << 30;
