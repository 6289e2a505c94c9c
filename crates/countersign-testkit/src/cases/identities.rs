//! Cases about whom a certificate names, and whether it's one whom the policy knows.
//! What proves the certificate, and when it had to hold, is in `certified` and `witnesses`.

use countersign::digest::Digest;

use super::Cases;
use super::certified::{at, trust, trusted_build, workflow};
use crate::authority::faults::Bench;
use crate::authority::{Authority, Identity, Subject, Witness};
use crate::world::{self, Signed, World};

pub(super) fn all(cases: &mut Cases) {
    allowed(cases);
    by_patterns(cases);
    somebody_else(cases);
    broken(cases);
}

fn allowed(cases: &mut Cases) {
    cases.allow(
        "allow-identity-of-a-person",
        "A person signed the SBOM under a certificate, which names them by their email address.",
        |world| {
            let root = Authority::new().trusted_root();
            let key = format!("key: {}", world::public_key("maintainer").to_base64());
            let person = Identity::person("maintainer@example.test");
            let identity = format!(
                "identity: {{issuer: \"{}\", subject: maintainer@example.test, trustRoot: {}}}",
                person.issuer,
                Digest::sha256(&root)
            );
            world.edit_policy(&key, &identity);
            world.roots.insert("trusted_root.json".to_owned(), root);
            sign(world, "sbom", |payload| Authority::new().keyless(&person, payload, Witness::RekorV1AndTimestamp, at()).bytes());
        },
    );
    cases.allow(
        "allow-identity-by-pattern",
        "The policy knows the workflow on any branch, and this one's repository by its claim.",
        |world| {
            trusted_build(world);
            let subject = format!("subject: \"{}/.pipeline/build.yml@{}\"", world::REPOSITORY, world::BRANCH);
            let pattern = format!(
                "subject: {{glob: \"{0}/.pipeline/build.yml@refs/heads/*\"}}, extensions: {{sourceRepositoryUri: \"{0}\"}}",
                world::REPOSITORY
            );
            world.edit_policy(&subject, &pattern);
            sign(world, "build", keyless);
        },
    );
    cases.allow("allow-root-beside", "Two trust roots are given, and the policy names the one that vouches for the workflow.", |world| {
        trusted_build(world);
        world.roots.insert("other-trusted_root.json".to_owned(), Authority::another().trusted_root());
        sign(world, "build", keyless);
    });
}

/// What a pattern must not take in.
fn by_patterns(cases: &mut Cases) {
    let subject = format!("subject: \"{}/.pipeline/build.yml@{}\"", world::REPOSITORY, world::BRANCH);
    let branch = format!("refs/heads/x@{}", world::BRANCH);
    let disguised = Identity::workflow(world::REPOSITORY, ".pipeline/build.yml", &branch, world::base().hex());
    let signed_on_it = |payload: &[u8]| Authority::new().keyless(&disguised, payload, Witness::RekorV1, at()).bytes();
    for (name, pattern) in
        [("deny-identity-glob-of-a-branch-in-disguise", "glob: \"**"), ("deny-identity-regex-of-a-branch-in-disguise", "regex: \".*")]
    {
        cases.deny_build(
            name,
            "signer-unknown",
            "The policy knows the workflow on one branch, by a pattern. The run was on a branch whose own name ends like that one's.",
            |world| {
                trust(world);
                let pattern = pattern.replace(": \"", &format!(": \"{}/", world::REPOSITORY));
                world.edit_policy(&subject, &format!("subject: {{{pattern}@{}\"}}", world::BRANCH));
                sign(world, "build", signed_on_it);
            },
        );
    }
    cases.allow(
        "allow-identity-of-a-branch-in-disguise",
        "The run was on a branch whose own name ends like another's. The policy writes it out, so nothing is taken for anything else.",
        |world| {
            trusted_build(world);
            world.edit_policy(&subject, &subject.replace(world::BRANCH, &branch));
            sign(world, "build", signed_on_it);
        },
    );
    cases.deny_build(
        "deny-identity-in-disguise-that-may-be-a-lower-signer",
        "signer-unknown",
        "The policy writes the disguised name out as the platform's, and a pattern for agents may mean it, too. Who may be the lower of both \
         isn't taken for the higher.",
        |world| {
            trust(world);
            world.edit_policy(&subject, &subject.replace(world::BRANCH, &branch));
            agents_too(world);
            sign(world, "build", signed_on_it);
        },
    );
    cases.deny_build(
        "deny-identity-pattern-of-another-kind",
        "signer-unknown",
        "The policy means whoever has an email address at a host. The workflow's name ends like one, and is a URI.",
        |world| {
            trust(world);
            world.edit_policy(&subject, "subject: {glob: \"**@example.test\"}");
            let named_like_a_person =
                Identity { subject: Subject::Uri("https://example.test/maintainer@example.test".to_owned()), ..workflow() };
            sign(world, "build", |payload| Authority::new().keyless(&named_like_a_person, payload, Witness::RekorV1, at()).bytes());
        },
    );
    cases.deny_build(
        "deny-identity-of-overlapping-kinds",
        "signer-lacks-authority",
        "The policy names the workflow as the platform, and takes in all workflows of the repository as agents. The lower of both counts.",
        |world| {
            trust(world);
            agents_too(world);
            sign(world, "build", keyless);
        },
    );
}

/// Takes in all workflows of the repository as agents.
fn agents_too(world: &mut World) {
    let agents = format!(
        "signers:\n  - id: agents\n    kind: agent\n    identity: {{issuer: \"https://issuer.example.test\", subject: {{glob: \"{}/**\"}}, trustRoot: {}}}\n    mayAttest: [{{predicate: \"https://example.test/note/v1\", ceiling: harness}}]\n",
        world::REPOSITORY,
        Digest::sha256(&Authority::new().trusted_root()),
    );
    world.edit_policy("signers:\n", &agents);
}

/// Good bundles of those whom the policy doesn't know.
fn somebody_else(cases: &mut Cases) {
    let mut unknown = |name, fault: &str, readme| {
        cases.deny_build(name, "signer-unknown", readme, |world| {
            trust(world);
            sign(world, "build", |payload| Bench::keyless(&workflow(), payload, at()).fault(fault));
        });
    };
    unknown("deny-identity-of-another-subject", "certificates/of_another_subject", "The certificate names another workflow.");
    unknown("deny-identity-of-another-issuer", "certificates/of_another_issuer", "Another issuer vouches for a workflow of the same name.");
    unknown(
        "deny-identity-email-for-uri",
        "certificates/of_an_email_address",
        "The certificate gives the workflow's name as an email address.",
    );
    unknown(
        "deny-identity-of-a-host",
        "certificates/of_a_host",
        "The certificate gives the workflow's name as a host's, which is no identity.",
    );
    cases.deny_build(
        "deny-identity-under-another-root",
        "signer-unknown",
        "The certificate has the right name, and the trust root that vouches for it isn't the one that the policy names.",
        |world| {
            trust(world);
            world.roots.insert("other-trusted_root.json".to_owned(), Authority::another().trusted_root());
            sign(world, "build", |payload| Authority::another().keyless(&workflow(), payload, Witness::RekorV1, at()).bytes());
        },
    );
    cases.deny_build(
        "deny-identity-other-claim",
        "signer-unknown",
        "The policy asks for a run that somebody dispatched, and it was a push.",
        |world| {
            trust(world);
            world.edit_policy(
                "issuer: \"https://issuer.example.test\",",
                "issuer: \"https://issuer.example.test\", extensions: {buildTrigger: workflow_dispatch},",
            );
            sign(world, "build", keyless);
        },
    );
    cases.deny_build(
        "deny-identity-for-a-key",
        "signer-unknown",
        "The policy knows the platform by its certificate, and its key signed without one.",
        trust,
    );
}

fn broken(cases: &mut Cases) {
    let mut broken = |name, code, fault: &str, readme| {
        cases.deny_build(name, code, readme, |world| {
            trust(world);
            sign(world, "build", |payload| Bench::keyless(&workflow(), payload, at()).fault(fault));
        });
    };
    broken(
        "deny-certificate-of-another-signature",
        "log-entry-invalid",
        "certificates/of_another_signature",
        "The log wrote down another certificate of the same key. The workflow's was put in its place.",
    );
    broken(
        "deny-certificate-of-another-key",
        "signature-invalid",
        "certificates/of_another_key",
        "The certificate is the workflow's, and vouches for another key than the one that signed.",
    );
    broken(
        "deny-certificate-not-promised",
        "certificate-untrusted",
        "certificates/not_promised",
        "No certificate log has promised to keep the certificate, and the trust root has one.",
    );
    broken(
        "deny-certificate-promised-for-another",
        "certificate-untrusted",
        "certificates/promised_for_another",
        "What the certificate log promised to keep is another certificate.",
    );
    broken(
        "deny-certificate-for-times",
        "certificate-untrusted",
        "certificates/issued_for_other_purposes",
        "The certificate is for stating times, not for signing.",
    );
    broken(
        "deny-certificate-not-yet-valid",
        "certificate-expired",
        "certificates/not_yet_valid",
        "The certificate began a second after the log took the entry in.",
    );
    broken(
        "deny-certificate-expired-at-one-time",
        "certificate-expired",
        "certificates/expired_at_one_of_two_times",
        "The certificate held when the log took the entry in, and not any more when the timestamp was made.",
    );
}

/// Replaces a piece of evidence by a bundle of the same statement.
pub(super) fn sign(world: &mut World, name: &str, bundle: impl FnOnce(&[u8]) -> Vec<u8>) {
    let Signed::By(_, statement) = &world.bundles[name] else { panic!("no statement {name}") };
    let bytes = bundle(&statement.to_bytes());
    world.bundles.insert(name.to_owned(), Signed::Bytes(bytes));
}

fn keyless(payload: &[u8]) -> Vec<u8> {
    Authority::new().keyless(&workflow(), payload, Witness::RekorV1, at()).bytes()
}
