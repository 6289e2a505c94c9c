//! Signatures that others found verifiers to get wrong (C2SP/wycheproof), where the collection is at hand.
//! They go the way that evidence goes; it owns no vector of its own.
#![expect(clippy::disallowed_methods, reason = "the vectors lie in files, and their form is known")]

use std::path::PathBuf;

use serde_json::Value;

use super::PublicKey;

/// Runs a file of vectors, and returns how many signatures were accepted and refused, and how many keys were refused.
fn run(name: &str) -> Option<[usize; 3]> {
    let all = PathBuf::from(std::env::var_os("COUNTERSIGN_CORPORA").unwrap_or_default());
    let Ok(bytes) = std::fs::read(all.join("wycheproof").join(name)) else {
        println!("SKIPPED corpora wycheproof: not here");
        return None;
    };
    let file: Value = serde_json::from_slice(&bytes).unwrap();
    let (mut accepted, mut refused, mut keys) = (0, 0, 0);
    for group in file["testGroups"].as_array().unwrap() {
        let Ok(key) = PublicKey::from_der(&unhex(&group["publicKeyDer"])) else {
            println!("{name}: a key of another kind or encoding is refused: {}", group["publicKeyDer"]);
            keys += 1;
            continue;
        };
        for vector in group["tests"].as_array().unwrap() {
            let signature = unhex(&vector["sig"]);
            let verifies = key.could_have_made(&signature) && key.has_signed(&unhex(&vector["msg"]), &signature);
            let expected = match vector["result"].as_str().unwrap() {
                _ if of_another_scheme(name, vector["tcId"].as_u64().unwrap()) => verifies,
                "acceptable" => verifies,
                result => result == "valid",
            };
            assert_eq!(verifies, expected, "{name}: {}", vector["tcId"]);
            if verifies { accepted += 1 } else { refused += 1 }
        }
    }
    println!("{name}: {accepted} accepted, {refused} refused, {keys} keys refused");
    Some([accepted, refused, keys])
}

/// Signatures of other schemes than the file is about: a key of RSA says neither padding nor hash, and all of ours count.
fn of_another_scheme(name: &str, id: u64) -> bool {
    match name {
        // PKCS#1 with SHA-384 and with SHA-512, and PSS.
        "rsa_signature_2048_sha256_test.json" => matches!(id, 221 | 223 | 255..=257),
        // PKCS#1 among PSS.
        "rsa_pss_2048_sha256_mgf1_32_test.json" => id == 108,
        _ => false,
    }
}

fn unhex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len() / 2).map(|at| u8::from_str_radix(text.get(2 * at..2 * at + 2).unwrap(), 16).unwrap()).collect()
}

#[test]
fn no_signature_on_p256_is_judged_wrongly() {
    assert!(run("ecdsa_secp256r1_sha256_test.json").is_none_or(|found| found == [174, 310, 0]));
}

#[test]
fn no_signature_on_p384_is_judged_wrongly() {
    assert!(run("ecdsa_secp384r1_sha384_test.json").is_none_or(|found| found == [194, 310, 0]));
}

#[test]
fn no_ed25519_signature_is_judged_wrongly() {
    assert!(run("ed25519_test.json").is_none_or(|found| found == [88, 63, 0]));
}

#[test]
fn no_signature_of_rsa_is_judged_wrongly() {
    assert!(run("rsa_signature_2048_sha256_test.json").is_none_or(|found| found == [12, 247, 0]));
    assert!(run("rsa_pss_2048_sha256_mgf1_32_test.json").is_none_or(|found| found == [64, 44, 0]));
}

#[test]
fn no_key_of_ml_dsa_is_taken() {
    assert!(run("mldsa_44_verify_test.json").is_none_or(|found| found == [0, 0, 27]));
}
