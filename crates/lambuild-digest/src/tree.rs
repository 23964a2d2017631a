//! Directory trees: REAPI's `Directory` message in its one canonical form, and
//! the tree under construction that becomes such messages. Knows no disk.

use crate::digest::{Digest, DigestFunction};
use crate::path::{PathError, RelPath, check_name};
use crate::proto::{ProtoError, Reader, Writer};
use std::collections::BTreeMap;
use std::collections::btree_map;
use std::sync::Arc;

/// The deepest tree that is taken, in folders. Deeper ones are no source tree
/// anybody wrote, and every walk below may recurse.
pub const MAX_DEPTH: usize = 512;

/// What a name in a folder stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A regular file.
    File {
        /// Its content.
        digest: Digest,
        /// Whether it may be executed; nothing else of a mode is kept.
        executable: bool,
    },
    /// A symbolic link.
    Symlink {
        /// Where it points, as stored in the link.
        target: Arc<str>,
    },
    /// A folder, by the digest of its own [`Directory`].
    Directory(Digest),
}

/// One folder: REAPI's `Directory`. Names are unique and sorted by bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Directory {
    nodes: BTreeMap<Arc<str>, Node>,
}

/// Why a tree cannot be made or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// The bytes are no message.
    #[error("a directory object cannot be read: {0}")]
    Proto(#[from] ProtoError),
    /// The bytes are a message, but not in the canonical form.
    #[error("a directory object is not canonical: {0}")]
    NotCanonical(&'static str),
    /// Two different things at one path.
    #[error("two different things are put at `{0}`")]
    Conflict(RelPath),
    /// Deeper than [`MAX_DEPTH`].
    #[error("`{0}` lies deeper than 512 folders")]
    TooDeep(RelPath),
    /// A folder's object could not be had; the text says why.
    #[error("the directory object {digest} cannot be had: {why}")]
    Missing {
        /// Which.
        digest: Digest,
        /// The store's own words.
        why: String,
    },
}

impl Directory {
    /// The folder's entries, sorted by the bytes of their names.
    pub fn nodes(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|(name, node)| (&**name, node))
    }

    /// What `name` stands for.
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.nodes.get(name)
    }

    /// The canonical bytes: files, folders, links, each sorted by name.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        for (name, node) in &self.nodes {
            if let Node::File { digest, executable } = node {
                writer.message(1, |w| {
                    w.bytes(1, name.as_bytes())
                        .message(2, |w| encode_digest(w, digest));
                    w.uint(4, u64::from(*executable));
                });
            }
        }
        for (name, node) in &self.nodes {
            if let Node::Directory(digest) = node {
                writer.message(2, |w| {
                    w.bytes(1, name.as_bytes())
                        .message(2, |w| encode_digest(w, digest));
                });
            }
        }
        for (name, node) in &self.nodes {
            if let Node::Symlink { target } = node {
                writer.message(3, |w| {
                    w.bytes(1, name.as_bytes()).bytes(2, target.as_bytes());
                });
            }
        }
        writer.finish()
    }

    /// Reads a folder back.
    ///
    /// # Errors
    /// When the bytes are no `Directory` or not exactly what [`Directory::encode`] gives.
    pub fn decode(bytes: &[u8]) -> Result<Self, TreeError> {
        let mut directory = Directory::default();
        let mut reader = Reader::new(bytes);
        while let Some((number, field)) = reader.field()? {
            let (name, node) = decode_node(number, field.bytes()?)?;
            check_name(&name).map_err(|_| TreeError::NotCanonical("a name is no file name"))?;
            if directory.nodes.insert(name, node).is_some() {
                return Err(TreeError::NotCanonical("a name stands twice"));
            }
        }
        if directory.encode() != bytes {
            return Err(TreeError::NotCanonical(
                "its bytes differ from the canonical ones",
            ));
        }
        Ok(directory)
    }
}

fn decode_node(number: u32, bytes: &[u8]) -> Result<(Arc<str>, Node), TreeError> {
    let (mut name, mut digest, mut target, mut executable) = ("", None, "", false);
    let mut reader = Reader::new(bytes);
    while let Some((field, value)) = reader.field()? {
        match (number, field) {
            (_, 1) => name = value.text()?,
            (1 | 2, 2) => digest = Some(decode_digest(value.bytes()?)?),
            (3, 2) => target = value.text()?,
            (1, 4) => executable = value.uint()? == 1,
            _ => return Err(TreeError::NotCanonical("it has a field that is never written")),
        }
    }
    let node = match (number, digest) {
        (1, Some(digest)) => Node::File { digest, executable },
        (2, Some(digest)) => Node::Directory(digest),
        (3, None) => Node::Symlink {
            target: target.into(),
        },
        _ => {
            return Err(TreeError::NotCanonical(
                "an entry lacks its digest or is of an unknown kind",
            ));
        }
    };
    Ok((name.into(), node))
}

/// Writes REAPI's `Digest`.
pub fn encode_digest(writer: &mut Writer, digest: &Digest) {
    writer.bytes(1, digest.hex().as_bytes()).uint(2, digest.size());
}

/// Reads REAPI's `Digest`.
///
/// # Errors
/// When the bytes are none.
pub fn decode_digest(bytes: &[u8]) -> Result<Digest, ProtoError> {
    let (mut hash, mut size) = ("", 0);
    let mut reader = Reader::new(bytes);
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => hash = value.text()?,
            2 => size = value.uint()?,
            _ => return Err(ProtoError::Value),
        }
    }
    Digest::from_hex(hash, size).ok_or(ProtoError::Value)
}

/// Gives the folders that a tree under construction refers to by digest.
pub trait Directories {
    /// The folder of this digest.
    ///
    /// # Errors
    /// [`TreeError::Missing`] when it is not to be had, others when it is damaged.
    fn directory(&self, digest: &Digest) -> Result<Arc<Directory>, TreeError>;
}

/// For trees that refer to no folder by digest.
impl Directories for () {
    fn directory(&self, digest: &Digest) -> Result<Arc<Directory>, TreeError> {
        Err(TreeError::Missing {
            digest: *digest,
            why: "no store is at hand".to_owned(),
        })
    }
}

/// What stands at a path of a tree under construction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A file, a link, or a folder whose digest is known and that is not looked into.
    Node(Node),
    /// A folder under construction.
    Dir(Dir),
}

impl Entry {
    /// A regular file.
    pub fn file(digest: Digest, executable: bool) -> Self {
        Entry::Node(Node::File { digest, executable })
    }

    /// A symbolic link.
    pub fn symlink(target: &str) -> Self {
        Entry::Node(Node::Symlink {
            target: target.into(),
        })
    }

    /// A whole folder by its digest.
    pub fn tree(digest: Digest) -> Self {
        Entry::Node(Node::Directory(digest))
    }
}

/// A folder under construction. Entries may be put in any order; folders merge.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dir {
    entries: BTreeMap<Arc<str>, Entry>,
}

impl Dir {
    /// The entries, sorted by the bytes of their names.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(name, entry)| (&**name, entry))
    }

    /// Puts `entry` at `path`. Folders merge with what is there, equal files are one;
    /// a folder that is known by digest is looked into only where something is put below it.
    ///
    /// # Errors
    /// [`TreeError::Conflict`], [`TreeError::TooDeep`], or what `load` answers.
    pub fn put(&mut self, path: &RelPath, entry: Entry, load: &dyn Directories) -> Result<(), TreeError> {
        let parts: Vec<&str> = path.parts().collect();
        if parts.len() > MAX_DEPTH {
            return Err(TreeError::TooDeep(path.clone()));
        }
        let mut here = self;
        let Some((name, folders)) = parts.split_last() else {
            let added = expand(entry, load)?.ok_or_else(|| TreeError::Conflict(path.clone()))?;
            return here.merge(added, path, load);
        };
        for folder in folders {
            here = here.folder(folder, path, load)?;
        }
        here.put_here(name, entry, path, load)
    }

    /// Puts a regular file at `path` in a tree without folders known by digest.
    ///
    /// # Errors
    /// [`TreeError::Conflict`] or [`TreeError::TooDeep`].
    pub fn file(&mut self, path: &RelPath, digest: Digest, executable: bool) -> Result<(), TreeError> {
        self.put(path, Entry::file(digest, executable), &())
    }

    fn folder(&mut self, name: &str, at: &RelPath, load: &dyn Directories) -> Result<&mut Dir, TreeError> {
        let slot = self
            .entries
            .entry(name.into())
            .or_insert_with(|| Entry::Dir(Dir::default()));
        if let Entry::Node(Node::Directory(digest)) = slot {
            *slot = Entry::Dir(Dir::of(&*load.directory(digest)?));
        }
        match slot {
            Entry::Dir(dir) => Ok(dir),
            Entry::Node(_) => Err(TreeError::Conflict(at.clone())),
        }
    }

    fn put_here(
        &mut self,
        name: &str,
        entry: Entry,
        at: &RelPath,
        load: &dyn Directories,
    ) -> Result<(), TreeError> {
        match self.entries.entry(name.into()) {
            btree_map::Entry::Vacant(free) => {
                free.insert(entry);
                Ok(())
            }
            btree_map::Entry::Occupied(there) if *there.get() == entry => Ok(()),
            btree_map::Entry::Occupied(_) => {
                let added = expand(entry, load)?.ok_or_else(|| TreeError::Conflict(at.clone()))?;
                self.folder(name, at, load)?.merge(added, at, load)
            }
        }
    }

    fn merge(&mut self, added: Dir, at: &RelPath, load: &dyn Directories) -> Result<(), TreeError> {
        for (name, entry) in added.entries {
            let at = at
                .child(&name)
                .map_err(|_| TreeError::NotCanonical("a name is no file name"))?;
            self.put_here(&name, entry, &at, load)?;
        }
        Ok(())
    }

    /// The folder that holds these entries, in any order; of two with one name the later counts.
    /// Much faster than [`Dir::put`] for each where a whole folder is at hand.
    ///
    /// # Errors
    /// When a name fails [`check_name`].
    pub fn of_entries(entries: Vec<(Arc<str>, Entry)>) -> Result<Dir, PathError> {
        for (name, _) in &entries {
            check_name(name)?;
        }
        Ok(Dir {
            entries: entries.into_iter().collect(),
        })
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The folder of a stored message, its sub-folders by digest.
    pub fn of(directory: &Directory) -> Dir {
        let entries = directory
            .nodes
            .iter()
            .map(|(name, node)| (name.clone(), Entry::Node(node.clone())))
            .collect();
        Dir { entries }
    }

    /// Digest of the tree; every folder's message goes to `sink`, innermost first.
    pub fn encode(&self, function: DigestFunction, sink: &mut dyn FnMut(Digest, Vec<u8>)) -> Digest {
        let mut directory = Directory::default();
        for (name, entry) in &self.entries {
            let node = match entry {
                Entry::Node(node) => node.clone(),
                Entry::Dir(dir) => Node::Directory(dir.encode(function, sink)),
            };
            directory.nodes.insert(name.clone(), node);
        }
        let bytes = directory.encode();
        let digest = function.digest(&bytes);
        sink(digest, bytes);
        digest
    }
}

fn expand(entry: Entry, load: &dyn Directories) -> Result<Option<Dir>, TreeError> {
    match entry {
        Entry::Dir(dir) => Ok(Some(dir)),
        Entry::Node(Node::Directory(digest)) => Ok(Some(Dir::of(&*load.directory(&digest)?))),
        Entry::Node(_) => Ok(None),
    }
}

/// Every file and link below a stored folder, with its path, sorted by the bytes of the paths' parts.
///
/// # Errors
/// What `load` answers, or [`TreeError::TooDeep`].
pub fn walk(root: &Digest, load: &dyn Directories) -> Result<Vec<(RelPath, Node)>, TreeError> {
    let mut found = Vec::new();
    walk_into(root, &RelPath::root(), 0, load, &mut found)?;
    Ok(found)
}

fn walk_into(
    digest: &Digest,
    at: &RelPath,
    depth: usize,
    load: &dyn Directories,
    found: &mut Vec<(RelPath, Node)>,
) -> Result<(), TreeError> {
    if depth > MAX_DEPTH {
        return Err(TreeError::TooDeep(at.clone()));
    }
    for (name, node) in load.directory(digest)?.nodes() {
        let path = at
            .child(name)
            .map_err(|_| TreeError::NotCanonical("a name is no file name"))?;
        match node {
            Node::Directory(inner) => walk_into(inner, &path, depth + 1, load, found)?,
            other => found.push((path, other.clone())),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
