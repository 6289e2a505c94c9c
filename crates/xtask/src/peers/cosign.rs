//! cosign 3.1.3 with keys on disk and without a log or a network: statements both ways, and key files both ways.
//! Keyless signatures, logs and timestamps are asked of it where there is an authority to make them.

use std::path::{Path, PathBuf};

use countersign::json::Json;
use countersign_testkit::authority::Authority;

use super::report::Report;
use super::scene::{KEYS, Scene};
use super::workshop::Workshop;
use crate::run::{Answer, Program};

/// Builds it. Go checks all its sources against the public database of their checksums, unless its user's settings say otherwise.
pub(super) fn obtain(workshop: &Workshop) -> Result<(), String> {
    if !Program::new("go", &["version"]).works() {
        return Err("go isn't there".to_owned());
    }
    let module = format!("github.com/sigstore/cosign/v3/cmd/cosign@{VERSION}");
    workshop.obtain(FOLDER, &module, |place| {
        let install = Program::new("go", &["install", "-trimpath", "-ldflags=-s -w", &module]);
        Ok(vec![install.within(place).with("GOBIN", place).with("CGO_ENABLED", "0")])
    })
}

/// Asks everything.
pub(super) fn ask(workshop: &Workshop, scene: &Scene, report: &mut Report) -> Result<(), String> {
    let cosign = Cosign { binary: binary(workshop).display().to_string(), scene };
    statements_of_ours(&cosign, report)?;
    trust_roots(&cosign, report)?;
    ready(workshop, scene)?;
    keys_of_theirs(&cosign, report)?;
    statements_of_theirs(&cosign, "theirs", report)?;
    keys_of_ours(&cosign, report)?;
    statements_of_theirs(&cosign, "ours", report)?;
    ed25519_keys_of_ours(&cosign, report)
}

/// Writes what it takes to sign with a key: who trusts nobody and asks nobody, said aloud, since otherwise it looks both up in
/// the network; and our P-256 key in its form.
pub(super) fn ready(workshop: &Workshop, scene: &Scene) -> Result<(), String> {
    let cosign = Cosign { binary: binary(workshop).display().to_string(), scene };
    cosign.run(&["trusted-root", "create", "--out", &scene.at("nobody.json")])?.accepted()?;
    cosign.run(&["signing-config", "create", "--out", &scene.at("nowhere.json")])?.accepted()?;
    if !Path::new(&scene.at("imported-p256.key")).exists() {
        let imported = ["import-key-pair", "--key", &scene.at("p256.key"), "--output-key-prefix", &scene.at("imported-p256")];
        cosign.run(&imported)?.accepted()?;
    }
    Ok(())
}

/// Returns where it lies once it was got.
pub(super) fn binary(workshop: &Workshop) -> PathBuf {
    workshop.place(FOLDER).join("cosign")
}

/// Asks it about a build of demo.tar that the key `KEY.pub` has signed.
pub(super) fn judges_build(workshop: &Workshop, scene: &Scene, key: &str, bundle: &str) -> Result<Answer, String> {
    Cosign { binary: binary(workshop).display().to_string(), scene }.verify(key, bundle, &[&scene.at("demo.tar")])
}

/// cosign, run in the scene.
struct Cosign<'a> {
    binary: String,
    scene: &'a Scene,
}

impl Cosign<'_> {
    fn run(&self, arguments: &[&str]) -> Result<Answer, String> {
        let program = self.scene.program(&self.binary, arguments);
        program.with("COSIGN_PASSWORD", PASSPHRASE).with("TUF_ROOT", self.scene.at("tuf")).answer()
    }

    /// Asks it about a bundle of provenance that a key signed; what is judged is a file, or given by its digest.
    fn verify(&self, key: &str, bundle: &str, judged: &[&str]) -> Result<Answer, String> {
        self.verify_as("slsaprovenance1", key, bundle, judged)
    }

    fn verify_as(&self, predicate: &str, key: &str, bundle: &str, judged: &[&str]) -> Result<Answer, String> {
        let key = self.scene.at(&format!("{key}.pub"));
        let asked = ["verify-blob-attestation", "--insecure-ignore-tlog", "--type", predicate, "--key", &key, "--bundle", bundle];
        self.run(&[&asked[..], judged].concat())
    }

    /// Has it sign what is said about demo.tar: a statement, or a predicate that it puts into a statement of its own.
    fn sign(&self, key: &str, said: &[&str], bundle: &str) -> Result<Answer, String> {
        let key = self.scene.at(&format!("{key}.key"));
        let [nobody, nowhere, file] = ["nobody.json", "nowhere.json", "demo.tar"].map(|name| self.scene.at(name));
        let signed = ["attest-blob", "--yes", "--key", &key, "--trusted-root", &nobody, "--signing-config", &nowhere, "--bundle", bundle];
        self.run(&[&signed[..], said, &[&file]].concat())
    }
}

fn statements_of_ours(cosign: &Cosign<'_>, report: &mut Report) -> Result<(), String> {
    let scene = cosign.scene;
    let (file, tampered, object) = (scene.at("demo.tar"), scene.at("tampered/demo.tar"), scene.at("commit-object"));
    let [commit, tree] = scene.commit_and_tree();
    for key in KEYS {
        let [build, run, changed] = ["build", "run", "tampered"].map(|what| scene.at(&format!("{key}-{what}.sigstore.json")));
        let by_commit = |commit| ["--digest", commit, "--digestAlg", "gitCommit"];
        let accepted = |answer: Answer| answer.accepted().map(drop);
        report.check(&format!("verifies our statement about a file, signed with {key}"), accepted(cosign.verify(key, &build, &[&file])?));
        report.check(&format!("refuses it ({key}) for another file"), cosign.verify(key, &build, &[&tampered])?.refused(OTHER_SUBJECT));
        report.check(
            &format!("refuses it ({key}) once its payload is changed"),
            cosign.verify(key, &changed, &[&tampered])?.refused("signature"),
        );
        report.check(
            &format!("verifies our statement about a commit, signed with {key}, by the commit's own bytes"),
            accepted(cosign.verify(key, &run, &[&object])?),
        );
        report.check(&format!("verifies it ({key}) by the commit's id"), accepted(cosign.verify(key, &run, &by_commit(commit))?));
        report.check(
            &format!("refuses it ({key}) for another commit"),
            cosign.verify(key, &run, &by_commit(&"1".repeat(40)))?.refused("digest"),
        );
        // The same bundles, by ours.
        report.check(
            &format!("is as strict as we are: we deny the changed payload ({key})"),
            scene.denies("tampered/demo.tar", &changed, key, "signature-invalid"),
        );
    }
    let [one, other] = KEYS;
    let by_tree = ["--digest", tree, "--digestAlg", "gitTree"];
    for (what, predicate, judged) in [
        ("cyclonedx", "cyclonedx", &[file.as_str()][..]),
        ("spdx", "spdxjson", &[file.as_str()]),
        ("gate", "https://in-toto.io/attestation/test-result/v0.1", &by_tree),
    ] {
        let bundle = scene.at(&format!("{one}-{what}.sigstore.json"));
        let verified = cosign.verify_as(predicate, one, &bundle, judged)?;
        report.check(&format!("verifies our statement of another kind: {what}"), verified.accepted().map(drop));
        let refused = cosign.verify(one, &bundle, judged)?.refused("invalid predicate type");
        report.check(&format!("refuses it ({what}) where provenance is wanted"), refused);
    }
    let build = scene.at(&format!("{one}-build.sigstore.json"));
    report.check("refuses another key than the signer's", cosign.verify(other, &build, &[&file])?.refused(BAD_SIGNATURE));
    Ok(())
}

/// Makes a trust root of the testkit's authority by both, with one command line.
fn trust_roots(cosign: &Cosign<'_>, report: &mut Report) -> Result<(), String> {
    let scene = cosign.scene;
    let authority = TrustRootFiles::of(&Authority::new().trusted_root())?;
    let [chain, stamps, first, second, promises] =
        ["ca.pem", "tsa.pem", "first.pub", "second.pub", "promises.pub"].map(|name| scene.at(name));
    for (name, list) in [("ca.pem", "certificateAuthorities"), ("tsa.pem", "timestampAuthorities")] {
        scene.write(name, authority.chain(list)?.as_bytes())?;
    }
    for (name, pointer) in [("first.pub", "/tlogs/0"), ("second.pub", "/tlogs/1"), ("promises.pub", "/ctlogs/0")] {
        scene.write(name, authority.pem("PUBLIC KEY", &format!("{pointer}/publicKey/rawBytes"))?.as_bytes())?;
    }
    let start = "start-time=2025-01-01T00:00:00Z";
    let given = [
        "--fulcio".to_owned(),
        format!("url=https://ca.example.test,certificate-chain={chain}"),
        "--tsa".to_owned(),
        format!("url=https://times.example.test,certificate-chain={stamps},{start},end-time=2030-01-01T00:00:00Z"),
        "--rekor".to_owned(),
        format!("url=https://first.example.test,public-key={first},{start}"),
        "--rekor".to_owned(),
        format!("url=https://second.example.test,public-key={second},{start},origin=second.example.test"),
        "--ctfe".to_owned(),
        format!("url=https://promises.example.test,public-key={promises},{start}"),
    ];
    let given: Vec<_> = given.iter().map(String::as_str).collect();
    let ours = scene.countersign(&[&["trust", "create"], &given[..]].concat()).answer()?.accepted()?;
    let theirs = cosign.run(&[&["trusted-root", "create"], &given[..]].concat())?.accepted()?;
    report.check("makes the same trust root of the same files", same(&sorted(&ours)?, &sorted(&theirs)?));
    Ok(())
}

/// What an authority has given out, as files.
struct TrustRootFiles(Json);

impl TrustRootFiles {
    fn of(trusted_root: &[u8]) -> Result<Self, String> {
        Json::parse(trusted_root).map(Self).map_err(|error| error.to_string())
    }

    fn chain(&self, list: &str) -> Result<String, String> {
        let count = self.0.pointer(&format!("/{list}/0/certChain/certificates")).and_then(Json::as_array).map_or(0, <[Json]>::len);
        (0..count).map(|place| self.pem("CERTIFICATE", &format!("/{list}/0/certChain/certificates/{place}/rawBytes"))).collect()
    }

    fn pem(&self, label: &str, pointer: &str) -> Result<String, String> {
        let body = self.0.pointer(pointer).and_then(Json::as_str).ok_or_else(|| format!("there is no `{pointer}`"))?;
        Ok(format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n"))
    }
}

/// Writes a trust root with its logs in the order of their addresses: cosign writes them in none.
fn sorted(trusted_root: &[u8]) -> Result<Vec<u8>, String> {
    let Ok(Json::Object(mut root)) = Json::parse(trusted_root.trim_ascii()) else { return Err("a trust root is no object".to_owned()) };
    if let Some(Json::Array(logs)) = root.get_mut("tlogs") {
        logs.sort_by_key(|log| log.get("baseUrl").and_then(Json::as_str).map(str::to_owned));
    }
    Ok(Json::Object(root).canonical())
}

/// Makes a key by cosign, reads it by ours, and signs with it.
fn keys_of_theirs(cosign: &Cosign<'_>, report: &mut Report) -> Result<(), String> {
    let scene = cosign.scene;
    cosign.run(&["generate-key-pair", "--output-key-prefix", &scene.at("theirs")])?.accepted()?;
    let private = scene.at("theirs.key");
    let public = scene.countersign(&["key", "public", &format!("file:{private}")]).with("COUNTERSIGN_PASSPHRASE", PASSPHRASE).answer()?;
    report.check("makes an encrypted key whose public half we read from it", same(&public.accepted()?, &scene.read("theirs.pub")?));
    let wrong = scene.countersign(&["key", "public", &format!("file:{private}")]).with("COUNTERSIGN_PASSPHRASE", "wrong").answer()?;
    report.check("makes a key that a wrong passphrase doesn't open here", wrong.refused("error[passphrase-wrong]"));
    let bundle = scene.at("theirs-signed-here.sigstore.json");
    scene.sign_build(&format!("file:{private}"), &bundle).with("COUNTERSIGN_PASSPHRASE", PASSPHRASE).output()?;
    let verified = cosign.verify("theirs", &bundle, &[&scene.at("demo.tar")])?;
    report.check("verifies what we sign with its encrypted key", verified.accepted().map(drop));
    Ok(())
}

/// Makes a key by ours in cosign's form, and reads it by cosign.
fn keys_of_ours(cosign: &Cosign<'_>, report: &mut Report) -> Result<(), String> {
    let scene = cosign.scene;
    let generate = scene.countersign(&["key", "generate", "--out", &scene.at("ours"), "--format", "cosign"]);
    generate.with("COUNTERSIGN_PASSPHRASE", PASSPHRASE).output()?;
    let public = cosign.run(&["public-key", "--key", &scene.at("ours.key")])?;
    report.check("reads the public half from a key that we encrypted its way", same(&public.accepted()?, &scene.read("ours.pub")?));
    Ok(())
}

/// Has cosign sign with a key of its own form, and judges that by ours.
fn statements_of_theirs(cosign: &Cosign<'_>, key: &str, report: &mut Report) -> Result<(), String> {
    let scene = cosign.scene;
    let bundle = scene.at(&format!("{key}-cosign.sigstore.json"));
    cosign.sign(key, &["--statement", &scene.at("statement.json")], &bundle)?.accepted()?;
    report.check(&format!("signs a statement, with the key {key}, that we allow"), scene.allows(&bundle, key));
    report.check(&format!("signs a statement, with the key {key}, that we deny for another file"), scene.denies_another_file(&bundle, key));
    let [stranger, _] = KEYS;
    report.check(
        &format!("signs a statement, with the key {key}, that we deny under a policy without that key"),
        scene.denies("demo.tar", &bundle, stranger, "signer-unknown"),
    );
    let verified = cosign.verify(key, &bundle, &[&scene.at("demo.tar")])?;
    report.check(&format!("verifies what it signed with the key {key}"), verified.accepted().map(drop));
    let own = scene.at(&format!("{key}-cosign-v0.1.sigstore.json"));
    cosign.sign(key, &["--type", "slsaprovenance1", "--predicate", &scene.at("predicate.json")], &own)?.accepted()?;
    report.check(&format!("writes a statement of its own (v0.1), with the key {key}, that we allow"), scene.allows(&own, key));
    Ok(())
}

/// cosign signs by Ed25519ph and verifies pure Ed25519: that's why we write it no such key.
fn ed25519_keys_of_ours(cosign: &Cosign<'_>, report: &mut Report) -> Result<(), String> {
    let scene = cosign.scene;
    cosign.run(&["import-key-pair", "--key", &scene.at("ed25519.key"), "--output-key-prefix", &scene.at("imported")])?.accepted()?;
    let private = format!("file:{}", scene.at("imported.key"));
    let public = scene.countersign(&["key", "public", &private]).with("COUNTERSIGN_PASSPHRASE", PASSPHRASE).answer()?;
    report.check("imports our Ed25519 key, and we read its public half from that", same(&public.accepted()?, &scene.read("ed25519.pub")?));
    let signed = cosign.sign("imported", &["--statement", &scene.at("statement.json")], &scene.at("imported.sigstore.json"))?;
    report.check("LIMIT of theirs: signs nothing with it, since it refuses its own signature", signed.refused(BAD_SIGNATURE));
    Ok(())
}

fn same(one: &[u8], other: &[u8]) -> Result<(), String> {
    if one == other {
        return Ok(());
    }
    Err(format!("these differ:\n{}\n{}", String::from_utf8_lossy(one), String::from_utf8_lossy(other)))
}

/// What it says of a statement about something else.
const OTHER_SUBJECT: &str = "provided artifact digest";
/// What it says of a signature that isn't the key's.
const BAD_SIGNATURE: &str = "could not verify envelope";
const VERSION: &str = "v3.1.3";
/// Where it is kept.
pub(super) const FOLDER: &str = "cosign-3.1.3";
/// What encrypts its keys.
pub(super) const PASSPHRASE: &str = "a passphrase for a test's key";
