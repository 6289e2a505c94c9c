//! What came of asking a peer: a line for each check.
//! Whether a peer could be had at all isn't told here.

/// The checks of one peer.
pub(super) struct Report {
    peer: &'static str,
    checks: usize,
    failed: usize,
}

impl Report {
    pub(super) const fn of(peer: &'static str) -> Self {
        Self { peer, checks: 0, failed: 0 }
    }

    /// Tells whether what was expected held.
    pub(super) fn check(&mut self, what: &str, outcome: Result<(), String>) {
        self.checks += 1;
        match outcome {
            Ok(()) => println!("ok {}: {what}", self.peer),
            Err(why) => {
                self.failed += 1;
                println!("FAILED {}: {what}\n{why}", self.peer);
            }
        }
    }

    pub(super) const fn checks(&self) -> usize {
        self.checks
    }

    pub(super) const fn failed(&self) -> usize {
        self.failed
    }
}
