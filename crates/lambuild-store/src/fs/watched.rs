//! Any other way to touch a disk, with a look at each call before it is made. For tests: to count
//! calls, to let the n-th one fail, to stop at one. Changes nothing by itself.

use super::{Fs, Handle, Kind, Lock, Named, Room, Stat};
use lambuild_action::StoreError;
use std::ffi::OsString;
use std::fmt;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A call that is about to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The operation, by the name of its function in [`Fs`].
    pub operation: &'static str,
    /// What it is about, as an error would name it.
    pub path: PathBuf,
}

impl Call {
    fn on(operation: &'static str, file: &Handle) -> Self {
        let path = file.path().to_owned();
        Call { operation, path }
    }

    fn at(operation: &'static str, at: &Handle, path: &Path) -> Self {
        let path = at.path().join(path);
        Call { operation, path }
    }
}

type Look = dyn Fn(&Call) -> Result<(), StoreError> + Send + Sync;

/// See the module.
pub struct Watched {
    inner: Arc<dyn Fs>,
    look: Box<Look>,
    boot: Option<String>,
}

impl Watched {
    /// Calls `look` before each operation of `inner`; an error of it is the operation's.
    pub fn new(
        inner: Arc<dyn Fs>,
        look: impl Fn(&Call) -> Result<(), StoreError> + Send + Sync + 'static,
    ) -> Self {
        Watched {
            inner,
            look: Box::new(look),
            boot: None,
        }
    }

    /// As if the machine had been started for the time of this name.
    #[must_use]
    pub fn in_boot(mut self, boot: &str) -> Self {
        self.boot = Some(boot.to_owned());
        self
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Watched({:?})", self.inner)
    }
}

impl Fs for Watched {
    fn root(&self, path: &Path) -> Result<Handle, StoreError> {
        (self.look)(&Call {
            operation: "root",
            path: path.to_owned(),
        })?;
        self.inner.root(path)
    }

    fn folder(&self, at: &Handle, path: &Path) -> Result<Option<Handle>, StoreError> {
        (self.look)(&Call::at("folder", at, path))?;
        self.inner.folder(at, path)
    }

    fn make_folder(&self, at: &Handle, path: &Path) -> Result<bool, StoreError> {
        (self.look)(&Call::at("make_folder", at, path))?;
        self.inner.make_folder(at, path)
    }

    fn list(&self, folder: &Handle) -> Result<Vec<(OsString, Kind)>, StoreError> {
        (self.look)(&Call::on("list", folder))?;
        self.inner.list(folder)
    }

    fn open(&self, at: &Handle, path: &Path) -> Result<Option<Handle>, StoreError> {
        (self.look)(&Call::at("open", at, path))?;
        self.inner.open(at, path)
    }

    fn create(&self, at: &Handle, path: &Path) -> Result<Handle, StoreError> {
        (self.look)(&Call::at("create", at, path))?;
        self.inner.create(at, path)
    }

    fn append_to(&self, at: &Handle, path: &Path) -> Result<Handle, StoreError> {
        (self.look)(&Call::at("append_to", at, path))?;
        self.inner.append_to(at, path)
    }

    fn read(&self, file: &Handle, buffer: &mut [u8]) -> Result<usize, StoreError> {
        (self.look)(&Call::on("read", file))?;
        self.inner.read(file, buffer)
    }

    fn write(&self, file: &Handle, bytes: &[u8]) -> Result<(), StoreError> {
        (self.look)(&Call::on("write", file))?;
        self.inner.write(file, bytes)
    }

    fn share(&self, file: &Handle, from: BorrowedFd<'_>) -> bool {
        (self.look)(&Call::on("share", file)).is_ok() && self.inner.share(file, from)
    }

    fn hole(&self, file: &Handle, bytes: u64) -> Result<(), StoreError> {
        (self.look)(&Call::on("hole", file))?;
        self.inner.hole(file, bytes)
    }

    fn allocate(&self, file: &Handle, bytes: u64) -> Result<(), StoreError> {
        (self.look)(&Call::on("allocate", file))?;
        self.inner.allocate(file, bytes)
    }

    fn empty(&self, file: &Handle) -> Result<(), StoreError> {
        (self.look)(&Call::on("empty", file))?;
        self.inner.empty(file)
    }

    fn set_mode(&self, file: &Handle, mode: u32) -> Result<(), StoreError> {
        (self.look)(&Call::on("set_mode", file))?;
        self.inner.set_mode(file, mode)
    }

    fn set_mode_at(&self, at: &Handle, path: &Path, mode: u32) -> Result<(), StoreError> {
        (self.look)(&Call::at("set_mode_at", at, path))?;
        self.inner.set_mode_at(at, path, mode)
    }

    fn sync_data(&self, file: &Handle) -> Result<(), StoreError> {
        (self.look)(&Call::on("sync_data", file))?;
        self.inner.sync_data(file)
    }

    fn sync_folder(&self, folder: &Handle) -> Result<(), StoreError> {
        (self.look)(&Call::on("sync_folder", folder))?;
        self.inner.sync_folder(folder)
    }

    fn sync_all(&self, folder: &Handle) -> Result<(), StoreError> {
        (self.look)(&Call::on("sync_all", folder))?;
        self.inner.sync_all(folder)
    }

    fn rename_new(&self, at: &Handle, from: &Path, to: &Path) -> Result<Named, StoreError> {
        (self.look)(&Call::at("rename_new", at, to))?;
        self.inner.rename_new(at, from, to)
    }

    fn rename(&self, at: &Handle, from: &Path, to: &Path) -> Result<(), StoreError> {
        (self.look)(&Call::at("rename", at, to))?;
        self.inner.rename(at, from, to)
    }

    fn unlink(&self, at: &Handle, path: &Path) -> Result<bool, StoreError> {
        (self.look)(&Call::at("unlink", at, path))?;
        self.inner.unlink(at, path)
    }

    fn remove_folder(&self, at: &Handle, path: &Path) -> Result<bool, StoreError> {
        (self.look)(&Call::at("remove_folder", at, path))?;
        self.inner.remove_folder(at, path)
    }

    fn stat(&self, at: &Handle, path: &Path) -> Result<Option<Stat>, StoreError> {
        (self.look)(&Call::at("stat", at, path))?;
        self.inner.stat(at, path)
    }

    fn stat_open(&self, file: &Handle) -> Result<Stat, StoreError> {
        (self.look)(&Call::on("stat_open", file))?;
        self.inner.stat_open(file)
    }

    fn touch(&self, at: &Handle, path: &Path) -> Result<(), StoreError> {
        (self.look)(&Call::at("touch", at, path))?;
        self.inner.touch(at, path)
    }

    fn lock(&self, file: &Handle, lock: Lock) -> Result<(), StoreError> {
        (self.look)(&Call::on("lock", file))?;
        self.inner.lock(file, lock)
    }

    fn try_lock(&self, file: &Handle, lock: Lock) -> Result<bool, StoreError> {
        (self.look)(&Call::on("try_lock", file))?;
        self.inner.try_lock(file, lock)
    }

    fn room(&self, folder: &Handle) -> Result<Room, StoreError> {
        (self.look)(&Call::on("room", folder))?;
        self.inner.room(folder)
    }

    fn boot(&self) -> String {
        self.boot.clone().unwrap_or_else(|| self.inner.boot())
    }

    fn unique(&self) -> String {
        self.inner.unique()
    }
}
