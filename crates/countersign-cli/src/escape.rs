//! Makes text of strangers harmless for a terminal.
//! It changes nothing that is visible anyway, and knows nothing of colours.

/// Returns the text with everything that a terminal would obey, or that would hide or reorder letters, written out,
/// and cut where no reader would follow.
pub(crate) fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(SHOWN_CHARACTERS));
    for (count, character) in text.chars().enumerate() {
        if count == SHOWN_CHARACTERS {
            shown.push('…');
            break;
        }
        if misleads(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Control characters, and those that are invisible or turn the direction of writing (UAX #9; "Trojan Source").
fn misleads(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

const SHOWN_CHARACTERS: usize = 2_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_nothing_that_a_terminal_obeys_or_an_eye_misses() {
        assert_eq!(escaped("a\u{1b}[2Jb\r\nc\u{9b}31m"), r"a\u{1b}[2Jb\u{d}\u{a}c\u{9b}31m");
        assert_eq!(escaped("user\u{202e}txt.exe\u{200b}"), r"user\u{202e}txt.exe\u{200b}");
        assert_eq!(escaped("Grüße, 漢字 `x` \\"), "Grüße, 漢字 `x` \\");
    }

    #[test]
    fn cuts_what_nobody_would_read() {
        assert_eq!(escaped(&"x".repeat(SHOWN_CHARACTERS)).chars().count(), SHOWN_CHARACTERS);
        assert!(escaped(&"x".repeat(SHOWN_CHARACTERS + 1)).ends_with("x…"));
    }
}
