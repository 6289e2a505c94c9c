//! The preset for one person: local keys, no witnesses, what the harness says is enough.
//! It writes text with comments, because people will go on from it.

use countersign::identity::PublicKey;
use countersign::predicate::{BuildType, PROVENANCE, builder};

use super::filling::{Filling, quoted};

/// Returns the policy.
pub(super) fn to_yaml(filling: &Filling, key: &PublicKey) -> String {
    let Filling { repository, expires, .. } = filling;
    let (id, key) = (filling.id(), key.to_base64());
    let (agent_run, local_build, local) = (BuildType::AgentRun.uri(), BuildType::LocalBuild.uri(), builder::LOCAL);
    let source = repository.as_deref().map_or(String::new(), |uri| {
        format!("    source: {{repository: {}, refs: [\"refs/heads/**\"]}}     # any branch; name yours to be stricter\n", quoted(uri))
    });
    let of_repository = repository.as_deref().map_or_else(
        || "  # Nothing stands here for the repository itself: it had no remote `origin` to be named by.\n".to_owned(),
        |uri| {
            format!(
                "  # The repository itself, for `countersign verify git:REV`.\n  - match: {}\n{source}    builders:\n      \
                     - {{signer: local, builderId: \"{local}\", buildTypes: [\"{agent_run}\"], level: 1}}\n",
                quoted(uri)
            )
        },
    );
    let (origin, origin_id) = match repository {
        Some(_) => ("  - {id: origin, kind: source, about: artifact}          # from the repository and refs above\n", ", origin"),
        None => ("", ""),
    };
    format!(
        "\
# What may run, made by whom and how. Whoever can change this file decides what is allowed.
# `countersign policy check` says whether it loads; `countersign verify` applies it.
version: 1
id: {id}
expires: {expires}          # after this, nothing is decided by it: renew it
time: unwitnessed                      # nobody but the signer says when something was signed

signers:
  # The key on this machine. Whatever runs as its user can sign with it, agents included: so it's no human,
  # and what it says is never taken for more than what the harness said.
  - id: local
    kind: automation
    key: {key}
    custody: local
    mayAttest:
      - {{predicate: \"{PROVENANCE}\", buildType: \"{agent_run}\", ceiling: harness}}
      - {{predicate: \"{PROVENANCE}\", buildType: \"{local_build}\", ceiling: harness}}

# Who may ask an agent for work. With people here, a requirement of kind `owner` can be added.
# people:
#   - {{id: you, identities: [{{issuer: local, subject: you@example.test}}]}}

resources:
  # Any file that is asked about by its name.
  - match: \"*\"
{source}    builders:
      - {{signer: local, builderId: \"{local}\", buildTypes: [\"{local_build}\", \"{agent_run}\"], level: 1}}
{of_repository}
environments:
  local: {{requirements: [built{origin_id}, outcome]}}

requirements:
  - {{id: built, kind: builder, about: artifact}}          # made by a builder above
{origin}  - {{id: outcome, kind: run-outcome, about: artifact}}    # by a run that succeeded
  # More, to be named in an environment:
  # - {{id: by-agent, kind: agent, about: source, allow: [claude-code], basis: harness}}
  # - {{id: sbom, kind: sbom, about: artifact, predicate: \"https://cyclonedx.org/bom\"}}
"
    )
}
