//! A question on the command line, and how it comes to a decision.
//! Whoever asks it decides how the decision is shown.

mod artifact;
mod asked;
mod supply;
mod trust;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueHint};
use countersign::decision::Decision;
use countersign::digest::Digest;
use countersign::inquiry::{Inquiry, Question};
use countersign::time::{ClockBehindQuestion, Span, Time};
use countersign_capture::git::Repository;

use crate::clock;
use crate::failure::Failure;
use crate::output;
use crate::policy_file::PolicyName;
use crate::public_good;
use crate::repository::AtHand;
use crate::stores::{self, STORE_HELP};
use crate::target::{Target, commit_id};
use supply::Supplies;

pub(crate) use asked::Asked;
pub(crate) use trust::read_one as trust_root;

/// May this artifact, being this resource, run in this environment, asked at this time?
#[derive(Debug, Args)]
pub(crate) struct Asking {
    /// The artifact: PATH, sha256:HEX or git:REV
    #[arg(value_name = "TARGET", value_hint = ValueHint::FilePath)]
    target: OsString,
    /// The policy: FILE, or git:REV:PATH to read it from a commit of the repository at hand
    #[arg(long, value_name = "POLICY", value_hint = ValueHint::FilePath)]
    policy: Option<OsString>,
    /// A trust root (trusted_root.json: CAs, logs, TSAs) that may vouch for certificates and times, or `public-good`
    /// [default: public-good, if the policy names it]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) trust: Vec<PathBuf>,
    #[arg(long, value_name = "STORE", help = STORE_HELP)]
    store: Vec<String>,
    /// A bundle to take as evidence, or a file with one on each line, in place of the default store
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    bundle: Vec<PathBuf>,
    /// The environment that it shall run in [default: the policy's only one]
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// The resource that it's meant to be [default: the file's base name, or the repository at hand]
    #[arg(long, value_name = "URI")]
    resource: Option<String>,
    /// The time at which the question is asked [default: now]
    #[arg(long, value_name = "RFC3339")]
    at: Option<Time>,
}

impl Asking {
    /// Asks, looks for evidence wherever it may be, and decides.
    ///
    /// 1. The time is one that this machine's clock can vouch for.
    /// 2. The target is found out; a file is hashed.
    /// 3. The policy is loaded, from anywhere but the change that it judges, and the trust roots.
    /// 4. The inquiry is told whatever it wants to know.
    pub(crate) fn decide(self) -> Result<(Decision, Asked), Failure> {
        self.conclude(|inquiry| inquiry.decide())
    }

    /// Asks and looks for evidence as [`Asking::decide`] does, and draws what conclusion the caller wants; with it comes the
    /// question as it was typed.
    pub(crate) fn conclude<T>(self, conclusion: impl FnOnce(Inquiry<'_>) -> T) -> Result<(T, Asked), Failure> {
        let policy = self.policy.clone().ok_or_else(|| {
            Failure::new("policy-missing", "no policy was given, and without one nothing is allowed")
                .hint("give `--policy FILE`; `countersign init` writes one to begin with")
        })?;
        let policy = PolicyName::parse(policy)?;
        // 1.
        let at = self.time()?;
        // 2. and 3.
        let trust = trust::read(&self.trust)?;
        let at_hand = AtHand::default();
        let (artifact, policy, known) = match Target::parse(&self.target)? {
            Target::Path(path) => {
                // Before the file is hashed, which can take long.
                let policy = policy.load(&at_hand)?;
                let artifact = artifact::digest(&path)?;
                (artifact, policy, Artifact::File(path))
            }
            Target::Sha256(digest) => (digest, policy.load(&at_hand)?, Artifact::Elsewhere),
            Target::Git(revision) => {
                let commit = commit_id(at_hand.get()?, &revision)?;
                (commit.clone(), policy.load_to_judge(&commit, &at_hand)?, Artifact::Elsewhere)
            }
        };
        let trust = if self.trust.is_empty() && policy.names_public_good() { trust.with(public_good::current()?) } else { trust };
        let question = self.question(artifact.clone(), &known, at, &at_hand)?;
        // 4.
        let named = self.policy.as_deref().map(|name| name.to_string_lossy()).unwrap_or_default();
        let mut inquiry = Inquiry::about(question, &trust, &policy).map_err(|error| Failure::from(error).within(&named))?;
        let given = self.tell(&mut inquiry, &known, &artifact, &at_hand)?;
        Ok((conclusion(inquiry), self.asked(given)))
    }

    /// Returns the question as it was typed, with the names of the bundles that were.
    fn asked(&self, given: Vec<(Digest, String)>) -> Asked {
        let text = |word: &std::ffi::OsStr| word.to_string_lossy().into_owned();
        let files = |files: &[PathBuf]| files.iter().map(|file| text(file.as_os_str())).collect::<Vec<_>>();
        let typed = [
            ("--trust", files(&self.trust)),
            ("--store", self.store.clone()),
            ("--bundle", files(&self.bundle)),
            ("--environment", self.environment.iter().cloned().collect()),
            ("--resource", self.resource.iter().cloned().collect()),
            ("--at", self.at.iter().map(ToString::to_string).collect()),
        ];
        let options = typed.into_iter().flat_map(|(flag, values)| values.into_iter().map(move |value| (flag, value))).collect();
        Asked::new(text(&self.target), self.policy.as_deref().map(text), options).with_bundles(given)
    }

    fn time(&self) -> Result<Time, Failure> {
        let now = clock::now()?;
        let Some(at) = self.at else { return Ok(now) };
        ClockBehindQuestion::check(at, now)
            .map_err(|error| Failure::of("clock-behind-question", &error).hint("set the clock, or ask at a time that has come"))?;
        if at.plus(Span::CLOCK_SKEW) < now {
            output::labelled(
                output::HINT,
                "note",
                &format!("asked as of {at}, by the policy and the trust that are given now, not those of then"),
            );
        }
        Ok(at)
    }

    fn question(&self, artifact: Digest, known: &Artifact, at: Time, at_hand: &AtHand) -> Result<Question, Failure> {
        let resource = match &self.resource {
            Some(resource) => resource.clone(),
            None => default_resource(&artifact, known, at_hand)?,
        };
        let question = Question::new(artifact, resource, at)?;
        Ok(match &self.environment {
            Some(environment) => question.environment(environment),
            None => question,
        })
    }

    /// Answers whatever the inquiry wants to know, from everything at hand; returns the names of the bundles that were given.
    fn tell(
        &self,
        inquiry: &mut Inquiry<'_>,
        known: &Artifact,
        artifact: &Digest,
        at_hand: &AtHand,
    ) -> Result<Vec<(Digest, String)>, Failure> {
        let named = stores::named(&self.store)?;
        let places = if self.store.is_empty() && self.bundle.is_empty() {
            if stores::default_path(at_hand.get()?).is_none() {
                output::labelled(
                    output::HINT,
                    "note",
                    "no work tree is here, so no store was asked; name one by `--store dir:PATH`, or a bundle by `--bundle FILE`",
                );
            }
            stores::default(at_hand.get()?)?
        } else {
            named
        };
        let supplies = Supplies::gather(&self.bundle, places, known, artifact, at_hand)?;
        while let Some(wanted) = inquiry.next() {
            for found in supplies.answers(&wanted) {
                inquiry.supply(&wanted, found);
            }
        }
        Ok(supplies.named())
    }
}

/// What is at hand of the artifact.
#[derive(Debug)]
enum Artifact {
    /// The artifact itself.
    File(PathBuf),
    /// Its name only.
    Elsewhere,
}

fn default_resource(artifact: &Digest, known: &Artifact, at_hand: &AtHand) -> Result<String, Failure> {
    let needed = |what: &str| Failure::new("resource-needed", what).hint("say with `--resource` what it's meant to be");
    match known {
        Artifact::File(path) => {
            let name = path.file_name().and_then(|name| name.to_str());
            name.map(str::to_owned).ok_or_else(|| needed("the file's name doesn't say what it's meant to be"))
        }
        Artifact::Elsewhere if artifact.algorithm().is_git() => {
            let uri = at_hand.get()?.and_then(Repository::repository_uri);
            uri.ok_or_else(|| needed("no repository at hand has a remote `origin` that says what the commit is a commit of"))
        }
        Artifact::Elsewhere => Err(needed("a digest doesn't say what it's meant to be")),
    }
}
