//! The person at the terminal who signs in: whether there is one, what they're told, and how their browser opens.
//! What is asked of the issuer, and what its answer must be, is the signers' crate's affair.

use std::env;
use std::ffi::OsString;
use std::io::{self, BufRead as _, IsTerminal as _, Read as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;

use countersign_sign::{Person, SignIn, TokenSource};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::output;

/// Has the person sign in with a browser of this machine.
pub(crate) fn by_browser() -> Result<TokenSource, Failure> {
    if sees() { Ok(TokenSource::person(SignIn::by_browser(Arc::new(AtTerminal)))) } else { Err(nobody("keyless:browser")) }
}

/// Has the person sign in with a browser of any machine, and type the code.
pub(crate) fn by_code() -> Result<TokenSource, Failure> {
    if sees() && types() { Ok(TokenSource::person(SignIn::by_code(Arc::new(AtTerminal)))) } else { Err(nobody("keyless:code")) }
}

/// Has the person sign in as it can be done here; `None` where nobody can be asked, as in a CI job, which may have a terminal.
pub(crate) fn at_hand() -> Option<TokenSource> {
    let variable = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    if variable("CI").is_some_and(|value| value != "false") {
        return None;
    }
    if has_browser(&variable) { by_browser().ok() } else { by_code().ok() }
}

/// Returns true if whoever sits here has a browser on this machine.
///
/// Who comes by SSH sits elsewhere, unless a program was set that knows the way to their browser.
fn has_browser(variable: &dyn Fn(&str) -> Option<OsString>) -> bool {
    let is_set = |name| variable(name).is_some();
    let is_desktop = cfg!(target_os = "macos") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY");
    is_set("BROWSER") || is_desktop && !is_set("SSH_CONNECTION") && !is_set("SSH_TTY")
}

fn sees() -> bool {
    io::stderr().is_terminal()
}

fn types() -> bool {
    io::stdin().is_terminal()
}

fn nobody(signer: &str) -> Failure {
    Failure::new("token-missing", format!("`{signer}` has a person sign in, and there is no terminal to ask them at"))
        .hint("a job signs by a token that is given to it: `keyless:`, `keyless:env:NAME`, `keyless:file:PATH` or `keyless:exec:PROGRAM`")
}

/// Whoever sits at the terminal.
struct AtTerminal;

impl Person for AtTerminal {
    fn browse(&self, address: &str) {
        told("sign in with the browser that opens at the address below", address);
        let program = browser(env::var("BROWSER").ok().as_deref(), address);
        let is_open = program.split_first().is_some_and(|(program, arguments)| opens(program, arguments));
        output::hint(if is_open {
            "if no browser opens, open the address on this machine; with a browser elsewhere, end this by Ctrl-C and sign with `keyless:code`"
        } else {
            "no browser can be started: open the address on this machine, or end this by Ctrl-C and sign with `keyless:code`"
        });
    }

    fn code(&self, address: &str) -> io::Result<Zeroizing<String>> {
        told("sign in at the address below, with any browser, and bring the code that it shows", address);
        output::prompt("Code: ");
        // The full capacity at once: growing would leave copies behind.
        let mut line = Zeroizing::new(String::with_capacity(LINE_BYTES));
        io::stdin().lock().take(LINE_BYTES as u64).read_line(&mut line)?;
        Ok(line)
    }
}

fn told(what: &str, address: &str) {
    output::labelled(output::FAINT, "note", &format!("{what}; the email address that you sign in with becomes public for ever"));
    // A line of its own, whole, so that it can be copied. No terminal obeys anything in it.
    output::remark(address);
}

/// Names the program that opens an address, and its arguments: no shell reads them.
///
/// Of several in `BROWSER`, parted by colons, the first counts; `%s` stands for the address.
fn browser(variable: Option<&str>, address: &str) -> Vec<String> {
    let default = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let chosen = variable.and_then(|variable| variable.split(':').find(|program| !program.trim().is_empty())).unwrap_or(default);
    let mut words: Vec<_> = chosen.split_whitespace().map(|word| word.replace("%s", address)).collect();
    if !chosen.contains("%s") {
        words.push(address.to_owned());
    }
    words
}

/// Starts the browser, apart from us: it says nothing here, and Ctrl-C leaves it alone.
fn opens(program: &str, arguments: &[String]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    for (name, _) in env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"COUNTERSIGN_")) {
        command.env_remove(name);
    }
    // Some end when they have handed the address on, others when their window is closed: it's waited for on the side.
    command.spawn().is_ok_and(|mut child| {
        thread::spawn(move || child.wait());
        true
    })
}

/// Longer than any code.
const LINE_BYTES: usize = 8_192;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_for_a_browser_where_whoever_sits_here_has_one() {
        let has = |set: &[&str]| has_browser(&|name| set.contains(&name).then(|| OsString::from("set")));
        for (set, expected) in [
            (&[][..], cfg!(target_os = "macos")),
            (&["DISPLAY"], true),
            (&["WAYLAND_DISPLAY"], true),
            (&["DISPLAY", "SSH_CONNECTION"], false),
            (&["WAYLAND_DISPLAY", "SSH_TTY"], false),
            (&["BROWSER"], true),
            (&["BROWSER", "SSH_CONNECTION"], true),
        ] {
            assert_eq!(has(set), expected, "{set:?}");
        }
    }

    #[test]
    fn gives_the_address_as_one_argument_whatever_stands_in_it() {
        let address = "https://issuer.example.test/auth?a=b&c=$(d)";
        let words = |variable| browser(variable, address).join("\n");
        assert_eq!(words(Some("firefox")), format!("firefox\n{address}"));
        assert_eq!(words(Some("firefox --new-window %s:lynx")), format!("firefox\n--new-window\n{address}"));
        for none in [None, Some(""), Some(" : ")] {
            assert!(words(none).ends_with(&format!("open\n{address}")), "{none:?}");
        }
    }
}
