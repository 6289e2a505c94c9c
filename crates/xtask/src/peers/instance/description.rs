//! What describes an instance to whoever signs with it and verifies: `trusted_root.json` and `signing_config.json`
//! (protobuf-specs, sigstore_trustroot.proto), of what its servers say of themselves.
//! Who starts the servers stands above.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::digest::Digest;
use countersign::json::Json;

/// Whom the instance consists of.
pub(super) struct Description {
    pub(super) authority: Chain,
    pub(super) issuer: String,
    pub(super) log: Log,
    /// The major version of the log's interface.
    pub(super) generation: u8,
    pub(super) certificate_log: Log,
    pub(super) times: Option<Chain>,
}

/// An authority by its certificates.
pub(super) struct Chain {
    url: String,
    certificates: Vec<String>,
}

impl Chain {
    /// Takes the certificates in PEM, from the lowest to the root.
    pub(super) fn new(url: &str, pem: &str) -> Self {
        Self { url: url.to_owned(), certificates: lines_between(pem, "CERTIFICATE") }
    }

    /// Returns the certificates in PEM again.
    pub(super) fn pem(&self) -> String {
        let each = |body: &String| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
        self.certificates.iter().map(each).collect()
    }

    fn json(&self) -> Json {
        let certificates = self.certificates.iter().map(|der| object([("rawBytes", text(der))])).collect();
        object([
            // sigstore-python wants both.
            ("subject", object([("commonName", text(OPERATOR)), ("organization", text(OPERATOR))])),
            ("uri", text(&self.url)),
            ("certChain", object([("certificates", Json::Array(certificates))])),
            ("validFor", window()),
        ])
    }
}

/// A log by its key.
pub(super) struct Log {
    url: String,
    key: String,
    details: &'static str,
    id: String,
}

impl Log {
    /// A log with a P-256 key, whose id is the key's hash (RFC 6962 §3.2).
    pub(super) fn p256(url: &str, pem: &[u8]) -> Result<Self, String> {
        let key = public_key(pem)?;
        Ok(Self { url: url.to_owned(), id: hash(&key), key: STANDARD.encode(key), details: "PKIX_ECDSA_P256_SHA_256" })
    }

    /// A log with an Ed25519 key, whose id is that of its checkpoints' key (C2SP signed-note) under its host's name.
    pub(super) fn ed25519(url: &str, host: &str, pem: &[u8]) -> Result<Self, String> {
        let key = public_key(pem)?;
        // SubjectPublicKeyInfo ends with the key itself (RFC 8410 §4).
        let own = key.get(key.len().saturating_sub(32)..).unwrap_or_default();
        let id = hash(&[host.as_bytes(), b"\n\x01", own].concat());
        Ok(Self { url: url.to_owned(), id, key: STANDARD.encode(key), details: "PKIX_ED25519" })
    }

    fn json(&self) -> Json {
        let key = [("rawBytes", text(&self.key)), ("keyDetails", text(self.details)), ("validFor", window())];
        object([
            ("baseUrl", text(&self.url)),
            ("hashAlgorithm", text("SHA2_256")),
            ("publicKey", object(key)),
            ("logId", object([("keyId", text(&self.id))])),
        ])
    }
}

impl Description {
    /// Writes down whom to believe.
    pub(super) fn trusted_root(&self) -> Vec<u8> {
        self.trusted_root_with(&self.certificate_log)
    }

    /// Writes down whom to believe, with another certificate log.
    pub(super) fn trusted_root_with(&self, certificate_log: &Log) -> Vec<u8> {
        object([
            ("mediaType", text("application/vnd.dev.sigstore.trustedroot+json;version=0.1")),
            ("tlogs", Json::Array(vec![self.log.json()])),
            ("ctlogs", Json::Array(vec![certificate_log.json()])),
            ("certificateAuthorities", Json::Array(vec![self.authority.json()])),
            ("timestampAuthorities", Json::Array(self.times.iter().map(Chain::json).collect())),
        ])
        .canonical()
    }

    /// Writes down whom to ask, each at the address that `reached` gives for its own.
    pub(super) fn signing_config(&self, reached: impl Fn(&str) -> String) -> Vec<u8> {
        let service = |url: &str, version: u8| {
            object([
                ("url", text(&reached(url))),
                ("majorApiVersion", Json::Number(f64::from(version))),
                ("validFor", window()),
                ("operator", text(OPERATOR)),
            ])
        };
        let any = || object([("selector", text("ANY"))]);
        let times: Vec<_> = self.times.iter().map(|times| service(&times.url, 1)).collect();
        let mut config = vec![
            ("mediaType", text("application/vnd.dev.sigstore.signingconfig.v0.2+json")),
            ("caUrls", Json::Array(vec![service(&self.authority.url, 1)])),
            ("oidcUrls", Json::Array(vec![service(&self.issuer, 1)])),
            ("rekorTlogUrls", Json::Array(vec![service(&self.log.url, self.generation)])),
            ("rekorTlogConfig", any()),
        ];
        if !times.is_empty() {
            config.extend([("tsaUrls", Json::Array(times)), ("tsaConfig", any())]);
        }
        Json::Object(config.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()).canonical()
    }
}

/// Reads what stands between a label's lines, without line ends.
pub(super) fn lines_between(pem: &str, label: &str) -> Vec<String> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    pem.split(&begin).skip(1).filter_map(|rest| rest.split(&end).next()).map(|text| text.split_whitespace().collect()).collect()
}

fn public_key(pem: &[u8]) -> Result<Vec<u8>, String> {
    let base64 = lines_between(&String::from_utf8_lossy(pem), "PUBLIC KEY").pop().ok_or("a key that isn't PEM")?;
    STANDARD.decode(&base64).map_err(|error| format!("a public key: {error}"))
}

fn hash(bytes: &[u8]) -> String {
    let digest = Digest::sha256(bytes);
    let digits = digest.hex().as_bytes().chunks(2).filter_map(|pair| u8::from_str_radix(&String::from_utf8_lossy(pair), 16).ok());
    STANDARD.encode(digits.collect::<Vec<_>>())
}

fn window() -> Json {
    object([("start", text("2025-01-01T00:00:00Z"))])
}

fn text(text: &str) -> Json {
    Json::from(text)
}

fn object<const N: usize>(members: [(&str, Json); N]) -> Json {
    Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

const OPERATOR: &str = "peers";
