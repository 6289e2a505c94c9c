//! What goes wrong between our command line and real servers, one thing at a time, by a proxy before one of them: whatever it is,
//! no bundle is given out that doesn't verify, it ends in time, no secret is told, and what we say of log entries is what the log has.
//! How a thing goes wrong is the proxy's affair.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::instance::{Generation, Instance, PEOPLE, Place};
use super::report::Report;
use super::scene::Scene;
use crate::run::{Answer, Program, Running};

/// What is done to whom, and what must come of it.
struct Scenario {
    what: &'static str,
    place: Place,
    /// How often it goes wrong, and how, in the proxy's words; nobody listens where there are none.
    fault: (u32, &'static str),
    comes: Comes,
}

#[derive(Clone, Copy)]
enum Comes {
    /// It's signed after all.
    Signs,
    /// It isn't, with that code.
    Fails(&'static str),
}

/// Rekor v2 answers 409 to what it has taken in before, with nothing but the entry's number (rekor-tiles, `internal/server/service.go`):
/// there is no proof to be had, so nothing is signed, and we say that there may be an entry.
const TAKEN_IN: Comes = Comes::Fails("service-refused");

/// Lets everything go wrong, all at once.
pub(super) fn ask(scene: &Scene, instance: &Instance<'_>, report: &mut Report) -> Result<(), String> {
    let faults = Faults { scene, instance };
    faults.keep_answers()?;
    let before = instance.entries()?;
    let scenarios: Vec<_> = scenarios(instance.generation()).collect();
    let told: Vec<_> = thread::scope(|scope| {
        let asked: Vec<_> =
            (scenarios.iter().zip(FIRST_PORT..)).map(|(scenario, port)| scope.spawn(move || faults.of(scenario, port))).collect();
        asked.into_iter().map(|asked| asked.join().unwrap_or_else(|_| Err("the check panicked".to_owned()))).collect()
    });
    let (mut made, mut unheard) = (0, 0);
    for (scenario, told) in scenarios.iter().zip(told) {
        let outcome = told.map(|entries| {
            made += entries.made;
            unheard += entries.unheard;
        });
        report.check(&format!("{}: {}", scenario.place.name(), scenario.what), outcome);
    }
    let grown = instance.entries()? - before;
    let told = if (made..=made + unheard).contains(&grown) { Ok(()) } else { Err("that isn't so".to_owned()) };
    report.check(&format!("the log has {grown} entries more; we said {made}, and perhaps {unheard} more"), told);
    if instance.generation() == Generation::Second {
        faults.clocks(report)?;
        faults.promises(report)?;
    }
    Ok(())
}

fn scenarios(generation: Generation) -> impl Iterator<Item = Scenario> {
    use Comes::{Fails, Signs};
    let of = |place, what, fault, comes| Scenario { what, place, fault, comes };
    let everybody = [Place::Authority, Place::Log, Place::Times].into_iter().flat_map(move |place| {
        [
            of(place, "refuses connections", (0, ""), Fails("service-unavailable")),
            of(place, "says nothing for ever", (u32::MAX, "hangs"), Fails("service-unavailable")),
            of(place, "ends in the middle of its answer, once", (1, "cuts-off"), if place == Place::Log { TAKEN_IN } else { Signs }),
            of(place, "is asked too much (429), once", (1, "status 429"), Signs),
            of(place, "fails (503) twice", (2, "status 503"), Signs),
            of(place, "fails (500) for ever", (u32::MAX, "status 500"), Fails("service-refused")),
            of(place, "answers what somebody else was answered", (u32::MAX, "of-another"), Fails("service-untrustworthy")),
        ]
    });
    let second = [
        of(Place::Log, "takes an entry in, and its answer is lost (503)", (1, "loses 503"), TAKEN_IN),
        of(Place::Log, "proves another tree", (u32::MAX, "edits /inclusionProof/rootHash"), Fails("service-untrustworthy")),
        of(
            Place::Log,
            "shows a checkpoint of another name",
            (u32::MAX, "edits /inclusionProof/checkpoint/envelope"),
            Fails("service-untrustworthy"),
        ),
        of(
            Place::Log,
            "shows an older checkpoint of its own",
            (u32::MAX, "puts /inclusionProof/checkpoint/envelope"),
            Fails("service-untrustworthy"),
        ),
        of(Place::Authority, "is asked so late that the token has expired", (1, "waits 4000"), Fails("service-refused")),
    ];
    let first = [
        of(Place::Log, "ends in the middle of its answer, once", (1, "cuts-off"), Signs),
        of(Place::Log, "takes an entry in, and its answer is lost (503)", (1, "loses 503"), Signs),
        of(Place::Log, "fails (503) twice", (2, "status 503"), Signs),
        of(Place::Log, "answers what somebody else was answered", (u32::MAX, "of-another"), Fails("service-untrustworthy")),
        of(Place::Log, "proves another tree", (u32::MAX, "edits /*/verification/inclusionProof/rootHash"), Fails("service-untrustworthy")),
        of(
            Place::Log,
            "shows a checkpoint of another name",
            (u32::MAX, "edits /*/verification/inclusionProof/checkpoint"),
            Fails("service-untrustworthy"),
        ),
        of(
            Place::Log,
            "promises by another signature",
            (u32::MAX, "edits /*/verification/signedEntryTimestamp"),
            Fails("service-untrustworthy"),
        ),
    ];
    let is_first = generation == Generation::First;
    everybody.chain(second).filter(move |_| !is_first).chain(first.into_iter().filter(move |_| is_first))
}

/// What we said that logs have.
#[derive(Clone, Copy, Default)]
struct Entries {
    made: u64,
    unheard: u64,
}

#[derive(Clone, Copy)]
struct Faults<'a> {
    scene: &'a Scene,
    instance: &'a Instance<'a>,
}

impl Faults<'_> {
    /// Signs once through proxies that keep what everybody answers.
    fn keep_answers(&self) -> Result<(), String> {
        let places: Vec<_> = Place::of(self.instance.generation()).collect();
        let mut proxies = Vec::new();
        for (place, port) in places.iter().zip(FIRST_PORT..) {
            let kept = self.instance.at(&format!("{}.kept", place.name()));
            proxies.push(self.proxy(*place, port, 1, &["keeps", &kept])?);
        }
        let reached = |url: &str| places.iter().zip(FIRST_PORT..).fold(url.to_owned(), |url, (place, port)| through(&url, *place, port));
        let signing = Signing::new(self, "kept", reached)?;
        signing.program(self, &self.instance.at("trusted_root.json"), &[]).answer()?.accepted()?;
        if self.instance.generation() == Generation::Second {
            let entry = fs::read_to_string(self.instance.at(&format!("{}.kept", Place::Log.name()))).map_err(|error| error.to_string())?;
            let entry = countersign::json::Json::parse(entry.as_bytes()).map_err(|error| error.to_string())?;
            let checkpoint = entry.pointer("/inclusionProof/checkpoint/envelope").and_then(countersign::json::Json::as_str);
            let checkpoint = checkpoint.ok_or("the log shows no checkpoint")?;
            fs::write(self.instance.at("checkpoint.kept"), checkpoint).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Lets one thing go wrong, and returns what we said of log entries if all that must hold does.
    fn of(&self, scenario: &Scenario, port: u16) -> Result<Entries, String> {
        let (times, fault) = scenario.fault;
        let mut words: Vec<_> = fault.split_whitespace().map(str::to_owned).collect();
        match words.first().map(String::as_str) {
            Some("of-another") => words.push(self.instance.at(&format!("{}.kept", scenario.place.name()))),
            Some("puts") => words.push(self.instance.at("checkpoint.kept")),
            _ => {}
        }
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let proxy = if words.is_empty() { None } else { Some(self.proxy(scenario.place, port, times, &words)?) };
        let signing = Signing::new(self, &format!("fault-{port}"), |url| through(url, scenario.place, port))?;
        if fault.starts_with("waits") {
            signing.token_for(self, 2)?;
        }
        let began = Instant::now();
        let answer = signing.program(self, &self.instance.at("trusted_root.json"), &[]).answer()?;
        let took = began.elapsed();
        signing.holds(self, &answer, scenario.comes)?;
        if took > STATED + LOADED {
            return Err(answer.told(&format!("should end after {} s, and took {} s", STATED.as_secs(), took.as_secs())));
        }
        let entries = said(&answer)?;
        if let Some(proxy) = proxy.filter(|_| scenario.place == Place::Log) {
            // What the server itself answered to us, whatever came of that on the way.
            let log = fs::read_to_string(&proxy.log).map_err(|error| error.to_string())?;
            let taken = log
                .lines()
                .filter(|line| line.starts_with("POST ") && line.split(' ').nth(2).is_some_and(|status| status.starts_with('2')))
                .count();
            let (some, sure) = (entries.made + entries.unheard > 0, entries.made > 0);
            if (taken > 0 && !some) || (taken == 0 && sure) {
                return Err(answer.told(&format!("should say what the log took in, {taken} times")));
            }
        }
        Ok(entries)
    }

    /// Our clock is wrong, and nobody else's.
    fn clocks(&self, report: &mut Report) -> Result<(), String> {
        if !Program::new("faketime", &["--version"]).works() {
            println!("SKIPPED clocks that are wrong: faketime isn't there");
            return Ok(());
        }
        // A certificate holds for ten minutes, so that one who is as much ahead still sees that it holds, as does everybody else.
        let untrustworthy = Comes::Fails("service-untrustworthy");
        for (name, offset, comes) in [
            ("10 minutes slow", "-10m", untrustworthy),
            ("10 minutes fast", "+10m", Comes::Signs),
            ("20 minutes fast", "+20m", untrustworthy),
        ] {
            let signing = Signing::new(self, "clock", str::to_owned)?;
            signing.token_for(self, 3_600)?;
            let answer = signing.program(self, &self.instance.at("trusted_root.json"), &["faketime", "-f", offset]).answer()?;
            report.check(&format!("our clock is {name}"), signing.holds(self, &answer, comes));
        }
        Ok(())
    }

    /// The certificate log's promise is by a key that isn't trusted.
    fn promises(&self, report: &mut Report) -> Result<(), String> {
        let signing = Signing::new(self, "promises", str::to_owned)?;
        let root = self.instance.without_certificate_log(&self.scene.read("p256.pub")?)?;
        let answer = signing.program(self, &root, &[]).answer()?;
        let outcome = signing.holds(self, &answer, Comes::Fails("service-untrustworthy"));
        report.check("the certificate log's promise is by another key", outcome);
        Ok(())
    }

    fn proxy(&self, place: Place, port: u16, times: u32, fault: &[&str]) -> Result<Proxy, String> {
        let own = std::env::current_exe().map_err(|error| format!("can't find ourselves: {error}"))?;
        let (listen, times, log) = (format!("127.0.0.1:{port}"), times.to_string(), self.instance.at(&format!("proxy-{port}.log")));
        let arguments = [&["proxy", &listen, place.address(), &times], fault].concat();
        let running = self.instance.inside(&own.display().to_string(), &arguments).start(Path::new(&log))?;
        let patience = Instant::now() + Duration::from_secs(30);
        while !fs::read_to_string(&log).is_ok_and(|log| log.starts_with("listening")) {
            if Instant::now() > patience {
                return Err("the proxy doesn't start".to_owned());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(Proxy { log: log.into(), _running: running })
    }
}

struct Proxy {
    log: PathBuf,
    _running: Running,
}

/// One attempt to sign an agent's run, with files of its own.
struct Signing {
    place: String,
}

impl Signing {
    fn new(faults: &Faults<'_>, name: &str, reached: impl Fn(&str) -> String) -> Result<Self, String> {
        let place = faults.instance.at(name);
        if Path::new(&place).exists() {
            fs::remove_dir_all(&place).map_err(|error| format!("can't remove `{place}`: {error}"))?;
        }
        fs::create_dir(&place).map_err(|error| format!("can't make `{place}`: {error}"))?;
        let signing = Self { place };
        fs::write(signing.at("signing_config.json"), faults.instance.signing_config(reached)).map_err(|error| error.to_string())?;
        signing.token_for(faults, 600)?;
        Ok(signing)
    }

    /// Gets a token that holds for so many seconds.
    fn token_for(&self, faults: &Faults<'_>, seconds: u32) -> Result<(), String> {
        let token = faults.instance.token(PEOPLE, &format!("email=maintainer@example.test&lasts={seconds}"))?;
        fs::write(self.at("token"), token).map_err(|error| error.to_string())
    }

    fn at(&self, name: &str) -> String {
        format!("{}/{name}", self.place)
    }

    fn program(&self, faults: &Faults<'_>, root: &str, before: &[&str]) -> Program {
        let (signer, store, out, config) = (
            format!("keyless:file:{}", self.at("token")),
            format!("dir:{}", self.at("store")),
            self.at("out"),
            self.at("signing_config.json"),
        );
        let own = faults.scene.countersign_path();
        let stated = ["attest", "agent-run", "--subject", "git:HEAD", "--agent", "claude-code", "--transcript", faults.scene.transcript()];
        let with = ["--signer", &signer, "--trust", root, "--signing-config", &config, "--store", &store, "--out", &out];
        let line = [before, &[&own], &stated, &with].concat();
        let (name, arguments) = line.split_first().unwrap_or((&"", &[]));
        faults.instance.inside(name, arguments)
    }

    /// Holds if that came of it, a bundle is there exactly if it was signed and verifies, and no secret was told.
    fn holds(&self, faults: &Faults<'_>, answer: &Answer, comes: Comes) -> Result<(), String> {
        let token = fs::read_to_string(self.at("token")).map_err(|error| error.to_string())?;
        let told = |what: &str| answer.holds(what);
        for (secret, is_told) in
            [("the token", token.split('.').any(told)), ("a private key", told("PRIVATE KEY")), ("the prompt", told(PROMPT))]
        {
            if is_told {
                return Err(format!("{secret} was told"));
            }
        }
        let kept = Path::new(&self.at("out")).exists() || has_files(Path::new(&self.at("store")));
        match comes {
            Comes::Signs if answer.succeeded() && kept => {
                let root = faults.instance.at("trusted_root.json");
                let issuer = format!("http://127.0.0.1:{PEOPLE}");
                let by = ["--certificate-identity", "maintainer@example.test", "--certificate-oidc-issuer", &issuer];
                let (bundle, object) = (self.at("out"), faults.scene.at("commit-object"));
                let asked = ["verify-bundle", "--bundle", &bundle, "--trusted-root", &root, &object];
                faults.scene.countersign(&[&asked[..], &by].concat()).answer()?.accepted().map(drop)
            }
            Comes::Fails(code) if !answer.succeeded() && answer.holds(&format!("error[{code}]")) && !kept => Ok(()),
            Comes::Signs => Err(answer.told("should sign")),
            Comes::Fails(code) => Err(answer.told(&format!("should fail with `{code}`, and keep nothing (something is kept: {kept})"))),
        }
    }
}

/// Reads what we say of log entries: whether it's signed or not.
fn said(answer: &Answer) -> Result<Entries, String> {
    let number = |before: &str| -> Result<Option<u64>, String> {
        let Some(rest) = answer.said().split(before).nth(1) else { return Ok(None) };
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().map(Some).map_err(|_| format!("no number stands behind `{before}`"))
    };
    let made = number("with log entries: ")?.or(number("log entries made: ")?);
    let unheard = number("nobody heard how ")?.or(number(", and perhaps ")?);
    Ok(Entries { made: made.unwrap_or(0), unheard: unheard.unwrap_or(0) })
}

/// The address of a service as it's reached through the proxy at that port.
fn through(url: &str, place: Place, port: u16) -> String {
    url.replace(&format!("//{}", place.address()), &format!("//127.0.0.1:{port}"))
}

/// A store writes a `.gitignore` into itself; nothing else is there before a bundle is kept.
fn has_files(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| if entry.path().is_dir() { has_files(&entry.path()) } else { entry.file_name() != ".gitignore" })
}

const FIRST_PORT: u16 = 7_100;
/// How long signing may take (`Keyless::PATIENCE`), and how much later a machine with much else to do may see that it's over.
const STATED: Duration = Duration::from_secs(60);
const LOADED: Duration = Duration::from_secs(30);
/// What stands in the transcript that is sealed.
const PROMPT: &str = "Add a greeting function";
