//! The instance's issuer: whoever asks signs in (OpenID Connect's code flow), if they prove what they must (PKCE, RFC 7636).
//! What goes wrong is chosen in `instance`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign::json::Json;
use sha2::{Digest as _, Sha256};

use super::{Fault, now};
use crate::case::object;
use crate::http::Asked;

/// Who has signed in, and what for.
#[derive(Default)]
pub(super) struct SignIns {
    codes: Mutex<BTreeMap<String, Wanted>>,
    tokens: Mutex<BTreeSet<String>>,
}

/// What an attempt has told beforehand.
struct Wanted {
    redirect: String,
    nonce: String,
    challenge: String,
}

/// An answer.
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) location: Option<String>,
    pub(super) body: Vec<u8>,
}

impl SignIns {
    /// Returns true for a token that was given to somebody.
    pub(super) fn gave(&self, token: &str) -> bool {
        self.tokens.lock().expect("a lock").contains(token)
    }

    /// Says what the issuer is like.
    pub(super) fn describe(issuer: &str, fault: Option<Fault>) -> Answered {
        let name = if fault == Some(Fault::ByAnother) { "https://issuer.example.test" } else { issuer };
        let methods = if fault == Some(Fault::Unproved) { "plain" } else { "S256" };
        // Anybody on the way could read what is sent there.
        let tokens = if fault == Some(Fault::OfAnother) { "http://issuer.example.test/token" } else { &format!("{issuer}/token") };
        let described = object([
            ("issuer", Json::from(name)),
            ("authorization_endpoint", Json::from(format!("{issuer}/auth"))),
            ("token_endpoint", Json::from(tokens)),
            ("code_challenge_methods_supported", Json::Array(vec![Json::from(methods)])),
            ("authorization_response_iss_parameter_supported", Json::Bool(true)),
        ]);
        Answered { status: 200, location: None, body: described.canonical() }
    }

    /// Lets whoever asks sign in, and sends the browser back with a code, or shows it.
    pub(super) fn sign_in(&self, issuer: &str, asked: &Asked, fault: Option<Fault>) -> Answered {
        let refused = || Answered { status: 400, location: None, body: Vec::new() };
        let values = values(asked.path.split_once('?').map_or("", |(_, query)| query));
        let value = |name: &str| values.get(name).cloned();
        let is_right = value("response_type").as_deref() == Some("code")
            && value("client_id").as_deref() == Some("sigstore")
            && value("scope").as_deref() == Some("openid email")
            && value("code_challenge_method").as_deref() == Some("S256");
        let (Some(redirect), Some(state), Some(nonce), Some(challenge), true) =
            (value("redirect_uri"), value("state"), value("nonce"), value("code_challenge"), is_right)
        else {
            return refused();
        };
        let mut codes = self.codes.lock().expect("a lock");
        let code = format!("{CODE}-{}", codes.len());
        codes.insert(code.clone(), Wanted { redirect: redirect.clone(), nonce, challenge });
        if redirect == "urn:ietf:wg:oauth:2.0:oob" {
            return Answered { status: 200, location: None, body: code.into_bytes() };
        }
        if !(redirect.starts_with("http://localhost:") && redirect.ends_with("/auth/callback")) {
            return refused();
        }
        let state = if fault == Some(Fault::OfAnother) { "another-state" } else { &state };
        let name = if fault == Some(Fault::ByAnother) { "https://issuer.example.test" } else { issuer };
        let name = if fault == Some(Fault::Unproved) { String::new() } else { format!("&iss={name}") };
        let said =
            if fault == Some(Fault::Denied) { format!("error=access_denied&error_description={CODE}") } else { format!("code={code}") };
        Answered { status: 302, location: Some(format!("{redirect}?{said}&state={state}{name}")), body: Vec::new() }
    }

    /// Trades a code, once, for the token of whoever has signed in.
    pub(super) fn exchange(&self, issuer: &str, asked: &Asked, fault: Option<Fault>) -> Answered {
        let values = values(&String::from_utf8_lossy(&asked.body));
        let value = |name: &str| values.get(name).map(String::as_str).unwrap_or_default();
        let wanted = self.codes.lock().expect("a lock").remove(value("code"));
        let proof = URL_SAFE_NO_PAD.encode(Sha256::digest(value("code_verifier")));
        let is_right = |wanted: &Wanted| wanted.challenge == proof && wanted.redirect == value("redirect_uri");
        let is_asked = value("grant_type") == "authorization_code" && value("client_id") == "sigstore";
        let Some(wanted) = wanted.filter(|wanted| is_asked && is_right(wanted)) else {
            return Answered { status: 400, location: None, body: b"{\"error\":\"invalid_grant\"}".to_vec() };
        };
        let claims = object([
            ("iss", Json::from(if fault == Some(Fault::ByAnother) { "https://issuer.example.test" } else { issuer })),
            ("aud", Json::from("sigstore")),
            ("nonce", Json::from(if fault == Some(Fault::OfAnother) { "another-nonce" } else { wanted.nonce.as_str() })),
            ("exp", Json::Number(now().unix_seconds() as f64 + if fault == Some(Fault::Aged) { -60.0 } else { 300.0 })),
            ("email", Json::from("signer@example.test")),
        ]);
        let token = [&object([("alg", Json::from("none"))]).canonical(), &claims.canonical(), CODE.as_bytes()];
        let token = token.map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
        self.tokens.lock().expect("a lock").insert(token.clone());
        Answered { status: 200, location: None, body: object([("id_token", Json::from(token))]).canonical() }
    }
}

/// Reads names and values of a query or a form.
fn values(text: &str) -> BTreeMap<String, String> {
    text.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (name.to_owned(), decoded(value))).collect()
}

fn decoded(text: &str) -> String {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let (digits, rest) = piece.split_at(2);
        bytes.push(u8::from_str_radix(digits, 16).expect("two digits"));
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).expect("UTF-8")
}

/// What every code and every token of the issuer holds: it must be shown nowhere.
pub const CODE: &str = "hunter2-code";
