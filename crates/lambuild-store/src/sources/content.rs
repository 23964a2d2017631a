//! A file, or a folder with all below it, as content. Decides the order of the walk
//! and what stands in place of links; each file itself is the affair of `super`.
//!
//! A tree is walked level by level, the folders of a level at the same time: no depth
//! that a disk can hold ends the program.

use super::folder::{Folder, Item};
use super::{SourceTree, below, unusable};
use crate::beneath::Kind;
use crate::threads;
use lambuild_action::SourceError;
use lambuild_digest::tree::MAX_DEPTH;
use lambuild_digest::{Dir, Entry, RelPath};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many links that leave their folder may lead through each other; Linux stops at 40 for one path.
const MAX_LINKS: usize = 8;
/// How many entries may be reached through such links in all: a few folders that link to each other
/// stand for millions of files.
const MAX_BEHIND_LINKS: usize = 200_000;
/// Names of one folder that one thread takes at a time.
const PORTION: usize = 128;

/// A walk from what somebody asked for.
struct Walk<'a> {
    tree: &'a SourceTree,
    behind_links: AtomicUsize,
}

/// A folder of the walk: where its parent is in the level above, and what it holds.
struct Visited {
    parent: usize,
    name: Arc<str>,
    folder: Arc<Folder>,
    leaves: Vec<(Arc<str>, Entry)>,
}

/// A folder that is to be visited.
struct Ahead {
    parent: usize,
    name: Arc<str>,
    path: RelPath,
}

impl SourceTree {
    /// See [`lambuild_action::Sources::content`].
    pub(super) fn content_of(&self, path: &RelPath) -> Result<Entry, SourceError> {
        let parent = self.real(&path.parent().unwrap_or_else(RelPath::root))?;
        let walk = Walk {
            tree: self,
            behind_links: AtomicUsize::new(0),
        };
        walk.at(path, &below(&parent, path)?, MAX_LINKS)
    }
}

impl Walk<'_> {
    /// What stands at `here`, which was asked for as `path`. Recurses once for each link.
    fn at(&self, path: &RelPath, here: &RelPath, links: usize) -> Result<Entry, SourceError> {
        match self.tree.kind_at(here) {
            None => Err(SourceError::NotFound(path.clone())),
            Some(_) if self.tree.is_left_out(here) => Err(unusable(
                path,
                "an ignore file of the workspace excludes it, so another checkout would not have it".into(),
            )),
            Some(Kind::Folder) => self.folder(here, links),
            Some(Kind::Link) => self.behind_link(here, links),
            Some(Kind::File | Kind::Other) => {
                let (digest, executable) = self.tree.file_at(here)?;
                Ok(Entry::file(digest, executable))
            }
        }
    }

    /// What a link that leaves the taken folder stands for.
    fn behind_link(&self, path: &RelPath, links: usize) -> Result<Entry, SourceError> {
        if links == 0 {
            return Err(unusable(path, "it is a link that leads in a circle".into()));
        }
        let real = self.tree.resolve(path, path)?;
        self.at(&real, &real, links - 1)
    }

    fn folder(&self, top: &RelPath, links: usize) -> Result<Entry, SourceError> {
        let mut levels: Vec<Vec<Visited>> = Vec::new();
        let mut ahead = vec![Ahead {
            parent: 0,
            name: Arc::from(""),
            path: top.clone(),
        }];
        while !ahead.is_empty() {
            if levels.len() > MAX_DEPTH {
                return Err(too_deep(&ahead));
            }
            let visited = threads::each_of(ahead.iter().collect(), 2, |next| self.visit(next, top, links));
            // The first error by path, whichever thread was first.
            let level = visited.into_iter().collect::<Result<Vec<_>, _>>()?;
            ahead = next_level(&level)?;
            levels.push(level);
        }
        assemble(levels)
    }

    fn visit(&self, next: &Ahead, top: &RelPath, links: usize) -> Result<Visited, SourceError> {
        let folder = self.tree.folder(&next.path)?;
        if let Some(problem) = &folder.problem {
            return Err(problem.clone());
        }
        self.count(&folder, links)?;
        let starts = (0..folder.items.len()).step_by(PORTION).collect();
        let portions = threads::each_of(starts, 2, |from| self.portion(&folder, from, top, links));
        let mut leaves = Vec::with_capacity(folder.items.len());
        for portion in portions {
            leaves.append(&mut portion?);
        }
        Ok(Visited {
            parent: next.parent,
            name: next.name.clone(),
            folder,
            leaves,
        })
    }

    fn count(&self, folder: &Folder, links: usize) -> Result<(), SourceError> {
        let entries = folder.items.len();
        if links < MAX_LINKS
            && self.behind_links.fetch_add(entries, Ordering::Relaxed) + entries > MAX_BEHIND_LINKS
        {
            return Err(unusable(
                &folder.path,
                format!("more than {MAX_BEHIND_LINKS} files are reached through links"),
            ));
        }
        Ok(())
    }

    /// The files and links among [`PORTION`] names of a folder.
    fn portion(
        &self,
        folder: &Folder,
        from: usize,
        top: &RelPath,
        links: usize,
    ) -> Result<Vec<(Arc<str>, Entry)>, SourceError> {
        let mut path = String::from(folder.path.as_str());
        if !path.is_empty() {
            path.push('/');
        }
        let length = path.len();
        let mut leaves = Vec::with_capacity(PORTION);
        for (at, item) in folder.items.iter().enumerate().skip(from).take(PORTION) {
            if item.left_out || item.kind == Kind::Folder {
                continue;
            }
            path.truncate(length);
            path.push_str(&item.name);
            leaves.push((item.name.clone(), self.leaf(folder, at, item, &path, top, links)?));
        }
        Ok(leaves)
    }

    /// A file or link inside the folder `top` that is taken.
    fn leaf(
        &self,
        folder: &Folder,
        at: usize,
        item: &Item,
        path: &str,
        top: &RelPath,
        links: usize,
    ) -> Result<Entry, SourceError> {
        if item.kind != Kind::Link {
            let (digest, executable) = self.tree.item(folder, at, item, path)?;
            return Ok(Entry::file(digest, executable));
        }
        let path = folder
            .path
            .child(&item.name)
            .map_err(|error| unusable(&folder.path, error.to_string()))?;
        let target = self
            .tree
            .beneath
            .target(path.as_str())
            .map_err(|error| super::not_listed(&path, &error))?;
        let target = Path::new(&target);
        let inside = path.below(top).unwrap_or_else(RelPath::root);
        if target.is_relative() && crate::ingest::stays_inside(&inside, target) {
            let text = target
                .to_str()
                .ok_or_else(|| unusable(&path, "it points to a name that is not UTF-8".into()))?;
            return Ok(Entry::symlink(text));
        }
        self.behind_link(&path, links)
    }
}

fn too_deep(ahead: &[Ahead]) -> SourceError {
    let path = ahead.first().map_or_else(RelPath::root, |next| next.path.clone());
    // A path of five hundred names helps nobody; its beginning says where to look.
    let start: Vec<&str> = path.parts().take(8).collect();
    let start = RelPath::new(&start.join("/")).unwrap_or_else(|_| RelPath::root());
    unusable(
        &start,
        format!("there are more than {MAX_DEPTH} folders in each other below it"),
    )
}

fn next_level(level: &[Visited]) -> Result<Vec<Ahead>, SourceError> {
    let mut ahead = Vec::new();
    for (parent, visited) in level.iter().enumerate() {
        for item in &visited.folder.items {
            if item.left_out || item.kind != Kind::Folder {
                continue;
            }
            let at = &visited.folder.path;
            let path = at
                .child(&item.name)
                .map_err(|error| unusable(at, error.to_string()))?;
            ahead.push(Ahead {
                parent,
                name: item.name.clone(),
                path,
            });
        }
    }
    Ok(ahead)
}

/// From the deepest level up; folders that hold nothing are left out, as Git does.
fn assemble(mut levels: Vec<Vec<Visited>>) -> Result<Entry, SourceError> {
    let mut top = Dir::default();
    while let Some(level) = levels.pop() {
        for visited in level {
            let dir = Dir::of_entries(visited.leaves)
                .map_err(|error| unusable(&visited.folder.path, error.to_string()))?;
            match levels.last_mut() {
                None => top = dir,
                Some(_) if dir.is_empty() => {}
                Some(above) => {
                    if let Some(parent) = above.get_mut(visited.parent) {
                        parent.leaves.push((visited.name, Entry::Dir(dir)));
                    }
                }
            }
        }
    }
    Ok(Entry::Dir(top))
}
