//! The bytes of a tar: POSIX ustar, with a pax header only for what ustar cannot say.
//! One time, one owner, modes by role, entries sorted by bytes; nothing else gets in.

use lambuild_digest::RelPath;

/// Raised when the same members give other bytes.
pub const VERSION: u32 = 1;
/// Seconds since 1970 of 1980-01-01, as in our zips.
const TIME: u64 = 315_532_800;
const BLOCK: usize = 512;
/// What the size field holds in its eleven octal digits.
const MOST_SIZE: u64 = 0o77_777_777_777;
const LINK: u8 = b'2';
const FOLDER: u8 = b'5';
const PAX: u8 = b'x';

/// One entry.
#[derive(Debug, Clone)]
pub struct Member<'b> {
    /// Where.
    pub path: RelPath,
    /// What.
    pub kind: Kind<'b>,
}

/// What an entry is.
#[derive(Debug, Clone)]
pub enum Kind<'b> {
    /// A file, and whether it may be executed.
    File(&'b [u8], bool),
    /// A link with its target.
    Symlink(String),
    /// An empty folder; others follow from what is in them.
    Folder,
}

/// The tar of these members.
pub fn assemble(members: &[Member<'_>]) -> Vec<u8> {
    let mut sorted: Vec<&Member<'_>> = members.iter().collect();
    sorted.sort_by(|a, b| a.path.as_str().cmp(b.path.as_str()));
    let mut tar = Vec::new();
    for member in sorted {
        entry(member, &mut tar);
    }
    // Two empty blocks are the end.
    tar.resize(tar.len() + 2 * BLOCK, 0);
    tar
}

fn entry(member: &Member<'_>, tar: &mut Vec<u8>) {
    let (mode, kind, target, bytes): (u64, u8, &str, &[u8]) = match &member.kind {
        Kind::File(bytes, executable) => (if *executable { 0o755 } else { 0o644 }, b'0', "", bytes),
        Kind::Symlink(target) => (0o777, LINK, target, b""),
        Kind::Folder => (0o755, FOLDER, "", b""),
    };
    let slash = if kind == FOLDER { "/" } else { "" };
    let path = format!("{}{slash}", member.path.as_str());
    let split = split(&path);
    let size = bytes.len() as u64;
    let mut records = String::new();
    if split.is_none() {
        record("path", &path, &mut records);
    }
    if !(target.is_ascii() && target.len() <= 100) {
        record("linkpath", target, &mut records);
    }
    if size > MOST_SIZE {
        record("size", &size.to_string(), &mut records);
    }
    if !records.is_empty() {
        let header = Header {
            name: "pax",
            mode: 0o644,
            size: records.len() as u64,
            kind: PAX,
            ..Header::default()
        };
        put(&header, records.as_bytes(), tar);
    }
    let (prefix, name) = split.unwrap_or(("", &path));
    let header = Header {
        name,
        prefix,
        mode,
        size: size.min(MOST_SIZE),
        kind,
        target,
    };
    put(&header, bytes, tar);
}

/// A path as ustar has it: up to 155 bytes, a slash, up to 100 bytes; ASCII only, since
/// ustar has no other letters.
fn split(path: &str) -> Option<(&str, &str)> {
    if !path.is_ascii() {
        return None;
    }
    if path.len() <= 100 {
        return Some(("", path));
    }
    let mut slashes = path.match_indices('/').map(|(at, _)| at);
    // The first slash behind which the rest fits.
    let at = slashes.find(|at| path.len() - at - 1 <= 100)?;
    let (prefix, name) = (path.get(..at)?, path.get(at + 1..)?);
    (at <= 155 && at > 0 && !name.is_empty()).then_some((prefix, name))
}

/// `LENGTH KEY=VALUE\n`, where the length counts itself.
fn record(key: &str, value: &str, records: &mut String) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length += 1;
    }
    records.push_str(&format!("{length} {key}={value}\n"));
}

#[derive(Default)]
struct Header<'h> {
    name: &'h str,
    prefix: &'h str,
    mode: u64,
    size: u64,
    kind: u8,
    target: &'h str,
}

fn put(header: &Header<'_>, bytes: &[u8], tar: &mut Vec<u8>) {
    let start = tar.len();
    field(header.name, 100, tar);
    number(header.mode, 8, tar);
    number(0, 8, tar);
    number(0, 8, tar);
    number(header.size, 12, tar);
    number(TIME, 12, tar);
    tar.extend([b' '; 8]);
    tar.push(header.kind);
    field(header.target, 100, tar);
    tar.extend(b"ustar\x0000");
    tar.resize(start + 329, 0);
    number(0, 8, tar);
    number(0, 8, tar);
    field(header.prefix, 155, tar);
    tar.resize(start + BLOCK, 0);
    // The sum of all bytes, with spaces in its own place.
    let sum: u64 = tar.iter().skip(start).map(|byte| u64::from(*byte)).sum();
    let digits = format!("{sum:06o}\0 ");
    for (to, digit) in tar.iter_mut().skip(start + 148).zip(digits.bytes()) {
        *to = digit;
    }
    tar.extend(bytes);
    tar.resize(tar.len().next_multiple_of(BLOCK), 0);
}

/// A text in a field of this size. What is too long for it stands in a pax header, too.
fn field(text: &str, size: usize, tar: &mut Vec<u8>) {
    let end = tar.len() + size;
    tar.extend(text.bytes().take(size));
    tar.resize(end, 0);
}

/// Octal digits and a zero byte.
fn number(value: u64, size: usize, tar: &mut Vec<u8>) {
    let digits = format!("{value:0width$o}\0", width = size - 1);
    tar.extend(digits.bytes());
}

/// `tar` as one gzip member without name and time.
pub fn gzip(tar: &[u8]) -> Vec<u8> {
    let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
    let mut packed = vec![0; compressor.gzip_compress_bound(tar.len())];
    // The buffer is as large as the library says that it can ever be.
    let length = compressor.gzip_compress(tar, &mut packed).unwrap_or(0);
    packed.truncate(length);
    packed
}

#[cfg(test)]
mod tests;
