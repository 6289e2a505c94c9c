//! A proxy between our command line and one real server, which lets one thing go wrong so many times, and writes a line about each
//! request: what the server was asked, and what it truly answered. It's run as `xtask proxy`, in the servers' own network namespace.
//! Which faults are wanted, and what must come of them, is said in `faults`.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use countersign::json::Json;
use countersign_testkit::http::{Asked, answer, cut_off, hang};

/// Serves until it's killed: `LISTEN UPSTREAM TIMES FAULT [ARGUMENT…]`.
pub(crate) fn serve(arguments: &[&str]) -> Result<(), String> {
    let [listen, upstream, times, fault @ ..] = arguments else { return Err("a proxy listens somewhere, for somebody".to_owned()) };
    let times = times.parse().map_err(|_| format!("`{times}` is no number of times"))?;
    let proxy = Proxy { upstream: (*upstream).to_owned(), fault: Fault::parse(fault)?, left: AtomicU32::new(times), log: Mutex::new(()) };
    let listener = TcpListener::bind(listen).map_err(|error| format!("`{listen}`: {error}"))?;
    println!("listening");
    thread::scope(|scope| {
        for stream in listener.incoming().flatten() {
            scope.spawn(|| proxy.answer(stream));
        }
    });
    Ok(())
}

/// What goes wrong.
enum Fault {
    /// Nothing does.
    None,
    /// Nothing does, and the first answer is kept in that file.
    Keeps(String),
    /// It says nothing. The server isn't asked.
    Hangs,
    /// It waits so long before it asks the server.
    Waits(Duration),
    /// It answers with that status, and repeats what it was sent. The server isn't asked.
    Status(u16),
    /// The server is asked, and its answer is lost on the way: that status is said in its place.
    Loses(u16),
    /// The server is asked, and its answer ends in the middle.
    CutsOff,
    /// It answers what was answered to somebody else.
    OfAnother(Vec<u8>),
    /// The first sign of the text at the JSON pointer is another; `*` stands for a first member of any name.
    Edits(String),
    /// The text at the JSON pointer is another, whole.
    Puts(String, String),
}

impl Fault {
    fn parse(words: &[&str]) -> Result<Self, String> {
        let number = |text: &str| text.parse().map_err(|_| format!("`{text}` is no number"));
        let read = |path: &str| fs::read(path).map_err(|error| format!("can't read `{path}`: {error}"));
        Ok(match words {
            [] => Self::None,
            ["keeps", path] => Self::Keeps((*path).to_owned()),
            ["hangs"] => Self::Hangs,
            ["waits", milliseconds] => Self::Waits(Duration::from_millis(number(milliseconds)?)),
            ["status", status] => Self::Status(u16::try_from(number(status)?).map_err(|error| error.to_string())?),
            ["loses", status] => Self::Loses(u16::try_from(number(status)?).map_err(|error| error.to_string())?),
            ["cuts-off"] => Self::CutsOff,
            ["of-another", path] => Self::OfAnother(read(path)?),
            ["edits", pointer] => Self::Edits((*pointer).to_owned()),
            ["puts", pointer, path] => Self::Puts((*pointer).to_owned(), String::from_utf8_lossy(&read(path)?).into_owned()),
            _ => return Err(format!("there is no fault `{}`", words.join(" "))),
        })
    }
}

struct Proxy {
    upstream: String,
    fault: Fault,
    left: AtomicU32,
    log: Mutex<()>,
}

impl Proxy {
    fn answer(&self, mut stream: TcpStream) {
        let Some(asked) = Asked::read(&mut stream) else { return };
        let is_faulty = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        match &self.fault {
            Fault::Hangs if is_faulty => hang(&mut stream, &AtomicBool::new(false)),
            Fault::Status(status) if is_faulty => {
                answer(&mut stream, *status, &[("retry-after", "0")], &[&asked.head, &asked.body[..]].concat());
            }
            fault => {
                if let (Fault::Waits(time), true) = (fault, is_faulty) {
                    thread::sleep(*time);
                }
                let began = Instant::now();
                let Some(heard) = ask(&self.upstream, &asked) else { return self.tell(&asked, 0, began) };
                self.tell(&asked, heard.status, began);
                match fault {
                    Fault::CutsOff if is_faulty => cut_off(&mut stream, heard.status, &heard.body),
                    Fault::Loses(status) if is_faulty => answer(&mut stream, *status, &[("retry-after", "0")], b""),
                    _ => {
                        let body = if is_faulty { self.changed(heard.body) } else { heard.body };
                        let location = heard.location.iter().map(|location| ("location", location.as_str()));
                        let headers: Vec<_> = location.chain([("content-type", heard.kind.as_str())]).collect();
                        answer(&mut stream, heard.status, &headers, &body);
                    }
                }
            }
        }
    }

    /// Writes what was asked, what was answered, and how long that took.
    fn tell(&self, asked: &Asked, status: u16, began: Instant) {
        let _writing = self.log.lock();
        println!("{} {} {status} {}", method(asked), asked.path, began.elapsed().as_micros());
    }

    fn changed(&self, body: Vec<u8>) -> Vec<u8> {
        let edited = |pointer: &str, edit: &dyn Fn(&str) -> String| {
            let mut json = Json::parse(&body).ok()?;
            let place = at(&mut json, pointer)?;
            *place = Json::from(edit(place.as_str()?));
            Some(json.canonical())
        };
        match &self.fault {
            Fault::OfAnother(bytes) => bytes.clone(),
            Fault::Keeps(path) => {
                let _ = fs::write(path, &body);
                body
            }
            // What can't be edited goes on as it is, and the check that expects a refusal sees it.
            Fault::Edits(pointer) => edited(pointer, &other_beginning).unwrap_or(body),
            Fault::Puts(pointer, text) => edited(pointer, &|_| text.clone()).unwrap_or(body),
            _ => body,
        }
    }
}

/// What a server answered.
struct Heard {
    status: u16,
    kind: String,
    location: Option<String>,
    body: Vec<u8>,
}

/// Asks the server in HTTP/1.0, so that it answers in one piece and ends the connection.
fn ask(upstream: &str, asked: &Asked) -> Option<Heard> {
    let mut stream = TcpStream::connect(upstream).ok()?;
    let head = String::from_utf8_lossy(&asked.head).into_owned();
    let kept = head.lines().skip(1).filter(|line| !line.is_empty() && !["host:", "connection:"].iter().any(|name| begins(line, name)));
    let lines: String = kept.map(|line| format!("{line}\r\n")).collect();
    let begin = format!("{} {} HTTP/1.0\r\nhost: {upstream}\r\n{lines}\r\n", method(asked), asked.path);
    stream.write_all(&[begin.as_bytes(), &asked.body[..]].concat()).ok()?;
    let mut whole = Vec::new();
    stream.read_to_end(&mut whole).ok()?;
    let end = whole.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let (head, body) = whole.split_at(end + 4);
    let head = String::from_utf8_lossy(head).into_owned();
    let header = |name: &str| head.lines().find(|line| begins(line, name))?.split_once(": ").map(|(_, value)| value.trim().to_owned());
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Heard { status, kind: header("content-type:").unwrap_or_default(), location: header("location:"), body: body.to_vec() })
}

fn begins(line: &str, name: &str) -> bool {
    line.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name))
}

fn method(asked: &Asked) -> String {
    String::from_utf8_lossy(&asked.head).split(' ').next().unwrap_or_default().to_owned()
}

fn at<'a>(json: &'a mut Json, pointer: &str) -> Option<&'a mut Json> {
    pointer.split('/').skip(1).try_fold(json, |json, name| match json {
        Json::Object(members) => {
            if name == "*" {
                members.values_mut().next()
            } else {
                members.get_mut(name)
            }
        }
        Json::Array(items) => items.get_mut(name.parse::<usize>().ok()?),
        _ => None,
    })
}

/// Another sign that base64 and hexadecimal digits have, too.
fn other_beginning(text: &str) -> String {
    let other = if text.starts_with('0') { '1' } else { '0' };
    other.to_string() + text.get(1..).unwrap_or_default()
}
