//! Where everything lies in a store, and how one comes to be: its folders, its format, who may
//! write it. Does not know what an object holds, or how it gets its name.

use crate::fs::watched::{Call, Watched};
use crate::fs::{self, Fs, Handle, Kind, Lock, Named, System};
use crate::points::point;
use lambuild_action::StoreError;
use lambuild_digest::{Digest, DigestFunction};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The first line of `FORMAT`, without the number.
const MAGIC: &str = "lambuild store ";
/// The format that this version writes.
const VERSION: u32 = 2;
/// The format before: the same objects and records, never synced, no locks.
const UNSYNCED: u32 = 1;

const FORMAT: &str = "FORMAT";
/// The folders whose objects are spread over 256 folders by the first two digits of their name.
const SPREAD: [&str; 2] = ["cas", "ac"];
const PLAIN: [&str; 10] = [
    "stage",
    "locks",
    "leases",
    "roots",
    "quarantine",
    "trash",
    "trees",
    "verified",
    "compile",
    "host",
];
/// A file that is given up where the disk is full, so that there is room to collect.
const RESERVE: &str = "reserve";
const RESERVED: u64 = 16 << 20;
/// A disk with less room than this gets no reserve: it would be full the sooner.
const ROOMY: u64 = 8 * RESERVED;
/// Files that stand at the top.
const FILES: [&str; 2] = [FORMAT, RESERVE];

/// About how many bytes an empty store takes: a block for each of its folders.
const EMPTY: u64 = 530 * 4096;
/// The operations of [`Fs`] that change something.
pub(crate) const CHANGES: [&str; 14] = [
    "make_folder",
    "create",
    "append_to",
    "write",
    "share",
    "hole",
    "allocate",
    "empty",
    "set_mode",
    "set_mode_at",
    "rename_new",
    "rename",
    "unlink",
    "touch",
];

/// Who else may write the store: the bits of group and world.
const OTHERS_WRITE: u32 = 0o022;

/// An open store's root and the way to touch it.
#[derive(Debug)]
pub(crate) struct Place {
    pub fs: Arc<dyn Fs>,
    pub root: Handle,
    pub path: PathBuf,
    /// This start of the machine.
    pub boot: String,
    /// Whether the user vouches that nobody else uses the store: then nothing is locked.
    pub single: bool,
    /// Why the store is only read, where it is: then every operation that would change it fails with this.
    pub read_only: Option<String>,
    /// What was found damaged, by its place, and where it is kept, if it is.
    pub damaged: Mutex<BTreeMap<PathBuf, Option<PathBuf>>>,
}

/// `area/xx/rest` for a digest.
pub(crate) fn spread(area: &str, digest: &Digest) -> PathBuf {
    let hex = digest.hex();
    let (shard, rest) = hex.split_at(2);
    [area, shard, rest].iter().collect()
}

/// The path of an object.
pub(crate) fn object(digest: &Digest) -> PathBuf {
    spread("cas", digest)
}

impl Place {
    /// Opens the store at `path`, and makes it where there is none.
    pub fn open(
        path: &Path,
        fs: Arc<dyn Fs>,
        function: DigestFunction,
        single: bool,
    ) -> Result<Self, StoreError> {
        let place = Place::at(path, fs, single)?;
        match place.format()? {
            None => place
                .create(function)
                .map_err(|error| place.plain(error, EMPTY))?,
            Some(found) if found == text(VERSION, function) => match place.complete() {
                Err(error) if is_read_only(&error) => return place.for_reading(place.refused(&error)),
                completed => completed?,
            },
            Some(found) if found == text(UNSYNCED, function) => place.migrate(function)?,
            Some(found) if is_newer(&found, function) => {
                return place.for_reading(format!(
                    "the store {} has the format `{}`, which this version of lambuild reads and never writes: use the \
                     version that made it, or name another folder with --store",
                    path.display(),
                    line(&found)
                ));
            }
            Some(found) => return Err(place.other_format(&found, function)),
        }
        place.keep_reserve();
        Ok(place)
    }

    /// As [`Place::open`], where the disk may be full: the reserve goes before anything else is done,
    /// and a folder that cannot be made is missing.
    pub fn open_to_make_room(
        path: &Path,
        fs: Arc<dyn Fs>,
        function: DigestFunction,
    ) -> Result<Self, StoreError> {
        let place = Place::at(path, fs.clone(), false)?;
        if place.format()? != Some(text(VERSION, function)) {
            return Place::open(path, fs, function, false);
        }
        place.fs.unlink(&place.root, Path::new(RESERVE))?;
        match place.complete() {
            Err(error) if is_full(&error) => Ok(place),
            completed => completed.map(|()| place),
        }
    }

    fn at(path: &Path, fs: Arc<dyn Fs>, single: bool) -> Result<Self, StoreError> {
        let place = Place {
            root: fs.root(path)?,
            path: path.to_owned(),
            boot: fs.boot(),
            fs,
            single,
            read_only: None,
            damaged: Mutex::default(),
        };
        place.check_owner()?;
        Ok(place)
    }

    /// The same store, where every operation that would change it is refused for this reason.
    pub fn for_reading(&self, why: String) -> Result<Self, StoreError> {
        let reason = why.clone();
        let look = move |call: &Call| {
            if CHANGES.contains(&call.operation) {
                return Err(StoreError::Format(reason.clone()));
            }
            Ok(())
        };
        Ok(Place {
            root: self.fs.root(&self.path)?,
            path: self.path.clone(),
            boot: self.boot.clone(),
            fs: Arc::new(Watched::new(self.fs.clone(), look)),
            single: true,
            read_only: Some(why),
            damaged: Mutex::default(),
        })
    }

    /// Why a store is only read whose file system refuses to write.
    pub fn refused(&self, error: &StoreError) -> String {
        let why = match error {
            StoreError::Io { source, .. } => source.to_string(),
            other => other.to_string(),
        };
        format!(
            "the store {} is only read, and this needs something new in it: {why}; make it writable, or name another \
             folder with --store",
            self.path.display()
        )
    }

    /// Notes that something was damaged; each is told once.
    pub fn note_damage(&self, path: PathBuf, kept: Option<PathBuf>) {
        let mut damaged = self.damaged.lock().unwrap_or_else(PoisonError::into_inner);
        damaged.entry(path).or_insert(kept);
    }

    /// Takes room for the time when the disk is full. Best effort: a collection needs it only
    /// where it must make something first.
    pub fn keep_reserve(&self) {
        let Place { fs, root, .. } = self;
        let path = Path::new(RESERVE);
        let is_missing = fs.stat(root, path).is_ok_and(|found| found.is_none());
        if !is_missing || !fs.room(root).is_ok_and(|room| room.free >= ROOMY) {
            return;
        }
        // Where another process made it in this moment, it is not ours to remove.
        let Ok(file) = fs.create(root, path) else { return };
        if fs.allocate(&file, RESERVED).is_err() {
            let _ = fs.unlink(root, path);
        }
    }

    /// A place where every operation is refused.
    pub fn nowhere() -> Self {
        let refuse = |call: &Call| {
            let refused = io::Error::from(io::ErrorKind::Unsupported);
            Err(StoreError::io("use the store at", &call.path)(refused))
        };
        let path = PathBuf::from("/dev/null");
        Place {
            fs: Arc::new(Watched::new(Arc::new(System), refuse)),
            root: Handle::numbered(0, path.clone()),
            path,
            boot: String::new(),
            single: true,
            read_only: None,
            damaged: Mutex::default(),
        }
    }

    /// Whoever may write the store decides what is built, so that is its owner alone.
    fn check_owner(&self) -> Result<(), StoreError> {
        let stat = self.fs.stat_open(&self.root)?;
        let (path, user) = (self.path.display(), rustix::process::geteuid().as_raw());
        if stat.mode & OTHERS_WRITE != 0 {
            return Err(StoreError::Format(format!(
                "others may write the store {path}, and so decide what is built: run `chmod go-w {path}`, or name \
                 another folder with --store"
            )));
        }
        if stat.owner != user && stat.owner != 0 {
            return Err(StoreError::Format(format!(
                "the store {path} belongs to the user {}, who could decide what is built for the user {user}: name \
                 another folder with --store",
                stat.owner
            )));
        }
        Ok(())
    }

    fn format(&self) -> Result<Option<String>, StoreError> {
        let bytes = fs::read_file(&*self.fs, &self.root, Path::new(FORMAT))?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn other_format(&self, found: &str, function: DigestFunction) -> StoreError {
        StoreError::Format(format!(
            "the store {} has the format `{}`; this version of lambuild uses `{}`: name another folder with --store",
            self.path.display(),
            line(found),
            line(&text(VERSION, function)),
        ))
    }

    /// Makes all folders, and says so in `FORMAT` when they are on the disk. What a process left
    /// that died on the way is taken over.
    fn create(&self, function: DigestFunction) -> Result<(), StoreError> {
        self.refuse_strangers()?;
        self.complete()?;
        for area in SPREAD {
            for shard in 0..=255u8 {
                self.fs
                    .make_folder(&self.root, &Path::new(area).join(format!("{shard:02x}")))?;
            }
            self.sync(Path::new(area))?;
        }
        // A collector on a full disk finds its locks made.
        for lock in ["locks/gc", "locks/collector"] {
            self.fs.append_to(&self.root, Path::new(lock))?;
        }
        point("open.folders")?;
        self.write_format(function)
    }

    /// A folder that holds something else was not meant to become a store.
    fn refuse_strangers(&self) -> Result<(), StoreError> {
        let is_ours = |name: &str| {
            SPREAD.contains(&name)
                || PLAIN.contains(&name)
                || FILES.contains(&name)
                || name.starts_with(FORMAT)
        };
        for (name, _) in self.fs.list(&self.root)? {
            if !name.to_str().is_some_and(is_ours) {
                return Err(StoreError::Format(format!(
                    "{} is no store: it holds {name:?}; name another folder with --store",
                    self.path.display()
                )));
            }
        }
        Ok(())
    }

    /// Makes the folders that somebody may have deleted.
    fn complete(&self) -> Result<(), StoreError> {
        for area in SPREAD.iter().chain(&PLAIN) {
            self.fs.make_folder(&self.root, Path::new(area))?;
        }
        self.fs.make_folder(&self.root, Path::new("locks/a"))?;
        Ok(())
    }

    fn stage_format(&self, function: DigestFunction) -> Result<PathBuf, StoreError> {
        let staged = PathBuf::from(format!("{FORMAT}.{}", self.fs.unique()));
        let written = self.fs.create(&self.root, &staged).and_then(|file| {
            self.fs.write(&file, text(VERSION, function).as_bytes())?;
            self.fs.set_mode(&file, 0o444)?;
            self.fs.sync_data(&file)
        });
        match written {
            Ok(()) => Ok(staged),
            Err(error) => {
                // Nothing more can be done where that fails too; the next start takes it over.
                let _ = self.fs.unlink(&self.root, &staged);
                Err(match error {
                    StoreError::Io { doing, source, .. } => {
                        StoreError::io(doing, &self.path.join(FORMAT))(source)
                    }
                    other => other,
                })
            }
        }
    }

    fn write_format(&self, function: DigestFunction) -> Result<(), StoreError> {
        let staged = self.stage_format(function)?;
        point("open.format")?;
        if self.fs.rename_new(&self.root, &staged, Path::new(FORMAT))? == Named::Taken {
            self.fs.unlink(&self.root, &staged)?;
            return match self.format()? {
                Some(found) if found == text(VERSION, function) => Ok(()),
                found => Err(self.other_format(&found.unwrap_or_default(), function)),
            };
        }
        self.fs.sync_folder(&self.root)
    }

    /// Objects and records of the format before are the same, but nobody synced them: that is done
    /// now, once. A lambuild of that version that still runs keeps working; it takes no locks.
    fn migrate(&self, function: DigestFunction) -> Result<(), StoreError> {
        self.complete()?;
        let _turn = self.lock(Path::new("locks/collector"), Lock::Exclusive)?;
        if self.format()? == Some(text(VERSION, function)) {
            return Ok(());
        }
        self.fs.sync_all(&self.root)?;
        point("open.migrated")?;
        let staged = self.stage_format(function)?;
        self.fs.rename(&self.root, &staged, Path::new(FORMAT))?;
        self.fs.sync_folder(&self.root)
    }

    /// A failure as people are told it. That no room is left comes with how much is needed and free; what
    /// happened in the staging area without its random names: a person can do nothing with those,
    /// and they would differ from run to run.
    pub fn plain(&self, error: StoreError, needed: u64) -> StoreError {
        let stage = self.path.join("stage");
        match error {
            error if is_full(&error) => StoreError::Full {
                folder: self.path.clone(),
                needed,
                free: self.fs.room(&self.root).map_or(0, |room| room.free),
            },
            StoreError::Io { source, .. } if is_too_many(&source) => StoreError::Format(format!(
                "lambuild may not open as many files as it needs for the store {}: raise the limit with `ulimit -n \
                 4096`, or run fewer actions at once with --jobs",
                self.path.display()
            )),
            StoreError::Io { doing, path, source } if path.starts_with(&stage) => StoreError::Io {
                doing: if doing == "create" {
                    "create a file in"
                } else {
                    doing
                },
                path: stage,
                source,
            },
            other => other,
        }
    }

    /// Syncs a folder of the store; one that is gone has nothing to lose.
    pub fn sync(&self, folder: &Path) -> Result<(), StoreError> {
        match self.fs.folder(&self.root, folder)? {
            Some(folder) => self.fs.sync_folder(&folder),
            None => Ok(()),
        }
    }

    /// Waits for the lock on a file of the store; it is given back with the answer. `None` where
    /// nothing is locked.
    pub fn lock(&self, path: &Path, lock: Lock) -> Result<Option<Handle>, StoreError> {
        if self.single {
            return Ok(None);
        }
        let file = self.fs.append_to(&self.root, path)?;
        self.fs.lock(&file, lock).map_err(|error| self.no_locks(error))?;
        Ok(Some(file))
    }

    /// Takes an open file's lock if it is free.
    pub fn try_lock(&self, file: &Handle, lock: Lock) -> Result<bool, StoreError> {
        if self.single {
            return Ok(true);
        }
        self.fs.try_lock(file, lock).map_err(|error| self.no_locks(error))
    }

    fn no_locks(&self, error: StoreError) -> StoreError {
        let unsupported = [
            rustix::io::Errno::NOLCK,
            rustix::io::Errno::OPNOTSUPP,
            rustix::io::Errno::NOSYS,
        ];
        let is = |source: &io::Error| {
            unsupported
                .iter()
                .any(|errno| source.raw_os_error() == Some(errno.raw_os_error()))
        };
        match error {
            StoreError::Io { source, .. } if is(&source) => StoreError::Format(format!(
                "the file system of the store {} has no locks ({source}), so builds at the same time could disturb each \
                 other: put the store on a local disk with --store, or, where nobody else uses it, pass \
                 --single-user-store",
                self.path.display()
            )),
            other => other,
        }
    }

    /// Gives a file a name in a folder of the store, which is made where somebody deleted it.
    pub fn name_new(&self, from: &Path, to: &Path) -> Result<Named, StoreError> {
        match self.fs.rename_new(&self.root, from, to) {
            Err(error) if is_missing(&error) => {
                self.make_above(to)?;
                self.fs.rename_new(&self.root, from, to)
            }
            other => other,
        }
    }

    /// As [`Place::name_new`], in the place of what has the name.
    pub fn name_over(&self, from: &Path, to: &Path) -> Result<(), StoreError> {
        match self.fs.rename(&self.root, from, to) {
            Err(error) if is_missing(&error) => {
                self.make_above(to)?;
                self.fs.rename(&self.root, from, to)
            }
            other => other,
        }
    }

    fn make_above(&self, path: &Path) -> Result<(), StoreError> {
        let mut above: Vec<&Path> = path.ancestors().skip(1).collect();
        above.pop();
        for folder in above.iter().rev() {
            self.fs.make_folder(&self.root, folder)?;
        }
        // The new folders' own names must be on the disk before what is in them counts as kept.
        for folder in above.iter().skip(1) {
            self.sync(folder)?;
        }
        self.fs.sync_folder(&self.root)
    }

    /// Whether an object lies at a path with the size of its digest.
    pub fn has(&self, path: &Path, digest: &Digest) -> Result<bool, StoreError> {
        let found = self.fs.stat(&self.root, path)?;
        Ok(found.is_some_and(|stat| stat.kind == Kind::File && stat.size == digest.size()))
    }
}

/// Whether a failure is that nothing is there.
pub(crate) fn is_missing(error: &StoreError) -> bool {
    matches!(error, StoreError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
}

/// Whether a failure is that the disk, or the user's share of it, is full.
pub(crate) fn is_full(error: &StoreError) -> bool {
    let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
    match error {
        StoreError::Full { .. } => true,
        StoreError::Io { source, .. } => full.contains(&source.kind()),
        _ => false,
    }
}

/// Whether a failure is that the store may not be written.
pub(crate) fn is_read_only(error: &StoreError) -> bool {
    let refused = [io::ErrorKind::ReadOnlyFilesystem, io::ErrorKind::PermissionDenied];
    matches!(error, StoreError::Io { source, .. } if refused.contains(&source.kind()))
}

/// Whether a failure is that this process, or the system, has too many files open.
pub(crate) fn is_too_many(error: &io::Error) -> bool {
    [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// Whether a format is a later one of our number, `2.1` say: what is there means the same as in ours, but
/// there are rules for writing that we do not know.
fn is_newer(found: &str, function: DigestFunction) -> bool {
    let rest = found.strip_prefix(&format!("{MAGIC}{VERSION}."));
    let minor = rest.and_then(|rest| rest.strip_suffix(&format!("\n{}\n", function.name())));
    minor.is_some_and(|minor| minor.parse::<u32>().is_ok())
}

fn text(version: u32, function: DigestFunction) -> String {
    format!("{MAGIC}{version}\n{}\n", function.name())
}

fn line(text: &str) -> String {
    text.trim_end().replace('\n', ", ")
}
