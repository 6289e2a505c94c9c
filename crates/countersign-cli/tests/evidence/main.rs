//! What is signed about a run, and that nothing else leaves it, through the binary as a user runs it.
//! How evidence is judged is tested by transcripts.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it does not expect")]

mod scene;
mod run;
mod attest;
mod ci;
mod canary;
mod openings;
mod presets;
mod walk;
