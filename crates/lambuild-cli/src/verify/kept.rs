//! Results of a second build: kept for its length and nowhere else, while what they consist of lies in the
//! store of the first. So a second build reads no result of an earlier one, and nobody reads its.

use async_trait::async_trait;
use lambuild_action::{
    ActionCache, ActionKey, ActionResult, BlobStore, ExecuteError, Executed, Executor, Request, StoreError,
};
use lambuild_digest::{Digest, DigestFunction, Directories, Directory, TreeError};
use lambuild_store::DiskStore;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A store with the blobs of another one and results of its own.
pub struct OwnResults {
    blobs: Arc<DiskStore>,
    results: Mutex<BTreeMap<ActionKey, ActionResult>>,
}

impl OwnResults {
    /// Over the blobs of this store, without any result.
    pub fn over(blobs: Arc<DiskStore>) -> Self {
        OwnResults {
            blobs,
            results: Mutex::default(),
        }
    }
}

impl BlobStore for OwnResults {
    fn function(&self) -> DigestFunction {
        self.blobs.function()
    }

    fn contains(&self, digest: &Digest) -> bool {
        self.blobs.contains(digest)
    }

    fn read(&self, digest: &Digest) -> Result<Vec<u8>, StoreError> {
        self.blobs.read(digest)
    }

    fn write(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        self.blobs.write(bytes)
    }
}

impl Directories for OwnResults {
    fn directory(&self, digest: &Digest) -> Result<Arc<Directory>, TreeError> {
        self.blobs.directory(digest)
    }
}

impl ActionCache for OwnResults {
    fn result(&self, key: &ActionKey) -> Result<Option<ActionResult>, StoreError> {
        let results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(results.get(key).cloned())
    }

    fn record(&self, key: &ActionKey, result: &ActionResult) -> Result<(), StoreError> {
        let mut results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        results.insert(*key, result.clone());
        Ok(())
    }
}

/// Answers a fetch with what the first build fetched: that was verified by its hash, so fetching it again
/// would prove nothing.
pub struct Fetched(pub Arc<DiskStore>);

#[async_trait]
impl Executor for Fetched {
    async fn execute(&self, request: &Request) -> Result<Executed, ExecuteError> {
        let result = self.0.result(&request.key)?.ok_or_else(|| {
            ExecuteError::Refused(
                "what the first build fetched is gone from the store: run this again".to_owned(),
            )
        })?;
        Ok(Executed {
            result,
            log: Vec::new(),
        })
    }
}
