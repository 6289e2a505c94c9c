//! The URIs that name keys on tokens (RFC 7512), read strictly: an attribute that isn't known here is refused, since it was meant
//! to narrow a choice that would be made without it.
//! What is found by them is said elsewhere.

use std::path::PathBuf;

use zeroize::Zeroizing;

/// A URI. What isn't in it leaves the choice open.
#[derive(Default)]
pub(super) struct Uri {
    pub(super) token: Option<Vec<u8>>,
    pub(super) manufacturer: Option<Vec<u8>>,
    pub(super) model: Option<Vec<u8>>,
    pub(super) serial: Option<Vec<u8>>,
    pub(super) slot: Option<u64>,
    /// The key's label.
    pub(super) object: Option<Vec<u8>>,
    pub(super) id: Option<Vec<u8>>,
    pub(super) module: Option<PathBuf>,
    pub(super) pin: Option<PinSource>,
}

/// What a URI says of the PIN.
pub(super) enum PinSource {
    Value(Zeroizing<String>),
    File(PathBuf),
}

impl Uri {
    /// Reads what stands behind `pkcs11:`, if it names a key: by its label, its id, or both.
    pub(super) fn parse(rest: &str) -> Option<Self> {
        if rest.len() > URI_BYTES {
            return None;
        }
        let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
        let mut uri = Self::default();
        for attribute in path.split(';') {
            uri.take_of_path(attribute)?;
        }
        for attribute in query.into_iter().flat_map(|query| query.split('&')) {
            uri.take_of_query(attribute)?;
        }
        (uri.object.is_some() || uri.id.is_some()).then_some(uri)
    }

    /// Takes an attribute that says which token and which key (§2.3).
    fn take_of_path(&mut self, attribute: &str) -> Option<()> {
        let (name, value) = decoded(attribute, b":[]@!$'()*+,=&")?;
        let place = match name {
            "token" => &mut self.token,
            "manufacturer" => &mut self.manufacturer,
            "model" => &mut self.model,
            "serial" => &mut self.serial,
            "object" => &mut self.object,
            "id" => &mut self.id,
            "slot-id" => return once(&mut self.slot, number(&value)?),
            // Whatever else is of that name, a private key signs; other types sign nothing.
            "type" => return (*value == *b"private").then_some(()),
            _ => return None,
        };
        once(place, value.to_vec())
    }

    /// Takes an attribute that says how the token is reached (§2.4).
    fn take_of_query(&mut self, attribute: &str) -> Option<()> {
        let (name, value) = decoded(attribute, b":[]@!$'()*+,=/?|")?;
        let value = Zeroizing::new(std::str::from_utf8(&value).ok()?.to_owned());
        match name {
            "module-path" => once(&mut self.module, PathBuf::from(&*value)),
            // One of both at most, as §2.4 would have it.
            "pin-value" => once(&mut self.pin, PinSource::Value(value)),
            "pin-source" => once(&mut self.pin, PinSource::File(file(&value)?)),
            _ => None,
        }
    }
}

/// Splits an attribute, and decodes its value, of which these characters and the unreserved ones stand for themselves (§2.3, §2.4).
fn decoded<'a>(attribute: &'a str, plain: &[u8]) -> Option<(&'a str, Zeroizing<Vec<u8>>)> {
    let (name, text) = attribute.split_once('=')?;
    // The full capacity at once: growing would leave copies of a PIN behind.
    let mut value = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        value.push(match byte {
            b'%' => {
                let [high, low] = [bytes.next()?, bytes.next()?].map(|digit| char::from(digit).to_digit(16));
                u8::try_from(high? * 16 + low?).ok()?
            }
            _ if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || plain.contains(&byte) => byte,
            _ => return None,
        });
    }
    (!value.is_empty()).then_some((name, value))
}

/// Sets what may be said once (§2.3).
fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

fn number(digits: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(digits).ok()?;
    digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// Takes an absolute path, or a URI of one; a program (`|…`) isn't run for a PIN.
fn file(source: &str) -> Option<PathBuf> {
    let path = source.strip_prefix("file:").unwrap_or(source);
    let path = path.strip_prefix("//").unwrap_or(path);
    path.starts_with('/').then(|| PathBuf::from(path))
}

const URI_BYTES: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_cosign_and_openssl_write() {
        let uri = Uri::parse(
            "token=release%20keys;slot-id=42;id=%00%ff;object=agent+key;type=private;serial=ab&c?module-path=/usr/lib/p11.so&pin-value=1%2634",
        );
        let uri = uri.unwrap();
        assert_eq!(uri.token.as_deref(), Some(&b"release keys"[..]));
        assert_eq!((uri.slot, uri.id.as_deref(), uri.object.as_deref()), (Some(42), Some(&[0, 0xff][..]), Some(&b"agent+key"[..])));
        assert_eq!((uri.serial.as_deref(), uri.model, uri.manufacturer), (Some(&b"ab&c"[..]), None, None));
        assert_eq!(uri.module, Some(PathBuf::from("/usr/lib/p11.so")));
        assert!(matches!(uri.pin, Some(PinSource::Value(pin)) if *pin == "1&34"));
        assert!(Uri::parse("model=m;manufacturer=n;object=o").is_some_and(|uri| uri.model.is_some() && uri.manufacturer.is_some()));
        for source in ["file:/etc/pin", "file:///etc/pin", "/etc/pin"] {
            let uri = Uri::parse(&format!("object=a?pin-source={source}")).unwrap();
            assert!(matches!(uri.pin, Some(PinSource::File(path)) if path.as_os_str() == "/etc/pin"), "{source}");
        }
    }

    #[test]
    fn takes_nothing_that_it_would_have_to_pass_over() {
        for bad in [
            "",
            "token=a",
            "object=",
            "object",
            "object=a;",
            ";object=a",
            "object=a;object=b",
            "object=a;object=a",
            "object=a b",
            "object=a/b",
            "object=a%2",
            "object=a%+1",
            "object=a%zz",
            "object=é",
            "object=a#b",
            "object=a;type=cert",
            "object=a;library-version=2",
            "object=a;slot-description=b",
            "object=a;x-vendor=b",
            "object=a;OBJECT=b",
            "object=a;pin-value=1234",
            "object=a;slot-id=-1",
            "object=a;slot-id=1x",
            "object=a;slot-id=18446744073709551616",
            "object=a?",
            "object=a?module-name=p11",
            "object=a?module-path=/a&module-path=/a",
            "object=a?pin-value=1&pin-value=1",
            "object=a?pin-value=1&pin-source=/a",
            "object=a?pin-value=%ff",
            "object=a?pin-source=pin",
            "object=a?pin-source=|/bin/ask",
            "object=a?pin-source=file://host/pin",
            "object=a?object=b",
        ] {
            assert!(Uri::parse(bad).is_none(), "{bad}");
        }
        assert!(Uri::parse(&format!("object={}", "a".repeat(4_089))).is_some());
        assert!(Uri::parse(&format!("object={}", "a".repeat(4_090))).is_none());
    }
}
