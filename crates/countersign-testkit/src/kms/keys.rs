//! The keys of services, each in several versions, that really sign what they are given. They are made when they are first asked for,
//! and are the same for as long as the process runs.
//! How they are named and asked for is the services' affair.

use std::collections::BTreeMap;
use std::sync::Mutex;

use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair as _, RsaEncoding};
use countersign_sign::KeyType;

use super::local;

/// What a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    P256,
    P384,
    Rsa,
    Ed25519,
}

/// Returns the public half of a version (SubjectPublicKeyInfo).
pub(super) fn public(kind: Kind, version: u32) -> Vec<u8> {
    let encoded = |der: Result<PublicKeyX509Der<'_>, _>| der.expect("a key").as_ref().to_vec();
    match kind {
        Kind::P256 | Kind::P384 => encoded(ecdsa(kind, version, algorithm(kind)).public_key().as_der()),
        Kind::Rsa => encoded(rsa(version).public_key().as_der()),
        Kind::Ed25519 => local(KeyType::Ed25519, version).public_key_der(),
    }
}

/// Returns a private half in PKCS#8, as files with credentials have it.
pub(super) fn private(kind: Kind, version: u32) -> Vec<u8> {
    static MADE: Mutex<BTreeMap<(Kind, u32), Vec<u8>>> = Mutex::new(BTreeMap::new());
    let encoded = |der: Result<Pkcs8V1Der<'_>, _>| der.expect("a key").as_ref().to_vec();
    let make = || match kind {
        Kind::Rsa => encoded(rsa::KeyPair::generate(KeySize::Rsa2048).expect("a key").as_der()),
        kind => EcdsaKeyPair::generate(algorithm(kind)).and_then(|key| key.to_pkcs8v1()).expect("a key").as_ref().to_vec(),
    };
    MADE.lock().expect("a lock").entry((kind, version)).or_insert_with(make).clone()
}

/// Signs a digest, in DER for P-256 and P-384; `None` if it isn't as long as the key's hash, or the key takes none.
pub(super) fn sign_digest(kind: Kind, version: u32, digest: &[u8]) -> Option<Vec<u8>> {
    match kind {
        Kind::P256 | Kind::P384 => sign_ecdsa(kind, version, algorithm(kind), digest),
        Kind::Rsa => sign_rsa(version, &signature::RSA_PKCS1_SHA256, digest),
        Kind::Ed25519 => None,
    }
}

/// Signs a digest, as two numbers of one length for P-256 and P-384.
pub(super) fn sign_fixed(kind: Kind, version: u32, digest: &[u8]) -> Option<Vec<u8>> {
    match kind {
        Kind::P256 => sign_ecdsa(kind, version, &signature::ECDSA_P256_SHA256_FIXED_SIGNING, digest),
        Kind::P384 => sign_ecdsa(kind, version, &signature::ECDSA_P384_SHA384_FIXED_SIGNING, digest),
        _ => sign_digest(kind, version, digest),
    }
}

/// Signs a digest by RSA-PSS.
pub(super) fn sign_pss(version: u32, digest: &[u8]) -> Option<Vec<u8>> {
    sign_rsa(version, &signature::RSA_PSS_SHA256, digest)
}

/// Signs a message with Ed25519.
pub(super) fn sign_message(version: u32, message: &[u8]) -> Option<Vec<u8>> {
    local(KeyType::Ed25519, version).sign(message).ok()
}

fn sign_ecdsa(kind: Kind, version: u32, algorithm: &'static EcdsaSigningAlgorithm, digest: &[u8]) -> Option<Vec<u8>> {
    let hash = if kind == Kind::P256 { &digest::SHA256 } else { &digest::SHA384 };
    let digest = Digest::import_less_safe(digest, hash).ok()?;
    Some(ecdsa(kind, version, algorithm).sign_digest(&digest).ok()?.as_ref().to_vec())
}

fn sign_rsa(version: u32, encoding: &'static dyn RsaEncoding, digest: &[u8]) -> Option<Vec<u8>> {
    let digest = Digest::import_less_safe(digest, &digest::SHA256).ok()?;
    let key = rsa(version);
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign_digest(encoding, &digest, &mut signature).ok()?;
    Some(signature)
}

fn ecdsa(kind: Kind, version: u32, algorithm: &'static EcdsaSigningAlgorithm) -> EcdsaKeyPair {
    EcdsaKeyPair::from_pkcs8(algorithm, &private(kind, version)).expect("a key")
}

fn rsa(version: u32) -> rsa::KeyPair {
    rsa::KeyPair::from_pkcs8(&private(Kind::Rsa, version)).expect("a key")
}

fn algorithm(kind: Kind) -> &'static EcdsaSigningAlgorithm {
    if kind == Kind::P256 { &signature::ECDSA_P256_SHA256_ASN1_SIGNING } else { &signature::ECDSA_P384_SHA384_ASN1_SIGNING }
}
