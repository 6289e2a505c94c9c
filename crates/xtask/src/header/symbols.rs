//! The exported symbols: as the sources declare them, and as the built library has them.
//! The header is made elsewhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use crate::repository::Repository;
use crate::run::Program;
use crate::source::code;

const SOURCES: &str = "bindings/c/src/";
const PREFIX: &str = "countersign_";

/// Returns the exported functions of the C ABI's sources, sorted, one a line.
pub(super) fn of_sources(repository: &Repository) -> Result<String, String> {
    let mut symbols = BTreeSet::new();
    for path in repository.files().filter(|path| path.starts_with(SOURCES) && path.ends_with(".rs")) {
        for (name, exported) in extern_functions(&code(&repository.read(path)?)) {
            if !exported {
                return Err(format!("{path}: `{name}` has no `#[unsafe(no_mangle)]`"));
            }
            if !name.starts_with(PREFIX) {
                return Err(format!("{path}: `{name}` doesn't begin with `{PREFIX}`"));
            }
            symbols.insert(name);
        }
    }
    Ok(symbols.into_iter().map(|name| name + "\n").collect())
}

/// Returns each `extern "…" fn` with its name, and whether the line above exports it.
fn extern_functions(code: &str) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    let mut exported = false;
    for line in code.lines() {
        let name = line.split_once("extern ").and_then(|(_, rest)| rest.trim_start().strip_prefix("fn "));
        let name: String = name.unwrap_or_default().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if !name.is_empty() {
            found.push((name, exported));
        }
        exported = line.trim() == "#[unsafe(no_mangle)]" || (exported && line.trim_start().starts_with("#["));
    }
    found
}

/// Compares the symbols with those of the built library, where there is one that is newer than its sources.
pub(super) fn check_library(repository: &Repository, symbols: &str) -> Result<(), String> {
    let Some(library) = fresh_library(repository) else {
        println!("SKIPPED symbols of the built library: it isn't built, or is older than its sources");
        return Ok(());
    };
    if !Program::new("nm", &["--version"]).works() {
        println!("SKIPPED symbols of the built library: there is no `nm`");
        return Ok(());
    }
    let listed = Program::new("nm", &["-D", "--defined-only", &library.to_string_lossy()]).output()?;
    let mut exported: Vec<&str> =
        listed.lines().filter_map(|line| line.split(' ').nth(2)).filter(|name| name.starts_with(PREFIX)).collect();
    exported.sort_unstable();
    if exported.iter().copied().eq(symbols.lines()) {
        Ok(())
    } else {
        Err(format!("the built library exports {}, which isn't the list in `{}`", exported.join(" "), super::SYMBOLS))
    }
}

fn fresh_library(repository: &Repository) -> Option<PathBuf> {
    // Not the copy one folder up, which `cargo test` doesn't renew.
    let library = repository.target().join("debug").join("deps").join("libcountersign_c.so");
    let built = changed(&library)?;
    let sources = repository.files().filter(|path| path.starts_with(SOURCES));
    let newest = sources.filter_map(|path| changed(&repository.root().join(path))).max()?;
    (newest <= built).then_some(library)
}

fn changed(path: &PathBuf) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_exported_functions_and_no_function_pointers() {
        let source = "#[unsafe(no_mangle)]\n#[must_use]\npub unsafe extern \"C\" fn countersign_a(x: u8) {}\n\
                      pub extern \"C\" fn countersign_b() {}\ntype F = extern \"C\" fn(u8);\n// extern \"C\" fn countersign_c()\n";
        assert_eq!(extern_functions(&code(source)), [("countersign_a".to_owned(), true), ("countersign_b".to_owned(), false)]);
    }
}
