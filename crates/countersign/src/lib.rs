//! Provenance statements about what software agents make, and decisions from them.

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
pub mod policy;
#[cfg(feature = "verify")]
pub mod inquiry;
#[cfg(feature = "verify")]
pub mod decision;
