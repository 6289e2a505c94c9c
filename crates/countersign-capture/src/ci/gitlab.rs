//! The variables of GitLab CI, as its "Predefined CI/CD variables reference" lists them.
//! None of them says whose machine the runner is, so that is left out.

use super::{Ci, Environment, TEXT_BYTES, Variable, is_commit, is_name, is_number, is_reference, is_word, page, server};

pub(super) const VARIABLES: &[&str] = &[
    "CI_COMMIT_BRANCH",
    "CI_COMMIT_SHA",
    "CI_COMMIT_TAG",
    "CI_CONFIG_PATH",
    "CI_JOB_NAME",
    "CI_JOB_URL",
    "CI_MERGE_REQUEST_REF_PATH",
    "CI_PIPELINE_ID",
    "CI_PIPELINE_SOURCE",
    "CI_PROJECT_URL",
    "CI_SERVER_URL",
    "GITLAB_CI",
    "GITLAB_USER_LOGIN",
];

/// Reads them; `None` elsewhere.
pub(super) fn read(environment: Environment<'_>) -> Option<Ci> {
    environment.get("GITLAB_CI").filter(|value| *value == "true")?;
    let uri = |name: &str, read: fn(&str) -> Option<String>| Some(Variable::of(read(environment.get(name)?)?, &[name]));
    let repository = uri("CI_PROJECT_URL", page);
    let reference = reference(environment);
    let workflow = repository.as_ref().zip(reference.as_ref()).and_then(|(repository, reference)| {
        let path = environment.get("CI_CONFIG_PATH").filter(|path| is_own_file(path))?;
        let origin = format!("{} env:CI_CONFIG_PATH {}", repository.origin, reference.origin);
        Some(Variable { value: format!("{}//{path}@{}", repository.value, reference.value), origin })
    });
    Some(Ci {
        platform: Variable::of("gitlab-ci", &["GITLAB_CI"]),
        server: uri("CI_SERVER_URL", server),
        repository,
        reference,
        commit: environment.variable("CI_COMMIT_SHA", is_commit),
        workflow,
        job: environment.variable("CI_JOB_NAME", is_name),
        run_id: environment.variable("CI_PIPELINE_ID", is_number),
        run_attempt: None,
        run_url: uri("CI_JOB_URL", page),
        actor: environment.variable("GITLAB_USER_LOGIN", is_word),
        runner_environment: None,
        event: environment.variable("CI_PIPELINE_SOURCE", is_word),
    })
}

/// Returns the one ref: a pipeline is for a branch, a tag or a merge request.
fn reference(environment: Environment<'_>) -> Option<Variable> {
    let named = [("CI_COMMIT_BRANCH", "refs/heads/"), ("CI_COMMIT_TAG", "refs/tags/"), ("CI_MERGE_REQUEST_REF_PATH", "")];
    let mut found =
        named.into_iter().filter_map(|(name, folder)| Some(Variable::of(format!("{folder}{}", environment.get(name)?), &[name])));
    let first = found.next().filter(|reference| is_reference(&reference.value))?;
    found.next().is_none().then_some(first)
}

/// Returns true for a file of the project itself; another project's, or a page's, has `@` or `://` in its name.
fn is_own_file(path: &str) -> bool {
    path.len() <= TEXT_BYTES && !path.starts_with('/') && path.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/".contains(&b))
}
