//! Where an executable keeps its build ids. Knows 64-bit ELF in little-endian order, as both of Lambda's
//! architectures have it, and nothing else of it.

use std::ops::Range;

/// The sections that hold nothing but a build id: the linker's and Go's.
const IDS: [&[u8]; 2] = [b".note.gnu.build-id", b".note.go.buildid"];

/// The bytes of the build ids of an executable; none for what is no ELF.
pub fn build_ids(file: &[u8]) -> Vec<Range<usize>> {
    if !file.starts_with(b"\x7fELF\x02\x01") {
        return Vec::new();
    }
    read(file).unwrap_or_default()
}

fn read(file: &[u8]) -> Option<Vec<Range<usize>>> {
    let (table, size) = (long(file, 0x28)?, short(file, 0x3a)?);
    let (count, names) = (short(file, 0x3c)?, short(file, 0x3e)?);
    let header = |number: usize| table.checked_add(number.checked_mul(size)?);
    let names = long(file, header(names)?.checked_add(0x18)?)?;
    let mut found = Vec::new();
    for number in 0..count {
        let at = header(number)?;
        let name = file.get(names.checked_add(word(file, at)?)?..)?;
        let name = name.split(|byte| *byte == 0).next()?;
        if IDS.contains(&name) {
            let (offset, length) = (
                long(file, at.checked_add(0x18)?)?,
                long(file, at.checked_add(0x20)?)?,
            );
            found.push(offset..offset.checked_add(length)?);
        }
    }
    Some(found)
}

fn short(file: &[u8], at: usize) -> Option<usize> {
    let bytes = file.get(at..at.checked_add(2)?)?;
    Some(usize::from(u16::from_le_bytes(bytes.try_into().ok()?)))
}

fn word(file: &[u8], at: usize) -> Option<usize> {
    let bytes = file.get(at..at.checked_add(4)?)?;
    usize::try_from(u32::from_le_bytes(bytes.try_into().ok()?)).ok()
}

fn long(file: &[u8], at: usize) -> Option<usize> {
    let bytes = file.get(at..at.checked_add(8)?)?;
    usize::try_from(u64::from_le_bytes(bytes.try_into().ok()?)).ok()
}
