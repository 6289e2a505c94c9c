//! The policy as its author writes it, field by field.
//! It knows shapes only; `load` checks what the fields mean to one another.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{About, Authority, ExpectedBuilder, ExpectedSource, Pattern, SignerKind};
use crate::bundle::Version;
use crate::glob::Glob;
use crate::identity::{Extension, PublicKey};
use crate::json::Object;
use crate::predicate::Basis;
use crate::time::{Span, Time};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Policy {
    pub(super) version: u64,
    pub(super) id: String,
    pub(super) expires: Option<Time>,
    #[serde(default)]
    pub(super) time: Witnessing,
    pub(super) bundles: Option<Vec<Version>>,
    pub(super) signers: Vec<Signer>,
    #[serde(default)]
    pub(super) people: Vec<Person>,
    pub(super) resources: Vec<Resource>,
    pub(super) environments: BTreeMap<String, Environment>,
    pub(super) requirements: Vec<Requirement>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Witnessing {
    #[default]
    Witnessed,
    Unwitnessed,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Signer {
    pub(super) id: String,
    pub(super) kind: SignerKind,
    pub(super) key: Option<PublicKey>,
    pub(super) identity: Option<Identity>,
    pub(super) custody: Option<Custody>,
    #[serde(default)]
    pub(super) validity: Validity,
    pub(super) may_attest: Vec<Authority>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Identity {
    pub(super) issuer: Pattern,
    pub(super) subject: Pattern,
    pub(super) trust_root: String,
    #[serde(default)]
    pub(super) extensions: BTreeMap<Extension, Pattern>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Custody {
    Local,
    Managed,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Validity {
    pub(super) not_before: Option<Time>,
    pub(super) not_after: Option<Time>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Person {
    pub(super) id: String,
    pub(super) identities: Vec<PersonIdentity>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PersonIdentity {
    pub(super) signer: Option<String>,
    pub(super) issuer: Option<String>,
    pub(super) subject: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Resource {
    #[serde(rename = "match")]
    pub(super) pattern: Glob,
    pub(super) source: Option<ExpectedSource>,
    pub(super) builders: Vec<ExpectedBuilder>,
    #[serde(default)]
    pub(super) external_parameters: Object,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Environment {
    pub(super) requirements: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Requirement {
    pub(super) id: String,
    pub(super) kind: KindName,
    pub(super) about: About,
    pub(super) signers: Option<Vec<String>>,
    pub(super) max_age: Option<Span>,
    pub(super) basis: Option<Basis>,
    pub(super) condition: Option<String>,
    pub(super) predicate: Option<String>,
    pub(super) allow: Option<Vec<String>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum KindName {
    Evidence,
    Builder,
    Source,
    RunOutcome,
    Agent,
    Model,
    SandboxImage,
    Owner,
    Sbom,
    Tools,
}
