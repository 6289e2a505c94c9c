//! From an agent's run over a build to a decision: the whole way, through the binary.
//! Each requirement's own rules are tested where they are judged.

use crate::scene::Scene;

const SBOM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/sbom/demo.cyclonedx.json");

fn policy(scene: &Scene) -> String {
    let key = scene.countersign("key public --format der-base64", &[]).stdout;
    let repository = "https://example.test/demo.git";
    let builder = "signer: local, builderId: \"https://countersign.dev/builder/local/v1\"";
    format!(
        r#"version: 1
id: demo
expires: 2100-01-01T00:00:00Z
time: unwitnessed
signers:
  - id: local
    kind: automation
    key: {key}
    mayAttest:
      - {{predicate: "https://slsa.dev/provenance/v1", buildType: "https://countersign.dev/agent-run/v1", ceiling: harness}}
      - {{predicate: "https://slsa.dev/provenance/v1", buildType: "https://countersign.dev/local-build/v1", ceiling: harness}}
      - {{predicate: "https://cyclonedx.org/bom", ceiling: harness}}
people:
  - {{id: maintainer, identities: [{{issuer: local, subject: maintainer@example.test}}]}}
resources:
  - match: app.tar
    source: {{repository: "{repository}", refs: [refs/heads/main]}}
    builders: [{{{builder}, buildTypes: ["https://countersign.dev/local-build/v1"], level: 1}}]
  - match: "{repository}"
    source: {{repository: "{repository}", refs: [refs/heads/main]}}
    builders: [{{{builder}, buildTypes: ["https://countersign.dev/agent-run/v1"], level: 1}}]
environments: {{staging: {{requirements: [built, origin, build-ok, by-agent, model, sandbox, owner, sbom]}}}}
requirements:
  - {{id: built, kind: builder, about: artifact, maxAge: P30D}}
  - {{id: origin, kind: source, about: artifact}}
  - {{id: build-ok, kind: run-outcome, about: artifact}}
  - {{id: by-agent, kind: agent, about: source, allow: [claude-code], basis: harness}}
  - {{id: model, kind: model, about: source, allow: ["anthropic/claude-*"], basis: harness}}
  - {{id: sandbox, kind: sandbox-image, about: source, allow: ["sha256:{image}"], basis: harness}}
  - {{id: owner, kind: owner, about: source, basis: harness}}
  - {{id: sbom, kind: sbom, about: artifact, predicate: "https://cyclonedx.org/bom"}}
"#,
        image = "a".repeat(64)
    )
}

fn work(scene: &Scene, line: &str) {
    let image = format!("box@sha256:{}", "a".repeat(64));
    let transcript = Scene::transcript("greeting");
    let line = format!("run --agent claude-code --transcript {transcript} --sandbox-image {image} {line}");
    let run = scene.countersign(&line, &["--", "sh", "-c", "echo 2 >> greeting.txt; git commit -qam second"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
}

fn build(scene: &Scene) {
    let run = scene.countersign(&format!("run --artifact app.tar --sbom {SBOM}"), &["--", "tar", "cf", "app.tar", "greeting.txt"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert_eq!(scene.countersign("attest sbom --subject app.tar --sbom", &[SBOM]).status, 0);
}

#[test]
fn what_an_agent_wrote_and_we_built_is_allowed_by_all_that_is_stated() {
    let scene = Scene::new();
    let policy = policy(&scene);
    std::fs::write(scene.home.join("policy.yaml"), policy).unwrap();
    work(&scene, "--on-behalf-of maintainer@example.test");
    build(&scene);
    let verify = scene.countersign("verify app.tar --policy ../home/policy.yaml", &[]);
    assert_eq!(verify.status, 0, "{}{}", verify.stdout, verify.stderr);
    // The same, as one file of JSON lines.
    scene.shell("for bundle in .countersign/evidence/bundles/*; do cat $bundle; echo; done > ../home/all.jsonl");
    let verify = scene.countersign("verify app.tar --policy ../home/policy.yaml --bundle ../home/all.jsonl", &[]);
    assert_eq!(verify.status, 0, "{}{}", verify.stdout, verify.stderr);
    let inspect = scene.countersign("inspect ../home/all.jsonl --format json", &[]);
    assert_eq!((inspect.status, inspect.stdout.lines().count()), (0, 3), "{}", inspect.stderr);
}

#[test]
fn what_an_agent_left_uncommitted_is_found_by_the_commit_that_was_made_of_it() {
    let scene = Scene::new();
    std::fs::write(scene.home.join("policy.yaml"), policy(&scene)).unwrap();
    let (transcript, image) = (Scene::transcript("greeting"), "a".repeat(64));
    let line = format!(
        "run --agent claude-code --transcript {transcript} --sandbox-image box@sha256:{image} --on-behalf-of maintainer@example.test"
    );
    let run = scene.countersign(&line, &["--", "sh", "-c", "echo 2 >> greeting.txt"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    scene.shell("git commit -qam 'by the maintainer, later'");
    build(&scene);
    let verify = scene.countersign("verify app.tar --policy ../home/policy.yaml", &[]);
    assert_eq!(verify.status, 0, "{}{}", verify.stdout, verify.stderr);
    scene.shell("echo 3 >> greeting.txt; git commit -qa --amend -m 'with a change of his own'");
    build(&scene);
    let verify = scene.countersign("verify app.tar --policy ../home/policy.yaml", &[]);
    assert_eq!(verify.status, 1, "{}{}", verify.stdout, verify.stderr);
}

#[test]
fn outside_of_work_trees_it_is_said_that_no_store_was_asked() {
    let scene = Scene::new();
    std::fs::write(scene.home.join("policy.yaml"), policy(&scene)).unwrap();
    std::fs::write(scene.home.join("app.tar"), "built").unwrap();
    let verify = scene.countersign_in(&scene.home, "verify app.tar --policy policy.yaml", &[]);
    assert_eq!(verify.status, 1, "{}{}", verify.stdout, verify.stderr);
    assert!(verify.stderr.contains("no store was asked") && verify.stderr.contains("--bundle"), "{}", verify.stderr);
    std::fs::create_dir(scene.home.join("empty")).unwrap();
    let verify = scene.countersign_in(&scene.home, "verify app.tar --policy policy.yaml --store dir:empty", &[]);
    assert!(verify.status == 1 && !verify.stderr.contains("no store was asked"), "{}", verify.stderr);
}

#[test]
fn work_for_nobody_that_the_policy_knows_is_denied() {
    let scene = Scene::new();
    let policy = policy(&scene);
    std::fs::write(scene.home.join("policy.yaml"), policy).unwrap();
    work(&scene, "--on-behalf-of somebody@example.test");
    build(&scene);
    let verify = scene.countersign("verify app.tar --policy ../home/policy.yaml", &[]);
    assert_eq!(verify.status, 1, "{}{}", verify.stdout, verify.stderr);
    assert!(verify.stdout.contains("owner-missing"), "{}", verify.stdout);
}
