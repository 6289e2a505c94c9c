//! Provenance statements about what software agents make, and decisions from them.
//!
//! This crate is pure: bytes and a time come in, values go out. It opens no file, socket, clock or environment.
//!
//! - **State**: [`predicate::Run`] makes SLSA provenance of an agent's run or a build, [`seal`] commits to prompts and
//!   transcripts without showing them, [`statement::Statement`] binds both to an artifact. `countersign-sign` signs it.
//! - **Decide**: [`inquiry::Inquiry`] asks for evidence about one [`inquiry::Question`] under a [`policy::Policy`],
//!   believes nothing that it's handed, and answers with a [`decision::Decision`] and the [`reason::Reason`]s for it.
//!
//! Without the feature `verify` (on by default) only the first half is there, for build scripts that just make
//! statements.

pub mod limits;

pub mod json;
pub mod time;
pub mod digest;
pub mod statement;
pub mod seal;
pub mod predicate;
pub mod envelope;

#[cfg(feature = "verify")]
pub mod reason;
#[cfg(feature = "verify")]
mod der;
#[cfg(feature = "verify")]
mod shape;
#[cfg(feature = "verify")]
pub mod identity;
#[cfg(feature = "verify")]
pub mod bundle;
#[cfg(feature = "verify")]
pub mod trust;
#[cfg(feature = "verify")]
pub mod verify;
#[cfg(feature = "verify")]
mod glob;
#[cfg(feature = "verify")]
mod yaml;
#[cfg(feature = "verify")]
pub mod condition;
#[cfg(feature = "verify")]
pub mod policy;
#[cfg(feature = "verify")]
pub mod inquiry;
#[cfg(feature = "verify")]
pub mod analysis;
#[cfg(feature = "verify")]
pub mod decision;
