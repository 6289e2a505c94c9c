//! `countersign trust update`: fetches the newest trust root of an instance, and keeps it.
//! What a mirror may and may not do is the signers' crate's affair.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use countersign_sign::{FetchedTrust, Mirror, TufRepository};

use crate::clock;
use crate::escape::escaped;
use crate::failure::Failure;
use crate::output::{self, FAINT};
use crate::public_good;

/// Fetches the newest trust root of an instance (by TUF), verifies it, and keeps it; prints its digest and where a copy is
#[derive(Debug, Args)]
#[command(after_help = "\
What is fetched is taken only if the instance's keyholders have signed it, nothing in it is older than what was fetched before, and
nothing has expired. Otherwise what was kept stays, and so it does if the mirror can't be read.

Verifying fetches nothing: for `public-good` it takes what was fetched here last, and says so once that is out of date.

Examples:
  countersign trust update
  countersign trust update --mirror https://mirror.example.test/sigstore    the public-good instance's, from another place
  countersign trust update --mirror file:///srv/tuf --root root.json        another instance's, without a network")]
pub(super) struct Update {
    /// Where it's fetched from: https://HOST/PATH or file:///PATH [default: where the public-good instance gives it out]
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    mirror: Option<String>,
    /// The `root.json` of another instance, from a source that you trust: what is fetched is verified from it on
    #[arg(long, value_name = "FILE", requires = "mirror", value_hint = ValueHint::FilePath)]
    root: Option<PathBuf>,
}

impl Update {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mirror = Mirror::named(self.mirror.as_deref().unwrap_or(TufRepository::PUBLIC_GOOD_MIRROR))?;
        let repository = match &self.root {
            Some(root) => TufRepository::new(read(root)?, public_good::folder(&folder_name(&mirror))?)?,
            None => TufRepository::public_good(public_good::folder(public_good::NAME)?),
        };
        // What can't be used is told by the update, or replaced by it.
        let before = repository.kept().ok().flatten();
        let fetched = repository.update(&mirror, clock::now()?).map_err(|error| Failure::from(error).hint(left(&repository)))?;
        let file = repository.trust_root_file();
        output::answer(&format!("{}  {}\n", fetched.root().digest(), escaped(&file.display().to_string())))?;
        tell(before.as_ref(), &fetched);
        Ok(())
    }
}

/// Says what a failed update has left: the instance may have replaced who vouches for what was kept.
fn left(repository: &TufRepository) -> &'static str {
    match repository.kept() {
        Ok(_) => "the trust root is as it was before",
        Err(_) => {
            "the instance has replaced who may sign, so that what was fetched before isn't believed any more: update it from another mirror, or later"
        }
    }
}

fn tell(before: Option<&FetchedTrust>, fetched: &FetchedTrust) {
    let versions = fetched.versions();
    let what = match before {
        None => "fetched for the first time".to_owned(),
        Some(before) if before.root().digest() == fetched.root().digest() => "nothing in it has changed".to_owned(),
        Some(before) => format!("it has changed; before it was {}", before.root().digest()),
    };
    let text = format!(
        "{what}; root {}, timestamp {}, snapshot {}, targets {}, to be fetched anew by {}",
        versions.root,
        versions.timestamp,
        versions.snapshot,
        versions.targets,
        fetched.fresh_until()
    );
    output::labelled(FAINT, "note", &text);
}

/// Names the folder of another instance by its mirror, in letters that every file system takes.
fn folder_name(mirror: &Mirror) -> String {
    let letter = |byte: u8| match byte {
        b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    mirror.to_string().bytes().map(letter).collect()
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(ROOT_BYTES).read_to_end(&mut bytes));
    read.map_err(|error| Failure::new("trust-unreadable", format!("`{}` can't be read", path.display())).because(&error))?;
    Ok(bytes)
}

/// More than any `root.json` may have.
const ROOT_BYTES: u64 = 1 << 20;
