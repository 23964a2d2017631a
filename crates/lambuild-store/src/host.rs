//! Folders of this machine taken by content: toolchains that nobody pinned.
//! Decides that they are hashed once as long as no file's state changes.

use crate::disk::{DiskStore, create_folder};
use crate::folder;
use crate::ingest::{self, IngestError};
use crate::stat_cache::StatCache;
use lambuild_action::{StoreError, write_tree};
use lambuild_digest::{Digest, Dir, Entry, RelPath};
use rayon::prelude::*;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// Takes host folders into the store.
#[derive(Debug, Clone)]
pub struct HostFolders {
    store: Arc<DiskStore>,
}

impl HostFolders {
    /// Folders are kept in, and remembered beside, this store.
    pub fn new(store: Arc<DiskStore>) -> Self {
        HostFolders { store }
    }

    /// The content of those files of a folder for which `keep` is true. Links are
    /// followed: what a host package links together is one folder to us.
    ///
    /// # Errors
    /// When a file cannot be read, or the store cannot be written.
    pub fn take(&self, folder: &Path, keep: fn(&RelPath) -> bool) -> Result<Digest, IngestError> {
        let notes = self.store.root().join("host");
        create_folder(&notes)?;
        let name = self.store_name(folder);
        let stats = StatCache::open(
            &notes.join(name),
            lambuild_action::BlobStore::function(&*self.store),
        );
        let taken = self.take_with(folder, keep, &stats)?;
        stats.save()?;
        Ok(taken)
    }

    /// As [`HostFolders::take`], for a folder that will not be seen again: nothing is remembered.
    ///
    /// # Errors
    /// As [`HostFolders::take`].
    pub fn take_once(&self, folder: &Path, keep: fn(&RelPath) -> bool) -> Result<Digest, IngestError> {
        let stats = StatCache::none(lambuild_action::BlobStore::function(&*self.store));
        self.take_with(folder, keep, &stats)
    }

    fn take_with(
        &self,
        folder: &Path,
        keep: fn(&RelPath) -> bool,
        stats: &StatCache,
    ) -> Result<Digest, IngestError> {
        let mut found = Vec::new();
        gather(folder, &RelPath::root(), keep, &mut found)?;
        let entries = found
            .into_par_iter()
            .map(|path| Ok((self.entry(folder, &path, stats)?, path)))
            .collect::<Result<Vec<_>, IngestError>>()?;
        let mut dir = Dir::default();
        for (entry, path) in entries {
            dir.put(&path, entry, &())
                .map_err(|error| StoreError::Format(error.to_string()))?;
        }
        Ok(write_tree(&*self.store, &dir)?)
    }

    fn store_name(&self, folder: &Path) -> String {
        lambuild_digest::DigestFunction::Blake3
            .digest(folder.as_os_str().as_encoded_bytes())
            .hex()
    }

    fn entry(&self, folder: &Path, path: &RelPath, stats: &StatCache) -> Result<Entry, IngestError> {
        let full = folder.join(path.as_str());
        let meta = fs::metadata(&full).map_err(|source| IngestError::Read {
            path: full.clone(),
            source,
        })?;
        if let Some(digest) = stats.get(path.as_str(), &meta) {
            return Ok(Entry::file(digest, ingest::executable(&meta)));
        }
        let (digest, meta) = ingest::file(&self.store, &full)?;
        stats.put(path.as_str(), &meta, &digest);
        Ok(Entry::file(digest, ingest::executable(&meta)))
    }
}

impl lambuild_action::HostFolders for HostFolders {
    fn take(&self, folder: &Path, keep: fn(&RelPath) -> bool) -> Result<Digest, String> {
        HostFolders::take(self, folder, keep).map_err(|error| error.to_string())
    }
}

fn gather(
    root: &Path,
    at: &RelPath,
    keep: fn(&RelPath) -> bool,
    found: &mut Vec<RelPath>,
) -> Result<(), IngestError> {
    let folder = root.join(at.as_str());
    let names = folder::list(&folder).map_err(|source| IngestError::Read {
        path: folder.clone(),
        source,
    })?;
    for (name, kind) in names {
        let Some(path) = name.to_str().and_then(|name| at.child(name).ok()) else {
            continue;
        };
        if !keep(&path) {
            continue;
        }
        let is_folder = kind.is_dir() || (kind.is_symlink() && root.join(path.as_str()).is_dir());
        if is_folder {
            gather(root, &path, keep, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lambuild_digest::DigestFunction;
    use lambuild_digest::tree::walk;

    #[test]
    fn only_what_is_kept_counts() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(DiskStore::open(&folder.path().join("s"), DigestFunction::Blake3).unwrap());
        let host = folder.path().join("go");
        fs::create_dir_all(host.join("test")).unwrap();
        fs::write(host.join("VERSION"), "go1").unwrap();
        fs::write(host.join("test/x.go"), "x").unwrap();
        let folders = HostFolders::new(store.clone());
        let keep = |path: &RelPath| path.parts().next() != Some("test");
        let first = folders.take(&host, keep).unwrap();
        fs::write(host.join("test/x.go"), "y").unwrap();
        assert_eq!(folders.take(&host, keep).unwrap(), first);
        fs::write(host.join("VERSION"), "go2").unwrap();
        let second = folders.take(&host, keep).unwrap();
        assert_ne!(second, first);
        assert_eq!(walk(&second, &*store).unwrap().len(), 1);
    }
}
