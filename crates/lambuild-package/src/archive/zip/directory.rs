//! The directory at the end of a zip: one, at the very end, whose counts and places are right.

use super::super::limits::Limits;
use super::super::names::shown;
use super::field::{Fields, at};
use super::{ENCRYPTED, HARMLESS};

/// An entry as the directory has it.
#[derive(Debug)]
pub struct Central {
    pub name: String,
    pub flags: u16,
    pub method: u16,
    pub crc: u32,
    pub packed: u64,
    pub size: u64,
    /// Where its header lies.
    pub offset: u64,
    /// Its Unix mode, where the writer says that it knows one.
    pub mode: Option<u32>,
}

/// The end record without its comment (4.3.16).
const END: u64 = 22;
/// Where the large end record lies (4.3.15), and that record itself (4.3.14), without data of its own.
const LOCATOR: u64 = 20;
const LARGE: u64 = 56;

/// The entries, and where the directory begins.
///
/// # Errors
/// A sentence about what is wrong.
pub fn directory(bytes: &[u8], limits: &Limits) -> Result<(Vec<Central>, u64), String> {
    let end = end(bytes)?;
    if end.count > limits.entries {
        return Err(format!("it has more than {} entries", limits.entries));
    }
    let mut fields = Fields::new(at(bytes, end.offset, end.size));
    let mut entries = Vec::new();
    while !fields.is_empty() {
        entries.push(central(&mut fields).map_err(|why| format!("its directory is damaged: {why}"))?);
    }
    match entries.len() as u64 == end.count {
        true => Ok((entries, end.offset)),
        false => Err(format!(
            "it says that it has {} entries, and has {}",
            end.count,
            entries.len()
        )),
    }
}

/// What the record at the end says.
struct End {
    count: u64,
    size: u64,
    offset: u64,
}

fn end(bytes: &[u8]) -> Result<End, String> {
    let place =
        find_end(bytes).ok_or("it has no end record at its end: it is cut off, or something follows it")?;
    let mut fields = Fields::new(at(bytes, place + 4, END - 4));
    let (disk, start_disk) = (fields.u16()?, fields.u16()?);
    let (here, count) = (fields.u16()?, fields.u16()?);
    let (size, offset) = (fields.u32()?, fields.u32()?);
    if here != count || !(disk == start_disk && (disk == 0 || disk == u16::MAX)) {
        return Err("it is a part of several".to_owned());
    }
    let small = End {
        count: u64::from(count),
        size: u64::from(size),
        offset: u64::from(offset),
    };
    let full = count == u16::MAX || size == u32::MAX || offset == u32::MAX;
    let (end, until) = match full {
        true => large(bytes, place, &small)?,
        false => (small, place),
    };
    match end.offset.checked_add(end.size) == Some(until) {
        true => Ok(end),
        false => Err("its directory does not lie where its end record says".to_owned()),
    }
}

/// The last end record, if its comment ends with the file. Comments are there for people and hold no archive.
fn find_end(bytes: &[u8]) -> Option<u64> {
    let last = bytes.len().checked_sub(END as usize)?;
    let first = last.saturating_sub(usize::from(u16::MAX));
    let place = (first..=last).rev().find(|place| {
        bytes
            .get(*place..)
            .is_some_and(|rest| rest.starts_with(b"PK\x05\x06"))
    })?;
    let comment = Fields::new(bytes.get(place + 20..)).u16().ok()?;
    (place + END as usize + usize::from(comment) == bytes.len()).then_some(place as u64)
}

/// The large end record and where it begins; what fits into the small one must be the same there.
fn large(bytes: &[u8], place: u64, small: &End) -> Result<(End, u64), String> {
    let damaged = || "its zip64 end record is damaged".to_owned();
    let locator = place.checked_sub(LOCATOR).ok_or_else(damaged)?;
    let mut fields = Fields::new(at(bytes, locator, LOCATOR));
    let sound = fields.u32()? == 0x0706_4b50 && fields.u32()? == 0;
    let record = fields.u64()?;
    if !sound || fields.u32()? != 1 || record.checked_add(LARGE) != Some(locator) {
        return Err(damaged());
    }
    let mut fields = Fields::new(at(bytes, record, LARGE));
    let sound = fields.u32()? == 0x0606_4b50 && fields.u64()? == LARGE - 12;
    let _versions = fields.u32()?;
    let disks = (fields.u32()?, fields.u32()?);
    let (here, count, size, offset) = (fields.u64()?, fields.u64()?, fields.u64()?, fields.u64()?);
    let agrees = |small: u64, full: u64, large: u64| small == full || small == large;
    let agree = agrees(small.count, u64::from(u16::MAX), count)
        && agrees(small.size, u64::from(u32::MAX), size)
        && agrees(small.offset, u64::from(u32::MAX), offset);
    match sound && agree && here == count && disks == (0, 0) {
        true => Ok((End { count, size, offset }, record)),
        false => Err(damaged()),
    }
}

/// One entry (4.3.12).
fn central(fields: &mut Fields<'_>) -> Result<Central, String> {
    if fields.u32()? != 0x0201_4b50 {
        return Err("an entry does not begin like one".to_owned());
    }
    let made_by = fields.u16()?;
    let _version_needed = fields.u16()?;
    let (flags, method) = (fields.u16()?, fields.u16()?);
    let _time_and_date = fields.u32()?;
    let crc = fields.u32()?;
    let (packed, size) = (u64::from(fields.u32()?), u64::from(fields.u32()?));
    let lengths = [fields.u16()?, fields.u16()?, fields.u16()?].map(usize::from);
    let disk = fields.u16()?;
    let _internal = fields.u16()?;
    let external = fields.u32()?;
    let offset = u64::from(fields.u32()?);
    let [name, extra_length, comment] = lengths;
    let name = text(fields.bytes(name)?)?;
    let known = extra(fields.bytes(extra_length)?, &name, size, packed, Some(offset))?;
    let _comment = fields.bytes(comment)?;
    let named = |why: &str| Err(format!("`{}` {why}", shown(&name)));
    if flags & ENCRYPTED != 0 {
        return named("is encrypted");
    }
    if flags & !HARMLESS != 0 {
        return named("has flags that are not known");
    }
    if disk != 0 {
        return named("lies in another part");
    }
    Ok(Central {
        flags,
        method,
        crc,
        packed: known.packed,
        size: known.size,
        offset: known.offset,
        mode: (made_by >> 8 == UNIX || made_by >> 8 == MACOS).then_some(external >> 16),
        name,
    })
}

/// Who made an entry (4.4.2), where the upper half of its attributes is a Unix mode.
const UNIX: u16 = 3;
const MACOS: u16 = 19;

/// Names are UTF-8 also where the flag is missing: every other reading of bytes beyond ASCII is a guess.
fn text(bytes: &[u8]) -> Result<String, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "a name is not UTF-8")?;
    Ok(text.to_owned())
}

/// Sizes and place after the extra fields were read.
pub struct Large {
    pub size: u64,
    pub packed: u64,
    pub offset: u64,
}

/// The extra fields (4.5): they must be whole; zip64 has exactly what is missing, and another name is refused.
pub fn extra(bytes: &[u8], name: &str, size: u64, packed: u64, offset: Option<u64>) -> Result<Large, String> {
    let mut known = Large {
        size,
        packed,
        offset: offset.unwrap_or(0),
    };
    let mut fields = Fields::new(Some(bytes));
    let mut seen_zip64 = false;
    while !fields.is_empty() {
        let (id, length) = (fields.u16()?, fields.u16()?);
        let data = fields.bytes(usize::from(length))?;
        match id {
            0x0001 if seen_zip64 => return Err("it has two zip64 fields".to_owned()),
            0x0001 => {
                seen_zip64 = true;
                zip64(data, &mut known)?;
            }
            // Another name, in UTF-8, behind a version and a checksum (4.6.9).
            0x7075 if data.get(5..) != Some(name.as_bytes()) => {
                return Err(format!("`{}` has a second, different name", shown(name)));
            }
            _ => {}
        }
    }
    Ok(known)
}

/// The large numbers of those that did not fit (4.5.3). Writers also note sizes that would have fit.
fn zip64(data: &[u8], known: &mut Large) -> Result<(), String> {
    let mut fields = Fields::new(Some(data));
    let wrong = |_| "its zip64 field is too short".to_owned();
    for number in [&mut known.size, &mut known.packed, &mut known.offset] {
        if *number == u64::from(u32::MAX) {
            *number = fields.u64().map_err(wrong)?;
        }
    }
    match fields.is_empty() {
        true => Ok(()),
        false => Err("its zip64 field is too long".to_owned()),
    }
}
