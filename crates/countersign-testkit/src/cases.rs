//! All cases: what is done to the good world, and what must come out.
//! The faults themselves stand in `faults`.

use countersign::decision::Answer;
use countersign::digest::{Algorithm, Digest};
use countersign::json::{Json, Object};
use countersign::predicate::{Outcome, RunOutcome};

use crate::case::{Expect, Made};
use crate::faults;
use crate::world::{self, World};

type Reasons = [(&'static str, &'static [&'static str])];

struct Cases(Vec<(&'static str, Made)>);

impl Cases {
    fn add(&mut self, name: &'static str, readme: &str, expect: Expect, change: impl FnOnce(&mut World)) {
        let mut world = World::good();
        change(&mut world);
        self.0.push((name, world.case(readme, expect)));
    }

    fn allow(&mut self, name: &'static str, readme: &str, change: impl FnOnce(&mut World)) {
        self.add(name, readme, Expect::Decision(Answer::Allow, Vec::new()), change);
    }

    fn deny(&mut self, name: &'static str, reasons: &Reasons, readme: &str, change: impl FnOnce(&mut World)) {
        let reasons = reasons.iter().map(|(id, codes)| (*id, codes.to_vec())).collect();
        self.add(name, readme, Expect::Decision(Answer::Deny, reasons), change);
    }

    /// A case of the environment `build`, where one fault in the build refuses all three requirements.
    fn deny_build(&mut self, name: &'static str, code: &'static str, readme: &str, change: impl FnOnce(&mut World)) {
        let reasons = ["build-ok", "built", "origin"].map(|id| (id, vec![code])).to_vec();
        self.add(name, readme, Expect::Decision(Answer::Deny, reasons), |world| {
            build_only(world);
            change(world);
        });
    }

    fn error(&mut self, name: &'static str, code: &'static str, readme: &str, change: impl FnOnce(&mut World)) {
        self.add(name, readme, Expect::Error(code), change);
    }
}

fn build_only(world: &mut World) {
    world.environment = Some("build".to_owned());
    faults::without(world, "agent-run");
    faults::without(world, "sbom");
}

/// Returns every case, by the name of its folder.
pub(crate) fn all() -> Vec<(&'static str, Made)> {
    let mut cases = Cases(Vec::new());
    allowed(&mut cases);
    refused_signers(&mut cases);
    refused_subjects(&mut cases);
    refused_builds(&mut cases);
    refused_runs(&mut cases);
    refused_times(&mut cases);
    malformed(&mut cases);
    undetermined(&mut cases);
    not_asked(&mut cases);
    cases.0
}

fn allowed(cases: &mut Cases) {
    cases.allow(
        "allow-whole-walk",
        "An artifact, its build, the agent's run that made the commit, and an SBOM: everything that staging requires.",
        |_| {},
    );
    cases.allow("allow-commit", "The commit itself is asked about: the agent's run is evidence enough.", faults::ask_about_commit);
    cases.allow("allow-digest", "The artifact is asked about by its digest; the file isn't there.", faults::ask_about_digest);
    cases.allow(
        "allow-stranger-beside",
        "Somebody whom the policy doesn't know has signed a build, too. It counts for nothing and blocks nothing.",
        |world| {
            let statement = world::build().about(world.artifact_subject()).expect("a statement");
            world.add("stranger", "stranger", statement);
        },
    );
    cases.allow(
        "allow-malformed-beside",
        "A bundle that nobody can read lies beside the good ones. It's listed, and decides nothing.",
        |world| {
            world.bundles.insert("torn".to_owned(), world::Signed::Bytes(b"{\"mediaType\":".to_vec()));
        },
    );
    cases.allow("allow-hint-missing", "The build's bundle doesn't say which key signed it. The policy's keys are tried.", |world| {
        let hint = format!(r#""hint":"{}""#, world::public_key("platform").hint());
        faults::bundle_text(world, "build", &hint, "");
    });
    cases.allow(
        "allow-hint-of-nobody",
        "The build's bundle names a key that nobody has. A hint only selects: the policy's keys are tried.",
        |world| {
            faults::bundle_text(world, "build", &world::public_key("platform").hint(), "bm9ib2R5");
        },
    );
    cases.allow(
        "allow-after-failure",
        "A first build of the same bytes failed, a second one passed. The failure stays visible as a finding.",
        faults::failed_build_too,
    );
    cases.allow("allow-sha512-agrees", "The build names the artifact by SHA-512 as well, and both are right.", |world| {
        let artifact = world.artifact.clone();
        faults::also_sha512(world, "build", &artifact);
    });
    cases.allow("allow-sha512-only", "The build names the artifact by SHA-512 alone; the artifact is hashed again to compare.", |world| {
        faults::only_sha512(world, "build")
    });
    cases.allow(
        "allow-gate-on-tree",
        "A gate passed on the tree that the commit records; the tree is read from the commit object in the agent's run.",
        |world| {
            world.environment = Some("gated".to_owned());
            faults::gate(world, world::tree());
        },
    );
    cases.allow(
        "allow-sbom-unbound",
        "The build binds no SBOM, so that any SBOM of the artifact by an authorised signer will do.",
        |world| {
            faults::provenance(world, "build", |p| {
                p.run_details.byproducts.retain(|b| !b.name.as_deref().unwrap_or_default().starts_with("sbom"))
            });
        },
    );
    cases.allow("allow-expected-parameter", "The resource expects an external parameter, and the build was called with it.", |world| {
        world.edit_policy(
            "level: 1}]\n  - match: \"https",
            "level: 1}]\n    externalParameters: {invocation: {program: git}}\n  - match: \"https",
        );
    });
    cases.allow(
        "allow-agent-made-artifact",
        "The agent made the artifact itself, with no commit between: the same facts bind it directly.",
        |world| {
            world.environment = Some("build".to_owned());
            world.edit_policy("local-build/v1\"], level", "agent-run/v1\"], level");
            world.edit_policy("build: {requirements: [built, origin, build-ok]}", "build: {requirements: [built, origin, direct]}");
            world.edit_policy(
                "  - {id: tested,",
                "  - {id: direct,   kind: agent,         about: artifact, allow: [claude-code]}\n  - {id: tested,",
            );
            let statement = world::agent_run(world::agent(), |run| run).about(world.artifact_subject()).expect("a statement");
            world.add("build", "platform", statement);
            faults::without(world, "agent-run");
            faults::without(world, "sbom");
        },
    );
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
    cases.deny(
        "deny-requirement-names-signer",
        &[("built", &["signer-lacks-authority"])],
        "The requirement itself names who must show it, and somebody else did.",
        |world| {
            build_only(world);
            world.edit_policy("about: artifact, maxAge: P30D}", "about: artifact, signers: [maintainer]}");
        },
    );
    cases.deny_build("deny-certificate-untrusted", "certificate-untrusted", "The build is signed by a certificate, and no trust root was given.", |world| {
        world.edit_policy("people:", "  - {id: ci, kind: automation, identity: {issuer: \"https://issuer.example.test\", subject: \"https://example.test/ci\", trustRoot: public-good}, mayAttest: [{predicate: \"https://slsa.dev/provenance/v1\", ceiling: certified}]}\npeople:");
        let material = format!(r#""publicKey":{{"hint":"{}"}}"#, world::public_key("platform").hint());
        faults::bundle_text(world, "build", &material, r#""certificate":{"rawBytes":"MAA="}"#);
    });
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
    cases.add(
        "deny-run-of-another-commit",
        "The agent's run is of another commit than the build's source.",
        Expect::Decision(Answer::Deny, source("subject-mismatch")),
        |world| {
            let other = world::commit_object().iter().chain(b"and more\n").copied().collect::<Vec<_>>();
            faults::provenance(world, "build", |p| p.build_definition.resolved_dependencies[0].digest = world::commit_id(&other).into());
        },
    );
    cases.deny("deny-gate-other-tree", &[("tested", &["subject-mismatch"])], "The gate passed, on another tree.", |world| {
        world.environment = Some("gated".to_owned());
        faults::gate(world, other_tree());
    });
}

fn other_tree() -> Digest {
    Digest::new(Algorithm::GitTree, "0123456789abcdef0123456789abcdef01234567").expect("an id")
}

fn refused_builds(cases: &mut Cases) {
    cases.deny_build("deny-builder-unexpected", "builder-unexpected", "The builder is another than the resource expects.", |world| {
        faults::provenance(world, "build", |p| p.run_details.builder.id = "https://builder.example.test/other".to_owned());
    });
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

fn malformed(cases: &mut Cases) {
    let mut bundle = |name, readme, change: fn(&mut World)| cases.deny_build(name, "malformed", readme, change);
    bundle("deny-malformed-truncated", "The bundle ends in the middle.", |world| {
        faults::bundle(world, "build", |text| text.split_at(text.len() / 2).0.to_owned())
    });
    bundle("deny-malformed-duplicate-key", "The bundle has two envelopes under one key; parsers differ in which they read.", |world| {
        faults::bundle(world, "build", |text| {
            text.replacen(
                '{',
                r#"{"dsseEnvelope":{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"AA=="}]},"#,
                1,
            )
        });
    });
    bundle("deny-malformed-duplicate-key-escaped", "The second of two equal keys is written with an escape.", |world| {
        faults::bundle_text(world, "build", r#""mediaType":"#, "\"mediaTyp\\u0065\":\"x\",\"mediaType\":");
    });
    bundle("deny-malformed-duplicate-key-in-payload", "The signed payload itself says two things under one key.", |world| {
        faults::payload(world, "build", r#""buildType":"#, r#""buildType":"https://example.test/x","buildType":"#);
    });
    bundle("deny-malformed-two-contents", "The bundle holds an envelope and a message signature.", |world| {
        faults::bundle(world, "build", |text| text.replacen('{', r#"{"messageSignature":{"signature":"AA=="},"#, 1));
    });
    bundle("deny-malformed-two-materials", "The bundle names a key and holds a certificate.", |world| {
        faults::bundle_text(world, "build", r#""publicKey":"#, r#""certificate":{"rawBytes":"MAA="},"publicKey":"#);
    });
    bundle("deny-malformed-array-for-object", "An array stands where an object belongs; some parsers read it by position.", |world| {
        let material = format!(r#"{{"hint":"{}"}}"#, world::public_key("platform").hint());
        let array = format!(r#"["{}"]"#, world::public_key("platform").hint());
        faults::bundle_text(world, "build", &material, &array);
    });
    bundle("deny-malformed-unknown-field", "The bundle has a field that bundles don't have.", |world| {
        faults::bundle_text(world, "build", r#""mediaType":"#, r#""comment":"x","mediaType":"#);
    });
    bundle("deny-malformed-two-signatures", "The envelope has two signatures.", |world| {
        faults::bundle_text(world, "build", r#""signatures":["#, r#""signatures":[{"sig":"AA=="},"#);
    });
    bundle("deny-malformed-url-safe-base64", "The payload is in the url-safe alphabet of base64.", |world| {
        faults::url_safe(world, "build")
    });
    bundle("deny-malformed-payload-type", "The payload's type is not a statement's.", |world| {
        faults::bundle_text(world, "build", "application/vnd.in-toto+json", "application/json");
    });
    bundle("deny-malformed-media-type", "The bundle says that it's of another version.", |world| {
        faults::bundle_text(world, "build", "bundle.v0.3+json", "bundle.v0.9+json");
    });
    bundle("deny-malformed-no-subjects", "The statement is about nothing.", |world| {
        let subject = format!(r#"[{{"digest":{{"sha256":"{}"}},"name":"demo.tar"}}]"#, Digest::sha256(&world.artifact).hex());
        faults::payload(world, "build", &subject, "[]");
    });
    bundle("deny-malformed-duplicate-subjects", "The statement names its subject twice.", |world| {
        let subject = format!(r#"{{"digest":{{"sha256":"{}"}},"name":"demo.tar"}}"#, Digest::sha256(&world.artifact).hex());
        faults::payload(world, "build", &subject, &format!("{subject},{subject}"));
    });
    bundle("deny-malformed-upper-case-digest", "The subject's digest is in upper case.", |world| {
        let hex = Digest::sha256(&world.artifact).hex().to_owned();
        faults::payload(world, "build", &hex, &hex.to_uppercase());
    });
    bundle("deny-malformed-short-digest", "The subject's digest is cut short.", |world| {
        let hex = Digest::sha256(&world.artifact).hex().to_owned();
        faults::payload(world, "build", &hex, hex.split_at(40).0);
    });
    bundle("deny-malformed-not-a-statement", "The payload's `_type` is not in-toto's.", |world| {
        faults::payload(world, "build", "https://in-toto.io/Statement/v1", "https://example.test/Statement/v1");
    });
    bundle("deny-malformed-predicate", "The predicate isn't the provenance that its type promises.", |world| {
        faults::statement(world, "build", |s| s.predicate = crate::case::object([("buildDefinition", Json::Null)]));
    });
}

fn undetermined(cases: &mut Cases) {
    let limit =
        |code: &'static str| Expect::Decision(Answer::Undetermined, ["build-ok", "built", "origin"].map(|id| (id, vec![code])).to_vec());
    cases.add(
        "undetermined-evidence-limit",
        "The only bundle is nested deeper than the limit: what it says could not be judged.",
        limit("evidence-limit"),
        |world| {
            build_only(world);
            faults::too_deep(world, "build");
        },
    );
    cases.add(
        "undetermined-evidence-unavailable",
        "The build names the artifact by SHA-512 alone, and only its SHA-256 is at hand.",
        limit("evidence-unavailable"),
        |world| {
            build_only(world);
            faults::only_sha512(world, "build");
            faults::ask_about_digest(world);
        },
    );
}

fn not_asked(cases: &mut Cases) {
    cases.error("error-policy-expired", "policy-expired", "The policy expired before the question was asked.", |world| {
        world.edit_policy("expires: 2026-01-01T00:00:00Z", "expires: 2025-12-14T23:59:59Z");
    });
    cases.error("error-environment-unknown", "environment-unknown", "The policy has no such environment.", |world| {
        world.environment = Some("production".to_owned())
    });
    cases.error("error-environment-needed", "environment-needed", "The policy has several environments, and none is named.", |world| {
        world.environment = None
    });
    let mut policy = |name, readme, from: &'static str, to: &'static str| {
        cases.error(name, "policy-invalid", readme, |world| world.edit_policy(from, to));
    };
    policy(
        "error-policy-unknown-field",
        "A field is misspelt, which must not be taken for a field left out.",
        "mayAttest:\n",
        "mayAtest:\n",
    );
    policy(
        "error-policy-unimplemented-kind",
        "The policy asks for a kind of requirement that this version can't judge.",
        "kind: owner,         about: source}",
        "kind: tools,         about: source}",
    );
    policy(
        "error-policy-condition",
        "The policy has a condition, which this version can't judge.",
        "kind: owner,         about: source}",
        "kind: owner,         about: source, condition: \"true\"}",
    );
    policy(
        "error-policy-alias",
        "The policy uses an anchor and an alias, by which a few lines can mean millions.",
        "refs: [refs/heads/main]}\n    builders: [{signer: platform, builderId: \"https://countersign.dev/builder/local/v1\", buildTypes: [\"https://countersign.dev/local",
        "refs: &refs [refs/heads/main, *refs]}\n    builders: [{signer: platform, builderId: \"https://countersign.dev/builder/local/v1\", buildTypes: [\"https://countersign.dev/local",
    );
    policy("error-policy-tab", "The policy is indented with a tab.", "  - id: maintainer", "\t- id: maintainer");
    policy("error-policy-byte-order-mark", "The policy begins with a byte order mark.", "version: 1\n", "\u{FEFF}version: 1\n");
    policy(
        "error-policy-identity-twice",
        "One identity stands under two people.",
        "people:\n",
        "people:\n  - {id: somebody, identities: [{issuer: local, subject: maintainer@example.test}]}\n",
    );
    policy(
        "error-policy-local-above-harness",
        "A local key is granted a basis that no local key can give.",
        "local-build/v1\", ceiling: harness}",
        "local-build/v1\", ceiling: boundary}",
    );
    policy(
        "error-policy-nothing-required",
        "The environment requires nothing, so that everything would be allowed.",
        "build: {requirements: [built, origin, build-ok]}",
        "build: {requirements: []}",
    );
    cases.error("error-policy-key-twice", "policy-invalid", "Two signers have the same key.", |world| {
        let keys = [world::public_key("maintainer").to_base64(), world::public_key("platform").to_base64()];
        world.edit_policy(&keys[0], &keys[1]);
    });
}
