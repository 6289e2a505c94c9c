//! The world -> facts: what git, a command, a transcript or an SBOM file shows, as values for the heart.
//! It signs nothing, judges nothing, and stores nothing.

pub mod command;
pub mod git;
