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
    let mut config =
        cbindgen::Config::from_file(repository.root().join(CONFIG)).map_err(|error| format!("can't read `{CONFIG}`: {error}"))?;
    config.after_includes = Some(format!("\n{}\n{MUST_USE}", version_macros(&repository.manifest("Cargo.toml")?)?));
    let bindings = cbindgen::Builder::new()
        .with_crate(repository.root().join(CRATE))
        .with_config(config)
        .generate()
        .map_err(|error| format!("can't make the header: {error}"))?;
    let mut header = Vec::new();
    bindings.write(&mut header);
    String::from_utf8(header).map_err(|error| format!("the header isn't UTF-8: {error}"))
}

/// Returns the workspace's version for the preprocessor, as text and as numbers.
fn version_macros(manifest: &toml::Table) -> Result<String, String> {
    let version = manifest.get("workspace").and_then(|workspace| workspace.get("package")?.get("version")?.as_str());
    let version = version.ok_or("`Cargo.toml` names no version")?;
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let numbers: Vec<u32> = core.split('.').map_while(|number| number.parse().ok()).collect();
    let [major, minor, patch] = numbers.as_slice() else { return Err(format!("the version `{version}` isn't three numbers")) };
    Ok(format!(
        "#define COUNTERSIGN_VERSION \"{version}\"\n\
         #define COUNTERSIGN_VERSION_MAJOR {major}\n\
         #define COUNTERSIGN_VERSION_MINOR {minor}\n\
         #define COUNTERSIGN_VERSION_PATCH {patch}\n"
    ))
}

const MUST_USE: &str = "\
#if defined(__GNUC__) || defined(__clang__)
#define COUNTERSIGN_MUST_USE __attribute__((warn_unused_result))
#else
#define COUNTERSIGN_MUST_USE
#endif";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_each_part_of_the_version_its_own_macro() {
        let macros = |version: &str| version_macros(&format!("[workspace.package]\nversion = \"{version}\"").parse().unwrap());
        let expected = "#define COUNTERSIGN_VERSION \"1.2.3-rc.4\"\n#define COUNTERSIGN_VERSION_MAJOR 1\n\
                        #define COUNTERSIGN_VERSION_MINOR 2\n#define COUNTERSIGN_VERSION_PATCH 3\n";
        assert_eq!(macros("1.2.3-rc.4").unwrap(), expected);
        assert!(macros("1.2").is_err());
    }
}
