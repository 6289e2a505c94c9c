//! Cases about what logs and timestamp authorities say of a signature, and when they may say it.
//! Whom the certificates name is in `identities`.

use countersign::digest::Digest;

use super::certified::{at, moved, trust, trusted_build, workflow};
use super::identities::sign;
use super::{Cases, build_only};
use crate::authority::faults::Bench;
use crate::authority::{Authority, Validity, Witness};
use crate::world::{self, World};

pub(super) fn all(cases: &mut Cases) {
    of_certificates(cases);
    of_keys(cases);
    broken(cases);
    outside_their_time(cases);
}

fn of_certificates(cases: &mut Cases) {
    let mut allow = |name, witness, readme| {
        cases.allow(name, readme, |world| {
            trusted_build(world);
            sign(world, "build", |payload| Authority::new().keyless(&workflow(), payload, witness, at()).bytes());
        });
    };
    allow("allow-certificate-intoto-entry", Witness::RekorV1Intoto, "The log's entry is of the kind that older clients make.");
    allow(
        "allow-certificate-first-entry",
        Witness::FirstOfRekorV2AndTimestamp,
        "The entry is the first of its log and the only one, so the bundle leaves out every number that is zero.",
    );
    cases.allow("allow-certificate-timestamp", "The trust root has no logs, so a timestamp is witness enough.", |world| {
        trusted_build(world);
        rooted(world, Authority::new().trusted_root_without(&["tlogs", "ctlogs"]));
        sign(world, "build", |payload| Authority::new().keyless(&workflow(), payload, Witness::Timestamp, at()).bytes());
    });
    cases.deny_build(
        "deny-certificate-claimed-time-impossible",
        "claimed-time-impossible",
        "The build claims to have ended ten minutes after the log took its signature in.",
        |world| {
            trust(world);
            let early = moved(-600);
            sign(world, "build", |payload| Authority::new().keyless(&workflow(), payload, Witness::RekorV1, early).bytes());
        },
    );
}

fn of_keys(cases: &mut Cases) {
    let mut allow = |name, witness, readme| {
        cases.allow(name, readme, |world| {
            witnessed_key(world);
            sign(world, "build", |payload| Authority::new().managed(&world::key("platform"), payload, witness, at()).bytes());
        });
    };
    allow(
        "allow-key-rekor-v1",
        Witness::RekorV1,
        "The platform's key signed, and the policy's witness is the log that took the signature in.",
    );
    allow(
        "allow-key-rekor-v2",
        Witness::RekorV2AndTimestamp,
        "The platform's key signed, a log has the signature, and a timestamp says when.",
    );
    allow("allow-key-timestamp", Witness::Timestamp, "The platform's key signed, and a timestamp says when.");
    cases.allow(
        "allow-key-bad-witness",
        "The policy asks for no witness. One that nobody can vouch for spoils a signature no more than it helps it.",
        |world| {
            witnessed_key(world);
            world.edit_policy("time: witnessed", "time: unwitnessed");
            sign(world, "build", |payload| Bench::managed(&world::key("platform"), payload, at()).fault("logs/promise_broken"));
        },
    );
    cases.deny_build(
        "deny-key-log-entry-invalid",
        "log-entry-invalid",
        "The platform's key signed, and the time that stands in the log's entry isn't the one that the log signed.",
        |world| {
            ask_for_witness(world);
            sign(world, "build", |payload| Bench::managed(&world::key("platform"), payload, at()).fault("logs/time_changed"));
        },
    );
    cases.deny_build(
        "deny-key-not-yet-valid-when-witnessed",
        "signer-lacks-authority",
        "The platform's entry in the policy began a minute after the log took the signature in.",
        |world| {
            ask_for_witness(world);
            world.edit_policy("custody: local", &format!("custody: local\n    validity: {{notBefore: {}}}", moved(90)));
            sign(world, "build", |payload| Authority::new().managed(&world::key("platform"), payload, Witness::RekorV1, at()).bytes());
        },
    );
    cases.deny(
        "deny-witnessed-too-old",
        &[("built", &["evidence-too-old"])],
        "The build claims to have ended not quite 30 days ago. Its signature was there three minutes before that, which is longer ago.",
        |world| {
            witnessed_key(world);
            sign(world, "build", |payload| {
                Authority::new().managed(&world::key("platform"), payload, Witness::RekorV1, moved(-200)).bytes()
            });
            world.at = moved(30 * 24 * 3600 - 100).to_string();
        },
    );
}

fn broken(cases: &mut Cases) {
    let mut broken = |name, code, fault: &str, readme| {
        cases.deny_build(name, code, readme, |world| {
            trust(world);
            sign(world, "build", |payload| Bench::keyless(&workflow(), payload, at()).fault(fault));
        });
    };
    let log = "log-entry-invalid";
    broken(
        "deny-log-entry-of-another",
        log,
        "logs/entry_of_another_statement",
        "The log's entry, with all its proofs, is of another statement.",
    );
    broken("deny-log-entry-by-stranger", log, "logs/entry_by_another_log", "A log that isn't in the trust root made the entry.");
    broken("deny-log-entry-for-messages", log, "logs/entry_for_messages", "The entry is of a kind that says nothing of statements.");
    broken(
        "deny-log-entry-too-many",
        log,
        "logs/entry_too_many",
        "Beside the signature's own entry stands a good one of another statement.",
    );
    broken("deny-log-time-changed", log, "logs/time_changed", "The entry states a time a second before the one that the log signed.");
    broken("deny-log-promise-of-another", log, "logs/promise_of_another_entry", "The log's promise is of another entry.");
    broken("deny-log-proof-missing", log, "logs/proof_missing", "The log promised to take the entry in, and nothing proves that it did.");
    broken(
        "deny-log-proof-size-changed",
        log,
        "logs/proof_size_changed",
        "The proof states a larger tree than the log signed; it would lead to the same root.",
    );
    broken("deny-log-checkpoint-by-stranger", log, "logs/checkpoint_by_another_log", "A log that isn't in the trust root signed the tree.");
    broken(
        "deny-log-checkpoint-written-on",
        log,
        "logs/checkpoint_with_a_tail",
        "Something was written behind the log's signature on its tree.",
    );
    broken(
        "deny-timestamp-by-stranger",
        "timestamp-invalid",
        "timestamps/by_another_authority",
        "An authority that isn't in the trust root states the time, under the name of one that is.",
    );
    broken(
        "deny-timestamp-edited",
        "timestamp-invalid",
        "timestamps/answer_edited",
        "A bit of the timestamp is another, where no signature covers it.",
    );
    broken("deny-timestamp-twice", "malformed", "forms/timestamp_twice", "The same timestamp stands in the bundle twice.");
}

fn outside_their_time(cases: &mut Cases) {
    let time = |text: &str| text.parse().expect("a time");
    let mut outside = |name, code, list: &str, (from, until), witness, readme| {
        cases.deny_build(name, code, readme, |world| {
            trust(world);
            rooted(world, Authority::new().trusted_root_where(list, Validity { from: time(from), until: time(until) }));
            sign(world, "build", |payload| Authority::new().keyless(&workflow(), payload, witness, at()).bytes());
        });
    };
    let ended = ("2025-01-01T00:00:00Z", "2025-12-01T12:00:00Z");
    let not_begun = ("2025-12-20T00:00:00Z", "2026-01-01T00:00:00Z");
    outside(
        "deny-log-not-begun",
        "log-entry-invalid",
        "tlogs",
        not_begun,
        Witness::RekorV1,
        "The question is asked as of a moment at which the trust root's logs hadn't begun.",
    );
    outside(
        "deny-log-ended",
        "log-entry-invalid",
        "tlogs",
        ended,
        Witness::RekorV2AndTimestamp,
        "The log's key had ended half a minute before the signature was made.",
    );
    outside(
        "deny-timestamp-authority-ended",
        "timestamp-invalid",
        "timestampAuthorities",
        ended,
        Witness::RekorV2AndTimestamp,
        "The timestamp authority had ended half a minute before it stated the time.",
    );
    outside(
        "deny-certificate-authority-ended",
        "certificate-untrusted",
        "certificateAuthorities",
        ended,
        Witness::RekorV1,
        "The certificate authority had ended half a minute before the signature was made.",
    );
    outside(
        "deny-certificate-log-not-begun",
        "certificate-untrusted",
        "ctlogs",
        not_begun,
        Witness::RekorV1,
        "The question is asked as of a moment at which the certificate log hadn't begun.",
    );
}

/// The platform's build alone is asked for, and nothing without a witness counts.
fn witnessed_key(world: &mut World) {
    build_only(world);
    ask_for_witness(world);
}

/// Nothing without a witness counts.
fn ask_for_witness(world: &mut World) {
    world.edit_policy("time: unwitnessed", "time: witnessed");
    world.roots.insert("trusted_root.json".to_owned(), Authority::new().trusted_root());
}

/// Gives another trust root in the place of the one that the policy names.
pub(super) fn rooted(world: &mut World, root: Vec<u8>) {
    let digest = |bytes: &[u8]| Digest::sha256(bytes).to_string();
    world.edit_policy(&digest(&world.roots["trusted_root.json"].clone()), &digest(&root));
    world.roots.insert("trusted_root.json".to_owned(), root);
}
