//! Removes what an action left, whatever it made of it: trees of any depth, folders that nobody may
//! open. Never follows a link, needs two open folders whatever the depth, never recurses.
//!
//! Folders inside folders are moved up to the top before their own turn comes, so no path is ever
//! longer than two names.

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Removes a folder with all below it. It must be on one file system and nobody may write there any more.
///
/// # Errors
/// The system's, when something cannot be removed; what came before is gone.
pub fn tree(folder: &Path) -> io::Result<()> {
    let top = open(rustix::fs::CWD, folder)?;
    let mut moved = 0u64;
    let mut waiting = clear(&top, &top, &mut moved)?;
    while let Some(name) = waiting.pop() {
        let inner = open(&top, &*name)?;
        waiting.extend(clear(&inner, &top, &mut moved)?);
        rustix::fs::unlinkat(&top, &*name, AtFlags::REMOVEDIR)?;
    }
    std::fs::remove_dir(folder)
}

/// Opens a folder, with the right to change it.
fn open(at: impl AsFd, name: impl rustix::path::Arg + Copy) -> io::Result<OwnedFd> {
    let all = Mode::RWXU;
    // Only what is a folder gets here, so there is no link to follow.
    match rustix::fs::openat(&at, name, FOLDER, Mode::empty()) {
        Err(Errno::ACCESS) => {
            rustix::fs::chmodat(&at, name, all, AtFlags::empty())?;
            Ok(rustix::fs::openat(&at, name, FOLDER, Mode::empty())?)
        }
        Ok(folder) => {
            rustix::fs::fchmod(&folder, all)?;
            Ok(folder)
        }
        Err(error) => Err(error.into()),
    }
}

/// Removes the files of a folder and moves its folders to `top`; answers their names there.
fn clear(folder: &OwnedFd, top: &OwnedFd, moved: &mut u64) -> io::Result<Vec<CString>> {
    let is_top = same(folder, top)?;
    let mut folders = Vec::new();
    for (name, kind) in entries(folder)? {
        if kind != FileType::Directory {
            rustix::fs::unlinkat(folder, &*name, AtFlags::empty())?;
        } else if is_top {
            folders.push(name);
        } else if rustix::fs::unlinkat(folder, &*name, AtFlags::REMOVEDIR).is_err() {
            // A folder that moves is written itself, for the sake of its `..`.
            rustix::fs::chmodat(folder, &*name, Mode::RWXU, AtFlags::empty())?;
            folders.push(hoist(folder, &name, top, moved)?);
        }
    }
    Ok(folders)
}

/// Moves a folder to `top` under a name that is free there.
fn hoist(folder: &OwnedFd, name: &CStr, top: &OwnedFd, moved: &mut u64) -> io::Result<CString> {
    loop {
        *moved += 1;
        let free = CString::new(format!(".{moved}"))?;
        match rustix::fs::renameat_with(folder, name, top, &*free, rustix::fs::RenameFlags::NOREPLACE) {
            Ok(()) => return Ok(free),
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn same(a: &OwnedFd, b: &OwnedFd) -> io::Result<bool> {
    let (a, b) = (rustix::fs::fstat(a)?, rustix::fs::fstat(b)?);
    Ok((a.st_dev, a.st_ino) == (b.st_dev, b.st_ino))
}

fn entries(folder: &OwnedFd) -> io::Result<Vec<(CString, FileType)>> {
    let mut found = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let kind = match entry.file_type() {
            FileType::Unknown => {
                let meta = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
                FileType::from_raw_mode(meta.st_mode)
            }
            kind => kind,
        };
        found.push((name.to_owned(), kind));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    /// Removes a tree of this depth with a sibling at each. Making and moving cost the square of it.
    fn goes(depth: u32) {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().join("t");
        fs::create_dir(&top).unwrap();
        let mut here = open(rustix::fs::CWD, &*top).unwrap();
        for _ in 0..depth {
            rustix::fs::mkdirat(&here, c"d", Mode::RWXU).unwrap();
            rustix::fs::mkdirat(&here, c".1", Mode::RWXU).unwrap();
            here = rustix::fs::openat(&here, c"d", FOLDER, Mode::empty()).unwrap();
        }
        tree(&top).unwrap();
        assert!(!top.exists());
    }

    #[test]
    fn a_tree_deeper_than_any_path_goes() {
        // A path has 4096 bytes at most.
        goes(2_100);
    }

    #[test]
    #[ignore = "takes a minute; `cargo xtask soak sources` runs it"]
    fn a_tree_deeper_than_the_stack_goes() {
        goes(20_000);
    }

    #[test]
    fn modes_do_not_matter_and_links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (top, outside) = (folder.path().join("t"), folder.path().join("outside"));
        fs::create_dir_all(top.join("a/b/c")).unwrap();
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("kept"), "kept").unwrap();
        fs::write(top.join("a/b/file"), "").unwrap();
        symlink(&outside, top.join("a/b/link")).unwrap();
        symlink(&outside, top.join("link")).unwrap();
        for path in ["a/b/c", "a/b", "a", ""] {
            fs::set_permissions(top.join(path), fs::Permissions::from_mode(0o0)).unwrap();
        }
        tree(&top).unwrap();
        assert!(!top.exists());
        assert!(outside.join("kept").exists());
    }
}
