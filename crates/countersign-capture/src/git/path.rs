//! How a path of a repository is written in an error or a list, whatever bytes it holds.

use std::fmt::Write as _;

/// Writes a path so that no two paths look the same: as it is, or in double quotes as git does.
pub(super) fn quoted(path: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(path)
        && !text.chars().any(|character| character.is_control() || character == '"' || character == '\\')
    {
        return text.to_owned();
    }
    let mut text = String::from('"');
    for byte in path {
        match byte {
            b'"' => text.push_str("\\\""),
            b'\\' => text.push_str("\\\\"),
            b'\t' => text.push_str("\\t"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            0x20..=0x7e => text.push(char::from(*byte)),
            _ => {
                let _ = write!(text, "\\{byte:03o}");
            }
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn no_two_paths_look_the_same() {
        assert_eq!(quoted("grüße/a b.txt".as_bytes()), "grüße/a b.txt");
        assert_eq!(quoted(b"a\xff"), r#""a\377""#);
        assert_eq!(quoted(br#""a\377""#), r#""\"a\\377\"""#);
        assert_eq!(quoted(b"a\nb\x1b"), r#""a\nb\033""#);
    }
}
