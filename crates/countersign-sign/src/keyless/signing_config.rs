//! Which services to sign with: `signing_config.json` v0.2, and the choice that it leaves to clients.
//! What the services answer is checked elsewhere; nothing here is believed because a file says it.

use countersign::json::{Json, SyntaxError};
use countersign::time::Time;
use serde::Deserialize;

use crate::http::Address;

/// A signing configuration (sigstore_trustroot.proto, `SigningConfig`; protobuf-specs v0.5).
#[derive(Clone, Debug)]
pub struct SigningConfig {
    authorities: Vec<Service>,
    issuers: Vec<Service>,
    logs: Vec<Service>,
    log_choice: Choice,
    stamps: Vec<Service>,
    stamp_choice: Choice,
}

/// One service, and when it may be used.
#[derive(Clone, Debug)]
struct Service {
    address: Address,
    version: u32,
    start: Time,
    end: Option<Time>,
    operator: String,
}

/// How many of the services that can be used are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    All,
    Any,
    Exact(usize),
}

/// The services that witness one signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Services {
    /// The logs, each with the version of its interface.
    pub(super) logs: Vec<(Address, Generation)>,
    /// The timestamp authorities.
    pub(super) stamps: Vec<Address>,
}

/// The generations of the transparency log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Generation {
    /// Rekor v1: it promises, and says when.
    First,
    /// Rekor v2: it says no time.
    Second,
}

impl SigningConfig {
    /// Reads a signing configuration (`application/vnd.dev.sigstore.signingconfig.v0.2+json`).
    ///
    /// Fields that it doesn't know are left alone, since later versions may add some.
    ///
    /// # Errors
    /// [`SigningConfigError`] for duplicate keys, other shapes and versions, addresses that anybody on the way could
    /// read, windows that end before they start, and for logs or timestamp authorities without a selector.
    pub fn parse(bytes: &[u8]) -> Result<Self, SigningConfigError> {
        if bytes.len() > CONFIG_BYTES {
            return Err(SigningConfigError::TooLarge);
        }
        let json = Json::parse(bytes)?;
        if json.get("mediaType").and_then(Json::as_str) != Some(MEDIA_TYPE) {
            return Err(SigningConfigError::MediaType);
        }
        let wire: Wire = json.to().map_err(|error| SigningConfigError::Shape(error.to_string()))?;
        let log_choice = choice(wire.rekor_tlog_config, &wire.rekor_tlog_urls, "rekorTlogConfig")?;
        let stamp_choice = choice(wire.tsa_config, &wire.tsa_urls, "tsaConfig")?;
        Ok(Self {
            authorities: services(wire.ca_urls)?,
            issuers: services(wire.oidc_urls)?,
            logs: services(wire.rekor_tlog_urls)?,
            log_choice,
            stamps: services(wire.tsa_urls)?,
            stamp_choice,
        })
    }

    /// Returns the configuration of Sigstore's public-good instance, as this version was built with it.
    ///
    /// # Errors
    /// [`SigningConfigError`] if it isn't one, which a test excludes.
    pub fn public_good() -> Result<Self, SigningConfigError> {
        Self::parse(sigstore_trust_root::SIGSTORE_PRODUCTION_SIGNING_CONFIG.as_bytes())
    }

    /// Returns the configuration of Sigstore's staging instance, as this version was built with it.
    ///
    /// # Errors
    /// [`SigningConfigError`] if it isn't one, which a test excludes.
    pub fn staging() -> Result<Self, SigningConfigError> {
        Self::parse(sigstore_trust_root::SIGSTORE_STAGING_SIGNING_CONFIG.as_bytes())
    }

    /// Chooses with whom a person signs in at that time, as one authority is chosen.
    pub(super) fn issuer(&self, at: Time) -> Option<&Address> {
        let chosen = chosen(&self.issuers, Choice::Any, &[1], at, "issuer").ok()?;
        chosen.first().map(|issuer| &issuer.address)
    }

    /// Chooses who issues a certificate at that time.
    pub(super) fn authority(&self, at: Time) -> Result<&Address, SigningConfigError> {
        let authority = chosen(&self.authorities, Choice::Any, &[1], at, "certificate authority")?;
        let [authority] = authority.as_slice() else { return Err(SigningConfigError::Nobody("certificate authority")) };
        Ok(&authority.address)
    }

    /// Chooses who witnesses a signature that is made at that time.
    ///
    /// Of each operator only one service counts: of the highest version that is spoken here, the one that began last.
    /// As many logs and timestamp authorities are taken, each of another operator, as the selector says. Some of them must
    /// prove a time: without one nobody could tell when the certificate had to hold.
    pub(super) fn services(&self, at: Time) -> Result<Services, SigningConfigError> {
        let logs: Vec<_> = chosen(&self.logs, self.log_choice, &[1, 2], at, "log")?
            .into_iter()
            .map(|log| (log.address.clone(), if log.version == 1 { Generation::First } else { Generation::Second }))
            .collect();
        let stamps: Vec<_> = chosen(&self.stamps, self.stamp_choice, &[1], at, "timestamp authority")?
            .into_iter()
            .map(|stamp| stamp.address.clone())
            .collect();
        if stamps.is_empty() && logs.iter().all(|(_, generation)| *generation == Generation::Second) {
            return Err(SigningConfigError::Timeless);
        }
        Ok(Services { logs, stamps })
    }
}

/// Chooses among services; none are chosen where none are listed.
fn chosen<'a>(
    services: &'a [Service],
    choice: Choice,
    versions: &[u32],
    at: Time,
    what: &'static str,
) -> Result<Vec<&'a Service>, SigningConfigError> {
    if services.is_empty() {
        return Ok(Vec::new());
    }
    // "The TimeRange MUST be considered valid inclusive of the endpoints" (`Service.valid_for`).
    let holds = |service: &&Service| service.start <= at && service.end.is_none_or(|end| at <= end);
    let mut usable: Vec<_> = services.iter().filter(|service| versions.contains(&service.version)).filter(holds).collect();
    // Stable: what is listed first stays first among equals.
    usable.sort_by_key(|service| std::cmp::Reverse((service.version, service.start)));
    let mut of_each_operator: Vec<&Service> = Vec::new();
    for service in usable {
        if of_each_operator.iter().all(|known| known.operator != service.operator) {
            of_each_operator.push(service);
        }
    }
    let wanted = match choice {
        Choice::All => of_each_operator.len().max(1),
        Choice::Any => 1,
        Choice::Exact(count) => count,
    };
    if of_each_operator.is_empty() {
        return Err(SigningConfigError::Nobody(what));
    }
    if of_each_operator.len() < wanted {
        return Err(SigningConfigError::TooFew { what, wanted, found: of_each_operator.len() });
    }
    if wanted > MOST_CHOSEN {
        return Err(SigningConfigError::TooMany { what });
    }
    of_each_operator.truncate(wanted);
    Ok(of_each_operator)
}

fn services(wire: Vec<WireService>) -> Result<Vec<Service>, SigningConfigError> {
    if wire.len() > MOST_LISTED {
        return Err(SigningConfigError::TooLarge);
    }
    wire.into_iter()
        .map(|service| {
            let WireService { url, major_api_version, valid_for, operator } = service;
            let address = Address::parse(&url).ok_or_else(|| SigningConfigError::Address(shown(&Address::refused(&url))))?;
            if valid_for.end.is_some_and(|end| end < valid_for.start) {
                return Err(SigningConfigError::Window(address.to_string()));
            }
            Ok(Service { address, version: major_api_version, start: valid_for.start, end: valid_for.end, operator })
        })
        .collect()
}

fn choice(config: Option<WireChoice>, services: &[WireService], name: &'static str) -> Result<Choice, SigningConfigError> {
    match config {
        Some(WireChoice { selector: Some(Selector::All), .. }) => Ok(Choice::All),
        Some(WireChoice { selector: Some(Selector::Any), .. }) => Ok(Choice::Any),
        Some(WireChoice { selector: Some(Selector::Exact), count: Some(count) }) if count > 0 => {
            Ok(Choice::Exact(usize::try_from(count).unwrap_or(usize::MAX)))
        }
        Some(WireChoice { selector: Some(Selector::Exact), .. }) => Err(SigningConfigError::Selector(name)),
        // "A client SHOULD throw an error if the value is SERVICE_SELECTOR_UNDEFINED" (`ServiceSelector`).
        _ if services.is_empty() => Ok(Choice::Any),
        _ => Err(SigningConfigError::Selector(name)),
    }
}

/// Why bytes aren't a signing configuration that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SigningConfigError {
    /// The configuration is over the limit.
    #[error("the signing configuration is larger than {} KiB, or lists more than {MOST_LISTED} services of a kind", CONFIG_BYTES >> 10)]
    TooLarge,
    /// The configuration is not JSON as we read it.
    #[error("the signing configuration is not JSON: {0}")]
    Syntax(#[from] SyntaxError),
    /// The file is something else.
    #[error("the media type is not a signing configuration's, which is `{MEDIA_TYPE}`")]
    MediaType,
    /// A value has another shape than the field's.
    #[error("the signing configuration has the wrong shape: {0}")]
    Shape(String),
    /// An address is none, or anybody on the way could read what is sent there.
    #[error("`{0}` is no address of a service: one is `https://HOST[:PORT][/PATH]`, or `http://` on this machine")]
    Address(String),
    /// A service ends before it begins.
    #[error("`{0}` ends before it begins")]
    Window(String),
    /// Nobody says how many services are to be used.
    #[error("`{0}` needs a `selector` of `ALL`, `ANY`, or `EXACT` with a `count`")]
    Selector(&'static str),
    /// No service of a kind can be used.
    #[error("no {0} in the signing configuration can be used now")]
    Nobody(&'static str),
    /// Too few services of a kind can be used.
    #[error("the signing configuration asks for {wanted} of the kind {what}, each of another operator, and {found} can be used now")]
    TooFew {
        /// The kind.
        what: &'static str,
        /// How many are wanted.
        wanted: usize,
        /// How many there are.
        found: usize,
    },
    /// More witnesses are wanted than a bundle may have.
    #[error("the signing configuration asks for more than {MOST_CHOSEN} of the kind {what}, and no verifier reads so many")]
    TooMany {
        /// The kind.
        what: &'static str,
    },
    /// Nobody would prove a time.
    #[error(
        "the signing configuration names nobody who proves a time: a log of the second generation needs a timestamp authority beside it"
    )]
    Timeless,
}

/// Shows the beginning of a stranger's text, without what could end its line or its quotation.
fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARACTERS).map(|c| if c.is_control() || c == '`' { '\u{FFFD}' } else { c }).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    #[serde(default)]
    ca_urls: Vec<WireService>,
    #[serde(default)]
    oidc_urls: Vec<WireService>,
    #[serde(default)]
    rekor_tlog_urls: Vec<WireService>,
    rekor_tlog_config: Option<WireChoice>,
    #[serde(default)]
    tsa_urls: Vec<WireService>,
    tsa_config: Option<WireChoice>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireService {
    url: String,
    // Proto3's JSON leaves out what is zero: "a service that has not yet been released".
    #[serde(default)]
    major_api_version: u32,
    valid_for: WireWindow,
    #[serde(default)]
    operator: String,
}

#[derive(Deserialize)]
struct WireWindow {
    start: Time,
    end: Option<Time>,
}

#[derive(Deserialize)]
struct WireChoice {
    selector: Option<Selector>,
    count: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Selector {
    All,
    Any,
    Exact,
    #[serde(rename = "SERVICE_SELECTOR_UNDEFINED")]
    Undefined,
}

const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.signingconfig.v0.2+json";
const CONFIG_BYTES: usize = 256 << 10;
const MOST_LISTED: usize = 64;
/// Most log entries, and most timestamps, of one bundle that any verifier here reads.
const MOST_CHOSEN: usize = countersign::limits::WITNESSES;
const SHOWN_CHARACTERS: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    const AT: &str = "2025-12-15T00:00:00Z";

    fn service(url: &str, version: u32, window: &str, operator: &str) -> String {
        format!(r#"{{"url":"https://{url}","majorApiVersion":{version},"validFor":{window},"operator":"{operator}"}}"#)
    }

    fn since(year: u32) -> String {
        format!(r#"{{"start":"{year}-01-01T00:00:00.000Z"}}"#)
    }

    fn config(logs: &[String], log_config: &str, stamps: &[String], stamp_config: &str) -> String {
        format!(
            r#"{{"mediaType":"{MEDIA_TYPE}","caUrls":[{}],"oidcUrls":[],"rekorTlogUrls":[{}],"rekorTlogConfig":{log_config},"tsaUrls":[{}],"tsaConfig":{stamp_config},"later":{{}}}}"#,
            service("ca.test", 1, &since(2022), "one"),
            logs.join(","),
            stamps.join(",")
        )
    }

    fn chosen_of(text: &str) -> Result<(Vec<String>, Vec<String>), SigningConfigError> {
        let (config, at) = (SigningConfig::parse(text.as_bytes())?, AT.parse().unwrap());
        config.authority(at)?;
        let services = config.services(at)?;
        let host = |address: &Address| address.as_str().trim_start_matches("https://").to_owned();
        Ok((services.logs.iter().map(|(log, _)| host(log)).collect(), services.stamps.iter().map(host).collect()))
    }

    const ANY: &str = r#"{"selector":"ANY"}"#;
    const ALL: &str = r#"{"selector":"ALL"}"#;

    #[test]
    fn takes_the_newest_of_the_highest_version_that_is_spoken_here() {
        let logs = [
            service("v1.test", 1, &since(2021), "one"),
            service("old.test", 2, &since(2024), "one"),
            service("new.test", 2, &since(2025), "one"),
            service("v3.test", 3, &since(2025), "one"),
            service("v0.test", 0, &since(2025), "one"),
        ];
        let stamps = [service("tsa.test/api/v1/timestamp", 1, &since(2024), "one")];
        let (logs, stamps) = chosen_of(&config(&logs, ANY, &stamps, ANY)).unwrap();
        assert_eq!((logs, stamps), (vec!["new.test".to_owned()], vec!["tsa.test/api/v1/timestamp".to_owned()]));
    }

    #[test]
    fn takes_services_at_both_ends_of_their_window_and_not_beyond() {
        let window = |start: &str, end: &str| format!(r#"{{"start":"{start}","end":"{end}"}}"#);
        let none: &[String] = &[];
        for (start, end, holds) in [
            (AT, AT, true),
            ("2025-12-14T23:59:59Z", "2025-12-15T00:00:01Z", true),
            ("2025-12-15T00:00:01Z", "2026-01-01T00:00:00Z", false),
            ("2025-01-01T00:00:00Z", "2025-12-14T23:59:59.999Z", false),
        ] {
            let logs = [service("v1.test", 1, &window(start, end), "one")];
            let chosen = chosen_of(&config(&logs, ANY, none, "null"));
            assert_eq!(chosen.is_ok(), holds, "{start} {end}: {chosen:?}");
            if !holds {
                assert_eq!(chosen.unwrap_err(), SigningConfigError::Nobody("log"));
            }
        }
        let logs = [service("v1.test", 1, &window("2025-02-01T00:00:00Z", "2025-01-01T00:00:00Z"), "one")];
        assert_eq!(chosen_of(&config(&logs, ANY, none, "null")).unwrap_err(), SigningConfigError::Window("https://v1.test".to_owned()));
    }

    #[test]
    fn takes_as_many_operators_as_the_selector_says() {
        let logs = [
            service("a1.test", 1, &since(2021), "a"),
            service("a2.test", 1, &since(2022), "a"),
            service("b.test", 1, &since(2021), "b"),
            service("c.test", 1, &since(2020), "c"),
        ];
        let chosen = |selector: &str| chosen_of(&config(&logs, selector, &[], "null")).map(|(logs, _)| logs);
        assert_eq!(chosen(ANY).unwrap(), ["a2.test"]);
        assert_eq!(chosen(ALL).unwrap(), ["a2.test", "b.test", "c.test"]);
        assert_eq!(chosen(r#"{"selector":"EXACT","count":2}"#).unwrap(), ["a2.test", "b.test"]);
        // Four services, and three operators.
        let too_few = SigningConfigError::TooFew { what: "log", wanted: 4, found: 3 };
        assert_eq!(chosen(r#"{"selector":"EXACT","count":4}"#).unwrap_err(), too_few);
        for undefined in
            ["null", "{}", r#"{"selector":"SERVICE_SELECTOR_UNDEFINED"}"#, r#"{"selector":"EXACT"}"#, r#"{"selector":"EXACT","count":0}"#]
        {
            assert_eq!(chosen(undefined).unwrap_err(), SigningConfigError::Selector("rekorTlogConfig"), "{undefined}");
        }
        for other in [r#"{"selector":"SOME"}"#, r#"{"selector":"EXACT","count":-1}"#, r#"{"selector":"EXACT","count":1.5}"#, "[]"] {
            assert!(matches!(chosen(other), Err(SigningConfigError::Shape(_))), "{other}");
        }
        let many: Vec<_> = (0..9).map(|n| service(&format!("{n}.test"), 1, &since(2021), &format!("{n}"))).collect();
        assert_eq!(chosen_of(&config(&many, ALL, &[], "null")).unwrap_err(), SigningConfigError::TooMany { what: "log" });
    }

    #[test]
    fn makes_nothing_that_proves_no_time() {
        let v2 = [service("v2.test", 2, &since(2025), "one")];
        let stamp = [service("tsa.test", 1, &since(2025), "one")];
        assert_eq!(chosen_of(&config(&v2, ANY, &[], "null")).unwrap_err(), SigningConfigError::Timeless);
        assert_eq!(chosen_of(&config(&[], "null", &[], "null")).unwrap_err(), SigningConfigError::Timeless);
        // A timestamp is enough, as GitHub has it for private repositories.
        assert_eq!(chosen_of(&config(&[], "null", &stamp, ANY)).unwrap(), (vec![], vec!["tsa.test".to_owned()]));
        let nobody = config(&v2, ANY, &stamp, ANY).replace(r#""url":"https://ca.test","majorApiVersion":1"#, r#""url":"https://ca.test""#);
        assert_eq!(chosen_of(&nobody).unwrap_err(), SigningConfigError::Nobody("certificate authority"));
    }

    #[test]
    fn has_people_sign_in_with_the_newest_issuer_that_can_be_asked() {
        let none = config(&[service("v1.test", 1, &since(2021), "one")], ANY, &[], "null");
        let issuer = |issuers: &[String]| {
            let text = none.replace(r#""oidcUrls":[]"#, &format!(r#""oidcUrls":[{}]"#, issuers.join(",")));
            let config = SigningConfig::parse(text.as_bytes()).unwrap();
            config.issuer(AT.parse().unwrap()).map(|issuer| issuer.as_str().to_owned())
        };
        let ended = r#"{"start":"2024-01-01T00:00:00Z","end":"2025-01-01T00:00:00Z"}"#;
        let issuers = [
            service("old.test", 1, &since(2022), "one"),
            service("over.test", 1, ended, "one"),
            service("new.test/auth", 1, &since(2023), "one"),
            service("later.test", 1, &since(2027), "one"),
            service("v2.test", 2, &since(2024), "one"),
        ];
        assert_eq!(issuer(&issuers).as_deref(), Some("https://new.test/auth"));
        assert_eq!((issuer(&[]), issuer(&[issuers[1].clone()])), (None, None));
    }

    #[test]
    fn refuses_what_is_read_in_two_ways_or_sent_in_the_open() {
        let good = config(&[service("v1.test", 1, &since(2021), "one")], ANY, &[], "null");
        SigningConfig::parse(good.as_bytes()).unwrap();
        let doubled = good.replacen("{", r#"{"caUrls":[],"#, 1);
        assert!(matches!(SigningConfig::parse(doubled.as_bytes()), Err(SigningConfigError::Syntax(_))));
        let open = good.replace("https://ca.test", "http://ca.test");
        assert_eq!(SigningConfig::parse(open.as_bytes()).unwrap_err(), SigningConfigError::Address("http://ca.test".to_owned()));
        let other = good.replace("signingconfig.v0.2", "signingconfig.v0.1");
        assert_eq!(SigningConfig::parse(other.as_bytes()).unwrap_err(), SigningConfigError::MediaType);
        let array = good.replace(&since(2021), "[]");
        assert!(matches!(SigningConfig::parse(array.as_bytes()), Err(SigningConfigError::Shape(_))));
        assert_eq!(SigningConfig::parse(&vec![b' '; CONFIG_BYTES + 1]).unwrap_err(), SigningConfigError::TooLarge);
    }

    #[test]
    fn knows_the_instances_of_sigstore_itself() {
        let at = AT.parse().unwrap();
        assert_eq!(SigningConfig::public_good().unwrap().authority(at).unwrap().as_str(), "https://fulcio.sigstore.dev");
        assert_eq!(SigningConfig::staging().unwrap().authority(at).unwrap().as_str(), "https://fulcio.sigstage.dev");
        assert_eq!(SigningConfig::public_good().unwrap().issuer(at).unwrap().as_str(), "https://oauth2.sigstore.dev/auth");
        assert_eq!(SigningConfig::staging().unwrap().issuer(at).unwrap().as_str(), "https://oauth2.sigstage.dev/auth");
    }
}
