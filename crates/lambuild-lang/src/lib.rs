//! The text of a `lambda.build` file → values, declarations, diagnostics.
//!
//! Knows no disk (files come through one trait), no graph and no AWS: what the
//! attributes of a function or a builder are is handed in as [`schema`] tables.

mod evaluation;
pub mod select;

mod data_file;
mod decimal;
pub mod schema;
pub mod target;
pub mod value;

pub mod files;
pub mod source;

mod program;
mod syntax;

mod machine;

mod build;
mod declare;
mod deploy;
mod deployed_names;
mod expand;
mod names;
mod stage;
mod toolchain;
mod typed;
mod version;
pub mod workspace;
mod world;

pub mod builtins;
pub mod cursor;
pub mod doc;
pub mod format;
pub mod index;

pub mod codes;
pub mod diagnostic;
mod nearest;
mod render;

pub use evaluation::{Cost, Evaluation, Options, Schemas, evaluate};
pub use files::{FileError, FileKind, Files, MemoryFiles, RelPath};
pub use nearest::nearest;
pub use render::{diagnostic_json, render};
pub use syntax::SyntaxTree;
pub use target::{Stage, Target, TargetKind, Toolchain, Workspace};
pub use workspace::has_workspace;

#[cfg(test)]
mod tests;
