//! One function for each way to break the good world, or to stretch it without breaking it.
//! What must come out of each stands in `cases`.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use countersign::digest::{Algorithm, Digest, DigestSet, Hasher};
use countersign::json::Json;
use countersign::predicate::{GateResult, Outcome, Provenance, RunOutcome, TestResult, commit_subject, tree_subject};
use countersign::statement::{ResourceDescriptor, Statement};

use crate::world::{self, Signed, World};

/// Leaves a piece of evidence out.
pub(crate) fn without(world: &mut World, name: &str) {
    world.bundles.remove(name).expect("a bundle of that name");
}

/// Signs a piece of evidence with another key.
pub(crate) fn signed_by(world: &mut World, name: &str, other: &'static str) {
    let Some(Signed::By(key, _)) = world.bundles.get_mut(name) else { panic!("no statement {name}") };
    *key = other;
}

/// Edits a statement before it's signed.
pub(crate) fn statement(world: &mut World, name: &str, edit: impl FnOnce(&mut Statement)) {
    let Some(Signed::By(_, statement)) = world.bundles.get_mut(name) else { panic!("no statement {name}") };
    edit(statement);
}

/// Edits a provenance before it's signed.
pub(crate) fn provenance(world: &mut World, name: &str, edit: impl FnOnce(&mut Provenance)) {
    statement(world, name, |statement| {
        let mut provenance: Provenance = statement.predicate.to().expect("provenance");
        edit(&mut provenance);
        statement.predicate = Json::of(&provenance).expect("JSON");
    });
}

/// Edits the JSON of a payload before it's signed by the platform, where no type of ours could say the same.
pub(crate) fn payload(world: &mut World, name: &str, from: &str, to: &str) {
    let Signed::By(key, statement) = &world.bundles[name] else { panic!("no statement {name}") };
    let text = String::from_utf8(statement.to_bytes()).expect("UTF-8");
    assert!(text.contains(from), "the payload doesn't hold `{from}`");
    let payload = text.replacen(from, to, 1).into_bytes();
    let key = world::key(key);
    let signature = key.sign(&countersign::envelope::pae(countersign::statement::PAYLOAD_TYPE, &payload)).expect("a signature");
    let bundle = format!(
        r#"{{"dsseEnvelope":{{"payload":"{}","payloadType":"application/vnd.in-toto+json","signatures":[{{"sig":"{}"}}]}},"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{{"publicKey":{{"hint":"{}"}}}}}}"#,
        STANDARD.encode(&payload),
        STANDARD.encode(signature),
        world::public_key(match &world.bundles[name] {
            Signed::By(key, _) => key,
            Signed::Bytes(_) => panic!("no statement {name}"),
        })
        .hint()
    );
    world.bundles.insert(name.to_owned(), Signed::Bytes(bundle.into_bytes()));
}

/// Edits a bundle's text after it was signed.
pub(crate) fn bundle(world: &mut World, name: &str, edit: impl FnOnce(String) -> String) {
    let text = String::from_utf8(world.bytes(name)).expect("UTF-8");
    let edited = edit(text.clone());
    assert_ne!(edited, text, "the edit of {name} changes nothing");
    world.bundles.insert(name.to_owned(), Signed::Bytes(edited.into_bytes()));
}

/// Replaces the first occurrence in a bundle's text.
pub(crate) fn bundle_text(world: &mut World, name: &str, from: &str, to: &str) {
    bundle(world, name, |text| text.replacen(from, to, 1));
}

/// Lets the last bit of the signature flip.
pub(crate) fn flip_signature(world: &mut World, name: &str) {
    let text = String::from_utf8(world.bytes(name)).expect("UTF-8");
    let json = Json::parse(text.as_bytes()).expect("JSON");
    let signature = json.pointer("/dsseEnvelope/signatures/0/sig").and_then(Json::as_str).expect("a signature").to_owned();
    let mut bytes = STANDARD.decode(&signature).expect("base64");
    *bytes.last_mut().expect("a byte") ^= 1;
    bundle_text(world, name, &signature, &STANDARD.encode(bytes));
}

/// Writes the payload in the other alphabet of base64, which some readers take for the same.
pub(crate) fn url_safe(world: &mut World, name: &str) {
    // The payload needs a character in which the alphabets differ.
    statement(world, name, |statement| statement.subject[0].name = Some("demo.tar???>>>~~~".to_owned()));
    let json = Json::parse(&world.bytes(name)).expect("JSON");
    let payload = json.pointer("/dsseEnvelope/payload").and_then(Json::as_str).expect("a payload").to_owned();
    let other = URL_SAFE.encode(STANDARD.decode(&payload).expect("base64"));
    bundle_text(world, name, &payload, &other);
}

/// Nests the bundle deeper than the limit.
pub(crate) fn too_deep(world: &mut World, name: &str) {
    world.bundles.insert(name.to_owned(), Signed::Bytes(format!("{}{}", "[".repeat(65), "]".repeat(65)).into_bytes()));
}

/// Lets the SBOM list something else.
pub(crate) fn other_sbom(world: &mut World) {
    let text = world::SBOM.replace("greeting.txt", "farewell.txt");
    let statement = world::sbom(&text).about(world.artifact_subject()).expect("a statement");
    world.add("sbom", "maintainer", statement);
}

/// Lets a statement name the artifact by SHA-512 as well: of `bytes`.
pub(crate) fn also_sha512(world: &mut World, name: &str, bytes: &[u8]) {
    let mut hasher = Hasher::new(Algorithm::Sha512).expect("a hash");
    hasher.update(bytes);
    let sha512 = hasher.finish();
    statement(world, name, |statement| statement.subject[0].digest = std::mem::take(&mut statement.subject[0].digest).with(sha512));
}

/// Lets a statement name the artifact by SHA-512 only.
pub(crate) fn only_sha512(world: &mut World, name: &str) {
    let artifact = world.artifact.clone();
    also_sha512(world, name, &artifact);
    statement(world, name, |statement| {
        let sha512 = statement.subject[0].digest.get(Algorithm::Sha512).expect("a digest");
        statement.subject[0].digest = DigestSet::from(sha512);
    });
}

/// Adds a build that failed, before the good one.
pub(crate) fn failed_build_too(world: &mut World) {
    let commit = world::commit_id(&world::commit_object());
    let failed = world::build_of(commit).outcome(RunOutcome { outcome: Outcome::Failure, exit_code: Some(2) });
    let statement = failed.about(world.artifact_subject()).expect("a statement");
    world.add("build-before", "platform", statement);
}

/// Lets the build name another commit; an older one, which meets nothing that is asked of builds, names the agent's.
pub(crate) fn source_of_a_build_that_is_not_asked_for(world: &mut World) {
    failed_build_too(world);
    provenance(world, "build-before", |provenance| {
        let metadata = provenance.run_details.metadata.as_mut().expect("metadata");
        metadata.started_on = Some("2025-11-01T11:59:00Z".parse().expect("a time"));
        metadata.finished_on = Some("2025-11-01T12:00:00Z".parse().expect("a time"));
    });
    provenance(world, "build", |provenance| {
        let source = provenance.build_definition.resolved_dependencies.iter_mut().find(|dependency| dependency.is_named("source"));
        source.expect("a source").digest = Digest::new(Algorithm::GitCommit, "ba5eba11".repeat(5)).expect("a digest").into();
    });
}

/// Adds a build from before the time that the policy allows, which bound the good SBOM; the build that counts binds another.
pub(crate) fn older_build_too(world: &mut World) {
    let Signed::By(key, statement) = world.bundles["build"].clone() else { panic!("no statement") };
    world.bundles.insert("build-before".to_owned(), Signed::By(key, statement));
    provenance(world, "build-before", |provenance| {
        let metadata = provenance.run_details.metadata.as_mut().expect("metadata");
        metadata.started_on = Some("2025-11-01T11:59:00Z".parse().expect("a time"));
        metadata.finished_on = Some("2025-11-01T12:00:00Z".parse().expect("a time"));
    });
    provenance(world, "build", |provenance| {
        let bound = provenance.run_details.byproducts.iter_mut().find(|byproduct| byproduct.is_named("sbom-canonical"));
        bound.expect("a bound SBOM").digest = Digest::sha256(b"another SBOM").into();
    });
}

/// Lets the build say another outcome.
pub(crate) fn outcome(world: &mut World, outcome: Option<RunOutcome>) {
    provenance(world, "build", |provenance| {
        provenance.run_details.byproducts.retain(|byproduct| !byproduct.is_named("run-outcome"));
        provenance.run_details.byproducts.extend(outcome.map(RunOutcome::byproduct));
    });
}

/// Adds a gate's result on a tree.
pub(crate) fn gate(world: &mut World, tree: Digest) {
    let result = TestResult::of_gate("unit-tests", GateResult::Passed, None);
    let statement = result.about(vec![tree_subject(tree)]).expect("a statement");
    world.add("gate", "platform", statement);
}

/// Splits the agent's run in two, of which one names the owner and the other the sandbox.
pub(crate) fn split_run(world: &mut World) {
    let Signed::By(key, statement) = world.bundles["agent-run"].clone() else { panic!("no statement") };
    world.bundles.insert("agent-run-too".to_owned(), Signed::By(key, statement));
    provenance(world, "agent-run", |provenance| {
        provenance.build_definition.internal_parameters.remove("onBehalfOf");
    });
    provenance(world, "agent-run-too", |provenance| {
        provenance.build_definition.resolved_dependencies.retain(|dependency| !dependency.is_named("sandbox-image"));
    });
}

/// Asks about the commit instead of the artifact.
pub(crate) fn ask_about_commit(world: &mut World) {
    let commit = world::commit_id(&world::commit_object());
    world.target = format!("git:{}", commit.hex());
    world.resource = world::REPOSITORY.to_owned();
    world.environment = Some("source".to_owned());
}

/// Lets the agent's run make a second commit after the one that is asked about.
pub(crate) fn second_commit(world: &mut World) {
    ask_about_commit(world);
    let first = world::commit_object();
    let tree = Digest::new(Algorithm::GitTree, "0123456789abcdef0123456789abcdef01234567").expect("an id");
    let text = String::from_utf8(first.clone()).expect("UTF-8");
    let second = text
        .replace(world::tree().hex(), tree.hex())
        .replace(world::base().hex(), world::commit_id(&first).hex())
        .replace("Add a greeting", "Add another")
        .into_bytes();
    let objects = [first, second].map(|object| (world::commit_id(&object), object)).to_vec();
    let subjects = objects
        .iter()
        .map(|(id, object)| commit_subject(Some(world::REPOSITORY), Some(world::BRANCH), id.clone(), object))
        .chain([tree_subject(tree)])
        .collect();
    let run = world::agent_run(world::agent(), |run| {
        run.sandbox_image("registry.example.test/sandbox", world::sandbox()).commit_objects(objects)
    });
    world.add("agent-run", "platform", run.about(subjects).expect("a statement"));
}

/// Lets the agent leave its changes uncommitted: the run knows their tree and the base, and somebody commits them later.
pub(crate) fn committed_later(world: &mut World, commit: Vec<u8>) {
    world.target = format!("git:{}", world::commit_id(&commit).hex());
    world.resource = world::REPOSITORY.to_owned();
    world.environment = Some("source".to_owned());
    world.bundles.clear();
    let run = world::agent_run(world::agent(), |run| run.sandbox_image("registry.example.test/sandbox", world::sandbox()));
    world.add("agent-run", "platform", run.about(vec![tree_subject(world::tree())]).expect("a statement"));
    world.commits.push(commit);
}

/// Asks about the artifact by its digest alone.
pub(crate) fn ask_about_digest(world: &mut World) {
    world.target = Digest::sha256(&world.artifact).to_string();
}

/// Gives a subject a digest of another kind only.
pub(crate) fn only_sha1(world: &mut World, name: &str) {
    payload(
        world,
        name,
        &format!(r#""digest":{{"sha256":"{}"}}"#, Digest::sha256(&world.artifact.clone()).hex()),
        r#""digest":{"sha1":"da39a3ee5e6b4b0d3255bfef95601890afd80709"}"#,
    );
}

/// Describes something else under the artifact's name.
pub(crate) fn of_another_artifact(world: &mut World, name: &str) {
    statement(world, name, |statement| statement.subject = vec![ResourceDescriptor::new("demo.tar", Digest::sha256(b"another artifact"))]);
}
