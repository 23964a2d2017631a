//! From files on disk to content in the store. Decides what of a file counts
//! (bytes, execute bit, a link's target) and that it did not change meanwhile.
//! Does not know which files anyone wants.

use crate::beneath::Kind;
use crate::disk::{DiskStore, open};
use crate::file_state::FileState;
use crate::read_and_hash::read_and_hash;
use lambuild_action::{BlobStore, StoreError};
use lambuild_digest::{Digest, RelPath};
use std::fs::File;
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
    use std::fs;

    fn setup() -> (tempfile::TempDir, DiskStore, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let store = DiskStore::open(&folder.path().join("s"), DigestFunction::Blake3).unwrap();
        let out = folder.path().join("out");
        fs::create_dir(&out).unwrap();
        (folder, store, out)
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
