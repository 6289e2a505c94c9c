//! Rules about manifests: one version for all, and rays that don't know one another.
//! Licences, sources and bans are cargo-deny's.

use toml::{Table, Value};

use crate::repository::Repository;

const RAYS: &[&str] = &["countersign-capture", "countersign-sign", "countersign-store"];

/// Every crate and every dependency between them has the workspace's version.
pub(super) fn agree_on_the_version(repository: &Repository) -> Result<Vec<String>, String> {
    let workspace = repository.manifest("Cargo.toml")?;
    let version = text(&workspace, &["workspace", "package", "version"]).ok_or("`Cargo.toml` names no version")?;
    let mut found = Vec::new();
    for (name, dependency) in table(&workspace, &["workspace", "dependencies"]).into_iter().flatten() {
        let stated = dependency.get("version").and_then(Value::as_str);
        if dependency.get("path").is_some() && stated.is_some_and(|stated| stated != version) {
            found.push(format!("Cargo.toml: dependency `{name}` isn't {version}"));
        }
    }
    for path in repository.files().filter(|path| path.ends_with("/Cargo.toml")) {
        let manifest = repository.manifest(path)?;
        let inherited = lookup(&manifest, &["package", "version", "workspace"]).and_then(Value::as_bool) == Some(true);
        if !inherited && text(&manifest, &["package", "version"]) != Some(version) {
            found.push(format!("{path}: the version isn't the workspace's ({version})"));
        }
    }
    Ok(found)
}

/// No ray depends on another ray, and the heart on none.
pub(super) fn keep_the_rays_apart(repository: &Repository) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for name in RAYS.iter().copied().chain(["countersign"]) {
        let path = format!("crates/{name}/Cargo.toml");
        found.extend(foreign_rays(name, &repository.manifest(&path)?).into_iter().map(|ray| format!("{path}: depends on the ray `{ray}`")));
    }
    Ok(found)
}

fn foreign_rays(name: &str, manifest: &Table) -> Vec<String> {
    let targets = table(manifest, &["target"]).into_iter().flatten().filter_map(|(_, target)| target.as_table());
    let mut found = Vec::new();
    for scope in targets.chain([manifest]) {
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let listed = scope.get(kind).and_then(Value::as_table).into_iter().flatten();
            let packages = listed.map(|(key, entry)| entry.get("package").and_then(Value::as_str).unwrap_or(key));
            found.extend(packages.filter(|package| *package != name && RAYS.contains(package)).map(str::to_owned));
        }
    }
    found
}

fn lookup<'a>(table: &'a Table, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(table.get(*first)?, |value, key| value.get(key))
}

fn table<'a>(from: &'a Table, path: &[&str]) -> Option<&'a Table> {
    lookup(from, path).and_then(Value::as_table)
}

fn text<'a>(from: &'a Table, path: &[&str]) -> Option<&'a str> {
    lookup(from, path).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sees_a_ray_in_every_table_and_under_every_name() {
        for manifest in [
            "[dependencies]\ncountersign-sign.workspace = true",
            "[dev-dependencies]\ncountersign-sign = { path = \"../countersign-sign\" }",
            "[target.'cfg(unix)'.dependencies]\nkeys = { package = \"countersign-sign\", version = \"1\" }",
        ] {
            assert_eq!(foreign_rays("countersign-store", &manifest.parse().unwrap()), ["countersign-sign"], "{manifest}");
        }
        assert!(foreign_rays("countersign-store", &"[dependencies]\ncountersign.workspace = true".parse().unwrap()).is_empty());
    }
}
