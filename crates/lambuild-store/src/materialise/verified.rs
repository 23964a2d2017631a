//! Notes that a laid out tree was read through and found right in this boot of the machine. Decides
//! when such a note holds; a lost note costs one more reading.

use crate::disk::{DiskStore, create_folder};
use crate::file_state::FileState;
use crate::temporary;
use lambuild_digest::Digest;
use std::fs;
use std::path::{Path, PathBuf};

/// Changes with every boot: what is in memory only is gone then.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

fn note_path(store: &DiskStore, tree: &Digest) -> PathBuf {
    store.root().join("verified").join(tree.hex())
}

/// Boot, device and inode: a tree that was deleted and made by somebody else is another one.
fn text(ready: &Path) -> Option<String> {
    let boot = fs::read_to_string(BOOT).ok()?;
    let state = FileState::of(&fs::symlink_metadata(ready).ok()?);
    Some(format!("{} {} {}\n", boot.trim_end(), state.device, state.inode))
}

/// Whether the tree was found right in this boot.
pub fn is_noted(store: &DiskStore, tree: &Digest, ready: &Path) -> bool {
    let noted = fs::read_to_string(note_path(store, tree)).ok();
    noted.is_some() && noted == text(ready)
}

/// Notes that it was. Best effort.
pub fn note(store: &DiskStore, tree: &Digest, ready: &Path) {
    if store.read_only().is_some() {
        return;
    }
    let to = note_path(store, tree);
    let written = text(ready).zip(to.parent()).is_some_and(|(text, folder)| {
        create_folder(folder)
            .and_then(|()| temporary::file(folder))
            .is_ok_and(|mut file| {
                temporary::write(&mut file, text.as_bytes()).is_ok() && file.persist(&to).is_ok()
            })
    });
    if !written {
        tracing::debug!(path = %ready.display(), "it could not be noted that a tree is right");
    }
}

#[cfg(test)]
pub fn forget(store: &DiskStore, tree: &Digest) {
    fs::remove_file(note_path(store, tree)).unwrap();
}
