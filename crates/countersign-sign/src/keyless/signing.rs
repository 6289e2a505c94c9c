//! The way from a signature to a bundle: logs and timestamp authorities are asked at once, what they give is put beside the
//! signature, and a trust root must vouch for the whole before it's given out.
//! Who signs, and by which key, is the affair of whoever asks.

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
use countersign::identity::{KeyType, PublicKey};
use countersign::json::{Json, Object};
use countersign::reason::Refusal;
use countersign::statement::{PAYLOAD_TYPE, Statement};
use countersign::time::{Span, Time};
use countersign::trust::{Trust, TrustRoot};
use countersign::verify;

use super::error::{Entries, KeylessError, Service};

use super::signing_config::{Generation, Services, SigningConfig};
use super::{fulcio, rekor, timestamp};
use crate::http::{Address, Answer, Client, Trouble};

/// An instance's services, and who must vouch for what they give.
pub(super) struct Instance {
    pub(super) config: SigningConfig,
    trust: Trust,
    pub(super) client: Client,
    pub(super) patience: Duration,
}

impl Instance {
    pub(super) fn new(config: SigningConfig, trust: Trust) -> Result<Self, KeylessError> {
        if trust.roots().is_empty() {
            return Err(KeylessError::TrustMissing);
        }
        Ok(Self { config, trust, client: client(PATIENCE), patience: PATIENCE })
    }

    pub(super) fn within(self, patience: Duration) -> Self {
        Self { patience, client: client(patience), ..self }
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance").field("config", &self.config).field("trust", &self.trust).finish_non_exhaustive()
    }
}

/// By what a signature is verified.
pub(super) enum By {
    /// A certificate, in DER.
    Certificate(Vec<u8>),
    Key(PublicKey),
}

/// What is signed by one key, from the first question to the last check.
pub(super) struct Signing<'a> {
    instance: &'a Instance,
    services: Services,
    by: By,
    at: Time,
    begun: Instant,
    deadline: Instant,
    made: AtomicU32,
    unheard: AtomicU32,
}

impl<'a> Signing<'a> {
    /// Begins; `at` is the time that it was at `begun`.
    pub(super) const fn new(instance: &'a Instance, services: Services, by: By, at: Time, begun: Instant, deadline: Instant) -> Self {
        Self { instance, services, by, at, begun, deadline, made: AtomicU32::new(0), unheard: AtomicU32::new(0) }
    }

    /// Returns what was left in logs so far.
    pub(super) fn entries(&self) -> Entries {
        let certificate = matches!(self.by, By::Certificate(_));
        Entries { certificate, made: self.made.load(Ordering::SeqCst), unheard: self.unheard.load(Ordering::SeqCst) }
    }

    /// Makes a bundle of each statement that was signed.
    pub(super) fn bundles(&self, signed: &[Signed<'_>]) -> Result<Vec<Bundle>, KeylessError> {
        let witnesses = self.witnesses(signed)?;
        signed.iter().zip(&witnesses).map(|(signed, witnesses)| self.verified(signed, witnesses)).collect()
    }

    /// Makes the bundle of a statement that was signed.
    pub(super) fn bundle(&self, signed: &Signed<'_>) -> Result<Bundle, KeylessError> {
        self.verified(signed, &self.witnesses_of(signed)?)
    }

    /// Makes the bundle of an artifact that was signed.
    pub(super) fn message_bundle(&self, signed: &Signed<'_>, artifact: &[u8]) -> Result<Vec<u8>, KeylessError> {
        let bytes = self.written(signed, &self.witnesses_of(signed)?).canonical();
        let bundle = MessageBundle::parse(&bytes).map_err(|error| KeylessError::Bundle { error, entries: self.entries() })?;
        self.vouched(|root, at| verify::message_with_certificate(&bundle, Artifact::Bytes(artifact), root, at).map(drop))?;
        Ok(bytes)
    }

    /// Refuses before any log is asked what nobody could verify afterwards: an entry of Rekor v1 of a statement whose
    /// subjects have no digest that its verification begins with, and entries of keys that aren't of P-256.
    pub(super) fn could_be_verified(&self, statement: &Statement) -> Result<(), KeylessError> {
        let unfit = |key: &&PublicKey| key.key_type() != KeyType::P256;
        let by_key = if let By::Key(key) = &self.by { Some(key) } else { None };
        if let (Some((log, _)), Some(_)) = (self.services.logs.first(), by_key.filter(unfit)) {
            return Err(KeylessError::KeyType { address: log.to_string() });
        }
        let has_hash = statement
            .subject
            .iter()
            .any(|subject| [Algorithm::Sha256, Algorithm::Sha512].iter().any(|algorithm| subject.digest.get(*algorithm).is_some()));
        let first = self.services.logs.iter().find(|(_, generation)| *generation == Generation::First);
        match first {
            Some((log, _)) if !has_hash => Err(KeylessError::SubjectDigest { address: log.to_string(), entries: self.entries() }),
            _ => Ok(()),
        }
    }

    /// Writes the bundle of a statement, and gives it out if it verifies.
    fn verified(&self, signed: &Signed<'_>, witnesses: &[Witness]) -> Result<Bundle, KeylessError> {
        let bundle = Bundle::parse(&self.written(signed, witnesses).canonical());
        let bundle = bundle.map_err(|error| KeylessError::Bundle { error, entries: self.entries() })?;
        match &self.by {
            By::Certificate(_) => self.vouched(|root, at| verify::with_certificate(&bundle, root, at).map(drop))?,
            By::Key(key) => self.witnessed(&bundle, key)?,
        }
        Ok(bundle)
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
        let client = &self.instance.client;
        let trouble =
            |service, address: &Address, trouble: &Trouble| KeylessError::trouble(service, address, trouble, self.instance.patience);
        match asked {
            Asked::Log(log, generation) => {
                let address = rekor::place(log, generation);
                let body = rekor::request(generation, signed, &self.by);
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
        let by = match &self.by {
            By::Certificate(certificate) => ("certificate", fulcio::material(certificate)),
            By::Key(key) => ("publicKey", object([("hint", Json::from(key.hint()))])),
        };
        let mut material = Object::from([(by.0.to_owned(), by.1)]);
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
    pub(super) fn vouched(&self, verify: impl Fn(&TrustRoot, Time) -> Result<(), Refusal>) -> Result<(), KeylessError> {
        let at = self.latest();
        let mut refused = None;
        for root in self.instance.trust.roots() {
            match verify(root, at) {
                Ok(()) => return Ok(()),
                Err(refusal) => refused = Some(self.unverifiable(refusal)),
            }
        }
        Err(refused.unwrap_or(KeylessError::TrustMissing))
    }

    /// Has the bundle of a key verified: a key needs no witness, so that they prove a time is a check of its own.
    fn witnessed(&self, bundle: &Bundle, key: &PublicKey) -> Result<(), KeylessError> {
        let verified = verify::with_witnessed_key(bundle, key, &self.instance.trust, self.latest());
        let verified = verified.map_err(|refusal| self.unverifiable(refusal))?;
        verified.first_witnessed().map(drop).map_err(|refusal| self.unverifiable(refusal))
    }

    fn unverifiable(&self, refusal: Refusal) -> KeylessError {
        KeylessError::Unverifiable { refusal, entries: self.entries() }
    }

    /// Returns the time until which witnesses are believed. They may be ahead of our clock by as much as honest clocks
    /// differ; anybody with a right clock accepts them.
    fn latest(&self) -> Time {
        self.at.plus(since(self.begun)).plus(Span::CLOCK_SKEW)
    }
}

/// What is signed.
#[derive(Clone, Copy)]
pub(super) enum Content<'a> {
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
pub(super) struct Signed<'a> {
    pub(super) content: Content<'a>,
    pub(super) signature: Vec<u8>,
    /// The SHA-256 of what was signed.
    pub(super) hash: [u8; 32],
}

impl<'a> Signed<'a> {
    pub(super) fn new(content: Content<'a>, sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, KeylessError>) -> Result<Self, KeylessError> {
        let bytes = content.signed_bytes();
        Ok(Self { signature: sign(&bytes)?, content, hash: *sigstore_crypto::sha256(&bytes).as_bytes() })
    }

    /// The content as a bundle holds it.
    pub(super) fn json(&self) -> Json {
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

pub(super) fn since(begun: Instant) -> Span {
    Span::seconds(u32::try_from(begun.elapsed().as_secs()).unwrap_or(u32::MAX))
}

pub(super) fn object<const N: usize>(members: [(&str, Json); N]) -> Json {
    Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// A lock whose holder has panicked still holds what was put into it.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// How long signing may take: a minute.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// Most questions that are open at once.
const AT_ONCE: usize = 16;
