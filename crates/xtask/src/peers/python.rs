//! The Python environment that the peers in Python share, by its lock with hashes.
//! What they are asked stands in their own files.

use std::fs;

use super::workshop::Workshop;
use crate::run::Program;

/// Makes the environment.
pub(super) fn obtain(workshop: &Workshop) -> Result<(), String> {
    if !Program::new("python3", &["-c", "import venv, ensurepip"]).works() {
        return Err("python3 with venv isn't there".to_owned());
    }
    let lock = workshop.recipe("python/requirements.txt");
    let pins = fs::read_to_string(&lock).map_err(|error| format!("can't read `{}`: {error}", lock.display()))?;
    workshop.obtain(FOLDER, &pins, |place| {
        let (place, lock) = (place.display().to_string(), lock.display().to_string());
        let pip = format!("{place}/bin/pip");
        // Wheels only: building one would run its maker's code, and need a compiler.
        let install = ["install", "--quiet", "--retries", "2", "--require-hashes", "--only-binary", ":all:", "-r", &lock];
        Ok(vec![Program::new("python3", &["-m", "venv", &place]), Program::new(&pip, &install)])
    })
}

/// Asks one question of `peer.py`.
pub(super) fn question(workshop: &Workshop, arguments: &[&str]) -> Program {
    let python = workshop.place(FOLDER).join("bin/python").display().to_string();
    let script = workshop.recipe("python/peer.py").display().to_string();
    Program::new(&python, &[&["-B", "-I", &script], arguments].concat())
}

/// Where it is kept.
pub(super) const FOLDER: &str = "sigstore-python-4.5.1";
