//! A store in memory for the tests: blobs and folders, no results.

use lambuild_action::{ActionCache, ActionKey, ActionResult, BlobStore, StoreError};
use lambuild_digest::tree::walk;
use lambuild_digest::{Digest, DigestFunction, Dir, Directories, Directory, Node, RelPath, TreeError};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

const BLAKE3: DigestFunction = DigestFunction::Blake3;

/// A clean path.
pub fn path(text: &str) -> RelPath {
    RelPath::new(text).unwrap()
}

/// Blobs in memory; keeps no results.
#[derive(Default)]
pub struct MemoryStore(Mutex<BTreeMap<Digest, Vec<u8>>>);

impl MemoryStore {
    /// Keeps a tree with its folders.
    pub fn keep(&self, dir: &Dir) -> Digest {
        let mut messages = Vec::new();
        let digest = dir.encode(BLAKE3, &mut |_, bytes| messages.push(bytes));
        for message in messages {
            self.write(&message).unwrap();
        }
        digest
    }

    /// A tree of `(path, text, executable)`.
    pub fn tree(&self, files: &[(&str, &str, bool)]) -> Dir {
        let mut dir = Dir::default();
        for (at, text, executable) in files {
            let digest = self.write(text.as_bytes()).unwrap();
            dir.file(&path(at), digest, *executable).unwrap();
        }
        dir
    }

    /// The bytes of a file below a kept folder.
    pub fn file(&self, root: &Digest, at: &str) -> Vec<u8> {
        let all = walk(root, self).unwrap();
        let node = all.into_iter().find(|(path, _)| path.as_str() == at);
        match node {
            Some((_, Node::File { digest, .. })) => self.read(&digest).unwrap(),
            other => panic!("no file {at}: {other:?}"),
        }
    }
}

impl BlobStore for MemoryStore {
    fn function(&self) -> DigestFunction {
        BLAKE3
    }

    fn contains(&self, digest: &Digest) -> bool {
        self.0.lock().unwrap().contains_key(digest)
    }

    fn read(&self, digest: &Digest) -> Result<Vec<u8>, StoreError> {
        let blobs = self.0.lock().unwrap();
        blobs.get(digest).cloned().ok_or(StoreError::NotFound(*digest))
    }

    fn write(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        let digest = BLAKE3.digest(bytes);
        self.0.lock().unwrap().insert(digest, bytes.to_vec());
        Ok(digest)
    }
}

impl Directories for MemoryStore {
    fn directory(&self, digest: &Digest) -> Result<Arc<Directory>, TreeError> {
        let missing = |error: StoreError| TreeError::Missing {
            digest: *digest,
            why: error.to_string(),
        };
        Directory::decode(&self.read(digest).map_err(missing)?).map(Arc::new)
    }
}

impl ActionCache for MemoryStore {
    fn result(&self, _: &ActionKey) -> Result<Option<ActionResult>, StoreError> {
        Ok(None)
    }

    fn record(&self, _: &ActionKey, _: &ActionResult) -> Result<(), StoreError> {
        Ok(())
    }
}
