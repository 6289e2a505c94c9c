//! Cases in which evidence can be read, and is refused or doesn't suffice.
//! What can't be read at all stands one level up.

use countersign::decision::Answer;
use countersign::digest::{Algorithm, Digest};
use countersign::json::{Json, Object};
use countersign::predicate::{Basis, Outcome, RunOutcome};

use super::{Cases, build_only};
use crate::case::Expect;
use crate::faults;
use crate::world::{self, World};

pub(super) fn all(cases: &mut Cases) {
    refused_signers(cases);
    refused_subjects(cases);
    refused_gates(cases);
    refused_builds(cases);
    refused_runs(cases);
    refused_times(cases);
}

fn refused_signers(cases: &mut Cases) {
    cases.deny_build("deny-evidence-missing", "evidence-missing", "Nothing at all was found.", |world| faults::without(world, "build"));
    cases.deny_build("deny-signer-unknown", "signer-unknown", "The build is signed, by a key that isn't in the policy.", |world| {
        faults::signed_by(world, "build", "stranger");
    });
    cases.deny_build("deny-signature-invalid", "signature-invalid", "One bit of the signature is another.", |world| {
        faults::flip_signature(world, "build");
    });
    cases.deny_build(
        "deny-hint-of-another",
        "signature-invalid",
        "A stranger's signature, under the hint of the platform's key.",
        |world| {
            faults::signed_by(world, "build", "stranger");
            faults::bundle_text(world, "build", &world::public_key("stranger").hint(), &world::public_key("platform").hint());
        },
    );
    cases.deny_build(
        "deny-signature-of-another-algorithm",
        "signature-invalid",
        "The hint is that of the platform's P-256 key, and the signature is an Ed25519 key's.",
        |world| {
            faults::signed_by(world, "build", "maintainer");
            faults::bundle_text(world, "build", &world::public_key("maintainer").hint(), &world::public_key("platform").hint());
        },
    );
    cases.deny_build("deny-payload-swapped", "signature-invalid", "A good signature, around the payload of another statement.", |world| {
        let payload = |world: &World| {
            let json = Json::parse(&world.bytes("build")).expect("JSON");
            json.pointer("/dsseEnvelope/payload").and_then(Json::as_str).expect("a payload").to_owned()
        };
        let good = payload(world);
        let mut other = world.clone();
        faults::provenance(&mut other, "build", |p| p.run_details.builder.id.push('x'));
        faults::bundle_text(world, "build", &good, &payload(&other));
    });
    cases.deny_build(
        "deny-signer-lacks-authority",
        "signer-lacks-authority",
        "A right signature by the maintainer, who may attest SBOMs and no builds.",
        |world| {
            faults::signed_by(world, "build", "maintainer");
        },
    );
    cases.deny_build(
        "deny-signer-retired",
        "signer-lacks-authority",
        "The platform's key was retired before the question was asked, and nothing proves that it signed before.",
        |world| {
            world.edit_policy("custody: local", "custody: local\n    validity: {notAfter: 2025-12-10T00:00:00Z}");
        },
    );
    cases.deny_build(
        "deny-signer-not-yet-valid",
        "signer-lacks-authority",
        "The platform's key holds from tomorrow on, and nothing proves when it signed.",
        |world| {
            world.edit_policy("custody: local", "custody: local\n    validity: {notBefore: 2025-12-16T00:00:00Z}");
        },
    );
    cases.deny_build(
        "deny-build-type-without-authority",
        "signer-lacks-authority",
        "The platform may attest agents' runs, and made a build.",
        |world| {
            let build = "      - {predicate: \"https://slsa.dev/provenance/v1\", buildType: \"https://countersign.dev/local-build/v1\", ceiling: harness}\n";
            world.edit_policy(build, "");
        },
    );
    cases.deny(
        "deny-requirement-names-signer",
        &[("built", &["signer-lacks-authority"])],
        "The requirement itself names who must show it, and somebody else did.",
        |world| {
            build_only(world);
            world.edit_policy("about: artifact, maxAge: P30D}", "about: artifact, signers: [maintainer]}");
        },
    );
}

fn refused_subjects(cases: &mut Cases) {
    cases.deny(
        "deny-subject-mismatch",
        &[
            ("build-ok", &["subject-mismatch"]),
            ("built", &["subject-mismatch"]),
            ("by-agent", &["subject-mismatch"]),
            ("model", &["subject-mismatch"]),
            ("origin", &["subject-mismatch"]),
            ("owner", &["subject-mismatch"]),
            ("sandbox", &["subject-mismatch"]),
            ("sbom", &["subject-mismatch"]),
        ],
        "One byte of the artifact was changed after it was built.",
        |world| world.artifact.push(b'!'),
    );
    cases.deny("deny-sbom-of-another", &[("sbom", &["subject-mismatch"])], "The SBOM is of another artifact.", |world| {
        faults::of_another_artifact(world, "sbom")
    });
    cases.deny(
        "deny-sbom-mismatch",
        &[("sbom", &["sbom-mismatch"])],
        "The SBOM is of this artifact, and not the one that the build bound.",
        faults::other_sbom,
    );
    cases.deny(
        "deny-sbom-of-older-build",
        &[("sbom", &["sbom-mismatch"])],
        "The SBOM is the one that a build bound which is too old for the policy; the build that counts bound another.",
        faults::older_build_too,
    );
    cases.deny("deny-sbom-missing", &[("sbom", &["evidence-missing"])], "There is no SBOM.", |world| faults::without(world, "sbom"));
    cases.deny_build(
        "deny-digest-conflict",
        "digest-conflict",
        "The subject's SHA-256 is the artifact's, and its SHA-512 is another's.",
        |world| {
            faults::also_sha512(world, "build", b"something else");
        },
    );
    cases.deny_build("deny-digest-refused", "digest-refused", "The subject has only a SHA-1.", |world| faults::only_sha1(world, "build"));
    let source = |code: &'static str| -> Vec<(&'static str, Vec<&'static str>)> {
        ["by-agent", "model", "owner", "sandbox"].map(|id| (id, vec![code])).to_vec()
    };
    cases.add(
        "deny-commit-sha256-conflict",
        "The run names the right commit, and the SHA-256 of another commit object.",
        Expect::Decision(Answer::Deny, source("digest-conflict")),
        |world| {
            faults::ask_about_commit(world);
            faults::statement(world, "agent-run", |s| {
                s.subject[0].digest = world::with(world::commit_id(&world::commit_object()), Digest::sha256(b"another"))
            });
        },
    );
    cases.add(
        "deny-commit-object-conflict",
        "The commit object that the run carries is another commit's.",
        Expect::Decision(Answer::Deny, source("digest-conflict")),
        |world| {
            faults::ask_about_commit(world);
            faults::provenance(world, "agent-run", |p| {
                let object = p.run_details.byproducts.iter_mut().find(|b| b.is_named("commit-object")).expect("a commit object");
                object.content.as_mut().expect("content").extend_from_slice(b"more");
            });
        },
    );
    cases.add(
        "deny-tree-conflict",
        "The run names a tree that isn't the one its commit records.",
        Expect::Decision(Answer::Deny, source("digest-conflict")),
        |world| {
            faults::ask_about_commit(world);
            faults::statement(world, "agent-run", |s| s.subject[1] = countersign::predicate::tree_subject(other_tree()));
        },
    );
    for (name, readme, from, to) in [
        (
            "deny-run-committed-elsewhere",
            "The agent left its changes uncommitted. The commit has the run's tree, and another parent than its base.",
            format!("parent {}\n", world::base().hex()),
            format!("parent {}\n", "0".repeat(40)),
        ),
        (
            "deny-run-committed-in-merge",
            "The agent left its changes uncommitted. The commit has the run's tree, and a second parent beside its base.",
            "author ".to_owned(),
            format!("parent {}\nauthor ", "0".repeat(40)),
        ),
        (
            "deny-run-committed-otherwise",
            "The agent left its changes uncommitted. The commit has the run's base, and another tree.",
            format!("tree {}", world::tree().hex()),
            format!("tree {}", other_tree().hex()),
        ),
    ] {
        cases.add(name, readme, Expect::Decision(Answer::Deny, source("subject-mismatch")), |world| {
            let commit = String::from_utf8(world::commit_object()).expect("UTF-8").replacen(&from, &to, 1);
            faults::committed_later(world, commit.into_bytes());
        });
    }
    cases.add(
        "deny-run-upon-another-base",
        "The run names a base that its commit doesn't come after.",
        Expect::Decision(Answer::Deny, source("digest-conflict")),
        |world| {
            faults::ask_about_commit(world);
            let base = Digest::new(Algorithm::GitCommit, "0".repeat(40)).expect("an id");
            faults::provenance(world, "agent-run", |p| p.build_definition.resolved_dependencies[0].digest = base.into());
        },
    );
    cases.add(
        "deny-run-of-another-commit",
        "The agent's run is of another commit than the build's source.",
        Expect::Decision(Answer::Deny, source("subject-mismatch")),
        |world| {
            let other = world::commit_object().iter().chain(b"and more\n").copied().collect::<Vec<_>>();
            faults::provenance(world, "build", |p| p.build_definition.resolved_dependencies[0].digest = world::commit_id(&other).into());
        },
    );
    cases.add(
        "deny-build-of-a-commit",
        "A build names the commit that is asked about: a build shows nothing of a commit, whoever made it.",
        Expect::Decision(Answer::Deny, source("subject-mismatch")),
        |world| {
            faults::ask_about_commit(world);
            let statement = world::build().about(world::commit_subjects()).expect("a statement");
            world.bundles.clear();
            world.add("build", "platform", statement);
        },
    );
    cases.deny("deny-gate-other-tree", &[("tested", &["subject-mismatch"])], "The gate passed, on another tree.", |world| {
        world.environment = Some("gated".to_owned());
        faults::gate(world, other_tree());
    });
}

fn refused_gates(cases: &mut Cases) {
    for (name, result, readme) in [
        ("deny-gate-failed", "FAILED", "The gate ran on this tree, and failed: that it ran is no evidence that it passed."),
        ("deny-gate-warned", "WARNED", "The gate ran on this tree, and warned, which is not `PASSED`."),
    ] {
        cases.deny(name, &[("tested", &["gate-missing"])], readme, |world| {
            world.environment = Some("gated".to_owned());
            faults::gate(world, world::tree());
            faults::statement(world, "gate", |s| {
                let Json::Object(predicate) = &mut s.predicate else { panic!("no predicate") };
                predicate.insert("result".to_owned(), Json::from(result));
            });
        });
    }
}

fn other_tree() -> Digest {
    Digest::new(Algorithm::GitTree, "0123456789abcdef0123456789abcdef01234567").expect("an id")
}

fn refused_builds(cases: &mut Cases) {
    cases.deny_build("deny-builder-unexpected", "builder-unexpected", "The builder is another than the resource expects.", |world| {
        faults::provenance(world, "build", |p| p.run_details.builder.id = "https://builder.example.test/other".to_owned());
    });
    cases.deny(
        "deny-provenance-of-unexpected-builder",
        &[("build-ok", &["builder-unexpected"]), ("built", &["builder-unexpected"]), ("origin", &["builder-unexpected"])],
        "The policy asks for provenance as plain evidence; of a builder whom the resource doesn't expect, it is none.",
        |world| {
            build_only(world);
            world.edit_policy(
                "kind: builder,       about: artifact, maxAge: P30D}",
                "kind: evidence,      about: artifact, predicate: \"https://slsa.dev/provenance/v1\"}",
            );
            faults::provenance(world, "build", |p| p.run_details.builder.id = "https://builder.example.test/other".to_owned());
        },
    );
    cases.deny(
        "deny-source-of-a-build-not-asked-for",
        &[
            ("by-agent", &["subject-mismatch"]),
            ("model", &["subject-mismatch"]),
            ("owner", &["subject-mismatch"]),
            ("sandbox", &["subject-mismatch"]),
        ],
        "The build names a commit that no run made. An older one names the agent's, and it failed, too long ago: it meets nothing that is \
         required of a build, so that it doesn't say from which commit the artifact comes.",
        faults::source_of_a_build_that_is_not_asked_for,
    );
    cases.deny_build(
        "deny-builder-of-another-signer",
        "builder-unexpected",
        "The builder is the one that is expected, and somebody else signed for it, who may attest builds.",
        |world| {
            world.edit_policy(
                "mayAttest: [{predicate: \"https://cyclonedx.org/bom\", ceiling: harness}]",
                "mayAttest: [{predicate: \"https://slsa.dev/provenance/v1\", ceiling: harness}]",
            );
            faults::signed_by(world, "build", "maintainer");
        },
    );
    cases.deny_build(
        "deny-build-type-unexpected",
        "build-type-unknown",
        "The platform may attest agent runs, and the resource doesn't expect one.",
        |world| {
            let statement = world::agent_run(world::agent(), |run| run).about(world.artifact_subject()).expect("a statement");
            world.add("build", "platform", statement);
        },
    );
    cases.deny_build(
        "deny-build-type-unknown",
        "build-type-unknown",
        "The policy expects a build type whose parameters nobody here can read.",
        |world| {
            world.edit_policy("https://countersign.dev/local-build/v1", "https://example.test/unknown/v1");
            faults::provenance(world, "build", |p| p.build_definition.build_type = "https://example.test/unknown/v1".to_owned());
        },
    );
    cases.deny_build(
        "deny-external-parameter-unknown",
        "external-parameter-unexpected",
        "The build has an external parameter that its build type doesn't define.",
        |world| {
            faults::provenance(world, "build", |p| {
                p.build_definition.external_parameters.insert("debug".to_owned(), Json::Bool(true));
            });
        },
    );
    cases.deny_build(
        "deny-external-parameter-unexpected",
        "external-parameter-unexpected",
        "The resource expects another program than was called.",
        |world| {
            world.edit_policy(
                "level: 1}]\n  - match: \"https",
                "level: 1}]\n    externalParameters: {invocation: {program: make}}\n  - match: \"https",
            );
        },
    );
    cases.deny("deny-source-unexpected", &[("origin", &["source-unexpected"])], "The build is of another repository.", |world| {
        build_only(world);
        faults::provenance(world, "build", |p| {
            p.build_definition.resolved_dependencies[0].uri = Some("git+https://example.test/fork@refs/heads/main".to_owned())
        });
    });
    cases.deny("deny-source-ref-unexpected", &[("origin", &["source-unexpected"])], "The build is of another branch.", |world| {
        build_only(world);
        faults::provenance(world, "build", |p| {
            p.build_definition.resolved_dependencies[0].uri = Some("git+https://example.test/demo@refs/heads/topic".to_owned())
        });
    });
    cases.deny(
        "deny-source-not-stated",
        &[("origin", &["source-unexpected"])],
        "The policy requires the expected source, and doesn't say which one that is for this resource.",
        |world| {
            build_only(world);
            world.edit_policy("demo.tar\n    source: {repository: \"https://example.test/demo\", refs: [refs/heads/main]}\n", "demo.tar\n");
        },
    );
    cases.deny("deny-source-ambiguous", &[("origin", &["source-ambiguous"])], "Two dependencies claim to be the source.", |world| {
        build_only(world);
        faults::provenance(world, "build", |p| {
            let source = p.build_definition.resolved_dependencies[0].clone();
            p.build_definition.resolved_dependencies.push(source);
        });
    });
    cases.deny("deny-source-missing", &[("origin", &["source-ambiguous"])], "No dependency is the source.", |world| {
        build_only(world);
        faults::provenance(world, "build", |p| p.build_definition.resolved_dependencies.clear());
    });
    cases.deny("deny-run-failed", &[("build-ok", &["run-failed"])], "The build failed, and left the artifact nevertheless.", |world| {
        build_only(world);
        faults::outcome(world, Some(RunOutcome { outcome: Outcome::Failure, exit_code: Some(2) }));
    });
    cases.deny(
        "deny-run-outcome-contradicts",
        &[("build-ok", &["run-failed"])],
        "The outcome says success, and its exit code says otherwise.",
        |world| {
            build_only(world);
            faults::outcome(world, Some(RunOutcome { outcome: Outcome::Success, exit_code: Some(1) }));
        },
    );
    cases.deny(
        "deny-run-outcome-unknown",
        &[("build-ok", &["run-outcome-missing"])],
        "The platform says that it doesn't know how the build ended.",
        |world| {
            build_only(world);
            faults::outcome(world, Some(RunOutcome { outcome: Outcome::Unknown, exit_code: None }));
        },
    );
    cases.deny(
        "deny-run-outcome-twice",
        &[("build-ok", &["run-outcome-missing"])],
        "The build states two outcomes, of which the first is success.",
        |world| {
            build_only(world);
            faults::provenance(world, "build", |p| {
                p.run_details.byproducts.push(RunOutcome { outcome: Outcome::Failure, exit_code: Some(2) }.byproduct());
            });
        },
    );
    cases.deny(
        "deny-run-outcome-of-another-digest",
        &[("build-ok", &["run-outcome-missing"])],
        "The digest beside the outcome is that of another outcome.",
        |world| {
            build_only(world);
            faults::provenance(world, "build", |p| {
                let outcome = p.run_details.byproducts.iter_mut().find(|b| b.is_named("run-outcome")).expect("an outcome");
                outcome.digest = Digest::sha256(b"{\"outcome\":\"failure\"}").into();
            });
        },
    );
    cases.deny("deny-run-outcome-missing", &[("build-ok", &["run-outcome-missing"])], "The build doesn't say how it ended.", |world| {
        build_only(world);
        faults::outcome(world, None);
    });
    cases.deny_build("deny-resource-unexpected", "resource-unexpected", "The policy has no resource of this name.", |world| {
        world.resource = "other.tar".to_owned()
    });
    cases.deny_build("deny-resource-ambiguous", "resource-ambiguous", "Two resources of the policy match the name.", |world| {
        world.edit_policy("  - match: \"https", "  - match: \"demo.*\"\n    builders: [{signer: platform, builderId: \"https://builder.example.test\", buildTypes: [\"https://countersign.dev/local-build/v1\"]}]\n  - match: \"https");
    });
}

fn refused_runs(cases: &mut Cases) {
    let internal = |world: &mut World, edit: fn(&mut Object)| {
        faults::provenance(world, "agent-run", |p| edit(&mut p.build_definition.internal_parameters));
    };
    cases.deny(
        "deny-agent-not-allowed",
        &[("by-agent", &["agent-not-allowed"])],
        "Another agent than the one that the policy allows made the commit.",
        |world| {
            internal(world, |parameters| {
                let Some(Json::Object(agent)) = parameters.get_mut("agent") else { panic!("no agent") };
                agent.insert("runtime".to_owned(), crate::case::object([("name", Json::from("other-agent"))]));
            });
        },
    );
    cases.deny(
        "deny-model-not-allowed",
        &[("model", &["model-not-allowed"])],
        "A model of another provider answered, beside the allowed one.",
        |world| {
            let statement = world::agent_run(world::agent().model("example", "other-model"), world::base_run)
                .about(world::commit_subjects())
                .expect("a statement");
            world.add("agent-run", "platform", statement);
        },
    );
    cases.deny("deny-model-of-subagent", &[("model", &["model-not-allowed"])], "A subagent's model isn't allowed.", |world| {
        internal(world, |parameters| {
            let model = crate::case::object([("provider", Json::from("example")), ("modelId", Json::from("other-model"))]);
            let subagent = crate::case::object([("agent", crate::case::object([("model", model)]))]);
            parameters.insert("subagents".to_owned(), Json::Array(vec![subagent]));
        });
    });
    cases.deny("deny-sandbox-not-allowed", &[("sandbox", &["sandbox-not-allowed"])], "The run was confined by another image.", |world| {
        let statement = world::agent_run(world::agent(), |run| {
            let object = world::commit_object();
            run.sandbox_image("registry.example.test/sandbox", Digest::sha256(b"another image"))
                .commit_objects(vec![(world::commit_id(&object), object)])
        });
        world.add("agent-run", "platform", statement.about(world::commit_subjects()).expect("a statement"));
    });
    cases.deny("deny-owner-missing", &[("owner", &["owner-missing"])], "The run doesn't say on whose behalf it was.", |world| {
        internal(world, |parameters| {
            parameters.remove("onBehalfOf");
        });
    });
    cases.deny(
        "deny-owner-of-another-issuer",
        &[("owner", &["owner-missing"])],
        "Somebody else vouches for a name that the policy knows from another.",
        |world| {
            world.edit_policy("{issuer: local, subject", "{issuer: \"https://issuer.example.test\", subject");
        },
    );
    cases.deny(
        "deny-owner-unknown",
        &[("owner", &["owner-missing"])],
        "The run was on behalf of somebody whom the policy doesn't know.",
        |world| {
            world.edit_policy("subject: maintainer@example.test", "subject: somebody-else@example.test");
        },
    );
    cases.deny(
        "deny-basis-too-low",
        &[("by-agent", &["basis-too-low"])],
        "The policy asks for a better basis than the platform's key, which lies with the agent, can give.",
        |world| {
            world.edit_policy("basis: harness}", "basis: boundary}");
        },
    );
    cases.deny(
        "deny-basis-above-ceiling",
        &[("by-agent", &["basis-too-low"])],
        "The statement claims a better basis than the policy lets its signer claim.",
        |world| {
            world.edit_policy("basis: harness}", "basis: boundary}");
            faults::provenance(world, "agent-run", |p| {
                p.claim("/buildDefinition/internalParameters/agent/runtime", Basis::Boundary, "process:run");
            });
        },
    );
    cases.deny(
        "deny-basis-self-reported",
        &[("by-agent", &["basis-too-low"])],
        "The statement doesn't claim more for the agent's name than that somebody said so.",
        |world| {
            faults::provenance(world, "agent-run", |p| {
                p.run_details.metadata.as_mut().expect("metadata").other.remove("countersign_basis");
            });
        },
    );
    cases.deny(
        "deny-facts-of-two-runs",
        &[("owner", &["owner-missing"])],
        "One run names the sandbox, another the owner. All requirements about the source must be met by one run.",
        faults::split_run,
    );
}

fn refused_times(cases: &mut Cases) {
    cases.deny_build(
        "deny-time-unwitnessed",
        "time-unwitnessed",
        "The policy asks for a witness of the time, and there is none.",
        |world| {
            world.edit_policy("time: unwitnessed\n", "");
        },
    );
    cases.deny_build(
        "deny-claimed-time-impossible",
        "claimed-time-impossible",
        "The build claims to have ended ten minutes after the question was asked.",
        |world| {
            world.at = "2025-12-01T11:50:00Z".to_owned();
        },
    );
    cases.deny(
        "deny-evidence-too-old",
        &[("built", &["evidence-too-old"])],
        "The build is 31 days old, and at most 30 are allowed.",
        |world| {
            build_only(world);
            world.at = "2025-12-31T12:00:01Z".to_owned();
        },
    );
    cases.deny(
        "deny-age-unknown",
        &[("built", &["evidence-too-old"])],
        "The build doesn't say when it was, and must not be older than 30 days.",
        |world| {
            build_only(world);
            faults::provenance(world, "build", |p| p.run_details.metadata.as_mut().expect("metadata").finished_on = None);
            faults::provenance(world, "build", |p| p.run_details.metadata.as_mut().expect("metadata").started_on = None);
        },
    );
}
