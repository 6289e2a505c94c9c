//! The heart's modules use only what stands below them.
//! What crates may depend on is in `manifests` and in the task `purity`.

use std::collections::BTreeSet;

use super::files::declared_module;
use crate::repository::Repository;
use crate::source::code;

const LIBRARY: &str = "crates/countersign/src/lib.rs";

/// The modules of the heart from the ground up, in the order in which `lib.rs` declares them.
const ORDER: &[&str] = &[
    "json",
    "time",
    "digest",
    "statement",
    "seal",
    "predicate",
    "envelope",
    "der",
    "shape",
    "identity",
    "bundle",
    "trust",
    "verify",
    "glob",
    "yaml",
    "condition",
    "policy",
    "inquiry",
    "analysis",
    "decision",
];

/// What serves every module, and itself uses none of the others.
const SERVING: &[&str] = &["limits", "reason", "error"];

/// Checks the order of the declarations, and each use of one module by another.
pub(super) fn point_downward(repository: &Repository) -> Result<Vec<String>, String> {
    let library = code(&repository.read(LIBRARY)?);
    let mut found = misplaced(library.lines().filter(|line| !line.starts_with(' ')).filter_map(declared_module));
    for path in repository.files() {
        let Some(inside) = path.strip_prefix("crates/countersign/src/").filter(|inside| inside.ends_with(".rs") && *inside != "lib.rs")
        else {
            continue;
        };
        found.extend(upward(inside, &code(&repository.read(path)?)).into_iter().map(|what| format!("{path}: {what}")));
    }
    Ok(found)
}

fn misplaced<'a>(declared: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut found = Vec::new();
    let mut highest = 0;
    for module in declared.filter(|module| !SERVING.contains(module) && *module != "tests") {
        match rank(module) {
            None => found.push(format!("{LIBRARY}: module `{module}` has no place in the order of layers")),
            Some(rank) if rank < highest => found.push(format!("{LIBRARY}: module `{module}` is declared above a lower one")),
            Some(rank) => highest = rank,
        }
    }
    found
}

/// Returns what the file uses that stands above it.
fn upward(inside: &str, code: &str) -> Vec<String> {
    let module = inside.split(['/', '.']).next().unwrap_or_default();
    let mut found = Vec::new();
    let reaches_root =
        if inside.contains('/') { code.contains("super::super::") } else { code.lines().any(|line| line.starts_with("use super::")) };
    if reaches_root {
        found.push("names a module through `super::`: write `crate::`".to_owned());
    }
    for used in used_modules(code) {
        let allowed = used == module || SERVING.contains(&used) || !is_module(used) || rank(module) > rank(used);
        if !allowed {
            found.push(format!("`{module}` uses `{used}`, which doesn't stand below it"));
        }
    }
    found
}

/// Returns the names that follow `crate::`, also those in a group.
fn used_modules(code: &str) -> BTreeSet<&str> {
    let mut used = BTreeSet::new();
    for (at, path) in code.match_indices("crate::") {
        let Some(rest) = code.get(at + path.len()..) else { continue };
        match rest.strip_prefix('{') {
            None => used.extend(rest.split(|c: char| !is_word(c)).next()),
            Some(group) => used.extend(first_words(group)),
        }
    }
    used
}

/// Returns the first name of each item of a group whose opening brace is already read.
fn first_words(group: &str) -> Vec<&str> {
    let mut depth = 1_usize;
    let mut words = Vec::new();
    let mut item = 0;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 || (c == ',' && depth == 1) {
            words.extend(
                group.get(item..at).and_then(|item| item.trim_start().split(|c: char| !is_word(c)).next()).filter(|w| !w.is_empty()),
            );
            item = at + 1;
        }
        if depth == 0 {
            break;
        }
    }
    words
}

fn is_module(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name != "self"
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn rank(module: &str) -> Option<usize> {
    ORDER.iter().position(|name| *name == module)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_a_file_uses() {
        let source = "use crate::{\n    json::{self, Json},\n    verify,\n};\nuse crate::time::Time;\nfn f() { crate::policy::judge() }\npub(crate) fn g() {}";
        assert_eq!(used_modules(source).into_iter().collect::<Vec<_>>(), ["json", "policy", "time", "verify"]);
    }

    #[test]
    fn refuses_a_use_upward() {
        assert_eq!(upward("digest.rs", "use crate::policy::Policy;").len(), 1);
        assert_eq!(upward("predicate/run.rs", "use crate::{json::Json, envelope};").len(), 1);
        assert_eq!(upward("reason.rs", "use crate::json::Json;").len(), 1);
        assert_eq!(upward("json.rs", "use super::policy;").len(), 1);
        assert_eq!(upward("predicate/run.rs", "use super::super::policy;").len(), 1);
        assert_eq!(upward("mystery.rs", "use crate::json;").len(), 1);
    }

    #[test]
    fn allows_a_use_downward() {
        for (inside, source) in [
            ("policy.rs", "use crate::json::Json;\nuse crate::limits;\nuse crate::reason::Reason;"),
            ("predicate/run.rs", "use crate::predicate::sbom;\nuse super::provenance;"),
            ("policy.rs", "use crate::Json;"),
            ("json.rs", "mod tests {\n    use super::*;\n}"),
        ] {
            assert_eq!(upward(inside, source), Vec::<String>::new(), "{inside}");
        }
    }

    #[test]
    fn holds_declarations_to_the_order() {
        assert_eq!(misplaced(["limits", "json", "time", "decision"].into_iter()), Vec::<String>::new());
        assert_eq!(misplaced(["time", "json"].into_iter()).len(), 1);
        assert_eq!(misplaced(["mystery"].into_iter()).len(), 1);
    }
}
