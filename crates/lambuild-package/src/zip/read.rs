//! What a zip says of itself, through the `zip` crate: a second opinion on
//! what we wrote. Knows no writer and inflates nothing.

use super::ZipError;
use ::zip::ZipArchive;
use std::io::Cursor;

/// What the headers of a zip say of one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The path, as written.
    pub path: String,
    /// The Unix mode with the file type; `None` where the zip has none.
    pub mode: Option<u32>,
    /// Bytes of the content.
    pub size: u64,
    /// Bytes that it takes in the zip, without headers.
    pub compressed: u64,
    /// CRC-32 of the content.
    pub crc32: u32,
}

/// The members of a zip, in its own order.
///
/// # Errors
/// When the bytes are no zip, or one that is cut or damaged in its headers.
pub fn entries(bytes: &[u8]) -> Result<Vec<Entry>, ZipError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(unreadable)?;
    (0..archive.len())
        .map(|index| entry(&mut archive, index).map_err(unreadable))
        .collect()
}

fn entry(archive: &mut ZipArchive<Cursor<&[u8]>>, index: usize) -> Result<Entry, ::zip::result::ZipError> {
    let file = archive.by_index_raw(index)?;
    Ok(Entry {
        path: String::from_utf8_lossy(file.name_raw()).into_owned(),
        mode: file.unix_mode(),
        size: file.size(),
        compressed: file.compressed_size(),
        crc32: file.crc32(),
    })
}

fn unreadable(error: ::zip::result::ZipError) -> ZipError {
    ZipError::Unreadable(error.to_string())
}
