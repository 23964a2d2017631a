//! A check of the whole store: every object hashed, every folder message and record read, every
//! record's closure looked for. Needs no index. Decides what is damage; what is made again is up
//! to the next build.

use crate::disk::unseal;
use crate::fs::{self, Fs, System};
use crate::inventory::{Inventory, hash_file, path_of};
use crate::layout::{Place, object};
use crate::publish::quarantine;
use lambuild_action::{ActionResult, StoreError};
use lambuild_digest::{Digest, DigestFunction, Directory, Node};
use rayon::prelude::*;
use rustc_hash::FxHashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is checked, and what is done about damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Check {
    /// Of a thousand objects, how many are hashed; 1000 for all. Which ones is decided by their digests and `seed`.
    pub per_mille: u16,
    /// Another seed takes another sample.
    pub seed: u64,
    /// Whether damaged objects go into quarantine, and records that are damaged or incomplete go: the next build
    /// makes them again.
    pub repair: bool,
}

impl Default for Check {
    fn default() -> Self {
        Check {
            per_mille: 1000,
            seed: 0,
            repair: false,
        }
    }
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Objects that were hashed.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Results that were read.
    pub results: u64,
    /// Objects whose bytes are not those of their name: paths in the store, sorted.
    pub damaged: Vec<PathBuf>,
    /// Results that cannot be read.
    pub damaged_results: Vec<PathBuf>,
    /// Results that name what is not there. They are no damage, but count as none.
    pub incomplete_results: Vec<PathBuf>,
}

impl Found {
    /// Whether everything is as it should be.
    pub fn is_sound(&self) -> bool {
        self.damaged.is_empty() && self.damaged_results.is_empty()
    }
}

/// Checks the store in `root`. `tell` hears how many of how many objects are done, from any thread.
///
/// # Errors
/// When the store is of another format, or the file system refuses.
pub fn verify(
    root: &Path,
    function: DigestFunction,
    check: &Check,
    tell: &(dyn Fn(u64, u64) + Sync),
) -> Result<Found, StoreError> {
    verify_with(root, function, Arc::new(System), check, tell)
}

/// As [`verify`], by another way to touch the disk.
///
/// # Errors
/// As [`verify`].
pub fn verify_with(
    root: &Path,
    function: DigestFunction,
    fs: Arc<dyn Fs>,
    check: &Check,
    tell: &(dyn Fn(u64, u64) + Sync),
) -> Result<Found, StoreError> {
    let place = Place::open(root, fs, function, false)?;
    let mut hashes = Inventory::take(&place)?.hashes();
    hashes.retain(|hash| is_sampled(hash, check));
    let mut found = objects(&place, function, &hashes, tell)?;
    results(&place, &mut found)?;
    if check.repair {
        repair(&place, &found)?;
    }
    Ok(found)
}

/// A digest is evenly spread as it is, so a part of it decides.
fn is_sampled(hash: &[u8; 32], check: &Check) -> bool {
    let [a, b, c, d, ..] = *hash;
    let drawn =
        u64::from(u32::from_le_bytes([a, b, c, d])).wrapping_add(check.seed.wrapping_mul(0x9e37_79b9));
    (drawn & 0xffff_ffff) * 1000 < u64::from(check.per_mille) << 32
}

fn objects(
    place: &Place,
    function: DigestFunction,
    hashes: &[[u8; 32]],
    tell: &(dyn Fn(u64, u64) + Sync),
) -> Result<Found, StoreError> {
    let (done, all) = (AtomicU64::new(0), hashes.len() as u64);
    let checked = hashes
        .par_iter()
        .map(|hash| {
            let path = path_of(hash);
            let digest = match hash_file(place, &path, function) {
                Err(StoreError::Io { .. }) => Some(Digest::new([0; 32], 0)),
                other => other?,
            };
            tell(done.fetch_add(1, Ordering::Relaxed) + 1, all);
            // One that has gone since the listing was collected.
            Ok(digest.map(|digest| (path, digest.size(), digest.hash() == hash)))
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    let mut found = Found::default();
    for (path, size, is_right) in checked.into_iter().flatten() {
        found.objects += 1;
        found.bytes += size;
        if !is_right {
            found.damaged.push(path);
        }
    }
    Ok(found)
}

fn results(place: &Place, found: &mut Found) -> Result<(), StoreError> {
    let mut whole = FxHashSet::default();
    for shard in 0..=255u8 {
        let folder = Path::new("ac").join(format!("{shard:02x}"));
        let Some(open) = place.fs.folder(&place.root, &folder)? else {
            continue;
        };
        for (name, _) in place.fs.list(&open)? {
            let Some(bytes) = fs::read_file(&*place.fs, &open, Path::new(&name))? else {
                continue;
            };
            found.results += 1;
            let path = folder.join(&name);
            let Some(result) = unseal(&bytes).and_then(|message| ActionResult::decode(message).ok()) else {
                found.damaged_results.push(path);
                continue;
            };
            let mut ahead: Vec<Node> = result.outputs.values().cloned().collect();
            if !is_complete(place, &mut ahead, &mut whole)? {
                found.incomplete_results.push(path);
            }
        }
    }
    Ok(())
}

/// Whether all that is ahead is there, with all below it.
fn is_complete(
    place: &Place,
    ahead: &mut Vec<Node>,
    whole: &mut FxHashSet<Digest>,
) -> Result<bool, StoreError> {
    while let Some(node) = ahead.pop() {
        let (digest, is_folder) = match &node {
            Node::Symlink { .. } => continue,
            Node::File { digest, .. } => (*digest, false),
            Node::Directory(digest) => (*digest, true),
        };
        if whole.contains(&digest) {
            continue;
        }
        if !place.has(&object(&digest), &digest)? {
            return Ok(false);
        }
        if is_folder {
            let bytes = fs::read_file(&*place.fs, &place.root, &object(&digest))?.unwrap_or_default();
            let Ok(directory) = Directory::decode(&bytes) else {
                return Ok(false);
            };
            ahead.extend(directory.nodes().map(|(_, node)| node.clone()));
        }
        whole.insert(digest);
    }
    Ok(true)
}

fn repair(place: &Place, found: &Found) -> Result<(), StoreError> {
    for path in &found.damaged {
        let hex: String = path.iter().skip(1).map(|part| part.to_string_lossy()).collect();
        if let Some(digest) = Digest::from_hex(&hex, 0) {
            quarantine(place, path, &digest)?;
        }
    }
    for path in found.damaged_results.iter().chain(&found.incomplete_results) {
        place.fs.unlink(&place.root, path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::DiskStore;
    use lambuild_action::{ActionCache, ActionKey, BlobStore, Isolation};
    use std::os::unix::fs::PermissionsExt;

    const BLAKE3: DigestFunction = DigestFunction::Blake3;

    fn damage(path: &Path) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let mut bytes = std::fs::read(path).unwrap();
        bytes[0] ^= 1;
        std::fs::write(path, bytes).unwrap();
    }

    fn check(root: &Path, repair: bool) -> Found {
        let check = Check {
            repair,
            ..Check::default()
        };
        verify(root, BLAKE3, &check, &|_, _| {}).unwrap()
    }

    #[test]
    fn each_damage_is_found_and_repaired_by_being_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("s");
        let store = DiskStore::open(&root, BLAKE3).unwrap();
        let mut keys = Vec::new();
        for text in ["zero", "one", "two"] {
            let digest = store.write(text.as_bytes()).unwrap();
            let key = ActionKey(BLAKE3.digest(text.to_uppercase().as_bytes()));
            let node = Node::File {
                digest,
                executable: false,
            };
            store
                .record(&key, &ActionResult::of(node, None, Isolation::Strict))
                .unwrap();
            keys.push((key, digest));
        }
        drop(store);
        assert!(check(&root, false).is_sound());
        damage(&root.join(object(&keys[0].1)));
        damage(&root.join(crate::layout::spread("ac", &keys[1].0.0)));
        std::fs::remove_file(root.join(object(&keys[2].1))).unwrap();
        for repair in [false, true] {
            let found = check(&root, repair);
            assert_eq!((found.objects, found.results), (2, 3));
            assert_eq!(found.damaged, [object(&keys[0].1)]);
            assert_eq!(found.damaged_results, [crate::layout::spread("ac", &keys[1].0.0)]);
            assert_eq!(
                found.incomplete_results,
                [crate::layout::spread("ac", &keys[2].0.0)]
            );
        }
        let after = check(&root, false);
        assert!(after.is_sound());
        // The record of the damaged object is incomplete now.
        assert_eq!(after.incomplete_results.len(), 1);
    }

    #[test]
    fn a_sample_is_about_as_large_as_it_says_and_depends_on_the_seed() {
        let hashes: Vec<[u8; 32]> = (0..10_000u32)
            .map(|number| *BLAKE3.digest(&number.to_le_bytes()).hash())
            .collect();
        let sample = |per_mille, seed| {
            let check = Check {
                per_mille,
                seed,
                repair: false,
            };
            let taken: Vec<_> = hashes.iter().filter(|hash| is_sampled(hash, &check)).collect();
            taken
        };
        assert_eq!(sample(1000, 0).len(), 10_000);
        assert_eq!(sample(0, 0).len(), 0);
        let tenth = sample(100, 0).len();
        assert!((800..1200).contains(&tenth), "{tenth}");
        assert_ne!(sample(100, 0), sample(100, 1));
    }
}
