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

    /// Returns the repository as a job of GitHub Actions names it if it lies there, else as it's named here.
    pub(super) fn repository(&self) -> String {
        self.on_github().unwrap_or_else(|| self.repository.clone().unwrap_or_else(|| "https://<your host>/<your repository>".to_owned()))
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
    fn a_repository_on_github_is_named_as_its_jobs_name_it() {
        for uri in ["https://github.com/org/app.git", "ssh://github.com/org/app.git", "https://github.com/org/app/"] {
            assert_eq!(filling(Some(uri)).repository(), "https://github.com/org/app");
            assert!(filling(Some(uri)).workflow().starts_with("https://github.com/org/app/.github/workflows/<your build workflow>.yml@"));
        }
        assert_eq!(filling(Some("https://example.test/app.git")).repository(), "https://example.test/app.git");
        assert!(filling(Some("https://example.test/github.com/a/b")).workflow().contains("<your organisation>"));
        assert_eq!(filling(None).repository(), "https://<your host>/<your repository>");
    }
}
