//! Names and values as forms and addresses hold them (application/x-www-form-urlencoded; RFC 6749 §B).
//! What they mean is said elsewhere.

use std::fmt::Write as _;

use zeroize::Zeroizing;

/// Writes names and values, which can be secret.
pub(super) fn written(pairs: &[(&str, &str)]) -> Zeroizing<String> {
    // The full capacity at once: growing would leave copies behind.
    let capacity = pairs.iter().map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum();
    let mut text = Zeroizing::new(String::with_capacity(capacity));
    for (name, value) in pairs {
        if !text.is_empty() {
            text.push('&');
        }
        encode(name, &mut text);
        text.push('=');
        encode(value, &mut text);
    }
    text
}

/// Returns the one value of a name; `Err` if there are several (RFC 6749 §3.1 forbids that), or it can't be read.
pub(super) fn value(query: &str, name: &str) -> Result<Option<Zeroizing<String>>, ()> {
    let mut found = None;
    for pair in query.split('&') {
        let (known, value) = pair.split_once('=').unwrap_or((pair, ""));
        if decode(known).ok_or(())?.as_str() == name {
            let value = decode(value).ok_or(())?;
            if found.replace(value).is_some() {
                return Err(());
            }
        }
    }
    Ok(found)
}

fn encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        // What stands for itself everywhere (RFC 3986 §2.3).
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            // Writing into a string doesn't fail.
            let _ = write!(into, "%{byte:02X}");
        }
    }
}

fn decode(text: &str) -> Option<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                u8::try_from(high * 16 + low).ok()?
            }
            byte => byte,
        });
    }
    Some(Zeroizing::new(std::str::from_utf8(&bytes).ok()?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str, name: &str) -> Result<Option<String>, ()> {
        value(query, name).map(|value| value.map(|value| value.to_string()))
    }

    #[test]
    fn reads_what_it_writes() {
        let pairs = [("redirect_uri", "http://localhost:1/auth/callback"), ("scope", "openid email"), ("odd", "a&b=c%\u{e4}+")];
        let text = written(&pairs);
        assert!(text.starts_with("redirect_uri=http%3A%2F%2Flocalhost%3A1%2Fauth%2Fcallback&scope=openid%20email&odd=a%26b%3Dc%25"));
        for (name, value) in pairs {
            assert_eq!(read(&text, name).unwrap().as_deref(), Some(value));
        }
        assert_eq!(read("a+b=c+d", "a b").unwrap().as_deref(), Some("c d"));
        assert_eq!((read("", "code"), read("code", "code")), (Ok(None), Ok(Some(String::new()))));
    }

    #[test]
    fn reads_nothing_twice_and_nothing_broken() {
        for bad in ["code=a&code=b", "code=a&%63ode=a", "code=%4", "code=%zz", "code=%ff", "%=&code=a", "code=%+1"] {
            assert_eq!(read(bad, "code"), Err(()), "{bad}");
        }
    }
}
