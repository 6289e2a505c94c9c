//! in-toto-attestation 0.9.3, in-toto's own schemas: what we state is what SLSA and in-toto say that it is, field by field.
//! It verifies no signatures.

use super::python::question;
use super::report::Report;
use super::scene::Scene;
use super::workshop::Workshop;

/// Asks everything.
pub(super) fn ask(workshop: &Workshop, scene: &Scene, report: &mut Report) -> Result<(), String> {
    for (what, statement, schema) in [
        ("build", "statement.json", "provenance"),
        ("agent's run", "run-statement.json", "provenance"),
        ("gate", "gate-statement.json", "test-result"),
    ] {
        let read = question(workshop, &[schema, &scene.at(statement)]).answer()?;
        report.check(&format!("reads our {what} as a {schema}, and nothing else in it"), read.accepted().map(drop));
    }
    let other = question(workshop, &["test-result", &scene.at("statement.json")]).answer()?;
    report.check("reads no build as a test-result", other.refused("ParseError"));
    Ok(())
}
