//! Keys on tokens, as far as no token is needed: what is wrong with a name or a module, and that no PIN is told.
//! Tokens themselves are asked by `cargo xtask peers softhsm`, since a module reads where they lie from the process's environment.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at what it doesn't expect")]

mod elsewhere;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use countersign_sign::{Patience, RemoteKey};

use elsewhere::holds_no_secret;

#[test]
fn says_what_is_wrong_with_a_module_and_never_a_pin() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text.so");
    std::fs::write(&text, "hunter2").unwrap();
    let [folder, text] = [folder.path(), &text].map(|path| path.display().to_string());
    let none = format!("{folder}/none.so");
    for (module, code, words) in [
        (None, "signer-unconfigured", "`COSIGN_PKCS11_MODULE_PATH` isn't set"),
        (Some("softhsm2.so"), "signer-unconfigured", "no absolute path"),
        (Some(folder.as_str()), "signer-unconfigured", "is no file"),
        (Some(none.as_str()), "signer-unconfigured", "none.so` can't be read"),
        (Some(text.as_str()), "signer-unconfigured", "text.so` can't be loaded as a library"),
    ] {
        let variable = |name: &str| match name {
            "COSIGN_PKCS11_MODULE_PATH" => module.map(str::to_owned),
            _ => None,
        };
        let in_uri = module.map(|module| format!("&module-path={module}")).unwrap_or_default();
        for uri in ["pkcs11:object=key?pin-value=hunter2".to_owned(), format!("pkcs11:object=key?pin-value=hunter2{in_uri}")] {
            let error = RemoteKey::open(&uri, &variable, Patience::default()).unwrap_err();
            assert!(error.code() == code && error.to_string().contains(words), "{module:?}: {error}");
            assert!(error.to_string().starts_with("`pkcs11:object=key`: "), "{error}");
            holds_no_secret(&error);
        }
    }
}

#[test]
fn leaves_a_module_behind_that_never_answers() {
    let folder = tempfile::tempdir().unwrap();
    for (name, source, words) in [
        ("other", "int something_else;", "other.so` is no PKCS#11 module"),
        (
            "silent",
            "#include <unistd.h>\nunsigned long C_GetFunctionList(void *list) { (void)list; for (;;) pause(); }",
            "no answer within",
        ),
        ("failing", "unsigned long C_GetFunctionList(void *list) { (void)list; return 5; }", "the module failed: CKR_GENERAL_ERROR"),
    ] {
        let Some(module) = library(&folder.path().join(name), source) else {
            eprintln!("SKIPPED: `cc` is not on this machine, so no module was tried that misbehaves");
            return;
        };
        let started = Instant::now();
        let uri = format!("pkcs11:object=key?module-path={module}");
        let error = RemoteKey::open(&uri, &|_| None, Patience::within(Duration::from_secs(2))).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert!(started.elapsed() < Duration::from_secs(20));
    }
}

/// Compiles a library, if there is a compiler.
fn library(path: &Path, source: &str) -> Option<String> {
    let [from, to] = ["c", "so"].map(|ending| path.with_extension(ending));
    std::fs::write(&from, source).unwrap();
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&to, &from]).output().ok()?;
    assert!(compiled.status.success(), "{compiled:?}");
    Some(to.display().to_string())
}

#[test]
fn tells_no_pin_that_stands_in_the_wrong_place() {
    for uri in [
        "pkcs11:pin-value=hunter2",
        "pkcs11:object=key;pin-value=hunter2",
        "pkcs11:object=key;PIN-VALUE=hunter2?module-path=/nowhere.so",
        "pkcs11:object=key&pin-value=hunter2?module-path=/nowhere.so",
        "pkcs11:object=key?pin-value=hunter2&pin-value=hunter2",
        "pkcs11:object=key?module-path=/nowhere.so pin-value=hunter2",
    ] {
        holds_no_secret(&RemoteKey::open(uri, &|_| None, Patience::default()).unwrap_err());
    }
}
