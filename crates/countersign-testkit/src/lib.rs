//! Makes the test data that every language runs: a good world, and one function for each way to break it.
//! Everything in it is fixed: keys, times, salts. Nothing in it is fit to be used for anything else.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test data that can't be made is a bug to be seen at once"
)]

pub mod authority;
pub mod browser;
pub mod case;
mod cases;
mod faults;
mod golden;
pub mod http;
pub mod instance;
pub mod kms;
mod tls;
pub mod tuf;
mod world;

use std::path::Path;

pub use world::{Signed, World};

/// Writes all generated test data below `testdata`: the folders `cases` and `golden`.
///
/// # Panics
/// If a case doesn't come out as its author says, or a file can't be written.
pub fn write_all(testdata: &Path) {
    let cases = testdata.join("cases");
    for (name, made) in cases::all() {
        case::write(&cases.join(name), &made);
    }
    golden::write(&testdata.join("golden"));
}
