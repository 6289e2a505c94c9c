//! `countersign trust create`: makes a trust root of certificate files and log keys, by the command line of `cosign
//! trusted-root create`.
//! Which files deserve trust is for who gives them to know.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{ArgGroup, Args, ValueHint};
use countersign::digest::Digest;
use countersign::identity::PublicKey;
use countersign::time::Time;
use countersign::trust::{Chain, Member, TrustRoot, Window};

use crate::escape::escaped;
use crate::failure::Failure;
use crate::output;

/// Makes a trust root (trusted_root.json) of certificate files and log keys
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("members").args(["fulcio", "rekor", "ctfe", "tsa"]).required(true).multiple(true),
    after_help = "\
Each is described by KEY=VALUE pairs between commas:
  --fulcio, --tsa    url, certificate-chain (a PEM file, the root last); start-time (else the root's), end-time
  --rekor, --ctfe    url, public-key (a PEM file), start-time; end-time, and for Rekor v2 origin (what its checkpoints begin with)

Several instances need several trust roots: `--trust` is repeatable, and a policy says which of them vouches for whom.

Example:
  countersign trust create --out trusted_root.json \\
      --fulcio url=https://ca.example.test,certificate-chain=ca.pem \\
      --ctfe url=https://ct.example.test,public-key=ct.pub,start-time=2025-01-01T00:00:00Z \\
      --rekor url=https://log.example.test,public-key=log.pub,start-time=2025-01-01T00:00:00Z,origin=log.example.test \\
      --tsa url=https://times.example.test,certificate-chain=tsa.pem"
)]
pub(super) struct Create {
    /// A certificate authority. Repeatable
    #[arg(long, value_name = "SPEC")]
    fulcio: Vec<Spec>,
    /// A log of signatures. Repeatable
    #[arg(long, value_name = "SPEC")]
    rekor: Vec<Spec>,
    /// A log of certificates. Repeatable
    #[arg(long, value_name = "SPEC")]
    ctfe: Vec<Spec>,
    /// A timestamp authority. Repeatable
    #[arg(long, value_name = "SPEC")]
    tsa: Vec<Spec>,
    /// Writes it to FILE, which isn't there yet, and prints its digest [default: prints the trust root itself]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    out: Option<PathBuf>,
}

impl Create {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut members = Vec::new();
        for spec in self.fulcio {
            let (address, chain, window) = spec.authority("--fulcio")?;
            members.push(Member::CertificateAuthority { address, chain, window });
        }
        for spec in self.ctfe {
            let (address, key, window, origin) = spec.log("--ctfe")?;
            if origin.is_some() {
                return Err(usage("--ctfe", "`origin` is for `--rekor`: a certificate names its log by the key alone"));
            }
            members.push(Member::CertificateLog { address, key, window });
        }
        for spec in self.rekor {
            members.push(match spec.log("--rekor")? {
                (address, key, window, Some(origin)) => Member::CheckpointLog { address, origin, key, window },
                (address, key, window, None) => Member::Log { address, key, window },
            });
        }
        for spec in self.tsa {
            let (address, chain, window) = spec.authority("--tsa")?;
            members.push(Member::TimestampAuthority { address, chain, window });
        }
        let root = TrustRoot::written(&members).map_err(|error| Failure::of("trust-invalid", &error))?;
        let digest = Digest::sha256(&root);
        match &self.out {
            Some(path) => {
                write_new(path, &root)?;
                output::answer(&format!("{digest}  {}\n", escaped(&path.display().to_string())))?;
            }
            None => output::answer_bytes(&root)?,
        }
        output::hint(&format!("a policy names it as `trustRoot: {digest}`"));
        Ok(())
    }
}

/// A description by pairs, as it was typed.
#[derive(Clone, Debug)]
struct Spec(Vec<(String, String)>);

impl FromStr for Spec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for pair in text.split(',') {
            let (key, value) =
                pair.split_once('=').filter(|(_, value)| !value.is_empty()).ok_or_else(|| format!("`{pair}` is no KEY=VALUE"))?;
            if !KEYS.contains(&key) {
                return Err(format!("`{key}` is none of {}", KEYS.join(", ")));
            }
            if pairs.iter().any(|(known, _)| known == key) {
                return Err(format!("`{key}` stands twice"));
            }
            pairs.push((key.to_owned(), value.to_owned()));
        }
        Ok(Self(pairs))
    }
}

impl Spec {
    fn authority(&self, flag: &str) -> Result<(String, Chain, Window), Failure> {
        self.only(flag, &["url", "certificate-chain", "start-time", "end-time"])?;
        let path = Path::new(self.needed(flag, "certificate-chain")?);
        let chain = Chain::from_pem(&read(path)?);
        let chain = chain.map_err(|error| unusable(path).because(&error))?;
        let from = match self.time(flag, "start-time")? {
            Some(from) => from,
            None => chain.begins().map_err(|error| unusable(path).because(&error))?,
        };
        let window = Window { from, until: self.time(flag, "end-time")? };
        Ok((self.needed(flag, "url")?.to_owned(), chain, window))
    }

    fn log(&self, flag: &str) -> Result<(String, PublicKey, Window, Option<String>), Failure> {
        self.only(flag, &["url", "public-key", "start-time", "end-time", "origin"])?;
        let path = Path::new(self.needed(flag, "public-key")?);
        let key = PublicKey::from_pem(&read(path)?).map_err(|error| unusable(path).because(&error))?;
        let from = self.time(flag, "start-time")?.ok_or_else(|| usage(flag, "`start-time` is missing"))?;
        let window = Window { from, until: self.time(flag, "end-time")? };
        Ok((self.needed(flag, "url")?.to_owned(), key, window, self.value("origin").map(str::to_owned)))
    }

    fn value(&self, key: &str) -> Option<&str> {
        self.0.iter().find_map(|(known, value)| (known == key).then_some(value.as_str()))
    }

    fn needed(&self, flag: &str, key: &str) -> Result<&str, Failure> {
        self.value(key).ok_or_else(|| usage(flag, &format!("`{key}` is missing")))
    }

    fn time(&self, flag: &str, key: &str) -> Result<Option<Time>, Failure> {
        let parse = |text: &str| text.parse().map_err(|error| usage(flag, &format!("`{key}` is {error}")));
        self.value(key).map(parse).transpose()
    }

    fn only(&self, flag: &str, known: &[&str]) -> Result<(), Failure> {
        match self.0.iter().find(|(key, _)| !known.contains(&key.as_str())) {
            Some((key, _)) => Err(usage(flag, &format!("`{key}` isn't for it"))),
            None => Ok(()),
        }
    }
}

fn usage(flag: &str, what: &str) -> Failure {
    Failure::new("usage", format!("`{flag}`: {what}")).hint("`countersign trust create --help` has an example")
}

fn unusable(path: &Path) -> Failure {
    Failure::new("trust-invalid", format!("`{}` can't stand in a trust root", path.display()))
}

fn read(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(FILE_BYTES).read_to_string(&mut text));
    read.map_err(|error| Failure::new("trust-unreadable", format!("`{}` can't be read", path.display())).because(&error))?;
    Ok(text)
}

/// Writes a file that wasn't there: a trust root that policies name by its digest is never replaced by a slip.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed = |error: &std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Failure::new("output-exists", format!("`{}` is there already", path.display())).hint("name another file, or remove this one")
        }
        _ => Failure::new("output-unwritable", format!("`{}` can't be written", path.display())).because(error),
    };
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| failed(&error))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|error| {
        // Half a trust root would be refused, and would be in the way of the whole one.
        let _ = std::fs::remove_file(path);
        failed(&error)
    })
}

const KEYS: [&str; 6] = ["url", "certificate-chain", "public-key", "start-time", "end-time", "origin"];
/// More than any chain of certificates has.
const FILE_BYTES: u64 = 1 << 20;
