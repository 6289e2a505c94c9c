//! The wall clock: the only place where this program reads it.
//! What a time means is decided by who asks.

use std::time::{SystemTime, UNIX_EPOCH};

use countersign::time::Time;

use crate::failure::Failure;

/// Returns the time that it is now, in whole seconds.
pub(crate) fn now() -> Result<Time, Failure> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok();
    let seconds = since.and_then(|since| i64::try_from(since.as_secs()).ok());
    seconds.and_then(|seconds| Time::from_unix(seconds).ok()).ok_or_else(|| {
        Failure::new("clock-unusable", "this machine's clock stands outside the years 1970 to 9999").hint("set the clock, or give `--at`")
    })
}
