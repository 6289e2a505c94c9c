//! A whole Sigstore instance of other people's servers, on the loopback of a network namespace of its own: Fulcio 1.8.8,
//! Rekor v2 (rekor-tiles 2.3.0) and the timestamp authority 2.1.3, with a certificate log and an issuer beside them.
//! What it's asked stands elsewhere. Nothing in it listens outside of the namespace.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::digest::Digest;

use super::scene::Scene;
use super::workshop::Workshop;
use crate::run::{Answer, Program, Running};

/// Builds the servers, by the checksums that are committed beside them.
pub(super) fn obtain(workshop: &Workshop) -> Result<(), String> {
    for (tool, argument) in [("go", "version"), ("unshare", "--version"), ("nsenter", "--version"), ("ip", "-V"), ("curl", "--version")] {
        if !Program::new(tool, &[argument]).works() {
            return Err(format!("{tool} isn't there"));
        }
    }
    if !Program::new("unshare", &["--user", "--map-root-user", "--net", "true"]).works() {
        return Err("this machine gives no network namespace".to_owned());
    }
    let sources = workshop.recipe("sigstack");
    let pins = fs::read_to_string(sources.join("go.sum")).map_err(|error| format!("can't read `go.sum`: {error}"))?;
    workshop.obtain(FOLDER, &pins, |place| {
        let out = format!("{}/", place.display());
        // One package at a time: together the servers' parts need more memory than a small machine has.
        let build = ["build", "-mod=readonly", "-p", "2", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", &out];
        let build = |what: &[&str]| Program::new("go", &[&build[..], what].concat()).within(&sources).with("CGO_ENABLED", "0");
        Ok(vec![build(&["./ctlog", "./issuer"]), build(&["tool"])])
    })
}

/// The instance, which ends when this is dropped.
pub(super) struct Instance<'a> {
    scene: &'a Scene,
    place: PathBuf,
    namespace: u32,
    _running: Vec<Running>,
}

impl<'a> Instance<'a> {
    /// Starts everybody, and writes `trusted_root.json` and `signing_config.json` into the scene.
    pub(super) fn start(workshop: &Workshop, scene: &'a Scene) -> Result<Self, String> {
        let namespace =
            Program::new("unshare", &["--user", "--map-root-user", "--net", "sh", "-euc", "ip link set lo up; exec sleep 3600"]);
        let namespace = namespace.start(Path::new(&scene.at("namespace.log")))?;
        let place = workshop.place(FOLDER);
        let mut instance = Self { scene, place, namespace: namespace.id(), _running: vec![namespace] };
        instance.wait(|instance| instance.inside("ip", &["-o", "addr", "show", "dev", "lo", "up"]).output().map(drop))?;
        for (key, kind) in [("ct", "p256"), ("rekor", "ed25519")] {
            scene.countersign(&["key", "generate", "--out", &scene.at(key), "--type", kind, "--no-passphrase"]).output()?;
        }
        for (port, subject) in [(PEOPLE, "people"), (JOBS, "jobs")] {
            instance.server("issuer", subject, &[&format!("127.0.0.1:{port}")])?;
        }
        instance.server("ctlog", "ctlog", &["127.0.0.1:6962", &scene.at("ct.key")])?;
        let timestamps = ["serve", "--host", "127.0.0.1", "--port", "3004", "--timestamp-signer", "memory", "--disable-ntp-monitoring"];
        instance.server("timestamp-server", "timestamps", &timestamps)?;
        let (tiles, key) = (scene.at("tiles"), scene.at("rekor.key"));
        let tiles = [
            "serve",
            "--http-address",
            "127.0.0.1",
            "--http-port",
            "3003",
            "--grpc-address",
            "127.0.0.1",
            "--grpc-port",
            "3001",
            "--http-metrics-port",
            "3002",
            "--hostname",
            "127.0.0.1",
            "--storage-dir",
            &tiles,
            "--signer-filepath",
            &key,
            "--checkpoint-interval",
            "1s",
            "--batch-max-age",
            "100ms",
        ];
        instance.server("posix", "rekor", &tiles)?;
        let config = workshop.recipe("sigstack/fulcio.yaml").display().to_string();
        let public = scene.at("ct.pub");
        for url in [&format!("http://127.0.0.1:{PEOPLE}/keys"), &format!("http://127.0.0.1:{JOBS}/keys"), "http://127.0.0.1:6962/ready"] {
            instance.wait(|instance| instance.get(url).map(drop))?;
        }
        // After those whom it asks when it starts.
        let fulcio = [
            "serve",
            "--host",
            "127.0.0.1",
            "--port",
            "5555",
            "--grpc-host",
            "127.0.0.1",
            "--grpc-port",
            "5554",
            "--metrics-port",
            "5553",
            "--ca",
            "ephemeralca",
            "--ct-log-url",
            "http://127.0.0.1:6962",
            "--ct-log-public-key-path",
            &public,
            "--config-path",
            &config,
            "--legacy-unix-domain-socket",
            "@countersign-peers-fulcio",
        ];
        instance.server("fulcio", "fulcio", &fulcio)?;
        for url in ["http://127.0.0.1:5555/healthz", "http://127.0.0.1:3004/ping", "http://127.0.0.1:3003/healthz"] {
            instance.wait(|instance| instance.get(url).map(drop))?;
        }
        instance.describe()?;
        Ok(instance)
    }

    /// Names a program that runs in the namespace.
    pub(super) fn inside(&self, name: &str, arguments: &[&str]) -> Program {
        let namespace = self.namespace.to_string();
        let enter = ["--target", &namespace, "--user", "--net", "--preserve-credentials", "--", name];
        self.scene.program("nsenter", &[&enter[..], arguments].concat())
    }

    /// Runs our own command line in the namespace.
    pub(super) fn countersign(&self, arguments: &[&str]) -> Result<Answer, String> {
        self.inside(&self.scene.countersign_path(), arguments).answer()
    }

    /// Gets a token that makes those claims, from the issuer at that port.
    pub(super) fn token(&self, port: u16, claims: &str) -> Result<String, String> {
        self.get(&format!("http://127.0.0.1:{port}/token?{claims}"))
    }

    fn get(&self, url: &str) -> Result<String, String> {
        self.inside("curl", &["--silent", "--fail", "--max-time", "10", url]).output()
    }

    fn server(&mut self, binary: &str, name: &str, arguments: &[&str]) -> Result<(), String> {
        let program = self.inside(&self.place.join(binary).display().to_string(), arguments);
        let log = self.scene.at(&format!("{name}.log"));
        self._running.push(program.start(Path::new(&log))?);
        Ok(())
    }

    fn wait(&self, ready: impl Fn(&Self) -> Result<(), String>) -> Result<(), String> {
        let patience = Instant::now() + PATIENCE;
        loop {
            match ready(self) {
                Ok(()) => return Ok(()),
                Err(error) if Instant::now() > patience => return Err(error),
                Err(_) => std::thread::sleep(LOOK_AGAIN),
            }
        }
    }

    /// Writes down whom to believe and whom to ask (protobuf-specs, sigstore_trustroot.proto).
    fn describe(&self) -> Result<(), String> {
        let window = r#"{"start":"2025-01-01T00:00:00Z"}"#;
        let bundle = self.get("http://127.0.0.1:5555/api/v2/trustBundle")?.replace("\\n", "\n");
        let signers = certificates(&bundle);
        let times = certificates(&self.get("http://127.0.0.1:3004/api/v1/timestamp/certchain")?);
        let chain = |certificates: &[String]| {
            let raw: Vec<_> = certificates.iter().map(|der| format!(r#"{{"rawBytes":"{der}"}}"#)).collect();
            format!(r#"{{"certificates":[{}]}}"#, raw.join(","))
        };
        let authority = |uri: &str, certificates: &[String]| {
            format!(r#"{{"subject":{{"organization":"peers"}},"uri":"{uri}","certChain":{},"validFor":{window}}}"#, chain(certificates))
        };
        let key = |name: &str| -> Result<(String, Vec<u8>), String> {
            let pem = String::from_utf8_lossy(&self.scene.read(name)?).into_owned();
            let base64 = lines_between(&pem, "PUBLIC KEY").pop().ok_or("a key that isn't PEM")?;
            let der = STANDARD.decode(&base64).map_err(|error| format!("`{name}`: {error}"))?;
            Ok((base64, der))
        };
        let log = |url: &str, key: &str, details: &str, id: &str| {
            format!(
                r#"{{"baseUrl":"{url}","hashAlgorithm":"SHA2_256","publicKey":{{"rawBytes":"{key}","keyDetails":"{details}","validFor":{window}}},"logId":{{"keyId":"{id}"}}}}"#
            )
        };
        let (ct, ct_der) = key("ct.pub")?;
        let (rekor, rekor_der) = key("rekor.pub")?;
        // C2SP signed-note: of an Ed25519 key, whose SubjectPublicKeyInfo ends with the key itself (RFC 8410 §4).
        let own = rekor_der.get(rekor_der.len().saturating_sub(32)..).unwrap_or_default();
        let rekor_id = [b"127.0.0.1\n\x01", own].concat();
        let [ct_id, rekor_id] = [&ct_der, &rekor_id].map(|bytes| base64_of_hex(Digest::sha256(bytes).hex()));
        let root = format!(
            r#"{{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1","tlogs":[{}],"ctlogs":[{}],"certificateAuthorities":[{}],"timestampAuthorities":[{}]}}"#,
            log("http://127.0.0.1:3003", &rekor, "PKIX_ED25519", &rekor_id),
            log("http://127.0.0.1:6962", &ct, "PKIX_ECDSA_P256_SHA_256", &ct_id),
            authority("http://127.0.0.1:5555", &signers),
            authority("http://127.0.0.1:3004/api/v1/timestamp", &times),
        );
        self.scene.write("trusted_root.json", root.as_bytes())?;
        let service =
            |url: &str, version: u8| format!(r#"[{{"url":"{url}","majorApiVersion":{version},"validFor":{window},"operator":"peers"}}]"#);
        let config = format!(
            r#"{{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","caUrls":{},"oidcUrls":{},"rekorTlogUrls":{},"tsaUrls":{},"rekorTlogConfig":{{"selector":"ANY"}},"tsaConfig":{{"selector":"ANY"}}}}"#,
            service("http://127.0.0.1:5555", 1),
            service(&format!("http://127.0.0.1:{PEOPLE}"), 1),
            service("http://127.0.0.1:3003", 2),
            service("http://127.0.0.1:3004/api/v1/timestamp", 1),
        );
        self.scene.write("signing_config.json", config.as_bytes())
    }
}

/// Returns the certificates in PEM, as base64 of their DER.
fn certificates(pem: &str) -> Vec<String> {
    lines_between(pem, "CERTIFICATE")
}

fn lines_between(pem: &str, label: &str) -> Vec<String> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    pem.split(&begin).skip(1).filter_map(|rest| rest.split(&end).next()).map(|text| text.split_whitespace().collect()).collect()
}

fn base64_of_hex(hex: &str) -> String {
    let digits = hex.as_bytes().chunks(2).filter_map(|pair| u8::from_str_radix(&String::from_utf8_lossy(pair), 16).ok());
    STANDARD.encode(digits.collect::<Vec<_>>())
}

/// Where people get tokens.
pub(super) const PEOPLE: u16 = 9911;
/// Where jobs get tokens.
pub(super) const JOBS: u16 = 9912;
/// Where the servers are kept.
pub(super) const FOLDER: &str = "sigstack-1.8.8";
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(100);
