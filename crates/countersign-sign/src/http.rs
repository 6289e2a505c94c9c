//! The one HTTP client for all services: within a deadline, within a size, and again where that can help.
//! What is asked, and what an answer means, is the services' affair.
//!
//! The clients of the `sigstore-*` crates put a server's words into their errors, which can repeat the token that was
//! sent, read answers of any length, and follow redirects with the token; so only their types are used.

mod address;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ureq::Agent;
use ureq::http::Response;
use ureq::tls::{RootCerts, TlsConfig};
use zeroize::Zeroizing;

pub(crate) use address::Address;

/// The client.
pub(crate) struct Client {
    agent: Agent,
    direct: Agent,
    one_attempt: Duration,
}

/// What is asked.
pub(crate) struct Request<'a> {
    /// Where.
    pub(crate) address: &'a Address,
    /// What is sent, and of which kind it is; nothing is sent to read.
    pub(crate) body: Option<(&'static str, &'a [u8])>,
    /// What lets us in.
    pub(crate) bearer: Option<&'a Zeroizing<String>>,
    /// Most bytes of the answer.
    pub(crate) most: u64,
}

/// What was answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) body: Vec<u8>,
    /// How many earlier attempts may have had their effect all the same, since nobody heard how they ended.
    pub(crate) unheard: u32,
}

impl Client {
    /// Makes a client that has an attempt without an answer followed by another after a while.
    pub(crate) fn new(one_attempt: Duration) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let agent = |config: ureq::config::ConfigBuilder<ureq::typestate::AgentScope>| {
            let tls = TlsConfig::builder()
                .root_certs(RootCerts::PlatformVerifier)
                .unversioned_rustls_crypto_provider(Arc::clone(&provider))
                .build();
            let config = config.tls_config(tls).http_status_as_error(false).user_agent(USER_AGENT);
            // A redirect is an answer like another: nothing that was meant for one server is sent to a second.
            let config = config.max_redirects(0).max_redirects_will_error(false);
            config.max_idle_connections_per_host(IDLE_CONNECTIONS).max_idle_connections(IDLE_CONNECTIONS * 4).build().new_agent()
        };
        Self { agent: agent(Agent::config_builder()), direct: agent(Agent::config_builder().proxy(None)), one_attempt }
    }

    /// Asks until there is an answer that another attempt wouldn't change, or the deadline has come.
    pub(crate) fn ask(&self, request: &Request<'_>, deadline: Instant) -> Result<Answer, Trouble> {
        let mut unheard = 0;
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Trouble { kind: Kind::TimedOut, unheard });
            }
            let answer = self.once(request, left);
            let (worth_another, may_have_worked, wished) = match &answer {
                // Too many requests: it wasn't even looked at.
                Ok((answer, wished)) => (AGAIN.contains(&answer.status), answer.status != TOO_MANY, *wished),
                Err(failed) => (failed.kind != Kind::TooLarge, failed.may_have_worked, None),
            };
            let left = deadline.saturating_duration_since(Instant::now());
            let wait = wished.unwrap_or(pause).max(pause) + jitter(pause);
            if !worth_another || attempt == ATTEMPTS || wait >= left {
                return match answer {
                    Ok((answer, _)) => Ok(Answer { unheard, ..answer }),
                    Err(failed) => Err(Trouble { kind: failed.kind, unheard: unheard + u32::from(failed.may_have_worked) }),
                };
            }
            unheard += u32::from(may_have_worked);
            thread::sleep(wait);
            pause *= 2;
        }
        Err(Trouble { kind: Kind::TimedOut, unheard })
    }

    /// Asks once, and returns the answer with how long the server asks to be left alone.
    fn once(&self, request: &Request<'_>, left: Duration) -> Result<(Answer, Option<Duration>), Failed> {
        let agent = if request.address.is_loopback() { &self.direct } else { &self.agent };
        let (url, patience) = (request.address.as_str(), Some(left.min(self.one_attempt)));
        let bearer = request.bearer.map(|token| Zeroizing::new(format!("Bearer {}", token.as_str())));
        let called = match request.body {
            Some((kind, body)) => {
                let mut call = agent.post(url).config().timeout_global(patience).build().header("content-type", kind);
                if let Some(bearer) = &bearer {
                    call = call.header("authorization", bearer.as_str());
                }
                call.send(body)
            }
            None => {
                let mut call = agent.get(url).config().timeout_global(patience).build().header("accept", "application/json");
                if let Some(bearer) = &bearer {
                    call = call.header("authorization", bearer.as_str());
                }
                call.call()
            }
        };
        let mut response = called.map_err(Failed::from)?;
        let body = response.body_mut().with_config().limit(request.most).read_to_vec().map_err(Failed::from)?;
        let header = |name| header(&response, name);
        let wait = header("retry-after").and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
        let answer = Answer { status: response.status().as_u16(), location: header("location"), body, unheard: 0 };
        Ok((answer, wait))
    }
}

/// One attempt that wasn't answered.
struct Failed {
    kind: Kind,
    may_have_worked: bool,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub(crate) kind: Kind,
    /// How many attempts may have had their effect all the same.
    pub(crate) unheard: u32,
}

/// How an attempt went wrong. No server's words stand in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    TimedOut,
    TooLarge,
    Unreachable(String),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("no answer in time"),
            Self::TooLarge => f.write_str("an answer that is too large"),
            Self::Unreachable(why) => write!(f, "no answer: {why}"),
        }
    }
}

impl From<ureq::Error> for Failed {
    fn from(error: ureq::Error) -> Self {
        let unreachable = |why: String, may_have_worked| Self { kind: Kind::Unreachable(why), may_have_worked };
        match error {
            ureq::Error::Timeout(_) => Self { kind: Kind::TimedOut, may_have_worked: true },
            ureq::Error::BodyExceedsLimit(_) | ureq::Error::LargeResponseHeader(..) => Self { kind: Kind::TooLarge, may_have_worked: true },
            ureq::Error::HostNotFound => unreachable("there is no such host".to_owned(), false),
            ureq::Error::ConnectionFailed => unreachable("it can't be connected to".to_owned(), false),
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::TimedOut => Self { kind: Kind::TimedOut, may_have_worked: true },
            ureq::Error::Io(error) => {
                let refused = error.kind() == io::ErrorKind::ConnectionRefused;
                unreachable(error.kind().to_string(), !refused)
            }
            ureq::Error::Rustls(error) => unreachable(format!("TLS: {error}"), false),
            ureq::Error::Tls(why) => unreachable(format!("TLS: {why}"), false),
            // Whatever else it is, it can't be told apart from an answer that was cut off.
            _ => unreachable("what came back isn't HTTP".to_owned(), true),
        }
    }
}

fn header(response: &Response<ureq::Body>, name: &str) -> Option<String> {
    response.headers().get(name)?.to_str().ok().map(str::to_owned)
}

/// Up to as much again, so that those who failed together don't all come back together.
fn jitter(pause: Duration) -> Duration {
    let mut byte = [0_u8];
    match getrandom::fill(&mut byte) {
        Ok(()) => pause * u32::from(byte[0]) / 256,
        Err(_) => Duration::ZERO,
    }
}

/// Statuses that can change by themselves (RFC 9110 §15.6, RFC 6585 §4).
const AGAIN: [u16; 5] = [TOO_MANY, 500, 502, 503, 504];
const TOO_MANY: u16 = 429;
const ATTEMPTS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const IDLE_CONNECTIONS: usize = 16;
const USER_AGENT: &str = concat!("countersign/", env!("CARGO_PKG_VERSION"));
