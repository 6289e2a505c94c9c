//! The browser's way back: a listener on loopback that takes the one answer to what was asked (RFC 8252 §7.3, RFC 6749 §4.1.2).
//! Whoever else connects learns nothing, ends nothing and is waited for by nobody.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::issuer::Issuer;
use super::{code, form};

/// The listener.
pub(super) struct Callback {
    listener: TcpListener,
    address: String,
}

/// Why no code came.
pub(super) enum Unanswered {
    /// Nobody waits any longer; so many answers were to what wasn't asked.
    Over { strays: u32 },
    /// The answer is another one.
    Otherwise(&'static str),
}

impl Callback {
    /// Listens on a port that the system chooses, to this machine alone.
    pub(super) fn listen() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        // By this name, since it's the one that issuers know for programs of this kind; cosign's is spelled the same.
        let address = format!("http://localhost:{}{PATH}", listener.local_addr()?.port());
        Ok(Self { listener, address })
    }

    /// Where the issuer shall send the browser.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Waits until the browser brings the issuer's code.
    ///
    /// Only what brings the `state` counts: others on this machine, and pages that guess the port, can't end the wait.
    pub(super) fn code(self, state: &str, issuer: &Issuer, deadline: Instant) -> Result<Zeroizing<String>, Unanswered> {
        let (sender, requests) = mpsc::channel();
        // Lives as long as somebody is read from; so many are.
        let reading = Arc::new(());
        let mut strays = 0;
        while Instant::now() < deadline {
            self.admit(&sender, &reading);
            let Some((mut stream, target)) = next(&requests) else { continue };
            let Some(query) = target.strip_prefix(PATH).and_then(|query| query.strip_prefix('?')) else {
                tell(&mut stream, "404 Not Found", "There is nothing here.");
                continue;
            };
            if form::value(query, "state").ok().flatten().is_none_or(|brought| brought.as_str() != state) {
                strays += 1;
                tell(&mut stream, "400 Bad Request", "This answers nothing that was asked here. Return to the terminal.");
                continue;
            }
            let answer = answered(query, issuer);
            match &answer {
                Ok(_) => tell(&mut stream, "200 OK", "Your answer has arrived. You can close this page and return to the terminal."),
                Err(_) => tell(&mut stream, "400 Bad Request", "You were not signed in. Return to the terminal."),
            }
            return answer.map_err(Unanswered::Otherwise);
        }
        Err(Unanswered::Over { strays })
    }

    /// Lets in who has connected, each to be read from on a thread of its own: browsers connect ahead and say nothing.
    fn admit(&self, sender: &Sender<(TcpStream, Zeroizing<String>)>, reading: &Arc<()>) {
        while let Ok((stream, _)) = self.listener.accept() {
            if Arc::strong_count(reading) > MOST_AT_ONCE {
                continue;
            }
            let (sender, reading) = (sender.clone(), Arc::clone(reading));
            thread::spawn(move || {
                let _reading = reading;
                if let Some(request) = target(stream) {
                    let _ = sender.send(request);
                }
            });
        }
    }
}

fn next(requests: &Receiver<(TcpStream, Zeroizing<String>)>) -> Option<(TcpStream, Zeroizing<String>)> {
    requests.recv_timeout(LOOK_AGAIN).ok()
}

/// Reads an answer that brought the right state: a code (RFC 6749 §4.1.2), or an error (§4.1.2.1, OpenID Connect Core §3.1.2.6).
fn answered(query: &str, issuer: &Issuer) -> Result<Zeroizing<String>, &'static str> {
    let value = |name| form::value(query, name).map_err(|()| "an answer that is read in two ways, or not at all");
    // RFC 9207 §2.4: a code of another issuer isn't to be shown to this one.
    match value("iss")? {
        Some(name) if name.as_str() != issuer.name() => return Err("the answer is another issuer's"),
        None if issuer.names_itself() => return Err("the answer doesn't say whose it is"),
        _ => {}
    }
    if let Some(error) = value("error")? {
        let known = ERRORS.iter().find(|(name, _)| *name == error.as_str());
        return Err(known.map_or("the issuer answered with an error", |(_, words)| words));
    }
    value("code")?.and_then(|text| code(&text)).ok_or("an answer without a code")
}

/// Reads where a request goes, and all of its head, so that the answer to it is read.
fn target(mut stream: TcpStream) -> Option<(TcpStream, Zeroizing<String>)> {
    let until = Instant::now() + ONE_REQUEST;
    stream.set_nonblocking(false).ok()?;
    stream.set_write_timeout(Some(ONE_REQUEST)).ok()?;
    let mut head = Zeroizing::new(Vec::with_capacity(HEAD_BYTES + PIECE));
    while !head.ends_with(b"\r\n\r\n") {
        stream.set_read_timeout(Some(until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?)).ok()?;
        let mut piece = Zeroizing::new([0_u8; PIECE]);
        let length = stream.read(&mut *piece).ok().filter(|length| *length > 0)?;
        head.extend_from_slice(piece.get(..length)?);
        if head.len() > HEAD_BYTES {
            tell(&mut stream, "431 Request Header Fields Too Large", "This is too large.");
            return None;
        }
    }
    let head = std::str::from_utf8(&head).ok()?;
    let target = head.lines().next()?.strip_prefix("GET ")?.strip_suffix(" HTTP/1.1")?;
    Some((stream, Zeroizing::new(target.to_owned())))
}

/// Shows a page. Nothing that was sent stands in it. Whoever has gone by then needs none.
fn tell(stream: &mut TcpStream, status: &str, words: &str) {
    let page = format!("<!DOCTYPE html><html lang=\"en\"><title>Countersign</title><p>{words}</p></html>\n");
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\ncache-control: no-store\r\n\
         referrer-policy: no-referrer\r\ncontent-security-policy: default-src 'none'\r\nconnection: close\r\n\r\n",
        page.len()
    );
    let _ = stream.write_all(&[head, page].concat().into_bytes());
}

/// The path that cosign is answered at, too.
const PATH: &str = "/auth/callback";
const ERRORS: [(&str, &str); 7] = [
    ("access_denied", "the issuer or the person refused (`access_denied`)"),
    ("invalid_request", "the issuer doesn't take what it was asked (`invalid_request`)"),
    ("invalid_scope", "the issuer doesn't give email addresses (`invalid_scope`)"),
    ("unauthorized_client", "the issuer doesn't know programs of this kind (`unauthorized_client`)"),
    ("unsupported_response_type", "the issuer gives no codes (`unsupported_response_type`)"),
    ("server_error", "the issuer failed (`server_error`)"),
    ("temporarily_unavailable", "the issuer is too busy (`temporarily_unavailable`)"),
];
const LOOK_AGAIN: Duration = Duration::from_millis(20);
const ONE_REQUEST: Duration = Duration::from_secs(5);
const MOST_AT_ONCE: usize = 32;
/// Browsers send what every server on this machine had them keep.
const HEAD_BYTES: usize = 64 << 10;
const PIECE: usize = 4 << 10;
