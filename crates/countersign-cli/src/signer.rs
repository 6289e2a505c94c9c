//! What SIGNER means on the command line, and the default.
//! How a key is read, and how a key or an identity signs, is the signers' crate's affair.

use std::path::{Path, PathBuf};

use countersign::bundle::Bundle;
use countersign::identity::PublicKey;
use countersign::statement::Statement;
use countersign_sign::{
    Entries, IdentityToken, Keyless, LocalKey, Patience, RemoteKey, Session, Signer, Witnesses, attest, read_key_file, work_tree_above,
};

use crate::clock;
use crate::data_home::{data_home, home};
use crate::escape::escaped;
use crate::failure::Failure;
use crate::instance::{self, Instance};
use crate::output;
use crate::passphrase::{self, PassphraseSource};

/// How SIGNER is explained in help texts.
pub(crate) const SIGNER_HELP: &str = "The signer: file:PREFIX.key; awskms://…, hashivault://KEY, gcpkms://…, azurekms://…, pkcs11:… or exec:PROGRAM for a key elsewhere; or \
    keyless:[browser|code|spiffe|env:NAME|file:PATH|exec:PROGRAM] for an identity, by the token that the CI system gives, or a person who \
    signs in with a browser here or (code) anywhere, SPIFFE's agent, a variable, a file or a program \
    [default: file:$XDG_DATA_HOME/countersign/keys/default.key]";

/// Who signs statements.
pub(crate) enum Attester {
    /// A key, and who witnesses what it signs.
    Key(Box<dyn Signer>, Option<Box<Witnesses>>),
    /// An identity.
    Identity(Box<Keyless>),
}

impl Attester {
    /// Signs the statement that is made for whoever signs it: that is told as a URI.
    pub(crate) fn attest(&self, statement: impl FnOnce(&str) -> Result<Statement, Failure>) -> Result<Bundle, Failure> {
        match self {
            Self::Key(key, witnesses) => {
                let uri = key.public_key().map_err(Failure::from)?.uri();
                let statement = statement(&uri)?;
                let Some(witnesses) = witnesses else { return Ok(attest(&statement, &**key)?) };
                let (bundle, entries) = witnesses.attest(&statement, &**key, clock::now()?)?;
                tell_entries("signed by the key", entries);
                Ok(bundle)
            }
            Self::Identity(keyless) => {
                // Only now: a certificate holds for minutes, and the work before may have taken hours.
                let session = keyless.begin(clock::now()?)?;
                let subject = session.unverified_subject();
                let uri = if subject.contains(':') { subject.to_owned() } else { format!("mailto:{subject}") };
                let bundle = session.attest(&statement(&uri)?)?;
                tell(&session);
                Ok(bundle)
            }
        }
    }

    /// Refuses a program in a work tree, where a command that is observed could change it: it would run outside of the sandbox
    /// that the command is kept in.
    pub(crate) fn stays_out_of_work_trees(&self) -> Result<(), Failure> {
        let program = match self {
            Self::Key(key, _) => key.program(),
            Self::Identity(keyless) => keyless.token_program(),
        };
        let tree = |program| work_tree_above(program).filter(|tree| home().is_none_or(|home| *tree != home));
        let Some((program, tree)) = program.and_then(|program| Some((program, tree(program)?))) else { return Ok(()) };
        let [program, tree] = [program, &tree].map(|path| escaped(&path.display().to_string()));
        let what = format!("the signer's program `{program}` lies in the work tree `{tree}`, where the command could change it");
        Err(Failure::new("key-exposed", what)
            .hint("what the command puts there would run outside of its sandbox: keep the program elsewhere"))
    }

    /// Returns the variables that a credential or an identity's token comes from: whoever has it signs as well.
    pub(crate) fn credential_variables(&self) -> Vec<&str> {
        match self {
            Self::Key(key, _) => key.credential_variables().to_vec(),
            Self::Identity(keyless) => keyless.token_variable().into_iter().collect(),
        }
    }
}

/// Tells who has signed, and what logs have of it, once a bundle with the session's certificate has been verified.
pub(crate) fn tell(session: &Session<'_>) {
    let (subject, issuer) = (session.unverified_subject(), session.unverified_issuer());
    tell_entries(&format!("signed as {subject} ({issuer})"), session.entries());
}

fn tell_entries(signed: &str, Entries { made, unheard, .. }: Entries) {
    output::labelled(output::FAINT, "note", &format!("{signed}, with log entries: {made}"));
    if unheard > 0 {
        output::warning(&format!("nobody heard how {unheard} attempts ended, so logs may have as many more entries of the same signature"));
    }
}

/// Returns true for the signers that have no key of their own.
pub(crate) fn is_keyless(signer: &str) -> bool {
    signer.starts_with(KEYLESS)
}

/// Opens who signs; without a name, the default key.
pub(crate) fn attester(
    signer: Option<&str>,
    instance: &Instance,
    trust: &[PathBuf],
    passphrase: &PassphraseSource,
) -> Result<Attester, Failure> {
    match signer.and_then(|signer| signer.strip_prefix(KEYLESS)) {
        Some(tokens) => {
            let keyless = instance.signer(trust, instance::tokens(tokens)?)?;
            keyless.check(clock::now()?)?;
            Ok(Attester::Identity(Box::new(keyless)))
        }
        None => {
            let witnesses = instance.witnesses(trust)?.map(Box::new);
            if let Some(witnesses) = &witnesses {
                witnesses.check(clock::now()?)?;
            }
            Ok(Attester::Key(open(signer, passphrase)?, witnesses))
        }
    }
}

/// Opens a signer's key; without one, the default key.
pub(crate) fn open(signer: Option<&str>, passphrase: &PassphraseSource) -> Result<Box<dyn Signer>, Failure> {
    match elsewhere(signer)? {
        Some(key) => Ok(Box::new(key)),
        None => Ok(Box::new(opened(&path(signer)?, passphrase)?)),
    }
}

/// A signer's public half, and what it was read from.
pub(crate) enum PublicHalf {
    /// The private key itself, or who keeps it.
    Derived(PublicKey),
    /// The file beside a private key that is locked: nobody has compared the two.
    Beside(PublicKey, PathBuf),
}

/// Returns a signer's public half without asking for a passphrase, if that can be: from the private key where it's open or a
/// passphrase was given, else from the file that was made with it.
///
/// A file that disagrees with a private key that is open is warned of.
pub(crate) fn public_half(signer: Option<&str>, passphrase: &PassphraseSource) -> Result<PublicHalf, Failure> {
    if let Some(key) = elsewhere(signer)? {
        return Ok(PublicHalf::Derived(key.public_key().clone()));
    }
    let path = path(signer)?;
    let beside = path.with_extension("pub");
    let is_pair = path.extension().is_some_and(|ending| ending == "key");
    let written = is_pair.then(|| public_key_in(&beside)).flatten();
    let mut is_locked = false;
    if let Some(written) = written.as_ref().filter(|_| !passphrase.is_given()) {
        // Whatever else is wrong with the private key's file is told below.
        let read = read_key_file(&path, home().as_deref(), || {
            is_locked = true;
            None
        });
        if is_locked && read.is_err() {
            return Ok(PublicHalf::Beside(written.clone(), beside));
        }
    }
    let key = opened(&path, passphrase)?.public_key()?;
    if written.is_some_and(|written| written != key) {
        let [beside, path] = [&beside, &path].map(|path| escaped(&path.display().to_string()));
        output::warning(&format!("`{beside}` is another key's; what is printed is the public half of `{path}` itself"));
    }
    Ok(PublicHalf::Derived(key))
}

/// Opens a key that somebody else keeps, if that's what is named.
fn elsewhere(signer: Option<&str>) -> Result<Option<RemoteKey>, Failure> {
    let Some(uri) = signer.filter(|signer| RemoteKey::is_named_by(signer)) else { return Ok(None) };
    if uri.contains("pin-value=") {
        output::warning(
            "whoever runs on this machine can read a PIN in arguments; `pin-source=/PATH` or the variable COSIGN_PKCS11_PIN hides it",
        );
    }
    // Whoever reads it wants it only if no PIN was given otherwise.
    let variable = |name: &str| match std::env::var(name) {
        Err(_) if name == PIN => passphrase::pin(uri.split('?').next().unwrap_or_default()),
        value => value.ok(),
    };
    Ok(Some(RemoteKey::open(uri, &variable, Patience::default())?))
}

/// Reads the public half that lies in a file; `None` for whatever else lies there.
fn public_key_in(path: &Path) -> Option<PublicKey> {
    // Anything but a file isn't even opened: a pipe would wait for its writer.
    let is_file = path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() <= PUBLIC_KEY_BYTES);
    is_file.then(|| std::fs::read_to_string(path).ok()).flatten().and_then(|pem| PublicKey::from_pem(&pem).ok())
}

fn path(signer: Option<&str>) -> Result<PathBuf, Failure> {
    match signer {
        Some(signer) => key_path(signer),
        None => Ok(with_ending(&default_prefix()?, ".key")),
    }
}

fn opened(path: &Path, passphrase: &PassphraseSource) -> Result<LocalKey, Failure> {
    // The key's file says whether it needs a passphrase at all; only then is anybody asked.
    let mut failed = None;
    let read = read_key_file(path, home().as_deref(), || {
        passphrase.existing(&format!("`{}`", path.display())).unwrap_or_else(|failure| {
            failed = Some(failure);
            None
        })
    });
    match (read, failed) {
        (_, Some(failure)) => Err(failure),
        (Ok(key), None) => Ok(key),
        (Err(error), None) => Err(no_private_key(path).unwrap_or_else(|| error.into())),
    }
}

/// Says which file was meant, if it's seen from the name: the prefix alone, or the public half.
fn no_private_key(path: &Path) -> Option<Failure> {
    let private = if path.extension().is_some_and(|ending| ending == "pub") {
        path.with_extension("key")
    } else if !path.exists() {
        with_ending(path, ".key")
    } else {
        return None;
    };
    private.is_file().then(|| {
        Failure::new("key-missing", format!("`{}` is no private key", path.display()))
            .hint(format!("the private key beside it is `file:{}`", private.display()))
    })
}

/// Returns the default key's path without `.key` or `.pub`.
pub(crate) fn default_prefix() -> Result<PathBuf, Failure> {
    Ok(data_home()?.join("keys").join("default"))
}

/// Appends an ending, since a prefix like `release-1.2` has a dot of its own.
pub(crate) fn with_ending(prefix: &Path, ending: &str) -> PathBuf {
    let mut path = prefix.as_os_str().to_owned();
    path.push(ending);
    PathBuf::from(path)
}

fn key_path(signer: &str) -> Result<PathBuf, Failure> {
    if let Some(path) = signer.strip_prefix("file:") {
        return if path.is_empty() { Err(invalid(signer)) } else { Ok(PathBuf::from(path)) };
    }
    if is_keyless(signer) {
        return Err(Failure::new(
            "signer-unsupported",
            "`keyless:` signs with a key of its own each time, so it has no public half to print",
        )
        .hint("a policy names the identity in place of a key: `identity: {issuer: …, subject: …, trustRoot: …}`"));
    }
    Err(invalid(signer))
}

fn invalid(signer: &str) -> Failure {
    if IdentityToken::is_in(signer) {
        return Failure::new("signer-invalid", "an identity token was given in place of a signer; it isn't repeated here")
            .hint("name where the token comes from: `keyless:env:NAME`, `keyless:file:PATH` or `keyless:exec:PROGRAM`");
    }
    // What may be a PIN isn't repeated.
    let shown = signer.split("pin-").next().unwrap_or_default();
    let failure = Failure::new("signer-invalid", format!("`{shown}` names no signer"));
    if Path::new(signer).exists() {
        failure.hint(format!("for a key file write `file:{signer}`"))
    } else {
        failure.hint("a signer is `file:PREFIX.key`, a key elsewhere such as `hashivault://KEY` or `exec:PROGRAM`, or `keyless:`")
    }
}

/// Largest file that is read as a public key.
const PUBLIC_KEY_BYTES: u64 = 64 << 10;
const KEYLESS: &str = "keyless:";
/// The PIN of a token, as cosign reads it.
const PIN: &str = "COSIGN_PKCS11_PIN";
