//! What an ELF file says about how it is started: its processor, its loader, the
//! libraries it needs and where they are looked for. Knows no file system.

/// What counts of an ELF file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Elf {
    /// `e_machine`: 62 is x86-64, 183 is AArch64.
    pub machine: u16,
    /// `PT_INTERP`: the absolute path of the loader; `None` for static programs and most libraries.
    pub loader: Option<String>,
    /// `DT_NEEDED`, in order.
    pub needed: Vec<String>,
    /// `DT_RPATH`, which counts only where there is no runpath.
    pub rpath: Option<String>,
    /// `DT_RUNPATH`.
    pub runpath: Option<String>,
}

/// The largest part that is read: names and tables of real programs are far smaller.
const MOST: u64 = 16 << 20;

const LOAD: u32 = 1;
const DYNAMIC: u32 = 2;
const INTERP: u32 = 3;
const NEEDED: u64 = 1;
const STRTAB: u64 = 5;
const STRSZ: u64 = 10;
const RPATH: u64 = 15;
const RUNPATH: u64 = 29;

/// A part of the file that is loaded.
#[derive(Debug, Clone, Copy)]
struct Segment {
    kind: u32,
    offset: u64,
    address: u64,
    size: u64,
}

/// Reads a file of 64 bits, little-endian, as all Lambda platforms have it; `read` gives up to
/// so many bytes from an offset on. `None` when it is no such file or is cut off.
pub fn read(read: &dyn Fn(u64, usize) -> Option<Vec<u8>>) -> Option<Elf> {
    let header = read(0, 64)?;
    if header.get(..6)? != b"\x7fELF\x02\x01" {
        return None;
    }
    let segments = segments(&header, read)?;
    let mut elf = Elf {
        machine: u16_at(&header, 18)?,
        ..Elf::default()
    };
    if let Some(interp) = segments.iter().find(|segment| segment.kind == INTERP) {
        elf.loader = Some(text(&bytes(interp.offset, interp.size, read)?, 0)?);
    }
    if let Some(dynamic) = segments.iter().find(|segment| segment.kind == DYNAMIC) {
        let table = bytes(dynamic.offset, dynamic.size, read)?;
        dynamic_table(&table, &segments, read, &mut elf)?;
    }
    Some(elf)
}

fn segments(header: &[u8], read: &dyn Fn(u64, usize) -> Option<Vec<u8>>) -> Option<Vec<Segment>> {
    let (offset, each, count) = (u64_at(header, 32)?, u16_at(header, 54)?, u16_at(header, 56)?);
    let table = bytes(offset, u64::from(each) * u64::from(count), read)?;
    let all = table.chunks(usize::from(each).max(1)).map(|entry| {
        Some(Segment {
            kind: u32_at(entry, 0)?,
            offset: u64_at(entry, 8)?,
            address: u64_at(entry, 16)?,
            size: u64_at(entry, 32)?,
        })
    });
    all.collect()
}

fn dynamic_table(
    table: &[u8],
    segments: &[Segment],
    read: &dyn Fn(u64, usize) -> Option<Vec<u8>>,
    elf: &mut Elf,
) -> Option<()> {
    let entries = table
        .chunks_exact(16)
        .filter_map(|entry| Some((u64_at(entry, 0)?, u64_at(entry, 8)?)))
        .take_while(|(tag, _)| *tag != 0);
    let entries: Vec<(u64, u64)> = entries.collect();
    let value = |wanted: u64| {
        entries
            .iter()
            .find(|(tag, _)| *tag == wanted)
            .map(|(_, value)| *value)
    };
    let Some(address) = value(STRTAB) else {
        return Some(());
    };
    let holds = |s: &&Segment| s.kind == LOAD && s.address <= address && address - s.address < s.size;
    let place = segments.iter().find(holds)?;
    let offset = place.offset.checked_add(address - place.address)?;
    let names = bytes(offset, value(STRSZ)?, read)?;
    let name = |at: u64| text(&names, usize::try_from(at).ok()?);
    for (tag, at) in &entries {
        match *tag {
            NEEDED => elf.needed.push(name(*at)?),
            RPATH => elf.rpath = Some(name(*at)?),
            RUNPATH => elf.runpath = Some(name(*at)?),
            _ => {}
        }
    }
    Some(())
}

fn bytes(offset: u64, size: u64, read: &dyn Fn(u64, usize) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
    let length = usize::try_from(size).ok().filter(|_| size <= MOST)?;
    read(offset, length).filter(|found| found.len() == length)
}

/// The text at `at`, up to its zero byte.
pub(super) fn text(bytes: &[u8], at: usize) -> Option<String> {
    let rest = bytes.get(at..)?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    String::from_utf8(rest.get(..end)?.to_vec()).ok()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn this_test_is_a_program_with_a_loader() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let elf = read(&|offset, length| {
            let start = usize::try_from(offset).ok()?;
            Some(own.get(start..(start + length).min(own.len()))?.to_vec())
        });
        let elf = elf.unwrap();
        assert!(elf.loader.unwrap().contains("ld-"));
        assert!(elf.needed.contains(&"libc.so.6".to_owned()), "{:?}", elf.needed);
    }

    proptest! {
        #[test]
        fn anything_is_read_without_panic(mut noise in proptest::collection::vec(any::<u8>(), 0..400)) {
            let magic = b"\x7fELF\x02\x01";
            let end = magic.len().min(noise.len());
            noise[..end].copy_from_slice(&magic[..end]);
            let _ = read(&|offset, length| {
                let start = usize::try_from(offset).ok()?;
                Some(noise.get(start..start.saturating_add(length).min(noise.len()))?.to_vec())
            });
        }
    }
}
