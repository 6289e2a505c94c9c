//! Lines of a file that somebody else writes, one at a time, within a bound.
//! It knows nothing of what a line means.

use std::io::{self, BufRead, ErrorKind};

/// Longest line that is held in memory, in bytes.
pub(crate) const LINE_BYTES: usize = 16 << 20;

/// One line without its line feed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// The line's bytes.
    Whole(&'a [u8]),
    /// A line over the bound: how many bytes it has.
    TooLong(u64),
}

/// Reads lines; no more than one is in memory.
pub(crate) struct Lines<R> {
    source: R,
    longest: usize,
    line: Vec<u8>,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(crate) const fn new(source: R, longest: usize) -> Self {
        Self { source, longest, line: Vec::new(), number: 0 }
    }

    /// Returns the next line that isn't blank, with its number counted from 1.
    pub(crate) fn next_line(&mut self) -> io::Result<Option<(u64, Line<'_>)>> {
        loop {
            let Some(bytes) = self.fill()? else { return Ok(None) };
            self.number += 1;
            if bytes > self.longest as u64 {
                return Ok(Some((self.number, Line::TooLong(bytes))));
            }
            if !self.line.iter().all(u8::is_ascii_whitespace) {
                return Ok(Some((self.number, Line::Whole(&self.line))));
            }
        }
    }

    /// Reads up to the next line feed and returns the length of the line, or nothing at the end.
    fn fill(&mut self) -> io::Result<Option<u64>> {
        self.line.clear();
        let mut bytes = 0_u64;
        let mut began = false;
        loop {
            let available = match self.source.fill_buf() {
                Ok(available) => available,
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            if available.is_empty() {
                return Ok(began.then_some(bytes));
            }
            began = true;
            let feed = available.iter().position(|b| *b == b'\n');
            let part = available.get(..feed.unwrap_or(available.len())).unwrap_or_default();
            bytes += part.len() as u64;
            if bytes <= self.longest as u64 {
                self.line.extend_from_slice(part);
            } else {
                // What is too long is counted, not kept.
                self.line = Vec::new();
            }
            let consumed = part.len() + usize::from(feed.is_some());
            self.source.consume(consumed);
            if feed.is_some() {
                return Ok(Some(bytes));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str, longest: usize) -> Vec<(u64, Result<String, u64>)> {
        let mut lines = Lines::new(io::BufReader::with_capacity(3, text.as_bytes()), longest);
        let mut found = Vec::new();
        while let Some((number, line)) = lines.next_line().unwrap() {
            found.push((
                number,
                match line {
                    Line::Whole(bytes) => Ok(String::from_utf8(bytes.to_vec()).unwrap()),
                    Line::TooLong(bytes) => Err(bytes),
                },
            ));
        }
        found
    }

    #[test]
    fn numbers_count_blank_lines_that_are_skipped() {
        assert_eq!(all("one\n\n \r\nfour\nlast", 10), [(1, Ok("one".into())), (4, Ok("four".into())), (5, Ok("last".into()))]);
        assert_eq!(all("", 10), []);
    }

    #[test]
    fn a_line_over_the_bound_is_counted_and_the_next_one_is_read() {
        assert_eq!(all("12345\n123456\nab\n", 5), [(1, Ok("12345".into())), (2, Err(6)), (3, Ok("ab".into()))]);
        assert_eq!(all("1234567", 5), [(1, Err(7))]);
    }
}
