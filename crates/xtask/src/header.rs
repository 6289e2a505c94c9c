//! The C header and the list of exported symbols, made from the sources of the C ABI.
//! It decides nothing about the ABI; both files are committed so that each change of it is seen in review.

mod symbols;

use crate::repository::Repository;

const CRATE: &str = "bindings/c";
const CONFIG: &str = "bindings/c/cbindgen.toml";
const HEADER: &str = "bindings/c/include/countersign.h";
const SYMBOLS: &str = "bindings/c/symbols.txt";

/// Writes both files.
pub(crate) fn write(repository: &Repository) -> Result<(), String> {
    repository.write(HEADER, &header(repository)?)?;
    repository.write(SYMBOLS, &symbols::of_sources(repository)?)
}

/// Compares both files with what would be written, and the symbols with those of the built library.
pub(crate) fn check(repository: &Repository) -> Result<(), String> {
    let symbols = symbols::of_sources(repository)?;
    for (path, content) in [(HEADER, header(repository)?), (SYMBOLS, symbols.clone())] {
        if !repository.has(path) || repository.read(path)? != content {
            return Err(format!("`{path}` isn't what the sources give: run `cargo xtask header` and commit it"));
        }
    }
    symbols::check_library(repository, &symbols)
}

fn header(repository: &Repository) -> Result<String, String> {
    let config = cbindgen::Config::from_file(repository.root().join(CONFIG)).map_err(|error| format!("can't read `{CONFIG}`: {error}"))?;
    let bindings = cbindgen::Builder::new()
        .with_crate(repository.root().join(CRATE))
        .with_config(config)
        .generate()
        .map_err(|error| format!("can't make the header: {error}"))?;
    let mut header = Vec::new();
    bindings.write(&mut header);
    String::from_utf8(header).map_err(|error| format!("the header isn't UTF-8: {error}"))
}
