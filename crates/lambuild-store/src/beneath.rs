//! Opens what lies below one folder, and never anything else: no link on the way is
//! followed, so a folder that is swapped for a link while somebody walks leads
//! nowhere. Decides nothing about what is found.

use crate::file_state::FileState;
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, ResolveFlags};
use rustix::io::Errno;
use std::ffi::{CStr, OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Reading does not wait for a writer of a pipe, and a terminal does not become ours.
const READ: OFlags = OFlags::RDONLY
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);
/// A hundred to a thousand names for one system call.
const LISTING: usize = 1 << 15;

/// What a name stands for, links not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A device, socket or pipe.
    Other,
}

impl Kind {
    /// The kind in a mode.
    pub fn of_mode(mode: u32) -> Self {
        Kind::of(FileType::from_raw_mode(mode))
    }

    fn of(kind: FileType) -> Self {
        match kind {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Folder,
            FileType::Symlink => Kind::Link,
            _ => Kind::Other,
        }
    }
}

/// A folder, held open, and what lies below it. Paths are relative to it, without `.` and `..`;
/// the empty path is the folder itself.
#[derive(Debug)]
pub struct Beneath {
    root: OwnedFd,
    path: PathBuf,
    /// Whether the kernel checks a whole path in one call (Linux 5.6, not every container).
    in_one_call: AtomicBool,
}

impl Beneath {
    /// Holds the folder at `path`.
    ///
    /// # Errors
    /// When it is no folder that can be read.
    pub fn open(path: &Path) -> io::Result<Self> {
        let root = rustix::fs::openat(CWD, path, READ | OFlags::DIRECTORY, Mode::empty())?;
        Ok(Beneath {
            root,
            path: path.to_owned(),
            in_one_call: AtomicBool::new(true),
        })
    }

    /// Where the folder was when it was opened: for words to people.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The state of what stands at a path; a link's own. Folders on the way may be links by
    /// the time of this call: what is told here must be checked again on what is opened.
    ///
    /// # Errors
    /// The system's.
    pub fn state(&self, path: &str) -> io::Result<FileState> {
        let found = if path.is_empty() {
            rustix::fs::fstat(&self.root)
        } else {
            rustix::fs::statat(&self.root, path, AtFlags::SYMLINK_NOFOLLOW)
        };
        Ok(FileState::of_stat(&found?))
    }

    /// Opens what stands at a path for reading, without waiting. The caller looks at what it got.
    ///
    /// # Errors
    /// The system's; `ELOOP` where the path, or something on the way, is a link.
    pub fn read(&self, path: &str) -> io::Result<File> {
        Ok(File::from(self.get(path, READ)?))
    }

    /// The names in a folder with their kinds, sorted by bytes.
    ///
    /// # Errors
    /// The system's.
    pub fn list(&self, path: &str) -> io::Result<Vec<(OsString, Kind)>> {
        let folder = self.get(path, READ | OFlags::DIRECTORY)?;
        names(&folder)
    }

    /// Where a link points.
    ///
    /// # Errors
    /// The system's; `EINVAL` where it is no link.
    pub fn target(&self, path: &str) -> io::Result<OsString> {
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let folder = self.get(above, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC)?;
        let target = rustix::fs::readlinkat(&folder, name, Vec::new())?;
        Ok(OsStr::from_bytes(target.as_bytes()).to_owned())
    }

    /// Gives its owner rights on what stands at a path, which is no link.
    ///
    /// # Errors
    /// The system's.
    pub fn give_rights(&self, path: &str, mode: u32) -> io::Result<()> {
        // The kernel changes nothing through such a descriptor, but through its name in /proc;
        // a path alone could lead through a link by the time of the call.
        let held = self.get(path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC)?;
        let name = format!("/proc/self/fd/{}", held.as_raw_fd());
        Ok(rustix::fs::chmod(name, Mode::from_raw_mode(mode))?)
    }

    /// The number of the folder's file system, as `statfs(2)` has it.
    ///
    /// # Errors
    /// The system's.
    pub fn file_system(&self) -> io::Result<u64> {
        Ok(rustix::fs::fstatfs(&self.root)?.f_type as u64)
    }

    fn get(&self, path: &str, flags: OFlags) -> io::Result<OwnedFd> {
        let path = if path.is_empty() { "." } else { path };
        if self.in_one_call.load(Ordering::Relaxed) {
            let rules = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
            match rustix::fs::openat2(&self.root, path, flags, Mode::empty(), rules) {
                // Old kernels do not know the call, some containers' filters forbid it.
                Err(Errno::NOSYS | Errno::PERM) => self.in_one_call.store(false, Ordering::Relaxed),
                // A rename somewhere else at the same moment: the kernel asks to try again.
                Err(Errno::AGAIN) => return self.step_by_step(path, flags),
                other => return Ok(other?),
            }
        }
        self.step_by_step(path, flags)
    }

    fn step_by_step(&self, path: &str, flags: OFlags) -> io::Result<OwnedFd> {
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let step = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut here: Option<OwnedFd> = None;
        for part in above.split('/').filter(|part| !part.is_empty()) {
            here = Some(self.at(here.as_ref(), part, step)?);
        }
        self.at(here.as_ref(), name, flags | OFlags::NOFOLLOW)
    }

    fn at(&self, folder: Option<&OwnedFd>, name: &str, flags: OFlags) -> io::Result<OwnedFd> {
        let opened = rustix::fs::openat(folder.unwrap_or(&self.root), name, flags, Mode::empty());
        // A link asked for as a folder is told as "not a directory"; here it is the link that matters.
        opened.map_err(|error| match error {
            Errno::NOTDIR if self.is_link(folder, name) => Errno::LOOP.into(),
            other => other.into(),
        })
    }

    fn is_link(&self, folder: Option<&OwnedFd>, name: &str) -> bool {
        rustix::fs::statat(folder.unwrap_or(&self.root), name, AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|found| Kind::of_mode(found.st_mode) == Kind::Link)
    }
}

/// The names in an open folder with their kinds, sorted by bytes.
fn names(folder: &OwnedFd) -> io::Result<Vec<(OsString, Kind)>> {
    let mut buffer = Vec::with_capacity(LISTING);
    let mut entries = RawDir::new(folder, buffer.spare_capacity_mut());
    let mut found = Vec::new();
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let kind = match entry.file_type() {
            // Some file systems do not say it in the listing.
            FileType::Unknown => kind_of(folder, name)?,
            known => Kind::of(known),
        };
        found.push((OsStr::from_bytes(name.to_bytes()).to_owned(), kind));
    }
    found.sort_unstable();
    Ok(found)
}

fn kind_of(folder: &OwnedFd, name: &CStr) -> io::Result<Kind> {
    let found = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(Kind::of_mode(found.st_mode))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Read;
    use std::os::unix::fs::symlink;

    fn setup() -> (tempfile::TempDir, Beneath) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("w/a/b")).unwrap();
        fs::write(folder.path().join("w/a/b/f"), "inside").unwrap();
        fs::write(folder.path().join("secret"), "outside").unwrap();
        symlink("../..", folder.path().join("w/a/up")).unwrap();
        symlink("b", folder.path().join("w/a/same")).unwrap();
        let beneath = Beneath::open(&folder.path().join("w")).unwrap();
        (folder, beneath)
    }

    /// The kernel's check and ours have to agree.
    fn both(check: impl Fn(&Beneath)) {
        let (_folder, beneath) = setup();
        check(&beneath);
        beneath.in_one_call.store(false, Ordering::Relaxed);
        check(&beneath);
    }

    #[test]
    fn files_and_folders_are_found() {
        both(|beneath| {
            let mut text = String::new();
            beneath.read("a/b/f").unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, "inside");
            let names = beneath.list("a").unwrap();
            let names: Vec<_> = names.iter().map(|(n, k)| (n.to_str().unwrap(), *k)).collect();
            assert_eq!(
                names,
                [("b", Kind::Folder), ("same", Kind::Link), ("up", Kind::Link)]
            );
            assert_eq!(beneath.list("").unwrap().len(), 1);
            assert_eq!(beneath.target("a/up").unwrap(), "../..");
        });
    }

    #[test]
    fn no_link_is_followed_wherever_it_stands() {
        let looped = |result: io::Result<()>| {
            let number = result.unwrap_err().raw_os_error();
            assert_eq!(number, Some(Errno::LOOP.raw_os_error()));
        };
        both(|beneath| {
            looped(beneath.read("a/up/secret").map(drop));
            looped(beneath.read("a/same/f").map(drop));
            looped(beneath.read("a/same").map(drop));
            looped(beneath.list("a/up").map(drop));
            looped(beneath.list("a/same").map(drop));
            looped(beneath.target("a/up/w").map(drop));
        });
    }
}
