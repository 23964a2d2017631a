//! The workspace's sources as content: which files count, what a link means,
//! each file hashed once a run. Does not know who asks for what.
//!
//! Left out everywhere: `.git`, `.lambuild`; at the root: `dist`; and what the
//! workspace's own ignore files exclude, never the user's global ones, since
//! those differ between machines.

use crate::disk::DiskStore;
use crate::folder;
use crate::ingest::{self, IngestError};
use crate::stat_cache::StatCache;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use lambuild_action::store::Names;
use lambuild_action::{BlobStore, SourceError, SourceKind, Sources, StoreError};
use lambuild_digest::tree::MAX_DEPTH;
use lambuild_digest::{Digest, Dir, Entry, RelPath};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::fs::{self, FileType};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// How many links that leave their folder may lead through each other; Linux stops at 40 for one path.
const MAX_LINKS: usize = 8;

/// The sources of one workspace during one run.
pub struct SourceTree {
    root: PathBuf,
    store: Arc<DiskStore>,
    stats: StatCache,
    listed: Mutex<FxHashMap<RelPath, Names>>,
    ignores: Mutex<FxHashMap<RelPath, Arc<Ignores>>>,
    hashed: Mutex<FxHashMap<RelPath, (Digest, bool)>>,
    reached: Mutex<FxHashMap<RelPath, Result<(), SourceError>>>,
}

/// The ignore files that bear on a folder: its own, then those above.
struct Ignores {
    own: Gitignore,
    above: Option<Arc<Ignores>>,
}

impl Ignores {
    fn exclude(&self, path: &Path, is_folder: bool) -> bool {
        let verdict = self.own.matched(path, is_folder);
        if verdict.is_none() {
            return self
                .above
                .as_ref()
                .is_some_and(|above| above.exclude(path, is_folder));
        }
        verdict.is_ignore()
    }
}

impl SourceTree {
    /// The sources below `root`, an absolute path without links in it.
    pub fn new(root: &Path, store: Arc<DiskStore>, stats: StatCache) -> Self {
        SourceTree {
            root: root.to_owned(),
            store,
            stats,
            listed: Mutex::default(),
            ignores: Mutex::default(),
            hashed: Mutex::default(),
            reached: Mutex::default(),
        }
    }

    /// Writes back what the stat cache learnt.
    ///
    /// # Errors
    /// When it cannot be written; results do not depend on it.
    pub fn save(&self) -> Result<(), StoreError> {
        self.stats.save()
    }

    fn full(&self, path: &RelPath) -> PathBuf {
        if path.is_root() {
            self.root.clone()
        } else {
            self.root.join(path.as_str())
        }
    }

    fn ignores(&self, folder: &RelPath) -> Arc<Ignores> {
        let known = lock(&self.ignores).get(folder).cloned();
        if let Some(known) = known {
            return known;
        }
        let full = self.full(folder);
        let mut builder = GitignoreBuilder::new(&full);
        for name in [".gitignore", ".ignore"] {
            // A missing file adds nothing; a bad line is Git's to complain about.
            let _ = builder.add(full.join(name));
        }
        let own = builder.build().unwrap_or_else(|_| Gitignore::empty());
        let above = folder.parent().map(|parent| self.ignores(&parent));
        let made = Arc::new(Ignores { own, above });
        lock(&self.ignores).insert(folder.clone(), made.clone());
        made
    }

    fn left_out(&self, folder: &RelPath, name: &str, is_folder: bool) -> bool {
        let never = matches!(name, ".git" | ".lambuild") || (folder.is_root() && name == "dist");
        never
            || self
                .ignores(folder)
                .exclude(&self.full(folder).join(name), is_folder)
    }

    /// Refuses a folder that is, or lies behind, a link out of the workspace: the system would
    /// follow it, to files that are others on every machine.
    fn reach(&self, folder: &RelPath) -> Result<(), SourceError> {
        let Some(parent) = folder.parent() else {
            return Ok(());
        };
        let known = lock(&self.reached).get(folder).cloned();
        if let Some(known) = known {
            return known;
        }
        let made = self.reach(&parent).and_then(|()| match self.kind(folder) {
            Some(SourceKind::Link) => self.resolve(folder).map(drop),
            _ => Ok(()),
        });
        lock(&self.reached).insert(folder.clone(), made.clone());
        made
    }

    fn read_names(&self, path: &RelPath) -> Result<Names, SourceError> {
        self.reach(path)?;
        let found = folder::list(&self.full(path)).map_err(|error| not_listed(path, &error))?;
        let mut names = Vec::with_capacity(found.len());
        for (name, kind) in found {
            let Some(text) = name.to_str() else {
                return Err(unusable(
                    path,
                    format!("it holds the name {name:?}, which is not UTF-8"),
                ));
            };
            if !self.left_out(path, text, kind.is_dir()) {
                names.push((Arc::from(text), kind_of(path, text, kind)?));
            }
        }
        Ok(names.into())
    }

    /// Whether an ignore rule takes this path, or a folder above it, out of the workspace.
    fn is_left_out(&self, path: &RelPath) -> bool {
        let mut here = RelPath::root();
        for name in path.parts() {
            let Ok(next) = here.child(name) else { return true };
            let is_folder = fs::symlink_metadata(self.full(&next)).is_ok_and(|meta| meta.is_dir());
            if self.left_out(&here, name, is_folder) {
                return true;
            }
            here = next;
        }
        false
    }

    fn gather(
        &self,
        at: &RelPath,
        top: &RelPath,
        found: &mut Vec<(RelPath, RelPath)>,
    ) -> Result<(), SourceError> {
        if at.parts().count() > MAX_DEPTH {
            return Err(unusable(at, "it lies deeper than 512 folders".into()));
        }
        for (name, kind) in self.list(at)?.iter() {
            let path = at.child(name).map_err(|error| unusable(at, error.to_string()))?;
            let below = top.child(name).map_err(|error| unusable(at, error.to_string()))?;
            if *kind == SourceKind::Folder {
                self.gather(&path, &below, found)?;
            } else {
                found.push((path, below));
            }
        }
        Ok(())
    }

    fn folder(&self, top: &RelPath, links: usize) -> Result<Entry, SourceError> {
        let mut found = Vec::new();
        self.gather(top, &RelPath::root(), &mut found)?;
        let entries = found
            .into_par_iter()
            .map(|(path, below)| Ok((self.leaf(&path, top, links)?, below)))
            .collect::<Result<Vec<_>, SourceError>>()?;
        let mut dir = Dir::default();
        for (entry, below) in entries {
            dir.put(&below, entry, &())
                .map_err(|error| unusable(top, error.to_string()))?;
        }
        Ok(Entry::Dir(dir))
    }

    /// A file or link inside the folder `top` that is taken.
    fn leaf(&self, path: &RelPath, top: &RelPath, links: usize) -> Result<Entry, SourceError> {
        let full = self.full(path);
        if !fs::symlink_metadata(&full)
            .map_err(|error| not_listed(path, &error))?
            .is_symlink()
        {
            let (digest, executable) = self.file(path)?;
            return Ok(Entry::file(digest, executable));
        }
        let target = fs::read_link(&full).map_err(|error| not_listed(path, &error))?;
        let below = path.below(top).unwrap_or_else(RelPath::root);
        if target.is_relative() && ingest::stays_inside(&below, &target) {
            let text = target
                .to_str()
                .ok_or_else(|| unusable(path, "it points to a name that is not UTF-8".into()))?;
            return Ok(Entry::symlink(text));
        }
        self.behind_link(path, links)
    }

    /// What a link that leaves the taken folder stands for.
    fn behind_link(&self, path: &RelPath, links: usize) -> Result<Entry, SourceError> {
        if links == 0 {
            return Err(unusable(path, "it is a link that leads in a circle".into()));
        }
        self.content_behind(&self.resolve(path)?, links - 1)
    }

    fn content_behind(&self, path: &RelPath, links: usize) -> Result<Entry, SourceError> {
        match self.kind(path) {
            None => Err(SourceError::NotFound(path.clone())),
            Some(_) if self.is_left_out(path) => Err(unusable(
                path,
                "an ignore file of the workspace excludes it, so another checkout would not have it".into(),
            )),
            Some(SourceKind::Folder) => self.folder(path, links),
            Some(SourceKind::Link) => self.behind_link(path, links),
            Some(SourceKind::File) => self
                .file(path)
                .map(|(digest, executable)| Entry::file(digest, executable)),
        }
    }

    /// Where a path leads when all links are followed; inside the workspace, or an error.
    fn resolve(&self, path: &RelPath) -> Result<RelPath, SourceError> {
        let real = fs::canonicalize(self.full(path))
            .map_err(|error| unusable(path, format!("it is a link that leads nowhere ({error})")))?;
        let outside = || unusable(path, "it is a link out of the workspace".into());
        let below = real.strip_prefix(&self.root).map_err(|_| outside())?;
        let text = below.to_str().ok_or_else(outside)?;
        RelPath::new(text).map_err(|error| unusable(path, error.to_string()))
    }

    fn hash(&self, path: &RelPath) -> Result<(Digest, bool), SourceError> {
        let full = self.full(path);
        let meta = fs::metadata(&full).map_err(|error| not_listed(path, &error))?;
        if !meta.is_file() {
            return Err(unusable(path, "it is not a regular file".into()));
        }
        if let Some(digest) = self.stats.get(path.as_str(), &meta) {
            return Ok((digest, ingest::executable(&meta)));
        }
        let (digest, meta) = ingest::file(&self.store, &full).map_err(|error| not_read(path, error))?;
        self.stats.put(path.as_str(), &meta, &digest);
        Ok((digest, ingest::executable(&meta)))
    }
}

impl Sources for SourceTree {
    fn list(&self, folder: &RelPath) -> Result<Names, SourceError> {
        let known = lock(&self.listed).get(folder).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let names = self.read_names(folder)?;
        lock(&self.listed).insert(folder.clone(), names.clone());
        Ok(names)
    }

    fn kind(&self, path: &RelPath) -> Option<SourceKind> {
        let kind = fs::symlink_metadata(self.full(path)).ok()?.file_type();
        match () {
            () if kind.is_dir() => Some(SourceKind::Folder),
            () if kind.is_symlink() => Some(SourceKind::Link),
            () if kind.is_file() => Some(SourceKind::File),
            () => None,
        }
    }

    fn file(&self, path: &RelPath) -> Result<(Digest, bool), SourceError> {
        let known = lock(&self.hashed).get(path).copied();
        if let Some(known) = known {
            return Ok(known);
        }
        self.reach(&path.parent().unwrap_or_else(RelPath::root))?;
        let real = if self.kind(path) == Some(SourceKind::Link) {
            self.resolve(path)?
        } else {
            path.clone()
        };
        let made = self.hash(&real)?;
        lock(&self.hashed).insert(path.clone(), made);
        Ok(made)
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
        self.content_behind(path, MAX_LINKS)
    }

    fn provide(&self, digest: &Digest) -> Result<bool, SourceError> {
        let mut paths: Vec<RelPath> = Vec::new();
        {
            let hashed = lock(&self.hashed);
            #[expect(
                clippy::iter_over_hash_type,
                reason = "any file with these bytes will do; the lot is sorted"
            )]
            for (path, (known, _)) in hashed.iter() {
                if known == digest {
                    paths.push(path.clone());
                }
            }
        }
        paths.sort();
        let Some(path) = paths.first() else {
            return Ok(false);
        };
        let (now, _) = ingest::file(&self.store, &self.full(path)).map_err(|error| not_read(path, error))?;
        if now == *digest {
            return Ok(true);
        }
        Err(unusable(
            path,
            "it has changed while the build ran: run the build again".into(),
        ))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unusable(path: &RelPath, why: String) -> SourceError {
    SourceError::Unusable {
        path: path.clone(),
        why,
    }
}

fn not_listed(path: &RelPath, error: &io::Error) -> SourceError {
    match error.kind() {
        io::ErrorKind::NotFound => SourceError::NotFound(path.clone()),
        _ => unusable(path, error.to_string()),
    }
}

fn not_read(path: &RelPath, error: IngestError) -> SourceError {
    match error {
        IngestError::Read { source, .. } => not_listed(path, &source),
        IngestError::Changing(_) => unusable(path, "it is changing while it is read".into()),
        IngestError::Store(error) => SourceError::Store(error.to_string()),
        other => unusable(path, other.to_string()),
    }
}

fn kind_of(folder: &RelPath, name: &str, kind: FileType) -> Result<SourceKind, SourceError> {
    match () {
        () if kind.is_dir() => Ok(SourceKind::Folder),
        () if kind.is_file() => Ok(SourceKind::File),
        () if kind.is_symlink() => Ok(SourceKind::Link),
        () => Err(unusable(
            folder,
            format!("it holds `{name}`, a device, socket or pipe"),
        )),
    }
}

#[cfg(test)]
mod tests;
