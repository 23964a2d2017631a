//! A compile cache by entries: what a compile action (by the compiler's own hash of it) put out.
//! Nothing here is believed when it is read: an entry that does not add up is none. Knows no
//! protocol, and not whose entries may be kept.

use lambuild_digest::{Digest, DigestFunction};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The SHA-256 by which the compiler names an action or an output.
pub type Id = [u8; 32];

/// The folder of outputs in a cache's folder.
pub const OUTPUTS: &str = "outputs";
const ACTIONS: &str = "actions";
const UNITS: &str = "units";

/// An output that is there and has the bytes that its name says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// SHA-256 of the bytes.
    pub output: Id,
    /// Their number.
    pub size: u64,
    /// Where they lie, below the cache's folder.
    pub at: String,
}

/// The entries of one cache. One process shares one of these, so that each file is hashed once.
#[derive(Debug)]
pub struct Entries {
    folder: PathBuf,
    checked: Mutex<BTreeMap<Id, State>>,
}

/// What tells that a file is still the one that was hashed. Nobody but the kernel sets `ctime`.
type State = (u64, u64, i64, i64);

impl Entries {
    /// The cache in this folder, which exists.
    pub fn new(folder: PathBuf) -> Self {
        Entries {
            folder,
            checked: Mutex::default(),
        }
    }

    /// Where it lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What an action put out: `None` when that is not known, not there, or not what it was.
    pub fn get(&self, action: &Id) -> Option<Found> {
        let text = fs::read_to_string(self.folder.join(place(ACTIONS, action))).ok()?;
        let (output, size) = parse(action, &text)?;
        let at = place(OUTPUTS, &output);
        self.is_whole(&output, size, &self.folder.join(&at))
            .then_some(Found { output, size, at })
    }

    fn is_whole(&self, output: &Id, size: u64, path: &Path) -> bool {
        let Ok(file) = File::open(path) else { return false };
        let Ok(meta) = file.metadata() else { return false };
        let state = (meta.ino(), meta.size(), meta.ctime(), meta.ctime_nsec());
        if meta.size() != size {
            return false;
        }
        if self.lock().get(output) == Some(&state) {
            return true;
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        // One byte more than it should have: a file that grows meanwhile is not read to its end.
        let read = file.take(size.saturating_add(1)).read_to_end(&mut bytes);
        let whole = read.is_ok() && DigestFunction::Sha256.digest(&bytes).hash() == output;
        if whole {
            self.lock().insert(*output, state);
        } else {
            tracing::debug!(path = %path.display(), "a compile cache's file is damaged: it is made again");
        }
        whole
    }

    /// Keeps what an action put out. The file `from` is moved; whoever calls has hashed it.
    ///
    /// # Errors
    /// The system's. What is kept half is not found later.
    pub fn keep(&self, action: &Id, output: &Id, size: u64, from: &Path) -> io::Result<()> {
        let to = self.folder.join(place(OUTPUTS, output));
        match renamed(from, &to) {
            // Another action put out the same bytes and they were moved first.
            Err(error) if error.kind() == io::ErrorKind::NotFound && to.exists() => {}
            moved => moved?,
        }
        // Beside the file that was moved, on the same file system, and nobody's but the caller's.
        let staged = from.with_extension("entry");
        fs::write(&staged, entry(action, output, size))?;
        renamed(&staged, &self.folder.join(place(ACTIONS, action)))
    }

    /// Whether all that this name stands for was compiled and kept once.
    pub fn knows(&self, unit: &str) -> bool {
        self.folder.join(unit_place(unit)).exists()
    }

    /// Remembers that all that this name stands for is kept.
    ///
    /// # Errors
    /// The system's.
    pub fn learn(&self, unit: &str) -> io::Result<()> {
        let path = self.folder.join(unit_place(unit));
        fs::create_dir_all(path.parent().unwrap_or(&self.folder))?;
        File::create(path).map(drop)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Id, State>> {
        self.checked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn renamed(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && from.exists() => {
            fs::create_dir_all(to.parent().unwrap_or(to))?;
            fs::rename(from, to)
        }
        moved => moved,
    }
}

fn place(kind: &str, id: &Id) -> String {
    let hex = Digest::new(*id, 0).hex();
    let shard = hex.get(..2).unwrap_or_default();
    format!("{kind}/{shard}/{hex}")
}

fn unit_place(unit: &str) -> String {
    place(UNITS, DigestFunction::Sha256.digest(unit.as_bytes()).hash())
}

/// `OUTPUT SIZE CHECK`: the check makes a line that was torn, flipped or misplaced no entry.
fn entry(action: &Id, output: &Id, size: u64) -> String {
    let line = format!("{} {size}", Digest::new(*output, 0).hex());
    let check = DigestFunction::Sha256.digest(format!("{} {line}", Digest::new(*action, 0).hex()).as_bytes());
    format!("{line} {}\n", check.hex())
}

fn parse(action: &Id, text: &str) -> Option<(Id, u64)> {
    let mut words = text.split_whitespace();
    let (output, size) = (words.next()?, words.next()?.parse().ok()?);
    let output = *Digest::from_hex(output, 0)?.hash();
    (entry(action, &output, size) == text).then_some((output, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTION: Id = [7; 32];

    fn kept(folder: &Path, bytes: &[u8]) -> (Entries, Id) {
        let entries = Entries::new(folder.to_owned());
        let output = *DigestFunction::Sha256.digest(bytes).hash();
        let from = folder.join("from");
        fs::write(&from, bytes).unwrap();
        entries.keep(&ACTION, &output, bytes.len() as u64, &from).unwrap();
        (entries, output)
    }

    #[test]
    fn what_was_kept_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let (entries, output) = kept(folder.path(), b"archive");
        let found = entries.get(&ACTION).unwrap();
        assert_eq!((found.output, found.size), (output, 7));
        assert_eq!(fs::read(folder.path().join(found.at)).unwrap(), b"archive");
        assert_eq!(entries.get(&[8; 32]), None);
    }

    #[test]
    fn every_flipped_byte_of_either_file_makes_it_no_entry() {
        let folder = tempfile::tempdir().unwrap();
        let (entries, output) = kept(folder.path(), b"archive");
        for at in [place(ACTIONS, &ACTION), place(OUTPUTS, &output)] {
            let path = folder.path().join(at);
            let whole = fs::read(&path).unwrap();
            for byte in 0..whole.len() {
                let mut flipped = whole.clone();
                flipped[byte] ^= 1;
                fs::write(&path, &flipped).unwrap();
                assert_eq!(entries.get(&ACTION), None, "{} at {byte}", path.display());
            }
            fs::write(&path, &whole[..whole.len() - 1]).unwrap();
            assert_eq!(entries.get(&ACTION), None);
            fs::write(&path, &whole).unwrap();
            assert!(entries.get(&ACTION).is_some());
        }
    }

    #[test]
    fn an_entry_in_the_place_of_another_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let (entries, _) = kept(folder.path(), b"archive");
        let other = folder.path().join(place(ACTIONS, &[9; 32]));
        fs::create_dir_all(other.parent().unwrap()).unwrap();
        fs::copy(folder.path().join(place(ACTIONS, &ACTION)), other).unwrap();
        assert_eq!(entries.get(&[9; 32]), None);
    }

    #[test]
    fn units_are_known_when_learnt() {
        let folder = tempfile::tempdir().unwrap();
        let entries = Entries::new(folder.path().to_owned());
        assert!(!entries.knows("a"));
        entries.learn("a").unwrap();
        assert!(entries.knows("a") && !entries.knows("b"));
    }
}
