//! The test kit for programs that keep a key, and for every other key elsewhere: says whether a signer does what is expected of one.
//! What that is stands with the functions that it calls.
#![expect(clippy::print_stdout, reason = "it's a program to be looked at")]

use std::env;
use std::error::Error;

use countersign_sign::{Patience, RemoteKey, check_exec_signer, check_signer};

fn main() -> Result<(), Box<dyn Error>> {
    let uri = env::args().nth(1).ok_or("usage: check_signer SIGNER, such as exec:./my-signer")?;
    let key = if uri.starts_with("exec:") {
        check_exec_signer(&uri, &Patience::default())?
    } else {
        check_signer(&RemoteKey::open(&uri, &|name| env::var(name).ok(), Patience::default())?)?
    };
    println!("ok: {:?} key {}", key.key_type(), key.fingerprint());
    Ok(())
}
