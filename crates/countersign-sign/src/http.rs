//! The one HTTP client for all services: within a deadline, within a size, and again where that can help.
//! What is asked, and what an answer means, is the services' affair.
//!
//! The clients of the `sigstore-*` crates put a server's words into their errors, which can repeat the token that was
//! sent, read answers of any length, and follow redirects with the token; so only their types are used.
#![cfg_attr(not(feature = "keyless"), expect(dead_code, reason = "logs alone are asked where an entry is, and what nobody heard"))]

mod address;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ureq::http::Response;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Proxy, ProxyProtocol};

pub(crate) use address::Address;

/// The client.
pub(crate) struct Client {
    agent: Agent,
    direct: Agent,
    /// The environment names a proxy that isn't spoken to.
    has_strange_proxy: bool,
    one_attempt: Duration,
}

/// Returns true if the first proxy that the environment names, in the client's own order, is none that it takes: it would pass it by.
fn has_strange_proxy(variable: impl Fn(&str) -> Option<String>) -> bool {
    let named = PROXIES.iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
    let is_spoken = |proxy: &Proxy| matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https);
    named.is_some_and(|named| !Proxy::new(&named).is_ok_and(|proxy| is_spoken(&proxy)))
}

/// What is asked.
pub(crate) struct Request<'a> {
    /// Where.
    pub(crate) address: &'a Address,
    /// What is sent, and of which kind it is; nothing is sent to read.
    pub(crate) body: Option<(&'static str, &'a [u8])>,
    /// What else is said, such as what lets us in.
    pub(crate) headers: &'a [(&'a str, &'a str)],
    /// Most bytes of the answer.
    pub(crate) most: u64,
}

/// What was answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) body: Vec<u8>,
    /// How many attempts may have had their effect all the same, since nobody heard how they ended.
    pub(crate) unheard: u32,
}

impl Client {
    /// Makes a client that has an attempt without an answer followed by another after a while, and believes the
    /// certificates that the system does.
    pub(crate) fn new(one_attempt: Duration) -> Self {
        Self::believing(RootCerts::PlatformVerifier, one_attempt)
    }

    /// Makes a client that believes these certificates.
    pub(crate) fn believing(roots: RootCerts, one_attempt: Duration) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let agent = |config: ureq::config::ConfigBuilder<ureq::typestate::AgentScope>| {
            let tls = TlsConfig::builder().root_certs(roots.clone()).unversioned_rustls_crypto_provider(Arc::clone(&provider)).build();
            let config = config.tls_config(tls).http_status_as_error(false).user_agent(USER_AGENT);
            // A redirect is an answer like another: nothing that was meant for one server is sent to a second.
            let config = config.max_redirects(0).max_redirects_will_error(false);
            config.max_idle_connections_per_host(IDLE_CONNECTIONS).max_idle_connections(IDLE_CONNECTIONS * 4).build().new_agent()
        };
        Self {
            agent: agent(Agent::config_builder()),
            direct: agent(Agent::config_builder().proxy(None)),
            has_strange_proxy: has_strange_proxy(|name| std::env::var(name).ok()),
            one_attempt,
        }
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
                // A server, or one before it, that failed may have failed at any point (RFC 9110 §15.6).
                Ok((answer, wished)) => (AGAIN.contains(&answer.status), answer.status >= 500, *wished),
                Err(failed) => (failed.kind.can_change(), failed.may_have_worked, None),
            };
            unheard += u32::from(may_have_worked);
            let left = deadline.saturating_duration_since(Instant::now());
            let wait = wait(wished, pause, jitter(pause));
            if !worth_another || attempt == ATTEMPTS || wait >= left {
                return match answer {
                    Ok((answer, _)) => Ok(Answer { unheard, ..answer }),
                    Err(failed) => Err(Trouble { kind: failed.kind, unheard }),
                };
            }
            thread::sleep(wait);
            pause *= 2;
        }
        Err(Trouble { kind: Kind::TimedOut, unheard })
    }

    /// Asks once, and returns the answer with how long the server asks to be left alone.
    fn once(&self, request: &Request<'_>, left: Duration) -> Result<(Answer, Option<Duration>), Failed> {
        let agent = if request.address.is_near() {
            &self.direct
        } else if self.has_strange_proxy {
            return Err(Failed { kind: Kind::Proxy, may_have_worked: false });
        } else {
            &self.agent
        };
        let (url, patience) = (request.address.as_str(), Some(left.min(self.one_attempt)));
        let called = match request.body {
            Some((kind, body)) => {
                let mut call = agent.post(url).config().timeout_global(patience).build().header("content-type", kind);
                for (name, value) in request.headers {
                    call = call.header(*name, *value);
                }
                call.send(body)
            }
            None => {
                let mut call = agent.get(url).config().timeout_global(patience).build().header("accept", "application/json");
                for (name, value) in request.headers {
                    call = call.header(*name, *value);
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
#[derive(Debug)]
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
    /// Nothing was said that only the other side of an encrypted connection should hear.
    Tls(&'static str),
    Unreachable(&'static str),
    /// The proxy that the environment names isn't one that is spoken to: what is meant to go through it doesn't pass it by.
    Proxy,
}

impl Kind {
    /// Returns true if it can be otherwise the next time.
    const fn can_change(&self) -> bool {
        matches!(self, Self::TimedOut | Self::Unreachable(_))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("no answer in time"),
            Self::TooLarge => f.write_str("an answer that is too large"),
            Self::Tls(why) => write!(f, "no answer: TLS: {why}"),
            Self::Unreachable(why) => write!(f, "no answer: {why}"),
            Self::Proxy => f.write_str(
                "not asked: the environment names a proxy (ALL_PROXY, HTTPS_PROXY), and only `http://` and `https://` ones are used",
            ),
        }
    }
}

impl From<ureq::Error> for Failed {
    fn from(error: ureq::Error) -> Self {
        let unreachable = |why, may_have_worked| Self { kind: Kind::Unreachable(why), may_have_worked };
        match error {
            ureq::Error::Timeout(_) => Self { kind: Kind::TimedOut, may_have_worked: true },
            ureq::Error::BodyExceedsLimit(_) | ureq::Error::LargeResponseHeader(..) => Self { kind: Kind::TooLarge, may_have_worked: true },
            ureq::Error::HostNotFound => unreachable(UNRESOLVED, false),
            ureq::Error::ConnectionFailed => unreachable("it can't be connected to", false),
            ureq::Error::ConnectProxyFailed(_) => unreachable("the proxy doesn't lead there", false),
            ureq::Error::Io(error) => Self::from(&error),
            ureq::Error::Rustls(error) => Self::from(&error),
            ureq::Error::Tls(_) => Self { kind: Kind::Tls("there is no handshake"), may_have_worked: false },
            // Whatever else it is, it can't be told apart from an answer that was cut off.
            _ => unreachable("what came back isn't HTTP", true),
        }
    }
}

impl From<&io::Error> for Failed {
    fn from(error: &io::Error) -> Self {
        // The handshake is a part of reading and writing, so what is wrong with it comes as their error.
        if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return error.into();
        }
        let (why, may_have_worked) = match error.kind() {
            io::ErrorKind::TimedOut => return Self { kind: Kind::TimedOut, may_have_worked: true },
            io::ErrorKind::ConnectionRefused => ("connection refused", false),
            io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown | io::ErrorKind::AddrNotAvailable => (NO_WAY, false),
            io::ErrorKind::HostUnreachable => (NO_WAY, true),
            io::ErrorKind::PermissionDenied => ("this system doesn't let us connect to it", false),
            // Only the looking up of a name fails so: what its parts say, and what they are told by the system in their turn.
            io::ErrorKind::NotFound | io::ErrorKind::InvalidInput => (UNRESOLVED, false),
            _ if error.raw_os_error().is_none() && error.to_string().starts_with(LOOKED_UP) => (UNRESOLVED, false),
            _ => ("the connection broke", true),
        };
        Self { kind: Kind::Unreachable(why), may_have_worked }
    }
}

impl From<&rustls::Error> for Failed {
    /// Tells it in words of ours: those of the library repeat what stands in a stranger's certificate.
    fn from(error: &rustls::Error) -> Self {
        use rustls::{CertificateError as Wrong, Error};
        let handshake = |why| Self { kind: Kind::Tls(why), may_have_worked: false };
        match error {
            Error::InvalidCertificate(Wrong::Expired | Wrong::ExpiredContext { .. }) => handshake("its certificate has expired"),
            Error::InvalidCertificate(Wrong::NotValidYet | Wrong::NotValidYetContext { .. }) => {
                handshake("its certificate isn't valid yet")
            }
            Error::InvalidCertificate(Wrong::NotValidForName | Wrong::NotValidForNameContext { .. }) => {
                handshake("its certificate is another host's")
            }
            Error::InvalidCertificate(Wrong::Revoked) => handshake("its certificate is revoked"),
            Error::InvalidCertificate(_) | Error::NoCertificatesPresented => handshake("its certificate isn't trusted"),
            Error::PeerIncompatible(_) => handshake("it speaks no version or cipher that is spoken here"),
            // These can come after the handshake, too.
            _ => Self { kind: Kind::Unreachable("TLS: the connection broke"), may_have_worked: true },
        }
    }
}

/// How long to wait: as the server wishes, if that's longer, and somewhat more. A wish may be longer than any time is.
fn wait(wished: Option<Duration>, pause: Duration, jitter: Duration) -> Duration {
    wished.unwrap_or(pause).max(pause).saturating_add(jitter)
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
/// It wasn't even looked at.
const TOO_MANY: u16 = 429;
const ATTEMPTS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const PROXIES: [&str; 6] = ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];
const IDLE_CONNECTIONS: usize = 16;
const USER_AGENT: &str = concat!("countersign/", env!("CARGO_PKG_VERSION"));
/// How std's words begin for a name that can't be looked up; it has no kind for that.
const LOOKED_UP: &str = "failed to lookup address information";
const UNRESOLVED: &str = "the host's name can't be resolved; is there a network, or a proxy to go through (HTTPS_PROXY)?";
const NO_WAY: &str = "there is no way to it; is there a network, or a proxy to go through (HTTPS_PROXY)?";

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, ToSocketAddrs as _};

    use rustls::{AlertDescription, CertificateError};

    use super::*;

    #[test]
    fn waits_no_longer_than_time_can_be_counted() {
        let (pause, longest) = (Duration::from_millis(3_200), Duration::from_secs(u64::MAX));
        assert_eq!(wait(Some(longest), pause, pause), Duration::MAX);
        assert_eq!(wait(Some(Duration::from_secs(5)), pause, pause), Duration::from_millis(8_200));
        assert_eq!(wait(Some(Duration::ZERO), pause, Duration::ZERO), pause);
        assert_eq!(wait(None, pause, Duration::ZERO), pause);
    }

    #[test]
    fn a_proxy_that_is_not_spoken_to_is_not_passed_by() {
        let is_strange = |name: &str, value: &str| has_strange_proxy(|asked| (asked == name).then(|| value.to_owned()));
        for good in ["", "http://proxy.example.test:3128", "https://bot:word@proxy.example.test", "proxy.example.test:3128"] {
            assert!(!is_strange("HTTPS_PROXY", good), "{good}");
        }
        for strange in ["socks5://127.0.0.1:1080", "socks4://127.0.0.1:1080", "socks5h://127.0.0.1:1080", "ftp://x", ":::"] {
            assert!(PROXIES.iter().all(|name| is_strange(name, strange)), "{strange}");
        }
        assert!(!is_strange("NO_PROXY", "socks5://127.0.0.1:1080"));
        let client = Client { has_strange_proxy: true, ..Client::new(Duration::from_secs(1)) };
        let address = Address::parse("https://ca.example.test").unwrap();
        let request = Request { address: &address, body: None, headers: &[], most: 1 };
        let trouble = client.ask(&request, Instant::now() + Duration::from_secs(5)).err().unwrap();
        assert!(matches!(trouble.kind, Kind::Proxy) && trouble.unheard == 0, "{}", trouble.kind);
    }

    #[test]
    fn counts_the_last_attempt_too_where_a_server_failed() {
        for (status, unheard) in [(500, 1), (504, 1), (524, 1), (429, 0), (400, 0), (200, 0)] {
            let asked = asked_once(move |stream| {
                // Nobody waits as long, so this attempt is the last.
                let head = format!("HTTP/1.1 {status} \r\nconnection: close\r\nretry-after: {}\r\ncontent-length: 0\r\n\r\n", u64::MAX);
                stream.write_all(head.as_bytes()).unwrap();
            });
            let answer = asked.unwrap();
            assert_eq!((answer.status, answer.unheard), (status, unheard));
        }
    }

    #[test]
    fn says_what_is_wrong_with_a_handshake_in_words_of_ours_and_tries_no_other() {
        let named = CertificateError::NotValidForNameContext {
            expected: rustls::pki_types::ServerName::try_from("log.example.test").unwrap(),
            presented: vec!["DNS:hunter2.example.test".to_owned()],
        };
        for (wrong, words) in [
            (CertificateError::UnknownIssuer, "TLS: its certificate isn't trusted"),
            (CertificateError::BadSignature, "TLS: its certificate isn't trusted"),
            (CertificateError::Expired, "TLS: its certificate has expired"),
            (named, "TLS: its certificate is another host's"),
        ] {
            // As it arrives: within the error of a read.
            let error = rustls::Error::InvalidCertificate(wrong);
            let failed = Failed::from(ureq::Error::Io(io::Error::new(io::ErrorKind::InvalidData, error)));
            assert_eq!(failed.kind.to_string(), format!("no answer: {words}"));
            assert!(!failed.may_have_worked && !failed.kind.can_change());
        }
        let broken = rustls::Error::AlertReceived(AlertDescription::InternalError);
        let failed = Failed::from(ureq::Error::Io(io::Error::new(io::ErrorKind::InvalidData, broken)));
        assert!(failed.may_have_worked && failed.kind.can_change());
    }

    #[test]
    fn says_in_words_that_there_is_no_network() {
        // Reserved, so that it's never a host (RFC 6761 §6.4); whether there is a network makes no difference.
        let unknown = ("host.invalid", 443).to_socket_addrs().unwrap_err();
        for error in [unknown, io::ErrorKind::NotFound.into(), io::ErrorKind::InvalidInput.into()] {
            let failed = Failed::from(&error);
            assert_eq!(failed.kind, Kind::Unreachable(UNRESOLVED), "{error:?}");
            assert!(!failed.may_have_worked);
        }
        let failed = Failed::from(&io::Error::from(io::ErrorKind::NetworkUnreachable));
        assert!(!failed.may_have_worked && failed.kind.to_string().contains("HTTPS_PROXY"), "{failed:?}");
    }

    /// Asks a server that answers one request, and no other.
    fn asked_once(answer: impl FnOnce(&mut std::net::TcpStream) + Send + 'static) -> Result<Answer, Trouble> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Address::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            answer(&mut stream);
        });
        let request = Request { address: &address, body: None, headers: &[], most: 1 << 10 };
        let answer = Client::new(Duration::from_secs(20)).ask(&request, Instant::now() + Duration::from_secs(20));
        server.join().unwrap();
        answer
    }
}
