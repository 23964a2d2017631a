//! What lies on the disk: files and folders by number, and the calls that change them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

/// A file or a folder. A name is an entry of a folder; a file may have none.
#[derive(Debug, Clone)]
pub enum Inode {
    /// Bytes, and permission bits.
    File(Arc<Vec<u8>>, u32),
    /// Names.
    Folder(BTreeMap<OsString, u64>),
}

/// The number of the folder that everything hangs from.
pub const ROOT: u64 = 0;

/// A call that changes the disk, or makes changes sure. Files and folders go by their numbers.
#[derive(Debug, Clone)]
#[expect(
    missing_docs,
    reason = "the fields say what they are, the variants what is done with them"
)]
pub enum Op {
    /// A new file or folder gets a name.
    Make {
        parent: u64,
        name: OsString,
        inode: u64,
        folder: bool,
    },
    /// Bytes at a place of a file.
    Write {
        inode: u64,
        at: usize,
        bytes: Arc<Vec<u8>>,
    },
    /// A file is cut to nothing.
    Empty { inode: u64 },
    /// Permission bits.
    Mode { inode: u64, mode: u32 },
    /// A name moves.
    Rename {
        from: (u64, OsString),
        to: (u64, OsString),
        inode: u64,
    },
    /// A name goes.
    Remove { parent: u64, name: OsString },
    /// A file's bytes are sure.
    SyncFile { inode: u64 },
    /// A folder's names are sure.
    SyncFolder { inode: u64 },
    /// Everything is sure.
    SyncAll,
}

/// A disk at one moment.
#[derive(Debug, Clone)]
pub struct Disk {
    inodes: BTreeMap<u64, Arc<Inode>>,
    next: u64,
}

impl Default for Disk {
    fn default() -> Self {
        let root = Arc::new(Inode::Folder(BTreeMap::new()));
        Disk {
            inodes: BTreeMap::from([(ROOT, root)]),
            next: 1,
        }
    }
}

impl Disk {
    /// A number that nothing has.
    pub fn fresh(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// What has a number.
    pub fn inode(&self, number: u64) -> Option<&Inode> {
        self.inodes.get(&number).map(|inode| &**inode)
    }

    /// The names of a folder; none for a file.
    pub fn names(&self, number: u64) -> impl Iterator<Item = (&OsString, u64)> {
        let names = match self.inode(number) {
            Some(Inode::Folder(names)) => Some(names.iter()),
            _ => None,
        };
        names.into_iter().flatten().map(|(name, inode)| (name, *inode))
    }

    /// What a path below a folder leads to.
    pub fn find(&self, from: u64, path: &Path) -> Option<u64> {
        path.components()
            .try_fold(from, |here, part| match self.inode(here) {
                Some(Inode::Folder(names)) => names.get(part.as_os_str()).copied(),
                _ => None,
            })
    }

    /// Makes a change. One that has lost what it builds on changes nothing.
    pub fn apply(&mut self, op: &Op) {
        match op {
            Op::Make {
                parent,
                name,
                inode,
                folder,
            } => {
                self.exist(*inode, *folder);
                self.enter(*parent, name, *inode);
            }
            Op::Write { inode, at, bytes } => self.write(*inode, *at, bytes),
            Op::Empty { inode } => self.change(*inode, |file, _| file.clear()),
            Op::Mode { inode, mode } => self.change(*inode, |_, old| *old = *mode),
            Op::Rename { from, to, inode } => {
                self.leave(from.0, &from.1);
                self.enter(to.0, &to.1, *inode);
            }
            Op::Remove { parent, name } => self.leave(*parent, name),
            Op::SyncFile { .. } | Op::SyncFolder { .. } | Op::SyncAll => {}
        }
    }

    /// A file or folder without a name: it is there as soon as anything of it is.
    pub fn exist(&mut self, number: u64, folder: bool) {
        let empty = || match folder {
            true => Inode::Folder(BTreeMap::new()),
            false => Inode::File(Arc::default(), 0o600),
        };
        self.inodes.entry(number).or_insert_with(|| Arc::new(empty()));
        self.next = self.next.max(number);
    }

    fn write(&mut self, number: u64, at: usize, bytes: &[u8]) {
        self.change(number, |file, _| {
            let end = at.saturating_add(bytes.len());
            if file.len() < end {
                file.resize(end, 0);
            }
            if let Some(place) = file.get_mut(at..end) {
                place.copy_from_slice(bytes);
            }
        });
    }

    fn change(&mut self, number: u64, change: impl FnOnce(&mut Vec<u8>, &mut u32)) {
        if let Some(Inode::File(bytes, mode)) = self.inodes.get_mut(&number).map(Arc::make_mut) {
            change(Arc::make_mut(bytes), mode);
        }
    }

    fn enter(&mut self, parent: u64, name: &OsString, inode: u64) {
        if let Some(Inode::Folder(names)) = self.inodes.get_mut(&parent).map(Arc::make_mut) {
            names.insert(name.clone(), inode);
        }
    }

    fn leave(&mut self, parent: u64, name: &OsString) {
        if let Some(Inode::Folder(names)) = self.inodes.get_mut(&parent).map(Arc::make_mut) {
            names.remove(name);
        }
    }
}
