//! Countersign: capture.

mod lines;

pub mod session;
pub mod claude_code;
pub mod sbom;
