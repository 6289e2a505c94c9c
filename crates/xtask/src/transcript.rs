//! A transcript far larger than memory should hold: attested with a bound on memory.
//! Too slow for the tests; what is captured from transcripts is tested beside the parser.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};

use crate::repository::Repository;
use crate::run::Program;

/// Address space that the program may take: a fraction of the transcript.
const KIBIBYTES: usize = 200 << 10;

/// Writes a transcript of so many megabytes, and attests the run of the demo's commit with it.
pub(crate) fn run(repository: &Repository, megabytes: &str) -> Result<(), String> {
    let bytes = megabytes.parse::<usize>().map_err(|_| format!("`{megabytes}` is no number of megabytes"))? * 1_000_000;
    // Outside any work tree, since a key must not lie in one.
    let folder = std::env::temp_dir().join(format!("countersign-transcript-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("demo")).map_err(|e| format!("{}: {e}", folder.display()))?;
    let transcript = folder.join("00000000-0000-4000-8000-00000000beef.jsonl");
    let lines = write(&transcript, bytes).map_err(|e| format!("{}: {e}", transcript.display()))?;
    let stream = repository.root().join("testdata/demo/demo.fast-import");
    let binary = repository.target().join("debug/countersign");
    Program::new("cargo", &["build", "--quiet", "--locked", "-p", "countersign-cli"]).within(repository.root()).run()?;
    let script = format!(
        "set -eu; git init -q --initial-branch=main .; git fast-import --quiet <'{stream}'; \
         '{binary}' key generate --out '{folder}/key' --no-passphrase >/dev/null; ulimit -v {KIBIBYTES}; \
         '{binary}' attest agent-run --subject git:main --agent claude-code --transcript '{transcript}' \
         --repository https://example.test/demo --signer 'file:{folder}/key.key' --store 'dir:{folder}/evidence'",
        stream = stream.display(),
        binary = binary.display(),
        folder = folder.display(),
        transcript = transcript.display(),
    );
    let start = std::time::Instant::now();
    Program::new("sh", &["-c", &script]).within(&folder.join("demo")).run()?;
    println!(
        "transcript: {lines} lines, {megabytes} MB, attested in {:.1} s within {} MiB",
        start.elapsed().as_secs_f64(),
        KIBIBYTES >> 10
    );
    fs::remove_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))
}

fn write(path: &std::path::Path, bytes: usize) -> std::io::Result<usize> {
    let mut file = BufWriter::new(File::create(path)?);
    let (mut written, mut lines) = (0, 0);
    let text = "lorem ipsum ".repeat(200);
    while written < bytes {
        let line = format!(
            concat!(
                r#"{{"type":"assistant","uuid":"{0}","sessionId":"00000000-0000-4000-8000-00000000beef","version":"2.0.55","#,
                r#""timestamp":"2025-12-01T09:00:00Z","message":{{"id":"msg_{0}","model":"claude-sonnet-4-5-20250929","role":"assistant","#,
                r#""content":[{{"type":"text","text":"{1}"}}],"usage":{{"input_tokens":1,"output_tokens":2}}}}}}"#,
                "\n"
            ),
            lines, text
        );
        file.write_all(line.as_bytes())?;
        written += line.len();
        lines += 1;
    }
    file.flush()?;
    Ok(lines)
}
