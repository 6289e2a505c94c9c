//! The claims of one bundle, in the order in which a reader asks: what it is, about what, by whom, how.
//! Each is a stranger's word until it's verified.

use std::fmt;

use countersign::bundle::{Bundle, Material, UnverifiedWitness};
use countersign::digest::DigestSet;
use countersign::identity::{PublicKey, Subject, UnverifiedCertificate};
use countersign::json::{Json, Object};
use countersign::predicate::{PROVENANCE, Provenance, TEST_RESULT, TestResult, VERIFICATION_SUMMARY};
use countersign::seal::SealedRecord;
use countersign::statement::ResourceDescriptor;
use countersign::time::Time;

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
        match bundle.material() {
            Material::Key { hint } if hint.is_empty() => claim("signed by", "a key that isn't named".to_owned()),
            Material::Key { hint } => {
                let named = PublicKey::fingerprint_in_hint(hint);
                claim("signed by", named.map_or_else(|| format!("a key that it calls {hint}"), |key| format!("key {key}")));
            }
            Material::Certificate => certificate_claims(bundle.unverified_certificate().as_ref(), &mut claim),
            _ => claim("signed by", "something else".to_owned()),
        }
        for witness in bundle.unverified_witnesses() {
            witness_claims(&witness, &mut claim);
        }
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

fn certificate_claims(certificate: Option<&UnverifiedCertificate>, claim: &mut impl FnMut(&'static str, String)) {
    let Some(certificate) = certificate else { return claim("signed by", "a certificate that can't be read".to_owned()) };
    let (kind, name) = match &certificate.subject {
        Some(Subject::Email(text)) => ("email", text.as_str()),
        Some(Subject::Uri(text)) => ("URI", text.as_str()),
        _ => ("neither email nor URI", ""),
    };
    claim("signed by", format!("a certificate for {kind} {name}").trim_end().to_owned());
    if let Some(issuer) = &certificate.issuer {
        claim("vouched for by", issuer.clone());
    }
    if let Some(authority) = &certificate.authority {
        claim("issued by", authority.clone());
    }
    claim("valid", format!("{} to {}", certificate.not_before, certificate.not_after));
    for (name, value) in &certificate.extensions {
        claim("extension", format!("{} {value}", name.name()));
    }
}

fn witness_claims(witness: &UnverifiedWitness, claim: &mut impl FnMut(&'static str, String)) {
    let at = |time: &Option<Time>| time.map_or(String::new(), |time| format!(", {time}"));
    match witness {
        UnverifiedWitness::LogEntry { log, log_id, index, kind, time, .. } => {
            let log = log.as_deref().unwrap_or("a log without a name");
            claim("log entry", format!("{index} ({kind}) of {log}, key {log_id}{}", at(time)));
        }
        UnverifiedWitness::Timestamp { authority, time, .. } => {
            let authority = authority.as_deref().unwrap_or("an authority without a name");
            claim("timestamp", format!("of {authority}{}", at(time)));
        }
        _ => {}
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
    let mut material = match bundle.material() {
        Material::Key { hint } => vec![("publicKey", object(vec![("hint", Json::from(hint.as_str()))]))],
        _ => vec![("certificate", bundle.unverified_certificate().map_or(object(vec![]), |certificate| certificate_json(&certificate)))],
    };
    let witnesses = bundle.unverified_witnesses();
    if !witnesses.is_empty() {
        material.push(("witnesses", Json::Array(witnesses.iter().map(witness_json).collect())));
    }
    let statement = Json::parse(bundle.unverified_payload()).unwrap_or_default();
    object(vec![
        ("bundle", Json::from(bundle.digest().to_string().as_str())),
        ("verified", Json::Bool(false)),
        ("material", object(material)),
        ("statement", statement),
    ])
}

fn certificate_json(certificate: &UnverifiedCertificate) -> Json {
    let subject = match &certificate.subject {
        Some(Subject::Email(text)) => object(vec![("email", Json::from(text.as_str()))]),
        Some(Subject::Uri(text)) => object(vec![("uri", Json::from(text.as_str()))]),
        _ => Json::Null,
    };
    let extensions = certificate.extensions.iter().map(|(name, value)| (name.name(), Json::from(value.as_str())));
    object(vec![
        ("subject", subject),
        ("issuer", optional(certificate.issuer.as_deref())),
        ("authority", optional(certificate.authority.as_deref())),
        ("notBefore", Json::from(certificate.not_before.to_string())),
        ("notAfter", Json::from(certificate.not_after.to_string())),
        ("extensions", Json::Object(extensions.collect())),
    ])
}

fn witness_json(witness: &UnverifiedWitness) -> Json {
    let at = |time: &Option<Time>| time.map_or(Json::Null, |time| Json::from(time.to_string()));
    match witness {
        UnverifiedWitness::LogEntry { log, log_id, index, kind, time, .. } => object(vec![(
            "logEntry",
            object(vec![
                ("log", optional(log.as_deref())),
                ("logId", Json::from(log_id.as_str())),
                // A string, since it can be beyond what JSON's numbers hold.
                ("index", Json::from(index.to_string())),
                ("kind", Json::from(kind.as_str())),
                ("time", at(time)),
            ]),
        )]),
        UnverifiedWitness::Timestamp { authority, time, .. } => {
            object(vec![("timestamp", object(vec![("authority", optional(authority.as_deref())), ("time", at(time))]))])
        }
        _ => Json::Null,
    }
}

fn optional(text: Option<&str>) -> Json {
    text.map_or(Json::Null, Json::from)
}

fn object(members: Vec<(&str, Json)>) -> Json {
    Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Object>())
}
