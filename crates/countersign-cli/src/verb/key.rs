//! `countersign key`: makes a local key, or the key that opens what is sealed, and prints the public half of a signer's.
//! What a signer's key file looks like, and where it may lie, is the signers' crate's affair.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use countersign_sign::{KeyError, KeyType, LocalKey, write_cosign_key_files, write_key_files};

use crate::data_home::home;
use crate::escape::escaped;
use crate::failure::Failure;
use crate::openings;
use crate::output;
use crate::passphrase::PassphraseSource;
use crate::signer::{self, PublicHalf, SIGNER_HELP};

/// Makes a signer's key or the key for openings, or prints a signer's public half
#[derive(Debug, Args)]
pub(crate) struct Key {
    #[command(subcommand)]
    verb: KeyVerb,
}

#[derive(Debug, Subcommand)]
enum KeyVerb {
    Generate(Generate),
    Public(Public),
}

/// Makes a key: PREFIX.key (private, mode 0600, encrypted) and PREFIX.pub (SPKI PEM)
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  countersign key generate\n  countersign key generate --out ~/keys/release --type ed25519\n  \
    countersign key generate --openings\n  \
    countersign key generate --out cosign --format cosign    a pair that cosign takes as cosign.key and cosign.pub")]
struct Generate {
    /// Where to: PREFIX.key and PREFIX.pub, outside of any work tree [default: $XDG_DATA_HOME/countersign/keys/default]
    #[arg(long, value_name = "PREFIX", value_hint = ValueHint::FilePath)]
    out: Option<PathBuf>,
    /// The key's algorithm
    #[arg(long = "type", value_name = "TYPE", value_enum, default_value_t = Algorithm::P256)]
    key_type: Algorithm,
    /// How the private key is written; all are read
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = PrivateFormat::Pkcs8)]
    format: PrivateFormat,
    /// Makes the key that opens what is sealed, instead of a signer's: $XDG_DATA_HOME/countersign/keys/openings.key and
    /// .pub. From then on prompts and transcripts are kept under it, encrypted, as they are sealed
    #[arg(long, conflicts_with_all = ["out", "key_type", "format"])]
    openings: bool,
    /// Leaves the private key unencrypted: whatever runs as you can use it
    #[arg(long)]
    no_passphrase: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Algorithm {
    /// ECDSA on NIST P-256 with SHA-256
    P256,
    /// Pure Ed25519
    Ed25519,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PrivateFormat {
    /// PKCS#8, as OpenSSL and most others read it
    Pkcs8,
    /// As cosign encrypts its own keys; P-256 only
    Cosign,
}

/// Prints the public half of a signer's key
///
/// Of a private key that is encrypted, the file PREFIX.pub beside it is printed, and standard error says so: nobody is asked for
/// the passphrase. If one is given (--passphrase-file or COUNTERSIGN_PASSPHRASE), or the key isn't encrypted, the public half is
/// derived from the private key, and a PREFIX.pub that disagrees is warned of.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  countersign key public file:keys/release.key\n  \
    countersign key public file:keys/release.key --format der-base64    the form that a policy takes as `key`\n  \
    countersign key public hashivault://release    of a key that Vault keeps, by VAULT_ADDR and VAULT_TOKEN")]
struct Public {
    #[arg(help = SIGNER_HELP, value_name = "SIGNER")]
    signer: Option<String>,
    /// The form
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = PublicFormat::Pem)]
    format: PublicFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PublicFormat {
    /// SubjectPublicKeyInfo in PEM
    Pem,
    /// Base64 of SubjectPublicKeyInfo in DER, in one line
    DerBase64,
}

impl Key {
    pub(crate) fn run(self, passphrase: &PassphraseSource) -> Result<ExitCode, Failure> {
        match self.verb {
            KeyVerb::Generate(verb) => verb.run(passphrase),
            KeyVerb::Public(verb) => verb.run(passphrase),
        }
    }
}

impl Generate {
    fn run(self, passphrase: &PassphraseSource) -> Result<ExitCode, Failure> {
        if self.no_passphrase && passphrase.names_a_file() {
            return Err(Failure::new("usage", "`--passphrase-file` and `--no-passphrase` contradict each other")
                .hint("leave one out: is the private key to be encrypted?"));
        }
        if self.openings {
            let protection = if self.no_passphrase { None } else { Some(passphrase.fresh("the key for openings")?) };
            let [private, public] = openings::generate(protection.as_ref())?;
            return told(&private, &public, "x25519", protection.is_some());
        }
        let prefix = self.out.map_or_else(signer::default_prefix, Ok)?;
        if prefix.extension().is_some_and(|ending| ending == "key" || ending == "pub") {
            let [given, meant] = [&prefix, &prefix.with_extension("")].map(|path| escaped(&path.display().to_string()));
            output::warning(&format!("`--out` is a prefix, so the private key is `{given}.key`; `--out {meant}` makes `{meant}.key`"));
        }
        let key_type = match self.key_type {
            Algorithm::P256 => KeyType::P256,
            Algorithm::Ed25519 => KeyType::Ed25519,
        };
        if self.format == PrivateFormat::Cosign {
            // Before anybody is asked for a passphrase.
            if self.no_passphrase {
                return Err(Failure::new(
                    "usage",
                    "cosign's keys are always encrypted: `--format cosign` can't be had with `--no-passphrase`",
                ));
            }
            if key_type != KeyType::P256 {
                return Err(KeyError::NotForCosign.into());
            }
        }
        let protection = if self.no_passphrase {
            None
        } else {
            Some(passphrase.fresh(&format!("`{}`", signer::with_ending(&prefix, ".key").display()))?)
        };
        let key = LocalKey::generate(key_type)?;
        let home = home();
        let (private, public) = match (&protection, self.format) {
            (Some(passphrase), PrivateFormat::Cosign) => write_cosign_key_files(&prefix, &key, passphrase, home.as_deref()),
            (protection, _) => write_key_files(&prefix, &key, protection.as_ref(), home.as_deref()),
        }?;
        told(&private, &public, &key_type.to_string(), protection.is_some())
    }
}

fn told(private: &Path, public: &Path, key_type: &str, is_protected: bool) -> Result<ExitCode, Failure> {
    let protected = if is_protected { "encrypted" } else { "NOT encrypted" };
    let [private, public] = [private, public].map(|path| escaped(&path.display().to_string()));
    output::answer(&format!("{private}  private key, {key_type}, {protected}\n{public}  public key\n"))?;
    Ok(ExitCode::SUCCESS)
}

impl Public {
    fn run(self, passphrase: &PassphraseSource) -> Result<ExitCode, Failure> {
        let key = match signer::public_half(self.signer.as_deref(), passphrase)? {
            PublicHalf::Derived(key) => key,
            PublicHalf::Beside(key, file) => {
                let file = escaped(&file.display().to_string());
                output::labelled(
                    output::HINT,
                    "note",
                    &format!(
                        "read from `{file}`, and not compared with the private key, which is locked; a passphrase that is given compares them"
                    ),
                );
                key
            }
        };
        match self.format {
            PublicFormat::Pem => output::answer(&pem(&key.to_base64()))?,
            PublicFormat::DerBase64 => output::answer(&format!("{}\n", key.to_base64()))?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Writes a public key as RFC 7468 has it: lines of 64 characters.
fn pem(base64: &str) -> String {
    let mut pem = String::from("-----BEGIN PUBLIC KEY-----\n");
    for (count, character) in base64.chars().enumerate() {
        if count > 0 && count % 64 == 0 {
            pem.push('\n');
        }
        pem.push(character);
    }
    pem + "\n-----END PUBLIC KEY-----\n"
}
