//! The tokens that services give and take, and how both are asked: the lines before a body, and forms.
//! Who is entitled to one is said by those who give it.

use std::collections::BTreeSet;
use std::sync::Mutex;

/// The tokens that let in.
#[derive(Default)]
pub(super) struct Tokens {
    given: Mutex<BTreeSet<String>>,
    /// How many were given, so that each is another.
    count: Mutex<u32>,
}

impl Tokens {
    /// Gives one that no error may repeat.
    pub(super) fn give(&self) -> String {
        let mut count = self.count.lock().expect("a lock");
        *count += 1;
        let token = format!("token.hunter2-{count}");
        self.given.lock().expect("a lock").insert(token.clone());
        token
    }

    /// Lets in with none that was given until now.
    pub(super) fn expire(&self) {
        self.given.lock().expect("a lock").clear();
    }

    pub(super) fn lets_in(&self, token: &str) -> bool {
        self.given.lock().expect("a lock").contains(token)
    }
}

/// The lines before a body.
pub(super) struct Head<'a>(pub(super) &'a str);

impl Head<'_> {
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let named = |line: &&str| line.split_once(':').is_some_and(|(known, _)| known.eq_ignore_ascii_case(name));
        Some(self.0.lines().find(named)?.split_once(':')?.1.trim())
    }

    /// The token that is shown.
    pub(super) fn bearer(&self) -> Option<&str> {
        self.value("authorization")?.strip_prefix("Bearer ")
    }
}

/// What is said in a form, or in a query.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn read(text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(text);
        let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
        Self(pairs.map(|(name, value)| (name.to_owned(), unescaped(value))).collect())
    }

    pub(super) fn says(&self, name: &str, value: &str) -> bool {
        self.0.iter().any(|said| said.0 == name && said.1 == value)
    }
}

fn unescaped(value: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), value.bytes());
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte.expect("a digit")).to_digit(16).expect("a digit") as u8;
                let high = digit(rest.next());
                high << 4 | digit(rest.next())
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).expect("text")
}
