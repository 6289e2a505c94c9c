//! A Merkle tree of log entries (RFC 6962 §2.1): its root, and the proof that a leaf is in it.
//! Who signs the root, and what the leaves are, is the logs' affair.

use sha2::{Digest as _, Sha256};

/// The leaves of a log.
#[derive(Clone, Debug)]
pub(crate) struct Tree(Vec<[u8; 32]>);

impl Tree {
    /// A tree of these entries.
    pub(crate) fn of(entries: &[Vec<u8>]) -> Self {
        Self(entries.iter().map(|entry| Sha256::digest([&[0], &entry[..]].concat()).into()).collect())
    }

    /// How many leaves there are.
    pub(crate) const fn size(&self) -> usize {
        self.0.len()
    }

    /// The root of the whole tree.
    pub(crate) fn root(&self) -> [u8; 32] {
        root(&self.0)
    }

    /// The proof that the leaf at that place is in the tree, lowest sibling first.
    pub(crate) fn proof(&self, index: usize) -> Vec<[u8; 32]> {
        path(&self.0, index)
    }
}

fn root(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            Sha256::digest([&[1][..], &root(left), &root(right)].concat()).into()
        }
    }
}

fn path(leaves: &[[u8; 32]], index: usize) -> Vec<[u8; 32]> {
    if leaves.len() < 2 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut below, sibling) = match index.checked_sub(left.len()) {
        None => (path(left, index), root(right)),
        Some(index) => (path(right, index), root(left)),
    };
    below.push(sibling);
    below
}

/// The largest power of two below `size`.
const fn split(size: usize) -> usize {
    size.next_power_of_two() / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_that_of_the_rfc() {
        // The tree of RFC 6962's reference implementation: no entry, and one empty entry.
        let hex = |hash: [u8; 32]| countersign::digest::hex(&hash);
        assert_eq!(hex(Tree::of(&[]).root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(hex(Tree::of(&[Vec::new()]).root()), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        assert_eq!(hex(Tree::of(&[Vec::new(), vec![0]]).root()), "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
    }

    #[test]
    fn a_proof_is_as_long_as_its_leaf_is_deep() {
        let tree = Tree::of(&[b"a", b"b", b"c", b"d", b"e"].map(|leaf| leaf.to_vec()));
        assert_eq!([0, 3, 4].map(|leaf| tree.proof(leaf).len()), [3, 3, 1]);
    }
}
