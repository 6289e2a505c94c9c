//! The name of a repository, taken from its remote `origin`.
//! It never gives out a local path, a user's name, a password or a token.

use gix::bstr::ByteSlice as _;

use super::Repository;

impl Repository {
    /// Returns the URI of the remote `origin` as the repository's own configuration has it, without userinfo.
    ///
    /// `git@host:org/repo.git` becomes `ssh://host/org/repo.git`. `None` without such a remote, or where it is a path,
    /// a `file:` URL or a helper's. Rewriting by `url.*.insteadOf` isn't applied: it differs from user to user.
    #[must_use]
    pub fn repository_uri(&self) -> Option<String> {
        let configuration = self.inner.config_snapshot();
        let url = configuration.string("remote.origin.url")?;
        public_uri(url.to_str().ok()?)
    }
}

/// Returns a repository's URL in the form that statements have: without userinfo, query and fragment.
///
/// `None` for a path, a `file:` URL, a helper's, and whatever isn't understood.
#[must_use]
pub fn public_uri(url: &str) -> Option<String> {
    let well_formed = !url.is_empty() && url.chars().all(|character| character.is_ascii_graphic() && character != '\\');
    if !well_formed || url.contains("::") {
        // A path, or `helper::address`. An IPv6 address is told apart by its brackets.
        return if well_formed && url.contains('[') { with_scheme(url) } else { None };
    }
    if url.contains("://") { with_scheme(url) } else { like_scp(url) }
}

fn with_scheme(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "https" => "https",
        "http" => "http",
        "git" => "git",
        "ssh" | "git+ssh" | "ssh+git" => "ssh",
        _ => return None,
    };
    // A query can hold a token as well as a password can.
    let rest = rest.split(['?', '#']).next()?;
    let (authority, path) = rest.split_once('/')?;
    let host = authority.rsplit('@').next()?;
    (is_host_and_port(host) && !path.is_empty()).then(|| format!("{scheme}://{host}/{path}"))
}

/// Reads `[user@]host:path`, which has no slash before its first colon.
fn like_scp(url: &str) -> Option<String> {
    let (authority, path) = url.split_once(':')?;
    let host = authority.rsplit('@').next()?;
    let path = path.split(['?', '#']).next()?.trim_start_matches('/');
    // One letter alone is a drive.
    (is_name(host) && host.len() > 1 && !path.is_empty()).then(|| format!("ssh://{host}/{path}"))
}

/// Refuses anything but a host and a numeric port, so that no half of a misplaced password passes for one.
fn is_host_and_port(text: &str) -> bool {
    if let Some(rest) = text.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else { return false };
        let is_address = !address.is_empty() && address.chars().all(|c| c.is_ascii_hexdigit() || c == ':' || c == '.');
        return is_address && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    match text.split_once(':') {
        Some((host, port)) => is_name(host) && is_port(port),
        None => is_name(text),
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::public_uri;

    #[test]
    fn removes_whatever_can_be_a_credential() {
        for (url, expected) in [
            ("https://example.test/org/repo.git", "https://example.test/org/repo.git"),
            ("https://user@example.test/org/repo", "https://example.test/org/repo"),
            ("https://user:secret@example.test:8443/org/repo", "https://example.test:8443/org/repo"),
            ("https://user:s@cret@example.test/org/repo", "https://example.test/org/repo"),
            ("https://example.test/org/repo?private_token=secret#x", "https://example.test/org/repo"),
            ("git@example.test:org/repo.git", "ssh://example.test/org/repo.git"),
            ("example.test:/srv/repo.git", "ssh://example.test/srv/repo.git"),
            ("ssh://git@example.test:2222/org/repo", "ssh://example.test:2222/org/repo"),
            ("git+ssh://git@example.test/org/repo", "ssh://example.test/org/repo"),
            ("https://token@[2001:db8::1]:8443/org/repo", "https://[2001:db8::1]:8443/org/repo"),
            ("HTTPS://example.test/org/repo", "https://example.test/org/repo"),
        ] {
            assert_eq!(public_uri(url).as_deref(), Some(expected), "{url}");
        }
    }

    #[test]
    fn gives_nothing_for_what_is_not_remote_or_not_understood() {
        for url in [
            "",
            "/srv/git/repo.git",
            "../repo",
            "./a:b/repo",
            "file:///srv/git/repo.git",
            "C:\\repo",
            "C:/repo",
            "ext::sh -c whoami",
            "helper::https://user:secret@example.test/repo",
            "ext::https://[x",
            "https://user:pa/ss@example.test/repo",
            "https:///repo",
            "https://example.test",
            "https://example.test/a b",
            "ftp://user:secret@example.test/repo",
        ] {
            assert_eq!(public_uri(url), None, "{url}");
        }
    }
}
