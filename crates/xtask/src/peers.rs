//! Whether others read what we write, and we what they write: each peer is somebody else's program, as they publish it.
//! What a peer is asked stands in its own file; nothing of it is needed to build or to test.

mod report;
mod scene;
mod workshop;
mod by_key;
mod python;
mod securesystemslib;
mod sigstore_python;
mod in_toto_attestation;
mod sigstore_js;
mod sigstore_go;
mod cosign;
mod namespace;
mod instance;
mod keyless;
mod moto;
mod faults;
pub(crate) mod proxy;
mod openssl;
mod softhsm;
mod vault;
mod interop;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::repository::Repository;
use instance::Generation;
use report::Report;
use scene::Scene;
use workshop::Workshop;

/// Somebody else's program.
struct Peer {
    name: &'static str,
    /// Where it's kept; peers of one environment share it.
    folder: &'static str,
    /// What it takes to get it where nothing of it is cached, on two cores, with a margin.
    seconds: u64,
    /// Gets it, unless that was done before.
    obtain: fn(&Workshop) -> Result<(), String>,
    /// Asks it everything.
    ask: fn(&Workshop, &Scene, &mut Report) -> Result<(), String>,
}

/// The cheapest first, since what comes later may find the budget spent.
const PEERS: &[Peer] = &[
    Peer { name: "sigstore-js", folder: sigstore_js::FOLDER, seconds: 60, obtain: sigstore_js::obtain, ask: sigstore_js::ask },
    Peer { name: "securesystemslib", folder: python::FOLDER, seconds: 120, obtain: python::obtain, ask: securesystemslib::ask },
    Peer { name: "sigstore-python", folder: python::FOLDER, seconds: 120, obtain: python::obtain, ask: sigstore_python::ask },
    Peer { name: "in-toto-attestation", folder: python::FOLDER, seconds: 120, obtain: python::obtain, ask: in_toto_attestation::ask },
    Peer { name: "sigstore-go", folder: sigstore_go::FOLDER, seconds: 600, obtain: sigstore_go::obtain, ask: sigstore_go::ask },
    Peer { name: "cosign", folder: cosign::FOLDER, seconds: 1_200, obtain: cosign::obtain, ask: cosign::ask },
    // After cosign, which is asked for the same keys where it's there.
    Peer { name: "moto", folder: moto::FOLDER, seconds: 1_200, obtain: moto::obtain, ask: moto::ask },
    Peer { name: "softhsm", folder: softhsm::FOLDER, seconds: 1_200, obtain: softhsm::obtain, ask: softhsm::ask },
    Peer { name: "vault", folder: vault::FOLDER, seconds: 1_200, obtain: vault::obtain, ask: vault::ask },
    Peer { name: "sigstore", folder: Generation::Second.folder(), seconds: 1_200, obtain: instance::obtain, ask: keyless::ask },
    Peer { name: "rekor-v1", folder: Generation::First.folder(), seconds: 1_500, obtain: instance::obtain_first, ask: keyless::ask_first },
    // Asks those above that are there, so that it gets none itself but the cheapest.
    Peer { name: "interop", folder: sigstore_go::FOLDER, seconds: 1_500, obtain: sigstore_go::obtain, ask: interop::ask },
];

/// Asks the named peers, or all; `--within SECONDS` leaves out what wouldn't be got in that time.
pub(crate) fn run(repository: &Repository, arguments: &[&str]) -> Result<(), String> {
    let start = Instant::now();
    let (budget, names) = match arguments {
        ["--within", seconds, names @ ..] => (seconds.parse().map_err(|_| format!("`{seconds}` is no number of seconds"))?, names),
        names => (DAY, names),
    };
    let known = || PEERS.iter().map(|peer| peer.name).collect::<Vec<_>>().join(", ");
    if let Some(name) = names.iter().find(|name| PEERS.iter().all(|peer| peer.name != **name)) {
        return Err(format!("there is no peer `{name}`; there are {}", known()));
    }
    let deadline = start + Duration::from_secs(budget);
    let workshop = Workshop::open(repository, deadline)?;
    let mut scene = None;
    let (mut checks, mut failed, mut skipped) = (0, 0, Vec::new());
    let mut is_whole = arguments.is_empty();
    for peer in PEERS.iter().filter(|peer| names.is_empty() || names.contains(&peer.name)) {
        let mut skip = |why: &str| {
            is_whole = false;
            println!("SKIPPED peer {}: {why}", peer.name);
            skipped.push(peer.name);
        };
        // What is cached is asked within seconds.
        let needed = if workshop.has(peer.folder) { ASKING } else { peer.seconds };
        if deadline.saturating_duration_since(Instant::now()) < Duration::from_secs(needed) {
            skip("budget");
            continue;
        }
        if let Err(why) = (peer.obtain)(&workshop) {
            skip(&why);
            continue;
        }
        let scene = match &mut scene {
            Some(scene) => scene,
            none => none.insert(Scene::lay_out(repository)?),
        };
        let mut report = Report::of(peer.name, is_whole);
        if let Err(why) = (peer.ask)(&workshop, scene, &mut report) {
            report.check("can be asked the rest", Err(why));
        }
        checks += report.checks();
        failed += report.failed();
    }
    if let Some(scene) = scene.filter(|_| is_whole && failed == 0) {
        interop::publish(repository, &scene)?;
    }
    let skipped = if skipped.is_empty() { "no peer".to_owned() } else { skipped.join(", ") };
    println!("peers: {checks} checks, {failed} FAILED, {skipped} skipped, in {:.0} s", start.elapsed().as_secs_f64());
    if failed == 0 { Ok(()) } else { Err(format!("{failed} checks of peers failed")) }
}

/// Returns the path of cosign, if it was got.
pub(crate) fn cosign(repository: &Repository) -> Result<Option<PathBuf>, String> {
    let workshop = Workshop::open(repository, Instant::now())?;
    Ok(workshop.has(cosign::FOLDER).then(|| cosign::binary(&workshop)))
}

const DAY: u64 = 86_400;
const ASKING: u64 = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cheapest_is_asked_first() {
        assert!(PEERS.is_sorted_by_key(|peer| peer.seconds));
    }
}
