//! Signing with an identity: a key that is used for minutes, a certificate that names who asked for it, and witnesses.
//! What is asked of which service stands in the modules below; what a bundle must show is the heart's affair.

mod error;
mod fulcio;
mod rekor;
mod sign_in;
mod signing;
mod signing_config;
#[cfg(feature = "spiffe")]
mod spiffe;
mod timestamp;
mod token;
mod witnesses;

use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use countersign::bundle::Bundle;
use countersign::statement::Statement;
use countersign::time::Time;
use countersign::trust::Trust;

pub use error::{Entries, KeylessError, Service};
pub use sign_in::{Person, SignIn};
pub use signing_config::{SigningConfig, SigningConfigError};
pub use token::{IdentityToken, TokenError, TokenSource};
pub use witnesses::Witnesses;

use fulcio::Certificate;
use signing::{By, Content, Instance, Signed, Signing};

use crate::local::{KeyType, LocalKey};

/// A Sigstore instance to sign with, and where identity tokens come from.
///
/// ```no_run
/// use countersign::trust::{Trust, TrustRoot};
/// use countersign_sign::{Keyless, SigningConfig, TokenSource};
/// # fn example(statements: &[countersign::statement::Statement]) -> Result<(), Box<dyn std::error::Error>> {
/// let config = SigningConfig::parse(&std::fs::read("signing_config.json")?)?;
/// let trust = Trust::keys_only().with(TrustRoot::parse(&std::fs::read("trusted_root.json")?)?);
/// let tokens = TokenSource::detect(&|name| std::env::var(name).ok())?;
/// let keyless = Keyless::new(config, trust, tokens)?;
/// let session = keyless.begin("2025-12-15T00:00:00Z".parse()?)?; // the time that it is
/// for bundle in session.attest_all(statements)? {
///     println!("{}", bundle.digest());
/// }
/// # Ok(())
/// # }
/// ```
pub struct Keyless {
    instance: Instance,
    tokens: TokenSource,
}

impl Keyless {
    /// How long signing may take, from the request for a token to the last check: a minute. A person who has to sign in
    /// has a time of their own for that, [`SignIn::PATIENCE`], and signing begins afterwards.
    pub const PATIENCE: Duration = signing::PATIENCE;

    /// Signs with the services of a configuration, and gives out only what one of the trust roots vouches for.
    ///
    /// # Errors
    /// [`KeylessError::TrustMissing`] without a trust root.
    pub fn new(config: SigningConfig, trust: Trust, tokens: TokenSource) -> Result<Self, KeylessError> {
        Ok(Self { instance: Instance::new(config, trust)?, tokens })
    }

    /// Chooses how long signing may take, in place of [`Keyless::PATIENCE`].
    #[must_use]
    pub fn within(self, patience: Duration) -> Self {
        Self { instance: self.instance.within(patience), ..self }
    }

    /// Returns the variable that the token comes from, if it comes from one.
    #[must_use]
    pub fn token_variable(&self) -> Option<&str> {
        self.tokens.token_variable()
    }

    /// Returns the program that gives the token, if it comes from one: whoever can change it chooses what runs, with our rights.
    #[must_use]
    pub fn token_program(&self) -> Option<&Path> {
        self.tokens.program()
    }

    /// Refuses what can be seen not to sign without asking anybody: before work that takes long, and that a signature is for.
    ///
    /// # Errors
    /// [`KeylessError`] if no service can be used at that time, or the source of tokens has none, or one that has expired.
    pub fn check(&self, at: Time) -> Result<(), KeylessError> {
        let config = &self.instance.config;
        config.authority(at)?;
        config.services(at)?;
        Ok(self.tokens.check(config.issuer(at), at)?)
    }

    /// Gets a token and, for a fresh key, a certificate. `at` is the time that it is; afterwards only its passing counts.
    ///
    /// # Errors
    /// [`KeylessError`] if no service can be used at that time, nobody gives a token that holds, or the authority gives no
    /// certificate, or one that no trust root could vouch for: nothing has been signed or logged by then, but the authority
    /// has its certificates published by certificate logs.
    pub fn begin(&self, at: Time) -> Result<Session<'_>, KeylessError> {
        let begun = Instant::now();
        let Instance { config, client, patience, .. } = &self.instance;
        let (authority, services) = (config.authority(at)?, config.services(at)?);
        let key = LocalKey::generate(KeyType::P256).map_err(KeylessError::Key)?;
        let token = self.tokens.fetch(client, config.issuer(at), begun + *patience)?;
        let token = token.unexpired(at.plus(signing::since(begun)))?;
        let deadline = if self.tokens.is_person() { Instant::now() } else { begun } + *patience;
        let address = fulcio::place(authority);
        let body = fulcio::request(&key, &token)?;
        let answer = client.ask(&fulcio::ask(&address, &body), deadline);
        let answer = answer.map_err(|trouble| KeylessError::trouble(Service::Authority, &address, &trouble, *patience))?;
        let certificate = fulcio::issued(&answer, &address, &key)?;
        let by = By::Certificate(certificate.der.clone());
        let session = Session { signing: Signing::new(&self.instance, services, by, at, begun, deadline), key, certificate };
        session.signing.vouched(|root, at| root.could_vouch_for(&session.certificate.der, at))?;
        Ok(session)
    }
}

impl fmt::Debug for Keyless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyless").field("instance", &self.instance).finish_non_exhaustive()
    }
}

/// One certificate, and what it signs before [`Keyless::PATIENCE`] is over.
pub struct Session<'a> {
    signing: Signing<'a>,
    key: LocalKey,
    certificate: Certificate,
}

impl Session<'_> {
    /// Returns whom the certificate names: an email address or a URI. Nobody has verified it yet.
    #[must_use]
    pub fn unverified_subject(&self) -> &str {
        &self.certificate.subject
    }

    /// Returns who vouched for that name, as the certificate has it. Nobody has verified it yet.
    #[must_use]
    pub fn unverified_issuer(&self) -> &str {
        &self.certificate.issuer
    }

    /// Returns what this session has left in logs so far.
    #[must_use]
    pub fn entries(&self) -> Entries {
        self.signing.entries()
    }

    /// Signs a statement.
    ///
    /// # Errors
    /// As [`Session::attest_all`].
    pub fn attest(&self, statement: &Statement) -> Result<Bundle, KeylessError> {
        self.attest_payload(&statement.to_bytes())
    }

    /// Signs a statement whose bytes are given, and keeps them as they are.
    ///
    /// # Errors
    /// As [`Session::attest_all`]; a payload that is no statement is refused before any log is asked.
    pub fn attest_payload(&self, payload: &[u8]) -> Result<Bundle, KeylessError> {
        let statement = Statement::parse(payload);
        let statement = statement.map_err(|error| KeylessError::Bundle { error: error.into(), entries: self.entries() })?;
        self.signing.could_be_verified(&statement)?;
        self.signing.bundle(&self.signed(Content::Statement(payload))?)
    }

    /// Signs all statements of one run under the one certificate, several at once; bundles come in the same order.
    ///
    /// Each bundle is verified as any verifier would before any is returned: certificate, promise, entries, timestamps
    /// and signature. Logs and timestamp authorities are asked at the same time.
    ///
    /// # Errors
    /// [`KeylessError`] if a service fails, or what the services gave doesn't verify. It says how many log entries were
    /// made all the same, since nobody can take them back.
    pub fn attest_all(&self, statements: &[Statement]) -> Result<Vec<Bundle>, KeylessError> {
        statements.iter().try_for_each(|statement| self.signing.could_be_verified(statement))?;
        let payloads: Vec<_> = statements.iter().map(Statement::to_bytes).collect();
        let signed = payloads.iter().map(|payload| self.signed(Content::Statement(payload))).collect::<Result<Vec<_>, _>>()?;
        self.signing.bundles(&signed)
    }

    /// Signs an artifact itself, and returns the bytes of a verified bundle. Such a bundle is no evidence: it says only
    /// that somebody signed.
    ///
    /// # Errors
    /// As [`Session::attest_all`].
    pub fn sign_artifact(&self, artifact: &[u8]) -> Result<Vec<u8>, KeylessError> {
        self.signing.message_bundle(&self.signed(Content::Artifact(artifact))?, artifact)
    }

    fn signed<'c>(&self, content: Content<'c>) -> Result<Signed<'c>, KeylessError> {
        Signed::new(content, |bytes| self.key.sign(bytes).map_err(KeylessError::Key))
    }
}

impl fmt::Debug for Session<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("subject", &self.certificate.subject).finish_non_exhaustive()
    }
}
