//! A planned action: one that still refers to sources and to other actions'
//! outputs. Its selector turns it into a [`Step`], which has a key.

use crate::message::Command;
use crate::store::{BlobStore, Sources};
use lambuild_digest::{Digest, Dir, Directories, Node, RelPath};
use lambuild_lang::diagnostic::Diagnostic;
use lambuild_lang::source::Span;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A planned action of one graph, by its place in the order of planning. What
/// an action refers to was planned before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// A unit of work before its inputs are known by digest.
pub struct PlannedAction {
    /// What is done, for people: `go build`, `zip`, `fetch`.
    pub mnemonic: &'static str,
    /// What it is done to, for people: `cmd/checkout arm64`.
    pub subject: String,
    /// The actions whose outputs it refers to, without [`PlannedAction::optional`] ones. A selector
    /// narrows, it never adds one.
    pub inputs: Vec<NodeId>,
    /// How it becomes a step, or what it is without running.
    pub work: Work,
    /// The expression that asked for it.
    pub span: Span,
}

impl PlannedAction {
    /// The actions that it refers to and that run only when its selector asks for them.
    pub fn optional(&self) -> &[NodeId] {
        match &self.work {
            Work::Select(selector) => selector.optional(),
            Work::HostFolder { .. } | Work::HostFiles(_) => &[],
        }
    }
}

/// How a planned action gets its output.
pub enum Work {
    /// Select, look up, run.
    Select(Box<dyn Selector>),
    /// A folder of this machine, taken by content: a toolchain that nobody pinned.
    HostFolder {
        /// Its absolute path.
        folder: PathBuf,
        /// Which of its files count, by path relative to the folder.
        keep: fn(&RelPath) -> bool,
    },
    /// Programs of this machine with what they need, taken by content, each at its place.
    /// What is made with them depends on this machine, and is marked so.
    HostFiles(Vec<HostFile>),
}

/// One file of [`Work::HostFiles`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostFile {
    /// Where it lies in the output.
    pub at: RelPath,
    /// What it is.
    pub from: HostBytes,
    /// Whether it may be executed.
    pub executable: bool,
}

/// Where a host file's bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostBytes {
    /// In a file of this machine, by its absolute path without links.
    File(PathBuf),
    /// Here.
    Fixed(&'static [u8]),
}

/// What a selector may look at: the sources, and the outputs of the actions it refers to.
pub struct Seen<'a> {
    /// The sources as they are now.
    pub sources: &'a dyn Sources,
    /// The outputs of [`PlannedAction::inputs`], in that order.
    pub outputs: &'a [Node],
    /// The outputs of [`Selector::optional`] inputs, in that order; `None` for what has not been run.
    pub optional: &'a [Option<Node>],
    /// Folders of those outputs.
    pub trees: &'a dyn Directories,
    /// Files of those outputs.
    pub blobs: &'a dyn BlobStore,
}

/// Maps the sources and the outputs of finished dependencies to what exactly an
/// action sees. Pure: equal things seen give an equal step.
pub trait Selector: Send + Sync {
    /// The step, or why there is none, at its place in the source.
    ///
    /// # Errors
    /// What the sources lack or get wrong, in the user's words.
    fn select(&self, seen: &Seen<'_>) -> Result<Step, Box<Diagnostic>>;

    /// Inputs that run only when [`Selector::explore`] asks for them, beside those of the action: such as
    /// the modules that a lock names, of which the program imports a few. Edges like all others, planned before.
    fn optional(&self) -> &[NodeId] {
        &[]
    }

    /// As [`Selector::select`], of an action whose optional inputs may not have been run yet.
    ///
    /// # Errors
    /// As [`Selector::select`].
    fn explore(&self, seen: &Seen<'_>) -> Result<Selection, Box<Diagnostic>> {
        self.select(seen).map(|step| Selection::Step(Box::new(step)))
    }

    /// What the declaration lacks, as far as it can be told from what the action said when it
    /// failed and from the workspace: shown beside the failure.
    fn explain(&self, _log: &[u8], _sources: &dyn Sources) -> Vec<Diagnostic> {
        Vec::new()
    }
}

/// What a selector found out.
#[derive(Debug, Clone)]
pub enum Selection {
    /// Everything is known.
    Step(Box<Step>),
    /// First the outputs of these optional inputs are needed, by their places in [`Seen::optional`]; at
    /// least one of which is not there. Then it is asked again.
    Wants(Vec<usize>),
}

/// An action with every input known by digest.
#[derive(Debug, Clone)]
pub struct Step {
    /// What is run.
    pub command: Command,
    /// All that it sees.
    pub input_root: Dir,
    /// A declared time limit in seconds.
    pub timeout: Option<u32>,
    /// What an executor may use to be faster; no part of the key.
    pub hints: Hints,
}

/// What an executor may use and what cannot change a result, hence is in no key.
#[derive(Debug, Clone, Default)]
pub struct Hints {
    /// Folders of the input root that are big and the same for many actions: worth laying out once.
    pub stable: Vec<RelPath>,
    /// Environment variable → name of a compile cache whose folder it is to hold.
    pub accelerators: BTreeMap<String, String>,
    /// Compiled Go packages that outlive the action.
    pub go_cache: Option<GoCache>,
    /// Folders with programs that a fetch uses; its result is verified, so they are in no key.
    pub tools: Vec<Digest>,
    /// From where a fetch may get what it is to verify: an address, which is in no key either.
    pub origin: Option<String>,
}

/// A cache of compiled Go packages, which `go` asks over its GOCACHEPROG protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoCache {
    /// Its name: one for each toolchain.
    pub name: String,
    /// What the action compiles where the cache does not have it: for each package a name that
    /// changes with all that is compiled into it → the group of which one action at a time
    /// compiles what is missing. Says only who waits for whom; a wrong name costs time.
    pub units: BTreeMap<String, String>,
}
