//! Facts from repositories, compared with what git says of them.
//! What statements make of the facts is tested where statements are made.
#![expect(clippy::unwrap_used, clippy::string_slice, reason = "a test may stop at what it does not expect")]

mod commits;
mod fixture;
mod work_tree;
