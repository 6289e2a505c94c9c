//! What `countersign attest` states, and what it refuses.
//! How transcripts and SBOMs are read in detail is tested where that is done.

use countersign::json::Json;

use crate::scene::{BYPRODUCTS, DEPENDENCIES, INTERNAL, Scene, build_type, named, statement_in, subjects, text};

const SBOM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/sbom/demo.cyclonedx.json");

fn agent_run(subject: &str) -> String {
    format!("attest agent-run --agent claude-code --subject {subject} --transcript {}", Scene::transcript("subagents"))
}

#[test]
fn an_agent_run_takes_models_tools_times_and_usage_from_the_transcript_and_no_outcome() {
    let scene = Scene::new();
    let base = scene.shell("git rev-parse HEAD");
    scene.shell("echo 2 >> greeting.txt && git commit -qam second && echo 3 >> greeting.txt && git commit -qam third");
    let attest = scene.countersign(&agent_run("git:HEAD"), &["--base", "HEAD~2", "--sbom", SBOM, "--out", "run.json"]);
    assert_eq!(attest.status, 0, "{}", attest.stderr);
    assert!(attest.stderr.contains("note: prompts and transcript are sealed: "), "{}", attest.stderr);
    let lines: Vec<_> = attest.stdout.lines().map(|line| line.split_once("  ").unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0].0, lines[1].0);
    for (digest, path) in &lines {
        assert_eq!(scene.shell(&format!("sha256sum < {path}")).split_whitespace().next(), Some(*digest));
    }
    let statement = scene.statement();
    assert_eq!(statement, statement_in(&scene.work.join("run.json")));
    assert_eq!(subjects(&statement), ["commit", "commit", "tree"]);
    assert_eq!(text(named(&statement, DEPENDENCIES, "source").unwrap(), "/digest/gitCommit"), Some(base.as_str()));
    let internal = statement.pointer(INTERNAL).unwrap();
    assert_eq!(text(internal, "/agent/model/modelId"), Some("claude-sonnet-4-5-20250929"));
    assert_eq!(text(internal, "/agent/models/1/modelId"), Some("claude-haiku-4-5-20251001"));
    assert_eq!(text(internal, "/subagents/0/role"), Some("Explore"));
    assert_eq!(text(internal, "/agent/tools/0/name"), Some("Agent"));
    let metadata = statement.pointer("/predicate/runDetails/metadata").unwrap();
    assert_eq!(text(metadata, "/startedOn"), Some("2025-12-01T09:00:00Z"));
    let usage = metadata.get("countersign_usage").unwrap();
    assert!(usage.get("gen_ai.usage.output_tokens").and_then(Json::as_integer).unwrap() > 0);
    let claims = metadata.get("countersign_basis").unwrap().as_object().unwrap();
    let claim = &claims["/buildDefinition/internalParameters/agent/model"];
    assert_eq!(text(claim, "/basis"), Some("harness"));
    assert!(text(claim, "/origin").unwrap().starts_with("transcript:line "));
    assert!(named(&statement, BYPRODUCTS, "run-outcome").is_none());
    assert!(statement.pointer("/predicate/buildDefinition/externalParameters/invocation").is_none());
    let sbom = scene.shell(&format!("sha256sum < {SBOM} | cut -d' ' -f1"));
    assert_eq!(text(named(&statement, BYPRODUCTS, "sbom").unwrap(), "/digest/sha256"), Some(sbom.as_str()));
    assert!(named(&statement, BYPRODUCTS, "sbom-canonical").is_some());
}

#[test]
fn the_base_is_the_first_parent_and_a_first_commit_has_none() {
    let scene = Scene::new();
    assert_eq!(scene.countersign(&agent_run("git:main"), &[]).status, 0);
    let statement = scene.statement();
    assert_eq!(subjects(&statement), ["commit", "tree"]);
    assert!(named(&statement, DEPENDENCIES, "source").is_none());
    scene.shell("rm -r .countersign && echo 2 >> greeting.txt && git commit -qam second");
    assert_eq!(scene.countersign(&agent_run("git:main"), &[]).status, 0);
    let parent = scene.shell("git rev-parse HEAD~1");
    assert_eq!(text(named(&scene.statement(), DEPENDENCIES, "source").unwrap(), "/digest/gitCommit"), Some(parent.as_str()));
}

#[test]
fn the_sandbox_image_can_come_from_the_environment_and_says_so() {
    let image = format!("box@sha256:{}", "b".repeat(64));
    let scene = Scene::new().with("COUNTERSIGN_SANDBOX_IMAGE", &image);
    assert_eq!(scene.countersign(&agent_run("greeting.txt"), &[]).status, 0);
    let statement = scene.statement();
    assert_eq!(subjects(&statement), ["greeting.txt"]);
    let claims = statement.pointer("/predicate/runDetails/metadata/countersign_basis").unwrap();
    assert_eq!(
        text(&claims.as_object().unwrap()["/buildDefinition/resolvedDependencies/0"], "/origin"),
        Some("env:COUNTERSIGN_SANDBOX_IMAGE")
    );
}

#[test]
fn what_no_statement_can_name_is_warned_about() {
    let scene = Scene::new();
    let attest = scene.countersign(&agent_run("git:HEAD"), &[]);
    assert!(attest.status == 0 && !attest.stderr.contains("warning"), "{}", attest.stderr);
    scene.shell("git checkout -q --detach && echo 2 >> greeting.txt && git commit -qam second && git remote remove origin");
    let attest = scene.countersign(&agent_run("git:HEAD"), &[]);
    assert_eq!(attest.status, 0, "{}", attest.stderr);
    assert!(attest.stderr.contains("names no ref") && attest.stderr.contains("--repository URI"), "{}", attest.stderr);
}

#[test]
fn a_build_has_a_source_and_no_command() {
    let scene = Scene::new();
    scene.shell("echo 1 > a; echo 2 > b");
    let attest = scene.countersign("attest build --subject a b --source git:HEAD --repository git@example.test:other.git", &[]);
    assert_eq!((attest.status, attest.stderr.as_str()), (0, ""));
    let statement = scene.statement();
    assert_eq!((build_type(&statement), subjects(&statement)), ("https://countersign.dev/local-build/v1", vec!["a".into(), "b".into()]));
    let source = named(&statement, DEPENDENCIES, "source").unwrap();
    assert_eq!(text(source, "/uri"), Some("git+ssh://example.test/other.git@refs/heads/main"));
    assert!(named(&statement, BYPRODUCTS, "run-outcome").is_none());
}

#[test]
fn an_sbom_is_the_predicate_itself() {
    let scene = Scene::new();
    assert_eq!(scene.countersign("attest sbom --subject greeting.txt --sbom", &[SBOM]).status, 0);
    let statement = scene.statement();
    assert_eq!(text(&statement, "/predicateType"), Some("https://cyclonedx.org/bom"));
    assert_eq!(statement.get("predicate"), Some(&Json::parse(&std::fs::read(SBOM).unwrap()).unwrap()));
}

#[test]
fn a_gate_is_about_the_tree_and_names_itself_first() {
    let scene = Scene::new();
    scene.shell("echo '<testsuite/>' > report.xml");
    let attest = scene.countersign("attest gate --subject git:HEAD --name unit-tests --result FAILED --report report.xml", &[]);
    assert_eq!(attest.status, 0, "{}", attest.stderr);
    let statement = scene.statement();
    assert_eq!(text(&statement, "/predicateType"), Some("https://in-toto.io/attestation/test-result/v0.1"));
    assert_eq!(text(&statement, "/subject/0/digest/gitTree"), Some(scene.shell("git rev-parse HEAD^{tree}").as_str()));
    assert_eq!((text(&statement, "/predicate/result"), subjects(&statement)), (Some("FAILED"), vec!["tree".to_owned()]));
    assert_eq!(text(&statement, "/predicate/configuration/0/name"), Some("gate:unit-tests"));
    let report = scene.shell("sha256sum < report.xml | cut -d' ' -f1");
    assert_eq!(text(&statement, "/predicate/configuration/1/digest/sha256"), Some(report.as_str()));
}

#[test]
fn refuses_with_three_and_signs_nothing() {
    let scene = Scene::new();
    scene.shell("echo 2 >> greeting.txt; git commit -qam second; git branch side HEAD~1; touch empty.jsonl; mkdir folder; mkfifo pipe");
    for (line, code) in [
        (agent_run("git:nowhere"), "revision-unknown"),
        (agent_run("nowhere"), "target-missing"),
        (agent_run(&format!("sha256:{}", "a".repeat(64))), "subject-unsupported"),
        (agent_run("git:side --base main"), "base-unrelated"),
        (agent_run("git:HEAD --base HEAD"), "nothing-made"),
        (agent_run("git:HEAD --signer file:nowhere.key"), "key-missing"),
        (agent_run("git:HEAD --repository /srv/demo"), "usage"),
        (agent_run("git:HEAD --sandbox-image box:latest"), "usage"),
        ("attest agent-run --agent telepathy --subject git:HEAD --transcript empty.jsonl".to_owned(), "agent-unknown"),
        ("attest agent-run --agent claude-code --subject git:HEAD --transcript empty.jsonl".to_owned(), "transcript-malformed"),
        ("attest agent-run --agent claude-code --subject git:HEAD --transcript nowhere.jsonl".to_owned(), "transcript-unreadable"),
        ("attest agent-run --agent claude-code --subject git:HEAD".to_owned(), "usage"),
        ("attest build --subject folder".to_owned(), "artifact-unreadable"),
        ("attest build --subject pipe".to_owned(), "artifact-unreadable"),
        ("attest sbom --subject greeting.txt --sbom greeting.txt".to_owned(), "sbom-unusable"),
        ("attest sbom --subject greeting.txt --sbom nowhere".to_owned(), "sbom-unreadable"),
        ("attest gate --subject greeting.txt --name lint --result PASSED".to_owned(), "subject-unsupported"),
        ("attest gate --subject git:HEAD --name lint --result MAYBE".to_owned(), "usage"),
        ("attest gate --subject git:HEAD^{tree} --name lint --result PASSED".to_owned(), "not-a-commit"),
    ] {
        let attest = scene.countersign(&line, &[]);
        assert_eq!((attest.status, attest.stdout.as_str()), (3, ""), "{line}: {}", attest.stderr);
        assert!(attest.stderr.contains(&format!("error[{code}]")), "{line}: {}", attest.stderr);
    }
    assert!(scene.statements().is_empty());
}

#[test]
fn history_that_was_cut_off_is_not_guessed() {
    let scene = Scene::new();
    scene.shell("echo 2 >> greeting.txt && git commit -qam second && git clone -q --depth 1 file://$PWD ../shallow");
    scene.shell("rm -rf .git && mv ../shallow/.git .");
    let attest = scene.countersign(&agent_run("git:HEAD"), &[]);
    assert!(attest.status == 3 && attest.stderr.contains("error[repository-shallow]"), "{}", attest.stderr);
}

#[test]
fn outside_of_repositories_a_file_is_enough() {
    let scene = Scene::new();
    scene.shell("echo 1 > ../home/app");
    let attest = scene.countersign_in(&scene.home, "attest build --subject app --out app.json", &[]);
    assert_eq!((attest.status, attest.stdout.lines().count()), (0, 1), "{}", attest.stderr);
    let gate = scene.countersign_in(&scene.home, "attest gate --subject git:HEAD --name lint --result PASSED", &[]);
    assert!(gate.status == 3 && gate.stderr.contains("repository-missing"), "{}", gate.stderr);
}
