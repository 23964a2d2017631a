//! ZIP, strictly: the directory at the end and the headers before the contents must agree, and
//! together fill the file without gap or overlap, so that no reader can see another archive in
//! the same bytes. Sections are those of APPNOTE 6.3.10.

use super::limits::Limits;
use super::names::{Kind, Names, shown, target};
use super::{ArchiveError, Item};
use lambuild_digest::RelPath;

mod directory;
mod field;

use directory::{Central, directory};
use field::{Fields, at};

/// Entries that are stored as they are, and those that are deflated (4.4.5).
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// What a flag says (4.4.4).
const ENCRYPTED: u16 = 1 << 0;
const DESCRIPTOR: u16 = 1 << 3;
const UTF8: u16 = 1 << 11;
/// Bits that say how hard the compressor tried, that sizes follow the content, and that names are UTF-8.
const HARMLESS: u16 = 0b110 | DESCRIPTOR | UTF8;

/// The kind in a Unix mode.
const KIND: u32 = 0o170_000;
const FOLDER: u32 = 0o040_000;
const FILE: u32 = 0o100_000;
const LINK: u32 = 0o120_000;

/// Reads a zip; see [`super::read`].
pub fn read<E>(
    bytes: &[u8],
    limits: &Limits,
    take: &mut dyn FnMut(&RelPath, Item) -> Result<(), E>,
) -> Result<(), ArchiveError<E>> {
    let refused = ArchiveError::Refused;
    let (entries, end) = directory(bytes, limits).map_err(refused)?;
    let spans = spans(bytes, &entries, end).map_err(refused)?;
    let total = entries
        .iter()
        .map(|entry| entry.size)
        .fold(0, u64::saturating_add);
    let most = limits.unpacked(bytes.len() as u64);
    if total > most {
        return Err(refused(format!(
            "it unpacks to {total} bytes, more than the {most} that it may"
        )));
    }
    let mut names = Names::new(limits);
    let mut left = Vec::new();
    for (entry, packed) in entries.iter().zip(spans) {
        let what = kind_of(entry).map_err(refused)?;
        let content =
            inflate(entry, packed).map_err(|why| refused(format!("`{}`: {why}", shown(&entry.name))))?;
        let (path, item) = item(entry, what, content, &mut names).map_err(refused)?;
        match item {
            // Links are judged when all names are known.
            Item::Link { .. } => left.push((path, item)),
            item => take(&path, item).map_err(ArchiveError::Taker)?,
        }
    }
    names.judge_links().map_err(refused)?;
    left.into_iter()
        .try_for_each(|(path, item)| take(&path, item).map_err(ArchiveError::Taker))
}

/// What an entry is, by its mode and its name, which must agree.
fn kind_of(entry: &Central) -> Result<u32, String> {
    let name = shown(&entry.name);
    let folder = entry.name.ends_with('/');
    let kind = match entry.mode.map(|mode| mode & KIND) {
        None | Some(0) if folder => FOLDER,
        None | Some(0) => FILE,
        Some(kind) => kind,
    };
    match kind {
        FOLDER if folder && entry.size == 0 => Ok(FOLDER),
        FILE | LINK if !folder => Ok(kind),
        FOLDER | FILE | LINK => Err(format!(
            "`{name}` is a folder by its mode or its name, and not by the other"
        )),
        _ => Err(format!("`{name}` is neither a file nor a folder nor a link")),
    }
}

fn item(
    entry: &Central,
    kind: u32,
    content: Vec<u8>,
    names: &mut Names<'_>,
) -> Result<(RelPath, Item), String> {
    let name = entry.name.strip_suffix('/').unwrap_or(&entry.name);
    let written = match kind {
        LINK => Some(
            String::from_utf8(content.clone())
                .map_err(|_| format!("the link `{}` leads to no UTF-8 name", shown(name)))?,
        ),
        _ => None,
    };
    let path = names.add(name, |path| {
        Ok(match (&written, kind) {
            (Some(written), _) => Kind::Link(target(path, written)?),
            (None, FOLDER) => Kind::Folder,
            _ => Kind::File,
        })
    })?;
    let path = path.ok_or_else(|| "an entry has no name".to_owned())?;
    let item = match (written, kind) {
        (Some(target), _) => Item::Link { target },
        (None, FOLDER) => Item::Folder,
        _ => Item::File {
            executable: entry.mode.is_some_and(|mode| mode & 0o111 != 0),
            content,
        },
    };
    Ok((path, item))
}

/// The packed content of each entry, in the order of the directory. Sorted by place, headers, contents and what follows
/// them must fill the file up to the directory.
fn spans<'b>(bytes: &'b [u8], entries: &[Central], end: u64) -> Result<Vec<&'b [u8]>, String> {
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by_key(|index| entries[*index].offset);
    let mut spans: Vec<&[u8]> = vec![&[]; entries.len()];
    let mut place = 0;
    for (nth, index) in order.iter().enumerate() {
        let entry = &entries[*index];
        let name = shown(&entry.name);
        if entry.offset != place {
            return Err(format!("there is a gap or an overlap before `{name}`"));
        }
        let next = order.get(nth + 1).map_or(end, |next| entries[*next].offset);
        let (packed, after) = local(bytes, entry).map_err(|why| format!("`{name}`: {why}"))?;
        let rest = next
            .checked_sub(after)
            .ok_or_else(|| format!("`{name}` overlaps what follows it"))?;
        descriptor(at(bytes, after, rest), entry).map_err(|why| format!("`{name}`: {why}"))?;
        spans[*index] = packed;
        place = next;
    }
    match place == end {
        true => Ok(spans),
        false => Err("there are bytes before its first entry or behind its last".to_owned()),
    }
}

/// The header before the content (4.3.7), which must say what the directory says; the content, and where it ends.
fn local<'b>(bytes: &'b [u8], entry: &Central) -> Result<(&'b [u8], u64), String> {
    let different = |what: &str| Err(format!("its two headers differ in its {what}"));
    let mut header = Fields::new(at(bytes, entry.offset, LOCAL));
    if header.u32()? != 0x0403_4b50 {
        return Err("there is no header where the directory says".to_owned());
    }
    let _version_needed = header.u16()?;
    if header.u16()? != entry.flags {
        return different("flags");
    }
    if header.u16()? != entry.method {
        return different("method");
    }
    let _time_and_date = header.u32()?;
    let (crc, packed, size) = (header.u32()?, header.u32()?, header.u32()?);
    let (name_length, extra_length) = (u64::from(header.u16()?), u64::from(header.u16()?));
    let name = at(bytes, entry.offset + LOCAL, name_length);
    if name != Some(entry.name.as_bytes()) {
        return different("name");
    }
    let extra = at(bytes, entry.offset + LOCAL + name_length, extra_length);
    let sizes = directory::extra(
        extra.ok_or("it is cut off")?,
        &entry.name,
        u64::from(size),
        u64::from(packed),
        None,
    )?;
    let deferred = entry.flags & DESCRIPTOR != 0 && (crc, sizes.size, sizes.packed) == (0, 0, 0);
    if !deferred && (crc != entry.crc || sizes.size != entry.size || sizes.packed != entry.packed) {
        return different("sizes or checksum");
    }
    let start = entry.offset + LOCAL + name_length + extra_length;
    let content = at(bytes, start, entry.packed).ok_or("it is cut off")?;
    Ok((content, start + entry.packed))
}

/// The length of a local header without name and extra fields.
const LOCAL: u64 = 30;

/// What follows a content whose sizes were not known before it (4.3.9): nothing, or the sizes.
fn descriptor(rest: Option<&[u8]>, entry: &Central) -> Result<(), String> {
    let rest = rest.ok_or("it is cut off")?;
    if entry.flags & DESCRIPTOR == 0 {
        return match rest {
            [] => Ok(()),
            _ => Err("there are bytes behind its content".to_owned()),
        };
    }
    let rest = rest.strip_prefix(b"PK\x07\x08").unwrap_or(rest);
    let mut fields = Fields::new(Some(rest));
    let crc = fields.u32()?;
    let (packed, size) = match rest.len() {
        12 => (u64::from(fields.u32()?), u64::from(fields.u32()?)),
        20 => (fields.u64()?, fields.u64()?),
        _ => return Err("what follows its content is no data descriptor".to_owned()),
    };
    match (crc, packed, size) == (entry.crc, entry.packed, entry.size) {
        true => Ok(()),
        false => Err("its data descriptor says something else than the directory".to_owned()),
    }
}

fn inflate(entry: &Central, packed: &[u8]) -> Result<Vec<u8>, String> {
    let size = usize::try_from(entry.size).map_err(|_| "it is too large for this machine".to_owned())?;
    let content = match entry.method {
        STORED => packed.to_vec(),
        DEFLATED => {
            // One byte more than there may be, so that a stream that has more is told apart from one that is cut off.
            let mut content = Vec::with_capacity(size + 1);
            let mut stream = flate2::Decompress::new(false);
            let ended = stream.decompress_vec(packed, &mut content, flate2::FlushDecompress::Finish);
            let whole =
                matches!(ended, Ok(flate2::Status::StreamEnd)) && stream.total_in() == packed.len() as u64;
            if !whole {
                return Err("its content is damaged, or larger than it says".to_owned());
            }
            content
        }
        method => return Err(format!("it is compressed by method {method}, which is not known")),
    };
    if content.len() != size {
        return Err("its content has another size than it says".to_owned());
    }
    match crc32fast::hash(&content) == entry.crc {
        true => Ok(content),
        false => Err("its content has another checksum than it says".to_owned()),
    }
}
