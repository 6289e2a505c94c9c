//! What is read from transcripts of Claude Code: our own miniatures, and real ones where they are at hand.
//! It looks at nothing but the public surface.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::fs;
use std::path::{Path, PathBuf};

use countersign::json::Json;
use countersign_capture::claude_code;
use countersign_capture::session::{Agent, Session, TranscriptError};

const SESSION: &str = "00000000-0000-4000-8000-00000000000";

#[test]
fn miniatures_are_read_as_their_expectations_say() {
    assert_eq!(check_all(&miniatures()), 7);
}

#[test]
fn real_transcripts_are_read_as_their_expectations_say() {
    let folder = PathBuf::from(std::env::var_os("COUNTERSIGN_CORPORA").unwrap_or_default()).join("agent-transcripts");
    if !folder.join("expected.json").is_file() {
        println!("SKIPPED corpora agent-transcripts: not here");
        return;
    }
    assert!(check_all(&folder) > 0);
}

#[test]
fn a_plain_session_yields_prompt_model_version_and_files_with_their_lines() {
    let session = read("greeting", 1);
    assert_eq!((session.id.value.as_str(), session.id.origin.as_str()), (&*format!("{SESSION}1"), "transcript:line 2"));
    let runtime = &session.runtime.value;
    assert_eq!((runtime.name.as_str(), runtime.version.as_deref()), ("claude-code", Some("2.0.55")));
    assert_eq!(session.runtime.origin, "transcript:line 6");
    assert_eq!(prompts(&session), ["Add a greeting function to greeting.txt"]);
    let used = &session.main.models[0];
    assert_eq!((used.model.provider.as_str(), used.responses, used.origin.as_str()), ("anthropic", 2, "transcript:line 3"));
    assert_eq!(session.main.files_written["/workspace/demo/greeting.txt"], "transcript:line 4");
    assert_eq!(session.main, session.total);
    assert!(session.inherited.is_empty() && session.subagents.is_empty());
}

#[test]
fn every_message_is_a_leaf_in_order_and_byte_for_byte() {
    let (_, leaves) = read_leaves("greeting", 1);
    let kinds: Vec<_> = leaves.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["file-history-snapshot", "user", "assistant", "assistant", "tool-result", "assistant"]);
    let mut joined = leaves.into_iter().map(|(_, body)| body).collect::<Vec<_>>().join(&b'\n');
    joined.push(b'\n');
    assert_eq!(joined, fs::read(transcript("greeting", 1)).unwrap());
}

#[test]
fn a_prompt_of_several_texts_is_one_and_one_typed_meanwhile_is_another() {
    let session = read("growing-usage", 2);
    assert_eq!(prompts(&session), ["Make the greeting louder\nin greeting.txt only", "Keep the comma"]);
}

#[test]
fn thinking_and_prompts_stay_out_of_what_is_printed() {
    let printed = format!("{:?}", read("growing-usage", 2));
    assert!(!printed.contains("exclamation mark") && !printed.contains("louder"), "{printed}");
}

#[test]
fn subagents_are_told_apart_with_role_model_prompt_and_times() {
    let (session, leaves) = read_leaves("subagents", 3);
    let told: Vec<_> = session
        .subagents
        .iter()
        .map(|agent| {
            let role = agent.role.as_ref().unwrap();
            let prompt = String::from_utf8(agent.prompts[0].body.clone()).unwrap();
            (agent.id.as_str(), role.value.as_str(), agent.work.models[0].model.model_id.as_str(), agent.work.responses, prompt)
        })
        .collect();
    let (sonnet, haiku) = ("claude-sonnet-4-5-20250929", "claude-haiku-4-5-20251001");
    assert_eq!(
        told,
        [
            ("a0000000000000001", "Explore", haiku, 2, "List every greeting in this folder".to_owned()),
            ("a0000000000000002", "general-purpose", sonnet, 1, "Translate greeting.txt into French".to_owned()),
            ("a0000000000000003", "reviewer", sonnet, 1, "Check the translation".to_owned()),
        ]
    );
    let [first, second, third] = &session.subagents[..] else { panic!("three subagents") };
    assert_eq!(first.prompts[0].kind, "subagent/a0000000000000001/prompt");
    assert_eq!(first.role.as_ref().unwrap().origin, "transcript:subagents/agent-a0000000000000001.meta.json:agentType");
    assert_eq!(second.role.as_ref().unwrap().origin, "transcript:line 3");
    assert_eq!(second.work.files_written["/workspace/demo/bonjour.txt"], "transcript:subagents/agent-a0000000000000002.jsonl:line 2");
    let started = third.work.started.as_ref().unwrap();
    assert_eq!(started.value.to_string(), "2025-12-01T09:00:50.247Z");
    assert_eq!(started.origin, "transcript:subagents/workflows/wf_demo/agent-a0000000000000003.jsonl:line 1");
    assert_eq!(first.work.tool_errors, 1);

    assert_eq!(prompts(&session), ["Translate the greeting and check it"]);
    assert_eq!(session.main.usage.as_ref().unwrap().value.output_tokens, 135);
    assert_eq!(session.main.models.len(), 1);
    assert!(session.main.files_written.is_empty() && !session.total.files_written.is_empty());
    assert_eq!(session.main.finished.as_ref().unwrap().value.to_string(), "2025-12-01T09:00:42.322Z");

    let kinds: Vec<_> = leaves.iter().skip(6).map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "subagent/a0000000000000001/meta",
            "subagent/a0000000000000001/user",
            "subagent/a0000000000000001/assistant",
            "subagent/a0000000000000001/tool-result",
            "subagent/a0000000000000001/assistant",
            "subagent/a0000000000000002/user",
            "subagent/a0000000000000002/assistant",
            "subagent/a0000000000000002/tool-result",
            "subagent/a0000000000000003/meta",
            "subagent/a0000000000000003/user",
            "subagent/a0000000000000003/assistant",
            "tool-result-file",
        ]
    );
    assert_eq!(leaves.last().unwrap().1, b"Bonjour\nBonjour\n");
}

#[test]
fn sidechains_without_ids_are_told_apart_by_their_chains() {
    let (session, leaves) = read_leaves("sidechains", 6);
    let told: Vec<_> = session
        .subagents
        .iter()
        .map(|agent| (agent.id.as_str(), agent.role.as_ref().unwrap().value.as_str(), agent.work.usage.as_ref().unwrap().value))
        .map(|(id, role, usage)| (id, role, usage.output_tokens))
        .collect();
    assert_eq!(told, [("sidechain-1", "tone-reviewer", 4), ("sidechain-2", "general-purpose", 20)]);
    assert_eq!(session.subagents[1].work.tool_errors, 1);
    assert_eq!(session.main.tool_errors, 0);
    assert_eq!(prompts(&session), ["Review the greeting in two ways"]);
    assert_eq!(leaves[3].0, "subagent/sidechain-1/user");
}

#[test]
fn a_subagent_beside_the_transcript_is_read_if_the_transcript_names_it() {
    let session = read("beside", 8);
    assert_eq!(session.subagents.len(), 1);
    assert_eq!((session.subagents[0].id.as_str(), session.subagents[0].work.responses), ("b0000001", 1));
    assert_eq!(session.subagents[0].role.as_ref().unwrap().value, "counter");
}

#[test]
fn records_of_other_sessions_and_repeated_ones_are_sealed_but_not_counted() {
    let (session, leaves) = read_leaves("forked", 4);
    assert_eq!(session.id.origin, "transcript:line 9");
    let inherited: Vec<_> = session.inherited.iter().map(|(id, from)| (id.as_str(), from.lines, from.origin.as_str())).collect();
    let (first, seventh) = (format!("{SESSION}1"), format!("{SESSION}7"));
    assert_eq!(inherited, [(first.as_str(), 5, "transcript:line 2"), (seventh.as_str(), 2, "transcript:line 7")]);
    assert_eq!(session.repeated_lines, 2);
    assert_eq!(prompts(&session), ["Now say goodbye too"]);
    assert_eq!(leaves.len(), 17);
}

#[test]
fn a_transcript_named_otherwise_is_of_the_session_that_it_ends_with() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("renamed.jsonl");
    fs::copy(transcript("forked", 4), &path).unwrap();
    assert_eq!(Session::read(Agent::ClaudeCode, &path).unwrap().id.value, format!("{SESSION}4"));
}

#[test]
fn lines_that_cannot_be_read_are_counted_and_sealed() {
    let (session, leaves) = read_leaves("truncated", 5);
    assert_eq!(session.bad_lines, 3);
    let kinds: Vec<_> = leaves.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["user", "bad-line", "bad-line", "assistant", "bad-line"]);
    assert_eq!(leaves[2].1, b"not JSON");
    assert_eq!(prompts(&session), ["Remove the greeting"]);
}

#[test]
fn a_line_over_the_bound_is_sealed_by_its_length_and_the_rest_is_read() {
    let mut text = "x".repeat((16 << 20) + 1);
    text.push('\n');
    text.push_str(&fs::read_to_string(transcript("greeting", 1)).unwrap());
    let (_folder, path) = written(&text);
    let mut leaves = Vec::new();
    let session = Session::read_with(Agent::ClaudeCode, &path, &mut |kind, body| leaves.push((kind.to_owned(), body.to_vec()))).unwrap();
    assert_eq!(leaves[0], ("oversized-line".to_owned(), b"16777217".to_vec()));
    assert_eq!((session.bad_lines, session.total.responses, session.prompts.len()), (1, 2, 1));
}

#[test]
fn prompts_beyond_the_bound_are_left_out_and_counted() {
    let prompt = |n: usize| {
        let text = "x".repeat(9 << 20);
        format!("{{\"type\":\"user\",\"sessionId\":\"s\",\"uuid\":\"u{n}\",\"message\":{{\"content\":\"{text}\"}}}}\n")
    };
    let (_folder, path) = written(&format!("{}{}", prompt(1), prompt(2)));
    let session = Session::read(Agent::ClaudeCode, &path).unwrap();
    assert_eq!((session.prompts.len(), session.prompts_left_out), (1, 1));
    // What came from another session makes room.
    let (_folder, path) = written(&format!("{}{}", prompt(1).replace("\"s\"", "\"earlier\""), prompt(2)));
    let session = Session::read(Agent::ClaudeCode, &path).unwrap();
    assert_eq!((session.prompts.len(), session.prompts_left_out), (1, 1));
}

#[test]
fn a_model_that_hides_behind_its_length_makes_a_bad_line() {
    let model = "m".repeat(257);
    let line =
        format!("{{\"type\":\"assistant\",\"sessionId\":\"s\",\"message\":{{\"id\":\"1\",\"model\":\"{model}\",\"content\":[]}}}}\n");
    let (_folder, path) = written(&format!("{{\"type\":\"user\",\"sessionId\":\"s\",\"message\":{{\"content\":\"Hello\"}}}}\n{line}"));
    assert_eq!(Session::read(Agent::ClaudeCode, &path).unwrap().bad_lines, 1);
}

#[test]
fn what_is_no_transcript_is_refused() {
    let refused = |text: &str| {
        let (_folder, path) = written(text);
        Session::read(Agent::ClaudeCode, &path).unwrap_err()
    };
    assert!(matches!(refused(""), TranscriptError::Empty { .. }));
    assert!(matches!(refused("\n \n"), TranscriptError::Empty { .. }));
    assert!(matches!(refused("{\"type\":\"session_meta\",\"payload\":{}}\n"), TranscriptError::NoSession { .. }));
    assert!(matches!(refused("{\"type\":\"user\",\"sessionId\":\"../x\"}\n"), TranscriptError::NoSession { .. }));
    assert!(matches!(Session::read(Agent::ClaudeCode, &miniatures().join("gone.jsonl")), Err(TranscriptError::Io { .. })));
    assert!(matches!(Session::read(Agent::ClaudeCode, &miniatures()), Err(TranscriptError::Io { .. })));
}

#[cfg(unix)]
#[test]
fn a_link_among_a_sessions_files_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("{SESSION}1.jsonl"));
    fs::copy(transcript("greeting", 1), &path).unwrap();
    let results = folder.path().join(format!("{SESSION}1/tool-results"));
    fs::create_dir_all(&results).unwrap();
    fs::write(folder.path().join("outside.txt"), "elsewhere").unwrap();
    std::os::unix::fs::symlink("../../outside.txt", results.join("linked.txt")).unwrap();
    let mut kinds = Vec::new();
    Session::read_with(Agent::ClaudeCode, &path, &mut |kind, _| kinds.push(kind.to_owned())).unwrap();
    assert!(!kinds.contains(&"tool-result-file".to_owned()), "{kinds:?}");
}

#[test]
fn a_session_is_found_by_its_id_in_any_project() {
    let id = format!("{SESSION}5");
    assert_eq!(claude_code::locate(&miniatures(), &id).unwrap(), transcript("truncated", 5));
    assert!(matches!(claude_code::locate(&miniatures(), "none"), Err(TranscriptError::NotFound { .. })));
    assert!(matches!(claude_code::locate(&miniatures().join("none"), "none"), Err(TranscriptError::Io { .. })));
    for id in ["", "../greeting/x", "a b", "ü", &"x".repeat(65)] {
        assert!(matches!(claude_code::locate(&miniatures(), id), Err(TranscriptError::NotASessionId { .. })), "{id}");
    }
}

#[test]
fn a_session_that_lies_in_two_projects_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for project in ["one", "two"] {
        fs::create_dir(folder.path().join(project)).unwrap();
        fs::write(folder.path().join(project).join("s.jsonl"), "").unwrap();
    }
    assert!(matches!(claude_code::locate(folder.path(), "s"), Err(TranscriptError::Ambiguous { .. })));
}

/// Compares every transcript of Claude Code that a folder's `expected.json` lists, and returns how many there were.
fn check_all(folder: &Path) -> usize {
    let expected = Json::parse(&fs::read(folder.join("expected.json")).unwrap()).unwrap();
    let of_claude = |case: &&Json| case.get("format").and_then(Json::as_str) == Some("claude-code-jsonl");
    let cases: Vec<_> = expected.get("cases").unwrap().as_array().unwrap().iter().filter(of_claude).collect();
    for case in &cases {
        check(folder, case);
    }
    cases.len()
}

fn check(folder: &Path, case: &Json) {
    let file = case.get("file").and_then(Json::as_str).unwrap();
    let session = Session::read(Agent::ClaudeCode, &folder.join(file)).unwrap();
    let number = |key: &str| u64::try_from(case.get(key).and_then(Json::as_integer).unwrap()).unwrap();
    let texts = |key: &str| -> Vec<String> {
        case.get(key).unwrap().as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let work = &session.total;
    assert_eq!(session.lines, number("lines"), "{file}: lines");
    assert_eq!(session.records.get("user").copied().unwrap_or(0), number("user"), "{file}: user");
    assert_eq!(session.records.get("assistant").copied().unwrap_or(0), number("assistant_lines"), "{file}: assistant");
    assert_eq!(session.bad_lines, number("bad_lines"), "{file}: bad lines");
    assert_eq!(work.tool_errors, number("tool_errors"), "{file}: tool errors");
    assert_eq!(work.responses, number("api_messages"), "{file}: responses");
    assert_eq!(work.models.iter().map(|used| used.model.model_id.clone()).collect::<Vec<_>>(), texts("models"), "{file}: models");
    assert_eq!(work.models.iter().map(|model| model.responses).sum::<u64>(), work.responses, "{file}: responses by model");

    let calls: Vec<_> = work.tool_calls.iter().map(|(name, calls)| (name.clone(), calls.value)).collect();
    let expected_calls = case.get("tool_calls").unwrap().as_object().unwrap().iter();
    let expected_calls: Vec<_> =
        expected_calls.map(|(name, calls)| (name.clone(), u64::try_from(calls.as_integer().unwrap()).unwrap())).collect();
    assert_eq!(calls, expected_calls, "{file}: tool calls");

    let mut sessions: Vec<_> = session.inherited.keys().chain([&session.id.value]).cloned().collect();
    sessions.sort();
    assert_eq!(sessions, texts("session_ids"), "{file}: sessions");

    let usage = work.usage.as_ref().unwrap().value;
    for (key, tokens) in [
        ("input_tokens", usage.input_tokens),
        ("output_tokens", usage.output_tokens),
        ("cache_creation_input_tokens", usage.cache_creation_input_tokens),
        ("cache_read_input_tokens", usage.cache_read_input_tokens),
    ] {
        let expected = case.get("usage_dedup_by_message_id").and_then(|usage| usage.get(key)).and_then(Json::as_integer).unwrap();
        assert_eq!(tokens, u64::try_from(expected).unwrap(), "{file}: {key}");
    }
    for (key, time) in [("first_timestamp", &work.started), ("last_timestamp", &work.finished)] {
        assert_eq!(time.as_ref().unwrap().value.to_string(), case.get(key).unwrap().as_str().unwrap(), "{file}: {key}");
    }
}

fn miniatures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/transcripts/claude-code")
}

fn transcript(project: &str, session: u8) -> PathBuf {
    miniatures().join(project).join(format!("{SESSION}{session}.jsonl"))
}

fn read(project: &str, session: u8) -> Session {
    Session::read(Agent::ClaudeCode, &transcript(project, session)).unwrap()
}

fn read_leaves(project: &str, session: u8) -> (Session, Vec<(String, Vec<u8>)>) {
    let mut leaves = Vec::new();
    let visit = &mut |kind: &str, body: &[u8]| leaves.push((kind.to_owned(), body.to_vec()));
    let session = Session::read_with(Agent::ClaudeCode, &transcript(project, session), visit).unwrap();
    (session, leaves)
}

fn prompts(session: &Session) -> Vec<String> {
    assert!(session.prompts.iter().all(|prompt| prompt.kind == "prompt"));
    session.prompts.iter().map(|prompt| String::from_utf8(prompt.body.clone()).unwrap()).collect()
}

fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("transcript.jsonl");
    fs::write(&path, text).unwrap();
    (folder, path)
}
