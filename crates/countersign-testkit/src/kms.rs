//! Key management services on loopback, in this process: they speak the documented protocols, let in who shows what they ask for,
//! and really sign. One way to fail for each thing that can go wrong.
//! What each protocol is stands in the modules below.

mod aws;
mod azure;
mod google;
mod keys;
mod tokens;
mod transit;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::bundle::Bundle;
use countersign::envelope::pae;
use countersign::statement::PAYLOAD_TYPE;
use countersign_sign::{KeyType, LocalKey};
use p256::ecdsa::signature::hazmat::PrehashSigner as _;
use p256::ecdsa::{DerSignature, SigningKey};
use sha2::Digest as _;

use crate::http::{self, Asked, Stream, answer};
use crate::instance::Fault;
use crate::tls;

pub use azure::{CLIENT, CLIENT_SECRET, FEDERATED_TOKEN, IDENTITY_HEADER, TENANT};
pub use google::{Credential, WORKLOADS_TOKEN};

use tokens::Tokens;

/// A running service; it ends when it's dropped.
pub struct Kms {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// What lets everybody in. No error may repeat it.
pub const TOKEN: &str = "hvs.let-me-in-hunter2";

struct Shared {
    port: u16,
    protocol: Protocol,
    fault: Mutex<(Option<Fault>, u32)>,
    /// What goes wrong where tokens are given.
    tokens_fault: Mutex<(Option<Fault>, u32)>,
    asked: AtomicU32,
    /// The newest version of the keys that have several.
    latest: AtomicU32,
    ended: AtomicBool,
}

/// Whom a service speaks like.
enum Protocol {
    /// AWS KMS.
    Aws,
    /// Vault, in a namespace that every request must name.
    Transit(Option<&'static str>),
    /// Google's Cloud KMS, with whoever gives tokens.
    Google(Tokens),
    /// Azure's Key Vault, with whoever gives tokens.
    Azure(Tokens),
}

impl Kms {
    /// Starts a server like AWS KMS, with the aliases `p256`, `ed25519`, `p384`, `rsa`, `aes`, `denied` and `disabled`.
    #[must_use]
    pub fn aws() -> Self {
        Self::start(Protocol::Aws)
    }

    /// Starts the transit engine of a server like Vault, with the keys `p256`, `ed25519`, `p384`, `rsa`, `aes` and `derived`.
    #[must_use]
    pub fn transit() -> Self {
        Self::start(Protocol::Transit(None))
    }

    /// Starts it in a namespace that every request must name.
    #[must_use]
    pub fn transit_in(namespace: &'static str) -> Self {
        Self::start(Protocol::Transit(Some(namespace)))
    }

    /// Starts a service like Google's, with the keys `p256`, `p384`, `ed25519`, `rsa`, `pss`, `secp256k1`, `mislabelled` and `none` in
    /// `projects/p/locations/l/keyRings/r`, and those who give tokens for it: a metadata server, and others.
    #[must_use]
    pub fn google() -> Self {
        Self::start(Protocol::Google(Tokens::default()))
    }

    /// Starts a vault like Azure's, at `https://localhost:PORT`, with the keys `p256`, `hsm`, `p384`, `rsa`, and some that don't sign;
    /// and those who give tokens for it.
    #[must_use]
    pub fn azure() -> Self {
        Self::start(Protocol::Azure(Tokens::default()))
    }

    /// Returns a file with a credential, as Google's tools write it.
    #[must_use]
    pub fn credential(&self, kind: &Credential<'_>) -> String {
        google::file(kind, &self.url())
    }

    /// Gives a token to whoever asks us, as a login at another place does; Vault's is the one for all.
    #[must_use]
    pub fn token(&self) -> String {
        match &self.shared.protocol {
            Protocol::Aws | Protocol::Transit(_) => TOKEN.to_owned(),
            Protocol::Google(tokens) | Protocol::Azure(tokens) => tokens.give(),
        }
    }

    /// Lets no token in any more that was given until now.
    ///
    /// # Panics
    /// If another test has panicked with the lock in its hands.
    pub fn expire_tokens(&self) {
        if let Protocol::Google(tokens) | Protocol::Azure(tokens) = &self.shared.protocol {
            tokens.expire();
        }
    }

    fn start(protocol: Protocol) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a loopback address");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            port: address.port(),
            protocol,
            fault: Mutex::new((None, 0)),
            tokens_fault: Mutex::new((None, 0)),
            asked: AtomicU32::new(0),
            latest: AtomicU32::new(1),
            ended: AtomicBool::new(false),
        });
        let served = Arc::clone(&shared);
        let private = tls::server();
        thread::spawn(move || {
            for stream in listener.incoming() {
                if served.ended.load(Ordering::SeqCst) {
                    break;
                }
                let (shared, private) = (Arc::clone(&served), Arc::clone(&private));
                if let Ok(stream) = stream {
                    thread::spawn(move || match tls::accepted(stream, &private) {
                        Ok(mut stream) => shared.serve(&mut stream, true),
                        Err(mut stream) => shared.serve(&mut stream, false),
                    });
                }
            }
        });
        Self { address, shared }
    }

    /// Lets something go wrong so many times from now on, and then no more. A signature is [`Fault::OfAnother`] message,
    /// [`Fault::ByAnother`] key, or, [`Fault::Unproved`], by a newer version than was asked for.
    ///
    /// # Panics
    /// If another test has panicked with the lock in its hands.
    pub fn fail(&self, fault: Fault, times: u32) {
        *self.shared.fault.lock().expect("a lock") = (Some(fault), times);
    }

    /// Lets something go wrong so many times from now on where tokens are given.
    ///
    /// # Panics
    /// If another test has panicked with the lock in its hands.
    pub fn fail_tokens(&self, fault: Fault, times: u32) {
        *self.shared.tokens_fault.lock().expect("a lock") = (Some(fault), times);
    }

    /// Gives the keys a newer version, or the aliases another key.
    pub fn rotate(&self) {
        self.shared.latest.fetch_add(1, Ordering::SeqCst);
    }

    /// Returns how often it was asked.
    #[must_use]
    pub fn asked(&self) -> u32 {
        self.shared.asked.load(Ordering::SeqCst)
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Its host and port.
    #[must_use]
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Kms {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // Wakes the listener, so that it sees that it's over.
        let _ = TcpStream::connect(self.address);
    }
}

/// Who vouches for the certificates of services, in PEM.
#[must_use]
pub fn certificates() -> String {
    tls::root()
}

impl Shared {
    fn serve(&self, stream: &mut impl Stream, is_private: bool) {
        let Some(asked) = Asked::read(stream) else { return };
        self.asked.fetch_add(1, Ordering::SeqCst);
        let gives_token = match &self.protocol {
            Protocol::Aws | Protocol::Transit(_) => false,
            Protocol::Google(_) => google::gives_token(&asked.path),
            Protocol::Azure(_) => azure::gives_token(&asked.path),
        };
        let fault = take(if gives_token { &self.tokens_fault } else { &self.fault });
        match fault {
            Some(Fault::Hangs) => http::hang(stream, &self.ended),
            Some(Fault::Status(status)) => answer(stream, status, &[("retry-after", "0")], &[&asked.head, &asked.body[..]].concat()),
            Some(Fault::Redirects) => answer(stream, 307, &[("location", "/v1/elsewhere")], b""),
            Some(Fault::Nonsense) => answer(stream, 200, &[], b"{\"it\": [\"is\", \"something else\"]}"),
            Some(Fault::Floods) => http::flood(stream),
            fault => {
                let (status, body) = match &self.protocol {
                    Protocol::Aws => aws::answer(self, &asked, fault),
                    Protocol::Transit(namespace) => transit::answer(self, *namespace, &asked, fault),
                    Protocol::Google(tokens) => google::answer(self, tokens, &asked, fault),
                    Protocol::Azure(tokens) => azure::answer(self, tokens, &asked, is_private, fault),
                };
                match fault {
                    Some(Fault::CutOff) => http::cut_off(stream, status, &body),
                    _ => answer(stream, status, &[], &body),
                }
            }
        }
    }
}

/// Takes the next fault.
fn take(fault: &Mutex<(Option<Fault>, u32)>) -> Option<Fault> {
    let mut fault = fault.lock().expect("a lock");
    fault.1 = fault.1.checked_sub(1)?;
    fault.0
}

/// A key's private half in some version.
fn local(key_type: KeyType, version: u32) -> LocalKey {
    LocalKey::dangerous_from_secret(key_type, &secret(version)).expect("a scalar")
}

/// Signs a digest with the P-256 key in some version.
fn sign_digest(digest: &[u8], version: u32) -> Vec<u8> {
    let key = SigningKey::from_slice(&secret(version)).expect("a scalar");
    let signature: DerSignature = key.sign_prehash(digest).expect("a digest");
    signature.as_bytes().to_vec()
}

fn secret(version: u32) -> [u8; 32] {
    [0x40 + u8::try_from(version).expect("a small number"); 32]
}

/// A key of a kind that we can't sign with, and the one signature that openssl has made with it.
pub struct Recorded {
    /// The public half, as base64 of its DER.
    pub key: &'static str,
    bundle: &'static str,
}

impl Recorded {
    /// Returns what it has signed.
    ///
    /// # Panics
    /// If the file isn't what it was.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        pae(PAYLOAD_TYPE, Bundle::parse(self.bundle.as_bytes()).expect("a bundle").unverified_payload())
    }

    fn signature(&self) -> Vec<u8> {
        let bundle = countersign::json::Json::parse(self.bundle.as_bytes()).expect("JSON");
        let signature = bundle.pointer("/dsseEnvelope/signatures/0/sig").and_then(countersign::json::Json::as_str);
        STANDARD.decode(signature.expect("a signature")).expect("base64")
    }
}

/// P-384 with SHA-384.
pub const P384: Recorded =
    Recorded { key: include_str!("foreign/p384-sha384.pub"), bundle: include_str!("foreign/p384-sha384.sigstore.json") };
/// RSA, PKCS#1 v1.5, with SHA-256.
pub const RSA: Recorded = Recorded {
    key: include_str!("foreign/rsa-2048-pkcs1-sha256.pub"),
    bundle: include_str!("foreign/rsa-2048-pkcs1-sha256.sigstore.json"),
};

fn sha256(bytes: &[u8]) -> Vec<u8> {
    sha2::Sha256::digest(bytes).to_vec()
}

fn sha384(bytes: &[u8]) -> Vec<u8> {
    sha2::Sha384::digest(bytes).to_vec()
}
