//! What came of asking a peer: a line for each check.
//! Whether a peer could be had at all isn't told here.

/// The checks of one peer.
pub(super) struct Report {
    peer: &'static str,
    is_whole: bool,
    checks: usize,
    failed: usize,
}

impl Report {
    /// Begins one; a whole run asks every peer there is.
    pub(super) const fn of(peer: &'static str, is_whole: bool) -> Self {
        Self { peer, is_whole, checks: 0, failed: 0 }
    }

    /// Returns whether every peer is asked in this run.
    pub(super) const fn is_whole(&self) -> bool {
        self.is_whole
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
