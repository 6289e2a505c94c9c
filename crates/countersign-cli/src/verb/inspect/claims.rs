//! The claims of one bundle, in the order in which a reader asks: what it is, about what, by whom, how.
//! Each is a stranger's word until it's verified.

use std::fmt;

use countersign::bundle::{Bundle, Material};
use countersign::digest::DigestSet;
use countersign::json::{Json, Object};
use countersign::predicate::{PROVENANCE, Provenance, TEST_RESULT, TestResult, VERIFICATION_SUMMARY};
use countersign::seal::SealedRecord;
use countersign::statement::ResourceDescriptor;

use crate::escape::escaped;

/// What a bundle claims.
pub(super) struct Claims {
    /// Names and values; a name may stand there several times.
    claims: Vec<(&'static str, String)>,
    json: Json,
}

impl Claims {
    /// Reads the claims.
    pub(super) fn of(bundle: &Bundle) -> Self {
        let mut claims = Vec::new();
        let mut claim = |name, value: String| claims.push((name, value));
        let statement = bundle.unverified_statement();
        claim("bundle", bundle.digest().to_string());
        let material = match bundle.material() {
            Material::Key { hint } if hint.is_empty() => "a key that isn't named".to_owned(),
            Material::Key { hint } => format!("key {hint}"),
            Material::Certificate => "a certificate".to_owned(),
            _ => "something else".to_owned(),
        };
        claim("signed by", material);
        claim("predicate", statement.predicate_type.clone());
        for subject in &statement.subject {
            claim("subject", described(subject));
        }
        let predicate = &statement.predicate;
        if statement.predicate_type == PROVENANCE {
            match predicate.to::<Provenance>() {
                Ok(provenance) => provenance_claims(&provenance, &mut claim),
                Err(error) => claim("unreadable", format!("the predicate isn't SLSA provenance: {error}")),
            }
        }
        if statement.predicate_type == TEST_RESULT {
            match predicate.to::<TestResult>() {
                Ok(result) => gate_claims(&result, predicate, &mut claim),
                Err(error) => claim("unreadable", format!("the predicate isn't a test result: {error}")),
            }
        }
        if statement.predicate_type == VERIFICATION_SUMMARY {
            summary_claims(predicate, &mut claim);
        }
        if let Some(claimed) = countersign::predicate::claimed_at(&statement.predicate_type, predicate) {
            claim("made", claimed.to_string());
        }
        Self { json: json(bundle), claims }
    }

    /// Returns the statement, and what the bundle offers to verify it with, as one canonical line.
    pub(super) fn to_json(&self) -> Vec<u8> {
        self.json.canonical()
    }
}

impl fmt::Display for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.claims.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        self.claims.iter().try_for_each(|(name, value)| writeln!(f, "  {name:width$}  {}", escaped(value)))
    }
}

fn provenance_claims(provenance: &Provenance, claim: &mut impl FnMut(&'static str, String)) {
    claim("builder", provenance.run_details.builder.id.clone());
    claim("build type", provenance.build_definition.build_type.clone());
    if let Some(runtime) = provenance.runtime() {
        let version = runtime.version.map_or(String::new(), |version| format!(" {version}"));
        claim("agent", format!("{}{version}", runtime.name));
    }
    for model in provenance.models().into_iter().flatten() {
        claim("model", format!("{}/{}", model.provider, model.model_id));
    }
    if let Some(delegator) = provenance.delegator() {
        claim("on behalf of", format!("{}#{}", delegator.issuer, delegator.subject));
    }
    for (name, dependency) in [("source", "source"), ("sandbox image", "sandbox-image")] {
        for (_, descriptor) in provenance.dependencies(dependency) {
            claim(name, described(descriptor));
        }
    }
    for (_, descriptor) in provenance.byproducts("sbom") {
        claim("sbom", described(descriptor));
    }
    if let Some((outcome, _)) = provenance.run_outcome() {
        let word = Json::of(&outcome.outcome).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default();
        claim("run outcome", outcome.exit_code.map_or(word.clone(), |code| format!("{word}, exit code {code}")));
    }
    let noticed = provenance.run_details.metadata.as_ref().and_then(|metadata| metadata.other.get("countersign_findings")?.as_array());
    for finding in noticed.into_iter().flatten().filter_map(Json::as_str) {
        claim("finding", finding.to_owned());
    }
    let redacted = provenance.run_details.metadata.as_ref().and_then(|metadata| metadata.other.get("countersign_redacted"));
    if let Some(Json::Object(records)) = redacted {
        for (name, kinds) in records {
            let Json::Object(kinds) = kinds else { continue };
            let kinds = kinds.iter().map(|(kind, count)| format!("{kind} {}", count.as_integer().unwrap_or_default()));
            claim("redacted", format!("{name}: {}", kinds.collect::<Vec<_>>().join(", ")));
        }
    }
    let everything = provenance.build_definition.resolved_dependencies.iter().chain(&provenance.run_details.byproducts);
    for descriptor in everything.filter(|descriptor| descriptor.media_type.as_deref() == Some(SealedRecord::MEDIA_TYPE)) {
        let name = descriptor.name.as_deref().unwrap_or("unnamed");
        let sealed = descriptor.content.as_deref().map(SealedRecord::parse);
        claim(
            "sealed",
            match sealed {
                Some(Ok(record)) => format!("{name}: messages {}, root {}, name {}", record.leaves(), record.root(), record.record()),
                Some(Err(error)) => format!("{name}: {error}"),
                None => format!("{name}: {}", digests(&descriptor.digest)),
            },
        );
    }
}

fn gate_claims(result: &TestResult, predicate: &Json, claim: &mut impl FnMut(&'static str, String)) {
    if let Some(gate) = result.configuration.first() {
        claim("gate", gate.name.clone().unwrap_or_default());
    }
    claim("result", predicate.get("result").and_then(Json::as_str).unwrap_or_default().to_owned());
    for failed in &result.failed_tests {
        claim("failed", failed.clone());
    }
}

fn summary_claims(predicate: &Json, claim: &mut impl FnMut(&'static str, String)) {
    let text = |names: &[&str]| names.iter().try_fold(predicate, |json, name| json.get(name)).and_then(Json::as_str);
    for (name, path) in [
        ("result", &["verificationResult"][..]),
        ("resource", &["resourceUri"]),
        ("verifier", &["verifier", "id"]),
        ("policy", &["policy", "uri"]),
    ] {
        if let Some(value) = text(path) {
            claim(name, value.to_owned());
        }
    }
}

fn described(descriptor: &ResourceDescriptor) -> String {
    let words = [descriptor.name.clone(), descriptor.uri.clone(), Some(digests(&descriptor.digest))];
    words.into_iter().flatten().filter(|word| !word.is_empty()).collect::<Vec<_>>().join("  ")
}

fn digests(set: &DigestSet) -> String {
    set.iter().map(|digest| digest.to_string()).collect::<Vec<_>>().join(" ")
}

fn json(bundle: &Bundle) -> Json {
    let object =
        |members: Vec<(&str, Json)>| Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Object>());
    let material = match bundle.material() {
        Material::Key { hint } => object(vec![("publicKey", object(vec![("hint", Json::from(hint.as_str()))]))]),
        _ => object(vec![("certificate", object(vec![]))]),
    };
    let statement = Json::parse(bundle.unverified_payload()).unwrap_or_default();
    object(vec![
        ("bundle", Json::from(bundle.digest().to_string().as_str())),
        ("verified", Json::Bool(false)),
        ("material", material),
        ("statement", statement),
    ])
}
