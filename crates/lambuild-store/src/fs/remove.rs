//! Removing trees of the store, of any depth and mode. Decides the order: never more than two open folders,
//! no recursion, since an action may leave a tree that is deeper than any stack or
//! longer than any path.

use super::{Fs, Handle, Kind, Named};
use crate::layout::is_full;
use lambuild_action::StoreError;
use std::path::{Path, PathBuf};

/// Removes what is at `path`, whatever it is. A folder's folders are first moved up beside it,
/// so that each is handled at the same depth; on a disk that has no room for their new names, they
/// go where they are.
///
/// # Errors
/// Where the system refuses; what could be removed is gone then.
pub fn tree(fs: &dyn Fs, at: &Handle, path: &Path) -> Result<(), StoreError> {
    let Some(stat) = fs.stat(at, path)? else {
        return Ok(());
    };
    if stat.kind != Kind::Folder {
        return fs.unlink(at, path).map(drop);
    }
    let mut names = Beside::new(path);
    let mut left = vec![path.to_owned()];
    while let Some(folder) = left.pop() {
        let inside = empty(fs, at, &folder, &mut names, &mut left)?;
        if inside.is_empty() {
            fs.remove_folder(at, &folder)?;
        } else {
            left.push(folder);
            left.extend(inside);
        }
    }
    Ok(())
}

/// Takes everything out of a folder; its folders are put to `left`. Answers those that could not be moved.
fn empty(
    fs: &dyn Fs,
    at: &Handle,
    path: &Path,
    names: &mut Beside,
    left: &mut Vec<PathBuf>,
) -> Result<Vec<PathBuf>, StoreError> {
    let mut inside = Vec::new();
    fs.set_mode_at(at, path, 0o700)?;
    let Some(folder) = fs.folder(at, path)? else {
        return Ok(inside);
    };
    for (name, kind) in fs.list(&folder)? {
        if kind != Kind::Folder {
            fs.unlink(&folder, Path::new(&name))?;
            continue;
        }
        let inner = path.join(&name);
        // A folder that is moved gets another `..`, for which it must be writable.
        fs.set_mode_at(at, &inner, 0o700)?;
        match names.take(fs, at, &inner) {
            Err(error) if is_full(&error) => inside.push(inner),
            moved => left.push(moved?),
        }
    }
    Ok(inside)
}

/// Names beside the tree, `path~0`, `path~1`, …, of which others may be taken.
struct Beside {
    path: String,
    next: u64,
}

impl Beside {
    fn new(path: &Path) -> Self {
        Beside {
            path: path.to_string_lossy().into_owned(),
            next: 0,
        }
    }

    fn take(&mut self, fs: &dyn Fs, at: &Handle, from: &Path) -> Result<PathBuf, StoreError> {
        loop {
            let to = PathBuf::from(format!("{}~{}", self.path, self.next));
            self.next += 1;
            if fs.rename_new(at, from, &to)? == Named::New {
                return Ok(to);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::System;
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_tree_deeper_than_any_path_goes() {
        let folder = tempfile::tempdir().unwrap();
        let root = System.root(folder.path()).unwrap();
        System.make_folder(&root, Path::new("t")).unwrap();
        let mut here = System.folder(&root, Path::new("t")).unwrap().unwrap();
        for _ in 0..1000 {
            System
                .make_folder(&here, Path::new("a-name-of-some-length"))
                .unwrap();
            here = System
                .folder(&here, Path::new("a-name-of-some-length"))
                .unwrap()
                .unwrap();
        }
        System.create(&here, Path::new("f")).unwrap();
        drop(here);
        tree(&System, &root, Path::new("t")).unwrap();
        assert_eq!(System.list(&root).unwrap(), []);
    }

    #[test]
    fn links_are_not_followed_and_modes_do_not_stop_it() {
        let folder = tempfile::tempdir().unwrap();
        let (kept, gone) = (folder.path().join("kept"), folder.path().join("gone"));
        std::fs::create_dir_all(gone.join("a/b")).unwrap();
        std::fs::create_dir(&kept).unwrap();
        std::fs::write(kept.join("f"), "f").unwrap();
        symlink(&kept, gone.join("a/link")).unwrap();
        for path in ["a/b", "a", ""] {
            std::fs::set_permissions(gone.join(path), Permissions::from_mode(0o0)).unwrap();
        }
        let root = System.root(folder.path()).unwrap();
        tree(&System, &root, Path::new("gone")).unwrap();
        assert!(!gone.exists() && kept.join("f").exists());
        tree(&System, &root, Path::new("gone")).unwrap();
    }
}
