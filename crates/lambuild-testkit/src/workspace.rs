//! Decides what a test's workspace holds: a temporary folder that is filled from a
//! list of files or from a copy, and edited like a user would.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tempfile::TempDir;

/// A folder with a workspace (`root`) and a home folder beside it, both removed at the end.
#[derive(Debug)]
pub struct TempWorkspace {
    folder: TempDir,
}

impl TempWorkspace {
    /// An empty workspace.
    ///
    /// # Panics
    /// Like all functions here: where the file system refuses, naming the path.
    #[track_caller]
    pub fn empty() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("lambuild-test-")
            .tempdir()
            .expect("a temporary folder");
        let workspace = Self { folder };
        for dir in [workspace.root(), workspace.home()] {
            fs::create_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
        }
        workspace
    }

    /// A workspace with these files: (path with `/`, content).
    #[track_caller]
    pub fn with(files: &[(&str, &str)]) -> Self {
        let workspace = Self::empty();
        for (path, content) in files {
            workspace.write(path, content);
        }
        workspace
    }

    /// A workspace that starts as a copy of `source`, without what builds leave
    /// behind there (`.lambuild`, `dist`, `target`).
    #[track_caller]
    pub fn copy_of(source: &Path) -> Self {
        let workspace = Self::empty();
        workspace.copy(source, "");
        workspace
    }

    /// Adds a copy of the folder `source` at `path` (`""` is the root), without what
    /// builds leave behind there.
    #[track_caller]
    pub fn copy(&self, source: &Path, path: &str) {
        let target = self.path(path);
        fs::create_dir_all(&target).unwrap_or_else(|e| panic!("{}: {e}", target.display()));
        copy_tree(source, &target);
    }

    /// The workspace's folder, as an absolute path without links.
    pub fn root(&self) -> PathBuf {
        let folder = self.folder.path();
        folder
            .canonicalize()
            .unwrap_or_else(|_| folder.to_owned())
            .join("workspace")
    }

    /// The home folder that programs of this test get.
    pub fn home(&self) -> PathBuf {
        self.root().with_file_name("home")
    }

    /// The place of a file of the workspace.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    /// Writes a file, with the folders above it.
    #[track_caller]
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let file = self.path(path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent).unwrap_or_else(|e| panic!("{}: {e}", parent.display()));
        }
        fs::write(&file, content).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    }

    /// The text of a file.
    #[track_caller]
    pub fn read(&self, path: &str) -> String {
        let file = self.path(path);
        fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
    }

    /// The bytes of a file.
    #[track_caller]
    pub fn bytes(&self, path: &str) -> Vec<u8> {
        let file = self.path(path);
        fs::read(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
    }

    /// Replaces the one occurrence of `from` in a file.
    ///
    /// # Panics
    /// Where `from` does not occur exactly once: a test that edits nothing proves nothing.
    #[track_caller]
    pub fn edit(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert_eq!(
            text.matches(from).count(),
            1,
            "{path} should hold {from:?} once:\n{text}"
        );
        self.write(path, text.replacen(from, to, 1));
    }

    /// Gives a file a new time without changing it.
    #[track_caller]
    pub fn touch(&self, path: &str) {
        let file = self.path(path);
        fs::File::options()
            .append(true)
            .open(&file)
            .and_then(|open| open.set_modified(SystemTime::now()))
            .unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    }

    /// Removes a file or a folder with all that is in it.
    #[track_caller]
    pub fn remove(&self, path: &str) {
        let place = self.path(path);
        let removed = if place.is_dir() {
            fs::remove_dir_all(&place)
        } else {
            fs::remove_file(&place)
        };
        removed.unwrap_or_else(|e| panic!("{}: {e}", place.display()));
    }

    /// Every regular file below `path` (`""` is the root), relative to it, sorted.
    #[track_caller]
    pub fn files(&self, path: &str) -> Vec<String> {
        let top = self.path(path);
        let mut found = Vec::new();
        collect(&top, &top, &mut found);
        found.sort();
        found
    }
}

/// Folders that a copy leaves out: they are results, not sources.
const RESULTS: [&str; 3] = [".lambuild", "dist", "target"];

#[track_caller]
fn copy_tree(from: &Path, to: &Path) {
    for entry in entries(from) {
        let name = entry.file_name().unwrap_or_default();
        let target = to.join(name);
        if entry.is_dir() && RESULTS.iter().any(|result| name == *result) {
            continue;
        }
        if entry.is_dir() {
            fs::create_dir_all(&target).unwrap_or_else(|e| panic!("{}: {e}", target.display()));
            copy_tree(&entry, &target);
        } else {
            fs::copy(&entry, &target).unwrap_or_else(|e| panic!("{}: {e}", entry.display()));
        }
    }
}

#[track_caller]
fn collect(top: &Path, folder: &Path, found: &mut Vec<String>) {
    for entry in entries(folder) {
        if entry.is_dir() {
            collect(top, &entry, found);
        } else if let Ok(relative) = entry.strip_prefix(top) {
            found.push(relative.to_string_lossy().into_owned());
        }
    }
}

#[track_caller]
fn entries(folder: &Path) -> Vec<PathBuf> {
    let listing = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<_> = listing.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_is_written_edited_and_listed() {
        let workspace = TempWorkspace::with(&[("a/b.txt", "one two"), ("c.txt", "")]);
        workspace.edit("a/b.txt", "two", "three");
        assert_eq!(workspace.read("a/b.txt"), "one three");
        assert_eq!(workspace.files(""), ["a/b.txt", "c.txt"]);
        workspace.remove("a");
        assert_eq!(workspace.files(""), ["c.txt"]);
    }

    #[test]
    #[should_panic(expected = "should hold \"x\" once")]
    fn an_edit_that_changes_nothing_fails() {
        TempWorkspace::with(&[("a", "abc")]).edit("a", "x", "y");
    }

    #[test]
    fn a_copy_leaves_results_behind_and_keeps_modes() {
        use std::os::unix::fs::PermissionsExt;
        let first = TempWorkspace::with(&[
            ("src/run.sh", "#!/bin/sh\n"),
            (".lambuild/out/x.zip", ""),
            ("dist/y", ""),
        ]);
        fs::set_permissions(first.path("src/run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        let copy = TempWorkspace::copy_of(&first.root());
        assert_eq!(copy.files(""), ["src/run.sh"]);
        let mode = fs::metadata(copy.path("src/run.sh"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o755);
    }

    #[test]
    fn a_touch_changes_the_time_and_nothing_else() {
        let workspace = TempWorkspace::with(&[("a", "abc")]);
        let past = SystemTime::UNIX_EPOCH;
        let file = fs::File::options()
            .append(true)
            .open(workspace.path("a"))
            .unwrap();
        file.set_modified(past).unwrap();
        workspace.touch("a");
        assert_ne!(
            fs::metadata(workspace.path("a")).unwrap().modified().unwrap(),
            past
        );
        assert_eq!(workspace.read("a"), "abc");
    }
}
