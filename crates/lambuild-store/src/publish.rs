//! How an object gets its name: written and sealed in the staging area, synced with many others
//! at once, then named. Decides what is on the disk when, for each [`Durability`]; does not
//! know what the bytes mean.
//!
//! ```text
//!   new file in stage/ ──write, seal──▶ waiting ──barrier: all synced──▶ cas/xx/… ──folders synced──▶ kept
//! ```
//!
//! What waits is read by this session as if it were kept. The barrier stands before a name, since
//! a file system may keep a rename and lose the bytes behind it.

use crate::fs::{self, Handle, Named, Stat};
use crate::layout::{Place, is_missing, is_too_many, object};
use crate::points::point;
use crate::session::{Need, Session};
use lambuild_action::StoreError;
use lambuild_digest::{Digest, DigestFunction};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a power cut may cost. Wrong bytes are never handed out, whatever is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// What was reported as done is there after a power cut.
    #[default]
    Full,
    /// What a whole run made is there after a power cut once the run has ended; until then nothing of it is.
    Session,
    /// Anything may be gone after a power cut, and all that is left is checked before it is used.
    None,
}

/// How many objects wait with their files open before the barrier comes early: well below the
/// usual limit of 1,024 open files, twice over, since the next ones gather meanwhile.
const MOST_OPEN: usize = 192;
/// How many threads sync at once. The disk does many flushes in the time of one.
const SYNCERS: usize = 16;
/// An object younger than this, in seconds, when the session began, may have a name that is not on the disk yet.
const YOUNG: i64 = 600;

/// An object without its name.
#[derive(Debug)]
struct Staged {
    path: PathBuf,
    /// Open where the barrier syncs file by file: an error of writing back belongs to the open file.
    file: Option<Handle>,
}

#[derive(Debug, Default)]
struct Waiting {
    objects: BTreeMap<Digest, Arc<Staged>>,
    /// Folders whose names are to be synced: they got some, or another session's young ones are relied on.
    folders: BTreeSet<PathBuf>,
    /// What could not be synced, twice: nothing may be recorded that names it.
    lost: BTreeSet<Digest>,
}

/// The objects of a session on their way.
#[derive(Debug)]
pub(crate) struct Publisher {
    place: Arc<Place>,
    pub session: Arc<Session>,
    pub durability: Durability,
    function: DigestFunction,
    waiting: Mutex<Waiting>,
    /// One barrier at a time: whoever comes meanwhile finds its objects done, or does all that gathered.
    turn: Mutex<()>,
}

impl Publisher {
    pub fn new(
        place: Arc<Place>,
        session: Arc<Session>,
        durability: Durability,
        function: DigestFunction,
    ) -> Self {
        Publisher {
            place,
            session,
            durability,
            function,
            waiting: Mutex::default(),
            turn: Mutex::new(()),
        }
    }

    /// A new file in the staging area. Where too many are open, those that wait are named, and so closed, first.
    pub fn create(&self) -> Result<(PathBuf, Handle), StoreError> {
        match self.create_now() {
            Err(StoreError::Io { source, .. }) if is_too_many(&source) => {
                self.commit()?;
                self.create_now()
            }
            created => created,
        }
        .map_err(|error| self.place.plain(error, 4096))
    }

    fn create_now(&self) -> Result<(PathBuf, Handle), StoreError> {
        let path = self.session.fresh("o");
        let file = self.place.fs.create(&self.place.root, &path)?;
        point("stage.created")?;
        Ok((path, file))
    }

    /// Takes a staged file away again.
    pub fn discard(&self, path: &Path) {
        if let Err(error) = self.place.fs.unlink(&self.place.root, path) {
            tracing::debug!(%error, "a staged file stays until the session ends");
        }
    }

    /// Where an object waits, if it does.
    pub fn waits(&self, digest: &Digest) -> Option<PathBuf> {
        lock(&self.waiting)
            .objects
            .get(digest)
            .map(|staged| staged.path.clone())
    }

    /// What waits is no longer there: somebody emptied the staging area, or its bytes are wrong.
    pub fn forget(&self, digest: &Digest) {
        lock(&self.waiting).objects.remove(digest);
    }

    /// Seals a written file whose bytes have this digest, and lets it wait for its name.
    pub fn adopt(&self, path: PathBuf, file: Handle, digest: &Digest) -> Result<(), StoreError> {
        point("stage.written")?;
        self.place.fs.set_mode(&file, 0o444)?;
        point("stage.sealed")?;
        if self.durability == Durability::None {
            drop(file);
            return self.name_at_once(&path, digest);
        }
        let file = (self.durability == Durability::Full).then_some(file);
        let many = {
            let mut waiting = lock(&self.waiting);
            if waiting.objects.contains_key(digest) {
                drop(waiting);
                self.discard(&path);
                return Ok(());
            }
            waiting.lost.remove(digest);
            waiting.objects.insert(*digest, Arc::new(Staged { path, file }));
            self.durability == Durability::Full && waiting.objects.len() >= MOST_OPEN
        };
        if many { self.commit() } else { Ok(()) }
    }

    fn name_at_once(&self, path: &Path, digest: &Digest) -> Result<(), StoreError> {
        self.session.register(&[Need::Object(*digest)])?;
        self.name(digest, path)
    }

    /// A file that another session may have named just now is relied on: its folder is synced at
    /// the next barrier, since that session may die before it does so.
    pub fn rely_on(&self, path: &Path, stat: &Stat) {
        let is_young = stat.changed >= self.session.begun - YOUNG;
        let is_ours = self.place.read_only.is_none();
        if let Some(folder) = path.parent().filter(|_| is_young && is_ours) {
            lock(&self.waiting).folders.insert(folder.to_owned());
        }
    }

    /// An object that could not be kept, if there is one.
    pub fn lost(&self) -> Option<Digest> {
        lock(&self.waiting).lost.first().copied()
    }

    /// The barrier, where each action has one: afterwards all objects written before have their
    /// names and are on the disk.
    pub fn commit(&self) -> Result<(), StoreError> {
        match self.durability {
            Durability::Full => self.publish(|batch| self.sync_each(batch)),
            Durability::Session | Durability::None => Ok(()),
        }
    }

    /// The barrier at the end of a session that has only one.
    pub fn finish(&self) -> Result<(), StoreError> {
        point("finish.begin")?;
        self.publish(|batch| match self.durability {
            Durability::Full => self.sync_each(batch),
            Durability::Session => self.sync_together(batch),
            Durability::None => Ok(()),
        })?;
        point("finish.synced")
    }

    fn publish(&self, barrier: impl FnOnce(&mut Batch) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut batch = self.batch();
        if !batch.is_empty() {
            point("publish.begin")?;
            barrier(&mut batch)?;
            point("publish.synced")?;
            self.name_all(&batch)?;
            point("publish.named")?;
        }
        self.sync_folders()?;
        point("publish.folders")?;
        let mut waiting = lock(&self.waiting);
        for (digest, _) in &batch {
            waiting.objects.remove(digest);
        }
        Ok(())
    }

    fn batch(&self) -> Batch {
        let waiting = lock(&self.waiting);
        let objects = waiting.objects.iter();
        objects
            .map(|(digest, staged)| (*digest, staged.clone()))
            .collect()
    }

    /// Syncs file by file, many at once. What the disk refuses is written once more, from bytes that
    /// are checked, to a new file; refused again it is given up, and everything that waits with it
    /// stays for the next barrier.
    fn sync_each(&self, batch: &mut Batch) -> Result<(), StoreError> {
        let results = in_parallel(batch, |(_, staged)| match &staged.file {
            Some(file) => self.place.fs.sync_data(file),
            None => Ok(()),
        });
        let mut outcome = Ok(());
        for (slot, result) in batch.iter_mut().zip(results) {
            let Err(first) = result else { continue };
            tracing::warn!(object = %slot.0, error = %first, "an object could not be synced; it is written again");
            match self.write_again(&slot.0, &slot.1) {
                Ok(staged) => slot.1 = staged,
                Err(error) => outcome = Err(self.give_up(&slot.0, error)),
            }
        }
        outcome
    }

    fn write_again(&self, digest: &Digest, staged: &Staged) -> Result<Arc<Staged>, StoreError> {
        let fs = &*self.place.fs;
        let bytes =
            fs::read_file(fs, &self.place.root, &staged.path)?.ok_or(StoreError::NotFound(*digest))?;
        if self.function.digest(&bytes) != *digest {
            return Err(StoreError::Damaged(*digest));
        }
        let (path, file) = self.create_now()?;
        fs.write(&file, &bytes)?;
        fs.set_mode(&file, 0o444)?;
        fs.sync_data(&file)?;
        self.discard(&staged.path);
        let staged = Arc::new(Staged {
            path,
            file: Some(file),
        });
        lock(&self.waiting).objects.insert(*digest, staged.clone());
        Ok(staged)
    }

    fn give_up(&self, digest: &Digest, error: StoreError) -> StoreError {
        let mut waiting = lock(&self.waiting);
        let staged = waiting.objects.remove(digest);
        waiting.lost.insert(*digest);
        drop(waiting);
        if let Some(staged) = staged {
            self.discard(&staged.path);
        }
        error
    }

    /// One sync for all. It does not say which file an error belongs to, so all are given up.
    fn sync_together(&self, batch: &mut Batch) -> Result<(), StoreError> {
        self.place.fs.sync_all(&self.session.area).inspect_err(|_| {
            for (digest, _) in batch.drain(..) {
                self.give_up(&digest, StoreError::NotFound(digest));
            }
        })
    }

    fn name_all(&self, batch: &Batch) -> Result<(), StoreError> {
        let needs: Vec<Need> = batch.iter().map(|(digest, _)| Need::Object(*digest)).collect();
        self.session.register(&needs)?;
        point("publish.leased")?;
        for (digest, staged) in batch {
            self.name(digest, &staged.path)?;
            point("publish.named.one")?;
        }
        Ok(())
    }

    /// Gives a sealed file the name of its digest. What has the name already is the same if its size is;
    /// otherwise it is damaged and makes room.
    fn name(&self, digest: &Digest, staged: &Path) -> Result<(), StoreError> {
        let to = object(digest);
        let named = match self.place.name_new(staged, &to) {
            // An earlier barrier named it and failed later.
            Err(error) if is_missing(&error) && self.place.has(&to, digest)? => Named::New,
            Err(error) if is_missing(&error) => return Err(self.give_up(digest, error)),
            other => other?,
        };
        if named == Named::Taken {
            if self.place.has(&to, digest)? {
                self.discard(staged);
            } else {
                quarantine(&self.place, &to, digest)?;
                self.place.name_over(staged, &to)?;
            }
        }
        if let Some(folder) = to.parent() {
            lock(&self.waiting).folders.insert(folder.to_owned());
        }
        Ok(())
    }

    fn sync_folders(&self) -> Result<(), StoreError> {
        if self.durability == Durability::None {
            return Ok(());
        }
        let folders: Vec<PathBuf> = std::mem::take(&mut lock(&self.waiting).folders)
            .into_iter()
            .collect();
        let results = in_parallel(&folders, |folder| self.place.sync(folder));
        let mut outcome = Ok(());
        for (folder, result) in folders.into_iter().zip(results) {
            if result.is_err() {
                lock(&self.waiting).folders.insert(folder);
                outcome = result;
            }
        }
        outcome
    }
}

type Batch = Vec<(Digest, Arc<Staged>)>;

/// The most objects in quarantine; the oldest makes room.
const MOST_QUARANTINED: usize = 64;

/// Takes a damaged object out of the way and keeps it for whoever wants to know why.
pub(crate) fn quarantine(place: &Place, path: &Path, digest: &Digest) -> Result<(), StoreError> {
    let to = Path::new("quarantine").join(digest.hex());
    place.name_over(path, &to)?;
    place.note_damage(place.path.join(path), Some(place.path.join(&to)));
    point("quarantine.moved")?;
    let Some(folder) = place.fs.folder(&place.root, Path::new("quarantine"))? else {
        return Ok(());
    };
    let mut kept = Vec::new();
    for (name, _) in place.fs.list(&folder)? {
        if let Some(stat) = place.fs.stat(&folder, Path::new(&name))? {
            kept.push((stat.changed, name));
        }
    }
    kept.sort();
    let many = kept.len().saturating_sub(MOST_QUARANTINED);
    for (_, name) in kept.iter().take(many) {
        place.fs.unlink(&folder, Path::new(name))?;
    }
    Ok(())
}

/// Does `work` for each of `items` on many threads: they wait for the disk, not for a processor.
/// The results are in the order of the items.
pub(crate) fn in_parallel<T: Sync>(
    items: &[T],
    work: impl Fn(&T) -> Result<(), StoreError> + Sync,
) -> Vec<Result<(), StoreError>> {
    let results: Vec<Mutex<Result<(), StoreError>>> = items.iter().map(|_| Mutex::new(Ok(()))).collect();
    let next = AtomicUsize::new(0);
    let run = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let (Some(item), Some(result)) = (items.get(index), results.get(index)) else {
                return;
            };
            *lock(result) = work(item);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..SYNCERS.min(items.len()) {
            // Where the system gives no more threads, fewer do the work.
            if std::thread::Builder::new().spawn_scoped(scope, run).is_err() {
                break;
            }
        }
        run();
    });
    let inner = |result: Mutex<_>| result.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.into_iter().map(inner).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
