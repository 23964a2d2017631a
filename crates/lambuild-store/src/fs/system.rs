//! The operations as calls of Linux. Decides which call and which flags; knows nothing of the store.

use super::{Fs, Handle, Kind, Lock, Named, Room, Stat};
use lambuild_action::StoreError;
use rustix::fs::{
    AtFlags, CWD, Dir, FallocateFlags, FileType, FlockOperation, Mode, OFlags, RenameFlags, SeekFrom,
    Timespec, Timestamps, UTIME_NOW, UTIME_OMIT,
};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// This machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

const COMMON: OFlags = OFlags::CLOEXEC.union(OFlags::NOFOLLOW);
const FOLDER: OFlags = COMMON.union(OFlags::DIRECTORY);

/// The error of `doing` on a path below a folder.
fn failed(doing: &'static str, at: &Handle, path: &Path) -> impl FnOnce(Errno) -> StoreError {
    let full = at.path().join(path);
    move |errno| StoreError::io(doing, &full)(errno.into())
}

/// The error of `doing` on an open file.
fn failed_on(doing: &'static str, file: &Handle) -> impl FnOnce(Errno) -> StoreError {
    failed(doing, file, Path::new(""))
}

fn fd<'a>(doing: &'static str, handle: &'a Handle) -> Result<BorrowedFd<'a>, StoreError> {
    handle.file().ok_or_else(|| failed_on(doing, handle)(Errno::BADF))
}

/// `None` instead of the error that nothing is there.
fn maybe<T>(result: rustix::io::Result<T>) -> rustix::io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Repeats a call that a signal interrupted; once, where a network file system no longer knew what
/// it had looked up before: the second look is a new one.
fn retry<T>(mut call: impl FnMut() -> rustix::io::Result<T>) -> rustix::io::Result<T> {
    let mut stale = false;
    loop {
        match call() {
            Err(Errno::INTR) => {}
            Err(Errno::STALE) if !stale => stale = true,
            other => return other,
        }
    }
}

fn kind(kind: FileType) -> Kind {
    match kind {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Folder,
        _ => Kind::Other,
    }
}

fn stat(stat: &rustix::fs::Stat) -> Stat {
    Stat {
        kind: kind(FileType::from_raw_mode(stat.st_mode)),
        size: stat.st_size.try_into().unwrap_or(0),
        allocated: u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512),
        mode: stat.st_mode & 0o7777,
        owner: stat.st_uid,
        inode: stat.st_ino,
        links: u64::from(stat.st_nlink as u32),
        modified: stat.st_mtime,
        changed: stat.st_ctime,
    }
}

impl System {
    fn open_with(
        self,
        doing: &'static str,
        at: &Handle,
        path: &Path,
        flags: OFlags,
        mode: u32,
    ) -> Result<Option<Handle>, StoreError> {
        let folder = fd(doing, at)?;
        let opened = retry(|| rustix::fs::openat(folder, path, flags, Mode::from_raw_mode(mode)));
        let opened = if flags.contains(OFlags::CREATE) {
            opened.map(Some)
        } else {
            maybe(opened)
        };
        let opened = opened.map_err(failed(doing, at, path))?;
        Ok(opened.map(|file| Handle::open(file, at.path().join(path))))
    }

    fn made(
        doing: &'static str,
        at: &Handle,
        path: &Path,
        opened: Option<Handle>,
    ) -> Result<Handle, StoreError> {
        opened.ok_or_else(|| failed(doing, at, path)(Errno::NOENT))
    }
}

impl Fs for System {
    fn root(&self, path: &Path) -> Result<Handle, StoreError> {
        let failed = |errno: Errno| StoreError::io("open the folder", path)(errno.into());
        let open =
            || retry(|| rustix::fs::openat(CWD, path, OFlags::CLOEXEC | OFlags::DIRECTORY, Mode::empty()));
        let opened = match open() {
            Err(Errno::NOENT) => {
                make_root(path)?;
                open()
            }
            other => other,
        };
        Ok(Handle::open(opened.map_err(failed)?, path.to_owned()))
    }

    fn folder(&self, at: &Handle, path: &Path) -> Result<Option<Handle>, StoreError> {
        self.open_with("open the folder", at, path, FOLDER, 0)
    }

    fn make_folder(&self, at: &Handle, path: &Path) -> Result<bool, StoreError> {
        let folder = fd("create", at)?;
        match retry(|| rustix::fs::mkdirat(folder, path, Mode::from_raw_mode(0o755))) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => Ok(false),
            Err(error) => Err(failed("create", at, path)(error)),
        }
    }

    fn list(&self, folder: &Handle) -> Result<Vec<(OsString, Kind)>, StoreError> {
        let doing = "list";
        let mut names = Vec::new();
        for entry in Dir::read_from(fd(doing, folder)?).map_err(failed_on(doing, folder))? {
            let entry = entry.map_err(failed_on(doing, folder))?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "." || name == ".." {
                continue;
            }
            let found = match entry.file_type() {
                // Some file systems do not say it in the listing.
                FileType::Unknown => self
                    .stat(folder, Path::new(name))?
                    .map_or(Kind::Other, |stat| stat.kind),
                told => kind(told),
            };
            names.push((name.to_owned(), found));
        }
        names.sort();
        Ok(names)
    }

    fn open(&self, at: &Handle, path: &Path) -> Result<Option<Handle>, StoreError> {
        // A pipe in the place of an object must not make us wait for its writer.
        self.open_with("read", at, path, COMMON | OFlags::RDONLY | OFlags::NONBLOCK, 0)
    }

    fn create(&self, at: &Handle, path: &Path) -> Result<Handle, StoreError> {
        let flags = COMMON | OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
        let opened = self.open_with("create", at, path, flags, 0o600)?;
        Self::made("create", at, path, opened)
    }

    fn append_to(&self, at: &Handle, path: &Path) -> Result<Handle, StoreError> {
        let flags = COMMON | OFlags::RDWR | OFlags::CREATE | OFlags::APPEND;
        let opened = self.open_with("open", at, path, flags, 0o600)?;
        Self::made("open", at, path, opened)
    }

    fn read(&self, file: &Handle, buffer: &mut [u8]) -> Result<usize, StoreError> {
        let open = fd("read", file)?;
        retry(|| rustix::io::read(open, &mut *buffer)).map_err(failed_on("read", file))
    }

    fn write(&self, file: &Handle, bytes: &[u8]) -> Result<(), StoreError> {
        let open = fd("write", file)?;
        let mut rest = bytes;
        while !rest.is_empty() {
            match retry(|| rustix::io::write(open, rest)).map_err(failed_on("write", file))? {
                0 => return Err(failed_on("write", file)(Errno::IO)),
                written => rest = rest.get(written..).unwrap_or_default(),
            }
        }
        Ok(())
    }

    fn share(&self, file: &Handle, from: BorrowedFd<'_>) -> bool {
        file.file()
            .is_some_and(|open| rustix::fs::ioctl_ficlone(open, from).is_ok())
    }

    fn hole(&self, file: &Handle, bytes: u64) -> Result<(), StoreError> {
        let open = fd("write", file)?;
        let step = SeekFrom::Current(bytes.try_into().unwrap_or(i64::MAX));
        let end = retry(|| rustix::fs::seek(open, step)).map_err(failed_on("write", file))?;
        retry(|| rustix::fs::ftruncate(open, end)).map_err(failed_on("write", file))
    }

    fn allocate(&self, file: &Handle, bytes: u64) -> Result<(), StoreError> {
        if bytes == 0 {
            return Ok(());
        }
        let open = fd("take room in", file)?;
        match retry(|| rustix::fs::fallocate(open, FallocateFlags::KEEP_SIZE, 0, bytes)) {
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
            Err(error) => Err(failed_on("take room in", file)(error)),
        }
    }

    fn empty(&self, file: &Handle) -> Result<(), StoreError> {
        let open = fd("empty", file)?;
        retry(|| rustix::fs::ftruncate(open, 0)).map_err(failed_on("empty", file))
    }

    fn set_mode(&self, file: &Handle, mode: u32) -> Result<(), StoreError> {
        let open = fd("seal", file)?;
        retry(|| rustix::fs::fchmod(open, Mode::from_raw_mode(mode))).map_err(failed_on("seal", file))
    }

    fn set_mode_at(&self, at: &Handle, path: &Path, mode: u32) -> Result<(), StoreError> {
        let folder = fd("set the mode of", at)?;
        retry(|| rustix::fs::chmodat(folder, path, Mode::from_raw_mode(mode), AtFlags::empty()))
            .map_err(failed("set the mode of", at, path))
    }

    fn sync_data(&self, file: &Handle) -> Result<(), StoreError> {
        let open = fd("sync", file)?;
        rustix::fs::fdatasync(open).map_err(failed_on("sync", file))
    }

    fn sync_folder(&self, folder: &Handle) -> Result<(), StoreError> {
        let open = fd("sync the folder", folder)?;
        rustix::fs::fsync(open).map_err(failed_on("sync the folder", folder))
    }

    fn sync_all(&self, folder: &Handle) -> Result<(), StoreError> {
        let open = fd("sync the file system of", folder)?;
        rustix::fs::syncfs(open).map_err(failed_on("sync the file system of", folder))
    }

    fn rename_new(&self, at: &Handle, from: &Path, to: &Path) -> Result<Named, StoreError> {
        let folder = fd("name", at)?;
        match retry(|| rustix::fs::renameat_with(folder, from, folder, to, RenameFlags::NOREPLACE)) {
            Ok(()) => Ok(Named::New),
            Err(Errno::EXIST) => Ok(Named::Taken),
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => link_new(folder, at, from, to),
            Err(error) => Err(failed("name", at, to)(error)),
        }
    }

    fn rename(&self, at: &Handle, from: &Path, to: &Path) -> Result<(), StoreError> {
        let folder = fd("name", at)?;
        retry(|| rustix::fs::renameat(folder, from, folder, to)).map_err(failed("name", at, to))
    }

    fn unlink(&self, at: &Handle, path: &Path) -> Result<bool, StoreError> {
        let folder = fd("remove", at)?;
        let removed = maybe(retry(|| rustix::fs::unlinkat(folder, path, AtFlags::empty())));
        removed
            .map(|removed| removed.is_some())
            .map_err(failed("remove", at, path))
    }

    fn remove_folder(&self, at: &Handle, path: &Path) -> Result<bool, StoreError> {
        let folder = fd("remove", at)?;
        let removed = maybe(retry(|| rustix::fs::unlinkat(folder, path, AtFlags::REMOVEDIR)));
        removed
            .map(|removed| removed.is_some())
            .map_err(failed("remove", at, path))
    }

    fn stat(&self, at: &Handle, path: &Path) -> Result<Option<Stat>, StoreError> {
        let folder = fd("look at", at)?;
        let found = maybe(retry(|| {
            rustix::fs::statat(folder, path, AtFlags::SYMLINK_NOFOLLOW)
        }));
        let found = found.map_err(failed("look at", at, path))?;
        Ok(found.as_ref().map(stat))
    }

    fn stat_open(&self, file: &Handle) -> Result<Stat, StoreError> {
        let open = fd("look at", file)?;
        let found = retry(|| rustix::fs::fstat(open)).map_err(failed_on("look at", file))?;
        Ok(stat(&found))
    }

    fn touch(&self, at: &Handle, path: &Path) -> Result<(), StoreError> {
        let folder = fd("set the time of", at)?;
        let times = Timestamps {
            last_access: Timespec {
                tv_sec: 0,
                tv_nsec: UTIME_OMIT,
            },
            last_modification: Timespec {
                tv_sec: 0,
                tv_nsec: UTIME_NOW,
            },
        };
        retry(|| rustix::fs::utimensat(folder, path, &times, AtFlags::SYMLINK_NOFOLLOW)).map_err(failed(
            "set the time of",
            at,
            path,
        ))
    }

    fn lock(&self, file: &Handle, lock: Lock) -> Result<(), StoreError> {
        let operation = match lock {
            Lock::Shared => FlockOperation::LockShared,
            Lock::Exclusive => FlockOperation::LockExclusive,
        };
        let open = fd("lock", file)?;
        retry(|| rustix::fs::flock(open, operation)).map_err(failed_on("lock", file))
    }

    fn try_lock(&self, file: &Handle, lock: Lock) -> Result<bool, StoreError> {
        let operation = match lock {
            Lock::Shared => FlockOperation::NonBlockingLockShared,
            Lock::Exclusive => FlockOperation::NonBlockingLockExclusive,
        };
        let open = fd("lock", file)?;
        match retry(|| rustix::fs::flock(open, operation)) {
            Ok(()) => Ok(true),
            Err(Errno::WOULDBLOCK) => Ok(false),
            Err(error) => Err(failed_on("lock", file)(error)),
        }
    }

    fn room(&self, folder: &Handle) -> Result<Room, StoreError> {
        let open = fd("look at", folder)?;
        let found = retry(|| rustix::fs::fstatvfs(open)).map_err(failed_on("look at", folder))?;
        Ok(Room {
            free: found.f_bavail.saturating_mul(found.f_frsize),
            total: found.f_blocks.saturating_mul(found.f_frsize),
        })
    }

    fn boot(&self) -> String {
        // Where the system does not tell, every session counts as after a restart: that is slow and right.
        kernel_word("/proc/sys/kernel/random/boot_id").unwrap_or_else(|| self.unique())
    }

    fn unique(&self) -> String {
        let process = std::process::id();
        match kernel_word("/proc/sys/kernel/random/uuid") {
            Some(word) => format!("{process}-{}", word.get(..8).unwrap_or(&word)),
            None => format!("{process}-{:p}", Box::new(0u8)),
        }
    }
}

fn kernel_word(path: &str) -> Option<String> {
    let word = std::fs::read_to_string(path).ok()?;
    let word = word.trim();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (!word.is_empty() && word.bytes().all(is_plain)).then(|| word.to_owned())
}

/// For file systems that know no rename that keeps what is there: a second name, then
/// the first one goes. A crash between leaves a file in the staging area.
fn link_new(folder: BorrowedFd<'_>, at: &Handle, from: &Path, to: &Path) -> Result<Named, StoreError> {
    match retry(|| rustix::fs::linkat(folder, from, folder, to, AtFlags::empty())) {
        Ok(()) => {}
        Err(Errno::EXIST) => return Ok(Named::Taken),
        // A folder has no second name. None of ours is renamed to a name that another process uses.
        Err(Errno::PERM) => return rename_folder(folder, at, from, to),
        Err(error) => return Err(failed("name", at, to)(error)),
    }
    retry(|| rustix::fs::unlinkat(folder, from, AtFlags::empty())).map_err(failed("remove", at, from))?;
    Ok(Named::New)
}

fn rename_folder(folder: BorrowedFd<'_>, at: &Handle, from: &Path, to: &Path) -> Result<Named, StoreError> {
    let there = maybe(retry(|| {
        rustix::fs::statat(folder, to, AtFlags::SYMLINK_NOFOLLOW)
    }));
    if there.map_err(failed("look at", at, to))?.is_some() {
        return Ok(Named::Taken);
    }
    retry(|| rustix::fs::renameat(folder, from, folder, to)).map_err(failed("name", at, to))?;
    Ok(Named::New)
}

/// The folders above are made as the user's umask says; the store's own is closed to writing by others.
fn make_root(path: &Path) -> Result<(), StoreError> {
    if let Some(above) = path.parent() {
        std::fs::create_dir_all(above).map_err(StoreError::io("create", above))?;
    }
    match rustix::fs::mkdirat(CWD, path, Mode::from_raw_mode(0o755)) {
        Ok(()) => {}
        Err(Errno::EXIST) => return Ok(()),
        Err(error) => return Err(StoreError::io("create", path)(error.into())),
    }
    rustix::fs::chmodat(CWD, path, Mode::from_raw_mode(0o755), AtFlags::empty())
        .map_err(|error| StoreError::io("create", path)(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_call_is_repeated_and_a_stale_one_once() {
        let calls = |errors: &[Errno]| {
            let mut left = errors.to_vec();
            left.reverse();
            retry(|| left.pop().map_or(Ok(()), Err))
        };
        assert_eq!(
            calls(&[Errno::INTR, Errno::INTR, Errno::STALE, Errno::INTR]),
            Ok(())
        );
        assert_eq!(
            calls(&[Errno::STALE, Errno::INTR, Errno::STALE]),
            Err(Errno::STALE)
        );
        assert_eq!(calls(&[Errno::IO]), Err(Errno::IO));
    }
}
