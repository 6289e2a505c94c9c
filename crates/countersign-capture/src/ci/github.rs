//! The variables of GitHub Actions, as its reference lists them under "Default environment variables".
//! Which of them a step may have changed can't be told here.

use super::{Ci, Environment, Variable, is_commit, is_name, is_number, is_reference, is_word, server};
use crate::git::public_uri;

pub(super) const VARIABLES: &[&str] = &[
    "GITHUB_ACTIONS",
    "GITHUB_ACTOR",
    "GITHUB_EVENT_NAME",
    "GITHUB_JOB",
    "GITHUB_REF",
    "GITHUB_REPOSITORY",
    "GITHUB_RUN_ATTEMPT",
    "GITHUB_RUN_ID",
    "GITHUB_SERVER_URL",
    "GITHUB_SHA",
    "GITHUB_WORKFLOW_REF",
    "RUNNER_ENVIRONMENT",
];

/// Reads them; `None` elsewhere.
pub(super) fn read(environment: Environment<'_>) -> Option<Ci> {
    environment.get("GITHUB_ACTIONS").filter(|value| *value == "true")?;
    let server = environment.get("GITHUB_SERVER_URL").and_then(server);
    let below_server = |path: &str, names: &[&str]| {
        let uri = public_uri(&format!("{}/{path}", server.as_deref()?)).filter(|_| is_path(path))?;
        Some(Variable::of(uri, names))
    };
    let repository = environment.get("GITHUB_REPOSITORY").and_then(|path| below_server(path, &["GITHUB_SERVER_URL", "GITHUB_REPOSITORY"]));
    let workflow = environment.get("GITHUB_WORKFLOW_REF").filter(|path| is_workflow(path));
    let run_id = environment.variable("GITHUB_RUN_ID", is_number);
    let run_attempt = environment.variable("GITHUB_RUN_ATTEMPT", is_number);
    let run_url = repository.as_ref().zip(run_id.as_ref()).map(|(repository, id)| {
        let run = format!("{}/actions/runs/{}", repository.value, id.value);
        let (url, attempt) = match &run_attempt {
            Some(attempt) => (format!("{run}/attempts/{}", attempt.value), format!(" {}", attempt.origin)),
            None => (run, String::new()),
        };
        Variable { value: url, origin: format!("{} {}{attempt}", repository.origin, id.origin) }
    });
    Some(Ci {
        platform: Variable::of("github-actions", &["GITHUB_ACTIONS"]),
        repository,
        reference: environment.variable("GITHUB_REF", is_reference),
        commit: environment.variable("GITHUB_SHA", is_commit),
        workflow: workflow
            .zip(server.as_deref())
            .map(|(path, server)| Variable::of(format!("{server}/{path}"), &["GITHUB_SERVER_URL", "GITHUB_WORKFLOW_REF"])),
        job: environment.variable("GITHUB_JOB", is_name),
        run_id,
        run_attempt,
        run_url,
        actor: environment.variable("GITHUB_ACTOR", is_word),
        runner_environment: environment.variable("RUNNER_ENVIRONMENT", |kind| ["github-hosted", "self-hosted"].contains(&kind)),
        event: environment.variable("GITHUB_EVENT_NAME", is_word),
        server: server.map(|url| Variable::of(url, &["GITHUB_SERVER_URL"])),
    })
}

/// Returns true for `OWNER/NAME`.
fn is_path(path: &str) -> bool {
    path.split_once('/').is_some_and(|(owner, name)| is_part(owner) && is_part(name))
}

/// Returns true for `OWNER/NAME/FILE@REF`.
fn is_workflow(path: &str) -> bool {
    path.split_once('@')
        .is_some_and(|(file, reference)| file.split('/').count() > 2 && file.split('/').all(is_part) && is_reference(reference))
}

fn is_part(part: &str) -> bool {
    part.bytes().any(|byte| byte != b'.') && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}
