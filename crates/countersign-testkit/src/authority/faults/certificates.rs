//! Ways to break what a certificate says, or who says it.
//! Log entries and timestamps are good for the signature in each.

use super::super::certificate::{Purpose, Subject, Validity};
use super::super::{Witness, signing_key, validity};
use super::{Bench, flip};

/// Another authority of the same names issued the certificate.
pub(super) fn issued_by_another_authority(bench: &Bench<'_>) -> Vec<u8> {
    let certificates = &bench.another.certificates;
    let log = &bench.authority.certificate_log;
    let certificate = certificates.issue(bench.identity(), &signing_key().public_key_der(), validity(bench.at), log);
    logged(bench, certificate)
}

/// The certificate is for stating times, not for signing.
pub(super) fn issued_for_other_purposes(bench: &Bench<'_>) -> Vec<u8> {
    let certificates = bench.authority.certificates.clone().purpose(Purpose::Times);
    let certificate =
        certificates.issue(bench.identity(), &signing_key().public_key_der(), validity(bench.at), &bench.authority.certificate_log);
    logged(bench, certificate)
}

/// The issuer's signature on the certificate doesn't hold.
pub(super) fn issuers_signature_broken(bench: &Bench<'_>) -> Vec<u8> {
    let mut certificate = good(bench, validity(bench.at));
    flip(&mut certificate, 0);
    logged(bench, certificate)
}

/// The certificate had ended a second before the signature was witnessed.
pub(super) fn expired(bench: &Bench<'_>) -> Vec<u8> {
    logged(bench, good(bench, Validity { from: bench.later(-600), until: bench.later(-1) }))
}

/// The certificate began a second after the signature was witnessed.
pub(super) fn not_yet_valid(bench: &Bench<'_>) -> Vec<u8> {
    logged(bench, good(bench, Validity { from: bench.later(1), until: bench.later(600) }))
}

/// The log's time lies within the certificate's, the timestamp's doesn't.
pub(super) fn expired_at_one_of_two_times(bench: &Bench<'_>) -> Vec<u8> {
    let draft = bench.good(Witness::RekorV1);
    let token = bench.authority.times.stamp(&draft.signature, bench.later(601));
    draft.stamped(token).bytes()
}

/// No log has promised to keep the certificate.
pub(super) fn not_promised(bench: &Bench<'_>) -> Vec<u8> {
    logged(bench, bench.authority.certificates.issue_with(bench.identity(), &signing_key().public_key_der(), validity(bench.at), &[]))
}

/// Two promises stand in the certificate, where there is one log.
pub(super) fn promised_twice(bench: &Bench<'_>) -> Vec<u8> {
    let promise = promise(bench);
    promised(bench, &[promise.clone(), promise])
}

/// A log that nobody knows has promised to keep the certificate.
pub(super) fn promised_by_another_log(bench: &Bench<'_>) -> Vec<u8> {
    let certificates = &bench.authority.certificates;
    logged(bench, certificates.issue(bench.identity(), &signing_key().public_key_der(), validity(bench.at), &bench.another.certificate_log))
}

/// The log has promised to keep another certificate.
pub(super) fn promised_for_another(bench: &Bench<'_>) -> Vec<u8> {
    let (authority, validity) = (&bench.authority, validity(bench.at));
    let mut other = bench.identity().clone();
    other.issuer.push_str("/other");
    let body = authority.certificates.signer_body(&other, &signing_key().public_key_der(), validity, &[]);
    promised(bench, &[authority.certificate_log.promise(&body, &authority.certificates.public_key_der(), validity.from)])
}

/// The log's signature on its promise doesn't hold.
pub(super) fn promise_broken(bench: &Bench<'_>) -> Vec<u8> {
    let mut promise = promise(bench);
    flip(&mut promise, 0);
    promised(bench, &[promise])
}

/// The certificate vouches for another key than the one that signed.
pub(super) fn of_another_key(bench: &Bench<'_>) -> Vec<u8> {
    let authority = &bench.authority;
    let other = super::super::fixed_key(countersign_sign::KeyType::P256, 0x31);
    let certificate =
        authority.certificates.issue(bench.identity(), &other.public_key_der(), validity(bench.at), &authority.certificate_log);
    logged(bench, certificate)
}

/// The signer's certificate was put in the place of another's, whose key is the same and whose name is in the log.
pub(super) fn of_another_signature(bench: &Bench<'_>) -> Vec<u8> {
    let mut other = bench.identity().clone();
    other.subject = Subject::Uri("https://example.test/other".to_owned());
    bench.draft(Witness::RekorV1, |draft| {
        let logged = bench.authority.keyless(&other, bench.payload, Witness::RekorV1, bench.at);
        draft.entries = logged.entries;
    })
}

/// The certificate names somebody else.
pub(super) fn of_another_subject(bench: &Bench<'_>) -> Vec<u8> {
    named(bench, |text| Subject::Uri(format!("{text}-too")))
}

/// Another issuer vouches for the same name.
pub(super) fn of_another_issuer(bench: &Bench<'_>) -> Vec<u8> {
    let mut identity = bench.identity().clone();
    identity.issuer = "https://other-issuer.example.test".to_owned();
    bench.authority.keyless(&identity, bench.payload, Witness::RekorV1, bench.at).bytes()
}

/// The certificate gives the same name as an email address.
pub(super) fn of_an_email_address(bench: &Bench<'_>) -> Vec<u8> {
    named(bench, Subject::Email)
}

/// The certificate gives the same name as a host's, which is no identity.
pub(super) fn of_a_host(bench: &Bench<'_>) -> Vec<u8> {
    named(bench, Subject::Dns)
}

/// There is a timestamp, and no log entry where the trust root has logs.
pub(super) fn logged_by_nobody(bench: &Bench<'_>) -> Vec<u8> {
    bench.good(Witness::Timestamp).bytes()
}

fn named(bench: &Bench<'_>, name: impl FnOnce(String) -> Subject) -> Vec<u8> {
    let mut identity = bench.identity().clone();
    let (Subject::Uri(text) | Subject::Email(text) | Subject::Dns(text)) = &identity.subject;
    identity.subject = name(text.clone());
    bench.authority.keyless(&identity, bench.payload, Witness::RekorV1, bench.at).bytes()
}

fn good(bench: &Bench<'_>, validity: Validity) -> Vec<u8> {
    bench.authority.certificates.issue(bench.identity(), &signing_key().public_key_der(), validity, &bench.authority.certificate_log)
}

fn promise(bench: &Bench<'_>) -> Vec<u8> {
    let (authority, validity) = (&bench.authority, validity(bench.at));
    let body = authority.certificates.signer_body(bench.identity(), &signing_key().public_key_der(), validity, &[]);
    authority.certificate_log.promise(&body, &authority.certificates.public_key_der(), validity.from)
}

fn promised(bench: &Bench<'_>, promises: &[Vec<u8>]) -> Vec<u8> {
    logged(bench, bench.authority.certificates.issue_with(bench.identity(), &signing_key().public_key_der(), validity(bench.at), promises))
}

fn logged(bench: &Bench<'_>, certificate: Vec<u8>) -> Vec<u8> {
    bench.authority.witnessed(bench.certified(certificate), Witness::RekorV1, bench.at).bytes()
}
