//! `cargo xtask …`: the checks and the generators of this repository.
//! It holds the list of tasks only; nothing of it is part of what is published.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a task tells people what it does")]

mod bench;
mod ci;
mod features;
mod fuzz;
mod header;
mod peers;
mod purity;
mod repository;
mod run;
mod source;
mod testdata;
mod tidy;
mod transcript;

use std::process::ExitCode;

use repository::Repository;

const USAGE: &str = "\
usage: cargo xtask TASK

  ci                every check, in the order of continuous integration
  tidy              the rules about files, names, modules, versions and dependencies
  purity            the heart depends on nothing that reaches the world
  features          canonical JSON is the same whatever features of serde_json are on; each kind of signer builds alone
  header [--check]  writes (or compares) the C header and the list of exported symbols
  testdata          makes the cases and golden files again; a test compares them
  bench             what things cost, as ratios to a floor in the same run (minutes)
  transcript [MB]   attests a huge transcript with a bound on memory (default 500)
  fuzz [SECONDS]    runs each fuzz target for so long (default 30)
  peers [--within SECONDS] [NAME...]
                    others verify what we sign, and we what they sign; gets them into
                    $COUNTERSIGN_PEERS (default: countersign/peers in the cache folder)";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    // Started by `peers` in the namespace of its servers, where nothing else is asked of it.
    if let ["proxy", arguments @ ..] = &arguments[..] {
        return ended(peers::proxy::serve(arguments));
    }
    ended(Repository::open().and_then(|repository| perform(&repository, &arguments)))
}

fn ended(outcome: Result<(), String>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
    }
}

fn perform(repository: &Repository, arguments: &[&str]) -> Result<(), String> {
    match arguments {
        ["ci"] => ci::run(repository),
        ["tidy"] => tidy::check(repository),
        ["purity"] => purity::check(repository),
        ["features"] => features::check(repository),
        ["header"] => header::write(repository),
        ["header", "--check"] => header::check(repository),
        ["testdata"] => testdata::write(repository),
        ["bench"] => bench::run(repository),
        ["transcript"] => transcript::run(repository, "500"),
        ["transcript", megabytes] => transcript::run(repository, megabytes),
        ["peers", names @ ..] => peers::run(repository, names),
        ["fuzz"] => fuzz::run(repository, "30"),
        ["fuzz", seconds] if seconds.parse::<u32>().is_ok() => fuzz::run(repository, seconds),
        _ => Err(USAGE.to_owned()),
    }
}
