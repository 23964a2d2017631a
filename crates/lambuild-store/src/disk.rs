//! The store on disk: content-addressed blobs (`cas/`), results by key (`ac/`).
//!
//! ```text
//! <store>/
//!   FORMAT            "lambuild store 1", then the digest function; written once
//!   cas/<2 hex>/<62 hex>   0444; the name is the hash of the bytes
//!   ac/<2 hex>/<62 hex>    an ActionResult and 32 bytes of BLAKE3 over it
//!   trees/<64 hex>/        big, stable trees laid out for reading
//!   compile/<name>/        compile caches; may be deleted at any time
//!   stage/                 files and folders that have no name yet
//! ```
//!
//! Anything may be missing, nothing may be wrong: what is read is hashed on the
//! way, so an object that a crash or a bad disk left damaged is set aside and
//! made again. Nothing is synced to the disk yet: a power cut may cost results,
//! never correctness.

use crate::stage::{Stage, StageFolder};
use crate::temporary;
use lambuild_action::{ActionCache, ActionKey, ActionResult, BlobStore, StoreError};
use lambuild_digest::tree::walk;
use lambuild_digest::{Digest, DigestFunction, Directories, Directory, Node, TreeError};
use rustc_hash::FxHashMap;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tempfile::NamedTempFile;

const FORMAT: &str = "lambuild store 1";
const CHECKSUM: usize = 32;
/// One block of any file system in use: a disk that takes it is not full.
const PROBE: [u8; 4096] = [0; 4096];

/// A store in a folder of this machine. Safe to use from many processes.
#[derive(Debug)]
pub struct DiskStore {
    root: PathBuf,
    function: DigestFunction,
    directories: Mutex<FxHashMap<Digest, Arc<Directory>>>,
}

impl DiskStore {
    /// Opens the store in `root`, and makes it where there is none.
    ///
    /// # Errors
    /// When the folder cannot be written, or holds a store of another format or digest function.
    pub fn open(root: &Path, function: DigestFunction) -> Result<Self, StoreError> {
        let store = DiskStore {
            root: root.to_owned(),
            function,
            directories: Mutex::default(),
        };
        match fs::read_to_string(root.join("FORMAT")) {
            Ok(text) => store.check_format(&text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => store.create()?,
            Err(error) => return Err(StoreError::io("read", &root.join("FORMAT"))(error)),
        }
        store.probe()?;
        Ok(store)
    }

    /// A store that is nowhere, takes nothing and has nothing: for those who only list sources.
    pub fn nowhere(function: DigestFunction) -> Self {
        DiskStore {
            root: PathBuf::from("/dev/null"),
            function,
            directories: Mutex::default(),
        }
    }

    /// Whether the store takes anything at all: one that is read-only or full is told at once
    /// and as such, not as the fault of the first source that is read into it.
    fn probe(&self) -> Result<(), StoreError> {
        let area = self.root.join("stage");
        create_folder(&area)?;
        let mut file = temporary::file(&area)?;
        temporary::write(&mut file, &PROBE).map_err(StoreError::io("write", &area))
    }

    fn format(&self) -> String {
        format!("{FORMAT}\n{}\n", self.function.name())
    }

    fn check_format(&self, found: &str) -> Result<(), StoreError> {
        if found == self.format() {
            return Ok(());
        }
        Err(StoreError::Format(format!(
            "the store {} has the format `{}`; this version of lambuild uses `{}`: name another folder with --store",
            self.root.display(),
            found.trim_end().replace('\n', ", "),
            self.format().trim_end().replace('\n', ", "),
        )))
    }

    fn create(&self) -> Result<(), StoreError> {
        for area in ["cas", "ac"] {
            for shard in 0..=255u8 {
                let shard = self.root.join(area).join(format!("{shard:02x}"));
                fs::create_dir_all(&shard).map_err(StoreError::io("create", &shard))?;
            }
        }
        for area in ["trees", "compile", "stage"] {
            let area = self.root.join(area);
            fs::create_dir_all(&area).map_err(StoreError::io("create", &area))?;
        }
        self.publish(self.format().as_bytes(), &self.root.join("FORMAT"))
    }

    /// The store's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where an object's bytes are, if they are here.
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.shard("cas", digest)
    }

    fn shard(&self, area: &str, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        self.root.join(area).join(&hex[..2]).join(&hex[2..])
    }

    /// A new empty folder for work in progress.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn stage(&self) -> Result<Stage, StoreError> {
        StageFolder::make("w", &self.root.join("stage"))
    }

    /// The folder of a compile cache.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn compile_cache(&self, name: &str) -> Result<PathBuf, StoreError> {
        let folder = self.root.join("compile").join(name);
        fs::create_dir_all(&folder).map_err(StoreError::io("create", &folder))?;
        Ok(folder)
    }

    /// A file without a name, to be given one by [`DiskStore::publish_file`].
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn stage_file(&self) -> Result<NamedTempFile, StoreError> {
        temporary::file(&self.root.join("stage"))
    }

    fn publish(&self, bytes: &[u8], to: &Path) -> Result<(), StoreError> {
        let mut file = self.stage_file()?;
        temporary::write(&mut file, bytes).map_err(StoreError::io("write", to))?;
        self.publish_file(file, to)
    }

    /// Seals a written file and gives it its name; from here on it is never modified.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn publish_file(&self, file: NamedTempFile, to: &Path) -> Result<(), StoreError> {
        file.as_file()
            .set_permissions(Permissions::from_mode(0o444))
            .map_err(StoreError::io("seal", to))?;
        let named = file.persist(to).or_else(|failed| match failed.error.kind() {
            // Somebody deleted the folder: anything may be missing.
            io::ErrorKind::NotFound => create_above(to).and_then(|()| Ok(failed.file.persist(to)?)),
            _ => Err(failed.error),
        });
        named.map(drop).map_err(StoreError::io("write", to))
    }

    /// Keeps a file's bytes under the digest that the caller has just computed over them.
    pub(crate) fn adopt(&self, file: NamedTempFile, digest: &Digest) -> Result<(), StoreError> {
        self.publish_file(file, &self.blob_path(digest))
    }

    /// The object's bytes without the `NotFound` of a caller that knows better.
    fn read_checked(&self, digest: &Digest) -> Result<Vec<u8>, StoreError> {
        let path = self.blob_path(digest);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StoreError::NotFound(*digest));
            }
            Err(error) => return Err(StoreError::io("read", &path)(error)),
        };
        if self.function.digest(&bytes) != *digest {
            self.set_aside(&path);
            return Err(StoreError::Damaged(*digest));
        }
        Ok(bytes)
    }

    /// Takes a damaged object away so that it is made again. Best effort: whoever
    /// reads it again finds it damaged again.
    fn set_aside(&self, path: &Path) {
        tracing::warn!(path = %path.display(), "a damaged object was removed from the store");
        if let Err(error) = fs::remove_file(path) {
            tracing::warn!(path = %path.display(), %error, "it could not be removed");
        }
    }

    /// Whether everything below a node is here. A tree that is laid out in `trees/` is whole.
    fn is_whole(&self, node: &Node) -> bool {
        match node {
            Node::File { digest, .. } => self.contains(digest),
            Node::Symlink { .. } => true,
            Node::Directory(digest) => {
                self.tree_path(digest).is_dir()
                    || walk(digest, self).is_ok_and(|nodes| {
                        nodes.iter().all(|(_, node)| match node {
                            Node::File { digest, .. } => self.contains(digest),
                            _ => true,
                        })
                    })
            }
        }
    }

    /// Where a stable tree is laid out, if it is.
    pub(crate) fn tree_path(&self, digest: &Digest) -> PathBuf {
        self.root.join("trees").join(digest.hex())
    }
}

impl BlobStore for DiskStore {
    fn function(&self) -> DigestFunction {
        self.function
    }

    fn contains(&self, digest: &Digest) -> bool {
        fs::metadata(self.blob_path(digest)).is_ok_and(|meta| meta.is_file() && meta.len() == digest.size())
    }

    fn read(&self, digest: &Digest) -> Result<Vec<u8>, StoreError> {
        self.read_checked(digest)
    }

    fn write(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        let digest = self.function.digest(bytes);
        if !self.contains(&digest) {
            self.publish(bytes, &self.blob_path(&digest))?;
        }
        Ok(digest)
    }
}

impl ActionCache for DiskStore {
    fn result(&self, key: &ActionKey) -> Result<Option<ActionResult>, StoreError> {
        let path = self.shard("ac", &key.0);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io("read", &path)(error)),
        };
        let Some(result) = unseal(&bytes).and_then(|message| ActionResult::decode(message).ok()) else {
            self.set_aside(&path);
            return Ok(None);
        };
        Ok(result
            .outputs
            .values()
            .all(|node| self.is_whole(node))
            .then_some(result))
    }

    fn record(&self, key: &ActionKey, result: &ActionResult) -> Result<(), StoreError> {
        self.publish(&seal(result.encode()), &self.shard("ac", &key.0))
    }
}

/// A record has no name that proves it, so it carries its own checksum.
fn seal(mut message: Vec<u8>) -> Vec<u8> {
    let checksum = *DigestFunction::Blake3.digest(&message).hash();
    message.extend_from_slice(&checksum);
    message
}

fn unseal(bytes: &[u8]) -> Option<&[u8]> {
    let (message, checksum) = bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM)?)?;
    (DigestFunction::Blake3.digest(message).hash() == checksum).then_some(message)
}

impl Directories for DiskStore {
    fn directory(&self, digest: &Digest) -> Result<Arc<Directory>, TreeError> {
        let known = self
            .directories
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(digest)
            .cloned();
        if let Some(directory) = known {
            return Ok(directory);
        }
        let missing = |error: StoreError| TreeError::Missing {
            digest: *digest,
            why: error.to_string(),
        };
        let directory = Arc::new(Directory::decode(&self.read_checked(digest).map_err(missing)?)?);
        let mut cache = self.directories.lock().unwrap_or_else(PoisonError::into_inner);
        cache.insert(*digest, directory.clone());
        Ok(directory)
    }
}

fn create_above(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

/// Makes a folder and those above it.
pub(crate) fn create_folder(folder: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(folder).map_err(StoreError::io("create", folder))
}

/// Opens a file for reading.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lambuild_action::Isolation;
    use tempfile::TempDir;

    fn store() -> (TempDir, DiskStore) {
        let folder = tempfile::tempdir().unwrap();
        let store = DiskStore::open(&folder.path().join("s"), DigestFunction::Blake3).unwrap();
        (folder, store)
    }

    #[test]
    fn blobs_are_read_back_sealed_and_checked() {
        let (_folder, store) = store();
        let digest = store.write(b"hello").unwrap();
        assert_eq!(store.read(&digest).unwrap(), b"hello");
        let mode = fs::metadata(store.blob_path(&digest))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o444);
        assert!(matches!(
            store.read(&DigestFunction::Blake3.digest(b"no")),
            Err(StoreError::NotFound(_))
        ));
    }

    #[test]
    fn a_damaged_object_is_never_handed_out_and_can_be_made_again() {
        let (_folder, store) = store();
        let digest = store.write(b"hello").unwrap();
        fs::remove_file(store.blob_path(&digest)).unwrap();
        fs::write(store.blob_path(&digest), b"jello").unwrap();
        assert!(matches!(store.read(&digest), Err(StoreError::Damaged(_))));
        assert!(!store.contains(&digest));
        store.write(b"hello").unwrap();
        assert_eq!(store.read(&digest).unwrap(), b"hello");
    }

    #[test]
    fn a_result_is_given_out_only_while_its_outputs_are_there() {
        let (_folder, store) = store();
        let key = ActionKey(DigestFunction::Blake3.digest(b"key"));
        let digest = store.write(b"zip").unwrap();
        let result = ActionResult::of(
            Node::File {
                digest,
                executable: false,
            },
            None,
            Isolation::Strict,
        );
        assert_eq!(store.result(&key).unwrap(), None);
        store.record(&key, &result).unwrap();
        assert_eq!(store.result(&key).unwrap(), Some(result));
        fs::remove_file(store.blob_path(&digest)).unwrap();
        assert_eq!(store.result(&key).unwrap(), None);
    }

    #[test]
    fn a_damaged_record_counts_as_none() {
        let (_folder, store) = store();
        let key = ActionKey(DigestFunction::Blake3.digest(b"key"));
        let path = store.shard("ac", &key.0);
        for bytes in [&b""[..], b"short", &[0; 40]] {
            fs::write(&path, bytes).unwrap();
            assert_eq!(store.result(&key).unwrap(), None);
        }
    }

    #[test]
    fn folders_of_the_store_may_be_missing() {
        let (folder, store) = store();
        let digest = store.write(b"hello").unwrap();
        fs::remove_dir_all(store.root().join("cas")).unwrap();
        fs::remove_dir_all(store.root().join("stage")).unwrap();
        let store = DiskStore::open(&folder.path().join("s"), DigestFunction::Blake3).unwrap();
        assert!(!store.contains(&digest));
        store.write(b"hello").unwrap();
        assert_eq!(store.read(&digest).unwrap(), b"hello");
    }

    #[test]
    fn another_format_is_refused_and_left_alone() {
        let (folder, store) = store();
        let file = store.root().join("FORMAT");
        fs::remove_file(&file).unwrap();
        fs::write(&file, "lambuild store 9\nblake3\n").unwrap();
        let error = DiskStore::open(&folder.path().join("s"), DigestFunction::Blake3)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(
                "`lambuild store 9, blake3`; this version of lambuild uses `lambuild store 1, blake3`"
            ),
            "{error}"
        );
    }
}
