//! Nothing that must stay sealed is found anywhere: marked words are planted and then looked for in all that comes out.
//! Whether sealing itself hides is tested in the heart.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::digest::Digest;
use countersign::json::Json;

use crate::scene::{Ended, Scene, findings};

/// Every planted word begins with this.
const MARK: &str = "canary-";
const PROMPT: &str = "canary-prompt and what else was asked";
const SESSION: &str = "00000000-0000-4000-8000-00000000000c";

/// Plants a transcript with marks wherever a transcript has text, and returns its path.
fn plant(scene: &Scene) -> PathBuf {
    let project = scene.home.join(".claude/projects/canary-project");
    let session = project.join(SESSION);
    fs::create_dir_all(session.join("subagents/workflows/canary-workflow")).unwrap();
    fs::create_dir_all(session.join("tool-results")).unwrap();
    let common = format!(
        r#""sessionId":"{SESSION}","timestamp":"2025-12-01T09:00:00Z","cwd":"/canary-cwd","gitBranch":"canary-branch","slug":"canary-slug","version":"2.0.0 canary-version""#
    );
    let message = |id: &str, content: &str| {
        format!(
            r#"{{"type":"assistant","uuid":"{id}",{common},"message":{{"role":"assistant","id":"m{id}","model":"claude-sonnet-4-5","usage":{{"input_tokens":3,"output_tokens":4}},"content":[{content}]}}}}"#
        )
    };
    let lines = [
        format!(r#"{{"type":"summary","summary":"canary-summary",{common}}}"#),
        format!(r#"{{"type":"user","uuid":"1",{common},"message":{{"role":"user","content":"{PROMPT}"}}}}"#),
        message(
            "2",
            r#"{"type":"thinking","thinking":"canary-thought","signature":"canary-signature"},{"type":"text","text":"canary-answer"}"#,
        ),
        message(
            "3",
            r#"{"type":"tool_use","id":"t1","name":"Write","input":{"file_path":"/srv/canary-user/canary-file.txt","content":"canary-content"}}"#,
        ),
        message("4", r#"{"type":"tool_use","id":"t2","name":"Bash canary-tool","input":{"command":"echo canary-command"}}"#),
        message(
            "5",
            r#"{"type":"tool_use","id":"t3","name":"Agent","input":{"subagent_type":"a canary-role","prompt":"canary-subprompt"}}"#,
        ),
        format!(
            r#"{{"type":"user","uuid":"6",{common},"toolUseResult":{{"stdout":"canary-stdout","agentId":"a1"}},"message":{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"t3","content":"canary-output"}}]}}}}"#
        ),
        r#"{"canary-broken": "canary-line"#.to_owned(),
        format!(r#"{{"type":"canary-type",{common},"canary-member":{{"canary-inner":"canary-value"}}}}"#),
    ];
    let transcript = project.join(format!("{SESSION}.jsonl"));
    fs::write(&transcript, lines.join("\n")).unwrap();
    let subagent = session.join("subagents/workflows/canary-workflow/agent-a1.jsonl");
    let told = format!(r#"{{"type":"user","uuid":"7","agentId":"a1",{common},"message":{{"role":"user","content":"canary-subprompt"}}}}"#);
    let answered = message("8", r#"{"type":"text","text":"canary-subanswer"}"#);
    fs::write(&subagent, format!("{told}\n{answered}\n")).unwrap();
    fs::write(subagent.with_extension("meta.json"), r#"{"agentType":"a canary-role","description":"canary-description"}"#).unwrap();
    fs::write(session.join("tool-results/canary-result.txt"), "canary-result").unwrap();
    transcript
}

fn planted() -> Scene {
    Scene::new().with("CANARY_VARIABLE", "canary-environment").with("ANTHROPIC_API_KEY", "canary-key")
}

/// Looks for marks in what was said and in every file but the ones that were planted, inside base64 too.
fn assert_clean(scene: &Scene, ended: &Ended, what: &str) {
    for (stream, said) in [("stdout", &ended.stdout), ("stderr", &ended.stderr)] {
        assert!(!said.to_lowercase().contains(MARK), "{what}: {stream}: {said}");
    }
    for file in files_below(scene.home.parent().unwrap()) {
        if file.starts_with(scene.home.join(".claude")) {
            continue;
        }
        let bytes = fs::read(&file).unwrap();
        assert!(!holds_mark(&bytes), "{what}: {}", file.display());
        assert!(!file.to_str().unwrap().contains(MARK), "{what}: {}", file.display());
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() && !path.is_symlink() { files_below(&path) } else { vec![path] })
        .filter(|p| p.is_file())
        .collect()
}

/// Looks for a mark, for the hash of a text that is only to be committed to with a salt, and into everything nested.
fn holds_mark(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    let hashes = [PROMPT, "canary-output", "canary-subprompt"].map(|text| Digest::sha256(text.as_bytes()).hex().to_owned());
    text.contains(MARK) || hashes.iter().any(|hash| text.contains(hash.as_str())) || Json::parse(bytes).is_ok_and(|json| nested(&json))
}

fn nested(json: &Json) -> bool {
    match json {
        Json::String(text) => STANDARD.decode(text).is_ok_and(|bytes| holds_mark(&bytes)),
        Json::Array(items) => items.iter().any(nested),
        Json::Object(members) => members.values().any(nested),
        _ => false,
    }
}

#[test]
fn the_search_itself_finds_what_is_nested() {
    let inner = format!(r#"{{"a":["{}"]}}"#, STANDARD.encode("x canary-y"));
    let outer = format!(r#"{{"payload":"{}"}}"#, STANDARD.encode(inner));
    assert!(holds_mark(outer.as_bytes()));
    assert!(holds_mark(Digest::sha256(PROMPT.as_bytes()).hex().as_bytes()));
    assert!(!holds_mark(br#"{"payload":"aGVsbG8="}"#));
}

#[test]
fn nothing_sealed_comes_out_of_a_good_run() {
    nothing_comes_out_of_a_good_run(&planted());
}

#[test]
fn nothing_sealed_comes_out_where_its_openings_are_kept() {
    let scene = planted();
    let made = scene.countersign("key generate --openings --no-passphrase", &[]);
    assert_eq!(made.status, 0, "{}", made.stderr);
    nothing_comes_out_of_a_good_run(&scene);
    // They were kept, so the marks could have come out.
    assert!(fs::read_dir(scene.home.join(".local/share/countersign/openings")).unwrap().count() > 4);
}

fn nothing_comes_out_of_a_good_run(scene: &Scene) {
    let transcript = plant(scene);
    let transcript = transcript.to_str().unwrap();
    let script = "test \"$1\" = canary-argument && test $CANARY_VARIABLE = canary-environment && echo x > out";
    let command = ["--", "sh", "-c", script, "sh", "canary-argument", "--password=canary-password"];
    for line in ["run --agent claude-code --out ../home/run.json", "run --agent claude-code --artifact out"] {
        let run = scene.countersign(line, &[&["--transcript", transcript], &command[..]].concat());
        assert_eq!(run.status, 0, "{}", run.stderr);
        assert_clean(scene, &run, line);
    }
    let run = scene.countersign("run --agent claude-code --session", &[&[SESSION], &command[..]].concat());
    assert_clean(scene, &run, "by session");
    let run = scene.countersign("run --artifact out", &command);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert_clean(scene, &run, "a build");
    let attest = scene.countersign("attest agent-run --agent claude-code --subject git:HEAD --transcript", &[transcript]);
    assert_eq!(attest.status, 0, "{}", attest.stderr);
    assert_clean(scene, &attest, "attest");

    let statements = scene.statements();
    assert!(statements.len() >= 4);
    let runs = statements.iter().filter(|statement| findings(statement).contains(&"transcript-partly-unread"));
    // The transcripts were read, so they could have come out.
    assert!(runs.count() >= 3);
    let shown = scene.countersign("inspect ../home/run.json", &[]);
    assert_eq!(shown.status, 0, "{}", shown.stderr);
    assert_clean(scene, &shown, "inspect");
}

#[test]
fn nothing_sealed_comes_out_of_a_failure() {
    let scene = planted();
    let good = plant(&scene);
    let folder = good.parent().unwrap();
    let text = fs::read_to_string(&good).unwrap();
    fs::write(folder.join("sessionless.jsonl"), text.replace("sessionId", "sessionNot")).unwrap();
    fs::write(folder.join("binary.jsonl"), [text.as_bytes(), &[0xff, 0xfe, 0]].concat().repeat(2)).unwrap();
    fs::write(folder.join("array.jsonl"), "[\"canary-array\"]\n").unwrap();
    scene.shell("mkdir ../home/t && cp ~/.claude/projects/canary-project/*.jsonl ../home/.claude/ && mv ../home/t ../home/.claude/t");
    let command = ["--", "sh", "-c", "echo $$ >> greeting.txt # canary-script", "sh", "canary-argument"];
    let near = |name: &str| scene.home.join(format!(".claude/{name}.jsonl")).to_str().unwrap().to_owned();
    let good = near(SESSION);
    let mut codes = BTreeSet::new();
    for (line, transcript) in [
        ("run --agent claude-code --transcript", near("sessionless")),
        ("run --agent claude-code --transcript", near("array")),
        ("run --agent claude-code --transcript", near("absent")),
        ("run --agent telepathy --transcript", good.clone()),
        ("run --agent claude-code --signer file:nowhere.key --transcript", good.clone()),
        ("run --agent claude-code --signer file:../home/keys/locked.key --transcript", good.clone()),
        ("run --agent claude-code --sbom greeting.txt --transcript", good.clone()),
        ("run --agent claude-code --store dir:greeting.txt --transcript", good.clone()),
        ("run --agent claude-code --artifact absent --transcript", good.clone()),
    ] {
        let run = scene.countersign(line, &[&[transcript.as_str()], &command[..]].concat());
        assert_eq!(run.status, 125, "{line}: {}", run.stderr);
        assert_clean(&scene, &run, line);
        codes.insert(run.stderr.split(['[', ']']).nth(1).unwrap_or_default().to_owned());
    }
    assert!(codes.len() >= 7, "{codes:?}");
    for (line, transcript) in [("", near("sessionless")), (" --base HEAD~1", good.clone()), (" --signer file:nowhere.key", good.clone())] {
        let line = format!("attest agent-run --agent claude-code --subject git:HEAD{line} --transcript");
        let attest = scene.countersign(&line, &[&transcript]);
        assert_eq!(attest.status, 3, "{line}: {}", attest.stderr);
        assert_clean(&scene, &attest, &line);
    }
    // Not text, but a transcript nevertheless: what can be read is stated.
    let binary = near("binary");
    assert_clean(
        &scene,
        &scene.countersign("run --agent claude-code --transcript", &[&[binary.as_str()], &command[..]].concat()),
        "binary",
    );
    let missing = scene.countersign("run --agent claude-code --", &["no-such-program", "canary-argument"]);
    assert_eq!(missing.status, 127);
    assert_clean(&scene, &missing, "a missing program");
    let misused = scene.countersign("run --agent claude-code no-dashes -p", &["canary-argument"]);
    assert_eq!(misused.status, 125);
    assert_clean(&scene, &misused, "a command without `--`");
}
