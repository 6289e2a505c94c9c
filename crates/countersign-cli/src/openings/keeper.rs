//! Keeps what opens records while these are sealed, encrypted from the first byte that reaches a disk.
//! It opens nothing: the private key isn't even read here.

use std::cell::RefCell;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt};
use std::path::{Path, PathBuf};

use countersign::seal::{Salt, SealedRecord};
use countersign_capture::sealing::{NotKept, Opening, Openings};
use hpke::aead::{AeadCtxS, AesGcm256};
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::rand_core::{TryCryptoRng, TryRng, UnwrapErr};
use hpke::{OpModeS, Serializable as _};
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::{END, FRAME_BYTES, INFO, KEY, LEAF, LEAVES, RECORD, folder, key};
use crate::failure::Failure;

/// Keeps openings, if the user has made a key for them.
pub(crate) struct Keeper {
    recipient: Option<(key::Public, PathBuf)>,
    ended: RefCell<Vec<Ended>>,
}

/// A record that was sealed, and whether what opens it is kept.
pub(crate) type Ended = (SealedRecord, Result<(), Failure>);

/// Finds out whether openings can be kept, so that what is wrong is told before any work is done.
pub(crate) fn prepare() -> Result<Keeper, Failure> {
    let recipient = match key::read_public()? {
        None => None,
        Some(public) => {
            let folder = folder()?;
            let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
            let probed = made.and_then(|()| tempfile::tempfile_in(&folder)?.write_all(&[0; PROBED_BYTES]));
            probed.map_err(|error| unwritable(&folder, &error))?;
            Some((public, folder))
        }
    };
    Ok(Keeper { recipient, ended: RefCell::default() })
}

impl Keeper {
    /// Returns the records whose openings are kept, and why others' aren't; `None` if there is no key to keep any under.
    pub(crate) fn ended(&self) -> Option<Vec<Ended>> {
        self.recipient.as_ref().map(|_| self.ended.take())
    }
}

impl Openings for Keeper {
    fn begin(&self) -> Box<dyn Opening + '_> {
        match &self.recipient {
            None => Box::new(NotKept),
            Some((public, folder)) => {
                let unfinished = Unfinished::begin(public, folder).map_err(|error| unwritable(folder, &error));
                Box::new(Writing { ended: &self.ended, folder, unfinished })
            }
        }
    }
}

/// One opening in the making, or why it isn't any more.
struct Writing<'a> {
    ended: &'a RefCell<Vec<Ended>>,
    folder: &'a Path,
    unfinished: Result<Unfinished, Failure>,
}

impl Opening for Writing<'_> {
    fn leaf(&mut self, salt: &Salt, kind: &str, body: &[u8]) {
        if let Ok(unfinished) = &mut self.unfinished
            && let Err(error) = unfinished.leaf(salt, kind, body)
        {
            self.unfinished = Err(unwritable(self.folder, &error));
        }
    }

    fn finish(self: Box<Self>, record: &SealedRecord) {
        let Self { ended, folder, unfinished } = *self;
        let kept = unfinished.and_then(|unfinished| unfinished.finish(record, folder).map_err(|error| unwritable(folder, &error)));
        ended.borrow_mut().push((record.clone(), kept));
    }
}

/// An opening that nobody finds yet. Until the end its key is in memory only: whatever a kill leaves behind opens nothing.
struct Unfinished {
    place: TempDir,
    /// Locked for as long as somebody writes it.
    leaves: BufWriter<File>,
    encapsulated: Zeroizing<Vec<u8>>,
    context: AeadCtxS<AesGcm256, HkdfSha256, X25519HkdfSha256>,
}

impl Unfinished {
    fn begin(public: &key::Public, folder: &Path) -> io::Result<Self> {
        // One at a time, or a place would be swept away between its making and its locking.
        let turn = OpenOptions::new().create(true).append(true).mode(0o600).open(folder.join(LOCK))?;
        turn.lock()?;
        sweep(folder)?;
        let place = tempfile::Builder::new().prefix(UNFINISHED).permissions(PermissionsExt::from_mode(0o700)).tempdir_in(folder)?;
        let leaves = fresh(&place.path().join(LEAVES))?;
        leaves.lock()?;
        drop(turn);
        // Asked once before the library does, which would have no other way to say no than to panic.
        random::<1>().map_err(|_| io::Error::other("the operating system gives no randomness"))?;
        let sender =
            hpke::setup_sender_with_rng::<AesGcm256, HkdfSha256, X25519HkdfSha256>(&OpModeS::Base, public, INFO, &mut UnwrapErr(System));
        let (encapsulated, context) = sender.map_err(encryption)?;
        Ok(Self { place, leaves: BufWriter::new(leaves), encapsulated: Zeroizing::new(encapsulated.to_bytes().to_vec()), context })
    }

    fn leaf(&mut self, salt: &Salt, kind: &str, body: &[u8]) -> io::Result<()> {
        let length = u16::try_from(kind.len()).map_err(|_| io::Error::other("a message's kind is too long"))?;
        let frame = Zeroizing::new([salt.as_bytes(), length.to_be_bytes().as_slice(), kind.as_bytes(), body].concat());
        self.frame(&frame, LEAF)
    }

    fn frame(&mut self, frame: &[u8], mark: &[u8]) -> io::Result<()> {
        let sealed = self.context.seal(frame, mark).map_err(encryption)?;
        let length = u32::try_from(sealed.len()).ok().filter(|length| u64::from(*length) <= FRAME_BYTES);
        self.leaves.write_all(&length.ok_or_else(|| io::Error::other("a message is too large"))?.to_be_bytes())?;
        self.leaves.write_all(&sealed)
    }

    /// Lets it be found: whole, or not at all.
    fn finish(mut self, record: &SealedRecord, folder: &Path) -> io::Result<()> {
        self.frame(&record.to_bytes(), END)?;
        let leaves = self.leaves.into_inner().map_err(io::IntoInnerError::into_error)?;
        leaves.sync_all()?;
        for (name, content) in [(RECORD, record.to_bytes().as_slice()), (KEY, self.encapsulated.as_slice())] {
            let mut file = fresh(&self.place.path().join(name))?;
            file.write_all(content)?;
            file.sync_all()?;
        }
        File::open(self.place.path())?.sync_all()?;
        fs::rename(self.place.path(), folder.join(record.digest().hex()))?;
        // What is gone from its place needn't be cleaned away.
        let _ = self.place.keep();
        File::open(folder)?.sync_all()
    }
}

/// Takes away what was left unfinished by somebody who was killed.
fn sweep(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
            continue;
        }
        let is_left = match File::open(entry.path().join(LEAVES)) {
            Ok(leaves) => leaves.try_lock().is_ok(),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if is_left {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

fn fresh(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Returns random bytes of the operating system.
pub(super) fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Failure::new("key-failed", "the operating system gives no randomness").because(&error))?;
    Ok(bytes)
}

/// The operating system's random source, as the encryption asks for it.
struct System;

impl TryRng for System {
    type Error = getrandom::Error;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        getrandom::u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        getrandom::u64()
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        getrandom::fill(bytes)
    }
}

impl TryCryptoRng for System {}

fn encryption(error: hpke::HpkeError) -> io::Error {
    io::Error::other(error)
}

fn unwritable(folder: &Path, error: &io::Error) -> Failure {
    Failure::new("openings-unwritable", format!("what opens the record can't be kept in `{}`", folder.display())).because(error)
}

/// A folder on a full disk still takes an empty file.
const PROBED_BYTES: usize = 64 << 10;
const LOCK: &str = ".lock";
const UNFINISHED: &str = ".unfinished-";
