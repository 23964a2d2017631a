//! A machine made of files in memory, and the smallest ELF files that name what they need.

use super::HostView;
use std::collections::BTreeMap;

/// A machine.
#[derive(Default)]
pub struct Machine {
    files: BTreeMap<String, Vec<u8>>,
    links: BTreeMap<String, String>,
    path: Vec<String>,
}

impl Machine {
    /// With `/usr/bin` and `/bin` on `PATH`.
    pub fn new() -> Self {
        Machine {
            path: vec!["/usr/bin".to_owned(), "/bin".to_owned()],
            ..Machine::default()
        }
    }

    pub fn file(mut self, path: &str, bytes: &[u8]) -> Self {
        self.files.insert(path.to_owned(), bytes.to_vec());
        self
    }

    pub fn link(mut self, path: &str, to: &str) -> Self {
        self.links.insert(path.to_owned(), to.to_owned());
        self
    }
}

impl HostView for Machine {
    fn resolve(&self, path: &str) -> Option<String> {
        match self.links.get(path) {
            Some(to) => self.resolve(to),
            None => self.files.contains_key(path).then(|| path.to_owned()),
        }
    }

    fn read(&self, path: &str, offset: u64, length: usize) -> Option<Vec<u8>> {
        let bytes = self.files.get(path)?;
        let start = usize::try_from(offset).ok()?;
        Some(
            bytes
                .get(start..start.saturating_add(length).min(bytes.len()))?
                .to_vec(),
        )
    }

    fn path(&self) -> &[String] {
        &self.path
    }
}

/// What an ELF file of a test says.
#[derive(Default)]
pub struct Sample<'a> {
    pub loader: Option<&'a str>,
    pub needed: &'a [&'a str],
    pub rpath: Option<&'a str>,
    pub runpath: Option<&'a str>,
    /// x86-64 where it is 0.
    pub machine: u16,
}

/// Header, three program headers, the loader's name, the names, the dynamic table.
pub fn elf(sample: &Sample<'_>) -> Vec<u8> {
    const START: u64 = 64 + 3 * 56;
    let interp = sample
        .loader
        .map(|loader| format!("{loader}\0"))
        .unwrap_or_default();
    let mut names = "\0".to_owned();
    let mut table: Vec<(u64, u64)> = Vec::new();
    let entries = sample.needed.iter().map(|name| (1, *name));
    let entries = entries.chain(sample.rpath.map(|path| (15, path)));
    for (tag, name) in entries.chain(sample.runpath.map(|path| (29, path))) {
        table.push((tag, names.len() as u64));
        names.push_str(name);
        names.push('\0');
    }
    let names_at = START + interp.len() as u64;
    // Addresses are offsets, moved, as in real files.
    table.extend([(5, names_at + 0x1000), (10, names.len() as u64), (0, 0)]);
    let table_at = names_at + names.len() as u64;
    let end = table_at + table.len() as u64 * 16;
    let mut made = b"\x7fELF\x02\x01\x01".to_vec();
    made.resize(16, 0);
    made.extend(3u16.to_le_bytes());
    made.extend(
        if sample.machine == 0 {
            62u16
        } else {
            sample.machine
        }
        .to_le_bytes(),
    );
    made.resize(32, 0);
    made.extend(64u64.to_le_bytes());
    made.resize(54, 0);
    made.extend(56u16.to_le_bytes());
    made.extend(3u16.to_le_bytes());
    made.resize(64, 0);
    let interp_kind = if interp.is_empty() { 0u32 } else { 3 };
    let parts = [
        (1, 0, end),
        (interp_kind, START, interp.len() as u64),
        (2, table_at, end - table_at),
    ];
    for (kind, offset, size) in parts {
        made.extend(kind.to_le_bytes());
        made.extend(4u32.to_le_bytes());
        for value in [offset, offset + 0x1000, 0, size, size, 8] {
            made.extend(value.to_le_bytes());
        }
    }
    made.extend(interp.bytes());
    made.extend(names.bytes());
    for (tag, value) in table {
        made.extend(tag.to_le_bytes());
        made.extend(value.to_le_bytes());
    }
    made
}
