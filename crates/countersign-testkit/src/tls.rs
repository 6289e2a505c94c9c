//! TLS for servers of ours: a certificate for `localhost`, and who vouches for it. The keys are fixed, so that one file lets all be
//! believed; nothing else believes them.

use std::net::TcpStream;
use std::rc::Rc;
use std::sync::Arc;

use countersign::time::Time;
use countersign_sign::{KeyType, LocalKey};
use p256::SecretKey;
use p256::pkcs8::EncodePrivateKey as _;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::authority::{CertificateAuthority, Identity, Purpose, Subject, Validity, pem};
use crate::http::Stream;

/// What a server says of itself.
pub(crate) fn server() -> Arc<ServerConfig> {
    let key = LocalKey::dangerous_from_secret(KeyType::P256, &SECRET).expect("a scalar");
    let identity = Identity { subject: Subject::Dns("localhost".to_owned()), issuer: String::new(), claims: Vec::new() };
    let authority = authority();
    let leaf = authority.issue_with(&identity, &key.public_key_der(), validity(), &[]);
    let chain = [leaf, authority.chain()[0].to_vec()].map(CertificateDer::from).to_vec();
    let private = SecretKey::from_slice(&SECRET).expect("a scalar").to_pkcs8_der().expect("a key");
    let private = PrivatePkcs8KeyDer::from(private.as_bytes().to_vec()).into();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions of TLS");
    Arc::new(config.with_no_client_auth().with_single_cert(chain, private).expect("a certificate"))
}

/// Who vouches for it, in PEM.
pub(crate) fn root() -> String {
    pem("CERTIFICATE", authority().chain()[1])
}

/// Takes what begins as a handshake for one (RFC 8446 §5.1).
pub(crate) fn accepted(stream: TcpStream, config: &Arc<ServerConfig>) -> Result<StreamOwned<ServerConnection, TcpStream>, TcpStream> {
    let mut first = [0];
    match stream.peek(&mut first) {
        Ok(1) if first[0] == HANDSHAKE => Ok(StreamOwned::new(ServerConnection::new(Arc::clone(config)).expect("a connection"), stream)),
        _ => Err(stream),
    }
}

impl Stream for StreamOwned<ServerConnection, TcpStream> {
    fn tcp(&self) -> &TcpStream {
        &self.sock
    }
}

fn authority() -> CertificateAuthority {
    let key = |byte| LocalKey::dangerous_from_secret(KeyType::P256, &[byte; 32]).expect("a scalar");
    CertificateAuthority::new("servers", &key(0x71), Rc::new(key(0x72)), Purpose::Servers, validity())
}

/// As long as certificates of that form can hold (RFC 5280 §4.1.2.5), since it's the wall clock that judges them.
fn validity() -> Validity {
    let time = |text: &str| text.parse::<Time>().expect("a time");
    Validity { from: time("2025-01-01T00:00:00Z"), until: time("2049-12-31T00:00:00Z") }
}

const SECRET: [u8; 32] = [0x73; 32];
const HANDSHAKE: u8 = 22;
