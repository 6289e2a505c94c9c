//! Google's Cloud KMS, as much of its HTTP API (v1) as signers ask: versions of a key, a public half, a signature. Beside it those who
//! give tokens: the metadata server of a machine, OAuth 2.0 for people, and the security token service for workloads of others.
//! A service account gives itself one, a JWT that it signs (RFC 7523), which is verified here as Google does.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use countersign::identity::PublicKey;
use countersign::json::Json;
use countersign::verify;

use super::Shared;
use super::keys::{self, Kind};
use super::tokens::{Form, Head, Tokens};
use crate::authority::pem;
use crate::case::object;
use crate::http::Asked;
use crate::instance::Fault;

/// A credential that Google's tools write into a file.
pub enum Credential<'a> {
    /// A service account's own key.
    ServiceAccount,
    /// The key of a service account that the service doesn't know.
    UnknownServiceAccount,
    /// A person who has logged in.
    Person,
    /// A workload elsewhere, whose own token lies in a file.
    Workload(&'a Path),
}

/// What a workload elsewhere is known by.
pub const WORKLOADS_TOKEN: &str = "workload-hunter2";

/// Returns a file with a credential.
pub(super) fn file(kind: &Credential<'_>, url: &str) -> String {
    let account = |key: u32| {
        object([
            ("type", Json::from("service_account")),
            ("project_id", Json::from("p")),
            ("private_key_id", Json::from(KEY_ID)),
            ("private_key", Json::from(pem("PRIVATE KEY", &keys::private(Kind::Rsa, key)))),
            ("client_email", Json::from(ACCOUNT)),
            ("token_uri", Json::from("https://oauth2.googleapis.com/token")),
            ("universe_domain", Json::from("googleapis.com")),
        ])
    };
    let file = match kind {
        Credential::ServiceAccount => account(ACCOUNTS_KEY),
        Credential::UnknownServiceAccount => account(ACCOUNTS_KEY + 1),
        Credential::Person => object([
            ("type", Json::from("authorized_user")),
            ("client_id", Json::from("client")),
            ("client_secret", Json::from("client-hunter2")),
            ("refresh_token", Json::from("refresh-hunter2")),
            ("quota_project_id", Json::from("p")),
            ("token_uri", Json::from(format!("{url}/token"))),
        ]),
        Credential::Workload(path) => object([
            ("type", Json::from("external_account")),
            ("audience", Json::from(AUDIENCE)),
            ("subject_token_type", Json::from(JWT)),
            ("token_url", Json::from(format!("{url}/v1/token"))),
            ("credential_source", object([("file", Json::from(path.display().to_string()))])),
        ]),
    };
    String::from_utf8(file.canonical()).expect("JSON")
}

/// Returns true if that is where tokens are given.
pub(super) fn gives_token(path: &str) -> bool {
    path.starts_with(METADATA) || matches!(path, "/token" | "/v1/token")
}

/// Answers one request.
pub(super) fn answer(shared: &Shared, tokens: &Tokens, asked: &Asked, fault: Option<Fault>) -> (u16, Vec<u8>) {
    let text = String::from_utf8_lossy(&asked.head);
    let head = Head(&text);
    if gives_token(&asked.path) {
        return match is_entitled(&asked.path, &head, &asked.body) {
            true => {
                let answer = [
                    ("access_token", Json::from(tokens.give())),
                    ("expires_in", Json::Number(3599.0)),
                    ("token_type", Json::from("Bearer")),
                    ("issued_token_type", Json::from("urn:ietf:params:oauth:token-type:access_token")),
                ];
                (200, object(answer).canonical())
            }
            // Servers do repeat what they were sent.
            false => (400, [b"{\"error\":\"invalid_grant\",\"error_description\":\"".as_slice(), &asked.body, b"\"}"].concat()),
        };
    }
    if !lets_in(tokens, &head) {
        return (401, format!("{{\"error\":{{\"code\":401,\"message\":\"{}\"}}}}", text.replace(['"', '\r', '\n'], " ")).into_bytes());
    }
    let latest = shared.latest.load(Ordering::SeqCst);
    let answered = asked.path.strip_prefix(RING).and_then(|place| {
        let (key, place) = place.split_once("/cryptoKeyVersions")?;
        match place.strip_prefix('/') {
            None => list(key, place, latest),
            Some(place) => match place.split_once([':', '/'])? {
                (version, "publicKey") if asked.body.is_empty() => read(key, version.parse().ok()?, latest, fault),
                (version, "asymmetricSign") => sign(key, version.parse().ok()?, latest, &asked.body, fault),
                _ => None,
            },
        }
    });
    let missing = || (404, b"{\"error\":{\"code\":404,\"status\":\"NOT_FOUND\"}}".to_vec());
    answered.map_or_else(missing, |(status, answer)| (status, answer.canonical()))
}

/// Lists what is enabled, by name, as texts are ordered.
fn list(key: &str, query: &str, latest: u32) -> Option<(u16, Json)> {
    algorithm(key)?;
    if query != "?filter=state%3DENABLED&pageSize=1000" {
        return None;
    }
    let mut names: Vec<_> = if key == "none" { Vec::new() } else { (1..=latest).map(|version| name(key, version)).collect() };
    names.sort();
    names.reverse();
    let version = |name: &String| object([("name", Json::from(name.as_str())), ("state", Json::from("ENABLED"))]);
    Some((200, object([("cryptoKeyVersions", Json::Array(names.iter().map(version).collect()))])))
}

fn read(key: &str, version: u32, latest: u32, fault: Option<Fault>) -> Option<(u16, Json)> {
    let (kind, algorithm) = algorithm(key).filter(|_| version <= latest)?;
    let told = pem("PUBLIC KEY", &keys::public(kind, version));
    let sum = u64::from(crc32c(told.as_bytes())) + u64::from(fault == Some(Fault::Corrupted));
    let answer = [
        ("pem", Json::from(told)),
        ("algorithm", Json::from(algorithm)),
        ("pemCrc32c", Json::from(sum.to_string())),
        ("name", Json::from(name(key, version + u32::from(fault == Some(Fault::Unproved))))),
        ("protectionLevel", Json::from("HSM")),
    ];
    Some((200, object(answer)))
}

fn sign(key: &str, version: u32, latest: u32, body: &[u8], fault: Option<Fault>) -> Option<(u16, Json)> {
    let (kind, algorithm) = algorithm(key).filter(|_| version <= latest)?;
    let body = Json::parse(body).ok()?;
    let (field, sum, heard) = match kind {
        Kind::Ed25519 => ("/data", "dataCrc32c", "verifiedDataCrc32c"),
        Kind::P384 => ("/digest/sha384", "digestCrc32c", "verifiedDigestCrc32c"),
        Kind::P256 | Kind::Rsa => ("/digest/sha256", "digestCrc32c", "verifiedDigestCrc32c"),
    };
    let sent = STANDARD.decode(body.pointer(field).and_then(Json::as_str)?).ok()?;
    if body.get(sum).and_then(Json::as_str) != Some(&crc32c(&sent).to_string()) {
        return Some((400, object([("error", Json::from("INVALID_ARGUMENT"))])));
    }
    let sent = if fault == Some(Fault::OfAnother) { sent.iter().rev().copied().collect() } else { sent };
    let (told, signing) = match fault {
        Some(Fault::Unproved) => (version + 1, version + 1),
        Some(Fault::ByAnother) => (version, version + 1),
        _ => (version, version),
    };
    let signature = match algorithm {
        "EC_SIGN_ED25519" => keys::sign_message(signing, &sent)?,
        "RSA_SIGN_PSS_2048_SHA256" => keys::sign_pss(signing, &sent)?,
        _ => keys::sign_digest(kind, signing, &sent)?,
    };
    let sum = u64::from(crc32c(&signature)) + u64::from(fault == Some(Fault::Corrupted));
    let answer = [
        ("signature", Json::from(STANDARD.encode(&signature))),
        ("signatureCrc32c", Json::from(sum.to_string())),
        (heard, Json::Bool(fault != Some(Fault::Unconfirmed))),
        ("name", Json::from(name(key, told))),
        ("protectionLevel", Json::from("HSM")),
    ];
    Some((200, object(answer)))
}

/// Returns what a key is, and by which algorithm the service says that it signs.
fn algorithm(key: &str) -> Option<(Kind, &'static str)> {
    Some(match key {
        "p256" | "none" => (Kind::P256, "EC_SIGN_P256_SHA256"),
        "p384" => (Kind::P384, "EC_SIGN_P384_SHA384"),
        "ed25519" => (Kind::Ed25519, "EC_SIGN_ED25519"),
        "rsa" => (Kind::Rsa, "RSA_SIGN_PKCS1_2048_SHA256"),
        "pss" => (Kind::Rsa, "RSA_SIGN_PSS_2048_SHA256"),
        "secp256k1" => (Kind::P256, "EC_SIGN_SECP256K1_SHA256"),
        "mislabelled" => (Kind::P384, "EC_SIGN_P256_SHA256"),
        _ => return None,
    })
}

fn name(key: &str, version: u32) -> String {
    format!("{}{key}/cryptoKeyVersions/{version}", RING.strip_prefix("/v1/").expect("a place"))
}

/// Judges who asks for a token.
fn is_entitled(path: &str, head: &Head<'_>, body: &[u8]) -> bool {
    let form = Form::read(body);
    let says = |name, value| form.says(name, value);
    match path {
        // A person's is JSON with Google's library, and a form with others.
        "/token" => Json::parse(body).is_ok_and(|json| {
            let says = |name: &str, value: &str| json.get(name).and_then(Json::as_str) == Some(value);
            says("grant_type", "refresh_token")
                && says("refresh_token", "refresh-hunter2")
                && says("client_id", "client")
                && says("client_secret", "client-hunter2")
        }),
        "/v1/token" => {
            says("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange")
                && says("audience", AUDIENCE)
                && says("subject_token_type", JWT)
                && says("subject_token", WORKLOADS_TOKEN)
                && says("scope", "https://www.googleapis.com/auth/cloud-platform")
        }
        // Nobody from outside can add that header to a request that somebody else makes.
        _ => head.value("metadata-flavor") == Some("Google"),
    }
}

fn lets_in(tokens: &Tokens, head: &Head<'_>) -> bool {
    match head.bearer() {
        Some(token) if token.starts_with("eyJ") => is_signed_by_the_account(token).is_some(),
        // Of people it asks who pays, too.
        Some(token) => tokens.lets_in(token) && head.value("x-goog-user-project").is_none_or(|project| project == "p"),
        None => false,
    }
}

/// Verifies a token that the service account has signed itself, and that it's for keys alone.
fn is_signed_by_the_account(token: &str) -> Option<()> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let part = |part: &str| Json::parse(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
    let (header, claims) = (part(header)?, part(claims)?);
    let is = |json: &Json, name: &str, value: &str| json.get(name).and_then(Json::as_str) == Some(value);
    let seconds = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()?;
    let (issued, end) = (claims.get("iat")?.as_integer()?, claims.get("exp")?.as_integer()?);
    let is_meant = is(&header, "alg", "RS256") && is(&header, "kid", KEY_ID) && is(&claims, "iss", ACCOUNT);
    let is_meant = is_meant && is(&claims, "scope", "https://www.googleapis.com/auth/cloudkms");
    let is_now = issued <= seconds && seconds < end && end - issued <= 3_700;
    let key = PublicKey::from_der(&keys::public(Kind::Rsa, ACCOUNTS_KEY)).ok()?;
    verify::signature(&key, signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
    (is_meant && is_now).then_some(())
}

/// CRC32C by a table, as it isn't computed where it's checked.
fn crc32c(bytes: &[u8]) -> u32 {
    let entry = |index: u32| (0..8).fold(index, |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0x82f6_3b78 } else { sum >> 1 });
    let table: Vec<u32> = (0..256).map(entry).collect();
    !bytes.iter().fold(u32::MAX, |sum, byte| table[((sum ^ u32::from(*byte)) & 0xff) as usize] ^ sum >> 8)
}

const RING: &str = "/v1/projects/p/locations/l/keyRings/r/cryptoKeys/";
const METADATA: &str = "/computeMetadata/v1/instance/service-accounts/default/token";
const ACCOUNT: &str = "signer@p.iam.gserviceaccount.com";
const KEY_ID: &str = "1";
/// Which of the RSA keys is the account's.
const ACCOUNTS_KEY: u32 = 90;
const AUDIENCE: &str = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/elsewhere";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
