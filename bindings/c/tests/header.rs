//! The committed header and list of symbols are what the sources give.
//! How they are made is `cargo xtask header`.

use std::path::Path;
use std::process::Command;

#[test]
fn the_committed_header_and_symbols_are_those_of_the_sources() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    if !root.join("crates/xtask").is_dir() {
        eprintln!("SKIPPED the header: the generator isn't in this copy of the sources");
        return;
    }
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let output = cargo.args(["run", "--quiet", "--locked", "--package", "xtask", "--", "header", "--check"]).current_dir(root).output();
    let output = output.unwrap();
    eprint!("{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
