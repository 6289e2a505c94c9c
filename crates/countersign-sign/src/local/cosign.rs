//! Private keys as cosign encrypts them: PKCS#8 in a NaCl secret box, the box described in JSON, the JSON in PEM.
//! What the key inside is, and where its file lies, isn't looked at here.
//!
//! The form is that of go-securesystemslib's package `encrypted`, which cosign uses.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::json::{Json, Object};
use crypto_secretbox::aead::{AeadInPlace as _, KeyInit as _};
use crypto_secretbox::{Key, Nonce, Tag, XSalsa20Poly1305};
use pkcs8::der::pem::{LineEnding, decode_vec, encode_string};
use zeroize::Zeroizing;

use super::work::ScryptCost;
use super::{KeyError, Passphrase};

/// The labels that cosign reads, the one that it writes first.
pub(super) const LABELS: [&str; 2] = ["ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY"];

/// A box that has been checked to be worth asking a passphrase for.
pub(super) struct SecretBox {
    cost: ScryptCost,
    salt: Vec<u8>,
    nonce: [u8; NONCE_BYTES],
    /// The authenticator, then the ciphertext (NaCl's `crypto_secretbox`).
    sealed: Vec<u8>,
}

impl SecretBox {
    /// Reads a box from PEM that has one of [`LABELS`].
    pub(super) fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let (_, bytes) = decode_vec(pem.as_bytes()).map_err(|_| KeyError::DamagedCosign)?;
        let json = Json::parse(&bytes).map_err(|_| KeyError::DamagedCosign)?;
        expect_name(&json, "/kdf/name", KDF)?;
        expect_name(&json, "/cipher/name", CIPHER)?;
        let cost = ScryptCost {
            n: number(&json, "/kdf/params/N")?.into(),
            r: number(&json, "/kdf/params/r")?,
            p: number(&json, "/kdf/params/p")?,
        };
        cost.check().map_err(damaged)?;
        let nonce = bytes_at(&json, "/cipher/nonce")?.try_into().map_err(|_| KeyError::DamagedCosign)?;
        let sealed = bytes_at(&json, "/ciphertext")?;
        if sealed.len() <= TAG_BYTES {
            return Err(KeyError::DamagedCosign);
        }
        Ok(Self { cost, salt: bytes_at(&json, "/kdf/salt")?, nonce, sealed })
    }

    /// Returns what is in the box, PKCS#8 in DER. A damaged box looks like a wrong passphrase: its authenticator is under the key.
    pub(super) fn open(&self, passphrase: &Passphrase) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let (tag, ciphertext) = self.sealed.split_first_chunk::<TAG_BYTES>().ok_or(KeyError::DamagedCosign)?;
        let mut content = Zeroizing::new(ciphertext.to_vec());
        self.cipher(passphrase)?
            .decrypt_in_place_detached(&Nonce::from(self.nonce), b"", &mut content, &Tag::from(*tag))
            .map_err(|_| KeyError::WrongPassphrase)?;
        Ok(content)
    }

    /// Puts PKCS#8 in DER into a box.
    pub(super) fn seal(content: &[u8], passphrase: &Passphrase) -> Result<Self, KeyError> {
        if passphrase.as_bytes().is_empty() {
            return Err(KeyError::EmptyPassphrase);
        }
        let mut made = Self { cost: COST, salt: vec![0; SALT_BYTES], nonce: [0; NONCE_BYTES], sealed: Vec::new() };
        for random in [made.salt.as_mut_slice(), made.nonce.as_mut_slice()] {
            getrandom::fill(random).map_err(|source| KeyError::Randomness { source: source.into() })?;
        }
        let mut ciphertext = Zeroizing::new(content.to_vec());
        let tag = made
            .cipher(passphrase)?
            .encrypt_in_place_detached(&Nonce::from(made.nonce), b"", &mut ciphertext)
            .map_err(|_| KeyError::Encoding)?;
        made.sealed = [tag.as_slice(), &ciphertext].concat();
        Ok(made)
    }

    /// Returns the box as PEM, labelled as cosign labels it today.
    pub(super) fn to_pem(&self) -> Result<String, KeyError> {
        let [label, _] = LABELS;
        encode_string(label, LineEnding::LF, &self.to_json().canonical()).map_err(|_| KeyError::Encoding)
    }

    fn to_json(&self) -> Json {
        let base64 = |bytes: &[u8]| Json::String(STANDARD.encode(bytes));
        let text = |text: &str| Json::String(text.to_owned());
        // INVARIANT: the cost is within bounds, so N is exact, too.
        let params = [("N", self.cost.n as f64), ("r", self.cost.r.into()), ("p", self.cost.p.into())];
        let params = object(params.map(|(name, number)| (name, Json::Number(number))));
        object([
            ("kdf", object([("name", text(KDF)), ("params", params), ("salt", base64(&self.salt))])),
            ("cipher", object([("name", text(CIPHER)), ("nonce", base64(&self.nonce))])),
            ("ciphertext", base64(&self.sealed)),
        ])
    }

    fn cipher(&self, passphrase: &Passphrase) -> Result<XSalsa20Poly1305, KeyError> {
        let mut key = Zeroizing::new([0_u8; KEY_BYTES]);
        self.cost.derive(passphrase.as_bytes(), &self.salt, key.as_mut_slice()).map_err(damaged)?;
        Ok(XSalsa20Poly1305::new(Key::from_slice(key.as_slice())))
    }
}

/// Says of a cosign key what the bounds say of any.
fn damaged(error: KeyError) -> KeyError {
    if matches!(error, KeyError::Malformed) { KeyError::DamagedCosign } else { error }
}

fn expect_name(json: &Json, pointer: &str, expected: &str) -> Result<(), KeyError> {
    match json.pointer(pointer).and_then(Json::as_str) {
        Some(name) if name == expected => Ok(()),
        Some(name) => Err(KeyError::UnknownEncryption { name: name.chars().take(super::NAME_CHARACTERS).collect() }),
        None => Err(KeyError::DamagedCosign),
    }
}

/// A number beyond 32 bits is a cost that nobody pays, so it stays too large to be accepted.
fn number(json: &Json, pointer: &str) -> Result<u32, KeyError> {
    let number = json.pointer(pointer).and_then(Json::as_integer).filter(|number| *number >= 0).ok_or(KeyError::DamagedCosign)?;
    u32::try_from(number).map_err(|_| KeyError::TooCostly { what: "memory" })
}

fn bytes_at(json: &Json, pointer: &str) -> Result<Vec<u8>, KeyError> {
    let text = json.pointer(pointer).and_then(Json::as_str).ok_or(KeyError::DamagedCosign)?;
    STANDARD.decode(text).map_err(|_| KeyError::DamagedCosign)
}

fn object<const N: usize>(members: [(&str, Json); N]) -> Json {
    Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Object>())
}

const KDF: &str = "scrypt";
const CIPHER: &str = "nacl/secretbox";
/// What cosign writes. It refuses all but this, 2^15 and 2^17.
const COST: ScryptCost = ScryptCost { n: 1 << 16, r: 8, p: 1 };
const SALT_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
const KEY_BYTES: usize = 32;
const TAG_BYTES: usize = 16;
