//! How much a store holds. Counts; judges nothing and writes nothing.

use crate::fs::{Kind, System};
use crate::inventory::Inventory;
use crate::layout::Place;
use lambuild_action::StoreError;
use lambuild_digest::DigestFunction;
use std::path::Path;
use std::sync::Arc;

/// What a store holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Objects in `cas/`.
    pub objects: u64,
    /// Bytes on the disk that they take.
    pub bytes: u64,
    /// Results in `ac/`.
    pub results: u64,
    /// Laid-out trees.
    pub trees: u64,
    /// Sessions, also those that ended badly and were not cleaned up after.
    pub sessions: u64,
    /// Objects in quarantine.
    pub quarantined: u64,
    /// Bytes that are free on its file system.
    pub free: u64,
}

/// Counts the store in `root`.
///
/// # Errors
/// When the store is of another format, or the file system refuses.
pub fn statistics(root: &Path, function: DigestFunction) -> Result<Statistics, StoreError> {
    let place = Place::open(root, Arc::new(System), function, false)?;
    let inventory = Inventory::take(&place)?;
    let mut results = 0;
    for shard in 0..=255u8 {
        results += count(&place, &Path::new("ac").join(format!("{shard:02x}")))?;
    }
    Ok(Statistics {
        objects: inventory.len() as u64,
        bytes: inventory.size(),
        results,
        trees: count(&place, Path::new("trees"))?,
        sessions: count(&place, Path::new("leases"))?,
        quarantined: count(&place, Path::new("quarantine"))?,
        free: place.fs.room(&place.root)?.free,
    })
}

fn count(place: &Place, folder: &Path) -> Result<u64, StoreError> {
    let Some(folder) = place.fs.folder(&place.root, folder)? else {
        return Ok(0);
    };
    let names = place.fs.list(&folder)?;
    Ok(names.iter().filter(|(_, kind)| *kind != Kind::Other).count() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::DiskStore;
    use lambuild_action::BlobStore;

    #[test]
    fn what_is_there_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("s");
        let store = DiskStore::open(&root, DigestFunction::Blake3).unwrap();
        store.write(b"one").unwrap();
        store.write(b"two").unwrap();
        store.commit().unwrap();
        let found = statistics(&root, DigestFunction::Blake3).unwrap();
        assert_eq!((found.objects, found.results, found.sessions), (2, 0, 1));
        assert!(found.bytes > 0 && found.free > 0);
    }
}
