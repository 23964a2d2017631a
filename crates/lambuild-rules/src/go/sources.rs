//! What the Go rules see of files: names and bytes, nothing else. Knows
//! neither where they lie nor what may be done with them.

use std::sync::Arc;

use lambuild_digest::RelPath;

/// What a name in a folder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Dir,
    /// A symbolic link, to whatever.
    Link,
}

/// A tree of files: the workspace, or one fetched module. The callers implement it over snapshots and folders.
pub trait GoFiles {
    /// The names in a folder, in any order; `None` where there is no such folder.
    fn list(&self, dir: &RelPath) -> Option<Vec<(String, Kind)>>;

    /// The bytes of a file; a link is followed.
    ///
    /// # Errors
    /// Why it cannot be read, as a sentence for people.
    fn read(&self, file: &RelPath) -> Result<Arc<[u8]>, String>;
}

/// What stands at `path`, itself, no link followed; `None` for nothing and for the root.
pub fn kind_of(files: &dyn GoFiles, path: &RelPath) -> Option<Kind> {
    let entries = files.list(&path.parent()?)?;
    let name = path.name()?;
    entries
        .iter()
        .find(|(entry, _)| entry == name)
        .map(|(_, kind)| *kind)
}

/// Whether a folder holds a `go.mod`, that is, begins a module of its own.
pub fn begins_module(files: &dyn GoFiles, dir: &RelPath) -> bool {
    files.list(dir).is_some_and(|entries| {
        entries
            .iter()
            .any(|(name, kind)| name == "go.mod" && *kind != Kind::Dir)
    })
}
