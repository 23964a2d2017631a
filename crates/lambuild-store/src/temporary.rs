//! Temporary files and folders beside the place where they will stand. Decides
//! how a failure is told; knows nothing of what is written.

use lambuild_action::StoreError;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use tempfile::{Builder, NamedTempFile, TempDir};

/// A new empty file in a folder; it is removed when dropped.
///
/// # Errors
/// When it cannot be made; the error names the folder.
pub fn file(folder: &Path) -> Result<NamedTempFile, StoreError> {
    NamedTempFile::new_in(folder)
        .map_err(plain)
        .map_err(StoreError::io("create a file in", folder))
}

/// A new empty file in a folder's file system, without a name.
///
/// # Errors
/// When it cannot be made; the error names the folder.
pub fn unnamed(folder: &Path) -> Result<File, StoreError> {
    tempfile::tempfile_in(folder)
        .map_err(plain)
        .map_err(StoreError::io("create a file in", folder))
}

/// A new empty folder in a folder; it is removed when dropped. Its name begins with `prefix`.
///
/// # Errors
/// When it cannot be made; the error names the outer folder.
pub fn folder(prefix: &str, folder: &Path) -> Result<TempDir, StoreError> {
    let made = Builder::new().prefix(prefix).tempdir_in(folder);
    made.map_err(plain)
        .map_err(StoreError::io("create a folder in", folder))
}

/// Writes all of `bytes` to a temporary file.
///
/// # Errors
/// The system's.
pub fn write(file: &mut NamedTempFile, bytes: &[u8]) -> io::Result<()> {
    file.as_file_mut().write_all(bytes)
}

/// An error without the random path that the crate behind this puts at its end: a
/// person can do nothing with that, and it would differ from run to run.
fn plain(error: io::Error) -> io::Error {
    match error.to_string().rsplit_once(" at path \"") {
        Some((said, _)) => io::Error::new(error.kind(), said),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_folder_and_no_random_name() {
        let missing = Path::new("/nowhere/at/all");
        let said = "cannot create a file in /nowhere/at/all: No such file or directory (os error 2)";
        assert_eq!(file(missing).unwrap_err().to_string(), said);
        assert_eq!(unnamed(missing).unwrap_err().to_string(), said);
        let said = "cannot create a folder in /nowhere/at/all: No such file or directory (os error 2)";
        assert_eq!(folder("w", missing).unwrap_err().to_string(), said);
    }
}
