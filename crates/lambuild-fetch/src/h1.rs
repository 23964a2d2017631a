//! The `h1:` hash of a Go module's archive. Knows the archive's names and bytes,
//! not what is in them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use zip::ZipArchive;

use crate::error::FetchError;

/// The hash that `go.sum` and the checksum database have for an archive. Blocks: it reads all of it.
/// Source: `dirhash.HashZip` of Go 1.26.
///
/// # Errors
/// A file that is not a ZIP archive or whose content unpacks to more than `limit` bytes.
pub fn hash_zip(path: &Path, limit: u64) -> Result<String, FetchError> {
    let bad = |why: String| FetchError::Archive {
        path: path.to_owned(),
        why,
    };
    let mut archive = open(path)?;
    let (mut sums, mut left) = (BTreeMap::new(), limit);
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|error| bad(error.to_string()))?;
        let name =
            String::from_utf8(entry.name_raw().to_vec()).map_err(|_| bad("a name is not UTF-8".into()))?;
        let (sum, size) = hash(&mut entry, left).map_err(|error| bad(format!("`{name}`: {error}")))?;
        left = left
            .checked_sub(size)
            .ok_or_else(|| bad(format!("it unpacks to more than {limit} bytes")))?;
        if let Some(_twice) = sums.insert(name.clone(), sum) {
            return Err(bad(format!("`{name}` is in it twice")));
        }
    }
    Ok(combine(&sums))
}

pub(crate) fn open(path: &Path) -> Result<ZipArchive<File>, FetchError> {
    let file = File::open(path).map_err(FetchError::disk(path, "read"))?;
    ZipArchive::new(file).map_err(|error| FetchError::Archive {
        path: path.to_owned(),
        why: error.to_string(),
    })
}

/// The SHA-256 of at most one byte more than `limit`, and how many bytes that were.
fn hash(entry: &mut impl Read, limit: u64) -> std::io::Result<(String, u64)> {
    let mut reader = entry.take(limit.saturating_add(1));
    let (mut hasher, mut size, mut buffer) = (Sha256::new(), 0u64, vec![0; 64 * 1024]);
    loop {
        let count = reader.read(&mut buffer)?;
        if count == 0 {
            return Ok((
                hasher
                    .finalize()
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect(),
                size,
            ));
        }
        hasher.update(buffer.get(..count).unwrap_or_default());
        size = size.saturating_add(count as u64);
    }
}

/// One line for each file, sorted by name: the hash in hex, two blanks, the name.
fn combine(sums: &BTreeMap<String, String>) -> String {
    let lines: String = sums
        .iter()
        .map(|(name, sum)| format!("{sum}  {name}\n"))
        .collect();
    format!("h1:{}", STANDARD.encode(Sha256::digest(lines)))
}
