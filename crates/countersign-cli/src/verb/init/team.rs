//! The preset for a team: a workflow of GitHub Actions builds, people run agents with keys of their own, others deploy.
//! What only the team knows stands as a placeholder that nothing can match.

use countersign::identity::PublicKey;
use countersign::predicate::{BuildType, CYCLONEDX, PROVENANCE, builder};

use super::filling::{BRANCH, Filling, PERSON, identity, quoted};

/// Returns the policy.
pub(super) fn to_yaml(filling: &Filling, key: &PublicKey) -> String {
    let Filling { expires, .. } = filling;
    let (id, repository, identity) = (filling.id(), quoted(&filling.repository_in_jobs()), identity(&filling.workflow()));
    let key = key.to_base64();
    let (agent_run, local_build, local) = (BuildType::AgentRun.uri(), BuildType::LocalBuild.uri(), builder::LOCAL);
    let by_agents = format!("{{signer: agent-runs, builderId: \"{local}\", buildTypes: [\"{agent_run}\"], level: 1}}");
    let commits = filling.commits(&filling.repository(), &by_agents);
    format!(
        "\
# What may run where, made by whom and how, for a team that builds in GitHub Actions.
# Until every <your …> below is replaced, nothing is allowed by it. Whoever can change this file decides what is allowed.
# `countersign policy check` says whether it loads; `countersign verify` applies it.
version: 1
id: {id}
expires: {expires}          # after this, nothing is decided by it: renew it
# A workflow's certificate counts only where a log or a timestamp says when it signed. What a key on disk signs has no such
# witness, and is believed without one; once all sign as identities (`--signer keyless:`), make this `witnessed`.
time: unwitnessed

signers:
  # The workflow that builds. Who can change its file on that branch can sign as it: protect both.
  - id: build-workflow
    kind: automation
{identity}    mayAttest:
      # An agent inside the job could sign as the workflow, so it counts for no more than the harness.
      - {{predicate: \"{PROVENANCE}\", buildType: \"{local_build}\", ceiling: harness}}
      - {{predicate: \"{CYCLONEDX}\", ceiling: harness}}
  # A key for agent runs, here yours; one entry for each machine. The agent's own user can sign with it: so it's no human.
  - id: agent-runs
    kind: automation
    key: {key}
    custody: local
    mayAttest:
      - {{predicate: \"{PROVENANCE}\", buildType: \"{agent_run}\", ceiling: harness}}

# Who may ask an agent for work; `local` is a name that only the machine knows.
people:
  - {{id: maintainer, identities: [{{issuer: local, subject: \"{PERSON}\"}}]}}

resources:
  # Any file that is asked about by its name; name yours to be stricter.
  - match: \"*\"
    # As the workflow's statements name it: its clone's `origin`, which in GitHub Actions has no `.git` at its end.
    source: {{repository: {repository}, refs: [\"{BRANCH}\"]}}
    builders:
      - {{signer: build-workflow, builderId: \"{local}\", buildTypes: [\"{local_build}\"], level: 1}}
  # The repository itself: the commits that agents made. `match` is the name in the question, `source` the one in statements
  # of agents' runs: the `origin` of the clone that they worked in. All clones here should name it alike.
{commits}
environments:
  # For files. What an SBOM lists is a file's, so that no commit can have what production requires.
  staging: {{requirements: [built, origin, outcome]}}
  production: {{requirements: [built-lately, origin, outcome, sbom, by-agent, owner]}}
  # For commits: `countersign verify git:REV --environment merge`.
  merge: {{requirements: [built, origin, by-agent, owner]}}

requirements:
  - {{id: built, kind: builder, about: artifact}}                             # made by a builder above
  - {{id: built-lately, kind: builder, about: artifact, maxAge: P30D}}        # and so from dependencies that aren't old
  - {{id: origin, kind: source, about: artifact}}                             # from the repository and refs above
  - {{id: outcome, kind: run-outcome, about: artifact}}                       # by a run that succeeded
  - {{id: sbom, kind: sbom, about: artifact, predicate: \"{CYCLONEDX}\"}}       # and what is inside is known
  # These two are about the commit; without them, commits that no agent made are allowed, too.
  - {{id: by-agent, kind: agent, about: source, allow: [claude-code], basis: harness, maxAge: P90D}}
  - {{id: owner, kind: owner, about: source}}                                 # one of the people above asked for it
"
    )
}
