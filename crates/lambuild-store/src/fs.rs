//! Every way in which the store touches a disk: about 25 operations behind one trait. Decides
//! how a failure is told (the operation and the path); knows no layout and no object.
//!
//! The store works by open folders: a [`Handle`] for its root, and relative paths of a fixed
//! shape below it. The last part of a path is never followed if it is a link. What stands
//! outside, the workspace's sources and the folders that actions work in, does not come this way.
//!
//! [`System`] makes the calls. A test can stand in front of it to record the calls, to let the
//! n-th one fail, or can keep everything in memory: then its handles are [`Handle::numbered`].

use lambuild_action::StoreError;
use std::ffi::OsString;
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

pub mod remove;
mod system;
pub mod watched;

pub use system::System;
pub use watched::Watched;

/// An open file or folder, and the path that it is told by.
///
/// It is closed when it is dropped, and what the system says then is not heard. That costs nothing: closing
/// reports what could not be written back, and a file whose bytes matter was synced before it got its name,
/// which reports the same and earlier. Without syncing ([`crate::Durability::None`]) nothing is promised,
/// and what is read is hashed.
#[derive(Debug)]
pub struct Handle {
    what: What,
    path: PathBuf,
}

#[derive(Debug)]
enum What {
    Open(OwnedFd),
    Numbered(u64),
}

impl Handle {
    /// Of a file that the system has opened.
    pub fn open(file: OwnedFd, path: PathBuf) -> Self {
        Handle {
            what: What::Open(file),
            path,
        }
    }

    /// Of an implementation that keeps its own files, by its own number.
    pub fn numbered(number: u64, path: PathBuf) -> Self {
        Handle {
            what: What::Numbered(number),
            path,
        }
    }

    /// Where it was found; for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The number of a [`Handle::numbered`].
    pub fn number(&self) -> Option<u64> {
        match self.what {
            What::Open(_) => None,
            What::Numbered(number) => Some(number),
        }
    }

    /// The system's file of a [`Handle::open`].
    pub fn file(&self) -> Option<BorrowedFd<'_>> {
        match &self.what {
            What::Open(file) => Some(file.as_fd()),
            What::Numbered(_) => None,
        }
    }
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A link, device, pipe or socket.
    Other,
}

/// What the system says about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// What it is.
    pub kind: Kind,
    /// Bytes of a file.
    pub size: u64,
    /// Bytes that it takes on the disk.
    pub allocated: u64,
    /// Permission bits.
    pub mode: u32,
    /// The owner's number.
    pub owner: u32,
    /// The inode's number.
    pub inode: u64,
    /// How many names it has; 0 after the last one was removed.
    pub links: u64,
    /// Seconds since 1970 of the last change to its bytes.
    pub modified: i64,
    /// Seconds since 1970 of the last change to the inode, its name's creation included.
    pub changed: i64,
}

/// What came of giving a file a name that must be new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// It has the name.
    New,
    /// Something else has it; both are as they were.
    Taken,
}

/// How a lock is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// With others who share it.
    Shared,
    /// With nobody.
    Exclusive,
}

/// How much room a file system has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes that are free for us.
    pub free: u64,
    /// All bytes.
    pub total: u64,
}

/// The operations. Paths are relative to the folder `at`; every error is a
/// [`StoreError::Io`] with the operation and the path.
#[expect(
    clippy::missing_errors_doc,
    reason = "all fail where the system does, and say so once, above"
)]
pub trait Fs: Send + Sync + fmt::Debug {
    /// The folder at an absolute path; it and those above it are made where they are missing,
    /// the last one with the mode 0755, whatever the umask.
    fn root(&self, path: &Path) -> Result<Handle, StoreError>;

    /// A folder, `None` where nothing is.
    fn folder(&self, at: &Handle, path: &Path) -> Result<Option<Handle>, StoreError>;

    /// Makes a folder; `false` where something has the name.
    fn make_folder(&self, at: &Handle, path: &Path) -> Result<bool, StoreError>;

    /// The names in a folder, sorted by bytes.
    fn list(&self, folder: &Handle) -> Result<Vec<(OsString, Kind)>, StoreError>;

    /// A file for reading, `None` where nothing is.
    fn open(&self, at: &Handle, path: &Path) -> Result<Option<Handle>, StoreError>;

    /// A new file for writing that nobody else may open, mode 0600; fails where something has the name.
    fn create(&self, at: &Handle, path: &Path) -> Result<Handle, StoreError>;

    /// A file that stays and is locked or appended to; made where it is missing.
    fn append_to(&self, at: &Handle, path: &Path) -> Result<Handle, StoreError>;

    /// The next bytes of a file; 0 at its end.
    fn read(&self, file: &Handle, buffer: &mut [u8]) -> Result<usize, StoreError>;

    /// Writes all of `bytes` at the end of what was written.
    fn write(&self, file: &Handle, bytes: &[u8]) -> Result<(), StoreError>;

    /// Lets a new file share the blocks of another one; `false` where the file system cannot.
    fn share(&self, file: &Handle, from: BorrowedFd<'_>) -> bool;

    /// Leaves so many bytes out, which read as zeros and take no room.
    fn hole(&self, file: &Handle, bytes: u64) -> Result<(), StoreError>;

    /// Takes room on the disk for so many bytes; says nothing where the file system cannot.
    fn allocate(&self, file: &Handle, bytes: u64) -> Result<(), StoreError>;

    /// Cuts a file to nothing.
    fn empty(&self, file: &Handle) -> Result<(), StoreError>;

    /// Sets an open file's permissions.
    fn set_mode(&self, file: &Handle, mode: u32) -> Result<(), StoreError>;

    /// Sets the permissions of a name that is no link.
    fn set_mode_at(&self, at: &Handle, path: &Path, mode: u32) -> Result<(), StoreError>;

    /// Waits until a file's bytes are on the disk. Is called once for each file: after an
    /// error the file is given up, since the system reports it once and may call it clean then.
    fn sync_data(&self, file: &Handle) -> Result<(), StoreError>;

    /// Waits until a folder's names are on the disk.
    fn sync_folder(&self, folder: &Handle) -> Result<(), StoreError>;

    /// Waits until all that was written to the file system of `folder` is on the disk. Tells
    /// every error since `folder` was opened.
    fn sync_all(&self, folder: &Handle) -> Result<(), StoreError>;

    /// Gives a file a new name where nothing has that name; never replaces.
    fn rename_new(&self, at: &Handle, from: &Path, to: &Path) -> Result<Named, StoreError>;

    /// Gives a file a new name and takes it from what has it.
    fn rename(&self, at: &Handle, from: &Path, to: &Path) -> Result<(), StoreError>;

    /// Removes a name that is no folder; `false` where nothing is.
    fn unlink(&self, at: &Handle, path: &Path) -> Result<bool, StoreError>;

    /// Removes an empty folder; `false` where nothing is.
    fn remove_folder(&self, at: &Handle, path: &Path) -> Result<bool, StoreError>;

    /// What a name stands for; `None` for nothing.
    fn stat(&self, at: &Handle, path: &Path) -> Result<Option<Stat>, StoreError>;

    /// What an open file is.
    fn stat_open(&self, file: &Handle) -> Result<Stat, StoreError>;

    /// Sets a file's time of modification to now.
    fn touch(&self, at: &Handle, path: &Path) -> Result<(), StoreError>;

    /// Waits for a lock on an open file. It ends with the handle, or the process.
    fn lock(&self, file: &Handle, lock: Lock) -> Result<(), StoreError>;

    /// Takes a lock if it is free.
    fn try_lock(&self, file: &Handle, lock: Lock) -> Result<bool, StoreError>;

    /// How much room the file system has.
    fn room(&self, folder: &Handle) -> Result<Room, StoreError>;

    /// A name for this start of the machine: another one after a power cut.
    fn boot(&self) -> String;

    /// A name that no other process gets.
    fn unique(&self) -> String;
}

/// All of a file from where it stands.
///
/// # Errors
/// As [`Fs::read`].
pub fn read_all(fs: &dyn Fs, file: &Handle, expected: u64) -> Result<Vec<u8>, StoreError> {
    // One byte more, so that the end is seen without growing.
    let mut bytes = vec![0; usize::try_from(expected).unwrap_or(0).saturating_add(1)];
    let mut filled = 0;
    loop {
        if filled == bytes.len() {
            bytes.resize(filled.saturating_mul(2), 0);
        }
        match fs.read(file, &mut bytes[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// A small file's bytes; `None` where nothing is.
///
/// # Errors
/// As [`Fs::open`] and [`Fs::read`].
pub fn read_file(fs: &dyn Fs, at: &Handle, path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(file) = fs.open(at, path)? else {
        return Ok(None);
    };
    let size = fs.stat_open(&file)?.size;
    read_all(fs, &file, size).map(Some)
}
