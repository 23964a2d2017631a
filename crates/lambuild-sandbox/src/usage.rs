//! What the processes of a sandbox use together, and whether that is too much. Looks from
//! inside, where only they are seen; needs no control groups.

use crate::spec::{Limits, Spec};
use lambuild_store::folder;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::path::Path;

/// Bytes of a page. Counting in the smallest page that exists errs on the action's side.
const PAGE: u64 = 4096;
/// Looking at disk use costs a walk: every so many looks, and rarer the more there is.
const DISK_EVERY: u64 = 5;
const ENTRIES_PER_LOOK: u64 = 2000;

/// What a look found.
pub enum Usage {
    /// Nothing to say.
    Within,
    /// Beyond a limit, in words.
    Beyond(String),
}

/// Looks at a sandbox's use of the machine from time to time.
pub struct Watch {
    limits: Limits,
    folders: Vec<OwnedFd>,
    looks_until_disk: u64,
}

impl Watch {
    /// Opens the counted folders while their paths still exist: the mounts that will cover
    /// them are not seen through these descriptors.
    pub fn open(spec: &Spec) -> Self {
        let open = |path: &Path| File::open(path).map(OwnedFd::from).ok();
        Watch {
            limits: spec.limits,
            folders: spec.counted.iter().filter_map(|path| open(path)).collect(),
            looks_until_disk: DISK_EVERY,
        }
    }

    /// Looks once.
    pub fn look(&mut self) -> Usage {
        let (processes, memory) = processes();
        let limits = self.limits;
        if processes > u64::from(limits.processes) {
            return Usage::Beyond(format!("it had more than {} processes", limits.processes));
        }
        if memory > limits.memory {
            return Usage::Beyond(format!("it used more than {} MiB of memory", limits.memory >> 20));
        }
        self.looks_until_disk = self.looks_until_disk.saturating_sub(1);
        if self.looks_until_disk > 0 {
            return Usage::Within;
        }
        let (bytes, entries) = self.disk();
        self.looks_until_disk = DISK_EVERY + entries / ENTRIES_PER_LOOK;
        if bytes > limits.disk {
            return Usage::Beyond(format!("it wrote more than {} MiB", limits.disk >> 20));
        }
        if entries > limits.entries {
            return Usage::Beyond(format!("it made more than {} files", limits.entries));
        }
        Usage::Within
    }

    /// Bytes and entries below the counted folders.
    fn disk(&self) -> (u64, u64) {
        let mut sum = (0, 0);
        for folder in &self.folders {
            if let Ok(folder) = rustix::fs::openat(folder, ".", FOLDER, Mode::empty()) {
                count(folder, &self.limits, &mut sum);
            }
        }
        sum
    }
}

const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Folders are held open along the way down; deeper ones are refused as outputs and not counted.
const DEEPEST: usize = 256;

fn count(top: OwnedFd, limits: &Limits, (bytes, entries): &mut (u64, u64)) {
    let mut open: Vec<Dir> = Dir::new(top).into_iter().collect();
    while let Some(dir) = open.last_mut() {
        let Some(Ok(entry)) = dir.read() else {
            open.pop();
            continue;
        };
        if matches!(entry.file_name().to_bytes(), b"." | b"..") {
            continue;
        }
        let Ok(here) = dir.fd() else { continue };
        let Ok(meta) = rustix::fs::statat(here, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW) else {
            continue;
        };
        *entries += 1;
        *bytes += u64::try_from(meta.st_blocks).unwrap_or(0) * 512;
        if *entries > limits.entries || *bytes > limits.disk {
            return;
        }
        if FileType::from_raw_mode(meta.st_mode) == FileType::Directory && open.len() < DEEPEST {
            let Ok(here) = open.last().map_or(Err(rustix::io::Errno::NOENT), Dir::fd) else {
                continue;
            };
            let inner = rustix::fs::openat(here, entry.file_name(), FOLDER, Mode::empty());
            open.extend(inner.and_then(Dir::new).ok());
        }
    }
}

/// How many processes there are and how many bytes are in memory for them; a page that several share
/// counts for each. This process itself is among them.
fn processes() -> (u64, u64) {
    let mut sum = (0, 0);
    for (name, _) in folder::list(Path::new("/proc")).unwrap_or_default() {
        let Some(name) = name
            .to_str()
            .filter(|name| name.bytes().all(|letter| letter.is_ascii_digit()))
        else {
            continue;
        };
        sum.0 += 1;
        let memory = fs::read_to_string(format!("/proc/{name}/statm")).unwrap_or_default();
        let pages = memory
            .split(' ')
            .nth(1)
            .and_then(|pages| pages.parse::<u64>().ok());
        sum.1 += pages.unwrap_or(0) * PAGE;
    }
    sum
}
