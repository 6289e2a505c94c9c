//! What tests of keys elsewhere begin with: a server or a program that keeps one, and something to sign.
//! What is expected of them stands in the tests.
#![allow(dead_code, reason = "each test uses a part")]

use std::path::Path;
use std::sync::LazyLock;

use countersign::digest::{Algorithm, Digest};
use countersign::predicate::{GateResult, TestResult};
use countersign::statement::{ResourceDescriptor, Statement};
use countersign_sign::{Patience, RemoteError, RemoteKey};
use countersign_testkit::kms::{self, CLIENT, CLIENT_SECRET, Kms, TENANT, TOKEN};

/// Opens a key, of that server if it's one of a server.
pub(crate) fn open(uri: &str, server: &Kms) -> Result<RemoteKey, RemoteError> {
    RemoteKey::open(uri, &variables(server), Patience::default())
}

/// The environment that leads to the server.
pub(crate) fn variables(server: &Kms) -> impl Fn(&str) -> Option<String> {
    let (url, host, port) = (server.url(), server.host(), server.port());
    move |name| match name {
        "AZURE_AUTHORITY_HOST" => Some(format!("https://localhost:{port}")),
        "AZURE_CLIENT_ID" => Some(CLIENT.to_owned()),
        "AZURE_CLIENT_SECRET" => Some(CLIENT_SECRET.to_owned()),
        "AZURE_TENANT_ID" => Some(TENANT.to_owned()),
        "SSL_CERT_FILE" => Some(certificates()),
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS" => Some(url.clone()),
        "GCE_METADATA_HOST" => Some(host.clone()),
        "VAULT_ADDR" => Some(url.clone()),
        "VAULT_TOKEN" | "AWS_SESSION_TOKEN" => Some(TOKEN.to_owned()),
        "AWS_ENDPOINT_URL" => Some(url.clone()),
        "AWS_REGION" => Some("us-east-1".to_owned()),
        "AWS_ACCESS_KEY_ID" => Some("AKIDTEST".to_owned()),
        "AWS_SECRET_ACCESS_KEY" => Some("hunter2".to_owned()),
        _ => None,
    }
}

/// Names a key of a server like Azure's.
pub(crate) fn azure(server: &Kms, key: &str) -> String {
    format!("azurekms://localhost:{}/{key}", server.port())
}

/// The file with who vouches for our servers.
fn certificates() -> String {
    static WRITTEN: LazyLock<String> = LazyLock::new(|| {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("servers-{}.pem", std::process::id()));
        std::fs::write(&file, kms::certificates()).unwrap();
        file.display().to_string()
    });
    WRITTEN.clone()
}

/// Names a key of a server like Google's.
pub(crate) fn google(key: &str) -> String {
    format!("gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/{key}")
}

/// Names the key behind our own program, with these words behind it.
pub(crate) fn program(words: &str) -> String {
    let path = Path::new(env!("CARGO_BIN_EXE_exec-signer"));
    format!("exec:{} {words}", path.display())
}

/// Something to sign.
pub(crate) fn statement() -> Statement {
    let tree = Digest::new(Algorithm::GitTree, "1".repeat(40)).unwrap();
    TestResult::of_gate("unit-tests", GateResult::Passed, None).about(vec![ResourceDescriptor::new("tree", tree)]).unwrap()
}

/// Holds if the error repeats nothing of what was secret.
pub(crate) fn holds_no_secret(error: &RemoteError) {
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(!text.contains("hunter2"), "{text}");
    }
}
