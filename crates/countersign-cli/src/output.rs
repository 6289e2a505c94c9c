//! The two places that this program writes to: the answer on standard output, everything else on standard error.
//! What is written is decided elsewhere; a reader that has gone away is no failure of ours. What is told in a line with a name
//! can hold a stranger's words, so no terminal obeys anything in it.

use std::io::{ErrorKind, Write};

use anstyle::{AnsiColor, Style};

use crate::escape::escaped;
use crate::failure::Failure;

/// What failed, or is refused.
pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
/// What holds.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// What deserves a look.
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// What leads on.
pub(crate) const HINT: Style = AnsiColor::Cyan.on_default();
/// What matters less.
pub(crate) const FAINT: Style = Style::new().dimmed();

/// Writes (a part of) the answer. Styles in it are shown only at a terminal that takes them.
pub(crate) fn answer(text: &str) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    written(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// Writes the answer as bytes, exactly.
pub(crate) fn answer_bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    written(out.write_all(bytes).and_then(|()| out.flush()))
}

/// Tells something beside the answer.
pub(crate) fn remark(text: &str) {
    // If standard error is gone there is nobody left to tell.
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// Asks for something, and leaves the line open for the answer.
pub(crate) fn prompt(text: &str) {
    let mut err = anstream::stderr().lock();
    let _ = write!(err, "{}", escaped(text)).and_then(|()| err.flush());
}

/// Tells what to do next.
pub(crate) fn hint(text: &str) {
    labelled(HINT, "hint", text);
}

/// Tells what should be looked at, although it stops nothing.
pub(crate) fn warning(text: &str) {
    labelled(WARNING, "warning", text);
}

/// Tells something that has a name.
pub(crate) fn labelled(style: Style, label: &str, text: &str) {
    remark(&line(style, label, text));
}

fn line(style: Style, label: &str, text: &str) -> String {
    format!("{style}{label}{style:#}: {}", escaped(text))
}

fn written(result: std::io::Result<()>) -> Result<(), Failure> {
    match result {
        // Who closes the pipe has read enough: `countersign verify … | head -1` decides all the same.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::new("output-failed", "the answer can't be written to standard output").because(&error)),
        Ok(()) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_one_line_that_no_terminal_obeys() {
        let told = line(Style::new(), "note", "signed as a\u{1b}]0;b\u{7}\nerror: c");
        assert_eq!(told, r"note: signed as a\u{1b}]0;b\u{7}\u{a}error: c");
    }
}
