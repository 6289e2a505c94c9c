//! The addresses of services: where a token may be sent to, and how an address is shown.
//! Which services there are is said elsewhere.

use std::fmt;
use std::net::IpAddr;

use ureq::http::Uri;

/// The address of a service, without a slash at its end.
///
/// What is sent there can be a token, so it's `https`, or a loopback address: nobody on the way reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    text: String,
    is_loopback: bool,
    is_near: bool,
}

impl Address {
    /// Reads the address of a service, which has no query of its own.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let address = Self::with_query(text)?;
        (!address.text.contains(['?', '#'])).then_some(address)
    }

    /// Reads an address that may have a query.
    pub(crate) fn with_query(text: &str) -> Option<Self> {
        let is_https = text.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"));
        Self::read(text).filter(|address| address.is_loopback || is_https)
    }

    /// Reads the address, with a query or without, of who gives tokens. A platform's own services have link-local addresses
    /// (RFC 3927), which nobody forwards, and speak without TLS.
    #[cfg_attr(not(feature = "azurekms"), expect(dead_code, reason = "others ask them by a library, or never"))]
    pub(crate) fn of_token_service(text: &str) -> Option<Self> {
        Self::read(text)
    }

    fn read(text: &str) -> Option<Self> {
        if text.len() > ADDRESS_BYTES || text.contains('#') {
            return None;
        }
        let uri: Uri = text.parse().ok()?;
        let authority = uri.authority()?;
        let host = authority.host();
        if host.is_empty() || authority.as_str().contains('@') {
            return None;
        }
        let ip: Option<IpAddr> = host.trim_start_matches('[').trim_end_matches(']').parse().ok();
        let is_loopback = host == "localhost" || ip.is_some_and(|ip| ip.is_loopback());
        let is_near = is_loopback || matches!(ip, Some(IpAddr::V4(ip)) if ip.is_link_local());
        let is_private = uri.scheme_str() == Some("https") || uri.scheme_str() == Some("http") && is_near;
        is_private.then(|| Self { text: text.trim_end_matches('/').to_owned(), is_loopback, is_near })
    }

    /// Shows what isn't an address that can be used, without what could let somebody in: a name and a password, or a query.
    pub(crate) fn refused(text: &str) -> String {
        let text = text.split(['?', '#']).next().unwrap_or_default();
        let (scheme, rest) = text.split_once("://").map_or(("", text), |(scheme, rest)| (scheme, rest));
        let (authority, path) = rest.split_once('/').map_or((rest, None), |(authority, path)| (authority, Some(path)));
        let host = authority.rsplit('@').next().unwrap_or_default();
        let colon = if scheme.is_empty() { "" } else { "://" };
        format!("{scheme}{colon}{host}{}", path.map_or(String::new(), |path| format!("/{path}")))
    }

    /// Returns the address of a place below this one.
    pub(crate) fn join(&self, path: &str) -> Self {
        Self { text: format!("{}{path}", self.text), ..*self }
    }

    /// Returns the address on the same host that an answer refers to: a path, or an address that begins like this one.
    pub(crate) fn referred(&self, reference: &str) -> Option<Self> {
        let slashes = self.text.find("://")? + 3;
        let end = self.text.get(slashes..)?.find('/').map_or(self.text.len(), |at| slashes + at);
        let origin = self.text.get(..end)?;
        let path = reference.strip_prefix(origin).unwrap_or(reference);
        (path.starts_with('/') && !path.starts_with("//")).then(|| Self::parse(&format!("{origin}{path}")))?
    }

    /// Returns true if it's this machine's own.
    #[cfg_attr(not(any(feature = "azurekms", feature = "gcpkms")), expect(dead_code, reason = "others are asked wherever they are"))]
    pub(crate) const fn is_loopback(&self) -> bool {
        self.is_loopback
    }

    /// Returns true if no proxy stands between: it's on this machine, or next to it.
    pub(crate) const fn is_near(&self) -> bool {
        self.is_near
    }

    /// Returns true if its host has a name below the domain.
    #[cfg_attr(not(any(feature = "azurekms", feature = "gcpkms")), expect(dead_code, reason = "other services are anywhere"))]
    pub(crate) fn is_below(&self, domain: &str) -> bool {
        let host = self.text.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_ascii_lowercase));
        host.is_some_and(|host| host.strip_suffix(domain).is_some_and(|name| name.ends_with('.')))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Address {
    /// Shows it without its query.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text.split('?').next().unwrap_or_default())
    }
}

const ADDRESS_BYTES: usize = 2_048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_nobody_on_the_way_can_read() {
        for good in
            ["https://ca.example.test", "https://ca.example.test:8443/ca/", "http://127.0.0.1:5555", "http://[::1]:1", "http://localhost"]
        {
            assert!(Address::parse(good).is_some(), "{good}");
        }
        for bad in [
            "http://ca.example.test",
            "http://127.0.0.1.example.test",
            "ftp://127.0.0.1",
            "ca.example.test",
            "https://",
            "/ca",
            "https://a@b.test",
            "https://b.test?x",
            "https://b.test#x",
            "",
        ] {
            assert_eq!(Address::parse(bad), None, "{bad}");
        }
        assert!(Address::with_query("https://token.example.test/x?api-version=2").is_some());
        let metadata = "http://169.254.169.254/token?x";
        assert_eq!(Address::with_query(metadata), None);
        assert!(Address::of_token_service(metadata).is_some_and(|address| address.is_near() && !address.is_loopback()));
        assert_eq!(Address::of_token_service("http://169.254.169.254.example.test/"), None);
    }

    #[test]
    fn shows_nothing_of_a_refused_address_that_could_let_somebody_in() {
        for (text, shown) in [
            ("https://bot:hunter2@mirror.example.test/tuf?sig=hunter2#hunter2", "https://mirror.example.test/tuf"),
            ("bot:hunter2@mirror.example.test", "mirror.example.test"),
            ("http://mirror.example.test", "http://mirror.example.test"),
            ("https://a@b:hunter2@c.example.test/x@y", "https://c.example.test/x@y"),
        ] {
            assert_eq!(Address::refused(text), shown);
        }
    }

    #[test]
    fn knows_which_hosts_are_below_a_domain() {
        let is_below = |text| Address::parse(text).unwrap().is_below("example.test");
        for good in ["https://ca.example.test", "https://CA.Example.Test:8443/x", "https://a.b.example.test/"] {
            assert!(is_below(good), "{good}");
        }
        for bad in ["https://example.test", "https://badexample.test", "https://example.test.evil.test", "https://evil.test/.example.test"]
        {
            assert!(!is_below(bad), "{bad}");
        }
    }

    #[test]
    fn follows_a_reference_on_the_same_host_only() {
        let address = Address::parse("https://log.example.test/rekor/").unwrap();
        let referred = |reference| address.referred(reference).map(|address| address.text);
        assert_eq!(referred("/api/v1/log/entries/1").as_deref(), Some("https://log.example.test/api/v1/log/entries/1"));
        assert_eq!(referred("https://log.example.test/e/1").as_deref(), Some("https://log.example.test/e/1"));
        for other in ["https://other.example.test/e/1", "//other.example.test/e", "https://log.example.test.evil.test/", "e", ""] {
            assert_eq!(referred(other), None, "{other}");
        }
    }
}
