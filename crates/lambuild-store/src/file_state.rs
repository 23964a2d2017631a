//! The state of a file: as long as it is the same, so are the bytes. Decides what
//! belongs to it; knows nothing of how long it may be trusted.

use crate::beneath::Kind;
use rustix::fs::Stat;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;

/// Which file it is, and when and how it was last changed. Times are nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileState {
    /// The device that its file system is on.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
    /// Its length in bytes.
    pub size: u64,
    /// When its bytes were last changed. Anybody may set it to anything.
    pub modified: i64,
    /// When anything about it last changed. Only the kernel sets it.
    pub changed: i64,
    /// Kind and permissions.
    pub mode: u32,
}

impl FileState {
    /// The state in what the standard library tells.
    pub fn of(meta: &Metadata) -> Self {
        FileState {
            device: meta.dev(),
            inode: meta.ino(),
            size: meta.len(),
            modified: nanos(meta.mtime(), meta.mtime_nsec()),
            changed: nanos(meta.ctime(), meta.ctime_nsec()),
            mode: meta.mode(),
        }
    }

    /// The state in what the kernel tells.
    pub fn of_stat(stat: &Stat) -> Self {
        FileState {
            device: stat.st_dev,
            inode: stat.st_ino,
            size: u64::try_from(stat.st_size).unwrap_or_default(),
            modified: nanos(stat.st_mtime, stat.st_mtime_nsec as i64),
            changed: nanos(stat.st_ctime, stat.st_ctime_nsec as i64),
            mode: stat.st_mode,
        }
    }

    /// The state of an open file.
    ///
    /// # Errors
    /// The system's.
    pub fn of_file(file: &File) -> io::Result<Self> {
        Ok(FileState::of_stat(&rustix::fs::fstat(file)?))
    }

    /// What kind of thing it is.
    pub fn kind(&self) -> Kind {
        Kind::of_mode(self.mode)
    }

    /// Whether it counts as executable: the owner's bit, as Git has it.
    pub fn executable(&self) -> bool {
        self.mode & 0o100 != 0
    }
}

fn nanos(seconds: i64, nanos: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}
