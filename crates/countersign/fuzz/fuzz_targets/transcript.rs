//! Any bytes as an agent's transcript: reading it ends, and every line that isn't blank is handed over once, in order and
//! byte for byte. Whatever it says, taking secrets out of it never panics.
#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use countersign_capture::redaction::{Redactions, redact};
use countersign_capture::session::{Agent, Session};

/// The file in which the transcript is read, in a folder without any other.
static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("countersign-fuzz-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    folder.join("00000000-0000-4000-8000-000000000001.jsonl")
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fs::write(&*FILE, bytes).expect("a file");
    let mut bodies = Vec::new();
    let _ = Session::read_with(Agent::ClaudeCode, &FILE, &mut |_, body| bodies.push(body.to_vec()));
    let says_something = |line: &&[u8]| !line.iter().all(u8::is_ascii_whitespace);
    let lines: Vec<_> = bytes.split(|byte| *byte == b'\n').filter(says_something).collect();
    assert_eq!(bodies, lines);
    for body in &bodies {
        let mut counts = Redactions::default();
        if matches!(redact(body, &mut counts), std::borrow::Cow::Borrowed(_)) {
            assert!(counts.is_empty());
        }
    }
});
