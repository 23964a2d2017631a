//! The store on disk: content-addressed objects (`cas/`), results by key (`ac/`). Decides what is
//! looked for where and what is checked; how a file gets its name is `publish`'s to decide,
//! where it lies `layout`'s. The whole layout is drawn in `docs/store-layout.md`.
//!
//! Anything may be missing, nothing may be wrong: what is read is hashed on the way, so an
//! object that a bad disk damaged is set aside and made again.
//!
//! # Many objects at once
//!
//! There is no batch to carry around: what is written waits in the session's staging area, is read by
//! this session as if it were kept, and gets its name, together with all else that waits, at the next
//! barrier. [`ActionCache::record`] and [`DiskStore::finish`] are barriers, and so is
//! [`DiskStore::commit`]; the syncs of one barrier run at the same time.
//!
//! ```
//! use lambuild_action::BlobStore;
//! use lambuild_digest::DigestFunction;
//! use lambuild_store::DiskStore;
//!
//! # let folder = tempfile::tempdir().unwrap();
//! let store = DiskStore::open(&folder.path().join("store"), DigestFunction::Blake3)?;
//! let text = store.write(b"a small file")?; // from any thread, as many as there are
//! let mut writer = store.writer(1 << 20)?; // a big one, piece by piece
//! writer.write(b"a piece")?;
//! let big = writer.finish()?;
//! assert!(store.contains(&text) && store.contains(&big)); // both wait
//! store.commit()?; // one barrier: now they outlive a power cut
//! # Ok::<(), lambuild_action::StoreError>(())
//! ```

use crate::fs::{self, Fs, Handle, Kind, System};
use crate::layout::{Place, is_missing, is_read_only, object, spread};
use crate::points::{left_out, point};
use crate::publish::{Durability, Publisher, in_parallel, quarantine};
use crate::session::{Need, Session};
use crate::stage::{Stage, StageFolder};
use crate::turns;
use lambuild_action::{ActionCache, ActionKey, ActionResult, BlobStore, StoreError, Turn, Turns};
use lambuild_digest::tree::walk;
use lambuild_digest::{Digest, DigestFunction, Directories, Directory, Hasher, Node, TreeError};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const CHECKSUM: usize = 32;
/// One block of any file system in use: a disk that takes it is not full.
const PROBE: [u8; 4096] = [0; 4096];
/// Room is taken in advance for files from this size: a full disk is then told before the work.
const ALLOCATED: u64 = 1 << 16;
/// A record's time of use is written down again after so many seconds.
const USE_NOTED: i64 = 3600;
/// The boots in which objects were written that nobody synced, one a line.
const DIRTY: &str = "stage/dirty";

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// What a power cut may cost.
    pub durability: Durability,
    /// Whether the user vouches that no other process uses the store: for file systems without locks.
    pub single_user: bool,
    /// How the disk is touched.
    pub fs: Arc<dyn Fs>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            durability: Durability::Full,
            single_user: false,
            fs: Arc::new(System),
        }
    }
}

/// A store in a folder of this machine. Safe to use from many processes.
#[derive(Debug)]
pub struct DiskStore {
    place: Arc<Place>,
    function: DigestFunction,
    publisher: Publisher,
    directories: Mutex<FxHashMap<Digest, Arc<Directory>>>,
    /// Results that wait for the session's one barrier.
    records: Mutex<BTreeMap<ActionKey, ActionResult>>,
    /// Where a power cut may have struck a store that nobody synced: the objects that were checked since.
    suspected: Option<Mutex<FxHashSet<Digest>>>,
}

impl DiskStore {
    /// Opens the store in `root`, and makes it where there is none.
    ///
    /// # Errors
    /// When the folder cannot be written, others may write it, or it holds a store of another
    /// format or digest function.
    pub fn open(root: &Path, function: DigestFunction) -> Result<Self, StoreError> {
        DiskStore::open_with(root, function, &Options::default())
    }

    /// As [`DiskStore::open`], with other options.
    ///
    /// # Errors
    /// As [`DiskStore::open`]; also where the file system has no locks.
    pub fn open_with(root: &Path, function: DigestFunction, options: &Options) -> Result<Self, StoreError> {
        let place = Arc::new(Place::open(
            root,
            options.fs.clone(),
            function,
            options.single_user,
        )?);
        let (place, session) = enter(place, options.durability)?;
        let suspected = suspect(&place)?.then(Mutex::default);
        let store = DiskStore {
            publisher: Publisher::new(place.clone(), Arc::new(session), options.durability, function),
            place,
            function,
            directories: Mutex::default(),
            records: Mutex::default(),
            suspected,
        };
        store.probe()?;
        Ok(store)
    }

    /// A store that is nowhere, takes nothing and has nothing: for those who only list sources.
    pub fn nowhere(function: DigestFunction) -> Self {
        let place = Arc::new(Place::nowhere());
        let session = Arc::new(Session::nowhere(place.clone()));
        DiskStore {
            publisher: Publisher::new(place.clone(), session, Durability::None, function),
            place,
            function,
            directories: Mutex::default(),
            records: Mutex::default(),
            suspected: None,
        }
    }

    /// Whether the store takes anything at all: one that is read-only or full is told at once
    /// and as such, not as the fault of the first source that is read into it.
    fn probe(&self) -> Result<(), StoreError> {
        if self.place.read_only.is_some() {
            return Ok(());
        }
        let (path, file) = self.publisher.create()?;
        let written = self.place.fs.write(&file, &PROBE);
        self.publisher.discard(&path);
        written.map_err(|error| self.place.plain(error, 4096))
    }

    /// Why this store is only read, if it is: its file system refuses to write, or its format is a later one. What
    /// is in it is used, whatever needs more fails with these words.
    pub fn read_only(&self) -> Option<&str> {
        self.place.read_only.as_deref()
    }

    /// What was found damaged since the last call: its place, and where it is kept, if it is.
    pub fn take_damaged(&self) -> BTreeMap<PathBuf, Option<PathBuf>> {
        std::mem::take(&mut *lock(&self.place.damaged))
    }

    pub(crate) fn note_damage(&self, path: &Path) {
        self.place.note_damage(path.to_owned(), None);
    }

    /// The store's folder.
    pub fn root(&self) -> &Path {
        &self.place.path
    }

    /// Where an object's bytes are, if they are here: under the object's name, or waiting for it.
    /// It may get its name at any time; [`DiskStore::file`] does not mind.
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        let waiting = self.publisher.waits(digest);
        self.place.path.join(waiting.unwrap_or_else(|| object(digest)))
    }

    /// An object's file, open for reading, its bytes not checked; `None` when it is not here.
    ///
    /// # Errors
    /// The system's.
    pub fn file(&self, digest: &Digest) -> Result<Option<File>, StoreError> {
        let Some((_, handle)) = self.open_object(digest)? else {
            return Ok(None);
        };
        let file = handle
            .file()
            .map(|file| file.try_clone_to_owned().map(File::from));
        file.transpose().map_err(StoreError::io("read", handle.path()))
    }

    fn open_object(&self, digest: &Digest) -> Result<Option<(PathBuf, Handle)>, StoreError> {
        let named = object(digest);
        // What waits may get its name between the two looks, never the other way round.
        for path in self.publisher.waits(digest).into_iter().chain([named]) {
            if let Some(file) = self.place.fs.open(&self.place.root, &path)? {
                return Ok(Some((path, file)));
            }
        }
        Ok(None)
    }

    /// A new empty folder for work in progress, on the file system of the store.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn stage(&self) -> Result<Stage, StoreError> {
        if let Some(why) = &self.place.read_only {
            return Err(StoreError::Format(why.clone()));
        }
        let session = self.publisher.session.clone();
        let area = self.place.path.join(&session.folder);
        StageFolder::make_for(Some(session), "w", &area).map_err(|error| self.place.plain(error, 4096))
    }

    /// The folder of a compile cache.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn compile_cache(&self, name: &str) -> Result<PathBuf, StoreError> {
        let folder = Path::new("compile").join(name);
        self.place
            .fs
            .make_folder(&self.place.root, Path::new("compile"))?;
        self.place.fs.make_folder(&self.place.root, &folder)?;
        Ok(self.place.path.join(folder))
    }

    /// Where a stable tree is laid out, if it is.
    pub(crate) fn tree_path(&self, digest: &Digest) -> PathBuf {
        self.place.path.join("trees").join(digest.hex())
    }

    /// A new object, written piece by piece. Where its size is known, room is taken for it at once.
    ///
    /// # Errors
    /// When the disk is full, or the file cannot be made.
    pub fn writer(&self, expected: u64) -> Result<Writer<'_>, StoreError> {
        let (path, file) = self.publisher.create()?;
        let writer = Writer {
            store: self,
            hasher: self.function.hasher(),
            staged: Some((path, file)),
        };
        if let (true, Some((_, file))) = (expected >= ALLOCATED, &writer.staged) {
            let taken = self.place.fs.allocate(file, expected);
            taken.map_err(|error| self.place.plain(error, expected))?;
        }
        Ok(writer)
    }

    /// A barrier: what was written before outlives a power cut from here on, where the store was
    /// opened with [`Durability::Full`]. Otherwise it does nothing.
    ///
    /// # Errors
    /// When the disk does not take an object; nothing that names it is recorded then.
    pub fn commit(&self) -> Result<(), StoreError> {
        let committed = self.publisher.commit();
        committed.map_err(|error| self.place.plain(error, 4096))
    }

    /// The end of a run: what it made is kept, as [`Durability`] says, before anybody is told that
    /// it is done. The store can be used on. A store that is dropped does the same, and tells nobody.
    ///
    /// # Errors
    /// As [`DiskStore::commit`].
    pub fn finish(&self) -> Result<(), StoreError> {
        let finished = self.publisher.finish();
        finished.map_err(|error| self.place.plain(error, 4096))?;
        let records: Vec<(ActionKey, ActionResult)> =
            std::mem::take(&mut *lock(&self.records)).into_iter().collect();
        let written = in_parallel(&records, |(key, result)| self.write_record(key, result));
        written.into_iter().collect()
    }

    /// Whether an object waits, or lies under its name with the right size. It is registered as needed.
    fn keeps(&self, digest: &Digest) -> Result<bool, StoreError> {
        if let Some(path) = self.publisher.waits(digest) {
            if self.place.has(&path, digest)? || self.place.has(&object(digest), digest)? {
                return Ok(true);
            }
            // Somebody emptied the staging area.
            self.publisher.forget(digest);
        }
        // What is not there is registered before it gets its name, many at once.
        if self.place.fs.stat(&self.place.root, &object(digest))?.is_none() {
            return Ok(false);
        }
        self.publisher.session.register(&[Need::Object(*digest)])?;
        self.lies_there(digest)
    }

    /// As [`DiskStore::keeps`], for what a registered tree needs.
    fn is_here(&self, digest: &Digest) -> Result<bool, StoreError> {
        if self.publisher.waits(digest).is_some() {
            self.keeps(digest)
        } else {
            self.lies_there(digest)
        }
    }

    fn lies_there(&self, digest: &Digest) -> Result<bool, StoreError> {
        let path = object(digest);
        let found = self.place.fs.stat(&self.place.root, &path)?;
        let Some(stat) = found.filter(|stat| stat.kind == Kind::File && stat.size == digest.size()) else {
            return Ok(false);
        };
        self.publisher.rely_on(&path, &stat);
        self.is_trusted(digest)
    }

    /// An object of a store that was not synced before the machine restarted is hashed once.
    fn is_trusted(&self, digest: &Digest) -> Result<bool, StoreError> {
        let Some(checked) = &self.suspected else {
            return Ok(true);
        };
        if lock(checked).contains(digest) {
            return Ok(true);
        }
        match self.read_checked(digest) {
            Ok(_) => {}
            Err(StoreError::NotFound(_) | StoreError::Damaged(_)) => return Ok(false),
            Err(error) => return Err(error),
        }
        lock(checked).insert(*digest);
        Ok(true)
    }

    /// The object's bytes, hashed on the way.
    fn read_checked(&self, digest: &Digest) -> Result<Vec<u8>, StoreError> {
        let (path, file) = self.open_object(digest)?.ok_or(StoreError::NotFound(*digest))?;
        let bytes = fs::read_all(&*self.place.fs, &file, digest.size());
        let bytes = match bytes {
            Ok(bytes) => bytes,
            // A bad sector is damage like any other.
            Err(StoreError::Io { source, .. }) if is_bad_disk(&source) => Vec::new(),
            Err(error) => return Err(error),
        };
        if self.function.digest(&bytes) != *digest && !left_out("read.check") {
            self.set_aside(&path, digest);
            return Err(StoreError::Damaged(*digest));
        }
        Ok(bytes)
    }

    /// Takes a damaged object away so that it is made again. Best effort: whoever
    /// reads it again finds it damaged again.
    fn set_aside(&self, path: &Path, digest: &Digest) {
        self.publisher.forget(digest);
        lock(&self.directories).remove(digest);
        let full = self.place.path.join(path);
        // Reported once, also where it cannot be moved.
        tracing::info!(path = %full.display(), "a damaged object");
        match quarantine(&self.place, path, digest) {
            Err(error) if !is_missing(&error) => {
                tracing::warn!(path = %full.display(), %error, "it could not be moved");
                self.place.note_damage(full, None);
            }
            _ => {}
        }
    }

    /// Keeps the collector from a tree as long as this session lasts; answers whether all of it is here.
    ///
    /// # Errors
    /// When the need cannot be registered.
    pub fn needs_tree(&self, root: &Digest) -> Result<bool, StoreError> {
        self.tree_is_whole(root)
    }

    /// Whether everything below a node is here. A tree that is laid out in `trees/` is whole.
    fn is_whole(&self, node: &Node) -> Result<bool, StoreError> {
        match node {
            Node::File { digest, .. } => self.keeps(digest),
            Node::Symlink { .. } => Ok(true),
            Node::Directory(digest) => self.tree_is_whole(digest),
        }
    }

    fn tree_is_whole(&self, root: &Digest) -> Result<bool, StoreError> {
        // From here on the collector keeps all that is found.
        self.publisher.session.register(&[Need::Tree(*root)])?;
        let laid_out = Path::new("trees").join(root.hex());
        if self.place.fs.stat(&self.place.root, &laid_out)?.is_some() {
            return Ok(true);
        }
        let Ok(nodes) = walk(root, self) else {
            return Ok(false);
        };
        for (_, node) in &nodes {
            if let Node::File { digest, .. } = node
                && !self.is_here(digest)?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn read_record(&self, key: &ActionKey) -> Result<Option<ActionResult>, StoreError> {
        if let Some(waiting) = lock(&self.records).get(key) {
            return Ok(Some(waiting.clone()));
        }
        let path = spread("ac", &key.0);
        let Some(bytes) = fs::read_file(&*self.place.fs, &self.place.root, &path)? else {
            return Ok(None);
        };
        let Some(result) = unseal(&bytes).and_then(|message| ActionResult::decode(message).ok()) else {
            self.drop_record(&path);
            return Ok(None);
        };
        if let Some(stat) = self.place.fs.stat(&self.place.root, &path)? {
            self.publisher.rely_on(&path, &stat);
            if stat.modified < self.publisher.session.begun - USE_NOTED {
                // For the collector's order alone: nothing hangs on it.
                let _ = self.place.fs.touch(&self.place.root, &path);
            }
        }
        Ok(Some(result))
    }

    /// A record that cannot be read counts as none, and goes.
    fn drop_record(&self, path: &Path) {
        self.place.note_damage(self.place.path.join(path), None);
        if let Err(error) = self.place.fs.unlink(&self.place.root, path) {
            tracing::warn!(%error, "it could not be removed");
        }
    }

    fn is_complete(&self, result: &ActionResult) -> Result<bool, StoreError> {
        for node in result.outputs.values() {
            if !self.is_whole(node)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn write_record(&self, key: &ActionKey, result: &ActionResult) -> Result<(), StoreError> {
        let written = self.write_new_record(key, result);
        written.map_err(|error| self.place.plain(error, 4096))
    }

    fn write_new_record(&self, key: &ActionKey, result: &ActionResult) -> Result<(), StoreError> {
        if let Some(lost) = self.publisher.lost()
            && !self.is_complete(result)?
        {
            return Err(StoreError::NotFound(lost));
        }
        let bytes = &seal(result.encode());
        let Place { fs, root, .. } = &*self.place;
        let to = spread("ac", &key.0);
        let (path, file) = self.publisher.create()?;
        let sealed = fs.write(&file, bytes).and_then(|()| fs.set_mode(&file, 0o444));
        sealed.inspect_err(|_| self.publisher.discard(&path))?;
        point("record.written")?;
        let synced = self.publisher.durability != Durability::None;
        if synced {
            fs.sync_data(&file)
                .inspect_err(|_| self.publisher.discard(&path))?;
        }
        drop(file);
        point("record.synced")?;
        match self.place.name_over(&path, &to) {
            // The answer to a rename that was done got lost on the way.
            Err(error) if is_missing(&error) && fs::read_file(&**fs, root, &to)?.as_ref() == Some(bytes) => {}
            named => named?,
        }
        point("record.named")?;
        if let (true, Some(folder)) = (synced, to.parent()) {
            let folder = fs.folder(root, folder)?;
            folder.map_or(Ok(()), |folder| fs.sync_folder(&folder))?;
        }
        point("record.folder")
    }
}

impl Drop for DiskStore {
    fn drop(&mut self) {
        if let Err(error) = self.finish() {
            tracing::warn!(%error, "not all that was made could be kept");
        }
    }
}

/// An object on its way into the store; one that is not finished leaves nothing.
#[derive(Debug)]
pub struct Writer<'a> {
    store: &'a DiskStore,
    hasher: Hasher,
    staged: Option<(PathBuf, Handle)>,
}

impl Writer<'_> {
    /// Writes the next piece. A big one of zeros becomes a hole.
    ///
    /// # Errors
    /// The system's.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.hasher.update(bytes);
        let needed = bytes.len() as u64;
        self.put(bytes)
            .map_err(|error| self.store.place.plain(error, needed))
    }

    /// As [`Writer::write`] for a caller that hashes itself.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        match &self.staged {
            Some((_, file)) => {
                let fs = &self.store.place.fs;
                if is_hole(bytes) {
                    fs.hole(file, bytes.len() as u64)
                } else {
                    fs.write(file, bytes)
                }
            }
            None => Ok(()),
        }
    }

    /// Takes all of a file by sharing its blocks, and answers the copy, to be hashed; `None` where
    /// the file system cannot do that.
    pub(crate) fn share(&mut self, from: &File) -> Result<Option<File>, StoreError> {
        let Some((_, file)) = &self.staged else {
            return Ok(None);
        };
        if !self.store.place.fs.share(file, from.as_fd()) {
            return Ok(None);
        }
        let copy = file.file().map(|file| file.try_clone_to_owned().map(File::from));
        copy.transpose().map_err(StoreError::io("read", file.path()))
    }

    /// Keeps what was written.
    ///
    /// # Errors
    /// The system's.
    pub fn finish(mut self) -> Result<Digest, StoreError> {
        let hasher = std::mem::replace(&mut self.hasher, self.store.function.hasher());
        let digest = hasher.finish();
        self.finish_as(&digest)?;
        Ok(digest)
    }

    /// As [`Writer::finish`] for a caller that has hashed what was written.
    pub(crate) fn finish_as(mut self, digest: &Digest) -> Result<(), StoreError> {
        if !self.store.keeps(digest)?
            && let Some((path, file)) = self.staged.take()
        {
            self.store.publisher.adopt(path, file, digest)?;
        }
        Ok(())
    }
}

/// A hole is worth its calls from this size.
const HOLE: usize = 1 << 16;

fn is_hole(piece: &[u8]) -> bool {
    piece.len() >= HOLE && piece.iter().all(|byte| *byte == 0)
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        if let Some((path, _)) = &self.staged {
            self.store.publisher.discard(path);
        }
    }
}

/// Begins the stay in a store; in one that cannot be written, as a reader.
fn enter(place: Arc<Place>, durability: Durability) -> Result<(Arc<Place>, Session), StoreError> {
    if place.read_only.is_some() {
        return Ok((place.clone(), Session::nowhere(place)));
    }
    let begun = match durability {
        Durability::None => mark_dirty(&place),
        Durability::Full | Durability::Session => Ok(()),
    };
    match begun.and_then(|()| Session::begin(place.clone())) {
        Ok(session) => Ok((place, session)),
        Err(error) if is_read_only(&error) => {
            let place = Arc::new(place.for_reading(place.refused(&error))?);
            Ok((place.clone(), Session::nowhere(place)))
        }
        Err(error) => Err(place.plain(error, 4096)),
    }
}

/// Whether objects of the store were written without syncing before the machine started the last time.
fn suspect(place: &Place) -> Result<bool, StoreError> {
    let marks = fs::read_file(&*place.fs, &place.root, Path::new(DIRTY))?;
    Ok(marks.is_some_and(|marks| {
        String::from_utf8_lossy(&marks)
            .lines()
            .any(|boot| boot != place.boot)
    }))
}

/// Says, before the first object is written without syncing, that this is done in this boot.
fn mark_dirty(place: &Place) -> Result<(), StoreError> {
    let path = Path::new(DIRTY);
    let marks = fs::read_file(&*place.fs, &place.root, path)?.unwrap_or_default();
    if String::from_utf8_lossy(&marks)
        .lines()
        .any(|boot| boot == place.boot)
    {
        return Ok(());
    }
    let file = place.fs.append_to(&place.root, path)?;
    place.fs.write(&file, format!("{}\n", place.boot).as_bytes())?;
    place.fs.sync_data(&file)?;
    place.sync(Path::new("stage"))
}

fn is_bad_disk(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl BlobStore for DiskStore {
    fn function(&self) -> DigestFunction {
        self.function
    }

    fn contains(&self, digest: &Digest) -> bool {
        self.keeps(digest).unwrap_or_else(|error| {
            tracing::debug!(%error, "an object counts as missing");
            false
        })
    }

    fn read(&self, digest: &Digest) -> Result<Vec<u8>, StoreError> {
        self.read_checked(digest)
    }

    fn write(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        let digest = self.function.digest(bytes);
        let kept = self.keeps(&digest);
        if kept.map_err(|error| self.place.plain(error, digest.size()))? {
            return Ok(digest);
        }
        let (path, file) = self.publisher.create()?;
        let size = digest.size();
        let room = if size >= ALLOCATED {
            self.place.fs.allocate(&file, size)
        } else {
            Ok(())
        };
        room.and_then(|()| self.place.fs.write(&file, bytes))
            .inspect_err(|_| self.publisher.discard(&path))
            .and_then(|()| self.publisher.adopt(path, file, &digest))
            .map_err(|error| self.place.plain(error, size))?;
        Ok(digest)
    }
}

impl ActionCache for DiskStore {
    fn result(&self, key: &ActionKey) -> Result<Option<ActionResult>, StoreError> {
        match self.read_record(key)? {
            Some(result) if self.is_complete(&result)? => Ok(Some(result)),
            _ => Ok(None),
        }
    }

    fn record(&self, key: &ActionKey, result: &ActionResult) -> Result<(), StoreError> {
        if let Some(why) = &self.place.read_only {
            return Err(StoreError::Format(why.clone()));
        }
        if self.publisher.durability == Durability::Session {
            lock(&self.records).insert(*key, result.clone());
            return Ok(());
        }
        self.commit()?;
        self.write_record(key, result)
    }
}

impl Turns for DiskStore {
    fn turn(&self, key: &ActionKey) -> Result<Turn, StoreError> {
        turns::take(&self.place, key).map_err(|error| self.place.plain(error, 4096))
    }
}

/// A record has no name that proves it, so it carries its own checksum.
fn seal(mut message: Vec<u8>) -> Vec<u8> {
    let checksum = *DigestFunction::Blake3.digest(&message).hash();
    message.extend_from_slice(&checksum);
    message
}

pub(crate) fn unseal(bytes: &[u8]) -> Option<&[u8]> {
    let (message, checksum) = bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM)?)?;
    (DigestFunction::Blake3.digest(message).hash() == checksum).then_some(message)
}

impl Directories for DiskStore {
    fn directory(&self, digest: &Digest) -> Result<Arc<Directory>, TreeError> {
        let known = self
            .directories
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(digest)
            .cloned();
        if let Some(directory) = known {
            return Ok(directory);
        }
        let missing = |error: StoreError| TreeError::Missing {
            digest: *digest,
            why: error.to_string(),
        };
        let directory = Arc::new(Directory::decode(&self.read_checked(digest).map_err(missing)?)?);
        let mut cache = self.directories.lock().unwrap_or_else(PoisonError::into_inner);
        cache.insert(*digest, directory.clone());
        Ok(directory)
    }
}

/// Makes a folder outside the store, and those above it.
pub(crate) fn create_folder(folder: &Path) -> Result<(), StoreError> {
    std::fs::create_dir_all(folder).map_err(StoreError::io("create", folder))
}

/// Opens a source for reading.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cfg(test)]
mod refused;
#[cfg(test)]
mod tests;
