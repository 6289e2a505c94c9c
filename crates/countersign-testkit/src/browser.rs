//! As much of a browser as it takes to sign in: it opens an address of this machine, and goes where it's sent.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// What was shown in the end.
#[derive(Debug)]
pub struct Page {
    /// The status of HTTP; 0 if nobody answered.
    pub status: u16,
    /// What stands before the body.
    pub head: String,
    /// The body.
    pub body: String,
}

/// Opens an address, and goes where it's sent.
///
/// # Panics
/// If the address isn't `http://HOST:PORT/PATH`, or sends it around in circles.
#[must_use]
pub fn visit(address: &str) -> Page {
    let mut address = address.to_owned();
    for _ in 0..5 {
        let page = open(&address, "");
        match page.head.lines().find_map(|line| line.strip_prefix("location: ")) {
            Some(next) => next.clone_into(&mut address),
            None => return page,
        }
    }
    panic!("sent around in circles by `{address}`")
}

/// Opens an address with more lines in its head, and goes nowhere else.
///
/// # Panics
/// If the address isn't `http://HOST:PORT/PATH`.
#[must_use]
pub fn open(address: &str, more: &str) -> Page {
    let (host, path) = address.strip_prefix("http://").expect("http").split_once('/').expect("a path");
    let mut answer = Vec::new();
    if let Ok(mut stream) = TcpStream::connect(host) {
        let asked = format!("GET /{path} HTTP/1.1\r\nhost: {host}\r\n{more}\r\n");
        // Whoever has closed the connection by now has answered nothing.
        let _ = stream.write_all(asked.as_bytes()).and_then(|()| stream.read_to_end(&mut answer));
    }
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    Page { status, head: head.to_owned(), body: body.to_owned() }
}
