//! Sealed records: one digest that commits to many texts and shows none of them.
//! It draws no randomness and keeps no text; where salts and texts are kept is the caller's affair.
//!
//! ```text
//! leaf_i = SHA-256(0x00 ‖ TAG ‖ u64(i) ‖ salt_i ‖ u64(|kind|) ‖ kind ‖ u64(|body|) ‖ body)
//! node   = SHA-256(0x01 ‖ left ‖ right)             in the tree shape of RFC 6962 §2.1
//! root   = SHA-256(0x02 ‖ TAG ‖ u64(N) ‖ tree hash)
//! ```
//!
//! `TAG` is the ASCII text `countersign/seal/v1`, so that no hash made for another purpose is one of ours. `u64` is eight
//! bytes, big-endian; lengths count bytes, and `i` counts leaves from 0.
//!
//! - `0x00` and `0x01` keep a leaf from being read as an inner node (RFC 6962 §2.1): otherwise the two hashes below a node
//!   could be shown as the text of a leaf.
//! - `0x02` keeps a root from being read as a node of a larger tree, and the count beside it says how many leaves there are:
//!   without it the last leaf's path alone would have to.
//! - The lengths stand before `kind` and `body`, so that no byte can move from one to the other.
//! - The salt hides texts that could be guessed; each leaf has one of its own, so that one leaf alone can be forgotten.
//!
//! The record is a JCS document that names the root and the count, and statements carry its SHA-256. A [`Disclosure`] is
//! that document with one leaf, its number, its salt and its audit path, and anybody checks it against a record that a
//! signed statement carries.
//!
//! # What is relied on
//!
//! **Binding** needs SHA-256 to be collision resistant, and nothing else. What is hashed can be read in one way only: the
//! first byte tells leaf, node and root apart, `TAG`, `i` and the salt have fixed lengths, and each length stands before what
//! it measures. So two different sequences of (kind, body) under one root give a collision: equal roots have equal counts,
//! equal counts have trees of one shape, and going down from the root either two inputs of one hash differ or all leaves are
//! the same. The same holds for one leaf: a disclosure that checks for another text at the same place, for the same text at
//! another place, or for a place beyond the count, is a collision. Whoever seals is bound, too, from the moment the
//! statement is signed, and no secret of theirs would let them out.
//!
//! **Hiding** needs the salts to be uniform and unknown, and SHA-256 keyed by a salt to be a pseudorandom function of what
//! follows it. Then a leaf's hash tells nothing of its text to somebody without its salt: to try a guess one has to try 2²⁵⁶
//! salts with it, even where `yes` and `no` are the only guesses. Salts are drawn anew for each leaf, so what opens one leaf
//! says nothing of its neighbours: an audit path holds hashes of leaves and of nodes, and each is hidden by a salt of its own. What follows a
//! salt says its own length first, so that no input is the beginning of another: SHA-256 could be continued from one to the next.
//!
//! **What is not hidden**: that there is a record, how many leaves it has, its random name, and whatever the statement
//! around it says. A disclosure also shows its leaf's number, kind and length, and with that roughly when in the run it was.
//! Lengths and kinds of leaves that weren't disclosed stay hidden.
//!
//! **What is not shown**: that the texts are true, complete or in the order in which things happened. A record shows what
//! somebody sealed, and the statement around it who says so.
//!
//! **Forgetting** is losing the salts. Without them the leaf's text can't be shown to belong to the record nor be found by
//! guessing, and all that was signed still verifies, since no check of a statement ever needs an opening.

mod disclosure;

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::digest::{Digest, hex};
use crate::json::{Json, Object, SyntaxError};
use crate::limits;

pub use disclosure::{DiscloseError, Discloser, Disclosure, Message, NotADisclosure, NotDisclosed};

/// The 32 bytes that hide one leaf.
///
/// They come from the operating system's random source, anew for each leaf.
pub struct Salt([u8; 32]);

impl Salt {
    /// Takes fresh random bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes, for the leaf's opening.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(hidden)")
    }
}

/// Seals leaves as they come, in memory that grows with the logarithm of their number.
#[derive(Debug)]
pub struct Sealer {
    record: [u8; 16],
    frontier: Frontier,
}

impl Sealer {
    /// Starts a record; `record` is random, so that two records of the same texts have nothing in common.
    #[must_use]
    pub const fn new(record: [u8; 16]) -> Self {
        Self { record, frontier: Frontier { leaves: 0, subtrees: Vec::new() } }
    }

    /// Seals the next text; `salt` must never serve another leaf.
    pub fn leaf(&mut self, salt: &Salt, kind: &str, body: &[u8]) {
        self.frontier.push(leaf_hash(self.frontier.leaves, salt, kind, body), |_, _, _| {});
    }

    /// Returns the record of all leaves.
    ///
    /// # Errors
    /// [`SealError::Empty`] without a leaf; [`SealError::TooMany`] beyond [`limits::SEALED_LEAVES`].
    pub fn finish(mut self) -> Result<SealedRecord, SealError> {
        let leaves = self.frontier.leaves;
        let tree = self.frontier.fold(|_, _, _| {}).ok_or(SealError::Empty)?;
        if leaves > MOST_LEAVES {
            return Err(SealError::TooMany);
        }
        Ok(SealedRecord { record: hex(&self.record), leaves, root: hex(&root_hash(leaves, &tree)) })
    }
}

/// Why leaves can't be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// There was no leaf.
    #[error("nothing to seal: a sealed record needs at least one leaf")]
    Empty,
    /// There were more leaves than [`limits::SEALED_LEAVES`].
    #[error("too much to seal: a sealed record has at most {} leaves; seal several records", limits::SEALED_LEAVES)]
    TooMany,
}

/// What a statement says of sealed texts: their number and the root over them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedRecord {
    record: String,
    leaves: u64,
    root: String,
}

impl SealedRecord {
    /// The media type of the document.
    pub const MEDIA_TYPE: &'static str = "application/vnd.countersign.sealed.v1+json";

    /// Reads the document that [`SealedRecord::to_bytes`] writes, and no other form of it.
    ///
    /// # Errors
    /// [`NotASealedRecord`] for anything but these canonical bytes: unknown, missing or doubled fields, another version,
    /// no leaf or too many, a root or a record name that isn't lower-case hex of its length, blanks, another order.
    pub fn parse(bytes: &[u8]) -> Result<Self, NotASealedRecord> {
        let json = Json::parse(bytes)?;
        let field = |name: &'static str| json.get(name).ok_or(NotASealedRecord::Field(name));
        let count = |name| field(name).map(|value| value.as_integer().and_then(|number| u64::try_from(number).ok()));
        if count("version")? != Some(VERSION) {
            return Err(NotASealedRecord::Field("version"));
        }
        let lower_hex = |name: &'static str, length: usize| match field(name)?.as_str() {
            Some(text) if text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) => Ok(text.to_owned()),
            _ => Err(NotASealedRecord::Field(name)),
        };
        let leaves = count("leaves")?.filter(|leaves| (1..=MOST_LEAVES).contains(leaves)).ok_or(NotASealedRecord::Field("leaves"))?;
        let read = Self { record: lower_hex("record", 32)?, leaves, root: lower_hex("root", 64)? };
        // What isn't read isn't written again, so this refuses unknown fields together with every other spelling.
        if read.to_bytes() == bytes { Ok(read) } else { Err(NotASealedRecord::NotCanonical) }
    }

    /// Returns the document, canonical (RFC 8785).
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_json().canonical()
    }

    fn to_json(&self) -> Json {
        #[expect(clippy::cast_precision_loss, reason = "at most 2²⁴")]
        let number = |number: u64| Json::Number(number as f64);
        let members = [
            ("version", number(VERSION)),
            ("record", Json::from(self.record.as_str())),
            ("leaves", number(self.leaves)),
            ("root", Json::from(self.root.as_str())),
        ];
        Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Object>())
    }

    /// Returns the SHA-256 of the document, by which statements name it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::sha256(&self.to_bytes())
    }

    /// Returns the record's random name, in hex.
    #[must_use]
    pub fn record(&self) -> &str {
        &self.record
    }

    /// Returns the number of leaves.
    #[must_use]
    pub const fn leaves(&self) -> u64 {
        self.leaves
    }

    /// Returns the root over all leaves, in hex.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }
}

/// Why bytes are not a sealed record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotASealedRecord {
    /// The bytes are not JSON.
    #[error("a sealed record is JSON, and this is not: {0}")]
    NotJson(#[from] SyntaxError),
    /// A field is missing, or its value is impossible.
    #[error("the sealed record's field `{0}` is missing or malformed")]
    Field(&'static str),
    /// There are other fields, or the same ones in another spelling.
    #[error("the sealed record has other fields, or isn't in canonical form (RFC 8785)")]
    NotCanonical,
}

type Hash = [u8; 32];

/// The roots of the complete subtrees so far, the largest first: one for each bit that is set in `leaves`.
#[derive(Clone, Debug, Default)]
struct Frontier {
    leaves: u64,
    subtrees: Vec<Hash>,
}

impl Frontier {
    /// Adds a leaf. `joining` sees each two subtrees that become one, and how many stand before them.
    fn push(&mut self, mut hash: Hash, mut joining: impl FnMut(usize, &Hash, &Hash)) {
        for _ in 0..self.leaves.trailing_ones() {
            if let Some(left) = self.subtrees.pop() {
                joining(self.subtrees.len(), &left, &hash);
                hash = node(&left, &hash);
            }
        }
        self.subtrees.push(hash);
        self.leaves = self.leaves.saturating_add(1);
    }

    /// Returns the hash of the whole tree; `None` without a leaf.
    fn fold(&mut self, mut joining: impl FnMut(usize, &Hash, &Hash)) -> Option<Hash> {
        let mut tree = self.subtrees.pop()?;
        while let Some(left) = self.subtrees.pop() {
            joining(self.subtrees.len(), &left, &tree);
            tree = node(&left, &tree);
        }
        Some(tree)
    }

    const fn len(&self) -> usize {
        self.subtrees.len()
    }
}

fn leaf_hash(index: u64, salt: &Salt, kind: &str, body: &[u8]) -> Hash {
    Sha256::new()
        .chain_update([LEAF])
        .chain_update(TAG)
        .chain_update(index.to_be_bytes())
        .chain_update(salt.0)
        .chain_update(length(kind.as_bytes()))
        .chain_update(kind)
        .chain_update(length(body))
        .chain_update(body)
        .finalize()
        .into()
}

fn root_hash(leaves: u64, tree: &Hash) -> Hash {
    Sha256::new().chain_update([ROOT]).chain_update(TAG).chain_update(leaves.to_be_bytes()).chain_update(tree).finalize().into()
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([NODE]).chain_update(left).chain_update(right).finalize().into()
}

const fn length(bytes: &[u8]) -> [u8; 8] {
    (bytes.len() as u64).to_be_bytes()
}

const TAG: &[u8] = b"countersign/seal/v1";
const LEAF: u8 = 0x00;
const NODE: u8 = 0x01;
const ROOT: u8 = 0x02;
const VERSION: u64 = 1;
const MOST_LEAVES: u64 = limits::SEALED_LEAVES as u64;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RECORD: [u8; 16] = [0xAB; 16];

    fn seal(leaves: &[(u8, &str, &[u8])]) -> SealedRecord {
        let mut sealer = Sealer::new(RECORD);
        for (salt, kind, body) in leaves {
            sealer.leaf(&Salt::new([*salt; 32]), kind, body);
        }
        sealer.finish().unwrap()
    }

    /// Leaf `i` has the salt `[i; 32]`, the kind `kind-i` and the body `body i`.
    fn numbered(count: u8) -> SealedRecord {
        let texts: Vec<_> = (0..count).map(|i| (i, format!("kind-{i}"), format!("body {i}"))).collect();
        seal(&texts.iter().map(|(i, kind, body)| (*i, kind.as_str(), body.as_bytes())).collect::<Vec<_>>())
    }

    /// The tree of RFC 6962 §2.1 as its text defines it, top-down.
    fn tree_hash(leaves: &[Hash]) -> Hash {
        match leaves {
            [one] => *one,
            _ => {
                let half = leaves.len().next_power_of_two() / 2;
                node(&tree_hash(&leaves[..half]), &tree_hash(&leaves[half..]))
            }
        }
    }

    #[test]
    fn the_roots_are_those_of_an_independent_computation() {
        // Python's hashlib, the three formulas above written out, and RFC 6962's recursive definition of the tree.
        let roots = [
            (1, "17c5bc6ddcc04c7483cb46d7547d972891800cf61fb0e2d512a211af41902bea"),
            (2, "3af8a6a9e770d08809c0a74f27f33a40ee53a4aba7f520b91ee07b3534243c91"),
            (3, "f091edfdc969b09a36d67ea60ec01849a814a7d76c4c6ddea6474bdb1f8a808a"),
            (5, "b927275575c9886075295e8ae139b06029f9184977cc7fe814380659aee50dc3"),
            (8, "5f13471151b677610dc342125388eff1f52b36c272fbfe57fcbcbf59900932a9"),
        ];
        for (count, root) in roots {
            assert_eq!(numbered(count).root(), root, "{count} leaves");
        }
    }

    #[test]
    fn the_document_is_canonical_and_named_by_its_sha256() {
        let record = numbered(1);
        let document = concat!(
            r#"{"leaves":1,"record":"abababababababababababababababab","#,
            r#""root":"17c5bc6ddcc04c7483cb46d7547d972891800cf61fb0e2d512a211af41902bea","version":1}"#
        );
        assert_eq!(record.to_bytes(), document.as_bytes());
        assert_eq!(record.digest().hex(), "01057c96b9170d91065bc9100da7458841f430d5ef2893e3737393c575c8dffd");
    }

    #[test]
    fn the_order_of_leaves_counts() {
        let (a, b): ((u8, &str, &[u8]), _) = ((1, "user", b"first"), (2, "assistant", b"second".as_slice()));
        assert_ne!(seal(&[a, b]).root(), seal(&[b, a]).root());
    }

    #[test]
    fn no_byte_moves_from_kind_to_body() {
        assert_ne!(seal(&[(0, "ab", b"c")]).root(), seal(&[(0, "a", b"bc")]).root());
        assert_ne!(seal(&[(0, "abc", b"")]).root(), seal(&[(0, "", b"abc")]).root());
    }

    #[test]
    fn the_same_text_under_another_salt_is_another_leaf() {
        assert_ne!(seal(&[(1, "user", b"text")]).root(), seal(&[(2, "user", b"text")]).root());
    }

    #[test]
    fn the_number_of_leaves_counts_even_where_the_tree_is_the_same() {
        let mut one = Sealer::new(RECORD);
        one.leaf(&Salt::new([7; 32]), "user", b"text");
        let two = Sealer { record: RECORD, frontier: Frontier { leaves: 2, ..one.frontier.clone() } };
        assert_ne!(one.finish().unwrap().root(), two.finish().unwrap().root());
    }

    #[test]
    fn refuses_no_leaf_and_too_many() {
        assert_eq!(Sealer::new(RECORD).finish(), Err(SealError::Empty));
        let full = |leaves| Sealer { record: RECORD, frontier: Frontier { leaves, subtrees: vec![[0; 32]] } };
        assert!(full(MOST_LEAVES).finish().is_ok());
        let mut sealer = full(MOST_LEAVES);
        sealer.leaf(&Salt::new([0; 32]), "user", b"one more");
        assert_eq!(sealer.finish(), Err(SealError::TooMany));
    }

    #[test]
    fn the_frontier_stays_logarithmic() {
        let mut sealer = Sealer::new(RECORD);
        for _ in 0..1_000 {
            sealer.leaf(&Salt::new([0; 32]), "user", b"text");
        }
        assert_eq!(sealer.frontier.len(), 1_000_u32.count_ones() as usize);
    }

    #[test]
    fn a_salt_never_shows_itself() {
        assert_eq!(format!("{:?}", Salt::new([0x5A; 32])), "Salt(hidden)");
    }

    #[test]
    fn reads_only_the_exact_document() {
        let root = "0".repeat(64);
        let record = "0".repeat(32);
        let good = format!(r#"{{"leaves":1,"record":"{record}","root":"{root}","version":1}}"#);
        assert_eq!(SealedRecord::parse(good.as_bytes()).unwrap().to_bytes(), good.as_bytes());
        let changed = |from: &str, to: &str| {
            let text = good.replacen(from, to, 1);
            assert_ne!(text, good, "{from} stands in the document");
            SealedRecord::parse(text.as_bytes()).unwrap_err()
        };
        for (from, to, field) in [
            (r#""version":1"#, r#""version":2"#, "version"),
            (r#""version":1"#, r#""version":"1""#, "version"),
            (r#","version":1"#, "", "version"),
            (r#""leaves":1"#, r#""leaves":0"#, "leaves"),
            (r#""leaves":1"#, r#""leaves":-1"#, "leaves"),
            (r#""leaves":1"#, r#""leaves":1.5"#, "leaves"),
            (r#""leaves":1"#, r#""leaves":16777217"#, "leaves"),
            (r#""leaves":1,"#, "", "leaves"),
            (r#""root":"0"#, r#""root":"A"#, "root"),
            (r#""root":"0"#, r#""root":""#, "root"),
            (r#""record":"0"#, r#""record":"00"#, "record"),
            (r#""record":"0"#, r#""record":"x"#, "record"),
        ] {
            assert_eq!(changed(from, to), NotASealedRecord::Field(field), "{from} -> {to}");
        }
        for (from, to) in
            [("}", r#","x":1}"#), (",", ", "), (r#""leaves":1"#, r#""leaves":1.0"#), (r#""leaves""#, r#""\u006ceaves""#), ("}", "}\n")]
        {
            assert_eq!(changed(from, to), NotASealedRecord::NotCanonical, "{from} -> {to}");
        }
        assert!(matches!(changed("{", r#"{"leaves":1,"#), NotASealedRecord::NotJson(_)));
        assert!(matches!(SealedRecord::parse(b""), Err(NotASealedRecord::NotJson(_))));
        assert_eq!(SealedRecord::parse(b"[]"), Err(NotASealedRecord::Field("version")));
    }

    proptest! {
        #[test]
        fn streaming_makes_the_tree_of_the_rfc(bodies in prop::collection::vec(any::<Vec<u8>>(), 1..70)) {
            let mut sealer = Sealer::new(RECORD);
            let mut leaves = Vec::new();
            for (i, body) in bodies.iter().enumerate() {
                sealer.leaf(&Salt::new([3; 32]), "user", body);
                let mut leaf = Sha256::new();
                leaf.update([0]);
                leaf.update(b"countersign/seal/v1");
                leaf.update((i as u64).to_be_bytes());
                leaf.update([3; 32]);
                leaf.update(4_u64.to_be_bytes());
                leaf.update(b"user");
                leaf.update((body.len() as u64).to_be_bytes());
                leaf.update(body);
                leaves.push(leaf.finalize().into());
            }
            let mut root = Sha256::new();
            root.update([2]);
            root.update(b"countersign/seal/v1");
            root.update((bodies.len() as u64).to_be_bytes());
            root.update(tree_hash(&leaves));
            let record = sealer.finish().unwrap();
            prop_assert_eq!(record.root(), hex(&root.finalize()));
            prop_assert_eq!(record.leaves(), bodies.len() as u64);
        }

        #[test]
        fn writing_and_reading_is_the_identity(name in any::<[u8; 16]>(), bodies in prop::collection::vec(any::<Vec<u8>>(), 1..9)) {
            let mut sealer = Sealer::new(name);
            bodies.iter().for_each(|body| sealer.leaf(&Salt::new([1; 32]), "tool", body));
            let record = sealer.finish().unwrap();
            prop_assert_eq!(SealedRecord::parse(&record.to_bytes()).unwrap(), record);
        }

        #[test]
        fn reading_never_accepts_another_spelling(bytes in any::<Vec<u8>>(), at in 0_usize..150, byte in any::<u8>()) {
            prop_assert!(SealedRecord::parse(&bytes).is_err());
            let mut document = numbered(2).to_bytes();
            if let Some(place) = document.get_mut(at) {
                *place = byte;
            }
            if let Ok(record) = SealedRecord::parse(&document) {
                prop_assert_eq!(record.to_bytes(), document);
            }
        }
    }
}
