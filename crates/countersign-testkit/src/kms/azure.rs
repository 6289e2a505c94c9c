//! Azure's Key Vault, as much of its HTTP API as signers ask ("Get Key", "Sign"), by TLS alone. Beside it those who give tokens for it:
//! Entra ID, by OAuth 2.0's client credentials with a secret or with somebody else's token, and the endpoint of an app's managed identity.

use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign::json::Json;

use super::Shared;
use super::keys::{self, Kind};
use super::tokens::{Form, Head, Tokens};
use crate::case::object;
use crate::http::Asked;
use crate::instance::Fault;

/// The secret of an application that may sign.
pub const CLIENT_SECRET: &str = "client-hunter2";
/// What a workload elsewhere is known by.
pub const FEDERATED_TOKEN: &str = "federated.hunter2.token";
/// What an app knows that runs with a managed identity.
pub const IDENTITY_HEADER: &str = "identity-hunter2";
/// Whose they are.
pub const CLIENT: &str = "client";
/// Where it's known.
pub const TENANT: &str = "tenant";

/// Returns true if that is where tokens are given.
pub(super) fn gives_token(path: &str) -> bool {
    path.starts_with("/tenant/oauth2/") || path.starts_with("/msi/token")
}

/// Answers one request.
pub(super) fn answer(shared: &Shared, tokens: &Tokens, asked: &Asked, is_private: bool, fault: Option<Fault>) -> (u16, Vec<u8>) {
    let text = String::from_utf8_lossy(&asked.head);
    let head = Head(&text);
    let here = format!("https://localhost:{}", shared.port);
    if gives_token(&asked.path) {
        return match is_entitled(&here, asked, &head, is_private) {
            true => {
                let token = [
                    ("token_type", Json::from("Bearer")),
                    ("expires_in", Json::Number(3599.0)),
                    // For managed identities it's a text.
                    ("expires_on", Json::from("4102444800")),
                    ("resource", Json::from(here)),
                    ("access_token", Json::from(tokens.give())),
                ];
                (200, object(token).canonical())
            }
            // Servers do repeat what they were sent.
            false => (401, [b"{\"error\":\"invalid_client\",\"error_description\":\"".as_slice(), &asked.body, b"\"}"].concat()),
        };
    }
    if !is_private || !head.bearer().is_some_and(|token| tokens.lets_in(token)) {
        return (
            401,
            format!("{{\"error\":{{\"code\":\"Unauthorized\",\"message\":\"{}\"}}}}", text.replace(['"', '\r', '\n'], " ")).into_bytes(),
        );
    }
    let latest = shared.latest.load(Ordering::SeqCst);
    let parts: Vec<_> = asked.path.strip_suffix("?api-version=7.4").unwrap_or_default().split('/').collect();
    let answer = match parts[..] {
        ["", "keys", key, ""] if asked.body.is_empty() => read(&here, key, latest, fault),
        ["", "keys", key, version] if asked.body.is_empty() => number(version, latest).and_then(|version| read(&here, key, version, fault)),
        ["", "keys", key, version, "sign"] => number(version, latest).and_then(|version| sign(&here, key, version, &asked.body, fault)),
        _ => None,
    };
    answer.map_or_else(|| (404, b"{\"error\":{\"code\":\"KeyNotFound\"}}".to_vec()), |answer| (200, answer.canonical()))
}

fn read(here: &str, key: &str, version: u32, fault: Option<Fault>) -> Option<Json> {
    let (kind, kty, crv) = known(key)?;
    let public = keys::public(kind, version);
    let encoded = |bytes: &[u8]| Json::from(URL_SAFE_NO_PAD.encode(bytes));
    let (kid, kty) = (("kid", Json::from(kid(here, key, version, fault))), ("kty", Json::from(kty)));
    let jwk = if kind == Kind::Rsa {
        // Of 2,048 bits all lie at the same places.
        object([kid, kty, ("n", encoded(&public[33..289])), ("e", encoded(&public[291..]))])
    } else {
        let length = if kind == Kind::P384 { 48 } else { 32 };
        let (x, y) = public[public.len() - 2 * length..].split_at(length);
        let y = if key.starts_with("beside") { y.iter().map(|byte| !byte).collect() } else { y.to_vec() };
        let x = if key == "short" { &x[1..] } else { x };
        object([kid, kty, ("crv", Json::from(crv)), ("x", encoded(x)), ("y", encoded(&y))])
    };
    let attributes = object([("enabled", Json::Bool(key != "disabled")), ("created", Json::Number(1_735_689_600.0))]);
    Some(object([("key", jwk), ("attributes", attributes)]))
}

fn sign(here: &str, key: &str, version: u32, body: &[u8], fault: Option<Fault>) -> Option<Json> {
    let (kind, _, _) = known(key)?;
    let body = Json::parse(body).ok()?;
    let algorithm = match kind {
        Kind::P256 => "ES256",
        Kind::P384 => "ES384",
        _ => "RS256",
    };
    let digest = URL_SAFE_NO_PAD.decode(body.get("value").and_then(Json::as_str)?).ok()?;
    let digest = if fault == Some(Fault::OfAnother) { digest.iter().rev().copied().collect() } else { digest };
    let signing = version + u32::from(matches!(fault, Some(Fault::ByAnother | Fault::Unproved)));
    let mut signature = match body.get("alg").and_then(Json::as_str) == Some(algorithm) {
        true => keys::sign_fixed(kind, signing, &digest)?,
        false => return None,
    };
    if fault == Some(Fault::Corrupted) {
        signature.pop();
    }
    Some(object([("kid", Json::from(kid(here, key, version, fault))), ("value", Json::from(URL_SAFE_NO_PAD.encode(signature)))]))
}

/// Returns what a key is, and how the service says so.
fn known(key: &str) -> Option<(Kind, &'static str, &'static str)> {
    Some(match key {
        "p256" | "disabled" | "beside" | "short" => (Kind::P256, "EC", "P-256"),
        "hsm" => (Kind::P256, "EC-HSM", "P-256"),
        "p384" | "beside384" => (Kind::P384, "EC", "P-384"),
        "rsa" => (Kind::Rsa, "RSA", ""),
        "p256k" => (Kind::P256, "EC", "P-256K"),
        "oct" => (Kind::P256, "oct-HSM", ""),
        _ => return None,
    })
}

fn kid(here: &str, key: &str, version: u32, fault: Option<Fault>) -> String {
    format!("{here}/keys/{key}/{:032x}", version + u32::from(fault == Some(Fault::Unproved)))
}

fn number(version: &str, latest: u32) -> Option<u32> {
    u32::from_str_radix(version, 16).ok().filter(|number| version.len() == 32 && *number <= latest)
}

/// Judges who asks for a token: it's for here, and asked for by whom it's meant for.
fn is_entitled(here: &str, asked: &Asked, head: &Head<'_>, is_private: bool) -> bool {
    if let Some(query) = asked.path.strip_prefix("/msi/token?") {
        let query = Form::read(query.as_bytes());
        let is_meant = query.says("resource", here) && query.says("api-version", "2019-08-01");
        return is_meant && head.value("metadata") == Some("true") && head.value("x-identity-header") == Some(IDENTITY_HEADER);
    }
    let form = Form::read(&asked.body);
    let is_workload = form.says("client_assertion", FEDERATED_TOKEN)
        && form.says("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    is_private
        && asked.path == format!("/{TENANT}/oauth2/v2.0/token")
        && form.says("grant_type", "client_credentials")
        && form.says("client_id", CLIENT)
        && form.says("scope", &format!("{here}/.default"))
        && (is_workload || form.says("client_secret", CLIENT_SECRET))
}
