//! What `countersign run` observes, signs and exits with.
//! How commands and git are observed in detail is tested where that is done.

use crate::scene::{
    BYPRODUCTS, DEPENDENCIES, INTERNAL, Scene, build_type, ended, findings, named, statement_in, statements_in, subjects, text,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::json::Json;

const AGENT: &str = "run --agent claude-code";
const COMMIT: &str = "echo more >> greeting.txt; git commit -qam more";

fn outcome(statement: &Json) -> String {
    let content = text(named(statement, BYPRODUCTS, "run-outcome").unwrap(), "/content").unwrap();
    String::from_utf8(STANDARD.decode(content).unwrap()).unwrap()
}

#[test]
fn an_agents_commit_is_stated_with_base_image_owner_and_outcome() {
    let scene = Scene::new();
    let base = scene.shell("git rev-parse HEAD");
    let image = format!("registry.example.test/box@sha256:{}", "a".repeat(64));
    let line = format!("{AGENT} --sandbox-image {image} --on-behalf-of maintainer@example.test --transcript");
    let run = scene.countersign(&line, &[&Scene::transcript("greeting"), "--", "sh", "-c", COMMIT]);
    assert_eq!((run.status, run.stdout.as_str()), (0, ""), "{}", run.stderr);
    let statement = scene.statement();
    assert_eq!(build_type(&statement), "https://countersign.dev/agent-run/v1");
    assert_eq!(subjects(&statement), ["commit", "tree"]);
    let head = scene.shell("git rev-parse HEAD");
    assert_eq!(text(&statement, "/subject/0/digest/gitCommit"), Some(head.as_str()));
    assert_eq!(text(&statement, "/subject/0/uri"), Some("git+https://example.test/demo.git@refs/heads/main"));
    let object = scene.shell("git cat-file commit HEAD | sha256sum | cut -d' ' -f1");
    assert_eq!(text(&statement, "/subject/0/digest/sha256"), Some(object.as_str()));
    assert_eq!(text(&statement, "/subject/1/digest/gitTree"), Some(scene.shell("git rev-parse HEAD^{tree}").as_str()));
    let source = named(&statement, DEPENDENCIES, "source").unwrap();
    assert_eq!(text(source, "/digest/gitCommit"), Some(base.as_str()));
    let sandbox = named(&statement, DEPENDENCIES, "sandbox-image").unwrap();
    assert_eq!(
        (text(sandbox, "/uri"), text(sandbox, "/digest/sha256")),
        (Some("registry.example.test/box"), Some("a".repeat(64).as_str()))
    );
    assert!(named(&statement, DEPENDENCIES, "prompt").is_some() && named(&statement, BYPRODUCTS, "transcript").is_some());
    assert!(named(&statement, BYPRODUCTS, "commit-object").is_some());
    assert_eq!(outcome(&statement), r#"{"exitCode":0,"outcome":"success"}"#);
    let internal = |place: &str| text(statement.pointer(INTERNAL).unwrap(), place).map(str::to_owned);
    assert_eq!(internal("/agent/runtime/name").as_deref(), Some("claude-code"));
    assert_eq!(internal("/agent/model/provider").as_deref(), Some("anthropic"));
    assert_eq!(internal("/onBehalfOf/subject").as_deref(), Some("maintainer@example.test"));
    let digest = run.stderr.lines().find_map(|line| line.split_once("  ")).unwrap().0;
    assert!(run.stderr.contains(&format!("bundles/{digest}.sigstore.json")), "{}", run.stderr);
    assert!(run.stderr.contains("note: prompts, arguments and transcript are sealed: "), "{}", run.stderr);
}

#[test]
fn five_commits_are_one_statement_oldest_first() {
    let scene = Scene::new();
    let script = "for i in 1 2 3 4 5; do echo $i >> greeting.txt; git commit -qam $i; done";
    assert_eq!(scene.countersign(AGENT, &["--", "sh", "-c", script]).status, 0);
    let statement = scene.statement();
    assert_eq!(subjects(&statement), ["commit", "commit", "commit", "commit", "commit", "tree"]);
    let ids: Vec<_> = (0..5).map(|i| text(&statement, &format!("/subject/{i}/digest/gitCommit")).unwrap().to_owned()).collect();
    assert_eq!(ids.join("\n"), scene.shell("git rev-list --reverse HEAD~5..HEAD"));
    for id in ids {
        assert!(named(&statement, BYPRODUCTS, &format!("commit-object:{id}")).is_some());
    }
}

#[test]
fn nothing_changed_is_nothing_signed() {
    let scene = Scene::new();
    let run = scene.countersign(AGENT, &["--", "true"]);
    assert_eq!((run.status, scene.statements().len()), (0, 0));
    assert!(run.stderr.contains("nothing is signed"), "{}", run.stderr);
    assert_eq!(scene.countersign(AGENT, &["--", "sh", "-c", "exit 9"]).status, 9);
}

#[test]
fn uncommitted_changes_are_a_tree_and_a_base_and_no_commit() {
    let scene = Scene::new();
    let script = format!("{COMMIT}; echo new > untracked; echo junk > ignored; echo ignored > .git/info/exclude");
    let run = scene.countersign(AGENT, &["--", "sh", "-c", &script]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let statement = scene.statement();
    assert_eq!(subjects(&statement), ["tree"]);
    let base = scene.shell("git rev-parse HEAD~1");
    assert_eq!(text(named(&statement, DEPENDENCIES, "source").unwrap(), "/digest/gitCommit"), Some(base.as_str()));
    assert_eq!(text(&statement, "/subject/0/digest/gitTree"), Some(scene.shell("git add -A && git write-tree").as_str()));
    assert!(findings(&statement).is_empty());
}

#[test]
fn changes_from_before_are_noticed() {
    let scene = Scene::new();
    scene.shell("echo before > mine");
    assert_eq!(scene.countersign(AGENT, &["--", "true"]).status, 0);
    assert!(scene.statements().is_empty());
    scene.countersign(AGENT, &["--", "sh", "-c", "echo after > theirs"]);
    assert_eq!(findings(&scene.statement()), ["work-tree-was-dirty"]);
}

#[test]
fn changes_from_before_are_noticed_also_where_they_were_committed() {
    let scene = Scene::new();
    scene.shell("echo mine >> greeting.txt");
    scene.countersign(AGENT, &["--", "sh", "-c", COMMIT]);
    let statement = scene.statement();
    assert_eq!((subjects(&statement), findings(&statement)), (vec!["commit".to_owned(), "tree".to_owned()], vec!["work-tree-was-dirty"]));
}

#[test]
fn commits_of_nobody_named_are_warned_about() {
    let scene = Scene::new();
    let run = scene.countersign("run", &["--", "sh", "-c", COMMIT]);
    assert_eq!(run.status, 0);
    assert!(run.stderr.contains("no agent is named"), "{}", run.stderr);
}

#[test]
fn a_copy_never_takes_the_place_of_anything_but_a_bundle() {
    let scene = Scene::new();
    scene.shell("echo artifact > app.tar; mkfifo pipe");
    for out in ["app.tar", "greeting.txt", "pipe"] {
        let attest = scene.countersign(&format!("attest build --subject app.tar --out {out}"), &[]);
        assert_eq!(attest.status, 3, "{out}");
        assert!(attest.stderr.contains("error[output-exists]"), "{out}: {}", attest.stderr);
    }
    assert_eq!(scene.shell("cat app.tar"), "artifact");
    let made = scene.countersign("run --artifact app.tar --out new.tar", &["--", "sh", "-c", "echo new > new.tar"]);
    assert_eq!((made.status, scene.shell("cat new.tar").as_str()), (125, "new"), "{}", made.stderr);
    let unmade = scene.countersign("run --artifact ./unmade --out unmade", &["--", "touch", "unmade"]);
    assert!(unmade.status == 125 && !scene.work.join("unmade").exists(), "{}", unmade.stderr);
    for _ in ["new", "in place of the first"] {
        let attest = scene.countersign("attest build --subject app.tar --out app.sigstore.json", &[]);
        assert_eq!(attest.status, 0, "{}", attest.stderr);
        assert!(attest.stdout.ends_with("  app.sigstore.json\n"), "{}", attest.stdout);
    }
    let itself = scene.countersign("attest build --subject app.sigstore.json --out ./app.sigstore.json", &[]);
    assert!(itself.status == 3 && itself.stderr.contains("error[output-exists]"), "{}", itself.stderr);
}

#[test]
fn a_switched_branch_and_rewritten_history_are_not_signed() {
    for (script, code) in [
        ("git checkout -qb other; echo x >> greeting.txt; git commit -qam x", "branch-switched"),
        ("git checkout -q --detach; echo x >> greeting.txt; git commit -qam x", "branch-switched"),
        ("git commit -q --amend -m other", "history-rewritten"),
        ("git update-ref -d HEAD", "history-rewritten"),
    ] {
        let scene = Scene::new();
        let run = scene.countersign(AGENT, &["--", "sh", "-c", script]);
        assert_eq!(run.status, 125, "{script}: {}", run.stderr);
        assert!(run.stderr.contains(code), "{script}: {}", run.stderr);
        assert!(scene.statements().is_empty());
    }
}

#[test]
fn works_in_a_shallow_clone_and_on_a_detached_head() {
    let scene = Scene::new();
    scene.shell("echo 2 >> greeting.txt && git commit -qam second && git clone -q --depth 1 file://$PWD ../shallow");
    scene.shell("rm -rf .git && mv ../shallow/.git . && git checkout -q --detach && git remote set-url origin /srv/demo.git");
    let run = scene.countersign(AGENT, &["--", "sh", "-c", COMMIT]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let statement = scene.statement();
    assert_eq!(subjects(&statement), ["commit", "tree"]);
    assert!(run.stderr.contains("HEAD is detached") && run.stderr.contains("--repository URI"), "{}", run.stderr);
    // Neither a branch nor a local path is made up.
    assert_eq!(text(&statement, "/subject/0/uri"), None);
    assert_eq!(text(named(&statement, DEPENDENCIES, "source").unwrap(), "/uri"), None);
}

#[test]
fn exits_as_a_shell_does_and_signs_what_failed() {
    let scene = Scene::new();
    for (script, status, outcome_text) in [
        ("echo 1 > out; exit 7", 7, r#"{"exitCode":7,"outcome":"failure"}"#),
        ("echo 2 > out; kill -KILL $$", 137, r#"{"outcome":"failure"}"#),
        ("echo 3 > out; kill -TERM $$", 143, r#"{"outcome":"cancelled"}"#),
    ] {
        let store = scene.home.join(format!("store{status}"));
        let name = format!("dir:{}", store.display());
        let run = scene.countersign("run --artifact out --store", &[&name, "--", "sh", "-c", script]);
        assert_eq!(run.status, status, "{}", run.stderr);
        assert_eq!(outcome(&statements_in(&store)[0]), outcome_text);
    }
    for (command, status) in [("no-such-program", 127), ("./greeting.txt", 126)] {
        let run = scene.countersign("run --artifact out", &["--", command]);
        assert_eq!(run.status, status, "{}", run.stderr);
    }
    assert!(scene.statements().is_empty());
}

#[test]
fn a_build_names_its_source_only_if_the_tree_was_clean() {
    let scene = Scene::new();
    let tar = ["--", "tar", "cf", "app.tar", "greeting.txt"];
    assert_eq!(scene.countersign("run --artifact app.tar", &tar).status, 0);
    let statement = scene.statement();
    assert_eq!((build_type(&statement), subjects(&statement)), ("https://countersign.dev/local-build/v1", vec!["app.tar".to_owned()]));
    let head = scene.shell("git rev-parse HEAD");
    assert_eq!(text(named(&statement, DEPENDENCIES, "source").unwrap(), "/digest/gitCommit"), Some(head.as_str()));
    assert!(named(&statement, DEPENDENCIES, "arguments").is_some());
    // What was built before, and our own files, are no change of the source.
    scene.shell("rm -r .countersign && mkdir .countersign && echo x > .countersign/policy.yaml");
    assert_eq!(scene.countersign("run --artifact app.tar", &tar).status, 0);
    assert!(named(&scene.statement(), DEPENDENCIES, "source").is_some());
    scene.shell("rm -r .countersign && echo changed > other.txt");
    let run = scene.countersign("run --artifact app.tar", &tar);
    assert!(run.status == 0 && run.stderr.contains("the statement names no source"), "{}", run.stderr);
    assert!(named(&scene.statement(), DEPENDENCIES, "source").is_none());
}

#[test]
fn an_agent_that_makes_a_file_is_stated_with_the_file() {
    let scene = Scene::new();
    let script = ["--", "sh", "-c", "echo made > page.html"];
    assert_eq!(scene.countersign("run --agent claude-code --artifact page.html", &script).status, 0);
    let statement = scene.statement();
    assert_eq!((build_type(&statement), subjects(&statement)), ("https://countersign.dev/agent-run/v1", vec!["page.html".to_owned()]));
}

#[test]
fn builds_outside_of_repositories_into_a_named_store() {
    let scene = Scene::new();
    let store = scene.home.join("store");
    let name = format!("dir:{}", store.display());
    let script = ["--store", &name, "--", "sh", "-c", "echo made > page.html"];
    let run = scene.countersign_in(&scene.home, "run --artifact page.html", &script);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(named(&statements_in(&store)[0], DEPENDENCIES, "source").is_none());
    let without = scene.countersign_in(&scene.home, "run --artifact other", &["--", "touch", "other"]);
    assert!(without.status == 125 && without.stderr.contains("store-missing"), "{}", without.stderr);
    assert!(!scene.home.join("other").exists());
    let agent = scene.countersign_in(&scene.home, AGENT, &["--", "touch", "other"]);
    assert!(agent.status == 125 && agent.stderr.contains("repository-missing"), "{}", agent.stderr);
    assert!(!scene.home.join("other").exists());
}

#[test]
fn a_file_that_the_command_did_not_write_is_noticed_and_one_that_is_missing_fails() {
    let scene = Scene::new();
    scene.shell("echo old > ../home/out");
    assert_eq!(scene.countersign("run --artifact ../home/out", &["--", "true"]).status, 0);
    assert_eq!(findings(&scene.statement()), ["artifact-unwritten"]);
    let bundle = scene.shell("ls .countersign/evidence/bundles/*");
    let inspect = scene.countersign("inspect", &[&bundle]);
    assert!(inspect.stdout.contains("finding") && inspect.stdout.contains("artifact-unwritten"), "{}", inspect.stdout);
    let run = scene.countersign("run --artifact nowhere", &["--", "true"]);
    assert!(run.status == 125 && run.stderr.contains("artifact-unreadable"), "{}", run.stderr);
    assert_eq!(scene.countersign("run --artifact nowhere", &["--", "false"]).status, 1);
    assert_eq!(scene.statements().len(), 1);
}

#[test]
fn processes_left_behind_are_a_finding() {
    let scene = Scene::new();
    let script = "sleep 60 </dev/null >/dev/null 2>&1 & echo $! > ../home/pid; echo made > out";
    let run = scene.countersign("run --artifact out --grace 100ms", &["--", "sh", "-c", script]);
    scene.shell("kill $(cat ../home/pid)");
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert_eq!(findings(&scene.statement()), ["processes-left"]);
}

#[test]
fn nothing_runs_without_a_key_that_opens() {
    let scene = Scene::new();
    let exposed = scene.home.join("keys/exposed.key");
    scene.shell("cp ~/.local/share/countersign/keys/default.key ~/keys/exposed.key && chmod 644 ~/keys/exposed.key");
    scene.shell("echo wrong > ~/wrong && echo 'correct horse' > ~/right");
    let locked = format!("--signer file:{}/keys/locked.key", scene.home.display());
    let (wrong, right) = (scene.home.join("wrong"), scene.home.join("right"));
    for (signer, code) in [
        ("--signer file:nowhere.key".to_owned(), "key-missing"),
        (format!("--signer file:{}", exposed.display()), "key-exposed"),
        (locked.clone(), "passphrase-needed"),
        (format!("{locked} --passphrase-file {}", wrong.display()), "passphrase-wrong"),
    ] {
        let run = scene.countersign(&format!("{AGENT} {signer}"), &["--", "touch", "ran"]);
        assert!(run.status == 125 && run.stderr.contains(code), "{code}: {} {}", run.status, run.stderr);
        assert!(!scene.work.join("ran").exists(), "{code}");
    }
    let run = scene.countersign(&format!("{AGENT} {locked} --passphrase-file {}", right.display()), &["--", "touch", "ran"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let scene = Scene::new().with("COUNTERSIGN_PASSPHRASE", "correct horse");
    let script = "env | grep -q COUNTERSIGN_ && exit 9; touch ran";
    assert_eq!(scene.countersign(&format!("{AGENT} --signer file:../home/keys/locked.key"), &["--", "sh", "-c", script]).status, 0);
}

#[test]
fn refuses_before_running_what_can_never_be_stated() {
    for line in [
        "run --agent telepathy",
        "run --agent none --session abc",
        "run --artifact ran --on-behalf-of somebody",
        "run --agent claude-code --session ../../etc",
        "run --agent claude-code --sandbox-image box:latest",
        "run --agent claude-code --repository /srv/demo.git",
        "run --agent claude-code --grace soon",
        "run --agent claude-code --store ftp:somewhere",
        "run --agent claude-code --out nowhere/bundle.json",
        "run --no-such-option",
    ] {
        let scene = Scene::new();
        let run = scene.countersign(line, &["--", "touch", "ran"]);
        assert_eq!(run.status, 125, "{line}: {}", run.stderr);
        assert!(!scene.work.join("ran").exists(), "{line}");
    }
    let scene = Scene::new().with("COUNTERSIGN_SANDBOX_IMAGE", "box:latest");
    assert_eq!(scene.countersign(AGENT, &["--", "touch", "ran"]).status, 125);
    scene.shell("rm -rf .git && git init -q .");
    let unborn = scene.countersign(AGENT, &["--", "touch", "ran"]);
    assert_eq!((unborn.status, scene.work.join("ran").exists()), (125, false));
}

#[test]
fn a_session_is_found_by_its_id_and_never_guessed() {
    let scene = Scene::new();
    let transcript = Scene::transcript("greeting");
    let id = "00000000-0000-4000-8000-000000000001";
    scene.shell(&format!("mkdir -p ~/.claude/projects/demo && cp {transcript} ~/.claude/projects/demo/"));
    let run = scene.countersign(AGENT, &["--session", id, "--", "sh", "-c", COMMIT]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert_eq!(text(&scene.statement(), "/predicate/runDetails/metadata/invocationId"), Some(id));
    scene.shell("rm -r .countersign");
    let run = scene.countersign(AGENT, &["--", "sh", "-c", COMMIT]);
    assert!(run.stderr.contains("--session ID"), "{}", run.stderr);
    let statement = scene.statement();
    assert!(named(&statement, BYPRODUCTS, "transcript").is_none());
    assert!(statement.pointer(&format!("{INTERNAL}/agent/model")).is_none());
    let missing = scene.countersign(AGENT, &["--session", "absent", "--", "sh", "-c", COMMIT]);
    assert!(missing.status == 125 && missing.stderr.contains("session-unknown"), "{}", missing.stderr);
}

#[test]
fn an_empty_or_foreign_transcript_is_refused_and_a_truncated_one_says_so() {
    let scene = Scene::new();
    scene.shell("touch ../home/empty.jsonl; echo '{\"a\":1}' > ../home/foreign.jsonl");
    for file in ["empty", "foreign"] {
        let run = scene.countersign(&format!("{AGENT} --transcript ../home/{file}.jsonl"), &["--", "sh", "-c", COMMIT]);
        assert!(run.status == 125 && run.stderr.contains("transcript-malformed"), "{}", run.stderr);
        let (tip, base) = (scene.shell("git rev-parse HEAD"), scene.shell("git rev-parse HEAD~1"));
        let hint =
            format!("countersign attest agent-run --subject git:{tip} --base {base} --agent claude-code --transcript ../home/{file}.jsonl");
        assert!(run.stderr.contains(&hint), "{}", run.stderr);
    }
    let transcript = Scene::transcript("truncated");
    let run = scene.countersign(&format!("{AGENT} --transcript {transcript}"), &["--", "sh", "-c", COMMIT]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(findings(&scene.statement()).contains(&"transcript-partly-unread"));
}

#[test]
fn a_transcript_from_before_the_run_is_noticed_and_one_of_the_run_is_not() {
    let scene = Scene::new();
    let old = Scene::transcript("greeting");
    let run = scene.countersign(&format!("{AGENT} --transcript {old}"), &["--", "sh", "-c", COMMIT]);
    assert!(run.status == 0 && run.stderr.contains("ends before the command began"), "{}", run.stderr);
    assert_eq!(findings(&scene.statement()), ["transcript-predates-run"]);
    scene.shell("rm -r .countersign");
    let line = r#"{"type":"user","uuid":"1","sessionId":"s1","timestamp":"'$(date -u +%FT%TZ)'","message":{"role":"user","content":"Go"}}"#;
    let script = format!("echo '{line}' > ../home/new.jsonl; {COMMIT}");
    let run = scene.countersign(&format!("{AGENT} --transcript ../home/new.jsonl"), &["--", "sh", "-c", &script]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(findings(&scene.statement()).is_empty());
}

#[test]
fn two_sessions_at_once_keep_their_evidence_apart() {
    let scene = Scene::new();
    let script = |file: &str| format!("echo {file} > {file}; while ! test -e a || ! test -e b; do sleep 0.02; done");
    let start = |file: &str| scene.start(&format!("run --agent claude-code --artifact {file}"), &["--", "sh", "-c", &script(file)]);
    let (a, b) = (start("a"), start("b"));
    for child in [a, b] {
        let run = ended(child.wait_with_output().unwrap());
        assert_eq!(run.status, 0, "{}", run.stderr);
    }
    let mut named: Vec<_> = scene.statements().iter().flat_map(subjects).collect();
    named.sort();
    assert_eq!(named, ["a", "b"]);
}

#[test]
fn what_can_be_kept_is_kept_where_one_place_cannot_be_written() {
    let scene = Scene::new();
    scene.shell("echo .countersign > .git/info/exclude");
    let destroy = format!("rm -r .countersign/evidence; echo x > .countersign/evidence; {COMMIT}");
    let run = scene.countersign(&format!("{AGENT} --out ../home/copy.json"), &["--", "sh", "-c", &destroy]);
    assert!(run.status == 125 && run.stderr.contains("  ../home/copy.json"), "{}", run.stderr);
    assert_eq!(subjects(&statement_in(&scene.home.join("copy.json"))), ["commit", "tree"]);
    scene.shell("rm .countersign/evidence");
    let destroy = format!("mkdir ../home/other.json; {COMMIT}");
    let run = scene.countersign(&format!("{AGENT} --out ../home/other.json"), &["--", "sh", "-c", &destroy]);
    assert!(run.status == 125 && run.stderr.contains("a copy is kept: "), "{}", run.stderr);
    assert_eq!(scene.statements().len(), 1);
}

#[test]
fn a_store_that_the_command_cleans_away_is_made_again() {
    let scene = Scene::new();
    let run = scene.countersign(AGENT, &["--", "sh", "-c", &format!("git clean -qfdx; {COMMIT}")]);
    assert_eq!((run.status, scene.statements().len()), (0, 1), "{}", run.stderr);
}

#[test]
fn forwards_a_request_to_stop_and_signs_how_it_ended() {
    let scene = Scene::new();
    let script = "trap 'echo stopped > out; exit 3' TERM; kill -TERM $PPID; while :; do sleep 0.05; done";
    assert_eq!(scene.countersign("run --artifact out", &["--", "sh", "-c", script]).status, 3);
    assert_eq!(outcome(&scene.statement()), r#"{"exitCode":3,"outcome":"failure"}"#);
}
