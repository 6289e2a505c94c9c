//! Claude Code's transcripts as they lie on disk: which files belong to a session, and in which order they are read.
//! What a single record means stands in `tally`.
//!
//! ```text
//! projects/<slug>/<session>.jsonl                              one record a line
//! projects/<slug>/<session>/subagents/**/agent-<id>.jsonl      a subagent's records, and agent-<id>.meta.json
//! projects/<slug>/<session>/tool-results/*                     outputs too large for a record
//! projects/<slug>/agent-<id>.jsonl                             a subagent's records, as earlier versions kept them
//! ```

mod tally;

use std::fs::{self, File};
use std::io::{BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use countersign::json::Json;

use crate::lines::{LINE_BYTES, Line, Lines};
use crate::session::{Fact, Session, TranscriptError};
use tally::{Source, Tally};

/// The name by which this agent is chosen.
pub const RUNTIME: &str = "claude-code";

/// Finds the transcript of a session below Claude Code's `projects` folder, in whatever project it ran.
///
/// # Errors
/// [`TranscriptError`] if the text can't be a session's id, and if no transcript or more than one has its name.
pub fn locate(projects: &Path, session_id: &str) -> Result<PathBuf, TranscriptError> {
    if !is_id(session_id) {
        return Err(TranscriptError::NotASessionId { id: session_id.chars().take(ID_CHARACTERS).collect() });
    }
    let name = format!("{session_id}.jsonl");
    let mut found = None;
    for project in fs::read_dir(projects).map_err(|e| TranscriptError::io(projects, e))? {
        let candidate = project.map_err(|e| TranscriptError::io(projects, e))?.path().join(&name);
        if candidate.is_file() && found.replace(candidate).is_some() {
            return Err(TranscriptError::Ambiguous { id: session_id.to_owned(), projects: projects.to_owned() });
        }
    }
    found.ok_or_else(|| TranscriptError::NotFound { id: session_id.to_owned(), projects: projects.to_owned() })
}

pub(crate) fn read(transcript: &Path, leaf: &mut dyn FnMut(&str, &[u8])) -> Result<Session, TranscriptError> {
    let mut tally = Tally::of(transcript.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default());
    read_records(transcript, &Source { origin: "transcript".to_owned(), agent: None, session: None }, &mut tally, leaf)?;
    if tally.lines == 0 {
        return Err(TranscriptError::Empty { path: transcript.to_owned() });
    }
    let id = tally.session_id().ok_or_else(|| TranscriptError::NoSession { path: transcript.to_owned(), agent: RUNTIME })?;

    for subagent in subagents(transcript, &tally)? {
        let origin = format!("transcript:{}", subagent.name);
        read_role(&subagent, &origin, &mut tally, leaf)?;
        let session = subagent.in_session_folder.then_some(id.value.as_str());
        read_records(&subagent.path, &Source { origin, agent: Some(&subagent.id), session }, &mut tally, leaf)?;
    }
    for path in tool_results(transcript)? {
        seal_file(&path, "tool-result-file", &mut tally, leaf)?;
    }
    Ok(tally.finish(id))
}

fn read_records(path: &Path, source: &Source<'_>, tally: &mut Tally, leaf: &mut dyn FnMut(&str, &[u8])) -> Result<(), TranscriptError> {
    let io = |e| TranscriptError::io(path, e);
    let length = fs::metadata(path).map_err(io)?;
    // Opening a pipe could wait for ever.
    if !length.is_file() {
        return Err(io(ErrorKind::InvalidInput.into()));
    }
    // The agent may still be writing; what it adds from now on is not read.
    let file = File::open(path).map_err(io)?.take(length.len());
    let mut lines = Lines::new(BufReader::with_capacity(1 << 16, file), LINE_BYTES);
    while let Some((number, line)) = lines.next_line().map_err(io)? {
        let kind = tally.add(source, number, &line);
        match line {
            Line::Whole(bytes) => leaf(&kind, bytes),
            // Only its length is sealed: the line itself is never held in memory.
            Line::TooLong(bytes) => leaf(&kind, bytes.to_string().as_bytes()),
        }
    }
    Ok(())
}

fn read_role(subagent: &SubagentFile, origin: &str, tally: &mut Tally, leaf: &mut dyn FnMut(&str, &[u8])) -> Result<(), TranscriptError> {
    let path = subagent.path.with_extension("meta.json");
    if !is_regular(&path) {
        return Ok(());
    }
    let bytes = seal_file(&path, &format!("subagent/{}/meta", subagent.id), tally, leaf)?;
    let meta = Json::parse(&bytes).ok();
    if let Some(role) = meta.as_ref().and_then(|meta| meta.get("agentType")).and_then(Json::as_str) {
        let origin = format!("{}:agentType", origin.replace(".jsonl", ".meta.json"));
        tally.has_role(&subagent.id, Fact { value: role.to_owned(), origin });
    }
    Ok(())
}

/// Hands a whole file to `leaf` and returns its bytes; of one over the bound only the length, and no bytes.
fn seal_file(path: &Path, kind: &str, tally: &mut Tally, leaf: &mut dyn FnMut(&str, &[u8])) -> Result<Vec<u8>, TranscriptError> {
    let io = |e| TranscriptError::io(path, e);
    let file = File::open(path).map_err(io)?;
    let length = file.metadata().map_err(io)?.len();
    if length > LINE_BYTES as u64 {
        tally.oversized_files += 1;
        leaf(&format!("{kind}-oversized"), length.to_string().as_bytes());
        return Ok(Vec::new());
    }
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes).map_err(io)?;
    leaf(kind, &bytes);
    Ok(bytes)
}

struct SubagentFile {
    id: String,
    path: PathBuf,
    /// The path below the session's folder, for origins.
    name: String,
    in_session_folder: bool,
}

/// Finds the subagents' transcripts: those in the session's folder, then those beside it that the transcript names.
fn subagents(transcript: &Path, tally: &Tally) -> Result<Vec<SubagentFile>, TranscriptError> {
    let mut found = Vec::new();
    if let Some(folder) = session_folder(transcript) {
        collect_subagents(&folder.join("subagents"), "subagents", 0, &mut found)?;
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    for id in tally.agents_named() {
        let name = format!("agent-{id}.jsonl");
        let path = transcript.with_file_name(&name);
        if path != transcript && is_regular(&path) && !found.iter().any(|known| known.id == id) {
            found.push(SubagentFile { id: id.to_owned(), path, name, in_session_folder: false });
        }
    }
    Ok(found)
}

fn collect_subagents(folder: &Path, name: &str, depth: usize, found: &mut Vec<SubagentFile>) -> Result<(), TranscriptError> {
    for path in files_of(folder)? {
        let Some(file) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let name = format!("{name}/{file}");
        if is_regular(&path) {
            let id = file.strip_prefix("agent-").and_then(|rest| rest.strip_suffix(".jsonl")).filter(|id| is_id(id));
            if let Some(id) = id {
                found.push(SubagentFile { id: id.to_owned(), path: path.clone(), name, in_session_folder: true });
            }
        } else if depth < SUBAGENT_FOLDERS && fs::symlink_metadata(&path).is_ok_and(|entry| entry.is_dir()) {
            collect_subagents(&path, &name, depth + 1, found)?;
        }
        if found.len() > FILES {
            return Err(TranscriptError::TooManyFiles { folder: folder.to_owned(), most: FILES });
        }
    }
    Ok(())
}

fn tool_results(transcript: &Path) -> Result<Vec<PathBuf>, TranscriptError> {
    let Some(folder) = session_folder(transcript) else { return Ok(Vec::new()) };
    let mut files = files_of(&folder.join("tool-results"))?;
    files.retain(|path| is_regular(path));
    Ok(files)
}

fn session_folder(transcript: &Path) -> Option<PathBuf> {
    transcript.extension().is_some_and(|extension| extension == "jsonl").then(|| transcript.with_extension(""))
}

/// Returns what lies in a folder, sorted by name; nothing if there is no such folder.
fn files_of(folder: &Path) -> Result<Vec<PathBuf>, TranscriptError> {
    let io = |e| TranscriptError::io(folder, e);
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(Vec::new()),
        Err(e) => return Err(io(e)),
    };
    let mut files = Vec::new();
    for entry in entries {
        files.push(entry.map_err(io)?.path());
        if files.len() > FILES {
            return Err(TranscriptError::TooManyFiles { folder: folder.to_owned(), most: FILES });
        }
    }
    files.sort();
    Ok(files)
}

/// Tells whether a file lies there itself: a link could lead anywhere on the machine.
fn is_regular(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|entry| entry.is_file())
}

/// Tells whether a text can be the id of a session or a subagent, and so part of a path.
fn is_id(text: &str) -> bool {
    (1..=ID_CHARACTERS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

const ID_CHARACTERS: usize = 64;
/// Most files of one kind that are read beside a transcript.
const FILES: usize = 10_000;
/// Deepest nesting of folders below `subagents`.
const SUBAGENT_FOLDERS: usize = 4;
