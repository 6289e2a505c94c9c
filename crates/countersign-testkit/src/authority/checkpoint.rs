//! Checkpoints: the roots of logs, signed as notes.
//! How the root comes about is in `tree`; which key signs is the logs' affair.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_sign::LocalKey;

use super::draft::Proof;
use super::tree::Tree;

/// Who signs a log's roots.
pub(crate) struct Notary<'a> {
    /// What the log calls itself.
    pub(crate) origin: &'a str,
    /// The name of the key.
    pub(crate) name: &'a str,
    /// The key's id, of which the first four bytes stand in the note.
    pub(crate) id: [u8; 32],
    /// The key.
    pub(crate) key: &'a LocalKey,
}

impl Notary<'_> {
    /// Signs a root.
    pub(crate) fn sign(&self, size: u64, root: &[u8]) -> String {
        let text = format!("{}\n{size}\n{}\n", self.origin, STANDARD.encode(root));
        let signature = self.key.sign(text.as_bytes()).expect("a signature");
        let line = STANDARD.encode([&self.id[..4], &signature].concat());
        format!("{text}\n\u{2014} {} {line}\n", self.name)
    }

    /// Proves that the leaf at that place is in the tree.
    pub(crate) fn prove(&self, tree: &Tree, index: usize) -> Proof {
        let (size, root) = (tree.size() as u64, tree.root().to_vec());
        let hashes = tree.proof(index).into_iter().map(|hash| hash.to_vec()).collect();
        Proof { index: index as u64, checkpoint: self.sign(size, &root), root, size, hashes }
    }
}
