//! Taking away what is no longer needed. Decides what is kept and in which order the rest goes;
//! how a closure is made up is `inventory`'s to decide.
//!
//! ```text
//!   dead sessions ─▶ mark roots, leases, records by last use ─▶ records that go ─▶ objects, 512 at a time ─▶ trash
//! ```
//!
//! Why no running build loses what it needs: a session writes a need into its lease before the look
//! that counts, or before the object gets its name, and does so with `locks/gc` shared; the collector reads the leases and moves objects
//! away with that lock alone. So either the collector sees the need, or the look misses the
//! object and it is made again. Times decide only how much is kept.

use crate::disk::unseal;
use crate::fs::{self, Fs, Handle, Kind, Lock, Named, System, remove};
use crate::inventory::{Inventory, path_of};
use crate::layout::{Place, is_full};
use crate::points::point;
use crate::session::{GC_LOCK, LIVE, Need};
use crate::turns::is_still;
use lambuild_action::{ActionKey, ActionResult, StoreError};
use lambuild_digest::{Digest, DigestFunction};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How many objects are moved away with the lock in hand.
const BATCH: usize = 512;
const DAY: i64 = 86_400;

/// What is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// At most so many bytes on the disk, of what was used last; `None` for any number.
    pub max_size: Option<u64>,
    /// Results that were used in the last so many days; `None` for all.
    pub keep_days: Option<u32>,
    /// What nothing needs stays so many seconds: the sources of a build that was just made, say.
    pub grace: i64,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            max_size: None,
            keep_days: None,
            grace: 3600,
        }
    }
}

/// What a collection did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Collected {
    /// Objects before.
    pub objects: u64,
    /// Bytes on the disk that they took.
    pub bytes: u64,
    /// Objects that went.
    pub removed_objects: u64,
    /// Bytes on the disk that they took.
    pub removed_bytes: u64,
    /// Results before.
    pub results: u64,
    /// Results that went.
    pub removed_results: u64,
    /// Laid-out trees that went.
    pub removed_trees: u64,
    /// Sessions that ended badly and were cleaned up after.
    pub dead_sessions: u64,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The store is listed.
    Listing,
    /// So many of so many results were looked at.
    Marking(u64, u64),
    /// So many of so many objects went.
    Removing(u64, u64),
}

/// Collects the store in `root`. Works on a full disk.
///
/// # Errors
/// When another collector runs, the store is of another format, or the file system refuses.
pub fn collect(
    root: &Path,
    function: DigestFunction,
    policy: &Policy,
    tell: &mut dyn FnMut(Step),
) -> Result<Collected, StoreError> {
    collect_with(root, function, Arc::new(System), policy, tell)
}

/// As [`collect`], by another way to touch the disk.
///
/// # Errors
/// As [`collect`].
pub fn collect_with(
    root: &Path,
    function: DigestFunction,
    fs: Arc<dyn Fs>,
    policy: &Policy,
    tell: &mut dyn FnMut(Step),
) -> Result<Collected, StoreError> {
    let place = Place::open_to_make_room(root, fs, function)?;
    let file = place.fs.append_to(&place.root, Path::new("locks/collector"))?;
    if !place.try_lock(&file, Lock::Exclusive)? {
        return Err(StoreError::Format(format!(
            "another lambuild collects the store {} right now: wait until it has finished",
            place.path.display()
        )));
    }
    point("collect.begin")?;
    let mut collector = Collector {
        now: now(&place)?,
        place,
        policy: *policy,
        leases: BTreeMap::new(),
        done: Collected::default(),
    };
    collector.run(tell)?;
    collector.place.keep_reserve();
    Ok(collector.done)
}

/// The time by the file system's own clock.
fn now(place: &Place) -> Result<i64, StoreError> {
    let path = Path::new("locks/collector");
    place.fs.touch(&place.root, path)?;
    Ok(place.fs.stat(&place.root, path)?.map_or(0, |stat| stat.modified))
}

struct Record {
    key: ActionKey,
    used: i64,
    result: Option<ActionResult>,
}

struct Collector {
    place: Place,
    now: i64,
    policy: Policy,
    /// The leases of living sessions, each read so far.
    leases: BTreeMap<OsString, Lease>,
    done: Collected,
}

struct Lease {
    file: Handle,
    /// The start of a line whose end was not written yet.
    rest: String,
}

impl Collector {
    fn run(&mut self, tell: &mut dyn FnMut(Step)) -> Result<(), StoreError> {
        self.empty_trash()?;
        self.bury_sessions()?;
        tell(Step::Listing);
        let mut inventory = Inventory::take(&self.place)?;
        self.done.objects = inventory.len() as u64;
        self.done.bytes = inventory.size();
        let mut size = 0;
        for need in self.roots()?.into_iter().chain(self.new_needs()?) {
            size += inventory.mark(&self.place, &need);
        }
        let gone = self.mark_records(&mut inventory, size, tell)?;
        self.drop_records(&gone)?;
        self.sweep(&mut inventory, tell)?;
        self.sweep_trees(&mut inventory)?;
        self.sweep_turns()?;
        self.empty_trash()
    }

    /// Sessions whose process is gone leave a lease and a staging area without a lock.
    fn bury_sessions(&mut self) -> Result<(), StoreError> {
        let alone = self.place.lock(Path::new(GC_LOCK), Lock::Exclusive)?;
        let leases = self.names("leases")?;
        for (name, _) in leases {
            let path = Path::new("leases").join(&name);
            let file = self.place.fs.append_to(&self.place.root, &path)?;
            if self.place.try_lock(&file, Lock::Exclusive)? {
                self.place.fs.unlink(&self.place.root, &path)?;
                self.done.dead_sessions += 1;
            }
        }
        for (boot, kind) in self.names("stage")? {
            if kind == Kind::Folder {
                self.bury_boot(&Path::new("stage").join(&boot), boot == *self.place.boot)?;
            }
        }
        drop(alone);
        point("collect.buried")
    }

    fn bury_boot(&self, boot: &Path, is_this: bool) -> Result<(), StoreError> {
        let Place { fs, root, .. } = &self.place;
        let Some(folder) = fs.folder(root, boot)? else {
            return Ok(());
        };
        for (name, kind) in fs.list(&folder)? {
            let session = boot.join(&name);
            let live = session.join(LIVE);
            let lives = is_this
                && fs.stat(root, &live)?.is_some()
                && !self
                    .place
                    .try_lock(&fs.append_to(root, &live)?, Lock::Exclusive)?;
            if !lives && (kind == Kind::Folder || !is_this) {
                self.throw_away(&session)?;
            }
        }
        if !is_this {
            // Not empty where another process still works in an area of its own; then it stays.
            let _ = fs.remove_folder(root, boot);
        }
        Ok(())
    }

    /// The digests in `roots/`, each with all below it.
    fn roots(&self) -> Result<Vec<Need>, StoreError> {
        let mut needs = Vec::new();
        for (name, _) in self.names("roots")? {
            let path = Path::new("roots").join(&name);
            let text = fs::read_file(&*self.place.fs, &self.place.root, &path)?.unwrap_or_default();
            let text = String::from_utf8_lossy(&text).into_owned();
            needs.extend(text.lines().filter_map(Need::parse));
        }
        Ok(needs)
    }

    /// What was written into the leases since the last look.
    fn new_needs(&mut self) -> Result<Vec<Need>, StoreError> {
        let mut needs = Vec::new();
        for (name, _) in self.names("leases")? {
            if !self.leases.contains_key(&name) {
                let path = Path::new("leases").join(&name);
                let Some(file) = self.place.fs.open(&self.place.root, &path)? else {
                    continue;
                };
                let rest = String::new();
                self.leases.insert(name.clone(), Lease { file, rest });
            }
            if let Some(lease) = self.leases.get_mut(&name) {
                let bytes = fs::read_all(&*self.place.fs, &lease.file, 1 << 16)?;
                lease.rest.push_str(&String::from_utf8_lossy(&bytes));
                let text = std::mem::take(&mut lease.rest);
                let (whole, rest) = text.rsplit_once('\n').unwrap_or(("", &text));
                rest.clone_into(&mut lease.rest);
                needs.extend(whole.lines().filter_map(Need::parse));
            }
        }
        Ok(needs)
    }

    /// Marks what the records that stay need, the last used first; answers the others.
    fn mark_records(
        &mut self,
        inventory: &mut Inventory,
        mut size: u64,
        tell: &mut dyn FnMut(Step),
    ) -> Result<Vec<ActionKey>, StoreError> {
        let mut records = self.records()?;
        records.sort_by(|a, b| {
            b.used
                .cmp(&a.used)
                .then_with(|| a.key.0.hash().cmp(b.key.0.hash()))
        });
        let all = records.len() as u64;
        self.done.results = all;
        let since = self.policy.keep_days.map(|days| self.now - i64::from(days) * DAY);
        let mut gone = Vec::new();
        for (at, record) in records.iter().enumerate() {
            tell(Step::Marking(at as u64, all));
            let is_old = since.is_some_and(|since| record.used <= since);
            let is_over = self.policy.max_size.is_some_and(|most| size >= most);
            match &record.result {
                Some(result) if !is_old && !is_over => {
                    size += inventory.mark_record(&self.place, &record.key, result);
                }
                _ => gone.push(record.key),
            }
        }
        Ok(gone)
    }

    fn records(&self) -> Result<Vec<Record>, StoreError> {
        let mut records = Vec::new();
        for shard in 0..=255u8 {
            let shard = format!("{shard:02x}");
            let Some(folder) = self
                .place
                .fs
                .folder(&self.place.root, &Path::new("ac").join(&shard))?
            else {
                continue;
            };
            for (name, _) in self.place.fs.list(&folder)? {
                let name = Path::new(&name);
                let hex = name.to_str().map(|rest| format!("{shard}{rest}"));
                let Some(digest) = hex.and_then(|hex| Digest::from_hex(&hex, 0)) else {
                    continue;
                };
                let stat = self.place.fs.stat(&folder, name)?;
                let bytes = fs::read_file(&*self.place.fs, &folder, name)?.unwrap_or_default();
                records.push(Record {
                    key: ActionKey(digest),
                    used: stat.map_or(0, |stat| stat.modified),
                    result: unseal(&bytes).and_then(|message| ActionResult::decode(message).ok()),
                });
            }
        }
        Ok(records)
    }

    /// Records go before what they name, so that none outlives it, not even over a power cut.
    fn drop_records(&mut self, gone: &[ActionKey]) -> Result<(), StoreError> {
        let mut folders = Vec::new();
        for key in gone {
            let path = crate::layout::spread("ac", &key.0);
            self.place.fs.unlink(&self.place.root, &path)?;
            self.done.removed_results += 1;
            folders.extend(path.parent().map(Path::to_owned));
        }
        folders.dedup();
        folders.sort();
        folders.dedup();
        for folder in folders {
            self.place.sync(&folder)?;
        }
        point("collect.records")
    }

    fn sweep(&mut self, inventory: &mut Inventory, tell: &mut dyn FnMut(Step)) -> Result<(), StoreError> {
        let before = self.now - self.policy.grace;
        // With no grace what got its name in this very second goes, too.
        let before = if self.policy.grace == 0 { i64::MAX } else { before };
        let unneeded = inventory.unneeded(before);
        let all = unneeded.len() as u64;
        for (at, batch) in unneeded.chunks(BATCH).enumerate() {
            tell(Step::Removing((at * BATCH) as u64, all));
            let moved = self.move_away(inventory, batch)?;
            point("collect.moved")?;
            for path in moved {
                self.place.fs.unlink(&self.place.root, &path)?;
            }
        }
        Ok(())
    }

    fn move_away(
        &mut self,
        inventory: &mut Inventory,
        batch: &[([u8; 32], u64)],
    ) -> Result<Vec<PathBuf>, StoreError> {
        let _alone = self.place.lock(Path::new(GC_LOCK), Lock::Exclusive)?;
        point("collect.alone")?;
        for need in self.new_needs()? {
            inventory.mark(&self.place, &need);
        }
        let mut moved = Vec::new();
        for (hash, bytes) in batch {
            let path = path_of(hash);
            if inventory.is_marked(hash) || self.place.fs.stat(&self.place.root, &path)?.is_none() {
                continue;
            }
            let to = Path::new("trash").join(Digest::new(*hash, 0).hex());
            match self.place.name_over(&path, &to) {
                // No room for a name in `trash/`: it goes from where it lies, which takes the lock's holder longer.
                Err(error) if is_full(&error) => drop(self.place.fs.unlink(&self.place.root, &path)?),
                named => {
                    named?;
                    moved.push(to);
                }
            }
            self.done.removed_objects += 1;
            self.done.removed_bytes += bytes;
        }
        Ok(moved)
    }

    /// Laid-out trees that nothing needs any more.
    fn sweep_trees(&mut self, inventory: &mut Inventory) -> Result<(), StoreError> {
        for (name, _) in self.names("trees")? {
            let path = Path::new("trees").join(&name);
            let Some(stat) = self.place.fs.stat(&self.place.root, &path)? else {
                continue;
            };
            if self.policy.grace > 0 && stat.changed >= self.now - self.policy.grace {
                continue;
            }
            let alone = self.place.lock(Path::new(GC_LOCK), Lock::Exclusive)?;
            let mut leased: Vec<Need> = self.new_needs()?;
            leased.extend(self.held()?);
            let digest = name.to_str().and_then(|hex| Digest::from_hex(hex, 0));
            let needed = digest.is_some_and(|digest| {
                let is_it = |need: &Need| need.digest().hash() == digest.hash();
                inventory.is_marked(digest.hash()) || leased.iter().any(is_it)
            });
            if !needed {
                // First: where the tree goes only in part, nobody may take it for whole.
                self.place
                    .fs
                    .unlink(&self.place.root, &Path::new("verified").join(&name))?;
                self.throw_away(&path)?;
                self.done.removed_trees += 1;
            }
            drop(alone);
        }
        Ok(())
    }

    /// Lock files of actions that nobody runs. Whoever opens one in this moment sees that it is gone.
    fn sweep_turns(&self) -> Result<(), StoreError> {
        let Place { fs, root, .. } = &self.place;
        for (shard, _) in self.names("locks/a")? {
            let folder = Path::new("locks/a").join(&shard);
            for (name, _) in self.names(&folder.to_string_lossy())? {
                let path = folder.join(&name);
                let file = fs.append_to(root, &path)?;
                if self.place.try_lock(&file, Lock::Exclusive)? && is_still(&self.place, &path, &file)? {
                    fs.unlink(root, &path)?;
                }
            }
        }
        Ok(())
    }

    /// All that the leases hold, read from their start.
    fn held(&self) -> Result<Vec<Need>, StoreError> {
        let mut needs = Vec::new();
        for (name, _) in self.names("leases")? {
            let path = Path::new("leases").join(&name);
            let text = fs::read_file(&*self.place.fs, &self.place.root, &path)?.unwrap_or_default();
            needs.extend(String::from_utf8_lossy(&text).lines().filter_map(Need::parse));
        }
        Ok(needs)
    }

    fn names(&self, folder: &str) -> Result<Vec<(OsString, Kind)>, StoreError> {
        match self.place.fs.folder(&self.place.root, Path::new(folder))? {
            Some(folder) => self.place.fs.list(&folder),
            None => Ok(Vec::new()),
        }
    }

    /// Moves something to `trash/`, under a name that is free there; removes it at once where the disk
    /// has no room for that name.
    fn throw_away(&self, path: &Path) -> Result<(), StoreError> {
        let stat = self.place.fs.stat(&self.place.root, path)?;
        if stat.is_some_and(|stat| stat.kind == Kind::Folder) {
            // A folder that is moved gets another `..`, for which it must be writable.
            self.place.fs.set_mode_at(&self.place.root, path, 0o700)?;
        }
        loop {
            let to = Path::new("trash").join(self.place.fs.unique());
            match self.place.name_new(path, &to) {
                Err(error) if is_full(&error) => {
                    return remove::tree(&*self.place.fs, &self.place.root, path);
                }
                Err(error) => return Err(error),
                Ok(Named::New) => return Ok(()),
                Ok(Named::Taken) => {}
            }
        }
    }

    fn empty_trash(&self) -> Result<(), StoreError> {
        for (name, _) in self.names("trash")? {
            remove::tree(&*self.place.fs, &self.place.root, &Path::new("trash").join(&name))?;
        }
        point("collect.emptied")
    }
}

#[cfg(test)]
mod tests;
