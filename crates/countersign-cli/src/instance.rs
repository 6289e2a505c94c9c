//! The Sigstore instance that `keyless:` signs with, or that witnesses what a key signs: its services, its trust root, and where
//! the identity token comes from.
//! What is asked of the services is the signers' crate's affair.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use countersign::trust::{Trust, TrustRoot};
use countersign_sign::{Keyless, KeylessError, SigningConfig, TokenError, TokenSource, Witnesses};

use crate::asking::trust_root;
use crate::failure::Failure;
use crate::{person, public_good};

/// The instance that an identity signs with.
#[derive(Debug, Default, Args)]
pub(crate) struct Instance {
    /// The services that `keyless:` signs with, or whose logs and timestamp authorities witness what a key signs
    /// (signing_config.json), or `public-good` [default: public-good for `keyless:`, none for a key]
    #[arg(long, value_name = "FILE", requires = "signer", value_hint = ValueHint::FilePath)]
    pub(crate) signing_config: Option<PathBuf>,
}

impl Instance {
    /// Makes the signer.
    pub(crate) fn signer(&self, trust: &[PathBuf], tokens: TokenSource) -> Result<Keyless, Failure> {
        let (config, trust) = self.described(trust)?;
        Ok(Keyless::new(config, trust, tokens)?)
    }

    /// Makes what witnesses signatures by keys, if any instance was named.
    pub(crate) fn witnesses(&self, trust: &[PathBuf]) -> Result<Option<Witnesses>, Failure> {
        if self.signing_config.is_none() {
            return Ok(None);
        }
        let (config, trust) = self.described(trust)?;
        Ok(Some(Witnesses::new(config, trust)?))
    }

    /// A private instance is described by two files, of which neither says anything about another's.
    fn described(&self, trust: &[PathBuf]) -> Result<(SigningConfig, Trust), Failure> {
        let config = match &self.signing_config {
            Some(path) if !self.is_public_good() => {
                if trust.is_empty() {
                    return Err(Failure::new(
                        "trust-missing",
                        format!("`{}` names services, and nobody says whom to believe", path.display()),
                    )
                    .hint("give `--trust FILE`, too: the `trusted_root.json` of the same instance"));
                }
                signing_config(path)?
            }
            _ => SigningConfig::public_good().map_err(KeylessError::from)?,
        };
        let roots = if trust.is_empty() {
            vec![public_good::current()?]
        } else {
            trust.iter().map(|path| trust_root(path)).collect::<Result<_, _>>()?
        };
        // Whoever has a private instance doesn't mean its tokens for the public one.
        if self.is_public_good() && !roots.iter().any(TrustRoot::is_public_good) {
            return Err(Failure::new(
                "signing-config-missing",
                "a trust root of another instance is given, and nobody says which services it has",
            )
            .hint("give `--signing-config FILE`, too: the `signing_config.json` of the same instance")
            .hint("without it, the token would be sent to Sigstore's public-good instance"));
        }
        Ok((config, roots.into_iter().fold(Trust::keys_only(), Trust::with)))
    }

    fn is_public_good(&self) -> bool {
        self.signing_config.as_deref().is_none_or(public_good::is_meant_by)
    }
}

/// Finds where the token comes from, as it's named behind `keyless:`. Where nobody else offers one, a person at a terminal does.
pub(crate) fn tokens(name: &str) -> Result<TokenSource, Failure> {
    match name {
        "browser" => person::by_browser(),
        "code" => person::by_code(),
        _ => match TokenSource::named(name, &|name| std::env::var(name).ok()) {
            Err(error @ TokenError::Nowhere) => person::at_hand().ok_or_else(|| KeylessError::from(error).into()),
            found => found.map_err(|error| KeylessError::from(error).into()),
        },
    }
}

/// Reads a signing configuration.
pub(crate) fn signing_config(path: &Path) -> Result<SigningConfig, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new("signing-config-unreadable", format!("the signing configuration `{}` can't be read", path.display())).because(&error)
    };
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(FILE_BYTES).read_to_end(&mut bytes)).map_err(failed)?;
    SigningConfig::parse(&bytes).map_err(|error| {
        Failure::new("signing-config-invalid", format!("`{}` is not a signing configuration that can be used", path.display()))
            .because(&error)
            .hint("a signing configuration is Sigstore's `signing_config.json` v0.2, with the services of one instance")
    })
}

impl From<KeylessError> for Failure {
    fn from(error: KeylessError) -> Self {
        let failure = Self::of(error.code(), &error);
        let left = error.entries();
        let failure = match error {
            KeylessError::Token(TokenError::Nowhere) => failure
                .hint("in GitHub Actions the job needs `permissions: id-token: write`, in GitLab CI `id_tokens` with SIGSTORE_ID_TOKEN")
                .hint("elsewhere name where it comes from: `keyless:env:NAME`, `keyless:file:PATH` or `keyless:exec:PROGRAM`")
                .hint("a person signs in at a terminal, where `CI` isn't set: with a browser (`keyless:browser`), or one elsewhere (`keyless:code`)"),
            KeylessError::SubjectDigest { .. } => {
                failure.hint("sign it with a key, or by the services of an instance with Rekor v2: `--signing-config FILE --trust FILE`")
            }
            KeylessError::KeyType { .. } => {
                failure.hint("sign with a P-256 key, or by services of which none is a log: a timestamp can witness any key")
            }
            KeylessError::Token(TokenError::SignIn { .. }) => {
                failure.again("nothing was signed; the same command can be given again").hint("a browser on another machine will do for `keyless:code`")
            }
            KeylessError::Token(TokenError::Misplaced) => failure
                .hint("name where the token comes from: `keyless:env:NAME` (without `$`), `keyless:file:PATH` or `keyless:exec:PROGRAM`"),
            KeylessError::Unanswered { .. } | KeylessError::Refused { status: 429 | 500.., .. } if (left.made, left.unheard) == (0, 0) => {
                failure.again("nothing was logged; the same command can be given again")
            }
            KeylessError::Refused { status: 400 | 401 | 403, .. } => failure.hint(
                "the token may have expired, be meant for another audience than `sigstore`, or come from an issuer that isn't known there",
            ),
            _ => failure,
        };
        if (left.made, left.unheard) == (0, 0) {
            return failure;
        }
        failure.hint("what a log has taken in stays there for everybody to read, and each further attempt makes entries of its own")
    }
}

/// More than any signing configuration has.
const FILE_BYTES: u64 = 1 << 20;
