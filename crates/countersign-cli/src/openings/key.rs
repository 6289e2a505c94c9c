//! The user's key for openings: X25519, as PKCS#8 and SubjectPublicKeyInfo (RFC 8410), the private half under a passphrase.
//! It signs nothing, and no signer's key opens anything: one key for both would make each use a danger to the other.

use std::fs::{self, DirBuilder, File};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt};
use std::path::{Path, PathBuf};

use countersign_sign::{Passphrase, work_tree_above};
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable as _, Kem, Serializable as _};
use pkcs8::der::asn1::OctetStringRef;
use pkcs8::der::pem::{self, LineEnding};
use pkcs8::pkcs5::pbes2::{EncryptionScheme, Kdf, Parameters, Salt, ScryptParams};
use pkcs8::{EncryptedPrivateKeyInfoRef, SecretDocument, pkcs5};
use zeroize::Zeroizing;

use super::keeper::random;
use crate::data_home::{data_home, home};
use crate::failure::Failure;
use crate::passphrase::PassphraseSource;

pub(super) type Private = <X25519HkdfSha256 as Kem>::PrivateKey;
pub(super) type Public = <X25519HkdfSha256 as Kem>::PublicKey;

/// Makes the key, and returns where its private and its public half lie. A key that is there is never replaced: what was
/// kept under it could no longer be opened.
pub(crate) fn generate(passphrase: Option<&Passphrase>) -> Result<[PathBuf; 2], Failure> {
    let [private_path, public_path] = paths()?;
    refuse_work_tree(&private_path)?;
    if let Some(path) = [&private_path, &public_path].into_iter().find(|path| path.symlink_metadata().is_ok()) {
        return Err(Failure::new("key-exists", format!("`{}` exists and is never overwritten", path.display())));
    }
    if passphrase.is_some_and(|passphrase| passphrase.as_bytes().is_empty()) {
        return Err(Failure::new("passphrase-empty", "an empty passphrase protects nothing").hint("give another, or say `--no-passphrase`"));
    }
    let seed = Zeroizing::new(random::<32>()?);
    let (private, public) = X25519HkdfSha256::derive_keypair(seed.as_slice());
    let der = Zeroizing::new([PRIVATE_PREFIX, private.to_bytes().as_slice()].concat());
    let (label, der) = match passphrase {
        None => (PLAIN, der),
        Some(passphrase) => (ENCRYPTED, Zeroizing::new(encrypt(&der, passphrase)?)),
    };
    let private_pem = Zeroizing::new(pem::encode_string(label, LineEnding::LF, &der).map_err(|_| unwritable(&private_path))?);
    let public_der = [PUBLIC_PREFIX, public.to_bytes().as_slice()].concat();
    let public_pem = pem::encode_string(PUBLIC, LineEnding::LF, &public_der).map_err(|_| unwritable(&public_path))?;

    let folder = private_path.parent().unwrap_or(Path::new("."));
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| unwritable(&private_path).because(&error))?;
    refuse_work_tree(&private_path)?;
    // The private half first: nothing is ever kept for a key that isn't there.
    write(&private_path, private_pem.as_bytes(), 0o600)?;
    write(&public_path, public_pem.as_bytes(), 0o644).inspect_err(|_| drop(fs::remove_file(&private_path)))?;
    Ok([private_path, public_path])
}

/// Returns the public half; `None` if nobody has made a key.
pub(super) fn read_public() -> Result<Option<Public>, Failure> {
    let [_, path] = paths()?;
    let Some(text) = read(&path)? else { return Ok(None) };
    let key = match pem::decode_vec(&text) {
        Ok((PUBLIC, der)) => der.strip_prefix(PUBLIC_PREFIX).and_then(|key| Public::from_bytes(key).ok()),
        _ => None,
    };
    key.map(Some).ok_or_else(|| {
        malformed(&path).hint(
            "put the file back; or move it and `openings.key` away, and make new ones by `countersign key generate --openings`: \
             what was kept before is opened by that `openings.key` only",
        )
    })
}

/// Returns the private half, for which somebody may be asked.
pub(super) fn read_private(passphrase: &PassphraseSource) -> Result<Private, Failure> {
    let [path, _] = paths()?;
    refuse_work_tree(&path)?;
    let Some(text) = read(&path)? else {
        return Err(Failure::new("key-missing", format!("no private key for openings at `{}`", path.display()))
            .hint("what is kept can be opened only by the key that was here as it was kept"));
    };
    let mode = path.metadata().map_err(|error| malformed(&path).because(&error))?.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(Failure::new("key-exposed", format!("private key `{}` is open to others (mode {mode:04o})", path.display()))
            .hint("take that away with `chmod 600`, and consider what was kept under it known"));
    }
    let (label, der) = pem::decode_vec(&text).map_err(|_| malformed(&path))?;
    let der = Zeroizing::new(der);
    let plain = match label {
        PLAIN => der,
        ENCRYPTED => {
            let shown = format!("`{}`", path.display());
            let passphrase = passphrase.existing(&shown)?.ok_or_else(|| {
                Failure::new("passphrase-needed", format!("the private key {shown} is encrypted and needs a passphrase"))
                    .hint("give `--passphrase-file FILE`, set COUNTERSIGN_PASSPHRASE, or run it at a terminal, which asks")
            })?;
            decrypt(&der, &passphrase, &path)?
        }
        _ => return Err(malformed(&path)),
    };
    plain.strip_prefix(PRIVATE_PREFIX).and_then(|key| Private::from_bytes(key).ok()).ok_or_else(|| malformed(&path))
}

fn encrypt(der: &[u8], passphrase: &Passphrase) -> Result<Vec<u8>, Failure> {
    let failed = || Failure::new("key-failed", "the private key can't be encrypted");
    let salt = Salt::new(random::<16>()?).map_err(|_| failed())?;
    let parameters = Parameters {
        kdf: Kdf::Scrypt(ScryptParams { salt, cost_parameter: COST, block_size: BLOCK, parallelization: PARALLEL, key_length: None }),
        encryption: EncryptionScheme::Aes256Cbc { iv: random()? },
    };
    let ciphertext = parameters.encrypt(passphrase.as_bytes(), der).map_err(|_| failed())?;
    let encrypted_data = OctetStringRef::new(&ciphertext).map_err(|_| failed())?;
    let document: SecretDocument =
        EncryptedPrivateKeyInfoRef { encryption_algorithm: parameters.into(), encrypted_data }.try_into().map_err(|_| failed())?;
    Ok(document.as_bytes().to_vec())
}

fn decrypt(der: &[u8], passphrase: &Passphrase, path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let info = EncryptedPrivateKeyInfoRef::try_from(der).map_err(|_| malformed(path))?;
    // Only what is written here is read, so that no file asks for more work than ours do.
    let is_ours = matches!(&info.encryption_algorithm, pkcs5::EncryptionScheme::Pbes2(parameters)
        if matches!(&parameters.kdf, Kdf::Scrypt(scrypt)
            if (scrypt.cost_parameter, scrypt.block_size, scrypt.parallelization) == (COST, BLOCK, PARALLEL))
        && matches!(parameters.encryption, EncryptionScheme::Aes256Cbc { .. }));
    if !is_ours {
        return Err(malformed(path));
    }
    let wrong = || Failure::new("passphrase-wrong", format!("the passphrase doesn't open `{}`", path.display()));
    let mut buffer = Zeroizing::new(info.encrypted_data.as_bytes().to_vec());
    let plain = info.encryption_algorithm.decrypt_in_place(passphrase.as_bytes(), &mut buffer).map_err(|_| wrong())?;
    // CBC has no checksum: about one wrong passphrase of 256 leaves noise with a valid end.
    if plain.strip_prefix(PRIVATE_PREFIX).is_some_and(|key| key.len() == KEY_BYTES) {
        Ok(Zeroizing::new(plain.to_vec()))
    } else {
        Err(wrong())
    }
}

/// Returns where the private and the public half lie.
fn paths() -> Result<[PathBuf; 2], Failure> {
    let folder = data_home()?.join("keys");
    Ok(["openings.key", "openings.pub"].map(|name| folder.join(name)))
}

fn refuse_work_tree(path: &Path) -> Result<(), Failure> {
    match work_tree_above(path) {
        Some(top) if home().and_then(|home| home.canonicalize().ok()).is_none_or(|home| home != top) => {
            Err(Failure::new("key-exposed", format!("private key `{}` lies in the git work tree `{}`", path.display(), top.display()))
                .hint("keep private keys outside of work trees"))
        }
        _ => Ok(()),
    }
}

fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
    // The full capacity at once: growing would leave copies of the key behind.
    let mut text = Zeroizing::new(Vec::with_capacity(FILE_BYTES + 1));
    match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.and_then(|file| file.take(FILE_BYTES as u64 + 1).read_to_end(&mut text)),
    }
    .map_err(|error| Failure::new("key-failed", format!("cannot read `{}`", path.display())).because(&error))?;
    if text.len() > FILE_BYTES { Err(malformed(path)) } else { Ok(Some(text)) }
}

/// Writes a file whole, in place of none.
fn write(path: &Path, content: &[u8], mode: u32) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        let mut file =
            tempfile::Builder::new().prefix(".countersign-").permissions(PermissionsExt::from_mode(0o600)).tempfile_in(folder)?;
        file.write_all(content)?;
        file.as_file().set_permissions(PermissionsExt::from_mode(mode))?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path).map_err(|error| error.error)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(|error| unwritable(path).because(&error))
}

fn malformed(path: &Path) -> Failure {
    Failure::new("key-malformed", format!("`{}` isn't a key that `countersign key generate --openings` makes", path.display()))
}

fn unwritable(path: &Path) -> Failure {
    Failure::new("key-failed", format!("cannot write `{}`", path.display()))
}

const PLAIN: &str = "PRIVATE KEY";
const ENCRYPTED: &str = "ENCRYPTED PRIVATE KEY";
const PUBLIC: &str = "PUBLIC KEY";
/// What stands before the 32 bytes of a key in DER: RFC 8410 §7, and §4 with the OID 1.3.101.110.
const PRIVATE_PREFIX: &[u8] = &[0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20];
const PUBLIC_PREFIX: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00];
const KEY_BYTES: usize = 32;
const FILE_BYTES: usize = 4 << 10;
// The settings of signers' keys.
const COST: u64 = 1 << 14;
const BLOCK: u16 = 8;
const PARALLEL: u16 = 5;
