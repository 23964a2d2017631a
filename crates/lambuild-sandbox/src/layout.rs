//! Lays an action's inputs out on disk and says where each is seen inside.
//!
//! Folders of inputs are shown read-only, each from a place where nothing writes: big stable ones
//! from the store's `trees/`, the others from a copy beside the action's own folder. Folders in
//! which an output is to stand are the action's own, and single files in those are its own copies.

use crate::spec::Mount;
use lambuild_action::{ExecuteError, Request, StoreError};
use lambuild_digest::{Digest, Directories, Node, RelPath};
use lambuild_store::DiskStore;
use lambuild_store::materialise::{self, Instead};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder for temporary files in every input root (`HOME` and `TMPDIR`).
const TEMPORARY: &str = "tmp";

/// Lays out below `stage`; the folder of the action is `stage/work`, and inside it is `root`.
///
/// # Errors
/// When an input is missing or damaged, or the file system refuses.
pub fn lay_out(
    store: &DiskStore,
    request: &Request,
    stage: &Path,
    root: &str,
) -> Result<Vec<Mount>, ExecuteError> {
    let mut layout = Layout {
        store,
        request,
        root,
        work: stage.join("work"),
        inputs: stage.join("in"),
        mounts: Vec::new(),
    };
    layout.mounts.push(Mount::Write {
        from: layout.work.clone(),
        at: root.to_owned(),
    });
    layout.own(&request.input_root, &RelPath::root())?;
    let outputs = &request.command.output_paths;
    let parents = outputs.iter().filter_map(RelPath::parent);
    for folder in parents
        .map(|path| path.as_str().to_owned())
        .chain([TEMPORARY.to_owned()])
    {
        let folder = layout.work.join(folder);
        fs::create_dir_all(&folder).map_err(StoreError::io("create", &folder))?;
    }
    Ok(layout.mounts)
}

struct Layout<'a> {
    store: &'a DiskStore,
    request: &'a Request,
    root: &'a str,
    work: PathBuf,
    inputs: PathBuf,
    mounts: Vec<Mount>,
}

impl Layout<'_> {
    /// A folder that is the action's own.
    fn own(&mut self, digest: &Digest, at: &RelPath) -> Result<(), ExecuteError> {
        let here = self.work.join(at.as_str());
        fs::create_dir_all(&here).map_err(StoreError::io("create", &here))?;
        let folder = self.store.directory(digest).map_err(materialise::unreadable)?;
        for (name, node) in folder.nodes() {
            let path = at
                .child(name)
                .map_err(|error| ExecuteError::Refused(error.to_string()))?;
            match node {
                Node::Directory(inner) if self.is_own(&path) => self.own(inner, &path)?,
                Node::Directory(inner) => self.shown(inner, &path)?,
                other => materialise::place(self.store, other, &self.work.join(path.as_str()))?,
            }
        }
        Ok(())
    }

    /// Whether the action may write in the folder: an output is to stand in it, or it is in the
    /// place of one, or it is the folder for temporary files.
    fn is_own(&self, path: &RelPath) -> bool {
        let holds = |output: &RelPath| output.below(path).is_some() || path.below(output).is_some();
        self.request.command.output_paths.iter().any(holds) || path.as_str() == TEMPORARY
    }

    /// A folder that is shown read-only, with the stable ones in it.
    fn shown(&mut self, digest: &Digest, at: &RelPath) -> Result<(), ExecuteError> {
        let point = self.work.join(at.as_str());
        fs::create_dir_all(&point).map_err(StoreError::io("create", &point))?;
        let stable = self.stable(digest, at)?;
        if let Some(there) = stable.get(at) {
            self.show(there.clone(), at);
            return Ok(());
        }
        let copy = self.inputs.join(at.as_str());
        let instead = |path: &RelPath| {
            stable
                .contains_key(&at.join(path))
                .then_some(Instead::EmptyFolder)
        };
        materialise::tree(self.store, digest, &copy, &instead)?;
        self.show(copy, at);
        for (path, there) in stable {
            self.show(there, &path);
        }
        Ok(())
    }

    /// The stable folders at and below a path, with where they lie in the store.
    fn stable(&self, digest: &Digest, at: &RelPath) -> Result<BTreeMap<RelPath, PathBuf>, ExecuteError> {
        let mut found = BTreeMap::new();
        for path in &self.request.hints.stable {
            let Some(below) = path.below(at) else { continue };
            if let Some(inner) = crate::local::subtree(self.store, *digest, &below)? {
                found.insert(path.clone(), materialise::stable(self.store, &inner)?);
            }
        }
        Ok(found)
    }

    fn show(&mut self, from: PathBuf, at: &RelPath) {
        self.mounts.push(Mount::Read {
            from,
            at: format!("{}/{}", self.root, at.as_str()),
        });
    }
}
