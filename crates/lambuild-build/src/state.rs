//! The states of an action during a run, and which may start next.
//!
//! ```text
//!   Waiting ──all inputs done──▶ Ready ──taken──▶ Running ──▶ Done
//!      │                           │                 └──────▶ Failed
//!      └──── an input failed, or the run stops ──▶ Skipped
//! ```

use lambuild_action::NodeId;
use lambuild_graph::ActionGraph;
use std::collections::BTreeSet;

/// Where an action stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// So many of its inputs are not done yet.
    Waiting(usize),
    /// It may start.
    Ready,
    /// It is looked up or run.
    Running,
    /// Its output is known.
    Done,
    /// It has no output.
    Failed,
    /// It was not tried, since an input failed or the run stopped.
    Skipped,
}

/// The states of all actions.
#[derive(Debug)]
pub struct States {
    of: Vec<State>,
    ready: BTreeSet<NodeId>,
}

impl States {
    /// Before the run.
    pub fn new(graph: &ActionGraph) -> Self {
        let mut states = States {
            of: Vec::with_capacity(graph.len()),
            ready: BTreeSet::new(),
        };
        for id in graph.ids() {
            let inputs = graph.input_count(id);
            states.of.push(if inputs == 0 {
                State::Ready
            } else {
                State::Waiting(inputs)
            });
            if inputs == 0 {
                states.ready.insert(id);
            }
        }
        states
    }

    /// The state of one.
    pub fn get(&self, id: NodeId) -> State {
        self.of[id.0 as usize]
    }

    /// Takes the first that may start.
    pub fn start(&mut self) -> Option<NodeId> {
        let id = self.ready.pop_first()?;
        self.of[id.0 as usize] = State::Running;
        Some(id)
    }

    /// An action's output is known; those that waited only for it become ready.
    pub fn done(&mut self, id: NodeId, graph: &ActionGraph) {
        self.of[id.0 as usize] = State::Done;
        for dependent in graph.dependents(id) {
            if let State::Waiting(inputs) = &mut self.of[dependent.0 as usize] {
                *inputs -= 1;
                if *inputs == 0 {
                    self.of[dependent.0 as usize] = State::Ready;
                    self.ready.insert(dependent);
                }
            }
        }
    }

    /// Actions that run or are done are to be done once more, each after those of them that it refers
    /// to; what has not started waits for them again.
    pub fn again(&mut self, ids: &BTreeSet<NodeId>, graph: &ActionGraph) {
        let was_done = |states: &Self, id: &NodeId| states.get(*id) == State::Done;
        let done: Vec<NodeId> = ids.iter().filter(|id| was_done(self, id)).copied().collect();
        for id in ids {
            self.of[id.0 as usize] = State::Ready;
            self.ready.insert(*id);
        }
        for dependent in done.into_iter().flat_map(|id| graph.dependents(id)) {
            let state = &mut self.of[dependent.0 as usize];
            *state = match *state {
                State::Waiting(inputs) => State::Waiting(inputs + 1),
                State::Ready => State::Waiting(1),
                other => other,
            };
            self.ready.remove(&dependent);
        }
    }

    /// An action has no output; all that refer to it, directly or not, are skipped.
    pub fn failed(&mut self, id: NodeId, graph: &ActionGraph) {
        self.of[id.0 as usize] = State::Failed;
        let mut lost = graph.dependents(id);
        while let Some(dependent) = lost.pop() {
            if self.of[dependent.0 as usize] != State::Skipped {
                self.of[dependent.0 as usize] = State::Skipped;
                self.ready.remove(&dependent);
                lost.extend(graph.dependents(dependent));
            }
        }
    }

    /// An action that was to run was not tried, since the run stops; what refers to it
    /// was skipped by that.
    pub fn skip(&mut self, id: NodeId) {
        self.of[id.0 as usize] = State::Skipped;
    }

    /// Nothing more is started.
    pub fn stop(&mut self) {
        for state in &mut self.of {
            if matches!(state, State::Waiting(_) | State::Ready) {
                *state = State::Skipped;
            }
        }
        self.ready.clear();
    }

    /// How many were not tried.
    pub fn skipped(&self) -> usize {
        self.of.iter().filter(|state| **state == State::Skipped).count()
    }
}
