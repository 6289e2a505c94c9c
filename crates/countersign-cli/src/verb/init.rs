//! `countersign init`: writes a policy to begin with.
//! What stands in it is the preset's affair; a preset that the heart wouldn't load is never written.

mod filling;
mod regulated;
mod solo;
mod team;

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use countersign::identity::PublicKey;
use countersign::policy::Policy;
use countersign::time::Span;

use crate::clock;
use crate::escape::escaped;
use crate::failure::Failure;
use crate::output;
use crate::passphrase::PassphraseSource;
use crate::{repository, signer};
use filling::Filling;

/// Writes .countersign/policy.yaml at the top of the work tree
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  countersign key generate && countersign init --id app\n  countersign init --preset regulated")]
pub(crate) struct Init {
    /// For whom the policy is
    #[arg(long, value_name = "PRESET", value_enum, default_value_t = Preset::Solo)]
    preset: Preset,
    /// The policy's name for itself [default: the repository's]
    #[arg(long, value_name = "ID")]
    id: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Preset {
    /// One person with local keys
    Solo,
    /// A workflow of GitHub Actions builds, people run agents with keys of their own; to be filled in
    Team,
    /// Only workflows sign, and agents work in a known image that they are watched in; to be filled in
    Regulated,
}

impl Init {
    pub(crate) fn run(self, _: &PassphraseSource) -> Result<ExitCode, Failure> {
        let repository = repository::needed("to put a policy at the top of")?;
        let top = repository.work_tree().ok_or_else(|| {
            Failure::new("repository-bare", "the repository is bare, and a policy lies at the top of a work tree")
                .hint("go into a clone with a work tree")
        })?;
        let uri = repository.repository_uri();
        let (id, days) = (self.id.unwrap_or_else(|| default_id(uri.as_deref(), top)), self.preset.days());
        let filling = Filling { id, repository: uri, expires: clock::now()?.plus(Span::seconds(days * 24 * 60 * 60)) };
        let text = match self.preset {
            Preset::Solo => solo::to_yaml(&filling, &default_public_key()?),
            Preset::Team => team::to_yaml(&filling, &default_public_key()?),
            Preset::Regulated => regulated::to_yaml(&filling),
        };
        if filling.repository.is_none() {
            output::warning("the repository has no remote `origin`, so the policy can't say from which repository things must come");
        }
        let policy = Policy::parse(text.as_bytes()).map_err(|error| Failure::of("policy-invalid", &error))?;
        let path: std::path::PathBuf = top.join(repository::FOLDER).join("policy.yaml").components().collect();
        write_new(&path, &text)?;
        output::answer(&format!("{}  policy {}, {}\n", escaped(&path.display().to_string()), escaped(policy.id()), policy.digest()))?;
        match self.preset {
            Preset::Solo => output::hint("read it, and commit it: who can change the policy decides what is allowed"),
            Preset::Team | Preset::Regulated => output::hint(
                "replace each `<your …>` in it, check it with `countersign policy check`, and commit it: before that it allows nothing",
            ),
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Preset {
    /// Returns for how long the policy is good.
    const fn days(self) -> u32 {
        match self {
            Self::Solo | Self::Team => 365,
            Self::Regulated => 90,
        }
    }
}

/// Reads the public half that lies beside the default key, which needs no passphrase.
fn default_public_key() -> Result<PublicKey, Failure> {
    let prefix = signer::default_prefix()?;
    let (private, public) = (signer::with_ending(&prefix, ".key"), signer::with_ending(&prefix, ".pub"));
    let missing = |path: &Path| {
        Failure::new("key-missing", format!("there is no default key at `{}`", path.display())).hint("`countersign key generate` makes it")
    };
    if !private.exists() {
        return Err(missing(&private));
    }
    let pem = fs::read_to_string(&public).map_err(|error| missing(&public).because(&error))?;
    PublicKey::from_pem(&pem)
        .map_err(|error| Failure::new("key-malformed", format!("`{}` holds no public key", public.display())).because(&error))
}

fn default_id(repository: Option<&str>, top: &Path) -> String {
    let of_uri = repository.and_then(|uri| uri.trim_end_matches('/').rsplit('/').next()).map(|name| name.trim_end_matches(".git"));
    let of_directory = || top.canonicalize().ok().and_then(|top| Some(top.file_name()?.to_str()?.to_owned()));
    of_uri.filter(|name| !name.is_empty()).map(str::to_owned).or_else(of_directory).unwrap_or_else(|| "policy".to_owned())
}

/// Writes a file that wasn't there; one that is, is never touched.
fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let failed =
        |error: &std::io::Error| Failure::new("policy-unwritable", format!("`{}` can't be written", path.display())).because(error);
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).map_err(|error| failed(&error))?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| {
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            Failure::new("policy-exists", format!("`{}` exists and is never overwritten", path.display()))
                .hint("change that file, or move it away")
        } else {
            failed(&error)
        }
    })?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| {
        // Half a policy would be refused, and would be in the way of the whole one.
        let _ = fs::remove_file(path);
        failed(&error)
    })
}
