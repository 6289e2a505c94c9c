//! As much of HTTP/1.1 (RFC 9112) as our servers speak: one request and one answer to a connection, or half of one.
//! What is asked and answered is said elsewhere.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What is spoken over, in the clear or by TLS.
pub trait Stream: Read + Write {
    /// Returns the connection below.
    fn tcp(&self) -> &TcpStream;
}

impl Stream for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

/// A request.
pub struct Asked {
    /// The path, with its query.
    pub path: String,
    /// The lines before the body.
    pub head: Vec<u8>,
    /// What was sent.
    pub body: Vec<u8>,
}

impl Asked {
    /// Reads a request; `None` if whoever asks has gone.
    #[must_use]
    pub fn read(stream: &mut impl Stream) -> Option<Self> {
        let mut reader = BufReader::new(stream);
        let (mut head, mut path, mut length) = (Vec::new(), None, 0_u64);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            head.extend_from_slice(line.as_bytes());
            if line.trim().is_empty() {
                break;
            }
            match line.split_once(": ") {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.trim().parse().ok()?,
                Some(_) => {}
                None => path = line.split(' ').nth(1).map(str::to_owned),
            }
        }
        let mut body = Vec::new();
        reader.take(length).read_to_end(&mut body).ok()?;
        Some(Self { path: path?, head, body })
    }
}

/// Answers, and ends the connection. Whoever has gone by then needs no answer.
pub fn answer(stream: &mut impl Stream, status: u16, headers: &[(&str, &str)], body: &[u8]) {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("HTTP/1.1 {status} \r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    let _ = stream.write_all(&[head.as_bytes(), body].concat()).and_then(|()| stream.flush());
}

/// Begins an answer, and ends in its middle.
pub fn cut_off(stream: &mut impl Stream, status: u16, body: &[u8]) {
    let head = format!("HTTP/1.1 {status} \r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    let whole = [head.as_bytes(), body].concat();
    let _ = stream.write_all(&whole[..whole.len() / 2]).and_then(|()| stream.flush());
}

/// Answers without an end, until nobody listens.
pub fn flood(stream: &mut impl Stream) {
    let mut written = stream.write_all(b"HTTP/1.1 200 \r\nconnection: close\r\n\r\n");
    while written.is_ok() {
        written = stream.write_all(&[b' '; 1 << 16]);
    }
}

/// Says nothing until whoever asks goes, or it's over.
pub fn hang(stream: &mut impl Stream, ended: &AtomicBool) {
    let _ = stream.tcp().set_read_timeout(Some(Duration::from_millis(20)));
    while !ended.load(Ordering::SeqCst) {
        if matches!(stream.read(&mut [0]), Ok(0)) {
            break;
        }
    }
}
