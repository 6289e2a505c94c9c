//! SPDX and CycloneDX documents as predicates.
//! It recognises them and keeps them whole; what is listed in them is not judged here.

use crate::digest::Digest;
use crate::json::{Json, SyntaxError};
use crate::limits;
use crate::statement::{ResourceDescriptor, Statement, StatementError};
use crate::time::Time;

/// The formats of an SBOM that can be a predicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SbomFormat {
    /// SPDX in JSON.
    Spdx,
    /// CycloneDX in JSON.
    CycloneDx,
}

impl SbomFormat {
    /// Returns the predicate type, without a version.
    #[must_use]
    pub const fn predicate_type(self) -> &'static str {
        match self {
            Self::Spdx => super::SPDX,
            Self::CycloneDx => super::CYCLONEDX,
        }
    }
}

/// What is in an artifact.
#[derive(Clone, Debug, PartialEq)]
pub struct Sbom {
    format: SbomFormat,
    document: Json,
    file: Digest,
}

impl Sbom {
    /// Recognises the bytes of an SBOM file.
    ///
    /// # Errors
    /// [`SbomError`] for what isn't strict JSON, isn't an SBOM, or is one in a format of a single tool.
    pub fn parse(bytes: &[u8]) -> Result<Self, SbomError> {
        if bytes.len() > limits::PAYLOAD_BYTES {
            return Err(SbomError::TooLarge);
        }
        Self::of(Json::parse(bytes)?, Digest::sha256(bytes))
    }

    /// Recognises the document of a file whose bytes have the digest `file`, for who has parsed it already.
    ///
    /// # Errors
    /// As [`Sbom::parse`], but for what concerns bytes.
    pub fn of(document: Json, file: Digest) -> Result<Self, SbomError> {
        let text = |name| document.get(name).and_then(Json::as_str);
        let format = if text("bomFormat") == Some("CycloneDX") && text("specVersion").is_some() {
            SbomFormat::CycloneDx
        } else if text("spdxVersion").is_some_and(|version| version.starts_with("SPDX-")) && text("SPDXID").is_some()
            || is_spdx_3(&document)
        {
            SbomFormat::Spdx
        } else if document.get("artifacts").is_some() && document.pointer("/descriptor/name").and_then(Json::as_str) == Some("syft") {
            return Err(SbomError::Syft);
        } else {
            return Err(SbomError::Unrecognised);
        };
        Ok(Self { format, document, file })
    }

    /// Returns the format.
    #[must_use]
    pub const fn format(&self) -> SbomFormat {
        self.format
    }

    /// Returns the digest of the file's bytes.
    #[must_use]
    pub const fn file(&self) -> &Digest {
        &self.file
    }

    /// Returns the digest of the document's canonical bytes, which an SBOM predicate has, too.
    #[must_use]
    pub fn canonical(&self) -> Digest {
        Digest::sha256(&self.document.canonical())
    }

    /// Makes the statement that `subject` contains what this document lists.
    ///
    /// # Errors
    /// [`StatementError`] for no subject, too many, one without a digest, or one twice.
    pub fn about(self, subject: Vec<ResourceDescriptor>) -> Result<Statement, StatementError> {
        Statement::new(subject, self.format.predicate_type(), self.document)
    }
}

/// Returns when the document says that it was made; of several times, the earliest.
pub(super) fn created(document: &Json) -> Option<Time> {
    let time = |at: Option<&Json>| at?.as_str()?.parse().ok();
    let of_file = [document.pointer("/metadata/timestamp"), document.pointer("/creationInfo/created")];
    // SPDX 3 keeps its times in elements of the graph, which the document refers to.
    let graph = document.get("@graph").and_then(Json::as_array).unwrap_or_default();
    let of_graph = graph.iter().filter(|element| element.get("type").and_then(Json::as_str) == Some("CreationInfo"));
    of_file.into_iter().chain(of_graph.map(|element| element.get("created"))).filter_map(time).min()
}

/// SPDX 3 is JSON-LD: its context names it.
fn is_spdx_3(document: &Json) -> bool {
    document.get("@context").and_then(Json::as_str).is_some_and(|context| context.starts_with("https://spdx.org/rdf/3"))
        && document.get("@graph").is_some_and(|graph| graph.as_array().is_some())
}

/// Why bytes are not an SBOM that can be stated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SbomError {
    /// The file is over the limit of a statement.
    #[error("the SBOM is larger than {} MiB, which no statement holds", limits::PAYLOAD_BYTES >> 20)]
    TooLarge,
    /// The file is not JSON as we read it.
    #[error("the SBOM is not JSON: {0}; XML and tag-value can be converted")]
    Syntax(#[from] SyntaxError),
    /// The file is syft's own format.
    #[error("the file is in syft's own format; make it with `syft -o cyclonedx-json` or `syft -o spdx-json`")]
    Syft,
    /// The file is something else.
    #[error("the file is neither SPDX JSON nor CycloneDX JSON")]
    Unrecognised,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognises_both_formats_and_names_the_flag_for_syft() {
        let format = |text: &str| Sbom::parse(text.as_bytes()).map(|sbom| sbom.format());
        assert_eq!(format(r#"{"bomFormat":"CycloneDX","specVersion":"1.6"}"#), Ok(SbomFormat::CycloneDx));
        assert_eq!(format(r#"{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT"}"#), Ok(SbomFormat::Spdx));
        assert_eq!(format(r#"{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[]}"#), Ok(SbomFormat::Spdx));
        assert_eq!(format(r#"{"artifacts":[],"descriptor":{"name":"syft"}}"#), Err(SbomError::Syft));
        assert_eq!(format(r#"{"bomFormat":"CycloneDX"}"#), Err(SbomError::Unrecognised));
        assert_eq!(format("[]"), Err(SbomError::Unrecognised));
        assert!(matches!(format("<bom/>"), Err(SbomError::Syntax(_))));
    }

    #[test]
    fn finds_when_a_document_of_each_format_was_made() {
        let made = |text: &str| created(&Json::parse(text.as_bytes()).unwrap()).map(|time| time.to_string());
        let at = Some("2025-12-01T12:00:00Z".to_owned());
        assert_eq!(made(r#"{"metadata":{"timestamp":"2025-12-01T12:00:00Z"}}"#), at);
        assert_eq!(made(r#"{"creationInfo":{"created":"2025-12-01T12:00:00Z"}}"#), at);
        assert_eq!(made(r#"{"@graph":[{"type":"CreationInfo","created":"2025-12-01T12:00:00Z"},{"type":"SpdxDocument"}]}"#), at);
        assert_eq!(made("{}"), None);
    }

    #[test]
    fn the_canonical_digest_forgets_layout_and_the_files_doesnt() {
        let [a, b] = [r#"{"bomFormat":"CycloneDX","specVersion":"1.6"}"#, r#"{ "specVersion":"1.6", "bomFormat":"CycloneDX" }"#]
            .map(|text| Sbom::parse(text.as_bytes()).unwrap());
        assert_eq!(a.canonical(), b.canonical());
        assert_ne!(a.file(), b.file());
    }
}
