//! The traits behind which bytes live: blobs, results, and the workspace's sources.
//!
//! All calls block; whoever waits for a network inside does so on its own. That
//! keeps selectors plain functions, and the price, a thread for each running
//! action, is small beside the process it waits for.

use crate::cache_key::ActionKey;
use crate::message::ActionResult;
use crate::planned::HostFile;
use lambuild_digest::{Digest, DigestFunction, Dir, Directories, Entry, RelPath};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The object is not there: rebuild or refetch it.
    #[error("object {0} is not in the store")]
    NotFound(Digest),
    /// The object's bytes were not those of its name; it has been set aside.
    #[error("object {0} of the store was damaged; it has been set aside: run the build again")]
    Damaged(Digest),
    /// The file system refused.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// The operation, as a verb.
        doing: &'static str,
        /// Its object.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The disk, or the user's share of it, is full.
    #[error("{}", full(folder, *needed, *free))]
    Full {
        /// The store's folder.
        folder: PathBuf,
        /// About how many bytes were to be written.
        needed: u64,
        /// Bytes that the file system says are free; where that is enough, it has no room for another name.
        free: u64,
    },
    /// What is there is not what this version understands.
    #[error("{0}")]
    Format(String),
}

impl StoreError {
    /// For `map_err`: which operation on which path failed.
    pub fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
        let path = path.to_owned();
        move |source| StoreError::Io { doing, path, source }
    }
}

fn full(folder: &Path, needed: u64, free: u64) -> String {
    let folder = folder.display();
    let what = if needed <= free {
        format!(
            "the disk takes no more files, or your share of it is used up ({} free)",
            said(free)
        )
    } else {
        format!("needs about {}, free {}", said(needed), said(free))
    };
    format!("no space left in {folder}: {what}; run `lambuild store gc`, or name another folder with --store")
}

/// Bytes as people say them, in powers of 1000.
fn said(bytes: u64) -> String {
    let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match units.into_iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => format!("{bytes} B"),
    }
}

/// Content by digest. What is read is what was named, or an error.
pub trait BlobStore: Send + Sync {
    /// The function of every digest in here.
    fn function(&self) -> DigestFunction;

    /// Whether the object is there, by its name and size; its bytes are not read.
    fn contains(&self, digest: &Digest) -> bool;

    /// The object's bytes, checked.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Damaged`], or the system's.
    fn read(&self, digest: &Digest) -> Result<Vec<u8>, StoreError>;

    /// Keeps an object.
    ///
    /// # Errors
    /// When it could not be written.
    fn write(&self, bytes: &[u8]) -> Result<Digest, StoreError>;
}

/// Keeps a tree's messages; answers the root's digest.
///
/// # Errors
/// When one could not be written.
pub fn write_tree(store: &dyn BlobStore, tree: &Dir) -> Result<Digest, StoreError> {
    let mut messages = Vec::new();
    let digest = tree.encode(store.function(), &mut |_, bytes| messages.push(bytes));
    for message in messages {
        store.write(&message)?;
    }
    Ok(digest)
}

/// Results by key. A result is given out only while all that it names is there.
pub trait ActionCache: Send + Sync {
    /// The result of an action; `None` when it has to be run.
    ///
    /// # Errors
    /// Only what makes going on useless; an unreadable record counts as none.
    fn result(&self, key: &ActionKey) -> Result<Option<ActionResult>, StoreError>;

    /// Keeps the result of an action that succeeded.
    ///
    /// # Errors
    /// When it could not be written.
    fn record(&self, key: &ActionKey, result: &ActionResult) -> Result<(), StoreError>;
}

/// Whether it is this process's turn to run an action.
pub enum Turn {
    /// It is, until this is dropped.
    Mine(Box<dyn Send + Sync>),
    /// Somebody else runs it; the text says who, as far as that is known.
    Taken {
        /// Such as `process 4711 (lambuild)`.
        by: String,
    },
}

/// Lets one process at a time run an action, so that all that share a store do its work once.
pub trait Turns: Send + Sync {
    /// Takes the turn of a key if it is free; does not wait. Whoever gets it looks the result up
    /// once more: the one before may have recorded it.
    ///
    /// # Errors
    /// When it cannot be told.
    fn turn(&self, key: &ActionKey) -> Result<Turn, StoreError>;
}

/// Where nobody else is, it is always one's turn.
impl Turns for () {
    fn turn(&self, _: &ActionKey) -> Result<Turn, StoreError> {
        Ok(Turn::Mine(Box::new(())))
    }
}

/// What a name in the workspace stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
}

/// The names in a folder, sorted by bytes.
pub type Names = Arc<[(Arc<str>, SourceKind)]>;

/// Why a source cannot be taken.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SourceError {
    /// Nothing is there.
    #[error("`{0}` does not exist")]
    NotFound(RelPath),
    /// It is there and cannot be an input; the text says why.
    #[error("`{path}` cannot be used: {why}")]
    Unusable {
        /// What.
        path: RelPath,
        /// In the user's words.
        why: String,
    },
    /// The store does not take or give its bytes: this machine's fault, not the source's.
    #[error("{0}")]
    Store(String),
}

/// The workspace's files as they are during this run: regular files and links,
/// without what is never an input (`.git`, `.lambuild`, `dist`, ignored files).
pub trait Sources: Send + Sync {
    /// The names in a folder, sorted by bytes.
    ///
    /// # Errors
    /// When it is no folder or cannot be read.
    fn list(&self, folder: &RelPath) -> Result<Names, SourceError>;

    /// What stands at a path; `None` for nothing.
    fn kind(&self, path: &RelPath) -> Option<SourceKind>;

    /// Digest and execute bit of a file; links are followed inside the workspace.
    ///
    /// # Errors
    /// When there is no such file, or it changes while it is read.
    fn file(&self, path: &RelPath) -> Result<(Digest, bool), SourceError>;

    /// A file's bytes.
    ///
    /// # Errors
    /// As [`Sources::file`].
    fn read(&self, path: &RelPath) -> Result<Arc<[u8]>, SourceError>;

    /// A file, or a folder with all below it, as content.
    ///
    /// # Errors
    /// As [`Sources::file`]; links that leave the workspace, names that cannot be.
    fn content(&self, path: &RelPath) -> Result<Entry, SourceError>;

    /// Puts a file that was handed out by digest into the store, where a stat cache
    /// knew the digest and the store has lost the bytes. `false` when no source has it.
    ///
    /// # Errors
    /// When the file has changed since.
    fn provide(&self, digest: &Digest) -> Result<bool, SourceError>;
}

/// Takes folders of this machine by content.
pub trait HostFolders: Send + Sync {
    /// The content of those files below `folder` for which `keep` is true.
    ///
    /// # Errors
    /// In the user's words.
    fn take(&self, folder: &Path, keep: fn(&RelPath) -> bool) -> Result<Digest, String>;

    /// The tree of these files, each at its place.
    ///
    /// # Errors
    /// In the user's words.
    fn take_files(&self, files: &[HostFile]) -> Result<Digest, String>;
}

/// A store that has all three faces.
pub trait Store: BlobStore + ActionCache + Directories {}

impl<T: BlobStore + ActionCache + Directories> Store for T {}
