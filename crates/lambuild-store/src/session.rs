//! One process's stay in the store: its staging area, and the lease that keeps the collector
//! from what it needs. Both end with the process: the kernel gives its locks back.
//! Does not know what the objects are for.

use crate::fs::{Handle, Lock, remove};
use crate::layout::Place;
use crate::points::point;
use lambuild_action::StoreError;
use lambuild_digest::Digest;
use rustc_hash::FxHashSet;
use std::fmt::Write;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The lock that the collector takes for a short sweep, and everybody else while registering a need.
pub(crate) const GC_LOCK: &str = "locks/gc";
/// The file in a staging area whose lock its session holds.
pub(crate) const LIVE: &str = ".live";

/// What is needed: an object, or a folder with all below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Need {
    Object(Digest),
    Tree(Digest),
}

impl Need {
    /// Its line in a lease.
    fn line(&self, to: &mut String) {
        let (kind, digest) = match self {
            Need::Object(digest) => ('o', digest),
            Need::Tree(digest) => ('t', digest),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(to, "{kind} {digest}");
    }

    /// A line of a lease; `None` for one that is none.
    pub fn parse(line: &str) -> Option<Self> {
        let (kind, digest) = line.split_once(' ')?;
        let (hex, size) = digest.split_once('/')?;
        let digest = Digest::from_hex(hex, size.parse().ok()?)?;
        match kind {
            "o" => Some(Need::Object(digest)),
            "t" => Some(Need::Tree(digest)),
            _ => None,
        }
    }

    /// Of what.
    pub fn digest(&self) -> &Digest {
        match self {
            Need::Object(digest) | Need::Tree(digest) => digest,
        }
    }
}

/// A stay in the store.
#[derive(Debug)]
pub(crate) struct Session {
    place: Arc<Place>,
    /// Its staging area, relative to the root.
    pub folder: PathBuf,
    /// The open staging area.
    pub area: Handle,
    /// Seconds since 1970 by the file system's own clock when it began.
    pub begun: i64,
    lease_path: PathBuf,
    lease: Handle,
    _live: Handle,
    needs: Mutex<FxHashSet<Need>>,
    counter: AtomicU64,
}

impl Session {
    /// Registers this process.
    pub fn begin(place: Arc<Place>) -> Result<Self, StoreError> {
        // The collector judges whether a session lives with this lock held by itself alone: it
        // never sees one whose own locks are not taken yet.
        let registering = place.lock(Path::new(GC_LOCK), Lock::Shared)?;
        let name = place.fs.unique();
        let folder = boot_folder(&place).join(&name);
        make_area(&place, &folder)?;
        point("session.folder")?;
        let live = place.fs.append_to(&place.root, &folder.join(LIVE))?;
        place.try_lock(&live, Lock::Exclusive)?;
        point("session.live")?;
        let lease_path = Path::new("leases").join(format!("{}-{name}", place.boot));
        let lease = place.fs.append_to(&place.root, &lease_path)?;
        place.try_lock(&lease, Lock::Exclusive)?;
        point("session.lease")?;
        drop(registering);
        let area = place.fs.folder(&place.root, &folder)?;
        let area = area.ok_or_else(|| gone(&place.path.join(&folder)))?;
        Ok(Session {
            begun: place.fs.stat_open(&live)?.changed,
            folder,
            area,
            lease_path,
            lease,
            _live: live,
            needs: Mutex::default(),
            counter: AtomicU64::new(0),
            place,
        })
    }

    /// The session of a place where nothing may be written.
    pub fn nowhere(place: Arc<Place>) -> Self {
        let nothing = || Handle::numbered(0, place.path.clone());
        Session {
            folder: PathBuf::new(),
            area: nothing(),
            begun: 0,
            lease_path: PathBuf::new(),
            lease: nothing(),
            _live: nothing(),
            needs: Mutex::default(),
            counter: AtomicU64::new(0),
            place,
        }
    }

    /// A path in the staging area that nothing has had yet.
    pub fn fresh(&self, prefix: &str) -> PathBuf {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        self.folder.join(format!("{prefix}{number}"))
    }

    /// Registers needs, before a look at whether the objects are there. The collector decides and
    /// takes away with the lock to itself: so either it sees the need, or the look sees
    /// that the object is gone.
    pub fn register(&self, needs: &[Need]) -> Result<(), StoreError> {
        let new: Vec<Need> = {
            let known = self.needs.lock().unwrap_or_else(PoisonError::into_inner);
            needs
                .iter()
                .filter(|need| !known.contains(need))
                .copied()
                .collect()
        };
        // In a store that is only read a need cannot be written down: what is collected meanwhile is missing.
        if new.is_empty() || self.place.read_only.is_some() {
            return Ok(());
        }
        let mut lines = String::new();
        for need in &new {
            need.line(&mut lines);
        }
        let registering = self.place.lock(Path::new(GC_LOCK), Lock::Shared)?;
        self.place.fs.write(&self.lease, lines.as_bytes())?;
        drop(registering);
        let mut known = self.needs.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(new);
        Ok(())
    }
}

/// The folder of all areas of this start of the machine, relative to the root.
fn boot_folder(place: &Place) -> PathBuf {
    Path::new("stage").join(&place.boot)
}

/// Makes a staging area. Whoever leaves takes the empty folder above it away, maybe between our
/// two calls; then both are made again. Each turn is one more session that ended just here, so a
/// folder that keeps missing is an error and not a crowd.
fn make_area(place: &Place, folder: &Path) -> Result<(), StoreError> {
    const TURNS: u32 = 1000;
    let boot = boot_folder(place);
    for turn in 1.. {
        place.fs.make_folder(&place.root, &boot)?;
        match place.fs.make_folder(&place.root, folder) {
            Err(StoreError::Io { source, .. }) if source.kind() == ErrorKind::NotFound && turn < TURNS => {}
            made => return made.map(drop),
        }
    }
    Ok(())
}

/// Leaves: takes the staging area, the lease and, as the last one, the boot's folder away. Best
/// effort: the collector does it for those who cannot.
impl Drop for Session {
    fn drop(&mut self) {
        if self.place.read_only.is_some() {
            return;
        }
        let gone = remove::tree(&*self.place.fs, &self.place.root, &self.folder);
        let gone = gone.and_then(|()| self.place.fs.unlink(&self.place.root, &self.lease_path));
        if let Err(error) = gone {
            tracing::debug!(%error, "the staging area stays");
        }
        // Refused while others work beside us: then the last of them does it.
        let _ = self
            .place
            .fs
            .remove_folder(&self.place.root, &boot_folder(&self.place));
    }
}

fn gone(path: &Path) -> StoreError {
    StoreError::io("open the folder", path)(ErrorKind::NotFound.into())
}
