//! The trust root that names an authority: `trusted_root.json` as Sigstore's clients read it.
//! What those named sign is made elsewhere.

use countersign::json::{Json, Object};

use super::Authority;
use super::certificate::Validity;
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
        let mut root = self.root(|_| since_start());
        root.retain(|name, _| !lists.contains(&name.as_str()));
        Json::Object(root).canonical()
    }

    /// Writes a trust root in which those of one kind, by its name in the file, hold at other times than the rest.
    #[must_use]
    pub fn trusted_root_where(&self, list: &str, hold: Validity) -> Vec<u8> {
        let window = || object([("start", Json::from(hold.from.to_string())), ("end", Json::from(hold.until.to_string()))]);
        Json::Object(self.root(|name| if name == list { window() } else { since_start() })).canonical()
    }

    fn root(&self, window: impl Fn(&str) -> Json) -> Object {
        let authority = |list: &str, name: &str, host: &str, chain: &[&[u8]]| {
            let who = object([("organization", Json::from("example.test")), ("commonName", Json::from(name))]);
            let chain = chain.iter().map(|certificate| object([("rawBytes", base64(certificate))])).collect();
            object([
                ("subject", who),
                ("uri", Json::from(format!("https://{host}"))),
                ("certChain", object([("certificates", Json::Array(chain))])),
                ("validFor", window(list)),
            ])
        };
        let log = |list: &str, host: &str, key: &[u8], details: &str, id: [u8; 32]| {
            let key = object([("rawBytes", base64(key)), ("keyDetails", Json::from(details)), ("validFor", window(list))]);
            object([
                ("baseUrl", Json::from(format!("https://{host}"))),
                ("hashAlgorithm", Json::from("SHA2_256")),
                ("publicKey", key),
                ("logId", object([("keyId", base64(&id))])),
            ])
        };
        let [signers, times] = ["certificateAuthorities", "timestampAuthorities"];
        let [logs, certificate_logs] = ["tlogs", "ctlogs"];
        let (v1, v2, of_certificates) = (&self.rekor_v1, &self.rekor_v2, &self.certificate_log);
        let members = [
            (signers, vec![authority(signers, "signers", "fulcio.example.test", &self.certificates.chain())]),
            (times, vec![authority(times, "times", "times.example.test", &self.times.chain())]),
            (
                logs,
                vec![
                    log(logs, "rekor.example.test", &v1.public_key_der(), P256, v1.id()),
                    log(logs, ORIGIN, &v2.key.public_key_der(), "PKIX_ED25519", v2.id()),
                ],
            ),
            (
                certificate_logs,
                vec![log(certificate_logs, "ct.example.test", &of_certificates.key.public_key_der(), P256, of_certificates.id())],
            ),
        ];
        let media_type = Json::from("application/vnd.dev.sigstore.trustedroot+json;version=0.1");
        let lists = members.into_iter().map(|(name, list)| (name.to_owned(), Json::Array(list)));
        lists.chain([("mediaType".to_owned(), media_type)]).collect()
    }
}

fn since_start() -> Json {
    object([("start", Json::from(super::LIFETIME.0))])
}

const P256: &str = "PKIX_ECDSA_P256_SHA_256";
