//! A store in memory: for tests, and for what lives no longer than a process. Decides nothing that
//! a store on disk does not: the same suite holds for both.

use crate::cache_key::ActionKey;
use crate::message::ActionResult;
use crate::store::{ActionCache, BlobStore, StoreError};
use lambuild_digest::tree::walk;
use lambuild_digest::{Digest, DigestFunction, Directories, Directory, Node, TreeError};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Blobs and results in memory.
#[derive(Debug)]
pub struct MemoryStore {
    function: DigestFunction,
    blobs: Mutex<BTreeMap<Digest, Vec<u8>>>,
    results: Mutex<BTreeMap<ActionKey, ActionResult>>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        MemoryStore::new(DigestFunction::Blake3)
    }
}

impl MemoryStore {
    /// An empty one.
    pub fn new(function: DigestFunction) -> Self {
        MemoryStore {
            function,
            blobs: Mutex::default(),
            results: Mutex::default(),
        }
    }

    /// Loses an object, as any store may.
    pub fn lose(&self, digest: &Digest) {
        lock(&self.blobs).remove(digest);
    }

    fn is_whole(&self, node: &Node) -> bool {
        let has = |node: &Node| match node {
            Node::File { digest, .. } => self.contains(digest),
            Node::Directory(_) | Node::Symlink { .. } => true,
        };
        match node {
            Node::Directory(digest) => {
                walk(digest, self).is_ok_and(|nodes| nodes.iter().all(|(_, node)| has(node)))
            }
            other => has(other),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl BlobStore for MemoryStore {
    fn function(&self) -> DigestFunction {
        self.function
    }

    fn contains(&self, digest: &Digest) -> bool {
        lock(&self.blobs).contains_key(digest)
    }

    fn read(&self, digest: &Digest) -> Result<Vec<u8>, StoreError> {
        let found = lock(&self.blobs).get(digest).cloned();
        found.ok_or(StoreError::NotFound(*digest))
    }

    fn write(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        let digest = self.function.digest(bytes);
        lock(&self.blobs).insert(digest, bytes.to_vec());
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
    fn result(&self, key: &ActionKey) -> Result<Option<ActionResult>, StoreError> {
        let found = lock(&self.results).get(key).cloned();
        Ok(found.filter(|result| result.outputs.values().all(|node| self.is_whole(node))))
    }

    fn record(&self, key: &ActionKey, result: &ActionResult) -> Result<(), StoreError> {
        lock(&self.results).insert(*key, result.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance;

    #[test]
    fn it_is_a_store_as_any_other() {
        for function in [DigestFunction::Blake3, DigestFunction::Sha256] {
            let store = MemoryStore::new(function);
            conformance::store(&store, &|digest| store.lose(digest));
        }
    }
}
