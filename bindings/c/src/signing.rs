//! From a statement to a bundle: by a local key, or in two halves around a signature that is made elsewhere.
//! What a statement says, and how keys are kept, is the heart's and the signers'.

use std::path::Path;

use countersign::bundle::Bundle;
use countersign::envelope::pae;
use countersign::identity::PublicKey;
use countersign::statement::{PAYLOAD_TYPE, Statement};
use countersign::verify;
use countersign_sign::{AttestError, LocalKey, Passphrase, SignError, attest, read_key_file};

use crate::code::Code;
use crate::error::Error;

/// Something that signs statements: a key in a local file.
pub struct Signer {
    key: LocalKey,
}

impl Signer {
    pub(crate) fn open_file(path: &str, passphrase: Option<&str>) -> Result<Self, Error> {
        let home = std::env::home_dir();
        let passphrase = || passphrase.map(|text| Passphrase::new(text.to_owned()));
        Ok(Self { key: read_key_file(Path::new(path), home.as_deref(), passphrase)? })
    }

    pub(crate) fn public_key_pem(&self) -> Vec<u8> {
        self.key.public_key_pem().into_bytes()
    }

    pub(crate) fn attest(&self, json: &[u8]) -> Result<Vec<u8>, Error> {
        let bundle = attest(&statement(json)?, &self.key).map_err(|error| match error {
            AttestError::Sign(SignError::Local(error)) => error.into(),
            AttestError::Bundle(_) => Error::caused(Code::BundleInvalid, &error),
            AttestError::Unverifiable(_) => Error::caused(Code::SignatureInvalid, &error),
            _ => Error::caused(Code::Failed, &error),
        })?;
        Ok(bundle.bytes().to_vec())
    }
}

/// Returns the canonical bytes of a statement.
pub(crate) fn payload(json: &[u8]) -> Result<Vec<u8>, Error> {
    Ok(statement(json)?.to_bytes())
}

/// Returns the bytes that a signature must cover.
pub(crate) fn prepare(payload: &[u8]) -> Result<Vec<u8>, Error> {
    refuse_other_than_canonical(payload)?;
    Ok(pae(PAYLOAD_TYPE, payload))
}

/// Returns the bundle of a statement and a signature, once the signature is verified.
pub(crate) fn complete(payload: &[u8], signature: &[u8], public_key: &[u8]) -> Result<Vec<u8>, Error> {
    refuse_other_than_canonical(payload)?;
    let key = match std::str::from_utf8(public_key) {
        Ok(text) if text.trim_start().starts_with("-----BEGIN") => PublicKey::from_pem(text),
        _ => PublicKey::from_der(public_key),
    }
    .map_err(|error| Error::caused(Code::PublicKeyInvalid, &error))?;
    let bundle = Bundle::signed_by_key(payload, signature, &key).map_err(|error| Error::caused(Code::BundleInvalid, &error))?;
    verify::with_key(&bundle, &key).map_err(|refusal| Error::new(Code::named(refusal.reason.code()), refusal.detail))?;
    Ok(bundle.bytes().to_vec())
}

fn statement(json: &[u8]) -> Result<Statement, Error> {
    Statement::parse(json).map_err(|error| Error::caused(Code::StatementInvalid, &error))
}

/// What is signed here is canonical, so that the same statement always has the same bytes.
fn refuse_other_than_canonical(payload: &[u8]) -> Result<(), Error> {
    if statement(payload)?.to_bytes() == payload {
        return Ok(());
    }
    let message = "the payload is a statement, but not its canonical bytes: make them with `countersign_statement_from_json`";
    Err(Error::new(Code::StatementInvalid, message))
}
