//! Identity tokens from a Workload API, spoken here as far as its one call: whom it knows signs, and whatever goes wrong is said
//! without its words. A real agent is asked by `cargo xtask peers`.
#![allow(clippy::unwrap_used, reason = "a test may stop at what it doesn't expect")]

use std::os::unix::net::UnixListener;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use countersign::time::Time;
use countersign::trust::{Trust, TrustRoot};
use countersign_sign::{Keyless, KeylessError, SigningConfig, TokenSource};
use countersign_testkit::instance::Place::{SecondLog, Times};
use countersign_testkit::instance::{Instance, Place, TOKEN};

#[test]
fn signs_by_the_token_that_the_agent_gives() {
    let agent = Agent::start(Answer::Tokens(&[TOKEN, "another"]));
    // By its name, and where nobody else offers a token.
    for name in ["spiffe", ""] {
        let instance = Instance::start();
        let keyless = agent.keyless(name, &instance);
        keyless.check(now()).unwrap();
        assert_eq!(keyless.begin(now()).unwrap().unverified_subject(), "signer@example.test");
    }
    // An agent's socket can be one of TCP; there, too, whoever asks may live in a runtime of their own.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let instance = Instance::start();
    runtime.block_on(async { agent.keyless("spiffe", &instance).begin(now()).map(drop) }).unwrap();
}

#[test]
fn says_why_there_is_none_in_words_of_ours() {
    for (answer, words) in [
        (Answer::Status("7", "no identity issued"), "it knows no identity of this process"),
        (Answer::Status("7", "hunter2"), "it knows no identity of this process"),
        (Answer::Status("13", "hunter2"), "it refuses, or isn't a Workload API"),
        (Answer::Status("0", ""), "it refuses, or isn't a Workload API"),
        (Answer::Tokens(&[]), "an answer without a token"),
        (Answer::Tokens(&["hunter2"]), "what it gave is no identity token"),
        (Answer::Endless, "it refuses, or isn't a Workload API"),
        (Answer::None, "no answer in time"),
    ] {
        let instance = Instance::start();
        let agent = Agent::start(answer);
        let started = Instant::now();
        let keyless = agent.keyless("spiffe", &instance).within(Duration::from_secs(if matches!(answer, Answer::None) { 1 } else { 60 }));
        let error = keyless.begin(now()).unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(error.to_string().starts_with(&format!("`{}` gives no identity token: ", agent.address)), "{text}");
        assert!(text.contains(words) && !text.contains("hunter2") && started.elapsed() < Duration::from_secs(20), "{answer:?} {text}");
        assert_eq!(instance.asked(Place::Authority), 0);
    }
}

#[test]
fn asks_nobody_elsewhere_and_sees_beforehand_that_nobody_is_there() {
    for bad in
        ["", "agent.sock", "unix://", "unix://host/a", "tcp://192.0.2.1:1", "tcp://localhost:1", "tcp://127.0.0.1", "http://127.0.0.1:1"]
    {
        let error = TokenSource::named("spiffe", &|name| (name == "SPIFFE_ENDPOINT_SOCKET").then(|| bad.to_owned())).unwrap_err();
        assert!(error.to_string().contains("the variable `SPIFFE_ENDPOINT_SOCKET`"), "{bad}: {error}");
    }
    let folder = tempfile::tempdir().unwrap();
    let address = format!("unix://{}", folder.path().join("agent.sock").display());
    let absent = keyless("spiffe", &address, &Instance::start());
    let gone = {
        // A socket that nobody listens at any more.
        drop(UnixListener::bind(folder.path().join("gone.sock")).unwrap());
        keyless("spiffe", &format!("unix://{}", folder.path().join("gone.sock").display()), &Instance::start())
    };
    let errors: [KeylessError; 3] = [absent.check(now()).unwrap_err(), absent.begin(now()).unwrap_err(), gone.begin(now()).unwrap_err()];
    for error in errors {
        assert!(error.to_string().ends_with("nobody is there"), "{error}");
    }
}

/// What an agent answers.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Tokens(&'static [&'static str]),
    /// A status of gRPC, and words with it.
    Status(&'static str, &'static str),
    /// A message that is longer than anybody reads.
    Endless,
    /// Nothing, for ever.
    None,
}

/// An agent, which lives as long as the test.
struct Agent {
    address: String,
    _folder: tempfile::TempDir,
}

impl Agent {
    fn start(answer: Answer) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.sock");
        let listener = UnixListener::bind(&path).unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                thread::spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                    stream.set_nonblocking(true).unwrap();
                    // Whoever has heard enough goes.
                    let _ = runtime.block_on(async { serve(tokio::net::UnixStream::from_std(stream).unwrap(), answer).await });
                });
            }
        });
        Self { address: format!("unix://{}", path.display()), _folder: folder }
    }

    fn keyless(&self, name: &str, instance: &Instance) -> Keyless {
        keyless(name, &self.address, instance)
    }
}

/// Speaks as much of gRPC over HTTP/2 as the call takes (SPIFFE Workload API §5.2.1).
async fn serve(stream: tokio::net::UnixStream, answer: Answer) -> Result<(), h2::Error> {
    let mut connection = h2::server::handshake(stream).await?;
    let mut held: Vec<tokio::task::JoinHandle<Result<_, h2::Error>>> = Vec::new();
    while let Some(request) = connection.accept().await {
        let (request, mut respond) = request?;
        let (head, mut body) = request.into_parts();
        // §4 asks for the header of whoever speaks the protocol: pages in a browser can't send it.
        let is_right =
            head.uri.path() == "/SpiffeWorkloadAPI/FetchJWTSVID" && head.headers.get("workload.spiffe.io").is_some_and(|v| v == "true");
        let task = async move {
            let mut asked = Vec::new();
            while let Some(piece) = body.data().await {
                let piece = piece?;
                body.flow_control().release_capacity(piece.len())?;
                asked.extend_from_slice(&piece);
            }
            let is_right = is_right && asked.windows(8).any(|bytes| bytes == b"sigstore");
            let head = http::Response::builder().header("content-type", "application/grpc").body(()).unwrap();
            let mut sender = respond.send_response(head, false)?;
            let message = match answer {
                _ if !is_right => Vec::new(),
                Answer::Tokens(tokens) => message(tokens),
                Answer::Endless => vec![0, 0xff, 0xff, 0xff, 0xff, 0],
                Answer::Status(..) => Vec::new(),
                Answer::None => return Ok(Some(sender)),
            };
            if !message.is_empty() {
                sender.send_data(message.into(), false)?;
            }
            let (status, words) = match answer {
                Answer::Status(status, words) => (status, words),
                _ => (if is_right { "0" } else { "3" }, ""),
            };
            let mut trailers = http::HeaderMap::new();
            trailers.insert("grpc-status", status.parse().unwrap());
            trailers.insert("grpc-message", words.parse().unwrap());
            sender.send_trailers(trailers)?;
            Ok::<_, h2::Error>(None)
        };
        // Beside the connection, which moves on only while it's asked for more.
        held.push(tokio::spawn(task));
    }
    Ok(())
}

/// A message `JWTSVIDResponse`, with its length before it: each token in a field 2 of a field 1, beside whose it is.
fn message(tokens: &[&str]) -> Vec<u8> {
    let field = |number: u8, bytes: &[u8]| {
        let mut field = vec![number << 3 | 2];
        let mut length = bytes.len();
        while length > 0x7f {
            field.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
            length >>= 7;
        }
        field.push(u8::try_from(length).unwrap());
        field.extend_from_slice(bytes);
        field
    };
    let svid = |token: &&str| field(1, &[field(1, b"spiffe://example.test/job"), field(2, token.as_bytes())].concat());
    let body: Vec<u8> = tokens.iter().flat_map(svid).collect();
    [&[0][..], &u32::try_from(body.len()).unwrap().to_be_bytes(), &body].concat()
}

fn keyless(name: &str, address: &str, instance: &Instance) -> Keyless {
    let tokens = TokenSource::named(name, &|name| (name == "SPIFFE_ENDPOINT_SOCKET").then(|| address.to_owned())).unwrap();
    let config = SigningConfig::parse(&instance.signing_config(&[SecondLog, Times])).unwrap();
    let trust = Trust::keys_only().with(TrustRoot::parse(&instance.trusted_root()).unwrap());
    Keyless::new(config, trust, tokens).unwrap()
}

fn now() -> Time {
    Time::from_unix(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()).unwrap()
}
