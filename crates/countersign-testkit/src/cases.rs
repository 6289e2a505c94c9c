//! All cases: what is done to the good world, and what must come out.
//! The faults themselves stand in `faults`.

mod certified;
mod conditions;
mod foreign;
mod identities;
mod refused;
mod witnesses;

use countersign::decision::Answer;
use countersign::digest::Digest;
use countersign::json::Json;
use countersign::predicate::{GateResult, Noticed, Outcome, RunOutcome, TestResult, tree_subject};

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
    refused::all(&mut cases);
    conditions::all(&mut cases);
    foreign::all(&mut cases);
    certified::all(&mut cases);
    identities::all(&mut cases);
    witnesses::all(&mut cases);
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
    cases.allow(
        "allow-run-committed-later",
        "The agent left its changes uncommitted. The commit that was made of them later has the run's tree, upon its base.",
        |world| faults::committed_later(world, world::commit_object()),
    );
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
    cases.allow(
        "allow-noticed-by-run",
        "The build says of itself all that a run can notice: it's allowed, with findings. A word that no run writes is no finding.",
        |world| {
            let noticed = Noticed::ALL.map(Noticed::code).into_iter().chain(["all-is-well"]).map(Json::from).collect();
            faults::provenance(world, "build", |p| {
                p.run_details.metadata.as_mut().expect("metadata").other.insert("countersign_findings".to_owned(), Json::Array(noticed));
            });
        },
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
        "allow-gate-failed-before",
        "A gate failed on the tree, and passed there when it ran again. That it failed stays visible as a finding.",
        |world| {
            world.environment = Some("gated".to_owned());
            faults::gate(world, world::tree());
            let failed = TestResult::of_gate("unit-tests", GateResult::Failed, None).about(vec![tree_subject(world::tree())]);
            world.add("gate-before", "platform", failed.expect("a statement"));
        },
    );
    cases.allow(
        "allow-builds-contradict",
        "A second build says that the same bytes were made from another commit. Both can't be all of the truth: it's a finding.",
        |world| {
            build_only(world);
            let other = world::build_of(world::base()).outcome(RunOutcome { outcome: Outcome::Success, exit_code: Some(0) });
            let statement = other.about(world.artifact_subject()).expect("a statement");
            world.add("build-too", "platform", statement);
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
    cases.allow(
        "allow-at-the-last-moment",
        "The question is asked in the very second in which the build grows too old and its signer's entry ends.",
        |world| {
            build_only(world);
            world.at = "2025-12-31T12:00:00Z".to_owned();
            world.edit_policy("custody: local", "custody: local\n    validity: {notAfter: 2025-12-31T12:00:00Z}");
        },
    );
    cases.allow(
        "allow-clock-skew",
        "The build claims to have ended five minutes after the question was asked: two clocks may differ so far.",
        |world| {
            build_only(world);
            world.at = "2025-12-01T11:55:00Z".to_owned();
        },
    );
    cases.allow(
        "allow-run-of-two-commits",
        "One run made two commits. The first is asked about; the tree that the run names is the second's.",
        faults::second_commit,
    );
    cases.allow("allow-sbom-of-a-version", "The SBOM's predicate type names a version of its format.", |world| {
        faults::statement(world, "sbom", |statement| statement.predicate_type.push_str("/v1.6"));
    });
    cases.allow("allow-ref-with-an-at", "The build is of a tag whose name holds an `@`, as a package's version does.", |world| {
        build_only(world);
        world.edit_policy("refs: [refs/heads/main]}\n    builders: [{signer: platform, builderId: \"https://countersign.dev/builder/local/v1\", buildTypes: [\"https://countersign.dev/local", "refs: [\"refs/tags/**\"]}\n    builders: [{signer: platform, builderId: \"https://countersign.dev/builder/local/v1\", buildTypes: [\"https://countersign.dev/local");
        faults::provenance(world, "build", |p| {
            let source = p.build_definition.resolved_dependencies.iter_mut().find(|dependency| dependency.is_named("source"));
            source.expect("a source").uri = Some("git+https://example.test/demo@refs/tags/@scope/pkg@1.0.0".to_owned());
        });
    });
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
    bundle("deny-malformed-for-others", "The bundle has a log entry that Sigstore's own types can't read, and ours don't need.", |world| {
        faults::bundle_text(
            world,
            "build",
            r#""verificationMaterial":{"#,
            r#""verificationMaterial":{"tlogEntries":[{"logIndex":"first"}],"#,
        );
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
    let tested = Expect::Decision(Answer::Undetermined, vec![("tested", vec!["evidence-unavailable"])]);
    cases.add(
        "undetermined-commit-object-missing",
        "The gate's result is found by the commit's tree, and nobody has the commit's object, which names it.",
        tested,
        |world| {
            world.environment = Some("gated".to_owned());
            faults::gate(world, world::tree());
            faults::provenance(world, "agent-run", |p| p.run_details.byproducts.retain(|b| !b.is_named("commit-object")));
        },
    );
}

fn not_asked(cases: &mut Cases) {
    cases.error("error-policy-expired", "policy-expired", "The policy expired before the question was asked.", |world| {
        world.edit_policy("expires: 2026-01-01T00:00:00Z", "expires: 2025-12-14T23:59:59Z");
    });
    cases.error(
        "error-policy-expires-now",
        "policy-expired",
        "The policy expires in the second in which the question is asked.",
        |world| {
            world.edit_policy("expires: 2026-01-01T00:00:00Z", "expires: 2025-12-15T00:00:00Z");
        },
    );
    cases.error("error-resource-empty", "question-invalid", "What the artifact is meant to be has no name.", |world| {
        world.resource = String::new();
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
        "kind: mandate,       about: source}",
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
