//! Private keys as PEM: PKCS#8, plain or encrypted with PBES2, and by cosign's label what `cosign` reads.
//! It opens no files. A file is a stranger until the passphrase has opened it, so the work it can ask for is bounded.

use pkcs8::der::pem::{LineEnding, PemLabel, decode_label};
use pkcs8::der::{self, AnyRef, Decode as _, SliceReader, asn1::OctetStringRef};
use pkcs8::pkcs5::pbes2::{self, EncryptionScheme, Kdf, Pbkdf2Prf, Salt, ScryptParams};
use pkcs8::spki::AssociatedAlgorithmIdentifier as _;
use pkcs8::{
    AlgorithmIdentifierRef, EncodePrivateKey, EncryptedPrivateKeyInfoRef, ObjectIdentifier, PrivateKeyInfoRef, SecretDocument, pkcs5,
};
use zeroize::Zeroizing;

use super::cosign::{self, SecretBox};
use super::work::{ScryptCost, check_pbkdf2};
use super::{KeyError, LocalKey, Passphrase, Secret};

impl LocalKey {
    /// Reads a private key from PEM: `PRIVATE KEY` or `ENCRYPTED PRIVATE KEY` (PKCS#8), or `ENCRYPTED SIGSTORE PRIVATE KEY`
    /// (cosign's). A passphrase that isn't needed is ignored.
    ///
    /// # Errors
    /// Each as its own variant: no key, another format, an unsupported algorithm, a passphrase that is needed or wrong, too much
    /// work asked for.
    pub fn from_pem(pem: &str, passphrase: Option<&Passphrase>) -> Result<Self, KeyError> {
        match StoredKey::parse(pem)? {
            StoredKey::Plain(document) => plain_key(document.as_bytes()),
            StoredKey::Encrypted(key) => key.open(passphrase.ok_or(KeyError::PassphraseNeeded)?),
        }
    }

    /// Reads like [`LocalKey::from_pem`], and asks for the passphrase only if one is needed and could open the key.
    pub(super) fn from_pem_asking(pem: &str, ask: impl FnOnce() -> Option<Passphrase>) -> Result<Self, KeyError> {
        match StoredKey::parse(pem)? {
            StoredKey::Plain(document) => plain_key(document.as_bytes()),
            StoredKey::Encrypted(key) => key.open(&ask().ok_or(KeyError::PassphraseNeeded)?),
        }
    }

    /// Returns the key as PKCS#8 PEM. With a passphrase it is encrypted: PBES2 with scrypt and AES-256-CBC.
    ///
    /// # Errors
    /// [`KeyError::EmptyPassphrase`]; [`KeyError::Randomness`] if the operating system gives none for salt and IV.
    pub fn to_pem(&self, passphrase: Option<&Passphrase>) -> Result<Zeroizing<String>, KeyError> {
        let plain = self.to_pkcs8()?;
        match passphrase {
            None => plain.to_pem(PrivateKeyInfoRef::PEM_LABEL, LineEnding::LF),
            Some(passphrase) => encrypt(&plain, passphrase)?.to_pem(EncryptedPrivateKeyInfoRef::PEM_LABEL, LineEnding::LF),
        }
        .map_err(|_| KeyError::Encoding)
    }

    /// Returns the key as cosign encrypts it: `ENCRYPTED SIGSTORE PRIVATE KEY`.
    ///
    /// # Errors
    /// [`KeyError::NotForCosign`] for any key but a P-256 one; [`KeyError::EmptyPassphrase`]; [`KeyError::Randomness`] if the
    /// operating system gives none for salt and nonce.
    pub fn to_cosign_pem(&self, passphrase: &Passphrase) -> Result<String, KeyError> {
        match self.secret {
            Secret::P256(_) => SecretBox::seal(self.to_pkcs8()?.as_bytes(), passphrase)?.to_pem(),
            Secret::Ed25519(_) => Err(KeyError::NotForCosign),
        }
    }

    fn to_pkcs8(&self) -> Result<SecretDocument, KeyError> {
        match &self.secret {
            Secret::P256(key) => key.to_pkcs8_der(),
            // Version 1, without the public half: OpenSSL 3 doesn't read version 2.
            Secret::Ed25519(key) => ed25519_dalek::pkcs8::KeypairBytes { secret_key: key.to_bytes(), public_key: None }.to_pkcs8_der(),
        }
        .map_err(|_| KeyError::Encoding)
    }
}

/// A key as it stands in its file.
enum StoredKey {
    Plain(SecretDocument),
    Encrypted(EncryptedKey),
}

/// An encrypted key that has been checked to be worth asking a passphrase for.
enum EncryptedKey {
    Pkcs8(SecretDocument),
    Cosign(SecretBox),
}

impl StoredKey {
    fn parse(pem: &str) -> Result<Self, KeyError> {
        if pem.len() > KEY_FILE_BYTES {
            return Err(KeyError::TooLarge { limit: KEY_FILE_BYTES });
        }
        let label = decode_label(pem.as_bytes()).map_err(|_| KeyError::NotAKey)?;
        if cosign::LABELS.contains(&label) {
            return Ok(Self::Encrypted(EncryptedKey::Cosign(SecretBox::from_pem(pem)?)));
        }
        if let Some((label, hint)) = OTHER_FORMATS.iter().find(|(other, _)| *other == label) {
            return Err(KeyError::OtherFormat { label, hint });
        }
        let is_encrypted = label == EncryptedPrivateKeyInfoRef::PEM_LABEL;
        if !is_encrypted && label != PrivateKeyInfoRef::PEM_LABEL {
            return Err(KeyError::NotAKey);
        }
        let (_, document) = SecretDocument::from_pem(pem).map_err(|_| KeyError::Malformed)?;
        if !is_encrypted {
            return Ok(Self::Plain(document));
        }
        check_encryption(&encrypted_info(&document)?)?;
        Ok(Self::Encrypted(EncryptedKey::Pkcs8(document)))
    }
}

impl EncryptedKey {
    fn open(&self, passphrase: &Passphrase) -> Result<LocalKey, KeyError> {
        match self {
            Self::Pkcs8(document) => decrypt(document, passphrase),
            Self::Cosign(sealed) => plain_key(&sealed.open(passphrase)?),
        }
    }
}

fn encrypted_info(document: &SecretDocument) -> Result<EncryptedPrivateKeyInfoRef<'_>, KeyError> {
    // By hand first: of a scheme that it doesn't know, the parser tells only that its parameters look odd.
    let scheme = encryption_scheme(document.as_bytes()).map_err(|_| KeyError::Malformed)?;
    if scheme != pbes2::PBES2_OID {
        return Err(unsupported(scheme));
    }
    EncryptedPrivateKeyInfoRef::try_from(document.as_bytes()).map_err(|error| match error {
        pkcs8::Error::Asn1(error) => unknown_oid_or_malformed(&error),
        _ => KeyError::Malformed,
    })
}

fn encryption_scheme(der: &[u8]) -> der::Result<ObjectIdentifier> {
    let outer = AnyRef::from_der(der)?;
    Ok(AlgorithmIdentifierRef::decode(&mut SliceReader::new(outer.value())?)?.oid)
}

fn unknown_oid_or_malformed(error: &der::Error) -> KeyError {
    match error.kind() {
        der::ErrorKind::OidUnknown { oid } => unsupported(oid),
        _ => KeyError::Malformed,
    }
}

fn unsupported(oid: ObjectIdentifier) -> KeyError {
    KeyError::Unsupported { oid: oid.to_string() }
}

/// Refuses what can't be decrypted or would cost too much, before anybody is asked for a passphrase.
fn check_encryption(info: &EncryptedPrivateKeyInfoRef<'_>) -> Result<(), KeyError> {
    let pkcs5::EncryptionScheme::Pbes2(parameters) = &info.encryption_algorithm else {
        return Err(unsupported(info.encryption_algorithm.oid()));
    };
    match &parameters.encryption {
        EncryptionScheme::Aes128Cbc { .. } | EncryptionScheme::Aes192Cbc { .. } | EncryptionScheme::Aes256Cbc { .. } => {}
        other => return Err(unsupported(other.oid())),
    }
    let ciphertext = info.encrypted_data.as_bytes().len();
    if ciphertext == 0 || !ciphertext.is_multiple_of(AES_BLOCK_BYTES) {
        return Err(KeyError::Malformed);
    }
    if parameters.kdf.key_length().is_some_and(|length| usize::from(length) != parameters.encryption.key_size()) {
        return Err(KeyError::Malformed);
    }
    match &parameters.kdf {
        Kdf::Pbkdf2(pbkdf2) if pbkdf2.prf == Pbkdf2Prf::HmacWithSha1 => Err(unsupported(pbkdf2.prf.oid())),
        Kdf::Pbkdf2(pbkdf2) => check_pbkdf2(pbkdf2.iteration_count),
        Kdf::Scrypt(scrypt) => {
            ScryptCost { n: scrypt.cost_parameter, r: scrypt.block_size.into(), p: scrypt.parallelization.into() }.check()
        }
        other => Err(unsupported(other.oid())),
    }
}

fn decrypt(document: &SecretDocument, passphrase: &Passphrase) -> Result<LocalKey, KeyError> {
    let info = encrypted_info(document)?;
    let mut buffer = Zeroizing::new(info.encrypted_data.as_bytes().to_vec());
    let plain = info.encryption_algorithm.decrypt_in_place(passphrase.as_bytes(), &mut buffer).map_err(|error| match error {
        pkcs5::Error::UnsupportedAlgorithm { oid } => unsupported(oid),
        pkcs5::Error::AlgorithmParametersInvalid { .. } => KeyError::Malformed,
        _ => KeyError::WrongPassphrase,
    })?;
    // CBC has no checksum: about one wrong passphrase of 256 leaves noise with a valid end.
    plain_key(plain).map_err(|error| match error {
        KeyError::Malformed => KeyError::WrongPassphrase,
        other => other,
    })
}

fn plain_key(der: &[u8]) -> Result<LocalKey, KeyError> {
    let info = PrivateKeyInfoRef::try_from(der).map_err(|_| KeyError::Malformed)?;
    let oid = info.algorithm.oid;
    if oid == p256::SecretKey::ALGORITHM_IDENTIFIER.oid {
        check_curve(&info.algorithm)?;
        let key = p256::SecretKey::try_from(info).map_err(|_| KeyError::Malformed)?;
        LocalKey::from_secret(Secret::P256(key.into()))
    } else if oid == ed25519_dalek::pkcs8::ALGORITHM_OID {
        LocalKey::from_secret(Secret::Ed25519(info.try_into().map_err(|_| KeyError::Malformed)?))
    } else {
        Err(unsupported(oid))
    }
}

fn check_curve(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<(), KeyError> {
    let curve = algorithm.parameters_oid().map_err(|_| KeyError::Malformed)?;
    if Some(curve) == p256::SecretKey::ALGORITHM_IDENTIFIER.parameters { Ok(()) } else { Err(unsupported(curve)) }
}

fn encrypt(plain: &SecretDocument, passphrase: &Passphrase) -> Result<SecretDocument, KeyError> {
    if passphrase.as_bytes().is_empty() {
        return Err(KeyError::EmptyPassphrase);
    }
    let (mut salt, mut iv) = ([0_u8; SALT_BYTES], [0_u8; AES_BLOCK_BYTES]);
    for random in [&mut salt, &mut iv] {
        getrandom::fill(random).map_err(|source| KeyError::Randomness { source: source.into() })?;
    }
    let parameters = pbes2::Parameters {
        kdf: Kdf::Scrypt(ScryptParams {
            salt: Salt::new(salt).map_err(|_| KeyError::Encoding)?,
            cost_parameter: OUR_SCRYPT_N,
            block_size: OUR_SCRYPT_R,
            parallelization: OUR_SCRYPT_P,
            key_length: None,
        }),
        encryption: EncryptionScheme::Aes256Cbc { iv },
    };
    let ciphertext = parameters.encrypt(passphrase.as_bytes(), plain.as_bytes()).map_err(|_| KeyError::Encoding)?;
    let encrypted_data = OctetStringRef::new(&ciphertext).map_err(|_| KeyError::Encoding)?;
    EncryptedPrivateKeyInfoRef { encryption_algorithm: parameters.into(), encrypted_data }.try_into().map_err(|_| KeyError::Encoding)
}

/// Largest key file that is read, in bytes.
pub(super) const KEY_FILE_BYTES: usize = 64 << 10;

// One of OWASP's equivalent settings, and the largest N that OpenSSL 3 reads: its scrypt stops at 32 MiB.
const OUR_SCRYPT_N: u64 = 1 << 14;
const OUR_SCRYPT_R: u16 = 8;
const OUR_SCRYPT_P: u16 = 5;
const SALT_BYTES: usize = 16;
const AES_BLOCK_BYTES: usize = 16;

const SEC1_HINT: &str = "convert it with `openssl pkcs8 -topk8 -in OLD -out NEW.key`";
const OTHER_FORMATS: [(&str, &str); 6] = [
    ("EC PARAMETERS", SEC1_HINT),
    ("EC PRIVATE KEY", SEC1_HINT),
    ("RSA PRIVATE KEY", "keys are P-256 or Ed25519; make one with `countersign key generate`"),
    ("OPENSSH PRIVATE KEY", "convert a P-256 key with `ssh-keygen -p -m PKCS8 -f COPY`, or make a key with `countersign key generate`"),
    ("PUBLIC KEY", "this is the public half; give the file that ends in `.key`"),
    ("CERTIFICATE", "this is a certificate; give the private key"),
];
