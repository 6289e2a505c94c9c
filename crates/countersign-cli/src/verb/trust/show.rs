//! `countersign trust show`: who stands in trust roots, until when, and how old they are.
//! Nothing is fetched.

use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use countersign::json::{Json, Object};
use countersign::time::Time;
use countersign::trust::{Authority, AuthorityKind, Credential, TrustRoot};
use countersign_sign::FetchedTrust;

use crate::asking::trust_root;
use crate::clock;
use crate::escape::escaped;
use crate::failure::Failure;
use crate::output::{self, FAINT, GOOD, WARNING};
use crate::public_good::{self, PublicGood};
use crate::verb::verify::Format;

/// Shows who stands in trust roots, when their word counts, by which keys, and how old the root is; fetches nothing
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  countersign trust show\n  countersign trust show trusted_root.json --format json")]
pub(super) struct Show {
    /// Trust roots (trusted_root.json), or `public-good` [default: public-good, as it's used where no file is given]
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    roots: Vec<PathBuf>,
    /// How they're shown
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Human)]
    format: Format,
}

impl Show {
    pub(super) fn run(self) -> Result<(), Failure> {
        let at = clock::now()?;
        let names = if self.roots.is_empty() { vec![PathBuf::from(public_good::NAME)] } else { self.roots };
        let shown = names.iter().map(|name| Shown::named(name)).collect::<Result<Vec<_>, _>>()?;
        match self.format {
            Format::Human => {
                let mut text = String::new();
                for (place, shown) in shown.iter().enumerate() {
                    // INVARIANT: writing to a string never fails.
                    let _ = shown.human(&mut text, place > 0, at);
                }
                output::answer(&text)
            }
            Format::Json => {
                let roots = shown.iter().map(|shown| shown.json(at)).collect();
                let schema = Json::from("https://countersign.dev/trust/v1");
                let whole = object([("schema", schema), ("at", Json::from(at.to_string())), ("roots", Json::Array(roots))]);
                output::answer_bytes(&[whole.canonical(), b"\n".to_vec()].concat())
            }
        }
    }
}

/// A trust root, and where it's from.
struct Shown {
    name: String,
    root: TrustRoot,
    source: Source,
}

enum Source {
    File,
    BuiltIn(Time),
    Fetched(FetchedTrust),
}

impl Shown {
    fn named(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        if !public_good::is_meant_by(path) {
            return Ok(Self { name, root: trust_root(path)?, source: Source::File });
        }
        let found = PublicGood::find()?;
        let root = found.root().clone();
        let source = match found {
            PublicGood::BuiltIn(_, as_of) => Source::BuiltIn(as_of),
            PublicGood::Fetched(fetched) => Source::Fetched(fetched),
        };
        Ok(Self { name, root, source })
    }

    fn human(&self, out: &mut String, is_another: bool, at: Time) -> fmt::Result {
        if is_another {
            writeln!(out)?;
        }
        writeln!(out, "{}  {}", escaped(&self.name), self.root.digest())?;
        match &self.source {
            Source::BuiltIn(as_of) => writeln!(out, "  built in, as of {}", public_good::day(*as_of))?,
            Source::Fetched(fetched) => {
                let (style, state) = if fetched.is_stale(at) { (WARNING, "STALE") } else { (GOOD, "fresh") };
                let until = fetched.fresh_until();
                writeln!(out, "  {style}{state}{style:#}  fetched by `trust update`, to be fetched anew by {until}")?;
            }
            Source::File if self.root.is_public_good() => writeln!(out, "  a file, of Sigstore's public-good instance by its CAs")?,
            Source::File => writeln!(out, "  a file; a policy names it as `trustRoot: {}`", self.root.digest())?,
        }
        let authorities = self.root.authorities();
        for kind in AuthorityKind::ALL {
            let mut listed = authorities.iter().filter(|authority| authority.kind == kind).peekable();
            if listed.peek().is_some() {
                writeln!(out, "  {}", title(kind))?;
            }
            for authority in listed {
                human(out, authority, at)?;
            }
        }
        Ok(())
    }

    fn json(&self, at: Time) -> Json {
        let (source, as_of, fetched) = match &self.source {
            Source::File => ("file", None, None),
            Source::BuiltIn(as_of) => ("built-in", Some(*as_of), None),
            Source::Fetched(fetched) => ("fetched", None, Some(fetched)),
        };
        let fetched = fetched.map_or(Json::Null, |fetched| {
            let versions = fetched.versions();
            let parts = [
                ("root", versions.root),
                ("timestamp", versions.timestamp),
                ("snapshot", versions.snapshot),
                ("targets", versions.targets),
            ];
            object([
                ("freshUntil", Json::from(fetched.fresh_until().to_string())),
                ("stale", Json::Bool(fetched.is_stale(at))),
                ("versions", object(parts.map(|(role, version)| (role, Json::of(&version).unwrap_or(Json::Null))))),
            ])
        });
        object([
            ("digest", Json::from(self.root.digest().to_string())),
            ("publicGood", Json::Bool(self.root.is_public_good())),
            ("source", Json::from(source)),
            ("asOf", time(as_of)),
            ("fetched", fetched),
            ("authorities", Json::Array(self.root.authorities().iter().map(|authority| json(authority, at)).collect())),
        ])
    }
}

const fn title(kind: AuthorityKind) -> &'static str {
    match kind {
        AuthorityKind::CertificateAuthority => "certificate authorities",
        AuthorityKind::CertificateLog => "logs of certificates",
        AuthorityKind::Log => "logs of signatures",
        AuthorityKind::TimestampAuthority => "timestamp authorities",
        _ => "others",
    }
}

/// What an authority's window says of a time.
fn state(authority: &Authority, at: Time) -> &'static str {
    if authority.until.is_some_and(|until| until < at) {
        "ended"
    } else if authority.from.is_some_and(|from| from > at) {
        "future"
    } else {
        "current"
    }
}

fn human(out: &mut String, authority: &Authority, at: Time) -> fmt::Result {
    let name = authority.name.iter().map(|name| format!("  {}", escaped(name))).collect::<String>();
    let address = authority.address.as_deref().filter(|address| !address.is_empty()).unwrap_or("(no address)");
    let state = state(authority, at);
    let style = if state == "current" { GOOD } else { FAINT };
    writeln!(out, "    {}{name}  {}  {style}{state}{style:#}", escaped(address), window(authority.from, authority.until))?;
    match &authority.credential {
        Credential::Key { fingerprint, details, .. } => writeln!(out, "      {fingerprint}  {FAINT}{}{FAINT:#}", escaped(details)),
        Credential::Chain(chain) => chain.iter().try_for_each(|certificate| {
            let subject = certificate.subject.as_deref().unwrap_or("nobody by name");
            let window = window(certificate.not_before, certificate.not_after);
            writeln!(out, "      {}  {FAINT}{}  {window}{FAINT:#}", certificate.fingerprint, escaped(subject))
        }),
        _ => Ok(()),
    }
}

fn window(from: Option<Time>, until: Option<Time>) -> String {
    let from = from.map_or("always".to_owned(), |from| format!("from {from}"));
    until.map_or(from.clone(), |until| format!("{from} until {until}"))
}

fn json(authority: &Authority, at: Time) -> Json {
    let text = |text: &Option<String>| text.as_deref().map_or(Json::Null, Json::from);
    let (key, chain) = match &authority.credential {
        Credential::Key { fingerprint, details, log_id, .. } => {
            let key = [("fingerprint", fingerprint.to_string()), ("details", details.clone()), ("logId", log_id.clone())];
            (object(key.map(|(name, value)| (name, Json::from(value)))), Vec::new())
        }
        Credential::Chain(chain) => {
            let certificate = |certificate: &countersign::trust::TrustedCertificate| {
                object([
                    ("fingerprint", Json::from(certificate.fingerprint.to_string())),
                    ("subject", text(&certificate.subject)),
                    ("notBefore", time(certificate.not_before)),
                    ("notAfter", time(certificate.not_after)),
                ])
            };
            (Json::Null, chain.iter().map(certificate).collect())
        }
        _ => (Json::Null, Vec::new()),
    };
    object([
        ("kind", Json::from(kind(authority.kind))),
        ("address", text(&authority.address)),
        ("name", text(&authority.name)),
        ("from", time(authority.from)),
        ("until", time(authority.until)),
        ("state", Json::from(state(authority, at))),
        ("key", key),
        ("certificates", Json::Array(chain)),
    ])
}

const fn kind(kind: AuthorityKind) -> &'static str {
    match kind {
        AuthorityKind::CertificateAuthority => "certificate-authority",
        AuthorityKind::CertificateLog => "certificate-log",
        AuthorityKind::Log => "log",
        AuthorityKind::TimestampAuthority => "timestamp-authority",
        _ => "other",
    }
}

fn time(time: Option<Time>) -> Json {
    time.map_or(Json::Null, |time| Json::from(time.to_string()))
}

fn object<const N: usize>(members: [(&str, Json); N]) -> Json {
    Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Object>())
}
