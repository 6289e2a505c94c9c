//! Tells what of a statement is sealed, so that nobody hopes to disclose it later.
//! How it's sealed is the capture crate's affair.

use countersign::json::Json;
use countersign::seal::SealedRecord;
use countersign::statement::Statement;

use crate::output;

/// Tells what is sealed, if anything is.
pub(crate) fn tell(statement: &Statement) {
    if let Some(note) = note(&statement.predicate) {
        output::labelled(output::FAINT, "note", &note);
    }
}

fn note(predicate: &Json) -> Option<String> {
    let is_sealed = |list: &str, name: &str| {
        let descriptors = predicate.pointer(list).and_then(Json::as_array).unwrap_or_default();
        let is_it = |place: &str, word: &str, descriptor: &Json| descriptor.get(place).and_then(Json::as_str) == Some(word);
        descriptors.iter().any(|descriptor| is_it("name", name, descriptor) && is_it("mediaType", SealedRecord::MEDIA_TYPE, descriptor))
    };
    let transcript = is_sealed("/runDetails/byproducts", "transcript");
    let prompt = is_sealed(DEPENDENCIES, "prompt");
    // The record of the prompt holds the arguments, too, and without a transcript nothing else.
    let was_called = predicate.pointer("/buildDefinition/externalParameters/invocation").is_some();
    let arguments = is_sealed(DEPENDENCIES, "arguments") || (prompt && was_called);
    let sealed: Vec<_> = [("prompts", prompt && (transcript || !was_called)), ("arguments", arguments), ("transcript", transcript)]
        .into_iter()
        .filter_map(|(word, is_sealed)| is_sealed.then_some(word))
        .collect();
    let (last, others) = sealed.split_last()?;
    let (what, are, them) = match others {
        [] if *last == "transcript" => ("the transcript".to_owned(), "is", "it"),
        [] => ((*last).to_owned(), "are", "them"),
        others => (format!("{} and {last}", others.join(", ")), "are", "them"),
    };
    let they = if them == "it" { "it" } else { "they" };
    Some(format!(
        "{what} {are} sealed: the statement commits to {them}, and this version keeps no openings, so {they} can't be disclosed later"
    ))
}

const DEPENDENCIES: &str = "/buildDefinition/resolvedDependencies";
