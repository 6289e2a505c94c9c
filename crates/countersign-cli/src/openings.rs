//! What opens sealed records: where it lies, in which form, and how one is found, opened and destroyed.
//! What an opening proves is the heart's affair; the user's key stands in `key`, the keeping in `keeper`.
//!
//! ```text
//! $XDG_DATA_HOME/countersign/openings/<sha256 of the record>/record   the sealed record, as statements carry it
//!                                                           /key      32 bytes: HPKE's encapsulated key
//!                                                           /leaves   frames, each behind its length: 4 bytes, big-endian
//! ```
//!
//! Each record is encrypted for itself to the user's public key: HPKE (RFC 9180) in base mode, DHKEM(X25519, HKDF-SHA256),
//! HKDF-SHA256, AES-256-GCM. So keeping needs no passphrase, and whatever runs beside it with the user's rights can't read
//! what was kept, while opening needs the private key, which a passphrase guards. The frames are the messages of one HPKE
//! context, whose counter fixes their order: salt, kind's length (2 bytes) and kind, body for each leaf, and at the end the
//! record. A frame's associated data says whether it's the last, so nothing can be cut off, swapped or taken elsewhere.
//!
//! The encapsulated key stands in `key` and nowhere else. Without it not even the private key opens the leaves, so
//! destroying these 32 bytes destroys the opening, and copies of `leaves` alone open nothing.

mod keeper;
mod key;

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use countersign::bundle::Bundle;
use countersign::digest::{Algorithm, Digest};
use countersign::seal::{Salt, SealedRecord};
use countersign_sign::work_tree_above;
use hpke::aead::{AeadCtxR, AesGcm256};
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable as _, Kem, OpModeR};

use crate::bundle_file;
use crate::data_home::{data_home, home};
use crate::failure::Failure;
use crate::passphrase::PassphraseSource;

pub(crate) use keeper::{Keeper, prepare};
pub(crate) use key::generate;

/// Returns where openings lie, which is never in a work tree but the home directory itself.
fn folder() -> Result<PathBuf, Failure> {
    let folder = data_home()?.join("openings");
    if let Some(top) = work_tree_above(&folder)
        && home().and_then(|home| home.canonicalize().ok()).is_none_or(|home| home != top)
    {
        return Err(Failure::new("openings-exposed", format!("openings would lie in the git work tree `{}`", top.display()))
            .hint("set XDG_DATA_HOME to a place outside of work trees"));
    }
    Ok(folder)
}

/// An opening that is kept, found by its record.
pub(crate) struct Kept {
    place: PathBuf,
    record: SealedRecord,
}

impl Kept {
    /// Finds the opening of a record that is named by its digest, its root, its name, or the opening's own path.
    pub(crate) fn find(record: &str) -> Result<Self, Failure> {
        let wanted = match sha256(record) {
            Some(wanted) => wanted,
            None if is_name(record) => record.to_owned(),
            None => return Self::at(Path::new(record)).map_err(|failure| no_record(Path::new(record)).unwrap_or(failure)),
        };
        let folder = folder()?;
        let by_digest = folder.join(&wanted);
        if by_digest.is_dir() {
            let kept = Self::at(&by_digest)?;
            return if kept.record.digest().hex() == wanted { Ok(kept) } else { Err(damaged(&by_digest)) };
        }
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(missing(record)),
            Err(error) => return Err(unreadable(&folder).because(&error)),
        };
        for entry in entries {
            let place = entry.map_err(|error| unreadable(&folder).because(&error))?.path();
            // What isn't finished, or is another's, is passed over.
            if let Ok(kept) = Self::at(&place)
                && (kept.record.root() == wanted || kept.record.record() == wanted)
            {
                return Ok(kept);
            }
        }
        Err(missing(record))
    }

    fn at(place: &Path) -> Result<Self, Failure> {
        // One of its files stands for the opening.
        let place = if place.is_file() { place.parent().unwrap_or(place) } else { place };
        let path = place.join(RECORD);
        let mut bytes = Vec::new();
        match File::open(&path) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Err(missing(&place.display().to_string()));
            }
            opened => opened.and_then(|file| file.take(RECORD_BYTES).read_to_end(&mut bytes)),
        }
        .map_err(|error| unreadable(place).because(&error))?;
        let record = SealedRecord::parse(&bytes).map_err(|error| damaged(place).because(&error))?;
        Ok(Self { place: place.to_owned(), record })
    }

    /// Returns the record.
    pub(crate) const fn record(&self) -> &SealedRecord {
        &self.record
    }

    /// Opens it, and hands every leaf over in order. Nothing that was handed over counts unless this succeeds.
    pub(crate) fn open(&self, passphrase: &PassphraseSource, leaf: &mut dyn FnMut(&Salt, &str, &[u8])) -> Result<(), Failure> {
        let damaged = || damaged(&self.place);
        let mut encapsulated = [0; ENCAPSULATED_BYTES];
        let key = self.place.join(KEY);
        if is_destroyed(&key) {
            return Err(Failure::new("opening-shredded", format!("the opening `{}` was shredded", self.place.display())));
        }
        let read = File::open(&key).and_then(|mut file| file.read_exact(&mut encapsulated));
        read.map_err(|error| damaged().because(&error))?;
        let frames = File::open(self.place.join(LEAVES)).map_err(|error| unreadable(&self.place).because(&error))?;
        let mut frames = BufReader::new(frames);
        let encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(&encapsulated).map_err(|error| damaged().because(&error))?;
        let private = key::read_private(passphrase)?;
        let context = hpke::setup_receiver(&OpModeR::Base, &private, &encapsulated, INFO);
        let mut context: AeadCtxR<AesGcm256, HkdfSha256, X25519HkdfSha256> = context.map_err(|error| damaged().because(&error))?;
        let mut leaves = 0_u64;
        loop {
            let mut length = [0; 4];
            frames.read_exact(&mut length).map_err(|error| damaged().because(&error))?;
            let length = u64::from(u32::from_be_bytes(length));
            if length > FRAME_BYTES {
                return Err(damaged());
            }
            let mut frame = Vec::new();
            frames.by_ref().take(length).read_to_end(&mut frame).map_err(|error| damaged().because(&error))?;
            // Which kind of frame is the next follows from the record, so its mark needn't be believed.
            if leaves == self.record.leaves() {
                let end = context.open(&frame, END).map_err(|_| damaged())?;
                let at_end = frames.read(&mut [0]).map_err(|error| damaged().because(&error))? == 0;
                return if end == self.record.to_bytes() && at_end { Ok(()) } else { Err(damaged()) };
            }
            let frame = context.open(&frame, LEAF).map_err(|_| {
                let failure = damaged();
                if leaves == 0 { failure.hint("or it was kept under another key than the one that is here now") } else { failure }
            })?;
            let (salt, kind, body) = parts(&frame).ok_or_else(damaged)?;
            leaf(&Salt::new(salt), kind, body);
            leaves += 1;
        }
    }

    /// Destroys it: first the key, overwritten and taken away, then the rest. What is gone already is no failure, whoever
    /// took it away.
    pub(crate) fn shred(&self) -> Result<(), Failure> {
        let key = self.place.join(KEY);
        if key.is_symlink() {
            // Somebody else's file would be overwritten.
            let detail = format!("a link lies where the key of the opening `{}` should be, and isn't followed", self.place.display());
            return Err(Failure::new("shredding-failed", detail));
        }
        let destroyed = match OpenOptions::new().write(true).open(&key) {
            opened @ Err(_) if is_destroyed(&key) => opened.map(drop).or(Ok(())),
            opened => opened.and_then(|mut file| {
                file.write_all(&[0; ENCAPSULATED_BYTES])?;
                file.sync_all()
            }),
        };
        destroyed.map_err(|error| {
            Failure::new("shredding-failed", format!("the opening `{}` can't be destroyed", self.place.display())).because(&error)
        })?;
        // The record last, so that what a kill leaves over is still found, and shredded again.
        let mut left = Vec::new();
        for name in [KEY, LEAVES, RECORD] {
            if name == RECORD && !left.is_empty() {
                continue;
            }
            match fs::remove_file(self.place.join(name)) {
                Err(error) if error.kind() != ErrorKind::NotFound => left.push((self.place.join(name), error)),
                _ => {}
            }
        }
        if left.is_empty()
            && let Err(error) = fs::remove_dir(&self.place)
            && error.kind() != ErrorKind::NotFound
        {
            left.push((self.place.clone(), error));
        }
        let Some((_, error)) = left.first() else { return Ok(()) };
        let names: Vec<_> = left.iter().map(|(path, _)| format!("`{}`", path.display())).collect();
        let detail =
            format!("the key is destroyed, so that nothing opens it any more; these files could not be removed: {}", names.join(", "));
        Err(Failure::new("shredding-incomplete", detail).because(error).hint("remove them, or shred it again once they can be"))
    }
}

/// Whether nothing is left of an opening's key: it's gone, or overwritten.
fn is_destroyed(key: &Path) -> bool {
    match fs::read(key) {
        Ok(bytes) => bytes.iter().all(|byte| *byte == 0),
        Err(error) => error.kind() == ErrorKind::NotFound,
    }
}

/// Reads what a frame holds.
fn parts(frame: &[u8]) -> Option<([u8; 32], &str, &[u8])> {
    let (salt, rest) = frame.split_first_chunk::<32>()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (kind, body) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    Some((*salt, std::str::from_utf8(kind).ok()?, body))
}

/// Returns the hex of a SHA-256 that is named with or without its algorithm.
fn sha256(text: &str) -> Option<String> {
    let hex = text.strip_prefix("sha256:").unwrap_or(text);
    Digest::new(Algorithm::Sha256, hex).ok().map(|digest| digest.hex().to_owned())
}

/// Whether it has the form of a record's name, as `inspect` prints it.
fn is_name(text: &str) -> bool {
    text.len() == NAME_DIGITS && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Says that a file is a bundle, which carries records and opens none.
fn no_record(path: &Path) -> Option<Failure> {
    let is_bundle = path.is_file() && bundle_file::read(path).is_ok_and(|bytes| Bundle::parse(&bytes).is_ok());
    let name = path.display();
    is_bundle.then(|| {
        Failure::new("opening-missing", format!("`{name}` is a bundle, and no record"))
            .hint(format!("`countersign inspect {name}` prints its records; name one by its digest"))
    })
}

fn missing(record: &str) -> Failure {
    Failure::new("opening-missing", format!("no opening of `{record}` is kept here"))
        .hint("a record's name stands in `countersign inspect BUNDLE`, and openings are kept by whoever sealed it, until they're shredded")
}

fn unreadable(place: &Path) -> Failure {
    Failure::new("opening-unreadable", format!("the opening `{}` can't be read", place.display()))
}

fn damaged(place: &Path) -> Failure {
    Failure::new("opening-damaged", format!("the opening `{}` isn't as it was kept", place.display()))
}

const RECORD: &str = "record";
const KEY: &str = "key";
const LEAVES: &str = "leaves";
/// What the keys are for (RFC 9180 §8.1: another use has another text here).
const INFO: &[u8] = b"countersign/openings/v1";
const LEAF: &[u8] = b"leaf";
const END: &[u8] = b"end";
const ENCAPSULATED_BYTES: usize = 32;
const NAME_DIGITS: usize = 32;
/// More than any record has.
const RECORD_BYTES: u64 = 1 << 10;
/// More than any leaf has: lines and files beyond 16 MiB are sealed by their length only.
const FRAME_BYTES: u64 = 64 << 20;
