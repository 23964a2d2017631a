//! Remembers the digest of a file by its state (device, inode, size, times), so
//! that a file that nobody touched is not read again.
//!
//! The racy rule, as in Git's index: an entry is believed only if the file's
//! times are both older, by more than the granularity of any clock in use, than
//! the moment at which it was recorded. That moment is taken from the file system
//! itself, not from the clock. A younger entry costs one more hash, never a stale
//! result. The whole file may be deleted at any time.

use crate::temporary;
use lambuild_action::StoreError;
use lambuild_digest::{Digest, DigestFunction};
use rustc_hash::FxHashMap;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

const MAGIC: &[u8] = b"lambuild stat cache 1\n";
const CHECKSUM: usize = 32;
/// The coarsest clock of a file system that is in use: FAT's two seconds.
const GRANULARITY: i64 = 2_000_000_000;

/// What decides whether a file is still the one that was hashed; times in nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    device: u64,
    inode: u64,
    size: u64,
    modified: i64,
    changed: i64,
}

impl State {
    fn of(meta: &Metadata) -> Self {
        let nanos = |seconds: i64, nanos: i64| seconds.saturating_mul(1_000_000_000).saturating_add(nanos);
        State {
            device: meta.dev(),
            inode: meta.ino(),
            size: meta.len(),
            modified: nanos(meta.mtime(), meta.mtime_nsec()),
            changed: nanos(meta.ctime(), meta.ctime_nsec()),
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    state: State,
    hash: [u8; 32],
    recorded: i64,
}

/// The stat cache of one folder.
#[derive(Debug)]
pub struct StatCache {
    file: Option<PathBuf>,
    function: DigestFunction,
    now: i64,
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    by_path: FxHashMap<Box<str>, Entry>,
    changed: bool,
}

impl StatCache {
    /// Reads the cache kept in `file`; an unreadable one counts as empty.
    pub fn open(file: &Path, function: DigestFunction) -> Self {
        let now = now_there(file).unwrap_or(i64::MIN);
        let by_path = fs::read(file)
            .ok()
            .and_then(|bytes| decode(&bytes, function))
            .unwrap_or_default();
        let entries = Mutex::new(Entries {
            by_path,
            changed: false,
        });
        StatCache {
            file: Some(file.to_owned()),
            function,
            now,
            entries,
        }
    }

    /// A cache that remembers nothing.
    pub fn none(function: DigestFunction) -> Self {
        StatCache {
            file: None,
            function,
            now: i64::MIN,
            entries: Mutex::default(),
        }
    }

    /// The digest of the file at `path` in this state, if it is known beyond doubt.
    pub fn get(&self, path: &str, meta: &Metadata) -> Option<Digest> {
        let state = State::of(meta);
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.by_path.get(path).filter(|entry| entry.state == state)?;
        let newest = state.modified.max(state.changed);
        let settled = entry
            .recorded
            .checked_sub(GRANULARITY)
            .is_some_and(|limit| newest < limit);
        settled.then(|| Digest::new(entry.hash, state.size))
    }

    /// Remembers what was just read. `meta` was true while it was read.
    pub fn put(&self, path: &str, meta: &Metadata, digest: &Digest) {
        if self.file.is_none() {
            return;
        }
        let entry = Entry {
            state: State::of(meta),
            hash: *digest.hash(),
            recorded: self.now,
        };
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.by_path.insert(path.into(), entry);
        entries.changed = true;
    }

    /// Writes the cache back where something was added.
    ///
    /// # Errors
    /// When the file cannot be written; results do not depend on it.
    pub fn save(&self) -> Result<(), StoreError> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(file) = self.file.as_ref().filter(|_| entries.changed) else {
            return Ok(());
        };
        let bytes = encode(&entries.by_path, self.function);
        let folder = file.parent().unwrap_or(Path::new("."));
        let mut staged = temporary::file(folder)?;
        temporary::write(&mut staged, &bytes).map_err(StoreError::io("write", file))?;
        staged
            .persist(file)
            .map_err(|error| StoreError::io("write", file)(error.error))?;
        entries.changed = false;
        Ok(())
    }
}

/// The time that the file system of `file` gives to a change made now.
fn now_there(file: &Path) -> Option<i64> {
    let folder = file.parent()?;
    fs::create_dir_all(folder).ok()?;
    let probe = tempfile::NamedTempFile::new_in(folder).ok()?;
    Some(State::of(&probe.as_file().metadata().ok()?).modified)
}

/// Magic, digest function, then for each path its length, the path and eleven fixed
/// little-endian fields; last a BLAKE3 of all before.
fn encode(entries: &FxHashMap<Box<str>, Entry>, function: DigestFunction) -> Vec<u8> {
    let mut paths: Vec<&str> = entries.keys().map(|path| &**path).collect();
    paths.sort_unstable();
    let mut bytes = MAGIC.to_vec();
    bytes.push(function.reapi() as u8);
    for path in paths {
        let entry = &entries[path];
        bytes.extend_from_slice(&(path.len() as u32).to_le_bytes());
        bytes.extend_from_slice(path.as_bytes());
        for number in [entry.state.device, entry.state.inode, entry.state.size] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        for time in [entry.state.modified, entry.state.changed, entry.recorded] {
            bytes.extend_from_slice(&time.to_le_bytes());
        }
        bytes.extend_from_slice(&entry.hash);
    }
    let checksum = *DigestFunction::Blake3.digest(&bytes).hash();
    bytes.extend_from_slice(&checksum);
    bytes
}

fn decode(bytes: &[u8], function: DigestFunction) -> Option<FxHashMap<Box<str>, Entry>> {
    let (body, checksum) = bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM)?)?;
    if DigestFunction::Blake3.digest(body).hash() != checksum {
        return None;
    }
    let body = body.strip_prefix(MAGIC)?;
    let (made_with, mut rest) = body.split_first()?;
    if u64::from(*made_with) != function.reapi() {
        return None;
    }
    let mut entries = FxHashMap::default();
    while !rest.is_empty() {
        let length = u32::from_le_bytes(*rest.split_first_chunk()?.0) as usize;
        let (path, after) = rest.get(4..)?.split_at_checked(length)?;
        let (entry, after) = decode_entry(after)?;
        entries.insert(std::str::from_utf8(path).ok()?.into(), entry);
        rest = after;
    }
    Some(entries)
}

fn decode_entry(bytes: &[u8]) -> Option<(Entry, &[u8])> {
    let mut numbers = [[0u8; 8]; 6];
    let mut rest = bytes;
    for number in &mut numbers {
        let (head, tail) = rest.split_first_chunk()?;
        *number = *head;
        rest = tail;
    }
    let (hash, rest) = rest.split_first_chunk()?;
    let unsigned = |at: usize| u64::from_le_bytes(numbers[at]);
    let signed = |at: usize| i64::from_le_bytes(numbers[at]);
    let state = State {
        device: unsigned(0),
        inode: unsigned(1),
        size: unsigned(2),
        modified: signed(3),
        changed: signed(4),
    };
    Some((
        Entry {
            state,
            hash: *hash,
            recorded: signed(5),
        },
        rest,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const F: DigestFunction = DigestFunction::Blake3;

    struct Setup {
        folder: tempfile::TempDir,
    }

    impl Setup {
        fn new() -> Self {
            Setup {
                folder: tempfile::tempdir().unwrap(),
            }
        }
        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }
        /// A file whose times lie ten minutes back; its ctime is now, as nobody can set that.
        fn write(&self, text: &str) -> Metadata {
            fs::write(self.path("f"), text).unwrap();
            fs::metadata(self.path("f")).unwrap()
        }
        fn cache(&self, now_plus: i64) -> StatCache {
            let mut cache = StatCache::open(&self.path("cache"), F);
            cache.now += now_plus;
            cache
        }
    }

    #[test]
    fn an_entry_is_believed_only_when_it_is_older_than_the_clock_is_coarse() {
        let setup = Setup::new();
        let meta = setup.write("a");
        let young = setup.cache(0);
        young.put("f", &meta, &F.digest(b"a"));
        assert_eq!(young.get("f", &meta), None);
        let settled = setup.cache(3_000_000_000);
        settled.put("f", &meta, &F.digest(b"a"));
        assert_eq!(settled.get("f", &meta), Some(F.digest(b"a")));
        assert_eq!(settled.get("g", &meta), None);
    }

    #[test]
    fn another_state_is_not_believed() {
        let setup = Setup::new();
        let meta = setup.write("a");
        let cache = setup.cache(3_000_000_000);
        cache.put("f", &meta, &F.digest(b"a"));
        let longer = setup.write("ab");
        assert_eq!(cache.get("f", &longer), None);
    }

    #[test]
    fn it_survives_being_written_and_nothing_else_survives() {
        let setup = Setup::new();
        let meta = setup.write("a");
        let cache = setup.cache(3_000_000_000);
        cache.put("f", &meta, &F.digest(b"a"));
        cache.save().unwrap();
        assert_eq!(setup.cache(0).get("f", &meta), Some(F.digest(b"a")));
        assert_eq!(
            StatCache::open(&setup.path("cache"), DigestFunction::Sha256).get("f", &meta),
            None
        );

        let good = fs::read(setup.path("cache")).unwrap();
        for cut in 0..good.len() {
            assert!(decode(&good[..cut], F).is_none(), "cut at {cut}");
        }
        let mut flipped = good.clone();
        flipped[MAGIC.len() + 6] ^= 1;
        assert!(decode(&flipped, F).is_none());
    }
}
