//! What a preset is filled with, and the placeholders for what isn't known here.
//! A placeholder holds a blank or a bracket where the real thing can't, so that nobody can make something that matches it.

use countersign::json::Json;
use countersign::time::Time;

/// A ref that git refuses.
pub(super) const BRANCH: &str = "refs/heads/<your branch>";
/// Somebody who isn't.
pub(super) const PERSON: &str = "<your name>@<your host>";

/// What is known of the repository that the policy is for.
pub(super) struct Filling {
    pub(super) id: String,
    pub(super) repository: Option<String>,
    pub(super) expires: Time,
}

impl Filling {
    /// Returns the policy's name for itself, as YAML.
    pub(super) fn id(&self) -> String {
        quoted(&self.id)
    }

    /// Returns the repository as statements name it that are made in this clone.
    pub(super) fn repository(&self) -> String {
        self.repository.clone().unwrap_or_else(|| "https://<your host>/<your repository>".to_owned())
    }

    /// Returns the repository as a job of GitHub Actions names it if it lies there, else as it's named here.
    pub(super) fn repository_in_jobs(&self) -> String {
        self.on_github().unwrap_or_else(|| self.repository())
    }

    /// Returns the entries for the repository itself, one for each name that a question can have for it.
    ///
    /// Each expects its commits from the repository as `named` by whoever states their runs, and by `builder`.
    pub(super) fn commits(&self, named: &str, builder: &str) -> String {
        let entry = |name: &str| {
            let [name, named] = [name, named].map(quoted);
            format!("  - match: {name}\n    source: {{repository: {named}, refs: [\"{BRANCH}\"]}}\n    builders:\n      - {builder}\n")
        };
        let (here, in_jobs) = (self.repository(), self.repository_in_jobs());
        if here == in_jobs { entry(&here) } else { format!("{}  # As this clone's `origin` names it.\n{}", entry(&in_jobs), entry(&here)) }
    }

    /// Returns the identity of the workflow that builds: the file is never known.
    pub(super) fn workflow(&self) -> String {
        self.workflow_named("<your build workflow>")
    }

    /// Returns the identity of the workflow that runs agents.
    pub(super) fn agent_workflow(&self) -> String {
        self.workflow_named("<your agent workflow>")
    }

    fn workflow_named(&self, file: &str) -> String {
        let repository = self.on_github().unwrap_or_else(|| "https://github.com/<your organisation>/<your repository>".to_owned());
        format!("{repository}/.github/workflows/{file}.yml@refs/heads/main")
    }

    fn on_github(&self) -> Option<String> {
        let (_, rest) = self.repository.as_deref()?.split_once("://")?;
        let path = rest.strip_prefix("github.com/")?.trim_end_matches('/');
        Some(format!("https://github.com/{}", path.strip_suffix(".git").unwrap_or(path)))
    }
}

/// Returns the lines by which a workflow of GitHub Actions is a signer.
pub(super) fn identity(workflow: &str) -> String {
    format!(
        "    identity:
      issuer: \"https://token.actions.githubusercontent.com\"
      subject: {}
      trustRoot: public-good           # its `trusted_root.json` is given with `--trust`
",
        quoted(workflow)
    )
}

/// Every JSON string is a YAML string.
pub(super) fn quoted(text: &str) -> String {
    String::from_utf8_lossy(&Json::from(text).canonical()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filling(repository: Option<&str>) -> Filling {
        Filling { id: "app".to_owned(), repository: repository.map(str::to_owned), expires: "2100-01-01T00:00:00Z".parse().unwrap() }
    }

    #[test]
    fn a_repository_on_github_is_named_as_its_jobs_name_it_too() {
        for uri in ["https://github.com/org/app.git", "ssh://github.com/org/app.git", "https://github.com/org/app/"] {
            assert_eq!(filling(Some(uri)).repository_in_jobs(), "https://github.com/org/app");
            assert_eq!(filling(Some(uri)).repository(), uri);
            assert_eq!(filling(Some(uri)).commits(uri, "{}").matches("match: ").count(), 2);
            assert!(filling(Some(uri)).workflow().starts_with("https://github.com/org/app/.github/workflows/<your build workflow>.yml@"));
        }
        assert_eq!(filling(Some("https://example.test/app.git")).repository_in_jobs(), "https://example.test/app.git");
        assert_eq!(filling(Some("https://github.com/org/app")).commits("https://github.com/org/app", "{}").matches("match: ").count(), 1);
        assert!(filling(Some("https://example.test/github.com/a/b")).workflow().contains("<your organisation>"));
        assert_eq!(filling(None).repository(), "https://<your host>/<your repository>");
    }
}
