//! Trust roots that their instance keeps up to date by The Update Framework (TUF 1.0): fetched when somebody asks for it,
//! verified, and kept. Verifying asks nobody: it takes what was kept, or a file.
//!
//! `sigstore-tuf` checks what a mirror offers: signatures and thresholds, the chain of roots, versions against those that
//! were kept, expiry, lengths and hashes. Here are what it reads from, what it keeps, and what is told of it. Of its two
//! ways to fetch neither is used: it would bring a second HTTP client and a runtime.

mod error;
mod kept;
mod mirror;

use std::borrow::Cow;
use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use countersign::limits;
use countersign::time::Time;
use countersign::trust::TrustRoot;
use jiff::Timestamp;
use sigstore_tuf::{Error, Repository, Role as _, TrustedMetadataSet, Updater, UpdaterConfig};

pub use error::{Origin, TufError};
pub use mirror::Mirror;

use kept::{Kept, Lock};

/// A TUF repository that gives out a trust root: the `root.json` that trust in it begins with, and the folder where what was
/// fetched is kept.
///
/// ```no_run
/// use countersign_sign::{Mirror, TufRepository};
/// # fn example(now: countersign::time::Time) -> Result<(), Box<dyn std::error::Error>> {
/// let repository = TufRepository::public_good("/var/lib/example/public-good");
/// let mirror = Mirror::named(TufRepository::PUBLIC_GOOD_MIRROR)?;
/// let trust = repository.update(&mirror, now)?;
/// println!("{} until {}", trust.root().digest(), trust.fresh_until());
/// // Later, without asking anybody:
/// let kept = repository.kept()?.ok_or("nothing was fetched yet")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct TufRepository {
    anchor: Cow<'static, [u8]>,
    is_public_good: bool,
    folder: PathBuf,
}

impl TufRepository {
    /// Where Sigstore's public-good instance gives out its trust root.
    pub const PUBLIC_GOOD_MIRROR: &str = "https://tuf-repo-cdn.sigstore.dev";

    /// The version of the targets metadata of Sigstore's public-good instance under which the trust root that is built in was given
    /// out: what has a lower one is older than that.
    pub const PUBLIC_GOOD_TARGETS: u64 = 13;

    /// The repository of Sigstore's public-good instance, from the root (version 16) that this version was built with.
    ///
    /// That root is the one of the crate `sigstore-trust-root` 0.15.1. A test shows that it follows, by the signatures that
    /// TUF asks for, on version 15, which the Python package `sigstore` 4.5.1 has, and that one on version 14, which the npm
    /// package `@sigstore/tuf` 4.0.2 has; the repository `sigstore/root-signing` has both. Copyright The Sigstore Authors,
    /// Apache-2.0.
    #[must_use]
    pub fn public_good(folder: impl Into<PathBuf>) -> Self {
        Self { anchor: Cow::Borrowed(PUBLIC_GOOD_ROOT), is_public_good: true, folder: folder.into() }
    }

    /// A repository of another instance, from a `root.json` that came by a trusted way.
    ///
    /// # Errors
    /// [`TufError::Anchor`] if it's no root, or isn't signed by its own keys.
    pub fn new(root: Vec<u8>, folder: impl Into<PathBuf>) -> Result<Self, TufError> {
        if root.len() as u64 > UpdaterConfig::default().root_max_length {
            return Err(TufError::Anchor { why: "it's too large".to_owned() });
        }
        let trusted = TrustedMetadataSet::from_root(&root).map_err(|error| TufError::Anchor { why: error::why(&error) })?;
        // Each newer one is asked for by the next number.
        if trusted.root().version > MOST_VERSIONS {
            return Err(TufError::Anchor { why: format!("no instance has got to version {}", trusted.root().version) });
        }
        Ok(Self { anchor: Cow::Owned(root), is_public_good: false, folder: folder.into() })
    }

    /// Fetches what a mirror offers, and keeps it if it's newer than or the same as what was kept, whole, and not out of date.
    /// `at` is the time that it is.
    ///
    /// A mirror that fails, or is refused, changes nothing but this: roots that the instance's keyholders have signed are kept,
    /// so that nobody is led back behind them.
    ///
    /// # Errors
    /// [`TufError`], whose code says whether the mirror can't be read, is out of date (frozen), went back, or can't be believed.
    pub fn update(&self, mirror: &Mirror, at: Time) -> Result<FetchedTrust, TufError> {
        let _lock = Lock::of(&self.folder)?;
        let kept = Kept::read(&self.folder)?;
        let fetched = kept.copied();
        let verified = self.verified(mirror.open(), &fetched, timestamp(at));
        let verified = verified.map_err(|error| TufError::of(error, Origin::Mirror, &mirror.to_string()));
        let trust = verified.and_then(|verified| self.read(verified, Origin::Mirror));
        if trust.is_ok() {
            fetched.write(&self.folder)?;
        } else {
            kept.take_roots_of(&fetched);
            kept.write(&self.folder)?;
        }
        trust
    }

    /// Returns what was kept, verified anew; `None` if nothing was fetched yet. No mirror is asked.
    ///
    /// What has gone out of date since is returned, too: [`FetchedTrust::is_stale`] says so.
    ///
    /// # Errors
    /// [`TufError`] if it isn't what was kept, or those who may sign it have since been replaced.
    pub fn kept(&self) -> Result<Option<FetchedTrust>, TufError> {
        let kept = Kept::read(&self.folder)?;
        if !kept.has_target() {
            return Ok(None);
        }
        let verified = self.verified(kept.clone(), &kept, Timestamp::MIN);
        self.read(verified.map_err(|error| TufError::of(error, Origin::Kept, ""))?, Origin::Kept).map(Some)
    }

    /// Returns the file that a copy of the trust root that was fetched last is written to.
    #[must_use]
    pub fn trust_root_file(&self) -> PathBuf {
        self.folder.join(TARGET)
    }

    /// Verifies what the files say as of a time; what was kept before is what versions must not fall behind.
    fn verified(&self, files: impl Repository + 'static, kept: &Kept, at: Timestamp) -> Result<Verified, Error> {
        let mut config = UpdaterConfig::default();
        config.target_max_length = limits::TRUST_ROOT_BYTES as u64;
        let mut updater = Updater::new(files, &self.anchor)?.with_config(config).with_store(kept.clone());
        at_once(updater.refresh(at))?;
        let bytes = at_once(updater.get_target(TARGET, at))?;
        Ok(Verified { bytes, trusted: updater.trusted().clone() })
    }

    fn read(&self, verified: Verified, of: Origin) -> Result<FetchedTrust, TufError> {
        let parse = if self.is_public_good { TrustRoot::parse_of_public_good } else { TrustRoot::parse };
        let root = parse(&verified.bytes).map_err(TufError::TrustRoot)?;
        let trusted = &verified.trusted;
        let incomplete = || TufError::Refused { of, why: "a role is missing".to_owned() };
        let (timestamp, snapshot) = trusted.timestamp().zip(trusted.snapshot()).ok_or_else(incomplete)?;
        let targets = trusted.targets_role("targets").ok_or_else(incomplete)?;
        // Only those delegates are loaded that were asked about the trust root.
        let delegates = targets.delegations.iter().flat_map(|delegations| &delegations.roles);
        let delegates = delegates.filter_map(|role| trusted.targets_role(&role.name)).map(|role| role.expires());
        let expiries = [trusted.root().expires, timestamp.expires, snapshot.expires, targets.expires].into_iter().chain(delegates);
        let fresh_until = expiries.min().and_then(|earliest| Time::from_unix(earliest.as_second()).ok()).ok_or_else(incomplete)?;
        let versions =
            Versions { root: trusted.root().version, timestamp: timestamp.version, snapshot: snapshot.version, targets: targets.version };
        Ok(FetchedTrust { root, versions, fresh_until })
    }
}

/// A trust root that came by TUF.
#[derive(Clone, Debug)]
pub struct FetchedTrust {
    root: TrustRoot,
    versions: Versions,
    fresh_until: Time,
}

impl FetchedTrust {
    /// Returns the trust root.
    #[must_use]
    pub const fn root(&self) -> &TrustRoot {
        &self.root
    }

    /// Returns the versions of the metadata that it came with.
    #[must_use]
    pub const fn versions(&self) -> Versions {
        self.versions
    }

    /// Returns until when its metadata was meant to be believed without asking again.
    #[must_use]
    pub const fn fresh_until(&self) -> Time {
        self.fresh_until
    }

    /// Returns true if by then its instance meant it to be fetched anew.
    #[must_use]
    pub fn is_stale(&self, at: Time) -> bool {
        self.fresh_until < at
    }
}

/// The versions of a repository's four roles (TUF 1.0 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Versions {
    /// Who may sign what.
    pub root: u64,
    /// What the newest snapshot is.
    pub timestamp: u64,
    /// What the newest targets are.
    pub snapshot: u64,
    /// What the newest trust root is.
    pub targets: u64,
}

struct Verified {
    bytes: Vec<u8>,
    trusted: TrustedMetadataSet,
}

/// Returns the result of what has nothing to wait for: our files are read when they're asked for.
fn at_once<T>(future: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(Error::transport("the mirror wasn't read to its end")),
    }
}

fn timestamp(at: Time) -> Timestamp {
    // INVARIANT: a `Time` lies in the years 0000 to 9999, which jiff can hold. Nothing is fresh at the end of time.
    Timestamp::from_second(at.unix_seconds()).unwrap_or(Timestamp::MAX)
}

const PUBLIC_GOOD_ROOT: &[u8] = include_bytes!("tuf/public_good.root.json");
const TARGET: &str = "trusted_root.json";
const MOST_VERSIONS: u64 = 1 << 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_root_follows_on_roots_that_others_have() {
        let mut chain = TrustedMetadataSet::from_root(include_bytes!("../tests/public_good/14.root.json")).unwrap();
        chain.update_root(include_bytes!("../tests/public_good/15.root.json")).unwrap();
        chain.update_root(PUBLIC_GOOD_ROOT).unwrap();
        assert_eq!((chain.root().version, chain.root().expires.to_string().as_str()), (16, "2027-04-22T19:27:31Z"));
        // What is built in is where updates begin.
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(&*TufRepository::public_good(folder.path()).anchor, chain.root_bytes());
    }

    /// What the instance gave out once, read in a folder as a mirror has it.
    #[test]
    fn reads_what_the_public_good_instance_gives_out() {
        let folder = tempfile::tempdir().unwrap();
        let given_out = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/public_good");
        let mirror = Mirror::named(&format!("file://{given_out}")).unwrap();
        let root = include_bytes!("../tests/public_good/14.root.json").to_vec();
        let repository = TufRepository { anchor: root.into(), ..TufRepository::public_good(folder.path()) };
        let at = "2025-12-20T00:00:00Z".parse().unwrap();
        let trust = repository.update(&mirror, at).unwrap();
        let targets = TufRepository::PUBLIC_GOOD_TARGETS;
        assert_eq!(trust.versions(), Versions { root: 15, timestamp: 545, snapshot: 163, targets });
        assert_eq!(trust.fresh_until().to_string(), "2025-12-26T07:25:49Z");
        assert_eq!(trust.root().digest(), TrustRoot::public_good().unwrap().digest());
        assert!(trust.root().is_public_good() && !trust.is_stale(at));
        assert_eq!(repository.kept().unwrap().unwrap().versions(), trust.versions());
    }

    #[test]
    fn a_root_that_is_not_signed_by_its_own_keys_is_none() {
        let root = String::from_utf8(PUBLIC_GOOD_ROOT.to_vec()).unwrap();
        for (bytes, what) in
            [(root.replace("2027-04-22", "2037-04-22").into_bytes(), "changed"), (b"{}".to_vec(), "empty"), (vec![b' '; 1 << 20], "large")]
        {
            assert_eq!(TufRepository::new(bytes, "").unwrap_err().code(), "trust-invalid", "{what}");
        }
        TufRepository::new(PUBLIC_GOOD_ROOT.to_vec(), "").unwrap();
    }
}
