//! What a language (or kind of content) brings: its attributes as a table, and
//! how a builder call becomes planned actions.

use crate::planned::{NodeId, PlannedAction};
use crate::store::Sources;
use lambuild_digest::RelPath;
use lambuild_lang::diagnostic::Diagnostic;
use lambuild_lang::schema::Schema;
use lambuild_lang::source::Span;
use lambuild_lang::value::{Arch, Attrs, Product, Value};
use std::sync::Arc;

/// One builder: `go`, `files`.
pub trait Rule: Send + Sync {
    /// Its name and attributes.
    fn schema(&self) -> &'static Schema;

    /// Plans the actions of one call; the answer is the action whose output is the product.
    ///
    /// # Errors
    /// What the call or the sources it names get wrong.
    fn plan(&self, product: &Product, planner: &mut dyn Planner) -> Result<NodeId, Box<Diagnostic>>;
}

/// One kind of toolchain: `go`.
pub trait ToolchainRule: Send + Sync {
    /// Its kind and the attributes of its declaration.
    fn schema(&self) -> &'static Schema;

    /// Plans the action whose output is the toolchain's folder.
    ///
    /// # Errors
    /// When nothing is declared and the machine has none, or a version cannot be.
    fn plan(&self, declared: Option<&Attrs>, asked: Span) -> Result<Toolchain, Box<Diagnostic>>;
}

/// A toolchain that was found or is to be fetched.
pub struct Toolchain {
    /// Equal for equal toolchains of one run, so that each is planned once.
    pub identity: String,
    /// The action.
    pub action: PlannedAction,
}

/// Turns a product into the zip that Lambda takes.
pub trait Packager: Send + Sync {
    /// Plans the zip of a function's or a layer's product.
    fn plan(
        &self,
        layer: bool,
        product: NodeId,
        subject: &str,
        span: Span,
        planner: &mut dyn Planner,
    ) -> NodeId;
}

/// What is put at a path: the meaning of an attribute that takes content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Files of the workspace.
    Source(RelPath),
    /// Another action's output.
    Built(NodeId),
    /// What stands at a path in another action's output: nothing else of it is seen.
    Part(NodeId, RelPath),
    /// One file with this text.
    Text(Arc<str>),
}

/// The graph, as far as a rule sees it.
pub trait Planner {
    /// The architecture that is planned for.
    fn arch(&self) -> Arch;

    /// What is planned, for people: `services/auth:login arm64`.
    fn subject(&self) -> String {
        self.arch().name().to_owned()
    }

    /// The folder whose `lambda.build` declares what is planned.
    fn folder(&self) -> RelPath {
        RelPath::root()
    }

    /// The workspace's files.
    fn sources(&self) -> &dyn Sources;

    /// Adds an action.
    fn add(&mut self, action: PlannedAction) -> NodeId;

    /// Adds an action unless one of the same identity is there. The identity begins with the rule's name.
    fn add_once(&mut self, identity: String, action: PlannedAction) -> NodeId;

    /// What a value means where content is expected; products and references are planned.
    ///
    /// # Errors
    /// When the value is no content, or planning it fails.
    fn content(&mut self, value: &Value) -> Result<Content, Box<Diagnostic>>;

    /// The toolchain of a kind: the one that `chosen` names, else the declared one, else the machine's.
    ///
    /// # Errors
    /// As [`ToolchainRule::plan`].
    fn toolchain(
        &mut self,
        kind: &str,
        chosen: Option<&Value>,
        asked: Span,
    ) -> Result<NodeId, Box<Diagnostic>>;

    /// What is run while something is built: a toolchain, or content, which is planned for
    /// the platform that runs it.
    ///
    /// # Errors
    /// As [`Planner::content`] and [`Planner::toolchain`].
    fn tool(&mut self, value: &Value) -> Result<Tool, Box<Diagnostic>>;

    /// What people call a value that is content: a target's name, the last part of a path,
    /// a builder's name.
    fn name(&self, value: &Value) -> String;
}

/// What [`Planner::tool`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// Its files.
    pub content: Content,
    /// What a program that has no name of its own is called: that of its target.
    pub name: String,
}
