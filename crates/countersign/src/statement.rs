//! in-toto Statement v1 and its parts: who or what a claim is about.
//! What the claim says is the predicate's affair; who signed it is the envelope's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::digest::{Algorithm, Digest, DigestSet};
use crate::json::{self, Json, Object};
use crate::limits;

/// The payload type of an in-toto statement in a DSSE envelope.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// A claim about some subjects (in-toto Statement v1; v0.1 is read, v1 is written).
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// What the claim is about: at least one, none of them twice.
    pub subject: Vec<ResourceDescriptor>,
    /// The URI that says how `predicate` is to be read.
    pub predicate_type: String,
    /// The claim itself, as it came.
    pub predicate: Json,
}

impl Statement {
    /// Makes a statement.
    ///
    /// # Errors
    /// [`StatementError`] for no subject, too many, one without a digest, or one twice.
    pub fn new(subject: Vec<ResourceDescriptor>, predicate_type: impl Into<String>, predicate: Json) -> Result<Self, StatementError> {
        check_subjects(&subject)?;
        Ok(Self { subject, predicate_type: predicate_type.into(), predicate })
    }

    /// Parses the payload of an envelope.
    ///
    /// # Errors
    /// [`StatementError`] for more than [`limits::PAYLOAD_BYTES`], anything but strict JSON, and anything but a statement.
    pub fn parse(payload: &[u8]) -> Result<Self, StatementError> {
        if payload.len() > limits::PAYLOAD_BYTES {
            return Err(StatementError::TooLarge);
        }
        let mut json = Json::parse(payload)?;
        // By far the largest part is taken as it is.
        let predicate = if let Json::Object(members) = &mut json { members.remove("predicate") } else { None };
        let wire: Wire = json.to()?;
        if !STATEMENT_TYPES.contains(&wire.statement_type.as_str()) {
            return Err(StatementError::NotAStatement);
        }
        Self::new(wire.subject, wire.predicate_type, predicate.unwrap_or_default())
    }

    /// Returns the canonical bytes (RFC 8785): what is signed.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let member = |name: &str, value| (name.to_owned(), value);
        Json::Object(Object::from([
            member("_type", Json::from(STATEMENT_V1)),
            // INVARIANT: a descriptor holds only strings, maps of strings and values that are JSON already.
            member("subject", Json::of(&self.subject).unwrap_or(Json::Null)),
            member("predicateType", Json::from(self.predicate_type.as_str())),
            member("predicate", self.predicate.clone()),
        ]))
        .canonical()
    }
}

#[derive(Deserialize)]
struct Wire {
    #[serde(rename = "_type")]
    statement_type: String,
    subject: Vec<ResourceDescriptor>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
}

fn check_subjects(subjects: &[ResourceDescriptor]) -> Result<(), StatementError> {
    if subjects.is_empty() {
        return Err(StatementError::NoSubject);
    }
    if subjects.len() > limits::SUBJECTS {
        return Err(StatementError::TooManySubjects);
    }
    let mut seen = std::collections::BTreeSet::new();
    for subject in subjects {
        if subject.digest.is_empty() {
            return Err(StatementError::SubjectWithoutDigest);
        }
        let key = (subject.name.as_deref(), subject.digest.iter().map(|digest| digest.to_string()).collect::<Vec<_>>());
        if !seen.insert(key) {
            return Err(StatementError::DuplicateSubject);
        }
    }
    Ok(())
}

/// Why bytes are not a statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StatementError {
    /// The payload is over the limit.
    #[error("the statement is larger than {} MiB", limits::PAYLOAD_BYTES >> 20)]
    TooLarge,
    /// The payload is not JSON as we read it.
    #[error("the statement is not JSON: {0}")]
    Syntax(#[from] json::SyntaxError),
    /// The payload hasn't a statement's members.
    #[error("the statement has another shape than in-toto's: {0}")]
    Shape(#[from] json::ShapeError),
    /// `_type` is not a statement's.
    #[error("`_type` is not an in-toto statement of v1 or v0.1")]
    NotAStatement,
    /// `subject` is empty.
    #[error("the statement has no subject")]
    NoSubject,
    /// `subject` is over the limit.
    #[error("the statement has more than {} subjects", limits::SUBJECTS)]
    TooManySubjects,
    /// A subject has no digest.
    #[error("a subject has no digest")]
    SubjectWithoutDigest,
    /// Two subjects have the same name and digests.
    #[error("a subject is named twice")]
    DuplicateSubject,
}

impl StatementError {
    /// Returns true if a limit of ours, not the bytes, is to blame.
    #[must_use]
    pub const fn is_limit(&self) -> bool {
        match self {
            Self::TooLarge | Self::TooManySubjects => true,
            Self::Syntax(error) => error.is_limit(),
            _ => false,
        }
    }
}

/// in-toto's description of one object (`resource_descriptor.md`); members that we don't know are kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceDescriptor {
    /// What the statement calls the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where the object lives or what it is called worldwide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Digests of this one object.
    #[serde(default, skip_serializing_if = "DigestSet::is_empty")]
    pub digest: DigestSet,
    /// The object itself, if it is small.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "base64_out", deserialize_with = "base64_in")]
    pub content: Option<Vec<u8>>,
    /// Where the object can be fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub download_location: Option<String>,
    /// The object's media type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Anything else that the producer says of the object.
    #[serde(default, skip_serializing_if = "Object::is_empty")]
    pub annotations: Object,
    /// Members that in-toto doesn't define.
    #[serde(flatten)]
    pub other: Object,
}

impl ResourceDescriptor {
    /// Describes an object by its name and digests.
    #[must_use]
    pub fn new(name: impl Into<String>, digest: impl Into<DigestSet>) -> Self {
        Self { name: Some(name.into()), digest: digest.into(), ..Self::default() }
    }

    /// Describes an object by its bytes, which go along.
    #[must_use]
    pub fn with_content(name: impl Into<String>, media_type: &str, content: Vec<u8>) -> Self {
        let digest = Digest::sha256(&content).into();
        Self { name: Some(name.into()), digest, media_type: Some(media_type.to_owned()), content: Some(content), ..Self::default() }
    }

    /// Adds the object's URI.
    #[must_use]
    pub fn at(mut self, uri: impl Into<String>) -> Self {
        self.uri = Some(uri.into());
        self
    }

    /// Returns true for a descriptor of that name.
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        self.name.as_deref() == Some(name)
    }

    /// Returns the git commit that this describes.
    #[must_use]
    pub fn git_commit(&self) -> Option<Digest> {
        self.digest.get(Algorithm::GitCommit)
    }
}

fn base64_out<S: Serializer>(content: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
    content.as_ref().map(|bytes| STANDARD.encode(bytes)).serialize(serializer)
}

fn base64_in<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| STANDARD.decode(text)).transpose().map_err(|_| serde::de::Error::custom("`content` is not standard base64"))
}

const STATEMENT_V1: &str = "https://in-toto.io/Statement/v1";
const STATEMENT_TYPES: [&str; 2] = [STATEMENT_V1, "https://in-toto.io/Statement/v0.1"];

#[cfg(test)]
mod tests {
    use super::*;

    const SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn parse(subject: &str) -> Result<Statement, StatementError> {
        let text = format!(
            r#"{{"_type":"https://in-toto.io/Statement/v1","subject":{subject},"predicateType":"https://example.test/p","predicate":{{}}}}"#
        );
        Statement::parse(text.as_bytes())
    }

    #[test]
    fn keeps_predicates_and_members_that_nobody_knows() {
        let text = format!(
            r#"{{"_type":"https://in-toto.io/Statement/v1","predicate":{{"a":[1,null,{{"b":1.5}}]}},"predicateType":"https://example.test/p","subject":[{{"digest":{{"md5":"X","sha256":"{SHA256}"}},"name":"a","new":{{"x":1}}}}]}}"#
        );
        assert_eq!(Statement::parse(text.as_bytes()).unwrap().to_bytes(), text.as_bytes());
    }

    #[test]
    fn reads_the_older_statement_and_writes_the_newer() {
        let text = format!(
            r#"{{"_type":"https://in-toto.io/Statement/v0.1","subject":[{{"name":"a","digest":{{"sha256":"{SHA256}"}}}}],"predicateType":"p"}}"#
        );
        let bytes = Statement::parse(text.as_bytes()).unwrap().to_bytes();
        assert!(String::from_utf8(bytes).unwrap().contains(STATEMENT_V1));
    }

    #[test]
    fn refuses_subjects_that_identify_nothing_or_twice() {
        let good = format!(r#"{{"name":"a","digest":{{"sha256":"{SHA256}"}}}}"#);
        assert!(parse(&format!("[{good}]")).is_ok());
        assert_eq!(parse("[]"), Err(StatementError::NoSubject));
        assert_eq!(parse(r#"[{"name":"a"}]"#), Err(StatementError::SubjectWithoutDigest));
        assert_eq!(parse(&format!("[{good},{good}]")), Err(StatementError::DuplicateSubject));
        assert!(matches!(parse(&good), Err(StatementError::Shape(_))));
        for digest in [SHA256.to_uppercase(), SHA256.chars().take(62).collect()] {
            assert!(matches!(parse(&format!(r#"[{{"name":"a","digest":{{"sha256":"{digest}"}}}}]"#)), Err(StatementError::Shape(_))));
        }
        let many = vec![good; limits::SUBJECTS + 1].join(",");
        assert_eq!(parse(&format!("[{many}]")), Err(StatementError::TooManySubjects));
    }

    #[test]
    fn refuses_an_array_where_an_object_belongs() {
        let subject = format!(r#"[{{"name":"a","digest":{{"sha256":"{SHA256}"}}}}]"#);
        let payload = format!(r#"["https://in-toto.io/Statement/v1",{subject},"https://example.test/p",{{}}]"#);
        assert!(matches!(Statement::parse(payload.as_bytes()), Err(StatementError::Shape(_))));
    }

    #[test]
    fn refuses_content_in_another_base64() {
        let with = |content: &str| parse(&format!(r#"[{{"digest":{{"sha256":"{SHA256}"}},"content":"{content}"}}]"#));
        assert_eq!(with("+/8=").unwrap().subject[0].content.as_deref(), Some(&[0xFB, 0xFF][..]));
        for content in ["-_8=", "+/8", "+/8=\\n", "+/9="] {
            assert!(with(content).is_err(), "{content}");
        }
    }
}
