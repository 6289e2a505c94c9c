//! Signs a statement, keeps the bundle in a store and where else it's wanted, and says where.
//! What the statement says is decided elsewhere.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use countersign::bundle::{Bundle, BundleError};
use countersign::statement::Statement;
use countersign_store::{DirStore, Store, StoreError};
use tempfile::NamedTempFile;

use crate::bundle_file;
use crate::escape::escaped;
use crate::failure::Failure;
use crate::instance::Instance;
use crate::passphrase::PassphraseSource;
use crate::repository;
use crate::signer::{self, Attester, SIGNER_HELP};
use crate::stores::{self, STORE_HELP};

/// Who signs, and where the bundle goes.
#[derive(Debug, Args)]
pub(crate) struct Keeping {
    #[arg(long, value_name = "SIGNER", help = SIGNER_HELP)]
    signer: Option<String>,
    #[command(flatten)]
    instance: Instance,
    /// The trust root of the instance that signs or witnesses (trusted_root.json), which must vouch for what it gives
    #[arg(long, value_name = "FILE", requires = "signer", value_hint = ValueHint::FilePath)]
    trust: Vec<PathBuf>,
    #[arg(long, value_name = "STORE", help = STORE_HELP)]
    store: Vec<String>,
    /// Writes the bundle to FILE, too, in place of a bundle that is there
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    out: Option<PathBuf>,
    /// What the statement is made of, which FILE must not replace even where it's a bundle.
    #[arg(skip)]
    spared: Vec<PathBuf>,
}

impl Keeping {
    /// Keeps files from being replaced by the bundle.
    pub(crate) fn sparing<'a>(mut self, files: impl IntoIterator<Item = &'a PathBuf>) -> Self {
        self.spared.extend(files.into_iter().cloned());
        self
    }

    /// Opens the key and the stores, so that what is missing is missed before any work is done.
    pub(crate) fn prepare(self, passphrase: &PassphraseSource) -> Result<Keeper, Failure> {
        let mut places: Vec<_> = self.store.into_iter().map(Place::Named).collect();
        if places.is_empty() {
            places.extend(stores::default_path(repository::at_hand()?.as_ref()).map(Place::Default));
        }
        if places.is_empty() && self.out.is_none() {
            return Err(Failure::new("store-missing", "no work tree is here, so there is no default store to keep the bundle in")
                .hint("name one by `--store dir:PATH`, or a file by `--out FILE`"));
        }
        let out = self.out.map(Out::named).transpose()?;
        if let Some(out) = out.as_ref().filter(|out| self.spared.iter().any(|file| real(file) == real(&out.path))) {
            return Err(Failure::new("output-exists", format!("`{}` is what the statement is made of", out.shown.display()))
                .hint("name another file by `--out`"));
        }
        let is_of_instance = self.instance.signing_config.is_some() || self.signer.as_deref().is_some_and(signer::is_keyless);
        if !self.trust.is_empty() && !is_of_instance {
            return Err(Failure::new(
                "usage",
                "`--trust` is for `--signer keyless:` or `--signing-config` here, and a key alone needs nobody's word",
            ));
        }
        let signer = signer::attester(self.signer.as_deref(), &self.instance, &self.trust, passphrase)?;
        for place in &places {
            place.open()?;
        }
        Ok(Keeper { signer, places, out })
    }
}

/// Everything that is needed to sign and keep.
pub(crate) struct Keeper {
    signer: Attester,
    places: Vec<Place>,
    out: Option<Out>,
}

impl Keeper {
    /// Signs the statement, keeps the bundle, and returns a line for each copy.
    pub(crate) fn keep(&self, statement: &Statement) -> Result<String, Failure> {
        self.put(&self.sign(statement)?)
    }

    /// Signs the statement.
    pub(crate) fn sign(&self, statement: &Statement) -> Result<Bundle, Failure> {
        self.signer.attest(|_| Ok(statement.clone()))
    }

    /// Refuses a signer that a command which is observed could replace.
    pub(crate) fn stays_out_of_work_trees(&self) -> Result<(), Failure> {
        self.signer.stays_out_of_work_trees()
    }

    /// Returns the variables that let their holder sign as we do.
    pub(crate) fn credential_variables(&self) -> Vec<&str> {
        self.signer.credential_variables()
    }

    /// Keeps the bundle, and returns a line for each copy.
    pub(crate) fn put(&self, bundle: &Bundle) -> Result<String, Failure> {
        let mut lines = String::new();
        let mut line = |place: &str| lines.push_str(&format!("{}  {}\n", bundle.digest().hex(), escaped(place)));
        // What can be written is, before anything that can't is told: the bundle may be of an hour's work.
        let mut failure = None;
        for place in &self.places {
            // Anew, since a command in between may have cleaned it away.
            match place.open().and_then(|store| store.put(bundle).map_err(|error| place.failed(error))) {
                Ok(location) => line(&location.to_string()),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        if let Some(out) = &self.out {
            match out.write(bundle) {
                Ok(()) => line(&out.shown.display().to_string()),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        match failure {
            None => Ok(lines),
            Some(failure) if lines.is_empty() => Err(failure),
            Some(failure) => Err(failure.hint(format!("a copy is kept: {}", lines.trim_end().replace('\n', ", ")))),
        }
    }
}

enum Place {
    Named(String),
    Default(PathBuf),
}

impl Place {
    fn open(&self) -> Result<Box<dyn Store>, Failure> {
        let opened = match self {
            Self::Named(name) => countersign_store::create(name),
            Self::Default(path) => DirStore::create(path.clone()).map(|store| Box::new(store) as Box<dyn Store>),
        };
        opened.map_err(|error| self.failed(error))
    }

    /// Names the store, of which the error knows at most the inside.
    fn failed(&self, error: StoreError) -> Failure {
        match (&error, self) {
            (StoreError::Unwritable { .. } | StoreError::Full { .. }, Self::Named(name)) => {
                Failure::new(error.code(), format!("the store `{name}` can't be written")).because(&error)
            }
            (StoreError::Unwritable { .. } | StoreError::Full { .. }, Self::Default(path)) => {
                Failure::new(error.code(), format!("the default store `{}` can't be written", path.display())).because(&error)
            }
            _ => error.into(),
        }
    }
}

/// A file that a bundle is written to, beside the stores.
pub(crate) struct Out {
    /// As it was given.
    shown: PathBuf,
    /// Without regard to the working directory.
    path: PathBuf,
}

impl Out {
    /// Checks that a bundle can be written there, before any work is done.
    pub(crate) fn named(shown: PathBuf) -> Result<Self, Failure> {
        let path = std::path::absolute(&shown).map_err(|error| unwritable(&shown, &error))?;
        if let Some(folder) = path.parent().filter(|folder| !folder.is_dir()) {
            return Err(Failure::new("output-unwritable", format!("`{}` is no directory to write into", folder.display())));
        }
        let out = Self { shown, path };
        out.spare()?;
        // Whether a folder takes a file is known by trying only.
        out.beside().map_err(|error| unwritable(&out.shown, &error))?;
        Ok(out)
    }

    /// Refuses to replace anything but a bundle: a slip must not cost the artifact itself.
    fn spare(&self) -> Result<(), Failure> {
        let Ok(metadata) = self.path.symlink_metadata() else { return Ok(()) };
        // Anything but a file isn't even opened: a pipe would wait for its writer.
        match metadata.is_file().then(|| bundle_file::read(&self.path).map(|bytes| Bundle::parse(&bytes))) {
            Some(Ok(Ok(_) | Err(BundleError::NoEnvelope))) => Ok(()),
            _ => Err(Failure::new("output-exists", format!("`{}` is there already and is no bundle", self.shown.display()))
                .hint("name another file, or remove this one")),
        }
    }

    /// Makes a file beside it, which is gone again unless it takes its name.
    fn beside(&self) -> std::io::Result<NamedTempFile> {
        let mut file = tempfile::Builder::new();
        file.prefix(".countersign-").permissions(PermissionsExt::from_mode(0o644));
        file.tempfile_in(self.path.parent().unwrap_or(Path::new(".")))
    }

    /// Writes the bundle whole, in place of an earlier one.
    pub(crate) fn write(&self, bundle: &Bundle) -> Result<(), Failure> {
        self.write_bytes(bundle.bytes())
    }

    /// Writes the bytes of a bundle whole, in place of an earlier one.
    pub(crate) fn write_bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        self.spare()?;
        let written = self.beside().and_then(|mut file| {
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            file.persist(&self.path).map_err(|error| error.error)
        });
        written.map(drop).map_err(|error| unwritable(&self.shown, &error))
    }
}

/// Returns the one path of a file, which needn't be there yet.
fn real(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.canonicalize().ok().or_else(|| Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?))).unwrap_or(path)
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new("output-unwritable", format!("`{}` can't be written", path.display())).because(error)
}
