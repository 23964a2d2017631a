//! Takes what an action left: decides what of it counts, what is put right and what is refused.
//! Trusts nothing that it finds: no link is followed, nothing waits, nothing recurses, and sizes
//! are looked at before bytes are. Whoever made it must be dead.
//!
//! | found | taken as |
//! | --- | --- |
//! | regular file, hard-linked or not | its bytes, and whether its owner may execute it |
//! | link that stays inside its output | a link |
//! | empty folder | an empty folder |
//! | times, owners, other mode bits (set-user-id too), extended attributes | left out |
//! | file or folder without the right to read | put right, then taken |
//! | link that is absolute, leaves the output, or has `..` after a name | refused |
//! | device, socket, pipe | refused |
//! | name that is not UTF-8, or with a control character or `\` | refused |
//! | more than 128 folders deep, or a path of more than 4,000 bytes | refused |
//! | more than 200,000 entries, or 1 GiB, counted by the sizes that files claim | refused |

use crate::beneath::{Beneath, Kind};
use crate::disk::DiskStore;
use crate::file_state::FileState;
use crate::ingest::{self, IngestError};
use crate::threads;
use lambuild_action::write_tree;
use lambuild_digest::{Dir, Entry, Node, RelPath};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Component, Path};

/// How much an output may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of all files together, by the sizes that they claim.
    pub bytes: u64,
    /// Files, links and folders.
    pub entries: usize,
    /// Folders one in another.
    pub depth: usize,
}

impl Default for Bounds {
    /// Four times Lambda's own limit for the bytes of a function with its layers.
    fn default() -> Self {
        Bounds {
            bytes: 1 << 30,
            entries: 200_000,
            depth: 128,
        }
    }
}

/// The longest path below the output's folder, in bytes: the kernel takes 4,095.
const LONGEST: usize = 4000;
/// What the owner gets on what nobody could read.
const READABLE: u32 = 0o700;

/// Takes what stands at `at` below `folder`, which is the action's own: a file, or a folder with
/// all below it. `None` where nothing is.
///
/// # Errors
/// See [`IngestError`]; paths in them are relative to the output.
pub fn collect(
    store: &DiskStore,
    folder: &Path,
    at: &RelPath,
    bounds: Bounds,
) -> Result<Option<Node>, IngestError> {
    let failed = |source: io::Error| IngestError::Read {
        path: folder.join(at.as_str()),
        source,
    };
    let found = Found {
        store,
        below: open(folder).map_err(failed)?,
        output: at,
        bounds,
    };
    let state = match found.below.state(at.as_str()) {
        Ok(state) => state,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(failed(error)),
    };
    match state.kind() {
        Kind::File => {
            found.room(&mut Counted::default(), &RelPath::root(), &state)?;
            found.file(&RelPath::root()).map(Some)
        }
        Kind::Folder => found.folder().map(Some),
        Kind::Link | Kind::Other => Err(refused(&RelPath::root(), "is neither a file nor a folder")),
    }
}

/// The action may have taken its own folder's rights away.
fn open(folder: &Path) -> io::Result<Beneath> {
    Beneath::open(folder).or_else(|error| {
        if error.kind() != ErrorKind::PermissionDenied {
            return Err(error);
        }
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(folder, PermissionsExt::from_mode(READABLE))?;
        Beneath::open(folder)
    })
}

/// What an action left, while it is taken.
struct Found<'a> {
    store: &'a DiskStore,
    below: Beneath,
    output: &'a RelPath,
    bounds: Bounds,
}

#[derive(Default)]
struct Counted {
    bytes: u64,
    entries: usize,
}

impl Found<'_> {
    /// The path below the action's folder.
    fn full(&self, at: &RelPath) -> RelPath {
        self.output.join(at)
    }

    fn failed(&self, at: &RelPath) -> impl FnOnce(io::Error) -> IngestError {
        let path = self.below.path().join(self.full(at).as_str());
        move |source| IngestError::Read { path, source }
    }

    fn folder(&self) -> Result<Node, IngestError> {
        let found = self.gather()?;
        let taken = threads::each(found, |(at, kind)| Ok((self.take(&at, kind)?, at)));
        let mut dir = Dir::default();
        for taken in taken.into_iter().collect::<Result<Vec<_>, IngestError>>()? {
            let (entry, at): (Entry, RelPath) = taken;
            dir.put(&at, entry, &())
                .map_err(|_| refused(&at, "lies too deep"))?;
        }
        Ok(Node::Directory(write_tree(self.store, &dir)?))
    }

    /// Files, links and empty folders below the output. Reads no file.
    fn gather(&self) -> Result<Vec<(RelPath, Kind)>, IngestError> {
        let mut found = Vec::new();
        let mut counted = Counted::default();
        let mut waiting = vec![RelPath::root()];
        while let Some(folder) = waiting.pop() {
            let names = self.readable(&folder, |below, path| below.list(path))?;
            if names.is_empty() {
                found.push((folder, Kind::Folder));
                continue;
            }
            for (name, kind) in names {
                let at = self.name(&folder, &name)?;
                let state = self
                    .below
                    .state(self.full(&at).as_str())
                    .map_err(self.failed(&at))?;
                self.room(&mut counted, &at, &state)?;
                match kind {
                    Kind::Folder => waiting.push(at),
                    Kind::File | Kind::Link => found.push((at, kind)),
                    Kind::Other => return Err(refused(&at, "is a device, socket or pipe")),
                }
            }
        }
        Ok(found)
    }

    fn name(&self, folder: &RelPath, name: &std::ffi::OsStr) -> Result<RelPath, IngestError> {
        let text = name
            .to_str()
            .ok_or_else(|| refused(folder, "holds a name that is not UTF-8"))?;
        let at = folder
            .child(text)
            .map_err(|_| refused(folder, "holds a name with a control character or `\\`"))?;
        if at.parts().count() > self.bounds.depth || self.full(&at).as_str().len() > LONGEST {
            return Err(refused(
                folder,
                "lies too deep: an output has at most 128 folders one in another",
            ));
        }
        Ok(at)
    }

    fn room(&self, counted: &mut Counted, at: &RelPath, state: &FileState) -> Result<(), IngestError> {
        counted.entries += 1;
        if state.kind() == Kind::File {
            counted.bytes = counted.bytes.saturating_add(state.size);
        }
        if counted.bytes > self.bounds.bytes {
            return Err(refused(at, "makes the output larger than 1 GiB"));
        }
        if counted.entries > self.bounds.entries {
            return Err(refused(
                at,
                "is one entry too many: an output has at most 200,000",
            ));
        }
        Ok(())
    }

    fn take(&self, at: &RelPath, kind: Kind) -> Result<Entry, IngestError> {
        match kind {
            Kind::File => self.file(at).map(Entry::Node),
            Kind::Link => self.link(at),
            Kind::Folder | Kind::Other => Ok(Entry::Dir(Dir::default())),
        }
    }

    fn file(&self, at: &RelPath) -> Result<Node, IngestError> {
        let mut file: File = self.readable(at, |below, path| below.read(path))?;
        let (digest, state) = ingest::opened(self.store, &mut file, Path::new(at.display()))?;
        Ok(Node::File {
            digest,
            executable: state.executable(),
        })
    }

    fn link(&self, at: &RelPath) -> Result<Entry, IngestError> {
        let target = self
            .below
            .target(self.full(at).as_str())
            .map_err(self.failed(at))?;
        if !points_inside(at, Path::new(&target)) {
            return Err(refused(at, "is a link that leaves the output"));
        }
        let target = target.to_str();
        target
            .map(Entry::symlink)
            .ok_or_else(|| refused(at, "is a link to a name that is not UTF-8"))
    }

    /// Does something that needs the right to read, giving it where it lacks.
    fn readable<T>(
        &self,
        at: &RelPath,
        read: impl Fn(&Beneath, &str) -> io::Result<T>,
    ) -> Result<T, IngestError> {
        let full = self.full(at);
        let got = read(&self.below, full.as_str()).or_else(|error| {
            if error.kind() != ErrorKind::PermissionDenied {
                return Err(error);
            }
            self.below.give_rights(full.as_str(), READABLE)?;
            read(&self.below, full.as_str())
        });
        got.map_err(self.failed(at))
    }
}

fn refused(at: &RelPath, why: &'static str) -> IngestError {
    IngestError::Refused {
        path: at.display().to_owned(),
        why,
    }
}

/// Whether a link at `at` leads below the root of its tree. `..` counts only before the first name:
/// after one it would depend on whether that name is a link itself.
fn points_inside(at: &RelPath, target: &Path) -> bool {
    let mut up = 0;
    let mut named = false;
    for part in target.components() {
        match part {
            Component::Normal(_) => named = true,
            Component::CurDir => {}
            Component::ParentDir if named => return false,
            Component::ParentDir => up += 1,
            Component::RootDir | Component::Prefix(_) => return false,
        }
    }
    up < at.parts().count()
}

#[cfg(test)]
mod tests;
