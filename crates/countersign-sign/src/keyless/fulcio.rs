//! The certificate authority (Fulcio, API v2): a certificate for a key that is used once, in exchange for a token.
//! Whether the certificate is worth anything is verified with the whole bundle.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::json::Json;
use pkcs8::Document;
use sigstore_crypto::{CertificateInfo, SubjectAltName, parse_certificate_info};
use sigstore_types::DerCertificate;
use zeroize::Zeroizing;

use super::error::{KeylessError, Service};
use super::signing::object;
use super::token::IdentityToken;
use crate::der;
use crate::http::{Address, Answer, Request};
use crate::local::LocalKey;

/// A certificate for our key, as it was issued.
pub(super) struct Certificate {
    pub(super) der: Vec<u8>,
    pub(super) issuer: String,
    pub(super) subject: String,
}

/// Asks for a certificate for the key.
///
/// The key's possession is proved by the request itself (RFC 2986), so nobody here has to know which of the token's
/// claims the authority challenges.
pub(super) fn request(key: &LocalKey, token: &IdentityToken) -> Result<Zeroizing<Vec<u8>>, KeylessError> {
    let pem = der::pem("CERTIFICATE REQUEST", &signing_request(key)?);
    // Written by hand: a JSON value of the token would leave copies of it behind. Neither text needs an escape.
    Ok(Zeroizing::new(
        format!(r#"{{"certificateSigningRequest":"{}","credentials":{{"oidcIdentityToken":"{}"}}}}"#, STANDARD.encode(pem), token.expose())
            .into_bytes(),
    ))
}

/// What is asked of the authority at that address.
pub(super) fn ask<'a>(address: &'a Address, body: &'a [u8]) -> Request<'a> {
    Request { address, body: Some(("application/json", body)), headers: &[], most: ANSWER_BYTES }
}

/// Returns where certificates are asked for.
pub(super) fn place(authority: &Address) -> Address {
    authority.join("/api/v2/signingCert")
}

/// Takes the certificate out of the answer, if it's for our key.
pub(super) fn issued(answer: &Answer, address: &Address, key: &LocalKey) -> Result<Certificate, KeylessError> {
    let unusable = |what| KeylessError::answer(Service::Authority, address, what);
    if answer.status != 200 && answer.status != 201 {
        return Err(KeylessError::status(Service::Authority, address, answer.status));
    }
    let json = Json::parse(&answer.body).map_err(|_| unusable("it isn't JSON"))?;
    let first = json.pointer("/signedCertificateEmbeddedSct/chain/certificates/0").and_then(Json::as_str);
    // A certificate whose promise of a log comes beside it can't be put into a bundle.
    let pem = first.ok_or_else(|| unusable("it holds no certificate with a log's promise in it"))?;
    let (label, document) = Document::from_pem(pem).map_err(|_| unusable("its certificate isn't PEM"))?;
    let der = document.as_bytes().to_vec();
    let information = parse_certificate_info(&DerCertificate::new(der.clone()));
    let information = information.ok().filter(|_| label == "CERTIFICATE").ok_or_else(|| unusable("its certificate can't be read"))?;
    if information.public_key.as_bytes() != key.public_key_der() {
        return Err(unusable("its certificate is for another key"));
    }
    let CertificateInfo { identity, issuer, .. } = information;
    let subject = match identity {
        Some(SubjectAltName::Email(subject) | SubjectAltName::Uri(subject)) if !subject.contains(char::is_control) => subject,
        _ => return Err(unusable("its certificate names nobody")),
    };
    Ok(Certificate { der, issuer: issuer.unwrap_or_default(), subject })
}

/// A certification request (RFC 2986 §4) for the key, without a name: the authority takes that from the token.
fn signing_request(key: &LocalKey) -> Result<Vec<u8>, KeylessError> {
    let body = der::sequence(&[&[2, 1, 0], &der::sequence(&[]), &key.public_key_der(), &der::tagged(0xa0, &[])]);
    let signature = key.sign(&body).map_err(KeylessError::Key)?;
    Ok(der::sequence(&[&body, &der::sequence(&[ECDSA_WITH_SHA256]), &der::tagged(3, &[&[0], &signature])]))
}

/// The certificate as a bundle of v0.3 holds it.
pub(super) fn material(certificate: &[u8]) -> Json {
    object([("rawBytes", Json::from(STANDARD.encode(certificate)))])
}

/// 1.2.840.10045.4.3.2 (RFC 5758 §3.2)
const ECDSA_WITH_SHA256: &[u8] = &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
const ANSWER_BYTES: u64 = 1 << 20;
