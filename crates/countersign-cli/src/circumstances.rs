//! What the command line, git and a CI system say of a run whoever did it: repository, sandbox image, SBOM, on whose behalf.
//! How it becomes a statement is the capture crate's affair.

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;

use clap::{Args, ValueHint};
use countersign::digest::Digest;
use countersign::predicate::{Delegator, Noticed};
use countersign_capture::ci::{self, Ci};
use countersign_capture::git::{Repository, public_uri};
use countersign_capture::observation::{Claimed, Observation};
use countersign_capture::sandbox_image::SandboxImage;
use countersign_capture::session::Fact;

use crate::capture_failure::read_sbom;
use crate::failure::Failure;
use crate::output;
use crate::ready;

/// Which repository was worked on, and what came out beside it.
#[derive(Debug, Args)]
pub(crate) struct Origin {
    /// The repository's URI [default: the remote `origin`, without user and password, or else what the CI system says; a
    /// local path is never written]
    #[arg(long, value_name = "URI", value_parser = repository_uri)]
    repository: Option<String>,
    /// The SBOM of what was made, in SPDX or CycloneDX JSON
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    sbom: Option<PathBuf>,
}

impl Origin {
    /// Refuses what can't be read, before a command runs.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        self.sbom.as_deref().map_or(Ok(()), |file| ready::to_read("SBOM", "sbom-unreadable", file))
    }

    /// Returns what is known of the repository and of the CI job, and of the SBOM as it is now.
    pub(crate) fn observe(&self, repository: Option<&Repository>, ci: Option<&Ci>) -> Result<Observation, Failure> {
        let mut observation = Observation::new();
        let origin = repository.and_then(Repository::repository_uri);
        if let (Some(ci), Some(origin)) = (ci, &origin)
            && ci.is_for_another(origin)
        {
            output::warning("the CI job runs for another repository than the remote `origin`; the statement tells of both");
            observation = observation.finding(Noticed::CiOfAnotherRepository);
        }
        let named = self.repository.clone().map(|uri| fact(uri, "argument:--repository"));
        if let Some(uri) = named.or_else(|| origin.map(|uri| fact(uri, "git:origin"))) {
            observation = observation.repository(uri);
        } else if let Some(uri) = ci.and_then(|ci| ci.repository.clone()) {
            observation = observation.repository(uri);
        } else {
            output::warning("it isn't known which repository this is, so the statement names none, and a policy may ask for one");
            output::hint("name it by `--repository URI`, or add a remote `origin`");
        }
        if let Some(ci) = ci {
            observation = observation.ci(ci.clone());
        }
        if let Some(file) = &self.sbom {
            observation = observation.sbom(read_sbom(file)?);
        }
        Ok(observation)
    }
}

/// Where an agent worked, and for whom.
#[derive(Debug, Args)]
pub(crate) struct Confinement {
    /// The container image that the agent is confined to, by its manifest's digest [default: the variable
    /// COUNTERSIGN_SANDBOX_IMAGE]
    #[arg(long, value_name = "NAME@sha256:HEX")]
    sandbox_image: Option<SandboxImage>,
    /// Who asked the agent; without an issuer, a name that only this machine knows
    #[arg(long, value_name = "[ISSUER#]SUBJECT")]
    on_behalf_of: Option<Delegator>,
}

impl Confinement {
    /// Returns the sandbox image that is given.
    pub(crate) fn sandbox_image(&self) -> Result<Option<Fact<SandboxImage>>, Failure> {
        if let Some(image) = &self.sandbox_image {
            return Ok(Some(fact(image.clone(), "argument:--sandbox-image")));
        }
        let Some(text) = env::var_os(SANDBOX_IMAGE).filter(|text| !text.is_empty()) else { return Ok(None) };
        let image = text.to_str().unwrap_or_default().parse();
        let image = image.map_err(|error| {
            Failure::new("sandbox-image-invalid", format!("the variable {SANDBOX_IMAGE} names no image by its digest")).because(&error)
        })?;
        Ok(Some(fact(image, "env:COUNTERSIGN_SANDBOX_IMAGE")))
    }

    /// Returns who asked the agent.
    pub(crate) fn delegator(&self) -> Option<Fact<Delegator>> {
        Some(fact(self.on_behalf_of.clone()?, "argument:--on-behalf-of"))
    }
}

/// Returns what the CI system says of the job that this is a part of, if it's one.
pub(crate) fn ci() -> Option<Ci> {
    let variables = ci::VARIABLES.into_iter().flatten().filter_map(|name| Some(((*name).to_owned(), env::var(name).ok()?)));
    Ci::read(&variables.collect::<BTreeMap<_, _>>())
}

/// Returns the ref that the CI job says `commit` is on, where git itself names none.
pub(crate) fn reference_in_ci(ci: Option<&Ci>, commit: &Digest, repository: &Repository) -> Option<Claimed> {
    Some(ci?.reference_of(commit, repository)?.clone().into())
}

/// Returns a value with its origin.
pub(crate) fn fact<T>(value: T, origin: &str) -> Fact<T> {
    Fact { value, origin: origin.to_owned() }
}

fn repository_uri(text: &str) -> Result<String, String> {
    public_uri(text).ok_or_else(|| "expected the URI of a repository that others can reach, such as `https://HOST/REPO`".to_owned())
}

const SANDBOX_IMAGE: &str = "COUNTERSIGN_SANDBOX_IMAGE";
