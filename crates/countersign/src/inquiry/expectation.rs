//! What a resource expects of the run that made it: builder, build type, parameters, source.
//! A statement that fails these is evidence of nothing, whatever else it says.

use super::evidence::{Believed, Evidence};
use super::subject::{self, Target};
use crate::digest::DigestSet;
use crate::limits::quoted;
use crate::policy::Resource;
use crate::predicate::{BuildType, Provenance, Source, SourceError};
use crate::reason::{Reason, Refusal};

/// Returns the provenance of a run that the resource expects.
pub(crate) fn expected<'e>(evidence: &'e Evidence, believed: &'e Believed, resource: &Resource) -> Result<&'e Provenance, Refusal> {
    let Some(provenance) = &believed.provenance else {
        return Err(Refusal::new(Reason::EvidenceMissing, "the statement is no provenance"));
    };
    let signer = evidence.signer.as_deref().unwrap_or_default();
    let (builder_id, build_type) = (&provenance.run_details.builder.id, &provenance.build_definition.build_type);
    let mut pairs = resource.builders.iter().filter(|pair| pair.signer == signer && pair.builder_id == *builder_id).peekable();
    if pairs.peek().is_none() {
        let detail = format!("the resource doesn't expect builder {} with signer `{signer}`", quoted(builder_id));
        return Err(Refusal::new(Reason::BuilderUnexpected, detail));
    }
    if !pairs.any(|pair| pair.build_types.contains(build_type)) {
        return Err(Refusal::new(Reason::BuildTypeUnknown, format!("the resource doesn't expect build type {}", quoted(build_type))));
    }
    let known = BuildType::of(build_type).ok_or_else(|| {
        Refusal::new(Reason::BuildTypeUnknown, format!("nothing is known of the parameters of build type {}", quoted(build_type)))
    })?;
    let parameters = &provenance.build_definition.external_parameters;
    if let Some(name) = parameters.keys().find(|name| !known.external_parameters().contains(&name.as_str())) {
        return Err(parameter(format!("the build type defines no external parameter {}", quoted(name))));
    }
    if let Some((name, _)) = resource.external_parameters.iter().find(|(name, value)| parameters.get(*name) != Some(value)) {
        return Err(parameter(format!("the external parameter `{name}` is not what the resource expects")));
    }
    Ok(provenance)
}

fn parameter(detail: String) -> Refusal {
    Refusal::new(Reason::ExternalParameterUnexpected, detail)
}

/// Returns the source that a run names, if it's one that the resource expects.
pub(crate) fn expected_source(provenance: &Provenance, resource: &Resource) -> Result<Source, Refusal> {
    let source = provenance.source().map_err(|error| {
        let reason = if error == SourceError::UnknownBuildType { Reason::BuildTypeUnknown } else { Reason::SourceAmbiguous };
        Refusal::new(reason, error.to_string())
    })?;
    let Some(expected) = &resource.source else { return Ok(source) };
    if source.repository != expected.repository {
        return Err(Refusal::new(Reason::SourceUnexpected, format!("the source is repository {}", quoted(&source.repository))));
    }
    let reference = source.reference.as_deref().unwrap_or_default();
    if !expected.refs.iter().any(|pattern| pattern.matches(reference)) {
        let found =
            if reference.is_empty() { "the source names no ref".to_owned() } else { format!("the source is ref {}", quoted(reference)) };
        return Err(Refusal::new(Reason::SourceUnexpected, found));
    }
    Ok(source)
}

/// Returns the edge from an artifact to the commit that it was made from: an expected run's expected source.
pub(crate) fn edge(evidence: &Evidence, resource: &Resource, artifact: &DigestSet) -> Result<Source, Refusal> {
    let believed = evidence.standing.as_ref().map_err(Clone::clone)?;
    subject::check(believed.statement.value(), believed.provenance.as_ref(), Target::Artifact(artifact))?;
    expected_source(expected(evidence, believed, resource)?, resource)
}
