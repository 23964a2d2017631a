//! How a compile cache grows: what a successful action wrote beside it is moved in. Knows no
//! compiler; entries are files two folders deep at most, and are believed by the compiler only
//! under names that hold their content's or inputs' hash.

pub mod entries;

use crate::folder;
use std::fs;
use std::io;
use std::path::Path;

/// Moves every regular file below `upper` to the same place below `lower`; what is no file (the
/// kernel's mark for a deleted one, a link) stays behind.
///
/// # Errors
/// The system's; what was moved before stays moved.
pub fn promote(upper: &Path, lower: &Path) -> io::Result<()> {
    for (name, kind) in folder::list(upper)? {
        let (from, to) = (upper.join(&name), lower.join(&name));
        if kind.is_file() {
            fs::rename(from, to)?;
        } else if kind.is_dir() {
            let shard = folder::list(&from)?;
            if !shard.is_empty() {
                fs::create_dir_all(&to)?;
            }
            for (name, kind) in shard {
                if kind.is_file() {
                    fs::rename(from.join(&name), to.join(&name))?;
                }
            }
        }
    }
    Ok(())
}
