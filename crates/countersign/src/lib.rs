//! Provenance statements about what software agents make, and decisions from them.

pub mod limits;

pub mod json;
pub mod time;
pub mod digest;
pub mod seal;

#[cfg(feature = "verify")]
mod glob;
#[cfg(feature = "verify")]
mod yaml;
