//! The world -> facts: what git, a CI system, a command, a transcript or an SBOM file shows, as values for the heart.
//! It signs nothing, judges nothing, and stores nothing.

mod lines;

pub mod git;
pub mod ci;
pub mod command;
pub mod session;
pub mod claude_code;
pub mod sbom;
pub mod artifact;
pub mod sandbox_image;
pub mod redaction;
pub mod sealing;
pub mod observation;
pub mod agent_run;
pub mod local_build;
