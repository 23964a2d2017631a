//! Trees in a store in memory, for the tests.

use lambuild_action::{BlobStore, MemoryStore};
use lambuild_digest::tree::walk;
use lambuild_digest::{Digest, DigestFunction, Dir, Node, RelPath};

const BLAKE3: DigestFunction = DigestFunction::Blake3;

/// A clean path.
pub fn path(text: &str) -> RelPath {
    RelPath::new(text).unwrap()
}

/// What the tests do with trees in a store.
pub trait Trees {
    /// Keeps a tree with its folders.
    fn keep(&self, dir: &Dir) -> Digest;

    /// A tree of `(path, text, executable)`.
    fn tree(&self, files: &[(&str, &str, bool)]) -> Dir;

    /// The bytes of a file below a kept folder.
    fn file(&self, root: &Digest, at: &str) -> Vec<u8>;
}

impl Trees for MemoryStore {
    fn keep(&self, dir: &Dir) -> Digest {
        let mut messages = Vec::new();
        let digest = dir.encode(BLAKE3, &mut |_, bytes| messages.push(bytes));
        for message in messages {
            self.write(&message).unwrap();
        }
        digest
    }

    fn tree(&self, files: &[(&str, &str, bool)]) -> Dir {
        let mut dir = Dir::default();
        for (at, text, executable) in files {
            let digest = self.write(text.as_bytes()).unwrap();
            dir.file(&path(at), digest, *executable).unwrap();
        }
        dir
    }

    fn file(&self, root: &Digest, at: &str) -> Vec<u8> {
        let all = walk(root, self).unwrap();
        let node = all.into_iter().find(|(path, _)| path.as_str() == at);
        match node {
            Some((_, Node::File { digest, .. })) => self.read(&digest).unwrap(),
            other => panic!("no file {at}: {other:?}"),
        }
    }
}
