//! What lies in `cas/` and what of it is needed. Decides what a closure is: a folder with all below
//! it, a record's outputs with the messages that explain it. Does not know who needs what, or why.

use crate::fs::{self, Fs, Kind};
use crate::layout::Place;
use crate::session::Need;
use lambuild_action::{ActionKey, ActionResult, StoreError};
use lambuild_digest::proto::{Field, Reader};
use lambuild_digest::tree::decode_digest;
use lambuild_digest::{Digest, DigestFunction, Directory, Node};
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// An object of `cas/`. A million of these take less than 50 MB.
#[derive(Debug, Clone, Copy)]
struct Object {
    hash: [u8; 32],
    /// In blocks of 512 bytes.
    blocks: u32,
    /// Seconds since 1970 of getting its name.
    named: i64,
    mark: Mark,
}

/// How much is known to be needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Not,
    /// The object alone.
    Itself,
    /// The object, which is a folder, and the folders below it.
    Folders,
    /// The object, which is a folder, and all below it.
    All,
}

/// The objects of a store, sorted by hash.
#[derive(Debug)]
pub(crate) struct Inventory {
    objects: Vec<Object>,
}

impl Inventory {
    /// Lists `cas/`.
    pub fn take(place: &Place) -> Result<Self, StoreError> {
        let shards: Vec<u8> = (0..=255).collect();
        let lists = shards
            .into_par_iter()
            .map(|shard| list_shard(place, shard))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Inventory {
            objects: lists.into_iter().flatten().collect(),
        })
    }

    /// The hashes of all objects.
    pub fn hashes(&self) -> Vec<[u8; 32]> {
        self.objects.iter().map(|object| object.hash).collect()
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// The bytes that all of them take on the disk.
    pub fn size(&self) -> u64 {
        self.objects.iter().map(|object| bytes(object.blocks)).sum()
    }

    fn at(&mut self, digest: &Digest) -> Option<&mut Object> {
        let index = self
            .objects
            .binary_search_by_key(digest.hash(), |object| object.hash)
            .ok()?;
        self.objects.get_mut(index)
    }

    /// Whether something needs the object of this hash.
    pub fn is_marked(&self, hash: &[u8; 32]) -> bool {
        let found = self.objects.binary_search_by_key(hash, |object| object.hash);
        found.is_ok_and(|index| {
            self.objects
                .get(index)
                .is_some_and(|object| object.mark > Mark::Not)
        })
    }

    /// Marks an object; answers what it takes on the disk if nothing needed it before, and whether
    /// there is more below it to be marked.
    fn raise(&mut self, digest: &Digest, to: Mark) -> (u64, bool) {
        let Some(object) = self.at(digest) else {
            return (0, false);
        };
        let added = if object.mark == Mark::Not {
            bytes(object.blocks)
        } else {
            0
        };
        let more = object.mark < to && to > Mark::Itself;
        object.mark = object.mark.max(to);
        (added, more)
    }

    /// Marks what is needed with all that it needs itself; answers how many bytes of the disk that adds. What
    /// is missing or cannot be read needs nothing.
    pub fn mark(&mut self, place: &Place, need: &Need) -> u64 {
        match need {
            Need::Object(digest) => self.raise(digest, Mark::Itself).0,
            Need::Tree(digest) => self.mark_tree(place, digest, Mark::All),
        }
    }

    fn mark_tree(&mut self, place: &Place, root: &Digest, mark: Mark) -> u64 {
        let mut added = 0;
        let mut ahead = vec![*root];
        while let Some(digest) = ahead.pop() {
            let (bytes, more) = self.raise(&digest, mark);
            added += bytes;
            if !more {
                continue;
            }
            let Some(directory) = read(place, &digest).and_then(|bytes| Directory::decode(&bytes).ok())
            else {
                continue;
            };
            for (_, node) in directory.nodes() {
                match node {
                    Node::Directory(inner) => ahead.push(*inner),
                    Node::File { digest, .. } if mark == Mark::All => {
                        added += self.raise(digest, Mark::Itself).0;
                    }
                    Node::File { .. } | Node::Symlink { .. } => {}
                }
            }
        }
        added
    }

    /// Marks what a record needs: its outputs and log; and, to explain it, the action, its command, and the
    /// folders of its input root, but not the files in them: nobody reads those again.
    pub fn mark_record(&mut self, place: &Place, key: &ActionKey, result: &ActionResult) -> u64 {
        let mut added = 0;
        for node in result.outputs.values() {
            added += match node {
                Node::File { digest, .. } => self.raise(digest, Mark::Itself).0,
                Node::Directory(digest) => self.mark_tree(place, digest, Mark::All),
                Node::Symlink { .. } => 0,
            };
        }
        if let Some(log) = &result.log {
            added += self.raise(log, Mark::Itself).0;
        }
        added += self.raise(&key.0, Mark::Itself).0;
        if let Some((command, root)) = read(place, &key.0).as_deref().and_then(inputs) {
            added += self.raise(&command, Mark::Itself).0;
            added += self.mark_tree(place, &root, Mark::Folders);
        }
        added
    }

    /// What nothing needs and got its name before a time, with the bytes that it takes.
    pub fn unneeded(&self, before: i64) -> Vec<([u8; 32], u64)> {
        let objects = self.objects.iter();
        objects
            .filter(|object| object.mark == Mark::Not && object.named < before)
            .map(|object| (object.hash, bytes(object.blocks)))
            .collect()
    }
}

fn bytes(blocks: u32) -> u64 {
    u64::from(blocks) * 512
}

/// Where the object of a hash lies.
pub(crate) fn path_of(hash: &[u8; 32]) -> PathBuf {
    crate::layout::object(&Digest::new(*hash, 0))
}

fn list_shard(place: &Place, shard: u8) -> Result<Vec<Object>, StoreError> {
    let shard = format!("{shard:02x}");
    let Some(folder) = place.fs.folder(&place.root, &Path::new("cas").join(&shard))? else {
        return Ok(Vec::new());
    };
    let mut objects = Vec::new();
    for (name, kind) in place.fs.list(&folder)? {
        let hex = name.to_str().map(|rest| format!("{shard}{rest}"));
        let Some(digest) = hex
            .and_then(|hex| Digest::from_hex(&hex, 0))
            .filter(|_| kind == Kind::File)
        else {
            continue;
        };
        if let Some(stat) = place.fs.stat(&folder, Path::new(&name))? {
            objects.push(Object {
                hash: *digest.hash(),
                blocks: u32::try_from(stat.allocated / 512).unwrap_or(u32::MAX),
                named: stat.changed,
                mark: Mark::Not,
            });
        }
    }
    Ok(objects)
}

/// A message of the store. It is not hashed: a damaged one is found by whoever uses it.
fn read(place: &Place, digest: &Digest) -> Option<Vec<u8>> {
    let fs: &dyn Fs = &*place.fs;
    let file = fs.open(&place.root, &crate::layout::object(digest)).ok()??;
    fs::read_all(fs, &file, digest.size()).ok()
}

/// The command and the input root that an `Action` message names, by the fields of that message.
fn inputs(action: &[u8]) -> Option<(Digest, Digest)> {
    let (mut command, mut root) = (None, None);
    let mut reader = Reader::new(action);
    while let Ok(Some((number, field))) = reader.field() {
        match number {
            1 => command = digest_of(field),
            2 => root = digest_of(field),
            _ => {}
        }
    }
    command.zip(root)
}

fn digest_of(field: Field<'_>) -> Option<Digest> {
    decode_digest(field.bytes().ok()?).ok()
}

/// The function's digest of an object's file, read piece by piece; `None` when it is not there.
pub(crate) fn hash_file(
    place: &Place,
    path: &Path,
    function: DigestFunction,
) -> Result<Option<Digest>, StoreError> {
    let Some(file) = place.fs.open(&place.root, path)? else {
        return Ok(None);
    };
    let mut hasher = function.hasher();
    let mut buffer = vec![0; 1 << 18];
    loop {
        let read = place.fs.read(&file, &mut buffer)?;
        match buffer.get(..read) {
            Some(piece) if !piece.is_empty() => hasher.update(piece),
            _ => return Ok(Some(hasher.finish())),
        }
    }
}
