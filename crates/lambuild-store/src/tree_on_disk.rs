//! The digest of a tree that lies on the disk, computed from its bytes alone. Decides
//! whether a tree that was laid out some time ago is still the one its name says.

use crate::beneath::{Beneath, Kind};
use crate::file_state::FileState;
use crate::read_and_hash::read_and_hash;
use lambuild_digest::tree::MAX_DEPTH;
use lambuild_digest::{Digest, DigestFunction, Dir, Entry, RelPath};
use rayon::prelude::*;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// A folder of the tree: its place in the list of all, and what it holds.
struct Visited {
    parent: usize,
    name: Arc<str>,
    entries: Vec<(Arc<str>, Entry)>,
}

/// The digest of everything below `folder`, empty folders too.
///
/// # Errors
/// When something cannot be read, or is nothing that a tree may hold.
pub fn digest(function: DigestFunction, folder: &Path) -> io::Result<Digest> {
    let beneath = Beneath::open(folder)?;
    let mut visited: Vec<Visited> = Vec::new();
    let mut ahead = vec![(0, Arc::from(""), RelPath::root())];
    while let Some((parent, name, path)) = ahead.pop() {
        if path.parts().count() > MAX_DEPTH {
            return Err(strange("it is too deep"));
        }
        let here = visited.len();
        let mut leaves = Vec::new();
        for (name, kind) in beneath.list(path.as_str())? {
            let name: Arc<str> = name
                .to_str()
                .ok_or_else(|| strange("a name is not UTF-8"))?
                .into();
            let below = path
                .child(&name)
                .map_err(|_| strange("a name cannot be in a tree"))?;
            match kind {
                Kind::Folder => ahead.push((here, name, below)),
                kind => leaves.push((name, below, kind)),
            }
        }
        let entries = leaves
            .into_par_iter()
            .map(|(name, below, kind)| Ok((name, leaf(function, &beneath, &below, kind)?)))
            .collect::<io::Result<_>>()?;
        visited.push(Visited {
            parent,
            name,
            entries,
        });
    }
    assemble(function, visited)
}

fn leaf(function: DigestFunction, beneath: &Beneath, path: &RelPath, kind: Kind) -> io::Result<Entry> {
    match kind {
        Kind::File => {
            let mut file = beneath.read(path.as_str())?;
            let state = FileState::of_file(&file)?;
            let digest = read_and_hash(function, &mut file, |_| io::Result::Ok(()))?;
            Ok(Entry::file(digest, state.executable()))
        }
        Kind::Link => {
            let target = beneath.target(path.as_str())?;
            let target = target.to_str().ok_or_else(|| strange("a link is not UTF-8"))?;
            Ok(Entry::symlink(target))
        }
        Kind::Folder | Kind::Other => Err(strange("a device, socket or pipe lies in it")),
    }
}

/// From the last folder to the first: each comes after the one that holds it.
fn assemble(function: DigestFunction, mut visited: Vec<Visited>) -> io::Result<Digest> {
    while let Some(last) = visited.pop() {
        let dir = Dir::of_entries(last.entries).map_err(|_| strange("a name cannot be in a tree"))?;
        if visited.is_empty() {
            return Ok(dir.encode(function, &mut |_, _| {}));
        }
        if let Some(parent) = visited.get_mut(last.parent) {
            parent.entries.push((last.name, Entry::Dir(dir)));
        }
    }
    Err(strange("there is none"))
}

fn strange(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_owned())
}
