//! How what a command made is stated where `run` itself failed to: the command must not run once more for that.
//! What `attest` states is said there; how the command ended is lost.

use std::path::{Path, PathBuf};

use countersign_capture::observation::Made;
use countersign_capture::session::Agent;

use super::work::Before;

/// Returns the command line that states it: of an agent's run, or of a build.
pub(super) fn hint(agent: Option<Agent>, made: &Made, artifacts: &[PathBuf], before: Option<&Before>, transcript: Option<&Path>) -> String {
    let base = before.map(|before| before.base.hex());
    let (first, subjects) = match made {
        Made::Commits(commits) => ("", commits.last().map_or("git:HEAD".to_owned(), |tip| format!("git:{}", tip.id.hex()))),
        Made::Tree(_) => ("commit the changes, and ", "git:REV".to_owned()),
        Made::Artifacts(_) if agent.is_some() && artifacts.len() > 1 => ("for each file, ", "PATH".to_owned()),
        Made::Artifacts(_) => ("", artifacts.iter().map(word).collect::<Vec<_>>().join(" ")),
    };
    let line = match (agent, made) {
        (Some(agent), _) => {
            let base = base.map_or(String::new(), |base| format!(" --base {base}"));
            let transcript = transcript.map_or("PATH".to_owned(), word);
            format!("countersign attest agent-run --subject {subjects}{base} --agent {} --transcript {transcript}", agent.name())
        }
        (None, Made::Artifacts(_)) => {
            let source = base.map_or(String::new(), |base| format!(" --source {base}"));
            format!("countersign attest build --subject {subjects}{source}")
        }
        (None, _) => return "what the command made is still there, but nothing else states changes that are no agent's".to_owned(),
    };
    format!("{first}state it afterwards, with the same options for signing and keeping: `{line}`")
}

/// Writes a path as a shell reads it.
fn word(path: &(impl AsRef<Path> + ?Sized)) -> String {
    let text = path.as_ref().display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | '@' | '%' | ',' | ':' | '=');
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
