//! What sigstore-verify lets pass, and we don't: each test goes red when an upgrade changes what our own checks are for.
//! What we make of good and broken bundles is shown by the cases.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that can't go on fails")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::bundle::{Bundle, BundleError};
use countersign::digest::{Algorithm, Digest, DigestSet};
use countersign::envelope::pae;
use countersign::identity::PublicKey;
use countersign::json::{Json, Object};
use countersign::reason::Reason;
use countersign::statement::{PAYLOAD_TYPE, ResourceDescriptor, Statement};
use countersign::time::Time;
use countersign::trust::{Trust, TrustRoot};
use countersign::verify;
use countersign_testkit::authority::{Authority, Draft, Identity, Material, Subject, Witness, signing_key};
use sigstore_trust_root::TrustedRoot;
use sigstore_verify::types::{Artifact, Bundle as TheirBundle, DerPublicKey, MessageSignature, Sha256Hash, SignatureContent};
use sigstore_verify::{PublicKeyVerificationPolicy, VerificationPolicy, VerificationResult, Verifier};

const ARTIFACT: &[u8] = b"the bytes of demo.tar\n";
const V2: Witness = Witness::RekorV2AndTimestamp;

#[test]
fn a_log_that_did_not_make_the_entry_may_stand_in_its_log_id() {
    let mut draft = keyless(V2);
    draft.entries[0].log_id = keyless(Witness::RekorV1).entries[0].log_id.clone();
    assert_they_accept_and_we_refuse(&draft.bytes(), &root(), Reason::LogEntryInvalid);
    draft.entries[0].log_id = vec![7; 32];
    assert_they_accept_and_we_refuse(&draft.bytes(), &root(), Reason::LogEntryInvalid);
}

#[test]
fn a_log_of_the_second_generation_may_have_ended_before_the_signature() {
    let ended = edited_root(|root| {
        for log in list(root, "tlogs") {
            let window = log.pointer("/publicKey/validFor").unwrap().get("start").unwrap().clone();
            let window = Json::Object(Object::from([("start".to_owned(), window), ("end".to_owned(), Json::from("2025-11-30T00:00:00Z"))]));
            member(member_mut(log, "publicKey"), "validFor", window);
        }
    });
    assert_they_accept_and_we_refuse(&keyless(V2).bytes(), &ended, Reason::LogEntryInvalid);
}

#[test]
fn a_timestamp_may_be_later_than_the_question() {
    let bytes = keyless(V2).bytes();
    assert!(theirs(&bytes, &root()).is_ok());
    let bundle = Bundle::parse(&bytes).unwrap();
    let trust = TrustRoot::parse(&root()).unwrap();
    let moment = |seconds| Time::from_unix(at().unix_seconds() + seconds).unwrap();
    assert!(verify::with_certificate(&bundle, &trust, moment(0)).is_ok());
    assert_eq!(verify::with_certificate(&bundle, &trust, moment(-1)).unwrap_err().reason, Reason::TimestampInvalid);
    let bundle = Bundle::parse(&keyless(Witness::RekorV1).bytes()).unwrap();
    assert!(verify::with_certificate(&bundle, &trust, moment(0)).is_ok());
    assert_eq!(verify::with_certificate(&bundle, &trust, moment(-1)).unwrap_err().reason, Reason::LogEntryInvalid);
}

#[test]
fn a_log_of_the_second_generation_may_begin_after_the_question() {
    let late = edited_root(|root| {
        for log in list(root, "tlogs") {
            let window = Json::Object(Object::from([("start".to_owned(), Json::from("2025-12-15T00:00:01Z"))]));
            member(member_mut(log, "publicKey"), "validFor", window);
        }
    });
    assert_they_accept_and_we_refuse(&keyless(V2).bytes(), &late, Reason::LogEntryInvalid);
}

#[test]
fn the_number_of_witnesses_proves_nothing() {
    let mut draft = keyless(Witness::RekorV1AndTimestamp);
    draft.entries.push(Authority::new().rekor_v1.log_intoto(&draft, at()));
    let bare = &mut draft.entries[1];
    (bare.proof, bare.promise, bare.integrated_at, bare.index) = (None, None, None, bare.index + 1);
    assert_they_accept_and_we_refuse(&draft.bytes(), &root(), Reason::LogEntryInvalid);
    let twice = |draft: &Draft, what| {
        assert!(theirs(&draft.bytes(), &root()).is_ok(), "{what}");
        assert_eq!(Bundle::parse(&draft.bytes()).unwrap_err(), BundleError::Twice(what));
    };
    let mut draft = keyless(Witness::RekorV1AndTimestamp);
    draft.tokens.push(draft.tokens[0].clone());
    twice(&draft, "timestamp");
    let mut draft = keyless(Witness::RekorV1AndTimestamp);
    draft.entries.push(draft.entries[0].clone());
    twice(&draft, "log entry");
}

#[test]
fn a_checkpoint_may_be_written_on() {
    let edits: [fn(&str) -> String; 4] = [
        |note| note.trim_end().to_owned(),
        |note| format!("{note}\n"),
        |note| format!("{note}\n\nmore"),
        |note| format!("{} more\n", note.trim_end()),
    ];
    for edit in edits {
        let mut draft = keyless(Witness::RekorV1);
        let note = &mut draft.entries[0].proof.as_mut().unwrap().checkpoint;
        *note = edit(note);
        assert_they_accept_and_we_refuse(&draft.bytes(), &root(), Reason::LogEntryInvalid);
    }
}

#[test]
fn what_a_proof_of_the_second_generation_says_twice_is_not_compared() {
    let edits: [fn(&mut countersign_testkit::authority::Proof); 3] =
        [|proof| proof.index ^= 1, |proof| proof.size += 1, |proof| proof.root[0] ^= 1];
    for edit in edits {
        let mut draft = keyless(V2);
        edit(draft.entries[0].proof.as_mut().unwrap());
        assert_they_accept_and_we_refuse(&draft.bytes(), &root(), Reason::LogEntryInvalid);
    }
    let mut draft = keyless(V2);
    draft.entries[0].integrated_at = Some(at());
    assert_they_accept_and_we_refuse(&draft.bytes(), &root(), Reason::LogEntryInvalid);
}

#[test]
fn a_statement_with_gits_digests_only_is_verified_as_a_message() {
    let commit = Digest::new(Algorithm::GitCommit, "ba5eba5eba5eba5eba5eba5eba5eba5eba5eba5e").unwrap();
    let mut subject = ResourceDescriptor::new("commit", Digest::sha256(b""));
    subject.digest = DigestSet::from(commit);
    let payload = Statement::new(vec![subject], "https://example.test/p/v1", Json::parse(b"{}").unwrap()).unwrap().to_bytes();
    let ours = |draft: &Draft| {
        let bundle = Bundle::parse(&draft.bytes()).unwrap();
        verify::with_certificate(&bundle, &TrustRoot::parse(&root()).unwrap(), later()).map(|_| ()).map_err(|refusal| refusal.reason)
    };
    let draft = Authority::new().keyless(&workflow(), &payload, V2, at());
    assert!(theirs(&draft.bytes(), &root()).is_err());
    let mut as_message = TheirBundle::from_json(&String::from_utf8(draft.bytes()).unwrap()).unwrap();
    as_message.content = SignatureContent::MessageSignature(MessageSignature::new(draft.signature.clone().into()));
    let signed = pae(PAYLOAD_TYPE, &payload);
    verifier(&root()).verify(Artifact::Blob(&signed), &as_message, &VerificationPolicy::any_identity()).unwrap();
    assert_eq!(ours(&draft), Ok(()));
    let mut broken = draft;
    broken.signature[10] ^= 1;
    assert!(ours(&broken).is_err());
    for witness in [Witness::RekorV1, Witness::RekorV1Intoto] {
        let draft = Authority::new().keyless(&workflow(), &payload, witness, at());
        assert_eq!(ours(&draft), Err(Reason::SubjectDigestUnsupported), "{witness:?}");
    }
}

#[test]
fn a_name_that_is_neither_email_nor_uri_is_no_identity() {
    let authority = Authority::new();
    for subject in [
        Subject::Dns("host.example.test".to_owned()),
        Subject::Email("a:b@example.test".to_owned()),
        Subject::Uri("maintainer@example.test".to_owned()),
    ] {
        let identity = Identity { subject, ..workflow() };
        let draft = authority.keyless(&identity, &payload(), V2, at());
        assert_they_accept_and_we_refuse(&draft.bytes(), &root(), Reason::SignerUnknown);
    }
}

#[test]
fn a_plain_key_needs_a_check_of_our_own() {
    let key = signing_key();
    let draft = Draft::signed(Material::Key(key.public_key_der()), &key, &payload());
    let bundle = TheirBundle::from_json(&String::from_utf8(draft.bytes()).unwrap()).unwrap();
    let policy = PublicKeyVerificationPolicy::new(DerPublicKey::new(key.public_key_der())).skip_tlog_unsafe();
    assert!(verifier(&root()).verify(artifact(), &bundle, &policy).is_err());
    let public = PublicKey::from_der(&key.public_key_der()).unwrap();
    assert!(verify::with_key(&Bundle::parse(&draft.bytes()).unwrap(), &public).is_ok());
}

#[test]
fn sigstores_types_take_the_first_of_two() {
    let text = String::from_utf8(keyless(V2).bytes()).unwrap();
    let again = |name: &str| {
        let value = Json::parse(text.as_bytes()).unwrap();
        let value = value.get(name).or_else(|| value.pointer(&format!("/verificationMaterial/{name}"))).unwrap().canonical();
        format!(r#""{name}":{}"#, String::from_utf8(value).unwrap())
    };
    for (after, name) in [("{", "dsseEnvelope"), (r#""verificationMaterial":{"#, "certificate")] {
        let doubled = text.replacen(after, &format!("{after}{},", again(name)), 1);
        assert!(theirs(doubled.as_bytes(), &root()).is_ok(), "{name}");
        assert!(matches!(Bundle::parse(doubled.as_bytes()), Err(BundleError::Syntax(_))), "{name}");
    }
    let message = text.replacen('{', r#"{"messageSignature":{"signature":"AA=="},"#, 1);
    assert!(TheirBundle::from_json(&message).is_ok());
    assert!(matches!(Bundle::parse(message.as_bytes()), Err(BundleError::NotExactlyOne(_))));
}

/// No bit of a good bundle can be turned without its being refused, whichever witnesses it has.
#[test]
fn no_bit_of_a_good_bundle_is_free() {
    let trust = TrustRoot::parse(&root()).unwrap();
    for witness in Witness::ALL.into_iter().filter(|witness| *witness != Witness::Timestamp) {
        let good = Json::parse(&keyless(witness).bytes()).unwrap();
        let mut leaves = Vec::new();
        strings(&good, "", &mut leaves);
        let mut turned = 0;
        for (pointer, text) in leaves {
            for edited in edits(&text) {
                let mut bundle = good.clone();
                *at_pointer(&mut bundle, &pointer) = Json::from(edited.as_str());
                if let Ok(bundle) = Bundle::parse(&bundle.canonical()) {
                    turned += 1;
                    assert!(verify::with_certificate(&bundle, &trust, later()).is_err(), "{witness:?} {pointer}: {edited}");
                }
            }
        }
        assert!(turned > 500, "{witness:?}: {turned}");
    }
}

/// Leaving out any field, or any item of a list, is never accepted either.
#[test]
fn nothing_of_a_good_bundle_can_be_left_out() {
    let trust = TrustRoot::parse(&root()).unwrap();
    for witness in [Witness::RekorV1, V2] {
        let good = Json::parse(&keyless(witness).bytes()).unwrap();
        let mut places = Vec::new();
        members(&good, "", &mut places);
        for place in places {
            let (parent, name) = place.rsplit_once('/').unwrap();
            let mut bundle = good.clone();
            match at_pointer(&mut bundle, parent) {
                Json::Object(members) => drop(members.remove(name)),
                Json::Array(items) => drop(items.remove(name.parse().unwrap())),
                _ => panic!("{place}"),
            }
            if let Ok(bundle) = Bundle::parse(&bundle.canonical()) {
                let found = verify::with_certificate(&bundle, &trust, later());
                // An entry of Rekor v1 is proved without its promise too; then nothing says when, unless a timestamp does.
                assert!(found.is_err(), "{witness:?} {place}");
            }
        }
    }
}

#[test]
fn witnesses_that_nobody_vouches_for_take_nothing_from_a_key() {
    let key = signing_key();
    let public = PublicKey::from_der(&key.public_key_der()).unwrap();
    let draft = Authority::new().managed(&key, &payload(), Witness::RekorV1AndTimestamp, at());
    let witnessed = |draft: &Draft, trust: &Trust| {
        let bundle = Bundle::parse(&draft.bytes()).unwrap();
        verify::with_witnessed_key(&bundle, &public, trust, later()).unwrap().witnessed().to_vec()
    };
    let trusted = Trust::keys_only().with(TrustRoot::parse(&root()).unwrap());
    assert_eq!(witnessed(&draft, &trusted), [at()]);
    assert_eq!(witnessed(&draft, &Trust::keys_only()), []);
    let other = Trust::keys_only().with(TrustRoot::parse(&Authority::another().trusted_root()).unwrap());
    assert_eq!(witnessed(&draft, &other), []);
    let mut broken = draft;
    broken.tokens[0][40] ^= 1;
    assert_eq!(witnessed(&broken, &trusted), []);
}

fn assert_they_accept_and_we_refuse(bytes: &[u8], root: &[u8], reason: Reason) {
    if let Err(error) = theirs(bytes, root) {
        panic!("sigstore-verify refuses now: {error}");
    }
    let bundle = Bundle::parse(bytes).unwrap();
    let refusal = verify::with_certificate(&bundle, &TrustRoot::parse(root).unwrap(), later()).unwrap_err();
    assert_eq!(refusal.reason, reason, "{}", refusal.detail);
}

fn theirs(bundle: &[u8], root: &[u8]) -> Result<VerificationResult, sigstore_verify::Error> {
    let bundle = TheirBundle::from_json(std::str::from_utf8(bundle).unwrap()).unwrap();
    verifier(root).verify(artifact(), &bundle, &VerificationPolicy::any_identity())
}

fn verifier(root: &[u8]) -> Verifier {
    Verifier::new(&TrustedRoot::from_json(std::str::from_utf8(root).unwrap()).unwrap()).unwrap()
}

fn artifact() -> Sha256Hash {
    Sha256Hash::from_hex(Digest::sha256(ARTIFACT).hex()).unwrap()
}

fn keyless(witness: Witness) -> Draft {
    Authority::new().keyless(&workflow(), &payload(), witness, at())
}

fn workflow() -> Identity {
    Identity::workflow(
        "https://example.test/org/demo",
        ".pipeline/build.yml",
        "refs/heads/main",
        "ba5eba5eba5eba5eba5eba5eba5eba5eba5eba5e",
    )
}

fn payload() -> Vec<u8> {
    let subject = vec![ResourceDescriptor::new("demo.tar", Digest::sha256(ARTIFACT))];
    Statement::new(subject, "https://example.test/p/v1", Json::parse(b"{}").unwrap()).unwrap().to_bytes()
}

fn root() -> Vec<u8> {
    Authority::new().trusted_root()
}

fn edited_root(edit: impl FnOnce(&mut Json)) -> Vec<u8> {
    let mut json = Json::parse(&root()).unwrap();
    edit(&mut json);
    json.canonical()
}

fn list<'a>(root: &'a mut Json, name: &str) -> &'a mut Vec<Json> {
    match member_mut(root, name) {
        Json::Array(items) => items,
        _ => panic!("no list {name}"),
    }
}

fn member_mut<'a>(object: &'a mut Json, name: &str) -> &'a mut Json {
    match object {
        Json::Object(members) => members.get_mut(name).unwrap(),
        _ => panic!("no object around {name}"),
    }
}

fn member(object: &mut Json, name: &str, value: Json) {
    match object {
        Json::Object(members) => drop(members.insert(name.to_owned(), value)),
        _ => panic!("no object around {name}"),
    }
}

fn at_pointer<'a>(json: &'a mut Json, pointer: &str) -> &'a mut Json {
    pointer.split('/').skip(1).fold(json, |json, step| match json {
        Json::Array(items) => &mut items[step.parse::<usize>().unwrap()],
        object => member_mut(object, step),
    })
}

fn strings(json: &Json, place: &str, found: &mut Vec<(String, String)>) {
    match json {
        Json::String(text) => found.push((place.to_owned(), text.clone())),
        Json::Array(items) => items.iter().enumerate().for_each(|(index, item)| strings(item, &format!("{place}/{index}"), found)),
        Json::Object(members) => members.iter().for_each(|(name, member)| strings(member, &format!("{place}/{name}"), found)),
        _ => {}
    }
}

fn members(json: &Json, place: &str, found: &mut Vec<String>) {
    let mut visit = |name: String, member: &Json| {
        found.push(format!("{place}/{name}"));
        members(member, &format!("{place}/{name}"), found);
    };
    match json {
        Json::Array(items) => items.iter().enumerate().for_each(|(index, item)| visit(index.to_string(), item)),
        Json::Object(members) => members.iter().for_each(|(name, member)| visit(name.clone(), member)),
        _ => {}
    }
}

/// A text with one bit turned in each byte behind its base64, or in each of its own characters.
fn edits(text: &str) -> Vec<String> {
    if let Ok(bytes) = STANDARD.decode(text)
        && text.len().is_multiple_of(4)
        && text.len() > 8
    {
        let turn = |index: usize| {
            let mut bytes = bytes.clone();
            bytes[index] ^= 1;
            STANDARD.encode(bytes)
        };
        return (0..bytes.len()).map(turn).collect();
    }
    let characters: Vec<char> = text.chars().collect();
    let turn = |index: usize| {
        let mut characters = characters.clone();
        characters[index] = if characters[index] == '1' { '2' } else { '1' };
        characters.into_iter().collect()
    };
    (0..characters.len()).map(turn).collect()
}

fn at() -> Time {
    "2025-12-01T12:00:30Z".parse().unwrap()
}

fn later() -> Time {
    "2025-12-15T00:00:00Z".parse().unwrap()
}
