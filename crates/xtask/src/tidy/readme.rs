//! What the documents in the root promise: the README's two commands, and a changelog that takes entries.
//! Whether the first command works is a matter of running it.

use crate::ci::TEST_COMMAND;
use crate::repository::Repository;

/// The README has a block that shows the main job, then one that is exactly the test command of `cargo xtask ci`.
pub(super) fn shows_the_commands(repository: &Repository) -> Result<Vec<String>, String> {
    if !repository.has("README.md") {
        return Ok(vec!["README.md: missing".to_owned()]);
    }
    Ok(Vec::from_iter(fault(&repository.read("README.md")?)))
}

fn fault(readme: &str) -> Option<String> {
    let command = TEST_COMMAND.join(" ");
    match shell_blocks(readme).as_slice() {
        [_, tests, ..] if *tests == command => None,
        [_, tests, ..] => Some(format!("README.md: the second `sh` block is `{tests}`, and `cargo xtask ci` runs `{command}`")),
        _ => Some("README.md: fewer than two `sh` blocks".to_owned()),
    }
}

fn shell_blocks(text: &str) -> Vec<&str> {
    text.split("\n```sh\n").skip(1).filter_map(|rest| rest.split("\n```").next()).map(str::trim).collect()
}

/// The changelog has a place for what isn't released.
pub(super) fn changelog_is_open(repository: &Repository) -> Result<Vec<String>, String> {
    let open = repository.read("CHANGELOG.md")?.lines().any(|line| line == "## [Unreleased]");
    Ok(if open { Vec::new() } else { vec!["CHANGELOG.md: no section `## [Unreleased]`".to_owned()] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_block_is_the_test_command() {
        let readme = |tests: &str| format!("# x\n\n```sh\na\nb\n```\ntext\n```rust\nfn f() {{}}\n```\n\n```sh\n{tests}\n```\n");
        assert_eq!(fault(&readme("cargo test --workspace --locked")), None);
        assert!(fault(&readme("cargo test")).is_some());
        assert!(fault("# x\n\n```sh\na\n```\n").is_some());
    }
}
