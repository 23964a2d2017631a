//! What has been found out about the workspace: its parts as plain values, and
//! beside each the thunk of its body. Filled once, in order, by `workspace`,
//! `expand` and `stage`; then only read.

use crate::machine::value::{Slots, ThunkId};
use crate::select::Pattern;
use crate::source::{FileId, Span};
use crate::syntax::ast::Name;
use crate::target::{Stage, Target, TargetKind, Toolchain, Workspace};
use crate::value::{TargetId, ToolchainId};
use rustc_hash::FxHashMap;
use std::sync::Arc;

#[derive(Default)]
pub(crate) struct World {
    pub workspaces: Vec<Workspace>,
    pub workspace_bodies: Vec<WorkspaceBody>,
    /// The workspace of each file that belongs to one.
    pub owners: FxHashMap<FileId, usize>,
    /// False while it is being found out which targets exist.
    pub complete: bool,
    pub targets: Vec<Target>,
    pub target_bodies: Vec<Body>,
    /// Targets by the `lambda.build` that declares them.
    pub target_names: FxHashMap<(FileId, Name), TargetId>,
    pub toolchains: Vec<Toolchain>,
    pub toolchain_bodies: Vec<ThunkId>,
    pub toolchain_names: FxHashMap<(usize, Name), ToolchainId>,
    pub stages: Vec<Stage>,
    pub stage_bodies: Vec<StageBody>,
}

/// A workspace's attributes.
pub(crate) struct WorkspaceBody {
    pub set: Arc<Slots>,
    pub span: Span,
}

/// A declaration's value, and the file it stands in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Body {
    pub value: ThunkId,
    pub file: FileId,
}

/// A stage's attributes, and what it changes for targets.
pub(crate) struct StageBody {
    pub set: Arc<Slots>,
    pub overrides: Vec<Override>,
}

/// `{ targets = "…", set = {…} }`
pub(crate) struct Override {
    pub pattern: Pattern,
    pub set: ThunkId,
    /// Where the pattern stands.
    pub span: Span,
}

impl World {
    /// The workspace of a file; the root's for a file that is read before all are known.
    pub(crate) fn owner(&self, file: FileId) -> usize {
        self.owners.get(&file).copied().unwrap_or(0)
    }

    /// The stage called `name` for a workspace's targets: its own, else the root's.
    pub(crate) fn stage_for(&self, workspace: usize, name: &str) -> Option<usize> {
        let of = |owner: usize| {
            self.stages
                .iter()
                .position(|stage| stage.workspace == owner && &*stage.name == name)
        };
        of(workspace).or_else(|| of(0))
    }

    pub(crate) fn target(&self, id: TargetId) -> &Target {
        &self.targets[id.0 as usize]
    }

    /// The names of the stages of all workspaces, sorted.
    pub(crate) fn stage_names(&self) -> std::collections::BTreeSet<Arc<str>> {
        self.stages.iter().map(|stage| Arc::clone(&stage.name)).collect()
    }

    /// Names that a reference of this kind could have meant, in one file.
    pub(crate) fn names_in(&self, file: FileId, kind: TargetKind) -> Vec<&str> {
        let here = self
            .targets
            .iter()
            .zip(&self.target_bodies)
            .filter(|(_, body)| body.file == file);
        here.filter(|(target, _)| target.kind == kind)
            .map(|(target, _)| &*target.name)
            .collect()
    }
}
