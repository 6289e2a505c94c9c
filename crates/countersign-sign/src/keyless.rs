//! Signing with an identity: a key that is used for minutes, a certificate that names who asked for it, and witnesses.
//! What is asked of which service stands in the modules below; what a bundle must show is the heart's affair.

mod der;
mod error;
mod fulcio;
mod rekor;
mod signing_config;
mod timestamp;
mod token;

use std::borrow::Cow;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::bundle::{Artifact, Bundle, MessageBundle};
use countersign::digest::Algorithm;
use countersign::envelope::pae;
use countersign::json::{Json, Object};
use countersign::reason::Refusal;
use countersign::statement::{PAYLOAD_TYPE, Statement};
use countersign::time::{Span, Time};
use countersign::trust::{Trust, TrustRoot};
use countersign::verify;

pub use error::{Entries, KeylessError, Service};
pub use signing_config::{SigningConfig, SigningConfigError};
pub use token::{IdentityToken, TokenError, TokenSource};

use fulcio::Certificate;
use signing_config::{Generation, Services};

use crate::http::{Address, Answer, Client, Trouble};
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
    config: SigningConfig,
    trust: Trust,
    tokens: TokenSource,
    client: Client,
    patience: Duration,
}

impl Keyless {
    /// How long signing may take, from the request for a token to the last check: a minute.
    pub const PATIENCE: Duration = Duration::from_secs(60);

    /// Signs with the services of a configuration, and gives out only what one of the trust roots vouches for.
    ///
    /// # Errors
    /// [`KeylessError::TrustMissing`] without a trust root.
    pub fn new(config: SigningConfig, trust: Trust, tokens: TokenSource) -> Result<Self, KeylessError> {
        if trust.roots().is_empty() {
            return Err(KeylessError::TrustMissing);
        }
        Ok(Self { config, trust, tokens, client: client(Self::PATIENCE), patience: Self::PATIENCE })
    }

    /// Chooses how long signing may take, in place of [`Keyless::PATIENCE`].
    #[must_use]
    pub fn within(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self.client = client(patience);
        self
    }

    /// Returns the variable that the token comes from, if it comes from one.
    #[must_use]
    pub fn token_variable(&self) -> Option<&str> {
        self.tokens.token_variable()
    }

    /// Refuses what can be seen not to sign without asking anybody: before work that takes long, and that a signature is for.
    ///
    /// # Errors
    /// [`KeylessError`] if no service can be used at that time, or the source of tokens has none, or one that has expired.
    pub fn check(&self, at: Time) -> Result<(), KeylessError> {
        self.config.services(at)?;
        Ok(self.tokens.check(at)?)
    }

    /// Gets a token and, for a fresh key, a certificate. `at` is the time that it is; afterwards only its passing counts.
    ///
    /// # Errors
    /// [`KeylessError`] if no service can be used at that time, nobody gives a token that holds, or the authority gives no
    /// certificate, or one that no trust root could vouch for: nothing has been signed or logged by then, but the authority
    /// has its certificates published by certificate logs.
    pub fn begin(&self, at: Time) -> Result<Session<'_>, KeylessError> {
        let begun = Instant::now();
        let deadline = begun + self.patience;
        let services = self.config.services(at)?;
        let key = LocalKey::generate(KeyType::P256).map_err(KeylessError::Key)?;
        let token = self.tokens.fetch(&self.client, deadline)?.unexpired(at)?;
        let address = fulcio::place(&services.authority);
        let body = fulcio::request(&key, &token)?;
        let answer = self.client.ask(&fulcio::ask(&address, &body), deadline);
        let answer = answer.map_err(|trouble| KeylessError::trouble(Service::Authority, &address, &trouble, self.patience))?;
        let certificate = fulcio::issued(&answer, &address, &key)?;
        let session =
            Session { keyless: self, services, key, certificate, at, begun, deadline, made: AtomicU32::new(0), unheard: AtomicU32::new(0) };
        session.vouched(|root, at| root.could_vouch_for(&session.certificate.der, at))?;
        Ok(session)
    }
}

impl fmt::Debug for Keyless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyless").field("config", &self.config).field("trust", &self.trust).finish_non_exhaustive()
    }
}

/// One certificate, and what it signs before [`Keyless::PATIENCE`] is over.
pub struct Session<'a> {
    keyless: &'a Keyless,
    services: Services,
    key: LocalKey,
    certificate: Certificate,
    at: Time,
    begun: Instant,
    deadline: Instant,
    made: AtomicU32,
    unheard: AtomicU32,
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
        Entries { certificate: true, made: self.made.load(Ordering::SeqCst), unheard: self.unheard.load(Ordering::SeqCst) }
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
        self.could_be_verified(&statement.map_err(|error| KeylessError::Bundle { error: error.into(), entries: self.entries() })?)?;
        let signed = self.signed(Content::Statement(payload))?;
        self.bundle(&signed, &self.witnesses_of(&signed)?)
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
        statements.iter().try_for_each(|statement| self.could_be_verified(statement))?;
        let payloads: Vec<_> = statements.iter().map(Statement::to_bytes).collect();
        let signed = payloads.iter().map(|payload| self.signed(Content::Statement(payload))).collect::<Result<Vec<_>, _>>()?;
        let witnesses = self.witnesses(&signed)?;
        signed.iter().zip(&witnesses).map(|(signed, witnesses)| self.bundle(signed, witnesses)).collect()
    }

    /// Signs an artifact itself, and returns the bytes of a verified bundle. Such a bundle is no evidence: it says only
    /// that somebody signed.
    ///
    /// # Errors
    /// As [`Session::attest_all`].
    pub fn sign_artifact(&self, artifact: &[u8]) -> Result<Vec<u8>, KeylessError> {
        let signed = self.signed(Content::Artifact(artifact))?;
        let bytes = self.written(&signed, &self.witnesses_of(&signed)?).canonical();
        let bundle = MessageBundle::parse(&bytes).map_err(|error| KeylessError::Bundle { error, entries: self.entries() })?;
        self.vouched(|root, at| verify::message_with_certificate(&bundle, Artifact::Bytes(artifact), root, at).map(drop))?;
        Ok(bytes)
    }

    /// Refuses before any log is asked what nobody could verify afterwards: an entry of Rekor v1 of a statement whose
    /// subjects have no digest that its verification begins with.
    fn could_be_verified(&self, statement: &Statement) -> Result<(), KeylessError> {
        let has_hash = statement
            .subject
            .iter()
            .any(|subject| [Algorithm::Sha256, Algorithm::Sha512].iter().any(|algorithm| subject.digest.get(*algorithm).is_some()));
        let first = self.services.logs.iter().find(|(_, generation)| *generation == Generation::First);
        match first {
            Some((log, _)) if !has_hash => Err(KeylessError::SubjectDigest { address: log.to_string() }),
            _ => Ok(()),
        }
    }

    /// Makes the bundle of a statement, and gives it out if it verifies.
    fn bundle(&self, signed: &Signed<'_>, witnesses: &[Witness]) -> Result<Bundle, KeylessError> {
        let bundle = Bundle::parse(&self.written(signed, witnesses).canonical());
        let bundle = bundle.map_err(|error| KeylessError::Bundle { error, entries: self.entries() })?;
        self.vouched(|root, at| verify::with_certificate(&bundle, root, at).map(drop))?;
        Ok(bundle)
    }

    fn signed<'c>(&self, content: Content<'c>) -> Result<Signed<'c>, KeylessError> {
        let bytes = content.signed_bytes();
        let signature = self.key.sign(&bytes).map_err(KeylessError::Key)?;
        Ok(Signed { content, signature, hash: *sigstore_crypto::sha256(&bytes).as_bytes() })
    }

    fn witnesses_of(&self, signed: &Signed<'_>) -> Result<Vec<Witness>, KeylessError> {
        Ok(self.witnesses(std::slice::from_ref(signed))?.into_iter().flatten().collect())
    }

    /// Asks every log and every timestamp authority about every signature, many at once, and the first signature's first.
    ///
    /// The first failure ends it: no further entry is made for what can't become whole.
    fn witnesses(&self, signed: &[Signed<'_>]) -> Result<Vec<Vec<Witness>>, KeylessError> {
        let logs = self.services.logs.iter().map(|(log, generation)| Asked::Log(log, *generation));
        let asked: Vec<_> = logs.chain(self.services.stamps.iter().map(Asked::Stamp)).collect();
        let questions: Vec<_> = (0..signed.len()).flat_map(|which| asked.iter().map(move |asked| (which, *asked))).collect();
        let answers: Mutex<Vec<(usize, usize, Witness)>> = Mutex::new(Vec::new());
        let failure: Mutex<Option<KeylessError>> = Mutex::new(None);
        let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
        let work = || {
            while !failed.load(Ordering::SeqCst) {
                let place = next.fetch_add(1, Ordering::SeqCst);
                let Some((which, asked)) = questions.get(place) else { break };
                let Some(signed) = signed.get(*which) else { break };
                match self.ask(*asked, signed) {
                    Ok(witness) => locked(&answers).push((*which, place, witness)),
                    Err(error) => {
                        failed.store(true, Ordering::SeqCst);
                        locked(&failure).get_or_insert(error);
                    }
                }
            }
        };
        thread::scope(|scope| {
            for _ in 1..questions.len().min(AT_ONCE) {
                // One that can't be started is missed by nobody: this thread works, too.
                let _ = thread::Builder::new().spawn_scoped(scope, work);
            }
            work();
        });
        if let Some(error) = locked(&failure).take() {
            return Err(error.leaving(self.entries()));
        }
        let mut answers = std::mem::take(&mut *locked(&answers));
        answers.sort_by_key(|(_, place, _)| *place);
        let mut witnesses: Vec<Vec<Witness>> = signed.iter().map(|_| Vec::new()).collect();
        for (which, _, witness) in answers {
            if let Some(witnesses) = witnesses.get_mut(which) {
                witnesses.push(witness);
            }
        }
        Ok(witnesses)
    }

    fn ask(&self, asked: Asked<'_>, signed: &Signed<'_>) -> Result<Witness, KeylessError> {
        let client = &self.keyless.client;
        let trouble =
            |service, address: &Address, trouble: &Trouble| KeylessError::trouble(service, address, trouble, self.keyless.patience);
        match asked {
            Asked::Log(log, generation) => {
                let address = rekor::place(log, generation);
                let body = rekor::request(generation, signed, &self.certificate.der);
                let answer = rekor::ask(client, &address, &body, self.deadline);
                let unheard = match &answer {
                    Ok(Answer { unheard, .. }) | Err(Trouble { unheard, .. }) => *unheard,
                };
                self.unheard.fetch_add(unheard, Ordering::SeqCst);
                let answer = answer.map_err(|error| trouble(Service::Log, &address, &error))?;
                if (200..300).contains(&answer.status) {
                    self.made.fetch_add(1, Ordering::SeqCst);
                }
                Ok(Witness::Entry(rekor::entered(generation, signed.content, &answer, &address)?))
            }
            Asked::Stamp(address) => {
                let body = timestamp::request(&signed.signature);
                let answer = client.ask(&timestamp::ask(address, &body), self.deadline);
                let answer = answer.map_err(|error| trouble(Service::Times, address, &error))?;
                Ok(Witness::Token(timestamp::stamped(answer, address)?))
            }
        }
    }

    /// Writes the bundle (sigstore_bundle.proto, v0.3).
    fn written(&self, signed: &Signed<'_>, witnesses: &[Witness]) -> Json {
        let entries: Vec<Json> = witnesses.iter().filter_map(Witness::entry).cloned().collect();
        let token = |token: &[u8]| object([("signedTimestamp", Json::from(STANDARD.encode(token)))]);
        let tokens: Vec<Json> = witnesses.iter().filter_map(Witness::token).map(token).collect();
        let mut material = Object::from([("certificate".to_owned(), fulcio::material(&self.certificate.der))]);
        if !entries.is_empty() {
            material.insert("tlogEntries".to_owned(), Json::Array(entries));
        }
        if !tokens.is_empty() {
            material.insert("timestampVerificationData".to_owned(), object([("rfc3161Timestamps", Json::Array(tokens))]));
        }
        let name = match signed.content {
            Content::Statement(_) => "dsseEnvelope",
            Content::Artifact(_) => "messageSignature",
        };
        object([("mediaType", Json::from(MEDIA_TYPE)), ("verificationMaterial", Json::Object(material)), (name, signed.json())])
    }

    /// Has the bundle verified under the trust roots, one of which must vouch for it.
    ///
    /// Witnesses may be ahead of our clock by as much as honest clocks differ; anybody with a right clock accepts them.
    fn vouched(&self, verify: impl Fn(&TrustRoot, Time) -> Result<(), Refusal>) -> Result<(), KeylessError> {
        let elapsed = Span::seconds(u32::try_from(self.begun.elapsed().as_secs()).unwrap_or(u32::MAX));
        let at = self.at.plus(elapsed).plus(Span::CLOCK_SKEW);
        let mut refused = None;
        for root in self.keyless.trust.roots() {
            match verify(root, at) {
                Ok(()) => return Ok(()),
                Err(refusal) => refused = Some(KeylessError::Unverifiable { refusal, entries: self.entries() }),
            }
        }
        Err(refused.unwrap_or(KeylessError::TrustMissing))
    }
}

impl fmt::Debug for Session<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("subject", &self.certificate.subject).finish_non_exhaustive()
    }
}

/// What is signed.
#[derive(Clone, Copy)]
enum Content<'a> {
    /// The bytes of a statement.
    Statement(&'a [u8]),
    /// An artifact itself.
    Artifact(&'a [u8]),
}

impl Content<'_> {
    fn signed_bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Statement(payload) => pae(PAYLOAD_TYPE, payload).into(),
            Self::Artifact(artifact) => (*artifact).into(),
        }
    }
}

/// What was signed, with its signature.
struct Signed<'a> {
    content: Content<'a>,
    signature: Vec<u8>,
    /// The SHA-256 of what was signed.
    hash: [u8; 32],
}

impl Signed<'_> {
    /// The content as a bundle holds it.
    fn json(&self) -> Json {
        let base64 = |bytes: &[u8]| Json::from(STANDARD.encode(bytes));
        match self.content {
            Content::Statement(payload) => object([
                ("payloadType", Json::from(PAYLOAD_TYPE)),
                ("payload", base64(payload)),
                ("signatures", Json::Array(vec![object([("sig", base64(&self.signature))])])),
            ]),
            Content::Artifact(_) => {
                let digest = object([("algorithm", Json::from("SHA2_256")), ("digest", base64(&self.hash))]);
                object([("messageDigest", digest), ("signature", base64(&self.signature))])
            }
        }
    }
}

/// Who is asked.
#[derive(Clone, Copy)]
enum Asked<'a> {
    Log(&'a Address, Generation),
    Stamp(&'a Address),
}

/// What shows that a signature existed.
enum Witness {
    Entry(Json),
    Token(Vec<u8>),
}

impl Witness {
    const fn entry(&self) -> Option<&Json> {
        if let Self::Entry(entry) = self { Some(entry) } else { None }
    }

    fn token(&self) -> Option<&[u8]> {
        if let Self::Token(token) = self { Some(token) } else { None }
    }
}

/// A service that doesn't answer in a quarter of the time is asked again.
fn client(patience: Duration) -> Client {
    Client::new(patience / 4)
}

fn object<const N: usize>(members: [(&str, Json); N]) -> Json {
    Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// A lock whose holder has panicked still holds what was put into it.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// Most questions that are open at once.
const AT_ONCE: usize = 16;
