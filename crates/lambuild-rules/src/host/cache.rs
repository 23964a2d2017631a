//! `/etc/ld.so.cache`: where the system's loader finds a library by its name.
//! The format is glibc's own, of version 1.1 (`sysdeps/generic/dl-cache.h`).

use super::elf::{text, u32_at, u64_at};

/// Where it lies.
pub const PLACE: &str = "/etc/ld.so.cache";
/// How the tables of this version begin; an older one may stand before it.
const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
const HEADER: usize = 48;
const ENTRY: usize = 24;

/// The paths of the library `name`, in the loader's order, without those that are for some
/// processors of the kind only: an artifact must not depend on which of them built it.
pub fn find(cache: &[u8], name: &str) -> Vec<String> {
    let Some(start) = cache.windows(MAGIC.len()).position(|bytes| bytes == MAGIC) else {
        return Vec::new();
    };
    let table = cache.get(start..).unwrap_or_default();
    let count = u32_at(table, MAGIC.len()).unwrap_or(0);
    let entries = table.get(HEADER..).unwrap_or_default().chunks_exact(ENTRY);
    entries
        .take(count as usize)
        .filter_map(|entry| {
            let at = |offset| text(table, u32_at(entry, offset)? as usize);
            let general = u64_at(entry, 16)? == 0;
            (general && at(4)? == name).then(|| at(8)).flatten()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cache with these entries: name, path, processor features.
    fn cache(entries: &[(&str, &str, u64)]) -> Vec<u8> {
        let mut made = MAGIC.to_vec();
        made.extend((entries.len() as u32).to_le_bytes());
        made.resize(HEADER, 0);
        let mut strings = HEADER + entries.len() * ENTRY;
        for (name, path, features) in entries {
            made.extend(0x0303u32.to_le_bytes());
            made.extend((strings as u32).to_le_bytes());
            made.extend(((strings + name.len() + 1) as u32).to_le_bytes());
            made.extend(0u32.to_le_bytes());
            made.extend(features.to_le_bytes());
            strings += name.len() + path.len() + 2;
        }
        for (name, path, _) in entries {
            made.extend(format!("{name}\0{path}\0").into_bytes());
        }
        made
    }

    #[test]
    fn a_library_is_found_in_its_general_form() {
        let made = cache(&[
            ("libz.so.1", "/lib/fast/libz.so.1", 1 << 62),
            ("libz.so.1", "/lib/libz.so.1", 0),
            ("liba.so.1", "/lib/liba.so.1", 0),
        ]);
        assert_eq!(find(&made, "libz.so.1"), ["/lib/libz.so.1"]);
        assert_eq!(find(&made, "libz.so"), Vec::<String>::new());
        for cut in 0..made.len() {
            let _ = find(&made[..cut], "liba.so.1");
        }
    }

    #[test]
    fn the_cache_of_this_machine_knows_its_libc() {
        let Ok(real) = std::fs::read(PLACE) else {
            println!("skipped: this machine has no {PLACE}");
            return;
        };
        assert!(
            find(&real, "libc.so.6")
                .iter()
                .any(|path| path.ends_with("/libc.so.6"))
        );
    }
}
