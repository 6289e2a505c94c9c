//! Which trust root is meant by `public-good` where no file is given: the one that was fetched last, or the built-in one.
//! Nothing is fetched here; `trust update` does that.

use std::path::{Path, PathBuf};

use anstyle::Style;
use countersign::time::Time;
use countersign::trust::TrustRoot;
use countersign_sign::{FetchedTrust, Origin, TufError, TufRepository};

use crate::clock;
use crate::data_home::data_home;
use crate::failure::Failure;
use crate::output::{self, HINT, WARNING};

/// The word for it, as policies have it.
pub(crate) const NAME: &str = "public-good";

/// The trust root of Sigstore's public-good instance.
pub(crate) enum PublicGood {
    /// As this version was built with it, and the day on which it was still what the instance gave out.
    BuiltIn(TrustRoot, Time),
    /// As it was fetched last.
    Fetched(FetchedTrust),
}

impl PublicGood {
    /// Finds the newer one.
    pub(crate) fn find() -> Result<Self, Failure> {
        // Without a home there is nothing that was kept there.
        let kept = match folder(NAME) {
            Ok(folder) => TufRepository::public_good(folder).kept()?,
            Err(_) => None,
        };
        Self::newer(kept, TufRepository::PUBLIC_GOOD_TARGETS)
    }

    /// `targets` is the version of the metadata that the built-in one came with.
    fn newer(kept: Option<FetchedTrust>, targets: u64) -> Result<Self, Failure> {
        let as_of = TrustRoot::public_good_as_of().map_err(|error| Failure::of("trust-invalid", &error))?;
        // What had gone out of date when the built-in one was still given out isn't newer, and neither is what came before it.
        if let Some(kept) = kept.filter(|kept| !kept.is_stale(as_of) && kept.versions().targets >= targets) {
            return Ok(Self::Fetched(kept));
        }
        let root = TrustRoot::public_good().map_err(|error| Failure::of("trust-invalid", &error))?;
        Ok(Self::BuiltIn(root, as_of))
    }

    /// Returns the trust root.
    pub(crate) const fn root(&self) -> &TrustRoot {
        match self {
            Self::BuiltIn(root, _) => root,
            Self::Fetched(fetched) => fetched.root(),
        }
    }

    /// Returns what should be known of its age by a time, and whether that deserves a look.
    fn age(&self, now: Time) -> Option<(Style, &'static str, String)> {
        match self {
            Self::BuiltIn(_, as_of) => {
                let text = format!(
                    "the trust root `{NAME}` is the built-in one, as of {}; `countersign trust update` fetches the newest",
                    day(*as_of)
                );
                Some((HINT, "note", text))
            }
            Self::Fetched(fetched) => fetched.is_stale(now).then(|| {
                let text = format!(
                    "the trust root `{NAME}` is stale: it was to be fetched anew by {}; `countersign trust update` does that",
                    fetched.fresh_until()
                );
                (WARNING, "warning", text)
            }),
        }
    }
}

/// Finds the trust root, and says aloud how old it is where that should be known.
pub(crate) fn current() -> Result<TrustRoot, Failure> {
    let found = PublicGood::find()?;
    if let Some((style, label, text)) = found.age(clock::now()?) {
        output::labelled(style, label, &text);
    }
    Ok(found.root().clone())
}

/// Returns true if that word is meant, whatever lies here: who can put a file into a work tree mustn't choose whom to trust.
/// A file of that name is written with its folder, `./public-good`.
pub(crate) fn is_meant_by(path: &Path) -> bool {
    path == Path::new(NAME)
}

/// Returns where a trust root is kept that is fetched.
pub(crate) fn folder(name: &str) -> Result<PathBuf, Failure> {
    Ok(data_home()?.join("trust").join(name))
}

/// Returns the date alone.
pub(crate) fn day(time: Time) -> String {
    time.to_string().chars().take_while(|character| *character != 'T').collect()
}

impl From<TufError> for Failure {
    fn from(error: TufError) -> Self {
        let failure = Self::of(error.code(), &error);
        match &error {
            TufError::Mirror { .. } => failure.hint(format!("the public-good instance's own is `{}`", TufRepository::PUBLIC_GOOD_MIRROR)),
            TufError::Anchor { .. } => failure.hint("it's the instance's `root.json`, as `cosign initialize --root` takes it"),
            TufError::Expired { of: Origin::Mirror, .. } => failure.hint("the mirror may be frozen, or this machine's clock wrong"),
            TufError::Unsigned { of: Origin::Kept, .. } | TufError::Refused { of: Origin::Kept, .. } => {
                failure.hint("`countersign trust update` fetches it anew; or name a file by `--trust FILE`")
            }
            TufError::Damaged { .. } => {
                failure.hint("remove it, and `countersign trust update` begins anew; which versions were seen before is forgotten by that")
            }
            _ => failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use countersign_sign::Mirror;
    use countersign_testkit::tuf::Repository;

    use super::*;

    /// A trust root that is fresh until then.
    fn fetched(until: Time) -> FetchedTrust {
        let (mirror, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let repository = Repository::new(until);
        for (path, bytes) in repository.files() {
            let path = mirror.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        let mirror = Mirror::named(&format!("file://{}", mirror.path().display())).unwrap();
        TufRepository::new(repository.anchor(), folder.path()).unwrap().update(&mirror, until).unwrap()
    }

    #[test]
    fn the_newer_one_is_meant_and_its_age_is_said_where_it_matters() {
        let as_of = TrustRoot::public_good_as_of().unwrap();
        let second = |after: i64| Time::from_unix(as_of.unix_seconds() + after).unwrap();
        let newer = |kept| PublicGood::newer(kept, 1);
        let said = |kept, now| newer(kept).unwrap().age(now);
        let (style, label, text) = said(None, second(0)).unwrap();
        assert_eq!((style, label), (HINT, "note"));
        assert!(text.contains("built-in one, as of 2026-10-23;"), "{text}");
        // What had expired before the built-in one was compared is older than that.
        assert!(matches!(newer(Some(fetched(second(-1)))), Ok(PublicGood::BuiltIn(..))));
        assert!(matches!(newer(Some(fetched(second(10)))), Ok(PublicGood::Fetched(..))));
        // Neither is what was given out before it, however long that is meant to hold.
        assert!(matches!(PublicGood::newer(Some(fetched(second(10))), 2), Ok(PublicGood::BuiltIn(..))));
        assert_eq!(said(Some(fetched(second(10))), second(10)), None);
        let (style, label, text) = said(Some(fetched(second(10))), second(11)).unwrap();
        assert_eq!((style, label), (WARNING, "warning"));
        assert!(text.contains("is stale: it was to be fetched anew by 2026-10-23T00:00:10Z;"), "{text}");
    }

    #[test]
    fn a_time_is_shown_as_its_day() {
        assert_eq!(day("2025-06-01T12:00:00Z".parse().unwrap()), "2025-06-01");
    }
}
