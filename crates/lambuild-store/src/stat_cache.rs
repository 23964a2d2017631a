//! Remembers what a folder held and what its files' digests were, so that what nobody
//! touched is neither listed nor read again. Decides when a memory may be believed;
//! does not look at any file itself.
//!
//! The racy rule, as in Git's index: a memory is believed only if the times of the file
//! are both older, by more than the granularity of any clock in use, than the moment at
//! which it was recorded. That moment is taken from the file system itself, not from the
//! clock, and before anything is read. A younger memory costs one more hash, never a
//! stale result. The whole file may be deleted, copied or put back at any time.

mod clock;
mod format;

pub use clock::Stamps;

use crate::beneath::{Beneath, Kind};
use crate::file_state::FileState;
use crate::temporary;
use lambuild_action::StoreError;
use lambuild_digest::{Digest, DigestFunction};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The coarsest clock of a file system that is in use: FAT's two seconds.
const GRANULARITY: i64 = 2_000_000_000;

/// The digest of a file, with what it takes to believe it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownHash {
    /// The file's state, true while it was read.
    pub state: FileState,
    /// The hash of its bytes; their number is in the state.
    pub hash: [u8; 32],
    /// A moment before it was read, by the file system's clock.
    pub recorded: i64,
}

/// One name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownItem {
    /// The name.
    pub name: Arc<str>,
    /// What stood there.
    pub kind: Kind,
    /// Whether the ignore files of [`Listing::rules`] leave it out.
    pub left_out: bool,
    /// What the file held, where it was read.
    pub hash: Option<KnownHash>,
}

/// What it takes to believe that a folder has the names it had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listing {
    /// The folder's state before and after it was listed.
    pub state: FileState,
    /// A moment before that, by the file system's clock.
    pub recorded: i64,
    /// Stands for the ignore files that bear on the folder.
    pub rules: [u8; 32],
}

/// A folder as it was last seen. Without a listing the items are some of its names, with it all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownFolder {
    /// Whether and when all names were listed.
    pub listing: Option<Listing>,
    /// Names, sorted by bytes.
    pub items: Vec<KnownItem>,
}

impl KnownFolder {
    /// What is known of a name.
    pub fn item(&self, name: &str) -> Option<&KnownItem> {
        let at = self.items.binary_search_by(|item| (*item.name).cmp(name));
        at.ok().and_then(|at| self.items.get(at))
    }

    /// Remembers a digest under a name.
    fn put(&mut self, name: &str, hash: KnownHash) {
        match self.items.binary_search_by(|item| (*item.name).cmp(name)) {
            Ok(at) => {
                if let Some(item) = self.items.get_mut(at) {
                    item.hash = Some(hash);
                }
            }
            Err(at) => self.items.insert(
                at,
                KnownItem {
                    name: name.into(),
                    kind: Kind::File,
                    left_out: false,
                    hash: Some(hash),
                },
            ),
        }
    }
}

/// The stat cache of one folder with all below.
#[derive(Debug)]
pub struct StatCache {
    file: Option<PathBuf>,
    function: DigestFunction,
    /// The device whose files it speaks of; `None` while it believes nothing.
    device: Option<u64>,
    stamps: Stamps,
    old: format::Folders,
    learnt: Mutex<Learnt>,
    /// Why nothing can be kept, until it is told.
    refused: Mutex<Option<StoreError>>,
}

#[derive(Debug, Default)]
struct Learnt {
    folders: BTreeMap<Box<str>, KnownFolder>,
    files: BTreeMap<Box<str>, KnownHash>,
}

impl StatCache {
    /// Reads what `file` says of the folder `of`; an unreadable one counts as empty. Where the
    /// file system of `of` keeps no change times that can be relied on, nothing is believed or kept;
    /// where the file cannot be written it is the same, and [`StatCache::save`] says why.
    pub fn open(file: &Path, of: &Beneath, function: DigestFunction) -> Self {
        StatCache::with(file, of, function, Stamps::default())
    }

    fn with(file: &Path, of: &Beneath, function: DigestFunction, stamps: Stamps) -> Self {
        let (device, stamps) = match clock::watch(file, of, stamps) {
            Ok(Some(watched)) => watched,
            Ok(None) => return StatCache::none(function),
            Err(refused) => {
                return StatCache {
                    refused: Mutex::new(Some(refused)),
                    ..StatCache::none(function)
                };
            }
        };
        let old = std::fs::read(file)
            .ok()
            .and_then(|bytes| format::read(bytes, function));
        StatCache {
            file: Some(file.to_owned()),
            function,
            device: Some(device),
            stamps,
            old: old.unwrap_or_default(),
            learnt: Mutex::default(),
            refused: Mutex::default(),
        }
    }

    /// A cache that remembers nothing.
    pub fn none(function: DigestFunction) -> Self {
        StatCache {
            file: None,
            function,
            device: None,
            stamps: Stamps::default(),
            old: format::Folders::default(),
            learnt: Mutex::default(),
            refused: Mutex::default(),
        }
    }

    /// The moment that goes with what is read from now on.
    pub fn recorded(&self) -> i64 {
        self.stamps.now
    }

    /// What is known of a folder; not yet to be believed.
    pub fn folder(&self, path: &str) -> Option<KnownFolder> {
        self.old.get(path)
    }

    /// The digest of a file that is in this state, if it is known beyond doubt.
    pub fn believed(&self, known: &KnownHash, state: &FileState) -> Option<Digest> {
        let same = self.same(&known.state, state) && known.state.size == state.size;
        (same && self.settled(state, known.recorded)).then(|| Digest::new(known.hash, state.size))
    }

    /// Whether a folder that is in this state has the names that were listed.
    pub fn believes(&self, listing: &Listing, state: &FileState) -> bool {
        self.same(&listing.state, state) && self.settled(state, listing.recorded)
    }

    fn same(&self, known: &FileState, now: &FileState) -> bool {
        known.device == now.device
            && known.inode == now.inode
            && known.modified == self.stamps.seen(now.modified)
            && known.changed == self.stamps.seen(now.changed)
    }

    fn settled(&self, state: &FileState, recorded: i64) -> bool {
        if self.stamps.trusts_the_young() {
            return true;
        }
        let newest = self
            .stamps
            .seen(state.modified)
            .max(self.stamps.seen(state.changed));
        let old_enough = recorded
            .checked_sub(GRANULARITY)
            .is_some_and(|limit| newest < limit);
        // What was recorded later than now was recorded before the clock went back.
        old_enough && recorded <= self.stamps.now && self.device == Some(state.device)
    }

    /// What is to be remembered of a file's digest; `None` where that would not be believed anyway.
    pub fn memory(&self, state: &FileState, digest: &Digest) -> Option<KnownHash> {
        (self.device == Some(state.device)).then(|| KnownHash {
            state: self.stamps.seen_state(state),
            hash: *digest.hash(),
            recorded: self.stamps.now,
        })
    }

    /// What is to be remembered of a folder's names.
    pub fn listing(&self, state: &FileState, rules: [u8; 32]) -> Option<Listing> {
        (self.device == Some(state.device)).then(|| Listing {
            state: self.stamps.seen_state(state),
            recorded: self.stamps.now,
            rules,
        })
    }

    /// Remembers what was just read from one file. `state` was true while it was read.
    pub fn put(&self, path: &str, state: &FileState, digest: &Digest) {
        if let Some(memory) = self.memory(state, digest) {
            self.learnt().files.insert(path.into(), memory);
        }
    }

    /// Remembers a whole folder.
    pub fn put_folder(&self, path: &str, folder: KnownFolder) {
        if self.device.is_some() {
            self.learnt().folders.insert(path.into(), folder);
        }
    }

    fn learnt(&self) -> std::sync::MutexGuard<'_, Learnt> {
        self.learnt.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the cache back where something was learnt.
    ///
    /// # Errors
    /// When the file cannot be written, told once; results do not depend on it.
    pub fn save(&self) -> Result<(), StoreError> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(refused) = refused {
            return Err(refused);
        }
        let Some(file) = &self.file else { return Ok(()) };
        let Learnt { mut folders, files } = std::mem::take(&mut *self.learnt());
        if folders.is_empty() && files.is_empty() {
            return Ok(());
        }
        for (path, hash) in files {
            let (folder, name) = split(&path);
            folders
                .entry(folder.into())
                .or_insert_with(|| self.old.get(folder).unwrap_or_default())
                .put(name, hash);
        }
        let bytes = format::write(&self.old, &folders, self.function);
        let above = file.parent().unwrap_or(Path::new("."));
        let mut staged = temporary::file(above)?;
        temporary::write(&mut staged, &bytes).map_err(StoreError::io("write", file))?;
        let named = staged.persist(file);
        named
            .map(drop)
            .map_err(|error| StoreError::io("write", file)(error.error))
    }
}

/// Folder and name of a path.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// Whether the folder at `path` is gone, by what its parent was seen to hold.
fn is_gone(path: &str, learnt: &BTreeMap<Box<str>, KnownFolder>, gone: &FxHashMap<&str, ()>) -> bool {
    if path.is_empty() {
        return false;
    }
    let (above, name) = split(path);
    let listed = learnt.get(above).filter(|folder| folder.listing.is_some());
    let missing = listed.is_some_and(|folder| folder.item(name).is_none_or(|item| item.kind != Kind::Folder));
    missing || gone.contains_key(above)
}

#[cfg(test)]
pub(crate) mod tests;
