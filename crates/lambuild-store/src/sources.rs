//! The workspace's sources as content: which files count, what a link means,
//! each file hashed once a run. Does not know who asks for what.
//!
//! Left out everywhere: `.git`, `.lambuild`; at the root: `dist`; and what the
//! workspace's own ignore files exclude. `docs/sources.md` has the table of what
//! is taken for what.
//!
//! What a folder held and what a file was when it was first asked for stays so until
//! the end of the run, whatever happens on the disk meanwhile: a build sees one state.

mod content;
mod folder;
mod ignores;

use crate::beneath::{Beneath, Kind};
use crate::disk::DiskStore;
use crate::file_state::FileState;
use crate::ingest::{self, IngestError};
use crate::stat_cache::{KnownHash, StatCache};
use folder::{Folder, Item, Memory, Taken};
use ignores::Ignores;
use lambuild_action::store::Names;
use lambuild_action::{BlobStore, SourceError, SourceKind, Sources, StoreError};
use lambuild_digest::path::PathError;
use lambuild_digest::tree::MAX_DEPTH;
use lambuild_digest::{Digest, Entry, RelPath};
use rustc_hash::FxHashMap;
use rustix::io::Errno;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The sources of one workspace during one run.
pub struct SourceTree {
    root: PathBuf,
    beneath: Beneath,
    store: Arc<DiskStore>,
    stats: StatCache,
    folders: Mutex<FxHashMap<RelPath, Arc<Folder>>>,
    /// Files that stood in no folder when it was listed.
    loose: Mutex<FxHashMap<RelPath, (Digest, bool)>>,
    real: Mutex<FxHashMap<RelPath, Result<RelPath, SourceError>>>,
}

impl SourceTree {
    /// The sources below `root`, an absolute path without links in it. What they were in
    /// earlier runs is remembered in the file `memory`, if there is one.
    ///
    /// # Errors
    /// When the root cannot be opened.
    pub fn open(root: &Path, store: Arc<DiskStore>, memory: Option<&Path>) -> Result<Self, StoreError> {
        let beneath = Beneath::open(root).map_err(StoreError::io("read", root))?;
        let function = store.function();
        let stats = match memory {
            Some(file) => StatCache::open(file, &beneath, function),
            None => StatCache::none(function),
        };
        Ok(SourceTree::with(root, beneath, store, stats))
    }

    fn with(root: &Path, beneath: Beneath, store: Arc<DiskStore>, stats: StatCache) -> Self {
        SourceTree {
            root: root.to_owned(),
            beneath,
            store,
            stats,
            folders: Mutex::default(),
            loose: Mutex::default(),
            real: Mutex::default(),
        }
    }

    /// Writes back what the stat cache learnt.
    ///
    /// # Errors
    /// When it cannot be written; results do not depend on it.
    pub fn save(&self) -> Result<(), StoreError> {
        let folders = lock(&self.folders);
        #[expect(
            clippy::iter_over_hash_type,
            reason = "what is put there is sorted when it is written"
        )]
        for folder in folders.values() {
            if let Some(memory) = folder.memory() {
                self.stats.put_folder(folder.path.as_str(), memory);
            }
        }
        self.stats.save()
    }

    fn full(&self, path: &RelPath) -> PathBuf {
        if path.is_root() {
            self.root.clone()
        } else {
            self.root.join(path.as_str())
        }
    }

    /// The folder at a path without links on the way.
    fn folder(&self, path: &RelPath) -> Result<Arc<Folder>, SourceError> {
        let known = lock(&self.folders).get(path).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let above = self.ignores_above(path);
        self.folder_below(path, &above)
    }

    fn folder_below(&self, path: &RelPath, above: &Arc<Ignores>) -> Result<Arc<Folder>, SourceError> {
        let known = lock(&self.folders).get(path).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let made = Arc::new(Folder::of(&self.beneath, &self.stats, path, above)?);
        // Another thread may have been faster; then its answer is the one of this run.
        let mut folders = lock(&self.folders);
        Ok(folders.entry(path.clone()).or_insert(made).clone())
    }

    /// The rules of the folders above that can be read.
    fn ignores_above(&self, path: &RelPath) -> Arc<Ignores> {
        let parent = path.parent();
        let known = parent.and_then(|parent| Some(lock(&self.folders).get(&parent)?.ignores.clone()));
        if let Some(known) = known {
            return known;
        }
        let mut rules = Ignores::none();
        let mut here = RelPath::root();
        for name in path.parts() {
            if let Ok(folder) = self.folder_below(&here, &rules) {
                rules = folder.ignores.clone();
            }
            let Ok(next) = here.child(name) else { break };
            here = next;
        }
        rules
    }

    /// Where a folder is when all links on the way are followed; inside the workspace, or an
    /// error: the system would follow a link out of it, to files that are others on every machine.
    fn real(&self, folder: &RelPath) -> Result<RelPath, SourceError> {
        if folder.is_root() {
            return Ok(RelPath::root());
        }
        let known = lock(&self.real).get(folder).cloned();
        if let Some(known) = known {
            return known;
        }
        let made = self.real_step_by_step(folder);
        lock(&self.real).insert(folder.clone(), made.clone());
        made
    }

    fn real_step_by_step(&self, folder: &RelPath) -> Result<RelPath, SourceError> {
        if folder.parts().count() > MAX_DEPTH {
            return Err(unusable(
                folder,
                format!("it lies deeper than {MAX_DEPTH} folders"),
            ));
        }
        let (mut asked, mut here) = (RelPath::root(), RelPath::root());
        for name in folder.parts() {
            let wrong = |error: PathError| unusable(folder, error.to_string());
            asked = asked.child(name).map_err(wrong)?;
            here = here.child(name).map_err(wrong)?;
            if self.kind_at(&here) == Some(Kind::Link) {
                here = self.resolve(&asked, &here)?;
            }
        }
        Ok(here)
    }

    fn kind_at(&self, path: &RelPath) -> Option<Kind> {
        Some(self.beneath.state(path.as_str()).ok()?.kind())
    }

    /// Where the link at `here` leads when all links are followed. Words speak of `path`.
    fn resolve(&self, path: &RelPath, here: &RelPath) -> Result<RelPath, SourceError> {
        let real = fs::canonicalize(self.full(here))
            .map_err(|error| unusable(path, format!("it is a link that leads nowhere ({error})")))?;
        let outside = || unusable(path, "it is a link out of the workspace".into());
        let below = real.strip_prefix(&self.root).map_err(|_| outside())?;
        let text = below.to_str().ok_or_else(outside)?;
        RelPath::new(text).map_err(|error| unusable(path, error.to_string()))
    }

    /// Whether an ignore rule takes this path, or a folder above it, out of the workspace.
    fn is_left_out(&self, path: &RelPath) -> bool {
        let mut here = RelPath::root();
        for name in path.parts() {
            let Ok(folder) = self.folder(&here) else {
                return false;
            };
            if folder.item(name).is_some_and(|(_, item)| item.left_out) {
                return true;
            }
            let Ok(next) = here.child(name) else { return true };
            here = next;
        }
        false
    }

    /// The file at a place in a folder.
    fn item(
        &self,
        folder: &Folder,
        at: usize,
        item: &Item,
        path: &str,
    ) -> Result<(Digest, bool), SourceError> {
        let taken = match item.taken.get() {
            Some(taken) => taken,
            None => folder.take(item, self.hash(path, folder.known(at))?),
        };
        Ok((taken.digest, taken.executable))
    }

    /// The content of a file.
    fn hash(&self, path: &str, known: Option<&KnownHash>) -> Result<Taken, SourceError> {
        let state = self
            .beneath
            .state(path)
            .map_err(|error| not_listed(&named(path), &error))?;
        if state.kind() != Kind::File {
            return Err(unusable(&named(path), "it is not a regular file".into()));
        }
        if let Some(digest) = known.and_then(|known| self.stats.believed(known, &state)) {
            return Ok(Taken {
                digest,
                executable: state.executable(),
                memory: Memory::AsKnown,
            });
        }
        let (digest, state) = self.ingest(path)?;
        Ok(Taken {
            digest,
            executable: state.executable(),
            memory: Memory::Learnt(self.stats.memory(&state, &digest).map(Box::new)),
        })
    }

    fn ingest(&self, path: &str) -> Result<(Digest, FileState), SourceError> {
        let mut file = self
            .beneath
            .read(path)
            .map_err(|error| not_listed(&named(path), &error))?;
        ingest::opened(&self.store, &mut file, Path::new(path)).map_err(|error| not_read(&named(path), error))
    }

    /// A file at a path without links; what no listing has is looked for itself.
    fn file_at(&self, path: &RelPath) -> Result<(Digest, bool), SourceError> {
        let parent = path.parent().unwrap_or_else(RelPath::root);
        if let Ok(folder) = self.folder(&parent)
            && let Some((at, item)) = path.name().and_then(|name| folder.item(name))
        {
            return self.item(&folder, at, item, path.as_str());
        }
        let known = lock(&self.loose).get(path).copied();
        if let Some(known) = known {
            return Ok(known);
        }
        let taken = self.hash(path.as_str(), None)?;
        let mut loose = lock(&self.loose);
        Ok(*loose
            .entry(path.clone())
            .or_insert((taken.digest, taken.executable)))
    }

    /// Some file that had this content when it was taken; the first by path.
    fn holder(&self, digest: &Digest) -> Option<RelPath> {
        let mut holders = Vec::new();
        #[expect(
            clippy::iter_over_hash_type,
            reason = "any file with these bytes will do; the lot is sorted"
        )]
        for folder in lock(&self.folders).values() {
            let has = |item: &&Item| item.taken.get().is_some_and(|taken| taken.digest == *digest);
            let found = folder.items.iter().find(has);
            holders.extend(found.and_then(|item| folder.path.child(&item.name).ok()));
        }
        #[expect(clippy::iter_over_hash_type, reason = "as above")]
        for (path, (known, _)) in lock(&self.loose).iter() {
            if known == digest {
                holders.push(path.clone());
            }
        }
        holders.into_iter().min()
    }
}

impl Sources for SourceTree {
    fn list(&self, folder: &RelPath) -> Result<Names, SourceError> {
        let found = self
            .folder(&self.real(folder)?)
            .map_err(|error| renamed(error, folder))?;
        match &found.problem {
            Some(problem) => Err(problem.clone()),
            None => Ok(found.names()),
        }
    }

    fn kind(&self, path: &RelPath) -> Option<SourceKind> {
        let real = match path.parent() {
            Some(parent) => below(&self.real(&parent).ok()?, path).ok()?,
            None => path.clone(),
        };
        source_kind(self.kind_at(&real)?)
    }

    fn file(&self, path: &RelPath) -> Result<(Digest, bool), SourceError> {
        let parent = self.real(&path.parent().unwrap_or_else(RelPath::root))?;
        let here = below(&parent, path)?;
        let real = match self.kind_at(&here) {
            Some(Kind::Link) => self.resolve(path, &here)?,
            _ => here,
        };
        self.file_at(&real).map_err(|error| renamed(error, path))
    }

    fn read(&self, path: &RelPath) -> Result<Arc<[u8]>, SourceError> {
        let (digest, _) = self.file(path)?;
        let failed = |error: StoreError| SourceError::Store(error.to_string());
        let bytes = self.store.read(&digest).or_else(|error| match error {
            // The store has lost its copy; the file itself is here.
            StoreError::NotFound(_) | StoreError::Damaged(_) => {
                self.provide(&digest)?;
                self.store.read(&digest).map_err(failed)
            }
            other => Err(failed(other)),
        })?;
        Ok(bytes.into())
    }

    fn content(&self, path: &RelPath) -> Result<Entry, SourceError> {
        self.content_of(path)
    }

    fn provide(&self, digest: &Digest) -> Result<bool, SourceError> {
        let Some(path) = self.holder(digest) else {
            return Ok(false);
        };
        let (now, _) = self.ingest(path.as_str())?;
        if now == *digest {
            return Ok(true);
        }
        Err(unusable(
            &path,
            "it has changed while the build ran: run the build again".into(),
        ))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The last name of `path` in the folder `real`.
fn below(real: &RelPath, path: &RelPath) -> Result<RelPath, SourceError> {
    match path.name() {
        Some(name) => real
            .child(name)
            .map_err(|error| unusable(path, error.to_string())),
        None => Ok(real.clone()),
    }
}

/// A path of ours as words have it.
fn named(path: &str) -> RelPath {
    RelPath::new(path).unwrap_or_else(|_| RelPath::root())
}

/// What was not found behind a link is told under the name that was asked for.
fn renamed(error: SourceError, path: &RelPath) -> SourceError {
    match error {
        SourceError::NotFound(_) => SourceError::NotFound(path.clone()),
        other => other,
    }
}

fn unusable(path: &RelPath, why: String) -> SourceError {
    SourceError::Unusable {
        path: path.clone(),
        why,
    }
}

fn not_listed(path: &RelPath, error: &io::Error) -> SourceError {
    if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) {
        return unusable(
            path,
            "a link was put on the way to it while it was read: run the build again".into(),
        );
    }
    match error.kind() {
        io::ErrorKind::NotFound => SourceError::NotFound(path.clone()),
        _ => unusable(path, error.to_string()),
    }
}

fn not_read(path: &RelPath, error: IngestError) -> SourceError {
    match error {
        IngestError::Read { source, .. } => not_listed(path, &source),
        IngestError::Changing(_) => unusable(path, "it is changing while it is read".into()),
        IngestError::Refused { why, .. } => unusable(path, format!("it {why}")),
        IngestError::Store(error) => SourceError::Store(error.to_string()),
    }
}

fn source_kind(kind: Kind) -> Option<SourceKind> {
    match kind {
        Kind::File => Some(SourceKind::File),
        Kind::Folder => Some(SourceKind::Folder),
        Kind::Link => Some(SourceKind::Link),
        Kind::Other => None,
    }
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;
