//! Golden statements: the canonical bytes of each predicate that we write, and of the drafts that we read.
//! Their facts are those of the good world.

mod governance;

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::decision::Decision;
use countersign::digest::Digest;
use countersign::envelope::pae;
use countersign::inquiry::{Found, Inquiry, Question, Wanted};
use countersign::json::{Json, Object};
use countersign::policy::Policy;
use countersign::predicate::{
    Attribute, AttributeReport, GateResult, PROVENANCE, Sbom, ScanMetadata, Scanner, ScannerDatabase, Severity, TestResult, Vulnerability,
    VulnerabilityScan, tree_subject,
};
use countersign::statement::{PAYLOAD_TYPE, ResourceDescriptor, Statement};
use countersign::trust::Trust;
use sha2::{Digest as _, Sha256};

use crate::authority::{Authority, Identity, Witness};
use crate::case::object;
use crate::world::{self, Signed, World};

pub(crate) fn write(folder: &Path) {
    fs::create_dir_all(folder).expect("a folder");
    let world = World::good();
    let statement = |name: &str| match &world.bundles[name] {
        Signed::By(_, statement) => (**statement).clone(),
        Signed::Bytes(_) => panic!("no statement {name}"),
    };
    let about = |sbom: Sbom| sbom.about(world.artifact_subject()).expect("a statement");
    let gate = TestResult::of_gate("unit-tests", GateResult::Passed, None).about(vec![tree_subject(world::tree())]).expect("a statement");
    let decision = decided(&world);
    let summary = decision.summary(world::public_key("maintainer").uri());
    let mut golden = vec![
        ("agent-run", statement("agent-run")),
        ("local-build", statement("build")),
        ("sbom-cyclonedx", statement("sbom")),
        ("sbom-spdx", about(world::sbom(SPDX))),
        ("test-result", gate),
        ("vsa", summary.vsa().expect("a statement")),
        ("svr", summary.svr().expect("a statement")),
        ("scai", attributes()),
        ("vulns", scan(&world)),
        ("agent-commit-v0.1", agent_commit("v0.1", "agent", ["startedOn", "finishedOn"], "finalDigest")),
        ("agent-commit-v0.2", agent_commit("v0.2", "agent", ["start", "end"], "digest")),
        ("agent-commit-v0.3", agent_commit("v0.3", "runtime", ["start", "end"], "digest")),
    ];
    golden.extend(governance::statements(&world));
    for (name, statement) in golden {
        fs::write(folder.join(format!("{name}.json")), statement.to_bytes()).expect("a file");
    }
    fs::write(folder.join("bundle.sigstore.json"), world.bytes("build")).expect("a file");
    let [envelope, message] = other_forms(&world);
    fs::write(folder.join("envelope.json"), envelope.canonical()).expect("a file");
    fs::write(folder.join("message.sigstore.json"), message.canonical()).expect("a file");
}

/// What is signed in other forms than evidence has: an envelope in no bundle, and a bundle that signs the very bytes which
/// that envelope's signature covers, as if they were an artifact.
fn other_forms(world: &World) -> [Json; 2] {
    let Signed::By(_, statement) = &world.bundles["build"] else { panic!("no statement") };
    let payload = statement.to_bytes();
    let at = "2025-12-01T12:00:30Z".parse().expect("a time");
    let identity = Identity::person("maintainer@example.test");
    let draft = Authority::new().keyless(&identity, &payload, Witness::RekorV2AndTimestamp, at);
    let Json::Object(mut bundle) = draft.json() else { panic!("no bundle") };
    let envelope = bundle.remove("dsseEnvelope").expect("an envelope");
    let base64 = |bytes: &[u8]| Json::from(STANDARD.encode(bytes));
    let digest = [("algorithm", Json::from("SHA2_256")), ("digest", base64(&Sha256::digest(pae(PAYLOAD_TYPE, &payload))))];
    let message = object([("messageDigest", object(digest)), ("signature", base64(&draft.signature))]);
    bundle.insert("messageSignature".to_owned(), message);
    [envelope, Json::Object(bundle)]
}

/// Decides the good world's question.
fn decided(world: &World) -> Decision {
    let policy = Policy::parse(world.policy.as_bytes()).expect("a policy");
    let question = Question::new(Digest::sha256(&world.artifact), world.resource.as_str(), world.at.parse().expect("a time"));
    let question = question.expect("a question").environment(world.environment.as_deref().expect("an environment"));
    let trust = Trust::keys_only();
    let mut inquiry = Inquiry::about(question, &trust, &policy).expect("an inquiry");
    while let Some(wanted) = inquiry.next() {
        let found = match wanted {
            Wanted::Bundles { .. } => Found::These(world.bundles.keys().map(|name| world.bytes(name)).collect()),
            _ => Found::Nothing,
        };
        inquiry.supply(&wanted, found);
    }
    let decision = inquiry.decide();
    assert!(decision.is_allowed(), "the good world is allowed");
    decision
}

fn attributes() -> Statement {
    let mut class = Attribute::named("countersign:change-class:documentation");
    class.evidence = Some(ResourceDescriptor::new("patch", Digest::sha256(b"a patch")));
    class.conditions = Object::from([("baseTree".to_owned(), Json::from(world::tree().hex()))]);
    let sandbox = Attribute::named("countersign:sandbox:network-none");
    let report = AttributeReport { attributes: vec![class, sandbox], producer: None, other: Object::new() };
    report.about(vec![tree_subject(world::tree())]).expect("a statement")
}

fn scan(world: &World) -> Statement {
    let other = Object::new;
    let time = |text: &str| text.parse().expect("a time");
    let severity = Severity { method: "cvss_v3".to_owned(), score: Json::from("5.3"), other: other() };
    let found = Vulnerability { id: "CVE-2025-0001".to_owned(), severity: vec![severity], other: other() };
    let db = ScannerDatabase {
        uri: Some("https://example.test/vulnerabilities".to_owned()),
        version: None,
        last_update: time("2025-12-01T00:00:00Z"),
        other: other(),
    };
    let scanner = Scanner {
        uri: "https://example.test/scanner".to_owned(),
        version: Some("1.0.0".to_owned()),
        db,
        result: vec![found],
        other: other(),
    };
    let metadata =
        ScanMetadata { scan_started_on: time("2025-12-01T12:10:00Z"), scan_finished_on: time("2025-12-01T12:11:00Z"), other: other() };
    VulnerabilityScan { scanner, metadata, other: other() }.about(world.artifact_subject()).expect("a statement")
}

/// A run as a platform would state it that follows the public draft (<https://refs.arewm.com/agent-commit/v0.3>).
fn agent_commit(version: &str, observations: &str, [start, end]: [&str; 2], digest: &str) -> Statement {
    let (commit, base) = (world::commit_id(&world::commit_object()), world::base());
    let sha256 = |text: &str| Digest::sha256(text.as_bytes()).hex().to_owned();
    let text = format!(
        r#"{{
  "buildDefinition": {{
    "buildType": "https://refs.arewm.com/agent-commit/{version}",
    "externalParameters": {{
      "task": {{"uri": "https://example.test/demo/issues/1", "content": {{"uri": "https://example.test/tasks/1", "digest": {{"sha256": "{task}"}}}}}},
      "target": {{"repository": "git+{repository}", "baseRef": "{branch}", "baseCommit": "{base}"}}
    }},
    "internalParameters": {{
      "agent": {{
        "model": {{"provider": "anthropic", "modelId": "claude-sonnet-4-5-20250929"}},
        "runtime": {{"name": "claude-code", "version": "2.0.55", "digest": {{"sha256": "{runtime}"}}}},
        "tools": [{{"name": "mcp-github", "uri": "oci://registry.example.test/mcp-github:v2.1", "capabilities": ["issues.read"]}}]
      }},
      "sandboxPolicy": {{"network": {{"mode": "allowlist", "allowedEgress": ["api.example.test:443"]}}, "credentials": "none", "filesystem": "ephemeral-clone"}},
      "subagents": [{{
        "invocationId": "sub-1", "role": "implementer",
        "agent": {{
          "model": {{"provider": "anthropic", "modelId": "claude-haiku-4-5-20251001"}},
          "runtime": {{"name": "claude-code", "version": "2.0.55"}},
          "tools": [{{"name": "mcp-filesystem", "capabilities": ["read", "write"]}}]
        }},
        "input": {{"type": "delegated-task", "digest": {{"sha256": "{task}"}}}},
        "{start}": "2025-12-01T10:51:00Z", "{end}": "2025-12-01T10:58:00Z"
      }}]
    }},
    "resolvedDependencies": [{{"uri": "git+{repository}", "digest": {{"gitCommit": "{base}"}}, "name": "source"}}]
  }},
  "runDetails": {{
    "builder": {{"id": "https://platform.example.test/agents/v1", "version": {{"observer": "0.2.0"}}}},
    "metadata": {{"invocationId": "run-1", "startedOn": "2025-12-01T10:50:00Z", "finishedOn": "2025-12-01T11:00:00Z"}},
    "byproducts": [{{
      "name": "observed-filesystem", "mediaType": "application/vnd.{observations}-observations+json",
      "annotations": {{"observations": [{{"invocationId": "sub-1", "role": "implementer", "writes": [{{"path": "greeting.txt", "{digest}": {{"sha256": "{task}"}}}}]}}]}}
    }}]
  }}
}}"#,
        repository = world::REPOSITORY,
        branch = world::BRANCH,
        base = base.hex(),
        task = sha256("Add a greeting"),
        runtime = sha256("a runtime"),
    );
    let predicate = Json::parse(text.as_bytes()).expect("JSON");
    let subject = ResourceDescriptor { digest: commit.into(), ..ResourceDescriptor::default() }.at(format!(
        "git+{}@{}",
        world::REPOSITORY,
        world::BRANCH
    ));
    Statement::new(vec![subject], PROVENANCE, predicate).expect("a statement")
}

const SPDX: &str = r#"{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"demo","creationInfo":{"created":"2025-12-01T12:00:00Z","creators":["Tool: example"]},"packages":[]}"#;
