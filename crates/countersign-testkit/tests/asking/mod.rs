//! Asks questions with more evidence, or in other ways, than a case's folder can hold.
//! What must come out stands in the tests.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use countersign::bundle::Bundle;
use countersign::decision::{Decision, RequirementResult, Status};
use countersign::digest::{Algorithm, Digest, Hasher};
use countersign::inquiry::{Found, Inquiry, Question, Wanted};
use countersign::json::{Json, Object};
use countersign::policy::Policy;
use countersign::statement::Statement;
use countersign::trust::{Trust, TrustRoot};
use countersign_sign::{KeyType, LocalKey, attest};
use countersign_testkit::case::{self, Case};

/// Returns every case that can be asked.
pub(crate) fn cases() -> Vec<Case> {
    case::load_all(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata"))
}

/// Returns the case of that name.
pub(crate) fn case(name: &str) -> Case {
    cases().into_iter().find(|case| case.name() == name).unwrap()
}

/// Returns the bytes of one of a case's bundles.
pub(crate) fn bundle(case: &Case, name: &str) -> Vec<u8> {
    case.bundles.iter().find(|(file, _)| *file == format!("{name}.sigstore.json")).unwrap().1.clone()
}

/// Returns the statement of one of a case's bundles.
pub(crate) fn statement(case: &Case, name: &str) -> Statement {
    Bundle::parse(&bundle(case, name)).unwrap().unverified_statement().clone()
}

/// Returns the fixed key of that number: 1 is the platform's, 2 the maintainer's, any other a stranger's.
pub(crate) fn key(number: u8) -> LocalKey {
    let key_type = if number == 2 { KeyType::Ed25519 } else { KeyType::P256 };
    LocalKey::dangerous_from_secret(key_type, &[number; 32]).unwrap()
}

/// Signs a statement.
pub(crate) fn signed(number: u8, statement: &Statement) -> Vec<u8> {
    attest(statement, &key(number)).unwrap().bytes().to_vec()
}

/// Edits the object at a JSON pointer into a statement's predicate.
pub(crate) fn edit(statement: &mut Statement, path: &[&str], edit: impl FnOnce(&mut Object)) {
    let mut place = &mut statement.predicate;
    for name in path {
        place = match place {
            Json::Object(members) => members.get_mut(*name).unwrap(),
            Json::Array(items) => &mut items[name.parse::<usize>().unwrap()],
            _ => panic!("nothing stands at {name}"),
        };
    }
    let Json::Object(object) = place else { panic!("no object") };
    edit(object);
}

/// Lets a provenance be of another run with the same facts.
pub(crate) fn numbered(mut statement: Statement, number: usize) -> Statement {
    edit(&mut statement, &["runDetails", "metadata"], |m| drop(m.insert("invocationId".to_owned(), Json::from(number.to_string()))));
    statement
}

/// Asks the case's question under another policy, in another environment, with answers from `find`.
pub(crate) fn ask(case: &Case, policy: &str, environment: &str, find: impl FnMut(&Wanted) -> Vec<Found>) -> Decision {
    conclude(case, policy, environment, find, |inquiry| inquiry.decide())
}

/// Asks as [`ask`] does, and draws another conclusion.
pub(crate) fn conclude<T>(
    case: &Case,
    policy: &str,
    environment: &str,
    mut find: impl FnMut(&Wanted) -> Vec<Found>,
    conclusion: impl FnOnce(Inquiry<'_>) -> T,
) -> T {
    let policy = Policy::parse(policy.as_bytes()).unwrap();
    let artifact = std::fs::read(case.folder.join(&case.target)).ok();
    let digest = match (&artifact, case.target.split_once(':')) {
        (Some(bytes), _) => Digest::sha256(bytes),
        (None, Some(("git", id))) => Digest::new(Algorithm::GitCommit, id).unwrap(),
        _ => case.target.parse().unwrap(),
    };
    let question = Question::new(digest, case.resource.as_str(), case.at.parse().unwrap()).unwrap().environment(environment);
    let roots = case.trust.iter().map(|(_, root)| TrustRoot::parse(root).unwrap());
    let trust = roots.fold(Trust::keys_only(), Trust::with);
    let mut inquiry = Inquiry::about(question, &trust, &policy).unwrap();
    while let Some(wanted) = inquiry.next() {
        if let (Wanted::ArtifactDigest(algorithm), Some(bytes)) = (&wanted, &artifact) {
            let mut hasher = Hasher::new(*algorithm).unwrap();
            hasher.update(bytes);
            inquiry.supply(&wanted, Found::Digest(hasher.finish()));
        } else if let Some(found) = case.object(&wanted) {
            inquiry.supply(&wanted, found);
        } else {
            find(&wanted).into_iter().for_each(|found| inquiry.supply(&wanted, found));
        }
    }
    conclusion(inquiry)
}

/// Asks the case's own question, handing over all of `bundles` for whatever is wanted.
pub(crate) fn decide(case: &Case, bundles: &[Vec<u8>]) -> Decision {
    let policy = String::from_utf8(case.policy.clone()).unwrap();
    ask(case, &policy, case.environment.as_deref().unwrap(), |wanted| vec![all(bundles, wanted)])
}

/// Answers with everything.
pub(crate) fn all(bundles: &[Vec<u8>], wanted: &Wanted) -> Found {
    match wanted {
        Wanted::Bundles { .. } if !bundles.is_empty() => Found::These(bundles.to_vec()),
        _ => Found::Nothing,
    }
}

/// Bundles by the digests of their subjects, as a store keeps them.
pub(crate) struct Store(BTreeMap<String, Vec<Vec<u8>>>);

impl Store {
    pub(crate) fn of(bundles: &[Vec<u8>]) -> Self {
        let mut index = BTreeMap::<String, Vec<Vec<u8>>>::new();
        for bytes in bundles {
            let Ok(bundle) = Bundle::parse(bytes) else { continue };
            let digests = bundle.unverified_statement().subject.iter().flat_map(|subject| subject.digest.iter());
            digests.for_each(|digest| index.entry(digest.to_string()).or_default().push(bytes.clone()));
        }
        Self(index)
    }

    pub(crate) fn answer(&self, wanted: &Wanted) -> Vec<Found> {
        let Wanted::Bundles { digest, .. } = wanted else { return vec![Found::Nothing] };
        vec![self.0.get(&digest.to_string()).map_or(Found::Nothing, |bundles| Found::These(bundles.clone()))]
    }
}

/// Returns all of a case's bundles.
pub(crate) fn bundles(case: &Case) -> Vec<Vec<u8>> {
    case.bundles.iter().map(|(_, bytes)| bytes.clone()).collect()
}

/// Returns what became of one requirement.
pub(crate) fn requirement<'a>(decision: &'a Decision, id: &str) -> &'a RequirementResult {
    decision.requirements.iter().find(|requirement| requirement.id == id).unwrap()
}

/// Returns what became of one requirement, and the codes of its reasons.
pub(crate) fn outcome(decision: &Decision, id: &str) -> (Status, Vec<&'static str>) {
    let requirement = requirement(decision, id);
    (requirement.status, requirement.reasons.iter().map(|reason| reason.code.code()).collect())
}
