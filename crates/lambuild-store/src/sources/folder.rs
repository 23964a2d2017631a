//! One folder of the workspace as this run sees it: its names once listed, each file
//! once hashed. Decides which names count and what is remembered for the next run.

use super::ignores::{FILES, Ignores};
use super::unusable;
use crate::beneath::{Beneath, Kind};
use crate::file_state::FileState;
use crate::stat_cache::{KnownFolder, KnownHash, KnownItem, Listing, StatCache};
use lambuild_action::store::Names;
use lambuild_action::{SourceError, SourceKind};
use lambuild_digest::{Digest, RelPath};
use std::ffi::OsString;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// How often a folder is listed again whose names change meanwhile.
const ATTEMPTS: usize = 3;

/// What a file was when it was first asked for in this run.
#[derive(Debug, Clone)]
pub struct Taken {
    /// Its content.
    pub digest: Digest,
    /// Whether it may be executed.
    pub executable: bool,
    /// What the next run should know of it.
    pub memory: Memory,
}

/// What is remembered of a file. Small, as there is one for each file of a workspace.
#[derive(Debug, Clone)]
pub enum Memory {
    /// What was known of it before this run, which was believed.
    AsKnown,
    /// What was learnt; nothing where that could not be believed.
    Learnt(Option<Box<KnownHash>>),
}

/// A name in a folder.
#[derive(Debug)]
pub struct Item {
    /// The name.
    pub name: Arc<str>,
    /// What stood there when the folder was listed.
    pub kind: Kind,
    /// Whether it never counts.
    pub left_out: bool,
    /// The file's content, once it is known.
    pub taken: OnceLock<Taken>,
}

/// A folder that was listed.
#[derive(Debug)]
pub struct Folder {
    /// Its place in the workspace, no link on the way.
    pub path: RelPath,
    /// All names that are UTF-8, sorted by bytes, also those that are left out.
    pub items: Vec<Item>,
    names: OnceLock<Names>,
    /// Why it cannot be used as a whole.
    pub problem: Option<SourceError>,
    /// The rules that bear on it and what is below.
    pub ignores: Arc<Ignores>,
    known: KnownFolder,
    listing: Option<Listing>,
    learnt: AtomicBool,
}

/// What a listing gave, from the folder itself or from memory.
struct Listed {
    items: Vec<(Arc<str>, Kind)>,
    strange: Option<OsString>,
    state: FileState,
    remembered: bool,
}

impl Folder {
    /// Lists a folder, or remembers how it was.
    ///
    /// # Errors
    /// When it is none, cannot be read, or does not hold still.
    pub fn of(
        beneath: &Beneath,
        stats: &StatCache,
        path: &RelPath,
        above: &Arc<Ignores>,
    ) -> Result<Self, SourceError> {
        let known = stats.folder(path.as_str()).unwrap_or_default();
        let listed = list(beneath, stats, path, &known)?;
        let own: Vec<&str> = FILES
            .into_iter()
            .filter(|file| holds(&listed.items, file))
            .collect();
        let ignores = Ignores::of(beneath, path, &own, above);
        let same_rules = known
            .listing
            .is_some_and(|listing| listing.rules == ignores.print());
        let remembered = listed.remembered && same_rules;
        let full = beneath.path().join(path.as_str());
        let left_out = |at: usize, name: &str, kind| match known.items.get(at) {
            Some(item) if remembered => item.left_out,
            _ => ignores.leave_out(path, &full, name, kind),
        };
        let items: Vec<Item> = (listed.items.into_iter().enumerate())
            .map(|(at, (name, kind))| Item {
                left_out: left_out(at, &name, kind),
                kind,
                name,
                taken: OnceLock::new(),
            })
            .collect();
        let problem = problem(path, &items, listed.strange.as_ref());
        let listing = match listed.strange {
            None => stats.listing(&listed.state, ignores.print()),
            Some(_) => None,
        };
        Ok(Folder {
            names: OnceLock::new(),
            items,
            path: path.clone(),
            problem,
            ignores,
            known,
            listing,
            learnt: AtomicBool::new(!remembered),
        })
    }

    /// The names that count.
    pub fn names(&self) -> Names {
        self.names.get_or_init(|| counted(&self.items)).clone()
    }

    /// What stands under a name, and its place in [`Folder::items`].
    pub fn item(&self, name: &str) -> Option<(usize, &Item)> {
        let at = self.items.binary_search_by(|item| (*item.name).cmp(name)).ok()?;
        Some((at, self.items.get(at)?))
    }

    /// What earlier runs knew of the file at this place.
    pub fn known(&self, at: usize) -> Option<&KnownHash> {
        let name = &self.items.get(at)?.name;
        let item = match self.known.items.get(at) {
            Some(item) if item.name == *name => item,
            _ => self.known.item(name)?,
        };
        item.hash.as_ref()
    }

    /// Settles what a file is for this run. The first answer stays.
    pub fn take<'a>(&self, item: &'a Item, taken: Taken) -> &'a Taken {
        if matches!(taken.memory, Memory::Learnt(_)) {
            self.learnt.store(true, Ordering::Relaxed);
        }
        item.taken.get_or_init(|| taken)
    }

    /// What is to be remembered, if that differs from what was known.
    pub fn memory(&self) -> Option<KnownFolder> {
        if !self.learnt.load(Ordering::Relaxed) {
            return None;
        }
        let item = |(at, item): (usize, &Item)| KnownItem {
            name: item.name.clone(),
            kind: item.kind,
            left_out: item.left_out,
            hash: match item.taken.get().map(|taken| &taken.memory) {
                Some(Memory::Learnt(hash)) => hash.as_deref().copied(),
                Some(Memory::AsKnown) | None => self.known(at).copied(),
            },
        };
        Some(KnownFolder {
            listing: self.listing,
            items: self.items.iter().enumerate().map(item).collect(),
        })
    }
}

fn holds(items: &[(Arc<str>, Kind)], name: &str) -> bool {
    items
        .binary_search_by(|(here, _)| (**here).cmp(name))
        .is_ok_and(|at| items.get(at).is_some_and(|(_, kind)| *kind == Kind::File))
}

fn list(
    beneath: &Beneath,
    stats: &StatCache,
    path: &RelPath,
    known: &KnownFolder,
) -> Result<Listed, SourceError> {
    let failed = |error: io::Error| super::not_listed(path, &error);
    let mut before = beneath.state(path.as_str()).map_err(failed)?;
    if let Some(listing) = known.listing
        && before.kind() == Kind::Folder
        && stats.believes(&listing, &before)
    {
        let items = known.items.iter();
        return Ok(Listed {
            items: items.map(|item| (item.name.clone(), item.kind)).collect(),
            strange: None,
            state: before,
            remembered: true,
        });
    }
    for _ in 0..ATTEMPTS {
        let names = beneath.list(path.as_str()).map_err(failed)?;
        let after = beneath.state(path.as_str()).map_err(failed)?;
        if before == after {
            return Ok(sort_out(names, after));
        }
        before = after;
    }
    Err(unusable(
        path,
        "its names are changing while they are read".into(),
    ))
}

fn sort_out(names: Vec<(OsString, Kind)>, state: FileState) -> Listed {
    let mut items = Vec::with_capacity(names.len());
    let mut strange = None;
    for (name, kind) in names {
        match name.into_string() {
            Ok(text) => items.push((Arc::from(text), kind)),
            Err(name) => strange = strange.or(Some(name)),
        }
    }
    Listed {
        items,
        strange,
        state,
        remembered: false,
    }
}

fn problem(path: &RelPath, items: &[Item], strange: Option<&OsString>) -> Option<SourceError> {
    if let Some(name) = strange {
        return Some(unusable(
            path,
            format!("it holds the name {name:?}, which is not UTF-8"),
        ));
    }
    let special = items
        .iter()
        .find(|item| item.kind == Kind::Other && !item.left_out)?;
    Some(unusable(
        path,
        format!(
            "it holds `{}`, a device, socket or pipe",
            special.name.escape_debug()
        ),
    ))
}

fn counted(items: &[Item]) -> Names {
    let counted = items.iter().filter(|item| !item.left_out);
    counted
        .filter_map(|item| Some((item.name.clone(), super::source_kind(item.kind)?)))
        .collect::<Vec<(Arc<str>, SourceKind)>>()
        .into()
}
