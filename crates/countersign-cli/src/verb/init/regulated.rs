//! The preset for where an agent's word isn't enough: workflows sign and no key does, agents work in a known image.
//! What only the organisation knows stands as a placeholder that nothing can match.

use countersign::predicate::{BuildType, CYCLONEDX, PROVENANCE, builder};

use super::filling::{BRANCH, Filling, PERSON, identity, quoted};

/// Returns the policy.
pub(super) fn to_yaml(filling: &Filling) -> String {
    let Filling { expires, .. } = filling;
    let (id, repository) = (filling.id(), quoted(&filling.repository_in_jobs()));
    let (build_workflow, agent_workflow) = (identity(&filling.workflow()), identity(&filling.agent_workflow()));
    let (agent_run, local_build) = (BuildType::AgentRun.uri(), BuildType::LocalBuild.uri());
    let (local, nobody) = (builder::LOCAL, "0".repeat(64));
    let by_agents =
        format!("{{signer: agent-workflow, builderId: \"https://<your agent platform>\", buildTypes: [\"{agent_run}\"], level: 1}}");
    let commits = filling.commits(&filling.repository_in_jobs(), &by_agents);
    format!(
        "\
# What may run where, made by whom and how, for an organisation that must be able to show it.
# Until every <your …> and the image below are replaced, nothing is allowed by it. Who can change this file decides what is allowed.
# `countersign policy check` says whether it loads; `countersign verify` applies it.
version: 1
id: {id}
expires: {expires}          # soon, so that somebody looks at it again
time: witnessed                        # a log or a timestamp says when something was signed; the signer's word isn't enough

signers:
  # The workflow that builds, in which no agent runs. Who can change its file on that branch can sign as it: protect both.
  - id: build-workflow
    kind: automation
{build_workflow}    mayAttest:
      - {{predicate: \"{PROVENANCE}\", buildType: \"{local_build}\", ceiling: boundary}}
      - {{predicate: \"{CYCLONEDX}\", ceiling: boundary}}
  # The workflow that watches agents from outside their sandbox, and signs where they can't reach. No local key may.
  - id: agent-workflow
    kind: automation
{agent_workflow}    mayAttest:
      - {{predicate: \"{PROVENANCE}\", buildType: \"{agent_run}\", ceiling: boundary}}

# Who may ask an agent for work, by the name that an issuer knows and not only a machine.
people:
  - {{id: maintainer, identities: [{{issuer: \"https://github.com/login/oauth\", subject: \"{PERSON}\"}}]}}

resources:
  # Any file that is asked about by its name; name yours to be stricter.
  - match: \"*\"
    # As statements name it: a clone's `origin`, which in GitHub Actions has no `.git` at its end.
    source: {{repository: {repository}, refs: [\"{BRANCH}\"]}}
    builders:
      - {{signer: build-workflow, builderId: \"{local}\", buildTypes: [\"{local_build}\"], level: 1}}
  # The repository itself: the commits that agents made, watched by a platform with a name of its own. `match` is the name in
  # the question, `source` the one in the workflow's statements.
{commits}
environments:
  # For files. What an SBOM lists is a file's, so that no commit can have what these two require.
  staging: {{requirements: [built, origin, outcome, sbom, by-agent, model, sandbox, owner]}}
  production: {{requirements: [built-lately, origin, outcome, sbom, by-agent, model, sandbox, owner]}}
  # For commits: `countersign verify git:REV --environment merge`.
  merge: {{requirements: [built, origin, by-agent, model, sandbox, owner]}}

requirements:
  - {{id: built, kind: builder, about: artifact, maxAge: P30D}}               # made by a builder above
  - {{id: built-lately, kind: builder, about: artifact, maxAge: P7D}}         # production is built again each week
  - {{id: origin, kind: source, about: artifact}}                             # from the repository and refs above
  - {{id: outcome, kind: run-outcome, about: artifact}}                       # by a run that succeeded
  - {{id: sbom, kind: sbom, about: artifact, predicate: \"{CYCLONEDX}\", maxAge: P30D}}
  # What `countersign run` sees beside an agent is of basis `harness`, which isn't enough here: `boundary` is stated by a
  # platform that the agent can't reach.
  - {{id: by-agent, kind: agent, about: source, allow: [claude-code], basis: boundary, maxAge: P30D}}
  - {{id: model, kind: model, about: source, allow: [\"anthropic/claude-*\"]}}    # only models that were approved
  - {{id: sandbox, kind: sandbox-image, about: source, basis: boundary, allow: [\"sha256:{nobody}\"]}}     # your image's manifest
  - {{id: owner, kind: owner, about: source}}                                 # one of the people above asked for it
"
    )
}
