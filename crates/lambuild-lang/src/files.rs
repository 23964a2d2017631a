//! How the evaluator sees the workspace's files. Knows no disk: the program
//! hands in its own view, the tests hand in [`MemoryFiles`].

use std::collections::BTreeMap;
use std::sync::Arc;

/// A clean path below the workspace's root.
pub use lambuild_digest::RelPath;

/// The name of the file that declares a folder's targets.
pub const BUILD_FILE: &str = "lambda.build";

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file, or a link to one inside the workspace.
    File,
    /// A folder, or a link to one inside the workspace.
    Dir,
}

/// Why a file or a folder could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// Nothing stands there.
    #[error("it does not exist")]
    NotFound,
    /// The text is not UTF-8.
    #[error("it is not UTF-8 text")]
    NotUtf8,
    /// What the system said.
    #[error("{0}")]
    Other(String),
}

/// The files of one workspace; every path is relative to the workspace's root.
pub trait Files {
    /// The text of a file.
    ///
    /// # Errors
    /// When there is none, or it is not UTF-8, or the system refuses.
    fn read(&self, path: &RelPath) -> Result<Arc<str>, FileError>;

    /// What stands at `path`; `None` when nothing does. Follows links that stay inside the workspace.
    fn kind(&self, path: &RelPath) -> Option<FileKind>;

    /// The entries of a folder without the ignored ones, sorted by bytes.
    ///
    /// # Errors
    /// When there is no such folder or the system refuses.
    fn list(&self, dir: &RelPath) -> Result<Vec<(String, FileKind)>, FileError>;

    /// Every [`BUILD_FILE`] at or below the root, ignored folders left out, sorted by bytes.
    ///
    /// # Errors
    /// When the system refuses.
    fn build_files(&self) -> Result<Vec<RelPath>, FileError>;
}

/// Files that are kept in memory; folders are there because files are in them.
#[derive(Debug, Clone, Default)]
pub struct MemoryFiles {
    files: BTreeMap<RelPath, Arc<str>>,
}

impl MemoryFiles {
    /// The files of `(path, text)` pairs.
    ///
    /// # Errors
    /// When a path is not a clean relative one.
    pub fn new<'t>(
        files: impl IntoIterator<Item = (&'t str, &'t str)>,
    ) -> Result<Self, lambuild_digest::path::PathError> {
        let files = files
            .into_iter()
            .map(|(path, text)| Ok((RelPath::new(path)?, Arc::from(text))));
        Ok(MemoryFiles {
            files: files.collect::<Result<_, _>>()?,
        })
    }

    /// The files at or below `dir`, relative to it; in the order of bytes they stand together.
    fn below(&self, dir: &RelPath) -> impl Iterator<Item = RelPath> {
        let near = self.files.range(dir.clone()..).map(|(file, _)| file);
        let near = near.take_while(move |file| file.as_str().starts_with(dir.as_str()));
        near.filter_map(move |file| file.below(dir))
    }

    /// Adds or replaces a file.
    pub fn insert(&mut self, path: RelPath, text: &str) {
        self.files.insert(path, Arc::from(text));
    }
}

impl Files for MemoryFiles {
    fn read(&self, path: &RelPath) -> Result<Arc<str>, FileError> {
        self.files.get(path).cloned().ok_or(FileError::NotFound)
    }

    fn kind(&self, path: &RelPath) -> Option<FileKind> {
        if self.files.contains_key(path) {
            return Some(FileKind::File);
        }
        let inside = self.below(path).next().is_some();
        (inside || path.is_root()).then_some(FileKind::Dir)
    }

    fn list(&self, dir: &RelPath) -> Result<Vec<(String, FileKind)>, FileError> {
        if self.kind(dir) != Some(FileKind::Dir) {
            return Err(FileError::NotFound);
        }
        let mut entries = BTreeMap::new();
        for rest in self.below(dir) {
            let mut parts = rest.parts();
            if let Some(name) = parts.next() {
                let kind = if parts.next().is_some() {
                    FileKind::Dir
                } else {
                    FileKind::File
                };
                entries.insert(name.to_owned(), kind);
            }
        }
        Ok(entries.into_iter().collect())
    }

    fn build_files(&self) -> Result<Vec<RelPath>, FileError> {
        Ok(self
            .files
            .keys()
            .filter(|file| file.name() == Some(BUILD_FILE))
            .cloned()
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_come_from_files_and_lists_are_sorted() {
        let files = MemoryFiles::new([
            ("b/x/1", ""),
            ("b/a", ""),
            ("lambda.build", ""),
            ("b/lambda.build", ""),
        ])
        .unwrap();
        let b = RelPath::new("b").unwrap();
        assert_eq!(files.kind(&b), Some(FileKind::Dir));
        let names: Vec<_> = files
            .list(&b)
            .unwrap()
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["a", "lambda.build", "x"]);
        assert_eq!(
            files.list(&RelPath::new("b/a").unwrap()),
            Err(FileError::NotFound)
        );
        assert_eq!(files.build_files().unwrap().len(), 2);
    }
}
