//! A person at a terminal signs in to sign as themselves, with an instance of the testkit: what they're shown, what they type, and
//! that nobody waits where there's no person. What else an issuer could answer is tried where signing is.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at what it doesn't expect")]

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use countersign_sign::IdentityToken;
use countersign_testkit::browser::visit;
use countersign_testkit::instance::Place::{self, SecondLog, Times};
use countersign_testkit::instance::{CODE, Instance};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use tempfile::TempDir;

#[test]
fn signs_as_whoever_signs_in_with_the_browser_that_opens() {
    for signer in ["keyless:browser", "keyless:"] {
        let desk = Desk::new();
        let session = desk.at_terminal(&desk.attest(signer), &[("BROWSER", "/bin/sh browser")]);
        let address = until(|| fs::read_to_string(desk.path("opened")).ok().and_then(|said| said.strip_suffix('\n').map(str::to_owned)));
        // One argument, whatever a shell would make of it, and nothing of ours beside it.
        let address = address.strip_prefix("1 ").unwrap();
        assert_eq!(visit(address).status, 200);
        let (status, shown, answer) = session.end();
        assert!(status.success(), "{shown}");
        assert!(shown.contains(address) && !answer.contains(address), "{shown}");
        assert!(shown.contains("the email address that you sign in with becomes public for ever"), "{shown}");
        assert!(shown.contains("signed as signer@example.test"), "{shown}");
        assert!(!shown.contains(CODE) && !shown.split_whitespace().any(IdentityToken::is_in), "{shown}");
    }
}

#[test]
fn signs_as_whoever_brings_the_code_that_a_browser_elsewhere_shows() {
    for (signer, variables) in [
        ("keyless:code", &[("BROWSER", "/bin/sh browser")][..]),
        ("keyless:", &[("SSH_CONNECTION", "192.0.2.1 1 192.0.2.2 22"), ("DISPLAY", ":10")]),
        ("keyless:", &[]),
    ] {
        let desk = Desk::new();
        let mut session = desk.at_terminal(&desk.attest(signer), variables);
        let address = session.asked();
        assert!(address.contains("redirect_uri=urn%3Aietf%3Awg%3Aoauth%3A2.0%3Aoob"), "{address}");
        session.types(&format!("{}\n", visit(&address).body));
        let (status, shown, _) = session.end();
        assert!(status.success() && shown.contains("signed as signer@example.test"), "{shown}");
        assert!(!shown.split_whitespace().any(IdentityToken::is_in), "{shown}");
        assert!(!desk.path("opened").exists());
    }
}

#[test]
fn signs_nothing_by_what_is_no_code_and_says_how_to_go_on() {
    let desk = Desk::new();
    // What was typed twice, and the end of what is typed (Ctrl-D).
    for typed in ["hunter3\n", "\n", "\u{4}"] {
        let mut session = desk.at_terminal(&desk.attest("keyless:code"), &[]);
        session.asked();
        session.types(typed);
        let (status, shown, answer) = session.end();
        assert!(status.code() == Some(3) && shown.contains("error[token-unusable]") && answer.is_empty(), "{shown}");
        assert!(shown.contains("nothing was signed; the same command can be given again"), "{shown}");
    }
    assert_eq!(desk.instance.asked(Place::Authority), 0);
}

#[test]
fn waits_for_no_person_where_there_is_none() {
    let desk = Desk::new();
    for signer in ["keyless:", "keyless:browser", "keyless:code"] {
        let output = desk.command(&desk.attest(signer), &[("DISPLAY", ":0")]).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(3) && told.contains("error[token-missing]"), "{told}");
        assert!(told.contains("hint: ") && told.contains("keyless:env:NAME"), "{told}");
    }
    // A job may have a terminal, and nobody at it.
    let (status, shown, _) = desk.at_terminal(&desk.attest("keyless:"), &[("CI", "true"), ("DISPLAY", ":0")]).end();
    assert!(status.code() == Some(3) && shown.contains("error[token-missing]"), "{shown}");
    assert_eq!(desk.instance.asked(Place::Issuer), 0);
}

#[test]
fn ends_by_ctrl_c_also_once_an_observed_command_has_ended() {
    let desk = Desk::new();
    let observed = ["run", "--artifact", "app.tar", "--out", "made.sigstore.json", "--signer", "keyless:code"];
    let observed = [&observed[..], &SERVICES, &["--", "/bin/true"]].concat();
    for arguments in [desk.attest("keyless:code"), observed] {
        let session = desk.at_terminal(&arguments, &[]);
        session.asked();
        kill_process(Pid::from_child(&session.child), Signal::INT).unwrap();
        let (status, shown, _) = session.end();
        assert_eq!(status.signal(), Some(2), "{shown}");
    }
}

/// A folder with everything in it, outside of any work tree.
struct Desk {
    folder: TempDir,
    instance: Instance,
}

impl Desk {
    fn new() -> Self {
        let (folder, instance) = (tempfile::tempdir().unwrap(), Instance::start());
        let desk = Self { folder, instance };
        let write = |name: &str, bytes: &[u8]| fs::write(desk.path(name), bytes).unwrap();
        write("app.tar", b"an artifact");
        write("trusted_root.json", &desk.instance.trusted_root());
        write("signing_config.json", &desk.instance.signing_config(&[SecondLog, Times]));
        // Says what it was given, whole or not at all, and talks as browsers do.
        write("browser", b"env | grep -q ^COUNTERSIGN_ && exit 9\necho browsing >&2\necho \"$# $1\" >begun && /bin/mv begun opened\n");
        fs::set_permissions(desk.path("browser"), fs::Permissions::from_mode(0o700)).unwrap();
        desk
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn attest<'a>(&self, signer: &'a str) -> Vec<&'a str> {
        let stated = ["attest", "build", "--subject", "app.tar", "--out", "app.sigstore.json", "--signer", signer];
        [&stated[..], &SERVICES].concat()
    }

    fn command(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command.current_dir(self.folder.path()).args(arguments).env_clear().env("HOME", self.folder.path()).env("NO_COLOR", "1");
        command.env("PATH", "/usr/bin:/bin").env("COUNTERSIGN_PASSPHRASE", "hunter4").envs(variables.iter().copied());
        command
    }

    /// Runs it with a terminal that somebody sits at.
    fn at_terminal(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Session {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let name = ptsname(&keyboard, Vec::new()).unwrap().into_string().unwrap();
        let terminal = OpenOptions::new().read(true).write(true).open(name).unwrap();
        let mut command = self.command(arguments, variables);
        command.stdin(terminal.try_clone().unwrap()).stderr(terminal).stdout(Stdio::piped());
        let child = command.spawn().unwrap();
        let keyboard = File::from(keyboard);
        let (screen, mut seen) = (Arc::new(Mutex::new(String::new())), keyboard.try_clone().unwrap());
        let drawn = Arc::clone(&screen);
        thread::spawn(move || {
            let mut bytes = [0; 4_096];
            // It fails once nobody has the terminal any more.
            while let Ok(length @ 1..) = seen.read(&mut bytes) {
                drawn.lock().unwrap().push_str(&String::from_utf8_lossy(bytes.get(..length).unwrap()));
            }
        });
        Session { child, keyboard, screen }
    }
}

/// A program that somebody runs at a terminal.
struct Session {
    child: Child,
    keyboard: File,
    screen: Arc<Mutex<String>>,
}

impl Session {
    fn shown(&self) -> String {
        self.screen.lock().unwrap().clone()
    }

    /// Returns the address that is shown, once a code is asked for.
    fn asked(&self) -> String {
        let shown = until(|| Some(self.shown()).filter(|shown| shown.contains("Code: ")));
        shown.lines().find(|line| line.starts_with("http")).unwrap().to_owned()
    }

    fn types(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).unwrap();
    }

    /// Waits for its end; returns what was shown, and what it answered.
    fn end(mut self) -> (ExitStatus, String, String) {
        let status = until(|| self.child.try_wait().unwrap());
        let mut answer = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut answer).unwrap();
        // What was written last is still on its way from one end of the terminal to the other.
        thread::sleep(Duration::from_millis(100));
        (status, self.shown(), answer)
    }
}

fn until<T>(found: impl FnMut() -> Option<T>) -> T {
    let (mut found, begun) = (found, Instant::now());
    loop {
        match found() {
            Some(found) => return found,
            None if begun.elapsed() > Duration::from_secs(60) => panic!("nothing came"),
            None => thread::sleep(Duration::from_millis(10)),
        }
    }
}

const SERVICES: [&str; 4] = ["--signing-config", "signing_config.json", "--trust", "trusted_root.json"];
