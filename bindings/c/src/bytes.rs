//! Bytes that are given out: JSON, bundles, keys, what is to be signed.
//! What they mean is said by who makes them.

/// Some bytes, which belong to the caller. A zero byte that isn't counted follows them.
pub struct Bytes {
    content: Vec<u8>,
}

impl Bytes {
    /// Returns the bytes without the zero that follows.
    pub(crate) fn content(&self) -> &[u8] {
        self.content.split_last().map_or(&[], |(_, content)| content)
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(mut content: Vec<u8>) -> Self {
        content.push(0);
        Self { content }
    }
}
