//! The trust root that names an authority: `trusted_root.json` as Sigstore's clients read it.
//! What those named sign is made elsewhere.

use countersign::json::{Json, Object};

use super::Authority;
use super::draft::base64;
use super::rekor_v2::ORIGIN;
use crate::case::object;

impl Authority {
    /// Writes the trust root (protobuf-specs, sigstore_trustroot.proto).
    #[must_use]
    pub fn trusted_root(&self) -> Vec<u8> {
        self.trusted_root_without(&[])
    }

    /// Writes the trust root of an instance that lacks some of its kinds of authorities, by their names in the file.
    #[must_use]
    pub fn trusted_root_without(&self, lists: &[&str]) -> Vec<u8> {
        let chain = |certificates: &[&[u8]]| {
            let entries = certificates.iter().map(|certificate| object([("rawBytes", base64(certificate))])).collect();
            object([("certificates", Json::Array(entries))])
        };
        let who = |name: &str| object([("organization", Json::from("example.test")), ("commonName", Json::from(name))]);
        let signers = object([
            ("subject", who("signers")),
            ("uri", Json::from("https://fulcio.example.test")),
            ("certChain", chain(&self.certificates.chain())),
            ("validFor", since_start()),
        ]);
        let times = object([
            ("subject", who("times")),
            ("uri", Json::from("https://times.example.test")),
            ("certChain", chain(&self.times.chain())),
            ("validFor", since_start()),
        ]);
        let logs = vec![
            log("https://rekor.example.test", &self.rekor_v1.public_key_der(), P256, &self.rekor_v1.id()),
            log(&format!("https://{ORIGIN}"), &self.rekor_v2.key.public_key_der(), "PKIX_ED25519", &self.rekor_v2.id()),
        ];
        let mut root = Object::from_iter([
            ("mediaType".to_owned(), Json::from("application/vnd.dev.sigstore.trustedroot+json;version=0.1")),
            ("tlogs".to_owned(), Json::Array(logs)),
            ("certificateAuthorities".to_owned(), Json::Array(vec![signers])),
            (
                "ctlogs".to_owned(),
                Json::Array(vec![log(
                    "https://ct.example.test",
                    &self.certificate_log.key.public_key_der(),
                    P256,
                    &self.certificate_log.id(),
                )]),
            ),
            ("timestampAuthorities".to_owned(), Json::Array(vec![times])),
        ]);
        root.retain(|name, _| !lists.contains(&name.as_str()));
        Json::Object(root).canonical()
    }
}

fn log(url: &str, key: &[u8], details: &str, id: &[u8; 32]) -> Json {
    let key = object([("rawBytes", base64(key)), ("keyDetails", Json::from(details)), ("validFor", since_start())]);
    object([
        ("baseUrl", Json::from(url)),
        ("hashAlgorithm", Json::from("SHA2_256")),
        ("publicKey", key),
        ("logId", object([("keyId", base64(id))])),
    ])
}

fn since_start() -> Json {
    object([("start", Json::from(super::LIFETIME.0))])
}

const P256: &str = "PKIX_ECDSA_P256_SHA_256";
