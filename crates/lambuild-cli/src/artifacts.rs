//! What a build delivers: each target's zip or folder with its facts, and its copy
//! under `.lambuild/out/`, whose names stay the same.

use crate::run::Built;
use crate::workspace::Workspace;
use lambuild_action::{BlobStore, StoreError};
use lambuild_digest::{Digest, Directories, Node};
use lambuild_graph::Artifact as Planned;
use lambuild_lang::value::{Arch, TargetId};
use lambuild_lang::{Evaluation, Target, TargetKind};
use lambuild_package::facts::Facts;
use lambuild_rules::zip::{FACTS, LAYOUT, Layout, ZIP};
use lambuild_store::{materialise, temporary};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// What was built for one target, for one architecture or, where it is equal, for all.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// The target.
    pub id: TargetId,
    /// The target's address.
    pub target: String,
    /// What kind it is.
    pub kind: TargetKind,
    /// What it was built for.
    pub architectures: Vec<Arch>,
    /// Whether it is equal for all architectures of the target, of which there are several.
    pub any: bool,
    /// Digest of the zip, or of the folder.
    pub digest: Digest,
    /// Facts about the zip; `None` for a plain target.
    pub facts: Option<Facts>,
    /// What of a layer no runtime looks at, one sentence each.
    pub invisible: Vec<String>,
    /// Key of the action that made it, in hexadecimal digits.
    pub key: String,
    /// Whether programs of this machine had a part in it.
    pub host_tools: bool,
    /// Its place below `.lambuild/out/`.
    pub place: String,
    is_file: bool,
}

impl Artifact {
    /// `arm64`, `x86_64` or `any`.
    pub fn arch(&self) -> &'static str {
        if self.any {
            "any"
        } else {
            self.architectures.first().map_or("any", |arch| arch.name())
        }
    }

    /// Its path relative to the workspace.
    pub fn path(&self) -> String {
        format!(".lambuild/out/{}", self.place)
    }
}

/// The artifacts of a build that are done, in the order of targets and architectures.
///
/// # Errors
/// When the store has lost or cannot read one.
pub fn collect(
    built: &Built,
    evaluation: &Evaluation<'_>,
    store: &lambuild_store::DiskStore,
) -> Result<Vec<Artifact>, StoreError> {
    let mut artifacts: Vec<Artifact> = Vec::new();
    for planned in &built.graph.artifacts {
        let target = evaluation.target(planned.configured.target);
        let Some(made) = read(built, planned, target, store)? else {
            continue;
        };
        match artifacts.last_mut() {
            Some(last) if last.target == made.target && last.digest == made.digest => {
                last.architectures.extend(made.architectures);
            }
            _ => artifacts.push(made),
        }
    }
    for artifact in &mut artifacts {
        artifact.any = artifact.architectures.len() > 1;
        artifact.place = place(artifact);
    }
    Ok(artifacts)
}

fn read(
    built: &Built,
    planned: &Planned,
    target: &Target,
    store: &lambuild_store::DiskStore,
) -> Result<Option<Artifact>, StoreError> {
    let node = planned.zip.unwrap_or(planned.product);
    let Some(done) = built.outcome.done(node) else {
        return Ok(None);
    };
    let mut artifact = Artifact {
        id: planned.configured.target,
        target: target.address(),
        kind: target.kind,
        architectures: vec![planned.configured.arch],
        any: false,
        digest: Digest::new([0; 32], 0),
        facts: None,
        invisible: Vec::new(),
        key: done.key.map(|key| key.to_string()).unwrap_or_default(),
        host_tools: built.graph.host_tools(node),
        place: String::new(),
        is_file: true,
    };
    match (&done.out, planned.zip) {
        (Node::Directory(out), Some(_)) => read_zip(out, &mut artifact, store)?,
        (Node::Directory(digest), None) => (artifact.digest, artifact.is_file) = (*digest, false),
        (Node::File { digest, .. }, _) => artifact.digest = *digest,
        (Node::Symlink { .. }, _) => return Ok(None),
    }
    Ok(Some(artifact))
}

fn read_zip(
    out: &Digest,
    artifact: &mut Artifact,
    store: &lambuild_store::DiskStore,
) -> Result<(), StoreError> {
    let directory = store.directory(out).map_err(materialise::unreadable)?;
    let file = |name: &str| match directory.get(name) {
        Some(Node::File { digest, .. }) => Ok(*digest),
        _ => Err(StoreError::Format(format!(
            "the zip of {} has no {name}",
            artifact.target
        ))),
    };
    let unreadable = |error: serde_json::Error| StoreError::Format(error.to_string());
    artifact.digest = file(ZIP)?;
    artifact.facts = Some(serde_json::from_slice(&store.read(&file(FACTS)?)?).map_err(unreadable)?);
    if artifact.kind == TargetKind::Layer {
        let layout: Layout = serde_json::from_slice(&store.read(&file(LAYOUT)?)?).map_err(unreadable)?;
        artifact.invisible = layout.invisible;
    }
    Ok(())
}

fn place(artifact: &Artifact) -> String {
    let folder = artifact.target.replace(':', "/");
    let extension = if artifact.kind == TargetKind::Target {
        ""
    } else {
        ".zip"
    };
    format!(
        "{}/{}{extension}",
        folder.trim_start_matches('/'),
        artifact.arch()
    )
}

/// What was written where and how it looked then, so that an unchanged artifact is not
/// written again. May be deleted: then all are written once more.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Written(BTreeMap<String, Stamp>);

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    digest: String,
    inode: u64,
    modified: (i64, i64),
}

impl Stamp {
    fn of(digest: &Digest, meta: &Metadata) -> Self {
        Stamp {
            digest: digest.to_string(),
            inode: meta.ino(),
            modified: (meta.mtime(), meta.mtime_nsec()),
        }
    }
}

/// Writes the artifacts below `.lambuild/out/`; what is there already is left alone.
///
/// # Errors
/// When the folder cannot be written or the store has lost one.
pub fn publish(artifacts: &[Artifact], workspace: &Workspace) -> Result<(), StoreError> {
    let _turn = turn(workspace)?;
    let (out, notes) = (workspace.own().join("out"), workspace.own().join("out.json"));
    let known = fs::read(&notes)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let mut written: Written = known.unwrap_or_default();
    let mut changed = false;
    for artifact in artifacts {
        let path = out.join(&artifact.place);
        let is_there =
            |meta: &Metadata| written.0.get(&artifact.place) == Some(&Stamp::of(&artifact.digest, meta));
        if fs::metadata(&path).is_ok_and(|meta| is_there(&meta)) {
            continue;
        }
        make_room(&path, artifact.any)?;
        write(artifact, &path, &out, workspace)?;
        let meta = fs::metadata(&path).map_err(StoreError::io("read", &path))?;
        written
            .0
            .insert(artifact.place.clone(), Stamp::of(&artifact.digest, &meta));
        changed = true;
    }
    if changed {
        let text = serde_json::to_vec(&written).unwrap_or_default();
        replace(&notes, &text)?;
    }
    Ok(())
}

/// The right to write results of this workspace, given back when dropped: two builds at once
/// write one after the other. Where the file system knows no locks, nobody waits.
///
/// # Errors
/// When the lock's file cannot be made.
pub fn turn(workspace: &Workspace) -> Result<File, StoreError> {
    let (own, path) = (workspace.own(), workspace.own().join("lock"));
    fs::create_dir_all(&own).map_err(StoreError::io("create", &own))?;
    let file = File::create(&path).map_err(StoreError::io("create", &path))?;
    match file.lock() {
        Err(error) if error.kind() != io::ErrorKind::Unsupported => Err(StoreError::io("lock", &path)(error)),
        _ => Ok(file),
    }
}

/// Takes away what stands in the way: an older form of the same artifact, so that nobody
/// picks up a stale `any.zip` beside new ones for each architecture, or the reverse.
fn make_room(path: &Path, any: bool) -> Result<(), StoreError> {
    let folder = path.parent().unwrap_or(Path::new(""));
    fs::create_dir_all(folder).map_err(StoreError::io("create", folder))?;
    let extension = path.extension().map_or(String::new(), |extension| {
        format!(".{}", extension.to_string_lossy())
    });
    let stale: &[&str] = if any { &["arm64", "x86_64"] } else { &["any"] };
    for name in stale {
        remove(&folder.join(format!("{name}{extension}")))?;
    }
    if path.is_dir() { remove(path) } else { Ok(()) }
}

/// Removes whatever stands at a path, if anything does.
///
/// # Errors
/// The system's.
pub fn remove(path: &Path) -> Result<(), StoreError> {
    let removed = match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => lambuild_store::remove::tree(path),
        Ok(_) => fs::remove_file(path),
        Err(_) => Ok(()),
    };
    removed.map_err(StoreError::io("remove", path))
}

fn write(artifact: &Artifact, path: &PathBuf, out: &Path, workspace: &Workspace) -> Result<(), StoreError> {
    if artifact.is_file {
        let bytes = workspace.store.read(&artifact.digest)?;
        return replace(path, &bytes);
    }
    let staged = temporary::folder(".new", out)?;
    let tree = staged.path().join("tree");
    materialise::tree(&workspace.store, &artifact.digest, &tree, &|_| None)?;
    fs::rename(&tree, path).map_err(StoreError::io("write", path))
}

/// Gives a file new bytes in one step, with the mode that other programs expect of a file.
///
/// # Errors
/// When its folder cannot be made or written.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(StoreError::io("create", folder))?;
    let mut staged = temporary::file(folder)?;
    temporary::write(&mut staged, bytes)
        .and_then(|()| mode(staged.path(), 0o644))
        .and_then(|()| staged.persist(path).map(drop).map_err(|error| error.error))
        .map_err(StoreError::io("write", path))
}

/// Sets a file's mode.
///
/// # Errors
/// The system's.
pub fn mode(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}
