//! A Sigstore instance on loopback, in this process: the testkit's authority, asked by HTTP as signers ask Fulcio, Rekor
//! and timestamp authorities, and one way to fail for each thing that can go wrong. It reads the wall clock.
//! What the authority signs is made in `authority`; how people sign in stands in `sign_in`.

mod sign_in;

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::digest::{Digest, hex};
use countersign::json::Json;
use countersign::time::Time;

use crate::authority::{Authority, Draft, Entry, Identity, Material, Version, pem, signing_key, validity};
use crate::case::object;
use crate::http::{self, Asked, answer};
pub use sign_in::CODE;
use sign_in::{Answered, SignIns};

/// A running instance; it ends when it's dropped.
pub struct Instance {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// Who of the instance is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The certificate authority.
    Authority,
    /// The log of the first generation.
    FirstLog,
    /// The log of the second generation.
    SecondLog,
    /// The timestamp authority.
    Times,
    /// Who gives tokens, as GitHub Actions does.
    Tokens,
    /// Where the issuer says where it's found.
    Issuer,
    /// Where people sign in.
    SignIn,
    /// Where the code of who has signed in is traded for a token.
    Exchange,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It answers with that status, and repeats all that it was sent.
    Status(u16),
    /// It says nothing, and holds on.
    Hangs,
    /// It ends in the middle of its answer. What it was asked is done all the same.
    CutOff,
    /// It answers more than anybody reads.
    Floods,
    /// It sends the asker elsewhere: to its own token.
    Redirects,
    /// It answers something that isn't what was asked for, with status 200.
    Nonsense,
    /// Its answer is for somebody else: another key's certificate, another signature's entry or timestamp.
    OfAnother,
    /// Its answer is signed by somebody of the same name whom nobody trusts.
    ByAnother,
    /// What must be proved beside the answer isn't: the certificate log's promise, or the log's proof.
    Unproved,
    /// Whoever should sign in doesn't want to.
    Denied,
    /// Its token has ended when it's given.
    Aged,
    /// A checksum beside its answer isn't the answer's.
    Corrupted,
    /// It doesn't say that what it was sent arrived as it was.
    Unconfirmed,
}

struct Shared {
    faults: Mutex<Vec<(Place, Fault, u32)>>,
    asked: [AtomicU32; 8],
    issuer: String,
    sign_ins: SignIns,
    /// Entries that a log has taken in, by what was sent.
    taken: Mutex<BTreeSet<Vec<u8>>>,
    ended: AtomicBool,
}

impl Instance {
    /// Starts an instance in which nothing goes wrong.
    ///
    /// # Panics
    /// If the machine has no loopback address to listen on.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a loopback address");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            faults: Mutex::new(Vec::new()),
            asked: Default::default(),
            issuer: format!("http://{address}/auth"),
            sign_ins: SignIns::default(),
            taken: Mutex::new(BTreeSet::new()),
            ended: AtomicBool::new(false),
        });
        let served = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if served.ended.load(Ordering::SeqCst) {
                    break;
                }
                let shared = Arc::clone(&served);
                if let Ok(stream) = stream {
                    thread::spawn(move || shared.serve(stream));
                }
            }
        });
        Self { address, shared }
    }

    /// Lets something go wrong so many times, and then no more.
    ///
    /// # Panics
    /// If another test has panicked with the lock in its hands.
    #[must_use]
    pub fn failing(self, place: Place, fault: Fault, times: u32) -> Self {
        self.shared.faults.lock().expect("a lock").push((place, fault, times));
        self
    }

    /// Returns how often somebody was asked.
    #[must_use]
    pub fn asked(&self, place: Place) -> u32 {
        self.shared.asked[place as usize].load(Ordering::SeqCst)
    }

    /// Returns how many different entries the logs have taken in.
    ///
    /// # Panics
    /// If another test has panicked with the lock in its hands.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.shared.taken.lock().expect("a lock").len()
    }

    /// The address of everybody.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The signing configuration that names the instance's services: logs of these places, and the timestamp authority
    /// if it's among them.
    #[must_use]
    pub fn signing_config(&self, witnesses: &[Place]) -> Vec<u8> {
        let service = |place: Place| {
            let (path, version) = match place {
                Place::SecondLog => ("", 2),
                Place::Times => ("/api/v1/timestamp", 1),
                Place::Issuer => ("/auth", 1),
                _ => ("", 1),
            };
            object([
                ("url", Json::from(format!("{}{path}", self.url()))),
                ("majorApiVersion", Json::Number(f64::from(version))),
                ("validFor", object([("start", Json::from("2025-01-01T00:00:00Z"))])),
                // Of each operator one is taken, so that both logs are used where both are named.
                ("operator", Json::from(format!("{place:?}"))),
            ])
        };
        let list = |places: &[Place]| Json::Array(witnesses.iter().filter(|place| places.contains(place)).map(|p| service(*p)).collect());
        let all = || object([("selector", Json::from("ALL"))]);
        object([
            ("mediaType", Json::from("application/vnd.dev.sigstore.signingconfig.v0.2+json")),
            ("caUrls", Json::Array(vec![service(Place::Authority)])),
            ("oidcUrls", Json::Array(vec![service(Place::Issuer)])),
            ("rekorTlogUrls", list(&[Place::FirstLog, Place::SecondLog])),
            ("rekorTlogConfig", all()),
            ("tsaUrls", list(&[Place::Times])),
            ("tsaConfig", all()),
        ])
        .canonical()
    }

    /// The trust root that names the instance.
    #[must_use]
    pub fn trusted_root(&self) -> Vec<u8> {
        Authority::new().trusted_root()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // Wakes the listener, so that it sees that it's over.
        let _ = TcpStream::connect(self.address);
    }
}

/// Whom every certificate of the instance names.
#[must_use]
pub fn signer() -> Identity {
    Identity::person("signer@example.test")
}

/// A token as somebody's would look; nobody here reads it.
pub const TOKEN: &str = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJzaWduZXJAZXhhbXBsZS50ZXN0In0.c2VjcmV0LXNpZ25hdHVyZQ";

/// What a job shows to get a token.
pub const BEARER: &str = "let-me-in";

impl Shared {
    fn serve(&self, mut stream: TcpStream) {
        let Some(asked) = Asked::read(&mut stream) else { return };
        let place = match asked.path.as_str() {
            "/api/v2/signingCert" => Place::Authority,
            path if path.starts_with("/api/v1/log/entries") => Place::FirstLog,
            "/api/v2/log/entries" => Place::SecondLog,
            "/api/v1/timestamp" => Place::Times,
            path if path.starts_with("/token") => Place::Tokens,
            "/auth/.well-known/openid-configuration" => Place::Issuer,
            "/auth/token" => Place::Exchange,
            path if path.starts_with("/auth/auth?") => Place::SignIn,
            _ => return answer(&mut stream, 404, &[], b""),
        };
        self.asked[place as usize].fetch_add(1, Ordering::SeqCst);
        let fault = self.fault(place);
        match fault {
            Some(Fault::Hangs) => http::hang(&mut stream, &self.ended),
            Some(Fault::Status(status)) => answer(&mut stream, status, &[("retry-after", "0")], &[&asked.head, &asked.body[..]].concat()),
            Some(Fault::Redirects) => answer(&mut stream, 307, &[("location", "/token/elsewhere")], b""),
            Some(Fault::Nonsense) => answer(&mut stream, 200, &[], b"{\"it\": [\"is\", \"something else\"]}"),
            Some(Fault::Floods) => http::flood(&mut stream),
            fault => {
                let answered = match place {
                    Place::Issuer => SignIns::describe(&self.issuer, fault),
                    Place::SignIn => self.sign_ins.sign_in(&self.issuer, &asked, fault),
                    Place::Exchange => self.sign_ins.exchange(&self.issuer, &asked, fault),
                    _ => {
                        let (status, body) = self.answer(place, &asked, fault);
                        Answered { status, location: None, body }
                    }
                };
                let Answered { status, location, body } = answered;
                match (fault, location) {
                    (Some(Fault::CutOff), _) => http::cut_off(&mut stream, status, &body),
                    (_, Some(location)) => answer(&mut stream, status, &[("location", &location)], &body),
                    _ if status == 409 && place == Place::FirstLog => {
                        answer(&mut stream, 409, &[("location", "/api/v1/log/entries/again")], b"")
                    }
                    _ => answer(&mut stream, status, &[], &body),
                }
            }
        }
    }

    /// Takes the next fault of a place.
    fn fault(&self, place: Place) -> Option<Fault> {
        let mut faults = self.faults.lock().expect("a lock");
        let (_, fault, left) = faults.iter_mut().find(|(known, _, left)| *known == place && *left > 0)?;
        *left -= 1;
        Some(*fault)
    }

    fn answer(&self, place: Place, asked: &Asked, fault: Option<Fault>) -> (u16, Vec<u8>) {
        let (good, another) = (Authority::new(), Authority::another());
        let by = if fault == Some(Fault::ByAnother) { &another } else { &good };
        let body = || Json::parse(&asked.body).expect("JSON");
        match place {
            Place::Tokens => {
                let head = String::from_utf8_lossy(&asked.head).to_ascii_lowercase();
                let is_let_in = head.contains(&format!("authorization: bearer {BEARER}")) && asked.path.contains("audience=sigstore");
                if is_let_in { (200, object([("value", Json::from(TOKEN))]).canonical()) } else { (403, Vec::new()) }
            }
            Place::Authority => {
                let body = body();
                let token = body.pointer("/credentials/oidcIdentityToken").and_then(Json::as_str).expect("a token");
                assert!(token == TOKEN || self.sign_ins.gave(token), "the token is sent as it was given");
                (201, certificate(&good, by, &body, fault))
            }
            Place::Times => {
                let imprint = &asked.body[asked.body.len() - HASH_FROM_END..][..32];
                let imprint = if fault == Some(Fault::OfAnother) { [7; 32].to_vec() } else { imprint.to_vec() };
                (201, by.times.stamp_hash(&imprint, now()))
            }
            Place::FirstLog if asked.body.is_empty() => {
                // What is sent to Rekor v2 begins otherwise.
                let taken =
                    self.taken.lock().expect("a lock").iter().find(|sent| sent.starts_with(b"{\"apiVersion\"")).cloned().expect("an entry");
                (200, first(by, &Json::parse(&taken).expect("JSON"), fault))
            }
            Place::FirstLog | Place::SecondLog => {
                let is_there = !self.taken.lock().expect("a lock").insert(asked.body.clone());
                match place {
                    // Rekor v1 says where the entry is; Rekor v2 says its number, and gives no proof.
                    _ if is_there => (409, Vec::new()),
                    Place::FirstLog => (201, first(by, &body(), fault)),
                    _ => (201, second(by, &body(), fault)),
                }
            }
            Place::Issuer | Place::SignIn | Place::Exchange => (404, Vec::new()),
        }
    }
}

/// Issues a certificate for the key of a certification request (RFC 2986).
fn certificate(good: &Authority, by: &Authority, asked: &Json, fault: Option<Fault>) -> Vec<u8> {
    let request = asked.get("certificateSigningRequest").and_then(Json::as_str).map(decoded).expect("a request");
    let request =
        decoded(String::from_utf8(request).expect("PEM").lines().filter(|line| !line.starts_with('-')).collect::<String>().as_str());
    // Behind the version and an empty name stands the key: 91 bytes for P-256.
    let start = request.windows(5).position(|bytes| bytes == [2, 1, 0, 0x30, 0]).expect("a request without a name") + 5;
    let key = match fault {
        Some(Fault::OfAnother) => signing_key().public_key_der(),
        _ => request[start..start + 91].to_vec(),
    };
    let validity = validity(now());
    let issued = match fault {
        Some(Fault::Unproved) => {
            let promise = good.certificate_log.promise(b"another body", &good.certificates.public_key_der(), validity.from);
            good.certificates.issue_with(&signer(), &key, validity, &[promise])
        }
        _ => by.certificates.issue(&signer(), &key, validity, &good.certificate_log),
    };
    let chain = object([("certificates", Json::Array(vec![Json::from(pem("CERTIFICATE", &issued))]))]);
    object([("signedCertificateEmbeddedSct", object([("chain", chain)]))]).canonical()
}

/// Answers as Rekor v1 does.
fn first(by: &Authority, asked: &Json, fault: Option<Fault>) -> Vec<u8> {
    let text = |pointer: &str| asked.pointer(pointer).and_then(Json::as_str).map(str::to_owned);
    let pem = |text: String| String::from_utf8(decoded(&text)).expect("PEM");
    let der = |pem: &str| decoded(&pem.lines().filter(|line| !line.starts_with('-')).collect::<String>());
    let mut entry = if let Some(envelope) = text("/spec/proposedContent/envelope") {
        let envelope = Json::parse(envelope.as_bytes()).expect("JSON");
        let member = |pointer: &str| decoded(envelope.pointer(pointer).and_then(Json::as_str).expect("a member"));
        let verifier = pem(text("/spec/proposedContent/verifiers/0").expect("a verifier"));
        let is_key = verifier.starts_with("-----BEGIN PUBLIC KEY");
        let material = if is_key { Material::Key(der(&verifier)) } else { Material::Certificate(der(&verifier)) };
        let (payload, mut signature) = (member("/payload"), member("/signatures/0/sig"));
        if fault == Some(Fault::OfAnother) {
            signature = signing_key().sign(b"another message").expect("a signature");
        }
        by.rekor_v1.log_dsse(&Draft { version: Version::V03, material, payload, signature, entries: Vec::new(), tokens: Vec::new() }, now())
    } else {
        let hash = text("/spec/data/hash/value").expect("a hash");
        let verifier = pem(text("/spec/signature/publicKey/content").expect("a verifier"));
        by.rekor_v1.log_message(&hash, &decoded(&text("/spec/signature/content").expect("a signature")), &verifier, now())
    };
    unproved(&mut entry, fault);
    let proof = entry.proof.as_ref().expect("a proof");
    let number = |number: u64| Json::Number(number as f64);
    let proof = object([
        ("checkpoint", Json::from(proof.checkpoint.as_str())),
        ("hashes", Json::Array(proof.hashes.iter().map(|hash| Json::from(hex(hash))).collect())),
        ("logIndex", number(proof.index)),
        ("rootHash", Json::from(hex(&proof.root))),
        ("treeSize", number(proof.size)),
    ]);
    let promise = Json::from(STANDARD.encode(entry.promise.as_ref().expect("a promise")));
    let made = object([
        ("body", Json::from(STANDARD.encode(&entry.body))),
        ("integratedTime", Json::Number(entry.integrated_at.expect("a time").unix_seconds() as f64)),
        ("logID", Json::from(hex(&entry.log_id))),
        ("logIndex", number(entry.index)),
        ("verification", object([("inclusionProof", proof), ("signedEntryTimestamp", promise)])),
    ]);
    object([(Digest::sha256(&entry.body).hex(), made)]).canonical()
}

/// Answers as Rekor v2 does, which writes out what is empty.
fn second(by: &Authority, asked: &Json, fault: Option<Fault>) -> Vec<u8> {
    let member = |pointer: &str| decoded(asked.pointer(pointer).and_then(Json::as_str).expect("a member"));
    let verifier = "/hashedRekordRequestV002/signature/verifier";
    let material = if asked.pointer(&format!("{verifier}/publicKey")).is_some() {
        Material::Key(member(&format!("{verifier}/publicKey/rawBytes")))
    } else {
        Material::Certificate(member(&format!("{verifier}/x509Certificate/rawBytes")))
    };
    let (hash, mut signature) = (member("/hashedRekordRequestV002/digest"), member("/hashedRekordRequestV002/signature/content"));
    if fault == Some(Fault::OfAnother) {
        signature = signing_key().sign(b"another message").expect("a signature");
    }
    let mut entry = by.rekor_v2.log_hash(&hash, &signature, &material, &["one", "another"], 2);
    unproved(&mut entry, fault);
    let Json::Object(mut json) = entry.json() else { panic!("an object") };
    json.insert("integratedTime".to_owned(), Json::from("0"));
    json.insert("inclusionPromise".to_owned(), Json::Null);
    Json::Object(json).canonical()
}

fn unproved(entry: &mut Entry, fault: Option<Fault>) {
    if fault == Some(Fault::Unproved) {
        entry.proof.as_mut().expect("a proof").hashes[0][0] ^= 1;
    }
}

fn decoded(text: &str) -> Vec<u8> {
    STANDARD.decode(text).expect("base64")
}

/// The wall clock: an instance is asked by programs that read it, too.
fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970");
    Time::from_unix(i64::try_from(since.as_secs()).expect("a time")).expect("a time")
}

/// A request ends with the hash, and the wish for the certificate in three bytes (RFC 3161 §2.4.1).
const HASH_FROM_END: usize = 32 + 3;
