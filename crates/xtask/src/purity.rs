//! The heart depends on nothing that reaches the world.
//! What our own code calls is watched by `crates/countersign/clippy.toml`.

use std::collections::BTreeSet;

use crate::repository::Repository;
use crate::run::Program;

/// Crates of HTTP, async runtimes, sockets, processes, git and the file system. A `*` stands for any ending.
const BANNED: &[&str] = &[
    "async-io",
    "async-process",
    "async-std",
    "attohttpc",
    "axum",
    "curl*",
    "duct",
    "fs-err",
    "gix*",
    "git2",
    "h2",
    "hickory*",
    "hyper*",
    "isahc",
    "libgit2-sys",
    "minreq",
    "mio",
    "nix",
    "notify",
    "openssl-sys",
    "polling",
    "quinn*",
    "reqwest*",
    "rustix",
    "smol",
    "socket2",
    "subprocess",
    "sysinfo",
    "tempfile",
    "tokio*",
    "tonic*",
    "tower*",
    "tungstenite",
    "ureq*",
    "walkdir",
    "warp",
];

/// What a build script compiles that only makes statements: the heart and these, counted with their proc macros.
const SLIM_CRATES: usize = 36;

/// Checks the heart's dependency trees, with and without its feature.
pub(crate) fn check(repository: &Repository) -> Result<(), String> {
    let full = tree(repository, &[])?;
    let slim = tree(repository, &["--no-default-features"])?;
    let banned: Vec<&str> = full.union(&slim).filter_map(|package| package.split(' ').next()).filter(|name| is_banned(name)).collect();
    if !banned.is_empty() {
        return Err(format!("the heart depends on {}, which reach the world: put what needs them into a ray", banned.join(", ")));
    }
    if slim.len() > SLIM_CRATES {
        return Err(format!(
            "without `verify` the heart compiles {} crates, {SLIM_CRATES} are agreed: make the addition optional, or raise the number and say why",
            slim.len()
        ));
    }
    println!("the heart: {} crates, {} without `verify`, none of them banned", full.len(), slim.len());
    Ok(())
}

fn tree(repository: &Repository, features: &[&str]) -> Result<BTreeSet<String>, String> {
    let arguments = [&["tree", "-p", "countersign", "-e", "normal", "--prefix", "none", "--locked"], features].concat();
    let printed = Program::new("cargo", &arguments).within(repository.root()).output()?;
    Ok(printed.lines().filter_map(package).collect())
}

/// Returns the name and version of one line of `cargo tree`.
fn package(line: &str) -> Option<String> {
    let mut words = line.split(' ');
    Some(format!("{} {}", words.next().filter(|name| !name.is_empty())?, words.next()?))
}

fn is_banned(name: &str) -> bool {
    BANNED.iter().any(|banned| match banned.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == *banned,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_reaches_the_world() {
        for name in ["tokio", "tokio-rustls", "gix", "gix-object", "reqwest", "ureq", "git2", "rustix"] {
            assert!(is_banned(name), "{name}");
        }
        for name in ["serde", "sha2", "aws-lc-rs", "sigstore-crypto", "mio2"] {
            assert!(!is_banned(name), "{name}");
        }
    }

    #[test]
    fn counts_a_package_once() {
        let lines = ["a v1.0.0 (proc-macro)", "a v1.0.0 (*)", "a v2.0.0", ""];
        assert_eq!(lines.iter().filter_map(|line| package(line)).collect::<BTreeSet<_>>().len(), 2);
    }
}
