//! The store's way to a [`Disk`]: makes each change at once, as a running system does, and
//! remembers it for [`super::crash`]. One process, one start of the machine.

use super::disk::{Disk, Inode, Op, ROOT};
use lambuild_action::StoreError;
use lambuild_store::fs::{Fs, Handle, Kind, Lock, Named, Room, Stat};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{Error, ErrorKind};
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A file system in memory with its log.
#[derive(Debug)]
pub struct Recorder {
    boot: u64,
    forgets: Forgets,
    state: Mutex<State>,
}

/// A mistake: which syncs never reach the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgets {
    /// None.
    Nothing,
    /// Those of folders.
    Folders,
    /// All.
    Everything,
}

#[derive(Debug)]
struct State {
    disk: Disk,
    log: Vec<Op>,
    /// Open files by handle: the inode and how far it was read or written.
    open: BTreeMap<u64, (u64, usize)>,
    /// Inodes that a `try_lock` got; a handle's end is not seen here.
    locked: BTreeMap<u64, u64>,
    names: u64,
}

impl Recorder {
    /// Over a disk, in the machine's start number `boot`.
    pub fn new(disk: Disk, boot: u64) -> Self {
        let state = State {
            disk,
            log: Vec::new(),
            open: BTreeMap::new(),
            locked: BTreeMap::new(),
            names: 0,
        };
        Recorder {
            boot,
            forgets: Forgets::Nothing,
            state: Mutex::new(state),
        }
    }

    /// With a mistake.
    pub fn forgetting(self, forgets: Forgets) -> Self {
        Recorder { forgets, ..self }
    }

    /// How many calls were made.
    pub fn calls(&self) -> usize {
        self.state().log.len()
    }

    /// The calls so far.
    pub fn log(&self) -> Vec<Op> {
        self.state().log.clone()
    }

    /// The disk as it is now.
    pub fn disk(&self) -> Disk {
        self.state().disk.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn change(&mut self, op: Op) {
        self.disk.apply(&op);
        self.log.push(op);
    }

    fn inode_of(&self, handle: &Handle) -> Result<u64, StoreError> {
        let open = handle.number().and_then(|number| self.open.get(&number));
        open.map(|(inode, _)| *inode)
            .ok_or_else(|| failed("use", handle.path(), ErrorKind::InvalidInput))
    }

    fn opened(&mut self, inode: u64, path: PathBuf) -> Handle {
        let number = self.open.len() as u64 + 1;
        self.open.insert(number, (inode, 0));
        Handle::numbered(number, path)
    }

    fn find(&self, at: &Handle, path: &Path) -> Result<Option<u64>, StoreError> {
        Ok(self.disk.find(self.inode_of(at)?, path))
    }

    /// The folder that a path's last part stands in, and that part.
    fn place(&self, at: &Handle, path: &Path) -> Result<(u64, OsString), StoreError> {
        let missing = || failed("find", &at.path().join(path), ErrorKind::NotFound);
        let above = path.parent().unwrap_or(Path::new(""));
        let folder = self.find(at, above)?.ok_or_else(missing)?;
        let name = path.file_name().ok_or_else(missing)?;
        Ok((folder, name.to_owned()))
    }

    fn make(&mut self, at: &Handle, path: &Path, folder: bool) -> Result<Option<u64>, StoreError> {
        let (parent, name) = self.place(at, path)?;
        if self.disk.find(parent, Path::new(&name)).is_some() {
            return Ok(None);
        }
        let inode = self.disk.fresh();
        self.change(Op::Make {
            parent,
            name,
            inode,
            folder,
        });
        Ok(Some(inode))
    }

    fn move_name(&mut self, at: &Handle, from: &Path, to: &Path) -> Result<(), StoreError> {
        let (from_place, to_place) = (self.place(at, from)?, self.place(at, to)?);
        let inode = self.disk.find(from_place.0, Path::new(&from_place.1));
        let inode = inode.ok_or_else(|| failed("name", &at.path().join(from), ErrorKind::NotFound))?;
        self.change(Op::Rename {
            from: from_place,
            to: to_place,
            inode,
        });
        Ok(())
    }

    fn stat(&self, inode: u64) -> Option<Stat> {
        let (kind, size, mode) = match self.disk.inode(inode)? {
            Inode::File(bytes, mode) => (Kind::File, bytes.len() as u64, *mode),
            Inode::Folder(_) => (Kind::Folder, 0, 0o755),
        };
        Some(Stat {
            kind,
            size,
            allocated: size,
            mode,
            owner: rustix::process::geteuid().as_raw(),
            inode,
            links: 1,
            modified: 0,
            changed: 0,
        })
    }
}

fn failed(doing: &'static str, path: &Path, kind: ErrorKind) -> StoreError {
    StoreError::io(doing, path)(Error::from(kind))
}

impl Fs for Recorder {
    fn root(&self, path: &Path) -> Result<Handle, StoreError> {
        Ok(self.state().opened(ROOT, path.to_owned()))
    }

    fn folder(&self, at: &Handle, path: &Path) -> Result<Option<Handle>, StoreError> {
        let mut state = self.state();
        let found = state.find(at, path)?;
        let found = found.filter(|inode| matches!(state.disk.inode(*inode), Some(Inode::Folder(_))));
        Ok(found.map(|inode| state.opened(inode, at.path().join(path))))
    }

    fn make_folder(&self, at: &Handle, path: &Path) -> Result<bool, StoreError> {
        Ok(self.state().make(at, path, true)?.is_some())
    }

    fn list(&self, folder: &Handle) -> Result<Vec<(OsString, Kind)>, StoreError> {
        let state = self.state();
        let inode = state.inode_of(folder)?;
        let kind = |inode| match state.disk.inode(inode) {
            Some(Inode::Folder(_)) => Kind::Folder,
            _ => Kind::File,
        };
        Ok(state
            .disk
            .names(inode)
            .map(|(name, inode)| (name.clone(), kind(inode)))
            .collect())
    }

    fn open(&self, at: &Handle, path: &Path) -> Result<Option<Handle>, StoreError> {
        let mut state = self.state();
        let found = state.find(at, path)?;
        Ok(found.map(|inode| state.opened(inode, at.path().join(path))))
    }

    fn create(&self, at: &Handle, path: &Path) -> Result<Handle, StoreError> {
        let mut state = self.state();
        let full = at.path().join(path);
        let made = state.make(at, path, false)?;
        let made = made.ok_or_else(|| failed("create", &full, ErrorKind::AlreadyExists))?;
        Ok(state.opened(made, full))
    }

    fn append_to(&self, at: &Handle, path: &Path) -> Result<Handle, StoreError> {
        let mut state = self.state();
        let full = at.path().join(path);
        let inode = match state.make(at, path, false)? {
            Some(made) => Some(made),
            None => state.find(at, path)?,
        };
        let inode = inode.ok_or_else(|| failed("open", &full, ErrorKind::NotFound))?;
        let end = state.stat(inode).map_or(0, |stat| stat.size as usize);
        let handle = state.opened(inode, full);
        if let Some((_, at)) = handle.number().and_then(|number| state.open.get_mut(&number)) {
            *at = end;
        }
        Ok(handle)
    }

    fn read(&self, file: &Handle, buffer: &mut [u8]) -> Result<usize, StoreError> {
        let mut state = self.state();
        let inode = state.inode_of(file)?;
        let bytes = match state.disk.inode(inode) {
            Some(Inode::File(bytes, _)) => bytes.clone(),
            _ => return Err(failed("read", file.path(), ErrorKind::IsADirectory)),
        };
        let Some((_, at)) = file.number().and_then(|number| state.open.get_mut(&number)) else {
            return Ok(0);
        };
        let rest = bytes.get(*at..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(rest) {
            *to = *from;
        }
        *at += count;
        Ok(count)
    }

    fn write(&self, file: &Handle, bytes: &[u8]) -> Result<(), StoreError> {
        let mut state = self.state();
        let inode = state.inode_of(file)?;
        let Some((_, at)) = file.number().and_then(|number| state.open.get_mut(&number)) else {
            return Ok(());
        };
        let place = *at;
        *at += bytes.len();
        state.change(Op::Write {
            inode,
            at: place,
            bytes: Arc::new(bytes.to_vec()),
        });
        Ok(())
    }

    fn share(&self, _file: &Handle, _from: BorrowedFd<'_>) -> bool {
        false
    }

    fn hole(&self, file: &Handle, bytes: u64) -> Result<(), StoreError> {
        self.write(file, &vec![0; bytes as usize])
    }

    fn allocate(&self, _file: &Handle, _bytes: u64) -> Result<(), StoreError> {
        Ok(())
    }

    fn empty(&self, file: &Handle) -> Result<(), StoreError> {
        let mut state = self.state();
        let inode = state.inode_of(file)?;
        state.change(Op::Empty { inode });
        Ok(())
    }

    fn set_mode(&self, file: &Handle, mode: u32) -> Result<(), StoreError> {
        let mut state = self.state();
        let inode = state.inode_of(file)?;
        state.change(Op::Mode { inode, mode });
        Ok(())
    }

    fn set_mode_at(&self, at: &Handle, path: &Path, mode: u32) -> Result<(), StoreError> {
        let mut state = self.state();
        if let Some(inode) = state.find(at, path)? {
            state.change(Op::Mode { inode, mode });
        }
        Ok(())
    }

    fn sync_data(&self, file: &Handle) -> Result<(), StoreError> {
        let mut state = self.state();
        let inode = state.inode_of(file)?;
        if self.forgets != Forgets::Everything {
            state.change(Op::SyncFile { inode });
        }
        Ok(())
    }

    fn sync_folder(&self, folder: &Handle) -> Result<(), StoreError> {
        let mut state = self.state();
        let inode = state.inode_of(folder)?;
        if self.forgets == Forgets::Nothing {
            state.change(Op::SyncFolder { inode });
        }
        Ok(())
    }

    fn sync_all(&self, _folder: &Handle) -> Result<(), StoreError> {
        if self.forgets != Forgets::Everything {
            self.state().change(Op::SyncAll);
        }
        Ok(())
    }

    fn rename_new(&self, at: &Handle, from: &Path, to: &Path) -> Result<Named, StoreError> {
        let mut state = self.state();
        if state.find(at, to)?.is_some() {
            return Ok(Named::Taken);
        }
        state.move_name(at, from, to)?;
        Ok(Named::New)
    }

    fn rename(&self, at: &Handle, from: &Path, to: &Path) -> Result<(), StoreError> {
        self.state().move_name(at, from, to)
    }

    fn unlink(&self, at: &Handle, path: &Path) -> Result<bool, StoreError> {
        let mut state = self.state();
        if state.find(at, path)?.is_none() {
            return Ok(false);
        }
        let (parent, name) = state.place(at, path)?;
        state.change(Op::Remove { parent, name });
        Ok(true)
    }

    fn remove_folder(&self, at: &Handle, path: &Path) -> Result<bool, StoreError> {
        self.unlink(at, path)
    }

    fn stat(&self, at: &Handle, path: &Path) -> Result<Option<Stat>, StoreError> {
        let state = self.state();
        Ok(state.find(at, path)?.and_then(|inode| state.stat(inode)))
    }

    fn stat_open(&self, file: &Handle) -> Result<Stat, StoreError> {
        let state = self.state();
        let stat = state.stat(state.inode_of(file)?);
        stat.ok_or_else(|| failed("look at", file.path(), ErrorKind::NotFound))
    }

    fn touch(&self, _at: &Handle, _path: &Path) -> Result<(), StoreError> {
        Ok(())
    }

    fn lock(&self, _file: &Handle, _lock: Lock) -> Result<(), StoreError> {
        Ok(())
    }

    fn try_lock(&self, file: &Handle, _lock: Lock) -> Result<bool, StoreError> {
        let mut state = self.state();
        let inode = state.inode_of(file)?;
        let Some(handle) = file.number() else {
            return Ok(true);
        };
        let holder = *state.locked.entry(inode).or_insert(handle);
        Ok(holder == handle)
    }

    fn room(&self, _folder: &Handle) -> Result<Room, StoreError> {
        Ok(Room {
            free: 1 << 40,
            total: 1 << 40,
        })
    }

    fn boot(&self) -> String {
        format!("boot-{}", self.boot)
    }

    fn unique(&self) -> String {
        let mut state = self.state();
        state.names += 1;
        format!("{}-{}", self.boot, state.names)
    }
}
