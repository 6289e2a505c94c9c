//! Disclosures: one leaf of a sealed record with what shows that the record commits to it, and to nothing else there.
//! Whether anybody signed that record is for a bundle to show.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Frontier, Hash, MOST_LEAVES, NotASealedRecord, Salt, SealedRecord, leaf_hash, node, root_hash};
use crate::digest::hex;
use crate::json::{Json, Object, SyntaxError};
use crate::limits;

/// One leaf with its salt and its audit path, as it's handed to somebody who may read it.
///
/// What it says counts only as what [`Disclosure::check`] returns.
#[derive(Debug)]
pub struct Disclosure {
    record: SealedRecord,
    index: u64,
    salt: Salt,
    message: Message,
    /// The hashes beside the way from the leaf to the root of the tree, the lowest first (RFC 9162 §2.1.3).
    path: Vec<Hash>,
}

/// What a leaf says.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// What kind of message it is.
    pub kind: String,
    /// The message.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Message {{ kind: {:?}, body: {} bytes }}", self.kind, self.body.len())
    }
}

impl Disclosure {
    /// The media type of the document.
    pub const MEDIA_TYPE: &'static str = "application/vnd.countersign.disclosure.v1+json";

    /// Reads the document that [`Disclosure::to_bytes`] writes, and no other form of it. It believes nothing of what it reads.
    ///
    /// # Errors
    /// [`NotADisclosure`] for anything but these canonical bytes, and for more than [`limits::DISCLOSURE_BYTES`] of them.
    pub fn parse(bytes: &[u8]) -> Result<Self, NotADisclosure> {
        if bytes.len() > limits::DISCLOSURE_BYTES {
            return Err(NotADisclosure::TooLarge);
        }
        let json = Json::parse(bytes)?;
        let field = |name: &'static str| json.get(name).ok_or(NotADisclosure::Field(name));
        let text = |name: &'static str| field(name)?.as_str().ok_or(NotADisclosure::Field(name));
        let number = |name| field(name).map(|value| value.as_integer().and_then(|number| u64::try_from(number).ok()));
        if number("version")? != Some(VERSION) {
            return Err(NotADisclosure::Field("version"));
        }
        let record = SealedRecord::parse(&field("record")?.canonical())?;
        let index = number("index")?.filter(|index| *index < record.leaves).ok_or(NotADisclosure::Field("index"))?;
        let salt = Salt::new(unhex(text("salt")?).ok_or(NotADisclosure::Field("salt"))?);
        let path = field("path")?.as_array().filter(|path| path.len() <= LONGEST_PATH).ok_or(NotADisclosure::Field("path"))?;
        let path = path.iter().map(|hash| unhex(hash.as_str()?)).collect::<Option<Vec<_>>>().ok_or(NotADisclosure::Field("path"))?;
        let body = match json.get("text") {
            Some(text) => text.as_str().ok_or(NotADisclosure::Field("text"))?.as_bytes().to_vec(),
            None => STANDARD.decode(text("base64")?).map_err(|_| NotADisclosure::Field("base64"))?,
        };
        let read = Self { record, index, salt, message: Message { kind: text("kind")?.to_owned(), body }, path };
        // What isn't read isn't written again, so this refuses unknown fields together with every other spelling.
        if read.to_bytes() == bytes { Ok(read) } else { Err(NotADisclosure::NotCanonical) }
    }

    /// Returns the document, canonical (RFC 8785): the message as `text` where it's UTF-8, else as `base64`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        #[expect(clippy::cast_precision_loss, reason = "at most 2²⁴")]
        let number = |number: u64| Json::Number(number as f64);
        let (form, body) = match std::str::from_utf8(&self.message.body) {
            Ok(text) => ("text", text.to_owned()),
            Err(_) => ("base64", STANDARD.encode(&self.message.body)),
        };
        let members = [
            ("version", number(VERSION)),
            ("record", self.record.to_json()),
            ("index", number(self.index)),
            ("salt", Json::from(hex(self.salt.as_bytes()).as_str())),
            ("kind", Json::from(self.message.kind.as_str())),
            (form, Json::from(body.as_str())),
            ("path", Json::Array(self.path.iter().map(|hash| Json::from(hex(hash).as_str())).collect())),
        ];
        Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Object>()).canonical()
    }

    /// Returns the record that this claims to be a leaf of, as anybody can claim.
    #[must_use]
    pub const fn claimed_record(&self) -> &SealedRecord {
        &self.record
    }

    /// Returns the leaf's number, counted from 0.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// Checks that the record, which comes from a signed statement, commits to this message at this place, and returns it.
    ///
    /// # Errors
    /// [`NotDisclosed`] if this is of another record, or its path doesn't lead to the record's root.
    pub fn check(&self, record: &SealedRecord) -> Result<&Message, NotDisclosed> {
        if self.record != *record {
            return Err(NotDisclosed::OtherRecord);
        }
        let leaf = leaf_hash(self.index, &self.salt, &self.message.kind, &self.message.body);
        let tree = climb(leaf, self.index, record.leaves, &self.path).ok_or(NotDisclosed::PathLength)?;
        if hex(&root_hash(record.leaves, &tree)) == record.root { Ok(&self.message) } else { Err(NotDisclosed::OtherRoot) }
    }
}

/// Returns the tree's hash that a leaf and its path give (RFC 9162 §2.1.3.2); `None` if the path is too long or too short.
fn climb(leaf: Hash, index: u64, leaves: u64, path: &[Hash]) -> Option<Hash> {
    let (mut at, mut last) = (index, leaves.checked_sub(1).filter(|last| index <= *last)?);
    let mut hash = leaf;
    for beside in path {
        if last == 0 {
            return None;
        }
        if at % 2 == 1 || at == last {
            hash = node(beside, &hash);
            // The last node of a level without a neighbour is the same one on the level above.
            while at % 2 == 0 && at != 0 {
                at /= 2;
                last /= 2;
            }
        } else {
            hash = node(&hash, beside);
        }
        at /= 2;
        last /= 2;
    }
    (last == 0).then_some(hash)
}

/// Makes a disclosure: it takes all leaves again, as they were sealed, and keeps one and its path.
#[derive(Debug)]
pub struct Discloser {
    record: SealedRecord,
    index: u64,
    frontier: Frontier,
    found: Option<(Salt, Message)>,
    /// Where in the frontier the subtree with the leaf stands.
    place: Option<usize>,
    path: Vec<Hash>,
}

impl Discloser {
    /// Begins to disclose the leaf of a record that has this number, counted from 0.
    ///
    /// # Errors
    /// [`DiscloseError::NoSuchLeaf`] if the record has fewer leaves.
    pub fn new(record: SealedRecord, index: u64) -> Result<Self, DiscloseError> {
        if index >= record.leaves {
            return Err(DiscloseError::NoSuchLeaf { index, leaves: record.leaves });
        }
        Ok(Self { record, index, frontier: Frontier::default(), found: None, place: None, path: Vec::new() })
    }

    /// Takes the next leaf.
    pub fn leaf(&mut self, salt: &Salt, kind: &str, body: &[u8]) {
        let index = self.frontier.leaves;
        let mut is_on_the_way = index == self.index;
        if is_on_the_way {
            self.found = Some((Salt::new(*salt.as_bytes()), Message { kind: kind.to_owned(), body: body.to_vec() }));
        }
        let (place, path) = (&mut self.place, &mut self.path);
        self.frontier
            .push(leaf_hash(index, salt, kind, body), |depth, left, right| follow(&mut is_on_the_way, place, path, depth, left, right));
        if is_on_the_way {
            self.place = self.frontier.len().checked_sub(1);
        }
    }

    /// Returns the disclosure.
    ///
    /// # Errors
    /// [`DiscloseError::OtherLeaves`] if the leaves that were taken aren't those of the record.
    pub fn finish(mut self) -> Result<Disclosure, DiscloseError> {
        let leaves = self.frontier.leaves;
        let mut is_on_the_way = self.place == self.frontier.len().checked_sub(1);
        let (place, path) = (&mut self.place, &mut self.path);
        let tree = self.frontier.fold(|depth, left, right| follow(&mut is_on_the_way, place, path, depth, left, right));
        let same = tree.is_some_and(|tree| leaves == self.record.leaves && hex(&root_hash(leaves, &tree)) == self.record.root);
        let (salt, message) = self.found.filter(|_| same).ok_or(DiscloseError::OtherLeaves)?;
        Ok(Disclosure { record: self.record, index: self.index, salt, message, path: self.path })
    }
}

/// Two subtrees become one: if the leaf is in either, the other stands beside its way.
fn follow(is_right: &mut bool, place: &mut Option<usize>, path: &mut Vec<Hash>, depth: usize, left: &Hash, right: &Hash) {
    if *is_right {
        path.push(*left);
    } else if *place == Some(depth) {
        path.push(*right);
        (*is_right, *place) = (true, None);
    }
}

/// Why a leaf can't be disclosed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DiscloseError {
    /// The record has no leaf of that number.
    #[error("there is no message {index}: the record has {leaves}, counted from 0")]
    NoSuchLeaf {
        /// The number.
        index: u64,
        /// How many there are.
        leaves: u64,
    },
    /// The leaves aren't the record's: the opening was changed, or is another record's.
    #[error("the kept messages aren't those that were sealed")]
    OtherLeaves,
}

/// Why a disclosure shows nothing of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotDisclosed {
    /// It names another record.
    #[error("it is of another record")]
    OtherRecord,
    /// No leaf of that number has a path of that length.
    #[error("its path is too long or too short for its place")]
    PathLength,
    /// Another text, kind, salt, place or path was sealed.
    #[error("the record doesn't commit to this message at this place")]
    OtherRoot,
}

/// Why bytes are not a disclosure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotADisclosure {
    /// The bytes are not JSON.
    #[error("a disclosure is JSON, and this is not: {0}")]
    NotJson(#[from] SyntaxError),
    /// The record isn't one.
    #[error("{0}")]
    Record(#[from] NotASealedRecord),
    /// A field is missing, or its value is impossible.
    #[error("the disclosure's field `{0}` is missing or malformed")]
    Field(&'static str),
    /// There are other fields, or the same ones in another spelling.
    #[error("the disclosure has other fields, or isn't in canonical form (RFC 8785)")]
    NotCanonical,
    /// There are more bytes than are read.
    #[error("the disclosure is larger than {} bytes", limits::DISCLOSURE_BYTES)]
    TooLarge,
}

/// Reads 32 bytes in lower-case hex.
fn unhex(text: &str) -> Option<Hash> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let pairs = text.as_bytes().chunks_exact(2).map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    let bytes: Vec<u8> = pairs.collect::<Option<_>>()?;
    bytes.try_into().ok().filter(|_| text.len() == 64)
}

const VERSION: u64 = 1;
/// A tree of the most leaves has this many levels below its root.
const LONGEST_PATH: usize = MOST_LEAVES.ilog2() as usize;
