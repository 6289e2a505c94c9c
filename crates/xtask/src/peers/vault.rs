//! Vault 1.21.1, its own core and transit engine on loopback: keys of every type that sign, made by it and used by ours, versions,
//! and what its policies refuse. OpenBao, which speaks the same protocol, isn't to be had as a Go module, and isn't asked.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use countersign::json::Json;

use super::cosign;
use super::report::Report;
use super::scene::Scene;
use super::workshop::Workshop;
use crate::run::{Program, Running};

/// Builds the server, by the checksums that are committed beside it.
pub(super) fn obtain(workshop: &Workshop) -> Result<(), String> {
    for (tool, argument) in [("go", "version"), ("curl", "--version")] {
        if !Program::new(tool, &[argument]).works() {
            return Err(format!("{tool} isn't there"));
        }
    }
    let sources = workshop.recipe("vault");
    let read = |name| fs::read_to_string(sources.join(name)).map_err(|error| format!("can't read `{name}`: {error}"));
    let pins = read("main.go")? + &read("go.sum")?;
    workshop.obtain(FOLDER, &pins, |place| {
        let out = place.join("vault").display().to_string();
        let build = ["build", "-mod=readonly", "-p", "2", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", &out, "."];
        Ok(vec![Program::new("go", &build).within(&sources).with("CGO_ENABLED", "0")])
    })
}

/// Asks everything.
pub(super) fn ask(workshop: &Workshop, scene: &Scene, report: &mut Report) -> Result<(), String> {
    let vault = Vault::start(workshop, scene)?;
    for kind in TYPES {
        keys_of(&vault, kind, report)?;
    }
    if workshop.has(cosign::FOLDER) {
        cosign::ready(workshop, scene)?;
        cosigns(&vault, &cosign::binary(workshop).display().to_string(), report)?;
    } else {
        println!("SKIPPED vault: what cosign says of its keys: cosign isn't there");
    }
    rotation(&vault, report)?;
    permissions(&vault, report)?;
    let unknown = vault.sign("hashivault://ecdsa-p256", "unknown").without("VAULT_CACERT").answer()?;
    report.check("is asked for nothing where nobody vouches for its certificate", unknown.refused("error[signer-unavailable]"));
    vault.call("PUT", "sys/seal", None)?;
    report.check("sealed, signs nothing", vault.sign("hashivault://ecdsa-p256", "sealed").answer()?.refused("error[signer-refused]"));
    Ok(())
}

/// The server, which ends when this is dropped.
pub(super) struct Vault<'a> {
    scene: &'a Scene,
    address: String,
    certificates: String,
    token: String,
    _running: Running,
}

impl<'a> Vault<'a> {
    pub(super) fn start(workshop: &Workshop, scene: &'a Scene) -> Result<Self, String> {
        let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
        let address = free.map_err(|error| format!("no port is free: {error}"))?.to_string();
        let certificates = scene.at("vault-ca.pem");
        let program = scene.program(&workshop.place(FOLDER).join("vault").display().to_string(), &[&address, &certificates]);
        let running = program.start(Path::new(&scene.at("vault.log")))?;
        let patience = Instant::now() + PATIENCE;
        let token = loop {
            let log = String::from_utf8_lossy(&scene.read("vault.log")?).into_owned();
            match log.lines().find(|line| line.starts_with("hvs.")) {
                Some(token) => break token.to_owned(),
                None if Instant::now() > patience => return Err(format!("the server doesn't start:\n{log}")),
                None => std::thread::sleep(LOOK_AGAIN),
            }
        };
        let vault = Self { scene, address: format!("https://{address}"), certificates, token, _running: running };
        vault.call("POST", "sys/mounts/transit", Some(r#"{"type":"transit"}"#))?;
        for kind in TYPES {
            vault.call("POST", &format!("transit/keys/{kind}"), Some(&format!(r#"{{"type":"{kind}"}}"#)))?;
        }
        Ok(vault)
    }

    /// Asks its API.
    fn call(&self, method: &str, path: &str, body: Option<&str>) -> Result<Json, String> {
        let (url, token) = (format!("{}/v1/{path}", self.address), format!("X-Vault-Token: {}", self.token));
        let asked = ["--silent", "--show-error", "--fail-with-body", "--retry", "20", "--retry-connrefused", "--retry-delay", "1"];
        let asked =
            [&asked[..], &["--cacert", &self.certificates, "--max-time", "60", "--request", method, "--header", &token, &url]].concat();
        let said = body.map_or_else(Vec::new, |body| vec!["--data", body]);
        let answer = self.scene.program("curl", &[asked, said].concat()).output()?;
        if answer.is_empty() { Ok(Json::Null) } else { Json::parse(answer.as_bytes()).map_err(|error| format!("{path}: {error}")) }
    }

    /// Lets our program in.
    pub(super) fn let_in(&self, program: Program) -> Program {
        program.with("VAULT_ADDR", &self.address).with("VAULT_TOKEN", &self.token).with("VAULT_CACERT", &self.certificates)
    }

    /// Has a build signed with a key, into `NAME.sigstore.json`.
    fn sign(&self, signer: &str, name: &str) -> Program {
        self.let_in(self.scene.sign_build(signer, &self.bundle(name)))
    }

    /// Writes a signer's public half into `NAME.pub`.
    pub(super) fn public(&self, signer: &str, name: &str) -> Result<Vec<u8>, String> {
        let pem = self.let_in(self.scene.countersign(&["key", "public", signer])).answer()?.accepted()?;
        self.scene.write(&format!("{name}.pub"), &pem)?;
        Ok(pem)
    }

    fn bundle(&self, name: &str) -> String {
        self.scene.at(&format!("{name}.sigstore.json"))
    }
}

fn keys_of(vault: &Vault<'_>, kind: &str, report: &mut Report) -> Result<(), String> {
    let (scene, signer) = (vault.scene, format!("hashivault://{kind}"));
    let public = vault.public(&signer, kind)?;
    let kept = vault.call("GET", &format!("transit/keys/{kind}"), None)?;
    let kept = kept.pointer("/data/keys/1/public_key").and_then(Json::as_str).unwrap_or_default();
    // Of Ed25519 it tells the bare key, which the PEM ends with.
    let is_told = kind == "ed25519" || String::from_utf8_lossy(&public).trim() == kept.trim();
    report.check(&format!("tells us the public half of its key ({kind})"), is_told.then_some(()).ok_or(format!("another is told: {kept}")));
    report.check(&format!("signs a statement ({kind})"), vault.sign(&signer, kind).answer()?.accepted().map(drop));
    report.check(&format!("has signed what we allow ({kind})"), scene.allows(&vault.bundle(kind), kind));
    report.check(&format!("has signed what we deny for another file ({kind})"), scene.denies_another_file(&vault.bundle(kind), kind));
    Ok(())
}

/// What is named alike by cosign, read from the same server.
fn cosigns(vault: &Vault<'_>, cosign: &str, report: &mut Report) -> Result<(), String> {
    let scene = vault.scene;
    let run = |arguments: &[&str]| vault.let_in(scene.program(cosign, arguments)).with("TUF_ROOT", scene.at("tuf")).answer();
    let [nobody, nowhere, statement] = ["nobody.json", "nowhere.json", "statement.json"].map(|name| scene.at(name));
    for kind in TYPES {
        let (key, signer) = (scene.at(&format!("{kind}.pub")), format!("hashivault://{kind}"));
        let told = run(&["public-key", "--key", &signer])?.accepted()?;
        let is_same = told == scene.read(&format!("{kind}.pub"))?;
        report
            .check(&format!("tells cosign the same key by the same name ({kind})"), is_same.then_some(()).ok_or("they differ".to_owned()));
        let asked = ["verify-blob-attestation", "--insecure-ignore-tlog", "--type", "slsaprovenance1", "--key", &key, "--bundle"];
        let verified = run(&[&asked[..], &[&vault.bundle(kind), &scene.at("demo.tar")]].concat())?;
        if kind == "ecdsa-p384" {
            report.check("LIMIT of cosign: verifies P-384 by SHA-256 alone", verified.refused("could not verify envelope"));
        } else {
            report.check(&format!("has signed what cosign verifies ({kind})"), verified.accepted().map(drop));
        }
        if kind == "ecdsa-p256" {
            let theirs = vault.bundle("vault-cosign");
            let signed = ["attest-blob", "--yes", "--key", &signer, "--trusted-root", &nobody, "--signing-config", &nowhere];
            run(&[&signed[..], &["--bundle", &theirs, "--statement", &statement, &scene.at("demo.tar")]].concat())?.accepted()?;
            report.check(&format!("signs for cosign what we allow ({kind})"), scene.allows(&theirs, kind));
        }
    }
    Ok(())
}

/// A key that is rotated takes nothing back.
fn rotation(vault: &Vault<'_>, report: &mut Report) -> Result<(), String> {
    let scene = vault.scene;
    for kind in ["ecdsa-p256", "ed25519"] {
        let (signer, newer) = (format!("hashivault://{kind}"), format!("{kind}-newer"));
        vault.call("POST", &format!("transit/keys/{kind}/rotate"), None)?;
        let is_another = vault.public(&signer, &newer)? != scene.read(&format!("{kind}.pub"))?;
        report.check(&format!("has another key once it's rotated ({kind})"), is_another.then_some(()).ok_or("it's the same".to_owned()));
        vault.sign(&signer, &newer).output()?;
        report.check(&format!("signs with the newer version ({kind})"), scene.allows(&vault.bundle(&newer), &newer));
        report.check(
            &format!("has signed with the older what the newer doesn't verify ({kind})"),
            scene.denies("demo.tar", &vault.bundle(kind), &newer, "signer-unknown"),
        );
        report.check(&format!("has signed with the older what we still allow ({kind})"), scene.allows(&vault.bundle(kind), kind));
        let older = format!("{signer}?version=1");
        vault.sign(&older, &format!("{kind}-older")).output()?;
        report.check(
            &format!("signs with the older where that's asked for ({kind})"),
            scene.allows(&vault.bundle(&format!("{kind}-older")), kind),
        );
    }
    Ok(())
}

/// What the documentation says a token needs is enough, and without it nothing is signed.
fn permissions(vault: &Vault<'_>, report: &mut Report) -> Result<(), String> {
    let key = "rsa-2048";
    let rules = |sign: &str| {
        let rules = format!(
            r#"path \"transit/keys/{key}\" {{ capabilities = [\"read\"] }} path \"transit/sign/{key}{sign}\" {{ capabilities = [\"update\"] }}"#
        );
        format!(r#"{{"policy":"{rules}"}}"#)
    };
    let token = |name: &str, rules: &str| -> Result<String, String> {
        vault.call("PUT", &format!("sys/policies/acl/{name}"), Some(rules))?;
        let made = vault.call("POST", "auth/token/create", Some(&format!(r#"{{"policies":["{name}"]}}"#)))?;
        made.pointer("/auth/client_token").and_then(Json::as_str).map(str::to_owned).ok_or("no token was made".to_owned())
    };
    let signs = |token: &str| vault.sign(&format!("hashivault://{key}"), "permitted").with("VAULT_TOKEN", token).answer();
    let enough = token("signs", &rules("/*"))?;
    report.check("signs for a token that may read the key and sign with it", signs(&enough)?.accepted().map(drop));
    let other = token("signs-otherwise", &rules("-other"))?;
    report.check("signs nothing for a token that may only read the key", signs(&other)?.refused("error[signer-refused]"));
    report.check("signs nothing for a token that it doesn't know", signs("hvs.nobody")?.refused("error[signer-refused]"));
    Ok(())
}

/// The types that sign, and that something here verifies.
const TYPES: [&str; 6] = ["ecdsa-p256", "ecdsa-p384", "ed25519", "rsa-2048", "rsa-3072", "rsa-4096"];
/// Where it's kept.
pub(super) const FOLDER: &str = "vault-1.21.1";
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(50);
