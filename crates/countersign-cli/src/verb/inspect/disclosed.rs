//! What a disclosure shows, and which record of which bundle it opens.
//! Whether such a bundle is believed is for `verify` to say.

use countersign::bundle::Bundle;
use countersign::json::{Json, Object};
use countersign::predicate::{PROVENANCE, Provenance};
use countersign::seal::{Disclosure, Message, SealedRecord};

use crate::escape::escaped;
use crate::failure::Failure;
use crate::output::{GOOD, WARNING};

/// A disclosure, and the bundles whose records it opens.
pub(super) struct Disclosed {
    disclosure: Disclosure,
    /// Bundle, and what its statement calls the record.
    opens: Vec<(String, String)>,
}

impl Disclosed {
    /// Reads a disclosure; `None` for anything that isn't meant as one.
    pub(super) fn read(bytes: &[u8]) -> Option<Result<Disclosure, countersign::seal::NotADisclosure>> {
        // A newline at the end is the terminal's, not the document's.
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let is_meant = Json::parse(bytes).is_ok_and(|json| json.get("salt").is_some() && json.get("path").is_some());
        is_meant.then(|| Disclosure::parse(bytes))
    }

    /// Looks for the record in bundles; without any, the disclosure stands for itself.
    pub(super) fn of(disclosure: Disclosure, name: &str, bundles: &[Bundle]) -> Result<Self, Failure> {
        let refused = |why: &str| Failure::new("disclosure-invalid", format!("the disclosure `{name}` opens nothing: {why}"));
        // What it shows is shown only if it belongs to what it names itself.
        disclosure.check(disclosure.claimed_record()).map_err(|error| refused(&error.to_string()))?;
        let mut opens = Vec::new();
        for bundle in bundles {
            for (name, record) in records(bundle) {
                if disclosure.check(&record).is_ok() {
                    opens.push((bundle.digest().to_string(), name));
                }
            }
        }
        if opens.is_empty() && !bundles.is_empty() {
            return Err(refused("no bundle that was given carries its record"));
        }
        Ok(Self { disclosure, opens })
    }

    pub(super) fn human(&self, file: &str) -> String {
        let record = self.disclosure.claimed_record();
        let Ok(Message { kind, body, .. }) = self.disclosure.check(record) else { return String::new() };
        let head = if self.opens.is_empty() {
            format!(
                "{WARNING}UNVERIFIED{WARNING:#}  {file}: anybody may have written what follows; `--bundle FILE` checks it against a bundle\n"
            )
        } else {
            format!("{GOOD}OPENS{GOOD:#}  {file}: this was sealed, if the bundle is one that `verify` believes\n")
        };
        let mut lines = head + &format!("  message  {} of {}, counted from 0\n", self.disclosure.index(), record.leaves());
        lines += &format!("  record   {}, root {}\n", record.digest(), record.root());
        for (bundle, name) in &self.opens {
            lines += &format!("  opens    {} of bundle {bundle}\n", escaped(name));
        }
        lines += &format!("  kind     {}\n", escaped(kind));
        match std::str::from_utf8(body) {
            Ok(text) => {
                let text = text.strip_suffix('\0').filter(|_| kind == "argv").unwrap_or(text);
                let shown = text.split(['\n', '\0']).map(|line| format!("  text     {}\n", escaped(line)));
                lines.extend(shown);
            }
            Err(_) => lines += &format!("  bytes    {}\n", body.len()),
        }
        lines
    }

    /// Returns the disclosure and what it opens as one canonical line.
    pub(super) fn to_json(&self) -> Vec<u8> {
        let object = |members: Vec<(&str, Json)>| {
            Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Object>())
        };
        let opens = self
            .opens
            .iter()
            .map(|(bundle, name)| object(vec![("bundle", Json::from(bundle.as_str())), ("record", Json::from(name.as_str()))]));
        object(vec![
            ("disclosure", Json::parse(&self.disclosure.to_bytes()).unwrap_or_default()),
            ("opens", Json::Array(opens.collect())),
            ("verified", Json::Bool(false)),
        ])
        .canonical()
    }
}

/// Returns the sealed records that a bundle's statement carries, by name.
fn records(bundle: &Bundle) -> Vec<(String, SealedRecord)> {
    let statement = bundle.unverified_statement();
    if statement.predicate_type != PROVENANCE {
        return Vec::new();
    }
    let Ok(provenance) = statement.predicate.to::<Provenance>() else { return Vec::new() };
    let everything = provenance.build_definition.resolved_dependencies.iter().chain(&provenance.run_details.byproducts);
    let sealed = everything.filter(|descriptor| descriptor.media_type.as_deref() == Some(SealedRecord::MEDIA_TYPE));
    sealed
        .filter_map(|descriptor| {
            let record = SealedRecord::parse(descriptor.content.as_deref()?).ok()?;
            // The bytes count only as what the statement's digest names.
            let is_named = descriptor.digest.iter().any(|digest| digest == record.digest());
            is_named.then(|| (descriptor.name.clone().unwrap_or_else(|| "unnamed".to_owned()), record))
        })
        .collect()
}
