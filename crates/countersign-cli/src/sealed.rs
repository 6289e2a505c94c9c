//! Tells what of a statement is sealed, and whether it can be disclosed later.
//! How it's sealed is the capture crate's affair.

use countersign::json::Json;
use countersign::seal::SealedRecord;
use countersign::statement::Statement;

use crate::openings::Keeper;
use crate::output;

/// Tells what is sealed, if anything is, and what is kept to open it.
pub(crate) fn tell(statement: &Statement, openings: &Keeper) {
    let Some((what, are, they, them)) = sealed(&statement.predicate) else { return };
    let sealed = format!("{what} {are} sealed: the statement commits to {them}");
    match openings.ended() {
        None => {
            output::labelled(
                output::FAINT,
                "note",
                &format!("{sealed}, and there is no key to keep openings under, so {they} can't be disclosed later"),
            );
            output::hint("`countersign key generate --openings` makes one, for what is sealed from then on");
        }
        Some(ended) => {
            let kept = if ended.iter().all(|(_, kept)| kept.is_ok()) { "is kept, encrypted" } else { "could not be kept" };
            output::labelled(output::FAINT, "note", &format!("{sealed}, and what opens {them} {kept}"));
            for (record, kept) in ended {
                let (name, digest) = (name(&statement.predicate, &record), record.digest());
                match kept {
                    Ok(()) => output::hint(&format!("`countersign disclose {digest} --list` shows the messages of the {name}")),
                    // The statement is worth having without it.
                    Err(failure) => failure.warn(&format!(
                        "what opens the {name}, {digest}, is lost and can't be had again, so that nothing of it can be disclosed"
                    )),
                }
            }
        }
    }
    for name in redacted(&statement.predicate) {
        output::warning(&format!(
            "secrets were found in the {name}, and taken out before it was sealed; the statement says of which kinds"
        ));
    }
}

/// Says what is sealed, and how it is spoken of.
fn sealed(predicate: &Json) -> Option<(String, &'static str, &'static str, &'static str)> {
    let is_sealed = |list: &str, name: &str| {
        let descriptors = predicate.pointer(list).and_then(Json::as_array).unwrap_or_default();
        let is_it = |place: &str, word: &str, descriptor: &Json| descriptor.get(place).and_then(Json::as_str) == Some(word);
        descriptors.iter().any(|descriptor| is_it("name", name, descriptor) && is_it("mediaType", SealedRecord::MEDIA_TYPE, descriptor))
    };
    let transcript = is_sealed(BYPRODUCTS, "transcript");
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
    Some((what, are, they, them))
}

/// Returns what the statement calls a record.
fn name<'a>(predicate: &'a Json, record: &SealedRecord) -> &'a str {
    let descriptors = [DEPENDENCIES, BYPRODUCTS].into_iter().filter_map(|list| predicate.pointer(list)?.as_array()).flatten();
    let digest = record.digest();
    let mut named = descriptors.filter(|descriptor| descriptor.pointer("/digest/sha256").and_then(Json::as_str) == Some(digest.hex()));
    named.find_map(|descriptor| descriptor.get("name")?.as_str()).unwrap_or("record")
}

/// Returns the names of the records that secrets were taken out of.
fn redacted(predicate: &Json) -> Vec<&str> {
    match predicate.pointer("/runDetails/metadata/countersign_redacted") {
        Some(Json::Object(records)) => records.keys().map(String::as_str).collect(),
        _ => Vec::new(),
    }
}

const DEPENDENCIES: &str = "/buildDefinition/resolvedDependencies";
const BYPRODUCTS: &str = "/runDetails/byproducts";
