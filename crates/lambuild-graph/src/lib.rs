//! Declarations → targets, references and configurations → the graph of actions.
//!
//! Knows no disk, no execution and no single language: what a builder call
//! means comes from the [`lambuild_action::Rule`]s that are handed in.

pub mod action_graph;
pub mod codes;
pub mod draw;
pub mod plan;
pub mod references;
pub mod rule_set;

pub use action_graph::{ActionGraph, Artifact};
pub use plan::{configured, plan};
pub use references::{Configured, TargetGraph};
pub use rule_set::RuleSet;

#[cfg(test)]
mod testing;
