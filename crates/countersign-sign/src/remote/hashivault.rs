//! Keys in the transit engine of Vault or OpenBao, `hashivault://KEY`, by its HTTP API (developer.hashicorp.com, "Transit
//! secrets engine (API)"), with the variables that Vault's own client and cosign read.
//! How anybody is asked by HTTP, and how often, is the client's affair.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::identity::PublicKey;
use countersign::json::Json;
use zeroize::Zeroizing;

use super::patience::Until;
use super::scheme::Scheme;
use super::{Found, Keeper, Problem, Variables, certificates};
use crate::file;
use crate::http::{Address, Answer, Client, Request};

/// A key, and the server that keeps it.
struct Transit {
    client: Client,
    engine: Address,
    key: String,
    /// The version that was asked for; without one it's the latest.
    version: Option<String>,
    token: Token,
    namespace: Option<String>,
}

/// Where the token is found.
enum Token {
    Given(Zeroizing<String>),
    /// Read each time, since Vault's agent and `vault login` replace it.
    File(PathBuf),
}

/// Reads what stands behind `hashivault:`, and the variables that say where the server is and what lets us in.
pub(super) fn open(rest: &str, variable: Variables<'_>) -> Result<Arc<dyn Keeper>, Problem> {
    // Set to nothing is as good as not set, as it is for Vault's own client.
    let variable = |name| variable(name).filter(|value| !value.is_empty());
    let (key, version) = parse(rest).ok_or(Problem::NoName { form: "`hashivault://KEY` or `hashivault://KEY?version=N`" })?;
    let address = variable(ADDRESS).ok_or(Problem::Unset { name: ADDRESS })?;
    let address =
        Address::parse(&address).ok_or(unusable(ADDRESS, "must be `https://…`, or a loopback address, since a token is sent there"))?;
    let engine = variable(ENGINE).unwrap_or_else(|| "transit".to_owned());
    if !engine.split('/').all(is_name) {
        return Err(unusable(ENGINE, "is no path of a secrets engine"));
    }
    let namespace = variable(NAMESPACE);
    if namespace.as_ref().is_some_and(|namespace| !namespace.split('/').all(|part| part.is_empty() || is_name(part))) {
        return Err(unusable(NAMESPACE, "is no namespace"));
    }
    let token = match (variable(TOKEN), variable("HOME")) {
        (Some(token), _) => Token::Given(token_of(Zeroizing::new(token)).ok_or(unusable(TOKEN, NO_TOKEN))?),
        (None, Some(home)) => Token::File(Path::new(&home).join(".vault-token")),
        (None, None) => return Err(Problem::Unset { name: TOKEN }),
    };
    let client = match variable(CERTIFICATES) {
        Some(file) => Client::believing(certificates::read(&file)?, ONE_ATTEMPT),
        None => Client::new(ONE_ATTEMPT),
    };
    Ok(Arc::new(Transit { client, engine: address.join(&format!("/v1/{engine}")), key, version, token, namespace }))
}

impl Keeper for Transit {
    fn find(&self, until: &Until) -> Result<Found, Problem> {
        let answer = self.ask(&format!("/keys/{}", self.key), None, until)?;
        let member = |pointer: &str| answer.pointer(&format!("/data/{pointer}"));
        let latest = member("latest_version").and_then(Json::as_integer);
        let latest = latest.ok_or(Problem::Answer { what: "it names no latest version" })?.to_string();
        let version = self.version.clone().unwrap_or(latest);
        let kept = member(&format!("keys/{version}")).ok_or(Problem::Missing)?;
        // Keys that only encrypt have a number there; of a derived key every context has another public half.
        let public = kept.get("public_key").and_then(Json::as_str).filter(|public| !public.is_empty());
        let public = public.ok_or(Problem::Answer { what: "the key doesn't sign, or is a derived one" })?;
        let public = if member("type").and_then(Json::as_str) == Some("ed25519") {
            let bare = STANDARD.decode(public).map_err(|_| Problem::Answer { what: "the public half isn't base64" })?;
            PublicKey::from_der(&[ED25519_PREFIX, &bare].concat())
        } else {
            PublicKey::from_pem(public)
        };
        Ok(Found { public: public.map_err(Problem::PublicKey)?, version })
    }

    fn sign(&self, found: &Found, message: &[u8], until: &Until) -> Result<Vec<u8>, Problem> {
        let scheme = Scheme::of(&found.public)?;
        let digest = scheme.digest(message);
        let hash = match scheme {
            Scheme::P256Sha256 | Scheme::RsaSha256 => "/sha2-256",
            Scheme::P384Sha384 => "/sha2-384",
            Scheme::Ed25519 => "",
        };
        // Nothing in it needs an escape.
        let body = format!(
            r#"{{"input":"{}","key_version":{},"marshaling_algorithm":"asn1","prehashed":{},"signature_algorithm":"pkcs1v15"}}"#,
            STANDARD.encode(digest.as_deref().unwrap_or(message)),
            found.version,
            digest.is_some(),
        );
        let answer = self.ask(&format!("/sign/{}{hash}", self.key), Some(body.as_bytes()), until)?;
        let signature =
            answer.pointer("/data/signature").and_then(Json::as_str).ok_or(Problem::Answer { what: "it holds no signature" })?;
        let signature = signature.strip_prefix(&format!("vault:v{}:", found.version));
        let signature = signature.ok_or(Problem::Answer { what: "another version of the key has signed" })?;
        STANDARD.decode(signature).map_err(|_| Problem::Answer { what: "the signature isn't base64" })
    }

    fn credential_variables(&self) -> &[&'static str] {
        &[TOKEN]
    }
}

impl Transit {
    /// Reads the place, or writes to it.
    fn ask(&self, place: &str, body: Option<&[u8]>, until: &Until) -> Result<Json, Problem> {
        let token = self.token.read()?;
        let mut headers = vec![("x-vault-request", "true"), ("x-vault-token", token.as_str())];
        headers.extend(self.namespace.as_ref().map(|namespace| ("x-vault-namespace", namespace.as_str())));
        let address = self.engine.join(place);
        let body = body.map(|body| ("application/json", body));
        let request = Request { address: &address, body, headers: &headers, most: ANSWER_BYTES };
        let Answer { status, body, .. } =
            self.client.ask(&request, until.deadline).map_err(|trouble| Problem::Unanswered { why: trouble.kind.to_string() })?;
        match status {
            200 => Json::parse(&body).map_err(|_| Problem::Answer { what: "it isn't JSON" }),
            404 => Err(Problem::Missing),
            status => Err(Problem::Refused { status }),
        }
    }
}

impl Token {
    fn read(&self) -> Result<Zeroizing<String>, Problem> {
        match self {
            Self::Given(token) => Ok(token.clone()),
            Self::File(path) => {
                let shown = || path.display().to_string();
                let bytes = file::read(path, TOKEN_BYTES).map(Zeroizing::new);
                let bytes = bytes.map_err(|source| Problem::Unreadable { path: shown(), source })?;
                let text = std::str::from_utf8(&bytes).ok().map(|text| Zeroizing::new(text.to_owned()));
                text.and_then(token_of).ok_or_else(|| unusable(&shown(), NO_TOKEN))
            }
        }
    }
}

/// Reads `//KEY` or `//KEY?version=N`.
fn parse(rest: &str) -> Option<(String, Option<String>)> {
    let rest = rest.strip_prefix("//")?;
    let (key, version) = match rest.split_once("?version=") {
        Some((key, version)) => (key, Some(version)),
        None => (rest, None),
    };
    let is_version = |version: &str| !version.is_empty() && !version.starts_with('0') && version.bytes().all(|byte| byte.is_ascii_digit());
    // As cosign has it: nothing that is a path or a query.
    let is_good = is_name(key) && version.is_none_or(|version| is_version(version) && version.len() <= VERSION_DIGITS);
    is_good.then(|| (key.to_owned(), version.map(str::to_owned)))
}

/// Returns true for letters, digits and `_`, with `-` and `.` between them.
fn is_name(name: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    name.bytes().all(is_inner) && !name.is_empty() && !name.starts_with(['-', '.']) && !name.ends_with(['-', '.'])
}

/// Takes a token, which stands in a header.
fn token_of(text: Zeroizing<String>) -> Option<Zeroizing<String>> {
    let token = Zeroizing::new(text.trim_ascii().to_owned());
    (!token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())).then_some(token)
}

fn unusable(name: &str, what: &'static str) -> Problem {
    Problem::Unusable { name: name.to_owned(), what }
}

const ADDRESS: &str = "VAULT_ADDR";
const TOKEN: &str = "VAULT_TOKEN";
const NAMESPACE: &str = "VAULT_NAMESPACE";
const CERTIFICATES: &str = "VAULT_CACERT";
const ENGINE: &str = "TRANSIT_SECRET_ENGINE_PATH";
const NO_TOKEN: &str = "holds no token";
/// A SubjectPublicKeyInfo of Ed25519 up to the key itself (RFC 8410 §4).
const ED25519_PREFIX: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const VERSION_DIGITS: usize = 9;
const TOKEN_BYTES: u64 = 64 << 10;
const ANSWER_BYTES: u64 = 4 << 20;
/// A server that doesn't answer in that time is asked again.
const ONE_ATTEMPT: Duration = Duration::from_secs(10);
