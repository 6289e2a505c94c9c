//! The identity that a certificate names, and what else it says about the run that it was issued to.
//! Whether the certificate may be believed is `verify`'s affair.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sigstore_crypto::{CertificateInfo, FulcioCiClaims, SubjectAltName, parse_certificate_info};
use sigstore_types::DerCertificate;

use crate::limits;

/// An identity: to whom an issuer of tokens vouched, as a certificate repeats it.
///
/// The same issuer and subject under another trust root is another identity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Identity {
    /// Who vouched: the issuer of the token.
    pub issuer: String,
    /// For whom: an email address or a URI, and which of both.
    pub subject: Subject,
    /// What else the certificate says, extension by extension.
    pub extensions: BTreeMap<Extension, String>,
}

/// The name in a certificate.
///
/// The text alone tells the kinds apart: a URI begins with its scheme and a colon, and an email address that had a colon
/// would give no identity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Subject {
    /// A person's email address.
    Email(String),
    /// A workload's URI.
    Uri(String),
}

impl Subject {
    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Email(text) | Self::Uri(text) => text,
        }
    }

    pub(crate) const fn kind(&self) -> SubjectKind {
        match self {
            Self::Email(_) => SubjectKind::Email,
            Self::Uri(_) => SubjectKind::Uri,
        }
    }
}

/// Which of the names in a certificate is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SubjectKind {
    Email,
    Uri,
}

impl SubjectKind {
    /// Tells the kind of a name by its beginning: a scheme and a colon (RFC 3986 §3.1), or not.
    pub(crate) fn of(text: &str) -> Self {
        let is_scheme = |scheme: &str| {
            let rest = scheme.strip_prefix(|first: char| first.is_ascii_alphabetic());
            rest.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')))
        };
        if text.split_once(':').is_some_and(|(scheme, _)| is_scheme(scheme)) { Self::Uri } else { Self::Email }
    }
}

impl Identity {
    /// Reads the identity that a certificate (DER) claims; `None` where it claims none that policies have words for.
    pub(crate) fn claimed_by(certificate: &DerCertificate) -> Option<Self> {
        Self::of(&parse_certificate_info(certificate).ok()?)
    }

    /// Reads the identity in what was read of a certificate.
    pub(crate) fn of(info: &CertificateInfo) -> Option<Self> {
        let subject = match info.identity.as_ref()? {
            // Nobody's name has a control character, and whoever prints one obeys it.
            SubjectAltName::Email(text) | SubjectAltName::Uri(text) if text.contains(char::is_control) => return None,
            SubjectAltName::Email(text) if text.contains('@') && !text.contains(':') => Subject::Email(text.clone()),
            SubjectAltName::Uri(text) if SubjectKind::of(text) == SubjectKind::Uri => Subject::Uri(text.clone()),
            _ => return None,
        };
        let issuer = info.issuer.clone().filter(|issuer| !issuer.is_empty() && !issuer.contains(char::is_control))?;
        let identity = Self { issuer, subject, extensions: extensions(&info.ci_claims) };
        let longest = identity.extensions.values().map(String::len).chain([identity.issuer.len(), identity.subject.as_str().len()]).max();
        longest.is_some_and(|longest| longest <= limits::IDENTITY_BYTES).then_some(identity)
    }
}

macro_rules! extensions {
    ($($(#[doc = $doc:literal])+ $name:ident = $field:ident,)+) => {
        /// What a certificate of Fulcio can say beside who: its extensions 1.3.6.1.4.1.57264.1.9 to .24, in that order
        /// (<https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md>). Policies name them in lowerCamelCase.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        #[non_exhaustive]
        pub enum Extension { $($(#[doc = $doc])+ $name,)+ }

        impl Extension {
            /// Returns the name that policies use.
            #[must_use]
            pub fn name(self) -> String {
                match crate::json::Json::of(&self) {
                    Ok(crate::json::Json::String(name)) => name,
                    _ => String::new(),
                }
            }
        }

        pub(super) fn extensions(claims: &FulcioCiClaims) -> BTreeMap<Extension, String> {
            let all = [$((Extension::$name, &claims.$field),)+];
            all.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
        }
    };
}

extensions! {
    /// The build configuration that asked for the certificate, with its ref.
    BuildSignerUri = build_signer_uri,
    /// The commit of that configuration.
    BuildSignerDigest = build_signer_digest,
    /// Whether the runner is the provider's own.
    RunnerEnvironment = runner_environment,
    /// The repository that was built.
    SourceRepositoryUri = source_repository_uri,
    /// The commit that was built.
    SourceRepositoryDigest = source_repository_digest,
    /// The ref that was built.
    SourceRepositoryRef = source_repository_ref,
    /// The provider's lasting number of the repository.
    SourceRepositoryIdentifier = source_repository_identifier,
    /// The repository's owner.
    SourceRepositoryOwnerUri = source_repository_owner_uri,
    /// The provider's lasting number of the owner.
    SourceRepositoryOwnerIdentifier = source_repository_owner_identifier,
    /// The build configuration that ran, with its ref.
    BuildConfigUri = build_config_uri,
    /// The commit of that configuration.
    BuildConfigDigest = build_config_digest,
    /// The event that began the run.
    BuildTrigger = build_trigger,
    /// The run.
    RunInvocationUri = run_invocation_uri,
    /// Who could see the repository then.
    SourceRepositoryVisibilityAtSigning = source_repository_visibility_at_signing,
    /// The environment that the run deploys to, behind the provider's own gates.
    DeploymentEnvironment = deployment_environment,
    /// The subject of the token, unchanged.
    TokenSubject = token_subject,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Json;

    #[test]
    fn nobody_is_called_by_what_a_terminal_obeys() {
        let bundle = Json::parse(include_bytes!("../../../../testdata/cases/allow-certificate-rekor-v1/build.sigstore.json")).unwrap();
        let certificate = bundle.pointer("/verificationMaterial/certificate/rawBytes").and_then(Json::as_str).unwrap();
        let certificate = DerCertificate::new(base64::Engine::decode(&base64::engine::general_purpose::STANDARD, certificate).unwrap());
        let good = parse_certificate_info(&certificate).unwrap();
        assert!(Identity::of(&good).is_some());
        for identity in
            [SubjectAltName::Email("a\u{1b}[2J@example.test".to_owned()), SubjectAltName::Uri("https://a.test/\u{9b}2J".to_owned())]
        {
            let mut info = good.clone();
            info.identity = Some(identity);
            assert_eq!(Identity::of(&info), None);
        }
        let mut info = good;
        info.issuer = Some("https://issuer.test\r\n".to_owned());
        assert_eq!(Identity::of(&info), None);
    }

    #[test]
    fn a_name_is_an_email_address_unless_it_begins_with_a_scheme() {
        for uri in ["https://example.test/o/r", "spiffe://example.test/a", "urn:a@example.test", "a+b-c.d1:"] {
            assert_eq!(SubjectKind::of(uri), SubjectKind::Uri, "{uri}");
        }
        for email in ["a@example.test", "*@example.test", "**", "", ":", "1a:b", "//example.test:80", "a@b:c", "(https|http)://a"] {
            assert_eq!(SubjectKind::of(email), SubjectKind::Email, "{email}");
        }
    }
}
