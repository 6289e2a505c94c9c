//! Keys on tokens that a PKCS#11 module reaches, `pkcs11:…`: hardware security modules, smart cards, and what stands in for them
//! (PKCS#11 v3.0, docs.oasis-open.org). A module is somebody's library in this process, called by `cryptoki`.
//! How a key is named stands in `uri`.

mod uri;

use std::fs::{self, File};
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use countersign::identity::PublicKey;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, CertificateType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki::types::AuthPin;
use sigstore_crypto::parse_certificate_info;
use sigstore_types::DerCertificate;
use zeroize::Zeroizing;

use super::patience::Until;
use super::scheme::Scheme;
use super::{Found, Keeper, Problem, Variables};
use crate::der::{integer, sequence, tagged};

use uri::{PinSource, Uri};

/// A key, and the module that reaches its token.
struct Token {
    uri: Uri,
    path: PathBuf,
    pin: Option<PinSource>,
    module: OnceLock<Pkcs11>,
}

/// Reads what stands behind `pkcs11:`, and the variables that complete it. The module isn't loaded yet.
pub(super) fn open(rest: &str, variable: Variables<'_>) -> Result<Arc<dyn Keeper>, Problem> {
    let variable = |name| variable(name).filter(|value| !value.is_empty());
    let mut uri = Uri::parse(rest).ok_or(Problem::NoName { form: FORM })?;
    let path = uri.module.take().or_else(|| variable(MODULE).map(PathBuf::from)).ok_or(Problem::Unset { name: MODULE })?;
    // A bare name would be looked for wherever the system's loader does.
    if !path.is_absolute() {
        return Err(unusable(&path, "is no absolute path of a PKCS#11 module"));
    }
    let metadata = fs::metadata(&path).map_err(|source| Problem::Unreadable { path: path.display().to_string(), source })?;
    if !metadata.is_file() {
        return Err(unusable(&path, "is no file"));
    }
    let pin = uri.pin.take().or_else(|| variable(PIN).map(|pin| PinSource::Value(Zeroizing::new(pin))));
    Ok(Arc::new(Token { uri, path, pin, module: OnceLock::new() }))
}

impl Keeper for Token {
    fn find(&self, _: &Until) -> Result<Found, Problem> {
        let session = self.session()?;
        let key = session.find(&self.uri, None)?;
        Ok(Found { public: session.public(&key)?, version: hex(&key.id) })
    }

    fn sign(&self, found: &Found, message: &[u8], _: &Until) -> Result<Vec<u8>, Problem> {
        let session = self.session()?;
        let key = session.find(&self.uri, Some(&found.version))?;
        let scheme = Scheme::of(&found.public)?;
        let signature = session.sign(&key, scheme, message)?;
        Ok(match scheme {
            Scheme::P256Sha256 | Scheme::P384Sha384 => {
                let (r, s) = signature.split_at(signature.len() / 2);
                sequence(&[&integer(r), &integer(s)])
            }
            Scheme::RsaSha256 | Scheme::Ed25519 => signature,
        })
    }

    fn credential_variables(&self) -> &[&'static str] {
        &[PIN]
    }
}

impl Token {
    /// Opens a session with the token; anew each time, since one ends when somebody pulls the token out for a moment.
    fn session(&self) -> Result<Connected<'_>, Problem> {
        let module = self.module()?;
        let (slot, info) = self.slot(&module)?;
        let session = module.open_ro_session(slot).map_err(failed)?;
        let offered = module.get_mechanism_list(slot).map_err(failed)?;
        let connected = Connected { session, info, offered, pin: self.pin.as_ref() };
        if connected.info.login_required() {
            connected.log_in(UserType::User)?;
        }
        Ok(connected)
    }

    /// Returns the module, which is loaded once.
    fn module(&self) -> Result<Pkcs11, Problem> {
        if let Some(module) = self.module.get() {
            return Ok(module.clone());
        }
        let module = Pkcs11::new(&self.path).map_err(|error| match error {
            Error::LibraryLoading(_) => unusable(&self.path, "can't be loaded as a library"),
            Error::MissingSymbol(_) => unusable(&self.path, "is no PKCS#11 module"),
            error => failed(error),
        })?;
        match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            // Another key of this process is on a token of the same module.
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(failed(error)),
        }
        // Never finalised and never unloaded: it's the whole process's, another key may use it, and threads of its own may run.
        std::mem::forget(module.clone());
        Ok(self.module.get_or_init(|| module).clone())
    }

    /// Finds the one token that is meant.
    fn slot(&self, module: &Pkcs11) -> Result<(Slot, TokenInfo), Problem> {
        let slots = module.get_slots_with_token().map_err(failed)?;
        let slots = slots.into_iter().filter(|slot| self.uri.slot.is_none_or(|wanted| slot.id() == wanted));
        // What a token that isn't meant has to hide doesn't matter.
        let tokens = slots.filter_map(|slot| module.get_token_info(slot).ok().map(|info| (slot, info)));
        let is_meant = |(_, info): &(Slot, TokenInfo)| {
            let is = |wanted: &Option<Vec<u8>>, has: &str| wanted.as_ref().is_none_or(|wanted| wanted == has.as_bytes());
            let Uri { token, manufacturer, model, serial, .. } = &self.uri;
            let is_the_maker = is(manufacturer, info.manufacturer_id()) && is(model, info.model());
            info.token_initialized() && is_the_maker && is(token, info.label()) && is(serial, info.serial_number())
        };
        one(tokens.filter(is_meant), "tokens")
    }
}

/// A session with a token.
struct Connected<'a> {
    session: Session,
    info: TokenInfo,
    offered: Vec<MechanismType>,
    pin: Option<&'a PinSource>,
}

/// A private key on it.
struct Key {
    handle: ObjectHandle,
    /// What its public half is of, too; empty where a token gives none.
    id: Vec<u8>,
    label: Vec<u8>,
    asks_each_time: bool,
}

impl Connected<'_> {
    /// Shows the PIN, once: tokens lock themselves after a few wrong ones.
    fn log_in(&self, user: UserType) -> Result<(), Problem> {
        let pin = match self.pin {
            Some(PinSource::Value(pin)) => Some(pin.clone()),
            // Anew each time, so that whoever changes it can.
            Some(PinSource::File(path)) => Some(read_pin(path)?),
            // It's typed at the token itself.
            None if self.info.protected_authentication_path() => None,
            None => return Err(Problem::Unset { name: PIN }),
        };
        let pin = pin.map(|pin| AuthPin::new(pin.as_str().into()));
        match self.session.login(user, pin.as_ref()) {
            // Tokens are logged in to by a process, not by a session.
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }

    /// Finds the one private key that is meant, of that id if one was found before.
    fn find(&self, uri: &Uri, version: Option<&str>) -> Result<Key, Problem> {
        let mut wanted = vec![Attribute::Class(ObjectClass::PRIVATE_KEY)];
        wanted.extend(uri.object.clone().map(Attribute::Label));
        wanted.extend(uri.id.clone().map(Attribute::Id));
        let handles = self.session.find_objects(&wanted).map_err(failed)?;
        let keys: Vec<_> = handles.into_iter().map(|handle| self.key(handle)).collect::<Result<_, _>>()?;
        one(keys.into_iter().filter(|key| version.is_none_or(|version| hex(&key.id) == version)), "private keys")
    }

    fn key(&self, handle: ObjectHandle) -> Result<Key, Problem> {
        let mut key = Key { handle, id: Vec::new(), label: Vec::new(), asks_each_time: false };
        for attribute in self.attributes(handle, &[AttributeType::Id, AttributeType::Label, AttributeType::AlwaysAuthenticate])? {
            match attribute {
                Attribute::Id(id) => key.id = id,
                Attribute::Label(label) => key.label = label,
                Attribute::AlwaysAuthenticate(asks) => key.asks_each_time = asks,
                _ => {}
            }
        }
        Ok(key)
    }

    /// Reads the public half: from the key itself, else from a public key, else from a certificate of the same id.
    fn public(&self, key: &Key) -> Result<PublicKey, Problem> {
        let same = if key.id.is_empty() { Attribute::Label(key.label.clone()) } else { Attribute::Id(key.id.clone()) };
        let of = |class| self.session.find_objects(&[Attribute::Class(class), same.clone()]).map_err(failed);
        for handles in [vec![key.handle], of(ObjectClass::PUBLIC_KEY)?, of(ObjectClass::CERTIFICATE)?] {
            let mut read = Vec::new();
            for handle in handles {
                read.extend(self.public_of(handle)?.filter(|public| !read.contains(public)));
            }
            match (read.pop(), read.is_empty()) {
                (Some(public), true) => return Ok(public),
                (Some(_), false) => return Err(Problem::Answer { what: "the token has several public halves of that id" }),
                (None, _) => {}
            }
        }
        Err(Problem::Answer { what: "the token has no public half of the key, neither a public key nor a certificate of its id" })
    }

    /// Reads a public half from an object that may hold one.
    fn public_of(&self, handle: ObjectHandle) -> Result<Option<PublicKey>, Problem> {
        let (mut kind, mut curve, mut point, mut modulus, mut exponent, mut certificate) = (None, None, None, None, None, None);
        let asked = [AttributeType::KeyType, AttributeType::EcParams, AttributeType::EcPoint];
        let asked = [&asked[..], &[AttributeType::Modulus, AttributeType::PublicExponent]].concat();
        let of_certificates = [AttributeType::CertificateType, AttributeType::Value];
        let class = self.attributes(handle, &[AttributeType::Class])?;
        let is_certificate = class.contains(&Attribute::Class(ObjectClass::CERTIFICATE));
        // Never both: the value of a private key is what nobody should ask for.
        for attribute in self.attributes(handle, if is_certificate { &of_certificates } else { &asked })? {
            match attribute {
                Attribute::KeyType(of) => kind = Some(of),
                Attribute::EcParams(der) => curve = Some(der),
                Attribute::EcPoint(der) => point = Some(der),
                Attribute::Modulus(bytes) => modulus = Some(bytes),
                Attribute::PublicExponent(bytes) => exponent = Some(bytes),
                Attribute::CertificateType(of) if of != CertificateType::X_509 => return Ok(None),
                Attribute::Value(der) => certificate = Some(der),
                _ => {}
            }
        }
        let filled = |bytes: Option<Vec<u8>>| bytes.filter(|bytes| !bytes.is_empty());
        let candidates = match (kind, filled(curve), filled(point), filled(modulus), filled(exponent), certificate) {
            (Some(KeyType::EC), Some(curve), Some(point), ..) => points(&point).map(|point| spki(&[EC_PUBLIC_KEY, &curve], point)).to_vec(),
            (Some(KeyType::EC_EDWARDS), _, Some(point), ..) => points(&point).map(|point| spki(&[ED25519], point)).to_vec(),
            (Some(KeyType::RSA), _, _, Some(modulus), Some(exponent), _) => {
                vec![spki(&[RSA_ENCRYPTION, &[5, 0]], &sequence(&[&integer(&modulus), &integer(&exponent)]))]
            }
            (.., Some(certificate)) => {
                let read = parse_certificate_info(&DerCertificate::new(certificate)).ok();
                read.map(|read| read.public_key.as_bytes().to_vec()).into_iter().collect()
            }
            _ => return Ok(None),
        };
        let mut unread = Ok(None);
        for candidate in candidates {
            match PublicKey::from_der(&candidate) {
                Ok(public) => return Ok(Some(public)),
                Err(not_a_key) => unread = Err(Problem::PublicKey(not_a_key)),
            }
        }
        unread
    }

    fn attributes(&self, handle: ObjectHandle, asked: &[AttributeType]) -> Result<Vec<Attribute>, Problem> {
        self.session.get_attributes(handle, asked).map_err(failed)
    }

    /// Signs by our digest where the token does that, else has it hash the message.
    fn sign(&self, key: &Key, scheme: Scheme, message: &[u8]) -> Result<Vec<u8>, Problem> {
        let (of_digest, of_message) = match scheme {
            Scheme::P256Sha256 => (Some(Mechanism::Ecdsa), Mechanism::EcdsaSha256),
            Scheme::P384Sha384 => (Some(Mechanism::Ecdsa), Mechanism::EcdsaSha384),
            Scheme::RsaSha256 => (Some(Mechanism::RsaPkcs), Mechanism::Sha256RsaPkcs),
            Scheme::Ed25519 => (None, Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Ed25519))),
        };
        if key.asks_each_time {
            // The PIN belongs between two calls (CKA_ALWAYS_AUTHENTICATE), and cryptoki parts them only where the token hashes.
            self.session.sign_init(&of_message, key.handle).map_err(failed)?;
            self.log_in(UserType::ContextSpecific)?;
            self.session.sign_update(message).map_err(failed)?;
            return self.session.sign_final().map_err(failed);
        }
        let signed = match (of_digest.filter(|mechanism| self.offered.contains(&mechanism.mechanism_type())), scheme.digest(message)) {
            (Some(mechanism), Some(digest)) if scheme == Scheme::RsaSha256 => {
                self.session.sign(&mechanism, key.handle, &[SHA256_DIGEST_INFO, &digest].concat())
            }
            (Some(mechanism), Some(digest)) => self.session.sign(&mechanism, key.handle, &digest),
            _ => self.session.sign(&of_message, key.handle, message),
        };
        signed.map_err(failed)
    }
}

/// Takes the only one.
fn one<T>(mut found: impl Iterator<Item = T>, what: &'static str) -> Result<T, Problem> {
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only),
        (Some(_), Some(_)) => Err(Problem::Several { what }),
        (None, _) => Err(Problem::Missing),
    }
}

/// Reads the PIN that a file holds, without the newline at its end.
fn read_pin(path: &PathBuf) -> Result<Zeroizing<String>, Problem> {
    let unreadable = |source| Problem::Unreadable { path: path.display().to_string(), source };
    // The full capacity at once: growing would leave copies behind.
    let mut text = Zeroizing::new(String::with_capacity(PIN_BYTES + 1));
    File::open(path).map_err(unreadable)?.take(PIN_BYTES as u64 + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() > PIN_BYTES {
        return Err(unusable(path, "is longer than any PIN"));
    }
    let length = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(length);
    if text.is_empty() { Err(unusable(path, "holds no PIN")) } else { Ok(text) }
}

/// Returns the point within an octet string, as it should be, and as it stands, as some modules have it.
fn points(der: &[u8]) -> [&[u8]; 2] {
    match der {
        [4, length, point @ ..] if usize::from(*length) == point.len() => [point, der],
        _ => [der, der],
    }
}

/// Writes a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
fn spki(algorithm: &[&[u8]], key: &[u8]) -> Vec<u8> {
    sequence(&[&sequence(algorithm), &tagged(3, &[&[0], key])])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unusable(path: &std::path::Path, what: &'static str) -> Problem {
    Problem::Unusable { name: path.display().to_string(), what }
}

/// Tells what a module says, by the names of the standard.
fn failed(error: Error) -> Problem {
    let Error::Pkcs11(code, _) = error else { return Problem::Module { code: "an answer that PKCS#11 doesn't know".to_owned() } };
    match code {
        RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange => Problem::Denied { why: "the token refuses the PIN" },
        RvError::PinLocked => Problem::Denied { why: "the token has locked the PIN, after too many wrong ones" },
        RvError::PinExpired => Problem::Denied { why: "the PIN has expired, and has to be changed" },
        RvError::KeyFunctionNotPermitted => Problem::Denied { why: "the key isn't one that may sign" },
        RvError::TokenNotPresent | RvError::DeviceRemoved => Problem::Unanswered { why: "the token isn't there any more".to_owned() },
        // `KeyTypeInconsistent` is `CKR_KEY_TYPE_INCONSISTENT`.
        code => {
            let named = format!("{code:?}").chars().fold("CKR".to_owned(), |named, letter| match letter {
                'A'..='Z' => named + "_" + &letter.to_string(),
                letter => named + &letter.to_ascii_uppercase().to_string(),
            });
            Problem::Module { code: named }
        }
    }
}

const FORM: &str = "`pkcs11:token=TOKEN;object=LABEL?module-path=/PATH` by RFC 7512, with any of token, manufacturer, model, serial, slot-id, \
    object, id and type=private, and with module-path and pin-source or pin-value";
/// The variables that cosign reads.
const MODULE: &str = "COSIGN_PKCS11_MODULE_PATH";
const PIN: &str = "COSIGN_PKCS11_PIN";
const PIN_BYTES: usize = 1_024;
/// 1.2.840.10045.2.1 (RFC 5480 §2.1.1)
const EC_PUBLIC_KEY: &[u8] = &[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
/// 1.2.840.113549.1.1.1 (RFC 8017 §A.1)
const RSA_ENCRYPTION: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
/// 1.3.101.112 (RFC 8410 §3)
const ED25519: &[u8] = &[6, 3, 0x2b, 0x65, 0x70];
/// What stands before a SHA-256 in what RSA signs (RFC 8017 §9.2, note 1).
const SHA256_DIGEST_INFO: &[u8] = &[0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20];
