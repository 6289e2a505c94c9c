//! The rules about files, names, modules, versions and dependencies that no lint knows.
//! Each rule is one function that returns what it found; nothing is mended.

mod files;
mod layers;
mod manifests;
mod readme;

use crate::repository::Repository;

type Rule = fn(&Repository) -> Result<Vec<String>, String>;

const RULES: &[Rule] = &[
    files::begin_with_their_purpose,
    files::are_short,
    files::have_telling_names,
    files::are_finished,
    files::are_safe,
    files::name_no_machine,
    layers::point_downward,
    manifests::agree_on_the_version,
    manifests::keep_the_rays_apart,
    readme::shows_the_commands,
    readme::changelog_is_open,
];

/// Checks every rule and prints all that is found.
pub(crate) fn check(repository: &Repository) -> Result<(), String> {
    let mut found = Vec::new();
    for rule in RULES {
        found.extend(rule(repository)?);
    }
    for finding in &found {
        println!("tidy: {finding}");
    }
    match found.len() {
        0 => Ok(()),
        1 => Err("one thing is untidy".to_owned()),
        many => Err(format!("{many} things are untidy")),
    }
}
