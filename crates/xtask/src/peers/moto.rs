//! moto 5.2.5, somebody's idea of AWS in Python, on loopback by TLS: keys of every type that it has, made by AWS's own client and used
//! by ours, by aliases, ids and ARNs. It takes any credentials, so what comes of wrong ones isn't seen here.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use super::report::Report;
use super::scene::Scene;
use super::workshop::Workshop;
use super::{cosign, openssl};
use crate::run::{Program, Running};

/// Makes its environment, by its lock with hashes.
pub(super) fn obtain(workshop: &Workshop) -> Result<(), String> {
    if !Program::new("python3", &["-c", "import venv, ensurepip"]).works() {
        return Err("python3 with venv isn't there".to_owned());
    }
    if !Program::new("openssl", &["version"]).works() {
        return Err("openssl isn't there".to_owned());
    }
    let lock = workshop.recipe("moto/requirements.txt");
    let pins = fs::read_to_string(&lock).map_err(|error| format!("can't read `{}`: {error}", lock.display()))?;
    workshop.obtain(FOLDER, &pins, |place| {
        let (place, lock) = (place.display().to_string(), lock.display().to_string());
        let install = ["install", "--quiet", "--retries", "2", "--require-hashes", "--only-binary", ":all:", "-r", &lock];
        Ok(vec![Program::new("python3", &["-m", "venv", &place]), Program::new(&format!("{place}/bin/pip"), &install)])
    })
}

/// Asks everything.
pub(super) fn ask(workshop: &Workshop, scene: &Scene, report: &mut Report) -> Result<(), String> {
    let aws = Aws::start(workshop, scene)?;
    for (spec, kind) in TYPES {
        let arn = aws.manage(&["create", spec, kind])?;
        keys_of(&aws, kind, &arn, report)?;
    }
    let none = aws.manage(&["create", "ECC_NIST_EDWARDS25519", "ed25519"]);
    report.check("LIMIT of moto: has no keys of Ed25519", none.err().map(drop).ok_or("it has".to_owned()));
    if workshop.has(cosign::FOLDER) {
        cosigns(&aws, workshop, report)?;
    } else {
        println!("SKIPPED moto: what cosign says of its keys: cosign isn't there");
    }
    rotation(&aws, report)?;
    let refused = |signer: &str, words: &str| aws.sign(signer, "refused").answer()?.refused(words);
    report.check("signs nothing by an alias of no key", refused(&aws.key("alias/nobody"), "error[signer-refused]"));
    let unknown = aws.sign(&aws.key("alias/p256"), "unknown").without("SSL_CERT_FILE").answer()?;
    report.check("is asked for nothing where nobody vouches for its certificate", unknown.refused("error[signer-unavailable]"));
    let nobody = aws.sign(&aws.key("alias/p256"), "nobody").without("AWS_ACCESS_KEY_ID").without("AWS_SECRET_ACCESS_KEY");
    let nobody = nobody.with("AWS_EC2_METADATA_DISABLED", "true").answer()?;
    report.check("is asked for nothing without credentials", nobody.refused("error[signer-unconfigured]: `awskms://"));
    Ok(())
}

/// The server, which ends when this is dropped.
struct Aws<'a> {
    scene: &'a Scene,
    host: String,
    python: String,
    manage: String,
    _running: Running,
}

impl<'a> Aws<'a> {
    fn start(workshop: &Workshop, scene: &'a Scene) -> Result<Self, String> {
        let make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout moto.key -out moto.pem -days 2 \
            -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE";
        scene.program("sh", &["-euc", make]).within(Path::new(&scene.at(""))).output()?;
        let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
        let address = free.map_err(|error| format!("no port is free: {error}"))?;
        let python = workshop.place(FOLDER).join("bin/python").display().to_string();
        let [server, manage] = ["moto/server.py", "moto/manage.py"].map(|name| workshop.recipe(name).display().to_string());
        let (port, certificate, key) = (address.port().to_string(), scene.at("moto.pem"), scene.at("moto.key"));
        let served = ["-B", "-I", &server, "-H", "127.0.0.1", "-p", &port, "-s", "-c", &certificate, "-k", &key];
        let running = scene.program(&python, &served).start(Path::new(&scene.at("moto.log")))?;
        let patience = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            if Instant::now() > patience {
                return Err(format!("the server doesn't start:\n{}", String::from_utf8_lossy(&scene.read("moto.log")?)));
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        Ok(Self { scene, host: address.to_string(), python, manage, _running: running })
    }

    /// Does what an administrator does.
    fn manage(&self, arguments: &[&str]) -> Result<String, String> {
        let (endpoint, certificates) = (format!("https://{}", self.host), self.scene.at("moto.pem"));
        let asked = ["-B", "-I", &self.manage, &endpoint, &certificates];
        Ok(self.let_in(self.scene.program(&self.python, &[&asked[..], arguments].concat())).output()?.trim().to_owned())
    }

    /// Lets a program in; who makes the certificate's is the only one whom it believes.
    fn let_in(&self, program: Program) -> Program {
        let program = program.with("AWS_REGION", "us-east-1").with("AWS_DEFAULT_REGION", "us-east-1");
        let program = program.with("AWS_ACCESS_KEY_ID", "AKIDPEERS").with("AWS_SECRET_ACCESS_KEY", "secret");
        program.with("SSL_CERT_FILE", self.scene.at("moto.pem")).with("TUF_ROOT", self.scene.at("tuf"))
    }

    fn key(&self, name: &str) -> String {
        format!("awskms://{}/{name}", self.host)
    }

    /// Has a build signed with a key, into `NAME.sigstore.json`.
    fn sign(&self, signer: &str, name: &str) -> Program {
        self.let_in(self.scene.sign_build(signer, &self.bundle(name)))
    }

    /// Writes a signer's public half into `NAME.pub`.
    fn public(&self, signer: &str, name: &str) -> Result<Vec<u8>, String> {
        let pem = self.let_in(self.scene.countersign(&["key", "public", signer])).answer()?.accepted()?;
        self.scene.write(&format!("{name}.pub"), &pem)?;
        Ok(pem)
    }

    fn bundle(&self, name: &str) -> String {
        self.scene.at(&format!("{name}.sigstore.json"))
    }
}

fn keys_of(aws: &Aws<'_>, kind: &str, arn: &str, report: &mut Report) -> Result<(), String> {
    let (scene, signer) = (aws.scene, aws.key(&format!("alias/{kind}")));
    let public = aws.public(&signer, kind)?;
    let id = arn.rsplit('/').next().unwrap_or_default();
    for name in [id, arn] {
        let is_same = aws.public(&aws.key(name), kind)? == public;
        report.check(
            &format!("is the same key by its alias and by `{name}` ({kind})"),
            is_same.then_some(()).ok_or("it's another".to_owned()),
        );
    }
    report.check(&format!("signs a statement ({kind})"), aws.sign(&signer, kind).answer()?.accepted().map(drop));
    report.check(&format!("has signed what openssl verifies ({kind})"), openssl::verifies(scene, kind));
    report.check(&format!("has signed what we allow ({kind})"), scene.allows(&aws.bundle(kind), kind));
    report.check(&format!("has signed what we deny for another file ({kind})"), scene.denies_another_file(&aws.bundle(kind), kind));
    Ok(())
}

/// What is named alike by cosign, read from the same server.
fn cosigns(aws: &Aws<'_>, workshop: &Workshop, report: &mut Report) -> Result<(), String> {
    let scene = aws.scene;
    let binary = cosign::binary(workshop).display().to_string();
    let run = |arguments: &[&str]| aws.let_in(scene.program(&binary, arguments)).answer();
    // Trusting nobody and asking nobody, said aloud: otherwise it looks both up in the network.
    let [nobody, nowhere, statement, file] = ["nobody.json", "nowhere.json", "statement.json", "demo.tar"].map(|name| scene.at(name));
    run(&["trusted-root", "create", "--out", &nobody])?.accepted()?;
    run(&["signing-config", "create", "--out", &nowhere])?.accepted()?;
    for (_, kind) in TYPES {
        let signer = aws.key(&format!("alias/{kind}"));
        let told = run(&["public-key", "--key", &signer])?.accepted()?;
        let is_same = told == scene.read(&format!("{kind}.pub"))?;
        report
            .check(&format!("tells cosign the same key by the same name ({kind})"), is_same.then_some(()).ok_or("they differ".to_owned()));
        let verified = cosign::judges_build(workshop, scene, kind, &aws.bundle(kind))?;
        if kind == "p384" {
            report.check("LIMIT of cosign: verifies P-384 by SHA-256 alone", verified.refused("could not verify envelope"));
        } else {
            report.check(&format!("has signed what cosign verifies ({kind})"), verified.accepted().map(drop));
        }
        if kind == "p256" {
            let theirs = aws.bundle("moto-cosign");
            let signed = ["attest-blob", "--yes", "--key", &signer, "--trusted-root", &nobody, "--signing-config", &nowhere];
            run(&[&signed[..], &["--bundle", &theirs, "--statement", &statement, &file]].concat())?.accepted()?;
            report.check(&format!("signs for cosign what we allow ({kind})"), scene.allows(&theirs, kind));
        }
    }
    Ok(())
}

/// An alias that is moved to another key takes nothing back.
fn rotation(aws: &Aws<'_>, report: &mut Report) -> Result<(), String> {
    let (scene, signer) = (aws.scene, aws.key("alias/p256"));
    aws.manage(&["move", "ECC_NIST_P256", "p256"])?;
    let is_another = aws.public(&signer, "p256-newer")? != scene.read("p256.pub")?;
    report.check("has another key once the alias is moved", is_another.then_some(()).ok_or("it's the same".to_owned()));
    aws.sign(&signer, "p256-newer").output()?;
    report.check("signs with the newer key", scene.allows(&aws.bundle("p256-newer"), "p256-newer"));
    report.check(
        "has signed with the older what the newer doesn't verify",
        scene.denies("demo.tar", &aws.bundle("p256"), "p256-newer", "signer-unknown"),
    );
    report.check("has signed with the older what we still allow", scene.allows(&aws.bundle("p256"), "p256"));
    Ok(())
}

/// What AWS calls the types that sign, and the aliases of their keys.
const TYPES: [(&str, &str); 5] =
    [("ECC_NIST_P256", "p256"), ("ECC_NIST_P384", "p384"), ("RSA_2048", "rsa-2048"), ("RSA_3072", "rsa-3072"), ("RSA_4096", "rsa-4096")];
/// Where it's kept.
pub(super) const FOLDER: &str = "moto-5.2.5";
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(50);
