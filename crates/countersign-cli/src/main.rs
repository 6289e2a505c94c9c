//! countersign-cli
fn main() {}
