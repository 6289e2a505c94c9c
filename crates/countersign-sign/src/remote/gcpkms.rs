//! Keys in Google's Cloud KMS, `gcpkms://projects/…/cryptoKeys/KEY`, by its HTTP API (cloud.google.com, "Cloud KMS API", v1), named
//! as cosign names them. What lets us in is found and fetched by Google's own library, in the one place here that is async.
//! How anybody else is asked, and how often, is the client's affair.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::identity::PublicKey;
use countersign::json::Json;
use google_cloud_auth::credentials::service_account::AccessSpecifier;
use google_cloud_auth::credentials::{CacheableResource, Credentials, external_account, impersonated, mds, service_account, user_account};
use tokio::time::{sleep, timeout};
use ureq::http::{Extensions, HeaderMap};
use zeroize::Zeroizing;

use super::bearer::{Pass, Service};
use super::patience::Until;
use super::scheme::Scheme;
use super::{Found, Keeper, Problem, Variables};
use crate::file;
use crate::http::{Address, Client};

/// A key, and the service that keeps it.
struct CloudKms {
    service: Service,
    address: Address,
    /// `projects/…/cryptoKeys/KEY`.
    key: String,
    /// The version that was asked for; without one it's the newest that is enabled.
    version: Option<u64>,
    credential: Credential,
}

/// Reads what stands behind `gcpkms:`, and the variables that say where the service and the credential are.
pub(super) fn open(rest: &str, variable: Variables<'_>) -> Result<Arc<dyn Keeper>, Problem> {
    // Set to nothing is as good as not set.
    let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
    let (key, version) = parse(rest).ok_or(Problem::NoName { form: FORM })?;
    let address = Address::parse(&variable(SERVICE).unwrap_or_else(|| "https://cloudkms.googleapis.com".to_owned()));
    let address = address.filter(|address| address.is_loopback() || address.is_below(GOOGLE));
    let address =
        address.ok_or(unusable(SERVICE, "must be `https://….googleapis.com`, or a loopback address, since a token is sent there"))?;
    let (service, credential) = (Service::new(Client::new(ONE_ATTEMPT)), Credential::find(&variable));
    Ok(Arc::new(CloudKms { service, address: address.join("/v1/"), key, version, credential }))
}

impl Keeper for CloudKms {
    fn find(&self, until: &Until) -> Result<Found, Problem> {
        let number = match self.version {
            Some(number) => number,
            None => self.newest(until)?,
        };
        let version = format!("{}{VERSIONS}/{number}", self.key);
        let answer = self.ask(&format!("{version}/publicKey"), None, until)?;
        let member = |name| answer.get(name).and_then(Json::as_str);
        if member("name") != Some(&version) {
            return Err(Problem::Answer { what: ANOTHER_VERSION });
        }
        let pem = member("pem").ok_or(Problem::Answer { what: "it holds no public half" })?;
        if member("pemCrc32c") != Some(&crc32c(pem.as_bytes()).to_string()) {
            return Err(Problem::Answer { what: DAMAGED });
        }
        let algorithm = member("algorithm").unwrap_or_default();
        if !ALGORITHMS.iter().any(|(known, _)| *known == algorithm) {
            return Err(Problem::Algorithm);
        }
        let public = PublicKey::from_pem(pem).map_err(Problem::PublicKey)?;
        if !ALGORITHMS.contains(&(algorithm, Scheme::of(&public)?)) {
            return Err(Problem::Answer { what: "its algorithm isn't the public half's" });
        }
        Ok(Found { public, version })
    }

    fn sign(&self, found: &Found, message: &[u8], until: &Until) -> Result<Vec<u8>, Problem> {
        let scheme = Scheme::of(&found.public)?;
        let digest = scheme.digest(message);
        let sent = digest.as_deref().unwrap_or(message);
        let (encoded, sum) = (STANDARD.encode(sent), crc32c(sent));
        // Nothing in it needs an escape.
        let (body, heard) = match scheme {
            Scheme::Ed25519 => (format!(r#"{{"data":"{encoded}","dataCrc32c":"{sum}"}}"#), "verifiedDataCrc32c"),
            Scheme::P384Sha384 => (format!(r#"{{"digest":{{"sha384":"{encoded}"}},"digestCrc32c":"{sum}"}}"#), "verifiedDigestCrc32c"),
            Scheme::P256Sha256 | Scheme::RsaSha256 => {
                (format!(r#"{{"digest":{{"sha256":"{encoded}"}},"digestCrc32c":"{sum}"}}"#), "verifiedDigestCrc32c")
            }
        };
        let answer = self.ask(&format!("{}:asymmetricSign", found.version), Some(body.as_bytes()), until)?;
        let member = |name| answer.get(name).and_then(Json::as_str);
        if member("name") != Some(&found.version) {
            return Err(Problem::Answer { what: ANOTHER_VERSION });
        }
        if answer.get(heard) != Some(&Json::Bool(true)) {
            return Err(Problem::Answer { what: "it doesn't confirm that what was to be signed arrived unharmed" });
        }
        let signature = member("signature").ok_or(Problem::Answer { what: "it holds no signature" })?;
        let signature = STANDARD.decode(signature).map_err(|_| Problem::Answer { what: "the signature isn't base64" })?;
        let is_whole = member("signatureCrc32c") == Some(&crc32c(&signature).to_string());
        if is_whole { Ok(signature) } else { Err(Problem::Answer { what: DAMAGED }) }
    }

    fn credential_variables(&self) -> &[&'static str] {
        &[FILE]
    }
}

impl CloudKms {
    /// Finds the newest enabled version, as cosign does: keys that sign have no primary one.
    fn newest(&self, until: &Until) -> Result<u64, Problem> {
        let listed = self.ask(&format!("{}{VERSIONS}?filter=state%3DENABLED&pageSize=1000", self.key), None, until)?;
        if listed.get("nextPageToken").and_then(Json::as_str).is_some_and(|next| !next.is_empty()) {
            return Err(Problem::Answer { what: "the key has more versions than are looked through; name one" });
        }
        let versions = listed.get("cryptoKeyVersions").and_then(Json::as_array).unwrap_or_default();
        let enabled = versions.iter().filter(|version| version.get("state").and_then(Json::as_str) == Some("ENABLED"));
        let number = |version: &Json| {
            let name = version.get("name").and_then(Json::as_str)?;
            number(name.strip_prefix(self.key.as_str())?.strip_prefix(VERSIONS)?.strip_prefix('/')?)
        };
        // Names are no numbers: by name, 9 would come after 10.
        let numbers: Option<Vec<u64>> = enabled.map(number).collect();
        numbers.ok_or(Problem::Answer { what: "it lists another key's versions" })?.into_iter().max().ok_or(Problem::Missing)
    }

    /// Reads the place, or writes to it.
    fn ask(&self, place: &str, body: Option<&[u8]>, until: &Until) -> Result<Json, Problem> {
        self.service.ask(&self.address.join(place), body, until, || self.credential.fetch(until))
    }
}

/// Where passes come from (cloud.google.com, "How Application Default Credentials works"): a file, or the machine's metadata server.
struct Credential {
    file: Option<PathBuf>,
    metadata: Option<String>,
    /// Who pays, which Google wants to know of people.
    quota_project: Option<String>,
}

impl Credential {
    fn find(variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let (home, folder) = if cfg!(windows) { ("APPDATA", "gcloud") } else { ("HOME", ".config/gcloud") };
        let known = variable(home).map(|home| Path::new(&home).join(folder).join("application_default_credentials.json"));
        let file = variable(FILE).map(PathBuf::from).or(known.filter(|known| known.is_file()));
        Self { file, metadata: variable(METADATA), quota_project: variable("GOOGLE_CLOUD_QUOTA_PROJECT") }
    }

    /// Has Google's library fetch one, within the time.
    fn fetch(&self, until: &Until) -> Result<Pass, Problem> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Problem::Unanswered { why: format!("nothing can be waited for: {}", error.kind()) })?;
        let fetched = runtime.block_on(self.fetched(until));
        // What it still waits for, a host's name for one, is left behind.
        runtime.shutdown_background();
        fetched
    }

    async fn fetched(&self, until: &Until) -> Result<Pass, Problem> {
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            // Made anew, since the library answers as before for a while; by itself it makes one attempt.
            let credentials = self.read()?;
            let asked = within(timeout(ONE_ATTEMPT, credentials.headers(Extensions::new())), until).await?;
            let is_worth_another = match asked {
                Ok(Ok(CacheableResource::New { data, .. })) => return self.pass(&data),
                Ok(Ok(CacheableResource::NotModified)) => false,
                Ok(Err(error)) => error.is_transient(),
                Err(_) => true,
            };
            match (is_worth_another, attempt == ATTEMPTS) {
                (false, _) => break,
                (true, true) => return Err(Problem::Unanswered { why: self.nobody().to_owned() }),
                (true, false) => within(sleep(pause), until).await?,
            }
            pause *= 2;
        }
        Err(Problem::NoToken { of: format!("`{}`", self.shown()) })
    }

    /// Reads it each time, since files are renewed.
    fn read(&self) -> Result<Credentials, Problem> {
        let Some(place) = &self.file else {
            let server = self.metadata.iter().fold(mds::Builder::default(), |server, host| server.with_endpoint(format!("http://{host}")));
            return server.build().map_err(|_| unusable(METADATA, "is no host of a metadata server"));
        };
        let path = self.shown();
        let bytes =
            file::read(place, FILE_BYTES).map(Zeroizing::new).map_err(|source| Problem::Unreadable { path: path.clone(), source })?;
        let (Ok(json), Ok(value)) = (Json::parse(&bytes), serde_json::from_slice(&bytes)) else {
            return Err(unusable(&path, NO_CREDENTIAL));
        };
        if leads_astray(&json) {
            return Err(unusable(
                &path,
                "names an address for secrets that is neither `https` nor loopback, or another universe than Google's",
            ));
        }
        let built = match json.get("type").and_then(Json::as_str) {
            // It vouches for itself, so it can ask for the least.
            Some("service_account") => {
                service_account::Builder::new(value).with_access_specifier(AccessSpecifier::from_scopes([SCOPE])).build()
            }
            Some("authorized_user") => user_account::Builder::new(value).build(),
            Some("impersonated_service_account") => impersonated::Builder::new(value).build(),
            Some("external_account") => external_account::Builder::new(value).build(),
            _ => return Err(unusable(&path, NO_CREDENTIAL)),
        };
        built.map_err(|_| unusable(&path, NO_CREDENTIAL))
    }

    fn pass(&self, headers: &HeaderMap) -> Result<Pass, Problem> {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let authorization = header("authorization").ok_or_else(|| Problem::NoToken { of: format!("`{}`", self.shown()) })?;
        let project = self.quota_project.clone().or_else(|| header(QUOTA_PROJECT));
        let pass = [("authorization", Some(authorization)), (QUOTA_PROJECT, project)];
        Ok(pass.into_iter().filter_map(|(name, value)| Some((name, Zeroizing::new(value?)))).collect())
    }

    fn shown(&self) -> String {
        self.file.as_ref().map_or_else(|| "the metadata server".to_owned(), |file| file.display().to_string())
    }

    const fn nobody(&self) -> &'static str {
        match (&self.file, &self.metadata) {
            (None, None) => "no metadata server answers, and `GOOGLE_APPLICATION_CREDENTIALS` isn't set",
            _ => "nobody answers who gives tokens for the credential",
        }
    }
}

/// Waits for what is asked, unless nobody waits any longer.
async fn within<T>(asked: impl Future<Output = T>, until: &Until) -> Result<T, Problem> {
    let mut asked = pin!(asked);
    loop {
        match timeout(LOOK_AGAIN, asked.as_mut()).await {
            Ok(answer) => return Ok(answer),
            Err(_) if until.is_over() => return Err(until.problem()),
            Err(_) => {}
        }
    }
}

/// Returns true if a credential's secrets would be sent where others can read them, or what they open isn't Google's.
fn leads_astray(json: &Json) -> bool {
    match json {
        Json::Object(members) => members.iter().any(|(name, value)| match (name.as_str(), value.as_str()) {
            ("token_uri" | "token_url" | "service_account_impersonation_url", Some(address)) => Address::parse(address).is_none(),
            ("universe_domain", Some(domain)) => domain != GOOGLE,
            _ => leads_astray(value),
        }),
        Json::Array(items) => items.iter().any(leads_astray),
        _ => false,
    }
}

/// Reads `//projects/P/locations/L/keyRings/R/cryptoKeys/K`, with `/cryptoKeyVersions/V` or `/versions/V` behind it or without.
fn parse(rest: &str) -> Option<(String, Option<u64>)> {
    let parts: Vec<_> = rest.strip_prefix("//")?.split('/').collect();
    let (key, version) = match parts.as_slice() {
        [key @ .., "cryptoKeyVersions" | "versions", version] if key.len() == 8 => (key, Some(number(version)?)),
        key => (key, None),
    };
    let ["projects", project, "locations", location, "keyRings", ring, "cryptoKeys", name] = key else { return None };
    // A project of an organisation's domain has its name before a colon.
    let is_name = |name: &str| name.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_' || first == '-');
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':');
    let is_good = [project, location, ring, name].iter().all(|name| is_name(name) && name.bytes().all(is_inner));
    is_good.then(|| (key.join("/"), version))
}

/// Reads the number of a version, which has one spelling.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

/// CRC32C (RFC 3720 appendix B.4), by which Google's service and its askers see damage on the way.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (CASTAGNOLI & (sum & 1).wrapping_neg())))
}

fn unusable(name: &str, what: &'static str) -> Problem {
    Problem::Unusable { name: name.to_owned(), what }
}

const FORM: &str = "`gcpkms://projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY`, with `/cryptoKeyVersions/N` or without";
const FILE: &str = "GOOGLE_APPLICATION_CREDENTIALS";
/// As gcloud calls it (`gcloud topic configurations`, `api_endpoint_overrides/cloudkms`).
const SERVICE: &str = "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS";
const METADATA: &str = "GCE_METADATA_HOST";
const GOOGLE: &str = "googleapis.com";
/// Keys, and nothing else.
const SCOPE: &str = "https://www.googleapis.com/auth/cloudkms";
const QUOTA_PROJECT: &str = "x-goog-user-project";
const VERSIONS: &str = "/cryptoKeyVersions";
/// Those that sign as is verified here ("Key purposes and algorithms").
const ALGORITHMS: [(&str, Scheme); 9] = [
    ("EC_SIGN_P256_SHA256", Scheme::P256Sha256),
    ("EC_SIGN_P384_SHA384", Scheme::P384Sha384),
    ("EC_SIGN_ED25519", Scheme::Ed25519),
    ("RSA_SIGN_PKCS1_2048_SHA256", Scheme::RsaSha256),
    ("RSA_SIGN_PKCS1_3072_SHA256", Scheme::RsaSha256),
    ("RSA_SIGN_PKCS1_4096_SHA256", Scheme::RsaSha256),
    ("RSA_SIGN_PSS_2048_SHA256", Scheme::RsaSha256),
    ("RSA_SIGN_PSS_3072_SHA256", Scheme::RsaSha256),
    ("RSA_SIGN_PSS_4096_SHA256", Scheme::RsaSha256),
];
const NO_CREDENTIAL: &str = "holds no credential of Google's that can be used here";
const ANOTHER_VERSION: &str = "it's about another version of the key";
const DAMAGED: &str = "it was damaged on its way";
const CASTAGNOLI: u32 = 0x82f6_3b78;
const FILE_BYTES: u64 = 1 << 20;
const ATTEMPTS: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// A server that doesn't answer in that time is asked again.
const ONE_ATTEMPT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_as_google_does() {
        // RFC 3720 appendix B.4, and the check value of that polynomial.
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(b""), 0);
    }
}
