//! The workspace on a disk, for the runs that start as a process of their own.

use lambuild_digest::RelPath;
use lambuild_lang::{FileError, FileKind, Files};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub struct Disk(pub PathBuf);

impl Disk {
    fn at(&self, path: &RelPath) -> PathBuf {
        self.0.join(path.as_str())
    }

    fn collect(&self, dir: &RelPath, found: &mut Vec<RelPath>) -> Result<(), FileError> {
        for (name, kind) in self.list(dir)? {
            let path = dir
                .child(&name)
                .map_err(|why| FileError::Other(why.to_string()))?;
            match kind {
                FileKind::Dir => self.collect(&path, found)?,
                FileKind::File if name == "lambda.build" => found.push(path),
                FileKind::File => {}
            }
        }
        Ok(())
    }
}

impl Files for Disk {
    fn read(&self, path: &RelPath) -> Result<Arc<str>, FileError> {
        let text = fs::read_to_string(self.at(path)).map_err(other)?;
        Ok(Arc::from(text))
    }

    fn kind(&self, path: &RelPath) -> Option<FileKind> {
        let found = fs::metadata(self.at(path)).ok()?;
        Some(kind_of(found.is_dir()))
    }

    fn list(&self, dir: &RelPath) -> Result<Vec<(String, FileKind)>, FileError> {
        sorted(&self.at(dir)).map_err(other)
    }

    fn build_files(&self) -> Result<Vec<RelPath>, FileError> {
        let mut found = Vec::new();
        self.collect(&RelPath::root(), &mut found)?;
        found.sort_unstable();
        Ok(found)
    }
}

#[expect(clippy::disallowed_methods, reason = "the entries are sorted here")]
fn sorted(dir: &Path) -> std::io::Result<Vec<(String, FileKind)>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        entries.push((name, kind_of(entry.file_type()?.is_dir())));
    }
    entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    Ok(entries)
}

fn kind_of(is_dir: bool) -> FileKind {
    if is_dir { FileKind::Dir } else { FileKind::File }
}

fn other(why: std::io::Error) -> FileError {
    FileError::Other(why.to_string())
}
