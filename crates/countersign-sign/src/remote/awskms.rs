//! Keys of AWS KMS, `awskms://[ENDPOINT]/KEY` as cosign names them, by Amazon's own SDK: it finds credentials, signs requests, and asks
//! again (docs.aws.amazon.com, "AWS KMS API Reference": GetPublicKey, Sign). Its runtime doesn't leave this file.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_kms::Client;
use aws_sdk_kms::config::interceptors::{BeforeDeserializationInterceptorContextMut, BeforeTransmitInterceptorContextRef};
use aws_sdk_kms::config::{ConfigBag, Credentials, Intercept, RuntimeComponents};
use aws_sdk_kms::error::{BoxError, ProvideErrorMetadata, SdkError};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{MessageType, SigningAlgorithmSpec};
use aws_smithy_types::body::SdkBody;
use countersign::identity::PublicKey;
use http_body_util::Limited;
use tokio::runtime::{Builder, Runtime};

use super::patience::Until;
use super::scheme::Scheme;
use super::{Found, Keeper, Problem, Variables};

/// A key, and what it takes to ask for it.
struct Kms {
    key: String,
    endpoint: Option<String>,
    region: Option<String>,
    credentials: Option<Credentials>,
    client: OnceLock<Client>,
    /// There until this is dropped.
    runtime: Option<Runtime>,
}

/// Reads what stands behind `awskms:`, and the variables that the SDK's own chain reads first. The rest of that chain (profiles, web
/// identities, containers, instances) is walked by the SDK itself, in this process's environment, when the key is found.
pub(super) fn open(rest: &str, variable: Variables<'_>) -> Result<Arc<dyn Keeper>, Problem> {
    let variable = |name| variable(name).filter(|value| !value.trim().is_empty());
    let (endpoint, key) = parse(rest).ok_or(Problem::NoName { form: FORM })?;
    let endpoint = match endpoint {
        "" => variable("AWS_ENDPOINT_URL_KMS").or_else(|| variable("AWS_ENDPOINT_URL")),
        host => Some(format!("https://{host}")),
    };
    // An ARN says its region.
    let region = key.strip_prefix("arn:").and_then(|arn| arn.split(':').nth(2)).map(str::to_owned);
    let region = region.or_else(|| variable("AWS_REGION")).or_else(|| variable("AWS_DEFAULT_REGION"));
    let credentials = variable(ACCESS_KEY).zip(variable(SECRET_KEY));
    let credentials = credentials.map(|(access, secret)| Credentials::new(access, secret, variable(SESSION_TOKEN), None, "environment"));
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Problem::Unanswered { why: format!("no runtime can be started: {}", error.kind()) })?;
    Ok(Arc::new(Kms { key: key.to_owned(), endpoint, region, credentials, client: OnceLock::new(), runtime: Some(runtime) }))
}

impl Keeper for Kms {
    fn find(&self, until: &Until) -> Result<Found, Problem> {
        self.wait(until, async {
            let answer = self.client().await?.get_public_key().key_id(&self.key).send().await.map_err(failed)?;
            // The key itself, whichever an alias means later.
            let version = answer.key_id().ok_or(Problem::Answer { what: "it doesn't say of which key it is" })?.to_owned();
            let public = answer.public_key().ok_or(Problem::Answer { what: "it holds no public half" })?;
            Ok(Found { public: PublicKey::from_der(public.as_ref()).map_err(Problem::PublicKey)?, version })
        })
    }

    fn sign(&self, found: &Found, message: &[u8], until: &Until) -> Result<Vec<u8>, Problem> {
        let scheme = Scheme::of(&found.public)?;
        let algorithm = match scheme {
            Scheme::P256Sha256 => SigningAlgorithmSpec::EcdsaSha256,
            Scheme::P384Sha384 => SigningAlgorithmSpec::EcdsaSha384,
            Scheme::RsaSha256 => SigningAlgorithmSpec::RsassaPkcs1V15Sha256,
            Scheme::Ed25519 => SigningAlgorithmSpec::Ed25519Sha512,
        };
        let (kind, input) = match scheme.digest(message) {
            Some(digest) => (MessageType::Digest, digest),
            None if message.len() <= MESSAGE_BYTES => (MessageType::Raw, message.to_vec()),
            None => return Err(Problem::Denied { why: "AWS signs at most 4,096 bytes with a key of Ed25519; take one of P-256" }),
        };
        self.wait(until, async {
            let asked = self.client().await?.sign().key_id(&found.version).message(Blob::new(input)).message_type(kind);
            let answer = asked.signing_algorithm(algorithm).send().await.map_err(failed)?;
            let signature = answer.signature().ok_or(Problem::Answer { what: "it holds no signature" })?;
            Ok(signature.as_ref().to_vec())
        })
    }

    fn credential_variables(&self) -> &[&'static str] {
        &[ACCESS_KEY, SECRET_KEY, SESSION_TOKEN, "AWS_CONTAINER_AUTHORIZATION_TOKEN"]
    }
}

impl Kms {
    /// Waits for the SDK no longer than anybody waits for us.
    fn wait<T>(&self, until: &Until, asking: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
        let runtime = self.runtime.as_ref().ok_or_else(|| until.problem())?;
        let left = until.deadline.saturating_duration_since(Instant::now());
        runtime.block_on(async { tokio::time::timeout(left, asking).await.unwrap_or_else(|_| Err(until.problem())) })
    }

    /// Returns the client, which is made once.
    async fn client(&self) -> Result<&Client, Problem> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(FIRST_PAUSE))
            .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(ONE_ATTEMPT).build());
        if let Some(region) = &self.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(credentials) = &self.credentials {
            loader = loader.credentials_provider(credentials.clone());
        }
        let config = loader.load().await;
        if config.region().is_none() {
            return Err(Problem::Unset { name: "AWS_REGION" });
        }
        let mut config = aws_sdk_kms::config::Builder::from(&config).interceptor(Guard);
        if let Some(endpoint) = &self.endpoint {
            config = config.endpoint_url(endpoint);
        }
        Ok(self.client.get_or_init(|| Client::from_conf(config.build())))
    }
}

impl Drop for Kms {
    fn drop(&mut self) {
        // Otherwise whoever drops it would wait for what was left behind, such as the looking up of a name.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// What the SDK leaves open: where a request may go, and how long an answer may be.
#[derive(Debug)]
struct Guard;

impl Intercept for Guard {
    fn name(&self) -> &'static str {
        "countersign"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if is_private(context.request().uri()) { Ok(()) } else { Err(Exposed.into()) }
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response_mut().body_mut();
        let whole = std::mem::replace(body, SdkBody::taken());
        *body = SdkBody::from_body_1_x(Limited::new(whole, ANSWER_BYTES));
        Ok(())
    }
}

/// A request that somebody on the way could read.
#[derive(Debug)]
struct Exposed;

impl StdError for Exposed {}

impl fmt::Display for Exposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("neither https nor a loopback address")
    }
}

/// Tells in words of ours what went wrong: those of the SDK repeat a server's.
fn failed<E: ProvideErrorMetadata + StdError + 'static>(error: SdkError<E>) -> Problem {
    let unanswered = |why: &str| Problem::Unanswered { why: why.to_owned() };
    if let SdkError::ServiceError(refusal) = &error {
        return refused(refusal.err().code().unwrap_or_default(), refusal.raw().status().as_u16());
    }
    let causes = || std::iter::successors(error.source(), |cause: &&(dyn StdError + 'static)| (*cause).source());
    if causes().any(|cause| cause.is::<Exposed>()) {
        return Problem::Unusable { name: "AWS_ENDPOINT_URL".to_owned(), what: "must be `https://…`, or a loopback address" };
    }
    if causes().any(|cause| cause.is::<CredentialsError>()) {
        return Problem::Unusable {
            name: "credentials".to_owned(),
            what: "aren't found: no variable, profile, role or instance gives any",
        };
    }
    match &error {
        SdkError::TimeoutError(_) => unanswered("no answer in time"),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => unanswered("no answer in time"),
        SdkError::DispatchFailure(_) => unanswered("no answer: it can't be connected to, or its certificate isn't trusted"),
        SdkError::ResponseError(_) => unanswered("no answer: what came back is cut off, too large, or none of KMS"),
        _ => unanswered("nothing could be asked"),
    }
}

/// Tells by the code of a refusal ("Common errors", and those of each action).
fn refused(code: &str, status: u16) -> Problem {
    let why = match code {
        "NotFoundException" => return Problem::Missing,
        "AccessDeniedException" => "AWS doesn't let these credentials use that key",
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException" => "AWS doesn't know these credentials",
        "ExpiredTokenException" | "ExpiredToken" => "these credentials have expired",
        "DisabledException" => "the key is disabled",
        "KMSInvalidStateException" => "the key is in a state in which it doesn't sign, such as before its deletion",
        "InvalidKeyUsageException" => "the key is for another use than signing, or for another algorithm",
        "ThrottlingException" | "LimitExceededException" | "TooManyRequestsException" => "AWS is asked too often by this account",
        _ => return Problem::Refused { status },
    };
    Problem::Denied { why }
}

/// Reads `//[ENDPOINT]/KEY`, where the key is an id, an alias, or the ARN of either.
fn parse(rest: &str) -> Option<(&str, &str)> {
    let (endpoint, key) = rest.strip_prefix("//")?.split_once('/')?;
    let is_host = endpoint.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte));
    let named = match key.strip_prefix("arn:") {
        Some(arn) => {
            let [partition, "kms", region, account, named] = arn.splitn(5, ':').collect::<Vec<_>>()[..] else { return None };
            let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
            if !(partition.starts_with("aws") && is_word(partition) && is_word(region) && is_account) {
                return None;
            }
            named.strip_prefix("key/").map_or(named, |id| if is_id(id) { id } else { "" })
        }
        None => key,
    };
    let is_key = is_id(named) || named.strip_prefix("alias/").is_some_and(is_alias);
    (endpoint.len() <= HOST_BYTES && is_host && is_key).then_some((endpoint, key))
}

/// Returns true for a UUID, and for the id of a key in several regions.
fn is_id(id: &str) -> bool {
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match id.strip_prefix("mrk-") {
        Some(rest) => rest.len() == 32 && is_hex(rest),
        None => id.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && id.split('-').all(is_hex),
    }
}

fn is_alias(name: &str) -> bool {
    !name.is_empty() && name.len() <= ALIAS_BYTES && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_-:".contains(&byte))
}

/// Returns true if nobody on the way reads what is sent there.
fn is_private(uri: &str) -> bool {
    let loopback = |host: &str| host == "localhost" || host == "[::1]" || host.parse().is_ok_and(|ip: std::net::Ipv4Addr| ip.is_loopback());
    let host = |rest: &str| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let port =
            authority.rfind(':').filter(|at| authority.get(at + 1..).is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit())));
        port.and_then(|at| authority.get(..at)).unwrap_or(authority).to_owned()
    };
    uri.starts_with("https://") || uri.strip_prefix("http://").is_some_and(|rest| loopback(&host(rest)))
}

const FORM: &str = "`awskms://[ENDPOINT]/KEY`, where KEY is an id, `alias/NAME`, or the ARN of either";
const ACCESS_KEY: &str = "AWS_ACCESS_KEY_ID";
const SECRET_KEY: &str = "AWS_SECRET_ACCESS_KEY";
const SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";
/// What KMS takes that isn't a digest.
const MESSAGE_BYTES: usize = 4_096;
const ANSWER_BYTES: usize = 1 << 20;
const HOST_BYTES: usize = 255;
const ALIAS_BYTES: usize = 250;
const ATTEMPTS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// A server that doesn't answer in that time is asked again.
const ONE_ATTEMPT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_cosign_reads() {
        let id = "1234abcd-12ab-34cd-56ef-1234567890ab";
        let arn = "arn:aws:kms:us-east-2:111122223333";
        for key in [id, "alias/release", &format!("{arn}:key/{id}"), &format!("{arn}:alias/release/1"), &format!("mrk-{}", "0a".repeat(16))]
        {
            assert_eq!(parse(&format!("///{key}")), Some(("", key)));
            assert_eq!(parse(&format!("//localhost:4566/{key}")), Some(("localhost:4566", key)));
        }
        for bad in [
            "//",
            "///",
            "alias/release",
            "///alias/",
            "///alias/a b",
            "///release",
            "///1234abcd",
            "//user@host/alias/a",
            "//host?x/alias/a",
            "///arn:aws:kms:us-east-2:111122223333:key/alias/a",
            "///arn:aws:kms:us-east-2:1:alias/a",
            "///arn:aws:s3:us-east-2:111122223333:alias/a",
            "///arn:other:kms:us-east-2:111122223333:alias/a",
            "///arn:aws:kms::111122223333:alias/a",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn sends_nothing_where_somebody_on_the_way_reads_it() {
        for good in
            ["https://kms.us-east-1.amazonaws.com/", "http://127.0.0.1:5556/", "http://localhost", "http://[::1]:80/", "http://[::1]"]
        {
            assert!(is_private(good), "{good}");
        }
        for bad in ["http://kms.example.test/", "http://127.0.0.1.example.test/", "http://127.0.0.1@example.test/", "ftp://localhost", ""] {
            assert!(!is_private(bad), "{bad}");
        }
    }
}
