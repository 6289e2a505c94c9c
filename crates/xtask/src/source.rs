//! Rust source without what is not code: comments and literals are blanked, line by line as before.
//! It is no parser; it serves checks that look for words.

/// Returns the source with every comment, string and character replaced by blanks.
pub(crate) fn code(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        let (kept, taken) = token(rest, first, before);
        let (now, later) = rest.split_at(taken);
        if kept {
            code.push_str(now);
        } else {
            code.extend(now.chars().map(|c| if c == '\n' { c } else { ' ' }));
        }
        before = now.chars().next_back().unwrap_or(' ');
        rest = later;
    }
    code
}

/// Returns whether the token at the start of `rest` is code, and its length in bytes.
fn token(rest: &str, first: char, before: char) -> (bool, usize) {
    let after_word = before.is_alphanumeric() || before == '_';
    if rest.starts_with("//") {
        return (false, rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (false, block_comment(rest));
    }
    if first == '"' {
        return (false, string(rest));
    }
    if !after_word && let Some(length) = raw_string(rest) {
        return (false, length);
    }
    if first == '\''
        && let Some(length) = character(rest)
    {
        return (false, length);
    }
    (true, first.len_utf8())
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let bytes = rest.as_bytes();
    let mut at = 0;
    while let Some(pair) = bytes.get(at..at + 2) {
        match pair {
            b"/*" => depth += 1,
            b"*/" => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn string(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

fn raw_string(rest: &str) -> Option<usize> {
    let start = ["r", "br", "cr"].iter().find(|start| rest.strip_prefix(**start).is_some_and(|r| r.starts_with(['"', '#'])))?;
    let opened = rest.strip_prefix(start)?;
    let marks: String = opened.chars().take_while(|c| *c == '#').collect();
    let content = opened.strip_prefix(&marks)?.strip_prefix('"')?;
    let closing = format!("\"{marks}");
    let end = content.find(&closing).map_or(content.len(), |end| end + closing.len());
    Some(rest.len() - content.len() + end)
}

/// Returns the length of a character literal; a lifetime isn't one.
fn character(rest: &str) -> Option<usize> {
    let content = rest.strip_prefix('\'')?;
    let length = if content.starts_with('\\') { content.get(2..)?.find('\'')? + 2 } else { content.chars().next()?.len_utf8() };
    content.get(length..)?.starts_with('\'').then_some(length + 2)
}

/// Returns where `word` stands in `code`, as a whole word.
pub(crate) fn find_word(code: &str, word: &str) -> Option<usize> {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).map(|(at, _)| at).find(|at| {
        let before = code.get(..*at).and_then(|s| s.chars().next_back()).is_some_and(in_word);
        let after = code.get(at + word.len()..).and_then(|s| s.chars().next()).is_some_and(in_word);
        !before && !after
    })
}

/// Returns the number of the line at a byte offset, from 1.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|b| *b == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_comments_and_literals_only() {
        assert_eq!(code("a // b\nc"), "a     \nc");
        assert_eq!(code("a /* b /* c */ d */ e"), "a                   e");
        assert_eq!(code(r#"f("x\"y") + 1"#), "f(      ) + 1");
        assert_eq!(code(r##"f(r#"a"b"#, r#type)"##), "f(        , r#type)");
        assert_eq!(code(r"'a' '\'' &'a str"), "         &'a str");
        assert_eq!(code("let r = for_r; b\"x\""), "let r = for_r; b   ");
        assert_eq!(code("\"open\n"), "     \n");
    }

    #[test]
    fn finds_whole_words() {
        assert_eq!(find_word("unsafe_code unsafe", "unsafe"), Some(12));
        assert_eq!(find_word("not_unsafe unsafely", "unsafe"), None);
        assert_eq!(line_of("a\nb\nc", 4), 3);
    }
}
