//! The C ABI of Countersign: make a statement, sign it, inquire, decide.
//! It adds no meaning: what a call does is the heart's, or the signers'. Only `abi` is seen by C, and only `abi` and `boundary` are unsafe.

mod code;
mod error;
mod bytes;
mod signing;
mod question;
mod inquiry;
mod boundary;
mod abi;

pub use abi::*;
pub use bytes::Bytes;
pub use code::{Answer, Code};
pub use error::Error;
pub use inquiry::{Decision, Inquiry, Policy};
pub use signing::Signer;
