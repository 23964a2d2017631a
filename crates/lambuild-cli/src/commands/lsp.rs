//! `lambuild lsp`: the language server, on this machine's files and with this program's tables. Only
//! reads: no store is opened, nothing is hashed.

use crate::args::{Common, Lsp};
use crate::environment::Environment;
use crate::exit;
use crate::files::SourceFiles;
use crate::rules::{Tables, exec, rules, this_platform};
use lambuild_digest::DigestFunction;
use lambuild_lang::{FileError, FileKind, Files, MemoryFiles, Options, RelPath};
use lambuild_lsp::{Host, SharedFiles, serve};
use lambuild_store::{DiskStore, SourceTree};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Runs the command until the editor ends the session.
///
/// # Errors
/// The exit code: 1 when the editor went away without saying so.
pub fn run(_: &Lsp, common: &Common, environment: &Environment) -> Result<(), u8> {
    let tables = Tables::of(&rules(environment, &Arc::default(), this_platform()));
    let options = Options {
        params: common.params.iter().cloned().collect(),
        exec: Some(exec()),
        ..Options::default()
    };
    let input = io::BufReader::new(io::stdin());
    let output = io::BufWriter::new(io::stdout());
    if serve(input, output, &Machine, &tables.schemas(), &options) {
        Ok(())
    } else {
        Err(exit::FAILED)
    }
}

/// This machine's files.
struct Machine;

impl Host for Machine {
    fn text(&self, file: &Path) -> Option<String> {
        let text = || fs::read_to_string(file).ok();
        file.is_file().then(text).flatten()
    }

    fn real(&self, path: &Path) -> Option<PathBuf> {
        fs::canonicalize(path).ok()
    }

    fn files(&self, root: &Path) -> SharedFiles {
        let nowhere = Arc::new(DiskStore::nowhere(DigestFunction::Blake3));
        let Ok(tree) = SourceTree::open(root, nowhere, None) else {
            // The folder is gone; who asks next is told that nothing is there.
            return Box::new(MemoryFiles::default());
        };
        Box::new(Unhashed {
            names: SourceFiles::new(Arc::new(tree)),
            root: root.to_owned(),
        })
    }
}

/// The workspace's files with the names that a build sees, but read without being hashed and kept.
struct Unhashed {
    names: SourceFiles,
    root: PathBuf,
}

impl Files for Unhashed {
    fn read(&self, path: &RelPath) -> Result<Arc<str>, FileError> {
        let real = fs::canonicalize(self.root.join(path.as_str())).map_err(|error| unreadable(&error))?;
        if !real.starts_with(&self.root) {
            return Err(FileError::Other("it is a link out of the workspace".to_owned()));
        }
        if !real.is_file() {
            return Err(FileError::Other("it is not a regular file".to_owned()));
        }
        let text = fs::read_to_string(real).map_err(|error| unreadable(&error))?;
        Ok(text.into())
    }

    fn kind(&self, path: &RelPath) -> Option<FileKind> {
        self.names.kind(path)
    }

    fn list(&self, dir: &RelPath) -> Result<Vec<(String, FileKind)>, FileError> {
        self.names.list(dir)
    }

    fn build_files(&self) -> Result<Vec<RelPath>, FileError> {
        self.names.build_files()
    }
}

fn unreadable(error: &io::Error) -> FileError {
    match error.kind() {
        io::ErrorKind::NotFound => FileError::NotFound,
        io::ErrorKind::InvalidData => FileError::NotUtf8,
        _ => FileError::Other(error.to_string()),
    }
}
