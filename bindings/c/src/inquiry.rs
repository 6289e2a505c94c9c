//! An inquiry that owns what it borrows, since C has no lifetimes; and the policy and the decision at its two ends.
//! What is asked for, believed and decided is the heart's affair.

use std::sync::Arc;

use countersign::digest::{Algorithm, Digest};
use countersign::inquiry::{Found, Question, QuestionError, Wanted};
use countersign::json::{Json, Object};
use countersign::trust::{Trust, TrustRoot, TrustRootError};
use self_cell::self_cell;

use crate::code::{Answer, Code};
use crate::error::Error;

/// What an organisation expects. Free it whenever you like: an inquiry keeps what it needs.
pub struct Policy {
    policy: Arc<countersign::policy::Policy>,
}

impl Policy {
    pub(crate) fn parse(text: &[u8]) -> Result<Self, Error> {
        Ok(Self { policy: Arc::new(countersign::policy::Policy::parse(text)?) })
    }
}

/// A question on its way to a decision.
pub struct Inquiry {
    /// What it's begun with, until something was asked: a trust root that comes late would leave bundles unexamined.
    begun_with: Option<(Question, Given)>,
    /// None before a trust root was given that the policy can't do without, once it has decided, and if a call failed
    /// half-way through a change.
    running: Option<Running>,
    /// What was asked for last.
    wanted: Option<Wanted>,
}

#[derive(Clone)]
struct Given {
    policy: Arc<countersign::policy::Policy>,
    trust: Trust,
}

type Borrowing<'a> = countersign::inquiry::Inquiry<'a>;
/// Emptied by deciding, which consumes the inquiry but not what it borrows.
type Slot<'a> = Option<Borrowing<'a>>;

self_cell!(
    struct Running {
        owner: Given,
        #[not_covariant]
        dependent: Slot,
    }
);

impl Inquiry {
    pub(crate) fn about(question: Question, policy: &Policy) -> Result<Self, Error> {
        Self::begin(question, Given { policy: Arc::clone(&policy.policy), trust: Trust::keys_only() })
    }

    fn begin(question: Question, given: Given) -> Result<Self, Error> {
        let asked = question.clone();
        let running = Running::try_new(given.clone(), |given| Borrowing::about(asked, &given.trust, &given.policy).map(Some));
        let running = match running {
            Err(QuestionError::TrustMissing { .. }) => None,
            other => Some(other?),
        };
        Ok(Self { begun_with: Some((question, given)), running, wanted: None })
    }

    /// Adds a trust root.
    pub(crate) fn trust(&mut self, root: Result<TrustRoot, TrustRootError>) -> Result<(), Error> {
        let late = || Error::misuse("a trust root was given after something was asked for: give it right after `countersign_inquiry_new`");
        let (question, given) = self.begun_with.as_ref().ok_or_else(late)?;
        let root = root.map_err(|error| Error::caused(Code::TrustInvalid, &error))?;
        let given = Given { policy: Arc::clone(&given.policy), trust: given.trust.clone().with(root) };
        *self = Self::begin(question.clone(), given)?;
        Ok(())
    }

    /// Leaves the beginning behind, where trust roots are given.
    fn ask(&mut self) -> Result<(), Error> {
        match self.begun_with.take() {
            Some(begun) if self.running.is_none() => {
                let message =
                    "the policy knows signers by certificates, and no trust root was given: give one by `countersign_inquiry_trust`";
                self.begun_with = Some(begun);
                Err(Error::new(Code::TrustMissing, message))
            }
            _ => Ok(()),
        }
    }

    /// Returns what is wanted next as JSON, and `None` when nothing more could help.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        self.ask()?;
        self.wanted = None;
        let (wanted, json) = self
            .change(|inquiry| {
                while let Some(wanted) = inquiry.next() {
                    if let Some(json) = as_json(&wanted) {
                        return Some((wanted, json.canonical()));
                    }
                    inquiry.supply(&wanted, Found::Unavailable("this version of the C library can't ask for it".to_owned()));
                }
                None
            })?
            .unzip();
        self.wanted = wanted;
        Ok(json)
    }

    pub(crate) fn supply_bundle(&mut self, bundle: &[u8]) -> Result<(), Error> {
        self.supply(|wanted| match wanted {
            Wanted::Bundles { .. } => Ok(Found::These(vec![bundle.to_vec()])),
            _ => Err(Error::misuse("a bundle was supplied, and something else is wanted")),
        })
    }

    pub(crate) fn supply_digest(&mut self, text: &str) -> Result<(), Error> {
        self.supply(|wanted| match wanted {
            Wanted::ArtifactDigest(algorithm) => Ok(Found::Digest(digest(*algorithm, text)?)),
            _ => Err(Error::misuse("a digest was supplied, and something else is wanted")),
        })
    }

    pub(crate) fn supply_object(&mut self, content: &[u8]) -> Result<(), Error> {
        self.supply(|wanted| match wanted {
            Wanted::GitObject(_) => Ok(Found::These(vec![content.to_vec()])),
            _ => Err(Error::misuse("a git object was supplied, and something else is wanted")),
        })
    }

    pub(crate) fn supply_nothing(&mut self) -> Result<(), Error> {
        self.supply(|_| Ok(Found::Nothing))
    }

    pub(crate) fn supply_unavailable(&mut self, why: &str) -> Result<(), Error> {
        self.supply(|_| Ok(Found::Unavailable(why.to_owned())))
    }

    pub(crate) fn decide(&mut self) -> Result<Decision, Error> {
        self.conclude(|inquiry| inquiry.decide()).map(|decision| Decision { decision })
    }

    /// Decides, and returns beside the decision its explanation in JSON.
    pub(crate) fn explain(&mut self) -> Result<(Decision, Vec<u8>), Error> {
        let explanation = self.conclude(|inquiry| inquiry.explain())?;
        let json = explanation.to_json();
        Ok((Decision { decision: explanation.decision }, json))
    }

    /// Decides, and returns beside the decision what is missing for an allowance, in JSON.
    pub(crate) fn why_not(&mut self) -> Result<(Decision, Vec<u8>), Error> {
        let why_not = self.conclude(|inquiry| inquiry.why_not())?;
        let json = why_not.to_json();
        Ok((Decision { decision: why_not.decision }, json))
    }

    /// Ends the inquiry.
    fn conclude<T>(&mut self, conclusion: impl FnOnce(Borrowing<'_>) -> T) -> Result<T, Error> {
        self.ask()?;
        self.wanted = None;
        let mut running = self.running.take().ok_or_else(over)?;
        running.with_dependent_mut(|_, slot| slot.take().map(conclusion)).ok_or_else(over)
    }

    fn supply(&mut self, found: impl FnOnce(&Wanted) -> Result<Found, Error>) -> Result<(), Error> {
        if self.running.is_none() {
            return Err(over());
        }
        let wanted = self.wanted.take().ok_or_else(|| Error::misuse("nothing is wanted: call `countersign_inquiry_next` first"))?;
        let found = found(&wanted);
        let supplied = found.and_then(|found| self.change(|inquiry| inquiry.supply(&wanted, found)));
        self.wanted = Some(wanted);
        supplied
    }

    /// Changes the running inquiry. One that panics half-way is not used again.
    fn change<T>(&mut self, change: impl FnOnce(&mut Borrowing<'_>) -> T) -> Result<T, Error> {
        let mut running = self.running.take().ok_or_else(over)?;
        let changed = running.with_dependent_mut(|_, slot| slot.as_mut().map(change)).ok_or_else(over)?;
        self.running = Some(running);
        Ok(changed)
    }
}

fn over() -> Error {
    Error::misuse("the inquiry is over: begin another with `countersign_inquiry_new`")
}

fn digest(wanted: Algorithm, text: &str) -> Result<Digest, Error> {
    let digest: Digest = text.parse().map_err(|error| Error::misuse(format!("the supplied digest is {error}")))?;
    if digest.algorithm() == wanted {
        Ok(digest)
    } else {
        Err(Error::misuse(format!("a {} digest was supplied, and {wanted} is wanted", digest.algorithm())))
    }
}

/// Says what is wanted; `None` for something that this ABI has no words for.
fn as_json(wanted: &Wanted) -> Option<Json> {
    let object = |name: &str, value: Json| Json::Object(Object::from([(name.to_owned(), value)]));
    match wanted {
        Wanted::Bundles { digest, predicate_types } => {
            let types = predicate_types.iter().map(|uri| Json::from(uri.as_str())).collect();
            let members = [("digest".to_owned(), Json::from(digest.to_string())), ("predicateTypes".to_owned(), Json::Array(types))];
            Some(object("bundles", Json::Object(Object::from(members))))
        }
        Wanted::ArtifactDigest(algorithm) => Some(object("artifactDigest", Json::from(algorithm.name()))),
        Wanted::GitObject(id) => Some(object("gitObject", Json::from(id.to_string()))),
        _ => None,
    }
}

/// What was decided, and why.
pub struct Decision {
    decision: countersign::decision::Decision,
}

impl Decision {
    pub(crate) fn is_allowed(&self) -> bool {
        self.decision.is_allowed()
    }

    pub(crate) fn answer(&self) -> Answer {
        self.decision.decision.into()
    }

    pub(crate) fn to_json(&self) -> Vec<u8> {
        self.decision.to_json()
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    const POLICY: &str = r#"
version: 1
id: demo
time: unwitnessed
signers:
  - id: tester
    kind: automation
    key: MCowBQYDK2VwAyEAgTl3Dqh9F19Wo1Rmw0x+zMuNipG07jeiXfYPW4/Js5Q=
    mayAttest: [{predicate: "https://example.test/tested/v1", ceiling: harness}]
resources:
  - match: demo.tar
    builders: [{signer: tester, builderId: "https://example.test/builder", buildTypes: ["https://countersign.dev/local-build/v1"]}]
environments: {staging: {requirements: [tested]}}
requirements:
  - {id: tested, kind: evidence, about: artifact, predicate: "https://example.test/tested/v1"}
"#;

    fn inquiry() -> Inquiry {
        let question = Question::new(Digest::sha256(b"demo"), "demo.tar", "2026-01-01T00:00:00Z".parse().unwrap()).unwrap();
        Inquiry::about(question, &Policy::parse(POLICY.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn an_inquiry_that_panicked_half_way_decides_nothing() {
        let mut inquiry = inquiry();
        assert!(inquiry.next().unwrap().is_some());
        let panicked = catch_unwind(AssertUnwindSafe(|| inquiry.change(|_| panic!("half-way"))));
        assert!(panicked.is_err());
        assert_eq!(inquiry.supply_nothing().unwrap_err().code(), Code::Misuse);
        assert_eq!(inquiry.next().unwrap_err().code(), Code::Misuse);
        assert_eq!(inquiry.decide().err().unwrap().code(), Code::Misuse);
    }

    #[test]
    fn says_what_is_wanted_in_json() {
        let digest: Digest = format!("sha256:{}", "a".repeat(64)).parse().unwrap();
        let commit: Digest = format!("gitCommit:{}", "b".repeat(40)).parse().unwrap();
        let text = |wanted: &Wanted| String::from_utf8(as_json(wanted).unwrap().canonical()).unwrap();
        let bundles = Wanted::Bundles { digest: digest.clone(), predicate_types: vec!["https://example.test/p".into()] };
        assert_eq!(text(&bundles), format!(r#"{{"bundles":{{"digest":"{digest}","predicateTypes":["https://example.test/p"]}}}}"#));
        assert_eq!(text(&Wanted::ArtifactDigest(Algorithm::Sha512)), r#"{"artifactDigest":"sha512"}"#);
        assert_eq!(text(&Wanted::GitObject(commit.clone())), format!(r#"{{"gitObject":"{commit}"}}"#));
    }
}
