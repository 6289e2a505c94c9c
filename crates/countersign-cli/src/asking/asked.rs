//! The question as it was typed, to put what is known into the commands that help.
//! Decisions hold none of it: they name no file of this machine.

use countersign::digest::Digest;

/// What was typed.
pub(crate) struct Asked {
    target: String,
    policy: Option<String>,
    /// The other options that make the question what it is, with their values.
    options: Vec<(&'static str, String)>,
    /// The bundles that were given, with their files.
    bundles: Vec<(Digest, String)>,
}

impl Asked {
    pub(super) const fn new(target: String, policy: Option<String>, options: Vec<(&'static str, String)>) -> Self {
        Self { target, policy, options, bundles: Vec::new() }
    }

    pub(super) fn with_bundles(self, bundles: Vec<(Digest, String)>) -> Self {
        Self { bundles, ..self }
    }

    /// Returns the file of a bundle that was given.
    pub(crate) fn file_of(&self, bundle: &Digest) -> Option<&str> {
        self.bundles.iter().find(|(given, _)| given == bundle).map(|(_, file)| file.as_str())
    }

    /// Returns what was asked about.
    pub(crate) fn target(&self) -> &str {
        &self.target
    }

    /// Puts what is known in place of a command's words in capitals; a question keeps what it was asked with.
    pub(crate) fn filled_in(&self, command: &str) -> String {
        let words: Vec<_> = command.split(' ').collect();
        let is_question = matches!(words.get(1), Some(&("verify" | "explain" | "why-not")));
        let is_file = ["git:", "sha256:", "oci:"].iter().all(|scheme| !self.target.starts_with(scheme));
        let mut filled = Vec::new();
        let mut before = "";
        for word in &words {
            let known = match (before, *word) {
                (_, "TARGET") => Some(&self.target),
                ("--subject" | "--artifact", "PATH") if is_file => Some(&self.target),
                ("--policy", "FILE") => self.policy.as_ref(),
                // It takes a file only.
                ("check", "FILE") => self.policy.as_ref().filter(|policy| !policy.starts_with("git:")),
                _ => None,
            };
            filled.push(known.map_or_else(|| (*word).to_owned(), |known| quoted(known)));
            before = word;
        }
        // Of another file, nothing but the policy and who is trusted is the same.
        let is_same = words.contains(&"TARGET");
        let stays = |flag: &str| is_question && !words.contains(&flag) && (is_same || matches!(flag, "--trust" | "--environment"));
        for (flag, value) in self.options.iter().filter(|(flag, _)| stays(flag)) {
            filled.extend([(*flag).to_owned(), quoted(value)]);
        }
        filled.join(" ")
    }
}

/// Returns the word as a shell reads it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+=,#^~".contains(c);
    if !word.is_empty() && !word.starts_with(['#', '~']) && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn puts_what_was_typed_where_a_command_leaves_it_open() {
        let options = vec![("--trust", "root.json".to_owned()), ("--environment", "staging".to_owned()), ("--resource", "app".to_owned())];
        let asked = Asked::new("my app.tar".to_owned(), Some("policy.yaml".to_owned()), options);
        for (command, expected) in [
            (
                "countersign why-not TARGET --policy FILE",
                "countersign why-not 'my app.tar' --policy policy.yaml --trust root.json --environment staging --resource app",
            ),
            (
                "countersign verify TARGET --policy FILE --resource URI",
                "countersign verify 'my app.tar' --policy policy.yaml --resource URI --trust root.json --environment staging",
            ),
            (
                "countersign verify PATH --policy FILE",
                "countersign verify PATH --policy policy.yaml --trust root.json --environment staging",
            ),
            (
                "countersign attest sbom --subject PATH --sbom FILE --signer SIGNER",
                "countersign attest sbom --subject 'my app.tar' --sbom FILE --signer SIGNER",
            ),
            ("countersign policy check FILE", "countersign policy check policy.yaml"),
        ] {
            assert_eq!(asked.filled_in(command), expected);
        }
        let asked = Asked::new("git:HEAD".to_owned(), Some("git:main:policy.yaml".to_owned()), Vec::new());
        assert_eq!(asked.filled_in("countersign policy check FILE"), "countersign policy check FILE");
        assert_eq!(asked.filled_in("countersign run --artifact PATH -- COMMAND"), "countersign run --artifact PATH -- COMMAND");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
