//! Shows that no change to a good bundle goes unnoticed, but for a few places that nobody signs, which stand here by name.
//! Faults that need a hand on the authority's keys are in `tests/trusted.rs`.

#![expect(clippy::indexing_slicing, clippy::string_slice, clippy::unwrap_used, clippy::panic, reason = "a test's own making of bundles")]

mod mutation;

use std::collections::{BTreeMap, BTreeSet};

use countersign::decision::Answer;
use countersign::digest::Digest;
use countersign::identity::PublicKey;
use countersign::inquiry::{Found, Inquiry, Question};
use countersign::json::Json;
use countersign::policy::Policy;
use countersign::reason::Reason;
use countersign::statement::{ResourceDescriptor, Statement};
use countersign::time::Time;
use countersign::trust::{Trust, TrustRoot};
use countersign_sign::{KeyType, LocalKey};
use countersign_testkit::authority::{Authority, Draft, Identity, Material, Version, Witness, validity};
use mutation::{Mutation, OTHER_SIGNATURE};
use sigstore_trust_root::TrustedRoot;
use sigstore_verify::types::{Bundle as TheirBundle, Sha256Hash};
use sigstore_verify::{VerificationPolicy, Verifier};

/// A good bundle, with the one policy and trust root under which it is.
struct Good {
    name: String,
    bundle: Json,
    policy: Policy,
    trust: Trust,
    root: Vec<u8>,
}

impl Good {
    fn signer(&self) -> &str {
        self.name.split(' ').next().unwrap()
    }

    fn is_plain(&self) -> bool {
        ["tlogEntries", "timestampVerificationData"]
            .iter()
            .all(|name| self.bundle.pointer(&format!("/verificationMaterial/{name}")).is_none())
    }

    /// Returns what sigstore-verify alone says of bytes in the place of a bundle with a certificate; `None` for one with a key.
    fn theirs(&self) -> Option<impl Fn(&[u8]) -> bool> {
        self.bundle.pointer("/verificationMaterial/publicKey").is_none().then(|| {
            let root = TrustedRoot::from_json(std::str::from_utf8(&self.root).unwrap()).unwrap();
            let (verifier, mut policy) = (Verifier::new(&root).unwrap(), VerificationPolicy::any_identity());
            if root.tlogs.is_empty() {
                policy = policy.skip_tlog_unsafe().skip_sct();
            }
            move |bytes: &[u8]| {
                let bundle = std::str::from_utf8(bytes).ok().and_then(|text| TheirBundle::from_json(text).ok());
                let artifact = Sha256Hash::from_hex(Digest::sha256(ARTIFACT).hex()).unwrap();
                bundle.is_some_and(|bundle| verifier.verify(artifact, &bundle, &policy).is_ok())
            }
        })
    }
}

#[test]
fn every_bundle_is_good_before_it_is_changed() {
    let goods = goods();
    assert!(goods.len() >= 40, "{}", goods.len());
    for good in &goods {
        assert_eq!(refusal(good, &good.bundle.canonical()), None, "{}", good.name);
    }
}

#[test]
fn no_change_goes_unnoticed() {
    let goods = goods();
    let numbers: Vec<usize> = (0..goods.len()).collect();
    let (even, odd): (Vec<_>, Vec<_>) = numbers.into_iter().partition(|number| number % 2 == 0);
    let found = std::thread::scope(|scope| {
        let half = |numbers: Vec<usize>| scope.spawn(|| numbers.into_iter().map(|number| examine(&goods, number)).collect::<Vec<_>>());
        [half(even), half(odd)].map(|half| half.join().unwrap()).concat()
    });
    let mistakes: BTreeSet<_> = found.iter().flat_map(|found| &found.mistakes).collect();
    let mutations: usize = found.iter().map(|found| found.mutations).sum();
    assert!(mistakes.is_empty(), "{} mistakes in {mutations}: {mistakes:#?}", mistakes.len());
    assert!(mutations > 20_000, "{mutations}");
    let mut ours: BTreeMap<_, usize> = BTreeMap::new();
    found.iter().flat_map(|found| &found.ours).for_each(|way| *ours.entry(way).or_default() += 1);
    println!("{mutations} changes; sigstore-verify alone lets pass what is refused here: {ours:?}");
    assert!(ours.len() > 10 && ours.values().sum::<usize>() > 1_000, "{ours:?}");
    let free: BTreeSet<_> = found.iter().flat_map(|found| found.free.iter().copied()).collect();
    let named: BTreeSet<_> = FREE.iter().map(|(name, _)| *name).chain([OTHER_SIGNATURE]).collect();
    assert_eq!(free, named, "each place that is said to be free is found free");
}

/// What became of the changes to one bundle.
#[derive(Clone, Default)]
struct Examined {
    mutations: usize,
    free: BTreeSet<&'static str>,
    mistakes: Vec<String>,
    /// The way of each change that is refused for a check of ours, and passes by sigstore-verify alone.
    ours: Vec<&'static str>,
}

fn examine(goods: &[Good], number: usize) -> Examined {
    let good = &goods[number];
    // Two that the same signer made: one of nearly the same kind, and one that rarely is.
    let by_the_same: Vec<_> = goods.iter().filter(|other| other.signer() == good.signer() && other.name != good.name).collect();
    let others = [1, 4].map(|distance| &by_the_same[(number + distance) % by_the_same.len()].bundle);
    let (mut examined, theirs) = (Examined::default(), good.theirs());
    for mutation in mutation::all(&good.bundle, &others) {
        // A plain bundle with another's envelope is what that key has signed, too.
        let of_another = good.is_plain() && mutation.way == "swap" && mutation.place == "/dsseEnvelope";
        if of_another || mutation.bytes == good.bundle.canonical() {
            continue;
        }
        examined.mutations += 1;
        match (refusal(good, &mutation.bytes), free(good, &mutation)) {
            (None, Some(name)) => drop(examined.free.insert(name)),
            (Some(reason), _) if fits(reason, &mutation.place) => {
                if theirs.as_ref().is_some_and(|accepts| accepts(&mutation.bytes)) {
                    examined.ours.push(mutation.way);
                }
            }
            (found, free) => {
                let Mutation { way, place, .. } = mutation;
                examined.mistakes.push(format!("{way} at `{place}`: {found:?}, free: {free:?}: {}", good.name));
            }
        }
    }
    examined
}

/// Why a bundle is refused that was changed in that place. Every place can lose its form.
fn fits(reason: Reason, place: &str) -> bool {
    const SIGNATURE: &[Reason] = &[Reason::SignatureInvalid, Reason::LogEntryInvalid, Reason::TimestampInvalid];
    const CERTIFICATE: &[Reason] = &[
        Reason::CertificateUntrusted,
        Reason::CertificateExpired,
        Reason::SignerUnknown,
        Reason::SignatureInvalid,
        Reason::LogEntryInvalid,
    ];
    const LOG: &[Reason] = &[Reason::LogEntryInvalid, Reason::TimeUnwitnessed];
    const TIMES: &[Reason] = &[Reason::TimestampInvalid, Reason::TimeUnwitnessed];
    let by_place: &[(&str, &[&[Reason]])] = &[
        // An older version than the bundle's asks for less than a newer one does.
        ("/mediaType", &[&[Reason::LogEntryInvalid]]),
        ("/dsseEnvelope/payloadType", &[]),
        ("/dsseEnvelope", &[SIGNATURE]),
        ("/verificationMaterial/publicKey", &[]),
        ("/verificationMaterial/certificate", &[CERTIFICATE]),
        ("/verificationMaterial/x509CertificateChain", &[CERTIFICATE]),
        ("/verificationMaterial/tlogEntries", &[LOG]),
        ("/verificationMaterial/timestampVerificationData", &[TIMES]),
        ("", &[SIGNATURE, CERTIFICATE, LOG, TIMES]),
    ];
    let (_, reasons) = by_place.iter().find(|(prefix, _)| place.starts_with(prefix)).unwrap();
    reason == Reason::Malformed || reasons.iter().any(|reasons| reasons.contains(&reason))
}

/// Names what makes the changed bundle say the same as the good one, if anything does.
fn free(good: &Good, mutation: &Mutation) -> Option<&'static str> {
    if mutation.way == OTHER_SIGNATURE {
        let is_witness = mutation.place.starts_with("/verificationMaterial/tlogEntries");
        return (is_witness || good.is_plain()).then_some(OTHER_SIGNATURE);
    }
    let bundle = Json::parse(&mutation.bytes).ok()?;
    let same = |plain: &fn(&mut Json)| {
        let [mut one, mut other] = [&good.bundle, &bundle].map(Clone::clone);
        plain(&mut one);
        plain(&mut other);
        one == other
    };
    let witnesses = |bundle: &Json| {
        ["tlogEntries/0", "timestampVerificationData/rfc3161Timestamps/0"]
            .map(|place| bundle.pointer(&format!("/verificationMaterial/{place}")).is_some())
    };
    let (before, after) = (witnesses(&good.bundle), witnesses(&bundle));
    let (left_one_out, asked_for_none) = (before == [true; 2] && after != before && after != [false; 2], before == [false; 2]);
    let applies = |name: &str| (name != LEFT_OUT || left_one_out) && (name != UNASKED || asked_for_none);
    FREE.iter()
        .find(|(name, plain)| applies(name) && (same(plain) || name == &LEFT_OUT && one_witness_less(&good.bundle, &bundle)))
        .map(|(name, _)| *name)
}

/// Returns true if the one bundle is the other without its log entry, or without its timestamp.
fn one_witness_less(good: &Json, less: &Json) -> bool {
    ["tlogEntries", "timestampVerificationData"].into_iter().any(|name| {
        let [mut good, mut less] = [good, less].map(Clone::clone);
        let still_there = less
            .pointer(&format!("/verificationMaterial/{name}"))
            .is_some_and(|list| list.pointer("/0").or_else(|| list.pointer("/rfc3161Timestamps/0")).is_some());
        remove(&mut good, "/verificationMaterial", name);
        remove(&mut less, "/verificationMaterial", name);
        !still_there && good == less
    })
}

type Plain = fn(&mut Json);

const LEFT_OUT: &str = "a log entry or timestamp left out, where the other one is enough";
const UNASKED: &str = "witnesses of something else beside a key, where the policy asks for none";
/// What may differ between two bundles that are both accepted: everything that nobody signs, and that says nothing.
const FREE: &[(&str, Plain)] = &[
    ("whitespace, the order of members, and characters written as escapes", |_| {}),
    ("the hint, which only selects a key", |bundle| remove(bundle, "/verificationMaterial/publicKey", "hint")),
    ("the signature's `keyid`, which nobody looks at", |bundle| remove(bundle, "/dsseEnvelope/signatures/0", "keyid")),
    ("a 64-bit integer as a number", |bundle| each_entry(bundle, &mut |entry| numbers(entry))),
    ("the place in the whole log that an entry of Rekor v1 without a promise states", |bundle| {
        each_entry(bundle, &mut |entry| {
            let is_first_generation = entry.pointer("/kindVersion/kind").and_then(Json::as_str) != Some("hashedrekord");
            if is_first_generation && entry.get("inclusionPromise").is_none() {
                remove(entry, "", "logIndex");
            }
        });
    }),
    ("certificates behind the signer's in the chain of an older bundle", |bundle| {
        if let Some(Json::Object(material)) = member(bundle, "verificationMaterial")
            && let Some(Json::Object(chain)) = material.get_mut("x509CertificateChain")
            && let Some(Json::Array(certificates)) = chain.get_mut("certificates")
        {
            certificates.truncate(1);
        }
    }),
    (LEFT_OUT, |_| {}),
    (UNASKED, |bundle| {
        remove(bundle, "/verificationMaterial", "tlogEntries");
        remove(bundle, "/verificationMaterial", "timestampVerificationData");
    }),
];

fn goods() -> Vec<Good> {
    let authority = Authority::new();
    let (full, bare) = (authority.trusted_root(), authority.trusted_root_without(&["tlogs", "ctlogs"]));
    let mut goods = Vec::new();
    let mut add = |name: String, draft: &Draft, root: &[u8]| {
        let version = match draft.version {
            Version::V01 => "v0.1",
            Version::V02 => "v0.2",
            Version::V03 => "v0.3",
        };
        let unwitnessed = draft.entries.is_empty() && draft.tokens.is_empty();
        let policy = Policy::parse(policy(root, version, unwitnessed).as_bytes()).unwrap();
        let trust = Trust::keys_only().with(TrustRoot::parse(root).unwrap());
        goods.push(Good { name: format!("{name} {version}"), bundle: draft.json(), policy, trust, root: root.to_vec() });
    };
    let ed25519 = key(KeyType::Ed25519);
    for (who, identity) in [("workflow", workflow()), ("person", Identity::person(PERSON))] {
        for witness in Witness::ALL {
            let root = if witness == Witness::Timestamp { &bare } else { &full };
            let draft = authority.keyless(&identity, &payload(1, &format!("{witness:?}")), witness, signed_at());
            add(format!("{who} {witness:?}"), &draft, root);
            if witness != Witness::Timestamp {
                add(format!("{who} {witness:?}"), &draft.version(Version::V02), root);
            }
        }
        for witness in [Witness::RekorV1, Witness::RekorV1Intoto] {
            let mut draft = authority.keyless(&identity, &payload(2, &format!("{witness:?}")), witness, signed_at()).version(Version::V01);
            draft.entries[0].proof = None;
            add(format!("{who} promise {witness:?}"), &draft, &full);
        }
        let mut draft = authority.keyless(&identity, &payload(3, "proof"), Witness::RekorV1AndTimestamp, signed_at());
        (draft.entries[0].promise, draft.entries[0].integrated_at) = (None, None);
        add(format!("{who} proof and timestamp"), &draft, &full);
        let certificate =
            authority.certificates.issue(&identity, &ed25519.public_key_der(), validity(signed_at()), &authority.certificate_log);
        let draft = Draft::signed(Material::Certificate(certificate), &ed25519, &payload(2, "Ed25519"));
        add(format!("{who} Ed25519"), &authority.witnessed(draft, Witness::RekorV1, signed_at()), &full);
    }
    for key_type in [KeyType::P256, KeyType::Ed25519] {
        let key = key(key_type);
        for witness in Witness::ALL {
            // Rekor v2 takes P-256 keys only, as this authority has it.
            if key_type == KeyType::Ed25519 && matches!(witness, Witness::RekorV2AndTimestamp | Witness::FirstOfRekorV2AndTimestamp) {
                continue;
            }
            add(
                format!("{key_type:?} {witness:?}"),
                &authority.managed(&key, &payload(2, &format!("{witness:?}")), witness, signed_at()),
                &full,
            );
        }
        for statement in 1..=3 {
            add(
                format!("{key_type:?} {statement}"),
                &Draft::signed(Material::Key(key.public_key_der()), &key, &payload(statement, "plain")),
                &full,
            );
        }
    }
    goods
}

/// Why the bundle isn't believed; `None` if it is.
fn refusal(good: &Good, bytes: &[u8]) -> Option<Reason> {
    let question = Question::new(Digest::sha256(ARTIFACT), "demo.tar", "2025-12-15T00:00:00Z".parse().unwrap()).unwrap();
    let mut inquiry = Inquiry::about(question.environment("here"), &good.trust, &good.policy).unwrap();
    while let Some(wanted) = inquiry.next() {
        inquiry.supply(&wanted, Found::These(vec![bytes.to_vec()]));
    }
    let decision = inquiry.decide();
    if decision.decision == Answer::Allow {
        return None;
    }
    // A stranger's bundle is counted, not listed.
    Some(decision.evidence.first().and_then(|evidence| evidence.refusal).unwrap_or(decision.requirements[0].reasons[0].code))
}

fn policy(root: &[u8], version: &str, unwitnessed: bool) -> String {
    let time = if unwitnessed { "unwitnessed" } else { "witnessed" };
    let root = Digest::sha256(root).to_string();
    let may = format!(r#"mayAttest: [{{predicate: "{PREDICATE}", ceiling: harness}}]"#);
    let identity = |id: &str, kind: &str, subject: &str, issuer: &str| {
        format!(r#"  - {{id: {id}, kind: {kind}, identity: {{issuer: "{issuer}", subject: "{subject}", trustRoot: "{root}"}}, {may}}}"#)
    };
    let known = |id: &str, key_type| {
        let key = PublicKey::from_der(&key(key_type).public_key_der()).unwrap().to_base64();
        format!(r#"  - {{id: {id}, kind: automation, key: "{key}", {may}}}"#)
    };
    let signers = [
        identity("workflow", "automation", WORKFLOW, &workflow().issuer),
        identity("person", "human", PERSON, &Identity::person(PERSON).issuer),
        known("p256", KeyType::P256),
        known("ed25519", KeyType::Ed25519),
    ];
    format!(
        r#"version: 1
id: mutated
time: {time}
bundles: [{version}]
signers:
{}
resources: [{{match: demo.tar, builders: [{{signer: workflow, builderId: "https://example.test/builder", buildTypes: ["https://example.test/build/v1"]}}]}}]
environments: {{here: {{requirements: [said]}}}}
requirements: [{{id: said, kind: evidence, about: artifact, predicate: "{PREDICATE}"}}]
"#,
        signers.join("\n")
    )
}

/// Three statements: of one subject, of two, and of a predicate that holds more than its name.
fn payload(number: u8, name: &str) -> Vec<u8> {
    let mut subjects = vec![ResourceDescriptor::new("demo.tar", Digest::sha256(ARTIFACT))];
    if number == 2 {
        subjects.push(ResourceDescriptor::new("other.tar", Digest::sha256(b"others")));
    }
    let predicate: &[u8] = if number == 3 { br#"{"list":[1,{"a":null}],"text":"\u00e4\n","truth":true}"# } else { b"{}" };
    let Json::Object(mut predicate) = Json::parse(predicate).unwrap() else { panic!("no object") };
    predicate.insert("name".to_owned(), Json::from(name));
    Statement::new(subjects, PREDICATE, Json::Object(predicate)).unwrap().to_bytes()
}

fn remove(json: &mut Json, parent: &str, name: &str) {
    let parent = parent.split('/').skip(1).try_fold(json, |json, step| match json {
        Json::Array(items) => items.get_mut(step.parse::<usize>().ok()?),
        Json::Object(members) => members.get_mut(step),
        _ => None,
    });
    if let Some(Json::Object(members)) = parent {
        members.remove(name);
    }
}

fn member<'a>(json: &'a mut Json, name: &str) -> Option<&'a mut Json> {
    match json {
        Json::Object(members) => members.get_mut(name),
        _ => None,
    }
}

fn each_entry(bundle: &mut Json, change: &mut impl FnMut(&mut Json)) {
    let Some(Json::Object(material)) = member(bundle, "verificationMaterial") else { return };
    if let Some(Json::Array(entries)) = material.get_mut("tlogEntries") {
        entries.iter_mut().for_each(change);
    }
}

fn numbers(entry: &mut Json) {
    let Json::Object(members) = entry else { return };
    for (name, value) in members.iter_mut() {
        match (name.as_str(), &*value) {
            ("logIndex" | "treeSize" | "integratedTime", Json::Number(_)) => {
                *value = Json::from(value.as_integer().unwrap().to_string());
            }
            ("inclusionProof", _) => numbers(value),
            _ => {}
        }
    }
}

fn key(key_type: KeyType) -> LocalKey {
    LocalKey::dangerous_from_secret(key_type, &[1; 32]).unwrap()
}

fn workflow() -> Identity {
    Identity::workflow("https://example.test/org/demo", "pipeline/build.yml", "refs/heads/main", "ba5eba5eba5eba5eba5eba5eba5eba5eba5eba5e")
}

fn signed_at() -> Time {
    "2025-12-01T12:00:30Z".parse().unwrap()
}

const ARTIFACT: &[u8] = b"the bytes of demo.tar\n";
const PREDICATE: &str = "https://example.test/predicate/v1";
const PERSON: &str = "maintainer@example.test";
const WORKFLOW: &str = "https://example.test/org/demo/pipeline/build.yml@refs/heads/main";
