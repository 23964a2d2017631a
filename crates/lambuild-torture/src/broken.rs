//! Mistakes that stand between the store and the disk, to prove that a suite can fail. Each is what
//! a careless change would do. Decides how a call goes wrong; knows nothing of the suites.

use anyhow::{Result, bail};
use lambuild_action::StoreError;
use lambuild_store::fs::{Fs, Handle, Kind, Lock, Named, Room, Stat, System, read_file};
use std::ffi::OsString;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::Arc;

/// All mistakes, with what each stands for.
pub const ALL: &[(&str, &str)] = &[
    ("no-sync", "nothing is synced before it is named"),
    ("no-folder-sync", "names are not synced"),
    (
        "in-place",
        "objects are written under their names, piece by piece",
    ),
    (
        "full-is-fine",
        "a write that fails for want of room counts as done",
    ),
    ("no-locks", "every lock is free"),
    ("keeps-trash", "what is collected is never unlinked"),
    ("half-writes", "of a large write only the first half is made"),
];

/// A write of more bytes than this is large.
const LARGE: usize = 4096;

/// The way to the disk with one mistake in it; without one where `mistake` is empty.
///
/// # Errors
/// When there is no such mistake.
pub fn disk(mistake: &str) -> Result<Arc<dyn Fs>> {
    if mistake.is_empty() {
        return Ok(Arc::new(System));
    }
    match ALL.iter().find(|(name, _)| *name == mistake) {
        Some((name, _)) => Ok(Arc::new(Broken { mistake: name })),
        None => bail!("`{mistake}` is no mistake; there are: {}", names()),
    }
}

fn names() -> String {
    let names: Vec<&str> = ALL.iter().map(|(name, _)| *name).collect();
    names.join(", ")
}

#[derive(Debug)]
struct Broken {
    mistake: &'static str,
}

impl Broken {
    fn is(&self, mistake: &str) -> bool {
        self.mistake == mistake
    }
}

impl Fs for Broken {
    fn root(&self, path: &Path) -> Result<Handle, StoreError> {
        System.root(path)
    }
    fn folder(&self, at: &Handle, path: &Path) -> Result<Option<Handle>, StoreError> {
        System.folder(at, path)
    }
    fn make_folder(&self, at: &Handle, path: &Path) -> Result<bool, StoreError> {
        System.make_folder(at, path)
    }
    fn list(&self, folder: &Handle) -> Result<Vec<(OsString, Kind)>, StoreError> {
        System.list(folder)
    }
    fn open(&self, at: &Handle, path: &Path) -> Result<Option<Handle>, StoreError> {
        System.open(at, path)
    }
    fn create(&self, at: &Handle, path: &Path) -> Result<Handle, StoreError> {
        System.create(at, path)
    }
    fn append_to(&self, at: &Handle, path: &Path) -> Result<Handle, StoreError> {
        System.append_to(at, path)
    }
    fn read(&self, file: &Handle, buffer: &mut [u8]) -> Result<usize, StoreError> {
        System.read(file, buffer)
    }
    fn write(&self, file: &Handle, bytes: &[u8]) -> Result<(), StoreError> {
        let is_half = self.is("half-writes") && bytes.len() > LARGE;
        let bytes = if is_half {
            bytes.get(..LARGE).unwrap_or(bytes)
        } else {
            bytes
        };
        let written = System.write(file, bytes);
        if self.is("full-is-fine") { Ok(()) } else { written }
    }
    fn share(&self, file: &Handle, from: BorrowedFd<'_>) -> bool {
        System.share(file, from)
    }
    fn hole(&self, file: &Handle, bytes: u64) -> Result<(), StoreError> {
        System.hole(file, bytes)
    }
    fn allocate(&self, file: &Handle, bytes: u64) -> Result<(), StoreError> {
        let taken = System.allocate(file, bytes);
        if self.is("full-is-fine") { Ok(()) } else { taken }
    }
    fn empty(&self, file: &Handle) -> Result<(), StoreError> {
        System.empty(file)
    }
    fn set_mode(&self, file: &Handle, mode: u32) -> Result<(), StoreError> {
        System.set_mode(file, mode)
    }
    fn set_mode_at(&self, at: &Handle, path: &Path, mode: u32) -> Result<(), StoreError> {
        System.set_mode_at(at, path, mode)
    }
    fn sync_data(&self, file: &Handle) -> Result<(), StoreError> {
        if self.is("no-sync") {
            Ok(())
        } else {
            System.sync_data(file)
        }
    }
    fn sync_folder(&self, folder: &Handle) -> Result<(), StoreError> {
        if self.is("no-sync") || self.is("no-folder-sync") {
            Ok(())
        } else {
            System.sync_folder(folder)
        }
    }
    fn sync_all(&self, folder: &Handle) -> Result<(), StoreError> {
        if self.is("no-sync") {
            Ok(())
        } else {
            System.sync_all(folder)
        }
    }
    fn rename_new(&self, at: &Handle, from: &Path, to: &Path) -> Result<Named, StoreError> {
        if !self.is("in-place") || System.stat(at, from)?.is_none_or(|stat| stat.kind != Kind::File) {
            return System.rename_new(at, from, to);
        }
        if System.stat(at, to)?.is_some() {
            return Ok(Named::Taken);
        }
        let bytes = read_file(&System, at, from)?.unwrap_or_default();
        let file = System.create(at, to)?;
        for piece in bytes.chunks(64) {
            System.write(&file, piece)?;
        }
        System.unlink(at, from).map(|_| Named::New)
    }
    fn rename(&self, at: &Handle, from: &Path, to: &Path) -> Result<(), StoreError> {
        System.rename(at, from, to)
    }
    fn unlink(&self, at: &Handle, path: &Path) -> Result<bool, StoreError> {
        let is_trash = at
            .path()
            .join(path)
            .components()
            .any(|part| part.as_os_str() == "trash");
        if self.is("keeps-trash") && is_trash {
            return Ok(true);
        }
        System.unlink(at, path)
    }
    fn remove_folder(&self, at: &Handle, path: &Path) -> Result<bool, StoreError> {
        System.remove_folder(at, path)
    }
    fn stat(&self, at: &Handle, path: &Path) -> Result<Option<Stat>, StoreError> {
        System.stat(at, path)
    }
    fn stat_open(&self, file: &Handle) -> Result<Stat, StoreError> {
        System.stat_open(file)
    }
    fn touch(&self, at: &Handle, path: &Path) -> Result<(), StoreError> {
        System.touch(at, path)
    }
    fn lock(&self, file: &Handle, lock: Lock) -> Result<(), StoreError> {
        if self.is("no-locks") {
            Ok(())
        } else {
            System.lock(file, lock)
        }
    }
    fn try_lock(&self, file: &Handle, lock: Lock) -> Result<bool, StoreError> {
        if self.is("no-locks") {
            Ok(true)
        } else {
            System.try_lock(file, lock)
        }
    }
    fn room(&self, folder: &Handle) -> Result<Room, StoreError> {
        System.room(folder)
    }
    fn boot(&self) -> String {
        System.boot()
    }
    fn unique(&self) -> String {
        System.unique()
    }
}
