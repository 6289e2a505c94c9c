//! The part of a trust root that had begun at a time, and what sigstore-verify makes of it.
//! What it vouches for is `vouching`'s affair.

use std::sync::Arc;

use sigstore_trust_root::TrustedRoot;
use sigstore_types::{LogId, TimeRange};
use sigstore_verify::{Error, Verifier};

use crate::time::Time;

/// A root with its verifiers, which read each of its keys and certificates: made once, not with every bundle.
pub(super) struct Prepared {
    pub(super) root: TrustedRoot,
    unlogged: Arc<Verifier>,
    /// With one of the root's logs each, in their order.
    logged: Vec<Arc<Verifier>>,
}

impl Prepared {
    /// Refuses what sigstore-verify can't use, here and not with the first bundle.
    pub(super) fn of(root: TrustedRoot) -> Result<Self, Error> {
        // All logs together, too: no two of them may be one.
        Verifier::new(&root)?;
        let logged = root.tlogs.iter().map(|log| verifier(&root, Some(&log.log_id))).collect::<Result<_, _>>()?;
        Ok(Self { unlogged: verifier(&root, None)?, logged, root })
    }

    /// Returns the part of the root that had begun by `at`.
    ///
    /// sigstore-verify compares some windows with the wall clock, and some with nothing.
    pub(super) fn at(&self, at: Time) -> Begun<'_> {
        let begun = |window: Option<TimeRange>| window.is_none_or(|window| has_begun(&window, at));
        let root = &self.root;
        if root.tlogs.iter().all(|log| begun(log.public_key.valid_for))
            && root.ctlogs.iter().all(|log| begun(log.public_key.valid_for))
            && root.certificate_authorities.iter().all(|authority| begun(authority.valid_for))
            && root.timestamp_authorities.iter().all(|authority| begun(authority.valid_for))
        {
            return Begun::Whole(self);
        }
        let mut root = root.clone();
        root.tlogs.retain(|log| begun(log.public_key.valid_for));
        root.ctlogs.retain(|log| begun(log.public_key.valid_for));
        root.certificate_authorities.retain(|authority| begun(authority.valid_for));
        root.timestamp_authorities.retain(|authority| begun(authority.valid_for));
        Begun::Part(Box::new(root))
    }
}

/// What of a root had begun.
pub(super) enum Begun<'a> {
    Whole(&'a Prepared),
    Part(Box<TrustedRoot>),
}

impl Begun<'_> {
    pub(super) fn root(&self) -> &TrustedRoot {
        match self {
            Self::Whole(prepared) => &prepared.root,
            Self::Part(root) => root,
        }
    }

    /// Returns what verifies under this part with one of its logs, or with none.
    pub(super) fn verifier(&self, log: Option<&LogId>) -> Result<Arc<Verifier>, Error> {
        let Self::Whole(prepared) = self else { return verifier(self.root(), log) };
        let Some(log) = log else { return Ok(Arc::clone(&prepared.unlogged)) };
        let mut logs = prepared.root.tlogs.iter().zip(&prepared.logged);
        match logs.find(|(known, _)| known.log_id == *log) {
            Some((_, verifier)) => Ok(Arc::clone(verifier)),
            None => verifier(&prepared.root, Some(log)),
        }
    }
}

fn verifier(root: &TrustedRoot, log: Option<&LogId>) -> Result<Arc<Verifier>, Error> {
    let mut root = root.clone();
    root.tlogs.retain(|known| log == Some(&known.log_id));
    Verifier::new(&root).map(Arc::new)
}

fn has_begun(window: &TimeRange, at: Time) -> bool {
    let (seconds, fraction) = (window.start.as_second(), window.start.subsec_nanosecond());
    seconds < at.unix_seconds() || seconds == at.unix_seconds() && fraction <= 0
}
