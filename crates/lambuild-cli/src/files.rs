//! The language's view of the workspace's files, over the sources as they are
//! hashed and ignored: what a `lambda.build` reads is a source like any other.

use lambuild_action::{SourceError, SourceKind, Sources};
use lambuild_digest::RelPath;
use lambuild_lang::files::BUILD_FILE;
use lambuild_lang::{FileError, FileKind, Files};
use std::sync::Arc;

/// The sources as the language reads them.
pub struct SourceFiles {
    sources: Arc<dyn Sources>,
}

impl SourceFiles {
    /// Over these sources.
    pub fn new(sources: Arc<dyn Sources>) -> Self {
        SourceFiles { sources }
    }

    /// What a link leads to. One that leads nowhere or out of the workspace counts as a file, so
    /// that who takes it is told why it cannot be taken, and not that nothing is there.
    fn behind(&self, path: &RelPath) -> FileKind {
        if self.sources.file(path).is_err() && self.sources.list(path).is_ok() {
            return FileKind::Dir;
        }
        FileKind::File
    }

    /// Whether a folder above is a link that cannot be followed: what lies there cannot be known, and
    /// counts as a file for the same reason.
    fn is_beyond(&self, path: &RelPath) -> bool {
        let mut above = path.parent();
        while let Some(folder) = above {
            if self.sources.kind(&folder) == Some(SourceKind::Link) {
                return self.sources.list(&folder).is_err() && self.sources.file(&folder).is_err();
            }
            above = folder.parent();
        }
        false
    }

    fn gather(&self, folder: &RelPath, found: &mut Vec<RelPath>) -> Result<(), FileError> {
        for (name, kind) in self.sources.list(folder).map_err(unreadable)?.iter() {
            let path = folder
                .child(name)
                .map_err(|error| FileError::Other(error.to_string()))?;
            match kind {
                SourceKind::Folder => self.gather(&path, found)?,
                _ if &**name == BUILD_FILE => found.push(path),
                _ => {}
            }
        }
        Ok(())
    }
}

fn unreadable(error: SourceError) -> FileError {
    match error {
        SourceError::NotFound(_) => FileError::NotFound,
        SourceError::Unusable { why, .. } | SourceError::Store(why) => FileError::Other(why),
    }
}

impl Files for SourceFiles {
    fn read(&self, path: &RelPath) -> Result<Arc<str>, FileError> {
        let bytes = self.sources.read(path).map_err(unreadable)?;
        std::str::from_utf8(&bytes)
            .map(Arc::from)
            .map_err(|_| FileError::NotUtf8)
    }

    fn kind(&self, path: &RelPath) -> Option<FileKind> {
        match self.sources.kind(path) {
            Some(SourceKind::File) => Some(FileKind::File),
            Some(SourceKind::Folder) => Some(FileKind::Dir),
            Some(SourceKind::Link) => Some(self.behind(path)),
            None => self.is_beyond(path).then_some(FileKind::File),
        }
    }

    fn list(&self, dir: &RelPath) -> Result<Vec<(String, FileKind)>, FileError> {
        let names = self.sources.list(dir).map_err(unreadable)?;
        let known = names.iter().map(|(name, kind)| {
            let kind = match kind {
                SourceKind::File => FileKind::File,
                SourceKind::Folder => FileKind::Dir,
                SourceKind::Link => dir.child(name).map_or(FileKind::File, |path| self.behind(&path)),
            };
            (name.to_string(), kind)
        });
        Ok(known.collect())
    }

    fn build_files(&self) -> Result<Vec<RelPath>, FileError> {
        let mut found = Vec::new();
        self.gather(&RelPath::root(), &mut found)?;
        found.sort();
        Ok(found)
    }
}
