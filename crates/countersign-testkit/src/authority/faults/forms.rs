//! Ways to break the form of a bundle, or what it signs.
//! What certificates, logs and timestamp authorities say in it is good.

use countersign::json::{Json, Object};

use super::super::Witness;
use super::Bench;

/// A chain of certificates stands where the version has one certificate.
pub(super) fn chain_in_v03(bench: &Bench<'_>) -> Vec<u8> {
    edited(bench, |bundle| {
        let Some(Json::Object(material)) = bundle.get_mut("verificationMaterial") else { panic!("no material") };
        let certificate = material.remove("certificate").expect("a certificate");
        material.insert("x509CertificateChain".to_owned(), crate::case::object([("certificates", Json::Array(vec![certificate]))]));
    })
}

/// The same entry stands in the bundle twice.
pub(super) fn entry_twice(bench: &Bench<'_>) -> Vec<u8> {
    bench.draft(Witness::RekorV1, |draft| draft.entries.push(draft.entries[0].clone()))
}

/// The same timestamp stands in the bundle twice.
pub(super) fn timestamp_twice(bench: &Bench<'_>) -> Vec<u8> {
    bench.draft(Witness::RekorV2AndTimestamp, |draft| draft.tokens.push(draft.tokens[0].clone()))
}

/// The bundle doesn't say what it is.
pub(super) fn media_type_missing(bench: &Bench<'_>) -> Vec<u8> {
    edited(bench, |bundle| {
        bundle.remove("mediaType").expect("a media type");
    })
}

/// The statement was changed after it was signed.
pub(super) fn payload_changed(bench: &Bench<'_>) -> Vec<u8> {
    bench.draft(Witness::RekorV1, |draft| draft.payload = bench.other_payload())
}

fn edited(bench: &Bench<'_>, edit: impl FnOnce(&mut Object)) -> Vec<u8> {
    let Json::Object(mut bundle) = bench.good(Witness::RekorV1).json() else { panic!("no object") };
    edit(&mut bundle);
    Json::Object(bundle).canonical()
}
