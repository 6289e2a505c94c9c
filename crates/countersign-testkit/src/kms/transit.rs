//! The transit secrets engine of Vault and OpenBao, as much of its HTTP API as signers ask ("Read key", "Sign data").
//! It's mounted at `transit`, and at `teams/signing`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::identity::PublicKey;
use countersign::json::Json;
use countersign_sign::KeyType;

use super::{P384, RSA, Recorded, Shared, TOKEN, local, sha256, sha384, sign_digest};
use crate::authority::pem;
use crate::case::object;
use crate::http::Asked;
use crate::instance::Fault;

/// Answers one request.
pub(super) fn answer(shared: &Shared, namespace: Option<&str>, asked: &Asked, fault: Option<Fault>) -> (u16, Vec<u8>) {
    let head = String::from_utf8_lossy(&asked.head).to_ascii_lowercase();
    let says = |name: &str, value: &str| head.lines().any(|line| line == format!("{name}: {value}"));
    let is_let_in = says("x-vault-token", TOKEN) && says("x-vault-request", "true");
    let is_here = namespace.is_none_or(|namespace| says("x-vault-namespace", namespace));
    if !is_let_in || !is_here {
        return (403, format!("{{\"errors\":[\"permission denied\",\"{}\"]}}", head.replace(['"', '\r', '\n'], " ")).into_bytes());
    }
    let place = ["/v1/transit/", "/v1/teams/signing/"].iter().find_map(|engine| asked.path.strip_prefix(engine));
    let latest = shared.latest.load(std::sync::atomic::Ordering::SeqCst);
    let parts: Vec<_> = place.unwrap_or_default().split('/').collect();
    let data = match parts[..] {
        ["keys", key] if asked.body.is_empty() => read(key, latest),
        ["sign", key] => sign(key, "sha2-256", latest, &asked.body, fault),
        ["sign", key, hash] => sign(key, hash, latest, &asked.body, fault),
        _ => None,
    };
    match data {
        Some(data) => (200, object([("request_id", Json::from("1")), ("lease_duration", Json::Number(0.0)), ("data", data)]).canonical()),
        None => (404, b"{\"errors\":[]}".to_vec()),
    }
}

fn read(key: &str, latest: u32) -> Option<Json> {
    let recorded = |recorded: &Recorded| {
        let key = PublicKey::from_base64(recorded.key.trim()).expect("a key");
        Json::from(pem("PUBLIC KEY", key.der()))
    };
    let (kind, public): (&str, Box<dyn Fn(u32) -> Json>) = match key {
        "p256" => ("ecdsa-p256", Box::new(|version| Json::from(local(KeyType::P256, version).public_key_pem()))),
        // The bare key, as the documentation has it.
        "ed25519" => ("ed25519", Box::new(|version| Json::from(STANDARD.encode(&local(KeyType::Ed25519, version).public_key_der()[12..])))),
        "p384" => ("ecdsa-p384", Box::new(move |_| recorded(&P384))),
        "rsa" => ("rsa-2048", Box::new(move |_| recorded(&RSA))),
        "derived" => ("ed25519", Box::new(|_| Json::from(""))),
        "aes" => ("aes256-gcm96", Box::new(|_| Json::Null)),
        _ => return None,
    };
    let version = |version: u32| match public(version) {
        Json::Null => Json::Number(1_735_689_600.0),
        public => object([("name", Json::from(kind)), ("public_key", public), ("creation_time", Json::from("2025-01-01T00:00:00Z"))]),
    };
    let keys = (1..=latest).map(|number| (number.to_string(), version(number))).collect();
    let latest = Json::Number(f64::from(latest));
    Some(object([("type", Json::from(kind)), ("latest_version", latest), ("keys", Json::Object(keys))]))
}

fn sign(key: &str, hash: &str, latest: u32, body: &[u8], fault: Option<Fault>) -> Option<Json> {
    let body = Json::parse(body).ok()?;
    let asked = body.get("key_version").and_then(Json::as_integer).and_then(|version| u32::try_from(version).ok())?;
    let is_prehashed = body.get("prehashed") == Some(&Json::Bool(true));
    let input = STANDARD.decode(body.get("input").and_then(Json::as_str)?).ok()?;
    let input = if fault == Some(Fault::OfAnother) { input.iter().rev().copied().collect() } else { input };
    let (version, signing) = match (asked <= latest, fault) {
        (false, _) => return None,
        // It was rotated, and nobody heeds what was asked for.
        (_, Some(Fault::Unproved)) => (latest + 1, latest + 1),
        (_, Some(Fault::ByAnother)) => (asked, latest + 1),
        _ => (asked, asked),
    };
    let digest = |hashed: fn(&[u8]) -> Vec<u8>| if is_prehashed { input.clone() } else { hashed(&input) };
    let recorded =
        |recorded: &Recorded, hashed: fn(&[u8]) -> Vec<u8>| (digest(hashed) == hashed(&recorded.message())).then(|| recorded.signature());
    let signature = match (key, hash) {
        ("p256", "sha2-256") => sign_digest(&digest(sha256), signing),
        ("ed25519", _) if !is_prehashed => local(KeyType::Ed25519, signing).sign(&input).ok()?,
        ("p384", "sha2-384") => recorded(&P384, sha384)?,
        ("rsa", "sha2-256") if body.get("signature_algorithm").and_then(Json::as_str) == Some("pkcs1v15") => recorded(&RSA, sha256)?,
        _ => return None,
    };
    Some(object([("signature", Json::from(format!("vault:v{version}:{}", STANDARD.encode(signature))))]))
}
