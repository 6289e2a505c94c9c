//! Cases in which a certificate or a witness decides: the build's platform is known by its identity.
//! The authority that issues and witnesses stands in `authority`.

use countersign::decision::Answer;
use countersign::digest::{Algorithm, Digest, DigestSet};
use countersign::time::Time;

use super::witnesses::rooted;
use super::{Cases, build_only};
use crate::authority::{Authority, Draft, Identity, Material, Validity, Version, Witness, signing_key};
use crate::case::Expect;
use crate::faults;
use crate::world::{self, Signed, World};

pub(super) fn all(cases: &mut Cases) {
    allowed(cases);
    refused(cases);
    cases.error(
        "error-trust-missing",
        "trust-missing",
        "The policy knows a signer by a certificate, and no trust root was given.",
        |world| {
            trust(world);
            world.roots.clear();
        },
    );
    let unsupported = ["by-agent", "model", "owner", "sandbox"].map(|id| (id, vec!["subject-digest-unsupported"]));
    let unsupported = Expect::Decision(Answer::Undetermined, unsupported.to_vec());
    let readme =
        "The agent's run names its commit by git's digest only, and the log's entry is of a kind that can't be verified without another.";
    cases.add("undetermined-subject-digest-unsupported", readme, unsupported, |world| {
        trust(world);
        faults::ask_about_commit(world);
        git_only(world);
        certify(world, "agent-run", &Authority::new(), Witness::RekorV1, |_, draft| draft);
    });
}

fn allowed(cases: &mut Cases) {
    let mut allow = |name, readme, witness, edit: fn(&Authority, Draft) -> Draft| {
        cases.allow(name, readme, |world| {
            trusted_build(world);
            certify(world, "build", &Authority::new(), witness, edit);
        });
    };
    allow(
        "allow-certificate-rekor-v1",
        "The build is signed under a certificate, and Rekor v1 has promised and proved an entry.",
        Witness::RekorV1,
        |_, draft| draft,
    );
    allow(
        "allow-certificate-rekor-v2",
        "The build is signed under a certificate, logged by Rekor v2, and a timestamp says when.",
        Witness::RekorV2AndTimestamp,
        |_, draft| draft,
    );
    cases.allow(
        "allow-certificate-git-only",
        "The agent's run names its commit by git's digest only; the log's entry is of the signed bytes themselves.",
        |world| {
            trust(world);
            faults::ask_about_commit(world);
            git_only(world);
            certify(world, "agent-run", &Authority::new(), Witness::RekorV2AndTimestamp, |_, draft| draft);
        },
    );
    cases.allow("allow-bundle-v0.2", "The build's bundle is of v0.2, which the policy lists.", |world| {
        trusted_build(world);
        world.edit_policy("time: witnessed", "time: witnessed\nbundles: [v0.2, v0.3]");
        certify(world, "build", &Authority::new(), Witness::RekorV1, |_, draft| draft.version(Version::V02));
    });
    cases.allow("allow-key-retired-after-witness", "The platform's key was retired, after a timestamp proves that it signed.", |world| {
        build_only(world);
        world.roots.insert("trusted_root.json".to_owned(), Authority::new().trusted_root());
        world.edit_policy("custody: local", "custody: local\n    validity: {notAfter: 2025-12-10T00:00:00Z}");
        let Signed::By(key, statement) = &world.bundles["build"] else { panic!("no statement") };
        let draft = Authority::new().managed(&world::key(key), &statement.to_bytes(), Witness::Timestamp, at());
        world.bundles.insert("build".to_owned(), Signed::Bytes(draft.bytes()));
    });
}

fn refused(cases: &mut Cases) {
    let mut deny = |name, code, readme, witness, edit: fn(&Authority, Draft) -> Draft| {
        cases.deny_build(name, code, readme, |world| {
            trust(world);
            certify(world, "build", &Authority::new(), witness, edit);
        });
    };
    deny(
        "deny-certificate-expired",
        "certificate-expired",
        "The certificate had expired an hour before the timestamp says that the signature was made.",
        Witness::Timestamp,
        |authority, draft| {
            let (from, until) = (moved(-7200), moved(-3600));
            let validity = Validity { from, until };
            let certificate =
                authority.certificates.issue(&workflow(), &signing_key().public_key_der(), validity, &authority.certificate_log);
            authority.witnessed(Draft { material: Material::Certificate(certificate), ..draft }, Witness::RekorV1AndTimestamp, at())
        },
    );
    deny(
        "deny-log-entry-invalid",
        "log-entry-invalid",
        "One hash of the proof that the log includes the entry is another.",
        Witness::RekorV1,
        |_, mut draft| {
            draft.entries[0].proof.as_mut().expect("a proof").hashes[0][0] ^= 1;
            draft
        },
    );
    deny(
        "deny-log-entry-missing",
        "log-entry-invalid",
        "A timestamp says when the signature was made, and no log has an entry of it, though the trust root has logs.",
        Witness::Timestamp,
        |_, draft| draft,
    );
    deny(
        "deny-timestamp-invalid",
        "timestamp-invalid",
        "The timestamp is one of another signature.",
        Witness::RekorV2AndTimestamp,
        |authority, mut draft| {
            draft.tokens = vec![authority.times.stamp(b"another signature", at())];
            draft
        },
    );
    deny(
        "deny-log-unknown",
        "log-entry-invalid",
        "The entry names a log that isn't in the trust root; another log that is there has signed for it.",
        Witness::RekorV2AndTimestamp,
        |_, mut draft| {
            draft.entries[0].log_id[0] ^= 1;
            draft
        },
    );
    deny(
        "deny-certificate-time-unwitnessed",
        "time-unwitnessed",
        "Rekor v2 has logged the signature, and nothing says when it was made: nobody knows when the certificate had to hold.",
        Witness::RekorV2AndTimestamp,
        |_, mut draft| {
            draft.tokens.clear();
            draft
        },
    );
    deny("deny-bundle-v0.1", "malformed", "The build's bundle is of v0.1, which the policy doesn't list.", Witness::RekorV1, |_, draft| {
        draft.version(Version::V01)
    });
    cases.deny_build(
        "deny-certificate-untrusted",
        "certificate-untrusted",
        "The certificate names the right identity; an authority of the same name has issued it that nobody trusts.",
        |world| {
            trust(world);
            certify(world, "build", &Authority::new(), Witness::RekorV1AndTimestamp, |authority, draft| {
                let other = Authority::another();
                let validity = Validity { from: moved(-30), until: moved(570) };
                let certificate = other.certificates.issue(&workflow(), &signing_key().public_key_der(), validity, &other.certificate_log);
                authority.witnessed(Draft { material: Material::Certificate(certificate), ..draft }, Witness::RekorV1AndTimestamp, at())
            });
        },
    );
    cases.deny_build(
        "deny-certificate-of-another-instance",
        "certificate-untrusted",
        "The workflow's certificate and its witnesses are of another instance of Sigstore, whose trust root wasn't given.",
        |world| {
            trust(world);
            certify(world, "build", &Authority::elsewhere(), Witness::RekorV1AndTimestamp, |_, draft| draft);
        },
    );
    cases.deny_build(
        "deny-certificate-of-a-root-not-given",
        "certificate-untrusted",
        "The policy knows the workflow under another instance's trust root, which wasn't given: to trust it is what is missing.",
        |world| {
            trust(world);
            let [given, named] = [Authority::new(), Authority::elsewhere()].map(|authority| Digest::sha256(&authority.trusted_root()));
            world.edit_policy(&given.to_string(), &named.to_string());
            certify(world, "build", &Authority::elsewhere(), Witness::RekorV1AndTimestamp, |_, draft| draft);
        },
    );
    cases.deny_build(
        "deny-certificate-without-witness",
        "time-unwitnessed",
        "The trust root has no logs, and the bundle has no timestamp either: nobody knows when the certificate had to hold.",
        |world| {
            trust(world);
            rooted(world, Authority::new().trusted_root_without(&["tlogs", "ctlogs"]));
            certify(world, "build", &Authority::new(), Witness::Timestamp, |_, draft| Draft { tokens: Vec::new(), ..draft });
        },
    );
    cases.deny_build(
        "deny-witness-after-question",
        "log-entry-invalid",
        "The question is asked as of a moment at which the log hadn't taken the entry in.",
        |world| {
            trust(world);
            certify(world, "build", &Authority::new(), Witness::RekorV1, |_, draft| draft);
            world.at = moved(-60).to_string();
        },
    );
}

/// The platform is known by the identity of its workflow, and nothing without a witness counts.
pub(super) fn trust(world: &mut World) {
    let root = Authority::new().trusted_root();
    let key = format!("key: {}\n    custody: local", world::public_key("platform").to_base64());
    let identity = format!(
        "identity: {{issuer: \"https://issuer.example.test\", subject: \"{}/.pipeline/build.yml@{}\", trustRoot: {}}}",
        world::REPOSITORY,
        world::BRANCH,
        Digest::sha256(&root),
    );
    world.edit_policy(&key, &identity);
    world.edit_policy("time: unwitnessed", "time: witnessed");
    world.roots.insert("trusted_root.json".to_owned(), root);
}

pub(super) fn trusted_build(world: &mut World) {
    build_only(world);
    trust(world);
}

/// Signs a statement of the world under a certificate of the platform's workflow, and has it witnessed.
fn certify(world: &mut World, name: &str, authority: &Authority, witness: Witness, edit: impl FnOnce(&Authority, Draft) -> Draft) {
    let Signed::By(_, statement) = &world.bundles[name] else { panic!("no statement {name}") };
    let draft = authority.keyless(&workflow(), &statement.to_bytes(), witness, at());
    world.bundles.insert(name.to_owned(), Signed::Bytes(edit(authority, draft).bytes()));
}

pub(super) fn workflow() -> Identity {
    Identity::workflow(world::REPOSITORY, ".pipeline/build.yml", world::BRANCH, world::base().hex())
}

/// Leaves the commit its git digest only.
fn git_only(world: &mut World) {
    faults::statement(world, "agent-run", |statement| {
        for subject in &mut statement.subject {
            if let Some(commit) = subject.digest.get(Algorithm::GitCommit) {
                subject.digest = DigestSet::from(commit);
            }
        }
    });
}

pub(super) fn at() -> Time {
    moved(30)
}

pub(super) fn moved(seconds: i64) -> Time {
    let built: Time = world::BUILT_AT.parse().expect("a time");
    Time::from_unix(built.unix_seconds() + seconds).expect("a time")
}
