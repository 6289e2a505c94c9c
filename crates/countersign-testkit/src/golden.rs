//! Golden statements: the canonical bytes of each predicate that we write.
//! Their facts are those of the good world.

use std::fs;
use std::path::Path;

use countersign::predicate::{GateResult, Sbom, TestResult, tree_subject};
use countersign::statement::Statement;

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
    let golden: [(&str, Statement); 5] = [
        ("agent-run", statement("agent-run")),
        ("local-build", statement("build")),
        ("sbom-cyclonedx", statement("sbom")),
        ("sbom-spdx", about(world::sbom(SPDX))),
        ("test-result", gate),
    ];
    for (name, statement) in golden {
        fs::write(folder.join(format!("{name}.json")), statement.to_bytes()).expect("a file");
    }
    fs::write(folder.join("bundle.sigstore.json"), world.bytes("build")).expect("a file");
}

const SPDX: &str = r#"{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"demo","creationInfo":{"created":"2025-12-01T12:00:00Z","creators":["Tool: example"]},"packages":[]}"#;
