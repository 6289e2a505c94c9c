//! Keys in Azure's Key Vault or Managed HSM, `azurekms://VAULT/KEY`, by its HTTP API (learn.microsoft.com, "Key Vault REST API",
//! keys), named as cosign names them. What lets us in is fetched by Azure's own library, which asks through our client; it's async
//! here alone.
//! How anybody is asked by HTTP, and how often, is the client's affair.

mod jose;

use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{Secret, TokenCredential};
use azure_core::error::ErrorKind;
use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, ClientOptions, HttpClient, Method, Request as Sent, RetryOptions, StatusCode, Transport};
use azure_identity::{
    ClientAssertionCredentialOptions, ClientSecretCredential, ClientSecretCredentialOptions, DeveloperToolsCredential,
    ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId, WorkloadIdentityCredential,
    WorkloadIdentityCredentialOptions,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign::json::Json;
use zeroize::Zeroizing;

use super::bearer::{Pass, Service};
use super::patience::Until;
use super::scheme::Scheme;
use super::{Found, Keeper, Problem, Variables, certificates};
use crate::http::{Address, Client, Request};

/// A key, and the vault that keeps it.
struct KeyVault {
    service: Service,
    vault: Address,
    key: String,
    /// The version that was asked for; without one it's the latest.
    version: Option<String>,
    credential: Credential,
}

/// Reads what stands behind `azurekms:`, and the variables that say what lets us in.
pub(super) fn open(rest: &str, variable: Variables<'_>) -> Result<Arc<dyn Keeper>, Problem> {
    // Set to nothing is as good as not set, as it is for Azure's own libraries.
    let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
    let Name { vault, key, version } = parse(rest).ok_or(Problem::NoName { form: FORM })?;
    let cloud = Cloud::of(&vault).ok_or(Problem::NoName { form: FORM })?;
    let client = || match variable(CERTIFICATES) {
        Some(file) => Ok(Client::believing(certificates::read(&file)?, ONE_ATTEMPT)),
        None => Ok(Client::new(ONE_ATTEMPT)),
    };
    let credential = Credential::find(cloud, Arc::new(client()?), &variable)?;
    Ok(Arc::new(KeyVault { service: Service::new(client()?), vault, key, version, credential }))
}

impl Keeper for KeyVault {
    fn find(&self, until: &Until) -> Result<Found, Problem> {
        let answer = self.ask(&format!("/keys/{}/{}", self.key, self.version.as_deref().unwrap_or_default()), None, until)?;
        let kid = answer.pointer("/key/kid").and_then(Json::as_str).and_then(|kid| self.version_in(kid));
        let version = kid.filter(|version| self.version.as_deref().is_none_or(|asked| asked == *version));
        let version = version.ok_or(Problem::Answer { what: ANOTHER_VERSION })?.to_owned();
        if answer.pointer("/attributes/enabled") != Some(&Json::Bool(true)) {
            return Err(Problem::Denied { why: "the key is disabled" });
        }
        let public = jose::public_key(answer.get("key").ok_or(Problem::Answer { what: "it holds no key" })?)?;
        Ok(Found { public, version })
    }

    fn sign(&self, found: &Found, message: &[u8], until: &Until) -> Result<Vec<u8>, Problem> {
        let scheme = Scheme::of(&found.public)?;
        let algorithm = match scheme {
            Scheme::P256Sha256 => "ES256",
            Scheme::P384Sha384 => "ES384",
            Scheme::RsaSha256 => "RS256",
            Scheme::Ed25519 => return Err(Problem::Algorithm),
        };
        let digest = scheme.digest(message).ok_or(Problem::Algorithm)?;
        // Nothing in it needs an escape.
        let body = format!(r#"{{"alg":"{algorithm}","value":"{}"}}"#, URL_SAFE_NO_PAD.encode(digest));
        let answer = self.ask(&format!("/keys/{}/{}/sign", self.key, found.version), Some(body.as_bytes()), until)?;
        if answer.get("kid").and_then(Json::as_str).and_then(|kid| self.version_in(kid)) != Some(&found.version) {
            return Err(Problem::Answer { what: ANOTHER_VERSION });
        }
        let signature = answer.get("value").and_then(Json::as_str).ok_or(Problem::Answer { what: "it holds no signature" })?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Problem::Answer { what: "the signature isn't base64url" })?;
        if scheme == Scheme::RsaSha256 { Ok(signature) } else { jose::der_signature(&signature) }
    }

    fn credential_variables(&self) -> &[&'static str] {
        &[SECRET, FEDERATED, "IDENTITY_HEADER"]
    }
}

impl KeyVault {
    /// Reads the place, or writes to it.
    fn ask(&self, place: &str, body: Option<&[u8]>, until: &Until) -> Result<Json, Problem> {
        let address = self.vault.join(&format!("{place}?api-version=7.4"));
        self.service.ask(&address, body, until, || self.credential.fetch(until))
    }

    /// Reads the version from a key's identifier, `https://VAULT/keys/KEY/VERSION`, if it's of this key.
    fn version_in<'a>(&self, kid: &'a str) -> Option<&'a str> {
        let (key, version) = kid.rsplit_once('/')?;
        let is_ours = key.eq_ignore_ascii_case(&format!("{}/keys/{}", self.vault.as_str(), self.key));
        (is_ours && is_version(version)).then_some(version)
    }
}

/// Which of Azure's clouds a vault is in: for whom a token must be, and who gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cloud {
    scope: String,
    authority: &'static str,
}

impl Cloud {
    /// Knows them by the ends of hosts' names, so that no token for a vault goes anywhere else. A vault on this machine, an emulator
    /// for one, gets a token for itself alone.
    fn of(vault: &Address) -> Option<Self> {
        if vault.is_loopback() {
            return Some(Self { scope: format!("{}/.default", vault.as_str()), authority: PUBLIC });
        }
        let (domain, authority) = CLOUDS.iter().find(|(domain, _)| vault.is_below(domain))?;
        Some(Self { scope: format!("https://{domain}/.default"), authority })
    }
}

/// What lets us in, and whom it's shown to.
struct Credential {
    source: Source,
    scope: String,
    authority: String,
    client: Arc<Client>,
}

/// Where it comes from, in the order in which Azure's libraries look ("DefaultAzureCredential").
enum Source {
    Secret {
        tenant: String,
        id: String,
        secret: Zeroizing<String>,
    },
    /// A token of somebody else's, in a file: Kubernetes', or a CI system's.
    Workload {
        tenant: String,
        id: String,
        file: PathBuf,
    },
    /// The identity of the machine or the platform that we run on.
    Platform {
        id: Option<String>,
    },
    /// Who has logged in with Azure's tools.
    Tools,
    /// The platform's where that is one of Azure's machines, else that of the tools.
    Here {
        id: Option<String>,
    },
}

impl Credential {
    fn find(cloud: Cloud, client: Arc<Client>, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, Problem> {
        let set = |name: &'static str| variable(name).ok_or(Problem::Unset { name });
        let is_platform = ["IDENTITY_ENDPOINT", "MSI_ENDPOINT"].iter().any(|name| variable(name).is_some());
        let kind = variable("AZURE_TOKEN_CREDENTIALS").unwrap_or_default().to_ascii_lowercase();
        let source = match (variable(SECRET).map(Zeroizing::new), variable(FEDERATED)) {
            _ if kind == "dev" => Source::Tools,
            (Some(secret), _) => Source::Secret { tenant: set(TENANT)?, id: set(CLIENT)?, secret },
            (None, Some(file)) => Source::Workload { tenant: set(TENANT)?, id: set(CLIENT)?, file: file.into() },
            (None, None) if is_platform || kind == "prod" => Source::Platform { id: variable(CLIENT) },
            (None, None) => Source::Here { id: variable(CLIENT) },
        };
        let authority = variable(AUTHORITY).unwrap_or_else(|| cloud.authority.to_owned());
        let is_good = Address::parse(&authority).is_some_and(|address| address.as_str().starts_with("https://"));
        if !is_good {
            return Err(Problem::Unusable { name: AUTHORITY.to_owned(), what: "must be `https://…`, since a secret is sent there" });
        }
        Ok(Self { source, scope: cloud.scope, authority, client })
    }

    /// Has Azure's library fetch a token, within the time.
    fn fetch(&self, until: &Until) -> Result<Pass, Problem> {
        let wire = Arc::new(Wire { client: Arc::clone(&self.client), until: until.clone(), trouble: Mutex::new(None) });
        let no_token = || Problem::NoToken { of: self.shown().to_owned() };
        // What it refuses to begin with is in what it's given.
        let credential = self.credential(&wire).map_err(|_| no_token())?;
        let token = wait(credential.get_token(&[&self.scope], None), until)?;
        let trouble = wire.trouble.lock().ok().and_then(|mut trouble| trouble.take());
        let token = token.map_err(|_| trouble.unwrap_or_else(no_token))?;
        Ok(vec![("authorization", Zeroizing::new(format!("Bearer {}", token.token.secret())))])
    }

    /// Makes it anew each time, since files are renewed.
    fn credential(&self, wire: &Arc<Wire>) -> azure_core::Result<Arc<dyn TokenCredential>> {
        let mut cloud = CustomConfiguration::default();
        cloud.authority_host.clone_from(&self.authority);
        let client_options = ClientOptions {
            transport: Some(Transport::new(Arc::clone(wire) as Arc<dyn HttpClient>)),
            // Our client asks again by itself.
            retry: RetryOptions::none(),
            cloud: Some(Arc::new(CloudConfiguration::Custom(cloud))),
            ..ClientOptions::default()
        };
        match &self.source {
            Source::Secret { tenant, id, secret } => {
                let options = ClientSecretCredentialOptions { client_options };
                let secret = Secret::from(secret.to_string());
                Ok(ClientSecretCredential::new(tenant, id.clone(), secret, Some(options))?)
            }
            Source::Workload { tenant, id, file } => {
                let options = WorkloadIdentityCredentialOptions {
                    credential_options: ClientAssertionCredentialOptions { client_options },
                    client_id: Some(id.clone()),
                    tenant_id: Some(tenant.clone()),
                    token_file_path: Some(file.clone()),
                };
                Ok(WorkloadIdentityCredential::new(Some(options))?)
            }
            Source::Tools => Ok(DeveloperToolsCredential::new(None)?),
            Source::Here { .. } if !wire.is_on_azure() => Ok(DeveloperToolsCredential::new(None)?),
            Source::Platform { id } | Source::Here { id } => {
                let user_assigned_id = id.clone().map(UserAssignedId::ClientId);
                Ok(ManagedIdentityCredential::new(Some(ManagedIdentityCredentialOptions { user_assigned_id, client_options }))?)
            }
        }
    }

    const fn shown(&self) -> &'static str {
        match &self.source {
            Source::Secret { .. } => "`AZURE_CLIENT_SECRET`",
            Source::Workload { .. } => "`AZURE_FEDERATED_TOKEN_FILE`",
            Source::Platform { .. } => "the managed identity that we run with",
            Source::Tools => "`az login`",
            Source::Here { .. } => "a managed identity, nor for that of `az login`",
        }
    }
}

/// Our client, as Azure's library asks by it.
struct Wire {
    client: Arc<Client>,
    until: Until,
    /// Why there was no answer, in words of ours.
    trouble: Mutex<Option<Problem>>,
}

impl Wire {
    fn ask(&self, sent: &Sent) -> Result<AsyncRawResponse, Problem> {
        let address = Address::of_token_service(sent.url().as_str()).ok_or(Problem::Unusable {
            name: "IDENTITY_ENDPOINT".to_owned(),
            what: "is neither `https` nor an address of this machine's own services",
        })?;
        let headers: Vec<_> = sent.headers().iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let headers: Vec<_> = headers.into_iter().filter(|(name, _)| SAID.contains(name)).collect();
        let body = azure_core::Bytes::from(sent.body());
        let body = (sent.method() == Method::Post).then_some(("application/x-www-form-urlencoded", &body[..]));
        let request = Request { address: &address, body, headers: &headers, most: TOKEN_BYTES };
        let asked = self.client.ask(&request, self.until.deadline);
        let answer = asked.map_err(|trouble| Problem::Unanswered { why: format!("no token: {}", trouble.kind) })?;
        match answer.status {
            200..=403 => Ok(AsyncRawResponse::from_bytes(StatusCode::from(answer.status), Headers::new(), answer.body)),
            // It isn't told, since the library would ask again whatever it was told about that.
            status => Err(Problem::Unanswered { why: format!("no token: status {status}") }),
        }
    }

    /// Returns true if one of Azure's machines is what we run on: only there does its metadata service answer, if only by refusing.
    fn is_on_azure(&self) -> bool {
        let Some(address) = Address::of_token_service(MACHINE) else { return false };
        let request = Request { address: &address, body: None, headers: &[], most: TOKEN_BYTES };
        self.client.ask(&request, self.until.deadline.min(Instant::now() + PROBE)).is_ok()
    }
}

#[async_trait::async_trait]
impl HttpClient for Wire {
    async fn execute_request(&self, request: &Sent) -> azure_core::Result<AsyncRawResponse> {
        self.ask(request).map_err(|problem| {
            if let Ok(mut trouble) = self.trouble.lock() {
                *trouble = Some(problem);
            }
            azure_core::Error::with_message(ErrorKind::Other, "no answer")
        })
    }
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wire")
    }
}

/// Waits for what is asked, unless nobody waits any longer. Only Azure's tools are waited for so; our client doesn't return earlier.
fn wait<T>(asked: impl Future<Output = T>, until: &Until) -> Result<T, Problem> {
    let waker = Arc::new(Woken(thread::current())).into();
    let mut asked = pin!(asked);
    loop {
        match asked.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(answer) => return Ok(answer),
            Poll::Pending if until.is_over() => return Err(until.problem()),
            Poll::Pending => thread::park_timeout(LOOK_AGAIN),
        }
    }
}

/// A thread that is woken when there's something new.
struct Woken(Thread);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// What a URI names.
struct Name {
    vault: Address,
    key: String,
    version: Option<String>,
}

/// Reads `//VAULT/KEY` or `//VAULT/KEY/VERSION`.
fn parse(rest: &str) -> Option<Name> {
    let mut parts = rest.strip_prefix("//")?.split('/');
    let (vault, key, version) = (parts.next()?, parts.next()?, parts.next().filter(|version| !version.is_empty()));
    let is_key = !key.is_empty() && key.len() <= 127 && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_host = vault.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b':' | b'[' | b']'));
    if !is_key || !is_host || !version.is_none_or(is_version) || parts.next().is_some() {
        return None;
    }
    Some(Name { vault: Address::parse(&format!("https://{vault}"))?, key: key.to_owned(), version: version.map(str::to_owned) })
}

/// Returns true for what vaults call a version.
fn is_version(text: &str) -> bool {
    !text.is_empty() && text.len() <= 32 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

const FORM: &str = "`azurekms://NAME.vault.azure.net/KEY` (or another vault's host), with `/VERSION` or without";
const SECRET: &str = "AZURE_CLIENT_SECRET";
const FEDERATED: &str = "AZURE_FEDERATED_TOKEN_FILE";
const TENANT: &str = "AZURE_TENANT_ID";
const CLIENT: &str = "AZURE_CLIENT_ID";
const AUTHORITY: &str = "AZURE_AUTHORITY_HOST";
const CERTIFICATES: &str = "SSL_CERT_FILE";
const PUBLIC: &str = "https://login.microsoftonline.com";
/// Where vaults and managed HSMs are, whom their tokens are for, and who gives them ("Key Vault DNS suffixes").
const CLOUDS: [(&str, &str); 4] = [
    ("vault.azure.net", PUBLIC),
    ("managedhsm.azure.net", PUBLIC),
    ("vault.azure.cn", "https://login.chinacloudapi.cn"),
    ("vault.usgovcloudapi.net", "https://login.microsoftonline.us"),
];
/// What the library says that the services for tokens listen to.
const SAID: [&str; 2] = ["metadata", "x-identity-header"];
const MACHINE: &str = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2019-08-01";
const ANOTHER_VERSION: &str = "it's about another key, or another version of it";
const TOKEN_BYTES: u64 = 1 << 20;
const PROBE: Duration = Duration::from_secs(1);
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// A server that doesn't answer in that time is asked again.
const ONE_ATTEMPT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_for_tokens_that_open_only_where_they_are_sent() {
        let cloud = |rest| parse(rest).and_then(|name| Cloud::of(&name.vault)).map(|cloud| (cloud.scope, cloud.authority));
        for (rest, scope, authority) in [
            ("//a.vault.azure.net/k", "https://vault.azure.net/.default", "https://login.microsoftonline.com"),
            ("//A.Vault.Azure.Net/k", "https://vault.azure.net/.default", "https://login.microsoftonline.com"),
            ("//a.managedhsm.azure.net/k/0123", "https://managedhsm.azure.net/.default", "https://login.microsoftonline.com"),
            ("//a.vault.azure.cn/k/", "https://vault.azure.cn/.default", "https://login.chinacloudapi.cn"),
            ("//a.vault.usgovcloudapi.net/k", "https://vault.usgovcloudapi.net/.default", "https://login.microsoftonline.us"),
            ("//localhost:8443/k", "https://localhost:8443/.default", "https://login.microsoftonline.com"),
        ] {
            assert_eq!(cloud(rest), Some((scope.to_owned(), authority)), "{rest}");
        }
        for rest in [
            "//vault.azure.net/k",
            "//a.vault.azure.net.example.test/k",
            "//avault.azure.net/k",
            "//example.test/k",
            "//example.test:443@a.vault.azure.net/k",
            "//a.vault.azure.net?x/k",
            "//example.test#.vault.azure.net/k",
        ] {
            assert_eq!(cloud(rest), None, "{rest}");
        }
    }
}
