//! The issuer with whom a person signs in: what it says of itself (OpenID Connect Discovery 1.0), and its token (Core §3.1.3).
//! A token's signature isn't checked here: the token comes from the issuer itself (Core §3.1.3.7, step 6), and whoever issues the
//! certificate checks it.

use std::fmt;
use std::time::Instant;

use countersign::json::Json;
use zeroize::Zeroizing;

use super::{Attempt, form};
use crate::http::{Address, Answer, Client, Kind, Request};
use crate::keyless::token::IdentityToken;

/// An issuer, by its own words.
pub(super) struct Issuer {
    name: String,
    sign_in: Address,
    tokens: Address,
    names_itself: bool,
}

impl Issuer {
    /// Asks an issuer where one signs in and where tokens are (Discovery §4), and compares whose answer it is (§4.3).
    pub(super) fn discover(client: &Client, issuer: &Address, deadline: Instant) -> Result<Self, Unusable> {
        let address = issuer.join("/.well-known/openid-configuration");
        let request = Request { address: &address, body: None, headers: &[], most: ANSWER_BYTES };
        let answer = client.ask(&request, deadline).map_err(|trouble| Unusable::Unanswered(trouble.kind))?;
        let json = json(&answer)?;
        let text = |name| json.get(name).and_then(Json::as_str);
        let name = text("issuer").filter(|name| name.strip_suffix('/').unwrap_or(name) == issuer.as_str());
        let name = name.ok_or(Unusable::Otherwise("it describes another issuer"))?.to_owned();
        // What is shown to a person and given to a browser is one word of visible characters, and no longer than one copies.
        let is_word = |text: &&str| text.len() <= ADDRESS_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic());
        let place = |name| text(name).filter(is_word).and_then(Address::with_query);
        let (Some(sign_in), Some(tokens)) = (place("authorization_endpoint"), place("token_endpoint")) else {
            return Err(Unusable::Otherwise("it says no address to sign in at that nobody on the way reads"));
        };
        // RFC 8414 §2: left out, it isn't supported; and without it, who sees the code has the token.
        let methods = json.get("code_challenge_methods_supported").and_then(Json::as_array).unwrap_or_default();
        if !methods.iter().any(|method| method.as_str() == Some(METHOD)) {
            return Err(Unusable::Otherwise("it doesn't bind codes to who asked for them (PKCE with `S256`)"));
        }
        let names_itself = json.get("authorization_response_iss_parameter_supported") == Some(&Json::Bool(true));
        Ok(Self { name, sign_in, tokens, names_itself })
    }

    /// What its tokens and answers name it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns true if each of its answers says whose it is (RFC 9207 §3).
    pub(super) const fn names_itself(&self) -> bool {
        self.names_itself
    }

    /// Where a person signs in for this attempt (Core §3.1.2.1, RFC 7636 §4.3). Nothing in it is secret.
    pub(super) fn address(&self, attempt: &Attempt, redirect: &str) -> String {
        let query = form::written(&[
            ("response_type", "code"),
            ("client_id", CLIENT),
            ("scope", SCOPE),
            ("redirect_uri", redirect),
            ("state", &attempt.state),
            ("nonce", &attempt.nonce),
            ("code_challenge", &attempt.challenge()),
            ("code_challenge_method", METHOD),
        ]);
        let address = self.sign_in.as_str();
        let joint = if address.contains('?') { '&' } else { '?' };
        format!("{address}{joint}{}", query.as_str())
    }

    /// Trades the code for a token (Core §3.1.3.1, RFC 7636 §4.5), and refuses a token that wasn't issued for this attempt.
    pub(super) fn token(
        &self,
        client: &Client,
        attempt: &Attempt,
        code: &str,
        redirect: &str,
        deadline: Instant,
    ) -> Result<IdentityToken, Unusable> {
        let body = form::written(&[
            ("grant_type", "authorization_code"),
            ("client_id", CLIENT),
            ("redirect_uri", redirect),
            ("code", code),
            ("code_verifier", &attempt.verifier),
        ]);
        let body = Some(("application/x-www-form-urlencoded", body.as_bytes()));
        let request = Request { address: &self.tokens, body, headers: &[], most: ANSWER_BYTES };
        let mut answer = client.ask(&request, deadline).map_err(|trouble| Unusable::Unanswered(trouble.kind))?;
        let json = json(&answer);
        drop(Zeroizing::new(std::mem::take(&mut answer.body)));
        let json = json?;
        let token = json.get("id_token").and_then(Json::as_str).and_then(|token| IdentityToken::parse(token).ok());
        let token = token.ok_or(Unusable::Otherwise("it gives no identity token"))?;
        let claims = token.claims().ok_or(Unusable::Otherwise("its token can't be read"))?;
        self.holds(&claims, &attempt.nonce).map_err(Unusable::Otherwise)?;
        Ok(token)
    }

    /// Checks what a token says of itself (Core §3.1.3.7, steps 2 to 5, 9 and 11); whether it has ended is checked where all tokens are.
    fn holds(&self, claims: &Json, nonce: &str) -> Result<(), &'static str> {
        let is = |name, value| claims.get(name).and_then(Json::as_str) == Some(value);
        if !is("iss", &self.name) {
            return Err("its token is another issuer's");
        }
        let is_ours = match claims.get("aud") {
            Some(Json::String(audience)) => audience == CLIENT,
            Some(Json::Array(audiences)) => audiences.iter().all(|audience| audience.as_str() == Some(CLIENT)) && !audiences.is_empty(),
            _ => false,
        };
        if !is_ours || claims.get("azp").is_some() && !is("azp", CLIENT) {
            return Err("its token is meant for another audience than `sigstore`");
        }
        if !is("nonce", nonce) {
            return Err("its token answers another request");
        }
        if !matches!(claims.get("exp"), Some(Json::Number(_))) {
            return Err("its token has no end");
        }
        Ok(())
    }
}

fn json(answer: &Answer) -> Result<Json, Unusable> {
    if answer.status != 200 {
        return Err(Unusable::Refused(answer.status));
    }
    Json::parse(&answer.body).map_err(|_| Unusable::Otherwise("its answer isn't JSON that is read in one way"))
}

/// What is wrong with an issuer. None of its words stand in it.
pub(super) enum Unusable {
    Unanswered(Kind),
    Refused(u16),
    Otherwise(&'static str),
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unanswered(kind) => kind.fmt(f),
            Self::Refused(status) => write!(f, "it answers with status {status}"),
            Self::Otherwise(why) => f.write_str(why),
        }
    }
}

/// How programs of this kind are known to the issuers of Sigstore instances; so it's whom their tokens are meant for.
const CLIENT: &str = "sigstore";
const SCOPE: &str = "openid email";
const METHOD: &str = "S256";
const ADDRESS_BYTES: usize = 1_024;
const ANSWER_BYTES: u64 = 256 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"iss":"https://issuer.example.test","aud":"sigstore","nonce":"n","exp":1765756800}"#;

    fn held(claims: &str) -> Result<(), &'static str> {
        let address = Address::parse("https://issuer.example.test").unwrap();
        let name = address.as_str().to_owned();
        let issuer = Issuer { name, sign_in: address.clone(), tokens: address, names_itself: false };
        issuer.holds(&Json::parse(claims.as_bytes()).unwrap(), "n")
    }

    #[test]
    fn takes_a_token_for_us_from_this_issuer_for_this_request() {
        held(GOOD).unwrap();
        held(&GOOD.replace(r#""sigstore""#, r#"["sigstore"]"#)).unwrap();
        held(&GOOD.replace(r#""nonce""#, r#""azp":"sigstore","nonce""#)).unwrap();
    }

    #[test]
    fn takes_no_token_that_anybody_else_was_given() {
        for (from, to, words) in [
            ("https://issuer.example.test", "https://issuer.example.test/", "another issuer's"),
            (r#""iss""#, r#""other""#, "another issuer's"),
            (r#""sigstore""#, r#""elsewhere""#, "another audience"),
            (r#""sigstore""#, r#"["sigstore","elsewhere"]"#, "another audience"),
            (r#""sigstore""#, "[]", "another audience"),
            (r#""aud""#, r#""azp":"elsewhere","aud""#, "another audience"),
            (r#""n""#, r#""m""#, "another request"),
            (r#""nonce""#, r#""once""#, "another request"),
            (r#""exp""#, r#""end""#, "no end"),
            ("1765756800", r#""1765756800""#, "no end"),
        ] {
            let error = held(&GOOD.replace(from, to)).unwrap_err();
            assert!(error.contains(words), "{to}: {error}");
        }
    }
}
