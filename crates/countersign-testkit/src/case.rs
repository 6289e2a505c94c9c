//! One case: its folder on disk, and how the heart runs it.
//! What the cases are stands in `cases`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use countersign::decision::{Answer, Decision};
use countersign::digest::{Algorithm, Digest, Hasher};
use countersign::inquiry::{Found, Inquiry, Question, Wanted};
use countersign::json::{Json, Object};
use countersign::policy::Policy;
use countersign::trust::{Trust, TrustRoot};

/// A case as it's made, before it's written.
pub struct Made {
    pub(crate) readme: String,
    pub(crate) target: String,
    pub(crate) resource: String,
    pub(crate) environment: Option<String>,
    pub(crate) at: String,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) expect: Expect,
}

/// What must come out.
pub enum Expect {
    /// A decision, with the reasons of each requirement that isn't met.
    Decision(Answer, Vec<(&'static str, Vec<&'static str>)>),
    /// The question can't be asked.
    Error(&'static str),
}

/// A case as it lies on disk.
pub struct Case {
    /// The folder.
    pub folder: PathBuf,
    /// The file or digest that is asked about.
    pub target: String,
    /// What it's meant to be.
    pub resource: String,
    /// Where it's meant to run.
    pub environment: Option<String>,
    /// When it's asked.
    pub at: String,
    /// The policy's bytes.
    pub policy: Vec<u8>,
    /// The trust roots, by file name.
    pub trust: Vec<(String, Vec<u8>)>,
    /// The bundles, by file name.
    pub bundles: Vec<(String, Vec<u8>)>,
    /// The git objects that are at hand, by id: `<type> <length>\0<content>`.
    pub objects: BTreeMap<String, Vec<u8>>,
    /// The expectation, as it stands in `case.json`.
    pub expect: Json,
    /// The expected decision's bytes, newline included; `None` for an error.
    pub decision: Option<Vec<u8>>,
}

/// Loads every case below `testdata/cases`, in order of their names.
///
/// # Panics
/// If a case can't be read.
#[must_use]
pub fn load_all(testdata: &Path) -> Vec<Case> {
    let mut folders: Vec<_> = fs::read_dir(testdata.join("cases")).expect("cases").map(|entry| entry.expect("entry").path()).collect();
    folders.sort();
    folders.iter().map(|folder| load(folder)).collect()
}

fn load(folder: &Path) -> Case {
    let read = |name: &str| fs::read(folder.join(name)).unwrap_or_else(|e| panic!("{}/{name}: {e}", folder.display()));
    let case = Json::parse(&read("case.json")).expect("case.json");
    let text = |name: &str| case.get(name).and_then(Json::as_str).map(str::to_owned);
    let mut bundles: Vec<_> = fs::read_dir(folder)
        .expect("folder")
        .map(|entry| entry.expect("entry").file_name().into_string().expect("a name in UTF-8"))
        .filter(|name| name.ends_with(".sigstore.json"))
        .map(|name| (name.clone(), read(&name)))
        .collect();
    bundles.sort();
    let roots = case.get("trust").and_then(Json::as_array).expect("trust").iter();
    let trust = roots.map(|name| name.as_str().expect("a file's name")).map(|name| (name.to_owned(), read(name))).collect();
    let objects = fs::read_dir(folder.join("objects")).into_iter().flatten().map(|entry| {
        let entry = entry.expect("entry");
        (entry.file_name().into_string().expect("an id"), fs::read(entry.path()).expect("an object"))
    });
    Case {
        folder: folder.to_owned(),
        target: text("target").expect("target"),
        resource: text("resource").expect("resource"),
        environment: text("environment"),
        at: text("at").expect("at"),
        policy: read(&text("policy").expect("policy")),
        trust,
        bundles,
        objects: objects.collect(),
        expect: case.get("expect").expect("expect").clone(),
        decision: fs::read(folder.join("decision.json")).ok(),
    }
}

impl Case {
    /// Returns the folder's name.
    ///
    /// # Panics
    /// If the folder has no name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.folder.file_name().and_then(|name| name.to_str()).expect("a name")
    }

    /// Returns the git object that is wanted, if it's at hand.
    #[must_use]
    pub fn object(&self, wanted: &Wanted) -> Option<Found> {
        let Wanted::GitObject(id) = wanted else { return None };
        self.objects.get(id.hex()).map(|object| content(object))
    }

    /// Asks the case's question, handing over these bundles.
    ///
    /// # Errors
    /// The code of the error, if the question can't be asked.
    ///
    /// # Panics
    /// If the case itself is malformed.
    pub fn decide(&self, bundles: &[&[u8]]) -> Result<Decision, &'static str> {
        self.conclude(bundles, |inquiry| inquiry.decide())
    }

    /// Asks the case's question as [`Case::decide`] does, and draws what conclusion the caller wants.
    ///
    /// # Errors
    /// The code of the error, if the question can't be asked.
    ///
    /// # Panics
    /// If the case itself is malformed.
    pub fn conclude<T>(&self, bundles: &[&[u8]], conclusion: impl FnOnce(Inquiry<'_>) -> T) -> Result<T, &'static str> {
        let artifact = fs::read(self.folder.join(&self.target)).ok();
        let (target, resource, environment) = (&self.target, &self.resource, self.environment.as_deref());
        let at_hand = AtHand {
            artifact: artifact.as_deref(),
            roots: self.trust.iter().map(|(_, bytes)| bytes.as_slice()).collect(),
            bundles,
            objects: self.objects.iter().map(|(id, object)| (id.as_str(), &object[..])).collect(),
        };
        conclude(target, resource, environment, &self.at, &self.policy, &at_hand, conclusion)
    }
}

fn content(object: &[u8]) -> Found {
    let header = object.iter().position(|byte| *byte == 0).expect("a header");
    Found::These(vec![object[header + 1..].to_vec()])
}

/// Everything that the inquiry can be told.
struct AtHand<'a> {
    artifact: Option<&'a [u8]>,
    roots: Vec<&'a [u8]>,
    bundles: &'a [&'a [u8]],
    objects: BTreeMap<&'a str, &'a [u8]>,
}

impl AtHand<'_> {
    fn answer(&self, wanted: &Wanted) -> Found {
        match (wanted, self.artifact) {
            (Wanted::Bundles { .. }, _) if self.bundles.is_empty() => Found::Nothing,
            (Wanted::Bundles { .. }, _) => Found::These(self.bundles.iter().map(|bytes| bytes.to_vec()).collect()),
            (Wanted::ArtifactDigest(algorithm), Some(bytes)) => {
                let mut hasher = Hasher::new(*algorithm).expect("a hash of bytes");
                hasher.update(bytes);
                Found::Digest(hasher.finish())
            }
            (Wanted::GitObject(id), _) => self.objects.get(id.hex()).map_or(Found::Nothing, |object| content(object)),
            _ => Found::Nothing,
        }
    }
}

fn conclude<T>(
    target: &str,
    resource: &str,
    environment: Option<&str>,
    at: &str,
    policy: &[u8],
    at_hand: &AtHand<'_>,
    conclusion: impl FnOnce(Inquiry<'_>) -> T,
) -> Result<T, &'static str> {
    let policy = Policy::parse(policy).map_err(|_| "policy-invalid")?;
    let digest = match (at_hand.artifact, target.split_once(':')) {
        (Some(bytes), _) => Digest::sha256(bytes),
        (None, Some(("git", id))) => Digest::new(Algorithm::GitCommit, id).expect("a commit's id"),
        _ => target.parse().expect("a digest"),
    };
    let mut question = Question::new(digest, resource, at.parse().expect("a time")).map_err(|error| error.code())?;
    if let Some(name) = environment {
        question = question.environment(name);
    }
    let trust = at_hand.roots.iter().fold(Trust::keys_only(), |trust, root| trust.with(TrustRoot::parse(root).expect("a trust root")));
    let mut inquiry = Inquiry::about(question, &trust, &policy).map_err(|error| error.code())?;
    while let Some(wanted) = inquiry.next() {
        inquiry.supply(&wanted, at_hand.answer(&wanted));
    }
    Ok(conclusion(inquiry))
}

/// Writes a case's folder, after checking that it comes out as its author says.
pub(crate) fn write(folder: &Path, made: &Made) {
    let name = folder.file_name().and_then(|name| name.to_str()).expect("a name");
    let bundles: Vec<&[u8]> =
        made.files.iter().filter(|(name, _)| name.ends_with(".sigstore.json")).map(|(_, bytes)| bytes.as_slice()).collect();
    let artifact = made.files.get(&made.target).map(Vec::as_slice);
    let objects = made.files.iter().filter_map(|(name, object)| Some((name.strip_prefix("objects/")?, &object[..]))).collect();
    let is_root = |name: &str| name.ends_with(TRUSTED_ROOT);
    let roots = made.files.iter().filter(|(name, _)| is_root(name)).map(|(_, bytes)| bytes.as_slice()).collect();
    let at_hand = AtHand { artifact, roots, bundles: &bundles, objects };
    let policy = &made.files["policy.yaml"];
    let environment = made.environment.as_deref();
    let decided = conclude(&made.target, &made.resource, environment, &made.at, policy, &at_hand, |inquiry| inquiry.decide());
    let mut files = made.files.clone();
    let expect = match (&made.expect, decided) {
        (Expect::Error(code), Err(found)) if *code == found => object([("error", Json::from(*code)), ("exit", Json::Number(3.0))]),
        (Expect::Decision(answer, reasons), Ok(decision)) => {
            let found: Vec<_> = decision
                .requirements
                .iter()
                .filter(|r| !r.reasons.is_empty())
                .map(|r| (r.id.as_str(), r.reasons.iter().map(|reason| reason.code.code()).collect::<Vec<_>>()))
                .collect();
            let mut expected: Vec<_> = reasons.iter().map(|(id, codes)| (*id, codes.clone())).collect();
            expected.sort();
            let json = String::from_utf8(decision.to_json()).expect("UTF-8");
            assert_eq!((decision.decision, found), (*answer, expected), "{name}: {json}");
            files.insert("decision.json".to_owned(), format!("{json}\n").into_bytes());
            let reasons =
                reasons.iter().map(|(id, codes)| ((*id).to_owned(), Json::Array(codes.iter().map(|code| Json::from(*code)).collect())));
            let exit = match answer {
                Answer::Allow => 0.0,
                Answer::Deny => 1.0,
                Answer::Undetermined => 2.0,
            };
            object([("decision", Json::from(answer.name())), ("reasons", Json::Object(reasons.collect())), ("exit", Json::Number(exit))])
        }
        (_, Ok(decision)) => panic!("{name}: an error was expected, not {}", String::from_utf8_lossy(&decision.to_json())),
        (_, Err(code)) => panic!("{name}: unexpected error {code}"),
    };
    let case = object([
        ("schema", Json::from("https://countersign.dev/case/v1")),
        ("target", Json::from(made.target.as_str())),
        ("resource", Json::from(made.resource.as_str())),
        ("environment", made.environment.as_deref().map_or(Json::Null, Json::from)),
        ("at", Json::from(made.at.as_str())),
        ("policy", Json::from("policy.yaml")),
        ("trust", Json::Array(made.files.keys().filter(|name| is_root(name)).map(|name| Json::from(name.as_str())).collect())),
        ("bundles", Json::Array(vec![Json::from("*.sigstore.json")])),
        ("objects", Json::from("objects/")),
        ("expect", expect),
    ]);
    files.insert("case.json".to_owned(), [case.canonical(), b"\n".to_vec()].concat());
    files.insert("README.md".to_owned(), format!("{}\n", made.readme).into_bytes());
    for (name, bytes) in files {
        fs::create_dir_all(folder.join(&name).parent().expect("a folder")).expect("a folder");
        fs::write(folder.join(&name), bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}

/// How the names of trust roots end.
pub(crate) const TRUSTED_ROOT: &str = "trusted_root.json";

pub(crate) fn object<const N: usize>(members: [(&str, Json); N]) -> Json {
    Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Object>())
}
