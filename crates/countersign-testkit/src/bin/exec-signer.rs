//! A program by the protocol of `exec:`, with a key that everybody knows: `exec-signer p256|ed25519 [FAULT] WORD…`.
//! It also does wrong whatever a program can do wrong.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test's program may stop at what it doesn't expect")]

use std::io::{Read as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs, io, process, thread};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::digest::Digest;
use countersign_sign::{KeyType, LocalKey};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let (key_type, arguments) = arguments.split_first().unwrap();
    let (fault, words) = match arguments {
        ["public-key" | "no-such-word"] | ["sign", _] => ("", arguments),
        [fault, words @ ..] => (*fault, words),
        [] => return ExitCode::FAILURE,
    };
    let key_type = if *key_type == "p256" { KeyType::P256 } else { KeyType::Ed25519 };
    let key = |secret| LocalKey::dangerous_from_secret(key_type, &[secret; 32]).unwrap();
    match (fault, words) {
        ("never-answers", _) => thread::sleep(Duration::from_secs(600)),
        ("changes-keys", ["public-key"]) => print!("{}", LocalKey::generate(key_type).unwrap().public_key_pem()),
        ("prints-no-key", ["public-key"]) => print!("hunter2"),
        ("prints-no-signature", ["sign", _]) => print!("hunter2"),
        ("floods", ["sign", _]) => while io::stdout().write_all(&[b'A'; 4096]).is_ok() {},
        ("takes-any-word", ["no-such-word"]) => {}
        (_, ["public-key"]) => print!("{}", key(7).public_key_pem()),
        (_, ["sign", asked]) => {
            if let Some(file) = fault.strip_prefix("signs-never:") {
                fs::write(file, process::id().to_string()).unwrap();
                thread::sleep(Duration::from_secs(600));
            }
            if fault == "fails" {
                return ExitCode::from(9);
            }
            assert_eq!(*asked, Digest::sha256(&key(7).public_key_der()).to_string());
            let mut message = Vec::new();
            match fault {
                "reads-nothing" => {}
                "reads-a-bit" => drop(io::stdin().take(2_000_000).read_to_end(&mut message).unwrap()),
                _ => drop(io::stdin().read_to_end(&mut message).unwrap()),
            }
            let signature = match fault {
                "signs-by-another" => key(8).sign(&message).unwrap(),
                _ => key(7).sign(&message).unwrap(),
            };
            println!("{}", STANDARD.encode(signature));
        }
        _ => return ExitCode::FAILURE,
    }
    ExitCode::SUCCESS
}
