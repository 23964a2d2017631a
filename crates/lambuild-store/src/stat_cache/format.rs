//! The bytes of a stat cache. Decides the format; knows nothing of what is believed.
//!
//! ```text
//! "lambuild stat cache 2\n"   digest function: 1 byte   devices: u8, then u64 each
//! for each folder, sorted:    path: u32 + bytes   body: u32 + bytes
//! 32 bytes of BLAKE3 over all before
//!
//! body: 0, or 1 and the listing (device u8, inode, mtime, ctime, recorded, rules 32 bytes),
//! then for each name: flags u8 (kind, left out, has a hash), name u8 + bytes,
//! and the hash (device u8, inode, size, mtime, ctime, recorded, hash 32 bytes)
//! ```
//!
//! Numbers are little-endian. Bodies are read when a folder is asked for: opening a cache of
//! a hundred thousand files costs a checksum and one table entry for each folder.

use super::{KnownFolder, KnownHash, KnownItem, Listing, is_gone};
use crate::beneath::Kind;
use crate::file_state::FileState;
use lambuild_digest::DigestFunction;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::ops::Range;

const MAGIC: &[u8] = b"lambuild stat cache 2\n";
const CHECKSUM: usize = 32;

const KIND: u8 = 0b11;
const LEFT_OUT: u8 = 0b100;
const HASHED: u8 = 0b1000;

/// The folders of a cache as it was read.
#[derive(Debug, Default)]
pub(super) struct Folders {
    bytes: Vec<u8>,
    devices: Vec<u64>,
    by_path: FxHashMap<Box<str>, Range<usize>>,
}

impl Folders {
    /// What was known of a folder.
    pub(super) fn get(&self, path: &str) -> Option<KnownFolder> {
        let body = self.bytes.get(self.by_path.get(path)?.clone())?;
        Reader {
            rest: body,
            devices: &self.devices,
        }
        .folder()
    }

    fn paths(&self) -> Vec<&str> {
        let mut paths: Vec<&str> = self.by_path.keys().map(|path| &**path).collect();
        paths.sort_unstable();
        paths
    }
}

/// Reads a cache; `None` for anything that [`write`] has not made.
pub(super) fn read(bytes: Vec<u8>, function: DigestFunction) -> Option<Folders> {
    let (body, checksum) = bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM)?)?;
    if DigestFunction::Blake3.digest(body).hash() != checksum {
        return None;
    }
    let mut reader = Reader {
        rest: body.strip_prefix(MAGIC)?,
        devices: &[],
    };
    if u64::from(reader.byte()?) != function.reapi() {
        return None;
    }
    let mut devices = Vec::new();
    for _ in 0..reader.byte()? {
        devices.push(reader.number()?);
    }
    let mut by_path = FxHashMap::default();
    while !reader.rest.is_empty() {
        let path = reader.long_text()?.into();
        let length = reader.length()?;
        let start = body.len() - reader.rest.len();
        reader.take(length)?;
        by_path.insert(path, start..start + length);
    }
    Some(Folders {
        bytes,
        devices,
        by_path,
    })
}

/// The bytes of the cache that knows what `old` knew and `learnt` adds, without folders that are gone.
pub(super) fn write(
    old: &Folders,
    learnt: &BTreeMap<Box<str>, KnownFolder>,
    function: DigestFunction,
) -> Vec<u8> {
    let mut writer = Writer {
        devices: old.devices.clone(),
        bytes: Vec::new(),
    };
    let mut gone = FxHashMap::default();
    for path in old.paths() {
        if is_gone(path, learnt, &gone) {
            gone.insert(path, ());
        } else if !learnt.contains_key(path) {
            let body = old
                .by_path
                .get(path)
                .and_then(|range| old.bytes.get(range.clone()));
            writer.record(path, body.unwrap_or_default());
        }
    }
    for (path, folder) in learnt {
        let mut body = Writer {
            devices: std::mem::take(&mut writer.devices),
            bytes: Vec::new(),
        };
        body.folder(folder);
        writer.devices = body.devices;
        writer.record(path, &body.bytes);
    }
    writer.finish(function)
}

struct Writer {
    devices: Vec<u64>,
    bytes: Vec<u8>,
}

impl Writer {
    fn finish(self, function: DigestFunction) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.push(function.reapi() as u8);
        bytes.push(self.devices.len() as u8);
        for device in self.devices {
            bytes.extend_from_slice(&device.to_le_bytes());
        }
        bytes.extend_from_slice(&self.bytes);
        let checksum = *DigestFunction::Blake3.digest(&bytes).hash();
        bytes.extend_from_slice(&checksum);
        bytes
    }

    fn record(&mut self, path: &str, body: &[u8]) {
        for piece in [path.as_bytes(), body] {
            self.bytes.extend_from_slice(&(piece.len() as u32).to_le_bytes());
            self.bytes.extend_from_slice(piece);
        }
    }

    fn folder(&mut self, folder: &KnownFolder) {
        let listing = folder
            .listing
            .and_then(|listing| Some((listing, self.device(listing.state.device)?)));
        self.bytes.push(u8::from(listing.is_some()));
        if let Some((
            Listing {
                state,
                recorded,
                rules,
            },
            device,
        )) = listing
        {
            self.bytes.push(device);
            self.numbers([
                state.inode,
                state.modified as u64,
                state.changed as u64,
                recorded as u64,
            ]);
            self.bytes.extend_from_slice(&rules);
        }
        for item in &folder.items {
            self.item(item);
        }
    }

    fn item(&mut self, item: &KnownItem) {
        let Ok(length) = u8::try_from(item.name.len()) else {
            return;
        };
        let hash = item
            .hash
            .and_then(|hash| Some((hash, self.device(hash.state.device)?)));
        let mut flags = match item.kind {
            Kind::File => 0,
            Kind::Folder => 1,
            Kind::Link => 2,
            Kind::Other => 3,
        };
        flags |= if item.left_out { LEFT_OUT } else { 0 };
        flags |= if hash.is_some() { HASHED } else { 0 };
        self.bytes.extend_from_slice(&[flags, length]);
        self.bytes.extend_from_slice(item.name.as_bytes());
        if let Some((
            KnownHash {
                state,
                hash,
                recorded,
            },
            device,
        )) = hash
        {
            self.bytes.push(device);
            self.numbers([
                state.inode,
                state.size,
                state.modified as u64,
                state.changed as u64,
                recorded as u64,
            ]);
            self.bytes.extend_from_slice(&hash);
        }
    }

    /// The place of a device in the table; what is on the 256th is not remembered.
    fn device(&mut self, device: u64) -> Option<u8> {
        let known = self.devices.iter().position(|known| *known == device);
        let at = known.unwrap_or(self.devices.len());
        let place = u8::try_from(at).ok().filter(|place| *place < u8::MAX)?;
        if known.is_none() {
            self.devices.push(device);
        }
        Some(place)
    }

    fn numbers<const N: usize>(&mut self, numbers: [u64; N]) {
        for number in numbers {
            self.bytes.extend_from_slice(&number.to_le_bytes());
        }
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    devices: &'a [u64],
}

impl<'a> Reader<'a> {
    fn folder(&mut self) -> Option<KnownFolder> {
        let listing = match self.byte()? {
            0 => None,
            _ => Some(self.listing()?),
        };
        let mut items = Vec::with_capacity(self.rest.len() / 96);
        while !self.rest.is_empty() {
            items.push(self.item()?);
        }
        Some(KnownFolder { listing, items })
    }

    fn listing(&mut self) -> Option<Listing> {
        let device = self.device()?;
        let [inode, modified, changed, recorded] = self.numbers()?;
        Some(Listing {
            state: state(device, [inode, 0, modified, changed]),
            recorded: recorded as i64,
            rules: self.hash()?,
        })
    }

    fn item(&mut self) -> Option<KnownItem> {
        let flags = self.byte()?;
        let length = usize::from(self.byte()?);
        let name = std::str::from_utf8(self.take(length)?).ok()?.into();
        let kind = match flags & KIND {
            0 => Kind::File,
            1 => Kind::Folder,
            2 => Kind::Link,
            _ => Kind::Other,
        };
        let hash = match flags & HASHED {
            0 => None,
            _ => Some(self.known_hash()?),
        };
        Some(KnownItem {
            name,
            kind,
            left_out: flags & LEFT_OUT != 0,
            hash,
        })
    }

    fn known_hash(&mut self) -> Option<KnownHash> {
        let device = self.device()?;
        let [inode, size, modified, changed, recorded] = self.numbers()?;
        Some(KnownHash {
            state: state(device, [inode, size, modified, changed]),
            recorded: recorded as i64,
            hash: self.hash()?,
        })
    }

    fn device(&mut self) -> Option<u64> {
        let place = usize::from(self.byte()?);
        self.devices.get(place).copied()
    }

    fn hash(&mut self) -> Option<[u8; 32]> {
        self.take(32)?.try_into().ok()
    }

    fn numbers<const N: usize>(&mut self) -> Option<[u64; N]> {
        let mut numbers = [0; N];
        for number in &mut numbers {
            *number = self.number()?;
        }
        Some(numbers)
    }

    fn number(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn length(&mut self) -> Option<usize> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?) as usize)
    }

    fn long_text(&mut self) -> Option<&'a str> {
        let length = self.length()?;
        std::str::from_utf8(self.take(length)?).ok()
    }

    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }
}

fn state(device: u64, [inode, size, modified, changed]: [u64; 4]) -> FileState {
    FileState {
        device,
        inode,
        size,
        modified: modified as i64,
        changed: changed as i64,
        mode: 0,
    }
}
