//! Cases of requirements that look closer: which tools a run used, and conditions on a statement.
//! Conditions themselves are tested beside their evaluation.

use countersign::decision::Answer;
use countersign::json::Json;
use countersign::predicate::{Agent, GateResult, TestResult, tree_subject};

use super::{Cases, build_only};
use crate::case::Expect;
use crate::faults;
use crate::world::{self, World};

pub(super) fn all(cases: &mut Cases) {
    tools(cases);
    conditions(cases);
    gates(cases);
}

/// Asks about the commit of a run whose tools must be among a few.
fn with_tools(world: &mut World, agent: Agent) {
    faults::ask_about_commit(world);
    world.edit_policy("source: {requirements: [by-agent, model, sandbox, owner]}", "source: {requirements: [by-agent, tools]}");
    world.edit_policy(
        "  - {id: tested,",
        "  - {id: tools,    kind: tools,         about: source, allow: [Read, Write, \"mcp__docs__*\"]}\n  - {id: tested,",
    );
    let statement = world::agent_run(agent, world::base_run).about(world::commit_subjects()).expect("a statement");
    world.add("agent-run", "platform", statement);
}

fn tools(cases: &mut Cases) {
    let refused: &super::Reasons = &[("tools", &["tool-not-allowed"])];
    cases.allow("allow-tools", "Every tool that the agent used is allowed, one of them by a pattern.", |world| {
        with_tools(world, world::agent().tool("mcp__docs__search"));
    });
    cases.deny("deny-tool-not-allowed", refused, "The agent used a tool that isn't allowed, beside one that is.", |world| {
        with_tools(world, world::agent().tool("Bash"));
    });
    cases.deny("deny-tool-of-subagent", refused, "A subagent used a tool that isn't allowed.", |world| {
        with_tools(world, world::agent().subagent(countersign::predicate::Subagent::new("a1").tool("Bash")));
    });
    cases.deny("deny-tools-of-subagent-unstated", refused, "Nothing says which tools a subagent used.", |world| {
        with_tools(world, world::agent().subagent(countersign::predicate::Subagent::new("a1").model("anthropic", "claude-haiku-4-5")));
    });
    cases.deny("deny-tools-unstated", refused, "Nothing says which tools the agent used: they could be any.", |world| {
        with_tools(world, world::agent());
        faults::provenance(world, "agent-run", |p| {
            let Some(Json::Object(agent)) = p.build_definition.internal_parameters.get_mut("agent") else { panic!("no agent") };
            agent.remove("tools").expect("tools");
        });
    });
}

/// Adds a condition to the requirement for a build's outcome.
fn build_where(world: &mut World, condition: &str) {
    build_only(world);
    world.edit_policy("kind: run-outcome,   about: artifact}", &format!("kind: run-outcome,   about: artifact, condition: {condition}}}"));
}

fn conditions(cases: &mut Cases) {
    let refused: &super::Reasons = &[("build-ok", &["condition-false"])];
    let condition = r#"'predicate.buildDefinition.externalParameters.invocation.program == "git" && signer.kind == "automation"'"#;
    cases.allow("allow-condition", "A condition on the build and its signer is true.", |world| build_where(world, condition));
    cases.deny("deny-condition-false", refused, "A condition on the build isn't true: another program made it.", |world| {
        build_where(world, &condition.replace("git", "make"));
    });
    cases.deny(
        "deny-condition-on-absent",
        refused,
        "A condition asks for something that the build doesn't say, which is never true.",
        |world| {
            build_where(world, r#"'predicate.runDetails.metadata.reviewedBy != "nobody"'"#);
        },
    );
    cases.deny("deny-condition-not-a-bool", refused, "A condition gives a text, which is neither true nor false.", |world| {
        build_where(world, "predicate.buildDefinition.buildType");
    });
    cases.add(
        "undetermined-condition-limit",
        "The build says so much that the condition can't be evaluated within the limit.",
        Expect::Decision(Answer::Undetermined, vec![("build-ok", vec!["evidence-limit"])]),
        |world| {
            let all = "predicate.runDetails.metadata.x.all";
            build_where(world, &format!("'{all}(a, {all}(b, {all}(c, a + b + c >= 0)))'"));
            faults::provenance(world, "build", |p| {
                let many = Json::Array((0..100).map(|n| Json::Number(f64::from(n))).collect());
                p.run_details.metadata.as_mut().expect("metadata").other.insert("x".to_owned(), many);
            });
        },
    );
    cases.error("error-policy-condition", "policy-invalid", "A condition is no expression.", |world| {
        world.edit_policy("kind: owner,         about: source}", "kind: owner,         about: source, condition: \"predicate ==\"}");
    });
    cases.error(
        "error-policy-condition-variable",
        "policy-invalid",
        "A condition asks what time it is, which no variable says.",
        |world| {
            world.edit_policy("kind: owner,         about: source}", "kind: owner,         about: source, condition: \"now < at\"}");
        },
    );
    cases.error(
        "error-policy-approval-as-evidence",
        "policy-invalid",
        "The policy takes an approval for evidence; that there is one doesn't say of what, by whom and until when.",
        |world| world.edit_policy("https://in-toto.io/attestation/test-result/v0.1\"}", "https://countersign.dev/approval/v1\"}"),
    );
}

/// Asks for the result of one gate by its name; `found` are those that there are.
fn gate_named(world: &mut World, found: &[(&str, GateResult)]) {
    world.environment = Some("gated".to_owned());
    world.edit_policy("test-result/v0.1\"}", "test-result/v0.1\", condition: 'predicate.configuration[0].name == \"gate:unit-tests\"'}");
    for (name, result) in found {
        let statement = TestResult::of_gate(name, *result, None).about(vec![tree_subject(world::tree())]).expect("a statement");
        world.add(&format!("gate-{name}"), "platform", statement);
    }
}

fn gates(cases: &mut Cases) {
    cases.allow("allow-gate-named", "The gate that the condition names passed; that another one failed is another's affair.", |world| {
        gate_named(world, &[("lint", GateResult::Failed), ("unit-tests", GateResult::Passed)]);
    });
    cases.deny(
        "deny-gate-of-another-name",
        &[("tested", &["condition-false"])],
        "A gate passed, and it isn't the one that the condition names.",
        |world| gate_named(world, &[("lint", GateResult::Passed)]),
    );
    cases.deny(
        "deny-gate-named-failed",
        &[("tested", &["gate-missing"])],
        "The gate that the condition names failed; that another one passed doesn't help.",
        |world| gate_named(world, &[("lint", GateResult::Passed), ("unit-tests", GateResult::Failed)]),
    );
}
