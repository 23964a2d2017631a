//! The files of a workspace as an editor sees them: the texts that are open there over what is on disk,
//! which is read once until someone says that it has changed. Knows no protocol and no disk.

use lambuild_lang::files::BUILD_FILE;
use lambuild_lang::{FileError, FileKind, Files, RelPath};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Files that can be asked from any thread.
pub type SharedFiles = Box<dyn Files + Send + Sync>;

type Listing = Result<Vec<(String, FileKind)>, FileError>;

/// The disk, remembering each answer.
pub struct Remembered {
    disk: SharedFiles,
    texts: Mutex<BTreeMap<RelPath, Result<Arc<str>, FileError>>>,
    kinds: Mutex<BTreeMap<RelPath, Option<FileKind>>>,
    lists: Mutex<BTreeMap<RelPath, Listing>>,
    build_files: Mutex<Option<Result<Vec<RelPath>, FileError>>>,
}

impl Remembered {
    /// Remembers nothing yet.
    pub fn new(disk: SharedFiles) -> Self {
        Remembered {
            disk,
            texts: Mutex::default(),
            kinds: Mutex::default(),
            lists: Mutex::default(),
            build_files: Mutex::default(),
        }
    }
}

/// The answer for a path, asked for once.
fn once<T: Clone>(known: &Mutex<BTreeMap<RelPath, T>>, path: &RelPath, ask: impl FnOnce() -> T) -> T {
    if let Some(answer) = lock(known).get(path) {
        return answer.clone();
    }
    let answer = ask();
    lock(known).insert(path.clone(), answer.clone());
    answer
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Files for Remembered {
    fn read(&self, path: &RelPath) -> Result<Arc<str>, FileError> {
        once(&self.texts, path, || self.disk.read(path))
    }

    fn kind(&self, path: &RelPath) -> Option<FileKind> {
        once(&self.kinds, path, || self.disk.kind(path))
    }

    fn list(&self, dir: &RelPath) -> Listing {
        once(&self.lists, dir, || self.disk.list(dir))
    }

    fn build_files(&self) -> Result<Vec<RelPath>, FileError> {
        lock(&self.build_files)
            .get_or_insert_with(|| self.disk.build_files())
            .clone()
    }
}

/// The files at one moment.
#[derive(Clone)]
pub struct Snapshot {
    /// What is on disk.
    pub disk: Arc<Remembered>,
    /// The texts in the editor.
    pub open: BTreeMap<RelPath, Arc<str>>,
}

impl Snapshot {
    /// Files that are only in the editor so far.
    fn unsaved<'s>(&'s self, dir: &'s RelPath) -> impl Iterator<Item = (String, FileKind)> + 's {
        let below = self.open.keys().filter_map(move |path| path.below(dir));
        below.filter_map(|rest| {
            let mut parts = rest.parts();
            let name = parts.next()?.to_owned();
            let kind = if parts.next().is_some() {
                FileKind::Dir
            } else {
                FileKind::File
            };
            Some((name, kind))
        })
    }
}

impl Files for Snapshot {
    fn read(&self, path: &RelPath) -> Result<Arc<str>, FileError> {
        match self.open.get(path) {
            Some(text) => Ok(text.clone()),
            None => self.disk.read(path),
        }
    }

    fn kind(&self, path: &RelPath) -> Option<FileKind> {
        if self.open.contains_key(path) {
            return Some(FileKind::File);
        }
        let found = self.disk.kind(path);
        found.or_else(|| self.unsaved(path).next().map(|_| FileKind::Dir))
    }

    fn list(&self, dir: &RelPath) -> Listing {
        let unsaved: Vec<_> = self
            .unsaved(dir)
            .filter(|(name, _)| dir.child(name).is_ok_and(|path| self.disk.kind(&path).is_none()))
            .collect();
        let mut names = match self.disk.list(dir) {
            Err(FileError::NotFound) if !unsaved.is_empty() => Vec::new(),
            other => other?,
        };
        names.extend(unsaved);
        names.sort_by(|a, b| a.0.cmp(&b.0));
        names.dedup_by(|a, b| a.0 == b.0);
        Ok(names)
    }

    fn build_files(&self) -> Result<Vec<RelPath>, FileError> {
        let mut files = self.disk.build_files()?;
        // One that is on disk and not listed is ignored there, and stays so.
        let new = self
            .open
            .keys()
            .filter(|path| path.name() == Some(BUILD_FILE) && self.disk.kind(path).is_none());
        files.extend(new.cloned());
        files.sort();
        files.dedup();
        Ok(files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lambuild_lang::MemoryFiles;

    fn path(text: &str) -> RelPath {
        RelPath::new(text).unwrap()
    }

    #[test]
    fn open_texts_lie_over_the_disk() {
        let disk = MemoryFiles::new([("lambda.build", "old"), ("a/x", "")]).unwrap();
        let open = [
            ("lambda.build", "new"),
            ("a/lambda.build", ""),
            ("b/lambda.build", ""),
        ];
        let files = Snapshot {
            disk: Arc::new(Remembered::new(Box::new(disk))),
            open: open.map(|(name, text)| (path(name), text.into())).into(),
        };
        assert_eq!(&*files.read(&path("lambda.build")).unwrap(), "new");
        assert_eq!(files.kind(&path("b")), Some(FileKind::Dir));
        assert_eq!(files.build_files().unwrap().len(), 3);
        let names = |dir: &RelPath| -> Vec<String> {
            files
                .list(dir)
                .unwrap()
                .into_iter()
                .map(|(name, _)| name)
                .collect()
        };
        assert_eq!(names(&path("a")), ["lambda.build", "x"]);
        assert_eq!(names(&path("b")), ["lambda.build"]);
        assert_eq!(names(&RelPath::root()), ["a", "b", "lambda.build"]);
        assert_eq!(files.list(&path("c")), Err(FileError::NotFound));
    }
}
