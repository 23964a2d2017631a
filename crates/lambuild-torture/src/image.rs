//! A file system in a file, which can be cut off from its disk as a power cut does. Knows
//! nothing of stores.
//!
//! The cut is the file system's shutdown call without flushing the log: whatever the
//! journal does not hold is gone, the next mount replays the journal. It is harsher than a
//! common disk (the journal is committed every second) and gentler than one that tears
//! writes; there the enumeration of crash states takes over.

use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::process;

/// A kind of file system that can be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// ext4 that commits its journal each second.
    Ext4,
    /// xfs with its defaults.
    Xfs,
}

impl Kind {
    /// The name that `mkfs` and `mount` know.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Ext4 => "ext4",
            Kind::Xfs => "xfs",
        }
    }

    fn options(self) -> &'static str {
        match self {
            Kind::Ext4 => "loop,commit=1",
            Kind::Xfs => "loop",
        }
    }

    /// Room for the work of some cuts; the file is sparse.
    fn size(self) -> u64 {
        match self {
            Kind::Ext4 => 768 << 20,
            Kind::Xfs => 1 << 30,
        }
    }

    fn make(self, image: &str) -> Result<()> {
        match self {
            Kind::Ext4 => process::run(&["mkfs.ext4", "-q", "-F", image]),
            Kind::Xfs => process::run(&["mkfs.xfs", "-q", "-f", image]),
        }
    }
}

/// An image that is mounted, and unmounted when this is dropped.
#[derive(Debug)]
pub struct Image {
    kind: Kind,
    file: PathBuf,
    folder: PathBuf,
    mounted: bool,
}

impl Image {
    /// Makes and mounts one below `folder`.
    ///
    /// # Errors
    /// Where this machine lets nobody mount, or lacks a tool; the text says which.
    pub fn new(kind: Kind, folder: &Path) -> Result<Self> {
        let mut image = Image {
            kind,
            file: folder.join(format!("{}.img", kind.name())),
            folder: folder.join(kind.name()),
            mounted: false,
        };
        fs::create_dir_all(&image.folder)?;
        File::create(&image.file)?.set_len(kind.size())?;
        kind.make(text(&image.file)?)?;
        image.mount()?;
        Ok(image)
    }

    /// Of which kind it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Where the file system is.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// The power goes: nothing reaches the disk from here on, and what was on its way is lost.
    ///
    /// # Errors
    /// Where the file system cannot be shut down.
    pub fn cut(&self) -> Result<()> {
        process::run(&["xfs_io", "-x", "-c", "shutdown", text(&self.folder)?])
    }

    /// The power comes back: the journal is replayed. Whoever used the file system must be gone.
    ///
    /// # Errors
    /// Where it cannot be unmounted or mounted.
    pub fn restart(&mut self) -> Result<()> {
        self.unmount()?;
        self.mount()
    }

    fn mount(&mut self) -> Result<()> {
        let (image, folder) = (text(&self.file)?, text(&self.folder)?);
        process::run(&[
            "mount",
            "-t",
            self.kind.name(),
            "-o",
            self.kind.options(),
            image,
            folder,
        ])?;
        self.mounted = true;
        Ok(())
    }

    fn unmount(&mut self) -> Result<()> {
        if !self.mounted {
            return Ok(());
        }
        process::run(&["umount", text(&self.folder)?])?;
        self.mounted = false;
        // A process in a mount namespace of its own may hold a copy of the mount for a while. Mounted
        // again before that, it would be the same dead file system, and answer with errors.
        let image = text(&self.file)?;
        process::until("the loop device to be free", || {
            Ok(process::read(&["losetup", "-j", image])?.trim().is_empty())
        })
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        if self.unmount().is_err() {
            // Left mounted rather than hanging: the message of the failure has gone out already.
            let _ = process::run(&["umount", "--lazy", &self.folder.to_string_lossy()]);
        }
    }
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("the folder for images is not UTF-8")
}

/// Why no image can be made here; `None` where one can.
pub fn missing() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("only root can mount images".to_owned());
    }
    let tools = ["mkfs.ext4", "mkfs.xfs", "xfs_io", "mount", "umount"];
    let absent = tools.iter().find(|tool| !process::is_there(tool))?;
    Some(format!(
        "{absent} is missing (Debian: xfsprogs, e2fsprogs, mount)"
    ))
}

/// A file system in memory of `size` bytes, unmounted when this is dropped.
#[derive(Debug)]
pub struct Memory {
    folder: PathBuf,
}

impl Memory {
    /// Mounts one at `folder`, which is made.
    ///
    /// # Errors
    /// Where this machine does not let us.
    pub fn new(folder: &Path, size: u64, inodes: u64) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let options = format!("size={size},nr_inodes={inodes},mode=0700");
        process::run(&["mount", "-t", "tmpfs", "-o", &options, "tmpfs", text(folder)?])?;
        Ok(Memory {
            folder: folder.to_owned(),
        })
    }

    /// Changes its size; as many inodes as anybody wants.
    ///
    /// # Errors
    /// Where more is in use.
    pub fn resize(&self, size: u64) -> Result<()> {
        let options = format!("remount,size={size},nr_inodes=1000000");
        process::run(&["mount", "-o", &options, text(&self.folder)?])
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let _ = process::run(&["umount", &self.folder.to_string_lossy()]);
    }
}

/// Free bytes of the file system at a folder.
///
/// # Errors
/// The system's.
pub fn free(folder: &Path) -> Result<u64> {
    let room = rustix::fs::statvfs(folder)?;
    Ok(room.f_bavail.saturating_mul(room.f_frsize))
}

/// Fails unless something is mounted at `folder`.
///
/// # Errors
/// Where nothing is.
pub fn must_be_mounted(folder: &Path) -> Result<()> {
    let mounts = fs::read_to_string("/proc/self/mounts")?;
    let there = mounts
        .lines()
        .any(|line| line.split(' ').nth(1) == folder.to_str());
    if there {
        Ok(())
    } else {
        bail!("nothing is mounted at {}", folder.display())
    }
}
