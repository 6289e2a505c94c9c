//! Envelopes (DSSE): the part of a bundle that is signed, and those in no bundle, as in-toto's own tools write them.
//! What the payload says, and who signed it, is read elsewhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{BundleError, form};
use crate::json::Json;

/// One envelope with one signature, of any payload type. Nothing in it is verified.
///
/// What it calls the key (`keyid`) is anybody's choice, and isn't looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    payload_type: String,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl Envelope {
    /// Reads an envelope, as strictly as one within a bundle.
    ///
    /// # Errors
    /// [`BundleError`] for unknown or doubled fields, other than one signature, and base64 of any but the standard
    /// alphabet.
    pub fn parse(bytes: &[u8]) -> Result<Self, BundleError> {
        Self::of(&form::parsed(bytes)?)
    }

    /// Returns true if the JSON is an envelope's rather than a bundle's: no bundle has these fields at its top.
    pub(super) fn is_one(json: &Json) -> bool {
        ["payload", "payloadType", "signatures"].into_iter().any(|name| json.get(name).is_some())
    }

    pub(super) fn of(json: &Json) -> Result<Self, BundleError> {
        form::ENVELOPE.check(json)?;
        let Some([signature]) = json.get("signatures").and_then(Json::as_array) else { return Err(BundleError::NotOneSignature) };
        let text =
            |json: &Json, name: &'static str| json.get(name).and_then(Json::as_str).map(str::to_owned).ok_or(BundleError::Missing(name));
        let decoded = |json, name| STANDARD.decode(text(json, name)?).map_err(|_| BundleError::Base64(name.to_owned()));
        Ok(Self { payload_type: text(json, "payloadType")?, payload: decoded(json, "payload")?, signature: decoded(signature, "sig")? })
    }

    /// Returns the type of the payload.
    #[must_use]
    pub fn payload_type(&self) -> &str {
        &self.payload_type
    }

    /// Returns the payload, which anybody may have written.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Returns the signature.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::{Bundle, Material};
    use crate::digest::Digest;

    const STATEMENT: &str = r#"{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}],"predicateType":"https://example.test/p","predicate":{}}"#;

    fn envelope(payload_type: &str, signatures: &str) -> Vec<u8> {
        let payload = STANDARD.encode(STATEMENT);
        format!(r#"{{"payload":"{payload}","payloadType":"{payload_type}","signatures":{signatures}}}"#).into_bytes()
    }

    #[test]
    fn an_envelope_in_no_bundle_is_evidence_by_a_key_that_is_not_named() {
        let bytes = envelope("application/vnd.in-toto+json", r#"[{"keyid":"whatever","sig":"YQ=="}]"#);
        let bundle = Bundle::parse(&bytes).unwrap();
        assert_eq!(bundle.material(), &Material::Key { hint: String::new() });
        assert_eq!((bundle.bytes(), bundle.digest()), (&*bytes, &Digest::sha256(&bytes)));
        assert_eq!(bundle.unverified_payload(), STATEMENT.as_bytes());
        assert!(!bundle.has_witnesses());
    }

    #[test]
    fn an_envelope_is_read_in_one_way_only() {
        let in_toto = "application/vnd.in-toto+json";
        for signatures in [
            "[]",
            r#"[{"sig":"YQ=="},{"sig":"YQ=="}]"#,
            r#"{"sig":"YQ=="}"#,
            "[{}]",
            r#"[{"sig":"Y-=="}]"#,
            r#"[{"sig":"YQ==","cert":""}]"#,
        ] {
            assert!(Bundle::parse(&envelope(in_toto, signatures)).is_err(), "{signatures}");
        }
        let good = String::from_utf8(envelope(in_toto, r#"[{"sig":"YQ=="}]"#)).unwrap();
        for (from, to) in [
            ("{\"payload\":", "{\"payloadType\":\"a\",\"payload\":"),
            ("{\"payload\":", "{\"mediaType\":\"a\",\"payload\":"),
            ("{\"payload\":", "{\"verificationMaterial\":{},\"payload\":"),
            ("\"payload\":", "\"load\":"),
        ] {
            assert!(Bundle::parse(good.replacen(from, to, 1).as_bytes()).is_err(), "{to}");
        }
        let other = envelope("text/plain", r#"[{"sig":"YQ=="}]"#);
        assert!(matches!(Bundle::parse(&other), Err(BundleError::PayloadType(_))));
        assert_eq!(Envelope::parse(&other).unwrap().payload_type(), "text/plain");
    }
}
