//! What an evaluated workspace declares: its workspaces, targets, toolchains
//! and stages, as plain values for everyone downstream. Knows nothing of how
//! they were found.

use crate::source::Span;
use crate::value::{Arch, Attrs, TargetId, ToolchainId};
use lambuild_digest::RelPath;
use std::sync::Arc;

/// The root's workspace or a member with a `workspace` item of its own.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// The name after the word `workspace`.
    pub name: Arc<str>,
    /// The folder of its `lambda.build`, relative to the outermost root.
    pub dir: RelPath,
    /// What its targets are built for, unless one says otherwise.
    pub architectures: Vec<Arch>,
    /// Where its name stands.
    pub span: Span,
}

/// The kinds of things that are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TargetKind {
    /// `function`.
    Function,
    /// `layer`.
    Layer,
    /// `target`.
    Target,
}

impl TargetKind {
    /// The word in the language.
    pub fn word(self) -> &'static str {
        match self {
            TargetKind::Function => "function",
            TargetKind::Layer => "layer",
            TargetKind::Target => "target",
        }
    }
}

/// A declared function, layer or other build product.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its place in [`crate::Evaluation::targets`].
    pub id: TargetId,
    /// Function, layer or target.
    pub kind: TargetKind,
    /// The index of its workspace.
    pub workspace: usize,
    /// The folder that declares it, relative to the outermost root.
    pub dir: RelPath,
    /// Its name, unique in the folder.
    pub name: Arc<str>,
    /// Where the name stands.
    pub span: Span,
    /// What it is built for; never empty, without duplicates, in the order of writing.
    pub architectures: Vec<Arch>,
}

impl Target {
    /// `services/auth:login`; `:login` in the root folder.
    pub fn address(&self) -> String {
        format!("{}:{}", self.dir.as_str(), self.name)
    }
}

/// A declared toolchain.
#[derive(Debug, Clone)]
pub struct Toolchain {
    /// Its place in [`crate::Evaluation::toolchains`].
    pub id: ToolchainId,
    /// The index of its workspace.
    pub workspace: usize,
    /// The name that `toolchain.NAME` refers to.
    pub name: Arc<str>,
    /// What it is a toolchain for, such as `go`; the name unless the item says `NAME = go { … }`.
    pub kind: Arc<str>,
    /// Its attributes, checked against the table of its kind; schema defaults are not in it.
    pub attrs: Attrs,
    /// Where the name stands.
    pub span: Span,
}

/// A declared stage.
#[derive(Debug, Clone)]
pub struct Stage {
    /// The index of its workspace.
    pub workspace: usize,
    /// Its name.
    pub name: Arc<str>,
    /// Its attributes, checked against the table of stages, without `defaults` and
    /// `overrides`: those are in what [`crate::Evaluation::deploy`] gives.
    pub attrs: Attrs,
    /// Where the name stands.
    pub span: Span,
}
