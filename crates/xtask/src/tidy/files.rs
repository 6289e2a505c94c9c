//! Rules about single files.
//! What modules may use of one another is in `layers`.

use crate::repository::Repository;
use crate::source::{code, find_word, line_of};

const MOST_LINES: usize = 600;

/// Longer files, each with the reason why it is one concept all the same.
const LONG_FILES: &[(&str, &str)] = &[];

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] =
    &["utils", "util", "helpers", "helper", "common", "misc", "core", "impl", "models", "types", "manager", "context", "data"];

/// What marks unfinished or unrun code; each is put together here so that this list isn't found itself.
const UNFINISHED: &[&str] = &[concat!("todo", "!"), concat!("unimplemented", "!"), concat!("#[", "ignore"), concat!("#[", "should_panic")];

/// Folders that only one machine has.
const MACHINE_FOLDERS: &[&str] = &["work", "root", "home"];

/// Each source says at its top what it owns and what it doesn't.
pub(super) fn begin_with_their_purpose(repository: &Repository) -> Result<Vec<String>, String> {
    sources(repository, |path, text| (!text.starts_with("//!")).then(|| format!("{path}:1: doesn't begin with `//!`")))
}

/// No source is longer than what is read in one go, save those in the list.
pub(super) fn are_short(repository: &Repository) -> Result<Vec<String>, String> {
    sources(repository, |path, text| {
        let lines = text.lines().count();
        let excused = LONG_FILES.iter().any(|(file, _)| *file == path);
        match (lines > MOST_LINES, excused) {
            (true, false) => Some(format!("{path}: {lines} lines, more than {MOST_LINES}: look for the second concept in it")),
            (false, true) => Some(format!("{path}: short enough, so take it off the list of long files")),
            _ => None,
        }
    })
}

/// No module is called something that could hold anything.
pub(super) fn have_telling_names(repository: &Repository) -> Result<Vec<String>, String> {
    sources(repository, |path, text| {
        let in_path = path.trim_end_matches(".rs").split('/').find(|name| EMPTY_NAMES.contains(name));
        let in_text = || code(text).lines().filter_map(declared_module).find_map(|name| EMPTY_NAMES.iter().copied().find(|n| *n == name));
        in_path.or_else(in_text).map(|name| format!("{path}: the name `{name}` says nothing about what is inside"))
    })
}

/// Returns the module that a line declares.
pub(super) fn declared_module(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = line.strip_prefix("pub").map_or(line, |rest| rest.split_once(' ').map_or(rest, |(_, rest)| rest));
    line.strip_prefix("mod ")?.split([' ', ';', '{']).next()
}

/// Nothing is left for later, and every test runs.
pub(super) fn are_finished(repository: &Repository) -> Result<Vec<String>, String> {
    sources(repository, |path, text| {
        let code = code(text);
        let marked = UNFINISHED.iter().find_map(|mark| code.find(mark).map(|at| (*mark, line_of(&code, at))));
        let word = concat!("FIX", "ME");
        let noted = || text.find(word).map(|at| (word, line_of(text, at)));
        marked.or_else(noted).map(|(mark, line)| format!("{path}:{line}: `{mark}`"))
    })
}

/// `unsafe` is written in the C ABI only.
pub(super) fn are_safe(repository: &Repository) -> Result<Vec<String>, String> {
    sources(repository, |path, text| {
        let code = code(text);
        let at = find_word(&code, "unsafe").filter(|_| !path.starts_with("bindings/c/"))?;
        Some(format!("{path}:{}: `unsafe` outside bindings/c", line_of(&code, at)))
    })
}

/// No file names a folder of the machine that it was written on.
pub(super) fn name_no_machine(repository: &Repository) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for path in repository.files().filter(|path| !path.ends_with(".lock")) {
        let text = repository.read(path)?;
        let line = text.lines().position(|line| machine_folder(line).is_some());
        found.extend(line.map(|line| format!("{path}:{}: an absolute path of one machine", line + 1)));
    }
    Ok(found)
}

fn machine_folder(line: &str) -> Option<&'static str> {
    MACHINE_FOLDERS.iter().copied().find(|folder| {
        let path = format!("/{folder}/");
        line.match_indices(&path).any(|(at, _)| {
            let before = line.get(..at).and_then(|start| start.chars().next_back());
            !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '*' | '}' | ')'))
        })
    })
}

fn sources(repository: &Repository, rule: impl Fn(&str, &str) -> Option<String>) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for path in repository.files().filter(|path| path.ends_with(".rs")) {
        found.extend(rule(path, &repository.read(path)?));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_name_of_a_module() {
        assert_eq!(declared_module("pub(crate) mod json;"), Some("json"));
        assert_eq!(declared_module("pub mod json;"), Some("json"));
        assert_eq!(declared_module("    mod tests {"), Some("tests"));
        assert_eq!(declared_module("modest();"), None);
        assert_eq!(declared_module("pub fn f() {}"), None);
    }

    #[test]
    fn tells_a_machines_folder_from_a_part_of_a_path() {
        for folder in MACHINE_FOLDERS {
            assert_eq!(machine_folder(&format!("cd /{folder}/x")), Some(*folder));
            assert_eq!(machine_folder(&format!("\"/{folder}/x\"")), Some(*folder));
            assert_eq!(machine_folder(&format!("https://example.test/{folder}/x")), None);
            assert_eq!(machine_folder(&format!("a/{folder}/x")), None);
        }
    }
}
