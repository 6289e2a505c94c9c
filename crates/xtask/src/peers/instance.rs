//! A whole Sigstore instance of other people's servers, on the loopback of a network namespace of its own: Fulcio 1.8.8 with an
//! issuer, and the log of one generation. That is Rekor v2 (rekor-tiles 2.3.0) with the timestamp authority 2.1.3 and a
//! certificate log of ours; or Rekor 1.5.3 and a certificate log (certificate-transparency-go 1.3.2), both on Trillian 1.7.3.
//! What it's asked stands elsewhere. Nothing in it listens outside of the namespace.

mod description;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::json::Json;

use self::description::{Chain, Description, Log, lines_between};
use super::namespace::{self, Namespace};
use super::scene::Scene;
use super::workshop::Workshop;
use crate::run::{Answer, Program};

/// Which log an instance has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Generation {
    /// Rekor v1, whose promise says when; without timestamps.
    First,
    /// Rekor v2, which says nothing of the time, beside a timestamp authority.
    Second,
}

impl Generation {
    /// Returns what it's called.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::First => "rekor-v1",
            Self::Second => "rekor-v2",
        }
    }

    /// Returns where what it takes is kept, whatever else it takes.
    pub(super) const fn folder(self) -> &'static str {
        match self {
            Self::First => FIRST_FOLDER,
            Self::Second => FOLDER,
        }
    }
}

/// Who of an instance is asked while signing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The certificate authority.
    Authority,
    /// The log.
    Log,
    /// The timestamp authority.
    Times,
}

impl Place {
    /// Returns who is asked of an instance.
    pub(super) fn of(generation: Generation) -> impl Iterator<Item = Self> {
        [Self::Authority, Self::Log, Self::Times].into_iter().filter(move |place| generation == Generation::Second || *place != Self::Times)
    }

    /// Returns what it's called.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Authority => "authority",
            Self::Log => "log",
            Self::Times => "timestamps",
        }
    }

    /// Returns where it listens.
    pub(super) const fn address(self) -> &'static str {
        match self {
            Self::Authority => "127.0.0.1:5555",
            Self::Log => "127.0.0.1:3003",
            Self::Times => "127.0.0.1:3004",
        }
    }
}

/// Builds the servers of an instance with Rekor v2, by the checksums that are committed beside them.
pub(super) fn obtain(workshop: &Workshop) -> Result<(), String> {
    build(workshop, "sigstack", FOLDER, "2", &["./ctlog", "./issuer"])
}

/// Builds the servers of an instance with Rekor v1: those with the certificates are the other's.
pub(super) fn obtain_first(workshop: &Workshop) -> Result<(), String> {
    obtain(workshop)?;
    build(workshop, "rekor-v1", FIRST_FOLDER, "1", &["./trillian"])
}

/// Builds programs of ours, and the tools that a module names.
fn build(workshop: &Workshop, recipe: &str, folder: &str, at_once: &str, own: &[&str]) -> Result<(), String> {
    if !Program::new("go", &["version"]).works() {
        return Err("go isn't there".to_owned());
    }
    namespace::check()?;
    let sources = workshop.recipe(recipe);
    let programs = own.iter().map(|program| format!("{program}/main.go"));
    let read = |name: String| fs::read_to_string(sources.join(&name)).map_err(|error| format!("can't read `{name}`: {error}"));
    let pins = programs.chain(["go.sum".to_owned()]).map(read).collect::<Result<String, _>>()?;
    workshop.obtain(folder, &pins, |place| {
        let out = format!("{}/", place.display());
        // Few packages at a time: together the servers' parts need more memory than a small machine has.
        let build = ["build", "-mod=readonly", "-p", at_once, "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", &out];
        let build = |what: &[&str]| Program::new("go", &[&build[..], what].concat()).within(&sources).with("CGO_ENABLED", "0");
        Ok(vec![build(own), build(&["tool"])])
    })
}

/// The instance, which ends when this is dropped.
pub(super) struct Instance<'a> {
    scene: &'a Scene,
    namespace: Namespace<'a>,
    generation: Generation,
    binaries: PathBuf,
    description: Option<Description>,
}

impl<'a> Instance<'a> {
    /// Starts everybody, and writes `trusted_root.json` and `signing_config.json` into the instance's folder of the scene.
    pub(super) fn start(workshop: &Workshop, scene: &'a Scene, generation: Generation) -> Result<Self, String> {
        let folder = scene.at(generation.name());
        // One of before has ended, and its keys with it.
        if Path::new(&folder).exists() {
            fs::remove_dir_all(&folder).map_err(|error| format!("can't remove `{folder}`: {error}"))?;
        }
        fs::create_dir_all(&folder).map_err(|error| format!("can't make `{}`: {error}", generation.name()))?;
        let namespace = Namespace::open(scene, generation.name())?;
        let mut instance = Self { scene, namespace, generation, binaries: workshop.place(FOLDER), description: None };
        let log_key = if generation == Generation::First { "p256" } else { "ed25519" };
        for (key, kind) in [("ct", "p256"), ("rekor", log_key)] {
            scene.countersign(&["key", "generate", "--out", &instance.at(key), "--type", kind, "--no-passphrase"]).output()?;
        }
        for (port, subject) in [(PEOPLE, "people"), (JOBS, "jobs")] {
            instance.server("issuer", subject, &[&format!("127.0.0.1:{port}")])?;
        }
        instance.namespace.await_all(&[PEOPLE, JOBS].map(|port| format!("http://127.0.0.1:{port}/keys")).each_ref().map(String::as_str))?;
        instance.authority(&workshop.recipe("sigstack/fulcio.yaml"))?;
        let chain = instance.namespace.get(&format!("{AUTHORITY}/api/v2/trustBundle"))?.replace("\\n", "\n");
        let authority = Chain::new(AUTHORITY, &chain);
        let description = match generation {
            Generation::First => instance.first(&workshop.place(FIRST_FOLDER), authority)?,
            Generation::Second => instance.second(authority)?,
        };
        instance.write("trusted_root.json", &description.trusted_root())?;
        instance.write("signing_config.json", &description.signing_config(str::to_owned))?;
        instance.description = Some(description);
        Ok(instance)
    }

    /// Returns the path of a file of the instance.
    pub(super) fn at(&self, name: &str) -> String {
        self.scene.at(&format!("{}/{name}", self.generation.name()))
    }

    /// Returns which log it has.
    pub(super) const fn generation(&self) -> Generation {
        self.generation
    }

    /// Names a program that runs in the namespace.
    pub(super) fn inside(&self, name: &str, arguments: &[&str]) -> Program {
        self.namespace.inside(name, arguments)
    }

    /// Runs our own command line in the namespace.
    pub(super) fn countersign(&self, arguments: &[&str]) -> Result<Answer, String> {
        self.inside(&self.scene.countersign_path(), arguments).answer()
    }

    /// Gets a token that makes those claims, from the issuer at that port.
    pub(super) fn token(&self, port: u16, claims: &str) -> Result<String, String> {
        self.namespace.get(&format!("http://127.0.0.1:{port}/token?{claims}"))
    }

    /// Writes down whom to ask, each at the address that `reached` gives for its own.
    pub(super) fn signing_config(&self, reached: impl Fn(&str) -> String) -> Vec<u8> {
        self.description.as_ref().map(|description| description.signing_config(reached)).unwrap_or_default()
    }

    /// Writes a trust root in which the certificate log has another key, and returns its path.
    pub(super) fn without_certificate_log(&self, key: &[u8]) -> Result<String, String> {
        let other = Log::p256(CERTIFICATE_LOG, key)?;
        let root = self.description.as_ref().map(|description| description.trusted_root_with(&other)).unwrap_or_default();
        self.write("other_root.json", &root)?;
        Ok(self.at("other_root.json"))
    }

    /// Returns how many entries the log has, once it has shown all that it took in.
    pub(super) fn entries(&self) -> Result<u64, String> {
        self.namespace.wait(|| {
            let before = self.tree_size()?;
            std::thread::sleep(MERGING);
            if self.tree_size()? == before { Ok(before) } else { Err("the log still grows".to_owned()) }
        })
    }

    fn tree_size(&self) -> Result<u64, String> {
        let size = match self.generation {
            Generation::First => whole(&self.namespace.get(&format!("{LOG}/api/v1/log"))?, "treeSize"),
            // C2SP tlog-checkpoint: the second line.
            Generation::Second => String::from_utf8_lossy(&self.read("tiles/checkpoint")?).lines().nth(1).and_then(|n| n.parse().ok()),
        };
        size.ok_or("the log doesn't say how large it is".to_owned())
    }

    /// Returns how many certificates the certificate log has, if it counts them: once it has merged those that it promised to.
    pub(super) fn certificates(&self) -> Result<Option<u64>, String> {
        if self.generation == Generation::Second {
            return Ok(None);
        }
        let size = || {
            let head = self.namespace.get(&format!("{FIRST_CERTIFICATE_LOG}/ct/v1/get-sth"))?;
            whole(&head, "tree_size").ok_or("the certificate log doesn't say how large it is".to_owned())
        };
        let merged = || {
            let before = size()?;
            std::thread::sleep(MERGING);
            if size()? == before { Ok(Some(before)) } else { Err("the certificate log still grows".to_owned()) }
        };
        self.namespace.wait(merged)
    }

    /// Starts Fulcio, after those whom it asks when it starts.
    fn authority(&mut self, config: &Path) -> Result<(), String> {
        let certificate_log = match self.generation {
            Generation::First => FIRST_CERTIFICATE_LOG,
            Generation::Second => CERTIFICATE_LOG,
        };
        let (config, key) = (config.display().to_string(), self.at("ct.pub"));
        let listening = ["serve", "--host", "127.0.0.1", "--port", "5555", "--grpc-host", "127.0.0.1", "--grpc-port", "5554"];
        let telling = ["--metrics-port", "5553", "--legacy-unix-domain-socket", "@countersign-peers-fulcio", "--config-path", &config];
        let issuing = ["--ca", "ephemeralca", "--ct-log-url", certificate_log, "--ct-log-public-key-path", &key];
        self.server("fulcio", "fulcio", &[&listening[..], &telling, &issuing].concat())?;
        self.namespace.await_all(&[&format!("{AUTHORITY}/healthz")])
    }

    /// Starts Rekor v2, timestamps, and a certificate log that keeps nothing.
    fn second(&mut self, authority: Chain) -> Result<Description, String> {
        let (tiles, key) = (self.at("tiles"), self.at("rekor.key"));
        self.server("ctlog", "ctlog", &["127.0.0.1:6962", &self.at("ct.key")])?;
        let listening =
            ["serve", "--http-address", "127.0.0.1", "--http-port", "3003", "--grpc-address", "127.0.0.1", "--grpc-port", "3001"];
        let keeping = ["--http-metrics-port", "3002", "--hostname", "127.0.0.1", "--storage-dir", &tiles, "--signer-filepath", &key];
        let pace = ["--checkpoint-interval", "1s", "--batch-max-age", "100ms"];
        self.server("posix", "rekor", &[&listening[..], &keeping, &pace].concat())?;
        let times = ["serve", "--host", "127.0.0.1", "--port", "3004", "--timestamp-signer", "memory", "--disable-ntp-monitoring"];
        self.server("timestamp-server", "timestamps", &times)?;
        self.namespace.await_all(&[&format!("{CERTIFICATE_LOG}/ready"), &format!("{LOG}/healthz"), "http://127.0.0.1:3004/ping"])?;
        Ok(Description {
            authority,
            issuer: format!("http://127.0.0.1:{PEOPLE}"),
            log: Log::ed25519(LOG, "127.0.0.1", &self.read("rekor.pub")?)?,
            generation: 2,
            certificate_log: Log::p256(CERTIFICATE_LOG, &self.read("ct.pub")?)?,
            times: Some(Chain::new(TIMES, &self.namespace.get(&format!("{TIMES}/certchain"))?)),
        })
    }

    /// Starts Rekor v1 and the certificate log, both on Trillian.
    fn first(&mut self, binaries: &Path, authority: Chain) -> Result<Description, String> {
        self.namespace.serve(&binaries.join("trillian"), &self.at("trillian.log"), &["127.0.0.1:8093", "certificates", "entries"])?;
        let tree = |name: &str| {
            let told = String::from_utf8_lossy(&self.read("trillian.log")?).into_owned();
            let number = told.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
            number.ok_or_else(|| format!("trillian has no tree yet: {told}"))
        };
        let (certificates, entries) = (self.namespace.wait(|| tree("certificates "))?, self.namespace.wait(|| tree("entries "))?);
        self.write("authority.pem", authority.pem().as_bytes())?;
        self.write("ct.textproto", self.certificate_log(certificates)?.as_bytes())?;
        let config = format!("--log_config={}", self.at("ct.textproto"));
        let listening = ["--log_rpc_server=127.0.0.1:8093", "--http_endpoint=127.0.0.1:6962", "--metrics_endpoint=127.0.0.1:6963"];
        let listening = [&[config.as_str(), "--alsologtostderr"], &listening[..]].concat();
        self.namespace.serve(&binaries.join("ct_server"), &self.at("ct.log"), &listening)?;
        let (tree, key) = (entries.to_string(), self.at("rekor.key"));
        let listening = ["serve", "--host", "127.0.0.1", "--rekor_server.address", "127.0.0.1", "--port", "3003"];
        let signing = ["--rekor_server.hostname", "127.0.0.1", "--rekor_server.signer", &key, "--enable_retrieve_api=false"];
        let keeping = ["--trillian_log_server.address", "127.0.0.1", "--trillian_log_server.port", "8093"];
        let arguments = [&listening[..], &signing, &keeping, &["--trillian_log_server.tlog_id", &tree]].concat();
        self.namespace.serve(&binaries.join("rekor-server"), &self.at("rekor.log"), &arguments)?;
        self.namespace.await_all(&[&format!("{FIRST_CERTIFICATE_LOG}/ct/v1/get-sth"), &format!("{LOG}/api/v1/log")])?;
        Ok(Description {
            authority,
            issuer: format!("http://127.0.0.1:{PEOPLE}"),
            log: Log::p256(LOG, &self.read("rekor.pub")?)?,
            generation: 1,
            certificate_log: Log::p256(FIRST_CERTIFICATE_LOG, &self.read("ct.pub")?)?,
            times: None,
        })
    }

    /// What the certificate log takes, and signs with (certificate-transparency-go, `trillian/ctfe/configpb`).
    fn certificate_log(&self, tree: u64) -> Result<String, String> {
        let pem = String::from_utf8_lossy(&self.read("ct.key")?).into_owned();
        let key = lines_between(&pem, "PRIVATE KEY").pop().ok_or("the certificate log's key isn't PEM")?;
        let key = STANDARD.decode(&key).map_err(|error| format!("the certificate log's key: {error}"))?;
        let key: String = key.iter().map(|byte| format!("\\x{byte:02x}")).collect();
        let roots = self.at("authority.pem");
        Ok(format!(
            r#"config {{
  log_id: {tree}
  prefix: "peers"
  roots_pem_file: "{roots}"
  private_key: {{ [type.googleapis.com/keyspb.PrivateKey] {{ der: "{key}" }} }}
  ext_key_usages: "CodeSigning"
}}
"#
        ))
    }

    fn server(&mut self, binary: &str, name: &str, arguments: &[&str]) -> Result<(), String> {
        let log = self.at(&format!("{name}.log"));
        self.namespace.serve(&self.binaries.join(binary), &log, arguments)
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        self.scene.read(&format!("{}/{name}", self.generation.name()))
    }

    fn write(&self, name: &str, content: &[u8]) -> Result<(), String> {
        self.scene.write(&format!("{}/{name}", self.generation.name()), content)
    }
}

/// Reads a whole number out of an object.
fn whole(json: &str, name: &str) -> Option<u64> {
    let json = Json::parse(json.trim().as_bytes()).ok()?;
    u64::try_from(json.get(name)?.as_integer()?).ok()
}

/// Where people get tokens.
pub(super) const PEOPLE: u16 = 9911;
/// Where jobs get tokens.
pub(super) const JOBS: u16 = 9912;
const AUTHORITY: &str = "http://127.0.0.1:5555";
const LOG: &str = "http://127.0.0.1:3003";
const CERTIFICATE_LOG: &str = "http://127.0.0.1:6962";
const FIRST_CERTIFICATE_LOG: &str = "http://127.0.0.1:6962/peers";
const TIMES: &str = "http://127.0.0.1:3004/api/v1/timestamp";
/// Longer than any log here takes to merge: Rekor v2 shows a checkpoint every second.
const MERGING: Duration = Duration::from_secs(2);
const FOLDER: &str = "fulcio-1.8.8";
const FIRST_FOLDER: &str = "rekor-1.5.3";
