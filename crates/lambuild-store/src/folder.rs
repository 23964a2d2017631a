//! Listing folders in one order on every machine. Decides nothing else.

use std::ffi::OsString;
use std::fs::{self, FileType};
use std::io;
use std::path::Path;

/// The names in a folder with their types (links not followed), sorted by bytes.
///
/// # Errors
/// The system's, when the folder cannot be read.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the sorted listing that everything else uses"
)]
pub fn list(folder: &Path) -> io::Result<Vec<(OsString, FileType)>> {
    let mut names = fs::read_dir(folder)?
        .map(|entry| entry.and_then(|entry| Ok((entry.file_name(), entry.file_type()?))))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(names)
}
