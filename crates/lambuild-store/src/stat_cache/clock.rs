//! Time as a file system keeps it. Decides which file systems' times say anything, and
//! what time it is there; knows nothing of what is remembered.

use crate::beneath::Beneath;
use crate::file_state::FileState;
use crate::temporary;
use lambuild_action::StoreError;
use std::fs::{self, File};
use std::path::Path;

/// File systems that set the change time of a file by this machine's clock at every change, and
/// a folder's with every change of a name. By the numbers of `statfs(2)`: ext2 to ext4, xfs, btrfs,
/// tmpfs, f2fs, overlayfs, zfs, bcachefs, jfs, nilfs.
const LOCAL: [u64; 10] = [
    0xef53,
    0x5846_5342,
    0x9123_683e,
    0x0102_1994,
    0xf2f5_2010,
    0x794c_7630,
    0x2fc1_2fc1,
    0xca45_1a4e,
    0x3153_464a,
    0x3434,
];
/// NFS does the same by its server's clock. What is missing here (FUSE, 9p, FAT, CIFS and all that are
/// unknown) may keep no change time at all, and is read anew in every run.
const NFS: u64 = 0x6969;

/// How times are seen: in production as they are, and `now` is when the cache was opened.
#[derive(Debug, Clone)]
pub struct Stamps {
    /// A moment of the file system's own clock, before anything was read.
    pub(super) now: i64,
    #[cfg(test)]
    pub(super) simulated: Option<super::tests::Simulated>,
}

impl Default for Stamps {
    fn default() -> Self {
        Stamps {
            now: i64::MIN,
            #[cfg(test)]
            simulated: None,
        }
    }
}

impl Stamps {
    /// A time as the cache sees it.
    #[cfg(not(test))]
    pub(super) fn seen(&self, time: i64) -> i64 {
        time
    }

    /// The state with its times as the cache sees them.
    pub(super) fn seen_state(&self, state: &FileState) -> FileState {
        FileState {
            modified: self.seen(state.modified),
            changed: self.seen(state.changed),
            ..*state
        }
    }

    /// Never; tests break the racy rule here to see that they would notice.
    #[cfg(not(test))]
    pub(super) fn trusts_the_young(&self) -> bool {
        false
    }
}

/// The device of the folder `of` and the time there; `None` where its times say nothing. The time is
/// taken by touching a file beside the cache.
///
/// # Errors
/// When no file can be made there, so that nothing could be kept either.
pub(super) fn watch(
    file: &Path,
    of: &Beneath,
    mut stamps: Stamps,
) -> Result<Option<(u64, Stamps)>, StoreError> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(StoreError::io("create", folder))?;
    let probe = temporary::unnamed(folder)?;
    let seen = (FileState::of_file(&probe), of.state(""), of.file_system());
    let (Ok(touched), Ok(watched), Ok(there)) = seen else {
        return Ok(None);
    };
    let believable = if there == NFS {
        touched.device == watched.device
    } else {
        LOCAL.contains(&there) && file_system(&probe).is_some_and(|here| LOCAL.contains(&here))
    };
    stamps.now = stamps.seen(touched.changed);
    Ok(believable.then_some((watched.device, stamps)))
}

fn file_system(file: &File) -> Option<u64> {
    let found = rustix::fs::fstatfs(file).ok()?;
    Some(found.f_type as u64)
}
