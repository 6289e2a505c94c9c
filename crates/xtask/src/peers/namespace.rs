//! A network namespace of its own, and the servers in it: they have a loopback that nobody else listens on, and no other way out.
//! Which servers they are is said elsewhere.

use std::path::Path;
use std::time::{Duration, Instant};

use super::scene::Scene;
use crate::run::{Program, Running};

/// Refuses a machine that gives no such namespace.
pub(super) fn check() -> Result<(), String> {
    for (tool, argument) in [("unshare", "--version"), ("nsenter", "--version"), ("ip", "-V"), ("curl", "--version")] {
        if !Program::new(tool, &[argument]).works() {
            return Err(format!("{tool} isn't there"));
        }
    }
    let unshared = Program::new("unshare", &["--user", "--map-root-user", "--net", "true"]).works();
    unshared.then_some(()).ok_or("this machine gives no network namespace".to_owned())
}

/// The namespace. It ends when this is dropped, and the servers with it.
pub(super) struct Namespace<'a> {
    scene: &'a Scene,
    id: u32,
    running: Vec<Running>,
}

impl<'a> Namespace<'a> {
    /// Makes one; `name` is for the log.
    pub(super) fn open(scene: &'a Scene, name: &str) -> Result<Self, String> {
        let holder = ["--user", "--map-root-user", "--net", "sh", "-euc", "ip link set lo up; exec sleep 3600"];
        let holder = Program::new("unshare", &holder).start(Path::new(&scene.at(&format!("{name}.log"))))?;
        let namespace = Self { scene, id: holder.id(), running: vec![holder] };
        namespace.wait(|| namespace.inside("ip", &["-o", "addr", "show", "dev", "lo", "up"]).output().map(drop))?;
        Ok(namespace)
    }

    /// Names a program that runs in it.
    pub(super) fn inside(&self, name: &str, arguments: &[&str]) -> Program {
        let id = self.id.to_string();
        let enter = ["--target", &id, "--user", "--net", "--preserve-credentials", "--", name];
        self.scene.program("nsenter", &[&enter[..], arguments].concat())
    }

    /// Starts a server in it.
    pub(super) fn serve(&mut self, binary: &Path, log: &str, arguments: &[&str]) -> Result<(), String> {
        let program = self.inside(&binary.display().to_string(), arguments);
        self.running.push(program.start(Path::new(log))?);
        Ok(())
    }

    /// Asks by HTTP.
    pub(super) fn get(&self, url: &str) -> Result<String, String> {
        self.inside("curl", &["--silent", "--fail", "--max-time", "10", url]).output()
    }

    /// Waits until every one of these answers.
    pub(super) fn await_all(&self, urls: &[&str]) -> Result<(), String> {
        urls.iter().try_for_each(|url| self.wait(|| self.get(url)).map(drop))
    }

    /// Waits until something can be had.
    pub(super) fn wait<T>(&self, ready: impl Fn() -> Result<T, String>) -> Result<T, String> {
        let patience = Instant::now() + PATIENCE;
        loop {
            match ready() {
                Ok(had) => return Ok(had),
                Err(error) if Instant::now() > patience => return Err(error),
                Err(_) => std::thread::sleep(LOOK_AGAIN),
            }
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(100);
