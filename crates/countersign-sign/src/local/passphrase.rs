//! The passphrase of a private key.
//! Where it comes from (a file, the environment, a prompt) is the caller's business.

use std::fmt;

use zeroize::Zeroizing;

/// A passphrase; it is wiped when it is dropped and never printed.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes the text exactly as it is: a line's end that belongs to a file, not to the passphrase, must be gone already.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Returns the bytes, for what derives a key from them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Passphrase(..)")
    }
}
