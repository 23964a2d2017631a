//! Notices that an object was lost while a selector looked at outputs: it tells people where it stood,
//! not that the object can be made again. Decides nothing else.

use lambuild_action::{BlobStore, StoreError};
use lambuild_digest::{Digest, DigestFunction, Directories, Directory, TreeError};
use std::sync::{Arc, Mutex, PoisonError};

/// A store that remembers the first object that it could not give.
pub(crate) struct Watch<'a, S: ?Sized> {
    store: &'a S,
    lost: Mutex<Option<Digest>>,
}

impl<'a, S: BlobStore + Directories + ?Sized> Watch<'a, S> {
    pub fn over(store: &'a S) -> Self {
        Watch {
            store,
            lost: Mutex::new(None),
        }
    }

    /// The first object that was missing or damaged.
    pub fn lost(&self) -> Option<Digest> {
        *self.lost.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, digest: &Digest) {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        lost.get_or_insert(*digest);
    }
}

impl<S: BlobStore + Directories + ?Sized> BlobStore for Watch<'_, S> {
    fn function(&self) -> DigestFunction {
        self.store.function()
    }

    fn contains(&self, digest: &Digest) -> bool {
        self.store.contains(digest)
    }

    fn read(&self, digest: &Digest) -> Result<Vec<u8>, StoreError> {
        self.store.read(digest).inspect_err(|error| {
            if matches!(error, StoreError::NotFound(_) | StoreError::Damaged(_)) {
                self.note(digest);
            }
        })
    }

    fn write(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        self.store.write(bytes)
    }
}

impl<S: BlobStore + Directories + ?Sized> Directories for Watch<'_, S> {
    fn directory(&self, digest: &Digest) -> Result<Arc<Directory>, TreeError> {
        self.store.directory(digest).inspect_err(|error| {
            if matches!(error, TreeError::Missing { .. }) {
                self.note(digest);
            }
        })
    }
}
