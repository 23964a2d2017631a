//! The two kinds of trees that Go's knowledge looks at, as [`GoFiles`]: the
//! workspace with generated files laid over it, and a fetched module.

use super::sources::{GoFiles, Kind};
use lambuild_action::{BlobStore, Seen, SourceKind, Sources};
use lambuild_digest::{Digest, Dir, Directories, Entry, Node, RelPath};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The workspace's sources; generated files win over those that are there.
pub struct Workspace<'a> {
    sources: &'a dyn Sources,
    /// What is laid over, with what is needed to look into it.
    overlay: Option<(Dir, &'a dyn Directories, &'a dyn BlobStore)>,
}

impl<'a> Workspace<'a> {
    /// The sources alone.
    pub fn of(sources: &'a dyn Sources) -> Self {
        Workspace {
            sources,
            overlay: None,
        }
    }

    /// The sources with `overlay` laid over them.
    pub fn with(seen: &Seen<'a>, overlay: Dir) -> Self {
        Workspace {
            sources: seen.sources,
            overlay: Some((overlay, seen.trees, seen.blobs)),
        }
    }

    /// What is laid over at `path`, if anything is.
    pub fn generated(&self, path: &RelPath) -> Option<Entry> {
        let (dir, trees, _) = self.overlay.as_ref()?;
        let mut here = Entry::Dir(dir.clone());
        for part in path.parts() {
            here = folder(&here, *trees)?
                .entries()
                .find(|(name, _)| *name == part)?
                .1
                .clone();
        }
        Some(here)
    }
}

fn folder(entry: &Entry, trees: &dyn Directories) -> Option<Dir> {
    match entry {
        Entry::Dir(dir) => Some(dir.clone()),
        Entry::Node(Node::Directory(digest)) => {
            trees.directory(digest).ok().map(|directory| Dir::of(&directory))
        }
        Entry::Node(_) => None,
    }
}

impl GoFiles for Workspace<'_> {
    fn list(&self, dir: &RelPath) -> Option<Vec<(String, Kind)>> {
        let mut names: BTreeMap<String, Kind> = BTreeMap::new();
        let real = self.sources.list(dir).ok();
        let laid = self
            .overlay
            .as_ref()
            .and_then(|(_, trees, _)| folder(&self.generated(dir)?, *trees));
        if real.is_none() && laid.is_none() {
            return None;
        }
        for (name, kind) in real.iter().flat_map(|names| names.iter()) {
            let kind = match kind {
                SourceKind::File => Kind::File,
                SourceKind::Folder => Kind::Dir,
                SourceKind::Link => Kind::Link,
            };
            names.insert(name.to_string(), kind);
        }
        for (name, entry) in laid.iter().flat_map(Dir::entries) {
            names.insert(name.to_owned(), kind_of(entry));
        }
        Some(names.into_iter().collect())
    }

    fn read(&self, file: &RelPath) -> Result<Arc<[u8]>, String> {
        if let (Some((_, _, blobs)), Some(Entry::Node(Node::File { digest, .. }))) =
            (&self.overlay, self.generated(file))
        {
            return blobs
                .read(&digest)
                .map(Arc::from)
                .map_err(|error| error.to_string());
        }
        self.sources.read(file).map_err(|error| error.to_string())
    }
}

fn kind_of(entry: &Entry) -> Kind {
    match entry {
        Entry::Dir(_) | Entry::Node(Node::Directory(_)) => Kind::Dir,
        Entry::Node(Node::Symlink { .. }) => Kind::Link,
        Entry::Node(Node::File { .. }) => Kind::File,
    }
}

/// A fetched module: the folder `tree` of a fetch's output.
pub struct Fetched<'a> {
    trees: &'a dyn Directories,
    blobs: &'a dyn BlobStore,
    root: Digest,
    tree: RelPath,
}

impl<'a> Fetched<'a> {
    /// The module whose files lie at `tree` below `root`.
    pub fn new(seen: &Seen<'a>, root: Digest, tree: RelPath) -> Self {
        Fetched {
            trees: seen.trees,
            blobs: seen.blobs,
            root,
            tree,
        }
    }

    fn node(&self, path: &RelPath) -> Option<Node> {
        let mut here = Node::Directory(self.root);
        for part in self.tree.join(path).parts() {
            let Node::Directory(digest) = here else {
                return None;
            };
            here = self.trees.directory(&digest).ok()?.get(part)?.clone();
        }
        Some(here)
    }
}

impl GoFiles for Fetched<'_> {
    fn list(&self, dir: &RelPath) -> Option<Vec<(String, Kind)>> {
        let Node::Directory(digest) = self.node(dir)? else {
            return None;
        };
        let directory = self.trees.directory(&digest).ok()?;
        Some(
            directory
                .nodes()
                .map(|(name, node)| (name.to_owned(), kind_of(&Entry::Node(node.clone()))))
                .collect(),
        )
    }

    fn read(&self, file: &RelPath) -> Result<Arc<[u8]>, String> {
        match self.node(file) {
            Some(Node::File { digest, .. }) => self
                .blobs
                .read(&digest)
                .map(Arc::from)
                .map_err(|error| error.to_string()),
            Some(_) => Err("it is not a file".to_owned()),
            None => Err("it does not exist".to_owned()),
        }
    }
}
