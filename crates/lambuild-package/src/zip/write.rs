//! Headers, order and limits of a zip (PKWARE's APPNOTE 6.3, sections 4.3 and
//! 4.4). Knows no compressor.

use super::{Compressed, Member, MemberKind, Method, ZipError};
use lambuild_digest::RelPath;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// 1980-01-01 00:00:00, the first moment that a zip can name. Every member has
/// it, since a real time would differ between two builds of one commit.
const DOS_DATE: u16 = 0x0021;
const DOS_TIME: u16 = 0;
/// Deflate and folders need version 2.0 (APPNOTE 4.4.3); said of every member.
const VERSION_NEEDED: u16 = 20;
/// Unix in the high byte (APPNOTE 4.4.2): only then readers take the mode.
const MADE_BY_UNIX: u16 = (3 << 8) | VERSION_NEEDED;
/// Bit 11: the name is UTF-8 (APPNOTE 4.4.4).
const UTF8: u16 = 1 << 11;
const FILE: u32 = 0o100_644;
const EXECUTABLE: u32 = 0o100_755;
const SYMLINK: u32 = 0o120_777;
/// All ones in a count or a size says "see the zip64 record" (APPNOTE 4.4.1.4),
/// which we never write: no zip that Lambda takes comes near.
const COUNT_MAX: usize = u16::MAX as usize - 1;
const SIZE_MAX: u64 = u32::MAX as u64 - 1;

/// Assembles members, given in any order, into a zip.
///
/// Memory: the members and one buffer for the result.
///
/// # Errors
/// When two members cannot both be there, a member cannot be named, or the
/// result would be over a limit of the classic (not zip64) format.
pub fn assemble(members: &[Member]) -> Result<Vec<u8>, ZipError> {
    let sorted = sorted(members)?;
    let mut out = Vec::with_capacity(room(&sorted)?);
    let mut directory = Vec::new();
    for (path, member) in &sorted {
        let record = Record::new(path, member, out.len())?;
        record.write_local(&mut out);
        record.write_central(&mut directory);
    }
    finish(out, &directory, sorted.len())
}

/// The members by the bytes of their paths, after every rule about two of them.
fn sorted(members: &[Member]) -> Result<BTreeMap<&RelPath, &MemberKind>, ZipError> {
    let mut sorted = BTreeMap::new();
    let mut folded = BTreeMap::new();
    for Member { path, kind } in members {
        if sorted.insert(path, kind).is_some() {
            return Err(ZipError::Duplicate(path.clone()));
        }
        if let Some(other) = folded.insert(fold(path), path) {
            let (a, b) = if other < path {
                (other, path)
            } else {
                (path, other)
            };
            return Err(ZipError::SameFolded(a.clone(), b.clone()));
        }
    }
    check_folders(&sorted)?;
    match sorted.len() {
        0 => Err(ZipError::Empty),
        count if count > COUNT_MAX => Err(ZipError::TooMany {
            count,
            limit: COUNT_MAX,
        }),
        _ => Ok(sorted),
    }
}

fn fold(path: &RelPath) -> String {
    path.as_str().chars().flat_map(char::to_lowercase).collect()
}

fn check_folders(sorted: &BTreeMap<&RelPath, &MemberKind>) -> Result<(), ZipError> {
    for path in sorted.keys() {
        let mut above = path.parent().ok_or(ZipError::NoName)?;
        while let Some(next) = above.parent() {
            if sorted.contains_key(&above) {
                return Err(ZipError::FileAsFolder {
                    file: above,
                    below: (*path).clone(),
                });
            }
            above = next;
        }
    }
    Ok(())
}

/// The size of the result, an upper bound, within what the format can name.
fn room(sorted: &BTreeMap<&RelPath, &MemberKind>) -> Result<usize, ZipError> {
    let headers = |path: &RelPath| 30 + 46 + 2 * path.as_str().len() as u64;
    let size = sorted.iter().fold(22u64, |sum, (path, kind)| {
        sum.saturating_add(headers(path)).saturating_add(match kind {
            MemberKind::File { content, .. } => content.data.len() as u64,
            MemberKind::Symlink { target } => target.len() as u64,
        })
    });
    check_size(|| "the zip".to_owned(), size)?;
    usize::try_from(size).map_err(|_| ZipError::TooBig {
        what: "the zip".to_owned(),
        size,
        limit: SIZE_MAX,
    })
}

fn check_size(what: impl FnOnce() -> String, size: u64) -> Result<u32, ZipError> {
    match u32::try_from(size) {
        Ok(small) if size <= SIZE_MAX => Ok(small),
        _ => Err(ZipError::TooBig {
            what: what(),
            size,
            limit: SIZE_MAX,
        }),
    }
}

/// Everything that the two headers of a member say.
struct Record<'a> {
    name: &'a str,
    name_len: u16,
    mode: u32,
    size: u32,
    compressed: u32,
    offset: u32,
    content: Cow<'a, Compressed>,
}

impl<'a> Record<'a> {
    fn new(path: &'a RelPath, kind: &'a MemberKind, offset: usize) -> Result<Self, ZipError> {
        let (mode, content) = match kind {
            MemberKind::File {
                executable: true,
                content,
            } => (EXECUTABLE, Cow::Borrowed(content)),
            MemberKind::File {
                executable: false,
                content,
            } => (FILE, Cow::Borrowed(content)),
            MemberKind::Symlink { target } if target.is_empty() => {
                return Err(ZipError::EmptyLink(path.clone()));
            }
            MemberKind::Symlink { target } => (SYMLINK, Cow::Owned(Compressed::stored(target.as_bytes()))),
        };
        Ok(Record {
            name: path.as_str(),
            name_len: name_length(path)?,
            mode,
            size: check_size(|| format!("`{path}`"), content.size)?,
            compressed: check_size(|| format!("`{path}`, compressed,"), content.data.len() as u64)?,
            offset: check_size(|| "the zip".to_owned(), offset as u64)?,
            content,
        })
    }

    /// The part that both headers share: from "version needed" to the length of the extra field.
    fn write_shared(&self, out: &mut Vec<u8>) {
        let flags = if self.name.is_ascii() { 0 } else { UTF8 };
        let method = match self.content.method {
            Method::Stored => 0u16,
            Method::Deflated => 8,
        };
        put16(out, &[VERSION_NEEDED, flags, method, DOS_TIME, DOS_DATE]);
        put32(out, &[self.content.crc32, self.compressed, self.size]);
        put16(out, &[self.name_len, 0]);
    }

    /// APPNOTE 4.3.7, then the member's bytes.
    fn write_local(&self, out: &mut Vec<u8>) {
        put32(out, &[0x0403_4b50]);
        self.write_shared(out);
        out.extend_from_slice(self.name.as_bytes());
        out.extend_from_slice(&self.content.data);
    }

    /// APPNOTE 4.3.12: no comment, first disk, no internal attributes; the
    /// mode in the high half of the external ones.
    fn write_central(&self, out: &mut Vec<u8>) {
        put32(out, &[0x0201_4b50]);
        put16(out, &[MADE_BY_UNIX]);
        self.write_shared(out);
        put16(out, &[0, 0, 0]);
        put32(out, &[self.mode << 16, self.offset]);
        out.extend_from_slice(self.name.as_bytes());
    }
}

fn name_length(path: &RelPath) -> Result<u16, ZipError> {
    let name = path.as_str();
    let start = || name.chars().take(60).collect();
    u16::try_from(name.len()).map_err(|_| ZipError::LongPath {
        start: start(),
        size: name.len(),
    })
}

/// APPNOTE 4.3.16: the end of the central directory, on one disk, without a comment.
fn finish(mut out: Vec<u8>, directory: &[u8], count: usize) -> Result<Vec<u8>, ZipError> {
    let offset = check_size(|| "the zip".to_owned(), out.len() as u64)?;
    let length = check_size(|| "the zip's directory".to_owned(), directory.len() as u64)?;
    let count = u16::try_from(count).map_err(|_| ZipError::TooMany {
        count,
        limit: COUNT_MAX,
    })?;
    out.extend_from_slice(directory);
    put32(&mut out, &[0x0605_4b50]);
    put16(&mut out, &[0, 0, count, count]);
    put32(&mut out, &[length, offset]);
    put16(&mut out, &[0]);
    Ok(out)
}

fn put16(out: &mut Vec<u8>, values: &[u16]) {
    values
        .iter()
        .for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
}

fn put32(out: &mut Vec<u8>, values: &[u32]) {
    values
        .iter()
        .for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
}

#[cfg(test)]
mod tests;
