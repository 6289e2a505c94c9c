//! Identity tokens (OpenID Connect), and where they come from: CI systems, files, variables, programs, agents and persons.
//! Of what a token says only its end is read here; whoever issues the certificate reads the rest. A token is never shown.
//! How a person signs in stands in `sign_in`, how SPIFFE's agent is asked in `spiffe`.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign::json::Json;
use countersign::time::Time;
use zeroize::Zeroizing;

use super::sign_in::SignIn;
#[cfg(feature = "spiffe")]
use super::spiffe::WorkloadApi;
use crate::http::{Address, Client, Request};
use crate::program::{self, Failed, Program};

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

    /// Returns true if the text looks like a token whatever it's given for, so that nobody repeats it: it begins with the
    /// header of one, an object of JSON (RFC 7515 §4).
    #[must_use]
    pub fn is_in(text: &str) -> bool {
        let header = |token: &Self| token.part(0).is_some_and(|header| header.trim_ascii_start().starts_with(b"{"));
        Self::parse(text).is_ok_and(|token| header(&token))
    }

    /// Refuses a token whose end (RFC 7519 §4.1.4) is past. One that names no end, or can't be read, is for its reader to judge.
    pub(super) fn unexpired(self, now: Time) -> Result<Self, TokenError> {
        let claims = self.claims();
        let end = match claims.as_ref().and_then(|claims| claims.get("exp")) {
            #[expect(clippy::cast_possible_truncation, reason = "what no time can be is refused by the next step")]
            Some(Json::Number(seconds)) => Time::from_unix(seconds.floor() as i64).ok(),
            _ => None,
        };
        match end {
            Some(end) if end <= now => Err(TokenError::Expired { end, now: now.whole_seconds() }),
            _ => Ok(self),
        }
    }

    /// Reads what the token says (RFC 7519 §4), which nobody has verified.
    pub(super) fn claims(&self) -> Option<Json> {
        Json::parse(&self.part(1)?).ok()
    }

    fn again(&self) -> Self {
        Self(self.0.clone())
    }

    fn part(&self, number: usize) -> Option<Zeroizing<Vec<u8>>> {
        URL_SAFE_NO_PAD.decode(self.0.split('.').nth(number)?).ok().map(Zeroizing::new)
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
pub struct TokenSource {
    source: Source,
    variable: Option<String>,
}

enum Source {
    /// One that was given, and serves as long as it holds.
    Given(IdentityToken),
    /// GitHub's endpoint for the jobs of Actions.
    GitHubActions { address: Address, bearer: Zeroizing<String> },
    /// A file, which whoever renews it replaces.
    File(PathBuf),
    /// A program that prints one.
    Program(Program),
    /// A person.
    Person(SignIn),
    /// SPIFFE's agent.
    #[cfg(feature = "spiffe")]
    Spiffe(WorkloadApi),
}

impl TokenSource {
    /// Uses a token that is at hand.
    #[must_use]
    pub const fn given(token: IdentityToken) -> Self {
        Self { source: Source::Given(token), variable: None }
    }

    /// Has a person sign in with the issuer that the signing configuration names, each time that a token is needed.
    #[must_use]
    pub const fn person(sign_in: SignIn) -> Self {
        Self { source: Source::Person(sign_in), variable: None }
    }

    /// Returns true if a person has to sign in.
    pub(super) const fn is_person(&self) -> bool {
        matches!(self.source, Source::Person(_))
    }

    /// Returns the variable that holds the token, if it comes from one: who else is run needn't get it.
    #[must_use]
    pub fn token_variable(&self) -> Option<&str> {
        self.variable.as_deref()
    }

    /// Returns the program that gives the token, if it comes from one: whoever can change it chooses what runs, with our rights.
    pub(super) fn program(&self) -> Option<&Path> {
        if let Source::Program(program) = &self.source { program.path() } else { None }
    }

    /// Finds who offers a token here: GitHub Actions (`permissions: id-token: write`), the variable `SIGSTORE_ID_TOKEN`
    /// (as GitLab CI's `id_tokens` sets it), Kubernetes' projected token where cosign looks for it, too, or the agent of SPIFFE that
    /// `SPIFFE_ENDPOINT_SOCKET` names (with the feature `spiffe`).
    ///
    /// # Errors
    /// [`TokenError`] if nobody does, or what is offered can't be used.
    pub fn detect(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, TokenError> {
        Self::detected(variable, Path::new(PROJECTED))
    }

    fn detected(variable: &dyn Fn(&str) -> Option<String>, projected: &Path) -> Result<Self, TokenError> {
        if let (Some(url), Some(bearer)) = (variable(GITHUB_URL), variable(GITHUB_BEARER)) {
            return Self::github_actions(&url, bearer);
        }
        if variable(SIGSTORE_VARIABLE).is_some() {
            return Self::variable(SIGSTORE_VARIABLE, variable);
        }
        if projected.is_file() {
            return Ok(Source::File(projected.into()).into());
        }
        if cfg!(feature = "spiffe") && variable(SPIFFE_SOCKET).is_some() { Self::spiffe(variable) } else { Err(TokenError::Nowhere) }
    }

    /// Reads what is written behind `keyless:`: nothing, `spiffe`, `env:NAME`, `file:PATH` or `exec:PROGRAM ARGUMENT…`.
    ///
    /// A program's words are parted by blanks, and no shell reads them.
    ///
    /// # Errors
    /// [`TokenError`] if it's none of these, or nobody offers a token here.
    pub fn named(name: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, TokenError> {
        match name.split_once(':') {
            None if name.is_empty() => Self::detect(variable),
            None if name == "spiffe" => Self::spiffe(variable),
            // A variable's value is easily given for its name (`env:$TOKEN`), and isn't repeated then.
            Some((_, given)) if given.split_whitespace().next().is_some_and(IdentityToken::is_in) => Err(TokenError::Misplaced),
            Some(("env", name)) if !name.is_empty() && !is_variable(name) => Err(TokenError::Misplaced),
            Some(("env", name)) if !name.is_empty() => Self::variable(name, variable),
            Some(("file", path)) if !path.is_empty() => Ok(Source::File(path.into()).into()),
            Some(("exec", line)) => Program::named(line).map(|program| Source::Program(program).into()).ok_or(TokenError::SourceUnknown),
            _ => Err(TokenError::SourceUnknown),
        }
    }

    #[cfg(feature = "spiffe")]
    fn spiffe(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, TokenError> {
        let api = variable(SPIFFE_SOCKET).and_then(|address| WorkloadApi::parse(&address));
        Ok(Source::Spiffe(api.ok_or(TokenError::Variable { name: SPIFFE_SOCKET.to_owned() })?).into())
    }

    #[cfg(not(feature = "spiffe"))]
    const fn spiffe(_: &dyn Fn(&str) -> Option<String>) -> Result<Self, TokenError> {
        Err(TokenError::SpiffeMissing)
    }

    fn github_actions(url: &str, bearer: String) -> Result<Self, TokenError> {
        let joint = if url.contains('?') { '&' } else { '?' };
        let address = Address::with_query(&format!("{url}{joint}audience={AUDIENCE}"));
        let address = address.ok_or(TokenError::Variable { name: GITHUB_URL.to_owned() })?;
        Ok(Source::GitHubActions { address, bearer: Zeroizing::new(bearer) }.into())
    }

    fn variable(name: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, TokenError> {
        let missing = || TokenError::Variable { name: name.to_owned() };
        let value = Zeroizing::new(variable(name).ok_or_else(missing)?);
        let token = IdentityToken::parse(&value).map_err(|_| missing())?;
        Ok(Self { source: Source::Given(token), variable: Some(name.to_owned()) })
    }

    /// Refuses what can be seen to give no token without asking for one, whatever time passes until one is fetched.
    pub(super) fn check(&self, issuer: Option<&Address>, now: Time) -> Result<(), TokenError> {
        match &self.source {
            Source::Person(_) => issuer.map(drop).ok_or(TokenError::IssuerMissing),
            #[cfg(feature = "spiffe")]
            Source::Spiffe(api) => api.check().map_err(|why| TokenError::unanswered(api, why)),
            Source::Given(token) => token.again().unexpired(now).map(drop),
            Source::GitHubActions { .. } => Ok(()),
            Source::File(path) => {
                // Only a file's opening waits for nobody; what it says is renewed until it's read.
                let is_file = path.metadata().map(|metadata| metadata.is_file());
                let opened = is_file.and_then(|is_file| if is_file { File::open(path).map(drop) } else { Ok(()) });
                opened.map_err(|error| TokenError::unreadable(path, error))
            }
            Source::Program(program) => {
                let why = || program::not_started(io::ErrorKind::NotFound).to_owned();
                program.path().map(drop).ok_or_else(|| TokenError::Program { program: program.name().to_owned(), why: why() })
            }
        }
    }

    /// Fetches a token; `issuer` is the one with whom a person signs in, who has a time of their own for it.
    pub(super) fn fetch(&self, client: &Client, issuer: Option<&Address>, deadline: Instant) -> Result<IdentityToken, TokenError> {
        match &self.source {
            Source::Person(sign_in) => sign_in.fetch(client, issuer.ok_or(TokenError::IssuerMissing)?),
            #[cfg(feature = "spiffe")]
            Source::Spiffe(api) => api.fetch(AUDIENCE, deadline).map_err(|why| TokenError::unanswered(api, why)),
            Source::Given(token) => Ok(token.again()),
            Source::GitHubActions { address, bearer } => from_github(client, address, bearer, deadline),
            Source::File(path) => from_file(path, deadline).map_err(|error| TokenError::unreadable(path, error))?,
            Source::Program(program) => from_program(program, deadline),
        }
    }
}

impl From<Source> for TokenSource {
    fn from(source: Source) -> Self {
        Self { source, variable: None }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Given(_) => "Given",
            Self::GitHubActions { .. } => "GitHubActions",
            Self::File(_) => "File",
            Self::Program(_) => "Program",
            Self::Person(_) => "Person",
            #[cfg(feature = "spiffe")]
            Self::Spiffe(_) => "Spiffe",
        })
    }
}

/// Asks GitHub (docs.github.com, "OpenID Connect reference").
fn from_github(client: &Client, address: &Address, bearer: &Zeroizing<String>, deadline: Instant) -> Result<IdentityToken, TokenError> {
    let unanswered = |why: String| TokenError::unanswered(address, why);
    let bearer = Zeroizing::new(format!("Bearer {}", bearer.as_str()));
    let request = Request { address, body: None, headers: &[("authorization", &bearer)], most: ANSWER_BYTES };
    let answer = client.ask(&request, deadline).map_err(|trouble| unanswered(trouble.kind.to_string()))?;
    if answer.status != 200 {
        return Err(unanswered(format!("status {}", answer.status)));
    }
    let body = Zeroizing::new(answer.body);
    let json = Json::parse(&body).ok();
    let value = json.as_ref().and_then(|json| json.get("value")).and_then(Json::as_str);
    IdentityToken::parse(value.ok_or_else(|| unanswered("an answer without a token".to_owned()))?)
}

/// Reads a file, which may be a pipe that nobody writes to: on a thread of its own, since nothing else ends that.
fn from_file(path: &Path, deadline: Instant) -> io::Result<Result<IdentityToken, TokenError>> {
    let (sender, receiver) = mpsc::channel();
    let opened = path.to_owned();
    thread::spawn(move || sender.send(File::open(opened).and_then(read)));
    let text = receiver.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    Ok(IdentityToken::parse(&text.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??))
}

/// Runs a program until it ends or the deadline comes.
fn from_program(program: &Program, deadline: Instant) -> Result<IdentityToken, TokenError> {
    let failed = |why: &str| TokenError::Program { program: program.name().to_owned(), why: why.to_owned() };
    let printed = program.ask(&[], Vec::new(), TOKEN_BYTES as u64, &|| Instant::now() >= deadline);
    let printed = printed.map_err(|error| match error {
        Failed::NotStarted(kind) => failed(program::not_started(kind)),
        Failed::Ended(status) => failed(&status.to_string()),
        Failed::TooMuch => failed("it prints more than a token has"),
        Failed::Stopped => failed(program::STOPPED),
        Failed::Over => failed("it took too long"),
    })?;
    IdentityToken::parse(std::str::from_utf8(&printed).map_err(|_| TokenError::NotAToken)?)
}

fn read(source: impl io::Read) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    source.take(TOKEN_BYTES as u64 + 1).read_to_string(&mut text)?;
    Ok(text)
}

/// Returns true for the name of a variable (POSIX, Base Definitions §8.1).
fn is_variable(name: &str) -> bool {
    !name.starts_with(|first: char| first.is_ascii_digit()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
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
        "an identity token comes from `keyless:` (as the CI system offers it), `keyless:browser`, `keyless:code`, `keyless:spiffe`, \
         `keyless:env:NAME`, `keyless:file:PATH` or `keyless:exec:PROGRAM`"
    )]
    SourceUnknown,
    /// What is given is a token itself, or anything else in place of a variable's name.
    #[error("what is given behind `keyless:` is no name of where a token comes from, and isn't repeated, since it may be the token itself")]
    Misplaced,
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
    /// The token has expired.
    #[error("the identity token expired at {end}, and it's {now}")]
    Expired {
        /// Until when it held.
        end: Time,
        /// The time that it is.
        now: Time,
    },
    /// Who issues them gives none.
    #[error("`{address}` gives no identity token: {why}")]
    Unanswered {
        /// Whom we asked.
        address: String,
        /// What came back, without its words.
        why: String,
    },
    /// The feature `spiffe` isn't compiled in.
    #[error("this build doesn't speak SPIFFE's Workload API")]
    SpiffeMissing,
    /// Nobody says with whom a person could sign in.
    #[error("the signing configuration names nobody to sign in with (`oidcUrls`) who can be asked now")]
    IssuerMissing,
    /// The person hasn't signed in, or not so that it can be used.
    #[error("signing in with `{issuer}` gave no identity token: {why}")]
    SignIn {
        /// With whom.
        issuer: String,
        /// What came of it, without anybody's words.
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
    fn unanswered(address: &impl fmt::Display, why: impl Into<String>) -> Self {
        Self::Unanswered { address: address.to_string(), why: why.into() }
    }

    fn unreadable(path: &Path, source: io::Error) -> Self {
        Self::Unreadable { path: path.to_owned(), source }
    }
}

/// Whom tokens must be meant for, as Sigstore's authorities ask.
const AUDIENCE: &str = "sigstore";
const GITHUB_URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
const GITHUB_BEARER: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";
/// Where SPIFFE's agent is (SPIFFE Workload Endpoint §4).
const SPIFFE_SOCKET: &str = "SPIFFE_ENDPOINT_SOCKET";
const SIGSTORE_VARIABLE: &str = "SIGSTORE_ID_TOKEN";
const PROJECTED: &str = "/var/run/sigstore/cosign/oidc-token";
const TOKEN_BYTES: usize = 64 << 10;
const ANSWER_BYTES: u64 = 128 << 10;

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
        Ok(source.fetch(&Client::new(Duration::from_secs(5)), None, Instant::now() + Duration::from_secs(20))?.expose().to_owned())
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
    fn takes_the_token_that_kubernetes_projects_and_the_one_that_replaces_it() {
        // As a projected volume lies there: the file is a link through `..data`, which is replaced as a whole.
        let folder = tempfile::tempdir().unwrap();
        let projected = folder.path().join("oidc-token");
        let detected = |variable: &dyn Fn(&str) -> Option<String>| TokenSource::detected(variable, &projected);
        assert!(matches!(detected(&|_| None), Err(TokenError::Nowhere)));
        let project = |version: &str, token: &str| {
            std::fs::create_dir(folder.path().join(version)).unwrap();
            std::fs::write(folder.path().join(version).join("oidc-token"), token).unwrap();
            std::os::unix::fs::symlink(version, folder.path().join("..new")).unwrap();
            std::fs::rename(folder.path().join("..new"), folder.path().join("..data")).unwrap();
        };
        project("..2025_1", "e30.e30.b25l");
        std::os::unix::fs::symlink("..data/oidc-token", &projected).unwrap();
        let source = detected(&|_| None).unwrap();
        let fetched = || {
            let token = source.fetch(&Client::new(Duration::from_secs(5)), None, Instant::now() + Duration::from_secs(20));
            token.unwrap().expose().to_owned()
        };
        assert_eq!(fetched(), "e30.e30.b25l");
        project("..2025_2", "e30.e30.dHdv");
        assert_eq!(fetched(), "e30.e30.dHdv");
        // What a CI system offers to the job itself comes first.
        let given = |name: &str| (name == SIGSTORE_VARIABLE).then(|| "e30.e30.Y2k".to_owned());
        assert_eq!(detected(&given).unwrap().token_variable(), Some(SIGSTORE_VARIABLE));
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
            ("exec:/nowhere/at/all hunter2", "`/nowhere/at/all` gives no identity token: there is no such program"),
            ("exec:yes hunter2", "`yes` gives no identity token: it prints more"),
            ("env:hunter2-hunter2", "isn't repeated"),
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
    fn repeats_no_token_that_is_given_in_place_of_its_source() {
        let token = token_of("{}");
        for name in ["env", "file", "exec", "other"].map(|source| format!("{source}:{token}")) {
            let error = TokenSource::named(&name, &variables).unwrap_err();
            assert!(matches!(error, TokenError::Misplaced), "{error:?}");
            assert!(!format!("{error} {error:?}").contains(token.split('.').next_back().unwrap()), "{error:?}");
        }
        // A file's name may have three parts, and isn't a token's.
        assert!(TokenSource::named("file:ci.token.txt", &variables).is_ok());
    }

    #[test]
    fn sends_no_token_that_has_expired() {
        let now: Time = "2025-12-15T00:00:00Z".parse().unwrap();
        let judged = |claims: &str| IdentityToken::parse(&token_of(claims)).unwrap().unexpired(now).map(drop);
        for good in [r#"{"exp":1765756801}"#, r#"{"exp":1765756801.5}"#, "{}", r#"{"exp":"soon"}"#, r#"{"exp":1e15}"#, "no JSON"] {
            assert!(judged(good).is_ok(), "{good}");
        }
        for past in [r#"{"exp":1765756800}"#, r#"{"exp":1765756799.9}"#] {
            let error = judged(past).unwrap_err().to_string();
            assert!(error.contains("expired at 2025-12-1") && error.ends_with("it's 2025-12-15T00:00:00Z"), "{error}");
        }
    }

    #[test]
    fn sees_beforehand_what_will_give_no_token() {
        let now: Time = "2025-12-15T00:00:00Z".parse().unwrap();
        let checked = |name: &str| {
            let variables = |_: &str| Some(token_of(r#"{"exp":1765756799}"#));
            TokenSource::named(name, &variables).unwrap().check(None, now)
        };
        for bad in ["env:EXPIRED", "file:/nowhere/at/all", "exec:/nowhere/at/all", "exec:nowhere-at-all"] {
            assert!(checked(bad).is_err(), "{bad}");
        }
        // Not even opened: whoever writes to it may come later.
        let folder = pipe();
        assert!(checked(&format!("file:{}", folder.path().join("pipe").display())).is_ok());
        assert!(checked("exec:sh").is_ok());
    }

    #[test]
    fn waits_for_no_pipe_beyond_the_deadline() {
        let (folder, started) = (pipe(), Instant::now());
        let path = folder.path().join("pipe");
        let source = TokenSource::named(&format!("file:{}", path.display()), &variables).unwrap();
        let error = source.fetch(&Client::new(Duration::from_secs(5)), None, Instant::now() + Duration::from_millis(200)).unwrap_err();
        assert!(matches!(&error, TokenError::Unreadable { source, .. } if source.kind() == io::ErrorKind::TimedOut), "{error:?}");
        assert!(started.elapsed() < Duration::from_secs(20));
        // One that somebody writes to is as good as a file. Another one, since somebody still waits for the first.
        let folder = pipe();
        let path = folder.path().join("pipe");
        let source = TokenSource::named(&format!("file:{}", path.display()), &variables).unwrap();
        let writer = thread::spawn(move || std::fs::write(path, "e30.e30.cGlwZQ"));
        let token = source.fetch(&Client::new(Duration::from_secs(5)), None, Instant::now() + Duration::from_secs(20));
        assert_eq!(token.unwrap().expose(), "e30.e30.cGlwZQ");
        writer.join().unwrap().unwrap();
    }

    #[test]
    fn gives_a_program_nothing_of_ours_and_waits_for_nobody_it_leaves_behind() {
        // Cargo sets one for tests: COUNTERSIGN_CORPORA.
        assert!(std::env::vars_os().any(|(name, _)| name.as_encoded_bytes().starts_with(b"COUNTERSIGN_")));
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("helper");
        std::fs::write(&script, "#!/bin/sh\nsleep 60 &\nenv | grep -q ^COUNTERSIGN_ && exit 9\necho e30.e30.c2Vlbg\n").unwrap();
        std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        assert_eq!(fetched(&format!("exec:{}", script.display())).unwrap(), "e30.e30.c2Vlbg");
    }

    /// A folder with a pipe in it.
    fn pipe() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, folder.path().join("pipe"), rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
        folder
    }

    fn token_of(claims: &str) -> String {
        let [header, claims, signature] = [r#"{"alg":"none"}"#, claims, "signature"].map(|part| URL_SAFE_NO_PAD.encode(part));
        format!("{header}.{claims}.{signature}")
    }

    #[test]
    fn waits_for_no_program_beyond_the_deadline() {
        let started = Instant::now();
        for line in ["exec:sleep 60", "exec:sh -c exec>&-;sleep${IFS}60"] {
            let source = TokenSource::named(line, &variables).unwrap();
            let error = source.fetch(&Client::new(Duration::from_secs(5)), None, Instant::now() + Duration::from_millis(200)).unwrap_err();
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
