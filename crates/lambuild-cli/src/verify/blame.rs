//! Which action is the first to differ: one that saw the same and made something else. What only saw
//! something else because of it follows from it, and says nothing of itself.

use lambuild_action::NodeId;
use lambuild_build::Outcome;
use lambuild_graph::ActionGraph;
use std::collections::BTreeSet;

/// What two runs of one graph say of each other.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Blame {
    /// The actions that saw the same and made something else, one for each key.
    pub differs: Vec<NodeId>,
    /// The outputs that are not equal, whoever is to blame.
    pub unequal: BTreeSet<NodeId>,
}

/// Compares two outcomes of a graph.
pub fn blame(graph: &ActionGraph, first: &Outcome, second: &Outcome) -> Blame {
    let mut found = Blame::default();
    let mut keys = BTreeSet::new();
    for id in graph.ids() {
        let (Some(one), Some(two)) = (first.done(id), second.done(id)) else {
            continue;
        };
        if one.out == two.out {
            continue;
        }
        found.unequal.insert(id);
        let saw_another = graph
            .action(id)
            .inputs
            .iter()
            .any(|input| found.unequal.contains(input));
        let is_new = one.key.is_none_or(|key| keys.insert(key));
        if (one.key == two.key || !saw_another) && is_new {
            found.differs.push(id);
        }
    }
    found
}

impl Blame {
    /// The actions to blame for what is wrong with an output: those among all that it was made from.
    pub fn of(&self, graph: &ActionGraph, first: &Outcome, id: NodeId) -> Vec<NodeId> {
        let mut seen = BTreeSet::new();
        let mut waiting = vec![id];
        while let Some(next) = waiting.pop() {
            if seen.insert(next) {
                waiting.extend(&graph.action(next).inputs);
            }
        }
        let key = |id: NodeId| first.done(id).and_then(|done| done.key);
        let keys: BTreeSet<_> = seen.iter().filter_map(|id| key(*id)).collect();
        let is_one = |id: &&NodeId| seen.contains(id) || key(**id).is_some_and(|key| keys.contains(&key));
        self.differs.iter().filter(is_one).copied().collect()
    }
}
