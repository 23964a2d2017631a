//! Folders of this machine taken by content: toolchains that nobody pinned.
//! Decides that they are hashed once as long as no file's state changes.

use crate::beneath::{Beneath, Kind};
use crate::disk::{DiskStore, create_folder};
use crate::file_state::FileState;
use crate::folder;
use crate::ingest::{self, IngestError};
use crate::stat_cache::{KnownHash, StatCache};
use lambuild_action::{HostBytes, HostFile, StoreError, write_tree};
use lambuild_digest::tree::MAX_DEPTH;
use lambuild_digest::{Digest, Dir, Entry, RelPath, TreeError};
use rayon::prelude::*;
use std::fs;
use std::io;
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
        if self.store.read_only().is_some() {
            return self.take_once(folder, keep);
        }
        let notes = self.store.root().join("host");
        create_folder(&notes)?;
        let name = self.store_name(folder);
        let beneath = Beneath::open(folder).map_err(|source| IngestError::Read {
            path: folder.to_owned(),
            source,
        })?;
        let function = lambuild_action::BlobStore::function(&*self.store);
        let stats = StatCache::open(&notes.join(name), &beneath, function);
        let taken = self.take_with(folder, keep, &stats)?;
        stats.save()?;
        if self.store.needs_tree(&taken)? {
            return Ok(taken);
        }
        // The collector has taken files away whose digests were remembered.
        self.take_once(folder, keep)
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
        let mut files: Vec<(RelPath, Option<KnownHash>)> = Vec::new();
        for HostFolder {
            path: at,
            files: here,
        } in gather(folder, keep)?
        {
            let known = stats.folder(at.as_str()).unwrap_or_default();
            let hash = |path: &RelPath| known.item(path.name()?)?.hash;
            files.extend(here.into_iter().map(|path| (path.clone(), hash(&path))));
        }
        let entries: Vec<Result<Entry, IngestError>> = files
            .par_iter()
            .map(|(path, known)| self.entry(folder, path, *known, stats))
            .collect();
        let mut dir = Dir::default();
        for ((path, _), entry) in files.iter().zip(entries) {
            dir.put(path, entry?, &())
                .map_err(|error: TreeError| StoreError::Format(error.to_string()))?;
        }
        Ok(write_tree(&*self.store, &dir)?)
    }

    /// The tree of these files; each is hashed once as long as its state stays.
    ///
    /// # Errors
    /// As [`HostFolders::take`].
    pub fn files(&self, files: &[HostFile]) -> Result<Digest, IngestError> {
        let is_read_only = self.store.read_only().is_some();
        let notes = self.store.root().join("host");
        if !is_read_only {
            create_folder(&notes)?;
        }
        let all: Vec<String> = files.iter().map(|file| file.at.as_str().to_owned()).collect();
        let name = self.store_name(Path::new(&format!("files {}", all.join(" "))));
        let function = lambuild_action::BlobStore::function(&*self.store);
        let folder = files.iter().find_map(|file| match &file.from {
            HostBytes::File(path) => path.parent(),
            HostBytes::Fixed(_) => None,
        });
        // Files of other file systems than that of the first one are hashed each time.
        let stats = match folder.map(Beneath::open) {
            Some(Ok(folder)) if !is_read_only => StatCache::open(&notes.join(name), &folder, function),
            _ => StatCache::none(function),
        };
        let mut dir = Dir::default();
        for file in files {
            let digest = match &file.from {
                HostBytes::Fixed(bytes) => lambuild_action::BlobStore::write(&*self.store, bytes)?,
                HostBytes::File(path) => self.host_file(path, &file.at, &stats)?,
            };
            dir.file(&file.at, digest, file.executable)
                .map_err(|error| StoreError::Format(error.to_string()))?;
        }
        stats.save()?;
        Ok(write_tree(&*self.store, &dir)?)
    }

    /// The digest of a file that is remembered by its place in the tree.
    fn host_file(&self, path: &Path, at: &RelPath, stats: &StatCache) -> Result<Digest, IngestError> {
        let folder = at.parent().unwrap_or_else(RelPath::root);
        let known = stats.folder(folder.as_str()).unwrap_or_default();
        let hash = at.name().and_then(|name| known.item(name)?.hash);
        self.file(path, at.as_str(), hash, stats)
            .map(|(digest, _)| digest)
    }

    fn store_name(&self, folder: &Path) -> String {
        lambuild_digest::DigestFunction::Blake3
            .digest(folder.as_os_str().as_encoded_bytes())
            .hex()
    }

    fn entry(
        &self,
        folder: &Path,
        path: &RelPath,
        known: Option<KnownHash>,
        stats: &StatCache,
    ) -> Result<Entry, IngestError> {
        let full = folder.join(path.as_str());
        let (digest, executable) = self.file(&full, path.as_str(), known, stats)?;
        Ok(Entry::file(digest, executable))
    }

    /// Digest and execute bit of a file that is remembered under `name`.
    fn file(
        &self,
        full: &Path,
        name: &str,
        known: Option<KnownHash>,
        stats: &StatCache,
    ) -> Result<(Digest, bool), IngestError> {
        let state = FileState::of(&fs::metadata(full).map_err(unread(full))?);
        // Only a file is opened: nothing waits for a pipe's writer.
        if state.kind() != Kind::File {
            return Err(IngestError::Refused {
                path: full.display().to_string(),
                why: "is not a regular file",
            });
        }
        if let Some(digest) = known.and_then(|known| stats.believed(&known, &state)) {
            return Ok((digest, state.executable()));
        }
        let (digest, state) = ingest::file(&self.store, full)?;
        stats.put(name, &state, &digest);
        Ok((digest, state.executable()))
    }
}

fn unread(path: &Path) -> impl FnOnce(io::Error) -> IngestError {
    let path = path.to_owned();
    move |source| IngestError::Read { path, source }
}

impl lambuild_action::HostFolders for HostFolders {
    fn take(&self, folder: &Path, keep: fn(&RelPath) -> bool) -> Result<Digest, String> {
        HostFolders::take(self, folder, keep).map_err(|error| error.to_string())
    }

    fn take_files(&self, files: &[HostFile]) -> Result<Digest, String> {
        self.files(files).map_err(|error| error.to_string())
    }
}

/// A host folder and the files in it that count.
struct HostFolder {
    path: RelPath,
    files: Vec<RelPath>,
}

/// A folder that is still to be listed, with those around it: a link to one of them would lead in a circle.
struct Ahead {
    path: RelPath,
    around: Vec<(u64, u64)>,
}

/// The folders in sorted order with what counts in them, links followed.
fn gather(root: &Path, keep: fn(&RelPath) -> bool) -> Result<Vec<HostFolder>, IngestError> {
    let mut found = Vec::new();
    let mut ahead = vec![Ahead {
        path: RelPath::root(),
        around: Vec::new(),
    }];
    while let Some(Ahead { path: at, mut around }) = ahead.pop() {
        let folder = root.join(at.as_str());
        let meta = FileState::of(&fs::metadata(&folder).map_err(unread(&folder))?);
        let identity = (meta.device, meta.inode);
        if around.contains(&identity) {
            continue;
        }
        if around.len() > MAX_DEPTH {
            return Err(StoreError::Format(format!("{} lies too deep", folder.display())).into());
        }
        around.push(identity);
        let mut files = Vec::new();
        for (name, kind) in folder::list(&folder).map_err(unread(&folder))? {
            let Some(path) = name.to_str().and_then(|name| at.child(name).ok()) else {
                continue;
            };
            if !keep(&path) {
                continue;
            }
            if kind.is_dir() || (kind.is_symlink() && root.join(path.as_str()).is_dir()) {
                ahead.push(Ahead {
                    path,
                    around: around.clone(),
                });
            } else {
                files.push(path);
            }
        }
        found.push(HostFolder { path: at, files });
    }
    Ok(found)
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

    #[test]
    fn programs_lie_where_they_are_put_and_are_read_again_when_they_change() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(DiskStore::open(&folder.path().join("s"), DigestFunction::Blake3).unwrap());
        let program = folder.path().join("dash");
        fs::write(&program, "one").unwrap();
        let file = |at: &str, from| HostFile {
            at: RelPath::new(at).unwrap(),
            from,
            executable: true,
        };
        let files = [
            file("bin/sh", HostBytes::Fixed(b"starter")),
            file("real/sh", HostBytes::File(program.clone())),
        ];
        let folders = HostFolders::new(store.clone());
        let first = folders.files(&files).unwrap();
        assert_eq!(folders.files(&files).unwrap(), first);
        let listed: Vec<String> = walk(&first, &*store)
            .unwrap()
            .iter()
            .map(|(path, node)| {
                format!(
                    "{path} {}",
                    matches!(node, lambuild_digest::Node::File { executable: true, .. })
                )
            })
            .collect();
        assert_eq!(listed, ["bin/sh true", "real/sh true"]);
        fs::write(&program, "two").unwrap();
        assert_ne!(folders.files(&files).unwrap(), first);
        fs::remove_file(&program).unwrap();
        assert!(folders.files(&files).unwrap_err().to_string().contains("dash"));
    }
}
