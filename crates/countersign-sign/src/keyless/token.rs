//! Identity tokens (OpenID Connect), and where they come from: CI systems, files, variables and programs.
//! Nobody reads here what a token says; whoever issues the certificate does. A token is never shown.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use countersign::json::Json;
use zeroize::Zeroizing;

use crate::http::{Address, Client, Request};

/// An identity token. It is wiped when it's dropped, and shown by nothing.
pub struct IdentityToken(Zeroizing<String>);

impl IdentityToken {
    /// Takes a token in its compact form (RFC 7515 §7.1): three parts of base64url.
    ///
    /// # Errors
    /// [`TokenError::NotAToken`] for anything else.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let text = text.trim_ascii();
        let is_part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let is_token = text.len() <= TOKEN_BYTES && text.split('.').count() == 3 && text.split('.').all(is_part);
        if is_token { Ok(Self(Zeroizing::new(text.to_owned()))) } else { Err(TokenError::NotAToken) }
    }

    /// Returns the token, to send it to whoever issues the certificate.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for IdentityToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityToken(…)")
    }
}

/// Where tokens come from.
#[derive(Debug)]
pub struct TokenSource(Source);

enum Source {
    /// One that was given, and serves as long as it holds.
    Given(IdentityToken),
    /// GitHub's endpoint for the jobs of Actions.
    GitHubActions { address: Address, bearer: Zeroizing<String> },
    /// A file, which whoever renews it replaces.
    File(PathBuf),
    /// A program that prints one.
    Program(Vec<String>),
}

impl TokenSource {
    /// Uses a token that is at hand.
    #[must_use]
    pub const fn given(token: IdentityToken) -> Self {
        Self(Source::Given(token))
    }

    /// Finds who offers a token here: GitHub Actions (`permissions: id-token: write`), the variable `SIGSTORE_ID_TOKEN`
    /// (as GitLab CI's `id_tokens` sets it), or Kubernetes' projected token where cosign looks for it, too.
    ///
    /// # Errors
    /// [`TokenError`] if nobody does, or what is offered can't be used.
    pub fn detect(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, TokenError> {
        if let (Some(url), Some(bearer)) = (variable(GITHUB_URL), variable(GITHUB_BEARER)) {
            return Self::github_actions(&url, bearer);
        }
        if variable(SIGSTORE_VARIABLE).is_some() {
            return Self::variable(SIGSTORE_VARIABLE, variable);
        }
        if Path::new(PROJECTED).is_file() { Ok(Self(Source::File(PROJECTED.into()))) } else { Err(TokenError::Nowhere) }
    }

    /// Reads what is written behind `keyless:`: nothing, `env:NAME`, `file:PATH` or `exec:PROGRAM ARGUMENT…`.
    ///
    /// A program's words are parted by blanks, and no shell reads them.
    ///
    /// # Errors
    /// [`TokenError`] if it's none of these, or nobody offers a token here.
    pub fn named(name: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, TokenError> {
        match name.split_once(':') {
            None if name.is_empty() => Self::detect(variable),
            Some(("env", name)) if !name.is_empty() => Self::variable(name, variable),
            Some(("file", path)) if !path.is_empty() => Ok(Self(Source::File(path.into()))),
            Some(("exec", line)) if !line.trim().is_empty() => {
                Ok(Self(Source::Program(line.split_whitespace().map(str::to_owned).collect())))
            }
            _ => Err(TokenError::SourceUnknown),
        }
    }

    fn github_actions(url: &str, bearer: String) -> Result<Self, TokenError> {
        let joint = if url.contains('?') { '&' } else { '?' };
        let address = Address::with_query(&format!("{url}{joint}audience={AUDIENCE}"));
        let address = address.ok_or(TokenError::Variable { name: GITHUB_URL.to_owned() })?;
        Ok(Self(Source::GitHubActions { address, bearer: Zeroizing::new(bearer) }))
    }

    fn variable(name: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, TokenError> {
        let missing = || TokenError::Variable { name: name.to_owned() };
        let value = Zeroizing::new(variable(name).ok_or_else(missing)?);
        Ok(Self(Source::Given(IdentityToken::parse(&value).map_err(|_| missing())?)))
    }

    /// Fetches a token.
    pub(super) fn fetch(&self, client: &Client, deadline: Instant) -> Result<IdentityToken, TokenError> {
        match &self.0 {
            Source::Given(token) => Ok(IdentityToken(token.0.clone())),
            Source::GitHubActions { address, bearer } => from_github(client, address, bearer, deadline),
            Source::File(path) => {
                let file = File::open(path).map_err(|error| TokenError::unreadable(path, error))?;
                read(file).map_err(|error| TokenError::unreadable(path, error)).and_then(|text| IdentityToken::parse(&text))
            }
            Source::Program(line) => from_program(line, deadline),
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Given(_) => "Given",
            Self::GitHubActions { .. } => "GitHubActions",
            Self::File(_) => "File",
            Self::Program(_) => "Program",
        })
    }
}

/// Asks GitHub (docs.github.com, "OpenID Connect reference").
fn from_github(client: &Client, address: &Address, bearer: &Zeroizing<String>, deadline: Instant) -> Result<IdentityToken, TokenError> {
    let unanswered = |why: String| TokenError::Unanswered { address: address.to_string(), why };
    let request = Request { address, body: None, bearer: Some(bearer), most: ANSWER_BYTES };
    let answer = client.ask(&request, deadline).map_err(|trouble| unanswered(trouble.kind.to_string()))?;
    if answer.status != 200 {
        return Err(unanswered(format!("status {}", answer.status)));
    }
    let body = Zeroizing::new(answer.body);
    let json = Json::parse(&body).ok();
    let value = json.as_ref().and_then(|json| json.get("value")).and_then(Json::as_str);
    IdentityToken::parse(value.ok_or_else(|| unanswered("an answer without a token".to_owned()))?)
}

/// Runs a program until it ends or the deadline comes. It may talk to whoever sits there on standard error.
fn from_program(line: &[String], deadline: Instant) -> Result<IdentityToken, TokenError> {
    let (program, arguments) = line.split_first().ok_or(TokenError::SourceUnknown)?;
    let failed = |why: String| TokenError::Program { program: program.clone(), why };
    let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
    let mut command = Command::new(program);
    command.args(arguments).env_remove("COUNTERSIGN_PASSPHRASE").stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| failed(error.kind().to_string()))?;
    let printed = printed(&mut child, deadline);
    // What has printed all that is read needn't run on, and what is late mustn't.
    let ended = match printed {
        Some(_) => ended(&mut child, deadline),
        None => None,
    };
    let Some(status) = ended else {
        let _ = child.kill();
        let _ = child.wait();
        return Err(failed("it took too long".to_owned()));
    };
    if !status.success() {
        return Err(failed(status.to_string()));
    }
    match printed {
        Some(Ok(text)) => IdentityToken::parse(&text),
        _ => Err(failed("what it printed can't be read".to_owned())),
    }
}

/// Reads what a program prints, on a thread of its own, since nothing else ends a read.
fn printed(child: &mut Child, deadline: Instant) -> Option<io::Result<Zeroizing<String>>> {
    let stdout = child.stdout.take()?;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(read(stdout)));
    receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()
}

fn ended(child: &mut Child, deadline: Instant) -> Option<std::process::ExitStatus> {
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if Instant::now() >= deadline {
            return None;
        }
        thread::sleep(LOOK_AGAIN);
    }
}

fn read(source: impl io::Read) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    source.take(TOKEN_BYTES as u64 + 1).read_to_string(&mut text)?;
    Ok(text)
}

/// Why there is no token. None of these holds a token, or any part of one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Nobody offers one.
    #[error("nobody offers an identity token here")]
    Nowhere,
    /// The source isn't one.
    #[error(
        "an identity token comes from `keyless:` (as the CI system offers it), `keyless:env:NAME`, `keyless:file:PATH` or `keyless:exec:PROGRAM`"
    )]
    SourceUnknown,
    /// The variable isn't set, or not to what it's for.
    #[error("the variable `{name}` holds nothing that an identity token comes from")]
    Variable {
        /// The variable.
        name: String,
    },
    /// The file can't be read.
    #[error("the identity token `{}` can't be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What was found isn't a token.
    #[error("what was given is no identity token, which is three parts of base64url with dots between")]
    NotAToken,
    /// Who issues them gives none.
    #[error("`{address}` gives no identity token: {why}")]
    Unanswered {
        /// Whom we asked.
        address: String,
        /// What came back, without its words.
        why: String,
    },
    /// The program gives none.
    #[error("`{program}` gives no identity token: {why}")]
    Program {
        /// The program, without its arguments.
        program: String,
        /// How it ended.
        why: String,
    },
}

impl TokenError {
    fn unreadable(path: &Path, source: io::Error) -> Self {
        Self::Unreadable { path: path.to_owned(), source }
    }
}

/// Whom tokens must be meant for, as Sigstore's authorities ask.
const AUDIENCE: &str = "sigstore";
const GITHUB_URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
const GITHUB_BEARER: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";
const SIGSTORE_VARIABLE: &str = "SIGSTORE_ID_TOKEN";
const PROJECTED: &str = "/var/run/sigstore/cosign/oidc-token";
const TOKEN_BYTES: usize = 64 << 10;
const ANSWER_BYTES: u64 = 128 << 10;
const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_millis(5);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn variables(name: &str) -> Option<String> {
        match name {
            "GOOD" => Some(" e30.e30.c2ln\n".to_owned()),
            "BAD" => Some("hunter2".to_owned()),
            _ => None,
        }
    }

    fn fetched(name: &str) -> Result<String, TokenError> {
        let source = TokenSource::named(name, &variables)?;
        Ok(source.fetch(&Client::new(Duration::from_secs(5)), Instant::now() + Duration::from_secs(20))?.expose().to_owned())
    }

    #[test]
    fn takes_tokens_from_variables_files_and_programs() {
        assert_eq!(fetched("env:GOOD").unwrap(), "e30.e30.c2ln");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "e30.e30.ZmlsZQ\n").unwrap();
        assert_eq!(fetched(&format!("file:{}", file.path().display())).unwrap(), "e30.e30.ZmlsZQ");
        assert_eq!(fetched("exec:echo e30.e30.cHJvZ3JhbQ").unwrap(), "e30.e30.cHJvZ3JhbQ");
    }

    #[test]
    fn says_why_there_is_none_and_never_shows_what_there_was() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "hunter2").unwrap();
        let missing = file.path().with_extension("missing").display().to_string();
        for (name, words) in [
            ("env:BAD", "the variable `BAD`"),
            ("env:NONE", "the variable `NONE`"),
            ("env:", "keyless:env:NAME"),
            ("nobody", "keyless:env:NAME"),
            (&format!("file:{}", file.path().display()), "no identity token"),
            (&format!("file:{missing}"), "can't be read"),
            ("exec:echo hunter2", "no identity token"),
            ("exec:false hunter2", "`false` gives no identity token: exit status: 1"),
            ("exec:/nowhere/at/all hunter2", "`/nowhere/at/all` gives no identity token"),
        ] {
            let error = fetched(name).unwrap_err();
            assert!(error.to_string().contains(words), "{name}: {error}");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{name}: {error:?}");
        }
        let token = IdentityToken::parse("e30.e30.c2VjcmV0").unwrap();
        let shown = format!("{token:?}");
        assert!(!format!("{shown} {:?}", TokenSource::given(token)).contains("c2VjcmV0"));
    }

    #[test]
    fn waits_for_no_program_beyond_the_deadline() {
        let started = Instant::now();
        for line in ["exec:sleep 60", "exec:sh -c exec>&-;sleep${IFS}60"] {
            let source = TokenSource::named(line, &variables).unwrap();
            let error = source.fetch(&Client::new(Duration::from_secs(5)), Instant::now() + Duration::from_millis(200)).unwrap_err();
            assert!(error.to_string().ends_with("it took too long"), "{error}");
        }
        assert!(started.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn takes_nothing_else_for_a_token() {
        for text in ["", "a.b", "a.b.c.d", "a..c", "a.b.c=", "a.b.c d", "a.b.\u{e4}", &format!("a.b.{}", "c".repeat(TOKEN_BYTES))] {
            assert!(IdentityToken::parse(text).is_err(), "{text:.20}");
        }
    }
}
