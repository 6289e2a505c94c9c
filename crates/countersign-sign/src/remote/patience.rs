//! How long anybody is waited for, and how the waiting ends early.
//! How often somebody is asked again within that time is the affair of who asks.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::error::Problem;

/// How long a key's keeper is waited for, each time it's asked, and who may end the waiting.
#[derive(Clone, Debug)]
pub struct Patience {
    within: Duration,
    cancellation: Cancellation,
}

impl Patience {
    /// Waits so long for the public half, and so long for each signature, further attempts included.
    #[must_use]
    pub fn within(within: Duration) -> Self {
        Self { within, cancellation: Cancellation::default() }
    }

    /// Waits no longer than until the cancellation, either.
    #[must_use]
    pub fn or_until(self, cancellation: &Cancellation) -> Self {
        Self { cancellation: cancellation.clone(), ..self }
    }

    /// Does what may take for ever on a thread of its own, and leaves it behind when the time is over.
    pub(super) fn wait<T: Send + 'static>(&self, work: impl FnOnce(&Until) -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
        let (sender, receiver) = mpsc::channel();
        let until = Until { deadline: Instant::now() + self.within, patience: self.clone() };
        let limit = until.clone();
        let thread = thread::Builder::new().spawn(move || sender.send(work(&until)));
        thread.map_err(|error| Problem::Unanswered { why: format!("no thread can be started: {}", error.kind()) })?;
        loop {
            match receiver.recv_timeout(LOOK_AGAIN) {
                Ok(Err(_)) if self.cancellation.is_cancelled() => return Err(Problem::Cancelled),
                Ok(done) => return done,
                Err(RecvTimeoutError::Disconnected) => return Err(Problem::Unanswered { why: "the asking broke down".to_owned() }),
                // Who sees the time itself ends in order, a program for one, and says more.
                Err(RecvTimeoutError::Timeout) if limit.is_over() => return receiver.recv_timeout(GRACE).unwrap_or(Err(limit.problem())),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

impl Default for Patience {
    /// A minute, since a person may have to touch something.
    fn default() -> Self {
        Self::within(Duration::from_secs(60))
    }
}

/// Ends the waiting of all that were told of it, from any thread.
#[derive(Clone, Default)]
pub struct Cancellation(Arc<AtomicBool>);

impl Cancellation {
    /// Ends it, for good.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Returns true once it's ended.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl fmt::Debug for Cancellation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cancellation").field(&self.is_cancelled()).finish()
    }
}

/// The end of one waiting.
#[derive(Clone)]
pub(super) struct Until {
    pub(super) deadline: Instant,
    patience: Patience,
}

impl Until {
    /// Returns true if nobody waits any longer.
    pub(super) fn is_over(&self) -> bool {
        self.patience.cancellation.is_cancelled() || Instant::now() >= self.deadline
    }

    /// Says why nobody does.
    pub(super) fn problem(&self) -> Problem {
        if self.patience.cancellation.is_cancelled() { Problem::Cancelled } else { Problem::TooLate { patience: self.patience.within } }
    }
}

const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// How long who is told that it's over may take to end.
const GRACE: Duration = Duration::from_millis(500);
