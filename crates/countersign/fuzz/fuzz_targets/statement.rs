//! A statement of any bytes: what is read is printed so that reading gives the same again, and every predicate can be
//! asked of it. Signed by somebody whose word counts, it's judged, explained and asked why not, which ends and never panics.
#![no_main]

use std::sync::LazyLock;

use countersign::bundle::Bundle;
use countersign::digest::Digest;
use countersign::envelope::pae;
use countersign::identity::PublicKey;
use countersign::inquiry::{Found, Inquiry, Question, Wanted};
use countersign::policy::Policy;
use countersign::predicate::{Approval, Mandate, Override, Sbom, StatusList, claimed_at};
use countersign::statement::{PAYLOAD_TYPE, Statement};
use countersign::trust::Trust;
use countersign_sign::{KeyType, LocalKey};

macro_rules! data {
    ($name:literal) => {
        include_bytes!(concat!("../../../../testdata/", $name))
    };
}

struct World {
    key: LocalKey,
    public: PublicKey,
    policy: Policy,
    others: Vec<Vec<u8>>,
}

impl World {
    fn signed(&self, payload: &[u8]) -> Option<Vec<u8>> {
        let signature = self.key.sign(&pae(PAYLOAD_TYPE, payload)).expect("a signature");
        Some(Bundle::signed_by_key(payload, &signature, &self.public).ok()?.bytes().to_vec())
    }

    fn ask(&self, bundle: &[u8]) -> Inquiry<'_> {
        let at = "2025-12-15T00:00:00Z".parse().expect("a time");
        let artifact = Digest::sha256(data!("cases/allow-whole-walk/demo.tar"));
        let question = Question::new(artifact, "demo.tar", at).expect("a question").environment("staging");
        static TRUST: Trust = Trust::keys_only();
        let mut inquiry = Inquiry::about(question, &TRUST, &self.policy).expect("an inquiry");
        while let Some(wanted) = inquiry.next() {
            let found = match wanted {
                Wanted::Bundles { .. } => Found::These(self.others.iter().cloned().chain([bundle.to_vec()]).collect()),
                _ => Found::Nothing,
            };
            inquiry.supply(&wanted, found);
        }
        inquiry
    }
}

/// The world of a case in which all is allowed, but that the platform's key is ours, and that the build is missing.
static WORLD: LazyLock<World> = LazyLock::new(|| {
    let key = LocalKey::dangerous_from_secret(KeyType::Ed25519, &[0xF0; 32]).expect("a key");
    let public = PublicKey::from_der(&key.public_key_der()).expect("a public key");
    let policy = std::str::from_utf8(data!("cases/allow-whole-walk/policy.yaml")).expect("text");
    let platform = policy.lines().find_map(|line| line.trim().strip_prefix("key: ")).expect("a key in the policy");
    let policy = Policy::parse(policy.replace(platform, &public.to_base64()).as_bytes()).expect("a policy");
    let mut world = World { key, public, policy, others: vec![data!("cases/allow-whole-walk/sbom.sigstore.json").to_vec()] };
    world.others.push(world.signed(data!("golden/agent-run.json")).expect("a bundle"));
    let good = world.signed(data!("golden/local-build.json")).expect("a bundle");
    assert!(world.ask(&good).decide().is_allowed());
    world
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = Sbom::parse(bytes);
    let Ok(statement) = Statement::parse(bytes) else { return };
    let again = Statement::parse(&statement.to_bytes()).expect("canonical bytes are a statement");
    assert_eq!(again, statement);
    let _ = claimed_at(&statement.predicate_type, &statement.predicate);
    let _ = (Mandate::read(&statement), Approval::read(&statement), Override::read(&statement), StatusList::read(&statement));
    let Some(bundle) = WORLD.signed(bytes) else { return };
    let decision = WORLD.ask(&bundle).decide();
    assert_eq!(decision.to_json(), WORLD.ask(&bundle).decide().to_json(), "the same twice");
    assert!(!WORLD.ask(&bundle).explain().to_json().is_empty());
    if decision.is_allowed() {
        let artifact = Digest::sha256(data!("cases/allow-whole-walk/demo.tar"));
        assert!(statement.subject.iter().any(|subject| subject.digest.get(artifact.algorithm()).as_ref() == Some(&artifact)));
    } else {
        assert!(!WORLD.ask(&bundle).why_not().to_json().is_empty());
    }
});
