//! What a believed statement says, as facts to read: names, digests and times, and never a word of a prompt or transcript.
//! Whether a fact is enough for a requirement is not judged here.

use super::Fact;
use crate::digest::DigestSet;
use crate::inquiry::Believed;
use crate::json::Json;
use crate::limits;
use crate::predicate::{CYCLONEDX, Provenance, SPDX, TEST_RESULT, TestResult, is_type};
use crate::seal::SealedRecord;
use crate::statement::ResourceDescriptor;

/// Returns what the statement says.
pub(super) fn of(believed: &Believed) -> Vec<Fact> {
    let mut facts = Facts { believed, facts: Vec::new() };
    let statement = believed.statement.value();
    if let Some(provenance) = &believed.provenance {
        facts.of_work(provenance);
        facts.of_agent(provenance);
        facts.of_parameters(provenance);
        facts.of_descriptors(provenance);
        facts.of_metadata(provenance);
    } else if statement.predicate_type == TEST_RESULT {
        facts.of_gate(&statement.predicate);
    } else if is_type(&statement.predicate_type, SPDX) || is_type(&statement.predicate_type, CYCLONEDX) {
        facts.of_sbom(&statement.predicate);
    }
    facts.facts
}

struct Facts<'a> {
    believed: &'a Believed,
    facts: Vec<Fact>,
}

impl Facts<'_> {
    fn add(&mut self, name: &'static str, pointer: impl Into<String>, values: impl IntoIterator<Item = String>) {
        let pointer = pointer.into();
        let mut all = values.into_iter().filter(|value| !value.is_empty());
        let values: Vec<_> = all.by_ref().take(VALUES).map(|value| limits::cut(&value)).collect();
        let more = all.count();
        if values.is_empty() || self.facts.len() >= FACTS {
            return;
        }
        let provenance = self.believed.provenance.as_ref();
        self.facts.push(Fact {
            name,
            values,
            more,
            origin: provenance.and_then(|provenance| provenance.claimed_origin(&pointer)).map(limits::cut),
            claimed: provenance.map_or(self.believed.ceiling, |provenance| provenance.claimed_basis(&pointer)),
            basis: self.believed.basis(&pointer),
            pointer,
        });
    }

    fn of_work(&mut self, provenance: &Provenance) {
        self.add("build-type", "/buildDefinition/buildType", [provenance.build_definition.build_type.clone()]);
        self.add("builder", "/runDetails/builder/id", [provenance.run_details.builder.id.clone()]);
        if let Ok(source) = provenance.source() {
            let reference = source.reference.map_or(String::new(), |reference| format!("@{reference}"));
            self.add("source", source.pointer, [format!("{}{reference} {}", source.repository, source.commit)]);
        }
        if let Some((outcome, pointer)) = provenance.run_outcome() {
            let word = Json::of(&outcome.outcome).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default();
            self.add("run-outcome", pointer, [outcome.exit_code.map_or(word.clone(), |code| format!("{word}, exit code {code}"))]);
        }
    }

    fn of_agent(&mut self, provenance: &Provenance) {
        let internal = &provenance.build_definition.internal_parameters;
        let agent = internal.get("agent").unwrap_or(&Json::Null);
        if let Some(runtime) = provenance.runtime() {
            let version = runtime.version.map_or(String::new(), |version| format!(" {version}"));
            self.add("agent", format!("{INTERNAL}/agent/runtime"), [format!("{}{version}", runtime.name)]);
        }
        let models = provenance.models().into_iter().flatten().map(|model| format!("{}/{}", model.provider, model.model_id));
        self.add("model", format!("{INTERNAL}/agent/model"), models);
        self.add("tools", format!("{INTERNAL}/agent/tools"), items(agent.get("tools")).map(|tool| text(tool.get("name"))));
        let subagents = items(internal.get("subagents")).map(|subagent| {
            let model = subagent.pointer("/agent/model/modelId");
            [subagent.get("invocationId"), subagent.get("role"), model].map(text).join(" ").trim().to_owned()
        });
        self.add("subagents", format!("{INTERNAL}/subagents"), subagents);
        if let Some(delegator) = provenance.delegator() {
            self.add("owner", format!("{INTERNAL}/onBehalfOf"), [format!("{}#{}", delegator.issuer, delegator.subject)]);
        }
    }

    fn of_parameters(&mut self, provenance: &Provenance) {
        let external = &provenance.build_definition.external_parameters;
        let invocation = |name| text(external.get("invocation").and_then(|invocation| invocation.get(name)));
        for (name, member) in [("program", "program"), ("requested-model", "model"), ("permission-mode", "permissionMode")] {
            self.add(name, EXTERNAL, [invocation(member)]);
        }
        if let Some(task) = external.get("task") {
            self.add("task", EXTERNAL, [text(task.get("uri")), task.pointer("/content/digest").map_or_else(String::new, digests_of)]);
        }
        if external.contains_key("prompt") {
            self.add("prompt", EXTERNAL, ["stated in clear, and not repeated here".to_owned()]);
        }
    }

    fn of_descriptors(&mut self, provenance: &Provenance) {
        let definition = &provenance.build_definition;
        for (index, dependency) in definition.resolved_dependencies.iter().enumerate() {
            let name = match dependency.name.as_deref() {
                Some("source") => continue,
                Some("sandbox-image") => "sandbox-image",
                Some("prompt") => "prompt",
                Some("arguments") => "arguments",
                _ => "dependency",
            };
            self.add(name, format!("/buildDefinition/resolvedDependencies/{index}"), [described(name, dependency)]);
        }
        for (index, byproduct) in provenance.run_details.byproducts.iter().enumerate() {
            let name = match byproduct.name.as_deref() {
                Some("run-outcome") => continue,
                Some("transcript") => "transcript",
                Some("sbom" | "sbom-canonical") => "sbom",
                _ => "byproduct",
            };
            self.add(name, format!("/runDetails/byproducts/{index}"), [described(name, byproduct)]);
        }
    }

    fn of_metadata(&mut self, provenance: &Provenance) {
        let Some(metadata) = &provenance.run_details.metadata else { return };
        let at = |name: &str| format!("/runDetails/metadata/{name}");
        self.add("invocation", at("invocationId"), metadata.invocation_id.clone());
        self.add("started", at("startedOn"), metadata.started_on.map(|time| time.to_string()));
        self.add("finished", at("finishedOn"), metadata.finished_on.map(|time| time.to_string()));
        for (name, member) in [("usage", "countersign_usage"), ("cost", "countersign_cost")] {
            let entries = metadata.other.get(member).and_then(Json::as_object).into_iter().flatten();
            self.add(name, at(member), entries.filter_map(entry).collect::<Vec<_>>());
        }
    }

    fn of_gate(&mut self, predicate: &Json) {
        let Ok(result) = predicate.to::<TestResult>() else { return };
        let gate = result.configuration.first().and_then(|gate| gate.name.clone());
        self.add("gate", "/configuration/0", gate);
        self.add("result", "/result", [text(predicate.get("result"))]);
        self.add("failed", "/failedTests", result.failed_tests);
        for (index, report) in result.configuration.iter().enumerate().skip(1) {
            self.add("report", format!("/configuration/{index}"), [described("report", report)]);
        }
    }

    fn of_sbom(&mut self, document: &Json) {
        let member = |names: &[&str]| names.iter().map(|name| text(document.get(name))).find(|text| !text.is_empty()).unwrap_or_default();
        self.add("format", "", [format!("{} {}", member(&["bomFormat"]), member(&["specVersion", "spdxVersion"])).trim().to_owned()]);
        let lists = ["components", "packages", "@graph"].iter().filter_map(|name| document.get(name)?.as_array());
        self.add("components", "", lists.map(|list| list.len().to_string()).next());
    }
}

/// A descriptor in words: its name where the fact's doesn't say it, URI, digests, and of what is sealed, how much it is.
fn described(fact: &str, descriptor: &ResourceDescriptor) -> String {
    let name = descriptor.name.clone().filter(|name| name != fact);
    let sealed = descriptor.content.as_deref().filter(|_| descriptor.media_type.as_deref() == Some(SealedRecord::MEDIA_TYPE));
    let sealed = sealed.and_then(|content| SealedRecord::parse(content).ok());
    let sealed = sealed.map(|record| format!("sealed, {} {}", record.leaves(), if record.leaves() == 1 { "message" } else { "messages" }));
    let words = [name, descriptor.uri.clone(), Some(digests(&descriptor.digest)), sealed];
    words.into_iter().flatten().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn digests(set: &DigestSet) -> String {
    set.iter().map(|digest| digest.to_string()).collect::<Vec<_>>().join(" ")
}

fn digests_of(set: &Json) -> String {
    set.to::<DigestSet>().map_or_else(|_| String::new(), |set| digests(&set))
}

fn items(list: Option<&Json>) -> impl Iterator<Item = &Json> {
    list.and_then(Json::as_array).into_iter().flatten()
}

fn text(value: Option<&Json>) -> String {
    value.and_then(Json::as_str).unwrap_or_default().to_owned()
}

/// A member whose value is a number or a word.
fn entry((name, value): (&String, &Json)) -> Option<String> {
    let value = value.as_integer().map(|number| number.to_string()).or_else(|| value.as_str().map(str::to_owned))?;
    Some(format!("{name} {value}"))
}

const INTERNAL: &str = "/buildDefinition/internalParameters";
const EXTERNAL: &str = "/buildDefinition/externalParameters";
/// Most values of one fact that are repeated.
const VALUES: usize = 32;
/// Most facts of one statement that are repeated.
const FACTS: usize = 256;
