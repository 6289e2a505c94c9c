//! AWS KMS, as much of its API as signers ask ("GetPublicKey", "Sign"), by its JSON protocol 1.1. Whether a request is signed rightly
//! isn't looked at; who asks is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::identity::PublicKey;
use countersign::json::Json;
use countersign_sign::KeyType;

use super::{P384, RSA, Recorded, Shared, TOKEN, local, sha256, sha384, sign_digest};
use crate::case::object;
use crate::http::Asked;
use crate::instance::Fault;

/// Answers one request.
pub(super) fn answer(shared: &Shared, asked: &Asked, fault: Option<Fault>) -> (u16, Vec<u8>) {
    let head = String::from_utf8_lossy(&asked.head).into_owned();
    let header = |name: &str| head.lines().filter_map(|line| line.split_once(": ")).find(|(said, _)| said.eq_ignore_ascii_case(name));
    let says = |name: &str, value: &str| header(name).is_some_and(|(_, said)| said.contains(value));
    if !says("authorization", "AWS4-HMAC-SHA256 Credential=AKIDTEST/") || !says("x-amz-security-token", TOKEN) {
        return refusal("UnrecognizedClientException", &head);
    }
    if !says("authorization", "/us-east-1/kms/aws4_request") {
        return refusal("SignatureDoesNotMatch", &head);
    }
    let Ok(body) = Json::parse(&asked.body) else { return refusal("SerializationException", &head) };
    let latest = shared.latest.load(std::sync::atomic::Ordering::SeqCst);
    let Some((key, version)) = body.get("KeyId").and_then(Json::as_str).and_then(|name| meant(name, latest)) else {
        return refusal("NotFoundException", &head);
    };
    let arn = ("KeyId", Json::from(format!("{ARN}{key:08x}-0000-0000-0000-{version:012x}")));
    let member = |name| body.get(name).and_then(Json::as_str).unwrap_or_default();
    match (KEYS.get(key).copied().unwrap_or_default(), header("x-amz-target").map(|(_, target)| target)) {
        ("denied", _) => refusal("AccessDeniedException", &head),
        ("disabled", _) => refusal("DisabledException", &head),
        ("aes", _) => refusal("UnsupportedOperationException", &head),
        (key, Some("TrentService.GetPublicKey")) => {
            let public = STANDARD.encode(public(key, version));
            (200, object([arn, ("PublicKey", Json::from(public)), ("KeyUsage", Json::from("SIGN_VERIFY"))]).canonical())
        }
        (key, Some("TrentService.Sign")) => {
            let input = STANDARD.decode(member("Message")).unwrap_or_default();
            match sign(key, version, latest, (member("SigningAlgorithm"), member("MessageType")), input, fault) {
                Some(signature) => (200, object([arn, ("Signature", Json::from(STANDARD.encode(signature)))]).canonical()),
                None => refusal("InvalidKeyUsageException", &head),
            }
        }
        _ => refusal("UnknownOperationException", &head),
    }
}

/// Returns the key and the version: an alias means the latest, and an ARN means itself.
fn meant(name: &str, latest: u32) -> Option<(usize, u32)> {
    if let Some(alias) = name.strip_prefix("alias/") {
        return Some((KEYS.iter().position(|key| *key == alias)?, latest));
    }
    let (key, rest) = name.strip_prefix(ARN)?.split_once("-0000-0000-0000-")?;
    Some((usize::from_str_radix(key, 16).ok()?, u32::from_str_radix(rest, 16).ok()?))
}

fn public(key: &str, version: u32) -> Vec<u8> {
    let recorded = |recorded: &Recorded| PublicKey::from_base64(recorded.key.trim()).expect("a key").der().to_vec();
    match key {
        "p384" => recorded(&P384),
        "rsa" => recorded(&RSA),
        "ed25519" => local(KeyType::Ed25519, version).public_key_der(),
        _ => local(KeyType::P256, version).public_key_der(),
    }
}

fn sign(key: &str, version: u32, latest: u32, how: (&str, &str), input: Vec<u8>, fault: Option<Fault>) -> Option<Vec<u8>> {
    let input = if fault == Some(Fault::OfAnother) { input.into_iter().rev().collect() } else { input };
    let version = if fault == Some(Fault::ByAnother) { latest + 1 } else { version };
    match (key, how) {
        ("p256", ("ECDSA_SHA_256", "DIGEST")) => Some(sign_digest(&input, version)),
        ("ed25519", ("ED25519_SHA_512", "RAW")) if input.len() <= 4_096 => local(KeyType::Ed25519, version).sign(&input).ok(),
        ("p384", ("ECDSA_SHA_384", "DIGEST")) => (input == sha384(&P384.message())).then(|| P384.signature()),
        ("rsa", ("RSASSA_PKCS1_V1_5_SHA_256", "DIGEST")) => (input == sha256(&RSA.message())).then(|| RSA.signature()),
        _ => None,
    }
}

/// Refuses, and repeats all that it was told.
fn refusal(code: &str, head: &str) -> (u16, Vec<u8>) {
    (400, object([("__type", Json::from(code)), ("message", Json::from(head))]).canonical())
}

const KEYS: [&str; 7] = ["p256", "ed25519", "p384", "rsa", "aes", "denied", "disabled"];
const ARN: &str = "arn:aws:kms:us-east-1:000000000000:key/";
