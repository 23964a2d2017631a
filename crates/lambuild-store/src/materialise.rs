//! From content in the store to files on disk. Every byte is checked on the way,
//! and nothing that is laid out shares an inode with the store.

use crate::disk::{DiskStore, create_folder};
use crate::read_and_hash::read_and_hash;
use crate::threads;
use crate::tree_on_disk;
use lambuild_action::{BlobStore, StoreError};
use lambuild_digest::tree::{MAX_DEPTH, walk};
use lambuild_digest::{Digest, Directories, Node, RelPath, TreeError};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

mod verified;

/// Objects up to this size are read in one piece and never shared: a block shared is a system call spent.
const IN_MEMORY: u64 = 1 << 20;

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
    let files = folders(store, root, folder, instead)?;
    threads::each(files, |(path, node)| {
        place(store, &node, &folder.join(path.as_str()))
    })
    .into_iter()
    .collect()
}

/// Makes the folders and what stands instead of some; answers what is still to be laid out.
fn folders(
    store: &DiskStore,
    root: &Digest,
    folder: &Path,
    instead: &dyn Fn(&RelPath) -> Option<Instead>,
) -> Result<Vec<(RelPath, Node)>, StoreError> {
    let mut files = Vec::new();
    let mut ahead = vec![(RelPath::root(), *root)];
    while let Some((at, digest)) = ahead.pop() {
        if at.parts().count() > MAX_DEPTH {
            return Err(unreadable(TreeError::TooDeep(at)));
        }
        create_folder(&folder.join(at.as_str()))?;
        for (name, node) in store.directory(&digest).map_err(unreadable)?.nodes() {
            let path = at
                .child(name)
                .map_err(|error| StoreError::Format(error.to_string()))?;
            let here = folder.join(path.as_str());
            match (node, instead(&path)) {
                (_, Some(Instead::Link(there))) => {
                    symlink(&there, &here).map_err(StoreError::io("create", &here))?;
                }
                (_, Some(Instead::EmptyFolder)) => create_folder(&here)?,
                (Node::Directory(inner), None) => ahead.push((path, *inner)),
                (other, None) => files.push((path, other.clone())),
            }
        }
    }
    Ok(files)
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
            let mode = if *executable { 0o555 } else { 0o444 };
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .create_new(true)
                .mode(mode)
                .open(path)
                .map_err(StoreError::io("create", path))?;
            fill(store, digest, &mut file, path)?;
            file.set_permissions(Permissions::from_mode(mode))
                .map_err(StoreError::io("write", path))
        }
        Node::Symlink { target } => symlink(&**target, path).map_err(StoreError::io("create", path)),
        Node::Directory(digest) => tree(store, digest, path, &|_| None),
    }
}

/// Puts an object's bytes into a new file. A large one shares its blocks with the store where the file
/// system can do that, never its inode; either way what is hashed is what was laid out.
fn fill(store: &DiskStore, digest: &Digest, file: &mut File, path: &Path) -> Result<(), StoreError> {
    if digest.size() <= IN_MEMORY {
        let bytes = store.read(digest)?;
        return file.write_all(&bytes).map_err(StoreError::io("write", path));
    }
    let mut blob = store.file(digest)?.ok_or(StoreError::NotFound(*digest))?;
    let found = if rustix::fs::ioctl_ficlone(&*file, &blob).is_ok() {
        read_and_hash(store.function(), file, |_| io::Result::Ok(()))
    } else {
        read_and_hash(store.function(), &mut blob, |piece| file.write_all(piece))
    };
    if found.map_err(StoreError::io("write", path))? == *digest {
        return Ok(());
    }
    // Reading it whole is what sets a damaged object aside.
    store.read(digest)?;
    Err(StoreError::Damaged(*digest))
}

/// A folder of the store with the tree `root` laid out for reading, made once and kept: for what is big
/// and the same for many actions. It appears whole or not at all. In each boot of the machine the first to ask
/// reads it through, since a power cut may have taken bytes that were never flushed; what is not as its name
/// says is made again.
///
/// # Errors
/// As [`tree`].
pub fn stable(store: &DiskStore, root: &Digest) -> Result<PathBuf, StoreError> {
    let ready = store.tree_path(root);
    if ready.is_dir() {
        if verified::is_noted(store, root, &ready) {
            return Ok(ready);
        }
        if tree_on_disk::digest(store.function(), &ready).is_ok_and(|found| found == *root) {
            verified::note(store, root, &ready);
            return Ok(ready);
        }
        take_away(store, &ready)?;
    }
    let stage = store.stage()?;
    let staged = stage.path().join("tree");
    tree(store, root, &staged, &|_| None)?;
    seal(store, root, &staged)?;
    match fs::rename(&staged, &ready) {
        Ok(()) => verified::note(store, root, &ready),
        // Another process was faster, and has just made it; a folder with files cannot be renamed over.
        Err(_) if ready.is_dir() => {}
        Err(error) => return Err(StoreError::io("create", &ready)(error)),
    }
    Ok(ready)
}

/// Moves a damaged tree to the stage, where it goes with the stage.
fn take_away(store: &DiskStore, tree: &Path) -> Result<(), StoreError> {
    store.note_damage(tree);
    let stage = store.stage()?;
    set_mode(tree, 0o755).map_err(StoreError::io("remove", tree))?;
    match fs::rename(tree, stage.path().join("damaged")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::io("remove", tree)(error)),
        _ => Ok(()),
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

fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outputs::{Bounds, collect};
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
        let taken = collect(
            &store,
            folder.path(),
            &RelPath::new("in").unwrap(),
            Bounds::default(),
        );
        let Node::Directory(root) = taken.unwrap().unwrap() else {
            panic!("no folder")
        };
        (folder, store, root)
    }

    #[test]
    fn a_tree_that_is_laid_out_and_taken_again_is_the_same() {
        let (folder, store, root) = sample();
        let out = folder.path().join("out");
        tree(&store, &root, &out, &|_| None).unwrap();
        let taken = collect(
            &store,
            folder.path(),
            &RelPath::new("out").unwrap(),
            Bounds::default(),
        );
        assert_eq!(taken.unwrap(), Some(Node::Directory(root)));
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

    /// What a power cut or a bad disk leaves of a tree, as the next boot finds it.
    #[test]
    fn a_damaged_tree_is_found_in_the_next_boot_and_made_again() {
        let (_folder, store, root) = sample();
        let ready = stable(&store, &root).unwrap();
        let damages: [&dyn Fn(&Path); 5] = [
            &|tree| {
                set_mode(&tree.join("x"), 0o644).unwrap();
                fs::write(tree.join("x"), "y").unwrap();
            },
            &|tree| {
                set_mode(&tree.join("x"), 0o644).unwrap();
                fs::write(tree.join("x"), "").unwrap();
            },
            &|tree| fs::remove_file(tree.join("l")).unwrap(),
            &|tree| fs::write(tree.join("more"), "").unwrap(),
            &|tree| set_mode(&tree.join("a/b/run"), 0o444).unwrap(),
        ];
        for (at, damage) in damages.iter().enumerate() {
            damage(&ready);
            assert_eq!(
                stable(&store, &root).unwrap(),
                ready,
                "within a boot it is not read again"
            );
            assert!(
                tree_on_disk::digest(store.function(), &ready).unwrap() != root,
                "damage {at} is none"
            );
            verified::forget(&store, &root);
            assert_eq!(stable(&store, &root).unwrap(), ready);
            assert_eq!(
                tree_on_disk::digest(store.function(), &ready).unwrap(),
                root,
                "damage {at}"
            );
        }
    }

    #[test]
    fn a_tree_that_was_deleted_or_made_by_somebody_else_is_not_believed_by_its_note() {
        let (folder, store, root) = sample();
        let ready = stable(&store, &root).unwrap();
        assert!(verified::is_noted(&store, &root, &ready));
        // The old one stays: a file system may give its number to the next at once.
        set_mode(&ready, 0o755).unwrap();
        fs::rename(&ready, folder.path().join("old")).unwrap();
        fs::create_dir(&ready).unwrap();
        assert!(!verified::is_noted(&store, &root, &ready));
        assert_eq!(
            tree_on_disk::digest(store.function(), &stable(&store, &root).unwrap()).unwrap(),
            root
        );
    }

    #[test]
    fn a_large_file_is_laid_out_whole_and_shares_no_inode() {
        let (folder, store, _) = sample();
        let bytes: Vec<u8> = (0..3 * IN_MEMORY as usize + 5).map(|at| (at / 7) as u8).collect();
        let digest = store.write(&bytes).unwrap();
        let node = Node::File {
            digest,
            executable: false,
        };
        let out = folder.path().join("large");
        place(&store, &node, &out).unwrap();
        assert_eq!(fs::read(&out).unwrap(), bytes);
        let inode = |path: &Path| std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap());
        assert_ne!(inode(&out), inode(&store.blob_path(&digest)));

        set_mode(&store.blob_path(&digest), 0o644).unwrap();
        let mut damaged = bytes;
        damaged[2 << 20] ^= 1;
        fs::write(store.blob_path(&digest), damaged).unwrap();
        let error = place(&store, &node, &folder.path().join("other")).unwrap_err();
        assert!(matches!(error, StoreError::Damaged(found) if found == digest));
        assert!(!store.contains(&digest));
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
