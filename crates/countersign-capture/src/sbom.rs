//! Recognises an SBOM by its bytes: SPDX and CycloneDX, in JSON.
//! It judges neither what is listed in one nor whether the list is true.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use countersign::digest::Digest;
use countersign::json::{Json, SyntaxError};
use countersign::limits;
use countersign::predicate::{self, SbomFormat};
use countersign::time::Time;

/// An SBOM as a tool wrote it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Sbom {
    /// Which standard it follows.
    pub format: SbomFormat,
    /// The version of that standard, such as `1.6`.
    pub version: String,
    /// How many packages, files or components it lists.
    pub listed: usize,
    /// When it says that it was made.
    pub created: Option<Time>,
    /// The digest of the file's bytes.
    pub sha256: Digest,
    /// The digest of the document's canonical bytes (RFC 8785), by which it is found again inside a predicate.
    pub canonical: Digest,
    /// The document, ready to be stated about an artifact.
    pub predicate: predicate::Sbom,
}

impl Sbom {
    /// Reads the SBOM in a file.
    ///
    /// # Errors
    /// [`SbomError::Io`] if the file can't be read, else as [`Sbom::parse`].
    pub fn read(path: &Path) -> Result<Self, SbomError> {
        let io = |source| SbomError::Io { path: path.to_owned(), source };
        let mut bytes = Vec::new();
        File::open(path).map_err(io)?.take(limits::PAYLOAD_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(io)?;
        Self::parse(&bytes)
    }

    /// Recognises an SBOM.
    ///
    /// # Errors
    /// [`SbomError`] for whatever isn't one in a format that has a predicate type, saying what it is instead.
    pub fn parse(bytes: &[u8]) -> Result<Self, SbomError> {
        if bytes.len() > limits::PAYLOAD_BYTES {
            return Err(SbomError::TooLarge);
        }
        let document = Json::parse(bytes).map_err(|error| not_json(bytes, error))?;
        let has = |key| document.get(key).is_some();
        let facts = match (has("bomFormat"), has("spdxVersion"), spdx3_version(&document)) {
            (true, false, None) => cyclone_dx(&document)?,
            (false, true, None) => spdx2(&document)?,
            (false, false, Some(version)) => spdx3(&document, version)?,
            (false, false, None) => return Err(something_else(&document)),
            _ => return Err(SbomError::Ambiguous),
        };
        // The heart asks for less, and so refuses nothing that got so far.
        let predicate = predicate::Sbom::of(document, Digest::sha256(bytes)).map_err(|_| SbomError::Unknown)?;
        Ok(Self {
            format: predicate.format(),
            version: facts.version,
            listed: facts.listed,
            created: facts.created,
            sha256: predicate.file().clone(),
            canonical: predicate.canonical(),
            predicate,
        })
    }
}

/// Why bytes are no SBOM that can be attested.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SbomError {
    /// The file couldn't be read.
    #[error("can't read SBOM `{}`: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It wouldn't fit into a statement.
    #[error("the SBOM is larger than {} MiB, the most that a statement can hold; leave out files and keep packages", limits::PAYLOAD_BYTES >> 20)]
    TooLarge,
    /// It is XML.
    #[error("the SBOM is XML; only JSON can be attested: convert it, for example with `cyclonedx convert --output-format json`")]
    Xml,
    /// It is SPDX as tag-value text.
    #[error("the SBOM is SPDX tag-value text; only JSON can be attested: write it as SPDX JSON")]
    TagValue,
    /// It is not JSON, or such that two readers could read it in two ways.
    #[error("the SBOM is not strict JSON: {source}; write it again with a tool that keeps to RFC 8259")]
    NotJson {
        /// What is wrong, and where.
        source: SyntaxError,
    },
    /// It is in syft's own format.
    #[error("the SBOM is in syft's own format, which has no predicate type; use `syft -o cyclonedx-json` or `syft -o spdx-json`")]
    Syft,
    /// It tells about vulnerabilities and lists no components.
    #[error("the file is {what}, not an SBOM: it tells about vulnerabilities, not about what is inside")]
    NotAnSbom {
        /// What it is.
        what: &'static str,
    },
    /// It claims to be of more than one standard.
    #[error("the SBOM claims to be both SPDX and CycloneDX; give it as one of them")]
    Ambiguous,
    /// It claims to be of a standard and breaks it.
    #[error("the SBOM is not valid {standard}: {problem}")]
    Invalid {
        /// The standard.
        standard: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
    /// It is something else.
    #[error("the file is no SBOM that is known: it has neither `bomFormat`, `spdxVersion` nor an SPDX 3 `@context`")]
    Unknown,
}

struct Facts {
    version: String,
    listed: usize,
    created: Option<Time>,
}

/// CycloneDX 1.2 and later, <https://cyclonedx.org/docs/1.6/json/>: `bomFormat` and `specVersion` are required.
fn cyclone_dx(document: &Json) -> Result<Facts, SbomError> {
    let invalid = |problem| SbomError::Invalid { standard: "CycloneDX", problem };
    if text(document, "/bomFormat") != Some("CycloneDX") {
        return Err(invalid("`bomFormat` isn't `CycloneDX`"));
    }
    let version = text(document, "/specVersion").filter(|version| is_minor_of(version, "1."));
    let version = version.ok_or_else(|| invalid("`specVersion` isn't a version such as `1.6`"))?;
    let listed = count(document, "/components").ok_or_else(|| invalid("`components` isn't an array"))?;
    // A document may describe just the one component that it is about.
    let about = document.pointer("/metadata/component").is_some();
    if listed == 0 && !about && document.get("vulnerabilities").is_some() {
        return Err(SbomError::NotAnSbom { what: "a CycloneDX VEX document" });
    }
    Ok(Facts { version: version.to_owned(), listed, created: time(document.pointer("/metadata/timestamp")) })
}

/// SPDX 2.2 and 2.3, <https://spdx.github.io/spdx-spec/v2.3/document-creation-information/>.
fn spdx2(document: &Json) -> Result<Facts, SbomError> {
    let invalid = |problem| SbomError::Invalid { standard: "SPDX", problem };
    let version = text(document, "/spdxVersion").and_then(|version| version.strip_prefix("SPDX-"));
    let version = version.filter(|version| is_minor_of(version, "2."));
    let version = version.ok_or_else(|| invalid("`spdxVersion` isn't a version such as `SPDX-2.3`"))?;
    if text(document, "/SPDXID") != Some("SPDXRef-DOCUMENT") {
        return Err(invalid("`SPDXID` isn't `SPDXRef-DOCUMENT`"));
    }
    if text(document, "/creationInfo/created").is_none() {
        return Err(invalid("`creationInfo.created` is missing"));
    }
    let packages = count(document, "/packages").ok_or_else(|| invalid("`packages` isn't an array"))?;
    let files = count(document, "/files").ok_or_else(|| invalid("`files` isn't an array"))?;
    let created = time(document.pointer("/creationInfo/created"));
    Ok(Facts { version: version.to_owned(), listed: packages + files, created })
}

/// SPDX 3, <https://spdx.github.io/spdx-spec/v3.0.1/serializations/>: the context is one URL, and names the version.
fn spdx3_version(document: &Json) -> Option<&str> {
    let version = text(document, "/@context")?.strip_prefix("https://spdx.org/rdf/")?.split('/').next()?;
    version.starts_with("3.").then_some(version)
}

fn spdx3(document: &Json, version: &str) -> Result<Facts, SbomError> {
    let invalid = |problem| SbomError::Invalid { standard: "SPDX", problem };
    if !version.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return Err(invalid("`@context` names no version such as `3.0.1`"));
    }
    let graph = document.get("@graph").and_then(Json::as_array).ok_or_else(|| invalid("`@graph` isn't an array"))?;
    let of_type = |kind: &'static str| graph.iter().filter(move |element| text(element, "/type") == Some(kind));
    let root = of_type("SpdxDocument").next().ok_or_else(|| invalid("`@graph` holds no `SpdxDocument`"))?;
    let listed = of_type("software_Package").count() + of_type("software_File").count();
    let information = match root.get("creationInfo") {
        Some(Json::String(id)) => of_type("CreationInfo").find(|information| text(information, "/@id") == Some(id)),
        inline => inline,
    };
    let created = time(information.and_then(|information| information.get("created")));
    Ok(Facts { version: version.to_owned(), listed, created })
}

fn something_else(document: &Json) -> SbomError {
    let has = |key| document.get(key).is_some();
    let context = text(document, "/@context").unwrap_or_default();
    if text(document, "/descriptor/name") == Some("syft") || (has("artifacts") && has("source") && has("distro")) {
        SbomError::Syft
    } else if context.starts_with("https://openvex.dev/ns") {
        SbomError::NotAnSbom { what: "an OpenVEX document" }
    } else if document.pointer("/document/csaf_version").is_some() {
        SbomError::NotAnSbom { what: "a CSAF document" }
    } else {
        SbomError::Unknown
    }
}

fn not_json(bytes: &[u8], source: SyntaxError) -> SbomError {
    let start = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).trim_ascii_start();
    if start.starts_with(b"<") {
        SbomError::Xml
    } else if start.starts_with(b"SPDXVersion:") {
        SbomError::TagValue
    } else {
        SbomError::NotJson { source }
    }
}

fn text<'a>(document: &'a Json, pointer: &str) -> Option<&'a str> {
    document.pointer(pointer).and_then(Json::as_str)
}

fn time(value: Option<&Json>) -> Option<Time> {
    value.and_then(Json::as_str)?.parse().ok()
}

/// Returns how many items there are, none if there is no such array, and nothing if it isn't one.
fn count(document: &Json, pointer: &str) -> Option<usize> {
    document.pointer(pointer).map_or(Some(0), |items| items.as_array().map(<[Json]>::len))
}

fn is_minor_of(version: &str, major: &str) -> bool {
    version.strip_prefix(major).is_some_and(|minor| (1..=2).contains(&minor.len()) && minor.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Sbom::parse(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn syft_json_is_refused_with_the_option_that_gives_an_sbom() {
        let said = error(r#"{"artifacts":[],"source":{},"distro":{},"descriptor":{"name":"syft","version":"1.0.0"}}"#);
        assert!(said.contains("`syft -o cyclonedx-json`") && said.contains("`syft -o spdx-json`"), "{said}");
    }

    #[test]
    fn xml_and_tag_value_are_refused_by_name() {
        assert!(error("<?xml version=\"1.0\"?><bom/>").contains("is XML"));
        assert!(error("\u{FEFF}  <bom/>").contains("is XML"));
        assert!(error("SPDXVersion: SPDX-2.3\n").contains("tag-value"));
    }

    #[test]
    fn what_two_readers_could_read_in_two_ways_is_refused_and_the_place_is_named() {
        let doubled = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","specVersion":"1.5"}"#;
        assert!(error(doubled).contains("duplicate key at byte 45"), "{}", error(doubled));
        let large = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","x":90071992547409921}"#;
        assert!(error(large).contains("number beyond 2^53"), "{}", error(large));
        assert!(error("").contains("unexpected end"));
    }

    #[test]
    fn a_document_that_only_tells_about_vulnerabilities_is_refused() {
        assert!(error(r#"{"bomFormat":"CycloneDX","specVersion":"1.6","vulnerabilities":[]}"#).contains("CycloneDX VEX"));
        assert!(error(r#"{"@context":"https://openvex.dev/ns/v0.2.0","statements":[]}"#).contains("OpenVEX"));
        assert!(error(r#"{"document":{"csaf_version":"2.0"}}"#).contains("CSAF"));
    }

    #[test]
    fn a_document_of_two_standards_is_refused() {
        assert!(error(r#"{"bomFormat":"CycloneDX","specVersion":"1.6","spdxVersion":"SPDX-2.3"}"#).contains("both"));
    }

    #[test]
    fn a_broken_document_is_refused_with_what_is_wrong() {
        assert!(error(r#"{"bomFormat":"CDX","specVersion":"1.6"}"#).contains("`bomFormat`"));
        assert!(error(r#"{"bomFormat":"CycloneDX","specVersion":"1"}"#).contains("`specVersion`"));
        assert!(error(r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":{}}"#).contains("`components`"));
        assert!(error(r#"{"spdxVersion":2,"SPDXID":"SPDXRef-DOCUMENT"}"#).contains("`spdxVersion`"));
        assert!(error(r#"{"spdxVersion":"SPDX-2.3","SPDXID":"x"}"#).contains("`SPDXID`"));
        assert!(error(r#"{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld"}"#).contains("`@graph`"));
        assert!(error("[]").contains("no SBOM that is known"));
    }

    #[test]
    fn a_file_that_fits_no_statement_is_refused() {
        let mut bytes = br#"{"bomFormat":"CycloneDX","specVersion":"1.6"}"#.to_vec();
        bytes.resize(limits::PAYLOAD_BYTES, b' ');
        assert!(Sbom::parse(&bytes).is_ok());
        bytes.push(b' ');
        assert!(matches!(Sbom::parse(&bytes), Err(SbomError::TooLarge)));
    }

    #[test]
    fn spdx_3_takes_its_time_from_the_documents_own_creation_info() {
        let document = r#"{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[
            {"type":"CreationInfo","@id":"_:other","created":"2025-01-01T00:00:00Z"},
            {"type":"CreationInfo","@id":"_:own","created":"2025-12-01T09:00:00Z"},
            {"type":"software_Package","name":"demo"},
            {"type":"SpdxDocument","creationInfo":"_:own"}]}"#;
        let sbom = Sbom::parse(document.as_bytes()).unwrap();
        assert_eq!((sbom.format, sbom.version.as_str(), sbom.listed), (SbomFormat::Spdx, "3.0.1", 1));
        assert_eq!(sbom.created.unwrap().to_string(), "2025-12-01T09:00:00Z");
        assert_eq!(sbom.format.predicate_type(), "https://spdx.dev/Document");
    }
}
