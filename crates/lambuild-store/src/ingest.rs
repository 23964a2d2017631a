//! From files on disk to content in the store. Decides what of a file counts
//! (bytes, execute bit, a link's target) and that it did not change meanwhile.
//! Does not know which files anyone wants.

use crate::beneath::Kind;
use crate::disk::{DiskStore, open};
use crate::file_state::FileState;
use crate::folder;
use crate::read_and_hash::read_and_hash;
use lambuild_action::{BlobStore, StoreError, write_tree};
use lambuild_digest::{Digest, Dir, Entry, Node, RelPath};
use rayon::prelude::*;
use std::fs::{self, File, FileType};
use std::io::{self, Read, Seek};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// How often a file is read again that changes while it is read.
const ATTEMPTS: usize = 3;
/// Files up to this size are read in one piece.
const IN_MEMORY: u64 = 4 << 20;
/// The largest file that is taken, in bytes. A sparse file of a terabyte is a mistake or an attack,
/// and is refused before it is read.
const MAX_FILE: u64 = 64 << 30;

/// Why a file cannot become content.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// It was written to while it was read, three times.
    #[error("`{}` is changing while it is read", .0.display())]
    Changing(PathBuf),
    /// It cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It is nothing that an output or input may hold.
    #[error("`{path}` {why}")]
    Refused {
        /// Relative to the folder that is taken.
        path: String,
        /// The rule.
        why: &'static str,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn read_error(path: &Path) -> impl FnOnce(io::Error) -> IngestError {
    let path = path.to_owned();
    move |source| IngestError::Read { path, source }
}

/// Hashes a regular file and keeps its bytes. The state was true while they were read.
///
/// # Errors
/// See [`IngestError`].
pub fn file(store: &DiskStore, path: &Path) -> Result<(Digest, FileState), IngestError> {
    let mut file = open(path).map_err(read_error(path))?;
    opened(store, &mut file, path)
}

/// As [`file`], for one that is open. What is read is one version of the file: its state is the
/// same before and after, or it is read again, [`ATTEMPTS`] times. `path` is for words only.
///
/// # Errors
/// See [`IngestError`].
pub fn opened(store: &DiskStore, file: &mut File, path: &Path) -> Result<(Digest, FileState), IngestError> {
    let mut before = FileState::of_file(file).map_err(read_error(path))?;
    for _ in 0..ATTEMPTS {
        if before.kind() != Kind::File {
            return Err(refused_file(path, "is not a regular file"));
        }
        if before.size > MAX_FILE {
            return Err(refused_file(path, "is larger than 64 GiB"));
        }
        let digest = if before.size <= IN_MEMORY {
            small(store, file, before.size, path)?
        } else {
            large(store, file, path)?
        };
        let after = FileState::of_file(file).map_err(read_error(path))?;
        // Permissions may change meanwhile, and then the change time does.
        if before == after && digest.size() == after.size {
            return Ok((digest, after));
        }
        file.rewind().map_err(read_error(path))?;
        before = after;
    }
    Err(IngestError::Changing(path.to_owned()))
}

fn refused_file(path: &Path, why: &'static str) -> IngestError {
    IngestError::Refused {
        path: path.display().to_string(),
        why,
    }
}

/// Reads no more than one byte beyond the size that the file had: a file that grows as fast as it
/// is read must not fill the memory.
fn small(store: &DiskStore, file: &mut File, size: u64, path: &Path) -> Result<Digest, IngestError> {
    let mut bytes = Vec::with_capacity(size as usize + 1);
    file.take(size + 1)
        .read_to_end(&mut bytes)
        .map_err(read_error(path))?;
    Ok(store.write(&bytes)?)
}

fn large(store: &DiskStore, file: &mut File, path: &Path) -> Result<Digest, IngestError> {
    let meta = file.metadata().map_err(read_error(path))?;
    // A sparse file of gigabytes costs none: no room is taken for its holes.
    let is_sparse = meta.blocks().saturating_mul(512) < meta.len();
    let mut copy = store.writer(if is_sparse { 0 } else { meta.len() })?;
    // Where blocks can be shared, the copy is of one moment, and nobody can write to it.
    let digest = match copy.share(file)? {
        Some(mut shared) => read_and_hash(store.function(), &mut shared, |_| Ok(())),
        None => read_and_hash(store.function(), file, |piece| {
            copy.put(piece).map_err(Failed::Write)
        }),
    };
    let digest = digest.map_err(|failed| match failed {
        Failed::Read(source) => read_error(path)(source),
        Failed::Write(error) => error.into(),
    })?;
    copy.finish_as(&digest)?;
    Ok(digest)
}

/// Which side of a copy it was.
enum Failed {
    Read(io::Error),
    Write(StoreError),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Failed::Read(error)
    }
}

/// Takes what an action left at `path`: a file, or a folder with all below it.
///
/// | found | taken as |
/// | --- | --- |
/// | regular file | its bytes and whether its owner may execute it; no times, owners, other bits |
/// | link that stays inside | a link |
/// | empty folder | an empty folder |
/// | link that leaves, absolute link | refused |
/// | fifo, socket, device | refused |
/// | name that is not UTF-8 or cannot be in a zip | refused |
///
/// # Errors
/// See [`IngestError`].
pub fn output(store: &DiskStore, path: &Path) -> Result<Node, IngestError> {
    let meta = fs::symlink_metadata(path).map_err(read_error(path))?;
    if meta.is_file() {
        let (digest, meta) = file(store, path)?;
        return Ok(Node::File {
            digest,
            executable: meta.executable(),
        });
    }
    if !meta.is_dir() {
        return Err(refused(&RelPath::root(), "is neither a file nor a folder"));
    }
    let mut found = Vec::new();
    gather(path, &RelPath::root(), &mut found)?;
    let entries = found
        .into_par_iter()
        .map(|(at, kind)| Ok((take(store, path, &at, kind)?, at)))
        .collect::<Result<Vec<(Entry, RelPath)>, IngestError>>()?;
    let mut dir = Dir::default();
    for (entry, at) in entries {
        dir.put(&at, entry, &())
            .map_err(|_| refused(&at, "lies too deep"))?;
    }
    Ok(Node::Directory(write_tree(store, &dir)?))
}

fn refused(at: &RelPath, why: &'static str) -> IngestError {
    IngestError::Refused {
        path: at.to_string(),
        why,
    }
}

/// Everything below a folder, in sorted order, links not followed.
fn gather(root: &Path, at: &RelPath, found: &mut Vec<(RelPath, FileType)>) -> Result<(), IngestError> {
    let folder = root.join(at.as_str());
    for (name, kind) in folder::list(&folder).map_err(read_error(&folder))? {
        let text = name
            .to_str()
            .ok_or_else(|| refused(at, "holds a name that is not UTF-8"))?;
        let path = at
            .child(text)
            .map_err(|_| refused(at, "holds a name with a control character or `\\`"))?;
        if kind.is_dir() {
            let before = found.len();
            gather(root, &path, found)?;
            if found.len() > before {
                continue;
            }
        }
        found.push((path, kind));
    }
    Ok(())
}

fn take(store: &DiskStore, root: &Path, at: &RelPath, kind: FileType) -> Result<Entry, IngestError> {
    let path = root.join(at.as_str());
    if kind.is_dir() {
        return Ok(Entry::Dir(Dir::default()));
    }
    if kind.is_file() {
        let (digest, meta) = file(store, &path)?;
        return Ok(Entry::file(digest, meta.executable()));
    }
    if !kind.is_symlink() {
        return Err(refused(at, "is a device, socket or pipe"));
    }
    let target = fs::read_link(&path).map_err(read_error(&path))?;
    if !stays_inside(at, &target) {
        return Err(refused(at, "is a link that leaves the output"));
    }
    let target = target
        .to_str()
        .ok_or_else(|| refused(at, "is a link to a name that is not UTF-8"))?;
    Ok(Entry::symlink(target))
}

/// Whether a link at `at` points below the root of its tree, judged by its text alone.
pub fn stays_inside(at: &RelPath, target: &Path) -> bool {
    let mut depth = at.parts().count() as i64 - 1;
    for part in target.components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir => depth -= 1,
            Component::RootDir | Component::Prefix(_) => return false,
        }
        if depth < 0 {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use lambuild_digest::DigestFunction;
    use lambuild_digest::tree::walk;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn setup() -> (tempfile::TempDir, DiskStore, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let store = DiskStore::open(&folder.path().join("s"), DigestFunction::Blake3).unwrap();
        let out = folder.path().join("out");
        fs::create_dir(&out).unwrap();
        (folder, store, out)
    }

    fn root(node: Node) -> Digest {
        match node {
            Node::Directory(digest) => digest,
            other => panic!("{other:?} is no folder"),
        }
    }

    #[test]
    fn times_and_other_mode_bits_do_not_reach_the_tree() {
        let (_folder, store, out) = setup();
        fs::create_dir(out.join("bin")).unwrap();
        fs::write(out.join("bin/run"), "#!").unwrap();
        fs::set_permissions(out.join("bin/run"), fs::Permissions::from_mode(0o4777)).unwrap();
        symlink("bin/run", out.join("run")).unwrap();
        let first = output(&store, &out).unwrap();
        fs::set_permissions(out.join("bin/run"), fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(output(&store, &out).unwrap(), first);
        let found = walk(&root(first), &store).unwrap();
        assert!(matches!(found[0].1, Node::File { executable: true, .. }));
        assert!(matches!(&found[1].1, Node::Symlink { target } if &**target == "bin/run"));
    }

    #[test]
    fn what_no_output_may_hold_is_refused() {
        let (_folder, store, out) = setup();
        for target in ["/etc/passwd", "../x", "a/../../x"] {
            symlink(target, out.join("l")).unwrap();
            let error = output(&store, &out).unwrap_err().to_string();
            assert_eq!(error, "`l` is a link that leaves the output");
            fs::remove_file(out.join("l")).unwrap();
        }
        fs::write(out.join("a\nb"), "").unwrap();
        assert_eq!(
            output(&store, &out).unwrap_err().to_string(),
            "`.` holds a name with a control character or `\\`"
        );
    }

    #[test]
    fn large_files_and_small_ones_have_the_same_digest_rule() {
        let (_folder, store, out) = setup();
        let bytes = vec![7u8; IN_MEMORY as usize + 1];
        fs::write(out.join("large"), &bytes).unwrap();
        let (digest, _) = file(&store, &out.join("large")).unwrap();
        assert_eq!(digest, DigestFunction::Blake3.digest(&bytes));
        assert_eq!(store.read(&digest).unwrap(), bytes);
    }
}
