//! The table of `crates/countersign-sign/INTEROP.md`: who verifies what of whom, each cell the answer of programs that were just run.
//! How each program is asked stands in `interop/others.rs`, and how the table is written and read in `interop/table.rs`.

mod others;
mod table;

use std::fs;

use countersign::json::Json;
use countersign_testkit::authority::Authority;

use self::others::OTHERS;
use self::table::{Cell, Direction, Table};
use super::cosign;
use super::instance::{Generation, Instance, PEOPLE};
use super::report::Report;
use super::scene::Scene;
use super::vault::{self, Vault};
use super::workshop::Workshop;
use crate::repository::Repository;
use crate::run::{Answer, Program};

/// What is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    /// demo.tar itself.
    Artifact,
    /// A build of demo.tar.
    File,
    /// What an agent did for the demo's last commit.
    Commit,
}

/// Who signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signer {
    /// A key on the local disk, without a log.
    Key,
    /// An identity, by an instance of that generation.
    Identity(Generation),
    /// A key in Vault, without a log.
    Vault,
}

impl Content {
    const fn name(self) -> &'static str {
        match self {
            Self::Artifact => "artifact",
            Self::File => "statement about a file",
            Self::Commit => "statement about a commit",
        }
    }
}

impl Signer {
    const fn name(self) -> &'static str {
        match self {
            Self::Key => "local key",
            Self::Identity(Generation::First) => "identity, Rekor v1",
            Self::Identity(Generation::Second) => "identity, Rekor v2 and a timestamp",
            Self::Vault => "key in Vault",
        }
    }
}

/// Asks every program that is there for every cell, and writes the table of `INTEROP.md` into the scene.
pub(super) fn ask(workshop: &Workshop, scene: &Scene, report: &mut Report) -> Result<(), String> {
    let world = World::open(workshop, scene)?;
    let documented = Table::documented(&scene.repository_file(DOCUMENT)?)?;
    let mut table = Table::default();
    for signer in SIGNERS {
        if !world.has(signer) {
            println!("SKIPPED interop with `{}`: it isn't there", signer.name());
            continue;
        }
        for content in CONTENTS {
            let ours = world.sign(content, signer)?;
            for other in OTHERS.iter().filter(|other| workshop.has(other.folder)) {
                let verifies = match &ours {
                    Some(bundle) => other.verifies(&world, content, signer, bundle),
                    None => Ok(Cell::Cannot("our keys sign statements only")),
                };
                let signs = other.signs(&world, content, signer);
                for (direction, cell) in [(Direction::Ours, verifies), (Direction::Theirs, signs)] {
                    let place = (direction, content, signer, other.name);
                    let what = format!("{} {}, {}: {}", direction.says(other.name), content.name(), signer.name(), shown(&cell));
                    let outcome = cell.and_then(|cell| {
                        let agrees = table.insert(place, cell, &documented);
                        // A whole run writes the table anew, and its changes are seen in review.
                        if report.is_whole() { Ok(()) } else { agrees }
                    });
                    report.check(&what, outcome);
                }
            }
        }
    }
    scene.write(WRITTEN, table.text().as_bytes())
}

/// Puts the table of a whole run, in which nothing failed, into the document.
pub(super) fn publish(repository: &Repository, scene: &Scene) -> Result<(), String> {
    let text = String::from_utf8_lossy(&scene.read(WRITTEN)?).into_owned();
    let document = repository.read(DOCUMENT)?;
    let written = table::replaced(&document, &text)?;
    if written != document {
        println!("{DOCUMENT} is written anew: look what has changed in it");
        repository.write(DOCUMENT, &written)?;
    }
    Ok(())
}

fn shown(cell: &Result<Cell, String>) -> String {
    cell.as_ref().map_or_else(|_| "FAILED".to_owned(), Cell::text)
}

/// Everybody who signs for somebody else to verify.
struct World<'a> {
    workshop: &'a Workshop,
    scene: &'a Scene,
    instances: Vec<Instance<'a>>,
    vault: Option<Vault<'a>>,
}

impl<'a> World<'a> {
    fn open(workshop: &'a Workshop, scene: &'a Scene) -> Result<Self, String> {
        fs::create_dir_all(scene.at("interop")).map_err(|error| format!("can't make `interop`: {error}"))?;
        let there = [Generation::First, Generation::Second].into_iter().filter(|generation| workshop.has(generation.folder()));
        let instances = there.map(|generation| Instance::start(workshop, scene, generation)).collect::<Result<Vec<_>, _>>()?;
        let vault = workshop.has(vault::FOLDER).then(|| Vault::start(workshop, scene)).transpose()?;
        let world = Self { workshop, scene, instances, vault };
        if let Some(vault) = &world.vault {
            vault.public(VAULT_KEY, "vault")?;
        }
        for instance in &world.instances {
            let [root, config] = ["trusted_root.json", "signing_config.json"].map(|name| fs::read_to_string(instance.at(name)));
            let (root, config) = root.and_then(|root| Ok((root, config?))).map_err(|error| format!("the instance's files: {error}"))?;
            let both = format!(
                r#"{{"mediaType":"application/vnd.dev.sigstore.clienttrustconfig.v0.1+json","trustedRoot":{root},"signingConfig":{config}}}"#
            );
            fs::write(instance.at("trust_config.json"), both).map_err(|error| format!("can't write `trust_config.json`: {error}"))?;
        }
        scene.write(SOME_ROOT, &Authority::new().trusted_root())?;
        scene.write(PLAIN_PREDICATE, &plain(&scene.read("predicate.json")?)?)?;
        if workshop.has(cosign::FOLDER) {
            cosign::ready(workshop, scene)?;
        }
        for instance in &world.instances {
            // A log's first entry is like no other: its number is left out, and its proof is empty.
            world.sign(Content::Artifact, Signer::Identity(instance.generation()))?;
        }
        Ok(world)
    }

    fn has(&self, signer: Signer) -> bool {
        match signer {
            Signer::Key => true,
            Signer::Identity(generation) => self.instance(generation).is_ok(),
            Signer::Vault => self.vault.is_some(),
        }
    }

    fn instance(&self, generation: Generation) -> Result<&Instance<'a>, String> {
        self.instances.iter().find(|instance| instance.generation() == generation).ok_or("there is no such instance".to_owned())
    }

    fn vault(&self) -> Result<&Vault<'a>, String> {
        self.vault.as_ref().ok_or("there is no Vault".to_owned())
    }

    /// Returns the public half of the key that signs, or of another.
    fn key(&self, signer: Signer, who: Who) -> String {
        self.scene.at(match (who, signer) {
            (Who::Another, _) => "ed25519.pub",
            (Who::Signer, Signer::Vault) => "vault.pub",
            (Who::Signer, _) => "p256.pub",
        })
    }

    /// Puts a fresh token into a file, since a token is good for one attempt.
    fn token_file(&self, instance: &Instance<'_>) -> Result<String, String> {
        // sigstore-js proves that it has the key by the token's `sub`, and Fulcio looks at the email.
        let token = instance.token(PEOPLE, &format!("email={PERSON}&sub={PERSON}"))?;
        let path = instance.at("interop.token");
        fs::write(&path, token).map_err(|error| format!("can't write `{path}`: {error}"))?;
        Ok(path)
    }

    /// Has our own command line sign, and returns the bundle; `None` where it doesn't sign such a thing.
    fn sign(&self, content: Content, signer: Signer) -> Result<Option<String>, String> {
        let scene = self.scene;
        let out = scene.at(&format!("interop/ours-{content:?}-{}.sigstore.json", signer.name().replace([' ', ','], "-")));
        let (file, store) = (scene.at("demo.tar"), scene.store());
        let stated: &[&str] = match content {
            Content::Artifact => &[],
            Content::File => &["attest", "build", "--subject", &file, "--source", "HEAD"],
            Content::Commit => {
                &["attest", "agent-run", "--subject", "git:HEAD", "--agent", "claude-code", "--transcript", scene.transcript()]
            }
        };
        let kept = ["--store", &store, "--out", &out];
        match signer {
            _ if content == Content::Artifact && !matches!(signer, Signer::Identity(_)) => return Ok(None),
            Signer::Key => {
                let signer = format!("file:{}", scene.at("p256.key"));
                scene.countersign(&[stated, &["--signer", &signer], &kept].concat()).output()?;
            }
            Signer::Vault => {
                let program = scene.countersign(&[stated, &["--signer", VAULT_KEY], &kept].concat());
                self.vault()?.let_in(program).output()?;
            }
            Signer::Identity(generation) => {
                let instance = self.instance(generation)?;
                let (token, [root, config]) =
                    (self.token_file(instance)?, ["trusted_root.json", "signing_config.json"].map(|name| instance.at(name)));
                let answer = if content == Content::Artifact {
                    let token = fs::read_to_string(&token).map_err(|error| format!("can't read `{token}`: {error}"))?;
                    let with = ["--identity-token", &token, "--trusted-root", &root, "--signing-config", &config];
                    instance.countersign(&[&["sign-bundle", "--bundle", &out], &with[..], &[&file]].concat())?
                } else {
                    let signer = format!("keyless:file:{token}");
                    let with = ["--signer", &signer, "--trust", &root, "--signing-config", &config];
                    instance.countersign(&[stated, &with, &kept].concat())?
                };
                answer.accepted()?;
            }
        }
        Ok(Some(out))
    }

    /// Has our own command line judge a bundle that should be by the signer, or by somebody else.
    fn judge(&self, content: Content, signer: Signer, bundle: &str, who: Who) -> Result<Answer, String> {
        let scene = self.scene;
        let (target, environment) = match content {
            Content::Artifact => return self.verify_bundle(signer, bundle, who)?.answer(),
            Content::File => (scene.at("demo.tar"), "test"),
            Content::Commit => ("git:HEAD".to_owned(), "change"),
        };
        let asked = ["verify", &target, "--environment", environment, "--bundle", bundle, "--format", "json", "--policy"];
        match signer {
            Signer::Identity(generation) => {
                let root = self.instance(generation)?.at("trusted_root.json");
                let policy = scene.identity_policy(&root, who.email(), &issuer())?;
                scene.countersign(&[&asked[..], &[&policy, "--trust", &root]].concat())
            }
            _ => scene.countersign(&[&asked[..], &[&scene.key_policy(&self.key(signer, who))?]].concat()),
        }
        .answer()
    }

    fn verify_bundle(&self, signer: Signer, bundle: &str, who: Who) -> Result<Program, String> {
        let (file, issuer, key) = (self.scene.at("demo.tar"), issuer(), self.key(signer, who));
        let by: &[&str] = match signer {
            Signer::Identity(_) => &["--certificate-identity", who.email(), "--certificate-oidc-issuer", &issuer],
            _ => &["--key", &key],
        };
        let root = match signer {
            Signer::Identity(generation) => self.instance(generation)?.at("trusted_root.json"),
            // verify-bundle asks for a trust root in any case.
            _ => self.scene.at(SOME_ROOT),
        };
        Ok(self.scene.countersign(&[&["verify-bundle", "--bundle", bundle, "--trusted-root", &root], by, &[&file]].concat()))
    }
}

/// Whom a verifier is told to expect.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Signer,
    Another,
}

impl Who {
    const fn email(self) -> &'static str {
        match self {
            Self::Signer => PERSON,
            Self::Another => "other@example.test",
        }
    }
}

/// Returns our predicate without what SLSA lets producers add to it, which sigstore-python states for nobody.
fn plain(predicate: &[u8]) -> Result<Vec<u8>, String> {
    let mut json = Json::parse(predicate).map_err(|error| error.to_string())?;
    let metadata = match &mut json {
        Json::Object(members) => match members.get_mut("runDetails") {
            Some(Json::Object(details)) => details.get_mut("metadata"),
            _ => None,
        },
        _ => None,
    };
    if let Some(Json::Object(metadata)) = metadata {
        metadata.retain(|name, _| !name.starts_with("countersign_"));
    }
    Ok(json.canonical())
}

fn issuer() -> String {
    format!("http://127.0.0.1:{PEOPLE}")
}

const CONTENTS: [Content; 3] = [Content::Artifact, Content::File, Content::Commit];
const SIGNERS: [Signer; 4] = [Signer::Key, Signer::Identity(Generation::First), Signer::Identity(Generation::Second), Signer::Vault];
const PERSON: &str = "maintainer@example.test";
/// The key's name, for cosign as well.
const VAULT_KEY: &str = "hashivault://ecdsa-p256";
const DOCUMENT: &str = "crates/countersign-sign/INTEROP.md";
/// A trust root that vouches for nothing here.
const SOME_ROOT: &str = "interop/trusted_root.json";
const PLAIN_PREDICATE: &str = "interop/predicate.json";
/// The table's place in the scene.
const WRITTEN: &str = "interop/table.md";
