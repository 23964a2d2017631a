//! The planned actions of a run as a directed graph without cycles.

use crate::references::Configured;
use lambuild_action::{NodeId, PlannedAction, Work};
use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};
use std::collections::BTreeSet;

/// What a run delivers for one target and architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Artifact {
    /// Of what.
    pub configured: Configured,
    /// The action whose output is the product.
    pub product: NodeId,
    /// The action whose output is the zip; `None` for a plain `target`.
    pub zip: Option<NodeId>,
}

/// Planned actions; an edge goes from an action to one that refers to it. What an
/// action refers to was planned before it, so there is no cycle by construction.
#[derive(Default)]
pub struct ActionGraph {
    graph: DiGraph<PlannedAction, ()>,
    /// What is an optional input of something.
    optional: BTreeSet<NodeId>,
    /// What the run delivers, sorted by target and architecture.
    pub artifacts: Vec<Artifact>,
}

impl ActionGraph {
    /// Adds an action whose inputs, optional ones too, are here.
    pub fn add(&mut self, action: PlannedAction) -> NodeId {
        let inputs = action.inputs.clone();
        self.optional.extend(action.optional());
        let node = self.graph.add_node(action);
        for input in inputs {
            debug_assert!(input.0 < node.index() as u32, "an action refers to a later one");
            self.graph.update_edge(NodeIndex::new(input.0 as usize), node, ());
        }
        NodeId(node.index() as u32)
    }

    /// How many actions there are.
    pub fn len(&self) -> usize {
        self.graph.node_count()
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every action's id, so that each comes after all that it refers to.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..self.len() as u32).map(NodeId)
    }

    /// An action of this graph.
    pub fn action(&self, id: NodeId) -> &PlannedAction {
        &self.graph[NodeIndex::new(id.0 as usize)]
    }

    /// Which actions a run begins with, by [`NodeId`]: all but those that only optional edges lead to.
    pub fn needed(&self) -> Vec<bool> {
        let mut needed = vec![false; self.len()];
        for id in self.ids().rev() {
            let dependents = self.dependents(id);
            let of_them = |id: &NodeId| needed.get(id.0 as usize) == Some(&true);
            let is_needed = match dependents.is_empty() {
                true => !self.optional.contains(&id),
                false => dependents.iter().any(of_them),
            };
            if let Some(slot) = needed.get_mut(id.0 as usize) {
                *slot = is_needed;
            }
        }
        needed
    }

    /// The actions that refer to this one by an edge that is not optional, sorted.
    pub fn dependents(&self, id: NodeId) -> Vec<NodeId> {
        let nodes = self
            .graph
            .neighbors_directed(NodeIndex::new(id.0 as usize), Direction::Outgoing);
        let mut ids: Vec<NodeId> = nodes.map(|node| NodeId(node.index() as u32)).collect();
        ids.sort_unstable();
        ids
    }

    /// Whether this action's output depends on programs of this machine: it is such programs,
    /// or refers, however far, to one that is.
    pub fn host_tools(&self, id: NodeId) -> bool {
        let mut seen = vec![false; self.len()];
        let mut waiting = vec![id];
        while let Some(next) = waiting.pop() {
            match seen.get_mut(next.0 as usize) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            let action = self.action(next);
            if matches!(action.work, Work::HostFiles(_)) {
                return true;
            }
            waiting.extend(action.inputs.iter().chain(action.optional()));
        }
        false
    }

    /// How many different actions this one refers to, optional ones aside.
    pub fn input_count(&self, id: NodeId) -> usize {
        self.graph
            .neighbors_directed(NodeIndex::new(id.0 as usize), Direction::Incoming)
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lambuild_lang::source::{FileId, Span};

    fn action(inputs: &[u32], work: Work) -> PlannedAction {
        PlannedAction {
            mnemonic: "test",
            subject: String::new(),
            inputs: inputs.iter().map(|input| NodeId(*input)).collect(),
            work,
            span: Span {
                file: FileId(0),
                start: 0,
                end: 0,
            },
        }
    }

    #[test]
    fn host_tools_reach_what_refers_to_them_and_nothing_else() {
        let folder = || Work::HostFolder {
            folder: "/".into(),
            keep: |_| true,
        };
        let mut graph = ActionGraph::default();
        graph.add(action(&[], Work::HostFiles(Vec::new())));
        graph.add(action(&[], folder()));
        graph.add(action(&[0], folder()));
        graph.add(action(&[1], folder()));
        graph.add(action(&[3, 2, 1], folder()));
        let marked: Vec<bool> = graph.ids().map(|id| graph.host_tools(id)).collect();
        assert_eq!(marked, [true, false, true, false, true]);
    }
}
