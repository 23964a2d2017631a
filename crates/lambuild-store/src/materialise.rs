//! From content in the store to files on disk. Every byte is checked on the way,
//! and nothing that is laid out shares an inode with the store.

use crate::disk::{DiskStore, create_folder};
use lambuild_action::{BlobStore, StoreError};
use lambuild_digest::tree::walk;
use lambuild_digest::{Digest, Directories, Node, RelPath, TreeError};
use rayon::prelude::*;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// What stands in a laid out tree in the place of one of its own folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instead {
    /// A link to this folder, which holds the same.
    Link(PathBuf),
    /// An empty folder, over which the same is mounted.
    EmptyFolder,
}

/// Lays out the tree `root` below `folder`, which must not exist or be empty.
/// Files get mode 0444 or 0555. Where `instead` answers something for a path, that is put
/// there instead of the tree's own files.
///
/// # Errors
/// When an object is missing or damaged, or the file system refuses.
pub fn tree(
    store: &DiskStore,
    root: &Digest,
    folder: &Path,
    instead: &dyn Fn(&RelPath) -> Option<Instead>,
) -> Result<(), StoreError> {
    let mut files = Vec::new();
    folders(store, root, &RelPath::root(), folder, instead, &mut files)?;
    files
        .par_iter()
        .try_for_each(|(path, node)| place(store, node, &folder.join(path.as_str())))
}

fn folders(
    store: &DiskStore,
    digest: &Digest,
    at: &RelPath,
    folder: &Path,
    instead: &dyn Fn(&RelPath) -> Option<Instead>,
    files: &mut Vec<(RelPath, Node)>,
) -> Result<(), StoreError> {
    create_folder(&folder.join(at.as_str()))?;
    for (name, node) in store.directory(digest).map_err(unreadable)?.nodes() {
        let path = at
            .child(name)
            .map_err(|error| StoreError::Format(error.to_string()))?;
        match (node, instead(&path)) {
            (_, Some(Instead::Link(there))) => {
                let here = folder.join(path.as_str());
                symlink(&there, &here).map_err(StoreError::io("create", &here))?;
            }
            (_, Some(Instead::EmptyFolder)) => create_folder(&folder.join(path.as_str()))?,
            (Node::Directory(inner), None) => folders(store, inner, &path, folder, instead, files)?,
            (other, None) => files.push((path, other.clone())),
        }
    }
    Ok(())
}

/// A tree's error as the store's.
pub fn unreadable(error: TreeError) -> StoreError {
    match error {
        TreeError::Missing { digest, .. } => StoreError::NotFound(digest),
        other => StoreError::Format(other.to_string()),
    }
}

/// Writes one file or link at a path where nothing is.
///
/// # Errors
/// As [`tree`].
pub fn place(store: &DiskStore, node: &Node, path: &Path) -> Result<(), StoreError> {
    match node {
        Node::File { digest, executable } => {
            let bytes = store.read(digest)?;
            let mode = if *executable { 0o555 } else { 0o444 };
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(mode)
                .open(path)
                .map_err(StoreError::io("create", path))?;
            file.write_all(&bytes).map_err(StoreError::io("write", path))?;
            file.set_permissions(Permissions::from_mode(mode))
                .map_err(StoreError::io("write", path))
        }
        Node::Symlink { target } => symlink(&**target, path).map_err(StoreError::io("create", path)),
        Node::Directory(digest) => tree(store, digest, path, &|_| None),
    }
}

/// A folder of the store with the tree `root` laid out for reading, made once and
/// kept: for what is big and the same for many actions.
///
/// # Errors
/// As [`tree`].
pub fn stable(store: &DiskStore, root: &Digest) -> Result<PathBuf, StoreError> {
    let ready = store.tree_path(root);
    if ready.is_dir() {
        return Ok(ready);
    }
    let stage = store.stage()?;
    let staged = stage.path().join("tree");
    tree(store, root, &staged, &|_| None)?;
    seal(store, root, &staged)?;
    match fs::rename(&staged, &ready) {
        Ok(()) => Ok(ready),
        // Another process was faster; a folder with files cannot be renamed over.
        Err(_) if ready.is_dir() => {
            unseal(&staged);
            Ok(ready)
        }
        Err(error) => {
            unseal(&staged);
            Err(StoreError::io("create", &ready)(error))
        }
    }
}

/// Takes away the right to write from every folder but the top one, which must still be renamed.
fn seal(store: &DiskStore, root: &Digest, folder: &Path) -> Result<(), StoreError> {
    let mut folders: Vec<PathBuf> = Vec::new();
    for (path, _) in walk(root, store).map_err(unreadable)? {
        let mut above = path.parent();
        while let Some(at) = above.filter(|at| !at.is_root()) {
            let full = folder.join(at.as_str());
            if folders.last() == Some(&full) {
                break;
            }
            folders.push(full);
            above = at.parent();
        }
    }
    for folder in folders {
        set_mode(&folder, 0o555).map_err(StoreError::io("seal", &folder))?;
    }
    Ok(())
}

/// Gives back the right to write, so that a tree can be removed by its owner.
pub fn unseal(folder: &Path) {
    if set_mode(folder, 0o755).is_err() {
        return;
    }
    for (name, kind) in crate::folder::list(folder).unwrap_or_default() {
        if kind.is_dir() {
            unseal(&folder.join(name));
        }
    }
}

fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest;
    use lambuild_digest::DigestFunction;

    fn sample() -> (tempfile::TempDir, DiskStore, Digest) {
        let folder = tempfile::tempdir().unwrap();
        let store = DiskStore::open(&folder.path().join("s"), DigestFunction::Blake3).unwrap();
        let source = folder.path().join("in");
        fs::create_dir_all(source.join("a/b")).unwrap();
        fs::create_dir_all(source.join("a/empty")).unwrap();
        fs::write(source.join("a/b/run"), "#!/bin/sh\n").unwrap();
        fs::set_permissions(source.join("a/b/run"), Permissions::from_mode(0o755)).unwrap();
        fs::write(source.join("x"), "x").unwrap();
        symlink("x", source.join("l")).unwrap();
        let Node::Directory(root) = ingest::output(&store, &source).unwrap() else {
            panic!("no folder")
        };
        (folder, store, root)
    }

    #[test]
    fn a_tree_that_is_laid_out_and_taken_again_is_the_same() {
        let (folder, store, root) = sample();
        let out = folder.path().join("out");
        tree(&store, &root, &out, &|_| None).unwrap();
        assert_eq!(ingest::output(&store, &out).unwrap(), Node::Directory(root));
    }

    #[test]
    fn a_stable_tree_is_made_once_and_cannot_be_written() {
        let (_folder, store, root) = sample();
        let first = stable(&store, &root).unwrap();
        assert_eq!(stable(&store, &root).unwrap(), first);
        assert_eq!(
            fs::metadata(first.join("a/b")).unwrap().permissions().mode() & 0o777,
            0o555
        );
        assert_eq!(
            fs::metadata(first.join("a/b/run")).unwrap().permissions().mode() & 0o777,
            0o555
        );
        assert_eq!(
            fs::metadata(first.join("x")).unwrap().permissions().mode() & 0o777,
            0o444
        );
    }

    #[test]
    fn a_damaged_object_is_not_laid_out() {
        let (folder, store, root) = sample();
        let x = DigestFunction::Blake3.digest(b"x");
        fs::remove_file(store.blob_path(&x)).unwrap();
        fs::write(store.blob_path(&x), "y").unwrap();
        let error = tree(&store, &root, &folder.path().join("out"), &|_| None).unwrap_err();
        assert!(matches!(error, StoreError::Damaged(digest) if digest == x));
    }
}
